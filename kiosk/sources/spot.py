"""Spot prices as discounts: the price that was agreed to holds, and where the market is cheaper the driver gets the difference.

`from_price` is the tariff's own price of a kWh and `markup` what the operator adds to the market's, both VAT included. A slot takes
`from_price - max(least, price + markup)` off each kWh drawn in it; one where that is nothing is no discount.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from kiosk.pricing.discounts import Funder, OffPeakBonus
from kiosk.pricing.localtime import zone_of
from kiosk.pricing.model import Restrictions
from kiosk.sources.api import Question, SourceError

_MOST = 8  # discounts of one answer: the next ones of a day come with the next answer
_AHEAD_MS = 24 * 3_600_000
_KEYS = {"name", "funded_by", "from_price", "markup", "least", "slots"}


@dataclass(frozen=True, slots=True)
class _Slot:
    start_utc_ms: int
    end_utc_ms: int
    off: Decimal


def spot_rules(body: object, question: Question) -> list[OffPeakBonus]:
    """The discounts of the next 24 hours, neighbours of one price together. Raises `SourceError`."""
    if not isinstance(body, Mapping) or body.keys() - _KEYS:
        raise SourceError(f"spot: is an object of {', '.join(sorted(_KEYS))}")
    name = body.get("name", "Spot")
    base, markup, least = (_number(body, key) for key in ("from_price", "markup", "least"))
    try:
        funder = Funder(body.get("funded_by", "operator"))
    except ValueError:
        raise SourceError(f"spot.funded_by: is none of {', '.join(f.value for f in Funder)}") from None
    rows = body.get("slots")
    if not isinstance(rows, list) or not isinstance(name, str):
        raise SourceError("spot.slots: is a list of {start, end, price}")
    slots = [_Slot(start, end, base - max(least, price + markup)) for start, end, price in map(_slot, rows)]
    rules = []
    for slot in _joined(slots, question.utc_ms):
        for when, start in _local(slot, question.zone):
            label = f"{name} {start:%d.%m. %H:%M}"
            rules.append(OffPeakBonus(name=label, funded_by=funder, per_kwh=slot.off, when=when, zone=question.zone))
    return rules[:_MOST]


def _joined(slots: Iterable[_Slot], now: int) -> list[_Slot]:
    found: list[_Slot] = []
    for slot in sorted(slots, key=lambda s: s.start_utc_ms):
        if slot.off <= 0 or slot.end_utc_ms <= now or slot.start_utc_ms >= now + _AHEAD_MS:
            continue
        last = found[-1] if found else None
        if last is not None and slot.start_utc_ms < last.end_utc_ms:
            raise SourceError("spot.slots: two of them overlap")
        if last is not None and (last.end_utc_ms, last.off) == (slot.start_utc_ms, slot.off):
            found[-1] = _Slot(last.start_utc_ms, slot.end_utc_ms, slot.off)
        else:
            found.append(slot)
    return found


def _local(slot: _Slot, zone: str) -> Iterator[tuple[Restrictions, datetime]]:
    """The slot in the words of a tariff: local days and minutes, cut at midnight. In the hour that a clock set back shows twice a discount
    holds both times."""
    place = zone_of(zone)
    start = datetime.fromtimestamp(slot.start_utc_ms // 1_000, UTC).astimezone(place)
    end = datetime.fromtimestamp(slot.end_utc_ms // 1_000, UTC).astimezone(place)
    while start.date() < end.date():
        yield _when(start, None), start
        start = datetime.combine(start.date() + timedelta(days=1), time(), place)
    if start < end:
        yield _when(start, end), start


def _when(start: datetime, end: datetime | None) -> Restrictions:
    day: date = start.date()
    until = 0 if end is None else end.hour * 60 + end.minute
    return Restrictions(start_time=start.hour * 60 + start.minute, end_time=until, start_date=day, end_date=day + timedelta(days=1))


def _number(body: Mapping[str, object], key: str) -> Decimal:
    value = body.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= 1_000:
        raise SourceError(f"spot.{key}: is a price of a kWh from 0 on")
    return Decimal(value)


def _slot(row: object) -> tuple[int, int, Decimal]:
    if not isinstance(row, Mapping) or row.keys() != {"start", "end", "price"}:
        raise SourceError("spot.slots: each is an object of start, end and price")
    price = row["price"]
    try:
        start, end = (datetime.fromisoformat(str(row[key]).replace("Z", "+00:00")) for key in ("start", "end"))
    except ValueError:
        raise SourceError("spot.slots: start and end are moments such as 2026-12-01T13:00:00Z") from None
    if start.tzinfo is None or end.tzinfo is None or not start < end:
        raise SourceError("spot.slots: start and end need a time zone, such as Z, and an end comes after its start")
    if isinstance(price, bool) or not isinstance(price, int | Decimal) or not -1_000 < price < 1_000:
        raise SourceError("spot.slots: price is a number of whole units a kWh; below zero it may be")
    return int(start.timestamp()) * 1_000, int(end.timestamp()) * 1_000, Decimal(price)
