"""The supervisor hears of the loop, not of the disk; a disk that stands still is told of, and ends the kiosk only after very long."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kiosk.core.pulse import Pulse
from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.journal.thread import JournalThread
from kiosk.values import Moment

LONGEST_S = 300
AT = Moment(1_795_000_000_000, "boot", 0)


@dataclass
class Work:
    given: int = 0
    done: int = 0


class Never:
    async def sleep(self, seconds: float) -> None:
        raise AssertionError("a test beats by hand")


@dataclass
class Heard:
    alive: int = 0
    changed: int = 0

    def says_alive(self) -> None:
        self.alive += 1

    def says_changed(self) -> None:
        self.changed += 1


def a_pulse(work: Work) -> tuple[Pulse, Heard]:
    heard = Heard()
    return Pulse(work, Never(), LONGEST_S, heard.says_alive, heard.says_changed), heard


def beats(pulse: Pulse, count: int) -> None:
    for _ in range(count):
        pulse.beat()


def test_a_disk_that_is_slow_for_minutes_is_told_of_and_ends_nothing() -> None:
    work = Work()
    pulse, heard = a_pulse(work)
    beats(pulse, 3)
    work.given = 2
    beats(pulse, 120)
    assert heard.alive == 123
    assert (pulse.slow, heard.changed) == (True, 1)
    work.done = 2
    beats(pulse, 1)
    assert (pulse.slow, heard.changed) == (False, 2)


def test_a_disk_that_stands_still_beyond_the_bound_ends_the_kiosk() -> None:
    pulse, heard = a_pulse(Work(given=1))
    beats(pulse, LONGEST_S + 40)
    assert heard.alive == LONGEST_S - 1


def test_much_work_that_goes_on_is_no_slow_disk() -> None:
    work = Work()
    pulse, heard = a_pulse(work)
    for _ in range(2 * LONGEST_S):
        work.given += 5
        work.done += 1
        pulse.beat()
    assert (pulse.slow, heard.changed, heard.alive) == (False, 0, 2 * LONGEST_S)


async def test_the_journals_thread_tells_what_it_was_given_and_what_is_done(tmp_path: Path) -> None:
    journal = JournalThread(Journal.open(tmp_path / "journal.db", reserve_bytes=0))
    hung = threading.Event()
    stuck = asyncio.ensure_future(journal._call(waits_for(hung)))
    behind = asyncio.ensure_future(journal.append([Entry("kiosk", "Started", 1, AT, b'{"sound":true}')]))
    await asyncio.sleep(0)
    assert (journal.given, journal.done) == (2, 0)
    hung.set()
    await asyncio.gather(stuck, behind)
    await journal.close()
    assert (journal.given, journal.done) == (3, 3), "closing is work too"


def waits_for(hung: threading.Event) -> Callable[[Journal], bool]:
    return lambda _: hung.wait(5)
