"""Discounts as text: what is written is read back, and nothing that is misspelt, doubled or absurd gets through."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from pricing_world import component, element, tariff_of_elements

from kiosk.pricing.canonical import canonical, tariff_hash
from kiosk.pricing.discounts import Coupon, Discount, FleetGroup, Funder, LoyaltyTier, OffPeakBonus, SolarShare, Subscription
from kiosk.pricing.model import PricingError, Restrictions
from kiosk.pricing.quote import Quote
from kiosk.pricing.rules import MOST_RULES, read_rules, rules_of, rules_text, under
from kiosk.values import Money

KWH = 1_000_000
TARIFF = tariff_of_elements(element(component("ENERGY", 0.5, vat=19)), tax_included="YES")
QUOTE = Quote("test", canonical(TARIFF), tariff_hash(TARIFF), "Europe/Berlin", Money(5_000, "EUR"), "en", ())


def by(kind: type[Any], name: str, **fields: Any) -> Any:
    return kind(name=name, funded_by=Funder.OPERATOR, **fields)


ALL: tuple[Discount, ...] = (
    by(SolarShare, "Sun", price=Decimal("0.29"), mwh=1_234_567, permille=600),
    by(OffPeakBonus, "Night", per_kwh=Decimal("0.05"), when=Restrictions(start_time=22 * 60, end_time=6 * 60), zone="Europe/Lisbon"),
    by(OffPeakBonus, "Today", per_kwh=Decimal("0.01"), when=Restrictions(), zone="Europe/Berlin"),
    by(Subscription, "Gold", mwh_left=20 * KWH, percent=Decimal("2.5")),
    by(FleetGroup, "Post", percent=Decimal(10)),
    by(LoyaltyTier, "Silver", percent=Decimal(5)),
    by(Coupon, "A", amount=Money(300, "EUR")),
    by(Coupon, "B", percent=Decimal(3)),
    by(Coupon, "C", mwh=5 * KWH, floor=Money(100, "EUR")),
)


def test_what_is_written_is_read_back_in_the_order_in_which_it_is_applied() -> None:
    assert read_rules(rules_text(tuple(reversed(ALL))), "EUR", "Europe/Berlin") == ALL
    assert rules_text(ALL) == rules_text(tuple(reversed(ALL)))
    assert (rules_text(()), read_rules("", "EUR", "UTC")) == ("", ())


def test_a_quote_keeps_its_discounts_with_their_hash() -> None:
    quote = under(QUOTE, ALL)
    assert rules_of(quote) == ALL
    assert (rules_of(QUOTE), under(quote, ())) == ((), QUOTE)
    with pytest.raises(PricingError, match=r"do not match their hash: they were changed after they were accepted"):
        rules_of(replace(quote, discounts_json=quote.discounts_json.replace("0.05", "0.15")))
    with pytest.raises(PricingError, match="do not match"):
        rules_of(replace(quote, discounts_json=""))


def row(**changes: Any) -> dict[str, Any]:
    return {"type": "LOYALTY", "name": "Silver", "funded_by": "operator", "percent": 5} | changes


SUN = {"type": "SOLAR", "name": "Sun", "funded_by": "site", "price": 0.29, "permille": 600}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"type": "LOYALTY"}, "discounts are a list"),
        (["LOYALTY"], r"discounts\[0\]: is not an object"),
        ([row(type="LOYALITY")], r"discounts\[0\].type: is none of SOLAR, OFF_PEAK"),
        ([row(precent=5)], r"discounts\[0\].precent: unknown key in a discount of type LOYALTY"),
        ([row(percent=None)], r"percent: is missing"),
        ([row(percent="5")], "is not a number: write it without quotes"),
        ([row(percent=-5)], "is negative"),
        ([row(percent=105)], r"Silver: 105 % is no discount"),
        ([row(name="")], "is no name for a receipt"),
        ([row(name="S\nilver")], "is no name for a receipt"),
        ([row(name="S" * 41)], "up to 40 plain characters"),
        ([row(funded_by="nobody")], "is none of operator, site, employer, partner"),
        ([row(), row(percent=10)], "discount Silver: is there twice"),
        ([SUN, {**SUN, "name": "Roof"}], "a site has one roof"),
        ([{**SUN, "permille": 1_001}], "1001 permille is no share"),
        ([{**SUN, "kwh": 10_000_000}], "10000000 kWh is out of range"),
        ([row(floor=10_000_000)], "is out of range: amounts are in whole EUR"),
        ([row(type="OFF_PEAK", percent=None, per_kwh=0.05, zone="Berlin")], "no IANA time zone"),
        ([row(type="OFF_PEAK", percent=None, per_kwh=0.05, when={"start": "22:00"})], "start: unknown key"),
        ([row(type="COUPON", percent=5, kwh=5)], "give exactly one"),
        ([row(name=str(i)) for i in range(MOST_RULES + 1)], "more than the 16"),
    ],
)
def test_each_fault_is_named(body: object, told: str) -> None:
    with pytest.raises(PricingError, match=told):
        read_rules(json.dumps(body), "EUR", "Europe/Berlin")
