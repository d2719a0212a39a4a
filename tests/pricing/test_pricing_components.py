"""The price table says, with VAT, what will be billed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pricing_world import component, element, tariff_of_elements

from kiosk.metering.reading import Reading
from kiosk.pricing.canonical import tariff_hash
from kiosk.pricing.components import components, energy_price
from kiosk.pricing.load import load
from kiosk.pricing.rate import bill
from kiosk.pricing.usage import usage_from
from kiosk.values import Money

DEMO = Path(__file__).parents[2] / "assets" / "demo" / "tariffs"
AMSTERDAM = "Europe/Amsterdam"
DAY = int(datetime.fromisoformat("2024-06-03T12:00:00Z").timestamp()) * 1_000
NIGHT = int(datetime.fromisoformat("2024-06-03T21:00:00Z").timestamp()) * 1_000

TARIFF = tariff_of_elements(
    element(component("TIME", 3, vat=20), reservation="RESERVATION"),
    element(component("FLAT", 0.5, vat=20), component("ENERGY", 0.20, vat=10), start_time="22:00", end_time="06:00"),
    element(component("PARKING_TIME", 2.5, vat=20), component("ENERGY", 0.40, vat=10)),
    min_price={"before_taxes": 1, "after_taxes": 1.1},
    max_price={"before_taxes": 100},
)


def test_rows_are_gross_and_in_the_order_kwh_minute_session_other() -> None:
    assert [(c.code, c.price, c.unit) for c in components(TARIFF, DAY, AMSTERDAM)] == [
        ("ENERGY", Decimal("0.22"), "kWh"),
        ("ENERGY", Decimal("0.44"), "kWh"),
        ("PARKING_TIME", Decimal("0.05"), "min"),
        ("FLAT", Decimal("0.6"), "session"),
        ("RESERVATION_TIME", Decimal("0.06"), "min"),
        ("MIN_PRICE", Decimal("1.1"), "session"),
        ("MAX_PRICE", Decimal("100"), "session"),
    ]


@pytest.mark.parametrize(("at", "now"), [(DAY, {"0.44", "0.05"}), (NIGHT, {"0.22", "0.05", "0.6"})])
def test_rows_that_apply_now_are_marked(at: int, now: set[str]) -> None:
    rows = [c for c in components(TARIFF, at, AMSTERDAM) if not c.code.endswith("_PRICE")]
    assert {str(c.price) for c in rows if c.now} == now


def test_hero_price_is_what_a_kilowatt_hour_costs_on_the_bill() -> None:
    hero = energy_price(TARIFF, DAY, AMSTERDAM)
    bare = tariff_of_elements(element(component("ENERGY", 0.40, vat=10)))
    usage = usage_from(Reading(DAY, 0), Reading(DAY + 60_000, 100_000_000))
    assert hero is not None
    assert bill(bare, usage, AMSTERDAM).total == Money.of(hero * 100, "EUR")


def test_there_is_no_hero_price_where_energy_costs_nothing_by_itself() -> None:
    assert energy_price(tariff_of_elements(element(component("TIME", 6))), DAY, AMSTERDAM) is None


def test_rates_that_depend_on_power_are_not_marked_before_the_power_is_known() -> None:
    by_power = tariff_of_elements(element(component("ENERGY", 0.6), min_power=50), element(component("ENERGY", 0.4)))
    assert [(str(c.price), c.now) for c in components(by_power, DAY, AMSTERDAM)] == [("0.6", False), ("0.4", True)]


def test_a_price_without_an_exact_minute_is_shown_to_six_decimals() -> None:
    (row,) = components(tariff_of_elements(element(component("PARKING_TIME", 2.5))), DAY, AMSTERDAM)
    assert row.price == Decimal("0.041667")


def test_whole_prices_are_plain_numbers() -> None:
    (row,) = components(tariff_of_elements(element(component("FLAT", 100))), DAY, AMSTERDAM)
    assert str(row.price) == "100"


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("hpc150", "7c2a049565ce8f084669758d94d9523a15a8206009c84b3481108d6a6df20275"),
        ("ac22", "c267817c3992a6f5682e77a7b465f5aedc04474a8155e97d7f987843f74cf55b"),
    ],
)
def test_hash_of_a_tariff_stays_the_same_in_every_release(name: str, digest: str) -> None:
    """Journals hold hashes and canonical texts: another spelling would betray every old quote as forged."""
    assert tariff_hash(load((DEMO / f"{name}.json").read_bytes())) == digest
