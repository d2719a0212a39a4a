"""What a sale costs under its quote: the tariff, then the discounts. The one evaluation behind the live price, the bill and the CDR."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache

from kiosk.pricing.components import energy_price
from kiosk.pricing.discounts import (
    Coupon,
    Discount,
    FleetGroup,
    LoyaltyTier,
    OffPeakBonus,
    SolarShare,
    Subscription,
    bonus_tariff,
    discount,
)
from kiosk.pricing.load import tariff_of
from kiosk.pricing.model import Tariff
from kiosk.pricing.quote import Quote
from kiosk.pricing.rate import HORIZON_MS, accrues_until, bill, exact_decimal, first_at, total
from kiosk.pricing.rating import Rating
from kiosk.pricing.rules import rules_of
from kiosk.pricing.tally import Plan
from kiosk.pricing.usage import Segment, State, Usage
from kiosk.values import Money


def billed(quote: Quote, usage: Usage) -> Rating:
    """The bill: the tariff as it is charged, and a line for each discount."""
    tariff, rules = tariff_of(quote), rules_of(quote)
    rating = bill(tariff, usage, quote.zone)
    return discount(rating, tariff, rules, usage) if rules else rating


def owed(quote: Quote, usage: Usage) -> Money:
    """What the bill comes to; quicker to tell than the bill."""
    return billed(quote, usage).total if rules_of(quote) else total(_plan(quote), usage)


@lru_cache(maxsize=64)
def _plan(quote: Quote) -> Plan:
    return Plan(tariff_of(quote), quote.zone)


def grows_until(quote: Quote, usage: Usage, hold: Money) -> int | None:
    """Until when (UTC ms) a car that stays after `usage` makes the bill grow: see `accrues_until`."""
    tariff = tariff_of(quote)
    until = accrues_until(tariff, usage, quote.zone, hold)
    if until is None or not rules_of(quote):
        return until
    start, horizon = usage.end_utc_ms, usage.end_utc_ms + HORIZON_MS

    @cache
    def grown(at: int) -> Fraction:
        parked = Segment(start, at, 0, State.PARKED)
        return Fraction(billed(quote, Usage(usage.start_utc_ms, at, (*usage.segments, parked))).total.minor)

    least, most = grown(start), grown(horizon)
    if most <= least:
        return None
    return first_at(grown, min(most, Fraction(hold.minor)) - Fraction(1, 2), start, horizon)


def price_of_energy(tariff: Tariff, rules: tuple[Discount, ...], utc_ms: int, zone: str) -> tuple[Decimal | None, Decimal | None]:
    """A kWh at `utc_ms`, VAT included: as the tariff has it, and as it is after the discounts that everybody's kWh gets; None when energy
    itself costs nothing. What is for some of the energy only, or an amount, is left to the bill."""
    stated = energy_price(tariff, utc_ms, zone)
    if stated is None:
        return None, None
    price = Fraction(stated)
    for rule in rules:
        if rule.floor is not None:
            continue
        match rule:
            case SolarShare():
                price -= max(Fraction(0), price - Fraction(rule.price)) * rule.permille / 1_000
            case OffPeakBonus():
                bonus = energy_price(bonus_tariff(rule, tariff), utc_ms, rule.zone)
                price -= min(price, Fraction(bonus or 0))
            case Subscription() | FleetGroup() | LoyaltyTier():
                price -= price * Fraction(rule.percent) / 100
            case Coupon():
                price -= price * Fraction(rule.percent or 0) / 100
    return stated, exact_decimal(price)
