"""The price engine from a shell."""

from __future__ import annotations

import io
import json
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from kiosk.pricing.cli import price

CORPUS = (Path(__file__).parents[1] / "vectors" / "pricing" / "corpus.jsonl").read_text().splitlines()


def run(source: list[str], *, jsonl: bool = True) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return price(source, out, err, jsonl=jsonl), out.getvalue(), err.getvalue()


def test_each_line_of_a_corpus_gets_its_price() -> None:
    code, out, err = run(CORPUS[:50])
    assert (code, err) == (0, "")
    for line, answer in zip(CORPUS, map(json.loads, out.splitlines()), strict=False):
        case = json.loads(line)
        assert answer["id"] == case["id"]
        assert abs(Decimal(answer["excl"]) - Decimal(case["oracle"]["total_cost"]["excl_vat"])) <= Decimal("0.0001")
        assert Decimal(answer["total"]) == Decimal(answer["incl"]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert sum(Decimal(row["amount"]) for row in answer["lines"]) == Decimal(answer["total"])


def test_one_case_may_span_lines() -> None:
    pretty = json.dumps(json.loads(CORPUS[0]), indent=2).splitlines(keepends=True)
    code, out, _ = run(pretty, jsonl=False)
    assert code == 0
    assert json.loads(out)["excl"] == "6.2615"


def test_a_bad_line_is_named_and_the_others_are_still_priced() -> None:
    code, out, err = run([CORPUS[0], '{"tariff": {}}', "not json", "", CORPUS[1]])
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [("error" in a) for a in answers] == [False, True, True, False]
    assert err.startswith("line 2: session, time_zone: is missing\nline 3: not JSON")


def broken(**changes: Any) -> str:
    return json.dumps(json.loads(CORPUS[0]) | changes)


def period(**changes: Any) -> dict[str, Any]:
    return {"start_date_time": "2024-06-19T06:00:00Z", "dimensions": [{"type": "ENERGY", "volume": 1}]} | changes


def session(*periods: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"start": "2024-06-19T06:00:00Z", "end": "2024-06-19T07:30:00Z", "periods": list(periods)} | changes


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        (broken(time_zone="Mars"), "'Mars' is no IANA time zone"),
        (broken(time_zone=3), "time_zone: is not text"),
        ("[]", "not an object with tariff"),
        (broken(session=[]), "session: is not an object"),
        (broken(session=session(start="yesterday")), "session.start: 'yesterday' is no moment"),
        (broken(session=session(end="2024-06-19T05:00:00Z")), "session.end: lies before session.start"),
        (broken(session=session() | {"periods": {}}), "session.periods: is not a list"),
        (broken(session=session(period(start_date_time="2024-06-18T06:00:00Z"))), "session.periods: are not in order of time"),
        (broken(session=session(period(dimensions=[{"type": "energy", "volume": 1}]))), "dimensions[0].type: 'energy' is no CDR dimension"),
        (broken(session=session(period(dimensions=[{"type": "ENERGY", "volume": -1}]))), "dimensions[0].volume: is not a number"),
        (broken(session=session(period(dimensions=[{"type": "ENERGY", "volume": "1"}]))), "dimensions[0].volume: is not a number"),
    ],
)
def test_what_cannot_be_priced_says_why(case: str, sentence: str) -> None:
    code, out, err = run([case], jsonl=False)
    assert (code, out) == (1, "")
    assert sentence in err


def test_sale_terms_hold_from_the_outside_too() -> None:
    case = {
        "time_zone": "UTC",
        "tariff": {
            "country_code": "DE",
            "party_id": "LND",
            "id": "x",
            "currency": "EUR",
            "tax_included": "YES",
            "last_updated": "2026-01-01T00:00:00Z",
            "elements": [{"price_components": [{"type": "PARKING_TIME", "price": 6, "vat": 19, "step_size": 1}]}],
            "x_pilepay": {"idle_grace_seconds": 600, "idle_cap": 12},
        },
        "session": session(period(dimensions=[{"type": "PARKING_TIME", "volume": 0.5}])),
    }
    _, out, _ = run([json.dumps(case)])
    assert json.loads(out)["total"] == "2.00"
    case["session"] = session(period(dimensions=[{"type": "PARKING_TIME", "volume": 10}]))
    _, out, _ = run([json.dumps(case)])
    assert json.loads(out)["total"] == "12.00"


# --- a dry run of other discounts ------------------------------------------------------------------------------------------------


RULES = [{"type": "LOYALTY", "name": "All", "funded_by": "operator", "percent": 10}]


def dry(source: list[str], rules: object, folder: Path, *, jsonl: bool = True) -> tuple[int, list[dict[str, Any]], str]:
    file = folder / "rules.json"
    file.write_text(json.dumps(rules))
    out, err = io.StringIO(), io.StringIO()
    code = price(source, out, err, jsonl=jsonl, rules=file)
    return code, [json.loads(line) for line in out.getvalue().splitlines()] if jsonl else [json.loads(out.getvalue())], err.getvalue()


def test_a_dry_run_tells_the_difference_for_each_session_and_for_all(tmp_path: Path) -> None:
    code, answers, err = dry(CORPUS[:20], RULES, tmp_path)
    *cases, last = answers
    _, plain, _ = run(CORPUS[:20])
    assert (code, err, len(cases)) == (0, "", 20)
    for case, was in zip(cases, map(json.loads, plain.splitlines()), strict=True):
        assert case["before"] == was["total"]
        assert Decimal(case["difference"]) == Decimal(case["total"]) - Decimal(case["before"])
        assert Decimal(case["total"]) == sum(Decimal(line["amount"]) for line in case["lines"])
    for key in ("before", "total", "difference"):
        assert Decimal(last["sums"]["EUR"][key]) == sum(Decimal(case[key]) for case in cases)


def test_a_session_may_have_discounts_of_its_own(tmp_path: Path) -> None:
    own = json.dumps(json.loads(CORPUS[0]) | {"discounts": RULES})
    _, out, _ = run([own])
    (case,) = [json.loads(line) for line in out.splitlines()]
    assert [line["code"] for line in case["lines"]][-1] == "LOYALTY"
    assert (case["lines"][-1]["name"], case["lines"][-1]["funded_by"]) == ("All", "operator")
    _, (dearer, _), _ = dry([own], [], tmp_path)
    assert dearer["before"] == case["total"] < dearer["total"]
    code, (single,), _ = dry([own], [], tmp_path, jsonl=False)
    assert (code, single["difference"]) == (0, dearer["difference"])


def test_rules_that_are_none_are_named(tmp_path: Path) -> None:
    code, answers, err = dry(CORPUS[:1], [{"type": "LOYALTY", "name": "All"}], tmp_path)
    assert (code, answers[0]) == (1, {"error": "discounts[0].funded_by: is missing"})
    assert err == "line 1: discounts[0].funded_by: is missing\n"
    out, err_ = io.StringIO(), io.StringIO()
    assert price(CORPUS[:1], out, err_, jsonl=True, rules=tmp_path / "none.json") == 2
    assert "none.json" in err_.getvalue()
