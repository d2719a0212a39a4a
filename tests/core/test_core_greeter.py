"""A card held to the terminal is told whose charge it is: once, to the visit that asked, and to nobody who has left."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from core_bed import settle
from core_shelf import Shelf
from world import A, B

from kiosk.core.desk import Away, NoCard, Recognition, Seen, Unrecognisable
from kiosk.core.greeter import Greeter
from kiosk.core.pages.view import given_back
from kiosk.journal.journal import Journal
from kiosk.session import inputs as i
from kiosk.session.evolve import KEPT_CLOSED
from kiosk.session.inputs import Input
from kiosk.session.visit import CardShown, Visit, fresh
from kiosk.values import Digest, Moment, Money

MINE = Digest("keyed-of-my-card")


@dataclass
class Desk:
    """Somebody, or nobody, holds a card to it when `shows` says."""

    shows: Recognition = field(default_factory=lambda: Seen((MINE,)))
    asked: list[str] = field(default_factory=list)
    left: int = 0
    gate: asyncio.Event | None = None
    broken: Exception | None = None

    async def identify(self, language: str) -> Recognition:
        self.asked.append(language)
        if self.gate is not None:
            await self.gate.wait()
        if self.broken is not None:
            raise self.broken
        return self.shows

    async def leave(self) -> None:
        self.left += 1


@dataclass
class Counter:
    visit: Visit
    told: list[tuple[CardShown, int]] = field(default_factory=list)

    async def shown_card(self, given: CardShown, visit: int) -> None:
        self.told.append((given, visit))


@dataclass
class Now:
    shelf: Shelf

    def now(self) -> Moment:
        return self.shelf.w.now


@dataclass
class Bed:
    shelf: Shelf
    desk: Desk = field(default_factory=Desk)
    inputs: list[Input] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counter = Counter(replace(fresh(7, "de", self.shelf.w.now), overlay="card", found="looking"))
        w = self.shelf.w
        self.greeter = Greeter(self.desk, self.shelf.archive(), Now(self.shelf), self.counter, lambda: w.k, self._tell)

    async def _tell(self, given: Input) -> None:
        self.inputs.append(given)

    async def told(self) -> CardShown:
        """What one card comes to."""
        await self.greeter.ask()
        ((shown, visit),) = self.counter.told
        assert visit == 7
        return shown


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with Journal.open(tmp_path / "journal.db", reserve_bytes=0) as journal:
        yield Shelf(journal)


async def test_the_card_that_paid_opens_its_sale(shelf: Shelf) -> None:
    session = shelf.pays_with(MINE)
    bed = Bed(shelf)
    assert await bed.told() == CardShown(session)
    assert bed.desk.asked == ["de"]
    assert bed.inputs == []


@pytest.mark.parametrize("first", [True, False])
async def test_a_card_that_pays_for_two_charges_opens_the_one_its_driver_asked_about(shelf: Shelf, first: bool) -> None:
    sales = []
    for connector in (A, B):
        sales.append(shelf.pays_with(MINE, connector))
        shelf.w.skip(60)
    asked = sales[0] if first else sales[1]
    bed = Bed(shelf)
    bed.counter.visit = replace(bed.counter.visit, session=asked)
    assert await bed.told() == CardShown(asked)


async def test_a_card_that_pays_for_another_charge_than_the_one_asked_about_opens_its_own(shelf: Shelf) -> None:
    mine = shelf.pays_with(MINE, A)
    bed = Bed(shelf)
    bed.counter.visit = replace(bed.counter.visit, session=shelf.pays_with("keyed-of-yours", B))
    assert await bed.told() == CardShown(mine)


async def test_another_card_opens_nothing(shelf: Shelf) -> None:
    shelf.pays_with("keyed-of-yours")
    assert await Bed(shelf).told() == CardShown(None)


@pytest.mark.parametrize(
    ("shows", "word"),
    [(Unrecognisable(), "unreadable"), (NoCard("no_card"), "nothing"), (NoCard("cancelled"), "nothing"), (Away("no route"), "away")],
)
async def test_what_no_card_can_tell_is_said_in_a_word(shelf: Shelf, shows: Recognition, word: str) -> None:
    shelf.pays_with(MINE)
    assert await Bed(shelf, Desk(shows)).told() == CardShown(None, word)


async def test_the_receipt_of_a_sale_no_longer_held_is_printed_again(shelf: Shelf) -> None:
    session = shelf.pays_with(MINE)
    shelf.cancelled()
    for _ in range(KEPT_CLOSED):
        shelf.pays_with("somebody else's")
        shelf.cancelled()
    bed = Bed(shelf)
    assert await bed.told() == CardShown(None, "printing")
    assert bed.inputs == [i.ReprintAsked(session)]


async def test_a_sale_that_was_paid_back_comes_with_what_went_back(shelf: Shelf) -> None:
    session = shelf.pays_with(MINE)
    w = shelf.w
    w.status(1, i.ConnectorStatus.PREPARING)
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    w.wait(1_800)
    assert w.session.transaction is not None
    w.end(w.session.transaction, 110)
    w.settle()
    for order, cents in (("1", 100), ("2", 50)):
        w.give(i.RefundAsked(session, Money(cents, "EUR"), "Ada", "goodwill", order))
        w.answer("Modify", i.Done(i.Accepted(f"REF-{order}")))
    shelf.keep()
    assert given_back(w.session) == Money(150, "EUR")
    for _ in range(KEPT_CLOSED):
        shelf.pays_with("somebody else's")
        shelf.cancelled()
    bed = Bed(shelf)
    assert await bed.told() == CardShown(None, "refunded")
    assert bed.inputs == [i.ReprintAsked(session)]
    assert bed.greeter.given_back == Money(150, "EUR")


async def test_a_visit_that_waits_is_asked_for_once_however_often_it_is_looked_at(shelf: Shelf) -> None:
    bed = Bed(shelf, Desk(gate=asyncio.Event()))
    assert bed.greeter.wanted
    asking = [asyncio.create_task(bed.greeter.ask()) for _ in range(3)]  # before any of them has begun
    await settle()
    assert not bed.greeter.wanted
    assert len(bed.desk.asked) == 1
    assert bed.desk.gate is not None
    bed.desk.gate.set()
    await asyncio.gather(*asking)
    assert len(bed.counter.told) == 1


async def test_a_driver_who_goes_on_to_something_else_lets_the_terminal_go(shelf: Shelf) -> None:
    bed = Bed(shelf, Desk(NoCard("aborted"), gate=asyncio.Event()))
    asking = asyncio.create_task(bed.greeter.ask())
    await settle()
    assert not bed.greeter.unwanted
    bed.counter.visit = replace(bed.counter.visit, overlay="", found="")
    assert bed.greeter.unwanted
    await bed.greeter.leave()
    assert bed.desk.left == 1
    bed.counter.visit = replace(bed.counter.visit, overlay="card", found="looking")  # and is back before the terminal has let go
    assert bed.desk.gate is not None
    bed.desk.gate.set()
    await asking
    assert bed.counter.told == []
    assert bed.greeter.wanted  # it is asked anew
    assert not bed.greeter.unwanted


async def test_nobody_is_asked_when_nobody_waits(shelf: Shelf) -> None:
    bed = Bed(shelf)
    for overlay, found in (("", ""), ("card", "nothing"), ("code", ""), ("help", "")):
        bed.counter.visit = replace(bed.counter.visit, overlay=overlay, found=found)
        assert not bed.greeter.wanted
        await bed.greeter.ask()
    assert (bed.desk.asked, bed.counter.told) == ([], [])


async def test_a_desk_that_breaks_is_heard_of_and_the_next_card_is_asked_for(shelf: Shelf) -> None:
    bed = Bed(shelf, Desk(broken=RuntimeError("a bug")))
    with pytest.raises(RuntimeError):
        await bed.greeter.ask()
    assert bed.greeter.wanted
