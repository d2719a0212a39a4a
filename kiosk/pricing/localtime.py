"""Local time for tariffs: what the wall clock of the site shows, and when it next reaches a time that a tariff names.

Tariffs speak local time, sessions last in UTC. On the nights the clocks change an hour comes twice or not at all; a boundary is therefore
every instant at which the clock shows the time, in either fold, and every change of the offset itself. One too many costs nothing: it
splits a stretch whose parts then cost the same.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from kiosk.pricing.model import PricingError


@dataclass(frozen=True, slots=True)
class WallClock:
    """What people read off the clock: the day, Monday is 0, minutes since midnight."""

    day: date
    weekday: int
    minute: int


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """Raises `PricingError` for a name that is no IANA time zone."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise PricingError(f"{name!r} is no IANA time zone: write one such as Europe/Berlin") from error


def wall_clock(utc_ms: int, zone: ZoneInfo) -> WallClock:
    local = datetime.fromtimestamp(utc_ms // 1_000, zone)
    return WallClock(local.date(), local.weekday(), local.hour * 60 + local.minute)


def next_boundary(utc_ms: int, zone: ZoneInfo, minutes: tuple[int, ...]) -> int:
    """First instant after `utc_ms` at which the clock shows one of `minutes` of the day (0 among them) or changes its offset (UTC ms)."""
    day = datetime.fromtimestamp(utc_ms // 1_000, zone).date().toordinal()
    instants = _instants_around(zone, day, minutes)
    return instants[bisect_right(instants, utc_ms)]


@lru_cache(maxsize=256)
def _instants_around(zone: ZoneInfo, ordinal: int, minutes: tuple[int, ...]) -> tuple[int, ...]:
    """The boundaries from the day before to two days after: with midnight among them, there is one after any instant of the day."""
    found: set[int] = set()
    for day in range(ordinal - 1, ordinal + 3):
        midnight = datetime.combine(date.fromordinal(day), datetime.min.time(), zone)
        for minute in minutes:
            wall = midnight + timedelta(minutes=minute)  # wall-clock arithmetic: the zone's offset plays no part
            found |= {_utc_ms(wall.replace(fold=0)), _utc_ms(wall.replace(fold=1))}
        noon = _utc_ms(datetime.combine(date.fromordinal(day), datetime.min.time(), UTC)) // 1_000 + 43_200
        found |= _offset_change(zone, noon - 86_400, noon)
    return tuple(sorted(found))


def _offset_change(zone: ZoneInfo, low: int, high: int) -> set[int]:
    """The second in (low, high] from which another offset holds, if there is one."""
    before = _offset(zone, low)
    if before == _offset(zone, high):
        return set()
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return {high * 1_000}


def _offset(zone: ZoneInfo, seconds: int) -> timedelta | None:
    return datetime.fromtimestamp(seconds, zone).utcoffset()


def _utc_ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000
