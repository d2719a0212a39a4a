"""Sales the kiosk no longer holds: recalled from the journal exactly as they were, and found by the card that paid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pytest
from core_shelf import Shelf
from world import World

from kiosk.core.archive import Archive
from kiosk.journal.entry import Entry, Stored
from kiosk.journal.journal import Journal
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.evolve import KEPT_CLOSED, fold
from kiosk.session.facts import Fact, SessionFact
from kiosk.session.recall import Recalled, told
from kiosk.session.state import Kiosk
from kiosk.values import Digest, Money, SessionId

MINE, PHONE, YOURS = Digest("keyed-of-my-card"), Digest("keyed-of-my-phone"), Digest("keyed-of-yours")


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with Journal.open(tmp_path / "journal.db", reserve_bytes=0) as journal:
        yield Shelf(journal)


def forgotten(shelf: Shelf) -> None:
    """So many sales later that the kiosk holds none of before."""
    for _ in range(KEPT_CLOSED):
        shelf.pays_with("somebody else's")
        shelf.cancelled()


def test_a_sale_is_recalled_as_it_was_when_it_was_let_go(shelf: Shelf) -> None:
    shelf.w.finish()
    as_it_was = shelf.w.session
    shelf.keep()
    forgotten(shelf)
    assert shelf.w.k.find(as_it_was.id) is None
    assert shelf.archive().sale(as_it_was.id) == as_it_was


def long_sale(w: World, facts: int) -> tuple[SessionId, list[Fact]]:
    """A charge that goes on for days, with a car that pauses often: its stream, and its name."""
    w.deliver()
    session = w.session.id
    stream: list[Fact] = [fact for fact in w.facts if isinstance(fact, SessionFact) and fact.session == session]
    at, begin = w.now, w.session.begin
    assert begin is not None
    for n in range(facts // 4):
        at = at.plus(60)
        reading = replace(begin, utc_ms=at.utc_ms, mwh=begin.mwh + 1_000 * n)
        stream += (f.MeterNoted(at, session, reading), f.DeliveryPaused(at, session, "car"))
        stream += (f.DeliveryResumed(at.plus(5), session, None), f.MeterNoted(at.plus(9), session, reading))
    return session, stream


def test_a_sale_of_many_facts_is_what_they_fold_to_and_takes_no_more_for_each_than_a_short_one() -> None:
    w = World()
    session, stream = long_sale(w, 2_000)
    assert told(w.k.setup, session, stream) == fold(Kiosk(w.k.setup), stream).find(session)
    assert told(w.k.setup, session, stream[:-2]) == fold(Kiosk(w.k.setup), stream[:-2]).find(session)
    assert seconds(24_000) < 16 * seconds(3_000), "eight times the facts"


def seconds(facts: int) -> float:
    """The quickest of a few times, so that whatever else runs on the machine counts little."""
    w = World()
    session, stream = long_sale(w, facts)
    times = []
    for _ in range(3):
        begun = perf_counter()
        told(w.k.setup, session, stream)
        times.append(perf_counter() - begun)
    return min(times)


def test_there_is_no_sale_of_that_name(shelf: Shelf) -> None:
    shelf.w.finish()
    shelf.keep()
    for name in ("", "kiosk", "K417", f"{shelf.w.session.id}0", "K417-'; DROP TABLE entries"):
        assert shelf.archive().sale(SessionId(name)) is None


def test_the_kiosks_own_stream_is_no_sale_and_is_not_read_for_one(shelf: Shelf) -> None:
    class Forbidden:
        def read(self, after: int = 0, stream: str | None = None) -> Iterator[Stored]:
            raise AssertionError("it may be millions of entries long")

        def head(self) -> int:
            return 0

    async def nothing(digest: Digest) -> bytes | None:
        return None

    assert Archive(Forbidden(), shelf.w.k.setup, nothing).sale(SessionId("kiosk")) is None


def test_a_sale_of_a_newer_program_is_not_guessed_at(shelf: Shelf) -> None:
    session = shelf.pays_with(MINE)
    shelf.journal.append([Entry(session, "HoverboardDocked", 1, shelf.w.now, b"{}")])
    assert shelf.archive().sale(session) is None


async def test_an_approval_that_cannot_be_read_hides_no_other(shelf: Shelf) -> None:
    mine = shelf.pays_with(MINE)
    shelf.cancelled()
    shelf.journal.append([Entry(mine, "PaymentAuthorized", 1, shelf.w.now, b"{}")])
    nobody = Kiosk(shelf.w.k.setup)
    assert await shelf.archive().paid_with(nobody, (Digest(MINE),), shelf.w.now.plus(-86_400)) == mine


@pytest.mark.parametrize("held", [True, False])
def test_an_input_brings_its_sale_along_only_when_the_kiosk_lost_it(shelf: Shelf, held: bool) -> None:
    shelf.w.finish()
    sale = shelf.w.session
    shelf.keep()
    if not held:
        forgotten(shelf)
    given = i.RefundAsked(sale.id, Money(100, "EUR"), "Ada", "goodwill", "1")
    assert shelf.archive().with_sale(shelf.w.k, given) == (given if held else Recalled(sale, given))
    stranger = i.RefundAsked(SessionId("K417-UNHEARDOF"), None, "Ada", "goodwill", "1")
    assert shelf.archive().with_sale(shelf.w.k, stranger) == stranger


async def test_the_card_finds_the_newest_sale_it_paid_for(shelf: Shelf) -> None:
    shelf.pays_with(MINE)
    shelf.cancelled()
    newest = shelf.pays_with(MINE)
    shelf.cancelled()
    shelf.pays_with(YOURS)
    archive, long_ago = shelf.archive(), shelf.w.now.plus(-86_400)
    assert await archive.paid_with(shelf.w.k, (MINE,), long_ago) == newest
    assert await archive.paid_with(shelf.w.k, (PHONE, MINE), long_ago) == newest  # one of its names is enough
    assert await archive.paid_with(shelf.w.k, (PHONE,), long_ago) is None
    assert await archive.paid_with(shelf.w.k, (), long_ago) is None


async def test_a_charge_that_runs_comes_before_one_that_is_over(shelf: Shelf) -> None:
    running = shelf.pays_with(MINE)
    shelf.w.now = shelf.w.now.plus(60)
    assert (await shelf.archive().paid_with(shelf.w.k, (MINE,), shelf.w.now.plus(-86_400))) == running


@pytest.mark.parametrize(("days", "found"), [(6, True), (8, False)])
async def test_a_sale_no_longer_held_is_found_for_some_days(shelf: Shelf, days: int, found: bool) -> None:
    session = shelf.pays_with(MINE)
    shelf.cancelled()
    forgotten(shelf)
    now = shelf.w.now.plus(days * 86_400)
    assert await shelf.archive().paid_with(shelf.w.k, (MINE,), now.plus(-7 * 86_400)) == (session if found else None)


async def test_a_card_whose_evidence_was_erased_is_forgotten(shelf: Shelf) -> None:
    shelf.pays_with(MINE)
    payment = shelf.w.session.payment
    assert payment is not None
    assert payment.approval is not None
    assert payment.approval.card.recognition is not None
    shelf.journal.evidence.erase([payment.approval.card.recognition])
    assert await shelf.archive().paid_with(shelf.w.k, (MINE,), shelf.w.now.plus(-86_400)) is None
    assert shelf.journal.verify().sound


async def test_an_approval_nobody_wanted_is_no_sale_to_come_back_to(shelf: Shelf) -> None:
    session = shelf.w.accept()
    shelf.w.give(i.DriverCancelled(session))
    sealed = shelf.journal.evidence.seal(MINE.encode(), None)
    shelf.sealed.append(sealed)
    approval = i.Approval(Money(5_000, "EUR"), "PSP1", "T", i.CardFacts("mc", "4821", recognition=sealed.digest))
    shelf.w.answer("Preauthorize", i.Done(approval))
    shelf.w.answer("Modify", i.Done(i.Accepted("CAN")))
    shelf.keep()
    assert await shelf.archive().paid_with(shelf.w.k, (MINE,), shelf.w.now.plus(-86_400)) is None


@pytest.mark.parametrize("later", [0, 1, 998, 999, 1_000, 1_001, 2_500])
async def test_a_card_is_found_wherever_its_sale_lies(shelf: Shelf, later: int) -> None:
    session = shelf.pays_with(MINE)
    shelf.cancelled()
    forgotten(shelf)
    noise = Entry("kiosk", "Started", 1, shelf.w.now, b"{}")
    if later:
        shelf.journal.append([noise] * later)
    assert await shelf.archive().paid_with(shelf.w.k, (MINE,), shelf.w.now.plus(-86_400)) == session


async def test_what_lies_too_far_back_is_not_looked_for(shelf: Shelf) -> None:
    shelf.pays_with(MINE)
    shelf.cancelled()
    forgotten(shelf)
    shelf.journal.append([Entry("kiosk", "Started", 1, shelf.w.now, b"{}")] * 20_000)
    assert await shelf.archive().paid_with(shelf.w.k, (MINE,), shelf.w.now.plus(-86_400)) is None
