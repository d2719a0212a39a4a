"""Starts: from the cable to the pile's transaction, and every way in which that comes twice, late or from nowhere."""

from __future__ import annotations

import pytest
from world import A, B, World, names

from kiosk.metering.reading import Reading
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.energy import session_with_tag, transaction_for
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.requests import Recovery
from kiosk.session.state import Stage


def asked(w: World) -> str:
    """Paid, cable in, pile asked: the tag."""
    w.pay()
    w.status(1, ConnectorStatus.PREPARING)
    return w.session.starts[-1].id_tag


def started(w: World, tag: str, number: int = 1) -> i.TxStarted:
    return i.TxStarted("PILE-1", number, tag, w.reading(100))


def test_an_accepted_start_proves_no_energy() -> None:
    w = World()
    asked(w)
    w.answer("StartDelivery", i.Done(i.Ok()))
    assert w.session.stage is Stage.START_REQUESTED
    assert w.kinds() == []


def test_a_lost_answer_to_a_start_leaves_it_open_to_be_observed() -> None:
    w = World()
    asked(w)
    assert w.answer("StartDelivery", i.Unknown()) == ()
    assert w.request("StartDelivery").recovery is Recovery.OBSERVE


def given_up(w: World) -> str:
    """Asked, accepted, never started, and no other try wanted: the tag."""
    tag = asked(w)
    w.answer("StartDelivery", i.Done(i.Ok()))
    w.wait(60)
    w.wait(60)
    assert w.session.given_up == "never_started"
    return tag


def test_the_pile_refuses_and_everything_goes_back_when_no_other_try_is_wanted() -> None:
    w = World()
    asked(w)
    facts = w.answer("StartDelivery", i.Refused("rejected", "Rejected"))
    assert names(facts) == ["StartRefused", "StartFailed"]
    w.wait(59)
    assert w.session.stage is Stage.START_FAILED
    assert names(w.wait(1)) == ["SessionGivenUp", "CancelRequested"]
    assert w.session.given_up == "pile_refused"


def test_accepted_and_never_started_gives_everything_back_a_minute_after_it_was_told() -> None:
    w = World()
    asked(w)
    w.answer("StartDelivery", i.Done(i.Ok()))
    w.wait(59)
    assert w.session.stage is Stage.START_REQUESTED
    assert names(w.wait(1)) == ["StartFailed"]
    assert names(w.wait(60)) == ["SessionGivenUp", "CancelRequested"]
    assert w.session.given_up == "never_started"


def test_a_transaction_before_the_pile_answered_the_start_is_a_start() -> None:
    w = World()
    tag = asked(w)
    assert names(w.give(started(w, tag))) == ["DeliveryStarted"]
    assert w.kinds() == []


def test_the_tag_is_known_whatever_its_case() -> None:
    w = World()
    tag = asked(w)
    w.give(started(w, tag.lower()))
    assert w.session.stage is Stage.DELIVERING
    assert session_with_tag(w.k, "") is None


def test_a_repeated_start_transaction_is_answered_with_the_same_id() -> None:
    w = World()
    message = started(w, asked(w))
    w.give(message)
    first = transaction_for(w.k, message)
    w.wait(30)
    assert w.give(message) == ()
    assert transaction_for(w.k, message) == first


def test_a_repeated_start_transaction_of_a_closed_sale_is_answered_with_its_id() -> None:
    w = World()
    w.finish()
    closed = w.session
    message = i.TxStarted("PILE-1", 1, closed.starts[0].id_tag, closed.begin)
    assert w.give(message) == ()
    assert transaction_for(w.k, message) == closed.transaction


def test_a_start_in_advance_waits_for_the_cable_as_long_as_the_driver_may() -> None:
    w = World()
    w.pay()
    w.wait(15)
    start = w.session.starts[0]
    assert start.until == w.session.plug_until
    w.answer("StartDelivery", i.Done(i.Ok()))
    assert w.session.stage is Stage.WAITING_FOR_PLUG
    w.give(started(w, start.id_tag))
    assert w.session.stage is Stage.DELIVERING


def test_a_start_in_advance_that_the_pile_let_go_is_made_again_with_the_cable_under_the_same_tag() -> None:
    w = World()
    w.pay()
    w.wait(15)
    w.answer("StartDelivery", i.Done(i.Ok()))
    w.status(1, ConnectorStatus.PREPARING)  # the pile got ready for the tag
    assert len(w.session.starts) == 1
    w.status(1, ConnectorStatus.AVAILABLE)  # and gave up waiting
    w.status(1, ConnectorStatus.PREPARING)
    assert [s.plugged for s in w.session.starts] == [False, True]
    assert len({s.id_tag for s in w.session.starts}) == 1


def test_a_start_after_the_sale_was_given_up_is_stopped_and_looked_at() -> None:
    w = World()
    tag = given_up(w)
    facts = w.give(started(w, tag))
    assert names(facts) == ["DeliveryStarted", "ReviewOpened", "StopRequested"]
    assert w.all_of(f.DeliveryStarted)[0].late is True
    assert w.reviews() == ["late_start"]
    assert w.session.stops[0].by == "late_start"
    assert w.k.at(A) == w.session


def test_energy_of_a_late_start_is_unpaid_and_looked_at_when_the_hold_is_gone() -> None:
    w = World()
    w.give(started(w, given_up(w)))
    w.wait(60)
    w.end(w.session.transaction, 101)
    assert "energy_unpaid" in w.reviews()
    assert w.all_of(f.CaptureRequested) == []
    assert w.session.priced.shortfall == w.session.priced.rating.total


def test_a_start_under_the_tag_of_a_closed_sale_is_an_orphan() -> None:
    w = World()
    tag = asked(w)
    w.give(i.DriverCancelled(w.session.id))
    w.answer("Modify", i.Done(i.Accepted("X1")))
    assert names(w.give(started(w, tag))) == ["OrphanTransactionStarted"]


def test_energy_nobody_sold_is_answered_and_stopped_once() -> None:
    w = World()
    message = started(w, "04A1B2C3", 2)
    assert names(w.give(message)) == ["OrphanTransactionStarted"]
    transaction = transaction_for(w.k, message)
    assert transaction > 0
    stop = w.request("StopDelivery")
    assert (stop.body.pile, stop.body.transaction) == ("PILE-1", transaction)
    assert w.answer("StopDelivery", i.Refused("rejected")) == ()
    assert w.kinds() == ["StopDelivery"]  # a refusal ends nothing: it is asked again
    assert names(w.answer("StopDelivery", i.Done(i.Ok()))) == ["OrphanStopAnswered"]
    assert w.kinds() == []
    assert w.give(message) == ()
    assert transaction_for(w.k, message) == transaction


def test_a_stop_of_an_orphan_that_was_not_heard_stays_open() -> None:
    w = World()
    w.give(started(w, "04A1B2C3"))
    assert w.answer("StopDelivery", i.NotSent()) == ()
    assert w.kinds() == ["StopDelivery"]


def test_an_orphan_that_ends_is_noted_with_its_register() -> None:
    w = World()
    message = started(w, "04A1B2C3")
    w.give(message)
    facts = w.end(transaction_for(w.k, message), 103)
    assert names(facts) == ["OrphanTransactionEnded"]
    assert w.k.orphans == {}
    assert w.kinds() == []


def test_a_transaction_never_recorded_has_no_id_to_answer_with() -> None:
    w = World()
    with pytest.raises(LookupError, match="PILE-1 connector 1"):
        transaction_for(w.k, started(w, "04A1B2C3"))


def test_a_connector_that_is_not_ours_changes_nothing() -> None:
    w = World()
    assert w.give(i.ConnectorChanged("PILE-1", 9, ConnectorStatus.CHARGING)) == ()
    assert w.give(i.MeterRead("PILE-9", 1, None, Reading(0, 0))) == ()


def test_both_connectors_start_under_their_own_tags() -> None:
    w = World()
    first, second = w.deliver(A), w.deliver(B)
    tags = {s.starts[0].id_tag for s in w.k.sessions.values()}
    assert len(tags) == 2
    assert first != second


def test_plugged_in_before_paying_starts_with_the_approval() -> None:
    w = World()
    w.status(1, ConnectorStatus.PREPARING)
    w.pay()
    assert w.session.stage is Stage.START_REQUESTED
    assert w.session.starts[0].plugged


def test_a_second_delivery_under_the_same_tag_is_nobodys_and_is_stopped() -> None:
    w = World()
    transaction = w.deliver()
    tag = w.session.starts[0].id_tag
    w.skip(600)
    w.end(transaction, 110)
    again = i.TxStarted("PILE-1", 1, tag, w.reading(110))
    assert names(w.give(again)) == ["OrphanTransactionStarted"]
    assert transaction_for(w.k, again) != transaction
    assert "StopDelivery" in w.kinds()


def test_a_transaction_on_another_plug_is_not_the_sale() -> None:
    w = World()
    w.pay()
    w.status(1, ConnectorStatus.PREPARING)
    message = i.TxStarted("PILE-1", 2, w.session.starts[0].id_tag, w.reading(100))
    assert names(w.give(message)) == ["OrphanTransactionStarted"]
    assert w.session.transaction is None


def test_a_pile_that_wants_the_cable_first_loses_no_sale() -> None:
    w = World()
    w.pay()
    w.wait(15)
    assert names(w.answer("StartDelivery", i.Refused("rejected"))) == ["StartRefused"]
    assert not w.session.given_up
    facts = w.status(1, ConnectorStatus.PREPARING)
    assert names(facts) == ["ConnectorReported", "StartRequested"]
    assert len({s.id_tag for s in w.session.starts}) == 1


def test_the_refusal_of_a_second_start_proves_nothing_while_the_first_is_unanswered() -> None:
    w = World()
    w.status(1, ConnectorStatus.PREPARING)
    w.pay()
    w.wait(2)
    w.restart()
    w.status(1, ConnectorStatus.PREPARING)
    assert names(w.answer("StartDelivery", i.Refused("rejected"))) == ["StartRefused"]
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[0].id_tag, w.reading(100)))
    assert w.session.transaction is not None


def test_the_end_of_an_orphan_under_minus_one_closes_it() -> None:
    w = World()
    w.give(started(w, "04A1B2C3", 2))
    w.give(i.TxEnded("PILE-1", -1, "", None, w.reading(120), "Local"))
    assert w.kinds() == []
