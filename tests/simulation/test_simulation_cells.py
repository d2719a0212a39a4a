"""The table of faults and steps: every cell is played, or it is said why it cannot be."""

from __future__ import annotations

from kiosk.simulation.cells import FROM_SESSIONS, MONEY, ROWS, STEPS, empty, impossible
from kiosk.simulation.faults import WORDS
from kiosk.simulation.report import Report

# The money steps at which the fault table itself injects a fault ("preauth", "finish", "every terminal op", "any API").
API = ("adjust", "capture", "cancel", "refund")
INJECTED = {
    **dict.fromkeys(("F05", "F06", "F07", "F08", "F22", "F23", "F26", "F27", "F28", "F29", "F30", "F31"), ("preauthorize",)),
    "F10": ("capture",),
    **dict.fromkeys(("F11", "F12", "F34", "F36", "F40", "F41"), API),
    "F13": ("capture",),
    "F14": MONEY,
    "F15": MONEY,
    "F32": ("capture",),
    "F33": ("capture", "cancel"),
    "F35": ("capture", "cancel"),
    "F37": ("refund",),
    "F38": ("refund",),
    "F39": ("capture",),
}


def test_every_fault_has_its_row_and_every_step_is_known() -> None:
    assert set(ROWS) == set(WORDS)
    assert all(set(row.steps) <= set(STEPS) and row.steps for row in ROWS.values())


def test_no_fault_of_money_is_excused_from_a_money_step_at_which_it_is_injected() -> None:
    wanted = {(fault, step) for fault, steps in INJECTED.items() for step in steps}
    assert not wanted & set(impossible())


def test_every_cell_that_cannot_be_has_its_reason() -> None:
    cells = impossible()
    assert len(cells) + sum(len(row.steps) for row in ROWS.values()) == len(ROWS) * len(STEPS)
    assert all(len(why.split()) >= 3 for why in cells.values())


def test_an_empty_cell_fails_a_run_that_is_long_enough() -> None:
    report = Report(1)
    report.struck.update({(fault, step): 1 for fault, row in ROWS.items() for step in row.steps})
    assert (empty(report.struck), report.bad) == ([], False)
    del report.struck["F24", "query"]
    assert (report.empty_cells, report.bad) == ([("F24", "query")], False)
    report.sessions = FROM_SESSIONS
    assert report.bad
