"""A card scheme keeps a reservation for some days and no longer: a person is told half-way, and nothing is left to the last minute."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import PER_KWH_AND_STAY, SETUP, World, approval

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.deadlines import next_deadline
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.setup import Policy
from kiosk.session.state import Kiosk
from kiosk.values import Money

DAY = 86_400
HOUR = 3_600


def world(**rules: object) -> World:
    policy = replace(SETUP.policy, **rules)
    return World(Kiosk(replace(SETUP, policy=policy)))


def charging_for(w: World, seconds: int) -> None:
    """A car that takes a little, read once an hour, for so long."""
    for _ in range(seconds // HOUR):
        w.skip(HOUR)
        last = w.session.last_reading.mwh
        w.give(i.MeterRead("PILE-1", 1, w.session.transaction, replace(w.reading(0), mwh=last + 100_000)))


@pytest.mark.parametrize(("brand", "days"), [("visa", 5), ("VISA", 5), ("mc", 7), ("amex", 7), ("maestro", 4), ("", 4)])
def test_how_long_a_reservation_stands_depends_on_the_scheme(brand: str, days: int) -> None:
    w = World()
    w.accept()
    given = replace(approval(), card=i.CardFacts(brand, "4821"))
    w.answer("Preauthorize", i.Done(given))
    assert w.session.payment.expires_at == w.now.plus(days * DAY)


def test_the_days_of_a_scheme_are_the_operators_to_set() -> None:
    policy = replace(SETUP.policy, hold_days={"other": 2})
    assert (policy.hold_s("visa"), Policy(Money(1, "EUR"), Money(1, "EUR"), hold_days={}).hold_s("visa")) == (2 * DAY, 4 * DAY)


def test_half_way_a_person_is_told_once() -> None:
    w = World()
    w.deliver()
    charging_for(w, 84 * HOUR)
    assert "hold_expiring" in w.reviews()
    charging_for(w, 2 * HOUR)
    w.restart()
    assert w.reviews().count("hold_expiring") == 1
    assert not w.session.stops


def test_a_charge_that_still_runs_is_ended_before_the_reservation_falls() -> None:
    w = World()
    w.deliver()
    charging_for(w, 152 * HOUR)
    assert w.session.stops[0].by == "hold_expiring"
    w.end(w.session.transaction, 116)
    assert w.operations() == ["capture"]


def test_a_stay_after_the_end_is_priced_before_the_reservation_falls() -> None:
    w = world(hold_days={"other": 1})
    w.accept(tariff=PER_KWH_AND_STAY)
    w.answer("Preauthorize", i.Done(replace(approval(), card=i.CardFacts())))
    w.status(1, ConnectorStatus.PREPARING)
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    charging_for(w, 21 * HOUR)
    w.end(w.session.transaction, 103)
    expires = w.session.payment.expires_at
    assert w.session.accrues_until is not None
    assert w.session.accrues_until.ms_until(expires) >= HOUR * 1_000
    w.wait(2 * HOUR)
    assert w.operations() == ["capture"]


def test_a_capture_is_asked_for_no_longer_than_the_reservation_stands() -> None:
    w = World()
    transaction = w.deliver()
    w.skip(1_800)
    w.end(transaction, 110)
    m = next(iter(w.session.modifications.values()))
    assert w.now.ms_until(m.resend_until) == 604_800_000 * 8 // 10
    w2 = World()
    w2.accept()
    w2.answer("Preauthorize", i.Done(replace(approval(), card=i.CardFacts("visa"))))
    w2.status(1, ConnectorStatus.PREPARING)
    w2.give(i.TxStarted("PILE-1", 1, w2.session.starts[-1].id_tag, w2.reading(100)))
    w2.skip(1_800)
    w2.end(w2.session.transaction, 110)
    m = next(iter(w2.session.modifications.values()))
    assert m.resend_until == w2.session.payment.expires_at


def test_a_capture_decided_when_the_reservation_has_just_fallen_is_still_tried_for_an_hour() -> None:
    w = world(review_s=60 * DAY)
    transaction = w.deliver()
    w.skip(1_800)
    w.end(transaction, 110)
    w.answer("Modify", i.Refused("rejected"))
    expires = w.session.payment.expires_at
    assert w.session.reviews[0].deadline == expires
    w.skip(w.now.ms_until(expires) // 1_000 - 1)
    w.give(i.ReviewClosed(w.session.id, "capture_refused", "retry", "Kim", "try"))
    m = w.session.capture
    assert m.resend_until == w.now.plus(HOUR)
    assert m.alarm_at.utc_ms > w.now.utc_ms


def test_a_decision_is_waited_for_no_longer_than_the_reservation_stands() -> None:
    w = world(review_s=60 * DAY)
    transaction = w.deliver()
    w.skip(1_800)
    w.end(transaction, 54_000)
    assert w.session.reviews[0].deadline == w.session.payment.expires_at


def test_a_priced_sale_and_a_released_one_need_no_warning() -> None:
    w = World()
    w.finish()
    assert w.wait(10 * DAY) == ()
    w.give(i.DriverCancelled(w.pay()))
    w.answer("Modify", i.Done(i.Accepted("X")))
    assert w.wait(10 * DAY) == ()


@pytest.mark.parametrize("down", [60, 3 * DAY, 20 * DAY])
@pytest.mark.parametrize("clock", [0, -30, 30])
def test_across_power_cuts_and_wrong_clocks_every_deadline_decides_something(down: int, clock: int) -> None:
    w = World()
    w.deliver()
    charging_for(w, 10 * HOUR)
    w.reboot(seconds_down=down)
    w.jump(hours=clock)
    for _ in range(30):
        w.give(i.TimePassed())
        due = next_deadline(w.k, w.now)
        if due is None:
            break
        assert not w.now.reached(due)
        assert w.wait(-(-w.now.ms_until(due) // 1_000)), "a deadline that comes decides something"


def test_an_approval_of_before_there_were_expiries_has_none() -> None:
    w = World()
    w.pay()
    (fact,) = w.all_of(f.PaymentAuthorized)
    assert fact.expires_at is not None
    w.facts = [replace(x, expires_at=None) if isinstance(x, f.PaymentAuthorized) else x for x in w.facts]
    w.reconfigure(SETUP)
    w.status(1, ConnectorStatus.PREPARING)
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    w.skip(1_800)
    w.end(w.session.transaction, 110)
    w.settle()
    assert w.session.closed_at is not None
