"""A tariff is told whole, in every language, and what is told is what is charged."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pricing_world import component, element, tariff_of_elements

from kiosk.__main__ import main
from kiosk.pricing.cdr import usage_of
from kiosk.pricing.components import energy_price
from kiosk.pricing.discounts import CODES, Coupon, Funder, Subscription, discount
from kiosk.pricing.explain import POLICIES, Rate, Remark, day_ahead, explain, explain_line, policies
from kiosk.pricing.load import load
from kiosk.pricing.model import Tariff
from kiosk.pricing.rate import bill, rate
from kiosk.pricing.usage import Segment, State, Usage
from kiosk.values import Money
from kiosk.wording.catalogue import load as catalogue
from kiosk.wording.cli import explain_file
from kiosk.wording.languages import LANGUAGES
from kiosk.wording.remarks import remark_text, remark_texts
from kiosk.wording.wording import NBSP, Wording

VECTORS = Path(__file__).parents[1] / "vectors" / "pricing"
CASES = [json.loads(f.read_text(), parse_float=Decimal) for f in sorted(VECTORS.glob("o*/*.json"))]
CASES += [json.loads(line, parse_float=Decimal) for line in (VECTORS / "corpus.jsonl").read_text().splitlines()[:100]]
NOON = 1_768_046_400_000  # Saturday, 2026-01-10T12:00:00Z
HOUR = 3_600_000
DEMO = Path(__file__).parents[2] / "assets" / "demo" / "tariffs" / "hpc150.json"


def loaded(body: dict[str, Any]) -> Tariff:
    return load(json.dumps(body, default=float).encode())


def told(tariff: Tariff, language: str = "en", zone: str = "UTC") -> list[str]:
    texts = remark_texts(explain(tariff, NOON, zone), Wording(language))
    return [text.replace(NBSP, " ") for text in texts[: -len(policies(tariff))]]


def rules(*elements: dict[str, Any], **more: Any) -> set[str]:
    """The policies told of a tariff, by name."""
    return {remark.code.split(".")[2] for remark in policies(tariff_of_elements(*elements, **more))}


def why(tariff: Tariff, usage: Usage, code: str) -> list[str]:
    line = next(x for x in bill(tariff, usage, "UTC").lines if x.code == code)
    return [text.replace(NBSP, " ") for text in remark_texts(explain_line(line, tariff), Wording())]


def used(kwh: int, *, parked: int = 0) -> Usage:
    end = NOON + HOUR + parked * 60_000
    return Usage(NOON, end, (Segment(NOON, NOON + HOUR, kwh * 1_000_000, State.CHARGING), Segment(NOON + HOUR, end, 0, State.PARKED)))


# --- before the start -----------------------------------------------------------------------------------------------------------


def test_a_tariff_is_told_in_the_order_of_the_law_with_all_its_terms() -> None:
    tariff = tariff_of_elements(
        element(component("PARKING_TIME", 6, vat=19, step_size=60)),
        element(component("FLAT", 1)),
        element(component("TIME", 1.2, vat=7), max_power=11, min_duration=7200, max_duration=5400 * 3),
        element(component("ENERGY", 0.39, vat=19, step_size=100), start_time="22:00", end_time="06:00", day_of_week=["MONDAY", "TUESDAY"]),
        element(component("ENERGY", 0.59, vat=19)),
        tax_included="YES",
        min_price={"before_taxes": 1},
        max_price={"before_taxes": 40, "after_taxes": 50},
        x_pilepay={"idle_grace_seconds": 600, "idle_cap": 12},
        start_date_time="2026-01-01T00:00:00Z",
    )
    assert told(tariff) == [
        "Electricity costs 0.59 € per kWh now.",
        "Electricity: 0.39 € per kWh. Only from 22:00 to 06:00; Monday, Tuesday. The total is rounded up to full steps of 100 Wh."
        " 19 % VAT is included.",
        "Electricity: 0.59 € per kWh. 19 % VAT is included.",
        "Time while charging: 0.02 € per minute. Only below 11 kW; after 2 h; in the first 270 min. 7 % VAT is included.",
        "Staying without charging: 0.10 € per minute. The total is rounded up to full steps of 1 min. 19 % VAT is included."
        " The first 10 min of staying are free. Staying costs 12.00 € at most.",
        "Start fee: 1.00 €. It carries no VAT.",
        "Outside these conditions time while charging is free.",
        "A charge costs 1.00 € at least, before VAT.",
        "A charge costs 50.00 € at most.",
        "These prices begin on 1 Jan 2026, 00:00:00 UTC.",
    ]


@pytest.mark.parametrize(
    ("rules", "told_as"),
    [
        ({"start_time": "08:00"}, "from 08:00 to 24:00"),
        ({"end_time": "08:00"}, "from 00:00 to 08:00"),
        ({"start_time": "20:00", "end_time": "00:00"}, "from 20:00 to 24:00"),
        ({"day_of_week": ["MONDAY", "TUESDAY", "WEDNESDAY", "FRIDAY"]}, "Monday to Wednesday, Friday"),
        ({"start_date": "2026-03-01", "end_date": "2026-04-01"}, "from 1 Mar 2026 on; before 1 Apr 2026"),
        ({"min_kwh": 10.5, "max_kwh": 20}, "after the first 10.5 kWh; for the first 20 kWh"),
        ({"max_kwh": 0.25}, "for the first 250 Wh"),
        ({"min_power": 3.7, "max_power": 150}, "at 3.7 kW or more; below 150 kW"),
        ({"min_current": 6, "max_current": 32.5}, "at 6 A or more; below 32.5 A"),
        ({"min_duration": 90}, "after 0:01:30 h"),
        ({"max_duration": 45}, "in the first 45 s"),
    ],
)
def test_each_restriction_is_told_exactly(rules: dict[str, Any], told_as: str) -> None:
    tariff = tariff_of_elements(element(component("ENERGY", 0.5), **rules), element(component("ENERGY", 0.4)))
    assert told(tariff)[1] == f"Electricity: 0.50 € per kWh. Only {told_as}. It carries no VAT."


def test_a_free_tariff_says_so() -> None:
    tariff = tariff_of_elements(element(component("FLAT", 0, step_size=0)))
    assert told(tariff) == ["Electricity costs nothing by itself now.", "There is no start fee."]


def test_reservations_are_told_last_and_with_what_happens_if_nobody_comes() -> None:
    tariff = tariff_of_elements(
        element(component("TIME", 6), reservation="RESERVATION_EXPIRES"),
        element(component("TIME", 3), component("FLAT", 1), component("ENERGY", 9), reservation="RESERVATION"),
        element(component("ENERGY", 0.5)),
        tax_included="N/A",
    )
    assert told(tariff) == [
        "Electricity costs 0.50 € per kWh now.",
        "Electricity: 0.50 € per kWh.",
        "Reserving: 0.10 € per minute. Only if nobody comes.",
        "Reserving: 0.05 € per minute.",
        "Fee for a reservation: 1.00 €.",
        "No taxes apply to these prices.",
    ]


def test_net_prices_are_told_with_vat() -> None:
    tariff = tariff_of_elements(element(component("ENERGY", 0.5, vat=19)))
    assert told(tariff)[1] == "Electricity: 0.595 € per kWh. 19 % VAT is included."


def test_a_unit_price_keeps_its_digits() -> None:
    assert "0.4567 €" in told(tariff_of_elements(element(component("ENERGY", 0.4567))))[0]


def test_german_reads_like_german() -> None:
    assert told(loaded(json.loads(DEMO.read_text())), "de") == [
        "Strom kostet jetzt 0,49 € je kWh.",
        "Strom: 0,49 € je kWh. 19 % MwSt. sind enthalten.",
        "Stehen ohne Laden: 0,10 € je Minute. 19 % MwSt. sind enthalten. Die ersten 10 Min. Stehen sind frei."
        " Stehen kostet höchstens 12,00 €.",
    ]


def test_what_applies_now_is_marked() -> None:
    tariff = tariff_of_elements(element(component("ENERGY", 0.3), start_time="22:00", end_time="06:00"), element(component("ENERGY", 0.5)))
    rows = [r for r in explain(tariff, NOON, "UTC") if r.code == "explain.price.energy"]
    assert [(r.params, r.now) for r in rows] == [
        ((("price", Rate(Decimal("0.3"), "EUR")),), False),
        ((("price", Rate(Decimal("0.5"), "EUR")),), True),
    ]


def test_every_policy_is_told_by_name_and_value_where_a_tariff_has_everything() -> None:
    everything = tariff_of_elements(
        element(component("ENERGY", 0.3, vat=19, step_size=100), min_duration=60, max_power=11),
        element(component("ENERGY", 0.4), component("FLAT", 1), max_kwh=20),
        element(component("TIME", 1, step_size=60), component("PARKING_TIME", 2)),
        element(component("TIME", 3), reservation="RESERVATION"),
        min_price={"before_taxes": 1},
        x_pilepay={"idle_grace_seconds": 600},
    )
    assert [r.code for r in policies(everything)] == [f"explain.policy.{name}.{value}" for name, value in POLICIES.items()]
    assert explain(everything, NOON, "UTC")[-len(POLICIES) :] == policies(everything)


ALWAYS = {"lock", "no_energy", "rounding"}
LIMIT = {"min_price": {"before_taxes": 1}}


@pytest.mark.parametrize(
    ("elements", "more", "told_too"),
    [
        ([element(component("ENERGY", 0.5, vat=19))], {}, set()),
        ([element(component("ENERGY", 0.5))], {}, {"vat_missing"}),
        ([element(component("ENERGY", 0.5))], {"tax_included": "N/A"}, set()),
        ([element(component("ENERGY", 0.5, vat=19), component("FLAT", 1, vat=19))], {}, {"fee"}),
        ([element(component("ENERGY", 0.5, vat=19), component("FLAT", 0, vat=19))], {}, set()),
        ([element(component("ENERGY", 0.5, vat=19), component("PARKING_TIME", 6, vat=19))], {}, {"withheld"}),
        ([element(component("ENERGY", 0.5, vat=19, step_size=100))], {}, {"steps"}),
        (
            [element(component("TIME", 1, vat=19, step_size=60), component("PARKING_TIME", 6, vat=19))],
            {},
            {"withheld", "steps", "mixed_steps"},
        ),
        ([element(component("TIME", 1, vat=19), component("PARKING_TIME", 6, vat=19))], {}, {"withheld"}),
        ([element(component("ENERGY", 0.5, vat=19), max_power=11)], {}, {"range", "gap"}),
        (
            [element(component("ENERGY", 0.5, vat=19), max_duration=60), element(component("ENERGY", 0.4, vat=19))],
            {},
            {"duration", "selection"},
        ),
        ([element(component("ENERGY", 0.5, vat=19))], LIMIT, {"limits"}),
        ([element(component("ENERGY", 0.5, vat=19)), element(component("TIME", 3, vat=19), reservation="RESERVATION")], {}, set()),
        (
            [element(component("ENERGY", 0.5, vat=19)), element(component("TIME", 3, vat=19), reservation="RESERVATION")],
            LIMIT,
            {"limits", "limits_scope"},
        ),
        ([element(component("ENERGY", 0.5, vat=19))], {"x_pilepay": {"idle_grace_seconds": 600}}, set()),
    ],
)
def test_only_the_rules_that_a_tariff_can_meet_are_told(elements: list[Any], more: dict[str, Any], told_too: set[str]) -> None:
    assert rules(*elements, **more) == ALWAYS | told_too


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_tariff_and_every_line_can_be_said_in_every_language(language: str) -> None:
    say = Wording(language)
    for case in CASES:
        if "session" not in case:
            continue
        tariff = loaded(case["tariff"])
        remarks = [*explain(tariff, NOON, case["time_zone"])]
        for line in rate(tariff, usage_of(case["session"]), case["time_zone"]).lines:
            remarks += explain_line(line, tariff)
        assert all(remark_text(remark, say) for remark in remarks)


def test_no_sentence_is_written_that_nothing_says() -> None:
    source = "".join((Path(__file__).parents[2] / "kiosk" / path).read_text() for path in ("pricing/explain.py", "wording/remarks.py"))
    computed = (
        "explain.price.",
        "explain.policy.",
        "explain.when.",
        "explain.line.",
        "explain.discount.",
        "explain.funder.",
        "explain.gap.",
    )
    for code in catalogue("en").sentences:
        if code.startswith("explain.") and not code.startswith((*computed, "explain.day.", "explain.min_price", "explain.max_price")):
            assert f'"{code}"' in source or f"'{code}'" in source, code
    codes = catalogue("en").sentences.keys()
    assert {c for c in codes if c.startswith("explain.policy.")} == {f"explain.policy.{name}.{value}" for name, value in POLICIES.items()}
    assert {c for c in codes if c.startswith("explain.funder.")} == {f"explain.funder.{f.value}" for f in Funder}
    assert {c for c in codes if c.startswith("explain.discount.")} == {
        f"explain.discount.{c}" for c in (*map(str.lower, CODES), "covers", "left")
    }


# --- the day graph --------------------------------------------------------------------------------------------------------------


def test_the_day_graph_is_the_price_at_each_instant() -> None:
    tariff = tariff_of_elements(
        element(component("ENERGY", 0.3), start_time="22:00", end_time="06:00"),
        element(component("ENERGY", 0.4), day_of_week=["SUNDAY"]),
        element(component("ENERGY", 0.5)),
    )
    steps = day_ahead(tariff, NOON, "UTC")
    assert [((s.start_utc_ms - NOON) // HOUR, (s.end_utc_ms - NOON) // HOUR, s.price) for s in steps] == [
        (0, 10, Decimal("0.5")),
        (10, 18, Decimal("0.3")),
        (18, 24, Decimal("0.4")),
    ]


@pytest.mark.parametrize("case", [c for c in CASES if "session" in c][::7], ids=lambda case: str(case["id"]))
def test_the_day_graph_agrees_with_the_price_table_every_quarter_of_an_hour(case: dict[str, Any]) -> None:
    tariff, zone = loaded(case["tariff"]), case["time_zone"]
    steps = day_ahead(tariff, NOON, zone)
    assert (steps[0].start_utc_ms, steps[-1].end_utc_ms) == (NOON, NOON + 24 * HOUR)
    for at in range(NOON, NOON + 24 * HOUR, HOUR // 4):
        assert next(s.price for s in steps if s.start_utc_ms <= at < s.end_utc_ms) == energy_price(tariff, at, zone)


# --- a line of the bill ---------------------------------------------------------------------------------------------------------

RECEIPT = tariff_of_elements(
    element(
        component("ENERGY", 0.5, vat=19, step_size=500),
        component("TIME", 1.2, vat=19),
        component("PARKING_TIME", 6, vat=19),
        component("FLAT", 1, vat=19),
    ),
    x_pilepay={"idle_grace_seconds": 600, "idle_cap": 4},
)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ENERGY", ["20 kWh at 0.50 € per kWh.", "The total is rounded up to full steps of 500 Wh.", "19 % VAT is added."]),
        ("TIME", ["1 h of charging at 1.20 € per hour.", "19 % VAT is added."]),
        ("PARKING_TIME", ["50 min of staying at 6.00 € per hour.", "The first 10 min of staying are free.", "19 % VAT is added."]),
        ("FLAT", ["A fee of 1.00 €, charged once.", "19 % VAT is added."]),
        ("IDLE_CAP", ["Staying costs 4.00 € at most."]),
    ],
)
def test_each_line_says_why_it_is_what_it_is(code: str, said: list[str]) -> None:
    assert why(RECEIPT, used(20, parked=60), code) == said


def test_limits_explain_themselves() -> None:
    low = tariff_of_elements(element(component("ENERGY", 0.5)), min_price={"before_taxes": 20}, tax_included="N/A")
    high = tariff_of_elements(element(component("ENERGY", 0.5)), max_price={"before_taxes": 2, "after_taxes": 2})
    assert why(low, used(20), "MIN_PRICE") == ["A charge costs 20.00 € at least, before VAT."]
    assert why(high, used(20), "MAX_PRICE") == ["A charge costs 2.00 € at most."]


def test_a_discount_says_its_reason_what_it_covers_what_is_left_and_who_pays() -> None:
    usage = used(20)
    rules = (
        Subscription(name="Flat 50", funded_by=Funder.OPERATOR, mwh_left=12_345_000),
        Coupon(name="SPRING", funded_by=Funder.PARTNER, amount=Money(100, "EUR")),
    )
    *_, first, second = discount(bill(RECEIPT, usage, "UTC"), RECEIPT, rules, usage).lines
    texts = remark_texts((*explain_line(first, RECEIPT), *explain_line(second, RECEIPT)), Wording())
    assert [t.replace(NBSP, " ") for t in texts] == [
        "Flat 50: your subscription.",
        "It pays for 12.345 kWh.",
        "0 Wh are left.",
        "The operator pays for it.",
        "SPRING: your coupon.",
        "A partner pays for it.",
    ]


def test_a_line_of_another_kind_is_told_as_what_it_is() -> None:
    line = bill(RECEIPT, used(1), "UTC").lines[0]
    other = type(line)("GOODWILL", line.quantity, line.unit_price, line.excl, line.incl, None, Money(-50, "EUR"))
    assert remark_texts(explain_line(other, RECEIPT), Wording())[0].replace(NBSP, " ") == "An adjustment of -0.50 €."


# --- the command ----------------------------------------------------------------------------------------------------------------


def run(path: Any, language: str = "en", zone: str = "UTC", **more: bool) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return explain_file(path, language, zone, NOON, out, err, **more), out.getvalue(), err.getvalue()


def test_the_command_says_one_statement_a_line() -> None:
    code, out, err = run(DEMO)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].replace(NBSP, " ") == "Electricity costs 0.49 € per kWh now."
    assert [line.replace(NBSP, " ") for line in out.splitlines()[3:]] == [
        "Free staying counts all your pauses together.",
        "The prices at your start hold until the end.",
        "If no electricity flows, nothing is charged.",
        "The sum is rounded once at the end, halves upwards.",
        "While the pile holds power back, no time is charged.",
    ]


def test_the_command_reads_older_versions_and_says_what_it_decided() -> None:
    code, _, err = run(VECTORS / "ocpi_tariffs_rs" / "complex" / "tariff.json")
    assert code == 0
    assert "tax_included: note: prices-before-vat" in err


def test_a_program_may_read_it() -> None:
    _, out, _ = run(DEMO, as_json=True)
    first, second, *_ = json.loads(out)["remarks"]
    assert (first["code"], first["now"]) == ("explain.now", True)
    assert second["details"][0]["code"] == "explain.vat_in"


def test_wrong_use_and_bad_files_are_told_apart(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"id": 3, "elements": []}')
    assert run(DEMO, "xx")[0] == 2
    assert run(tmp_path / "none.json")[0] == 2
    code, out, err = run(bad)
    assert (code, out) == (1, "")
    assert err.startswith(f"{bad}: id: is not text")
    assert run(DEMO, zone="Mars")[0] == 1


def test_it_is_a_command_of_pilepay(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tariff", "explain", str(DEMO), "--language", "de", "--zone", "Europe/Berlin"]) == 0
    assert capsys.readouterr().out.startswith("Strom kostet jetzt")


def test_remarks_are_values() -> None:
    assert Remark("explain.green") == Remark("explain.green")
    assert len(set(explain(RECEIPT, NOON, "UTC"))) == len(explain(RECEIPT, NOON, "UTC"))
