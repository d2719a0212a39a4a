"""What a run of the simulated world amounts to: for people a summary with the table of faults, for programs JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Protocol, TextIO

from kiosk.simulation import cells
from kiosk.simulation.checker import Violation
from kiosk.simulation.faults import WORDS

_MOST_STORIES = 5
_MOST_LINES = 60
_WIDTH = 140


@dataclass(frozen=True, slots=True)
class Broken:
    """A world in which promises were broken: how to play it alone, and what is told of the sale that went wrong."""

    seed: int
    sales: int
    violations: tuple[Violation, ...]
    story: tuple[str, ...]


class Sum(Protocol):
    """What one world comes to."""

    @property
    def sales(self) -> int: ...

    @property
    def facts(self) -> int: ...

    @property
    def lives(self) -> int: ...

    @property
    def struck(self) -> Mapping[tuple[str, str], int]: ...

    @property
    def upstream(self) -> Mapping[tuple[str, str], int]: ...

    @property
    def violations(self) -> Sequence[Violation]: ...


@dataclass(slots=True)
class Report:
    """The sum of a run's worlds."""

    seed: int
    mutant: str | None = None
    sessions: int = 0
    facts: int = 0
    worlds: int = 0
    lives: int = 0
    violations: int = 0
    seconds: float = 0.0
    struck: Counter[tuple[str, str]] = field(default_factory=Counter)
    upstream: Counter[tuple[str, str]] = field(default_factory=Counter)  # what went wrong with the operator's own system, in plain words
    broken: list[Broken] = field(default_factory=list)

    def add(self, world: Sum) -> None:
        self.worlds += 1
        self.sessions += world.sales
        self.facts += world.facts
        self.lives += world.lives
        self.violations += len(world.violations)
        self.struck.update(world.struck)
        self.upstream.update(world.upstream)

    @property
    def empty_cells(self) -> list[tuple[str, str]]:
        """The cells of the table of faults that this run should have played and did not; only a run long enough is to be blamed."""
        return cells.empty(self.struck)

    @property
    def must_fill(self) -> bool:
        """Whether the run is long enough for every cell."""
        return self.mutant is None and self.sessions >= cells.FROM_SESSIONS

    @property
    def bad(self) -> bool:
        """A promise was broken, or a long run has left a cell empty."""
        return bool(self.violations) or (self.must_fill and bool(self.empty_cells))

    @property
    def faults(self) -> int:
        return sum(self.struck.values())

    def as_json(self) -> str:
        """Deterministic but for `seconds`."""
        body = {
            "sessions": self.sessions,
            "seed": self.seed,
            "mutant": self.mutant,
            "violations": self.violations,
            "facts": self.facts,
            "worlds": self.worlds,
            "lives": self.lives,
            "faults": self.faults,
            "fault_table": _by_name(self.struck),
            "cells": {
                "played": sum(len(row.steps) for row in cells.ROWS.values()),
                "empty": [list(cell) for cell in self.empty_cells],
                "empty_fails_from_sessions": cells.FROM_SESSIONS,
                "impossible": {fault: {"steps": _others(row.steps), "why": row.why} for fault, row in cells.ROWS.items()},
            },
            "upstream": _by_name(self.upstream),
            "broken": [
                {
                    "seed": b.seed,
                    "sessions": b.sales,
                    "violations": [{"rule": v.rule, "what": v.what, "stay": v.stay} for v in b.violations],
                }
                for b in self.broken
            ],
            "seconds": round(self.seconds, 2),
        }
        return json.dumps(body, indent=1)

    def write(self, out: TextIO) -> None:
        """The summary for people."""
        lines = [*_heading(), *_table(self.struck), "", *_upstream(self.upstream), *self._sums()]
        for broken in self.broken[:_MOST_STORIES]:
            lines += ["", *_told(broken, self.mutant)]
        if rest := self.broken[_MOST_STORIES:]:
            lines += ["", f"… and {len(rest)} more worlds, the first with seeds {', '.join(str(b.seed) for b in rest[:10])}"]
        print("\n".join(lines), file=out)

    def _cells(self) -> list[str]:
        wanted, missing = sum(len(row.steps) for row in cells.ROWS.values()), self.empty_cells
        lines = [f"{wanted - len(missing)} of {wanted} cells of the table were played; {len(cells.impossible())} cannot be, with reasons"]
        if missing:
            blame = "" if self.must_fill else f"; from {cells.FROM_SESSIONS} sessions on that is a failure"
            named = ", ".join(f"{fault} at {step}" for fault, step in missing)
            lines += wrap(f"empty: {named}{blame}", _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        return lines

    def _sums(self) -> list[str]:
        sessions = max(1, self.sessions)
        rate = self.sessions / self.seconds if self.seconds else 0.0
        return [
            f"seed {self.seed}" + (f", mutant {self.mutant}" if self.mutant else ""),
            f"{self.sessions} sessions in {self.worlds} worlds, {self.facts} facts ({self.facts / sessions:.1f} a session),"
            f" {self.lives} lives of a core",
            f"{self.faults} faults struck ({self.faults / sessions:.2f} a session)",
            *self._cells(),
            f"{self.seconds:.1f} s, {rate:.0f} sessions a second",
            f"{self.violations} violations" if self.violations else "no violation: every promise was kept",
        ]


def _others(steps: Sequence[str]) -> list[str]:
    return [step for step in cells.STEPS if step not in steps]


def _heading() -> list[str]:
    return [
        "The faults that struck, by their ids in docs/flows.md: how often in all, and how often at each step a sale was at.",
        f"{'id':3}  {'what fails':52} {'times':>7}   at which step how often",
    ]


def _table(struck: Counter[tuple[str, str]]) -> list[str]:
    """Fault by step, with counts."""
    lines = []
    for fault in sorted({fault for fault, _ in struck}):
        cells = [f"{step} {count}" for (one, step), count in sorted(struck.items()) if one == fault]
        total = sum(count for (one, _), count in struck.items() if one == fault)
        lines.append(f"{fault}  {WORDS.get(fault, ''):52} {total:7}   {' · '.join(cells)}")
    return lines


def _by_name(struck: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for (name, step), count in sorted(struck.items()):
        table.setdefault(name, {})[step] = count
    return table


def _upstream(struck: Counter[tuple[str, str]]) -> list[str]:
    """What befell the kiosks that are a station of the operator's own system, with counts."""
    if not struck:
        return []
    lines = ["the operator's own system, of every third kiosk:"]
    for name, steps in _by_name(struck).items():
        each = [f"{step} {count}" for step, count in steps.items() if step]
        lines.append(f"  {name:55} {sum(steps.values()):7}   {' · '.join(each)}".rstrip())
    return [*lines, ""]


def _told(broken: Broken, mutant: str | None) -> list[str]:
    again = f"pilepay simulate --sessions {broken.sales} --seed {broken.seed}" + (f" --mutant {mutant}" if mutant else "")
    lines = [f"VIOLATED in the world of seed {broken.seed}; alone: {again}"]
    lines += [f"  {violation.rule}: {violation.what}" for violation in broken.violations]
    return lines + [f"    {line}" for line in broken.story[-_MOST_LINES:]]
