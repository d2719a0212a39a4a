"""What truly happened in a session, without any price in it: who drew what from when to when.

Time counts in whole seconds, energy in mWh from registers. Where a register interval contains pauses, its energy belongs to the part in
which the car charged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import zip_longest
from typing import NamedTuple

from kiosk.metering.reading import Reading


class State(Enum):
    """What the car does, as far as prices care."""

    CHARGING = "charging"  # TIME
    PARKED = "parked"  # the car wants nothing: PARKING_TIME
    WITHHELD = "withheld"  # the car wants, the pile does not give: neither TIME nor PARKING_TIME is owed
    RESERVED = "reserved"  # before the session: RESERVATION


class Range(NamedTuple):
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch in one state. Without `power_w` its average power is used; without `current_ma` no restriction on current matches."""

    start_utc_ms: int
    end_utc_ms: int
    mwh: int
    state: State
    power_w: Range | None = None
    current_ma: Range | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    start_utc_ms: int
    end_utc_ms: int
    segments: tuple[Segment, ...]
    reservation_expired: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """The flow stopped while the transaction ran: `by` the `car` (parked) or the `pile` (withheld). No end: it still lasts."""

    start_utc_ms: int
    end_utc_ms: int | None
    by: str


class Stretch(NamedTuple):
    start_utc_ms: int
    end_utc_ms: int
    state: State


def usage_from(
    begin: Reading,
    end: Reading,
    *,
    readings: Iterable[Reading] = (),
    pauses: Sequence[Pause] = (),
    vacated_at: int | None = None,
) -> Usage:
    """The usage of a transaction from `begin` to `end`, and of the car that stood there until `vacated_at`.

    `readings` between them place the energy in time; those out of order or beyond `end` count nothing. The sum is exactly `end - begin`, or
    0 when the register went backwards.
    """
    start, stop = whole_second(begin.utc_ms), max(whole_second(begin.utc_ms), whole_second(end.utc_ms))
    track = _Track(start, begin.mwh, max(begin.mwh, end.mwh))
    turns = _stretches(start, stop, pauses)
    segments: list[Segment] = []
    for reading in (*sorted(readings, key=lambda r: r.utc_ms), Reading(stop, end.mwh)):
        segments += track.step(min(stop, whole_second(reading.utc_ms)), reading.mwh, turns)
    left = stop if vacated_at is None else max(stop, whole_second(vacated_at))
    if left > stop:
        segments.append(Segment(stop, left, 0, State.PARKED))
    return Usage(start, left, tuple(segments))


class _Track:
    def __init__(self, at: int, mwh: int, most: int) -> None:
        self.at, self.mwh, self.most = at, mwh, most

    def step(self, at: int, mwh: int, turns: Sequence[Stretch]) -> list[Segment]:
        if at < self.at:
            return []
        mwh = min(self.most, max(self.mwh, mwh))
        parts: list[Stretch] = []
        for turn in turns:
            append(parts, Stretch(max(turn.start_utc_ms, self.at), min(turn.end_utc_ms, at), turn.state))
        segments = spread(parts or [Stretch(self.at, at, State.CHARGING)], mwh - self.mwh)
        self.at, self.mwh = at, mwh
        return segments


def spread(parts: Sequence[Stretch], mwh: int) -> list[Segment]:
    """Share `mwh` over the charging ones among `parts`, by their length; over all when none is."""
    takers = [p for p in parts if p.state is State.CHARGING] or list(parts)
    span = sum(p.end_utc_ms - p.start_utc_ms for p in takers)
    given, passed, segments = 0, 0, []
    for part in parts:
        share = 0
        if part in takers:
            passed += part.end_utc_ms - part.start_utc_ms
            reached = mwh * passed // span if span else mwh
            share, given = reached - given, reached
        if share or part.end_utc_ms > part.start_utc_ms:
            segments.append(Segment(part.start_utc_ms, part.end_utc_ms, share, part.state))
    return segments


def _stretches(start: int, stop: int, pauses: Sequence[Pause]) -> list[Stretch]:
    """The time from `start` to `stop` cut at the pauses; a pause ends where the next one begins."""
    turns: list[Stretch] = []
    at = start
    ordered = sorted(pauses, key=lambda p: p.start_utc_ms)
    for pause, following in zip_longest(ordered, ordered[1:]):
        begin = min(stop, max(at, whole_second(pause.start_utc_ms)))
        end = stop if pause.end_utc_ms is None else min(stop, max(begin, whole_second(pause.end_utc_ms)))
        if following is not None:
            end = min(end, max(begin, whole_second(following.start_utc_ms)))
        append(turns, Stretch(at, begin, State.CHARGING))
        append(turns, Stretch(begin, end, State.PARKED if pause.by == "car" else State.WITHHELD))
        at = max(at, end)
    append(turns, Stretch(at, stop, State.CHARGING))
    return turns


def append(turns: list[Stretch], stretch: Stretch) -> None:
    """Add a stretch that follows the last one, as a part of it when the state is the same."""
    if stretch.end_utc_ms <= stretch.start_utc_ms:
        return
    if turns and turns[-1].state is stretch.state and turns[-1].end_utc_ms == stretch.start_utc_ms:
        turns[-1] = Stretch(turns[-1].start_utc_ms, stretch.end_utc_ms, stretch.state)
    else:
        turns.append(stretch)


def whole_second(utc_ms: int) -> int:
    return utc_ms // 1_000 * 1_000
