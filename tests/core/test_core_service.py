"""The loop on a real journal: nothing is done or shown before it is durable, in order, and a journal that fails ends the service."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from core_bed import HandClock, settle
from world import SETUP, A, B, CountingIds, approval, quote

from kiosk.core.effects import Attempt, Effects, Pace
from kiosk.core.engine import Batch, Engine, fact_of, replay
from kiosk.core.service import Service
from kiosk.journal.entry import JournalError
from kiosk.journal.evidence import Sealed
from kiosk.journal.journal import Journal
from kiosk.journal.thread import JournalThread
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.decide import decide
from kiosk.session.facts import Fact
from kiosk.session.requests import open_requests
from kiosk.session.state import Kiosk, PaymentState
from kiosk.values import RequestRef

Does = Callable[[Attempt], i.Result]


@dataclass
class FarEnds:
    """Performs every attempt at once, or when told to."""

    does: Does = lambda attempt: i.NotSent()
    held: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def perform(self, attempt: Attempt) -> i.Result:
        self.attempts.append(attempt)
        if self.held:
            await self.gate.wait()
        return self.does(attempt)


@dataclass
class Bed:
    """A service over a journal in a folder."""

    service: Service
    thread: JournalThread
    clock: HandClock
    ids: CountingIds
    effects: Effects
    batches: list[Batch] = field(default_factory=list)

    def durable(self) -> list[Fact]:
        with self.thread.reader() as reader:
            return [fact_of(stored) for stored in reader.read()]

    async def until(self, true: Callable[[], bool]) -> None:
        for _ in range(2_000):
            if true():
                return
            await asyncio.sleep(0.001)
        raise AssertionError("it never came true")

    async def opens(self) -> None:
        """The pile reports, so that connector A can be sold."""
        await self.service.tell(i.KioskStarted())
        await self.service.tell(i.PileConnected("PILE-1"))
        for number in (1, 2):
            await self.service.tell(i.ConnectorChanged("PILE-1", number, i.ConnectorStatus.AVAILABLE))

    async def accepts(self) -> None:
        await self.service.tell(i.QuoteAccepted(self.ids.session(), A, quote()))


@asynccontextmanager
async def a_bed(folder: Path, sealed: Callable[[i.Input], tuple[Sealed, ...]] = lambda _: ()) -> AsyncIterator[Bed]:
    journal = Journal.open(folder / "journal.db")
    kiosk, _ = replay(Kiosk(SETUP), journal.read())
    clock, ids, effects = HandClock(), CountingIds(1_000 * journal.head), Effects(Pace())
    effects.restore(open_requests(kiosk), journal.effects.all(), clock.now())
    thread = JournalThread(journal)
    bed = Bed(Service(Engine(kiosk, ids), thread, clock, effects, sealed), thread, clock, ids, effects)
    bed.service.on_change(bed.batches.append)
    try:
        yield bed
    finally:
        await thread.close()


@asynccontextmanager
async def running(bed: Bed, far_ends: FarEnds) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(bed.service.run(far_ends))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_was_told_is_on_the_disk_when_tell_returns(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed:
        batch = await bed.service.tell(i.PileConnected("PILE-1"))
        assert bed.durable() == list(batch.facts)
        assert bed.service.kiosk.online == {"PILE-1"}


async def test_nothing_is_shown_before_it_is_durable(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed:
        telling = asyncio.create_task(bed.service.tell(i.PileConnected("PILE-1")))
        await asyncio.sleep(0)
        assert bed.service.kiosk.online == frozenset()
        assert bed.batches == []
        await telling
        assert [batch.after.online for batch in bed.batches] == [frozenset({"PILE-1"})]


async def test_inputs_that_queue_are_decided_in_order_and_share_commits(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed:
        piles = [f"PILE-{n}" for n in range(200)]
        await asyncio.gather(*(bed.service.tell(i.PileConnected(pile)) for pile in piles))
        assert [fact.pile for fact in bed.durable()] == piles
        assert [fact.pile for batch in bed.batches for fact in batch.facts] == piles
        assert bed.thread.groups < 100


async def test_a_decision_sees_what_is_still_on_its_way_to_the_disk(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed:
        await bed.opens()
        await asyncio.gather(bed.accepts(), bed.accepts())
        assert len(bed.service.kiosk.sessions) == 1


async def test_whoever_needs_the_journal_whole_waits_for_what_is_on_its_way_to_it(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed:
        await bed.opens()
        telling = [asyncio.create_task(bed.accepts()), asyncio.create_task(bed.service.tell(i.PileLost("PILE-1")))]
        await asyncio.sleep(0)
        assert bed.service.engine.head is not bed.service.kiosk
        await bed.service.kept()
        assert bed.service.engine.head is bed.service.kiosk
        assert bed.durable() == [fact for batch in bed.batches for fact in batch.facts]
        await asyncio.gather(*telling)


async def test_the_state_after_a_restart_is_the_state_before_it(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed:
        await bed.opens()
        await bed.accepts()
        before = bed.service.kiosk
    async with a_bed(tmp_path) as bed:
        assert bed.service.kiosk == before


async def test_a_teller_that_is_cancelled_does_not_take_its_news_back(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed:
        telling = asyncio.create_task(bed.service.tell(i.PileConnected("PILE-1")))
        await asyncio.sleep(0)
        telling.cancel()
        await bed.until(lambda: bed.service.kiosk.online == {"PILE-1"})
        assert len(bed.batches) == 1


async def test_what_follows_from_a_cancelled_tellers_news_is_done(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed, running(bed, far_ends := FarEnds()):
        await bed.opens()
        telling = asyncio.create_task(bed.accepts())
        await asyncio.sleep(0)
        telling.cancel()
        await bed.until(lambda: bool(far_ends.attempts))


async def test_an_open_request_is_attempted_and_its_outcome_decided(tmp_path: Path) -> None:
    far_ends = FarEnds(lambda attempt: i.Done(approval()))
    async with a_bed(tmp_path) as bed, running(bed, far_ends):
        await bed.opens()
        await bed.accepts()
        await bed.until(lambda: any(isinstance(x, f.PaymentAuthorized) for x in bed.durable()))
        assert [a.request.kind for a in far_ends.attempts] == ["Preauthorize"]


async def test_between_the_yes_of_the_terminal_and_the_start_at_the_pile_lies_one_commit(tmp_path: Path) -> None:
    commits: list[int] = []

    def does(attempt: Attempt) -> i.Result:
        commits.append(bed.thread.groups)
        return i.Done(approval()) if attempt.request.kind == "Preauthorize" else i.Done(i.Ok())

    async with a_bed(tmp_path) as bed, running(bed, far_ends := FarEnds(does)):
        await bed.opens()
        await bed.service.tell(i.ConnectorChanged("PILE-1", 1, i.ConnectorStatus.PREPARING))
        await bed.accepts()
        await bed.until(lambda: len(commits) == 2)
        assert [a.request.kind for a in far_ends.attempts] == ["Preauthorize", "StartDelivery"]
        assert commits[1] == commits[0] + 1


def _attempts(folder: Path) -> list[tuple[int, str]]:
    with closing(sqlite3.connect(folder / "journal.db")) as db:
        return db.execute("SELECT attempts, last_error FROM effects").fetchall()


async def test_attempts_that_failed_are_kept_and_done_ones_are_not(tmp_path: Path) -> None:
    answers = iter([i.Unknown("", "reset"), i.Refused("refused")])
    async with a_bed(tmp_path) as bed, running(bed, FarEnds(lambda _: next(answers))):
        await bed.opens()
        await bed.accepts()
        await bed.until(lambda: bool(bed.batches) and any(isinstance(x, f.PaymentUnknown) for x in bed.durable()))
        assert _attempts(tmp_path) == [(1, "Unknown: reset")]
        await settle()
        bed.clock.pass_(5)
        await bed.until(lambda: any(isinstance(x, f.PaymentDeclined) for x in bed.durable()))
        assert _attempts(tmp_path) == []


async def test_after_a_restart_a_card_is_not_asked_for_again_but_what_became_of_it_is(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed, running(bed, first := FarEnds(held=True)):
        await bed.opens()
        await bed.accepts()
        await bed.until(lambda: bool(first.attempts))
        assert not first.attempts[0].again
    async with a_bed(tmp_path) as bed:
        await bed.service.tell(i.KioskStarted())
        async with running(bed, second := FarEnds(lambda _: i.Unknown("in_progress"), held=True)):
            await bed.until(lambda: bool(second.attempts))
            assert second.attempts[0].again
            assert second.attempts[0].request == first.attempts[0].request
            (session,) = bed.service.kiosk.sessions.values()
            assert [p.state for p in session.payments.values()] == [PaymentState.UNKNOWN]


async def test_a_deadline_is_met_when_nobody_says_anything(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed, running(bed, FarEnds(lambda _: i.Refused("refused"))):
        await bed.opens()
        await bed.accepts()
        await bed.until(lambda: any(isinstance(x, f.PaymentDeclined) for x in bed.durable()))
        await settle()
        bed.clock.pass_(90)
        await bed.until(lambda: any(isinstance(x, f.SessionClosed) for x in bed.durable()))


async def test_a_service_with_nothing_to_do_rests(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed, running(bed, FarEnds()):
        await bed.opens()
        await settle()
        commits = bed.thread.groups
        for _ in range(10):
            bed.clock.pass_(3_600)
            await settle()
        assert bed.thread.groups == commits


async def test_evidence_goes_to_the_disk_with_the_facts_that_name_it(tmp_path: Path) -> None:
    sealed: list[Sealed] = []
    async with a_bed(tmp_path, lambda given: tuple(sealed) if isinstance(given, i.TxStarted) else ()) as bed:
        await bed.opens()
        sealed.append(bed.thread.seal(b'[2,"1","StartTransaction",{}]', None))
        started = i.TxStarted("PILE-1", 1, "04A1B2", i.Reading(bed.clock.now().utc_ms, 1), sealed[0].digest)
        await bed.service.tell(started)
        assert await bed.thread.evidence(sealed[0].digest) == b'[2,"1","StartTransaction",{}]'


class FullDisk:
    """A journal that takes so many appends and then fails for good."""

    def __init__(self, thread: JournalThread, left: int) -> None:
        self.thread = thread
        self.left = left

    async def append(self, batch: object, **rest: object) -> int:
        self.left -= 1
        if self.left < 0:
            raise JournalError("the disk is full")
        return await self.thread.append(batch, **rest)  # type: ignore[arg-type]


async def test_a_journal_that_fails_ends_the_service_and_acts_on_nothing(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed:
        service = Service(Engine(Kiosk(SETUP), bed.ids), FullDisk(bed.thread, 4), bed.clock, Effects(Pace()), lambda _: ())
        bed.service = service
        async with running(bed, far_ends := FarEnds()) as run:
            await bed.opens()
            with pytest.raises(JournalError, match="full"):
                await bed.accepts()
            with pytest.raises(ExceptionGroup) as caught:
                await run
            assert caught.group_contains(JournalError, match="full")
            assert far_ends.attempts == []
            assert service.kiosk.sessions == {}


async def test_a_performer_with_a_bug_ends_the_service_instead_of_hiding(tmp_path: Path) -> None:
    def does(_: Attempt) -> i.Result:
        raise ZeroDivisionError

    async with a_bed(tmp_path) as bed, running(bed, FarEnds(does)) as run:
        await bed.opens()
        await bed.accepts()
        with pytest.raises(ExceptionGroup) as caught:
            await run
        assert caught.group_contains(ZeroDivisionError)


async def test_ending_cancels_what_is_under_way(tmp_path: Path) -> None:
    async with a_bed(tmp_path) as bed:
        far_ends = FarEnds(held=True)
        async with running(bed, far_ends):
            await bed.opens()
            await bed.accepts()
            await bed.until(lambda: bool(far_ends.attempts))
        assert not [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]


def test_an_engine_decides_ahead_and_shows_only_what_is_durable() -> None:
    ids = CountingIds()
    engine = Engine(Kiosk(SETUP), ids)
    at = HandClock().now()
    first = engine.take(i.PileConnected("PILE-1"), at)
    second = engine.take(i.PileLost("PILE-1"), at)
    assert engine.k.online == frozenset()
    engine.commit(first)
    assert engine.k.online == {"PILE-1"}
    engine.commit(second)
    assert engine.k == engine.head
    assert [e.kind for b in (first, second) for e in b.entries] == ["PileOnline", "PileOffline"]


def test_an_engine_decides_as_the_sales_do() -> None:
    at = HandClock().now()
    given = i.ConnectorChanged("PILE-1", 2, i.ConnectorStatus.FAULTED, "GroundFailure")
    assert Engine(Kiosk(SETUP), CountingIds()).take(given, at).facts == decide(Kiosk(SETUP), given, at, CountingIds())
    assert B in Engine(Kiosk(SETUP), CountingIds()).take(given, at).after.connectors
    assert RequestRef("x") == "x"
