"""Every published and computed price must come out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from kiosk.pricing.canonical import canonical
from kiosk.pricing.cdr import usage_of
from kiosk.pricing.load import load
from kiosk.pricing.model import Tariff
from kiosk.pricing.rate import bill_periods, rate

VECTORS = Path(__file__).parents[1] / "vectors" / "pricing"
MANIFEST = json.loads((VECTORS / "MANIFEST.json").read_text())
SETS = {s["name"]: s for s in MANIFEST["sets"]}
EXAMPLES = SETS["ocpi worked examples + ours"]["vectors"]
CRATE = SETS["ocpi-tariffs Rust crate integration vectors"]["vectors"]
CLOSE = Decimal("0.0001")


def read(name: str) -> Any:
    return json.loads((VECTORS / name).read_text(), parse_float=Decimal)


def tariff(body: dict[str, Any]) -> Tariff:
    return load(json.dumps(body, default=float).encode())


def lifted(body: dict[str, Any]) -> Tariff:
    """An OCPI 2.2.1 tariff in the words of 2.3.0; some of the crate's are abridged."""
    limits = {
        key: {"before_taxes": body[key]["excl_vat"], "after_taxes": body[key]["incl_vat"]}
        for key in ("min_price", "max_price")
        if key in body
    }
    missing = {"country_code": "NL", "party_id": "TST", "id": "1", "tax_included": "NO", "last_updated": "2022-01-01T00:00:00Z"}
    return tariff(missing | body | limits)


def to(value: Decimal, decimals: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["id"])
def test_worked_example_costs_what_it_says(case: dict[str, Any]) -> None:
    vector = read(case["file"])
    rating = bill_periods(tariff(vector["tariff"]), usage_of(vector["session"]), vector["time_zone"])
    decimals = int(case["decimals"] or 2)
    for expected, found in ((case["expected_excl"], rating.excl), (case["expected_incl"], rating.incl)):
        if expected is not None:
            assert to(found, decimals) == to(Decimal(expected), decimals)


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case["id"])
def test_the_engine_cuts_a_whole_session_where_the_example_cut_it(case: dict[str, Any]) -> None:
    """The periods of the examples lie where prices change, so cutting them again changes nothing."""
    vector = read(case["file"])
    loaded, usage = tariff(vector["tariff"]), usage_of(vector["session"])
    assert rate(loaded, usage, vector["time_zone"]) == bill_periods(loaded, usage, vector["time_zone"])


@pytest.mark.parametrize("case", CRATE, ids=lambda case: case["id"])
def test_crate_vector_costs_what_it_says(case: dict[str, Any]) -> None:
    rating = bill_periods(lifted(read(case["tariff"])), usage_of(read(case["cdr"])), case["time_zone"])
    assert abs(rating.excl - Decimal(str(case["expected_total"]["excl_vat"]))) <= CLOSE
    assert abs(rating.incl - Decimal(str(case["expected_total"]["incl_vat"]))) <= CLOSE


def corpus() -> Iterator[dict[str, Any]]:
    for line in (VECTORS / "corpus.jsonl").read_text().splitlines():
        yield json.loads(line, parse_float=Decimal)


def test_random_corpus_agrees_with_two_other_engines() -> None:
    wrong = []
    for case in corpus():
        rating = bill_periods(tariff(case["tariff"]), usage_of(case["session"]), case["time_zone"])
        total = case["oracle"]["total_cost"]
        if abs(rating.excl - Decimal(total["excl_vat"])) > CLOSE or abs(rating.incl - Decimal(total["incl_vat"])) > CLOSE:
            wrong.append((case["id"], rating.excl, total))
    assert wrong == []


def test_every_tariff_survives_its_canonical_text() -> None:
    bodies = [read(case["file"])["tariff"] for case in EXAMPLES] + [case["tariff"] for case in corpus()]
    for body in bodies:
        loaded = tariff(body)
        assert load(canonical(loaded).encode()) == loaded
        assert canonical(load(canonical(loaded).encode())) == canonical(loaded)
