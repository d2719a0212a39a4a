"""What `kiosk.pricing.explain` states, in the driver's language."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import reduce
from typing import assert_never

from kiosk.pricing.explain import At, Current, Energy, Percent, Power, Rate, Remark, Span, TimeOfDay, Value, Weekdays
from kiosk.values import MWH_PER_KWH, MWH_PER_WH, Money
from kiosk.wording.wording import NBSP, Wording

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def remark_text(remark: Remark, say: Wording) -> str:
    """A statement with its conditions and details. Raises `WordingError` when the language lacks a sentence."""
    said = say.say(remark.code, **{name: _shown(value, say) for name, value in remark.params})
    if remark.only:
        conditions = reduce(
            lambda before, after: say.say("explain.conditions", before=before, after=after),
            (remark_text(condition, say) for condition in remark.only),
        )
        said = f"{said} {say.say('explain.only', conditions=conditions)}"
    return " ".join([said, *(remark_text(detail, say) for detail in remark.details)])


def remark_texts(remarks: Iterable[Remark], say: Wording) -> tuple[str, ...]:
    return tuple(remark_text(remark, say) for remark in remarks)


def _shown(value: Value, say: Wording) -> str:  # noqa: PLR0912
    match value:
        case str():
            return value
        case Money():
            return say.money(value)
        case Rate():
            return say.price(value.value, value.currency)
        case Percent():
            return say.percent(value.value)
        case Energy():
            return _energy(value.mwh, say)
        case Power():
            return f"{_exactly(Decimal(value.watts) / 1_000, say)}{NBSP}{say.say('unit.kw')}"
        case Current():
            return f"{_exactly(Decimal(value.ma) / 1_000, say)}{NBSP}A"
        case Span():
            return _span(value.seconds, say)
        case TimeOfDay():
            return f"{value.minutes // 60:02}:{value.minutes % 60:02}"
        case Weekdays():
            return _weekdays(value.days, say)
        case At():
            return say.date_clock(value.utc_ms, value.zone)
        case date():
            return say.date(int(datetime(value.year, value.month, value.day, 12, tzinfo=UTC).timestamp()) * 1_000, "UTC")
        case _:
            assert_never(value)


def _energy(mwh: int, say: Wording) -> str:
    if mwh < MWH_PER_KWH:
        return f"{_exactly(Decimal(mwh) / MWH_PER_WH, say)}{NBSP}Wh"
    return f"{_exactly(Decimal(mwh) / MWH_PER_KWH, say)}{NBSP}{say.say('unit.kwh')}"


def _span(seconds: int, say: Wording) -> str:
    if seconds % 3_600 == 0 and seconds:
        return f"{seconds // 3_600}{NBSP}{say.say('unit.hour')}"
    if seconds % 60 == 0:
        return f"{seconds // 60}{NBSP}{say.say('unit.minute')}"
    return f"{seconds}{NBSP}{say.say('unit.second')}" if seconds < 60 else say.duration_exact(seconds)


def _weekdays(days: tuple[int, ...], say: Wording) -> str:
    """Three and more in a row are a range: Monday to Friday."""
    names = [say.say(f"explain.day.{name}") for name in _DAYS]
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    shown: list[str] = []
    for run in runs:
        if len(run) >= 3:
            shown.append(say.say("explain.day_range", first=names[run[0]], last=names[run[-1]]))
        else:
            shown += [names[day] for day in run]
    return ", ".join(shown)


def _exactly(value: Decimal, say: Wording) -> str:
    """All digits, none rounded away: a limit of 10.5 kWh is not 11."""
    power = value.normalize().as_tuple().exponent
    return say.number(value, max(0, -power if isinstance(power, int) else 0))
