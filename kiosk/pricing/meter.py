"""The live price of a running session: the same sums as the final bill, one reading at a time.

Only what has a reading behind it is fixed. Time since the last reading is held apart, because its energy is not known yet; the reading that
brings it decides how the energy lies in that time, exactly as `usage_from` decides it afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from kiosk.metering.reading import Reading
from kiosk.pricing.components import Component, active
from kiosk.pricing.discounts import Discount, OffPeakBonus, bonus_tariff, in_order, take_off
from kiosk.pricing.load import tariff_of
from kiosk.pricing.model import PricingError, Tariff
from kiosk.pricing.quote import Quote
from kiosk.pricing.rate import HORIZON_MS, exact_bill, first_at, settle_sale
from kiosk.pricing.rating import Rating
from kiosk.pricing.rules import rules_of
from kiosk.pricing.tally import NEVER, Plan, Selection, Tally
from kiosk.pricing.usage import Range, Segment, State, Stretch, Usage, append, spread, whole_second
from kiosk.values import MWH_PER_KWH, MWH_PER_WH, Money, exponent

_MS_PER_HOUR_AND_WATT = 3_600  # mWh = W x ms / 3600


@dataclass(frozen=True, slots=True)
class Change:
    """The next price switch: by the clock at `utc_ms`, by energy at `mwh` of the session, whichever exist.

    `components` is what applies after the one by the clock, or else by energy.
    """

    utc_ms: int | None
    mwh: int | None
    components: tuple[Component, ...]


class Meter:
    """Prices a session from `begin` on. `zone` is needed with a bare tariff; a quote brings its own."""

    def __init__(self, terms: Tariff | Quote, begin: Reading, *, zone: str = "") -> None:
        tariff = tariff_of(terms) if isinstance(terms, Quote) else terms
        place = terms.zone if isinstance(terms, Quote) else zone
        if not place:
            raise PricingError("a meter over a bare tariff needs the zone of the site")
        start = whole_second(begin.utc_ms)
        self._tally = Tally(Plan(tariff, place), start, tariff.sale.idle_grace_seconds * 1_000)
        self._start = self._at = start
        self._register = begin.mwh
        self._state = State.CHARGING
        self._pending: list[Stretch] = []  # since the last reading
        self._segments: list[Segment] = []
        self._power: Range | None = None
        self._rules: tuple[Discount, ...] = ()
        self._bonuses: dict[OffPeakBonus, Tally] = {}
        if isinstance(terms, Quote):
            self.discounted(rules_of(terms))

    def discounted(self, rules: tuple[Discount, ...]) -> Rating:
        """From now on the whole session is billed with these discounts."""
        self._rules = in_order(rules, self._tally.plan.tariff.currency)
        self._bonuses = {rule: self._bonuses.get(rule) or self._bonus(rule) for rule in rules if isinstance(rule, OffPeakBonus)}
        return self.rating()

    def add(self, reading: Reading) -> Rating:
        """A later value of the register. One that is older than what is known counts nothing; a backward step counts 0."""
        at = whole_second(reading.utc_ms)
        if at >= self._at:
            self._pass(at)
            self._commit(reading.mwh)
        return self.rating()

    def turn(self, state: State, utc_ms: int) -> Rating:
        """The car, or the pile, changes state at `utc_ms`. At the end of the delivery, `add` its reading first, then turn to PARKED."""
        self._pass(whole_second(utc_ms))
        self._state = state
        return self.rating()

    def tick(self, utc_ms: int) -> Rating:
        """Time has passed and nothing was reported."""
        self._pass(whole_second(utc_ms))
        return self.rating()

    def rating(self) -> Rating:
        """The bill so far."""
        rating = settle_sale(self._so_far())
        return take_off(rating, self._tally.plan.tariff, self._rules, self._worth) if self._rules else rating

    def usage(self) -> Usage:
        """What the meter has seen; `bill` of it is `rating()`."""
        return Usage(self._start, self._at, (*self._segments, *self._unread()))

    def next_change(self) -> Change | None:
        """The next switch of any price, if the car goes on as it does; None when there is none within a week."""
        tally = self._now()
        utc_ms, later = self._clock_switch(tally)
        mwh, above = self._tier_switch(tally)
        if utc_ms is None and mwh is None:
            return None
        return Change(utc_ms, mwh, active(tally.plan, later if utc_ms is not None else above))

    def used_up_at(self, power_w: int, hold: Money) -> int | None:
        """When (UTC ms) the bill first exceeds `hold` if the car draws `power_w` from now on; None: not within a week. Discounts can only
        make it later: they are passed by."""
        tally = self._now()
        start, horizon = self._at, self._at + HORIZON_MS
        scale: int = 10 ** exponent(tally.plan.tariff.currency)
        goal = hold.minor + Fraction(1, 2)  # from here on the total is rounded to more than the hold

        def owed(at: int) -> Fraction:
            ahead = tally.copy()
            ahead.add(Segment(start, at, power_w * (at - start) // _MS_PER_HOUR_AND_WATT, self._state))
            return exact_bill(ahead) * scale

        return first_at(owed, goal, start, horizon) if owed(horizon) >= goal else None

    def _pass(self, at: int) -> None:
        append(self._pending, Stretch(self._at, at, self._state))
        self._at = max(self._at, at)

    def _commit(self, mwh: int) -> None:
        drawn = max(0, mwh - self._register)
        for segment in spread(self._pending or [Stretch(self._at, self._at, State.CHARGING)], drawn):
            self._tally.add(segment)
            for bonus in self._bonuses.values():
                bonus.add(segment)
            self._segments.append(segment)
            if segment.state is State.CHARGING and segment.end_utc_ms > segment.start_utc_ms:
                watts = segment.mwh * 3_600 // (segment.end_utc_ms - segment.start_utc_ms)
                self._power = Range(watts, watts)
        self._register += drawn
        self._pending = []

    def _bonus(self, rule: OffPeakBonus) -> Tally:
        """The bonus is counted as the price is: one reading at a time."""
        tally = Tally(Plan(bonus_tariff(rule, self._tally.plan.tariff), rule.zone), self._start)
        for segment in self._segments:
            tally.add(segment)
        return tally

    def _worth(self, rule: OffPeakBonus) -> Fraction:
        """As `bonus_of`: a bonus is billed by the whole watt-hour, like any energy."""
        wh = -(-sum(self._bonuses[rule].energy.values()) // MWH_PER_WH)
        above, below = rule.per_kwh.as_integer_ratio()
        return Fraction(wh * MWH_PER_WH * above, MWH_PER_KWH * below)

    def _unread(self) -> list[Segment]:
        """The time since the last reading: no energy yet, and while the car charges the power of the interval before."""
        return [
            Segment(p.start_utc_ms, p.end_utc_ms, 0, p.state, self._power if p.state is State.CHARGING else None) for p in self._pending
        ]

    def _so_far(self) -> Tally:
        """With the time since the last reading in it. It ends before this instant: what begins to apply now is not owed yet."""
        if not self._pending and self._segments:
            return self._tally
        tally = self._tally.copy()
        for segment in self._unread() or (Segment(self._at, self._at, 0, State.WITHHELD),):
            tally.add(segment)
        return tally

    def _now(self) -> Tally:
        """A copy that has selected what is active at this instant."""
        tally = self._so_far().copy()
        tally.add(Segment(self._at, self._at, 0, self._state))
        return tally

    def _clock_switch(self, tally: Tally) -> tuple[int | None, Selection]:
        plan, at = tally.plan, self._at
        while (at := plan.next_switch(at, self._start)) < min(NEVER, self._at + HORIZON_MS):
            later = tally.select_at(at, tally.mwh)
            if later != tally.active:
                return at, later
        return None, tally.active

    def _tier_switch(self, tally: Tally) -> tuple[int | None, Selection]:
        mwh = tally.mwh
        while (mwh := tally.plan.next_tier(mwh)) < NEVER:
            above = tally.select_at(self._at, mwh)
            if above != tally.active:
                return mwh, above
        return None, tally.active
