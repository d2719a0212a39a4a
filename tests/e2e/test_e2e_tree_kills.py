"""kill -9 of the whole tree, supervisor, core and screen, twenty times while sale after sale goes on: all books agree in the end."""

from __future__ import annotations

from pathlib import Path

import pytest
from tree_kills import siege

KILLS = 20


@pytest.mark.timeout(400)
async def test_a_kiosk_killed_twenty_times_settles_every_sale(folder: Path):
    report = await siege(folder, KILLS, 1, print)
    print(report)
    assert len(report.kills) == KILLS
    assert all({"supervisor", "core"} <= set(kill.died) or "after the tree came" in kill.aim for kill in report.kills)
    assert sum("screen" in kill.died for kill in report.kills) >= KILLS // 4
    assert len({kill.open for kill in report.kills}) >= 5, "the kills did not hit different steps"
    assert report.captured >= 5
