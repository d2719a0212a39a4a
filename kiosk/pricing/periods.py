"""A session cut into charging periods: one wherever another price component becomes active (OCPI mod_cdrs#ChargingPeriod).

The cuts are those the bill itself makes, so whoever prices each period whole by what is active at its start comes to the same sum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kiosk.pricing.model import Tariff
from kiosk.pricing.tally import Plan, Selection, Slot, Tally
from kiosk.pricing.usage import Range, Segment, State, Usage


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch in one state under the same components. Power and current are given only where the tariff asks for them."""

    start_utc_ms: int
    ms: int
    mwh: int
    state: State
    power_w: Range | None
    current_ma: Range | None
    active: Selection


@dataclass(frozen=True, slots=True)
class Cut:
    """`fees` are the components of the fees that were owed."""

    periods: tuple[Period, ...]
    fees: tuple[Slot, ...]


def cut(tariff: Tariff, usage: Usage, zone: str, grace_seconds: int = 0) -> Cut:
    """The periods of `usage`; the first `grace_seconds` of parked time count as withheld. Raises `PricingError` for an unknown zone."""
    plan = Plan(tariff, zone)
    recorder = _Recorder.of(plan, usage, grace_seconds * 1_000)
    assert isinstance(recorder, _Recorder)
    return Cut(tuple(recorder.periods), tuple(plan.slots[fee] for fee in recorder.fees))


class _Recorder(Tally):
    """A tally that remembers the stretches it counted."""

    def __init__(self, plan: Plan, start_utc_ms: int, grace_ms: int = 0) -> None:
        super().__init__(plan, start_utc_ms, grace_ms)
        self.periods: list[Period] = []
        self._cursor = start_utc_ms

    def _walk(self, segment: Segment) -> None:
        self._cursor = segment.start_utc_ms
        super()._walk(segment)

    def _count(self, state: State, ms: int, mwh: int) -> None:
        super()._count(state, ms, mwh)
        power, current = self._flow if self.plan.flows else (None, None)
        self._append(Period(self._cursor, ms, mwh, state, power, current, self.active))
        self._cursor += ms

    def _append(self, period: Period) -> None:
        if not self.periods:
            self.periods.append(period)
            return
        last = self.periods[-1]
        if last.active != period.active or (last.power_w is None) is not (period.power_w is None):
            self.periods.append(period)
        elif not (period.ms or period.mwh):
            return
        elif not (last.ms or last.mwh):
            self.periods[-1] = period
        elif last.state is period.state and last.start_utc_ms + last.ms == period.start_utc_ms:
            self.periods[-1] = replace(
                last,
                ms=last.ms + period.ms,
                mwh=last.mwh + period.mwh,
                power_w=_both(last.power_w, period.power_w),
                current_ma=_both(last.current_ma, period.current_ma),
            )
        else:
            self.periods.append(period)


def _both(one: Range | None, other: Range | None) -> Range | None:
    """One range over two in which the same components are active: what held in both holds in it, what failed in one fails in it."""
    if one is None or other is None:
        return None
    return Range(min(one.low, other.low), max(one.high, other.high))
