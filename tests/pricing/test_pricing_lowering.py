"""After the agreement a price can only fall: whatever a session comes to use, and in whatever order discounts are offered."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing_world import component, element, tariff_of_elements

from kiosk.pricing.ceiling import ceiling
from kiosk.pricing.discounts import (
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
from kiosk.pricing.lowering import lowered, lowers
from kiosk.pricing.model import Restrictions, Tariff
from kiosk.pricing.rate import bill
from kiosk.pricing.rating import Rating
from kiosk.pricing.rules import MOST_RULES
from kiosk.pricing.usage import Segment, State, Usage
from kiosk.pricing.vat import breakdown
from kiosk.values import Money

KWH = 1_000_000
MINUTE = 60_000
START = 1_768_000_000_000 // 3_600_000 * 3_600_000  # 2026-01-09T23:00:00Z
TARIFFS = (
    tariff_of_elements(element(component("ENERGY", 0.5, vat=19)), tax_included="YES"),
    tariff_of_elements(
        element(component("FLAT", 1, vat=7)),
        element(component("ENERGY", 0.39, vat=19), start_time="00:00", end_time="06:00"),
        element(component("ENERGY", 0.59, vat=19), max_kwh=20),
        element(component("ENERGY", 0.3, vat=7)),
        element(component("PARKING_TIME", 6)),
        x_pilepay={"idle_cap": 4},
    ),
    tariff_of_elements(
        element(component("ENERGY", 0.5, vat=19), component("TIME", 2, vat=7)), min_price={"before_taxes": 2}, max_price={"before_taxes": 9}
    ),
)
PERCENT = st.integers(0, 1_000).map(lambda n: Decimal(n) / 10)
PRICE = st.integers(0, 80).map(lambda n: Decimal(n) / 100)
MWH = st.integers(0, 60 * KWH)
FLOOR = st.none() | st.integers(0, 1_500).map(lambda n: Money(n, "EUR"))
WHEN = st.sampled_from([Restrictions(), Restrictions(start_time=0, end_time=4 * 60), Restrictions(max_mwh=10 * KWH)])


def _rule(kind: type[Discount], **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Discount]:
    funder = st.just(Funder.OPERATOR)
    return st.builds(kind, name=st.sampled_from(["one", "two"]), funded_by=funder, floor=FLOOR, **fields)


RULE = (
    _rule(SolarShare, price=PRICE, mwh=MWH, permille=st.integers(0, 1_000))
    | _rule(OffPeakBonus, per_kwh=PRICE, when=WHEN, zone=st.just("UTC"))
    | _rule(Subscription, mwh_left=MWH, percent=PERCENT)
    | _rule(FleetGroup, percent=PERCENT)
    | _rule(LoyaltyTier, percent=PERCENT)
    | _rule(Coupon, amount=st.integers(0, 3_000).map(lambda n: Money(n, "EUR")))
    | _rule(Coupon, percent=PERCENT)
    | _rule(Coupon, mwh=MWH)
)
RULES = st.lists(RULE, max_size=5).map(lambda rules: lowered((), rules))


def _usage(energies: list[int], minutes: int, rest: int, parked: int) -> Usage:
    at, segments = START, []
    for mwh in energies:
        segments.append(Segment(at, at + minutes * MINUTE, mwh, State.CHARGING))
        at += minutes * MINUTE
        segments.append(Segment(at, at + rest * MINUTE, 0, State.WITHHELD))
        at += rest * MINUTE
    segments.append(Segment(at, at + parked * MINUTE, 0, State.PARKED))
    at += parked * MINUTE
    return Usage(START, at, tuple(s for s in segments if s.end_utc_ms > s.start_utc_ms))


USAGE = st.builds(
    _usage,
    st.lists(st.integers(0, 30 * KWH), min_size=1, max_size=4),
    st.integers(1, 300),
    st.integers(0, 60),
    st.integers(0, 120),
)


def total(tariff: Tariff, rules: tuple[Discount, ...], usage: Usage) -> Rating:
    return discount(bill(tariff, usage, "UTC"), tariff, rules, usage)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(TARIFFS), RULES, RULES, USAGE)
def test_what_lowers_never_raises(tariff: Tariff, agreed: tuple[Discount, ...], offered: tuple[Discount, ...], usage: Usage) -> None:
    later = lowered(agreed, offered)
    assert lowers(later, agreed)
    assert total(tariff, later, usage).total <= total(tariff, agreed, usage).total


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TARIFFS), RULES, USAGE)
def test_the_lines_are_the_sum_and_the_sum_is_never_below_zero_nor_above_the_tariff(
    tariff: Tariff, rules: tuple[Discount, ...], usage: Usage
) -> None:
    full, rating = bill(tariff, usage, "UTC"), total(tariff, rules, usage)
    assert sum(line.amount.minor for line in rating.lines) == rating.total.minor
    assert 0 <= rating.total.minor <= full.total.minor or rating.total == full.total
    assert sum(group.gross.minor for group in breakdown(rating)) == rating.total.minor
    assert all(line.amount.minor < 0 for line in rating.lines if isinstance(line, DiscountLine))
    mwh = sum(s.mwh for s in usage.segments)
    assert rating.total <= ceiling(tariff).over(mwh, usage.end_utc_ms - usage.start_utc_ms + 1_000)


def by(kind: type[Discount], name: str = "A", **fields: object) -> Discount:
    return kind(name=name, funded_by=Funder.OPERATOR, **fields)  # type: ignore[arg-type]


NIGHT = Restrictions(start_time=22 * 60, end_time=6 * 60)
BEFORE: dict[str, Any] = {
    "sun": by(SolarShare, price=Decimal("0.29"), mwh=KWH, permille=500),
    "night": by(OffPeakBonus, per_kwh=Decimal("0.05"), when=NIGHT, zone="UTC"),
    "entitlement": by(Subscription, mwh_left=10 * KWH, percent=Decimal(5)),
    "fleet": by(FleetGroup, percent=Decimal(5)),
    "loyalty": by(LoyaltyTier, percent=Decimal(5), floor=Money(100, "EUR")),
    "coupon": by(Coupon, amount=Money(100, "EUR")),
    "share": by(Coupon, "B", percent=Decimal(5)),
    "energy": by(Coupon, "C", mwh=KWH),
}
MORE: dict[str, dict[str, Any]] = {
    "sun": {"mwh": 2 * KWH, "permille": 600, "price": Decimal("0.19")},
    "night": {"per_kwh": Decimal("0.06")},
    "entitlement": {"mwh_left": 11 * KWH, "percent": Decimal(6)},
    "fleet": {"percent": Decimal(6)},
    "loyalty": {"percent": Decimal(6), "floor": Money(50, "EUR")},
    "coupon": {"amount": Money(200, "EUR")},
    "share": {"percent": Decimal(6)},
    "energy": {"mwh": 2 * KWH},
}


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, changes in MORE.items() for key in changes])
def test_a_rule_may_grow_in_every_way_and_shrink_in_none(name: str, key: str) -> None:
    rule = BEFORE[name]
    more = replace(rule, **{key: MORE[name][key]})
    assert lowers((more,), (rule,))
    assert not lowers((rule,), (more,))
    assert lowered((rule,), (more,)) == lowered((more,), (rule,)) == (more,)


def test_a_rule_may_come_and_none_may_go_or_change_its_time_or_its_payer() -> None:
    every = tuple(BEFORE.values())
    assert lowers(every, every[:3])
    assert not lowers(every[:3], every)
    night = BEFORE["night"]
    assert not lowers((replace(night, when=Restrictions(start_time=0, end_time=60)),), (night,))
    assert not lowers((replace(night, funded_by=Funder.SITE),), (night,))
    assert lowers((replace(BEFORE["loyalty"], floor=None),), (BEFORE["loyalty"],))
    assert not lowers((replace(BEFORE["fleet"], floor=Money(1, "EUR")),), (BEFORE["fleet"],))


def test_a_second_sun_could_make_the_first_dearer_and_is_no_offer() -> None:
    sun, other = BEFORE["sun"], by(SolarShare, "B", price=Decimal("0.39"), permille=900)
    assert not lowers((sun, other), (sun,))
    assert lowered((sun,), (other,)) == (sun,)


def test_no_more_are_taken_than_a_sale_can_have() -> None:
    many = tuple(by(Coupon, str(i), mwh=1) for i in range(MOST_RULES + 4))
    assert len(lowered((), many)) == MOST_RULES
    assert not lowers(many, ())


def test_a_sum_that_is_less_by_a_part_of_a_cent_does_not_end_a_cent_higher() -> None:
    """Rounded after every rule, the percentage of the smaller sum and then the energy would come to 0.88 instead of 0.87."""
    tariff = tariff_of_elements(
        element(component("FLAT", 1, vat=7)),
        element(component("ENERGY", 0.39, vat=19), start_time="00:00", end_time="06:00"),
        element(component("ENERGY", 0.75, vat=7)),
    )
    agreed = (by(Coupon, mwh=60 * KWH), by(Subscription, percent=Decimal("18.2")))
    later = (*agreed, by(OffPeakBonus, per_kwh=Decimal("0.64"), when=Restrictions(), zone="UTC"))
    usage = _usage([7_001], 1, 23, 0)
    assert lowers(later, agreed)
    assert total(tariff, later, usage).total <= total(tariff, agreed, usage).total


def test_more_sun_never_makes_a_coupon_behind_a_floor_worth_less_than_it_saved() -> None:
    floor = Money(500, "EUR")
    tariff = tariff_of_elements(element(component("ENERGY", 0.5)))
    behind = (by(Subscription, mwh_left=50 * KWH, floor=floor), by(Coupon, mwh=5 * KWH))
    dull, bright = (
        total(tariff, (by(SolarShare, price=Decimal(0), mwh=mwh), *behind), _usage([20 * KWH], 60, 0, 0)) for mwh in (0, 10 * KWH)
    )
    assert bright.total <= dull.total
