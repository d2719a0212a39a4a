"""The VAT of a bill, one group for each rate, as an invoice must show it (EN 16931 BG-23).

Tax is taken out of the gross sum of each group, so that the groups always add up to what the driver paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from kiosk.pricing.rate import half_up
from kiosk.pricing.rating import Rating
from kiosk.values import Money


@dataclass(frozen=True, slots=True)
class VatGroup:
    """`vat` in percent; None gathers what has no rate of its own, such as a minimum price over several rates."""

    vat: Decimal | None
    net: Money
    tax: Money
    gross: Money


def breakdown(rating: Rating) -> tuple[VatGroup, ...]:
    """The sums of `gross` are `rating.total`; highest rate first."""
    gross: dict[Decimal | None, Money] = {}
    exact: dict[Decimal | None, tuple[Fraction, Fraction]] = {}
    for line in rating.lines:
        gross[line.vat] = gross.get(line.vat, Money.zero(rating.total.currency)) + line.amount
        excl, incl = exact.get(line.vat, (Fraction(0), Fraction(0)))
        exact[line.vat] = (excl + Fraction(line.excl), incl + Fraction(line.incl))
    groups = []
    for vat in sorted(gross, key=lambda v: -1 if v is None else v, reverse=True):
        sum_ = gross[vat]
        excl, incl = exact[vat]
        share = excl / incl if vat is None and incl else 100 / (100 + Fraction(vat or 0))
        net = Money(half_up(sum_.minor * share), sum_.currency)
        groups.append(VatGroup(vat, net, sum_ - net, sum_))
    return tuple(groups)
