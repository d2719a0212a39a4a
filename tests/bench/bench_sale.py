"""From the terminal's approval to RemoteStart on the wire: one commit, and hardly longer than the disk needs for it.

200 sales through the real service, journal thread, OCPP server and a pile's socket. The disk's own fdatasync is measured in between, so
that both see the same weather.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bar import Bar

sys.path.insert(0, str(Path(__file__).parent.parent / "session"))

from websockets.asyncio.client import connect
from world import SETUP, A, approval, quote

from hardware.api import Approved, Card
from kiosk.core.clock import SystemClock
from kiosk.core.desk import Desk
from kiosk.core.effects import Effects, Pace
from kiosk.core.engine import Engine
from kiosk.core.ids import KioskIds
from kiosk.core.performers import Performers
from kiosk.core.service import Service
from kiosk.journal.journal import Journal
from kiosk.journal.thread import JournalThread
from kiosk.ocpp.seam import PileSettings, Reply
from kiosk.ocpp.server import OcppServer
from kiosk.payments.api import Submitted
from kiosk.session.inputs import KioskStarted, QuoteAccepted
from kiosk.session.state import Kiosk

SALES = 200
_ONE_START = replace(SETUP, policy=replace(SETUP.policy, most_starts=1))  # what the pile refuses is not tried again
_FRAMES = os.urandom(8_240)  # two WAL frames, as a decision writes


class InstantTerminal:
    """Approves at once and notes when."""

    def __init__(self) -> None:
        self.approved_at = 0.0

    async def preauthorize(self, order):
        self.approved_at = time.perf_counter()
        a = approval(psp=order.reference[-12:])
        return Approved(a.authorized, a.psp_reference, a.tender_reference, Card())


class WillingAcquirer:
    async def cancel(self, order):
        return Submitted(f"X{order.reference[-8:]}")

    capture = cancel_by_reference = adjust = refund = cancel


class NoPress:
    async def job(self, body):
        return b""


class Pile:
    """A pile's socket: plugged in, refuses every start, so that the next sale can come."""

    def __init__(self) -> None:
        self.started_at: asyncio.Queue[float] = asyncio.Queue()

    async def run(self, url: str, ready: asyncio.Event) -> None:
        async with connect(url, subprotocols=["ocpp1.6"]) as socket:
            frame = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}
            await socket.send(json.dumps([2, "s1", "StatusNotification", frame]))
            async for raw in socket:
                message = json.loads(raw)
                if message[0] == 3:
                    ready.set()
                    continue
                if message[2] == "RemoteStartTransaction":
                    self.started_at.put_nowait(time.perf_counter())
                    await socket.send(json.dumps([3, message[1], {"status": "Rejected"}]))
                else:
                    await socket.send(json.dumps([4, message[1], "NotSupported", "", {}]))


async def _measure(folder: Path) -> tuple[list[float], list[float], list[int]]:
    clock = SystemClock.real()
    journal = JournalThread(Journal.open(folder / "journal.db"), serials=("service_id", "transaction"))
    ids = KioskIds("K417", journal, b"bench")
    service = Service(Engine(Kiosk(_ONE_START), ids), journal, clock, Effects(Pace()), lambda _: ())
    terminal = InstantTerminal()
    desk = Desk(terminal, clock, clock, ids, lambda raw: raw)

    async def tell(given):
        await service.tell(given)
        return Reply()

    server = OcppServer([PileSettings("PILE-1", 2)], tell=tell, known_tag=lambda _: True, clock=clock)
    await server.start()
    performers = Performers(desk, WillingAcquirer(), server.piles, None, NoPress())
    await service.tell(KioskStarted())
    running = asyncio.create_task(service.run(performers))
    pile, ready = Pile(), asyncio.Event()
    plugged = asyncio.create_task(pile.run(f"ws://127.0.0.1:{server.port}/PILE-1", ready))
    await ready.wait()
    quiet = asyncio.Event()
    quiet.set()
    service.on_change(lambda batch: None if batch.after.sessions else quiet.set())
    latencies, floors, commits = [], [], []
    with (folder / "floor").open("wb", buffering=0) as floor:
        for _ in range(SALES):
            await quiet.wait()
            quiet.clear()
            began = time.perf_counter()
            floor.write(_FRAMES)
            os.fdatasync(floor.fileno())
            floors.append(time.perf_counter() - began)
            desk.screen_seen()
            groups = journal.groups
            await service.tell(QuoteAccepted(ids.session(), A, quote()))
            started = await pile.started_at.get()
            commits.append(journal.groups - groups - 1)  # one more was the agreement itself
            latencies.append(started - terminal.approved_at)
    running.cancel()
    plugged.cancel()
    await asyncio.gather(running, plugged, return_exceptions=True)
    await server.stop()
    await journal.close()
    return latencies, floors, commits


def bars() -> Iterator[Bar]:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        latencies, floors, commits = asyncio.run(_measure(Path(folder)))
    p99 = statistics.quantiles(floors, n=100)[98]
    p50, worst = statistics.median(latencies), statistics.quantiles(latencies, n=100)[98]
    print(f"approval to RemoteStart: p50 {p50 * 1e3:.2f} ms, p99 {worst * 1e3:.2f} ms; fdatasync p99 {p99 * 1e3:.2f} ms")
    yield Bar("commits between approval and RemoteStart", max(commits), 1, "commits")
    yield Bar("approval to RemoteStart, p50, of 3 x fdatasync p99 + 5 ms", p50 / (3 * p99 + 0.005), 1)
    yield Bar("approval to RemoteStart, p99, of 3 x fdatasync p99 + 5 ms", worst / (3 * p99 + 0.005), 1)


if __name__ == "__main__":
    for bar in bars():
        print(*bar.row(), sep="  ")
