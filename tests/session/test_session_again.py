"""A start that failed is tried again under the same reservation: one driver, one hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import SETUP, World, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.state import Kiosk, Stage


def failed(w: World) -> str:
    """Paid, the cable in, the pile refused: the tag."""
    w.pay()
    w.status(1, ConnectorStatus.PREPARING)
    w.answer("StartDelivery", i.Refused("rejected"))
    assert w.session.stage is Stage.START_FAILED
    return w.session.starts[0].id_tag


def test_another_try_needs_no_other_reservation() -> None:
    w = World()
    tag = failed(w)
    facts = w.give(i.StartAgain(w.session.id))
    assert names(facts) == ["PlugAwaited", "StartRequested"]
    assert w.session.starts[-1].id_tag == tag
    assert w.request("StartDelivery").ref.endswith("-S2")
    w.give(i.TxStarted("PILE-1", 1, tag, w.reading(100)))
    assert w.session.stage is Stage.DELIVERING
    assert len(w.all_of(f.PreauthorizationRequested)) == 1
    assert w.all_of(f.CancelRequested) == []


def test_nothing_is_asked_of_the_pile_until_the_driver_wants_it() -> None:
    w = World()
    failed(w)
    assert w.kinds() == []
    assert w.give(i.TimePassed()) == ()


def test_start_again_twice_asks_once() -> None:
    w = World()
    failed(w)
    w.give(i.StartAgain(w.session.id))
    assert w.give(i.StartAgain(w.session.id)) == ()
    assert len(w.session.starts) == 2


def test_start_again_without_a_failed_start_is_nothing() -> None:
    w = World()
    session = w.pay()
    assert w.give(i.StartAgain(session)) == ()
    w.status(1, ConnectorStatus.PREPARING)
    assert w.give(i.StartAgain(session)) == ()


def test_tries_are_counted_and_the_last_one_gives_everything_back() -> None:
    w = World()
    failed(w)
    w.give(i.StartAgain(w.session.id))
    w.answer("StartDelivery", i.Refused("rejected"))
    w.give(i.StartAgain(w.session.id))
    facts = w.answer("StartDelivery", i.Refused("rejected"))
    assert names(facts) == ["StartRefused", "SessionGivenUp", "CancelRequested"]
    assert w.give(i.StartAgain(w.session.id)) == ()


def test_the_cable_may_come_out_and_in_again_before_another_try() -> None:
    w = World()
    failed(w)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.stage is Stage.START_FAILED
    assert names(w.give(i.StartAgain(w.session.id))) == ["PlugAwaited"]
    assert "StartRequested" in names(w.status(1, ConnectorStatus.PREPARING))


def test_another_try_that_nobody_plugs_in_for_ends_as_any_other() -> None:
    w = World()
    failed(w)
    w.status(1, ConnectorStatus.AVAILABLE)
    w.give(i.StartAgain(w.session.id))
    assert names(w.wait(300)) == ["SessionGivenUp", "CancelRequested"]
    assert w.session.given_up == "no_plug"


@pytest.mark.parametrize("status", [ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE, ConnectorStatus.RESERVED])
def test_a_plug_that_cannot_do_it_any_more_gives_everything_back_at_once(status: ConnectorStatus) -> None:
    w = World()
    failed(w)
    assert names(w.status(1, status)) == ["ConnectorReported", "SessionGivenUp", "CancelRequested"]


def test_a_pile_that_is_away_for_a_moment_costs_no_driver_the_reservation() -> None:
    w = World()
    failed(w)
    w.give(i.PileLost("PILE-1"))
    assert w.session.stage is Stage.START_FAILED
    w.restart()
    assert w.session.stage is Stage.START_FAILED
    assert names(w.give(i.StartAgain(w.session.id))) == ["PlugAwaited", "StartRequested"]


def test_the_driver_may_have_enough_of_it() -> None:
    w = World()
    failed(w)
    assert names(w.give(i.DriverCancelled(w.session.id))) == ["SessionGivenUp", "CancelRequested"]


def test_a_transaction_that_comes_late_after_all_is_the_sales_own() -> None:
    w = World()
    tag = failed(w)
    facts = w.give(i.TxStarted("PILE-1", 1, tag, w.reading(100)))
    assert names(facts) == ["DeliveryStarted"]
    assert not w.all_of(f.DeliveryStarted)[0].late
    w.wait(1_800)
    w.end(w.session.transaction, 110)
    assert w.operations() == ["capture"]


def test_a_late_word_on_an_earlier_try_fails_no_later_one() -> None:
    w = World()
    w.pay()
    w.status(1, ConnectorStatus.PREPARING)
    first = w.request("StartDelivery").ref
    w.wait(60)
    assert w.session.failed_why == "never_started"
    w.give(i.StartAgain(w.session.id))
    w.answer("StartDelivery", i.Done(i.Ok()))
    assert names(w.give(i.Outcome(first, i.Refused("rejected")))) == ["StartRefused"]
    assert w.session.stage is Stage.START_REQUESTED


def test_a_second_word_on_the_same_try_is_none() -> None:
    w = World()
    failed(w)
    first = w.session.starts[0].request
    assert w.give(i.Outcome(first, i.Refused("rejected"))) == ()
    assert w.give(i.Outcome(first, i.Done(i.Ok()))) == ()


def test_restarts_between_all_steps_lose_no_try_and_make_none() -> None:
    w = World()
    tag = failed(w)
    w.restart()
    w.give(i.StartAgain(w.session.id))
    w.restart()
    assert w.request("StartDelivery").body.id_tag == tag
    w.answer("StartDelivery", i.Done(i.Ok()))
    w.restart()
    w.give(i.TxStarted("PILE-1", 1, tag, w.reading(100)))
    assert w.session.stage is Stage.DELIVERING
    assert len(w.session.starts) == 2
    assert len(w.all_of(f.PreauthorizationRequested)) == 1


def test_a_policy_of_one_try_gives_everything_back_at_once() -> None:
    w = World(Kiosk(replace(SETUP, policy=replace(SETUP.policy, most_starts=1))))
    w.pay()
    w.status(1, ConnectorStatus.PREPARING)
    assert names(w.answer("StartDelivery", i.Refused("rejected"))) == ["StartRefused", "SessionGivenUp", "CancelRequested"]


def test_no_other_card_is_asked_for_while_a_try_may_follow() -> None:
    w = World()
    failed(w)
    assert w.give(i.AnotherCard(w.session.id)) == ()
    w.accept(w.session.connector)
    assert len(w.all_of(f.PreauthorizationRequested)) == 1, "the plug is taken"
