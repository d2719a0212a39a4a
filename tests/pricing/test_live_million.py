"""The live price and the final one over sales at random: what `make live-million` runs in full, in small."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import live_million
import pytest
from live_play import MUTANTS
from live_world import case_of


def test_live_and_final_are_one_sum_and_everything_is_played() -> None:
    _, differ, seen = live_million.played(live_million.Chunk(7, 0, 400))
    assert differ == []
    assert min(seen.values()) > 0
    assert {
        "with a reservation",
        "nothing drawn",
        "over the night of another length",
        "most price reached",
        "with discounts",
    } <= seen.keys()


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_meter_that_is_wrong_is_caught_and_its_case_cut_down(mutant: str) -> None:
    number = live_million.caught(mutant, 1)
    assert number is not None
    told = live_million.least(1, number, mutant)
    assert told.startswith("differs ")
    assert told.count("\n") < 12


def test_a_number_decides_its_case() -> None:
    assert case_of(3, 17) == case_of(3, 17) != case_of(3, 18)


def test_a_series_that_was_broken_off_goes_on_where_it_stood(tmp_path: Path) -> None:
    keep = tmp_path / "live.json"
    assert live_million.load(keep, 5) == live_million.Series(5)
    half = live_million.Series(5, 1_000, [], Counter({"sales": 1_000}), 2.5)
    live_million.save(keep, half)
    assert live_million.load(keep, 5) == half
    with pytest.raises(ValueError, match="another seed"):
        live_million.load(keep, 6)
