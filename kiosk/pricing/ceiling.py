"""The most that a session can cost, from its energy and its time alone.

Whether a charge has come to its limit is asked at every meter value, and mostly it is far below. This bound takes a microsecond where the
price itself takes the whole course of the session; only a charge near its limit needs the exact one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

from kiosk.pricing.model import Dimension, PriceComponent, Tariff
from kiosk.pricing.rate import MS_PER_HOUR, taxed
from kiosk.values import MWH_PER_KWH, MWH_PER_WH, Money, exponent

_FINE = 10**9  # rates are kept in billionths of a minor unit, rounded up
_PER = {
    Dimension.ENERGY: (MWH_PER_KWH, MWH_PER_WH),
    Dimension.TIME: (MS_PER_HOUR, 1_000),
    Dimension.PARKING_TIME: (MS_PER_HOUR, 1_000),
    Dimension.FLAT: (1, 0),
}  # units a price is for, and units in a step


@dataclass(frozen=True, slots=True)
class Ceiling:
    """All fees and one step of every component, and the dearest energy and time throughout; no less than `least`."""

    once: int
    per_mwh: int
    per_ms: int
    least: int
    currency: str

    def over(self, mwh: int, ms: int) -> Money:
        """No session of at most this energy and this time, reservation included, is billed more."""
        fine = max(self.least, self.once + self.per_mwh * mwh + self.per_ms * ms)
        return Money(-(-fine // _FINE), self.currency)


def ceiling(tariff: Tariff) -> Ceiling:
    """The ceiling over everything billed by `tariff`. What only lowers a price is passed by."""
    scale = 10 ** exponent(tariff.currency) * _FINE
    components = [c for element in tariff.elements for c in element.components]
    prices = [(c, _per_unit(tariff, c) * scale) for c in components]
    once = sum((price * max(1, c.step_size * _PER[c.type][1]) for c, price in prices), Fraction(0))
    energy = (price for c, price in prices if c.type is Dimension.ENERGY)
    time = (price for c, price in prices if c.type in (Dimension.TIME, Dimension.PARKING_TIME))
    return Ceiling(ceil(once), _dearest(energy), _dearest(time), ceil(_least(tariff, components) * scale), tariff.currency)


def _per_unit(tariff: Tariff, component: PriceComponent) -> Fraction:
    """What one mWh, millisecond or session costs, VAT included."""
    stated = Fraction(max(component.price, Decimal(0))) / _PER[component.type][0]
    return taxed(stated, component.vat, tariff.tax_included)[1]


def _dearest(prices: Iterable[Fraction]) -> int:
    return ceil(max(prices, default=Fraction(0)))


def _least(tariff: Tariff, components: list[PriceComponent]) -> Fraction:
    limit = tariff.min_price
    if limit is None:
        return Fraction(0)
    if limit.after_taxes is not None:
        return Fraction(limit.after_taxes)
    return Fraction(limit.before_taxes) * (100 + Fraction(max((c.vat or Decimal(0) for c in components), default=Decimal(0)))) / 100
