"""The sum of a session while it grows: which component is active at each instant, and how much was used under it.

OCPI picks, per dimension, the first element in the list whose restrictions all hold at that instant (mod_tariffs#Tariff). So a stretch of
usage is cut wherever a restriction can change: at wall-clock times, at durations, at energy tiers. Between two cuts everything is linear
and integer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kiosk.pricing.localtime import WallClock, next_boundary, wall_clock, zone_of
from kiosk.pricing.model import Dimension, PriceComponent, Reservation, Restrictions, Tariff
from kiosk.pricing.usage import Range, Segment, State, Usage

NEVER = 1 << 62
NONE = -1


class Slot(NamedTuple):
    """A component in the order of the tariff, and when it applies."""

    component: PriceComponent
    restrictions: Restrictions | None
    place: int  # in Plan.slots


class Selection(NamedTuple):
    """Indexes of the active component per dimension; NONE where nothing is owed."""

    energy: int
    time: int
    parking: int
    flat: int


class Table(NamedTuple):
    """Candidates per dimension, first match wins."""

    energy: tuple[Slot, ...]
    time: tuple[Slot, ...]
    parking: tuple[Slot, ...]
    flat: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Instant:
    """All that a restriction can ask about."""

    clock: WallClock | None
    mwh: int
    elapsed_ms: int
    power_w: Range | None
    current_ma: Range | None


class Plan:
    """A tariff made ready for one time zone."""

    __slots__ = ("clocked", "expiry", "flows", "minutes", "reservation", "session", "slots", "spans_ms", "tariff", "tiers", "zone")

    def __init__(self, tariff: Tariff, zone: str) -> None:
        self.tariff = tariff
        self.zone = zone_of(zone)
        self.slots: list[Slot] = []
        tables: dict[Reservation | None, list[Slot]] = {None: [], Reservation.RESERVATION: [], Reservation.RESERVATION_EXPIRES: []}
        for element in tariff.elements:
            kind = element.restrictions.reservation if element.restrictions else None
            for component in element.components:
                slot = Slot(component, element.restrictions, len(self.slots))
                self.slots.append(slot)
                tables[kind].append(slot)
        self.session = _table(tables[None])
        self.reservation = _table(tables[Reservation.RESERVATION])
        self.expiry = _table(tables[Reservation.RESERVATION_EXPIRES] + tables[Reservation.RESERVATION])
        rules = [e.restrictions for e in tariff.elements if e.restrictions]
        minutes = {m for r in rules for m in (r.start_time, r.end_time) if m is not None}
        self.clocked = bool(minutes) or any(r.day_of_week or r.start_date or r.end_date for r in rules)
        self.minutes = tuple(sorted(minutes | {0}))
        self.spans_ms = sorted({d * 1_000 for r in rules for d in (r.min_duration, r.max_duration) if d})
        self.tiers = sorted({e for r in rules for e in (r.min_mwh, r.max_mwh) if e})
        self.flows = any(limit is not None for r in rules for limit in (r.min_power_w, r.max_power_w, r.min_current_ma, r.max_current_ma))

    def select(self, table: Table, at: Instant) -> Selection:
        return Selection(_first(table.energy, at), _first(table.time, at), _first(table.parking, at), _first(table.flat, at))

    def instant(self, utc_ms: int, mwh: int, elapsed_ms: int, power_w: Range | None, current_ma: Range | None) -> Instant:
        clock = wall_clock(utc_ms, self.zone) if self.clocked else None
        return Instant(clock, mwh, elapsed_ms, power_w, current_ma)

    def next_switch(self, utc_ms: int, started_ms: int) -> int:
        """First instant after `utc_ms` at which a restriction on clock or duration can change."""
        switch = next_boundary(utc_ms, self.zone, self.minutes) if self.clocked else NEVER
        for span in self.spans_ms:
            if started_ms + span > utc_ms:
                return min(switch, started_ms + span)
        return switch

    def next_tier(self, mwh: int) -> int:
        """The next session energy at which a restriction can change."""
        return next((tier for tier in self.tiers if tier > mwh), NEVER)


def _table(slots: list[Slot]) -> Table:
    def of(kind: Dimension) -> tuple[Slot, ...]:
        return tuple(s for s in slots if s.component.type is kind)

    return Table(of(Dimension.ENERGY), of(Dimension.TIME), of(Dimension.PARKING_TIME), of(Dimension.FLAT))


def _first(slots: tuple[Slot, ...], at: Instant) -> int:
    for slot in slots:
        if slot.restrictions is None or holds(slot.restrictions, at):
            return slot.place
    return NONE


def holds(r: Restrictions, at: Instant) -> bool:
    """Whether all restrictions are met at this instant (`reservation` apart)."""
    if at.clock is not None and not _clock_holds(r, at.clock):
        return False
    if (r.min_mwh is not None and at.mwh < r.min_mwh) or (r.max_mwh is not None and at.mwh >= r.max_mwh):
        return False
    if (r.min_duration is not None and at.elapsed_ms < r.min_duration * 1_000) or (
        r.max_duration is not None and at.elapsed_ms >= r.max_duration * 1_000
    ):
        return False
    return _within(at.power_w, r.min_power_w, r.max_power_w) and _within(at.current_ma, r.min_current_ma, r.max_current_ma)


def _clock_holds(r: Restrictions, clock: WallClock) -> bool:
    if r.day_of_week and clock.weekday not in r.day_of_week:
        return False
    if (r.start_date and clock.day < r.start_date) or (r.end_date and clock.day >= r.end_date):
        return False
    if r.start_time is None and r.end_time is None:
        return True
    start, end = r.start_time or 0, r.end_time or 24 * 60
    if start < end:
        return start <= clock.minute < end
    return clock.minute >= start or clock.minute < end


def _within(flow: Range | None, least: int | None, most: int | None) -> bool:
    if least is None and most is None:
        return True
    if flow is None:
        return False
    return (least is None or flow.low >= least) and (most is None or flow.high < most)


class Tally:
    """What was used under each component so far. `grace_ms` of parked time are passed over."""

    __slots__ = (
        "_flow", "_started_ms", "_table", "_until_ms", "_until_mwh",
        "active", "energy", "fees", "grace_ms", "last_energy", "last_parking", "last_reserved", "last_time",
        "mwh", "parking", "plan", "reserved", "start_ms", "time",
    )  # fmt: skip

    def __init__(self, plan: Plan, start_utc_ms: int, grace_ms: int = 0) -> None:
        self.plan = plan
        self.start_ms = start_utc_ms
        self.grace_ms = grace_ms
        self.mwh = 0
        self.energy: dict[int, int] = {}  # slot index -> mWh, ms, ms, ms
        self.time: dict[int, int] = {}
        self.parking: dict[int, int] = {}
        self.reserved: dict[int, int] = {}
        self.fees: tuple[int, ...] = ()
        self.last_energy = self.last_time = self.last_parking = self.last_reserved = NONE
        self.active = Selection(NONE, NONE, NONE, NONE)
        self._table: Table | None = None
        self._flow: tuple[Range | None, Range | None] = (None, None)
        self._started_ms = start_utc_ms
        self._until_ms = self._until_mwh = -1

    @classmethod
    def of(cls, plan: Plan, usage: Usage, grace_ms: int = 0) -> Tally:
        tally = cls(plan, usage.start_utc_ms, grace_ms)
        for segment in usage.segments:
            if segment.state is not State.RESERVED:
                tally.add(segment)
            else:
                tally.reserve(segment, usage.reservation_expired)
        if not usage.segments:
            tally.add(Segment(usage.start_utc_ms, usage.end_utc_ms, 0, State.WITHHELD))
        return tally

    @classmethod
    def of_periods(cls, plan: Plan, usage: Usage, grace_ms: int = 0) -> Tally:
        """Each segment is a charging period: priced whole by what is active at its start (mod_cdrs#ChargingPeriod)."""
        tally = cls(plan, usage.start_utc_ms, grace_ms)
        for segment in usage.segments:
            tally._until_ms = -1
            point = Segment(segment.start_utc_ms, segment.start_utc_ms, 0, segment.state, *tally._flow_of(segment))
            ms = segment.end_utc_ms - segment.start_utc_ms
            if segment.state is State.RESERVED:
                tally.reserve(point, usage.reservation_expired)
            else:
                tally.add(point)
            if segment.state is State.PARKED:
                free = min(tally.grace_ms, ms)
                tally.grace_ms -= free
                ms -= free
            tally._count(segment.state, ms, segment.mwh)
            tally.mwh += segment.mwh
        return tally

    def copy(self) -> Tally:
        twin = Tally.__new__(Tally)
        for name in Tally.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.energy, twin.time, twin.parking, twin.reserved = dict(self.energy), dict(self.time), dict(self.parking), dict(self.reserved)
        return twin

    def add(self, segment: Segment) -> None:
        """Count a stretch of the session proper. Stretches come in order of time."""
        if self._table is not self.plan.session:
            self._enter(self.plan.session, segment.start_utc_ms if self._table is not None else self.start_ms)
        if segment.state is State.PARKED and self.grace_ms:
            free = min(self.grace_ms, segment.end_utc_ms - segment.start_utc_ms)
            self.grace_ms -= free
            turn = segment.start_utc_ms + free
            self._walk(Segment(segment.start_utc_ms, turn, segment.mwh, State.WITHHELD, segment.power_w, segment.current_ma))
            segment = Segment(turn, segment.end_utc_ms, 0, State.PARKED, segment.power_w, segment.current_ma)
        self._walk(segment)

    def reserve(self, segment: Segment, expired: bool) -> None:
        """Count a stretch of reservation, `expired` when nobody came in the end."""
        table = self.plan.expiry if expired else self.plan.reservation
        if self._table is not table:
            self._enter(table, segment.start_utc_ms)
        self._walk(segment)

    def select_at(self, utc_ms: int, mwh: int) -> Selection:
        """What would be active in the session at `utc_ms` and `mwh`, at the power of now."""
        return self.plan.select(self.plan.session, self.plan.instant(utc_ms, mwh, utc_ms - self._started_ms, *self._flow))

    def _enter(self, table: Table, at_ms: int) -> None:
        self._table, self._started_ms, self._until_ms = table, at_ms, -1

    def _walk(self, segment: Segment) -> None:
        start, end, total = segment.start_utc_ms, segment.end_utc_ms, segment.mwh
        span = end - start
        at, given, base = start, 0, self.mwh
        flow = self._flow_of(segment)
        while True:
            if at >= self._until_ms or self.mwh >= self._until_mwh or flow != self._flow:
                self._select(at, flow)
            cut, reached = end, total
            if self._until_ms < end:
                cut, reached = self._until_ms, total * (self._until_ms - start) // span
            if self._until_mwh - base < reached:
                reached = self._until_mwh - base
                cut = start + -(-reached * span // total)
            self._count(segment.state, cut - at, reached - given)
            at, given = cut, reached
            self.mwh = base + given
            if at >= end and given >= total:
                return

    def _flow_of(self, segment: Segment) -> tuple[Range | None, Range | None]:
        if not self.plan.flows:
            return self._flow
        if segment.power_w is None and segment.end_utc_ms == segment.start_utc_ms:  # no time, no power: as before
            return self._flow[0], segment.current_ma
        return segment.power_w or _average(segment.mwh, segment.end_utc_ms - segment.start_utc_ms), segment.current_ma

    def _select(self, at: int, flow: tuple[Range | None, Range | None]) -> None:
        assert self._table is not None
        plan = self.plan
        instant = plan.instant(at, self.mwh, at - self._started_ms, *flow)
        self.active = plan.select(self._table, instant)
        self._flow = flow
        self._until_ms = plan.next_switch(at, self._started_ms)
        self._until_mwh = plan.next_tier(self.mwh)
        self._fee(self.active.flat)
        if self._table is plan.expiry:  # a reservation that expired was one: its own fee is owed too
            self._fee(_first(plan.reservation.flat, instant))

    def _fee(self, flat: int) -> None:
        """A FLAT is owed once for a session and once for each kind of reservation: the first that becomes active."""
        if flat == NONE or flat in self.fees:
            return
        kind = self._kind(flat)
        if all(self._kind(fee) is not kind for fee in self.fees):
            self.fees += (flat,)

    def _kind(self, slot: int) -> Reservation | None:
        rule = self.plan.slots[slot].restrictions
        return rule.reservation if rule else None

    def _count(self, state: State, ms: int, mwh: int) -> None:
        active = self.active
        if mwh and active.energy != NONE:
            self.energy[active.energy] = self.energy.get(active.energy, 0) + mwh
            self.last_energy = active.energy
        if not ms:
            return
        if state is State.CHARGING and active.time != NONE:
            self.time[active.time] = self.time.get(active.time, 0) + ms
            self.last_time = active.time
        elif state is State.PARKED and active.parking != NONE:
            self.parking[active.parking] = self.parking.get(active.parking, 0) + ms
            self.last_parking = active.parking
        elif state is State.RESERVED and active.time != NONE:
            self.reserved[active.time] = self.reserved.get(active.time, 0) + ms
            self.last_reserved = active.time


def _average(mwh: int, ms: int) -> Range:
    watts = mwh * 3_600 // ms
    return Range(watts, watts)
