"""A charge ends before the reserved money does: by what is read, by the power of now, and by the clock when nothing is heard."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import PER_KWH_AND_STAY, SETUP, World, names

from kiosk.metering.reading import Reading
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.deadlines import next_deadline
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.state import Kiosk
from kiosk.values import Money

WHOLE = 150_000  # what the plug can give, in W


def read(w: World, kwh: int, power_w: int | None = None, mwh: int = 0) -> tuple[f.Fact, ...]:
    reading = Reading(w.now.utc_ms, kwh * 1_000_000 + mwh, power_w)
    return w.give(i.MeterRead("PILE-1", 1, w.session.transaction, reading))


def charging(minor: int = 1_000) -> World:
    """10 EUR at 0.50 a kWh: 20 kWh from 100 on, 18 before the margin of 1 EUR; the pile reports once a minute."""
    w = World(Kiosk(replace(SETUP, policy=replace(SETUP.policy, report_s=60))))
    w.deliver(minor=minor)
    return w


def test_at_full_power_it_stops_early_enough_for_a_late_report_and_a_slow_pile() -> None:
    w = charging()
    w.skip(420)
    facts = read(w, 117, WHOLE, 300_000)  # 70 s more would be 2.9 kWh
    assert "StopRequested" in names(facts)


def test_at_low_power_it_stops_only_at_the_margin() -> None:
    w = charging()
    w.skip(5_400)
    assert "StopRequested" not in names(read(w, 117, 11_000))
    w.skip(300)
    assert "StopRequested" in names(read(w, 118, 11_000))


def test_without_a_power_two_readings_show_it() -> None:
    w = charging()
    w.skip(4_800)
    read(w, 116)
    w.skip(300)
    assert "StopRequested" not in names(read(w, 117)), "12 kW"


@pytest.mark.parametrize("power", [-1, 10**12])
def test_a_power_that_cannot_be_is_cut_to_what_the_plug_can_give(power: int) -> None:
    w = charging()
    w.skip(3_600)
    read(w, 110, power)
    assert w.session.last_reading.mwh == 110_000_000


def test_an_end_that_lies_beyond_the_silence_is_left_to_it() -> None:
    w = charging()
    w.skip(600)
    facts = read(w, 112, 60_000)
    assert names(facts) == ["MeterNoted", "LimitForeseen"]
    assert w.now.ms_until(w.session.limit_at) == 360_000
    assert next_deadline(w.k, w.now) == w.now.plus(300)
    assert names(w.wait(300)) == ["PileSilent", "StopRequested"], "silence comes first"


def test_the_clock_alone_stops_what_uses_up_the_money_before_the_silence_is_told() -> None:
    w = charging()
    w.skip(600)
    read(w, 114, 60_000)  # 4 kWh to the margin: 240 s
    assert w.now.ms_until(w.session.limit_at) == 240_000
    assert w.wait(239) == ()
    assert names(w.wait(1)) == ["StopRequested"]
    assert w.session.stops[0].by == "limit"
    assert w.wait(1) == ()


def test_a_limit_that_hardly_moves_is_not_told_again() -> None:
    w = charging()
    w.skip(600)
    read(w, 114, 60_000)
    w.skip(60)
    assert names(read(w, 115, 60_000)) == ["MeterNoted"], "as foreseen"


def test_a_car_that_takes_less_is_not_stopped_by_what_it_took_before() -> None:
    w = charging()
    w.skip(600)
    read(w, 114, 60_000)
    first = w.session.limit_at
    w.skip(20)
    assert names(read(w, 114, 2_000)) == ["LimitForeseen"], "between two notes too"
    assert w.session.limit_at is None
    w.now = first
    assert w.give(i.TimePassed()) == ()


def test_the_begin_foresees_a_reservation_that_full_power_uses_up_at_once() -> None:
    w = charging(500)
    w2 = World()
    w2.deliver(minor=50_000)
    assert w.session.limit_at is not None, "8 kWh at full power are 192 s"
    assert w2.session.limit_at is None


def test_a_restart_keeps_the_foreseen_end() -> None:
    w = charging()
    w.skip(600)
    read(w, 114, 60_000)
    due = w.session.limit_at
    w.restart()
    assert w.session.limit_at == due
    w.now = due
    assert "StopRequested" in names(w.give(i.TimePassed()))


def test_a_power_cut_across_the_foreseen_end_stops_at_once() -> None:
    w = charging()
    w.skip(600)
    read(w, 114, 60_000)
    w.reboot(seconds_down=241)
    assert "StopRequested" in names(w.facts)


def test_after_a_stop_nothing_is_foreseen() -> None:
    w = charging()
    w.give(i.StopAsked(w.session.id, "operator"))
    w.skip(60)
    read(w, 119, WHOLE)
    assert {s.by for s in w.session.stops} == {"operator"}
    assert w.all_of(f.LimitForeseen) == []


def test_the_fee_of_a_parked_car_is_foreseen_too() -> None:
    w = World()
    w.deliver(tariff=PER_KWH_AND_STAY, minor=1_000)
    w.skip(600)
    read(w, 115, 0)
    w.status(1, ConnectorStatus.SUSPENDED_EV)
    w.skip(600 + 840)
    read(w, 115, 0)
    assert w.session.limit_at is not None
    assert not w.session.stops


def test_a_connector_that_left_the_configuration_breaks_nothing() -> None:
    w = charging()
    w.skip(60)
    w.reconfigure(replace(SETUP, connectors=SETUP.connectors[1:]))
    assert w.session.stops == ()
    w.give(i.TimePassed())
    w.give(i.MeterRead("PILE-1", 1, w.session.transaction, Reading(w.now.utc_ms, 101_000_000)))
    assert isinstance(w.k, Kiosk)


def test_what_is_stopped_by_the_limit_is_covered() -> None:
    w = charging()
    w.skip(420)
    read(w, 117, WHOLE, 300_000)
    w.skip(65)
    w.end(w.session.transaction, 120)
    assert (w.session.priced.charge, w.session.priced.shortfall) == (Money(1_000, "EUR"), Money(0, "EUR"))
