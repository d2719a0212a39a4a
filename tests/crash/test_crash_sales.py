"""The power goes after every step that twenty sales ask of the disk: whatever is left, nobody loses what they were promised."""

from __future__ import annotations

from pathlib import Path

import pytest
from crash_judge import judged
from crash_record import record


@pytest.mark.timeout(400)
def test_twenty_sales_survive_a_power_cut_at_every_step(memory: Path) -> None:
    recording = record("crash_sales.py", memory / "recorded", "20", "1", "right")
    assert len(recording.states) > 150
    outcome, _ = judged(recording, memory / "image", seed=1, count=2)
    assert not outcome.faults, outcome
    assert outcome.images > 5_000
    assert outcome.steps > 2_500
