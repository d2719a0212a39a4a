"""Sales the kiosk no longer holds: what is said about them is decided on what the journal says, and kept until it is done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import World, approval, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.corrections import refundable
from kiosk.session.evolve import fold
from kiosk.session.recall import Recalled, wanted
from kiosk.session.requests import PrintReceipt
from kiosk.session.state import ModificationState
from kiosk.values import Money, SessionId

DAY = 86_400


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def order(session: SessionId, minor: int | None = None, command: str = "one") -> i.RefundAsked:
    return i.RefundAsked(session, eur(minor) if minor else None, "Kim", "price", command)


def capture_of(w: World, session: SessionId) -> f.CaptureRequested:
    return next(x for x in w.all_of(f.CaptureRequested) if x.session == session)


def loose(w: World) -> list[tuple[str, str]]:
    return [(m.operation, m.state.value) for m in w.k.loose.values()]


def test_only_what_is_about_a_sale_that_is_gone_is_recalled() -> None:
    w = World()
    session = w.forget()
    held = w.session.id
    assert wanted(w.k, order(session)) == session
    assert wanted(w.k, order(held)) is None
    assert wanted(w.k, i.ReprintAsked(session)) == session
    assert wanted(w.k, i.ReviewClosed(session, "capture_failed", "settled", "Kim", "x")) == session
    assert wanted(w.k, i.Confirmation(f"{session}-P1-C", "X", "capture", True)) == session
    assert wanted(w.k, i.Confirmation(f"{session}-P1", "X", "authorisation", True)) == session
    assert wanted(w.k, i.Confirmation("K9-foreign", "X", "capture", True)) is None
    assert wanted(w.k, i.TimePassed()) is None


def test_a_recalled_sale_is_what_it_was() -> None:
    w = World()
    session = w.forget()
    sale = w.recall(session)
    assert sale is not None
    assert (sale.receipt, sale.priced.charge, sale.capture.state) == (1, eur(500), ModificationState.SUBMITTED)


# --- refunds ------------------------------------------------------------------------------------------------------------------------


def test_a_sale_of_long_ago_is_refunded_and_the_kiosk_holds_it_no_more_than_before() -> None:
    w = World()
    session = w.forget()
    assert names(w.give(order(session))) == ["RefundRequested"]
    assert w.k.find(session) is None
    request = w.request("Modify")
    w.restart()
    assert w.request("Modify") == request
    assert names(w.answer("Modify", i.Done(i.Accepted("R1")))) == ["ModificationSubmitted", "CreditNoteIssued"]
    w.restart()
    assert loose(w) == [("refund", "submitted")]
    assert names(w.give(i.Confirmation(request.ref, "R1", "refund", True, "", eur(500)))) == ["ModificationConfirmed"]
    assert loose(w) == []
    w.restart()
    assert w.give(i.Confirmation(request.ref, "R1", "refund", True, "", eur(500))) == ()
    assert w.k.credit_notes == 1


def test_the_same_order_about_a_sale_of_long_ago_is_one_refund() -> None:
    w = World()
    session = w.forget()
    w.give(order(session, 100))
    assert w.give(order(session, 100)) == ()
    w.answer("Modify", i.Done(i.Accepted("R1")))
    assert w.give(order(session, 100)) == ()
    w.give(i.Confirmation(w.all_of(f.RefundRequested)[0].request, "R1", "refund", True, "", eur(100)))
    assert w.give(order(session, 100)) == ()


def test_partial_refunds_of_a_sale_of_long_ago_never_come_to_more_than_was_taken() -> None:
    w = World()
    session = w.forget()
    w.give(order(session, 300, "one"))
    assert w.give(order(session, 300, "two")) == ()
    w.give(order(session, None, "three"))
    assert [x.amount for x in w.all_of(f.RefundRequested)] == [eur(300), eur(200)]
    assert w.give(order(session, None, "four")) == ()
    sale = w.recall(session)
    assert sale is not None
    assert refundable(w.k, sale) == eur(0)


def test_a_refund_asked_while_the_sale_was_held_is_answered_after_it_was_forgotten() -> None:
    w = World()
    w.finish()
    session = w.session.id
    w.give(order(session))
    refund = w.request("Modify").ref
    for _ in range(9):
        transaction = w.deliver()
        w.wait(1_800)
        w.end(transaction, 110)
        capture = next(r.ref for r in w.open() if r.kind == "Modify" and r.ref != refund)
        w.give(i.Outcome(capture, i.Done(i.Accepted(f"CAP-{capture[-8:]}"))))
        w.answer("PrintReceipt", i.Done(i.Printed("printed")))
        w.status(1, i.ConnectorStatus.AVAILABLE)
    assert w.k.find(session) is None
    w.restart()
    assert w.give(order(session)) == ()
    assert names(w.give(i.Outcome(refund, i.Done(i.Accepted("R1"))))) == ["ModificationSubmitted", "CreditNoteIssued"]
    assert w.give(i.Outcome(refund, i.Done(i.Accepted("R1")))) == ()


def test_a_refund_of_long_ago_that_is_refused_is_for_a_person_and_may_be_ordered_anew() -> None:
    w = World()
    session = w.forget()
    w.give(order(session))
    assert names(w.answer("Modify", i.Refused("rejected"))) == ["ModificationRefused", "ReviewOpened"]
    assert loose(w) == []
    assert names(w.give(order(session, None, "again"))) == ["RefundRequested"]


def test_a_refund_of_long_ago_refused_and_then_confirmed_has_its_credit_note() -> None:
    w = World()
    session = w.forget()
    w.give(order(session))
    ref = w.request("Modify").ref
    w.answer("Modify", i.Refused("rejected"))
    facts = w.give(i.Confirmation(ref, "R1", "refund", True, "", eur(500)))
    assert names(facts) == ["ModificationSubmitted", "ReviewDecided", "CreditNoteIssued", "ModificationConfirmed"]
    assert w.give(order(session, None, "again")) == ()


def test_a_refund_of_long_ago_nobody_answers_alarms_and_stops() -> None:
    w = World()
    w.give(order(w.forget()))
    assert names(w.wait(DAY // 2)) == ["AlarmRaised", "ReviewOpened"]
    assert names(w.wait(604_800)) == ["ModificationRefused", "ReviewDecided", "ReviewOpened"]
    assert w.kinds() == []
    assert w.wait(604_800) == ()


def test_a_refund_made_elsewhere_of_a_sale_of_long_ago_counts_once() -> None:
    w = World()
    session = w.forget()
    elsewhere = i.Confirmation(f"{session}-P1", "CA1", "refund", True, "", eur(200))
    assert names(w.give(elsewhere)) == ["RefundReported", "CreditNoteIssued"]
    assert w.give(elsewhere) == ()
    w.restart()
    assert w.give(elsewhere) == ()
    w.give(order(session))
    assert w.request("Modify").body.amount == eur(300)


# --- confirmations ------------------------------------------------------------------------------------------------------------------


def test_a_capture_of_long_ago_is_confirmed_once() -> None:
    w = World()
    session = w.forget()
    confirmation = i.Confirmation(capture_of(w, session).request, "CAP-0001", "capture", True, "", eur(500))
    assert names(w.give(confirmation)) == ["ModificationConfirmed"]
    assert w.give(confirmation) == ()
    w.restart()
    assert w.give(confirmation) == ()


def test_a_capture_of_long_ago_of_another_amount_is_for_a_person() -> None:
    w = World()
    session = w.forget()
    facts = w.give(i.Confirmation(capture_of(w, session).request, "CAP-0001", "capture", True, "", eur(499)))
    assert names(facts) == ["ModificationConfirmed", "ReviewOpened"]


def test_a_capture_of_long_ago_that_fails_is_for_a_person_once() -> None:
    w = World()
    session = w.forget()
    failure = i.Confirmation(capture_of(w, session).request, "CAP-0001", "capture", False, "insufficient balance")
    assert names(w.give(failure)) == ["ModificationFailed", "ReviewOpened"]
    assert w.give(failure) == ()
    assert names(w.give(i.ReviewClosed(session, "capture_failed", "settled", "Kim", "dunned"))) == ["ReviewDecided"]
    assert w.give(i.ReviewClosed(session, "capture_failed", "settled", "Kim", "dunned")) == ()
    assert w.give(order(session)) == (), "nothing was taken"


@pytest.mark.parametrize("operation", ["capture", "cancel", "adjust"])
def test_something_nobody_asked_for_about_a_known_sale_is_kept_for_a_person(operation: str) -> None:
    w = World()
    session = w.forget()
    assert names(w.give(i.Confirmation(f"{session}-P9", "X", operation, True))) == ["OrphanConfirmation"]


def test_a_refused_capture_of_long_ago_that_was_taken_after_all_has_its_receipt() -> None:
    w = World()
    transaction = w.deliver()
    w.skip(1_800)
    w.end(transaction, 110)
    ref = w.request("Modify").ref
    w.answer("Modify", i.Refused("rejected"))
    w.status(1, i.ConnectorStatus.AVAILABLE)
    session = w.session.id
    w.give(i.ReviewClosed(session, "capture_refused", "settled", "Kim", "invoice"))
    for _ in range(9):
        w.finish()
    assert w.k.find(session) is None
    facts = w.give(i.Confirmation(ref, "CAP1", "capture", True, "", eur(500)))
    assert names(facts) == ["ModificationSubmitted", "ReceiptIssued", "ModificationConfirmed"]
    assert w.k.receipts == 10
    w.restart()
    w.finish()
    assert w.k.receipts == 11


# --- approvals ----------------------------------------------------------------------------------------------------------------------


def forgotten_payment(w: World) -> str:
    """A payment given up, its sale closed and no longer held."""
    w.accept()
    ref = w.request("Preauthorize").ref
    w.answer("Preauthorize", i.Unknown())
    w.wait(300)
    w.answer("Modify", i.Done(i.Accepted("X1")))
    for _ in range(9):
        w.finish()
    return ref


def test_an_approval_of_long_ago_is_released_by_itself_and_once() -> None:
    w = World()
    ref = forgotten_payment(w)
    assert names(w.give(i.Outcome(ref, i.Done(approval(psp="PSPX"))))) == ["OrphanApproval", "CancelRequested"]
    assert names(w.give(i.Outcome(ref, i.Done(approval(psp="PSPX"))))) == ["OrphanApproval"]
    assert loose(w) == [("cancel", "requested")]
    request = w.request("Modify")
    assert (request.body.operation, request.body.psp_reference, request.body.payment) == ("cancel", "PSPX", ref)
    w.restart()
    assert w.request("Modify") == request
    assert names(w.answer("Modify", i.Done(i.Accepted("X9")))) == ["ModificationSubmitted"]
    assert names(w.give(i.Confirmation(request.ref, "X9", "cancel", True))) == ["ModificationConfirmed"]
    assert loose(w) == []


def test_a_release_of_long_ago_that_is_refused_is_for_a_person() -> None:
    w = World()
    w.give(i.Outcome(forgotten_payment(w), i.Done(approval(psp="PSPX"))))
    assert names(w.answer("Modify", i.Refused("rejected"))) == ["ModificationRefused", "ReviewOpened"]
    assert w.kinds() == []


def test_a_release_of_long_ago_nobody_answers_alarms_and_stops() -> None:
    w = World()
    w.give(i.Outcome(forgotten_payment(w), i.Done(approval(psp="PSPX"))))
    assert names(w.wait(DAY // 2)) == ["AlarmRaised", "ReviewOpened"]
    assert names(w.wait(604_800)) == ["ModificationRefused", "ReviewDecided", "ReviewOpened"]
    assert w.wait(604_800) == ()


# --- paper --------------------------------------------------------------------------------------------------------------------------


def test_paper_of_long_ago_is_a_copy_of_what_came_out_and_printed_once() -> None:
    w = World()
    session = w.forget()
    assert names(w.give(i.ReprintAsked(session))) == ["PrintRequested"]
    assert w.give(i.ReprintAsked(session)) == (), "one at a time"
    assert w.request("PrintReceipt").body == PrintReceipt(session, 1, 1)
    assert names(w.answer("PrintReceipt", i.Done(i.Printed("printed")))) == ["PrintEnded"]
    assert w.k.reprints == {}
    w.give(i.ReprintAsked(session))
    assert w.request("PrintReceipt").body == PrintReceipt(session, 1, 2)


@pytest.mark.parametrize(
    ("answer", "copy"),
    [(i.NotSent("no paper"), 0), (i.Refused("jam"), 0), (i.Unknown(), 1), (i.Done(i.Printed("interrupted")), 1)],
)
def test_paper_of_long_ago_is_the_original_if_none_came_out(answer: i.Result, copy: int) -> None:
    w = World()
    transaction = w.deliver()
    w.wait(1_800)
    w.end(transaction, 110)
    w.answer("Modify", i.Done(i.Accepted("CAP1")))
    w.answer("PrintReceipt", answer)
    w.status(1, i.ConnectorStatus.AVAILABLE)
    session = w.session.id
    for _ in range(9):
        w.finish()
    assert w.k.find(session) is None
    w.give(i.ReprintAsked(session))
    assert w.request("PrintReceipt").body == PrintReceipt(session, 1, copy)


@pytest.mark.parametrize("answer", [i.NotSent("no paper"), i.Refused("jam"), i.Unknown()])
def test_paper_of_long_ago_that_did_not_come_is_not_printed_by_itself(answer: i.Result) -> None:
    w = World()
    session = w.forget()
    w.give(i.ReprintAsked(session))
    assert names(w.answer("PrintReceipt", answer)) == ["PrintEnded"]
    assert w.kinds() == []
    assert names(w.give(i.ReprintAsked(session))) == ["PrintRequested"]


def test_paper_of_long_ago_is_not_printed_twice_by_a_restart() -> None:
    w = World()
    session = w.forget()
    w.give(i.ReprintAsked(session))
    w.restart()
    assert w.kinds() == []
    assert w.all_of(f.PrintEnded)[-1].result == "unconfirmed"


def test_of_a_sale_without_a_receipt_there_is_no_paper() -> None:
    w = World()
    w.give(i.DriverCancelled(w.pay()))
    w.answer("Modify", i.Done(i.Accepted("X1")))
    session = w.session.id
    for _ in range(9):
        w.finish()
    assert w.give(i.ReprintAsked(session)) == ()
    assert w.give(order(session)) == ()


def test_the_acquirers_list_of_what_it_has_is_not_kept_for_ever() -> None:
    w = World()
    session = w.forget()
    w.give(order(session, 1))
    asked = w.all_of(f.RefundRequested)[0]
    more = [replace(asked, request=f"{session}-P1-F{number:012}") for number in range(300)]
    taken = [f.ModificationSubmitted(w.now, session, x.request, "R") for x in more]
    k = fold(w.k, (*more, *taken))
    assert len(k.loose) == 256
    assert asked.request in k.loose, "what the acquirer has not is never let go"


def test_an_approval_that_reaches_its_issuer_when_the_sale_is_long_gone_goes_back() -> None:
    w = World()
    w.accept()
    session, payment = w.session.id, w.request("Preauthorize").ref
    for _ in range(3):
        w.answer("Preauthorize", i.Unknown("not_found"))
    w.answer("Modify", i.Done(i.Accepted("XR")))
    w.wait(90)
    w.forget()
    assert w.k.find(session) is None
    told = i.Confirmation(payment, "PSP1", "authorisation", True, "", eur(5_000))
    assert names(w.give(Recalled(w.recall(session), told))) == ["OrphanApproval", "CancelRequested"]
    assert names(w.give(Recalled(w.recall(session), told))) == ["OrphanApproval"]  # it goes back once


def test_the_issuers_word_on_a_sale_that_was_paid_long_ago_is_no_news() -> None:
    w = World()
    session = w.forget()
    told = i.Confirmation(f"{session}-P1", "PSP1", "authorisation", True, "", eur(5_000))
    assert w.give(Recalled(w.recall(session), told)) == ()
