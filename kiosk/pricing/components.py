"""The price table before the start: every component a tariff can charge, in the words of prices, VAT included.

AFIR Art. 5(4) wants the order: per kWh, per minute, per session, any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from kiosk.pricing.model import Dimension, PriceLimit, Restrictions, Tariff
from kiosk.pricing.rate import exact_decimal, taxed
from kiosk.pricing.tally import Plan, Selection, Slot, Tally
from kiosk.pricing.usage import Segment, State
from kiosk.values import Money

_ORDER = {Dimension.ENERGY: 0, Dimension.TIME: 1, Dimension.PARKING_TIME: 2, Dimension.FLAT: 3}
_UNIT = {Dimension.ENERGY: "kWh", Dimension.TIME: "min", Dimension.PARKING_TIME: "min", Dimension.FLAT: "session"}
_FINEST = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Component:
    """One row of the price table: `price` with and `excl` without VAT, in major units per `unit` (`kWh`, `min`, `session`).

    `now` tells whether it applies at the moment asked for. `step_size` is in Wh or seconds. `free_seconds` and `cap` are the sale terms of
    parked time. `code` is the line code: a dimension, with `RESERVATION_` before it for reservations, or `MIN_PRICE`, `MAX_PRICE`.
    """

    code: str
    price: Decimal
    unit: str
    excl: Decimal
    vat: Decimal | None
    step_size: int
    now: bool
    restrictions: Restrictions | None = None
    free_seconds: int = 0
    cap: Money | None = None


def components(tariff: Tariff, utc_ms: int, zone: str) -> tuple[Component, ...]:
    """All components of the tariff; `now` for a session that starts at `utc_ms` at an unknown power."""
    plan = Plan(tariff, zone)
    tally = Tally(plan, utc_ms)
    tally.add(Segment(utc_ms, utc_ms, 0, State.WITHHELD))
    slots = sorted(plan.slots, key=lambda s: (_reserved(s), _ORDER[s.component.type], s.place))
    rows = [_component(plan.tariff, slot, slot.place in tally.active) for slot in slots]
    limits = (("MIN_PRICE", tariff.min_price), ("MAX_PRICE", tariff.max_price))
    return (*rows, *(_limit(code, limit) for code, limit in limits if limit is not None))


def active(plan: Plan, selection: Selection) -> tuple[Component, ...]:
    """The rows of what is active together."""
    slots = sorted((plan.slots[i] for i in selection if i >= 0), key=lambda s: _ORDER[s.component.type])
    return tuple(_component(plan.tariff, slot, True) for slot in slots)


def energy_price(tariff: Tariff, utc_ms: int, zone: str) -> Decimal | None:
    """Price of a kWh for a session that starts at `utc_ms`, VAT included; None when energy itself costs nothing."""
    return next((c.price for c in components(tariff, utc_ms, zone) if c.code == "ENERGY" and c.now), None)


def _reserved(slot: Slot) -> bool:
    return slot.restrictions is not None and slot.restrictions.reservation is not None


def _component(tariff: Tariff, slot: Slot, now: bool) -> Component:
    component = slot.component
    parking = component.type is Dimension.PARKING_TIME
    cap = tariff.sale.idle_cap if parking else None
    stated = Fraction(component.price) / (60 if _UNIT[component.type] == "min" else 1)
    excl, incl = taxed(stated, component.vat, tariff.tax_included)
    return Component(
        code=("RESERVATION_" if _reserved(slot) else "") + component.type.value,
        price=_shown(incl),
        unit=_UNIT[component.type],
        excl=_shown(excl),
        vat=component.vat,
        step_size=component.step_size,
        now=now,
        restrictions=slot.restrictions,
        free_seconds=tariff.sale.idle_grace_seconds if parking else 0,
        cap=None if cap is None else Money.of(cap, tariff.currency),
    )


def _limit(code: str, limit: PriceLimit) -> Component:
    after = limit.before_taxes if limit.after_taxes is None else limit.after_taxes
    return Component(code, after, "session", limit.before_taxes, None, 1, True)


def _shown(price: Fraction) -> Decimal:
    """Exact where it ends within six decimals, else rounded there; never in powers of ten."""
    short = exact_decimal(price).quantize(_FINEST, ROUND_HALF_UP).normalize()
    return short if short.as_tuple().exponent in range(-6, 1) else short.quantize(Decimal(1))
