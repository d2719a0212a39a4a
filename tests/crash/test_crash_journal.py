"""The power goes while a journal does everything it can, while it recovers from a power cut, and while its schema changes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from crash_cuts import at_step, cut
from crash_judge import judged
from crash_newer import OlderProgram, newer_schema
from crash_record import record


@pytest.mark.timeout(400)
def test_everything_a_journal_does_survives_a_power_cut_at_every_step(memory: Path) -> None:
    recording = record("crash_journal.py", memory / "recorded", "45", "1", "right")
    outcome, _ = judged(recording, memory / "image", seed=1, count=2)
    assert not outcome.faults, outcome
    assert outcome.images > 1_500


@pytest.mark.timeout(400)
def test_a_disk_that_fails_once_is_not_trusted_and_a_power_cut_afterwards_loses_nothing(memory: Path) -> None:
    recording = record("crash_failing.py", memory / "failing", "60", "1", "right")
    assert sum(step.what == "f" for step in recording.steps) >= 2, "too few syncs failed"
    outcome, _ = judged(recording, memory / "image", seed=1, count=0)
    assert not outcome.faults, outcome
    assert outcome.images > 200


@pytest.mark.timeout(400)
def test_a_second_power_cut_during_recovery_loses_no_more(memory: Path) -> None:
    recording = record("crash_journal.py", memory / "first", "40", "2", "right")
    draw = random.Random(2)
    for number, step in enumerate(sorted(draw.sample(range(200, len(recording.steps)), 3))):
        image, promised = at_step(recording, step, draw)
        again = record("crash_journal.py", memory / f"again-{number}", "4", "3", "right", before=image)
        outcome, _ = judged(again, memory / "image", seed=3, count=1, promised=promised)
        assert not outcome.faults, f"after a cut at {step}: {outcome}"
        assert outcome.images > 20


@pytest.mark.timeout(400)
def test_a_change_of_schema_that_is_cut_short_is_old_or_new_and_never_between(memory: Path) -> None:
    recording = record("crash_newer.py", memory / "newer", "1")
    with newer_schema():
        outcome, _ = judged(recording, memory / "image", seed=4, count=2)
    assert not outcome.faults, outcome
    assert outcome.images > 300
    program = OlderProgram(memory / "older")
    older = cut(recording, program.fault, seed=4, count=2)
    assert not older.faults, older
    assert program.seen == {"old", "new"}
