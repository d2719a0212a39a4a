"""The pictures of the README, taken from the product itself: `.venv/bin/python docs/pictures/draw.py`.

One sale in the demo's house, on a faster clock: what the screen shows in the middle of it, and what the printer printed.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from PIL import Image

from hardware.simulated.bench import Bench
from hardware.simulated.far_ends import Bank, BankKeys
from kiosk.core.clock import SystemClock
from kiosk.protocol import Snapshot
from kiosk.screen.stage import shoot
from kiosk.simulation.demo import Mains
from kiosk.simulation.house import House
from kiosk.simulation.relay import Person

_HERE = Path(__file__).parent
_RATE = 30
_CHARGE_S = 17 * 60
_SIZE = (1280, 800)
_RECEIPT_WIDTH = 576


async def _sale() -> tuple[Snapshot, bytes]:
    """The page in the middle of a charge, and the picture of the receipt after it."""
    real = SystemClock.real()
    now = real.now()
    clock = SystemClock.fast(_RATE, now.mono_ns, now.utc_ms)
    bank = Bank(BankKeys.fresh("LindenhofDemo"), clock)
    await bank.server.start()
    with tempfile.TemporaryDirectory(prefix="pilepay-") as home:
        house = House(Path(home), clock, bank, settings={"policies.idle_after_seconds": 3600})
        bank.server.set_webhook_targets(house.webhook_url)
        bench = Bench(house.site, bank, Mains(house))
        person = Person(Path(home) / "person.socket", house.socket)
        await house.start()
        await person.start()
        house.start_screen(("--offscreen",), socket=Path(home) / "person.socket")
        try:
            await person.press("choose", letter="A")
            await person.press("accept")
            await person.page("pay")
            while bench.state()["terminal"] != "present_card":
                await real.sleep(0.05)
            await bench.verbs["card"](kind="good")
            await person.page("plug_in")
            await bench.verbs["plug"](connector=1, capacity_kwh=77, soc_percent=38)
            await person.page("charging")
            await clock.sleep(_CHARGE_S)
            charging = await person.page("charging")
            await bench.verbs["unplug"](connector=1)
            while not bench.state()["printer"]["receipts"]:
                await real.sleep(0.05)
            return charging, bench.receipt(1)
        finally:
            await person.stop()
            await house.stop()
            await bank.server.stop()


def _lean(path: Path, width: int) -> None:
    """Few colours and `width` pixels: small enough for a page."""
    image = Image.open(path).convert("RGB")
    image = image.resize((width, image.height * width // image.width), Image.Resampling.LANCZOS)
    image.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    charging, receipt = asyncio.run(_sale())
    shoot(charging, _SIZE, _HERE / "charging.png")
    (_HERE / "receipt.png").write_bytes(receipt)
    _lean(_HERE / "charging.png", _SIZE[0])
    _lean(_HERE / "receipt.png", _RECEIPT_WIDTH)


if __name__ == "__main__":
    main()
