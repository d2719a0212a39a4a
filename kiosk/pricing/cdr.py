"""Read an OCPI session or CDR as a usage, so that any bill can be computed again from the outside.

Volumes are what is billed; the clock of a period only says when. A period that holds charging and parking time is taken in that order.
A session that tells no periods is one stretch of charging with all its energy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import cast

from kiosk.pricing.model import PricingError
from kiosk.pricing.usage import Range, Segment, State, Usage
from kiosk.values import MWH_PER_KWH

_MS_PER_HOUR = 3_600_000
_TIMES = (("RESERVATION_TIME", State.RESERVED), ("TIME", State.CHARGING), ("PARKING_TIME", State.PARKED))
# CdrDimensionType words that carry no price of ours.
_OTHER = {"CURRENT", "ENERGY_EXPORT", "ENERGY_IMPORT", "FLAT", "POWER", "STATE_OF_CHARGE"}
_STARTS = ("start", "start_date_time", "start_datetime")  # ours, OCPI 2.2.1 and later, a session of 2.1.1
_ENDS = ("end", "end_date_time", "stop_date_time", "end_datetime")
_PERIODS = ("periods", "charging_periods")
_ENERGY = ("kwh", "total_energy")
_MOST_HOURS = 1_000_000
_YEARS = (1970, 2199)
_KNOWN = {"ENERGY", "MIN_POWER", "MAX_POWER", "MIN_CURRENT", "MAX_CURRENT"} | _OTHER | {name for name, _ in _TIMES}


def usage_of(session: object) -> Usage:
    """`session` is parsed JSON: `{start, end, periods}`, or an OCPI session or CDR with `charging_periods`.

    Numbers are int or Decimal. Raises `PricingError` naming the place.
    """
    body = _object(session, "session")
    start, end = _span(body)
    periods = _either(body, *_PERIODS)
    if not isinstance(periods, list):
        raise PricingError("session.periods: is not a list of charging periods")
    entries = [_object(p, f"session.periods[{i}]") for i, p in enumerate(periods)]
    starts = [_moment(e.get("start_date_time"), f"session.periods[{i}].start_date_time") for i, e in enumerate(entries)]
    if starts != sorted(starts) or (starts and not start <= starts[0] <= starts[-1] <= end):
        raise PricingError("session.periods: are not in order of time within the session")
    segments: list[Segment] = []
    for i, entry in enumerate(entries):
        until = starts[i + 1] if i + 1 < len(starts) else end
        segments += _segments(_volumes(entry.get("dimensions"), f"session.periods[{i}].dimensions"), starts[i], until)
    expired = any(e.get("_reservation_expired") is True for e in entries) or body.get("reservation_expired") is True
    return Usage(start, end, tuple(segments), expired)


def has_periods(session: object) -> bool:
    """Whether there are charging periods in it, or nothing else that tells its energy."""
    body = _object(session, "session")
    return bool(_either(body, *_PERIODS)) or all(body.get(name) is None for name in _ENERGY)


def usage_of_whole(session: object) -> Usage:
    """The usage of a session of which only the ends, the energy and, in a CDR, the parking time are told: parked is what it did at last."""
    body = _object(session, "session")
    start, end = _span(body)
    name = next(name for name in _ENERGY if body.get(name) is not None)
    energy = int((_volume(body[name], f"session.{name}") * MWH_PER_KWH).to_integral_value())
    parked = _volume(body.get("total_parking_time") or 0, "session.total_parking_time")
    turn = max(start, end - int((parked * _MS_PER_HOUR).to_integral_value()))
    stretches = (Segment(start, turn, energy, State.CHARGING), Segment(turn, end, 0, State.PARKED))
    return Usage(start, end, tuple(s for s in stretches if s.mwh or s.end_utc_ms > s.start_utc_ms))


def _span(body: Mapping[str, object]) -> tuple[int, int]:
    start, end = _moment(_either(body, *_STARTS), "session.start"), _moment(_either(body, *_ENDS), "session.end")
    if end < start:
        raise PricingError("session.end: lies before session.start")
    return start, end


def _segments(volumes: Mapping[str, Decimal], start: int, until: int) -> list[Segment]:
    energy = int((volumes.get("ENERGY", Decimal(0)) * MWH_PER_KWH).to_integral_value())
    power = _range(volumes, "MIN_POWER", "MAX_POWER")
    current = _range(volumes, "MIN_CURRENT", "MAX_CURRENT")
    parts = []
    for name, state in _TIMES:
        if name in volumes:
            ms = int((volumes[name] * _MS_PER_HOUR).to_integral_value())
            parts.append((start, start + ms, state))
            start += ms
    if not parts:
        parts = [(start, until, State.WITHHELD)]
    taker = next((i for i, part in enumerate(parts) if part[2] is State.CHARGING), 0)
    return [Segment(a, b, energy if i == taker else 0, state, power, current) for i, (a, b, state) in enumerate(parts)]


def _range(volumes: Mapping[str, Decimal], least: str, most: str) -> Range | None:
    low, high = volumes.get(least, volumes.get(most)), volumes.get(most, volumes.get(least))
    if low is None or high is None:
        return None
    return Range(int(low * 1_000), int(high * 1_000))


def _volumes(dimensions: object, path: str) -> dict[str, Decimal]:
    if not isinstance(dimensions, list):
        raise PricingError(f"{path}: is not a list")
    volumes: dict[str, Decimal] = {}
    for i, item in enumerate(dimensions):
        entry = _object(item, f"{path}[{i}]")
        name, volume = entry.get("type"), entry.get("volume")
        if not isinstance(name, str) or name not in _KNOWN:
            raise PricingError(f"{path}[{i}].type: {name!r} is no CDR dimension: known are {', '.join(sorted(_KNOWN))}")
        volumes[name] = volumes.get(name, Decimal(0)) + _volume(volume, f"{path}[{i}].volume")
        if name in {kind for kind, _ in _TIMES} and volumes[name] > _MOST_HOURS:
            raise PricingError(f"{path}[{i}].volume: {volume} is out of range: time is in hours")
    return volumes


def _volume(value: object, path: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value < 10**9:
        raise PricingError(f"{path}: is not a number of 0 or more")
    return Decimal(value)


def _either(body: Mapping[str, object], *names: str) -> object:
    return next((body[name] for name in names if body.get(name) is not None), None)


def _object(value: object, path: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise PricingError(f"{path}: is not an object")
    return cast("Mapping[str, object]", value)


def _moment(value: object, path: str) -> int:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", value):
        whole, _, fraction = value.partition(".")
        digits = re.match(r"\d*", fraction)
        zone = re.search(r"(Z|[+-]\d\d:\d\d)$", value)
        try:
            at = datetime.fromisoformat(whole[:19] + (zone[0] if zone else "Z"))
        except ValueError:
            at = None
        if at is not None and _YEARS[0] <= at.year <= _YEARS[1]:
            return int(at.timestamp()) * 1_000 + int((digits[0] if digits else "")[:3].ljust(3, "0"))
    if value is None:
        raise PricingError(f"{path}: is missing")
    raise PricingError(f"{path}: {value!r} is no moment from {_YEARS[0]} to {_YEARS[1]}: write 2026-01-31T12:00:00Z")
