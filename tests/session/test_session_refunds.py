"""Money goes back: never more than was taken, never twice for one order, and each time with a credit note of its own."""

from __future__ import annotations

import pytest
from world import World, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.corrections import objection, refundable
from kiosk.session.state import ModificationState
from kiosk.values import Money, SessionId

DAY = 86_400


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def order(session: SessionId, minor: int | None = None, command: str = "one", reason: str = "price", by: str = "Kim") -> i.RefundAsked:
    return i.RefundAsked(session, eur(minor) if minor is not None else None, by, reason, command)


def sold(w: World) -> SessionId:
    """A sale of 5 EUR, captured and closed."""
    w.finish()
    return w.session.id


def credit_notes(w: World) -> list[int]:
    return [x.number for x in w.all_of(f.CreditNoteIssued)]


def test_a_refund_is_asked_for_and_gets_its_credit_note_with_the_acquirers_first_word() -> None:
    w = World()
    session = sold(w)
    assert names(w.give(order(session))) == ["RefundRequested"]
    request = w.request("Modify")
    assert (request.body.operation, request.body.amount, request.body.psp_reference) == ("refund", eur(500), "PSP0001")
    assert names(w.answer("Modify", i.Done(i.Accepted("R1")))) == ["ModificationSubmitted", "CreditNoteIssued"]
    assert names(w.give(i.Confirmation(request.ref, "R1", "refund", True, "", eur(500)))) == ["ModificationConfirmed"]
    assert (credit_notes(w), w.k.loose) == ([1], {})


def test_the_same_order_twice_is_one_refund() -> None:
    w = World()
    session = sold(w)
    w.give(order(session, 100))
    assert w.give(order(session, 100)) == ()
    w.answer("Modify", i.Done(i.Accepted("R1")))
    assert w.give(order(session, 100)) == ()
    w.restart()
    assert w.give(order(session, 100)) == ()
    assert len(w.all_of(f.RefundRequested)) == 1


def test_two_refunds_in_flight_never_come_to_more_than_was_taken() -> None:
    w = World()
    session = sold(w)
    w.give(order(session, 300, "one"))
    assert w.give(order(session, 201, "two")) == ()
    assert names(w.give(order(session, None, "three"))) == ["RefundRequested"]
    assert [x.amount for x in w.all_of(f.RefundRequested)] == [eur(300), eur(200)]
    assert w.give(order(session, None, "four")) == ()
    for request in w.open():
        w.give(i.Outcome(request.ref, i.Done(i.Accepted(f"R-{request.ref[-4:]}"))))
    assert credit_notes(w) == [1, 2]


@pytest.mark.parametrize("word", ["refused", "failed"])
def test_a_refund_that_did_not_happen_can_be_made_by_another_order(word: str) -> None:
    w = World()
    session = sold(w)
    w.give(order(session))
    ref = w.request("Modify").ref
    if word == "refused":
        assert names(w.answer("Modify", i.Refused("rejected"))) == ["ModificationRefused", "ReviewOpened"]
    else:
        w.answer("Modify", i.Done(i.Accepted("R1")))
        assert names(w.give(i.Confirmation(ref, "R1", "refund", False, "closed account"))) == ["ModificationFailed", "ReviewOpened"]
    assert w.reviews() == [f"refund_{word}"]
    assert w.give(order(session)) == (), "the same order is over"
    assert names(w.give(order(session, None, "again"))) == ["RefundRequested"]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (order(SessionId("x"), 0), "more_than_captured"),
        (order(SessionId("x"), -1), "more_than_captured"),
        (order(SessionId("x"), 501), "more_than_captured"),
        (order(SessionId("x"), 500, by=" "), "no_name_or_reason"),
        (order(SessionId("x"), 500, reason="because"), "no_name_or_reason"),
        (i.RefundAsked(SessionId("x"), Money(100, "CHF"), "Kim", "price", "one"), "more_than_captured"),
        (order(SessionId("x"), 500), ""),
    ],
)
def test_an_order_that_cannot_be_made_says_why(given: i.RefundAsked, why: str) -> None:
    w = World()
    sold(w)
    assert objection(w.k, w.session, given) == why


def test_nothing_is_paid_back_of_a_capture_the_acquirer_has_not_received() -> None:
    w = World()
    transaction = w.deliver()
    w.wait(1_800)
    w.end(transaction, 110)
    assert objection(w.k, w.session, order(w.session.id)) == "nothing_to_refund"
    assert w.give(order(w.session.id)) == ()
    w.answer("Modify", i.Done(i.Accepted("CAP1")))
    assert names(w.give(order(w.session.id))) == ["RefundRequested"], "submitted is enough: for the driver it is done"


def test_nothing_is_paid_back_of_a_sale_that_took_nothing() -> None:
    w = World()
    w.give(i.DriverCancelled(w.pay()))
    w.answer("Modify", i.Done(i.Accepted("X1")))
    assert w.give(order(w.session.id)) == ()
    assert w.give(order(SessionId("K417-nobody"))) == ()


def test_nothing_is_paid_back_of_a_capture_that_failed() -> None:
    w = World()
    session = sold(w)
    w.give(i.Confirmation(w.all_of(f.CaptureRequested)[0].request, "CAP-0001", "capture", False, "no"))
    assert w.give(order(session)) == ()


def test_a_refund_refused_and_then_confirmed_has_its_credit_note() -> None:
    w = World()
    session = sold(w)
    w.give(order(session))
    ref = w.request("Modify").ref
    w.answer("Modify", i.Refused("rejected"))
    facts = w.give(i.Confirmation(ref, "R1", "refund", True, "", eur(500)))
    assert names(facts) == ["ModificationSubmitted", "ReviewDecided", "CreditNoteIssued", "ModificationConfirmed"]
    assert refundable(w.k, w.session) == eur(0)


def test_an_amount_other_than_asked_is_for_a_person() -> None:
    w = World()
    session = sold(w)
    w.give(order(session, 100))
    ref = w.request("Modify").ref
    w.give(i.Confirmation(ref, "R1", "refund", True, "", eur(400)))
    assert w.reviews() == ["amount_differs"]


def test_a_refund_made_in_the_acquirers_pages_counts_and_has_its_credit_note() -> None:
    w = World()
    session = sold(w)
    payment = w.session.payment.ref
    elsewhere = i.Confirmation(payment, "CA1", "refund", True, "", eur(200))
    assert names(w.give(elsewhere)) == ["RefundReported", "CreditNoteIssued"]
    assert w.give(elsewhere) == ()
    assert refundable(w.k, w.session) == eur(300)
    w.give(order(session))
    assert w.request("Modify").body.amount == eur(300)


def test_a_refund_made_in_the_acquirers_pages_is_not_taken_for_one_of_ours() -> None:
    w = World()
    session = sold(w)
    w.give(order(session, 100))
    w.answer("Modify", i.Done(i.Accepted("R1")))
    facts = w.give(i.Confirmation(w.session.payment.ref, "CA1", "refund", True, "", eur(200)))
    assert names(facts) == ["RefundReported", "CreditNoteIssued"]
    assert refundable(w.k, w.session) == eur(200)
    assert [m.state for m in w.k.loose.values()] == [ModificationState.SUBMITTED]


def test_more_paid_back_elsewhere_than_was_taken_leaves_nothing_to_refund() -> None:
    w = World()
    session = sold(w)
    w.give(i.Confirmation(w.session.payment.ref, "CA1", "refund", True, "", eur(900)))
    assert refundable(w.k, w.session) == eur(0)
    assert w.give(order(session)) == ()


def test_a_refund_elsewhere_in_another_currency_is_kept_for_a_person() -> None:
    w = World()
    session = sold(w)
    facts = w.give(i.Confirmation(w.session.payment.ref, "CA1", "refund", True, "", Money(200, "CHF")))
    assert names(facts) == ["OrphanConfirmation"]
    w.give(order(session))
    assert w.request("Modify").body.amount == eur(500)


def test_a_refund_elsewhere_that_fails_later_can_be_made_again() -> None:
    w = World()
    sold(w)
    payment = w.session.payment.ref
    w.give(i.Confirmation(payment, "CA1", "refund", True, "", eur(500)))
    assert refundable(w.k, w.session) == eur(0)
    assert names(w.give(i.Confirmation(payment, "CA1", "refund", False, "reversed"))) == ["ModificationFailed", "ReviewOpened"]
    assert refundable(w.k, w.session) == eur(500)


def test_a_refund_nobody_answers_alarms_and_then_stops_while_the_key_is_safe() -> None:
    w = World()
    session = sold(w)
    w.give(order(session))
    assert names(w.wait(DAY // 2)) == ["AlarmRaised", "ReviewOpened"]
    assert w.wait(DAY) == ()
    assert names(w.wait(604_800)) == ["ModificationRefused", "ReviewDecided", "ReviewOpened"]
    assert w.reviews() == ["money_late", "refund_refused"]
    assert (w.kinds(), w.k.loose) == ([], {})


def test_restarts_at_every_step_ask_with_the_same_key() -> None:
    w = World()
    session = sold(w)
    w.give(order(session))
    request = w.request("Modify")
    w.restart()
    assert w.request("Modify") == request
    w.answer("Modify", i.Unknown())
    w.reboot(seconds_down=60)
    assert w.request("Modify") == request
    w.answer("Modify", i.Done(i.Accepted("R1")))
    w.restart()
    assert w.give(i.Outcome(request.ref, i.Done(i.Accepted("R1")))) == ()
    assert w.kinds() == []
    w.give(i.Confirmation(request.ref, "R1", "refund", True, "", eur(500)))
    w.restart()
    assert w.give(i.Confirmation(request.ref, "R1", "refund", True, "", eur(500))) == ()
    assert credit_notes(w) == [1]


def test_a_refund_outlives_a_new_name_of_the_kiosk() -> None:
    w = World()
    session = sold(w)
    w.give(order(session))
    w.reconfigure(type(w.k.setup)("K999", "EUR", w.k.setup.connectors, w.k.setup.policy))
    assert names(w.wait(DAY // 2)) == ["AlarmRaised", "ReviewOpened"]
    assert names(w.answer("Modify", i.Done(i.Accepted("R1")))) == ["ModificationSubmitted", "ReviewDecided", "CreditNoteIssued"]
    assert w.all_of(f.CreditNoteIssued)[0].session == session
