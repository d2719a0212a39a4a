"""The power goes after every step that twenty sales ask of the disk: whatever is left, nobody loses what they were promised."""

from __future__ import annotations

from pathlib import Path

import pytest
from crash_cuts import cut
from crash_judge import Judge
from crash_record import record


@pytest.mark.timeout(400)
def test_twenty_sales_survive_a_power_cut_at_every_step(memory: Path) -> None:
    recording = record("crash_sales.py", memory / "recorded", "20", "1", "right")
    assert len(recording.states) > 150
    outcome = cut(recording, Judge(recording, memory / "image").fault, seed=1, count=0)
    assert not outcome.faults, outcome
    assert outcome.images > 3_500
    assert outcome.steps > 2_500
