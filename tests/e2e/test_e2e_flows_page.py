"""docs/flows.md and the tests of this folder tell of the same roads."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "flows.md"


def names_in(pattern: str) -> set[str]:
    return {name for file in HERE.glob(pattern) for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)}


def test_every_line_of_the_page_is_proven_by_a_test():
    """On the real processes, or where a road is too rare for them, on the rules of the sale."""
    assert set(re.findall(r"`(test_\w+)`", PAGE.read_text())) <= names_in("test_e2e_*.py") | names_in("../session/test_*.py")


def test_every_road_and_every_kill_is_on_the_page():
    roads = names_in("test_e2e_roads_*.py") | names_in("test_e2e_kills.py") | names_in("test_e2e_screen_process.py")
    assert roads <= set(re.findall(r"`(test_\w+)`", PAGE.read_text()))


def test_every_row_says_all_five_things():
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("|") and not line.startswith("|---")]
    assert all(len(cells) == 5 and all(cells) for row in rows for cells in [[cell.strip() for cell in row.strip("|").split("|")]])
