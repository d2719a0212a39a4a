"""The single values of a tariff file, each read exactly or refused with words for the mend.

Every reader takes what JSON gave (numbers are int or Decimal) and raises `ValueError` with a sentence that names the value.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeVar

from kiosk.pricing.model import DAYS, Dimension, Reservation, TariffType, TaxIncluded
from kiosk.values import ValuesError, exponent

E_ = TypeVar("E_", Dimension, TaxIncluded, TariffType, Reservation)


def decimal_number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"{shown(value)} is not a number" + (": write it without quotes" if isinstance(value, str) else ""))
    number = Decimal(value)
    if number >= 10**12:
        raise ValueError(f"{number:.1e} is out of any range")
    if number < 0:
        raise ValueError(f"{number} is negative: prices and limits are 0 or more")
    if -int(number.as_tuple().exponent) > 9:
        raise ValueError(f"{number} has more than 9 decimals: shorten it")
    return number


def whole_number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{shown(value)} is not a whole number: write digits only")
    if not 0 <= value <= 10**12:
        raise ValueError(f"{value} is out of range")
    return value


def percent(value: object) -> Decimal:
    number = decimal_number(value)
    if 0 < number < 1:
        raise ValueError(f"{number} looks like a fraction: vat is in percent, write {plain(number * 100)}")
    if number > 100:
        raise ValueError(f"{number} % is no VAT rate")
    return number


def minutes(value: object) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", value):
        raise ValueError(f"{shown(value)} is no time of day: write HH:MM from 00:00 to 23:59 (00:00 as an end is the end of the day)")
    return int(value[:2]) * 60 + int(value[3:])


def calendar_date(value: object) -> date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError(f"{shown(value)} is no date: write YYYY-MM-DD")


def moment(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z?", value):
        try:
            whole, _, fraction = value.removesuffix("Z").partition(".")
            at = datetime.fromisoformat(whole).replace(tzinfo=UTC)
            return int(at.timestamp()) * 1_000 + int(fraction[:3].ljust(3, "0") or 0)
        except ValueError:
            pass
    raise ValueError(f"{shown(value)} is no UTC moment: write 2026-01-31T12:00:00Z")


def weekday(value: object) -> int:
    if value in DAYS:
        return DAYS.index(str(value))
    raise ValueError(not_one_of(value, DAYS))


def word(kind: type[E_]) -> Callable[[object], E_]:
    def read(value: object) -> E_:
        for member in kind:
            if member.value == value:
                return member
        raise ValueError(not_one_of(value, tuple(str(m.value) for m in kind)))

    return read


def not_one_of(value: object, words: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(value.upper(), words, 1, 0.5) if isinstance(value, str) else []
    return f"{shown(value)} is not one of {', '.join(words)}" + (f": did you mean {near[0]}?" if near else "")


def currency(value: object) -> str:
    try:
        exponent(str(value))
    except ValuesError as error:
        raise ValueError(str(error)) from None
    return str(value)


def limit(unit: str, small: str, digits: int, most: int) -> Callable[[object], int]:
    """Reads a limit in OCPI's `unit` into integer thousandths (or millionths); more than `most` can only be the `small` unit."""

    def read(value: object) -> int:
        number = decimal_number(value)
        if number > most:
            raise ValueError(f"{number} {unit} is out of range: OCPI counts in {unit}; for {small} write {plain(number / 1_000)}")
        scaled = number.scaleb(digits)
        if scaled != int(scaled):
            raise ValueError(f"{number} {unit} is finer than can be measured: use at most {digits} decimals")
        return int(scaled)

    return read


def shown(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"


def plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
