"""The queue under everything at once: charges that interleave, answers that are lost, refusals, restarts, and somebody who wants it again.

The other side books each message id once, as OCPP lets it; whatever happens, its books must come to show every charge once, in order.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from kiosk.metering.reading import Delivered, Reading, Verdict
from kiosk.ocpp.upstream_calls import METER, START, STOP, Call, Plug
from kiosk.ocpp.upstream_queue import Queue
from kiosk.session import facts as f
from kiosk.values import ConnectorId, Moment, SessionId

BEGIN = Moment(1_790_000_000_000, "b", 0)
PLUGS = tuple(Plug(ConnectorId(f"DE*LND*E1*{n}"), "P", n, n) for n in (1, 2, 3))


@dataclass
class Disk:
    """A journal in memory, in blocks of four entries."""

    facts_: list[f.Fact] = field(default_factory=list)
    at: int = 0
    remembered: dict[str, str] = field(default_factory=dict)
    full: bool = False

    async def head(self) -> int:
        return len(self.facts_)

    async def facts(self, after: int) -> Sequence[tuple[int, f.Fact | None]]:
        return [(n, self.facts_[n - 1]) for n in range(after + 1, min(after + 4, len(self.facts_) + 1))]

    async def sale(self, session: str, until: int) -> Sequence[f.Fact]:
        return [fact for fact in self.facts_[:until] if isinstance(fact, f.SessionFact) and fact.session == session]

    async def position(self) -> int:
        return self.at

    async def marks(self) -> Mapping[str, str]:
        return dict(self.remembered)

    async def keep(self, position: int | None, marks: Mapping[str, str | None]) -> None:
        if self.full:
            raise OSError("no room")
        if position is not None:
            assert self.at <= position <= len(self.facts_)
            self.at = position
        for name, value in marks.items():
            self.remembered.pop(name, None)
            if value is not None:
                self.remembered[name] = value

    async def waiting(self, after: int) -> tuple[int, int | None]:
        return len(self.facts_) - after, None


@dataclass
class Kiosk:
    """What happens at three plugs."""

    chance: random.Random
    disk: Disk
    now: Moment = BEGIN
    running: dict[int, tuple[SessionId, int]] = field(default_factory=dict)
    charges: list[SessionId] = field(default_factory=list)
    register: int = 0

    def happens(self) -> None:
        self.now = self.now.plus(1)
        n = self.chance.randint(1, 3)
        if n not in self.running:
            session = SessionId(f"s{len(self.charges)}")
            self.charges.append(session)
            self.running[n] = session, self.register
            self.disk.facts_ += [
                f.SessionOpened(self.now, session, PLUGS[n - 1].connector),
                f.DeliveryStarted(self.now, session, len(self.charges), self.reading(), None, False),
            ]
        elif self.chance.random() < 0.6:
            self.register += 1_000
            self.disk.facts_.append(f.MeterNoted(self.now, self.running[n][0], self.reading()))
        else:
            self.ends(n)

    def ends(self, n: int) -> None:
        self.register += 1_000
        session, begin = self.running.pop(n)
        end = self.reading()
        delivered = Delivered(end.mwh - begin, Reading(end.utc_ms, begin), end, Verdict.VALID)
        self.disk.facts_ += [f.DeliveryEnded(self.now, session, "Local", delivered, None, None), f.SessionClosed(self.now, session)]

    def reading(self) -> Reading:
        return Reading(self.now.utc_ms, self.register)


@dataclass
class Other:
    """The other side's books: what was said of each charge, in order; `names` what it called them."""

    said: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    heard: set[str] = field(default_factory=set)

    def hears(self, call: Call) -> int | None:
        if call.id not in self.heard:
            self.heard.add(call.id)
            self.said.setdefault(call.charge, []).append((call.action, call.seq))
            if call.action == START:
                self.names[call.charge] = 1_000 + len(self.names)
            else:
                assert call.payload["transactionId"] == self.names[call.charge]
        return self.names[call.charge] if call.action == START else None


@pytest.mark.parametrize("seed", range(150))
async def test_whatever_happens_every_charge_comes_to_be_told_once_and_in_order(seed: int) -> None:
    chance = random.Random(seed)
    disk, other = Disk(), Other()
    kiosk = Kiosk(chance, disk)
    queue = Queue(disk, PLUGS)
    await queue.begin()
    left_out: set[int] = set()
    for step in range(250):
        fate = chance.random()
        if step < 200 and fate < 0.35:
            kiosk.happens()
            continue
        if fate < 0.42:
            queue = Queue(disk, PLUGS)  # the power went
            await queue.begin()
        elif fate < 0.45:
            queue.again(chance.choice([None, 1, 2]))
        if (call := await queue.next()) is None:
            continue
        assert await queue.next() == call
        how = chance.choices(("taken", "lost", "refused"), (8, 2, 2))[0]
        if how == "refused" and call.id not in other.heard:  # what it took once it takes again
            left_out |= {call.seq} if call.action == METER else set()
            await queue.refused(call, "no", 0)
        elif how == "lost":
            other.hears(call)
        else:
            await queue.taken(call, other.hears(call))
    for n in list(kiosk.running):
        kiosk.ends(n)
    for _ in range(3):  # and once all is well
        queue.again()
        while (call := await queue.next()) is not None:
            await queue.taken(call, other.hears(call))
    assert (queue.asides, await queue.next()) == ((), None)
    assert not [name for name in disk.remembered if name.startswith(("runs ", "aside "))]
    assert other.said.keys() == set(kiosk.charges)
    for charge, said in other.said.items():
        noted = {n for n, fact in enumerate(disk.facts_, 1) if isinstance(fact, f.MeterNoted) and fact.session == charge}
        told_well(said, noted - left_out)


def told_well(said: list[tuple[str, int]], values: set[int]) -> None:
    """In order, each once, from the begin to the end, with all its values."""
    seqs = [seq for _, seq in said]
    assert seqs == sorted(set(seqs))
    assert [action for action, _ in said if action != METER] == [START, STOP]
    assert (said[0][0], said[-1][0]) == (START, STOP)
    assert {seq for action, seq in said if action == METER} == values


async def test_what_was_set_aside_of_a_connector_that_is_gone_is_remarked_once_and_forgotten() -> None:
    disk = Disk()
    kiosk = Kiosk(random.Random(1), disk)
    queue = Queue(disk, PLUGS)
    await queue.begin()
    kiosk.happens()
    (gone,) = kiosk.running
    kiosk.ends(gone)
    call = await queue.next()
    assert call is not None
    await queue.refused(call, "no", 0)
    assert await queue.next() is None
    for _ in range(2):  # the installer took it out of the configuration
        queue = Queue(disk, [plug for plug in PLUGS if plug.number != gone])
        await queue.begin()
        queue.again()
        assert await queue.next() is None
        assert queue.asides == ()
        assert [remark.charge for remark in queue.remarks.values()] == [call.charge]


async def test_remarks_that_are_read_while_the_disk_refuses_a_begin_do_not_leave_its_charge_behind() -> None:
    disk = Disk()
    kiosk = Kiosk(random.Random(1), disk)
    queue = Queue(disk, PLUGS)
    await queue.begin()
    kiosk.happens()
    call = await queue.next()
    assert call is not None
    disk.full = True
    with pytest.raises(OSError, match="no room"):
        await queue.taken(call, 7001)
    disk.full = False
    await queue.forget_remarks()
    await queue.begin()
    assert await queue.next() == call
