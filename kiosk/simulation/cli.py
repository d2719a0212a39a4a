"""`pilepay simulate`: play sales in simulated worlds until there are enough of them, and say which promises were broken."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable
from typing import TextIO

from kiosk.core.clock import SystemClock
from kiosk.simulation.chance import world_seed
from kiosk.simulation.checker import Violation, check
from kiosk.simulation.life import Fitting
from kiosk.simulation.mutants import MUTANTS
from kiosk.simulation.report import Broken, Report
from kiosk.simulation.world import Played, World

GOOD, BAD, WRONG_USE = 0, 1, 2
GROUP = 8  # sales a world
_STORIES = 5
_SWEEP = 10
_PROGRESS_S = 5


def simulate(sessions: int, seed: int, mutant: str | None, out: TextIO, *, as_json: bool) -> int:
    """Play `sessions` sales from `seed`; the result is the exit code: 1 on any violation, 2 for a mutant nobody knows."""
    if mutant == "list":
        for name, kind in MUTANTS.items():
            print(f"{name:26} {(kind.__doc__ or '').strip()}", file=out)
        return GOOD
    if mutant is not None and mutant not in MUTANTS:
        sys.stderr.write(f"there is no mutant {mutant!r}: `--mutant list` names them\n")
        return WRONG_USE
    if sessions < 1:
        sys.stderr.write("--sessions must be at least 1\n")
        return WRONG_USE
    report = run(sessions, seed, mutant, progress=sys.stderr)
    if as_json:
        print(report.as_json(), file=out)
    else:
        report.write(out)
    return BAD if report.violations else GOOD


def _never(_report: Report) -> bool:
    return False


def run(
    sessions: int, seed: int, mutant: str | None = None, *, progress: TextIO | None = None, enough: Callable[[Report], bool] = _never
) -> Report:
    """Play worlds until `sessions` sales were agreed, or `enough` of the report so far.

    The worlds' own warnings are no news: everything that can go wrong does.
    """
    fitting: Callable[[], Fitting] = MUTANTS[mutant] if mutant else Fitting
    report = Report(seed, mutant)
    clock = SystemClock.real()
    began = told = clock.now()
    loud = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    gc.collect()
    gc.freeze()
    gc.disable()  # a world is one big knot of cycles: it is swept away when it is over
    try:
        while report.sessions < sessions and not enough(report):
            wanted = min(GROUP, sessions - report.sessions)
            _play(world_seed(seed, report.worlds), wanted, fitting, report)
            if report.worlds % _SWEEP == 0:
                gc.collect()
            if progress is not None and clock.now().ms_since(told) > _PROGRESS_S * 1_000:
                told = clock.now()
                print(f"{report.sessions} of {sessions} sessions, {report.violations} violations", file=progress)
    finally:
        logging.disable(loud)
        gc.enable()
        gc.unfreeze()
    report.seconds = clock.now().ms_since(began) / 1_000
    return report


def _play(seed: int, sales: int, fitting: Callable[[], Fitting], report: Report) -> None:
    played = World(seed, sales, fitting()).play()
    violations = check(played.books)
    report.add(played, len(violations))
    if violations:
        story: tuple[str, ...] = ()
        if len(report.broken) < _STORIES:  # once more, and this time somebody takes notes
            story = _about(World(seed, sales, fitting(), telling=True).play(), violations)
        report.broken.append(Broken(seed, sales, tuple(violations), story))


def _about(played: Played, violations: list[Violation]) -> tuple[str, ...]:
    """The lines of the story that concern the sales that went wrong, and what befell their kiosks meanwhile."""
    stays = [stay for stay in played.books.stays if stay.number in {violation.stay for violation in violations}]
    if not stays:
        return played.story
    words = {f"driver {stay.number} " for stay in stays} | {f"of driver {stay.number}" for stay in stays}
    words |= {ref.rpartition("-")[0] for stay in stays for ref in stay.paid_with} | {stay.sale for stay in stays if stay.sale}
    words |= {f"{stay.kiosk}: core" for stay in stays} | {f"{stay.kiosk}: power" for stay in stays} | {"the world heals"}
    words |= {charge.truth.id_tag for stay in stays for charge in stay.charges}
    return tuple(line for line in played.story if any(word in line for word in words))
