"""Which entries of a long journal a start needs: the newest quiet moment that nobody can come back to, found in little memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from random import Random

import pytest
from golden import a_long_day
from world import SETUP

from kiosk.session.behind import needed
from kiosk.session.evolve import ABOUT_UNHELD, KEPT_CLOSED, TO_DO_AGAIN, counted, evolve
from kiosk.session.facts import Fact, KioskFact, SessionOpened
from kiosk.session.state import Kiosk

Turn = tuple[int, str, str]

AGAIN = tuple(kind.__name__ for kind in TO_DO_AGAIN)
UNHELD = tuple(kind.__name__ for kind in ABOUT_UNHELD)


class Course:
    """What happens to many sales, at random, and all that was so at every moment."""

    def __init__(self, seed: int, length: int) -> None:
        self._random = Random(seed)
        self._running: list[str] = []
        self._recent: list[str] = []
        self._gone: list[str] = []
        self.turns: list[Turn] = []
        self._back: list[tuple[int, str]] = []
        self._quiet: list[tuple[int, tuple[str, ...]]] = []
        self._late: list[int] = []
        for seq in range(1, length + 1):
            self.turns.append((seq, *self._turn(seq)))

    def _turn(self, seq: int) -> tuple[str, str]:
        pick, kind = self._random.choice, self._random.choice((*AGAIN, *UNHELD))
        match pick(("open", "close", "close", "close", "touch", "touch", "come back", "late")):
            case "close" if self._running:
                stream = pick(self._running)
                self._running.remove(stream)
                self._gone += [*self._recent, stream][:-KEPT_CLOSED]
                self._recent = [*self._recent, stream][-KEPT_CLOSED:]
                if not self._running:
                    self._quiet.append((seq, tuple(self._recent)))
                return stream, "SessionClosed"
            case "touch" if self._running:
                return pick(self._running), kind
            case "come back" if self._recent and not self._random.randrange(3):
                stream = pick(self._recent)
                if kind in AGAIN:
                    self._recent.remove(stream)
                    self._running.append(stream)
                    self._back.append((seq, stream))
                return stream, kind
            case "late" if self._gone:
                self._late += [seq] if kind in UNHELD else []
                return pick(self._gone), kind
        self._running.append(f"K417-{seq}")
        return self._running[-1], "SessionOpened"

    def quiet(self) -> int:
        """The newest moment without a running sale before which none of those held now was opened, and whose sales nobody came back to."""
        opened = {stream: seq for seq, stream, kind in self.turns if kind == "SessionOpened"}
        oldest = min(opened[stream] for stream in (*self._running, *self._recent))
        fits = (seq for seq, then in self._quiet if seq < oldest and not any(back > seq and stream in then for back, stream in self._back))
        return max(fits, default=0)

    def alone(self, until: int) -> list[int]:
        return [seq for seq in self._late if seq <= until]


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_newest_quiet_moment_nobody_came_back_to(seed: int) -> None:
    found = []
    for number in range(60):
        course = Course(60 * seed + number, 150)
        must = needed(course.turns)
        assert must.quiet == course.quiet(), f"course {number}"
        assert list(must.alone) == course.alone(must.quiet), f"course {number}"
        found.append((must.quiet, len(must.alone)))
    assert sum(quiet > 0 for quiet, _ in found) > 20
    assert sum(alone > 0 for _, alone in found) > 10


def what_matters(facts: Iterable[Fact]) -> set[type[Fact]]:
    """Of all kinds of facts those that change a kiosk which holds no sale, but for those that count whatever becomes of the sale."""
    k, kinds = Kiosk(SETUP), set()
    for fact in facts:
        if isinstance(fact, (KioskFact, SessionOpened, *counted())):
            continue
        after = evolve(k, fact)
        if after is not k:
            kinds.add(type(fact))
        k = after
    return kinds


def test_what_is_listed_about_sales_no_longer_held_is_all_that_matters() -> None:
    assert what_matters(a_long_day().facts) == set(ABOUT_UNHELD)


@pytest.mark.parametrize("kind", ABOUT_UNHELD)
def test_what_is_not_listed_matters_no_more(kind: type[Fact], monkeypatch: pytest.MonkeyPatch) -> None:
    facts = a_long_day().facts
    rest = tuple(other for other in ABOUT_UNHELD if other is not kind)
    monkeypatch.setattr("kiosk.session.evolve.ABOUT_UNHELD", rest)
    assert kind not in what_matters(facts)


# --- memory -------------------------------------------------------------------------------------------------------------------------


def numbered(turns: Iterator[tuple[int, str]]) -> Iterator[Turn]:
    for seq, (sale, kind) in enumerate(turns, 1):
        yield seq, f"K417-{sale:032x}", kind


def one_by_one(sales: int) -> Iterator[tuple[int, str]]:
    for sale in range(sales):
        for kind in ("SessionOpened", "CaptureRequested", "PrintRequested", "PrintEnded", "SessionClosed"):
            yield sale, kind


def overlapping(sales: int) -> Iterator[tuple[int, str]]:
    """One begins before the last one is over; every tenth is over, and is come back to."""
    for sale in range(1, sales):
        yield sale, "SessionOpened"
        yield sale - 1, "SessionClosed"
        if not sale % 10:
            yield sale, "SessionClosed"
            yield sale, "CaptureRequested"


def printed_late(sales: int) -> Iterator[tuple[int, str]]:
    """As `one_by_one`, and each time a paper about the sale that was there twenty before."""
    for number, turn in enumerate(one_by_one(sales)):
        yield turn
        yield number // 5 - 20, "PrintRequested"


def peak(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("course", [one_by_one, overlapping])
def test_four_times_the_sales_take_no_more_memory(course: Callable[[int], Iterator[tuple[int, str]]]) -> None:
    few, many = (peak(lambda n=n: needed(numbered(course(n)))) for n in (2_000, 8_000))
    assert many < 1.5 * few


def test_what_is_asked_about_sales_long_gone_takes_less_than_a_list_of_it() -> None:
    must = needed(numbered(printed_late(4_000)))
    assert len(must.alone) > 19_000
    as_a_list = peak(lambda: list(range(300, 300 + len(must.alone))))
    assert peak(lambda: needed(numbered(printed_late(4_000)))) < as_a_list
