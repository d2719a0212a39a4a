"""Tariffs of older OCPI versions say the same price after they are read."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.pricing.canonical import canonical
from kiosk.pricing.cdr import usage_of
from kiosk.pricing.load import load
from kiosk.pricing.model import PricingError, TaxIncluded
from kiosk.pricing.notes import Note, Owner
from kiosk.pricing.rate import bill_periods
from kiosk.pricing.readers import Version, ocpi_2_1_1, ocpi_2_2_1, read, version_of

VECTORS = Path(__file__).parents[1] / "vectors" / "pricing"
MANIFEST = json.loads((VECTORS / "MANIFEST.json").read_text())
CRATE = next(s for s in MANIFEST["sets"] if "Rust crate" in s["name"])["vectors"]
EXAMPLES = next(s for s in MANIFEST["sets"] if "worked examples" in s["name"])["vectors"]
OWNER = Owner("NL", "TNM")
OLD = {
    "id": "12",
    "currency": "EUR",
    "last_updated": "2015-06-29T20:39:09Z",
    "elements": [{"price_components": [{"type": "TIME", "price": 2, "step_size": 300}]}],
}


def body(name: str) -> Any:
    return json.loads((VECTORS / name).read_text(), parse_float=Decimal)


def raw(**changes: Any) -> bytes:
    return json.dumps({k: v for k, v in {**OLD, **changes}.items() if v is not None}).encode()


def parts(*elements: tuple[dict[str, float], dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"price_components": [{"type": kind, "price": price, "step_size": 1} for kind, price in prices.items()], "restrictions": rules}
        for prices, rules in elements
    ]


def codes(notes: tuple[Note, ...]) -> list[str]:
    return [n.code for n in notes]


# --- 2.2.1 ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CRATE, ids=lambda case: case["id"])
def test_a_2_2_1_tariff_costs_what_its_vector_says(case: dict[str, Any]) -> None:
    missing = {"country_code": "NL", "party_id": "TST", "id": "1", "last_updated": "2022-01-01T00:00:00Z"}
    tariff, _ = ocpi_2_2_1(missing | body(case["tariff"]))
    rating = bill_periods(tariff, usage_of(body(case["cdr"])), case["time_zone"])
    assert abs(rating.excl - Decimal(str(case["expected_total"]["excl_vat"]))) <= Decimal("0.0001")
    assert abs(rating.incl - Decimal(str(case["expected_total"]["incl_vat"]))) <= Decimal("0.0001")


@pytest.mark.parametrize("file", sorted(VECTORS.glob("ocpi_tariffs_rs/*/tariff.json")), ids=lambda f: f.parent.name)
def test_every_whole_2_2_1_example_is_read(file: Path) -> None:
    missing = {"country_code": "NL", "party_id": "TST", "id": "1", "last_updated": "2022-01-01T00:00:00Z"}
    whole = {**missing, **json.loads(file.read_text())}
    tariff, notes = read(json.dumps(whole).encode())
    assert version_of(whole) is Version.OCPI_2_2_1
    assert tariff.tax_included is TaxIncluded.NO
    assert "prices-before-vat" in codes(notes)


def test_a_limit_without_vat_is_told() -> None:
    tariff, notes = read(raw(country_code="DE", party_id="ALL", min_price={"excl_vat": 0.5}))
    assert tariff.min_price is not None
    assert (tariff.min_price.before_taxes, tariff.min_price.after_taxes) == (Decimal("0.5"), None)
    assert codes(notes) == ["prices-before-vat", "vat-not-said", "limit-before-vat"]


def test_words_of_2_3_0_are_refused_by_name_in_2_2_1() -> None:
    newer = {**OLD, "country_code": "DE", "party_id": "ALL", "tax_included": "YES", "max_price": {"before_taxes": 3, "incl_vat": 4}}
    with pytest.raises(PricingError) as error:
        ocpi_2_2_1(newer)
    assert str(error.value).splitlines() == [
        "tax_included: is not in OCPI 2.2.1: leave it out, or say which version this is",
        "max_price.before_taxes: is not in OCPI 2.2.1: leave it out, or say which version this is",
        "max_price.excl_vat: is missing",
    ]


def test_faults_speak_the_words_of_the_source() -> None:
    with pytest.raises(PricingError, match=r"min_price\.exclvat: unknown key: known are excl_vat, incl_vat"):
        read(raw(country_code="DE", party_id="ALL", min_price={"excl_vat": 1, "exclvat": 1}))


# --- 2.1.1 ----------------------------------------------------------------------------------------------------------------------


def test_a_2_1_1_tariff_gets_its_owner_and_vat_from_outside() -> None:
    tariff, notes = ocpi_2_1_1(json.loads(raw(), parse_float=Decimal), OWNER, Decimal(21))
    assert (tariff.country_code, tariff.party_id) == OWNER
    assert tariff.elements[0].components[0].vat == 21
    assert codes(notes) == ["prices-before-vat", "step-once"]


def test_what_2_1_1_does_not_say_is_told() -> None:
    tariff, notes = read(raw())
    assert (tariff.country_code, tariff.party_id) == ("ZZ", "ZZZ")
    assert codes(notes) == ["prices-before-vat", "vat-not-said", "owner-not-said", "step-once"]


@pytest.mark.parametrize("case", [c for c in EXAMPLES if c["id"] in {"spec-01-time", "spec-14-step-2", "spec-13-time-parking"}], ids=str)
def test_the_same_tariff_in_2_1_1_costs_the_same_before_vat(case: dict[str, Any]) -> None:
    vector = body(case["file"])
    old = {key: vector["tariff"][key] for key in ("id", "currency", "elements", "last_updated")}
    for element in old["elements"]:
        for component in element["price_components"]:
            component.pop("vat", None)
    tariff, _ = ocpi_2_1_1(old, OWNER)
    rating = bill_periods(tariff, usage_of(vector["session"]), vector["time_zone"])
    assert rating.excl.quantize(Decimal("0.01")) == Decimal(vector["expected_excl"]).quantize(Decimal("0.01"))


def test_two_readings_of_2_1_1_are_told_where_they_differ() -> None:
    _, notes = read(raw(elements=parts(({"FLAT": 2.5}, {}), ({"TIME": 1}, {"max_power": 32}), ({"PARKING_TIME": 5}, {}))))
    assert [(n.path, n.message.split(", ", 1)[1]) for n in notes if n.code == "element-or-dimension"] == [
        ("elements[0]", "as 2.2 says: while it applies, PARKING_TIME from elements[2], TIME from elements[1] counts too"),
        ("elements[1]", "as 2.2 says: while it applies, PARKING_TIME from elements[2] counts too"),
    ]


@pytest.mark.parametrize(
    "apart",
    [
        ({"day_of_week": ["MONDAY"]}, {"day_of_week": ["SUNDAY"]}),
        ({"start_time": "08:00", "end_time": "20:00"}, {"start_time": "20:00", "end_time": "08:00"}),
        ({"max_kwh": 10}, {"min_kwh": 10}),
        ({"max_power": 32}, {"min_power": 32}),
        ({"max_duration": 60}, {"min_duration": 60}),
        ({"end_date": "2026-01-01"}, {"start_date": "2026-01-01"}),
    ],
)
def test_elements_that_never_meet_need_no_reading(apart: tuple[dict[str, Any], dict[str, Any]]) -> None:
    _, notes = read(raw(elements=parts(({"TIME": 1}, apart[0]), ({"ENERGY": 1}, apart[1]))))
    assert "element-or-dimension" not in codes(notes)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"elements": [{"price_components": [{"type": "TIME", "price": 1, "step_size": 1, "vat": 19}]}]},
            "price_components[0].vat: is not in",
        ),
        ({"elements": parts(({"TIME": 1}, {"min_current": 3}))}, "elements[0].restrictions.min_current: is not in OCPI 2.1.1"),
        ({"min_price": 3}, "min_price: is not in OCPI 2.1.1"),
        ({"last_updated": None}, "last_updated: is missing"),
        ({"elements": parts(({"TIME": 1}, {"dayOfWeek": ["MONDAY"]}))}, "did you mean day_of_week?"),
        ({"elements": {}}, "elements: is not a list"),
        ({"elements": [3]}, "elements[0]: is not an object"),
    ],
)
def test_a_2_1_1_tariff_is_read_strictly(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(PricingError) as error:
        ocpi_2_1_1(json.loads(raw(**changes), parse_float=Decimal), OWNER)
    assert fault in str(error.value)


# --- which version --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "version"),
    [
        (OLD, Version.OCPI_2_1_1),
        (OLD | {"min_price": {"excl_vat": 1}}, Version.OCPI_2_2_1),
        (OLD | {"party_id": "ABC"}, Version.OCPI_2_2_1),
        (OLD | {"min_price": {"before_taxes": 1}}, Version.OCPI_2_3_0),
        (OLD | {"tax_included": "NO"}, Version.OCPI_2_3_0),
        ({"tariffId": "x", "currency": "EUR"}, Version.OCPP_2_1),
    ],
)
def test_the_version_is_told_by_the_words_only_it_has(source: dict[str, Any], version: Version) -> None:
    assert version_of(source) is version


@pytest.mark.parametrize("data", [b"[]", b"{}", b"3", b'{"id": "12"}'])
def test_what_is_no_tariff_is_said(data: bytes) -> None:
    with pytest.raises(PricingError, match="so it is no tariff"):
        read(data)


@pytest.mark.parametrize("source", [OLD | {"last_updated": "\ud800"}, OLD | {"id": "\ud800"}, {"tariffId": "\ud800", "currency": "EUR"}])
def test_half_a_character_is_a_fault_not_a_crash(source: dict[str, Any]) -> None:
    with pytest.raises(PricingError):
        read(json.dumps(source).encode())


JUNK = st.sampled_from(
    [None, True, [], {}, "", 0, -1, 1e300, 1e-300, 10**30, "x" * 600, [None], {"": 1}, 3.14159265358979, "24:00", 0.0001]
)
WHOLE: list[Any] = [
    OLD | {"elements": parts(({"ENERGY": 1}, {"start_time": "08:00", "day_of_week": ["MONDAY"], "min_kwh": 3}))},
    json.loads((VECTORS / "ocpi_tariffs_rs" / "complex" / "tariff.json").read_text()),
    {
        "tariffId": "t",
        "currency": "EUR",
        "description": [{"format": "UTF8", "language": "de", "content": "x"}],
        "minCost": {"inclTax": 1, "taxRates": [{"type": "VAT", "tax": 19}]},
        "energy": {
            "prices": [{"priceKwh": 0.5, "conditions": {"minEnergy": 3000, "dayOfWeek": ["Monday"]}}],
            "taxRates": [{"type": "a", "tax": 5}],
        },
        "idleTime": {"prices": [{"priceMinute": 0, "conditions": {"maxIdleTime": 60}}, {"priceMinute": 0.1}]},
    },
]


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(p for key, below in items for p in places(below, (*path, key)))]


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_broken_file_is_a_fault_with_words_never_a_crash(data: st.DataObject) -> None:
    body = json.loads(json.dumps(data.draw(st.sampled_from(WHOLE))))
    *path, last = data.draw(st.sampled_from([p for p in places(body) if p]))
    node = body
    for key in path:
        node = node[key]
    node[last] = data.draw(JUNK)
    try:
        read(json.dumps(body).encode())
    except PricingError as error:
        assert str(error).strip()


def test_our_own_files_are_read_as_they_are() -> None:
    for file in sorted((Path(__file__).parents[2] / "assets" / "demo" / "tariffs").glob("*.json")):
        tariff, notes = read(file.read_bytes())
        assert (tariff, notes) == (load(file.read_bytes()), ())
        assert read(canonical(tariff).encode())[0] == tariff


def test_terms_of_ours_may_stand_in_any_version() -> None:
    tariff, _ = read(raw(x_pilepay={"idle_grace_seconds": 600, "idle_cap": 12}))
    assert tariff.sale.idle_grace_seconds == 600
