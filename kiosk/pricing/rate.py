"""What a session costs.

`rate` is plain OCPI 2.3.0. `bill` is what the driver owes: the same with the tariff's own sale terms, which OCPI cannot say (`x_pilepay`).
All sums are exact fractions; money is rounded once, half up, and the lines are shared out so that they add up to it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache

from kiosk.pricing.model import Dimension, PriceLimit, Tariff, TaxIncluded
from kiosk.pricing.rating import Line, Rating
from kiosk.pricing.tally import NONE, Plan, Tally
from kiosk.pricing.usage import Segment, State, Usage
from kiosk.values import MWH_PER_KWH, MWH_PER_WH, Money, exponent

MS_PER_HOUR = 3_600_000
HORIZON_MS = 7 * 24 * MS_PER_HOUR  # no fee is followed for longer: a reservation of money does not live longer either
_CONTEXT = Context(prec=34, rounding=ROUND_HALF_EVEN)
_ZERO = Fraction(0)


def rate(tariff: Tariff, usage: Usage, zone: str) -> Rating:
    """Price `usage` by OCPI alone. `zone` is the IANA zone of the site. Raises `PricingError` for an unknown zone."""
    return settle(Tally.of(Plan(tariff, zone), usage))


def bill(tariff: Tariff, usage: Usage, zone: str) -> Rating:
    """Price `usage` as it is charged: parked time is free for `idle_grace_seconds` and costs at most `idle_cap`."""
    return settle_sale(Tally.of(Plan(tariff, zone), usage, tariff.sale.idle_grace_seconds * 1_000))


def total(plan: Plan, usage: Usage) -> Money:
    """The total of `bill` without its lines, for whoever asks again and again."""
    tariff = plan.tariff
    exact = exact_bill(Tally.of(plan, usage, tariff.sale.idle_grace_seconds * 1_000))
    return Money(half_up(exact * 10 ** exponent(tariff.currency)), tariff.currency)


def bill_periods(tariff: Tariff, usage: Usage, zone: str) -> Rating:
    """Price the charging periods of a CDR as they are charged: whoever wrote them cut them where prices change, so none is cut again."""
    return settle_sale(Tally.of_periods(Plan(tariff, zone), usage, tariff.sale.idle_grace_seconds * 1_000))


def accrues_until(tariff: Tariff, usage: Usage, zone: str, hold: Money) -> int | None:
    """Until when (UTC ms) a car that stays after `usage` makes the price grow; None when it costs nothing more.

    Growth ends at the idle cap, at `hold`, or a week after the end.
    """
    plan = Plan(tariff, zone)
    if not plan.session.parking:
        return None
    tally = Tally.of(plan, usage, tariff.sale.idle_grace_seconds * 1_000)
    start, horizon = usage.end_utc_ms, usage.end_utc_ms + HORIZON_MS
    scale: int = 10 ** exponent(tariff.currency)

    @cache
    def owed(at: int) -> Fraction:
        later = tally.copy()
        later.add(Segment(start, at, 0, State.PARKED))
        return exact_bill(later) * scale

    least, most = half_up(owed(start)), half_up(owed(horizon))
    if most <= least:
        return None
    return first_at(owed, min(most, hold.minor) - Fraction(1, 2), start, horizon)


def first_at(owed: Callable[[int], Fraction], goal: Fraction, low: int, high: int) -> int:
    """The first whole second after `low` by which the growing amount `owed` has reached `goal`, or `low` when it has already.

    It has by `high`. Between price switches the amount is a straight line: a guess along the slope it had last mostly hits, and where it
    does not, the stretch is halved.
    """
    below = owed(low)
    if below >= goal:
        return low
    slope, by_line = (owed(high) - below) / (high - low), True
    while high - low > 1_000:
        step = int((goal - below) / slope) if by_line else (high - low) // 2
        middle = low + min(max(step // 1_000 * 1_000, 1_000), (high - low - 1) // 1_000 * 1_000)
        value = owed(middle)
        if value < goal:
            by_line = value > below and not by_line
            slope = (value - below) / (middle - low)
            low, below = middle, value
        elif by_line and owed(middle - 1_000) < goal:
            return middle
        else:
            high, by_line = middle, False
    return high


def settle(tally: Tally) -> Rating:
    tariff = tally.plan.tariff
    rows = _rows(tally)
    return _rating(tariff, rows + _limits(tariff, rows))


def settle_sale(tally: Tally) -> Rating:
    return _rating(tally.plan.tariff, _sale_rows(tally))


def exact_bill(tally: Tally) -> Fraction:
    """What is owed in major units, VAT included, before rounding."""
    return sum((row.incl for row in _sale_rows(tally)), _ZERO)


def _sale_rows(tally: Tally) -> list[_Row]:
    tariff = tally.plan.tariff
    rows = _rows(tally)
    rows += _cap(tariff, rows)
    return rows + _limits(tariff, rows)


class _Row:
    """A line before money: exact amounts."""

    __slots__ = ("code", "excl", "incl", "ms", "mwh", "pieces", "quantity", "unit_price", "vat")

    def __init__(self, code: str, unit_price: Decimal, vat: Decimal | None) -> None:
        self.code, self.unit_price, self.vat = code, unit_price, vat
        self.quantity = self.excl = self.incl = _ZERO
        self.ms = self.mwh = self.pieces = 0


# --- quantities -----------------------------------------------------------------------------------------------------------------


def _rows(tally: Tally) -> list[_Row]:
    rows: dict[tuple[str, Decimal, Decimal | None], _Row] = {}
    for fee in tally.fees:
        _collect(rows, tally, "FLAT", fee, 1)
    for slot, ms in _stepped(tally, tally.reserved, tally.last_reserved, 1_000).items():
        _collect(rows, tally, "RESERVATION_TIME", slot, ms)
    for slot, mwh in _stepped(tally, tally.energy, tally.last_energy, MWH_PER_WH).items():
        _collect(rows, tally, "ENERGY", slot, mwh)
    # mod_cdrs#step_size: with both time dimensions in use, only the total of the parking time is rounded up.
    time = tally.time if tally.parking else _stepped(tally, tally.time, tally.last_time, 1_000)
    for slot, ms in time.items():
        _collect(rows, tally, "TIME", slot, ms)
    for slot, ms in _stepped(tally, tally.parking, tally.last_parking, 1_000).items():
        _collect(rows, tally, "PARKING_TIME", slot, ms)
    for row in rows.values():
        _priced(row, tally.plan.tariff.tax_included)
    return list(rows.values())


def _stepped(tally: Tally, used: dict[int, int], last: int, unit: int) -> dict[int, int]:
    """Round the total up to the step of the component used last, at its price (mod_cdrs#step_size)."""
    if last == NONE:
        return used
    step = tally.plan.slots[last].component.step_size * unit
    more = -sum(used.values()) % step
    return {**used, last: used[last] + more} if more else used


def _collect(rows: dict[tuple[str, Decimal, Decimal | None], _Row], tally: Tally, code: str, slot: int, used: int) -> None:
    component = tally.plan.slots[slot].component
    key = (code, component.price, component.vat)
    row = rows.get(key)
    if row is None:
        row = rows[key] = _Row(code, component.price, component.vat)
    if component.type is Dimension.ENERGY:
        row.mwh += used
    elif component.type is Dimension.FLAT:
        row.pieces += used
    else:
        row.ms += used


def _priced(row: _Row, included: TaxIncluded) -> None:
    used, per = (row.pieces, 1) if row.pieces else (row.mwh, MWH_PER_KWH) if row.mwh else (row.ms, MS_PER_HOUR)
    (above, below), (gross_above, gross_below) = _unit(row.unit_price, row.vat, included)
    row.quantity = Fraction(used, per)
    row.excl = Fraction(used * above, per * below)
    row.incl = row.excl if (above, below) == (gross_above, gross_below) else Fraction(used * gross_above, per * gross_below)


@lru_cache(maxsize=256)
def _unit(price: Decimal, vat: Decimal | None, included: TaxIncluded) -> tuple[tuple[int, int], tuple[int, int]]:
    """A unit price as ratios of integers, without and with tax: sums of a session are made of these at every reading."""
    excl, incl = taxed(Fraction(price), vat, included)
    return excl.as_integer_ratio(), incl.as_integer_ratio()


def taxed(stated: Fraction, vat: Decimal | None, included: TaxIncluded) -> tuple[Fraction, Fraction]:
    """An amount as the tariff states it -> without and with tax."""
    if not vat or included is TaxIncluded.NA:
        return stated, stated
    factor = (100 + Fraction(vat)) / 100
    return (stated / factor, stated) if included is TaxIncluded.YES else (stated, stated * factor)


# --- adjustments ----------------------------------------------------------------------------------------------------------------


def _cap(tariff: Tariff, rows: list[_Row]) -> list[_Row]:
    idle = [r for r in rows if r.code == "PARKING_TIME"]
    cost = sum((r.incl for r in idle), _ZERO)
    cap = tariff.sale.idle_cap
    if cap is None or cost <= Fraction(cap):
        return []
    share = Fraction(cap) / cost - 1
    cuts: dict[Decimal | None, _Row] = {}
    for row in idle:
        cut = cuts.setdefault(row.vat, _Row("IDLE_CAP", Decimal(0), row.vat))
        cut.excl += row.excl * share
        cut.incl += row.incl * share
    return [_single(cut) for cut in cuts.values()]


def _limits(tariff: Tariff, rows: list[_Row]) -> list[_Row]:
    """mod_tariffs#Tariff, notes on min_price and max_price: each limit holds without and with taxes, on its own."""
    if tariff.min_price is None and tariff.max_price is None:
        return []
    excl, incl = sum((r.excl for r in rows), _ZERO), sum((r.incl for r in rows), _ZERO)
    found = []
    for code, limit, pick in (("MIN_PRICE", tariff.min_price, max), ("MAX_PRICE", tariff.max_price, min)):
        if limit is None:
            continue
        before, after = _bounds(limit, excl, incl, rows)
        row = _Row(code, Decimal(0), _only_vat(rows))
        row.excl, row.incl = pick(excl, before) - excl, pick(incl, after) - incl
        if row.excl or row.incl:
            excl, incl = excl + row.excl, incl + row.incl
            found.append(_single(row))
    return found


def _bounds(limit: PriceLimit, excl: Fraction, incl: Fraction, rows: list[_Row]) -> tuple[Fraction, Fraction]:
    """Both sides of a limit. A missing `after_taxes` is `before_taxes` with the session's own share of taxes."""
    before = Fraction(limit.before_taxes)
    if limit.after_taxes is not None:
        return before, Fraction(limit.after_taxes)
    if excl:
        return before, before * incl / excl
    rate_ = max((Fraction(r.vat) for r in rows if r.vat), default=_ZERO)
    return before, before * (100 + rate_) / 100


def _only_vat(rows: list[_Row]) -> Decimal | None:
    rates = {r.vat for r in rows if r.incl}
    return rates.pop() if len(rates) == 1 else None


def _single(row: _Row) -> _Row:
    row.quantity = Fraction(1)
    row.unit_price = exact_decimal(row.incl)
    return row


# --- money ----------------------------------------------------------------------------------------------------------------------


def _rating(tariff: Tariff, rows: list[_Row]) -> Rating:
    excl, incl = _sum([r.excl for r in rows]), _sum([r.incl for r in rows])
    scale: int = 10 ** exponent(tariff.currency)
    total = rounded(incl.numerator * scale, incl.denominator)
    amounts = [total] if len(rows) == 1 else share_out([r.incl * scale for r in rows], total)
    lines = tuple(
        Line(
            code=r.code,
            quantity=exact_decimal(r.quantity),
            unit_price=r.unit_price,
            excl=exact_decimal(r.excl),
            incl=exact_decimal(r.incl),
            vat=r.vat,
            amount=Money(amount, tariff.currency),
            seconds=-(-r.ms // 1_000),
            mwh=r.mwh,
        )
        for r, amount in zip(rows, amounts, strict=True)
    )
    return Rating(lines, exact_decimal(excl), exact_decimal(incl), Money(total, tariff.currency))


def _sum(parts: list[Fraction]) -> Fraction:
    return parts[0] if len(parts) == 1 else sum(parts, _ZERO)


def half_up(value: Fraction) -> int:
    """To the nearest integer, halves away from zero."""
    return rounded(value.numerator, value.denominator)


def rounded(above: int, below: int) -> int:
    """`half_up` of a ratio of integers, which need not be in lowest terms."""
    nearest = (2 * abs(above) + below) // (2 * below)
    return nearest if above >= 0 else -nearest


def share_out(exact: list[Fraction], total: int) -> list[int]:
    """Whole minor units that sum to `total`, each less than one unit from its exact amount: the largest remainders are rounded up."""
    floors = [e.numerator // e.denominator for e in exact]
    order = sorted(range(len(exact)), key=lambda i: (floors[i] - exact[i], i))
    for i in order[: total - sum(floors)]:
        floors[i] += 1
    return floors


def less(value: Decimal, off: Decimal) -> Decimal:
    """`value` without `off`, to 34 digits."""
    return _CONTEXT.subtract(value, off)


def exact_decimal(value: Fraction) -> Decimal:
    """To 34 digits where the fraction does not end."""
    return divided(value.numerator, value.denominator)


def divided(above: int, below: int) -> Decimal:
    """`exact_decimal` of a ratio of integers, which need not be in lowest terms."""
    return _CONTEXT.divide(Decimal(above), Decimal(below))
