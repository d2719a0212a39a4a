"""Captures and cancels: the acquirer's first word, its last word, and the words that never come."""

from __future__ import annotations

import pytest
from world import World, approval, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.requests import Recovery, body_hash
from kiosk.session.state import ModificationState
from kiosk.values import Money

DAY = 86_400


def charged(w: World) -> str:
    """A delivery of 10 kWh has ended; its capture is open: the request's reference."""
    transaction = w.deliver()
    w.wait(1_800)
    w.end(transaction, 110)
    return w.request("Modify").ref


def test_a_capture_carries_a_key_and_a_hash_that_never_change() -> None:
    w = World()
    charged(w)
    request = w.request("Modify")
    body = request.body
    assert request.recovery is Recovery.RESEND_SAME_KEY
    assert body.promised == body_hash(body.reference, body.psp_reference, body.payment, body.amount, request.key)
    w.answer("Modify", i.Unknown())
    assert w.request("Modify") == request


@pytest.mark.parametrize("answer", [i.Unknown(), i.NotSent("no network")])
def test_no_answer_keeps_the_capture_open(answer: i.Result) -> None:
    w = World()
    charged(w)
    assert w.answer("Modify", answer) == ()
    assert w.kinds() == ["Modify"]


def test_an_alarm_stands_when_half_a_day_brought_no_answer() -> None:
    w = World()
    charged(w)
    w.wait(43_199)
    assert w.reviews() == []
    assert names(w.wait(1)) == ["AlarmRaised", "ReviewOpened"]
    assert w.reviews() == ["money_late"]
    assert w.wait(3_600) == ()
    assert w.kinds() == ["Modify"]


def test_a_key_is_not_used_beyond_eighty_percent_of_its_life() -> None:
    w = World()
    charged(w)
    w.wait(604_800 * 8 // 10 - 1)
    assert w.kinds() == ["Modify"]
    facts = w.wait(1)
    assert names(facts) == ["ModificationRefused", "ReviewDecided", "ReviewOpened"]
    assert w.reviews() == ["money_late", "capture_refused"]
    assert w.kinds() == []


def test_a_cancel_of_unknown_money_alarms_before_its_day_is_over() -> None:
    w = World()
    w.accept()
    w.answer("Preauthorize", i.Unknown())
    w.wait(300)
    assert "AlarmRaised" in names(w.wait(DAY // 2))
    assert "ModificationRefused" in names(w.wait(DAY // 2))
    assert "cancel_refused" in w.reviews()


def test_a_refused_capture_is_not_made_again_and_prints_nothing() -> None:
    w = World()
    charged(w)
    facts = w.answer("Modify", i.Refused("rejected", "not enough balance"))
    assert names(facts) == ["ModificationRefused", "ReviewOpened"]
    assert w.reviews() == ["capture_refused"]
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.closed_at is None, "a person decides first"
    assert len(w.all_of(f.CaptureRequested)) == 1
    assert w.all_of(f.ReceiptIssued) == []


def test_a_refused_cancel_is_for_a_person() -> None:
    w = World()
    w.give(i.DriverCancelled(w.pay()))
    w.answer("Modify", i.Refused("rejected"))
    assert w.reviews() == ["cancel_refused"]


def test_after_a_capture_nothing_is_cancelled() -> None:
    w = World()
    w.finish()
    assert w.all_of(f.CancelRequested) == []


def test_a_confirmation_closes_the_books() -> None:
    w = World()
    ref = charged(w)
    w.answer("Modify", i.Done(i.Accepted("CAP1")))
    assert names(w.give(i.Confirmation(ref, "CAP1", "capture", True))) == ["ModificationConfirmed"]
    assert w.session.modifications[ref].state is ModificationState.CONFIRMED


def test_a_confirmation_before_the_answer_is_the_answer_too() -> None:
    w = World()
    ref = charged(w)
    facts = w.give(i.Confirmation(ref, "CAP1", "capture", True))
    assert names(facts) == ["ModificationSubmitted", "ReceiptIssued", "PrintRequested", "ModificationConfirmed"]
    assert w.give(i.Outcome(ref, i.Done(i.Accepted("CAP1")))) == ()


def test_a_confirmation_of_a_capture_we_took_for_refused_has_its_receipt() -> None:
    w = World()
    w.finish()
    ref = charged(w)
    w.answer("Modify", i.Refused("rejected"))
    w.status(1, ConnectorStatus.AVAILABLE)
    facts = w.give(i.Confirmation(ref, "CAP2", "capture", True))
    assert names(facts) == ["ModificationSubmitted", "ReviewDecided", "ReceiptIssued", "PrintRequested", "ModificationConfirmed"]
    assert w.k.receipts == 2
    assert w.kinds() == ["PrintReceipt"]
    assert names(w.answer("PrintReceipt", i.Done(i.Printed("printed")))) == ["PrintEnded", "SessionClosed"]


def test_an_answer_after_the_key_ran_out_still_counts() -> None:
    w = World()
    ref = charged(w)
    w.wait(604_800)
    facts = w.give(i.Outcome(ref, i.Done(i.Accepted("CAP1"))))
    assert names(facts)[:4] == ["ModificationSubmitted", "ReviewDecided", "ReceiptIssued", "PrintRequested"]


def test_a_failure_days_later_is_for_a_person_and_takes_no_money_again() -> None:
    w = World()
    ref = charged(w)
    w.answer("Modify", i.Done(i.Accepted("CAP1")))
    w.give(i.Confirmation(ref, "CAP1", "capture", True))
    w.wait(3 * DAY)
    facts = w.give(i.Confirmation(ref, "CAP1", "capture", False, "insufficient balance"))
    assert names(facts) == ["ModificationFailed", "ReviewOpened"]
    assert w.reviews() == ["capture_failed"]
    assert w.kinds() == ["PrintReceipt"]


def test_nothing_turns_a_failure_back_into_a_success() -> None:
    w = World()
    ref = charged(w)
    w.answer("Modify", i.Done(i.Accepted("CAP1")))
    w.give(i.Confirmation(ref, "CAP1", "capture", False, "lost"))
    assert w.give(i.Confirmation(ref, "CAP1", "capture", True)) == ()
    assert w.give(i.Confirmation(ref, "CAP1", "capture", False, "lost")) == ()


def test_the_same_confirmation_twice_is_one() -> None:
    w = World()
    ref = charged(w)
    w.answer("Modify", i.Done(i.Accepted("CAP1")))
    w.give(i.Confirmation(ref, "CAP1", "capture", True))
    assert w.give(i.Confirmation(ref, "CAP1", "capture", True)) == ()


def test_a_confirmation_by_the_acquirers_own_reference_is_understood() -> None:
    w = World()
    ref = charged(w)
    w.answer("Modify", i.Done(i.Accepted("CAP1")))
    payment = w.session.payment.ref
    w.give(i.Confirmation(payment, "CAP1", "capture", True))
    assert w.session.modifications[ref].state is ModificationState.CONFIRMED


def test_a_technical_cancel_names_only_the_payment() -> None:
    w = World()
    w.accept()
    payment = w.request("Preauthorize").ref
    w.answer("Preauthorize", i.Unknown())
    w.wait(300)
    cancel = w.request("Modify").ref
    w.answer("Modify", i.Done(i.Accepted("X1")))
    assert names(w.give(i.Confirmation(payment, "TC99", "cancel", True))) == ["ModificationConfirmed"]
    assert w.session.modifications[cancel].state is ModificationState.CONFIRMED


def test_a_cancel_by_reference_that_found_nothing_to_cancel_worries_nobody() -> None:
    w = World()
    w.accept()
    w.answer("Preauthorize", i.Unknown())
    for _ in range(3):
        w.answer("Preauthorize", i.Unknown("not_found"))
    cancel = w.request("Modify").ref
    w.answer("Modify", i.Done(i.Accepted("X1")))
    assert names(w.give(i.Confirmation(cancel, "X1", "cancel", False, "transaction not found"))) == ["ModificationFailed"]
    assert w.reviews() == []


def test_a_cancel_that_failed_is_for_a_person() -> None:
    w = World()
    w.give(i.DriverCancelled(w.pay()))
    ref = w.request("Modify").ref
    w.answer("Modify", i.Done(i.Accepted("X1")))
    w.give(i.Confirmation(ref, "X1", "cancel", False, "too late"))
    assert w.reviews() == ["cancel_failed"]


@pytest.mark.parametrize("reference", ["", "K418-00000000000000000000000001-P1-C", "K417-2-00000000000000000000000001-P1", "4711"])
def test_a_confirmation_of_something_foreign_is_kept_for_a_person(reference: str) -> None:
    w = World()
    assert names(w.give(i.Confirmation(reference, "X", "capture", True))) == ["OrphanConfirmation"]


def test_a_confirmation_of_a_sale_long_forgotten_is_written_to_its_stream() -> None:
    w = World()
    w.finish()
    old = w.all_of(f.CaptureRequested)[0]
    for _ in range(9):
        w.finish()
    (fact,) = w.give(i.Confirmation(old.request, "CAP-0001", "capture", True))
    assert isinstance(fact, f.ModificationConfirmed)
    assert (fact.session, fact.request) == (old.session, old.request)


def test_a_hold_of_a_declined_card_that_turns_out_approved_is_released_beside_the_capture() -> None:
    w = World()
    session = w.accept()
    first = w.request("Preauthorize").ref
    w.answer("Preauthorize", i.Refused("refused"))
    w.give(i.AnotherCard(session))
    w.answer("Preauthorize", i.Done(approval(5_000, "PSP2")))
    w.give(i.Outcome(first, i.Done(approval(5_000, "PSP1"))))
    cancel = w.request("Modify")
    assert (cancel.body.operation, cancel.body.psp_reference) == ("cancel", "PSP1")
    assert w.session.payment.approval.psp_reference == "PSP2"


def test_a_charge_of_nothing_is_cancelled_not_captured() -> None:
    w = World()
    transaction = w.deliver()
    w.wait(60)
    w.end(transaction, 100)
    assert w.session.priced.charge == Money(0, "EUR")
    assert w.request("Modify").body.operation == "cancel"
