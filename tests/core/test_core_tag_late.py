"""A tag held to the reader while a touch waits for the disk: what it means is judged when its turn has come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from core_bed import HandClock, settle
from test_core_counter import NOW, A, SlowDisk, a_counter, a_kiosk, wish
from test_core_tags import ANNA, Book, Reader

from kiosk.core.tags import Tags
from kiosk.session import inputs as i
from kiosk.session.visit import page
from kiosk.values import Digest


@dataclass
class Stand:
    """A driver at the price page who has touched "Agree and pay", and a disk that has not taken it yet."""

    seen: bool = True
    clock: HandClock = field(default_factory=lambda: HandClock(NOW))

    def __post_init__(self) -> None:
        self.disk = SlowDisk(a_kiosk())
        self.disk.take(i.ReaderHealth(True))
        self.counter = a_counter(self.disk, self.clock)
        self.reader = Reader()
        self.tags = Tags(
            self.reader,
            Book(),
            lambda uid: Digest(f"hash of {uid}"),
            self.clock,
            lambda found, at: self.counter.shown_tag(found, at, lambda: self.seen),
            self._health,
        )

    async def _health(self, health: i.ReaderHealth) -> None:
        self.disk.take(health)

    async def touches(self) -> None:
        await self.counter.intent(wish(self.counter, "1", "choose", connector=A))
        self.accepting = asyncio.create_task(self.counter.intent(wish(self.counter, "2", "accept")))
        await settle()
        assert self.page == "price"

    async def disk_answers(self, after: int) -> list[str]:
        """What is on its way to the disk once it has answered, `after` so many seconds."""
        self.clock.pass_(after)
        self.disk.write()
        assert await self.accepting == "done"
        await settle()
        return [type(given).__name__ for given, _ in self.disk.waiting]

    @property
    def page(self) -> str:
        return page(self.counter.visit, self.disk.k, self.clock.now())


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    stand = Stand()
    running = asyncio.create_task(stand.tags.run())
    await settle()
    await stand.touches()
    stand.reader.hold()
    await settle()
    yield stand
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_tag_held_while_the_disk_stood_still_means_nothing_on_a_later_page(stand: Stand) -> None:
    assert await stand.disk_answers(after=60) == []
    assert stand.page == "pay"


async def test_a_tag_that_waited_for_three_seconds_is_still_meant(stand: Stand) -> None:
    assert await stand.disk_answers(after=3) == ["TagAccepted"]


async def test_after_one_that_came_too_late_the_next_tag_counts(stand: Stand) -> None:
    await stand.disk_answers(after=60)
    stand.reader.hold()
    await settle()
    assert [given for given, _ in stand.disk.waiting if isinstance(given, i.TagAccepted) and given.account == ANNA]


async def test_a_tag_agrees_to_nothing_on_a_screen_that_went_dark_while_it_waited(stand: Stand) -> None:
    stand.seen = False
    assert await stand.disk_answers(after=1) == []


async def test_a_tag_held_to_a_dark_screen_agrees_to_nothing_that_it_shows_a_moment_later() -> None:
    stand = Stand(seen=False)
    await stand.touches()
    held = asyncio.create_task(stand.counter.shown_tag(ANNA, stand.clock.now(), lambda: stand.seen))
    await settle()
    stand.seen = True
    assert await stand.disk_answers(after=1) == []
    await held
