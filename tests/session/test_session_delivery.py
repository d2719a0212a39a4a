"""Delivery: meter values, pauses, silence, and everything that makes it stop."""

from __future__ import annotations

import pytest
from world import PER_KWH_AND_STAY, SETUP, A, World, code_digest, names

from kiosk.metering.reading import Reading
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.deadlines import next_deadline
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.state import Stage
from kiosk.values import Money

HOUR = 3_600


def test_one_reading_a_minute_is_kept() -> None:
    w = World()
    w.deliver()
    kept = 0
    for second in range(5, 185, 5):
        w.now = w.now.plus(5)
        kept += len(w.meter(100, second * 1_000))
    assert kept == 3


def test_a_reading_older_than_the_last_is_passed_over() -> None:
    w = World()
    transaction = w.deliver()
    w.wait(60)
    w.meter(101)
    w.wait(60)
    assert w.give(i.MeterRead("PILE-1", 1, transaction, Reading(w.now.utc_ms - 90_000, 101_000_000))) == ()


def test_a_reading_without_a_transaction_counts_for_its_connector() -> None:
    w = World()
    w.deliver()
    w.wait(60)
    assert names(w.give(i.MeterRead("PILE-1", 1, None, w.reading(101)))) == ["MeterNoted"]


def test_a_reading_of_another_transaction_counts_for_nobody() -> None:
    w = World()
    transaction = w.deliver()
    w.wait(60)
    assert w.give(i.MeterRead("PILE-1", 1, transaction + 1, w.reading(101))) == ()


def test_a_reading_after_the_end_counts_nothing() -> None:
    w = World()
    transaction = w.deliver()
    w.wait(600)
    w.end(transaction, 110)
    w.wait(60)
    assert w.give(i.MeterRead("PILE-1", 1, transaction, w.reading(120))) == ()


def test_a_meter_that_counts_the_session_only_is_put_on_the_register_of_the_begin() -> None:
    w = World()
    transaction = w.deliver(at_kwh=54_000)
    w.skip(HOUR)
    w.meter(50)
    assert w.session.readings[-1].mwh == 54_050_000_000
    w.skip(HOUR)
    assert "StopRequested" in names(w.meter(99))  # 49.50 of 50.00
    w.wait(60)
    w.end(transaction, 54_100)
    assert w.session.priced.charge == Money(5_000, "EUR")


def test_a_register_that_falls_is_a_sign_of_life_but_no_energy() -> None:
    w = World()
    transaction = w.deliver()
    for minute in range(20):
        w.wait(60)
        w.meter(99 if minute else 101)
    assert not w.session.silent
    w.end(transaction, 110)
    assert w.session.priced.charge == Money(500, "EUR")  # a sound end refutes what lay in between


def test_a_car_that_pauses_and_goes_on() -> None:
    w = World()
    w.deliver()
    assert names(w.status(1, ConnectorStatus.SUSPENDED_EV)) == ["ConnectorReported", "DeliveryPaused"]
    assert w.session.stage is Stage.SUSPENDED
    assert names(w.status(1, ConnectorStatus.CHARGING)) == ["ConnectorReported", "DeliveryResumed"]
    assert w.session.stage is Stage.DELIVERING
    assert w.session.pauses[0].end is not None


def test_the_same_report_twice_is_noted_once() -> None:
    w = World()
    w.deliver()
    w.status(1, ConnectorStatus.SUSPENDED_EV)
    assert w.status(1, ConnectorStatus.SUSPENDED_EV) == ()


def test_a_pause_of_the_pile_after_one_of_the_car_is_another_pause() -> None:
    w = World()
    w.deliver()
    w.status(1, ConnectorStatus.SUSPENDED_EV)
    w.wait(60)
    w.status(1, ConnectorStatus.SUSPENDED_EVSE)
    assert [(p.by, p.end is None) for p in w.session.pauses] == [("car", False), ("pile", True)]


@pytest.mark.parametrize(
    ("status", "fee"),
    [(ConnectorStatus.SUSPENDED_EV, 200), (ConnectorStatus.SUSPENDED_EVSE, 0)],
    ids=["the car wants no more: 30 minutes, 10 of them free", "the pile withholds: no fee is ever owed"],
)
def test_who_pays_for_a_pause(status: ConnectorStatus, fee: int) -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.wait(600)
    w.meter(110)
    w.status(1, status)
    w.wait(1_800)
    w.end(transaction, 110)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.priced.charge == Money(500 + fee, "EUR")


def test_silence_is_noted_once_and_ends_with_the_next_reading() -> None:
    w = World()
    w.deliver()
    assert w.wait(299) == ()
    assert names(w.wait(1)) == ["PileSilent", "StopRequested"]
    assert w.session.stops[0].by == "silence"
    w.answer("StopDelivery", i.Done(i.Ok()))
    assert w.wait(20) == ()
    w.meter(101)
    assert not w.session.silent


def test_the_limit_stops_a_margin_before_the_hold() -> None:
    w = World()
    w.deliver()
    w.skip(2 * HOUR)
    assert names(w.meter(190)) == ["MeterNoted"]
    w.skip(600)
    assert names(w.meter(197)) == ["MeterNoted", "LimitForeseen"]
    w.skip(30)
    assert names(w.meter(198)) == ["MeterNoted", "StopRequested"]
    assert w.meter(199) == ()


def test_the_fee_of_a_parked_car_uses_up_the_hold_too() -> None:
    w = World()
    w.deliver(tariff=PER_KWH_AND_STAY, minor=1_000)
    w.skip(600)
    w.meter(114)
    w.status(1, ConnectorStatus.SUSPENDED_EV)
    w.skip(600 + 1_000)
    assert "StopRequested" not in names(w.meter(114))
    w.skip(500)
    assert "StopRequested" in names(w.meter(114))


def test_stopping_needs_a_proof_that_is_fresh() -> None:
    w = World()
    w.deliver()
    session = w.session.id
    w.give(i.StopCodeTyped(session, code_digest(session, "4719")))
    w.wait(120)
    assert w.give(i.StopAsked(session, "code")) == ()


def test_a_proof_by_code_is_none_by_phone() -> None:
    w = World()
    w.deliver()
    session = w.session.id
    w.give(i.StopCodeTyped(session, code_digest(session, "4719")))
    assert w.give(i.StopAsked(session, "phone")) == ()


def test_the_operator_stops_without_a_code() -> None:
    w = World()
    w.deliver()
    assert names(w.give(i.StopAsked(w.session.id, "operator"))) == ["StopRequested"]
    assert w.give(i.StopAsked(w.session.id, "operator")) == ()


def test_wrong_codes_are_counted_and_lock_again_and_again() -> None:
    w = World()
    w.deliver()
    session = w.session.id
    for _ in range(2):
        for _ in range(3):
            assert names(w.give(i.StopCodeTyped(session, code_digest(session, "0000")))) == ["StopCodeMissed"]
        assert w.give(i.StopCodeTyped(session, code_digest(session, "0000"))) == ()
        w.wait(60)
    assert w.session.code_misses == 6


def test_a_wrong_code_ends_what_was_proved_before() -> None:
    w = World()
    w.deliver()
    session = w.session.id
    assert names(w.give(i.CardRecognised(session))) == ["StopProved"]
    assert names(w.give(i.StopCodeTyped(session, code_digest(session, "0000")))) == ["StopCodeMissed"]
    assert w.give(i.StopAsked(session, "card")) == ()  # whoever stands there now is another


def test_the_code_of_another_sale_is_a_wrong_code() -> None:
    w = World()
    w.deliver()
    assert names(w.give(i.StopCodeTyped(w.session.id, code_digest("K417-other", "4719")))) == ["StopCodeMissed"]


def test_a_stop_that_led_to_nothing_is_asked_again_and_told_once() -> None:
    w = World()
    w.deliver()
    w.give(i.StopAsked(w.session.id, "operator"))
    w.answer("StopDelivery", i.Done(i.Ok()))
    assert names(w.wait(30)) == ["ReviewOpened", "StopRequested"]
    w.answer("StopDelivery", i.Refused("rejected"))
    assert names(w.wait(30)) == []
    assert names(w.wait(30)) == ["StopRequested"]  # a deaf pile is asked ever more rarely
    assert [s.by for s in w.session.stops] == ["operator"] * 3


def test_nobody_insists_while_the_pile_is_offline() -> None:
    w = World()
    w.deliver()
    w.give(i.StopAsked(w.session.id, "operator"))
    w.give(i.PileLost("PILE-1"))
    assert w.wait(120) == ()
    assert names(w.give(i.PileConnected("PILE-1"))) == ["PileOnline", "ReviewOpened", "StopRequested"]


def test_a_pile_that_comes_back_goes_on_with_the_delivery() -> None:
    w = World()
    transaction = w.deliver()
    w.give(i.PileLost("PILE-1"))
    w.wait(HOUR)
    assert w.session.silent
    w.give(i.PileConnected("PILE-1"))
    w.give(i.PileBooted("PILE-1", "V", "M"))
    w.end(transaction, 120)
    assert w.session.priced.charge == Money(1_000, "EUR")
    assert w.reviews() == []


def test_a_sale_whose_connector_left_the_configuration_is_still_settled() -> None:
    w = World()
    transaction = w.deliver(A)
    w.give(i.StopAsked(w.session.id, "operator"))
    w.reconfigure(type(SETUP)(SETUP.kiosk, SETUP.currency, SETUP.connectors[1:], SETUP.policy))
    assert next_deadline(w.k, w.now) is not None
    w.wait(60)
    w.end(transaction, 101)
    assert w.session.priced.charge == Money(50, "EUR")
    assert len(w.all_of(f.CaptureRequested)) == 1
