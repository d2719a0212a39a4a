"""How long a kiosk with a long history takes to come back: `python tests/journal/journal_million.py [ROWS] [FOLDER]`.

Makes a journal of so many rows (a million, if nothing is said) of real sales and one that is still open, and starts the real core on it
with its far ends simulated: once without a kept state, once more after a kill -9, once more after an orderly end. Printed are the seconds
from the start of the process to the first picture and to the acquirer hearing of the open capture, and what the proof in the background
took. After the kill the supervisor's pause, a fifth of a second, is counted too. Fails when a start with a kept state misses 10 s and 2 s.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter

sys.path.extend(str(Path(__file__).parent.parent / room) for room in ("e2e", "journal", "session"))

from driver import Driver
from many_sales import grow
from stand import until

from hardware.simulated.far_ends import Bank, BankKeys
from kiosk.core.clock import SystemClock
from kiosk.journal.journal import Journal
from kiosk.simulation.house import House

SCREEN_S, RECOVERY_S = 10.0, 2.0
_PATIENCE_S = 600


class SilentAcquirer:
    """Takes every request and answers none, so that a capture stays open from one start to the next."""

    def __init__(self) -> None:
        self.heard: list[float] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._listen, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readline()
        if b"/captures" in request:
            self.heard.append(perf_counter())
        await reader.read()
        writer.close()

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()


class Stopwatch:
    def __init__(self, house: House, acquirer: SilentAcquirer) -> None:
        self._house = house
        self._acquirer = acquirer
        self.failed = False

    async def start(self, what: str, start: Callable[[], Awaitable[None]], *, judged: bool) -> None:
        """Start core and say how long it took to the picture and to the capture."""
        self._acquirer.heard.clear()
        began = perf_counter()
        await start()
        seen, heard = await asyncio.gather(self._seen(), until(lambda: self._acquirer.heard, "the capture", _PATIENCE_S))
        screen, recovery = seen - began, heard[0] - began
        print(f"{what:<28} first picture {screen:6.2f} s   open capture sent {recovery:6.2f} s", flush=True)
        if judged and (screen > SCREEN_S or recovery > RECOVERY_S):
            print(f"  too slow: {SCREEN_S} s and {RECOVERY_S} s are promised")
            self.failed = True

    async def _seen(self) -> float:
        driver = await Driver.sit_down(self._house.socket, _PATIENCE_S)
        await until(lambda: driver.snapshot, "a picture", _PATIENCE_S)
        seen = perf_counter()
        await driver.leave()
        return seen


async def measure(folder: Path, rows: int) -> bool:
    clock = SystemClock.real()
    bank, acquirer = Bank(BankKeys.fresh("LindenhofDemo"), clock), SilentAcquirer()
    await bank.server.start()
    house = House(folder, clock, bank, "K417", {"acquirer.base_url": f'"{await acquirer.start()}"'})
    log = folder / "core.log"
    house.journal.parent.mkdir(mode=0o750, exist_ok=True)
    began = perf_counter()
    with Journal.open(house.journal) as journal:
        sales = grow(journal, rows)
        print(f"{journal.head} rows, {sales} sales, made in {perf_counter() - began:.1f} s", flush=True)
    watch = Stopwatch(house, acquirer)
    await watch.start("nothing kept", house.start, judged=False)
    await until(house.journal.with_suffix(".fold").exists, "the kept state", _PATIENCE_S)
    await house.core.cut()
    await watch.start("kept, after kill -9", lambda: begin(house), judged=True)
    await house.core.stop()
    house.core = type(house.core)("core", house._core_arguments(), log)
    await watch.start("kept, after an orderly end", lambda: begin(house), judged=True)
    began = perf_counter()
    await until(lambda: "of the journal verify" in log.read_text(), "the proof", _PATIENCE_S)
    print(f"proved {perf_counter() - began:.1f} s after that, of which 30 s were waited", flush=True)
    await house.stop()
    await acquirer.stop()
    await bank.server.stop()
    return not watch.failed


async def begin(house: House) -> None:
    house.core.start()


def main(words: list[str]) -> int:
    rows = int(words[0]) if words else 1_000_000
    with tempfile.TemporaryDirectory(dir=words[1] if words[1:] else None) as folder:
        return 0 if asyncio.run(measure(Path(folder), rows)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
