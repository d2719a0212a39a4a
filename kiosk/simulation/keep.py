"""The report of a long series of worlds, kept in a file while it is played, so that a run that was broken off goes on where it stood."""

from __future__ import annotations

import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import hardware
import kiosk
from kiosk.simulation.checker import Violation
from kiosk.simulation.report import Broken, Report


class KeepError(Exception):
    """A kept report that cannot be added to: why, and what to do."""


class Kept:
    """One series' file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._program = _program()

    def load(self, seed: int, mutant: str | None) -> Report | None:
        """The report so far, None when there is none. Raises `KeepError` when it is another series', or another program's."""
        if not self._path.exists():
            return None
        try:
            body: dict[str, Any] = json.loads(self._text())
            series = (body["program"], body["seed"], body["mutant"])
            report = _report(body)
        except (ValueError, KeyError, TypeError) as error:
            raise KeepError(f"{self._path} is no kept report ({error}): name another file") from error
        if series != (self._program, seed, mutant):
            raise KeepError(f"{self._path} was kept for another seed, another mutant or another state of the program: name another file")
        return report

    def _text(self) -> str:
        try:
            return self._path.read_text()
        except OSError as error:
            raise KeepError(f"{self._path} cannot be read: {error.strerror}. Name a file") from error

    def save(self, report: Report) -> None:
        """Write all of it or leave the last one. Raises `KeepError`."""
        body = {
            "program": self._program,
            "seed": report.seed,
            "mutant": report.mutant,
            "sessions": report.sessions,
            "facts": report.facts,
            "worlds": report.worlds,
            "lives": report.lives,
            "violations": report.violations,
            "seconds": report.seconds,
            "struck": _counts(report.struck),
            "upstream": _counts(report.upstream),
            "broken": [
                {"seed": b.seed, "sales": b.sales, "violations": [[v.rule, v.what, v.stay] for v in b.violations], "story": list(b.story)}
                for b in report.broken
            ],
        }
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            new.write_text(json.dumps(body))
            new.replace(self._path)
        except OSError as error:
            raise KeepError(
                f"{self._path} cannot be written: {error.strerror}. Name a file in a folder that is there and takes files"
            ) from error


def _report(body: dict[str, Any]) -> Report:
    report = Report(body["seed"], body["mutant"])
    for name in ("sessions", "facts", "worlds", "lives", "violations", "seconds"):
        setattr(report, name, body[name])
    for name in ("struck", "upstream"):
        getattr(report, name).update({(fault, step): count for fault, step, count in body[name]})
    report.broken += [
        Broken(b["seed"], b["sales"], tuple(Violation(*v) for v in b["violations"]), tuple(b["story"])) for b in body["broken"]
    ]
    return report


def _counts(struck: Counter[tuple[str, str]]) -> list[list[str | int]]:
    return [[fault, step, count] for (fault, step), count in sorted(struck.items())]


def _program() -> str:
    """SHA-256 over the program's own sources: what another state of it played is no part of this series."""
    digest = sha256()
    for package in (kiosk, hardware):
        folder = Path(package.__path__[0])
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{path.relative_to(folder)}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
