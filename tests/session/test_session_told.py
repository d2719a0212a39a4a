"""What a driver is told when a sale leaves the path is true, and there are words for it."""

from __future__ import annotations

import pytest
from world import A, World, approval, code_digest

from kiosk.session import inputs as i
from kiosk.session.faults import FAULTS
from kiosk.session.visit import Visit, fault_of, refresh

DECLINED = i.Refused("refused", "no money")
UNKNOWN = i.Unknown()
NOT_FOUND = i.Unknown("not_found")


def test_a_driver_who_cancels_before_any_card_has_nothing_reserved():
    w = World()
    session = w.accept()
    w.answer("Preauthorize", i.NotSent("no screen"))
    w.give(i.DriverCancelled(session))
    assert fault_of(w.session) == "cancelled"


@pytest.mark.parametrize("answer", [UNKNOWN, i.Done(approval())])
def test_a_driver_who_cancels_with_money_perhaps_reserved_is_not_told_that_nothing_is(answer: i.Result):
    w = World()
    session = w.accept()
    w.answer("Preauthorize", answer)
    w.give(i.DriverCancelled(session))
    assert fault_of(w.session) == "cancelled_reserved"


def test_a_late_approval_changes_what_the_driver_is_told():
    w = World()
    session = w.accept()
    w.give(i.DriverCancelled(session))
    w.answer("Preauthorize", i.Done(approval()))
    assert fault_of(w.session) == "cancelled_reserved"


def test_an_approval_too_small_to_charge_with_is_said_to_be_given_back():
    w = World()
    w.pay(A, minor=499)
    assert fault_of(w.session) == "approved_too_little"


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([DECLINED], "declined"),
        ([i.NotSent("no route")], "terminal_away"),
        ([UNKNOWN, NOT_FOUND, NOT_FOUND, NOT_FOUND], "terminal_silent"),
    ],
)
def test_a_driver_who_walks_away_from_a_failed_payment_finds_the_reason(answers: list[i.Result], told: str):
    w = World()
    w.accept()
    for answer in answers:
        w.answer("Preauthorize", answer)
    assert fault_of(w.session) == told
    w.wait(w.k.setup.policy.pay_s)
    assert w.session.given_up == told
    assert told in FAULTS


def test_a_wrong_code_after_a_right_one_opens_nothing():
    w = World()
    w.deliver()
    session = w.session.id
    w.give(i.StopCodeTyped(session, code_digest(session, "4719")))
    assert w.session.proved_by == "code"
    w.give(i.StopCodeTyped(session, code_digest(session, "0000")))
    stranger = Visit(7, "en", w.now, session=session, overlay="code", typed="0000")
    after = refresh(stranger, w.k, w.now)
    assert (after.own, after.overlay, after.missed) == (False, "code", True)


def test_a_meter_without_proof_is_not_blamed_on_the_bank():
    w = World()
    transaction = w.deliver()
    w.wait(60)
    w.end(transaction, 20)  # the register fell by 80 kWh
    assert [review.code for review in w.session.reviews] == ["meter_unproven"]
    assert fault_of(w.session) == "meter_unproven"
