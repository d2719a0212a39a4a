"""What we tell the back office is what was charged, and can be computed again from what we told."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import ocpp.v21
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import Draft4Validator
from pricing_world import component, element, tariff_of_elements

from kiosk.pricing.cdr import usage_of
from kiosk.pricing.cdr_parts import CdrHead, CdrLocation, CdrToken, SignedData, SignedValue
from kiosk.pricing.cdr_writer import CdrVersion, cdr, credit_cdr
from kiosk.pricing.cost_details import cost_details, running_cost
from kiosk.pricing.load import load
from kiosk.pricing.model import PricingError, Tariff
from kiosk.pricing.rate import bill, bill_periods
from kiosk.pricing.rating import Rating
from kiosk.pricing.readers import read
from kiosk.pricing.usage import Segment, State, Usage
from kiosk.pricing.wire import json_text

VECTORS = Path(__file__).parents[1] / "vectors" / "pricing"
FILES = [*sorted(VECTORS.glob("ocpi_spec/*.json")), *sorted(VECTORS.glob("ours/*.json"))]
CASES = [json.loads(f.read_text(), parse_float=Decimal) for f in FILES]
CASES += [json.loads(line, parse_float=Decimal) for line in (VECTORS / "corpus.jsonl").read_text().splitlines()]
SCHEMA = json.loads((Path(ocpp.v21.__file__).parent / "schemas" / "TransactionEventRequest.json").read_text("utf-8-sig"))
EVENT = Draft4Validator(SCHEMA)
START = 1_768_000_000_000
HOUR = 3_600_000
HEAD = CdrHead(
    id="LND-2026-000017",
    session_id="LND-1-abc",
    token=CdrToken("DE", "LND", "a1b2c3", "AD_HOC_USER", "LND-1-abc"),
    auth_method="COMMAND",
    location=CdrLocation(
        id="LND1", address="Am Hafen 4", city="Emden", postal_code="26723", country="DEU", latitude="53.34567", longitude="7.20345",
        evse_uid="DE*LND*E1", evse_id="DE*LND*E1", connector_id="1", connector_standard="IEC_62196_T2_COMBO", connector_format="CABLE",
        connector_power_type="DC",
    ),
    last_updated_utc_ms=START,
)  # fmt: skip
SALE = tariff_of_elements(
    element(component("FLAT", 0.5, vat=19)),
    element(component("ENERGY", 0.39, vat=19), start_time="22:00", end_time="06:00"),
    element(component("ENERGY", 0.59, vat=19), max_kwh=20),
    element(component("ENERGY", 0.49, vat=19)),
    element(component("TIME", 1.2, vat=7), max_power=11),
    element(component("PARKING_TIME", 6, vat=7), min_duration=5400),
    element(component("PARKING_TIME", 3, vat=7)),
    tax_included="YES",
    x_pilepay={"idle_grace_seconds": 600, "idle_cap": 4},
)


def of(case: dict[str, Any]) -> tuple[Tariff, Usage, str]:
    return load(json.dumps(case["tariff"], default=float).encode()), usage_of(case["session"]), case["time_zone"]


def spoken(body: Any) -> Any:
    """What the receiver gets."""
    return json.loads(json_text(body), parse_float=Decimal)


def rated_again(body: dict[str, Any], zone: str, *, expired: bool = False) -> Rating:
    """The receiver's sum: the CDR's own tariff over the CDR's own periods."""
    tariff, _ = read(json_text(body["tariffs"][0]).encode())
    return bill_periods(tariff, usage_of(body | {"reservation_expired": expired}), zone)


def usages() -> st.SearchStrategy[Usage]:
    stretch = st.tuples(
        st.sampled_from([State.CHARGING, State.CHARGING, State.PARKED, State.WITHHELD]), st.integers(0, 7_200), st.integers(0, 30_000_000)
    )

    def build(parts: list[tuple[State, int, int]], start: int) -> Usage:
        at, segments = start, []
        for state, seconds, mwh in parts:
            segments.append(Segment(at, at + seconds * 1_000, mwh if state is State.CHARGING else 0, state))
            at += seconds * 1_000
        return Usage(start, at, tuple(segments))

    begins = st.integers(0, 86_400 * 365).map(lambda s: START + s * 1_000)
    return st.builds(build, st.lists(stretch, max_size=12), begins)


# --- round trip -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_a_written_cdr_costs_again_what_was_charged(case: dict[str, Any]) -> None:
    tariff, usage, zone = of(case)
    rating = bill(tariff, usage, zone)
    body = spoken(cdr(HEAD, usage, rating, tariff, zone))
    again = rated_again(body, zone, expired=usage.reservation_expired)
    assert (again.total, again.excl, again.incl) == (rating.total, rating.excl, rating.incl)


@pytest.mark.parametrize("case", CASES[:43], ids=lambda case: str(case["id"]))
def test_a_written_2_2_1_cdr_costs_again_what_was_charged(case: dict[str, Any]) -> None:
    tariff, usage, zone = of(case)
    rating = bill(tariff, usage, zone)
    body = spoken(cdr(HEAD, usage, rating, tariff, zone, CdrVersion.V2_2_1))
    assert "tax_included" not in body["tariffs"][0]
    again = rated_again(body, zone, expired=usage.reservation_expired)
    assert abs(again.incl - rating.incl) < Decimal("0.000001")


@given(usages())
@settings(max_examples=150, deadline=None)
def test_our_own_terms_survive_the_trip(usage: Usage) -> None:
    rating = bill(SALE, usage, "Europe/Berlin")
    body = spoken(cdr(HEAD, usage, rating, SALE, "Europe/Berlin"))
    again = rated_again(body, "Europe/Berlin")
    assert (again.total, again.incl) == (rating.total, rating.incl)
    old = spoken(cdr(HEAD, usage, rating, SALE, "Europe/Berlin", CdrVersion.V2_2_1))
    assert abs(rated_again(old, "Europe/Berlin").incl - rating.incl) < Decimal("0.00001")


@given(usages())
@settings(max_examples=100, deadline=None)
def test_free_parking_needs_no_word_of_ours(usage: Usage) -> None:
    tariff = replace(SALE, sale=replace(SALE.sale, idle_cap=None))
    rating = bill(tariff, usage, "UTC")
    body = spoken(cdr(HEAD, usage, rating, tariff, "UTC"))
    assert "x_pilepay" not in body["tariffs"][0]
    assert rated_again(body, "UTC").total == rating.total


# --- what OCPI asks of a CDR ------------------------------------------------------------------------------------------------------

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
NEEDED = set(
    "country_code party_id id start_date_time end_date_time cdr_token auth_method cdr_location currency charging_periods total_cost"
    " total_energy total_time last_updated".split()
)
PRICES = ("total_fixed_cost", "total_energy_cost", "total_time_cost", "total_parking_cost", "total_reservation_cost")


def by_the_rules(body: dict[str, Any]) -> None:
    assert body.keys() >= NEEDED
    for key in ("start_date_time", "end_date_time", "last_updated"):
        assert re.fullmatch(MOMENT, body[key])
    periods = body["charging_periods"]
    assert periods
    starts = [p["start_date_time"] for p in periods]
    assert starts == sorted(starts)
    assert body["start_date_time"] <= starts[0] <= starts[-1] <= body["end_date_time"]
    for period in periods:
        assert period["dimensions"]
        assert period["tariff_id"] == body["tariffs"][0]["id"]
        assert all(d["volume"] >= 0 for d in period["dimensions"])
    energy = sum(d["volume"] for p in periods for d in p["dimensions"] if d["type"] == "ENERGY")
    assert energy == body["total_energy"]
    assert body["total_parking_time"] <= body["total_time"]


def net_of(price: dict[str, Any]) -> Decimal:
    return Decimal(price["before_taxes"] if "before_taxes" in price else price["excl_vat"])


def gross_of(price: dict[str, Any]) -> Decimal:
    return Decimal(price["incl_vat"] if "incl_vat" in price else price["before_taxes"] + sum(t["amount"] for t in price.get("taxes", [])))


@given(usages(), st.sampled_from(CdrVersion))
@settings(max_examples=100, deadline=None)
def test_a_cdr_keeps_the_rules_and_its_costs_add_up(usage: Usage, version: CdrVersion) -> None:
    rating = bill(SALE, usage, "Europe/Berlin")
    body = spoken(cdr(HEAD, usage, rating, SALE, "Europe/Berlin", version))
    by_the_rules(body)
    assert gross_of(body["total_cost"]) == rating.total.decimal()
    parts = [body[key] for key in PRICES if key in body]
    assert sum(map(gross_of, parts)) == gross_of(body["total_cost"])
    assert sum(map(net_of, parts)) == net_of(body["total_cost"])


@pytest.mark.parametrize("case", CASES[:43], ids=lambda case: str(case["id"]))
def test_every_worked_example_makes_a_lawful_cdr(case: dict[str, Any]) -> None:
    tariff, usage, zone = of(case)
    by_the_rules(spoken(cdr(HEAD, usage, bill(tariff, usage, zone), tariff, zone)))


def test_taxes_are_named_with_rate_and_amount() -> None:
    usage = Usage(START, START + HOUR, (Segment(START, START + HOUR, 10_000_000, State.CHARGING),))
    tariff = tariff_of_elements(element(component("ENERGY", 0.5, vat=19), component("FLAT", 1, vat=7)))
    body = spoken(cdr(HEAD, usage, bill(tariff, usage, "UTC"), tariff, "UTC"))
    assert body["total_cost"] == {
        "before_taxes": 6,
        "taxes": [
            {"name": "VAT", "percentage": 19, "amount": Decimal("0.95")},
            {"name": "VAT", "percentage": 7, "amount": Decimal("0.07")},
        ],
    }
    assert body["total_fixed_cost"] == {"before_taxes": 1, "taxes": [{"name": "VAT", "percentage": 7, "amount": Decimal("0.07")}]}


def test_what_has_no_field_is_named_in_the_remark() -> None:
    usage = Usage(START, START + HOUR, (Segment(START, START + HOUR, 1_000_000, State.CHARGING),))
    tariff = tariff_of_elements(element(component("ENERGY", 0.3)), min_price={"before_taxes": 0.5})
    body = spoken(cdr(replace(HEAD, remark="unplugged"), usage, bill(tariff, usage, "UTC"), tariff, "UTC"))
    assert body["remark"] == "unplugged; total_cost holds MIN_PRICE 0.20 EUR"
    assert (gross_of(body["total_energy_cost"]), gross_of(body["total_cost"])) == (Decimal("0.3"), Decimal("0.5"))


def test_a_long_remark_is_cut_to_what_ocpi_takes() -> None:
    tariff = tariff_of_elements(element(component("FLAT", 0.3)), min_price={"before_taxes": 0.5})
    usage = Usage(START, START, ())
    body = cdr(replace(HEAD, remark="x" * 255), usage, bill(tariff, usage, "UTC"), tariff, "UTC")
    assert len(str(body["remark"])) == 255


def test_a_reservation_fee_is_a_cost_of_the_reservation() -> None:
    case = next(c for c in CASES if c["id"] == "spec-16-reservation-fee")
    tariff, usage, zone = of(case)
    rating = bill(tariff, usage, zone)
    body = spoken(cdr(HEAD, usage, rating, tariff, zone))
    assert gross_of(body["total_reservation_cost"]) == Decimal("3.90")  # the reserved time and its fee of 2.40
    assert gross_of(body["total_fixed_cost"]) == Decimal("0.60")  # the start fee


def test_many_readings_make_no_more_periods_than_prices() -> None:
    parts = tuple(Segment(START + i * 60_000, START + (i + 1) * 60_000, 100_000, State.CHARGING) for i in range(200))
    tariff = tariff_of_elements(element(component("ENERGY", 0.5), max_kwh=10), element(component("ENERGY", 0.4)))
    usage = Usage(START, START + 200 * 60_000, parts)
    body = spoken(cdr(HEAD, usage, bill(tariff, usage, "UTC"), tariff, "UTC"))
    assert [[(d["type"], d["volume"]) for d in p["dimensions"]] for p in body["charging_periods"]] == [
        [("ENERGY", 10), ("TIME", Decimal("1.666666667"))],
        [("ENERGY", 10), ("TIME", Decimal("1.666666667"))],
    ]


def test_a_session_of_nothing_still_has_a_period() -> None:
    usage = Usage(START, START, ())
    body = spoken(cdr(HEAD, usage, bill(SALE, usage, "UTC"), SALE, "UTC"))
    assert body["charging_periods"][0]["dimensions"] == [{"type": "ENERGY", "volume": 0}]


def test_signed_values_go_out_unchanged() -> None:
    signed = SignedData("OCMF", (SignedValue("Start", "0.1", "OCMF|{}|{}"), SignedValue("End", "9.9", "OCMF|{}|{}")), public_key="30…")
    usage = Usage(START, START, ())
    body = cdr(replace(HEAD, signed=signed), usage, bill(SALE, usage, "UTC"), SALE, "UTC")
    assert body["signed_data"] == {
        "encoding_method": "OCMF",
        "public_key": "30…",
        "signed_values": [
            {"nature": "Start", "plain_data": "0.1", "signed_data": "OCMF|{}|{}"},
            {"nature": "End", "plain_data": "9.9", "signed_data": "OCMF|{}|{}"},
        ],
    }


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        (replace(HEAD, id="x" * 37), "id: 37 characters, OCPI takes 36: shorten it"),
        (replace(HEAD, id=""), "id: is missing"),
        (replace(HEAD, auth_method="CARD"), "auth_method: 'CARD' is not one of AUTH_REQUEST, COMMAND, WHITELIST"),
        (replace(HEAD, location=replace(HEAD.location, country="DE")), "cdr_location.country: 'DE' is not of the form [A-Z]{3}"),
        (replace(HEAD, location=replace(HEAD.location, latitude="53")), "cdr_location.coordinates.latitude: '53' is not of the form"),
        (replace(HEAD, token=replace(HEAD.token, type="CARD")), "cdr_token.type: 'CARD' is not one of"),
        (replace(HEAD, signed=SignedData("OCMF", ())), "signed_data.signed_values: is empty"),
        (
            replace(HEAD, signed=SignedData("OCMF", (SignedValue("Begin", "", "x" * 5001),))),
            "signed_values[0].nature: 'Begin' is not one of",
        ),
    ],
)
def test_what_ocpi_does_not_take_is_refused_by_name(head: CdrHead, fault: str) -> None:
    usage = Usage(START, START, ())
    with pytest.raises(PricingError) as error:
        cdr(head, usage, bill(SALE, usage, "UTC"), SALE, "UTC")
    assert fault in str(error.value)


def test_a_word_of_2_3_0_is_refused_in_2_2_1() -> None:
    usage = Usage(START, START, ())
    head = replace(HEAD, token=replace(HEAD.token, type="EMAID"))
    assert cdr(head, usage, bill(SALE, usage, "UTC"), SALE, "UTC")
    with pytest.raises(PricingError, match=r"cdr_token\.type: EMAID came with OCPI 2\.3\.0"):
        cdr(head, usage, bill(SALE, usage, "UTC"), SALE, "UTC", CdrVersion.V2_2_1)


def test_a_credit_takes_back_the_total_and_nothing_else() -> None:
    usage = Usage(START, START + HOUR, (Segment(START, START + HOUR, 10_000_000, State.CHARGING),))
    original = cdr(HEAD, usage, bill(SALE, usage, "UTC"), SALE, "UTC")
    credit = credit_cdr(original, f"{HEAD.id}-C", START + HOUR)
    assert (credit["credit"], credit["credit_reference_id"]) == (True, HEAD.id)
    assert gross_of(spoken(credit)["total_cost"]) == -gross_of(spoken(original)["total_cost"])
    assert {k for k in credit if credit[k] != original.get(k)} == {"id", "total_cost", "credit", "credit_reference_id", "last_updated"}
    with pytest.raises(PricingError, match="take another"):
        credit_cdr(original, HEAD.id, START)


# --- OCPP 2.1 -------------------------------------------------------------------------------------------------------------------

OCPI_WORDS = {
    "Energy": ("ENERGY", 1_000), "ChargingTime": ("TIME", 3_600), "IdleTIme": ("PARKING_TIME", 3_600), "MinPower": ("MIN_POWER", 1_000),
    "MaxPower": ("MAX_POWER", 1_000), "MinCurrent": ("MIN_CURRENT", 1), "MaxCurrent": ("MAX_CURRENT", 1),
}  # fmt: skip


def event(details: dict[str, Any]) -> dict[str, Any]:
    text = json_text(details)
    EVENT.validate(
        {
            "eventType": "Ended",
            "timestamp": "2026-01-01T00:00:00Z",
            "triggerReason": "EVDeparted",
            "seqNo": 3,
            "transactionInfo": {"transactionId": "t"},
            "costDetails": json.loads(text),
        }
    )
    return json.loads(text, parse_float=Decimal)


def session_of(details: dict[str, Any], usage: Usage) -> Usage:
    """CostDetails in the words of OCPI."""

    def dimension(d: dict[str, Any]) -> dict[str, Any]:
        name, parts = OCPI_WORDS[d["type"]]
        return {"type": name, "volume": Decimal(d["volume"]) / parts}

    periods = [
        {"start_date_time": p["startPeriod"], "dimensions": [dimension(d) for d in p["dimensions"]]} for p in details["chargingPeriods"]
    ]
    end = max(usage.end_utc_ms // 1_000, usage.start_utc_ms // 1_000)
    return usage_of({"start": periods[0]["start_date_time"], "end": iso(end), "periods": periods})


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("case", CASES[:120], ids=lambda case: str(case["id"]))
def test_cost_details_are_valid_and_cost_the_same_again(case: dict[str, Any]) -> None:
    tariff, usage, zone = of(case)
    rating = bill(tariff, usage, zone)
    details = event(cost_details(usage, rating, tariff, zone))
    assert details["totalCost"]["total"]["inclTax"] == rating.total.decimal()
    if not any(s.state is State.RESERVED for s in usage.segments):
        assert bill_periods(tariff, session_of(details, usage), zone).incl == rating.incl


@given(usages())
@settings(max_examples=100, deadline=None)
def test_cost_details_of_our_own_terms_add_up(usage: Usage) -> None:
    rating = bill(SALE, usage, "Europe/Berlin")
    details = event(cost_details(usage, rating, SALE, "Europe/Berlin"))
    assert bill_periods(SALE, session_of(details, usage), "Europe/Berlin").total == rating.total
    parts = [v for k, v in details["totalCost"].items() if isinstance(v, dict) and k != "total"]
    assert sum(p["inclTax"] for p in parts) == details["totalCost"]["total"]["inclTax"]
    assert sum(p["exclTax"] for p in parts) == details["totalCost"]["total"]["exclTax"]
    used = details["totalUsage"]
    assert used["energy"] * 1_000 == sum(s.mwh for s in usage.segments)
    assert used["idleTime"] <= used["chargingTime"]


def test_the_wires_own_spelling_is_kept() -> None:
    usage = Usage(START, START + HOUR, (Segment(START, START + HOUR, 0, State.PARKED),))
    details = event(cost_details(usage, bill(SALE, usage, "UTC"), SALE, "UTC"))
    assert [d["type"] for d in details["chargingPeriods"][0]["dimensions"]][:1] == ["IdleTIme"]


@pytest.mark.parametrize(
    ("limits", "kind"),
    [({}, "NormalCost"), ({"min_price": {"before_taxes": 9}}, "MinCost"), ({"max_price": {"before_taxes": 1}}, "MaxCost")],
)
def test_the_kind_of_cost_tells_which_limit_counted(limits: dict[str, Any], kind: str) -> None:
    tariff = tariff_of_elements(element(component("ENERGY", 0.5, vat=19)), **limits)
    usage = Usage(START, START + HOUR, (Segment(START, START + HOUR, 10_000_000, State.CHARGING),))
    assert event(cost_details(usage, bill(tariff, usage, "UTC"), tariff, "UTC"))["totalCost"]["typeOfCost"] == kind


def test_a_running_cost_has_no_periods() -> None:
    usage = Usage(START, START + HOUR, (Segment(START, START + HOUR, 10_000_000, State.CHARGING),))
    details = event(running_cost(usage, bill(SALE, usage, "UTC"), SALE, "UTC"))
    assert details.keys() == {"totalCost", "totalUsage"}
    assert details["totalUsage"] == {"energy": 10_000, "chargingTime": 3_600, "idleTime": 0}
