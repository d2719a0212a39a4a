"""`pilepay demo`: everything on one machine. Core and screen are the product's own; terminal, bank, pile, cars and printer are simulated.

With a display a window opens and the bench is a web page beside it; without one, or when asked for, the tour plays by itself.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import uvicorn

from hardware.simulated.bench import Bench, web
from hardware.simulated.far_ends import Bank, BankKeys
from kiosk.core.app import WebServer
from kiosk.core.clock import SystemClock
from kiosk.simulation.house import HAS_READER, House
from kiosk.simulation.relay import Person
from kiosk.simulation.tour import Tour

_FAST = 20
_BENCH_PORT = 8088


def demo(tour: Path | None, *, fast: bool) -> int:
    """Run the demo until it is closed, or the tour to its end. 0 when all went well."""
    logging.getLogger().setLevel(logging.WARNING)
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if tour is None and has_display:
        return asyncio.run(_window(fast))
    folder = (tour or Path(tempfile.mkdtemp(prefix="pilepay-tour-"))).resolve()
    if tour is None:
        sys.stdout.write("There is no display here, so the demo plays a tour, on a clock 20 times faster than yours.\n")
        fast = True
    try:
        (folder / "pages").mkdir(parents=True, exist_ok=True)
        (folder / "core.log").open("a").close()
    except OSError as error:
        sys.stderr.write(f"--tour: {error.filename} cannot be made: {error.strerror}. Name a folder that this user may fill.\n")
        return 2
    return asyncio.run(_tour(folder, fast))


class Mains:
    """The power of a house: what a supervisor, or a technician's hand, does to the kiosk."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def cut(self) -> None:
        """The lights go out for core and screen at once."""
        processes = [self._house.core, *([self._house.screen] if self._house.screen else [])]
        await asyncio.gather(*(process.cut() for process in processes))

    async def back(self) -> None:
        self._house.core.start()
        if self._house.screen is not None:
            self._house.screen.start()

    async def kill(self, process: str) -> None:
        target = {"core": self._house.core, "screen": self._house.screen}.get(process)
        if target is None:
            raise ValueError(f"no process {process!r} here: core or screen")
        await target.kill()

    def state(self) -> Mapping[str, object]:
        processes = {"core": self._house.core, "screen": self._house.screen}
        return {name: "running" if process.pid else "off" for name, process in processes.items() if process is not None}


def _clock(fast: bool) -> SystemClock:
    real = SystemClock.real()
    now = real.now()
    return SystemClock.fast(_FAST, now.mono_ns, now.utc_ms) if fast else real


async def _window(fast: bool) -> int:
    try:
        bench_socket = socket.create_server(("127.0.0.1", _BENCH_PORT))
    except OSError as error:
        sys.stderr.write(f"The bench wants port {_BENCH_PORT}, which somebody has ({error.strerror}): end the other demo first.\n")
        return 1
    with bench_socket, tempfile.TemporaryDirectory(prefix="pilepay-demo-") as folder:
        clock = _clock(fast)
        bank = Bank(BankKeys.fresh("LindenhofDemo"), clock)
        await bank.server.start()
        house = House(Path(folder), clock, bank, settings={**_human_pace(clock), **HAS_READER})
        bank.server.set_webhook_targets(house.webhook_url)
        try:
            await house.start()
            house.start_screen(())
            await _until_closed(house, bank, bench_socket)
        finally:
            await house.stop()
            await bank.server.stop()
    return 0


def _human_pace(clock: SystemClock) -> dict[str, object]:
    """On a faster clock the screen still waits for people as long as it always does."""
    seconds = {"idle_after_seconds": 30, "finished_seconds": 60, "plug_timeout_seconds": 300, "stop_code_lock_seconds": 60}
    seconds |= {"pay_timeout_seconds": 90, "proof_seconds": 120}
    return {f"policies.{name}": value * clock.rate for name, value in seconds.items()} if clock.rate != 1 else {}


async def _until_closed(house: House, bank: Bank, bench_socket: socket.socket) -> None:
    bench = WebServer(uvicorn.Config(web(Bench(house.site, bank, Mains(house), house.roof)), log_level="warning"))
    serving = asyncio.create_task(bench.serve(sockets=[bench_socket]))
    sys.stdout.write(f"The kiosk's screen is in its window. The bench, with car, card and mains: http://127.0.0.1:{_BENCH_PORT}/\n")
    sys.stdout.write(f"While it runs, its journal is {house.journal}\n")
    sys.stdout.write("Ctrl-C ends the demo.\n")
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await asyncio.wait([serving, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
    bench.should_exit = True
    await asyncio.gather(serving, return_exceptions=True)


async def _tour(folder: Path, fast: bool) -> int:
    clock = _clock(fast)
    bank = Bank(BankKeys.fresh("LindenhofDemo"), clock)
    await bank.server.start()
    with tempfile.TemporaryDirectory(prefix="pilepay-") as home:
        house = House(Path(home), clock, bank)
        bank.server.set_webhook_targets(house.webhook_url)
        person = Person(Path(home) / "person.socket", house.socket)
        await house.start()
        await person.start()
        house.start_screen(("--offscreen", "--shots", str(folder / "pages")), socket=Path(home) / "person.socket")
        try:
            right = await Tour(house, Bench(house.site, bank, Mains(house), house.roof), person, clock, folder, sys.stdout).run()
        finally:
            await person.stop()
            await house.stop()
            await bank.server.stop()
            if not sys.exc_info()[0]:
                _keep_logs(house, folder)
    return 0 if right else 1


def _keep_logs(house: House, folder: Path) -> None:
    for name in ("core.log", "screen.log"):
        log = house.folder / name
        if log.exists():
            (folder / name).write_bytes(log.read_bytes())
