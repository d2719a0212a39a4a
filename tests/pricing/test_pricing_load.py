"""A tariff that is wrong in any way is refused, with its place and its mend."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.pricing.canonical import canonical, tariff_hash
from kiosk.pricing.load import load
from kiosk.pricing.model import PricingError, SaleTerms, Tariff

Body = dict[str, Any]


def body() -> Body:
    return {
        "country_code": "DE",
        "party_id": "LND",
        "id": "hpc",
        "currency": "EUR",
        "type": "AD_HOC_PAYMENT",
        "tax_included": "YES",
        "last_updated": "2026-01-01T00:00:00Z",
        "elements": [
            {
                "price_components": [{"type": "ENERGY", "price": 0.49, "vat": 19, "step_size": 1}],
                "restrictions": {"start_time": "08:00", "day_of_week": ["MONDAY"]},
            },
            {"price_components": [{"type": "ENERGY", "price": 0.59, "vat": 19, "step_size": 1}]},
        ],
        "x_pilepay": {"idle_grace_seconds": 600, "idle_cap": 12},
    }


def read(value: object) -> Tariff:
    return load(json.dumps(value).encode())


def component(b: Body) -> Body:
    found: Body = b["elements"][0]["price_components"][0]
    return found


def restrictions(b: Body) -> Body:
    found: Body = b["elements"][0]["restrictions"]
    return found


def test_what_is_written_is_what_is_read() -> None:
    tariff = read(body())
    assert tariff.elements[0].components[0].price == Decimal("0.49")
    assert tariff.sale == SaleTerms(600, Decimal(12))


Change = Callable[[Body], object]

COMPONENT = "elements[0].price_components[0]"
RESTRICTIONS = "elements[0].restrictions"
FAULTS: list[tuple[str, Change, str]] = [
    (
        "misspelt key",
        lambda b: b["elements"][0].update(restriction={}),
        "elements[0].restriction: unknown key: did you mean restrictions?",
    ),
    (
        "camel case",
        lambda b: restrictions(b).update(dayOfWeek=["MONDAY"]),
        f"{RESTRICTIONS}.dayOfWeek: unknown key: did you mean day_of_week?",
    ),
    (
        "limit of OCPI 2.2.1",
        lambda b: b.update(min_price={"excl_vat": 1}),
        "min_price.before_taxes: is missing\nmin_price.excl_vat: unknown key: known are before_taxes, after_taxes",
    ),
    (
        "small letters",
        lambda b: component(b).update(type="energy"),
        f'{COMPONENT}.type: "energy" is not one of ENERGY, TIME, PARKING_TIME, FLAT: did you mean ENERGY?',
    ),
    (
        "weekday",
        lambda b: restrictions(b).update(day_of_week=["Monday"]),
        f'{RESTRICTIONS}.day_of_week[0]: "Monday" is not one of MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY, SATURDAY, SUNDAY:'
        " did you mean MONDAY?",
    ),
    (
        "price as text",
        lambda b: component(b).update(price="0.49"),
        f'{COMPONENT}.price: "0.49" is not a number: write it without quotes',
    ),
    (
        "price in cents",
        lambda b: component(b).update(price=49),
        f"{COMPONENT}.price: 49 EUR per kWh is out of range: prices are in whole EUR, not in cents",
    ),
    (
        "negative price",
        lambda b: component(b).update(price=-0.1),
        f"{COMPONENT}.price: -0.1 is negative: prices and limits are 0 or more",
    ),
    (
        "vat as a fraction",
        lambda b: component(b).update(vat=0.19),
        f"{COMPONENT}.vat: 0.19 looks like a fraction: vat is in percent, write 19",
    ),
    ("vat beyond all", lambda b: component(b).update(vat=190), f"{COMPONENT}.vat: 190 % is no VAT rate"),
    (
        "watts",
        lambda b: restrictions(b).update(min_power=11_000),
        f"{RESTRICTIONS}.min_power: 11000 kW is out of range: OCPI counts in kW; for W write 11",
    ),
    (
        "watt-hours",
        lambda b: restrictions(b).update(max_kwh=30_000),
        f"{RESTRICTIONS}.max_kwh: 30000 kWh is out of range: OCPI counts in kWh; for Wh write 30",
    ),
    (
        "finer than a meter",
        lambda b: restrictions(b).update(max_kwh=0.0000001),
        f"{RESTRICTIONS}.max_kwh: 1E-7 kWh is finer than can be measured: use at most 6 decimals",
    ),
    (
        "time with one digit",
        lambda b: restrictions(b).update(start_time="8:00"),
        f'{RESTRICTIONS}.start_time: "8:00" is no time of day: write HH:MM from 00:00 to 23:59 (00:00 as an end is the end of the day)',
    ),
    (
        "hour 24",
        lambda b: restrictions(b).update(end_time="24:00"),
        f'{RESTRICTIONS}.end_time: "24:00" is no time of day: write HH:MM from 00:00 to 23:59 (00:00 as an end is the end of the day)',
    ),
    (
        "no such day",
        lambda b: restrictions(b).update(start_date="2026-02-30"),
        f'{RESTRICTIONS}.start_date: "2026-02-30" is no date: write YYYY-MM-DD',
    ),
    (
        "local moment",
        lambda b: b.update(last_updated="2026-01-01T00:00:00+01:00"),
        'last_updated: "2026-01-01T00:00:00+01:00" is no UTC moment: write 2026-01-31T12:00:00Z',
    ),
    ("step of nothing", lambda b: component(b).update(step_size=0), f"{COMPONENT}: step_size 0 bills nothing: write 1"),
    (
        "broken step",
        lambda b: component(b).update(step_size=1.5),
        f"{COMPONENT}.step_size: 1.5 is not a whole number: write digits only",
    ),
    ("no step", lambda b: component(b).pop("step_size"), f"{COMPONENT}.step_size: is missing"),
    ("tax not said", lambda b: b.pop("tax_included"), "tax_included: is missing: say YES, NO or N/A"),
    ("tax as a boolean", lambda b: b.update(tax_included=True), "tax_included: true is not one of YES, NO, N/A"),
    ("no elements", lambda b: b.update(elements=[]), "elements: is empty: write at least one"),
    (
        "empty element",
        lambda b: b["elements"][0].update(price_components=[]),
        "elements[0].price_components: is empty: write at least one",
    ),
    (
        "currency",
        lambda b: b.update(currency="eur"),
        "currency: 'eur' is no ISO 4217 currency code: use three capital letters, such as EUR",
    ),
    (
        "unknown sale term",
        lambda b: b["x_pilepay"].update(grace=1),
        "x_pilepay.grace: unknown key: known are idle_grace_seconds, idle_cap, payment_surcharge",
    ),
    (
        "grace in words",
        lambda b: b["x_pilepay"].update(idle_grace_seconds="10 min"),
        'x_pilepay.idle_grace_seconds: "10 min" is not a whole number: write digits only',
    ),
    ("not an object", lambda b: b.update(elements=["ENERGY"]), "elements[0]: is not an object"),
    ("beyond any range", lambda b: b.update(preauthorize_amount=10**30), "preauthorize_amount: 1.0e+30 is out of any range"),
]


@pytest.mark.parametrize(("change", "sentence"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_each_fault_is_named_with_its_mend(change: Change, sentence: str) -> None:
    wrong = body()
    change(wrong)
    with pytest.raises(PricingError) as caught:
        read(wrong)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b'{"id": 1, "id": 2}', "the key 'id' appears twice"),
        (b'{"price": NaN}', "NaN is not a number"),
        (b'{"price": 1e400}', "out of any range"),
        (b"[" * 100_000, "not a tariff: lists and objects lie in one another"),
        (b'{"price": ' + b"9" * 5_000 + b"}", "a number of 5000 digits"),
        (b'{"id": "\\ud800"}', "half of a character"),
        (b"[]", "tariff: "),
        (b" " * 2_000_000, "bytes are no tariff"),
    ],
)
def test_what_is_no_tariff_at_all_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(PricingError, match=sentence):
        load(data)


def test_all_faults_are_told_at_once() -> None:
    wrong = body()
    component(wrong).update(price="1", vat=0.19)
    with pytest.raises(PricingError) as caught:
        read(wrong)
    assert len(str(caught.value).splitlines()) == 2


def test_nulls_and_empty_restrictions_mean_nothing_is_said() -> None:
    plain = body()
    del plain["elements"][0]["restrictions"], component(plain)["vat"]
    written = body()
    written["elements"][0]["restrictions"] = {"day_of_week": None}
    component(written)["vat"] = None
    written |= {"min_price": None, "tariff_alt_text": None, "energy_mix": None}
    assert tariff_hash(read(written)) == tariff_hash(read(plain))


def test_spelling_of_a_number_does_not_change_the_hash() -> None:
    one = json.dumps(body()).replace("0.49", "0.490").replace("19", "19.0", 1)
    assert tariff_hash(load(one.encode())) == tariff_hash(read(body()))


def test_any_price_changes_the_hash() -> None:
    other = body()
    component(other)["price"] = 0.4901
    assert tariff_hash(read(other)) != tariff_hash(read(body()))


def test_a_tariff_with_everything_survives_its_canonical_text() -> None:
    full = body() | {
        "tariff_alt_text": [{"language": "de", "text": "Parken: 3 €/h „nach“ 4 h"}],
        "tariff_alt_url": "https://lindenhof.example/tarif",
        "min_price": {"before_taxes": 0.5, "after_taxes": 0.595},
        "max_price": {"before_taxes": 100},
        "preauthorize_amount": 50,
        "start_date_time": "2026-01-01T00:00:00Z",
        "end_date_time": "2026-12-31T23:59:59.999Z",
        "energy_mix": {
            "is_green_energy": True,
            "energy_sources": [{"source": "SOLAR", "percentage": 100}],
            "environ_impact": [{"category": "CARBON_DIOXIDE", "amount": 0.3}],
            "supplier_name": "Lindenhof",
            "energy_product_name": "Dach",
        },
    }
    full["elements"][0]["restrictions"] = {
        "start_time": "22:00",
        "end_time": "00:00",
        "start_date": "2026-01-01",
        "end_date": "2027-01-01",
        "min_kwh": 0.5,
        "max_kwh": 1000,
        "min_current": 6,
        "max_current": 32.5,
        "min_power": 3.7,
        "max_power": 400,
        "min_duration": 0,
        "max_duration": 3600,
        "day_of_week": ["SUNDAY", "MONDAY"],
    }
    full["elements"].append(
        {"price_components": [{"type": "TIME", "price": 1, "step_size": 60}], "restrictions": {"reservation": "RESERVATION"}}
    )
    tariff = read(full)
    assert load(canonical(tariff).encode()) == tariff
    assert read(json.loads(canonical(tariff))) == tariff


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.data(), junk)
def test_junk_in_any_place_is_refused_or_read_never_a_crash(data: st.DataObject, value: object) -> None:
    wrong: Any = body()
    place = wrong
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            place[key] = value
            break
        place = place[key]
    try:
        tariff = read(wrong)
    except PricingError as error:
        assert str(error)
    else:
        assert load(canonical(tariff).encode()) == tariff
