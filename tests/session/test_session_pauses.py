"""Pauses lie where they were, however long a value was on its way and whatever a pile stamps: by what really happened, second by second."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import PER_KWH_AND_STAY, World

from kiosk.metering.reading import Reading
from kiosk.pricing.rating import Rating
from kiosk.session import inputs as i
from kiosk.session.inputs import ConnectorStatus

_STATUS = {"draws": ConnectorStatus.CHARGING, "car": ConnectorStatus.SUSPENDED_EV, "pile": ConnectorStatus.SUSPENDED_EVSE}
_EVERY_S = 60
_SLACK_S = 3  # the time a value may be on its way, and what is cut off a second
_BY_TIME = b"""{"country_code":"DE","party_id":"LND","id":"TIME","currency":"EUR","tax_included":"YES","elements":[{"price_components":[
 {"type":"TIME","price":6.00,"vat":19.0,"step_size":1},{"type":"PARKING_TIME","price":3.00,"vat":19.0,"step_size":1}]}],
 "last_updated":"2026-01-01T00:00:00Z"}"""


class _Charge:
    """A charge whose pile tells a value a minute, each some time after it was read, by our clock."""

    def __init__(self, tariff: bytes) -> None:
        self.w = World()
        self._transaction = self.w.deliver(tariff=tariff)
        self._kwh = 100

    def value(self, late_ms: int) -> None:
        self._kwh += 1
        self.w.give(i.MeterRead("PILE-1", 1, self._transaction, self._told(late_ms)))

    def phase(self, does: str, seconds: int, late: list[int]) -> None:
        """For so long it does that. `late` (ms) is asked for each value in turn; a car that draws nothing has no new one."""
        self.w.status(1, _STATUS[does])
        for _ in range(seconds // _EVERY_S):
            self.w.skip(_EVERY_S)
            if does == "draws":
                self.value(late.pop())
        self.w.skip(seconds % _EVERY_S)

    def bill(self) -> Rating:
        self.w.give(i.TxEnded("PILE-1", self._transaction, "", None, self._told(500), "EVDisconnected"))
        self.w.status(1, ConnectorStatus.AVAILABLE)
        assert self.w.session.priced is not None
        return self.w.session.priced.rating

    def _told(self, late_ms: int) -> Reading:
        return Reading(self.w.now.utc_ms - late_ms, self._kwh * 1_000_000)


@given(
    phases=st.lists(st.tuples(st.sampled_from(["draws", "car", "pile"]), st.integers(5, 2_000)), min_size=1, max_size=6),
    jitter=st.randoms(use_true_random=False),
    odd=st.sampled_from([0, 0, -30_000, 30_000]),
)
@settings(max_examples=60, deadline=None)
def test_time_is_billed_as_it_was(phases: list[tuple[str, int]], jitter: Random, odd: int) -> None:
    charge = _Charge(_BY_TIME)
    late = [jitter.randrange(50, 950) for _ in range(300)]
    charge.phase("draws", 120, late)  # a pile has told values before a car pauses
    late[jitter.randrange(len(late))] += odd  # one value is stamped wrongly, or waits
    for does, seconds in phases:
        charge.phase(does, seconds, late)
    billed = {line.code: Fraction(line.quantity) * 3_600 for line in charge.bill().lines}
    spent = {does: sum(s for d, s in (("draws", 120), *phases) if d == does) for does in _STATUS}
    assert abs(billed.get("PARKING_TIME", Fraction(0)) - spent["car"]) <= _SLACK_S
    assert abs(billed.get("TIME", Fraction(0)) - spent["draws"]) <= _SLACK_S


@pytest.mark.parametrize("late_ms", [500, 499, 400, 50, 1_500])
def test_a_pause_is_as_long_as_it_was_when_a_later_value_came_quicker(late_ms: int) -> None:
    charge = _Charge(PER_KWH_AND_STAY)
    charge.phase("draws", 120, [500, 500])
    charge.phase("car", 1_800, [])
    charge.phase("draws", 60, [late_ms])
    assert charge.bill().total.minor == 350, "1.50 for the energy, and 2.00 for the twenty minutes that are not free"


def test_one_value_stamped_ahead_displaces_nothing_and_two_do() -> None:
    charge = _Charge(PER_KWH_AND_STAY)
    charge.phase("draws", 120, [500, 500])
    [sure] = charge.w.session.registers
    charge.phase("draws", 60, [-30_000])
    assert sure in charge.w.session.registers
    charge.phase("draws", 60, [500])
    assert charge.w.session.registers == (sure,)
    charge.phase("draws", 120, [-30_000, -30_000])
    [moved] = charge.w.session.registers
    assert moved.sure
    assert moved.utc_ms - moved.at.utc_ms == 30_000
