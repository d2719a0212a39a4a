"""A tariff in plain statements: what costs what, when, and by which rules. And a bill's line: why it is what it is.

Nothing here is a sentence. A remark is a code and its parameters, with the conditions it holds under; `kiosk.wording.remarks` puts it into
a language. What OCPI leaves open is stated too, by name and value (`POLICIES`), so that nobody has to read the code to know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from kiosk.pricing.components import Component, components, energy_price
from kiosk.pricing.discounts import DiscountLine
from kiosk.pricing.model import Dimension, PriceComponent, PriceLimit, Reservation, Restrictions, Tariff, TaxIncluded
from kiosk.pricing.rating import Line
from kiosk.pricing.tally import Plan
from kiosk.values import MWH_PER_WH, Money

# A reservation with a price for energy or parking never costs it (OCPI), and limits are stated apart.
_PRICES = {"ENERGY", "TIME", "PARKING_TIME", "FLAT", "RESERVATION_TIME", "RESERVATION_FLAT"}
_DAY_MS = 24 * 3_600_000
_LONG_AGO = -(1 << 60)

# How this engine decides what OCPI leaves open (or says in many pages).
POLICIES: Mapping[str, str] = MappingProxyType(
    {
        "duration": "whole_charge",
        "fee": "once",
        "gap": "free",
        "idle_grace": "all_stretches",
        "limits": "net_and_gross",
        "limits_scope": "with_reservation",
        "lock": "price_at_start",
        "mixed_steps": "parking_total",
        "no_energy": "nothing",
        "range": "throughout",
        "rounding": "half_up_once",
        "selection": "first_that_applies",
        "steps": "once_on_total",
        "vat_missing": "none",
        "withheld": "free",
    }
)


# --- values ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rate:
    """A unit price in major units, as the tariff writes it."""

    value: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Percent:
    value: Decimal


@dataclass(frozen=True, slots=True)
class Energy:
    mwh: int


@dataclass(frozen=True, slots=True)
class Power:
    watts: int


@dataclass(frozen=True, slots=True)
class Current:
    ma: int


@dataclass(frozen=True, slots=True)
class Span:
    seconds: int


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """Local minutes since midnight; 24 h is the end of the day."""

    minutes: int


@dataclass(frozen=True, slots=True)
class Weekdays:
    """Monday is 0."""

    days: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class At:
    """A moment, to be shown in the zone of the site."""

    utc_ms: int
    zone: str


Value = str | Money | Rate | Percent | Energy | Power | Current | Span | TimeOfDay | Weekdays | At | date


@dataclass(frozen=True, slots=True)
class Remark:
    """`only`: the conditions, all of which must hold. `details`: what belongs to the statement. `now`: it applies at the asked moment."""

    code: str
    params: tuple[tuple[str, Value], ...] = ()
    only: tuple[Remark, ...] = ()
    details: tuple[Remark, ...] = ()
    now: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of the day graph: the price of a kWh (VAT included) for a car that starts in it; None when energy costs nothing itself."""

    start_utc_ms: int
    end_utc_ms: int
    price: Decimal | None


# --- before the start -----------------------------------------------------------------------------------------------------------


def explain(tariff: Tariff, utc_ms: int, zone: str) -> tuple[Remark, ...]:
    """All a driver must know before a start at `utc_ms`, in AFIR's order, then the policies. Raises `PricingError` for an unknown zone."""
    return (
        _now(tariff, utc_ms, zone),
        *(_component(c, tariff) for c in components(tariff, utc_ms, zone) if c.code in _PRICES),
        *_gaps(tariff),
        *_limit("min_price", tariff.min_price, tariff),
        *_limit("max_price", tariff.max_price, tariff),
        *_about(tariff, zone),
        *policies(tariff),
    )


def policies(tariff: Tariff) -> tuple[Remark, ...]:
    """Every named policy that can matter under this tariff, with its value."""
    return tuple(Remark(f"explain.policy.{name}.{value}") for name, value in POLICIES.items() if _APPLIES[name](tariff))


def day_ahead(tariff: Tariff, utc_ms: int, zone: str) -> tuple[Step, ...]:
    """The price of energy over the next 24 hours, for a small graph; neighbours of one price are one step."""
    plan = Plan(tariff, zone)
    steps: list[Step] = []
    at, end = utc_ms, utc_ms + _DAY_MS
    while at < end:
        until = min(end, plan.next_switch(at, _LONG_AGO))
        price = energy_price(tariff, at, zone)
        if steps and steps[-1].price == price:
            steps[-1] = Step(steps[-1].start_utc_ms, until, price)
        else:
            steps.append(Step(at, until, price))
        at = until
    return tuple(steps)


def _now(tariff: Tariff, utc_ms: int, zone: str) -> Remark:
    price = energy_price(tariff, utc_ms, zone)
    if not price:
        return Remark("explain.now_free", now=True)
    return _say("explain.now", now=True, price=Rate(price, tariff.currency))


def _component(c: Component, tariff: Tariff) -> Remark:
    code = f"explain.price.{c.code.lower()}"
    only = tuple(_conditions(c.restrictions)) if c.restrictions else ()
    if not c.price:
        return Remark(f"{code}_free", only=only, now=c.now)
    details = [*_steps(c.code, c.step_size), *_vat_of(c, tariff)]
    if c.free_seconds:
        details.append(_say("explain.grace", span=Span(c.free_seconds)))
    if c.cap is not None:
        details.append(_say("explain.cap", amount=c.cap))
    return Remark(code, (("price", Rate(c.price, tariff.currency)),), only, tuple(details), c.now)


def _steps(code: str, step_size: int) -> Iterator[Remark]:
    if step_size > 1 and code == Dimension.ENERGY.value:
        yield _say("explain.step_energy", energy=Energy(step_size * MWH_PER_WH))
    elif step_size > 1 and code.endswith("TIME"):
        yield _say("explain.step_time", span=Span(step_size))


def _vat_of(c: Component, tariff: Tariff) -> Iterator[Remark]:
    if tariff.tax_included is TaxIncluded.NA:
        return
    if c.vat is None:
        yield Remark("explain.vat_none")
    else:
        yield _say("explain.vat_in", percent=Percent(c.vat))


def conditions(r: Restrictions) -> tuple[Remark, ...]:
    """When a price with these restrictions applies: all of them must hold."""
    return tuple(_conditions(r))


def _conditions(r: Restrictions) -> Iterator[Remark]:
    if r.reservation is Reservation.RESERVATION_EXPIRES:
        yield Remark("explain.when.reservation_expires")
    yield from _clock(r)
    if r.day_of_week:
        yield _say("explain.when.days", days=Weekdays(r.day_of_week))
    if r.start_date:
        yield _say("explain.when.from_date", day=r.start_date)
    if r.end_date:
        yield _say("explain.when.before_date", day=r.end_date)
    yield from _bounds("energy", Energy, r.min_mwh, r.max_mwh)
    yield from _bounds("power", Power, r.min_power_w, r.max_power_w)
    yield from _bounds("current", Current, r.min_current_ma, r.max_current_ma)
    yield from _bounds("span", Span, r.min_duration, r.max_duration)


def _clock(r: Restrictions) -> Iterator[Remark]:
    start, end = r.start_time, r.end_time or (24 * 60 if r.end_time == 0 else None)
    if start is not None and end is not None:
        yield _say("explain.when.between", start=TimeOfDay(start), end=TimeOfDay(end))
    elif start is not None:
        yield _say("explain.when.between", start=TimeOfDay(start), end=TimeOfDay(24 * 60))
    elif end is not None:
        yield _say("explain.when.between", start=TimeOfDay(0), end=TimeOfDay(end))


def _bounds(
    name: str, kind: type[Energy] | type[Power] | type[Current] | type[Span], least: int | None, most: int | None
) -> Iterator[Remark]:
    if least:
        yield Remark(f"explain.when.{name}_from", ((name, kind(least)),))
    if most is not None:
        yield Remark(f"explain.when.{name}_below", ((name, kind(most)),))


def _gaps(tariff: Tariff) -> Iterator[Remark]:
    """Where none of its restrictions hold, a dimension is free: a driver should know, and an operator may be surprised."""
    for kind in (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME):
        if _has_gap(tariff, kind):
            yield Remark(f"explain.gap.{kind.value.lower()}")


def _has_gap(tariff: Tariff, kind: Dimension) -> bool:
    rules = [(c.price, restrictions) for c, restrictions in _charged(tariff, kind)]
    return any(price for price, _ in rules) and all(restrictions is not None for _, restrictions in rules)


def _charged(tariff: Tariff, *kinds: Dimension) -> list[tuple[PriceComponent, Restrictions | None]]:
    """The components of a charge, not of a reservation, with what they are restricted to."""
    return [(c, r) for c, r in _components(tariff) if c.type in kinds and not (r and r.reservation)]


def _components(tariff: Tariff) -> Iterator[tuple[PriceComponent, Restrictions | None]]:
    return ((c, e.restrictions) for e in tariff.elements for c in e.components)


def _limit(name: str, limit: PriceLimit | None, tariff: Tariff) -> Iterator[Remark]:
    if limit is None:
        return
    if limit.after_taxes is not None:
        yield _say(f"explain.{name}", amount=Money.of(limit.after_taxes, tariff.currency))
    else:
        yield _say(f"explain.{name}_net", amount=Money.of(limit.before_taxes, tariff.currency))


def _about(tariff: Tariff, zone: str) -> Iterator[Remark]:
    if tariff.tax_included is TaxIncluded.NA:
        yield Remark("explain.no_taxes")
    if tariff.start_utc_ms is not None:
        yield _say("explain.valid_from", moment=At(tariff.start_utc_ms, zone))
    if tariff.end_utc_ms is not None:
        yield _say("explain.valid_until", moment=At(tariff.end_utc_ms, zone))
    if tariff.energy_mix is not None and tariff.energy_mix.is_green_energy:
        yield Remark("explain.green")


# --- which policies a tariff can meet ---------------------------------------------------------------------------------------------

_TIMES = (Dimension.TIME, Dimension.PARKING_TIME)


def _always(_tariff: Tariff) -> bool:
    return True


def _priced(tariff: Tariff, *kinds: Dimension) -> bool:
    return any(c.price for c, _ in _charged(tariff, *kinds))


def _restricted(tariff: Tariff, *names: str) -> bool:
    return any(getattr(r, name) for _, r in _components(tariff) if r for name in names)


def _limited(tariff: Tariff) -> bool:
    return tariff.min_price is not None or tariff.max_price is not None


def _reserves(tariff: Tariff) -> bool:
    return any(c.price for c, r in _components(tariff) if r and r.reservation and c.type in (Dimension.TIME, Dimension.FLAT))


def _rounds_up(found: Iterable[tuple[PriceComponent, Restrictions | None]]) -> bool:
    return any(c.price and c.step_size > 1 for c, _ in found)


def _several(tariff: Tariff) -> bool:
    """Whether anything has more than one price, charge and reservation each for itself."""
    kinds = [(c.type, r is not None and r.reservation is not None) for c, r in _components(tariff)]
    return len(kinds) != len(set(kinds))


_APPLIES: Mapping[str, Callable[[Tariff], bool]] = MappingProxyType(
    {
        "duration": lambda t: _restricted(t, "min_duration", "max_duration"),
        "fee": lambda t: _priced(t, Dimension.FLAT),
        "gap": lambda t: any(_has_gap(t, kind) for kind in Dimension),
        "idle_grace": lambda t: bool(t.sale.idle_grace_seconds) and _priced(t, Dimension.PARKING_TIME),
        "limits": _limited,
        "limits_scope": lambda t: _limited(t) and _reserves(t),
        "lock": _always,
        "mixed_steps": lambda t: all(_priced(t, kind) for kind in _TIMES) and _rounds_up(_charged(t, *_TIMES)),
        "no_energy": _always,
        "range": lambda t: _restricted(t, "min_power_w", "max_power_w", "min_current_ma", "max_current_ma"),
        "rounding": _always,
        "selection": _several,
        "steps": lambda t: _rounds_up((c, r) for c, r in _components(t) if c.type is not Dimension.FLAT),
        "vat_missing": lambda t: t.tax_included is not TaxIncluded.NA and any(c.price and c.vat is None for c, _ in _components(t)),
        "withheld": lambda t: _priced(t, *_TIMES),
    }
)


# --- a line of the bill ----------------------------------------------------------------------------------------------------------

_LINES = {"ENERGY", "TIME", "PARKING_TIME", "FLAT", "RESERVATION_TIME"}


def explain_line(line: Line, tariff: Tariff) -> tuple[Remark, ...]:
    """Why `line` of a bill under `tariff` is what it is."""
    if isinstance(line, DiscountLine):
        return tuple(_discount(line))
    if line.code == "IDLE_CAP" and tariff.sale.idle_cap is not None:
        return (_say("explain.cap", amount=Money.of(tariff.sale.idle_cap, tariff.currency)),)
    limits = {"MIN_PRICE": ("min_price", tariff.min_price), "MAX_PRICE": ("max_price", tariff.max_price)}
    if line.code in limits:
        return tuple(_limit(*limits[line.code], tariff))
    if line.code not in _LINES:
        return (_say("explain.line.other", amount=line.amount),)
    return tuple(_quantity(line, tariff))


def _quantity(line: Line, tariff: Tariff) -> Iterator[Remark]:
    code = f"explain.line.{line.code.lower()}"
    rate = Rate(line.unit_price, tariff.currency)
    if line.code == "ENERGY":
        yield _say(code, energy=Energy(line.mwh), price=rate)
    elif line.code == "FLAT":
        yield _say(code, price=rate)
    else:
        yield _say(code, span=Span(line.seconds), price=rate)
    for step in sorted({c.step_size for c in _sources(line, tariff)}):
        yield from _steps(line.code, step)
    if line.code == "PARKING_TIME" and tariff.sale.idle_grace_seconds:
        yield _say("explain.grace", span=Span(tariff.sale.idle_grace_seconds))
    if line.vat is not None and tariff.tax_included is not TaxIncluded.NA:
        included = tariff.tax_included is TaxIncluded.YES
        yield _say("explain.vat_in" if included else "explain.vat_on", percent=Percent(line.vat))


def _sources(line: Line, tariff: Tariff) -> Iterator[PriceComponent]:
    """The components of the tariff that this line can come from."""
    kind = Dimension.TIME.value if line.code == "RESERVATION_TIME" else line.code
    for element in tariff.elements:
        reserved = element.restrictions is not None and element.restrictions.reservation is not None
        for c in element.components:
            if (c.type.value, c.price, c.vat) == (kind, line.unit_price, line.vat) and (
                line.code == "FLAT" or reserved is (kind != line.code)
            ):
                yield c


def _discount(line: DiscountLine) -> Iterator[Remark]:
    yield _say(f"explain.discount.{line.code.lower()}", name=line.name)
    if line.mwh:
        yield _say("explain.discount.covers", energy=Energy(line.mwh))
    if line.left_mwh is not None:
        yield _say("explain.discount.left", energy=Energy(line.left_mwh))
    yield Remark(f"explain.funder.{line.funded_by.value}")


def _say(code: str, /, *, now: bool = False, **params: Value) -> Remark:
    return Remark(code, tuple(params.items()), now=now)
