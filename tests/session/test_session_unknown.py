"""Unknown: the terminal may have reserved money and does not say. It is asked, never guessed and never asked again for a card."""

from __future__ import annotations

import pytest
from world import A, B, World, approval, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.requests import Recovery, open_requests
from kiosk.session.sellable import sellable
from kiosk.session.state import ModificationState, PaymentState, Stage
from kiosk.values import PaymentRef, RequestRef

NOT_FOUND = i.Unknown("not_found")


def lost(w: World) -> None:
    """A card was asked for and the answer was lost."""
    w.accept()
    w.answer("Preauthorize", i.Unknown(detail="connection reset"))


def test_a_lost_answer_is_queried_not_repeated() -> None:
    w = World()
    lost(w)
    request = w.request("Preauthorize")
    assert request.recovery is Recovery.QUERY
    assert request.ref == w.all_of(f.PreauthorizationRequested)[0].payment
    assert len(w.all_of(f.PreauthorizationRequested)) == 1


def test_a_late_yes_goes_on_with_the_sale() -> None:
    w = World()
    lost(w)
    assert names(w.answer("Preauthorize", i.Done(approval()))) == ["PaymentAuthorized", "StopCodeIssued", "PlugAwaited"]


@pytest.mark.parametrize("lose", [True, False])
def test_the_card_of_the_next_driver_never_pays_for_the_sale_before(lose: bool) -> None:
    w = World()
    first = w.accept(A)
    if lose:
        w.answer("Preauthorize", i.Unknown(detail="connection reset"))
    w.accept(B)
    before = w.k.sessions[first]
    assert before.stage is Stage.GIVEN_UP
    assert [a.payment for a in before.aborts] == [PaymentRef(f"{first}-P1")]
    w.give(i.Outcome(RequestRef(f"{first}-P1"), i.Done(approval())))
    assert w.k.sessions[first].payment is None
    assert [r.body.operation for r in open_requests(w.k) if r.kind == "Modify"] == ["cancel"]


def test_a_late_no_is_a_declined_card() -> None:
    w = World()
    lost(w)
    assert names(w.answer("Preauthorize", i.Refused("refused"))) == ["PaymentDeclined"]


def test_still_in_progress_is_asked_again_and_noted_once() -> None:
    w = World()
    lost(w)
    assert w.answer("Preauthorize", i.Unknown("in_progress")) == ()
    assert w.kinds() == ["Preauthorize"]


def test_never_heard_of_it_three_times_is_a_card_never_asked_for_and_a_cancel_by_our_reference() -> None:
    w = World()
    lost(w)
    assert names(w.answer("Preauthorize", NOT_FOUND)) == ["PaymentUnknown"]
    assert names(w.answer("Preauthorize", NOT_FOUND)) == ["PaymentUnknown"]
    assert names(w.answer("Preauthorize", NOT_FOUND)) == ["PaymentUnknown", "PaymentGivenUp", "CancelRequested"]
    body = w.request("Modify").body
    assert (body.operation, body.psp_reference, body.payment) == ("cancel_by_reference", "", w.session.last_payment.ref)


def test_not_found_must_come_three_times_in_a_row() -> None:
    w = World()
    lost(w)
    for _ in range(2):
        w.answer("Preauthorize", NOT_FOUND)
    w.answer("Preauthorize", i.Unknown("in_progress"))
    for _ in range(2):
        w.answer("Preauthorize", NOT_FOUND)
    assert w.session.last_payment.state is PaymentState.UNKNOWN


def test_after_not_found_another_card_waits_for_the_acquirer_to_hear_of_the_cancel() -> None:
    w = World()
    lost(w)
    for _ in range(3):
        w.answer("Preauthorize", NOT_FOUND)
    assert w.give(i.AnotherCard(w.session.id)) == ()
    w.answer("Modify", i.Done(i.Accepted("X1")))
    assert names(w.give(i.AnotherCard(w.session.id))) == ["PreauthorizationRequested"]


def test_a_terminal_that_never_heard_of_it_is_the_fault_the_driver_reads() -> None:
    w = World()
    lost(w)
    for _ in range(3):
        w.answer("Preauthorize", NOT_FOUND)
    w.wait(90)
    assert w.session.given_up == "terminal_silent"


def test_five_minutes_without_an_answer_free_the_connector_and_tell_the_operator() -> None:
    w = World()
    lost(w)
    w.wait(299)
    assert not sellable(w.k, A)
    facts = w.wait(1)
    assert names(facts) == ["PaymentGivenUp", "ReviewOpened", "SessionGivenUp", "CancelRequested"]
    assert sellable(w.k, A)
    assert w.reviews() == ["money_unknown"]
    assert w.request("Modify").body.operation == "cancel_by_reference"


def test_the_operator_has_until_the_cancel_no_longer_works() -> None:
    w = World()
    lost(w)
    w.wait(300)
    review = w.session.reviews[0]
    assert review.deadline == w.now.plus(86_400)
    cancel = w.all_of(f.CancelRequested)[0]
    assert cancel.resend_until == w.now.plus(86_400)
    assert cancel.alarm_at.utc_ms < cancel.resend_until.utc_ms


def test_a_yes_after_the_sale_was_given_up_is_released() -> None:
    w = World()
    lost(w)
    payment = w.request("Preauthorize").ref
    w.wait(300)
    facts = w.give(i.Outcome(payment, i.Done(approval())))
    assert names(facts) == ["PaymentAuthorized", "CancelRequested"]
    assert w.all_of(f.PaymentAuthorized)[0].wanted is False
    assert sorted(r.body.operation for r in w.open()) == ["cancel", "cancel_by_reference"]


def test_a_yes_after_the_sale_closed_opens_it_again_until_the_money_is_released() -> None:
    w = World()
    lost(w)
    payment = w.request("Preauthorize").ref
    w.wait(300)
    w.answer("Modify", i.Done(i.Accepted("X1")))
    assert w.session.closed_at is not None
    w.give(i.Outcome(payment, i.Done(approval())))
    assert w.session.closed_at is None
    assert sellable(w.k, A)
    assert names(w.answer("Modify", i.Done(i.Accepted("X2")))) == ["ModificationSubmitted", "SessionClosed"]
    assert w.k.sessions == {}


@pytest.mark.parametrize("booked", [False, True])
def test_a_refused_release_is_tried_anew_unless_the_cancel_by_our_reference_is_known_to_be_done(booked: bool) -> None:
    """The acquirer takes a cancel by our reference whether there is anything to cancel or not."""
    w = World()
    lost(w)
    payment = w.request("Preauthorize").ref
    w.wait(300)
    by_reference = w.request("Modify").ref
    w.answer("Modify", i.Done(i.Accepted("X1")))
    w.give(i.Outcome(payment, i.Done(approval())))
    w.answer("Modify", i.Refused("refused", "not now"))
    if booked:
        w.give(i.Confirmation(by_reference, "X1", "cancel", True, ""))
    facts = w.give(i.ReviewClosed(w.session.id, "cancel_refused", "retry", "Kim", "once more"))
    assert ("CancelRequested" in names(facts)) is not booked


def test_a_yes_nobody_remembers_asking_for_is_released() -> None:
    w = World()
    facts = w.give(i.Outcome("K417-00000000000000000000000999-P1", i.Done(approval())))
    assert names(facts) == ["OrphanApproval", "CancelRequested"]
    assert (w.request("Modify").body.operation, w.request("Modify").body.psp_reference) == ("cancel", "PSP1")


@pytest.mark.parametrize("reference", ["K417-00000000000000000000000999-X", "K418-00000000000000000000000999-P1", "4711"])
def test_a_yes_that_is_no_payment_of_ours_is_kept_for_a_person(reference: str) -> None:
    w = World()
    assert names(w.give(i.Outcome(reference, i.Done(approval())))) == ["OrphanApproval"]


def test_a_yes_under_a_reference_its_sale_never_used_is_kept_for_a_person() -> None:
    w = World()
    session = w.accept()
    assert names(w.give(i.Outcome(f"{session}-P9", i.Done(approval())))) == ["OrphanApproval"]


def test_a_second_yes_to_the_same_question_changes_nothing() -> None:
    w = World()
    w.pay()
    payment = w.session.payment.ref
    assert w.give(i.Outcome(payment, i.Done(approval()))) == ()
    assert w.give(i.Outcome(payment, i.Refused("refused"))) == ()


def test_the_sale_given_up_for_a_silent_terminal_can_be_followed_by_a_new_one() -> None:
    w = World()
    lost(w)
    w.wait(300)
    w.pay()
    assert w.session.stage is Stage.WAITING_FOR_PLUG
    assert [m.state for s in w.k.sessions.values() for m in s.modifications.values()] == [ModificationState.REQUESTED]
