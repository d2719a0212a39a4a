"""A series of simulated worlds: played one after the other or by several processes, and summed up in the order of their numbers.

What a world comes to depends on its seed alone, so the report is the same however many processes share the work, and a series that was
broken off goes on where it stood.
"""

from __future__ import annotations

import gc
import logging
import os
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from threading import Thread

from kiosk.simulation.chance import world_seed
from kiosk.simulation.checker import Violation, check
from kiosk.simulation.life import Fitting
from kiosk.simulation.mutants import MUTANTS
from kiosk.simulation.report import Broken, Report
from kiosk.simulation.world import Played, World

GROUP = 8  # sales a world
_CHUNK = 10  # worlds a process plays before it tells; then what they left behind is swept away
_AHEAD = 2  # chunks a process has before it
_STORIES = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one world."""

    seed: int
    wanted: int
    sales: int
    facts: int
    lives: int
    struck: Mapping[tuple[str, str], int]
    upstream: Mapping[tuple[str, str], int]
    violations: tuple[Violation, ...]


def _never(_report: Report) -> bool:
    return False


def run(
    sessions: int,
    seed: int,
    mutant: str | None = None,
    *,
    jobs: int = 1,
    so_far: Report | None = None,
    told: Callable[[Report], None] | None = None,
    enough: Callable[[Report], bool] = _never,
) -> Report:
    """Play worlds until `sessions` sales were agreed, or `enough` of the report so far; `told` hears of every world.

    `so_far` is the report of a series that was broken off; it is added to.
    """
    report = so_far or Report(seed, mutant)
    with _undisturbed():
        for outcome in _outcomes(report, sessions, jobs):
            _note(report, outcome)
            if told is not None:
                told(report)
            if enough(report):
                break
    return report


def _outcomes(report: Report, sessions: int, jobs: int) -> Generator[Outcome, None, None]:
    """The worlds that `sessions` still need, in order. The caller adds each to `report` before it asks for the next."""
    ahead = _alone(report) if jobs == 1 else _shared(report, jobs)
    try:
        while report.sessions < sessions:
            wanted = min(GROUP, sessions - report.sessions)
            seed = world_seed(report.seed, report.worlds)
            yield next(ahead) if wanted == GROUP else _play(seed, wanted, report.mutant)
    finally:
        ahead.close()


def _alone(report: Report) -> Generator[Outcome, None, None]:
    number = report.worlds
    while True:
        yield _play(world_seed(report.seed, number), GROUP, report.mutant)
        number += 1
        if number % _CHUNK == 0:
            _sweep()


def _shared(report: Report, jobs: int) -> Generator[Outcome, None, None]:
    """Worlds are played ahead of their turn; those that nobody needs in the end are for nothing."""
    number = report.worlds
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_prepare) as pool:
        under_way: deque[Future[list[Outcome]]] = deque()
        try:
            while True:
                while len(under_way) < jobs * (1 + _AHEAD):
                    under_way.append(pool.submit(_chunk, report.seed, number, report.mutant))
                    number += _CHUNK
                yield from under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def _prepare() -> None:
    Thread(target=_leave_with_parent, daemon=True).start()
    logging.disable(logging.CRITICAL)
    gc.freeze()
    gc.disable()


def _leave_with_parent() -> None:
    """Nobody waits for a process whose parent was killed."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _chunk(seed: int, first: int, mutant: str | None) -> list[Outcome]:
    outcomes = [_play(world_seed(seed, number), GROUP, mutant) for number in range(first, first + _CHUNK)]
    _sweep()
    return outcomes


def _sweep() -> None:
    """What the worlds left behind goes. What stays are the program and what it knows by now: that is not looked through again."""
    gc.collect()
    gc.freeze()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """The worlds' own warnings are no news: everything that can go wrong does. A world is one big knot of cycles, swept away afterwards."""
    loud = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        logging.disable(loud)
        gc.enable()
        gc.unfreeze()


def _fitting(mutant: str | None) -> Fitting:
    return MUTANTS[mutant]() if mutant else Fitting()


def _play(seed: int, sales: int, mutant: str | None) -> Outcome:
    played = World(seed, sales, _fitting(mutant)).play()
    found = tuple(check(played.books))
    return Outcome(seed, sales, played.sales, played.facts, played.lives, played.struck, played.upstream, found)


def _note(report: Report, outcome: Outcome) -> None:
    report.add(outcome)
    if outcome.violations:
        story: tuple[str, ...] = ()
        if len(report.broken) < _STORIES:  # once more, and this time somebody takes notes
            told = World(outcome.seed, outcome.wanted, _fitting(report.mutant), telling=True).play()
            story = _about(told, outcome.violations)
        report.broken.append(Broken(outcome.seed, outcome.wanted, outcome.violations, story))


def _about(played: Played, violations: tuple[Violation, ...]) -> tuple[str, ...]:
    """The lines of the story that concern the sales that went wrong, and what befell their kiosks meanwhile."""
    stays = [stay for stay in played.books.stays if stay.number in {violation.stay for violation in violations}]
    if not stays:
        return played.story
    words = {f"driver {stay.number} " for stay in stays} | {f"of driver {stay.number}" for stay in stays}
    words |= {ref.rpartition("-")[0] for stay in stays for ref in stay.paid_with} | {stay.sale for stay in stays if stay.sale}
    words |= {f"{stay.kiosk}: core" for stay in stays} | {f"{stay.kiosk}: power" for stay in stays} | {"the world heals"}
    words |= {charge.truth.id_tag for stay in stays for charge in stay.charges}
    return tuple(line for line in played.story if any(word in line for word in words))
