"""docs/flows.md and the tests tell of the same roads and the same faults."""

from __future__ import annotations

import re
from pathlib import Path

from kiosk.simulation.faults import WORDS

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "flows.md"
FAULTS = [f"F{number:02}" for number in range(1, 101)]


def names_in(pattern: str) -> set[str]:
    return {name for file in HERE.glob(pattern) for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)}


def rows() -> list[list[str]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def roads() -> list[list[str]]:
    return [row for row in rows() if row[0] != "id" and row[0] not in FAULTS]


def faults() -> list[list[str]]:
    return [row for row in rows() if row[0] in FAULTS]


def named(row: list[str]) -> set[str]:
    return set(re.findall(r"`(test_\w+)`", row[-1]))


def test_every_line_of_the_page_is_proven_by_a_test():
    """On the real processes, or where a road is too rare for them, on the rules of the sale."""
    assert {name for row in roads() for name in named(row)} <= names_in("test_e2e_*.py") | names_in("../session/test_*.py")


def test_every_road_and_every_kill_is_on_the_page():
    driven = names_in("test_e2e_roads_*.py") | names_in("test_e2e_kills.py") | names_in("test_e2e_screen_process.py")
    assert driven <= {name for row in roads() for name in named(row)}


def test_every_row_says_all_five_things():
    assert all(len(row) == 5 and all(row) for row in roads())


def test_every_fault_of_the_table_has_its_line_in_order():
    assert [row[0] for row in faults()] == FAULTS
    assert all(len(row) == 4 and all(row) for row in faults())


def test_every_fault_is_proven_or_said_to_be_missing():
    for fault, _, does, proof in faults():
        assert proof != "—" or "not yet" in does, fault
        assert not re.sub(r"`test_\w+`|simulated|[,—\s]", "", proof), fault


def test_every_test_that_a_fault_names_is_there():
    known = names_in("../*/test_*.py")
    for row in faults():
        assert named(row) <= known, (row[0], named(row) - known)


def test_what_is_said_to_be_simulated_is():
    assert {row[0] for row in faults() if "simulated" in row[-1]} <= set(WORDS)
