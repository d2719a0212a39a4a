"""What a person must decide: the sale waits for them, not for ever; who decided what and why is written down, and what follows is asked
for by itself."""

from __future__ import annotations

import pytest
from world import World, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.deadlines import next_deadline
from kiosk.session.decisions import objection
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.state import ModificationState, Stage
from kiosk.values import Money

DAY = 86_400
NOTHING = Money(0, "EUR")


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def closed(w: World, code: str, decision: str, mwh: int | None = None, by: str = "Kim", reason: str = "seen the meter") -> i.ReviewClosed:
    return i.ReviewClosed(w.session.id, code, decision, by, reason, mwh)


def unproven(w: World) -> None:
    """10 kWh were read, then the register leapt beyond what the plug can give; the car is gone."""
    transaction = w.deliver()
    w.skip(1_800)
    w.meter(110)
    w.skip(60)
    w.end(transaction, 54_000)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.reviews() == ["meter_unproven"]
    assert w.kinds() == []


def refused(w: World) -> str:
    """10 kWh delivered, the car gone, the capture refused: its reference."""
    transaction = w.deliver()
    w.skip(1_800)
    w.end(transaction, 110)
    ref = w.request("Modify").ref
    w.answer("Modify", i.Refused("rejected", "not now"))
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.reviews() == ["capture_refused"]
    return ref


def ask_until_quiet(w: World) -> None:
    """Every deadline, one after the other, as they come."""
    for _ in range(20):
        due = next_deadline(w.k, w.now)
        if due is None:
            return
        facts = w.wait(max(0, -(-w.now.ms_until(due) // 1_000)))
        assert facts, "a deadline that comes decides something"
    raise AssertionError("deadlines without an end")


# --- the meter proved nothing ---------------------------------------------------------------------------------------------------


def test_an_unproven_meter_keeps_the_sale_and_its_hold_for_a_person() -> None:
    w = World()
    unproven(w)
    assert w.session.closed_at is None
    assert w.session.priced is None
    assert w.k.at(w.session.connector) is None, "the plug is free for the next driver"
    w.restart()
    assert w.reviews() == ["meter_unproven"]


def test_a_person_takes_energy_for_proven_and_exactly_that_is_captured() -> None:
    w = World()
    unproven(w)
    facts = w.give(closed(w, "meter_unproven", "capture", 8_000_000))
    assert names(facts) == ["ReviewDecided", "MeterDecided", "Priced", "CaptureRequested"]
    decided = w.all_of(f.ReviewDecided)[0]
    assert (decided.decision, decided.mwh, decided.by, decided.reason) == ("capture", 8_000_000, "Kim", "seen the meter")
    assert w.request("Modify").body.amount == eur(400)
    w.restart()
    w.answer("Modify", i.Done(i.Accepted("CAP1")))
    w.answer("PrintReceipt", i.Done(i.Printed("printed")))
    assert w.session.closed_at is not None


def test_without_a_figure_what_was_read_last_is_taken() -> None:
    w = World()
    unproven(w)
    w.give(closed(w, "meter_unproven", "capture"))
    assert w.request("Modify").body.amount == eur(500)


def test_a_decision_never_captures_more_than_is_reserved() -> None:
    w = World()
    unproven(w)
    w.give(closed(w, "meter_unproven", "capture", 10**12))
    assert w.request("Modify").body.amount == eur(5_000)
    assert "shortfall" in w.reviews()


def test_decided_for_nothing_is_charged_nothing() -> None:
    w = World()
    unproven(w)
    w.give(closed(w, "meter_unproven", "capture", 0))
    assert w.operations() == ["cancel"]
    assert w.session.priced.charge == NOTHING


def test_a_person_lets_the_hold_go() -> None:
    w = World()
    unproven(w)
    facts = w.give(closed(w, "meter_unproven", "release"))
    assert names(facts) == ["ReviewDecided", "Priced", "CancelRequested"]
    assert (w.session.priced.rule, w.session.priced.charge) == ("released", NOTHING)
    assert names(w.answer("Modify", i.Done(i.Accepted("X1")))) == ["ModificationSubmitted", "SessionClosed"]


def test_nobody_decides_half_of_the_time_is_an_alarm_and_the_end_lets_the_driver_go() -> None:
    w = World()
    unproven(w)
    review = w.session.reviews[0]
    half = w.now.ms_until(review.deadline) // 2_000
    assert names(w.wait(half + 1))[:1] == ["ReviewAlarmed"]
    assert w.wait(60) == ()
    w.restart()
    facts = w.wait(half)
    assert [x for x in names(facts) if x != "ReviewOpened"] == ["ReviewLapsed", "Priced", "CancelRequested"]
    assert w.all_of(f.CaptureRequested) == []
    assert w.session.reviews[0].decision == "lapsed"
    assert w.give(closed(w, "meter_unproven", "capture", 8_000_000)) == (), "too late"


@pytest.mark.parametrize("seconds", [0, 4 * DAY, 30 * DAY])
def test_a_kiosk_that_was_off_while_nobody_decided_comes_to_rest(seconds: int) -> None:
    w = World()
    unproven(w)
    w.reboot(seconds_down=seconds)
    w.give(i.TimePassed())
    for _ in range(3):
        while w.kinds():
            w.answer("Modify", i.Done(i.Accepted("X1")))
        ask_until_quiet(w)
    assert w.session.closed_at is not None


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("meter_unproven", "capture", -1), "nothing_to_capture"),
        (("meter_unproven", "settled", None), "not_possible"),
        (("meter_unproven", "retry", None), "not_possible"),
        (("meter_unproven", "steal", None), "not_possible"),
        (("capture_refused", "retry", None), "no_such_review"),
        (("nonsense", "settled", None), "no_such_review"),
        (("meter_unproven", "release", None), ""),
    ],
)
def test_a_decision_that_cannot_be_taken_says_why(given: tuple[str, str, int | None], why: str) -> None:
    w = World()
    unproven(w)
    assert objection(w.session, closed(w, *given), w.now) == why
    if why:
        assert w.give(closed(w, *given)) == ()


@pytest.mark.parametrize(("by", "reason"), [("", "why"), ("  ", "why"), ("Kim", ""), ("Kim", " ")])
def test_a_decision_has_a_name_and_a_reason(by: str, reason: str) -> None:
    w = World()
    unproven(w)
    assert w.give(closed(w, "meter_unproven", "release", by=by, reason=reason)) == ()


def test_a_decision_taken_twice_is_one() -> None:
    w = World()
    unproven(w)
    w.give(closed(w, "meter_unproven", "capture", 8_000_000))
    w.restart()
    assert w.give(closed(w, "meter_unproven", "capture", 8_000_000)) == ()
    assert w.give(closed(w, "meter_unproven", "release")) == ()


# --- the acquirer refused -------------------------------------------------------------------------------------------------------


def test_a_refused_capture_is_retried_under_a_new_reference_and_key() -> None:
    w = World()
    first = refused(w)
    assert names(w.give(closed(w, "capture_refused", "retry"))) == ["ReviewDecided", "CaptureRequested"]
    second = w.request("Modify")
    assert second.ref == f"{first}2"
    assert second.body.amount == eur(500)
    assert second.key != w.session.modifications[first].key
    w.restart()
    assert names(w.answer("Modify", i.Done(i.Accepted("CAP2")))) == ["ModificationSubmitted", "ReceiptIssued", "SessionClosed"]


def test_a_capture_refused_again_is_for_a_person_again() -> None:
    w = World()
    refused(w)
    w.give(closed(w, "capture_refused", "retry"))
    w.answer("Modify", i.Refused("rejected"))
    assert [(r.code, r.open) for r in w.session.reviews] == [("capture_refused", False), ("capture_refused", True)]
    w.give(closed(w, "capture_refused", "retry"))
    assert w.request("Modify").ref.endswith("-C3")


def test_a_refused_capture_is_let_go() -> None:
    w = World()
    refused(w)
    assert names(w.give(closed(w, "capture_refused", "release"))) == ["ReviewDecided", "CancelRequested"]
    assert names(w.answer("Modify", i.Done(i.Accepted("X1")))) == ["ModificationSubmitted", "SessionClosed"]


def test_a_refused_capture_dealt_with_elsewhere_closes_the_sale() -> None:
    w = World()
    refused(w)
    assert names(w.give(closed(w, "capture_refused", "settled"))) == ["ReviewDecided", "SessionClosed"]


def test_a_refused_capture_nobody_decides_about_lets_the_hold_go() -> None:
    w = World()
    refused(w)
    w.wait(5 * DAY)
    assert "ReviewLapsed" in names(w.facts)
    assert w.operations() == ["cancel"]
    w.answer("Modify", i.Done(i.Accepted("X1")))
    assert w.session.closed_at is not None


def test_a_capture_that_turns_out_taken_withdraws_the_one_tried_anew() -> None:
    w = World()
    first = refused(w)
    w.give(closed(w, "capture_refused", "retry"))
    facts = w.give(i.Confirmation(first, "CAP1", "capture", True, "", eur(500)))
    assert names(facts) == ["ModificationSubmitted", "ModificationRefused", "ReceiptIssued", "PrintRequested", "ModificationConfirmed"]
    assert w.kinds() == ["PrintReceipt"]
    assert not w.session.reviewed("capture_refused")


@pytest.mark.parametrize("first_word", ["answer", "webhook"])
def test_money_taken_twice_is_for_a_person_and_both_have_their_paper(first_word: str) -> None:
    w = World()
    first = refused(w)
    w.give(closed(w, "capture_refused", "retry"))
    w.answer("Modify", i.Done(i.Accepted("CAP2")))
    if first_word == "answer":
        w.give(i.Outcome(first, i.Done(i.Accepted("CAP1"))))
    else:
        w.give(i.Confirmation(first, "CAP1", "capture", True, "", eur(500)))
    assert "amount_differs" in w.reviews()
    assert [x.number for x in w.all_of(f.ReceiptIssued)] == [1, 2]
    w.give(i.RefundAsked(w.session.id, None, "Kim", "fault", "give it back"))
    assert w.all_of(f.RefundRequested)[0].amount == eur(1_000), "both can be paid back"


def test_a_capture_that_turns_out_taken_after_the_one_tried_anew_failed_has_its_paper() -> None:
    w = World()
    first = refused(w)
    w.give(closed(w, "capture_refused", "retry"))
    second = w.request("Modify").ref
    w.answer("Modify", i.Done(i.Accepted("CAP2")))
    w.give(i.Confirmation(second, "CAP2", "capture", False, "Insufficient balance on payment", eur(500)))
    facts = w.give(i.Confirmation(first, "CAP1", "capture", True, "", eur(500)))
    assert "ModificationSubmitted" in names(facts)
    assert [x.number for x in w.all_of(f.ReceiptIssued)] == [1], "one receipt for what moved once"
    w.give(closed(w, "capture_failed", "retry"))
    assert len([m for m in w.session.modifications.values() if m.operation == "capture"]) == 2, "it is taken already"


def test_each_refusal_is_answered_for_what_was_refused() -> None:
    """A cancel of another card was refused too: what a person decides about the capture does not touch it."""
    w = World()
    session = w.accept()
    first = w.request("Preauthorize").ref
    w.answer("Preauthorize", i.Refused("refused"))
    w.give(i.AnotherCard(session))
    w.answer("Preauthorize", i.Done(i.Approval(eur(5_000), "PSP2", "T2", i.CardFacts())))
    w.status(1, ConnectorStatus.PREPARING)
    w.answer("StartDelivery", i.Done(i.Ok()))
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    w.skip(1_800)
    w.end(w.session.transaction, 110)
    w.answer("Modify", i.Refused("rejected"))
    w.give(i.Outcome(first, i.Done(i.Approval(eur(5_000), "PSP1", "T1", i.CardFacts()))))
    w.answer("Modify", i.Refused("rejected"))
    assert w.reviews() == ["capture_refused", "cancel_refused"]
    w.give(closed(w, "capture_refused", "retry"))
    assert [(r.body.operation, r.body.psp_reference) for r in w.open()] == [("capture", "PSP2")]
    w.give(closed(w, "cancel_refused", "retry"))
    assert [(r.body.operation, r.body.psp_reference) for r in w.open()] == [("capture", "PSP2"), ("cancel", "PSP1")]


def test_a_refused_cancel_keeps_the_sale_until_a_person_decided() -> None:
    w = World()
    w.give(i.DriverCancelled(w.pay()))
    w.answer("Modify", i.Refused("rejected"))
    assert w.session.closed_at is None
    w.give(closed(w, "cancel_refused", "retry"))
    assert w.request("Modify").ref.endswith("-X2")
    assert names(w.answer("Modify", i.Done(i.Accepted("X2")))) == ["ModificationSubmitted", "SessionClosed"]


def test_a_refused_cancel_nobody_decides_about_lapses_when_the_hold_falls_by_itself() -> None:
    w = World()
    w.give(i.DriverCancelled(w.pay()))
    w.answer("Modify", i.Refused("rejected"))
    ask_until_quiet(w)
    assert w.session.closed_at is not None
    assert w.session.stage is Stage.GIVEN_UP


def test_a_review_that_only_informs_closes_nothing_and_is_settled_by_a_word() -> None:
    w = World()
    w.finish()
    ref = w.all_of(f.CaptureRequested)[0].request
    w.give(i.Confirmation(ref, "CAP-0001", "capture", False, "lost"))
    assert w.session.closed_at is not None
    assert names(w.give(closed(w, "capture_failed", "settled"))) == ["ReviewDecided"]
    assert w.give(closed(w, "capture_failed", "settled")) == ()
    assert w.session.modifications[ref].state is ModificationState.FAILED
