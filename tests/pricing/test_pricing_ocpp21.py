"""A tariff in OCPP 2.1 is the same tariff, or says where it is not."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import ocpp.v21
import pytest
from jsonschema_rs import Draft4Validator
from pricing_world import component, element, tariff_of_elements

from kiosk.pricing.canonical import canonical
from kiosk.pricing.cdr import usage_of
from kiosk.pricing.load import load
from kiosk.pricing.model import Dimension, PricingError, SaleTerms, Tariff
from kiosk.pricing.notes import Owner
from kiosk.pricing.ocpp21 import tariff_of_ocpp
from kiosk.pricing.ocpp21_writer import ocpp_of_tariff
from kiosk.pricing.rate import rate
from kiosk.pricing.readers import read
from kiosk.pricing.wire import json_text

VECTORS = Path(__file__).parents[1] / "vectors" / "pricing"
SCHEMA = json.loads((Path(ocpp.v21.__file__).parent / "schemas" / "SetDefaultTariffRequest.json").read_text("utf-8-sig"))
VALIDATOR = Draft4Validator(SCHEMA)
OWNER = Owner("DE", "LND")


def vectors() -> list[dict[str, Any]]:
    files = [*sorted(VECTORS.glob("ocpi_spec/*.json")), *sorted(VECTORS.glob("ours/*.json"))]
    cases = [json.loads(f.read_text(), parse_float=Decimal) for f in files]
    return cases + [json.loads(line, parse_float=Decimal) for line in (VECTORS / "corpus.jsonl").read_text().splitlines()[:150]]


CASES = vectors()


def loaded(body: dict[str, Any]) -> Tariff:
    return load(json.dumps(body, default=float).encode())


def sent(tariff: Tariff) -> tuple[dict[str, Any], list[str]]:
    """What the wire carries, valid by the schema, and the codes of the notes."""
    body, notes = ocpp_of_tariff(tariff)
    text = json_text(body)
    VALIDATOR.validate({"evseId": 0, "tariff": json.loads(text)})
    return json.loads(text, parse_float=Decimal), [n.code for n in notes]


def returned(tariff: Tariff) -> Tariff:
    return tariff_of_ocpp(sent(tariff)[0], OWNER)[0]


def wire(**fields: Any) -> dict[str, Any]:
    return json.loads(json.dumps({"tariffId": "t", "currency": "EUR", **fields}), parse_float=Decimal)


def energy(*prices: dict[str, Any], **more: Any) -> dict[str, Any]:
    return wire(energy={"prices": list(prices), **more})


def refused(body: dict[str, Any]) -> list[str]:
    with pytest.raises(PricingError) as error:
        tariff_of_ocpp(body, OWNER)
    return str(error.value).splitlines()


# --- there and back -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["id"]))
def test_a_session_costs_the_same_after_the_trip_or_less_where_a_note_says_so(case: dict[str, Any]) -> None:
    tariff = loaded(case["tariff"])
    try:
        body, notes = sent(tariff)
    except PricingError as error:
        assert "OCPP" in str(error)
        return
    back, _ = tariff_of_ocpp(body, OWNER)
    usage = usage_of(case["session"])
    here, there = rate(tariff, usage, case["time_zone"]), rate(back, usage, case["time_zone"])
    assert there.incl <= here.incl + Decimal("1e-20")
    if not set(notes) & {"step-size-lost", "price-shortened"}:
        assert (there.excl, there.incl) == (here.excl, here.incl)
    elif "step-size-lost" not in notes:
        assert here.incl - there.incl < Decimal("0.000001")


def test_everything_ocpp_can_say_survives_word_for_word() -> None:
    tariff = tariff_of_elements(
        element(component("FLAT", 1.5, vat=19), start_time="08:00", end_time="20:00", day_of_week=["MONDAY", "SUNDAY"]),
        element(component("ENERGY", 0.25, vat=19), min_kwh=10.5, max_kwh=20, min_power=11, max_current=32, start_date="2026-01-01"),
        element(component("ENERGY", 0.5, vat=19)),
        element(component("TIME", 1.2), min_duration=60, max_duration=7200),
        element(component("PARKING_TIME", 6, vat=7), end_date="2027-01-01"),
        element(component("TIME", 3), reservation="RESERVATION"),
        element(component("FLAT", 2), reservation="RESERVATION"),
        start_date_time="2026-01-01T00:00:00Z",
        min_price={"before_taxes": 1, "after_taxes": 1.19},
        max_price={"before_taxes": 50},
        tariff_alt_text=[{"language": "en", "text": "Sunny"}],
        tariff_alt_url="https://example.com/t",
        x_pilepay={"idle_grace_seconds": 600},
    )
    back = returned(tariff)
    order = {e: i for i, e in enumerate(tariff.elements)}
    assert replace(back, elements=tuple(sorted(back.elements, key=order.__getitem__))) == tariff


def test_a_gross_tariff_is_sent_net_and_costs_the_same() -> None:
    tariff = tariff_of_elements(element(component("ENERGY", 0.595, vat=19), component("TIME", 2.856, vat=19)), tax_included="YES")
    body, notes = sent(tariff)
    assert notes == []
    assert body["energy"] == {"prices": [{"priceKwh": Decimal("0.5")}], "taxRates": [{"type": "VAT", "tax": 19}]}
    assert body["chargingTime"]["prices"] == [{"priceMinute": Decimal("0.04")}]


def test_a_price_that_does_not_end_is_cut_never_raised() -> None:
    body, notes = sent(tariff_of_elements(element(component("ENERGY", 0.59, vat=19), component("PARKING_TIME", 2.5)), tax_included="YES"))
    assert body["energy"]["prices"][0]["priceKwh"] == Decimal("0.495798319")
    assert body["idleTime"]["prices"][0]["priceMinute"] == Decimal("0.041666666")
    assert notes == ["price-shortened", "price-shortened"]


def test_steps_are_told_as_lost() -> None:
    _, notes = sent(tariff_of_elements(element(component("ENERGY", 0.5, step_size=500))))
    assert notes == ["step-size-lost"]


@pytest.mark.parametrize(
    ("tariff", "fault"),
    [
        (
            tariff_of_elements(element(component("ENERGY", 1, vat=19), max_kwh=5), element(component("ENERGY", 1, vat=7))),
            "elements[0].price_components[0].vat: OCPP has one tax for all prices of energy, here are 7 % and 19 %: make it one",
        ),
        (
            tariff_of_elements(element(component("PARKING_TIME", 6)), x_pilepay={"idle_cap": 12}),
            "x_pilepay.idle_cap: OCPP has no cap on idle time, the pile would ask for more: let the kiosk price it",
        ),
        (
            tariff_of_elements(element(component("TIME", 6), reservation="RESERVATION_EXPIRES")),
            "elements[0].price_components[0]: OCPP has no price for a reservation that expires: take this element out",
        ),
        (
            tariff_of_elements(element(component("ENERGY", 6), reservation="RESERVATION")),
            "elements[0].price_components[0]: a reservation can only have TIME and FLAT: move this to another element",
        ),
        (
            tariff_of_elements(element(component("FLAT", 6), min_kwh=3)),
            "elements[0].price_components[0]: a fee cannot depend on minEnergy in OCPP: take it from an element without",
        ),
    ],
)
def test_what_ocpp_cannot_say_is_refused_not_dropped(tariff: Tariff, fault: str) -> None:
    with pytest.raises(PricingError) as error:
        ocpp_of_tariff(tariff)
    assert str(error.value).splitlines() == [fault]


def test_names_without_a_place_are_told() -> None:
    tariff = tariff_of_elements(
        element(component("ENERGY", 1)), type="REGULAR", end_date_time="2030-01-01T00:00:00Z", preauthorize_amount=50
    )
    assert [(n.code, n.path) for n in ocpp_of_tariff(tariff)[1]] == [
        ("left-out", "type"),
        ("left-out", "end_date_time"),
        ("left-out", "preauthorize_amount"),
    ]


# --- reading ---------------------------------------------------------------------------------------------------------------------


def test_a_tariff_without_prices_is_free() -> None:
    tariff, notes = read(json.dumps(wire()).encode())
    assert [c.price for e in tariff.elements for c in e.components] == [0]
    assert [n.code for n in notes] == ["owner-not-said", "last-updated-not-said"]


def test_stacked_taxes_become_one_percentage() -> None:
    taxes = [{"type": "GST", "tax": 5}, {"type": "QST", "tax": 9.975, "stack": 1}]
    tariff, notes = tariff_of_ocpp(energy({"priceKwh": 1}, taxRates=taxes), OWNER)
    assert tariff.elements[0].components[0].vat == Decimal("15.47375")
    assert "taxes-combined" in [n.code for n in notes]


@pytest.mark.parametrize(
    "prices",
    [
        [{"priceMinute": 0.1, "conditions": {"minIdleTime": 600}}],
        [{"priceMinute": 0, "conditions": {"maxIdleTime": 600}}, {"priceMinute": 0.1}],
        [{"priceMinute": 0, "conditions": {"maxIdleTime": 600}}, {"priceMinute": 0.1, "conditions": {"minIdleTime": 600}}],
    ],
)
def test_free_idle_time_at_the_start_is_our_grace(prices: list[dict[str, Any]]) -> None:
    tariff, notes = tariff_of_ocpp(wire(idleTime={"prices": prices}), OWNER)
    assert tariff.sale == SaleTerms(600)
    assert [(c.type, c.price) for e in tariff.elements for c in e.components] == [(Dimension.PARKING_TIME, 6)]
    assert "idle-grace" in [n.code for n in notes]


def test_prices_for_the_other_kind_of_current_are_left_out() -> None:
    body = energy({"priceKwh": 0.4, "conditions": {"evseKind": "AC"}}, {"priceKwh": 0.6, "conditions": {"evseKind": "DC"}})
    tariff, _ = tariff_of_ocpp(body, OWNER, "DC")
    assert [c.price for e in tariff.elements for c in e.components] == [Decimal("0.6")]
    assert "evseKind: OCPI cannot ask for AC or DC" in refused(body)[0]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (wire(tariffID="x"), "tariffID: unknown key: known are tariffId, currency"),
        ({"currency": "EUR"}, "tariffId: is missing"),
        (wire(currency="euro"), "currency: 'euro' is no ISO 4217"),
        (wire(tariffId="x" * 37), "tariffId: string should have at most 36 characters"),
        (wire(energy=[]), "energy: is not an object"),
        (wire(energy={"prices": []}), "energy.prices: is missing or empty"),
        (energy({"price": 1}), "energy.prices[0].price: unknown key: known are priceKwh, conditions"),
        (energy({"priceKwh": "1"}), 'energy.prices[0].priceKwh: "1" is not a number: write it without quotes'),
        (energy({"priceKwh": 49}), "energy.prices[0]: 49 EUR per kWh is out of range"),
        (energy({"priceKwh": 1, "conditions": {"minIdleTime": 5}}), "energy.prices[0].conditions: minIdleTime and maxIdleTime can only"),
        (energy({"priceKwh": 1, "conditions": {"minChargingTime": 5}}), "minChargingTime: counts charging alone"),
        (energy({"priceKwh": 1, "conditions": {"dayOfWeek": ["MONDAY"]}}), 'dayOfWeek: "MONDAY" is not one of Monday'),
        (energy({"priceKwh": 1, "conditions": {"minEnergy": 0.0005}}), "minEnergy: 0.0005 Wh is finer than can be measured"),
        (energy({"priceKwh": 1, "conditions": {"startTimeOfDay": "8:00"}}), 'startTimeOfDay: "8:00" is no time of day'),
        (wire(fixedFee={"prices": [{"priceFixed": 1, "conditions": {"paymentBrand": "VISA"}}]}), "paymentBrand: makes the price depend"),
        (
            wire(idleTime={"prices": [{"priceMinute": 1, "conditions": {"maxIdleTime": 9}}]}),
            "idleTime.prices: OCPI cannot follow idle time",
        ),
        (wire(minCost={"inclTax": 1}), "minCost: has inclTax alone: write exclTax too, or taxRates"),
        (wire(minCost={}), "minCost: has neither exclTax nor inclTax"),
        (energy({"priceKwh": 1}, taxRates=[{"type": "VAT"}]), "energy.taxRates[0].tax: is missing"),
    ],
)
def test_a_wrong_tariff_says_where_and_how(body: dict[str, Any], fault: str) -> None:
    assert any(fault in line for line in refused(body)), refused(body)


def test_all_faults_are_told_at_once() -> None:
    assert len(refused({"energy": {"prices": [{"priceKwh": -1}]}, "minCost": 3, "x": 1})) == 5


def test_what_a_vendor_added_is_told_and_not_read() -> None:
    _, notes = tariff_of_ocpp(energy({"priceKwh": 1, "customData": {"vendorId": "x"}}), OWNER)
    assert ("custom-data", "energy.prices[0].customData") in [(n.code, n.path) for n in notes]


def test_texts_and_address_are_kept_and_others_told() -> None:
    texts = [
        {"format": "UTF8", "language": "de-DE", "content": "Sonne"},
        {"format": "ASCII", "content": "Sun"},
        {"format": "URI", "content": "https://example.com"},
        {"format": "HTML", "content": "<b>"},
    ]
    tariff, notes = tariff_of_ocpp(wire(description=texts), OWNER)
    assert [(t.language, t.text) for t in tariff.alt_text] == [("de", "Sonne"), ("en", "Sun")]
    assert tariff.alt_url == "https://example.com"
    assert [n.code for n in notes][:2] == ["language-not-said", "text-left-out"]


def test_a_read_tariff_is_one_of_ours() -> None:
    tariff, _ = tariff_of_ocpp(energy({"priceKwh": 0.4}), OWNER)
    assert load(canonical(tariff).encode()) == tariff
