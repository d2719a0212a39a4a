"""What the eye sees of a running delivery: the newest reading, and a cost that never lags behind it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from world import PER_KWH_AND_STAY, World

from kiosk.core.live import Live, Running
from kiosk.metering.reading import Reading
from kiosk.session import inputs as i
from kiosk.session.inputs import ConnectorStatus
from kiosk.values import Money


@dataclass
class Eye:
    """A world whose deliveries are watched as core watches them."""

    w: World = field(default_factory=World)
    live: Live = field(default_factory=Live)

    def give(self, given: i.Input) -> None:
        self.live.hear(given, self.w.k, self.w.now)
        self.w.give(given)
        self.live.follow(self.w.k, self.w.now)

    def meter(self, kwh: int, behind_ms: int = 0, power: int | None = None, soc: int | None = None, named: bool = True) -> None:
        reading = Reading(self.w.now.utc_ms - behind_ms, kwh * 1_000_000, power, soc)
        self.give(i.MeterRead("PILE-1", 1, self.w.session.transaction if named else None, reading))

    def seconds(self, n: int) -> None:
        for _ in range(n):
            self.w.now = self.w.now.plus(1)
            self.live.tick(self.w.k, self.w.now)

    @property
    def running(self) -> Running:
        found = self.live.of(self.w.session.id)
        assert found is not None
        return found


def charging(**how: object) -> Eye:
    eye = Eye()
    eye.w.deliver(**how)  # type: ignore[arg-type]
    eye.live.follow(eye.w.k, eye.w.now)
    return eye


def test_a_delivery_is_watched_from_its_start_and_costs_nothing_yet() -> None:
    eye = charging()
    assert eye.running.rating.total == Money(0, "EUR")
    assert eye.running.reading.mwh == 100_000_000


@pytest.mark.parametrize("behind_ms", [0, 400, 2_500, 40_000], ids=lambda ms: f"the pile's clock is {ms} ms behind")
def test_the_cost_follows_every_reading_whatever_the_piles_clock(behind_ms: int) -> None:
    eye = charging()
    for minute in range(1, 6):
        eye.seconds(60)
        eye.meter(100 + 2 * minute, behind_ms)
        assert eye.running.rating.total == Money(100 * minute, "EUR")


def test_a_pile_whose_clock_is_ahead_is_followed_too() -> None:
    eye = charging()
    for minute in range(1, 4):
        eye.seconds(60)
        eye.meter(100 + 2 * minute, -30_000)
        assert eye.running.rating.total == Money(100 * minute, "EUR")


def test_a_reading_that_names_no_transaction_is_the_connectors() -> None:
    eye = charging()
    eye.seconds(60)
    eye.meter(102, named=False)
    assert eye.running.rating.total == Money(100, "EUR")


def test_a_meter_that_counts_the_session_only_shows_what_was_delivered() -> None:
    eye = charging(at_kwh=54_000)
    eye.seconds(60)
    eye.meter(2)
    assert eye.running.reading.mwh == 54_002_000_000
    assert eye.running.rating.total == Money(100, "EUR")


def test_an_older_reading_changes_nothing() -> None:
    eye = charging()
    eye.seconds(120)
    eye.meter(104)
    eye.meter(103, 60_000)
    assert eye.running.reading.mwh == 104_000_000


def test_the_fee_of_a_parked_car_grows_by_itself() -> None:
    eye = charging(tariff=PER_KWH_AND_STAY)
    eye.seconds(60)
    eye.meter(102)
    eye.give(i.ConnectorChanged("PILE-1", 1, ConnectorStatus.SUSPENDED_EV))
    eye.seconds(600)
    assert eye.running.rating.total == Money(100, "EUR")
    eye.seconds(600)
    assert eye.running.rating.total == Money(200, "EUR")


def test_no_fee_grows_while_the_pile_withholds() -> None:
    eye = charging(tariff=PER_KWH_AND_STAY)
    eye.seconds(60)
    eye.meter(102)
    eye.give(i.ConnectorChanged("PILE-1", 1, ConnectorStatus.SUSPENDED_EVSE))
    eye.seconds(3_600)
    assert eye.running.rating.total == Money(100, "EUR")


def test_the_last_look_is_the_final_bill() -> None:
    eye = charging(tariff=PER_KWH_AND_STAY)
    eye.seconds(60)
    eye.meter(102)
    eye.seconds(1_740)
    eye.meter(110)
    eye.w.end(eye.w.session.transaction, 110)
    eye.live.follow(eye.w.k, eye.w.now)
    eye.seconds(1_200)
    assert eye.running.rating.total == Money(600, "EUR")
    eye.give(i.ConnectorChanged("PILE-1", 1, ConnectorStatus.AVAILABLE))
    assert eye.w.session.priced.charge == Money(600, "EUR")


def test_the_state_of_charge_is_known_from_the_first_reading_that_has_it() -> None:
    eye = charging()
    assert eye.running.first_soc is None
    eye.seconds(60)
    eye.meter(102, soc=24)
    eye.seconds(60)
    eye.meter(104, soc=27)
    assert (eye.running.first_soc, eye.running.reading.soc_percent) == (24, 27)


def test_the_curve_stays_drawable_however_long_the_charge() -> None:
    eye = charging()
    for n in range(400):
        eye.seconds(1)
        eye.meter(100, power=150_000 - n)
    assert 60 <= len(eye.running.curve) <= 120
    assert eye.running.curve[0] >= eye.running.curve[-1]


def test_after_a_restart_the_noted_readings_bring_the_cost_back() -> None:
    eye = charging()
    for minute in range(1, 4):
        eye.seconds(60)
        eye.meter(100 + 2 * minute)
    before = eye.running.rating.total
    again = Live()
    again.follow(eye.w.k, eye.w.now)
    found = again.of(eye.w.session.id)
    assert found is not None
    assert found.rating.total == before
    assert found.reading == replace(eye.running.reading)


def test_a_closed_sale_is_watched_no_longer() -> None:
    eye = charging()
    eye.w.now = eye.w.now.plus(1_800)
    eye.w.end(eye.w.session.transaction, 110)
    eye.w.settle()
    eye.live.follow(eye.w.k, eye.w.now)
    assert eye.live.of(eye.w.session.id) is None


def test_other_news_is_not_looked_at() -> None:
    eye = charging()
    eye.live.hear(i.TimePassed(), eye.w.k, eye.w.now)
    eye.live.hear(i.MeterRead("PILE-1", 2, 999, Reading(eye.w.now.utc_ms, 1)), eye.w.k, eye.w.now)
    assert eye.running.reading.mwh == 100_000_000
