"""`pilepay simulate`: play sales in simulated worlds until there are enough of them, and say which promises were broken."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

from kiosk.core.clock import SystemClock
from kiosk.simulation.keep import KeepError, Kept
from kiosk.simulation.mutants import MUTANTS
from kiosk.simulation.report import Report
from kiosk.simulation.series import run

GOOD, BAD, WRONG_USE = 0, 1, 2
_PROGRESS_MS = 5_000


def simulate(sessions: int, seed: int, mutant: str | None, out: TextIO, *, as_json: bool, jobs: int = 1, keep: Path | None = None) -> int:
    """Play `sessions` sales from `seed`; the result is the exit code: 1 on any violation, 2 for wrong use.

    `jobs` processes share the work. In the file `keep` the report so far is kept, and a run that was broken off goes on from it.
    """
    if mutant == "list":
        for name, kind in MUTANTS.items():
            print(f"{name:36} {(kind.__doc__ or '').strip()}", file=out)
        return GOOD
    if mutant is not None and mutant not in MUTANTS:
        sys.stderr.write(f"there is no mutant {mutant!r}: `--mutant list` names them\n")
        return WRONG_USE
    if sessions < 1 or jobs < 1:
        sys.stderr.write("--sessions and --jobs must be at least 1\n")
        return WRONG_USE
    kept = Kept(keep) if keep is not None else None
    try:
        so_far = kept.load(seed, mutant) if kept is not None else None
        if kept is not None:
            kept.save(so_far or Report(seed, mutant))
        progress = _Progress(sessions, so_far, kept)
        report = run(sessions, seed, mutant, jobs=jobs, so_far=so_far, told=progress.told)
        progress.over(report)
    except KeepError as error:
        sys.stderr.write(f"--keep: {error}\n")
        return WRONG_USE
    if as_json:
        print(report.as_json(), file=out)
    else:
        report.write(out)
    return BAD if report.bad else GOOD


class _Progress:
    """Counts the seconds, says now and then how far it is, and keeps the report."""

    def __init__(self, sessions: int, so_far: Report | None, kept: Kept | None) -> None:
        self._sessions = sessions
        self._kept = kept
        self._clock = SystemClock.real()
        self._began = self._told = self._clock.now()
        self._before = so_far.seconds if so_far else 0.0
        self._had = so_far.sessions if so_far else 0

    def told(self, report: Report) -> None:
        now = self._clock.now()
        if now.ms_since(self._told) < _PROGRESS_MS:
            return
        self._told = now
        self.over(report)
        ms = now.ms_since(self._began)
        played, left = report.sessions - self._had, self._sessions - report.sessions
        minutes = -(-left * ms // (60_000 * played)) if played else 0
        share = 100 * report.sessions // self._sessions
        sys.stderr.write(
            f"{report.sessions} of {self._sessions} sessions ({share} %), {1_000 * played // ms} a second,"
            f" {minutes // 60} h {minutes % 60:02} min to go, {report.violations} violations\n"
        )

    def over(self, report: Report) -> None:
        report.seconds = self._before + self._clock.now().ms_since(self._began) / 1_000
        if self._kept is not None:
            self._kept.save(report)
