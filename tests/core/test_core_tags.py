"""Tags between the reader and the counter: one tap is one tap, and a reader may go and come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from core_bed import START, HandClock, settle

from hardware.api import AnswerLost, NotSent, Tap
from kiosk.core.tags import RETRY_MOST_S, Tags
from kiosk.session.inputs import Account, ReaderHealth
from kiosk.values import Digest, Moment

ANNA = Account(Digest("anna"), "C-1001")


@dataclass
class Reader:
    """A reader at the end of the test's hand."""

    here: bool = True
    ends: asyncio.Future[None] | None = None
    tapped: Callable[[Tap], None] | None = None
    calls: int = 0

    async def run(self, tapped: Callable[[Tap], None], ready: Callable[[], None]) -> None:
        self.calls += 1
        if not self.here:
            raise NotSent("no reader")
        self.tapped, self.ends = tapped, asyncio.get_running_loop().create_future()
        ready()
        await self.ends

    def hold(self, uid: str = "A1") -> None:
        assert self.tapped is not None
        self.tapped(Tap("reader", uid))

    def pull(self) -> None:
        assert self.ends is not None
        self.ends.set_exception(AnswerLost("pulled"))


@dataclass
class Book:
    looked: int = 0

    def find(self, tag: Digest, at: Moment) -> Account | str:
        return ANNA if tag == "hash of A1" else "tag_unknown"

    def look(self) -> None:
        self.looked += 1


@dataclass
class Bed:
    reader: Reader = field(default_factory=Reader)
    book: Book = field(default_factory=Book)
    clock: HandClock = field(default_factory=HandClock)
    shown: list[Account | str] = field(default_factory=list)
    held_at: list[Moment] = field(default_factory=list)
    told: list[ReaderHealth] = field(default_factory=list)
    disk: asyncio.Event = field(default_factory=asyncio.Event)  # set: it keeps what it is given

    def __post_init__(self) -> None:
        self.disk.set()
        self.tags = Tags(self.reader, self.book, lambda uid: Digest(f"hash of {uid}"), self.clock, self._shown, self._tell)

    async def _shown(self, found: Account | str, at: Moment) -> None:
        self.shown.append(found)
        self.held_at.append(at)
        await self.disk.wait()

    async def _tell(self, health: ReaderHealth) -> None:
        self.told.append(health)

    async def passes(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.pass_(1)
            await settle()


@pytest.fixture
async def bed() -> AsyncIterator[Bed]:
    bed = Bed()
    task = asyncio.create_task(bed.tags.run())
    await settle()
    yield bed
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_known_tag_brings_its_account_and_a_strange_one_a_word(bed: Bed):
    bed.reader.hold("A1")
    bed.reader.hold("B2")
    bed.reader.hold("")
    await settle()
    assert bed.shown == [ANNA, "tag_unknown", "tag_random"]


async def test_a_tag_that_lies_there_is_one_tap_until_it_was_away_for_three_seconds(bed: Bed):
    for _ in range(10):
        bed.reader.hold()
        await bed.passes(1)
    assert bed.shown == [ANNA]
    await bed.passes(3)
    bed.reader.hold()
    await settle()
    assert bed.shown == [ANNA, ANNA]


async def test_another_tag_is_another_tap_at_once(bed: Bed):
    bed.reader.hold("A1")
    bed.reader.hold("B2")
    bed.reader.hold("A1")
    await settle()
    assert bed.shown == [ANNA, "tag_unknown", ANNA]


async def test_a_flood_of_made_up_numbers_is_one_tap(bed: Bed):
    for _ in range(100):
        bed.reader.hold("")
    await settle()
    assert bed.shown == ["tag_random"]


async def test_a_flood_of_tags_does_not_pile_up(bed: Bed):
    for number in range(1_000):
        bed.reader.hold(f"B{number}")
    await settle()
    assert len(bed.shown) == 16


async def test_a_tag_that_waits_its_turn_is_told_with_the_moment_it_was_held_there(bed: Bed):
    bed.disk.clear()
    bed.reader.hold("B2")
    await bed.passes(2)
    bed.reader.hold()
    await bed.passes(4)
    bed.disk.set()
    await settle()
    assert bed.shown == ["tag_unknown", ANNA]
    assert bed.held_at == [START, START.plus(2)]


async def test_a_cable_put_back_at_once_closes_nothing(bed: Bed):
    assert bed.told == [ReaderHealth(True)]
    bed.reader.pull()
    await bed.passes(2)
    assert (bed.told, bed.reader.calls) == ([ReaderHealth(True)], 2)
    bed.reader.hold()
    await settle()
    assert bed.shown == [ANNA]


async def test_a_reader_that_stays_away_is_told_once_and_looked_for_ever_more_rarely(bed: Bed):
    bed.reader.here = False
    bed.reader.pull()
    await bed.passes(600)
    assert bed.told == [ReaderHealth(True), ReaderHealth(False, "no reader")]
    assert 600 // RETRY_MOST_S < bed.reader.calls < 30
    bed.reader.here = True
    await bed.passes(RETRY_MOST_S)
    assert bed.told[2:] == [ReaderHealth(True)]


async def test_a_reader_that_was_never_there_is_told_at_once():
    bed = Bed(Reader(here=False))
    task = asyncio.create_task(bed.tags.run())
    await settle()
    assert bed.told == [ReaderHealth(False, "no reader")]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_loose_contact_is_told_of_rarely(bed: Bed):
    for _ in range(600):
        if bed.reader.ends is not None and not bed.reader.ends.done():
            bed.reader.pull()
        await bed.passes(1)
    assert len(bed.told) < 60


async def test_the_list_is_looked_at_again_and_again(bed: Bed):
    for _ in range(3):
        await bed.passes(5)
        await asyncio.to_thread(lambda: None)
        await settle()
    assert bed.book.looked >= 2
