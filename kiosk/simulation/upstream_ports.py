"""What the product's queue and teller stand on in the simulated world: a line that waits in its time, and its journal."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from hardware.api import AnswerLost, NotSent
from kiosk.core.upstream import BEFORE
from kiosk.journal.entry import Seq
from kiosk.journal.journal import Journal
from kiosk.journal.state import Mark, Write
from kiosk.ocpp.dialects.dialect import CallRefused
from kiosk.ocpp.frames import Payload
from kiosk.ocpp.upstream_calls import KINDS
from kiosk.ocpp.upstream_teller import conforming
from kiosk.session import facts as f
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork, MachineClock
from kiosk.simulation.coroutines import Crew, Waiting
from kiosk.simulation.medium import Medium
from kiosk.simulation.wires.csms import CsmsWire
from kiosk.values import Moment

_BLOCK = 64
_PATIENCE_MS = 30_000
_SLOW_READS = 0.05
_ANSWERED = "answered, not kept"


class Failed(Exception):
    """The station cannot go on; what it had not kept is lost."""


class Standing(Protocol):
    """How it stands with a station: `step` is what it does now, `restless` that something may be left to tell."""

    step: str
    restless: bool

    @property
    def held(self) -> bool: ...

    @property
    def has_asides(self) -> bool: ...

    @property
    def writable(self) -> bool: ...

    def fails(self, step: str) -> None:
        """Raises `Failed` now and then."""
        ...

    def disk_ms(self) -> int: ...

    def no_room(self) -> None: ...


class Line:
    """One connection (`kiosk.ocpp.upstream_teller.Line`)."""

    def __init__(self, station: Standing, crew: Crew, time: Clockwork, clock: MachineClock, wire: CsmsWire) -> None:
        self.carries = True
        self.over = False
        self.answered_at: Moment | None = None
        self._station = station
        self._crew = crew
        self._time = time
        self._clock = clock
        self._wire = wire
        self._asked: Waiting[Payload | str] | None = None
        self._resting: Waiting[None] | None = None
        self._pausing: Waiting[None] | None = None
        self._new = False

    async def ask(self, action: str, payload: Payload, name: str = "") -> Payload:
        conforming(action, payload)
        if self.over:
            raise NotSent("not connected")
        station = self._station
        if name:
            station.step = action
            station.fails("before a message")
        waiting: Waiting[Payload | str] = Waiting(self._time)
        self._asked = waiting
        lost = AnswerLost(f"the operator's system did not answer {action}")
        patience = self._time.after(_PATIENCE_MS, lambda: waiting.fail(lost))
        self._wire.send(self, name or f"boot.{self._time.now}", action, payload, waiting)
        try:
            answer = await waiting
        finally:
            patience.cancel()
        if isinstance(answer, str):
            raise CallRefused(answer, "not today")
        self.answered_at = self._clock.now()
        if name:
            station.step = _ANSWERED
            station.fails(_ANSWERED)
        return answer

    def heed(self) -> None:
        self._new = False

    async def news(self, seconds: float) -> None:
        """Without a limit where nothing was set aside: what the product then looks for in vain is not played."""
        station = self._station
        if self._new or self.over:
            return
        station.step = "idle"
        waits_for_time = station.held or station.has_asides
        station.restless = station.held
        waiting: Waiting[None] = Waiting(self._time)
        self._resting = waiting
        planned = self._time.after(round(seconds * 1_000), waiting.wake) if waits_for_time else None
        await waiting
        if planned is not None:
            planned.cancel()
        station.restless = True

    async def pause(self, seconds: float) -> None:
        if self.over:
            return
        self._station.step = "before it is sent again"
        waiting: Waiting[None] = Waiting(self._time)
        self._pausing = waiting
        planned = self._time.after(round(seconds * 1_000), waiting.wake)
        await waiting
        planned.cancel()

    def look(self) -> None:
        self._new = True
        if self._resting is not None:
            self._resting.wake()

    def hurry(self) -> None:
        if self._pausing is not None:
            self._pausing.wake()
        self.look()

    def ended(self) -> None:
        """The connection is over, and the kiosk knows."""
        self.carries, self.over = False, True
        if self._asked is not None:
            self._asked.fail(AnswerLost("the operator's system disconnected before it answered"))
        self.hurry()

    def abandon(self) -> None:
        """The kiosk's process is gone; what it had sent still arrives."""
        self.over = True
        self._time.after(150, self._silenced)

    def _silenced(self) -> None:
        self.carries = False


class JournalBooks:
    """`kiosk.ocpp.upstream_queue.Books` on a simulated journal. What is to be kept is on the disk a moment later, in the calls' order."""

    _CONSUMER = "upstream"

    def __init__(self, station: Standing, crew: Crew, time: Clockwork, journal: Journal, medium: Medium, chance: Chance) -> None:
        self._station = station
        self._crew = crew
        self._time = time
        self._journal = journal
        self._medium = medium
        self._chance = chance
        self._reader = journal.reader()
        self._pending: list[tuple[Write, Waiting[None]]] = []
        self._waits = True

    def at_once(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What comes before anything else happens, or after."""
        self._waits = False
        try:
            work.send(None)
        except StopIteration as over:
            return over.value
        finally:
            self._waits = True
        raise AssertionError("it was not to wait for anything")

    async def head(self) -> int:
        return self._journal.head

    async def position(self) -> int:
        return self._journal.cursor(self._CONSUMER).get()

    async def marks(self) -> Mapping[str, str]:
        return self._journal.marks(self._CONSUMER)

    async def facts(self, after: int) -> Sequence[tuple[int, f.Fact | None]]:
        if self._waits and self._chance.strikes(_SLOW_READS):
            await self._crew.sleep(self._chance.randint(1, 20))
        block = islice(self._reader.read(after, chunk=_BLOCK), _BLOCK)
        return [(stored.seq, self._medium.fact_of(stored) if stored.kind in KINDS else None) for stored in block]

    async def sale(self, session: str, until: int) -> Sequence[f.Fact]:
        own = self._reader.read(stream=session)
        return [self._medium.fact_of(stored) for stored in own if stored.seq <= until and stored.kind in BEFORE]

    async def waiting(self, after: int) -> tuple[int, int | None]:
        return self._reader.waiting(after, KINDS)

    async def keep(self, position: int | None, marks: Mapping[str, str | None]) -> None:
        changes = tuple(Mark(self._CONSUMER, name, value) for name, value in marks.items())
        write = Write(positions={} if position is None else {self._CONSUMER: Seq(position)}, marks=changes)
        if not self._waits:
            self._journal.commit((write,))
            return
        if not self._pending:
            self._time.after(self._station.disk_ms(), self._flush)
        waiting: Waiting[None] = Waiting(self._time)
        self._pending.append((write, waiting))
        await waiting
        if self._station.step == _ANSWERED:
            self._station.step = "kept"
            self._station.fails("kept")

    def _flush(self) -> None:
        if not self._crew.alive:
            return
        pending, self._pending = self._pending, []
        if not self._station.writable or self._journal.failed:
            self._station.no_room()
            for _, waiting in pending:
                waiting.fail(Failed())
            return
        self._journal.commit([write for write, _ in pending])
        for _, waiting in pending:
            waiting.wake()
