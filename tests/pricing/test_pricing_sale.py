"""A sale's bill: grace, cap, rounding, the live meter."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from kiosk.metering.reading import Reading
from kiosk.pricing.canonical import canonical, tariff_hash
from kiosk.pricing.components import components, energy_price
from kiosk.pricing.load import load, tariff_of
from kiosk.pricing.meter import Meter
from kiosk.pricing.model import PricingError, Tariff
from kiosk.pricing.quote import Quote
from kiosk.pricing.rate import accrues_until, bill, rate
from kiosk.pricing.usage import Pause, State, usage_from
from kiosk.pricing.vat import breakdown
from kiosk.values import Money

BERLIN = "Europe/Berlin"
T0 = 1_780_000_000_000
MINUTE = 60_000
KWH = 1_000_000


def tariff(**changes: object) -> Tariff:
    body = {
        "country_code": "DE",
        "party_id": "LND",
        "id": "hpc",
        "currency": "EUR",
        "type": "AD_HOC_PAYMENT",
        "tax_included": "YES",
        "last_updated": "2026-01-01T00:00:00Z",
        "elements": [
            {
                "price_components": [
                    {"type": "ENERGY", "price": 0.49, "vat": 19, "step_size": 1},
                    {"type": "PARKING_TIME", "price": 6, "vat": 19, "step_size": 60},
                ]
            }
        ],
        "x_pilepay": {"idle_grace_seconds": 600, "idle_cap": 12},
    } | changes
    return load(json.dumps(body).encode())


def charged(kwh: int, minutes: int, parked_minutes: int = 0) -> tuple[Reading, Reading, int]:
    end = T0 + minutes * MINUTE
    return Reading(T0, 5 * KWH), Reading(end, (5 + kwh) * KWH), end + parked_minutes * MINUTE


def test_energy_alone_is_price_times_register_difference() -> None:
    begin, end, _ = charged(30, 20)
    assert bill(tariff(), usage_from(begin, end), BERLIN).total == Money(1470, "EUR")


def test_parked_time_within_the_grace_costs_nothing() -> None:
    begin, end, left = charged(30, 20, parked_minutes=10)
    assert bill(tariff(), usage_from(begin, end, vacated_at=left), BERLIN).total == Money(1470, "EUR")


def test_parked_time_beyond_the_grace_is_owed_by_the_minute() -> None:
    begin, end, left = charged(30, 20, parked_minutes=25)
    rating = bill(tariff(), usage_from(begin, end, vacated_at=left), BERLIN)
    assert [(line.code, line.amount.minor) for line in rating.lines] == [("ENERGY", 1470), ("PARKING_TIME", 150)]


def test_parked_time_never_costs_more_than_the_cap() -> None:
    begin, end, left = charged(30, 20, parked_minutes=600)
    rating = bill(tariff(), usage_from(begin, end, vacated_at=left), BERLIN)
    assert rating.total == Money(1470 + 1200, "EUR")
    assert rating.lines[-1].code == "IDLE_CAP"
    assert sum(line.amount.minor for line in rating.lines) == rating.total.minor


def test_plain_ocpi_knows_neither_grace_nor_cap() -> None:
    begin, end, left = charged(30, 20, parked_minutes=600)
    assert rate(tariff(), usage_from(begin, end, vacated_at=left), BERLIN).total == Money(1470 + 6000, "EUR")


def test_time_the_pile_withholds_power_is_never_parked_time() -> None:
    begin, end, _ = charged(30, 120)
    held = Pause(T0 + 10 * MINUTE, T0 + 100 * MINUTE, "pile")
    assert bill(tariff(), usage_from(begin, end, pauses=[held]), BERLIN).total == Money(1470, "EUR")


def test_the_fee_stops_growing_at_the_cap() -> None:
    begin, end, _ = charged(30, 20)
    until = accrues_until(tariff(), usage_from(begin, end), BERLIN, Money(5000, "EUR"))
    assert until is not None
    assert 128 * MINUTE < until - end.utc_ms <= 130 * MINUTE


def test_the_fee_stops_growing_at_the_hold() -> None:
    begin, end, _ = charged(30, 20)
    until = accrues_until(tariff(), usage_from(begin, end), BERLIN, Money(1500, "EUR"))
    assert until is not None
    assert 12 * MINUTE <= until - end.utc_ms <= 13 * MINUTE


def test_without_a_fee_for_parked_time_the_price_is_final() -> None:
    begin, end, _ = charged(30, 20)
    energy_only = tariff(elements=[{"price_components": [{"type": "ENERGY", "price": 0.39, "vat": 19, "step_size": 1}]}])
    assert accrues_until(energy_only, usage_from(begin, end), BERLIN, Money(5000, "EUR")) is None


def test_live_meter_ends_at_the_final_bill() -> None:
    begin, end, left = charged(30, 20, parked_minutes=25)
    meter = Meter(tariff(), begin, zone=BERLIN)
    for minute in range(1, 20):
        meter.add(Reading(T0 + minute * MINUTE, 5 * KWH + minute * 1_500_000))
    meter.add(end)
    meter.turn(State.PARKED, end.utc_ms)
    assert meter.tick(left) == bill(tariff(), usage_from(begin, end, vacated_at=left), BERLIN)


def test_meter_tells_when_the_hold_is_used_up() -> None:
    meter = Meter(tariff(), Reading(T0, 0), zone=BERLIN)
    at = meter.used_up_at(98_000, Money(4900, "EUR"))
    assert at is not None
    assert abs(at - T0 - 61 * MINUTE) < 2 * MINUTE


def test_a_quote_carries_its_own_tariff_and_betrays_a_change() -> None:
    text = canonical(tariff())
    quote = Quote("hpc", text, tariff_hash(tariff()), BERLIN, Money(5000, "EUR"), "de", ())
    assert tariff_of(quote) == tariff()
    forged = Quote("hpc", text.replace("0.49", "0.59"), quote.tariff_hash, BERLIN, quote.hold, "de", ())
    with pytest.raises(PricingError, match="does not match its hash"):
        tariff_of(forged)


def test_price_table_is_gross_per_kwh_then_per_minute() -> None:
    rows = components(tariff(), T0, BERLIN)
    assert [(r.code, r.price, r.unit, r.free_seconds) for r in rows] == [
        ("ENERGY", Decimal("0.49"), "kWh", 0),
        ("PARKING_TIME", Decimal("0.1"), "min", 600),
    ]
    assert energy_price(tariff(), T0, BERLIN) == Decimal("0.49")


def test_vat_groups_add_up_to_what_was_paid() -> None:
    begin, end, left = charged(30, 20, parked_minutes=600)
    rating = bill(tariff(), usage_from(begin, end, vacated_at=left), BERLIN)
    (group,) = breakdown(rating)
    assert (group.gross, group.tax) == (Money(2670, "EUR"), Money(426, "EUR"))
