"""The acquirer took a capture and, days later, says that nothing came of it: while the reservation stands a person may have it taken again,
or let it go, whether the kiosk still holds the sale or not."""

from __future__ import annotations

import pytest
from world import World, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.corrections import refundable
from kiosk.session.decisions import objection
from kiosk.values import Money, RequestRef, SessionId

DAY = 86_400
EUR = Money(500, "EUR")


def failed(w: World, *, held: bool) -> tuple[SessionId, RequestRef]:
    """A sale of 5.00 that is over, and its capture, which failed after all."""
    if held:
        w.finish()
        session = w.session.id
    else:
        session = w.forget()
    capture = next(fact.request for fact in w.all_of(f.CaptureRequested) if fact.session == session)
    facts = w.give(i.Confirmation(capture, "CAP-0001", "capture", False, "insufficient balance"))
    assert names(facts) == ["ModificationFailed", "ReviewOpened"]
    return session, capture


def decided(session: SessionId, decision: str, code: str = "capture_failed") -> i.ReviewClosed:
    return i.ReviewClosed(session, code, decision, "Kim", "the card has money again")


@pytest.mark.parametrize("held", [True, False])
def test_it_is_taken_again_under_a_new_reference_and_key_and_has_no_second_receipt(held: bool) -> None:
    w = World()
    session, first = failed(w, held=held)
    receipts = w.k.receipts
    assert names(w.give(decided(session, "retry"))) == ["ReviewDecided", "CaptureRequested"]
    again = w.request("Modify")
    assert (again.ref, again.body.amount) == (f"{first}2", EUR)
    w.restart()
    assert w.request("Modify") == again
    facts = w.give(i.Outcome(again.ref, i.Done(i.Accepted("CAP-2"))))
    assert names(facts) == ["ModificationSubmitted", *(["SessionClosed"] if held else [])]
    assert (w.k.receipts, w.kinds()) == (receipts, [])
    assert names(w.give(i.Confirmation(again.ref, "CAP-2", "capture", True, "", EUR))) == ["ModificationConfirmed"]
    sale = w.recall(session)
    assert sale is not None
    assert refundable(w.k, sale) == EUR
    assert w.give(decided(session, "retry")) == (), "once"


@pytest.mark.parametrize("held", [True, False])
def test_the_confirmation_may_come_before_the_answer(held: bool) -> None:
    w = World()
    session, _ = failed(w, held=held)
    w.give(decided(session, "retry"))
    facts = w.give(i.Confirmation(w.request("Modify").ref, "CAP-2", "capture", True, "", EUR))
    assert names(facts)[:2] == ["ModificationSubmitted", "ModificationConfirmed"]
    assert "ReceiptIssued" not in names(facts)
    assert w.kinds() == []


@pytest.mark.parametrize("held", [True, False])
def test_what_is_still_reserved_is_let_go(held: bool) -> None:
    w = World()
    session, _ = failed(w, held=held)
    assert names(w.give(decided(session, "release"))) == ["ReviewDecided", "CancelRequested"]
    assert w.operations() == ["cancel"]
    w.give(i.Outcome(w.request("Modify").ref, i.Done(i.Accepted("X1"))))
    assert w.kinds() == []


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("decision", ["retry", "release"])
def test_nothing_can_be_taken_or_let_go_when_the_reservation_is_over(held: bool, decision: str) -> None:
    w = World()
    session, _ = failed(w, held=held)
    w.wait(8 * DAY)
    sale = w.recall(session)
    assert sale is not None
    assert objection(sale, decided(session, decision), w.now, held=False) == "hold_over"
    assert w.give(decided(session, decision)) == ()
    assert names(w.give(decided(session, "settled"))) == ["ReviewDecided"]


@pytest.mark.parametrize("held", [True, False])
def test_a_second_no_is_for_a_person_again(held: bool) -> None:
    w = World()
    session, first = failed(w, held=held)
    w.give(decided(session, "retry"))
    w.give(i.Outcome(w.request("Modify").ref, i.Refused("rejected", "not now")))
    assert w.all_of(f.ReviewOpened)[-1].code == "capture_refused"
    assert names(w.give(decided(session, "retry", "capture_refused"))) == ["ReviewDecided", "CaptureRequested"]
    assert w.request("Modify").ref == f"{first}3"
    w.give(i.Outcome(w.request("Modify").ref, i.Done(i.Accepted("CAP-3"))))
    facts = w.give(i.Confirmation(RequestRef(f"{first}3"), "CAP-3", "capture", False, "closed account"))
    assert names(facts) == ["ModificationFailed", "ReviewOpened"]


def test_of_two_refused_captures_one_that_was_taken_after_all_is_enough() -> None:
    w = World()
    transaction = w.deliver()
    w.skip(1_800)
    w.end(transaction, 110)
    w.status(1, i.ConnectorStatus.AVAILABLE)
    first, session = w.request("Modify").ref, w.session.id
    w.answer("Modify", i.Refused("rejected"))
    w.give(decided(session, "retry", "capture_refused"))
    w.answer("Modify", i.Refused("rejected"))
    w.give(i.Outcome(first, i.Done(i.Accepted("CAP-1"))))
    assert not w.session.reviewed("capture_refused")
    for decision in ("retry", "release"):
        assert w.give(decided(session, decision, "capture_refused")) == ()


def test_nobody_answers_a_capture_of_long_ago_until_its_reservation_falls() -> None:
    w = World()
    session, _ = failed(w, held=False)
    w.give(decided(session, "retry"))
    assert names(w.wait(DAY // 2 + 1)) == ["AlarmRaised", "ReviewOpened"]
    assert names(w.wait(8 * DAY)) == ["ModificationRefused", "ReviewDecided", "ReviewOpened"]
    assert (w.kinds(), w.k.loose) == ([], {})
