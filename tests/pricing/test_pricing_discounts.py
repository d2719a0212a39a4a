"""Discounts only ever lower a bill, in one order, and every cent of them has a reason, a rate and a payer."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing_world import component, element, tariff_of_elements

from kiosk.pricing.costs import costs
from kiosk.pricing.discounts import (
    CODES,
    Coupon,
    Discount,
    DiscountLine,
    FleetGroup,
    Funder,
    LoyaltyTier,
    OffPeakBonus,
    SolarShare,
    Subscription,
    discount,
)
from kiosk.pricing.lowering import lowered
from kiosk.pricing.model import PricingError, Restrictions, Tariff
from kiosk.pricing.rate import bill
from kiosk.pricing.rating import Rating
from kiosk.pricing.rules import key_of
from kiosk.pricing.usage import Segment, State, Usage
from kiosk.pricing.vat import breakdown
from kiosk.values import Money

KWH = 1_000_000
HOUR = 3_600_000
NIGHT = Restrictions(start_time=22 * 60, end_time=6 * 60)
START = 1_768_000_000_000 // HOUR * HOUR  # 2026-01-09T23:00:00Z
ENERGY = tariff_of_elements(element(component("ENERGY", 0.5, vat=19)), tax_included="YES")
MIXED = tariff_of_elements(
    element(component("FLAT", 1, vat=7)),
    element(component("ENERGY", 0.39, vat=19), start_time="22:00", end_time="06:00"),
    element(component("ENERGY", 0.59, vat=19)),
    element(component("PARKING_TIME", 6)),
    x_pilepay={"idle_cap": 4},
)
LIMITED = tariff_of_elements(
    element(component("ENERGY", 0.5, vat=19), component("TIME", 2, vat=7)), min_price={"before_taxes": 2}, max_price={"before_taxes": 9}
)


def used(kwh: int, hours: int = 1, parked: int = 0) -> Usage:
    segments = (Segment(START, START + hours * HOUR, kwh * KWH, State.CHARGING),)
    end = START + (hours + parked) * HOUR
    return Usage(START, end, (*segments, *((Segment(START + hours * HOUR, end, 0, State.PARKED),) if parked else ())))


def rated(*rules: Discount, tariff: Tariff = ENERGY, usage: Usage = used(20)) -> Rating:  # noqa: B008
    return discount(bill(tariff, usage, "UTC"), tariff, rules, usage)


def taken(rating: Rating) -> list[tuple[str, int]]:
    return [(line.code, line.amount.minor) for line in rating.lines if isinstance(line, DiscountLine)]


def by(kind: type[Any], **fields: Any) -> Any:
    return kind(name=kind.__name__, funded_by=Funder.OPERATOR, **fields)


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


# --- each kind ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "code", "minor"),
    [
        (by(SolarShare, mwh=8 * KWH, price=Decimal("0.20")), "SOLAR", -240),
        (by(SolarShare, mwh=50 * KWH, price=Decimal("0.20")), "SOLAR", -600),
        (by(OffPeakBonus, per_kwh=Decimal("0.05"), when=NIGHT, zone="UTC"), "OFF_PEAK", -100),
        (by(OffPeakBonus, per_kwh=Decimal("0.05"), when=NIGHT, zone="Asia/Tokyo"), "OFF_PEAK", 0),
        (by(Subscription, mwh_left=12 * KWH), "SUBSCRIPTION", -600),
        (by(Subscription, percent=Decimal(25)), "SUBSCRIPTION", -250),
        (by(FleetGroup, percent=Decimal(10)), "FLEET", -100),
        (by(LoyaltyTier, percent=Decimal("2.5")), "LOYALTY", -25),
        (by(Coupon, amount=eur(300)), "COUPON", -300),
        (by(Coupon, amount=eur(3000)), "COUPON", -1000),
        (by(Coupon, percent=Decimal(100)), "COUPON", -1000),
        (by(Coupon, mwh=3 * KWH), "COUPON", -150),
        (by(Coupon, amount=eur(300), floor=eur(800)), "COUPON", -200),
        (by(SolarShare, mwh=8 * KWH, price=Decimal("0.60")), "SOLAR", 0),
    ],
)
def test_a_rule_takes_what_it_says(rule: Discount, code: str, minor: int) -> None:
    rating = rated(rule)
    assert taken(rating) == ([(code, minor)] if minor else [])
    assert rating.total == eur(1000 + minor)


def test_energy_across_a_boundary_gets_the_bonus_for_its_part_only() -> None:
    usage = Usage(START, START + 14 * HOUR, (Segment(START, START + 14 * HOUR, 28 * KWH, State.CHARGING),))
    rating = rated(by(OffPeakBonus, per_kwh=Decimal("0.10"), when=NIGHT, zone="UTC"), usage=usage)
    assert taken(rating) == [("OFF_PEAK", -140)]  # 23:00-06:00 is 7 of 14 hours


def test_an_entitlement_tells_what_is_left_of_it() -> None:
    (line,) = [x for x in rated(by(Subscription, mwh_left=50 * KWH)).lines if isinstance(x, DiscountLine)]
    assert (line.mwh, line.left_mwh, line.amount) == (20 * KWH, 30 * KWH, eur(-1000))


def test_an_entitlement_a_floor_stopped_is_used_only_as_far_as_it_helped() -> None:
    (line,) = [x for x in rated(by(Subscription, mwh_left=50 * KWH, floor=eur(500))).lines if isinstance(x, DiscountLine)]
    assert (line.mwh, line.left_mwh, line.amount) == (10 * KWH, 40 * KWH, eur(-500))


def test_energy_is_given_away_once() -> None:
    rating = rated(by(Subscription, mwh_left=15 * KWH), by(Coupon, mwh=15 * KWH))
    assert taken(rating) == [("SUBSCRIPTION", -750), ("COUPON", -250)]
    sun = (
        by(SolarShare, mwh=15 * KWH, price=Decimal("0.3")),
        SolarShare(name="b", funded_by=Funder.SITE, mwh=15 * KWH, price=Decimal("0.3")),
    )
    assert rated(*sun).total == eur(600)


def test_every_line_says_its_name_and_who_pays() -> None:
    rating = rated(Coupon(name="SPRING", funded_by=Funder.PARTNER, amount=eur(100)))
    (line,) = [x for x in rating.lines if isinstance(x, DiscountLine)]
    assert (line.name, line.funded_by) == ("SPRING", Funder.PARTNER)


# --- order, floors, tax ---------------------------------------------------------------------------------------------------------


def test_the_order_is_the_stated_one_whatever_order_the_rules_come_in() -> None:
    rules = [
        by(Coupon, amount=eur(50)),
        by(LoyaltyTier, percent=Decimal(10)),
        by(FleetGroup, percent=Decimal(10)),
        by(Subscription, mwh_left=2 * KWH),
        by(OffPeakBonus, per_kwh=Decimal("0.05"), when=NIGHT, zone="UTC"),
        by(SolarShare, mwh=4 * KWH, price=Decimal("0.25")),
    ]
    rating = rated(*rules)
    assert [code for code, _ in taken(rating)] == list(CODES)
    assert taken(rating) == [("SOLAR", -100), ("OFF_PEAK", -100), ("SUBSCRIPTION", -80), ("FLEET", -72), ("LOYALTY", -65), ("COUPON", -50)]
    assert rated(*reversed(rules)) == rating


def test_a_discount_never_goes_below_the_tariffs_minimum() -> None:
    usage = used(5)
    rating = rated(by(Coupon, percent=Decimal(100)), tariff=LIMITED, usage=usage)
    whole = bill(LIMITED, usage, "UTC")
    assert rating.total.minor == round(200 * whole.incl / whole.excl)


def test_a_discount_over_two_rates_is_shared_by_largest_remainder() -> None:
    tariff = tariff_of_elements(element(component("ENERGY", 0.5, vat=19), component("FLAT", 5, vat=7)), tax_included="YES")
    rating = rated(by(Coupon, amount=eur(100)), tariff=tariff)
    assert [(line.vat, line.amount.minor) for line in rating.lines if isinstance(line, DiscountLine)] == [(7, -33), (19, -67)]
    assert [(g.vat, g.gross.minor) for g in breakdown(rating)] == [(19, 933), (7, 467)]


def test_a_discount_on_energy_lowers_the_tax_of_energy_alone() -> None:
    tariff = tariff_of_elements(element(component("ENERGY", 0.5, vat=19), component("FLAT", 5, vat=7)), tax_included="YES")
    rating = rated(by(Coupon, mwh=4 * KWH), tariff=tariff)
    assert [(g.vat, g.gross.minor) for g in breakdown(rating)] == [(19, 800), (7, 500)]


def test_what_takes_everything_leaves_no_part_of_a_cent() -> None:
    tariff = tariff_of_elements(element(component("ENERGY", 0.12345, vat=19)))
    rating = rated(by(Coupon, percent=Decimal(100)), tariff=tariff)
    assert (rating.total, rating.excl, rating.incl) == (eur(0), 0, 0)


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: by(Coupon), "give exactly one"),
        (lambda: by(Coupon, amount=eur(1), percent=Decimal(1)), "give exactly one"),
        (lambda: by(Coupon, amount=eur(-1)), "would raise the price"),
        (lambda: by(LoyaltyTier, percent=Decimal(-1)), "-1 % is no discount"),
        (lambda: by(FleetGroup, percent=Decimal(101)), "101 % is no discount"),
        (lambda: by(SolarShare, mwh=-1, price=Decimal(0)), "would raise the price"),
        (lambda: by(OffPeakBonus, per_kwh=Decimal(-1), when=NIGHT, zone="UTC"), "would raise the price"),
        (lambda: rated(by(Coupon, amount=Money(100, "CHF"))), "is in CHF, the bill in EUR"),
        (lambda: rated(by(LoyaltyTier, percent=Decimal(1), floor=Money(100, "CHF"))), "is in CHF, the bill in EUR"),
    ],
)
def test_a_rule_that_could_raise_a_price_cannot_be_made(make: Any, fault: str) -> None:
    with pytest.raises(PricingError, match=fault):
        make()


# --- always ---------------------------------------------------------------------------------------------------------------------

percents = st.integers(0, 1000).map(lambda n: Decimal(n) / 10)
floors = st.none() | st.integers(0, 3_000).map(eur)
names = st.sampled_from("abc")
funders = st.sampled_from(Funder)
common = {"name": names, "funded_by": funders, "floor": floors}
mwhs = st.integers(0, 60 * KWH)
prices = st.integers(0, 80).map(lambda n: Decimal(n) / 100)
rules_ = st.one_of(
    st.builds(SolarShare, mwh=mwhs, price=prices, **common),
    st.builds(OffPeakBonus, per_kwh=prices, when=st.just(NIGHT), zone=st.just("Europe/Berlin"), **common),
    st.builds(Subscription, mwh_left=mwhs, percent=percents, **common),
    st.builds(FleetGroup, percent=percents, **common),
    st.builds(LoyaltyTier, percent=percents, **common),
    st.builds(Coupon, amount=st.integers(0, 4_000).map(eur), **common),
    st.builds(Coupon, percent=percents, **common),
    st.builds(Coupon, mwh=mwhs, **common),
)
usages = st.builds(
    lambda kwh, hours, parked: Usage(
        START,
        START + (hours + parked) * HOUR // 4,
        (
            Segment(START, START + hours * HOUR // 4, kwh, State.CHARGING),
            Segment(START + hours * HOUR // 4, START + (hours + parked) * HOUR // 4, 0, State.PARKED),
        ),
    ),
    mwhs,
    st.integers(1, 60),
    st.integers(0, 8),
)
tariffs = st.sampled_from([ENERGY, MIXED, LIMITED])


@given(tariffs, usages, st.lists(rules_, max_size=6))
@settings(max_examples=300, deadline=None)
def test_the_price_can_only_fall_and_every_cent_is_accounted_for(tariff: Tariff, usage: Usage, rules: list[Discount]) -> None:
    before = bill(tariff, usage, "UTC")
    after = discount(before, tariff, rules, usage)
    assert 0 <= after.total.minor <= before.total.minor
    assert sum(line.amount.minor for line in after.lines) == after.total.minor
    assert all(line.amount.minor < 0 for line in after.lines if isinstance(line, DiscountLine))
    assert sum(g.gross.minor for g in breakdown(after)) == after.total.minor
    assert abs(sum((Fraction(line.incl) for line in after.lines), Fraction(0)) - Fraction(after.incl)) < Fraction(1, 10**20)
    assert after.incl >= Decimal("-1e-20")
    assert costs(after).total.gross == after.total


@given(tariffs, usages, st.lists(rules_, max_size=5), rules_)
@settings(max_examples=300, deadline=None)
def test_one_more_rule_never_raises_the_price(tariff: Tariff, usage: Usage, rules: list[Discount], more: Discount) -> None:
    before, fewer = bill(tariff, usage, "UTC"), lowered((), rules)
    assert discount(before, tariff, lowered(fewer, [more]), usage).total <= discount(before, tariff, fewer, usage).total


@given(tariffs, usages, st.lists(rules_, max_size=5, unique_by=key_of), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_the_order_of_arrival_never_matters(tariff: Tariff, usage: Usage, rules: list[Discount], chance: Any) -> None:
    before = bill(tariff, usage, "UTC")
    shuffled = rules[:]
    chance.shuffle(shuffled)
    assert discount(before, tariff, shuffled, usage) == discount(before, tariff, rules, usage)
