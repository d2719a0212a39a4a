"""What must not be done to a journal is found out: with each known wrong, a power cut breaks a promise."""

from __future__ import annotations

from pathlib import Path

import pytest
from crash_judge import judged
from crash_record import record
from crash_wrongs import WRONGS

EVERYTHING = ("crash_journal.py", "50", "3")
ONE_SALE = ("crash_sales.py", "1", "1")
BROKEN = (
    ("synchronous-normal", EVERYTHING, "lost"),
    ("synchronous-normal", ONE_SALE, "lost"),
    ("journal-mode-delete", ONE_SALE, "lost"),
    ("acknowledge-before-commit", EVERYTHING, "lost"),
    ("acknowledge-before-commit", ONE_SALE, "lost"),
    ("evidence-after-the-fact", EVERYTHING, "unproved"),
    ("evidence-not-synced", EVERYTHING, "unproved"),
    ("numbers-not-reserved", EVERYTHING, "repeated"),
    ("attempts-apart", EVERYTHING, "lost"),
    ("log-not-settled", ("crash_failing.py", "60", "1"), "lost"),
    ("names-not-synced", ONE_SALE, "unsound"),
    ("erased-in-name-only", ("crash_journal.py", "25", "5"), "remembered"),
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("wrong", "program", "broken"), BROKEN)
def test_a_known_wrong_breaks_a_promise(memory: Path, wrong: str, program: tuple[str, ...], broken: str) -> None:
    recording = record(program[0], memory / f"{wrong}-{program[0]}", *program[1:], wrong)
    outcome, _ = judged(recording, memory / "image", seed=1, count=0, enough=1)
    assert [fault.what.partition(":")[0] for fault in outcome.faults] == [broken]


def test_every_known_wrong_is_tried() -> None:
    assert {wrong for wrong, _, _ in BROKEN} == set(WRONGS)
