"""Cancelled: the driver walks away before energy flows, at every stage, and gets everything back."""

from __future__ import annotations

from world import A, World, approval, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.sellable import sellable
from kiosk.session.state import PaymentState, Stage


def test_while_the_card_is_asked_for_the_terminal_is_told_to_let_go() -> None:
    w = World()
    session = w.accept()
    facts = w.give(i.DriverCancelled(session))
    assert names(facts) == ["AbortRequested", "SessionGivenUp"]
    assert w.kinds() == ["AbortPreauthorization", "Preauthorize"]
    order = w.request("Preauthorize").body
    abort = w.request("AbortPreauthorization").body
    assert (abort.payment, abort.service_id, abort.amount) == (order.payment, order.service_id, order.amount)


def test_the_sale_ends_when_the_terminal_says_that_it_let_go() -> None:
    w = World()
    session = w.accept()
    w.give(i.DriverCancelled(session))
    w.answer("AbortPreauthorization", i.Done(i.Ok()))
    facts = w.answer("Preauthorize", i.Refused("aborted"))
    assert names(facts) == ["PaymentDeclined", "SessionClosed"]
    assert sellable(w.k, A)


def test_an_abort_is_said_again_until_it_was_heard_or_its_dialogue_is_over() -> None:
    w = World()
    w.give(i.DriverCancelled(w.accept()))
    for lost in (i.NotSent(), i.Unknown()):
        assert w.answer("AbortPreauthorization", lost) == ()
        assert w.kinds() == ["AbortPreauthorization", "Preauthorize"]
    assert names(w.answer("AbortPreauthorization", i.Done(i.Ok()))) == ["AbortEnded"]
    assert w.kinds() == ["Preauthorize"]


def test_an_abort_that_nobody_heard_ends_with_its_dialogue() -> None:
    w = World()
    w.give(i.DriverCancelled(w.accept()))
    w.answer("AbortPreauthorization", i.Unknown())
    w.answer("Preauthorize", i.Refused("no_card"))
    assert w.kinds() == []


def test_a_yes_after_the_cancel_is_released_at_once() -> None:
    w = World()
    w.give(i.DriverCancelled(w.accept()))
    facts = w.answer("Preauthorize", i.Done(approval()))
    assert names(facts) == ["PaymentAuthorized", "CancelRequested"]
    assert w.session.payment is None
    assert sellable(w.k, A)


def test_a_cancel_during_unknown_money_keeps_asking_and_blocks_the_connector() -> None:
    w = World()
    session = w.accept()
    w.answer("Preauthorize", i.Unknown())
    w.give(i.DriverCancelled(session))
    assert "Preauthorize" in w.kinds()
    assert not sellable(w.k, A)
    w.wait(300)
    assert w.session.last_payment.state is PaymentState.GIVEN_UP
    assert w.reviews() == ["money_unknown"]
    assert sellable(w.k, A)


def test_a_cancel_nobody_answers_is_asked_for_under_another_key_while_the_reservation_stands() -> None:
    w = World()
    w.give(i.DriverCancelled(w.pay()))
    first = w.request("Modify")
    w.wait(604_800 // 2)
    facts = w.wait(604_800 * 3 // 10)
    assert names(facts) == ["ModificationRefused", "ReviewDecided", "CancelRequested"]
    second = w.request("Modify")
    assert (second.ref, second.body.psp_reference) == (f"{first.ref}2", first.body.psp_reference)
    assert second.key != first.key
    w.restart()
    assert w.request("Modify") == second
    facts = w.give(i.Outcome(first.ref, i.Done(i.Accepted("X1"))))
    assert names(facts)[:1] == ["ModificationSubmitted"], "whichever is heard of first"
    assert w.session.closed_at is None
    assert names(w.answer("Modify", i.Done(i.Accepted("X2")))) == ["ModificationSubmitted", "SessionClosed"]
    assert not any(r.open for r in w.session.reviews)


def test_when_the_reservation_falls_by_itself_no_cancel_is_asked_for_any_more() -> None:
    w = World()
    w.give(i.DriverCancelled(w.pay()))
    for _ in range(9):
        w.wait(86_400)
    assert w.kinds() == []
    assert [r.code for r in w.session.reviews if r.open] == ["cancel_refused"]
    assert len(w.all_of(f.CancelRequested)) == 2


def test_after_a_decline_there_is_nothing_to_give_back() -> None:
    w = World()
    session = w.accept()
    w.answer("Preauthorize", i.Refused("refused"))
    assert names(w.give(i.DriverCancelled(session))) == ["SessionGivenUp", "SessionClosed"]


def test_while_the_cable_is_awaited_the_hold_goes_back() -> None:
    w = World()
    session = w.pay()
    assert names(w.give(i.DriverCancelled(session))) == ["SessionGivenUp", "CancelRequested"]
    assert names(w.answer("Modify", i.Done(i.Accepted("X1")))) == ["ModificationSubmitted", "SessionClosed"]


def test_while_the_pile_is_asked_the_hold_goes_back_and_the_start_is_taken_back() -> None:
    w = World()
    session = w.pay()
    w.status(1, ConnectorStatus.PREPARING)
    assert "StartDelivery" in w.kinds()
    assert names(w.give(i.DriverCancelled(session))) == ["SessionGivenUp", "CancelRequested"]
    assert w.kinds() == ["Modify"]


def test_once_energy_flows_cancelling_does_nothing() -> None:
    w = World()
    w.deliver()
    assert w.give(i.DriverCancelled(w.session.id)) == ()
    assert w.session.stage is Stage.DELIVERING


def test_cancelling_twice_is_cancelling_once() -> None:
    w = World()
    session = w.accept()
    w.give(i.DriverCancelled(session))
    assert w.give(i.DriverCancelled(session)) == ()
    assert len(w.all_of(f.SessionGivenUp)) == 1


def test_no_cable_in_time_gives_the_hold_back() -> None:
    w = World()
    w.pay()
    facts = w.wait(300)
    assert names(facts)[-2:] == ["SessionGivenUp", "CancelRequested"]
    assert w.session.given_up == "no_plug"


def test_more_time_moves_the_deadline_on() -> None:
    w = World()
    session = w.pay()
    w.wait(200)
    assert names(w.give(i.MoreTime(session))) == ["PlugAwaited"]
    w.wait(299)
    assert w.session.stage is Stage.WAITING_FOR_PLUG
    w.wait(1)
    assert w.session.given_up == "no_plug"


def test_more_time_has_an_end() -> None:
    w = World()
    session = w.pay()
    for _ in range(20):
        w.wait(100)
        w.give(i.MoreTime(session))
    assert w.session.given_up == "no_plug"
    assert w.all_of(f.SessionGivenUp)[0].at.utc_ms - w.all_of(f.PaymentAuthorized)[0].at.utc_ms <= 900_000


def test_a_new_driver_can_have_the_connector_while_the_old_hold_is_still_being_cancelled() -> None:
    w = World()
    w.give(i.DriverCancelled(w.pay()))
    assert sellable(w.k, A)
    w.accept()
    assert w.kinds() == ["Modify", "Preauthorize"]
