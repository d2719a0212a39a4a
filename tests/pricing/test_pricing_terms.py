"""One evaluation: the price before the start, the running cost and the bill agree, discounts included."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing_world import component, element, tariff_of_elements

from kiosk.metering.reading import Reading
from kiosk.pricing.canonical import canonical, tariff_hash
from kiosk.pricing.discounts import Coupon, Discount, DiscountLine, FleetGroup, Funder, LoyaltyTier, OffPeakBonus, SolarShare, Subscription
from kiosk.pricing.meter import Meter
from kiosk.pricing.model import Restrictions, Tariff
from kiosk.pricing.quote import Quote
from kiosk.pricing.rate import accrues_until
from kiosk.pricing.rules import rules_of, under
from kiosk.pricing.terms import billed, grows_until, price_of_energy
from kiosk.pricing.usage import Segment, State, Usage
from kiosk.values import Money

KWH = 1_000_000
MINUTE = 60_000
START = 1_768_000_000_000 // 3_600_000 * 3_600_000  # 2026-01-09T23:00:00Z
NIGHT = Restrictions(start_time=22 * 60, end_time=6 * 60)
FLAT_RATE = tariff_of_elements(element(component("ENERGY", 0.5, vat=19)), tax_included="YES")
STAY = tariff_of_elements(
    element(component("ENERGY", 0.5, vat=19), component("PARKING_TIME", 6, vat=19)), tax_included="YES", x_pilepay={"idle_cap": 12}
)
MIXED = tariff_of_elements(
    element(component("FLAT", 1, vat=7)),
    element(component("ENERGY", 0.39, vat=19), start_time="00:00", end_time="06:00"),
    element(component("ENERGY", 0.59, vat=19)),
    element(component("PARKING_TIME", 6)),
)


def by(kind: type[Discount], **fields: object) -> Discount:
    return kind(name=kind.__name__, funded_by=Funder.OPERATOR, **fields)  # type: ignore[arg-type]


SUN = by(SolarShare, price=Decimal("0.29"), permille=600)
BONUS = by(OffPeakBonus, per_kwh=Decimal("0.05"), when=NIGHT, zone="UTC")
GOLD = by(Subscription, mwh_left=5 * KWH)
SILVER = by(LoyaltyTier, percent=Decimal(5))
FLEET = by(FleetGroup, percent=Decimal(10))
COUPON = by(Coupon, amount=Money(100, "EUR"))


def quote(tariff: Tariff, *rules: Discount) -> Quote:
    return under(Quote("test", canonical(tariff), tariff_hash(tariff), "UTC", Money(5_000, "EUR"), "en", ()), rules)


def test_every_discount_is_a_line_with_its_reason_its_tax_and_its_payer() -> None:
    usage = Usage(START, START + 60 * MINUTE, (Segment(START, START + 60 * MINUTE, 20 * KWH, State.CHARGING),))
    rating = billed(quote(FLAT_RATE, SUN, BONUS, GOLD, SILVER), usage)
    lines = [line for line in rating.lines if isinstance(line, DiscountLine)]
    assert [(x.code, x.name, x.amount.minor, x.vat, x.funded_by.value) for x in lines] == [
        ("SOLAR", "SolarShare", -252, Decimal(19), "operator"),
        ("OFF_PEAK", "OffPeakBonus", -100, Decimal(19), "operator"),
        ("SUBSCRIPTION", "Subscription", -162, Decimal(19), "operator"),
        ("LOYALTY", "LoyaltyTier", -24, Decimal(19), "operator"),
    ]
    assert rating.total == Money(462, "EUR")
    assert billed(quote(FLAT_RATE), usage).total == Money(1_000, "EUR")


STEP = st.tuples(st.sampled_from(["read", "tick", "park", "charge", "withhold"]), st.integers(1, 180 * 60), st.integers(0, 20 * KWH))
SOME = st.lists(st.sampled_from([SUN, BONUS, GOLD, SILVER, FLEET, COUPON]), unique=True, max_size=6).map(tuple)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([FLAT_RATE, STAY, MIXED]), SOME, SOME, st.lists(STEP, min_size=1, max_size=8))
def test_the_running_cost_is_the_bill_of_what_the_meter_saw(
    tariff: Tariff, rules: tuple[Discount, ...], later: tuple[Discount, ...], steps: list[tuple[str, int, int]]
) -> None:
    agreed, lowered = quote(tariff, *rules), quote(tariff, *{*rules, *later})
    meter, at, mwh = Meter(agreed, Reading(START, 7 * KWH)), START, 7 * KWH
    terms = agreed
    for i, (what, seconds, energy) in enumerate(steps):
        at += seconds * 1_000
        if i == len(steps) // 2:
            terms = lowered
            assert meter.discounted(rules_of(lowered)) == billed(lowered, meter.usage())
        match what:
            case "read":
                mwh += energy
                rating = meter.add(Reading(at, mwh))
            case "tick":
                rating = meter.tick(at)
            case _:
                state = {"park": State.PARKED, "charge": State.CHARGING, "withhold": State.WITHHELD}[what]
                rating = meter.turn(state, at)
        assert rating == billed(terms, meter.usage())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([SUN, BONUS, SILVER, FLEET]), unique=True, max_size=4), st.integers(0, 24 * 60), st.integers(1, 400))
def test_the_price_of_a_kwh_before_the_start_is_what_the_bill_comes_to(rules: list[Discount], minute: int, kwh: int) -> None:
    terms = quote(FLAT_RATE, *rules)
    at = START + minute * MINUTE
    stated, price = price_of_energy(FLAT_RATE, rules_of(terms), at, "UTC")
    assert stated == Decimal("0.5") and price is not None
    total = billed(terms, Usage(at, at, (Segment(at, at, kwh * KWH, State.CHARGING),))).total
    assert abs(total.minor - (price * kwh * 100).quantize(Decimal(1), ROUND_HALF_UP)) <= len(rules)


def test_a_price_is_not_promised_where_only_some_of_the_energy_gets_it() -> None:
    assert price_of_energy(FLAT_RATE, (GOLD, COUPON, by(SolarShare, price=Decimal(0), mwh=KWH)), START, "UTC")[1] == Decimal("0.5")
    floored = by(LoyaltyTier, percent=Decimal(50), floor=Money(100, "EUR"))
    assert price_of_energy(FLAT_RATE, (floored,), START, "UTC")[1] == Decimal("0.5")
    free = tariff_of_elements(element(component("PARKING_TIME", 6)))
    assert price_of_energy(free, (SILVER,), START, "UTC") == (None, None)


def charged(kwh: int) -> Usage:
    return Usage(START, START + 60 * MINUTE, (Segment(START, START + 60 * MINUTE, kwh * KWH, State.CHARGING),))


@pytest.mark.parametrize("hold", [700, 1_500, 5_000])
def test_a_stay_is_followed_until_the_discounted_bill_grows_no_more(hold: int) -> None:
    terms, usage, money = quote(STAY, FLEET), charged(10), Money(hold, "EUR")
    until = grows_until(terms, usage, money)
    assert until is not None

    def owed(at: int) -> int:
        return billed(terms, Usage(START, at, (*usage.segments, Segment(usage.end_utc_ms, at, 0, State.PARKED)))).total.minor

    most = min(hold, owed(usage.end_utc_ms + 7 * 24 * 60 * MINUTE))
    assert owed(until) >= most > owed(until - 1_000)


def test_without_discounts_a_stay_is_followed_as_the_tariff_says() -> None:
    usage, hold = charged(10), Money(1_000, "EUR")
    assert grows_until(quote(STAY), usage, hold) == accrues_until(STAY, usage, "UTC", hold)
    assert grows_until(quote(FLAT_RATE, SILVER), usage, hold) is None
    free = by(LoyaltyTier, percent=Decimal(100))
    assert grows_until(quote(STAY, free), usage, hold) is None


def test_the_exact_sums_of_a_bill_are_those_of_its_lines() -> None:
    rating = billed(quote(MIXED, SUN, GOLD, SILVER, COUPON), charged(17))
    for side in ("excl", "incl"):
        whole = sum(Fraction(getattr(line, side)) for line in rating.lines)
        assert abs(whole - Fraction(getattr(rating, side))) < Fraction(1, 10**25)
