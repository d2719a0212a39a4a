"""The pictures of the README, taken from the product itself: `.venv/bin/python docs/pictures/draw.py`.

One sale in the demo's house, on a faster clock: a price by the hour before it, what the screen shows in the middle of it, and what the
printer printed.
"""

from __future__ import annotations

import asyncio
import json
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
_BY_THE_HOUR = (("06:00", "17:00", 0.44), ("17:00", "22:00", 0.59), ("22:00", "06:00", 0.29))  # of plug B: from, to, euros a kWh


def _sell_by_the_hour(tariff: Path) -> None:
    given = json.loads(tariff.read_text())
    given["elements"] = [
        {
            "price_components": [{"type": "ENERGY", "price": price, "vat": 19, "step_size": 1}],
            "restrictions": {"start_time": start, "end_time": end},
        }
        for start, end, price in _BY_THE_HOUR
    ]
    tariff.write_text(json.dumps(given))


async def _sale() -> tuple[Snapshot, Snapshot, bytes]:
    """The page with the price of plug B, that in the middle of a charge at plug A, and the picture of the receipt after it."""
    real = SystemClock.real()
    now = real.now()
    clock = SystemClock.fast(_RATE, now.mono_ns, now.utc_ms)
    bank = Bank(BankKeys.fresh("LindenhofDemo"), clock)
    await bank.server.start()
    with tempfile.TemporaryDirectory(prefix="pilepay-") as home:
        house = House(Path(home), clock, bank, settings={"policies.idle_after_seconds": 3600})
        _sell_by_the_hour(Path(home) / "tariffs" / "ac22.json")
        bank.server.set_webhook_targets(house.webhook_url)
        bench = Bench(house.site, bank, Mains(house))
        person = Person(Path(home) / "person.socket", house.socket)
        await house.start()
        await person.start()
        house.start_screen(("--offscreen",), socket=Path(home) / "person.socket")
        try:
            await person.press("choose", letter="B")
            price = await person.page("price")
            await person.press("back")
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
            return price, charging, bench.receipt(1)
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
    price, charging, receipt = asyncio.run(_sale())
    shoot(price, _SIZE, _HERE / "price.png")
    shoot(charging, _SIZE, _HERE / "charging.png")
    (_HERE / "receipt.png").write_bytes(receipt)
    _lean(_HERE / "price.png", _SIZE[0])
    _lean(_HERE / "charging.png", _SIZE[0])
    _lean(_HERE / "receipt.png", _RECEIPT_WIDTH)


if __name__ == "__main__":
    main()
