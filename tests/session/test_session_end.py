"""Ends: what the pile says of the last register, what it does not say, and what then happens to the money."""

from __future__ import annotations

import pytest
from world import PER_KWH_AND_STAY, SETUP, A, B, World, names

from kiosk.metering.reading import Reading, Verdict
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.energy import transaction_for
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.state import Stage
from kiosk.values import Moment, Money

HOUR = 3_600
LOST_STOP_S = SETUP.policy.lost_stop_s


def test_nothing_delivered_is_nothing_charged() -> None:
    w = World()
    transaction = w.deliver()
    w.wait(60)
    facts = w.end(transaction, 100)
    assert names(facts) == ["DeliveryEnded", "Priced", "CancelRequested"]
    assert w.session.priced.rule == "nothing_delivered"
    assert not w.session.priced.charge
    w.answer("Modify", i.Done(i.Accepted("X1")))
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.k.sessions == {}
    assert w.all_of(f.ReceiptIssued) == []


@pytest.mark.parametrize("stamped", ["now", "1970", "backwards"])
def test_an_end_that_leaves_no_time_in_between_is_judged_from_the_begin_that_was_told(stamped: str) -> None:
    w = World()
    transaction = w.deliver()
    began_ms = w.now.utc_ms
    w.wait(1_800)
    now_ms = w.now.utc_ms
    begin_ms, end_ms = {"now": (now_ms, now_ms), "1970": (5_000, 5_000), "backwards": (began_ms, 5_000)}[stamped]
    begin, end = Reading(begin_ms, w.reading(100, 674).mwh), Reading(end_ms, w.reading(110, 674).mwh)
    w.give(i.TxEnded("PILE-1", transaction, "", begin, end, "PowerLoss"))
    assert w.session.delivered.verdict is Verdict.VALID
    assert w.session.delivered.mwh == 10_000_000


def test_a_stop_that_names_minus_one_and_the_tag_ends_the_sale() -> None:
    w = World()
    w.deliver()
    w.wait(600)
    w.give(i.TxEnded("PILE-1", -1, w.session.starts[0].id_tag, None, w.reading(110), "Local"))
    assert w.session.priced.charge == Money(500, "EUR")


def test_a_stop_that_names_minus_one_and_no_tag_ends_the_only_start_it_can_mean() -> None:
    w = World()
    w.pay()
    w.status(1, ConnectorStatus.PREPARING)
    w.wait(50)
    begin = Reading(w.now.utc_ms - 40_000, 100_000_000)
    facts = w.give(i.TxEnded("PILE-1", -1, "", begin, w.reading(101), "Local"))
    assert names(facts)[:2] == ["DeliveryStarted", "DeliveryEnded"]
    assert w.session.priced.charge == Money(50, "EUR")


def test_an_end_without_any_begin_is_for_a_person() -> None:
    w = World()
    w.pay()
    w.status(1, ConnectorStatus.PREPARING)
    w.give(i.TxEnded("PILE-1", -1, w.session.starts[0].id_tag, None, w.reading(101), "Local"))
    assert w.session.delivered.verdict is Verdict.UNVERIFIABLE
    assert w.reviews() == ["meter_unproven"]
    assert w.session.priced is None


def test_a_stop_without_names_that_two_sales_may_mean_is_an_orphan() -> None:
    w = World()
    w.status(1, ConnectorStatus.PREPARING)
    w.status(2, ConnectorStatus.PREPARING)
    w.pay(A)
    w.pay(B)
    facts = w.give(i.TxEnded("PILE-1", -1, "", None, w.reading(101), "Local"))
    assert names(facts) == ["OrphanTransactionEnded"]


def test_a_stop_of_a_transaction_nobody_knows_is_an_orphan() -> None:
    w = World()
    transaction = w.deliver()
    assert names(w.end(transaction + 77, 110)) == ["OrphanTransactionEnded"]
    assert names(w.give(i.TxEnded("PILE-1", -1, "04A1B2C3", None, w.reading(1), "Local"))) == ["OrphanTransactionEnded"]
    assert w.session.stage is Stage.DELIVERING


def test_a_repeated_stop_changes_nothing() -> None:
    w = World()
    transaction = w.deliver()
    w.wait(600)
    w.end(transaction, 110)
    assert w.end(transaction, 110) == ()
    assert len(w.all_of(f.CaptureRequested)) == 1


def test_a_stop_with_another_register_is_for_a_person_and_never_a_second_capture() -> None:
    w = World()
    transaction = w.deliver()
    w.wait(600)
    w.end(transaction, 110)
    assert names(w.end(transaction, 111)) == ["ReviewOpened"]
    assert w.reviews() == ["late_end"]
    assert w.end(transaction, 112) == ()
    assert len(w.all_of(f.CaptureRequested)) == 1


def test_a_stop_with_another_register_after_the_sale_closed_is_for_a_person() -> None:
    w = World()
    w.finish()
    assert names(w.end(w.session.transaction, 140)) == ["ReviewOpened"]
    assert w.reviews() == ["late_end"]
    assert w.kinds() == []


def test_a_repeated_stop_on_a_session_register_is_no_news() -> None:
    w = World()
    transaction = w.deliver(at_kwh=54_000)
    w.wait(600)
    w.end(transaction, 10)
    assert w.session.priced.charge == Money(500, "EUR")
    assert w.end(transaction, 10) == ()


def test_a_meter_that_cannot_be_believed_takes_no_money_and_keeps_the_hold() -> None:
    w = World()
    transaction = w.deliver()
    w.wait(60)
    facts = w.end(transaction, 15_000)
    assert names(facts) == ["DeliveryEnded", "ReviewOpened"]
    assert w.session.delivered.reasons == ("leap",)
    assert w.session.reviews[0].deadline.utc_ms > w.now.utc_ms
    w.status(1, ConnectorStatus.AVAILABLE)
    w.wait(86_400)
    assert w.kinds() == []
    assert w.session.id in w.k.sessions


def test_an_unbelievable_meter_does_not_keep_the_next_driver_away() -> None:
    w = World()
    transaction = w.deliver()
    w.wait(60)
    w.end(transaction, 15_000)
    w.status(1, ConnectorStatus.AVAILABLE)
    w.pay()
    assert w.session.stage is Stage.WAITING_FOR_PLUG


@pytest.mark.parametrize("remembered", [True, False])
def test_an_end_that_tells_no_register_is_billed_by_the_last_value_and_a_person_hears_of_it(remembered: bool) -> None:
    w = World()
    transaction = w.deliver()
    w.skip(60)
    w.meter(101)
    end = w.reading(101) if remembered else None
    facts = w.give(i.TxEnded("PILE-1", transaction, "", None, end, "Local", estimated=remembered))
    assert names(facts)[:2] == ["ReviewOpened", "DeliveryEnded"]
    assert w.reviews() == ["meter_estimated"]
    assert w.session.delivered.mwh == 1_000_000


def test_an_end_that_tells_no_register_after_no_value_at_all_waits_for_a_person() -> None:
    w = World()
    transaction = w.deliver()
    w.give(i.TxEnded("PILE-1", transaction, "", None, None, "Local"))
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.reviews() == ["meter_unproven"]
    assert w.kinds() == []


def test_a_connector_called_free_without_an_end_is_settled_from_the_last_reading() -> None:
    w = World()
    w.deliver()
    w.skip(1_800)
    w.meter(120)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.wait(LOST_STOP_S - 1) == ()
    facts = w.wait(1)
    assert names(facts) == ["ReviewOpened", "DeliveryEnded", "Vacated", "Priced", "CaptureRequested"]
    assert w.reviews() == ["meter_estimated"]
    assert w.session.ended_by == "lost"
    assert w.request("Modify").body.amount == Money(1_000, "EUR")


def test_a_charge_without_an_end_is_for_a_person_even_if_no_reading_proves_energy() -> None:
    w = World()
    w.deliver()
    w.status(1, ConnectorStatus.AVAILABLE)
    w.wait(LOST_STOP_S)
    assert w.session.ended_by == "lost"
    assert w.reviews() == ["meter_estimated", "meter_unproven"]
    assert w.kinds() == []  # the hold stays until somebody knows


def test_a_true_end_after_the_lost_one_is_for_a_person() -> None:
    w = World()
    transaction = w.deliver()
    w.skip(1_800)
    w.meter(120)
    w.status(1, ConnectorStatus.AVAILABLE)
    w.wait(LOST_STOP_S)
    assert names(w.end(transaction, 121)) == ["ReviewOpened"]
    assert w.reviews() == ["meter_estimated", "late_end"]
    assert len(w.all_of(f.CaptureRequested)) == 1


def test_an_end_within_the_grace_is_the_end() -> None:
    w = World()
    transaction = w.deliver()
    w.skip(1_800)
    w.meter(120)
    w.status(1, ConnectorStatus.AVAILABLE)
    w.wait(30)
    w.end(transaction, 121)
    w.wait(LOST_STOP_S)
    assert w.session.priced.charge == Money(1_050, "EUR")
    assert w.reviews() == []


def test_a_connector_that_was_free_for_a_blink_is_not_lost() -> None:
    w = World()
    w.deliver()
    w.status(1, ConnectorStatus.AVAILABLE)
    w.wait(30)
    w.status(1, ConnectorStatus.CHARGING)
    w.wait(60)
    assert w.session.stage is Stage.DELIVERING


def test_a_pile_lost_for_hours_is_settled_from_what_is_proven() -> None:
    w = World()
    w.deliver()
    w.skip(1_800)
    w.meter(120)
    w.give(i.PileLost("PILE-1"))
    w.wait(14_399)
    assert w.session.stage is Stage.DELIVERING
    w.wait(1)
    assert w.session.ended_by == "lost"
    assert w.request("Modify").body.amount == Money(1_000, "EUR")


def test_nobody_pays_a_stay_that_nobody_saw() -> None:
    w = World()
    w.deliver(tariff=PER_KWH_AND_STAY)
    w.wait(1_800)
    w.meter(120)
    w.give(i.PileLost("PILE-1"))
    w.wait(14_400)
    assert w.session.priced.charge == Money(1_000, "EUR")


def test_a_stay_counts_from_the_moment_its_end_was_known() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.wait(1_800)
    over = w.reading(110)
    w.give(i.PileLost("PILE-1"))
    w.wait(2 * HOUR)
    w.give(i.PileConnected("PILE-1"))
    w.give(i.TxEnded("PILE-1", transaction, "", None, over, "EVDisconnected"))
    w.wait(60)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.priced.charge == Money(500, "EUR")


def test_a_pile_whose_clock_is_behind_does_not_lengthen_the_stay() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.wait(2 * HOUR)
    w.give(i.TxEnded("PILE-1", transaction, "", None, Reading(w.now.utc_ms - HOUR * 1_000, 110_000_000), "Local"))
    w.wait(1_200)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.priced.charge == Money(500 + 100, "EUR")  # 20 minutes, 10 of them free


def test_a_wall_clock_that_jumps_does_not_lengthen_the_stay() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.wait(1_800)
    w.end(transaction, 110)
    w.jump(hours=5)
    w.wait(1_200)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.priced.charge == Money(500 + 100, "EUR")


def test_the_stay_is_free_for_a_car_that_got_nothing() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.wait(60)
    w.end(transaction, 100)
    assert w.session.accrues_until is None
    assert w.session.priced.rule == "nothing_delivered"


def test_the_driver_never_pays_more_than_was_reserved() -> None:
    w = World()
    transaction = w.deliver(minor=1_000)
    w.wait(HOUR)
    w.end(transaction, 150)
    assert w.request("Modify").body.amount == Money(1_000, "EUR")
    assert w.session.priced.shortfall == Money(1_500, "EUR")
    assert w.reviews() == ["shortfall"]


def test_an_end_before_the_start_was_heard_is_answered_under_the_same_id_later() -> None:
    w = World()
    w.pay()
    w.status(1, ConnectorStatus.PREPARING)
    tag = w.session.starts[0].id_tag
    begin = w.reading(100)
    w.wait(50)
    w.give(i.TxEnded("PILE-1", -1, tag, begin, w.reading(101), "PowerLoss"))
    late = i.TxStarted("PILE-1", 1, tag, begin)
    assert w.give(late) == ()
    assert transaction_for(w.k, late) == w.session.transaction


def test_the_stop_wins_once_whoever_asked_for_it() -> None:
    w = World()
    transaction = w.deliver()
    w.give(i.StopAsked(w.session.id, "operator"))
    w.wait(20)
    w.end(transaction, 100, "EVDisconnected")
    assert w.kinds() == ["Modify"]
    assert w.wait(60) == ()
    assert names(w.give(i.Outcome(w.session.stops[0].request, i.Done(i.Ok())))) == ["StopAnswered"]


def test_a_pulled_cable_ends_the_stay_though_the_connector_says_nothing() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.wait(1_200)
    facts = w.end(transaction, 110, "EVDisconnected")
    assert names(facts) == ["DeliveryEnded", "Priced", "CaptureRequested"]
    assert w.request("Modify").body.amount == Money(500, "EUR")


def test_a_car_that_stays_for_ever_is_settled_after_the_longest_stay() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.wait(1_800)
    w.end(transaction, 110)
    w.wait(43_200)
    assert w.session.priced is not None
    assert w.kinds() == ["Modify"]


def test_an_end_without_any_register_is_for_a_person_and_keeps_the_hold() -> None:
    w = World()
    transaction = w.deliver()
    w.skip(600)
    w.give(i.TxEnded("PILE-1", transaction, "", None, None, "Local"))
    assert w.session.delivered is not None
    assert "meter_unproven" in w.reviews()
    assert w.kinds() == []


def test_the_next_drivers_cable_ends_a_stay_that_nobody_saw() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.skip(1_800)
    w.end(transaction, 110)
    w.status(1, ConnectorStatus.FINISHING)
    w.wait(900)
    w.give(i.PileLost("PILE-1"))
    w.wait(3_600)
    w.give(i.PileConnected("PILE-1"))
    w.status(1, ConnectorStatus.PREPARING)
    assert w.session.priced.charge == Money(500 + 50, "EUR")  # 15 min were seen, of which 10 are free


def test_a_wall_clock_that_jumps_over_a_reboot_prices_no_stay() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.skip(1_800)
    w.end(transaction, 110)
    w.now = Moment(w.now.utc_ms + 7_200_000, "next boot", 1_000)
    w.restart()
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.priced.charge == Money(500, "EUR")
