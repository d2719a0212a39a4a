"""What is happening right now, for the eyes only: the latest reading and the running cost of every delivery.

Nothing here is journalled and nothing is decided by it; after a restart it is built again from the noted readings. The running cost is
kept on the kiosk's own clock: a pile's may be seconds or hours off, and a reading must never look older than the last tick.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from kiosk.metering.reading import Reading
from kiosk.pricing.meter import Meter
from kiosk.pricing.rating import Rating
from kiosk.pricing.rules import rules_of
from kiosk.pricing.usage import State
from kiosk.session.energy import counted, delivering
from kiosk.session.inputs import Input, MeterRead
from kiosk.session.state import FLOWING, Kiosk, Session, Stage
from kiosk.values import Moment, SessionId

_CURVE_POINTS = 120


@dataclass(slots=True)
class Running:
    """One delivery as it looks now. `curve` is power in W over time, oldest first; `at` is when the last reading arrived; `discounts` is
    the hash of those it is priced under."""

    meter: Meter
    reading: Reading
    rating: Rating
    at: Moment
    first_soc: int | None = None
    curve: list[int] = field(default_factory=list)
    discounts: str = ""


class Live:
    """The deliveries under way."""

    def __init__(self) -> None:
        self._running: dict[SessionId, Running] = {}

    def of(self, session: SessionId) -> Running | None:
        return self._running.get(session)

    def hear(self, given: Input, k: Kiosk, at: Moment) -> None:
        """An input on its way to the engine."""
        if not isinstance(given, MeterRead):
            return
        session = delivering(k, given)
        if session is None or session.begin is None or session.quote is None:
            return
        running = self._running.get(session.id) or self._begin(session, at)
        if given.reading.utc_ms < running.reading.utc_ms:
            return
        running.reading = counted(k, session, given.reading)
        running.at = at
        running.rating = running.meter.add(replace(running.reading, utc_ms=at.utc_ms))
        if running.first_soc is None:
            running.first_soc = given.reading.soc_percent
        if given.reading.power_w is not None:
            running.curve.append(given.reading.power_w)
            if len(running.curve) > _CURVE_POINTS:
                running.curve = [max(pair) for pair in zip(running.curve[::2], running.curve[1::2], strict=False)]

    def follow(self, k: Kiosk, at: Moment) -> None:
        """The durable state changed: new deliveries appear, pauses count, closed sales go."""
        for s in k.sessions.values():
            if s.stage in FLOWING and s.begin is not None and s.quote is not None and s.id not in self._running:
                self._begin(s, at)
            if (running := self._running.get(s.id)) is not None:
                if s.quote is not None and s.quote.discounts_hash != running.discounts:
                    running.discounts = s.quote.discounts_hash
                    running.meter.discounted(rules_of(s.quote))
                running.rating = running.meter.turn(_state(s), at.utc_ms)
        for gone in self._running.keys() - k.sessions.keys():
            del self._running[gone]

    def tick(self, k: Kiosk, at: Moment) -> None:
        """Time passed: fees by the minute grow."""
        for id_, running in self._running.items():
            if (s := k.sessions.get(id_)) is not None and s.priced is None:
                running.rating = running.meter.tick(at.utc_ms)

    def _begin(self, s: Session, at: Moment) -> Running:
        assert s.begin is not None and s.quote is not None and s.started_at is not None
        ahead_ms = s.started_at.utc_ms - s.begin.utc_ms
        meter = Meter(s.quote, replace(s.begin, utc_ms=s.started_at.utc_ms))
        rating = meter.rating()
        for reading in s.readings:
            rating = meter.add(replace(reading, utc_ms=min(at.utc_ms, reading.utc_ms + ahead_ms)))
        last = s.last_reading or s.begin
        running = self._running[s.id] = Running(meter, last, rating, at, s.begin.soc_percent, discounts=s.quote.discounts_hash)
        return running


def _state(s: Session) -> State:
    if s.stage in (Stage.ENDED, Stage.VACATED):
        return State.PARKED
    pause = s.pauses[-1] if s.pauses and s.pauses[-1].end is None else None
    if pause is None:
        return State.CHARGING
    return State.PARKED if pause.by == "car" else State.WITHHELD
