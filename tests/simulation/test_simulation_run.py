"""`pilepay simulate`: clean worlds, repeatable to the letter, and exit codes a script can rely on."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest

from kiosk.simulation.cli import BAD, GOOD, WRONG_USE, simulate
from kiosk.simulation.demo import demo
from kiosk.simulation.faults import WORDS
from kiosk.simulation.mutants import MUTANTS
from kiosk.simulation.report import Report
from kiosk.simulation.series import run


@pytest.mark.timeout(600)  # five seconds of work, on a machine that may have much else to do
def test_three_hundred_sales_keep_every_promise() -> None:
    out = io.StringIO()
    assert simulate(300, 2, None, out, as_json=True) == GOOD
    report = json.loads(out.getvalue())
    assert (report["sessions"], report["violations"], report["seed"]) == (300, 0, 2)
    assert report["facts"] >= 25 * 300
    assert report["seconds"] > 0
    table = report["fault_table"]
    assert set(table) <= set(WORDS)
    assert sum(sum(steps.values()) for steps in table.values()) == report["faults"] > 300


def test_one_seed_gives_one_history() -> None:
    first, second = run(40, 5), run(40, 5)
    first.seconds = second.seconds = 0
    assert first.as_json() == second.as_json()
    assert run(40, 6).struck != first.struck


def test_a_failing_world_can_be_played_alone() -> None:
    report = run(200, 4, "round-up", enough=lambda so_far: so_far.worlds > 1 and so_far.violations > 0)
    broken = report.broken[-1]
    alone = run(broken.sales, broken.seed, "round-up")
    assert alone.broken[0].violations == broken.violations
    assert alone.broken[0].story
    out = io.StringIO()
    report.write(out)
    assert f"pilepay simulate --sessions {broken.sales} --seed {broken.seed} --mutant round-up" in out.getvalue()


def test_the_table_of_faults_says_what_its_columns_are() -> None:
    out = io.StringIO()
    report = Report(1)
    report.struck.update({("F14", "capture"): 3, ("F14", "idle"): 2})
    report.write(out)
    words, heads, row, *_ = out.getvalue().splitlines()
    assert words == "The faults that struck, by their ids in docs/flows.md: how often in all, and how often at each step a sale was at."
    assert heads.split() == ["id", "what", "fails", "times", "at", "which", "step", "how", "often"]
    assert row.endswith("5   capture 3 · idle 2")
    assert row[: heads.index("times") + len("times")].endswith(" 5")
    assert heads.index("at which") == row.index("capture")


@pytest.mark.parametrize(
    ("where", "why"), [("no/such", "No such file or directory"), ("", "Is a directory"), ("file/k", "Not a directory")]
)
def test_a_report_that_cannot_be_kept_is_said_before_anything_is_played(
    where: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert simulate(10**9, 1, None, io.StringIO(), as_json=True, keep=tmp_path / where) == WRONG_USE
    said = capsys.readouterr().err
    assert said.startswith(f"--keep: {tmp_path / where} cannot be ")
    assert f": {why}. Name a file" in said


@pytest.mark.parametrize("where", ["file", "file/tour"])
def test_a_tour_into_what_is_no_folder_is_refused(where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    level = logging.getLogger().level
    try:
        assert demo(tmp_path / where, fast=True) == WRONG_USE
    finally:
        logging.getLogger().setLevel(level)
    said = capsys.readouterr().err
    assert said.startswith(f"--tour: {tmp_path / where}")
    assert said.endswith(" cannot be made: Not a directory. Name a folder that this user may fill.\n")


def test_a_violation_is_exit_code_one() -> None:
    assert simulate(24, 1, "capture-the-hold", io.StringIO(), as_json=False) == BAD


def test_an_unknown_mutant_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(1, 1, "no-such-mutant", io.StringIO(), as_json=False) == WRONG_USE
    assert "--mutant list" in capsys.readouterr().err
    assert simulate(0, 1, None, io.StringIO(), as_json=False) == WRONG_USE


def test_the_list_of_mutants_is_one_a_line_with_its_name_first() -> None:
    out = io.StringIO()
    assert simulate(1, 1, "list", out, as_json=False) == GOOD
    assert [line.split()[0] for line in out.getvalue().splitlines()] == list(MUTANTS)


def test_the_report_does_not_depend_on_how_many_processes_share_the_work() -> None:
    assert run(100, 5, jobs=2).as_json() == run(100, 5).as_json()


def test_a_run_that_was_broken_off_goes_on_where_it_stood(tmp_path: Path) -> None:
    keep = tmp_path / "report.json"
    first, whole, second = io.StringIO(), io.StringIO(), io.StringIO()
    simulate(40, 6, None, first, as_json=True, keep=keep)
    simulate(80, 6, None, second, as_json=True, keep=keep)
    simulate(80, 6, None, whole, as_json=True)
    kept, alone = json.loads(second.getvalue()), json.loads(whole.getvalue())
    assert kept["seconds"] > 0
    kept["seconds"] = alone["seconds"] = 0
    assert kept == alone


def test_a_kept_report_of_another_series_is_not_added_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep = tmp_path / "report.json"
    assert simulate(8, 6, None, io.StringIO(), as_json=True, keep=keep) == GOOD
    assert simulate(16, 7, None, io.StringIO(), as_json=True, keep=keep) == WRONG_USE
    assert "another seed" in capsys.readouterr().err
    keep.write_text("{}")
    assert simulate(16, 6, None, io.StringIO(), as_json=True, keep=keep) == WRONG_USE
    assert "name another file" in capsys.readouterr().err


def test_violations_are_kept_too(tmp_path: Path) -> None:
    keep, out = tmp_path / "report.json", io.StringIO()
    assert simulate(24, 1, "capture-the-hold", io.StringIO(), as_json=True, keep=keep) == BAD
    assert simulate(24, 1, "capture-the-hold", out, as_json=False, keep=keep) == BAD
    assert "captured == price" in out.getvalue()
