"""The journal's disk, watched."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from kiosk.core.disk import DiskWatch, Marked
from kiosk.journal.entry import Entry, JournalFailed
from kiosk.journal.evidence import Sealed
from kiosk.journal.reserve import Space
from kiosk.journal.state import Retry
from kiosk.journal.wal import LIMIT

GIB, MIB = 1 << 30, 1 << 20
ROOMY = Space(2 * GIB, 4 * GIB, True, 0)
TIGHT = Space(300 * MIB, 4 * GIB, True, 0)
ALMOST = Space(420 * MIB, 4 * GIB, True, 0)  # a little above a tenth
STARVING = Space(1 * MIB, 4 * GIB, False, 0)


@dataclass
class Disk:
    """A disk that stands as the test wants."""

    at: Space = ROOMY
    mended: bool = False
    cuts: int = 0

    async def space(self) -> Space:
        return self.at

    async def hold_reserve(self) -> bool:
        if self.mended:
            self.at = ROOMY
        return self.mended

    async def cut_log(self) -> None:
        self.cuts += 1


@dataclass
class Watched:
    disk: Disk = field(default_factory=Disk)
    told: list[bool] = field(default_factory=list)

    def watch(self, *, low: bool = False) -> DiskWatch:
        async def tell(low: bool) -> None:
            self.told.append(low)

        return DiskWatch(self.disk, tell, low=low)


async def test_a_disk_with_room_is_no_news() -> None:
    w = Watched()
    watch = w.watch()
    await watch.look()
    await watch.look()
    assert w.told == []


async def test_nothing_new_is_sold_while_it_is_low_and_that_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    w = Watched()
    watch = w.watch()
    w.disk.at = TIGHT
    await watch.look()
    await watch.look()
    assert w.told == [True]
    assert watch.low
    assert [r.levelno for r in caplog.records] == [logging.ERROR]
    assert "300 of 4096 MiB are free" in caplog.text


async def test_at_the_edge_it_does_not_change_its_mind_all_the_time() -> None:
    w = Watched()
    watch = w.watch()
    for at in (TIGHT, ALMOST, TIGHT, ALMOST):
        w.disk.at = at
        await watch.look()
    assert w.told == [True]
    w.disk.at = ROOMY
    await watch.look()
    w.disk.at = ALMOST
    await watch.look()
    assert w.told == [True, False]


async def test_without_its_reserve_it_is_low_until_that_is_held_again() -> None:
    w = Watched()
    watch = w.watch()
    w.disk.at = STARVING
    await watch.look()
    w.disk.at = Space(2 * GIB, 4 * GIB, False, 0)
    await watch.look()
    assert w.told == [True]
    w.disk.mended = True
    await watch.look()
    assert w.told == [True, False]


async def test_a_kiosk_that_stopped_selling_before_it_died_is_told_that_there_is_room() -> None:
    w = Watched()
    await w.watch(low=True).look()
    assert w.told == [False]


async def test_on_a_read_only_disk_the_process_ends_in_plain_words() -> None:
    w = Watched()
    w.disk.at = Space(GIB, 4 * GIB, True, 0, read_only=True)
    with pytest.raises(JournalFailed, match="read-only, so nothing is sold"):
        await w.watch().look()


async def test_a_log_beyond_its_limit_is_cut() -> None:
    w = Watched()
    w.disk.at = Space(GIB, 4 * GIB, True, LIMIT)
    await w.watch().look()
    assert w.disk.cuts == 0
    w.disk.at = Space(GIB, 4 * GIB, True, LIMIT + 1)
    await w.watch().look()
    assert w.disk.cuts == 1


def test_a_tenth_of_a_large_disk_is_no_shortage() -> None:
    assert not Space(2 * GIB, 1_000 * GIB, True, 0).low
    assert Space(GIB - 1, 1_000 * GIB, True, 0).low


async def test_the_mark_follows_what_was_appended() -> None:
    class Six:
        async def append(
            self, batch: Sequence[Entry], *, evidence: Sequence[Sealed] = (), retries: Sequence[Retry] = (), settled: Sequence[str] = ()
        ) -> int:
            return 6

    marked = Marked(Six(), 5)
    assert marked.seq == 5
    assert await marked.append(()) == 6
    assert marked.seq == 6
