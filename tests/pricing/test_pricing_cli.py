"""The price engine from a shell."""

from __future__ import annotations

import io
import json
import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from kiosk.__main__ import main
from kiosk.pricing.cli import lint, price
from kiosk.pricing.lint import PROFILES

CORPUS = (Path(__file__).parents[1] / "vectors" / "pricing" / "corpus.jsonl").read_text().splitlines()


def run(source: list[str], *, jsonl: bool = True) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return price([line.encode() for line in source], out, err, jsonl=jsonl), out.getvalue(), err.getvalue()


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
    code = price([line.encode() for line in source], out, err, jsonl=jsonl, rules=file)
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
    assert price([CORPUS[0].encode()], out, err_, jsonl=True, rules=tmp_path / "none.json") == 2
    assert "none.json" in err_.getvalue()


# --- what else comes in ------------------------------------------------------------------------------------------------------------


def priced(case: dict[str, Any]) -> dict[str, Any]:
    _, out, _ = run([json.dumps(case)])
    answer: dict[str, Any] = json.loads(out)
    return answer


ELEMENTS = [
    {"price_components": [{"type": "ENERGY", "price": 0.2, "step_size": 1}], "restrictions": {"start_time": "22:00", "end_time": "06:00"}},
    {"price_components": [{"type": "ENERGY", "price": 0.4, "step_size": 1}, {"type": "FLAT", "price": 1, "step_size": 1}]},
]
NIGHT = {"start": "2024-06-19T21:30:00Z", "end": "2024-06-19T22:30:00Z"}


def test_a_tariff_of_an_older_version_is_priced_and_what_was_decided_is_told() -> None:
    bare = {"id": "x", "currency": "EUR", "elements": ELEMENTS, "last_updated": "2024-01-01T00:00:00Z"}
    case = {"time_zone": "UTC", "session": NIGHT | {"kwh": 10}, "tariff": bare}
    answer = priced(case)
    assert (answer["total"], answer["notes"][0].split(": ")[2]) == ("4.00", "prices-before-vat")
    limited = bare | {"country_code": "NL", "party_id": "TST", "min_price": {"excl_vat": 5, "incl_vat": 6}}
    assert priced(case | {"tariff": limited})["incl"] == "6"
    newest = bare | {"tax_included": "YES", "min_price": {"before_taxes": 5, "after_taxes": 6}}
    assert "notes" not in priced(case | {"tariff": newest})


def test_a_tariff_without_a_name_costs_the_same() -> None:
    assert (
        priced({"time_zone": "UTC", "session": NIGHT | {"kwh": 10}, "tariff": {"currency": "EUR", "elements": ELEMENTS}})["total"] == "4.00"
    )


@pytest.mark.parametrize(
    "ends",
    [
        {"start_date_time": NIGHT["start"], "end_date_time": NIGHT["end"], "kwh": 10},  # a session of OCPI 2.2.1 and 2.3.0
        {"start_datetime": NIGHT["start"], "end_datetime": NIGHT["end"], "kwh": 10, "charging_periods": []},  # a session of 2.1.1
        {"start_date_time": NIGHT["start"], "stop_date_time": NIGHT["end"], "total_energy": 10, "charging_periods": None},  # a CDR of 2.1.1
    ],
)
def test_a_session_that_tells_no_periods_is_cut_where_its_prices_change(ends: dict[str, Any]) -> None:
    case = {"time_zone": "UTC", "session": ends, "tariff": {"currency": "EUR", "elements": ELEMENTS}}
    assert [(line["code"], line["quantity"]) for line in priced(case)["lines"]] == [("FLAT", "1"), ("ENERGY", "5"), ("ENERGY", "5")]


def test_parked_time_of_a_cdr_without_periods_is_its_end() -> None:
    parking = [{"price_components": [{"type": "PARKING_TIME", "price": 6, "step_size": 1}], "restrictions": {"min_duration": 1800}}]
    case = {"time_zone": "UTC", "tariff": {"currency": "EUR", "elements": parking, "tax_included": "NO"}}
    assert priced(case | {"session": NIGHT | {"total_energy": 1, "total_parking_time": 0.75}})["total"] == "3.00"


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"session": NIGHT}, "session.periods: is not a list"),
        ({"session": NIGHT | {"kwh": "10"}}, "session.kwh: is not a number"),
        ({"session": {"start": NIGHT["start"], "kwh": 1}}, "session.end: is missing"),
        ({"session": NIGHT | {"end": "9999-12-31T23:59:59Z", "kwh": 1}}, "no moment from 1970 to 2199"),
        ({"session": session(period(dimensions=[{"type": "TIME", "volume": 10**8}]))}, "is out of range: time is in hours"),
        ({"time_zone": "../UTC"}, "is no IANA time zone"),
        ({"tariff": {"elements": ELEMENTS, "currency": "EURO"}}, "no ISO 4217 currency"),
        ({"id": "\ud800"}, "half of a character"),
    ],
)
def test_what_is_out_of_this_world_says_why(told: dict[str, Any], sentence: str) -> None:
    case = {"time_zone": "UTC", "session": NIGHT | {"kwh": 10}, "tariff": {"currency": "EUR", "elements": ELEMENTS}} | told
    code, out, err = run([json.dumps(case)])
    assert code == 1
    assert sentence in json.loads(out)["error"]
    assert sentence in err


@pytest.mark.parametrize("jsonl", [True, False])
@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"[" * 100_000, b"9" * 10_000, b"\x00", b'{"a": Infinity}'])
def test_bytes_that_are_nothing_get_one_sentence(data: bytes, jsonl: bool) -> None:
    out, err = io.StringIO(), io.StringIO()
    assert price([data], out, err, jsonl=jsonl) == 1
    assert err.getvalue().count("\n") == 1


def test_no_input_at_all_is_wrong_use() -> None:
    out, err = io.StringIO(), io.StringIO()
    assert price(None, out, err) == 2
    assert err.getvalue().startswith("nothing comes in")
    assert run([], jsonl=False) == (2, "", err.getvalue())


def test_the_help_says_what_is_read_and_its_example_has_a_price(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["tariff", "price", "--help"])
    told = capsys.readouterr().out
    assert "as JSON from the standard input" in told
    (case,) = re.findall(r"^example: echo '(.*)' \| pilepay tariff price$", told, flags=re.MULTILINE)
    code, out, _ = run([case], jsonl=False)
    assert (code, json.loads(out)["total"]) == (0, "9.80")


@pytest.mark.parametrize("profile", ["", ",", "eu,", "mars"])
def test_a_profile_that_is_none_is_refused_with_those_there_are(profile: str, tmp_path: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    assert lint(tmp_path / "any.json", profile, out, err) == 2
    assert (out.getvalue(), err.getvalue().partition(": ")[2]) == ("", "there are eu50, eu, de, uk, us, ca\n")


def test_the_help_names_every_profile(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["tariff", "lint", "--help"])
    assert ", ".join(PROFILES) in " ".join(capsys.readouterr().out.split())


def test_a_lint_reads_every_version(tmp_path: Path) -> None:
    file, out, err = tmp_path / "old.json", io.StringIO(), io.StringIO()
    file.write_text(json.dumps({"id": "x", "currency": "EUR", "elements": ELEMENTS, "last_updated": "2024-01-01T00:00:00Z"}))
    lint(file, "eu", out, err)
    assert "note: prices-before-vat" in out.getvalue()
    assert "not-a-tariff" not in out.getvalue()


def test_what_binary_sums_leave_of_nothing_is_nothing() -> None:
    case = {"time_zone": "UTC", "tariff": {"currency": "EUR", "elements": ELEMENTS}}
    answer = priced(case | {"session": session(period(dimensions=[{"type": "ENERGY", "volume": 5.551115123125783e-17}]))})
    assert answer["total"] == "1.00"
