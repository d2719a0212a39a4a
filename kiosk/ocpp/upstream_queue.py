"""What the operator's system has not yet been told, in order, over restarts and days: a cursor that moves only with its answer.

The journal is the queue. Beside the cursor lie, in the same commit, the transactions that run and what was set aside because it was refused
again and again; with `again` that is told once more, from the journal, as if for the first time.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

from kiosk.ocpp.upstream_calls import METER, START, STOP, Call, Plug, Running, charge_of, meter, start, stop
from kiosk.session import facts as f

_log = logging.getLogger(__name__)

_RUNS, _ASIDE, _REMARK = "runs ", "aside ", "remark "
_MOST_REMARKS = 50
_BEGUN = "begun"
_UNKEPT = 500  # entries with nothing to tell, read once more after a restart


class Books(Protocol):
    """The journal, as it is read and written for this."""

    async def head(self) -> int: ...

    async def facts(self, after: int) -> Sequence[tuple[int, f.Fact | None]]:
        """The next entries behind `after`, some hundreds at most, with their facts; None for one that cannot be read. Empty at the end."""
        ...

    async def sale(self, session: str, until: int) -> Sequence[f.Fact]:
        """The facts of one sale up to an entry."""
        ...

    async def position(self) -> int: ...

    async def marks(self) -> Mapping[str, str]: ...

    async def keep(self, position: int | None, marks: Mapping[str, str | None]) -> None:
        """In one commit, durable on return. No `position`: it stays where it is on the disk."""
        ...

    async def waiting(self, after: int) -> tuple[int, int | None]:
        """How many messages lie behind `after`, and when the oldest happened (UTC milliseconds)."""
        ...


@dataclass(frozen=True, slots=True)
class Aside:
    """Messages of one charge, from the entry `first` on, the first of which was refused. `running`: how the charge stood there, None when
    it was its begin."""

    charge: str
    first: int
    action: str
    why: str
    since_ms: int
    running: Running | None = None

    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Aside:
        given = json.loads(text)
        running = given.pop("running")
        return cls(**given, running=None if running is None else Running(**running))


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a charge that the operator should know and that stopped nothing."""

    charge: str
    words: str
    at_ms: int


class Queue:
    """One consumer of the journal. `next` gives the message to send now; exactly one of `taken` and `refused` is told of it."""

    def __init__(self, books: Books, plugs: Sequence[Plug]) -> None:
        self._books = books
        self._plugs = tuple(plugs)
        self._position = 0  # all up to here is told, or nothing to tell
        self._kept = 0  # the same, durably
        self._ahead: deque[tuple[int, f.Fact | None]] = deque()
        self._running: dict[str, Running] = {}
        self._asides: dict[str, Aside] = {}
        self._again: list[str] = []
        self._lane = ""  # the aside that the message of now belongs to
        self.remarks: dict[str, Remark] = {}

    async def begin(self) -> None:
        """Go on from what is on the disk; the first time, with what happens from now on."""
        marks = await self._books.marks()
        for held in (self._ahead, self._running, self._asides, self._again, self.remarks):
            held.clear()
        if _BEGUN not in marks:
            self._kept = self._position = await self._books.head()
            await self._books.keep(self._position, {_BEGUN: "1"})
            return
        self._kept = self._position = await self._books.position()
        for name, text in marks.items():
            if name.startswith(_RUNS):
                self._running[name.removeprefix(_RUNS)] = Running.read(text)
            elif name.startswith(_ASIDE):
                self._asides[name] = Aside.read(text)
            elif name.startswith(_REMARK):
                self.remarks[name] = Remark(**json.loads(text))

    # --- in order -----------------------------------------------------------------------------------------------------------------

    async def next(self) -> Call | None:
        """The message to send now; the same one until it is taken or refused. None while there is nothing to tell."""
        while self._again:
            self._lane = self._again[0]
            if (call := await self._next_aside(self._lane)) is not None:
                return call
            self._again = [other for other in self._again if other != self._lane]
        self._lane = ""
        while True:
            if not self._ahead:
                self._ahead.extend(await self._books.facts(self._position))
                if not self._ahead:
                    if self._position - self._kept >= _UNKEPT:
                        await self._keep(self._position, {})
                    return None
            seq, fact = self._ahead[0]
            if (call := await self._call(seq, fact)) is not None:
                return call
            self._ahead.popleft()
            self._position = seq

    async def _call(self, seq: int, fact: f.Fact | None) -> Call | None:
        charge = charge_of(fact) if fact is not None else None
        if fact is None or charge is None:
            return None
        if isinstance(fact, f.DeliveryStarted | f.OrphanTransactionStarted):
            return await self._start(seq, fact, charge)
        running = self._running.get(charge)
        if running is None:
            return None  # it began before we did, or its begin was set aside
        return _told(seq, fact, running)

    async def _start(self, seq: int, fact: f.DeliveryStarted | f.OrphanTransactionStarted, charge: str) -> Call | None:
        before = await self._books.sale(charge, seq) if isinstance(fact, f.DeliveryStarted) else ()
        call = start(seq, fact, before, self._plugs)
        if call is None:
            await self._remark(charge, "its connector is not in the configuration any more, so it is not told", fact.at.utc_ms, seq)
        return call

    # --- outcomes -----------------------------------------------------------------------------------------------------------------

    async def taken(self, call: Call, transaction: int | None = None, objection: str = "", at_ms: int = 0) -> None:
        """The other side has it. `transaction` is its word for a charge that begins; `objection` what it had against it."""
        after = call.after if transaction is None else replace(call.after, transaction=transaction)
        marks: dict[str, str | None] = {}
        if objection:
            marks |= self._remarked(call.charge, objection, at_ms)
        if self._lane:
            await self._lane_taken(call, after, marks)
            return
        if call.action == STOP:
            self._running.pop(call.charge, None)
            marks[_RUNS + call.charge] = None
        else:
            self._running[call.charge] = after
            marks[_RUNS + call.charge] = after.text()
        self._ahead.popleft()
        await self._keep(call.seq, marks)

    async def refused(self, call: Call, why: str, at_ms: int) -> None:
        """It was refused too often: it is set aside, and what comes behind it is told. A charge without its begin is set aside whole."""
        _log.error("%s of charge %s was refused and is set aside: %s", call.action, call.charge, why)
        left_out = call.action == METER  # the end tells the whole of it
        marks = self._remarked(call.charge, f"{call.action} was refused and is left out: {why}", at_ms) if left_out else {}
        if self._lane:
            name = self._lane
            aside = self._asides.pop(name)
            if not left_out:
                self._again = [other for other in self._again if other != name]
            self._asides[name] = aside = replace(aside, first=call.seq + 1) if left_out else replace(aside, why=why)
            await self._keep(self._position, {**marks, name: aside.text()})
            return
        self._ahead.popleft()
        if not left_out:
            running = None if call.action == START else call.after
            aside = Aside(call.charge, call.seq, call.action, why, at_ms, running)
            name = f"{_ASIDE}{call.seq}"
            self._asides[name] = aside
            self._running.pop(call.charge, None)
            marks = {name: aside.text(), _RUNS + call.charge: None}
        await self._keep(call.seq, marks)

    async def _keep(self, position: int, marks: Mapping[str, str | None]) -> None:
        await self._books.keep(position, marks)
        self._position = self._kept = position

    async def _remark(self, charge: str, words: str, at_ms: int, seq: int) -> None:
        _log.warning("charge %s: %s", charge, words)
        await self._keep(max(seq, self._position), self._remarked(charge, words, at_ms))

    def _remarked(self, charge: str, words: str, at_ms: int) -> dict[str, str | None]:
        """One remark a charge, the newest; of many charges the latest."""
        marks: dict[str, str | None] = {}
        name = _REMARK + charge
        self.remarks.pop(name, None)
        while len(self.remarks) >= _MOST_REMARKS:
            oldest = next(iter(self.remarks))
            del self.remarks[oldest]
            marks[oldest] = None
        remark = self.remarks[name] = Remark(charge, words, at_ms)
        marks[name] = json.dumps(asdict(remark), sort_keys=True)
        return marks

    # --- what was set aside -------------------------------------------------------------------------------------------------------

    @property
    def asides(self) -> tuple[Aside, ...]:
        return tuple(self._asides.values())

    @property
    def tells_aside(self) -> bool:
        """Whether the message of now was set aside before."""
        return self._lane != ""

    def again(self, most: int | None = None) -> None:
        """What was set aside is told once more, before anything else; of it `most`, those that were not tried for longest."""
        self._again = list(self._asides)[:most]

    async def forget_remarks(self) -> None:
        """Somebody has read them. The position is left alone: a message may be on its way onto the disk, or have failed to get there."""
        marks: dict[str, str | None] = dict.fromkeys(self.remarks)
        self.remarks.clear()
        await self._books.keep(None, marks)

    async def _next_aside(self, name: str) -> Call | None:
        """The next message of what was set aside, as far as the journal has been told. None when nothing is left."""
        aside = self._asides[name]
        until, after = self._position, aside.first - 1
        while after < until:
            block = await self._books.facts(after)
            for seq, fact in block:
                if seq > until:
                    break
                if fact is None or charge_of(fact) != aside.charge:
                    continue
                if isinstance(fact, f.DeliveryStarted | f.OrphanTransactionStarted):
                    if (begin := await self._start(seq, fact, aside.charge)) is None:
                        await self._aside_over(name, aside)
                    return begin
                if aside.running is not None:
                    return _told(seq, fact, aside.running)
            if not block:
                break
            after = block[-1][0]
        await self._aside_over(name, aside)
        return None

    async def _lane_taken(self, call: Call, after: Running, marks: dict[str, str | None]) -> None:
        name = self._lane
        aside = replace(self._asides[name], first=call.seq + 1, running=after)
        if call.action == STOP:
            self._again = [other for other in self._again if other != name]
            del self._asides[name]
            marks[name] = None
        else:
            self._asides[name] = aside
            marks[name] = aside.text()
        await self._keep(self._position, marks)

    async def _aside_over(self, name: str, aside: Aside) -> None:
        """All is told as far as the rest is: a charge that still runs goes on among the others."""
        del self._asides[name]
        marks: dict[str, str | None] = {name: None}
        if aside.running is not None:
            self._running[aside.charge] = aside.running
            marks[_RUNS + aside.charge] = aside.running.text()
        await self._keep(self._position, marks)

    # --- what people and the other side ask for -----------------------------------------------------------------------------------

    def charge_with(self, transaction: int) -> str | None:
        """The one running charge that the other side calls so; None for one it gave no name of its own."""
        named = [charge for charge, running in self._running.items() if running.transaction == transaction]
        return named[0] if len(named) == 1 else None

    async def waiting(self) -> tuple[int, int | None]:
        """How many messages are still to be told, and when the oldest happened (UTC milliseconds)."""
        return await self._books.waiting(self._position)


def _told(seq: int, fact: f.Fact, running: Running) -> Call | None:
    if isinstance(fact, f.MeterNoted):
        return meter(seq, fact, running)
    if isinstance(fact, f.DeliveryEnded | f.OrphanTransactionEnded):
        return stop(seq, fact, running)
    return None
