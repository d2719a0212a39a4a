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
from kiosk.session.state import Stage

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
        self.kwh = 100
        self._mwh = 0

    def value(self, late_ms: int, kwh: int = 1, mwh: int = 0) -> None:
        """`mwh` are those beyond the whole kilowatt-hours."""
        self.kwh, self._mwh = self.kwh + kwh, mwh
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
        return Reading(self.w.now.utc_ms - late_ms, self.kwh * 1_000_000 + self._mwh)


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


# --- the pile's word that the car goes on is lost ------------------------------------------------------------------------------------


def _parked(charge: _Charge) -> int:
    """Seconds."""
    return round(sum(Fraction(line.quantity) * 3_600 for line in charge.bill().lines if line.code == "PARKING_TIME"))


def _resting(seconds: int) -> _Charge:
    """A charge that drew something, and whose car then rested; the pile told of it, and a value every minute."""
    charge = _Charge(_BY_TIME)
    charge.phase("draws", 120, [500, 500])
    charge.w.status(1, ConnectorStatus.SUSPENDED_EV)
    for _ in range(seconds // _EVERY_S):
        charge.w.skip(_EVERY_S)
        charge.value(500, kwh=0)
    return charge


def test_a_pause_is_over_where_the_register_moves_though_nobody_said_so() -> None:
    charge = _resting(600)
    for _ in range(20):
        charge.w.skip(_EVERY_S)
        charge.value(500)
    assert charge.w.session.stage is Stage.DELIVERING
    assert 600 - _EVERY_S <= _parked(charge) <= 600


@pytest.mark.parametrize("told", ["now", "never"])
def test_a_pause_in_which_the_pile_went_away_is_billed_as_long_as_it_was_seen(told: str) -> None:
    charge = _resting(600)
    charge.w.give(i.PileLost("PILE-1"))
    charge.w.skip(7_200)
    if told == "now":  # it is back, and its stamps are of its return
        charge.w.give(i.ConnectorChanged("PILE-1", 1, ConnectorStatus.CHARGING, since=charge.w.now.utc_ms))
    charge.kwh += 40
    assert 600 - _EVERY_S <= _parked(charge) <= 600


def test_a_pile_that_was_silent_before_it_was_lost_was_not_seen_meanwhile() -> None:
    charge = _Charge(_BY_TIME)
    charge.phase("draws", 120, [500, 500])
    charge.w.status(1, ConnectorStatus.SUSPENDED_EV)
    charge.w.skip(20)
    charge.value(500, kwh=0)
    charge.w.skip(100)  # the connection stands, and nothing passes
    charge.w.give(i.PileLost("PILE-1"))
    charge.w.skip(60)
    charge.w.give(i.ConnectorChanged("PILE-1", 1, ConnectorStatus.CHARGING, since=charge.w.now.utc_ms))
    assert _parked(charge) <= 20


def test_a_car_that_rested_all_the_while_the_pile_was_away_is_billed_for_it() -> None:
    charge = _resting(600)
    charge.w.give(i.PileLost("PILE-1"))
    charge.w.skip(7_200)
    charge.value(500, kwh=0)
    assert 7_800 - _SLACK_S <= _parked(charge) <= 7_800


def test_a_pile_that_says_since_when_is_believed() -> None:
    charge = _resting(600)
    charge.w.skip(50)
    charge.w.give(i.ConnectorChanged("PILE-1", 1, ConnectorStatus.CHARGING, since=charge.w.now.utc_ms - 45_000))
    assert abs(_parked(charge) - 605) <= _SLACK_S


def test_values_that_come_late_and_all_at_once_end_a_pause_where_they_were_read() -> None:
    charge = _resting(600)
    charge.w.skip(3_600)
    for minutes in range(59, 0, -1):
        charge.value(minutes * 60_000)
    assert 600 - _EVERY_S <= _parked(charge) <= 600 + _EVERY_S


@pytest.mark.parametrize("watts", [0, 20, 400])
def test_a_car_that_stands_by_goes_on_resting(watts: int) -> None:
    charge = _resting(600)
    mwh = 0
    for _ in range(50):
        charge.w.skip(_EVERY_S)
        mwh += watts * 1_000 * _EVERY_S // 3_600
        charge.value(500, kwh=0, mwh=mwh)
    assert charge.w.session.stage is Stage.SUSPENDED
    assert 3_600 - _SLACK_S <= _parked(charge) <= 3_600


def test_a_car_that_lowers_its_power_has_not_gone_on() -> None:
    charge = _Charge(_BY_TIME)
    charge.phase("draws", 120, [500, 500])
    charge.w.status(1, ConnectorStatus.SUSPENDED_EV)
    for mwh in (60_000, 75_000, 78_000, 78_500, 78_500, 78_500):  # every 5 s
        charge.w.skip(5)
        charge.value(500, kwh=0, mwh=mwh)
    charge.w.skip(1_770)
    assert charge.w.session.stage is Stage.SUSPENDED
    assert 1_800 - _SLACK_S <= _parked(charge) <= 1_800


def test_a_register_that_leaps_ends_no_pause() -> None:
    charge = _resting(600)
    charge.w.skip(_EVERY_S)
    charge.value(500, kwh=0, mwh=15_500_000_000)
    assert charge.w.session.stage is Stage.SUSPENDED
