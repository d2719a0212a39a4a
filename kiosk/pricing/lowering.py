"""A price that was agreed can only fall: which discounts may take the place of others, whatever the session comes to use.

Judged rule by rule, without knowing the usage: every rule of before is still there, takes at least as much and stops no earlier. A rule
that is new takes something off or nothing, and what comes after it in the order works on less: no sum grows by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from kiosk.pricing.discounts import Coupon, Discount, FleetGroup, LoyaltyTier, OffPeakBonus, SolarShare, Subscription
from kiosk.pricing.rules import MOST_RULES, key_of
from kiosk.values import Money

_N = TypeVar("_N", int, Decimal)


def lowers(later: Sequence[Discount], earlier: Sequence[Discount]) -> bool:
    """Whether no session can cost more under `later` than under `earlier`."""
    known = {key_of(rule): rule for rule in later}
    if len(known) != len(later) or len(later) > MOST_RULES or sum(isinstance(rule, SolarShare) for rule in later) > 1:
        return False
    return all((rule := known.get(key_of(before))) is not None and _join(before, rule) == rule for before in earlier)


def lowered(earlier: Sequence[Discount], offered: Iterable[Discount]) -> tuple[Discount, ...]:
    """`earlier` made as generous as `offered` where that is more so, and with what is new in it. It always `lowers` `earlier`."""
    rules = {key_of(rule): rule for rule in earlier}
    for rule in offered:
        key = key_of(rule)
        if key in rules:
            rules[key] = _join(rules[key], rule)
        elif len(rules) < MOST_RULES and not (isinstance(rule, SolarShare) and any(isinstance(r, SolarShare) for r in rules.values())):
            rules[key] = rule
    return tuple(rules.values())


def _join(a: Discount, b: Discount) -> Discount:
    """Of two rules with the same key, the better of each for the driver."""
    floor = None if a.floor is None or b.floor is None else min(a.floor, b.floor, key=lambda m: m.minor)
    match a, b:
        case SolarShare(), SolarShare():
            return replace(b, floor=floor, price=min(a.price, b.price), mwh=max(a.mwh, b.mwh), permille=max(a.permille, b.permille))
        case OffPeakBonus(), OffPeakBonus():
            return replace(b, floor=floor, per_kwh=max(a.per_kwh, b.per_kwh))
        case Subscription(), Subscription():
            return replace(b, floor=floor, mwh_left=max(a.mwh_left, b.mwh_left), percent=max(a.percent, b.percent))
        case FleetGroup(), FleetGroup():
            return replace(b, floor=floor, percent=max(a.percent, b.percent))
        case LoyaltyTier(), LoyaltyTier():
            return replace(b, floor=floor, percent=max(a.percent, b.percent))
        case Coupon(), Coupon():
            amount = _more(a.amount, b.amount)
            return replace(b, floor=floor, amount=amount, percent=_greater(a.percent, b.percent), mwh=_greater(a.mwh, b.mwh))
    raise AssertionError("rules with the same key are of one kind")


def _more(a: Money | None, b: Money | None) -> Money | None:
    return max(a, b, key=lambda m: m.minor) if a is not None and b is not None else None


def _greater(a: _N | None, b: _N | None) -> _N | None:
    return max(a, b) if a is not None and b is not None else None
