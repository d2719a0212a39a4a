"""The power may go at any moment: the facts alone bring back what is open, and nothing is asked twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from world import World, approval, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.deadlines import next_deadline
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.requests import open_requests
from kiosk.session.state import PaymentState

Act = Callable[[World], object]


def _end(w: World) -> None:
    w.wait(1_800)
    w.end(w.session.transaction, 110)


def _start(w: World) -> None:
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))


PATH: tuple[tuple[str, Act], ...] = (
    ("accepted", lambda w: w.accept()),
    ("declined", lambda w: w.answer("Preauthorize", i.Refused("refused"))),
    ("another card", lambda w: w.give(i.AnotherCard(w.session.id))),
    ("answer lost", lambda w: w.answer("Preauthorize", i.Unknown())),
    ("authorized", lambda w: w.answer("Preauthorize", i.Done(approval()))),
    ("plugged in", lambda w: w.status(1, ConnectorStatus.PREPARING)),
    ("start accepted", lambda w: w.answer("StartDelivery", i.Done(i.Ok()))),
    ("started", _start),
    ("stop asked", lambda w: w.give(i.StopAsked(w.session.id, "operator"))),
    ("stop answered", lambda w: w.answer("StopDelivery", i.Done(i.Ok()))),
    ("ended", _end),
    ("captured", lambda w: w.answer("Modify", i.Done(i.Accepted("CAP1")))),
    ("free", lambda w: w.status(1, ConnectorStatus.AVAILABLE)),
)


@pytest.mark.parametrize("steps", range(1, len(PATH) + 1), ids=[name for name, _ in PATH])
def test_what_is_open_is_the_same_after_a_restart_except_the_paper(steps: int) -> None:
    w = World()
    for _, act in PATH[:steps]:
        act(w)
    before = [r for r in w.open() if r.kind != "PrintReceipt"]
    w.restart()
    assert list(w.open()) == before


@pytest.mark.parametrize("steps", range(1, len(PATH) + 1), ids=[name for name, _ in PATH])
def test_a_sale_interrupted_anywhere_ends_with_one_capture(steps: int) -> None:
    w = World()
    for _, act in PATH[:steps]:
        act(w)
    w.restart()
    w.restart()
    for _, act in PATH[steps:]:
        act(w)
    captures = w.all_of(f.CaptureRequested)
    assert [c.amount.minor for c in captures] == [500]
    assert len(w.all_of(f.ReceiptIssued)) == 1
    assert len(w.all_of(f.PaymentAuthorized)) == 1


def test_a_card_that_was_being_asked_for_is_unknown_after_a_restart() -> None:
    w = World()
    w.accept()
    w.restart()
    assert w.session.last_payment.state is PaymentState.UNKNOWN
    assert w.kinds() == ["Preauthorize"]


def test_a_second_restart_adds_no_second_unknown() -> None:
    w = World()
    w.accept()
    w.restart()
    assert names(w.give(i.KioskStarted())) == ["Started"]


def test_deadlines_of_an_earlier_boot_are_kept_by_the_wall_clock() -> None:
    w = World()
    w.accept()
    w.answer("Preauthorize", i.Unknown())
    w.reboot(seconds_down=200)
    assert w.session.last_payment.state is PaymentState.UNKNOWN
    assert next_deadline(w.k, w.now) == w.session.last_payment.give_up_at
    w.wait(100)
    assert w.session.last_payment.state is PaymentState.GIVEN_UP


def test_an_unsound_journal_sells_nothing_new_and_settles_what_is_open() -> None:
    w = World()
    transaction = w.deliver()
    w.give(i.KioskStarted(sound=False))
    w.give(i.PileConnected("PILE-1"))
    w.accept()
    assert len(w.k.sessions) == 1
    w.wait(1_800)
    w.end(transaction, 110)
    w.settle()
    assert w.session.closed_at is not None


def test_every_open_request_has_a_reference_of_its_own() -> None:
    w = World()
    w.accept()
    w.answer("Preauthorize", i.Unknown())
    w.give(i.DriverCancelled(w.session.id))
    late = w.request("Preauthorize").ref
    w.wait(300)
    w.give(i.Outcome(late, i.Done(approval())))
    w.pay()
    w.status(1, ConnectorStatus.PREPARING)
    w.give(i.TxStarted("PILE-1", 2, "04A1", w.reading(1)))
    w.give(i.TxStarted("PILE-1", 2, "04A2", w.reading(2)))
    refs = [r.ref for r in open_requests(w.k)]
    assert len(refs) == len(set(refs)) == 5


def test_a_start_from_before_the_restart_is_asked_anew_only_when_the_pile_still_reports_the_cable() -> None:
    w = World()
    w.status(1, ConnectorStatus.PREPARING)
    w.pay()
    w.wait(5)
    w.restart()
    assert len(w.session.starts) == 1
    w.status(1, ConnectorStatus.PREPARING)
    assert [s.request[-2:] for s in w.session.starts] == ["S1", "S2"]
    assert len({s.id_tag for s in w.session.starts}) == 1
    w.status(1, ConnectorStatus.PREPARING)
    assert len(w.session.starts) == 2


def test_a_start_from_before_the_restart_is_not_asked_anew_when_the_car_is_gone() -> None:
    w = World()
    w.status(1, ConnectorStatus.PREPARING)
    w.pay()
    w.wait(5)
    w.restart()
    w.status(1, ConnectorStatus.AVAILABLE)
    assert len(w.session.starts) == 1
    w.wait(60)
    assert w.session.failed_why == "never_started"
    w.wait(60)
    assert w.session.given_up == "never_started"


def test_a_start_promised_is_not_failed_by_the_refusal_of_its_repetition() -> None:
    w = World()
    w.status(1, ConnectorStatus.PREPARING)
    w.pay()
    w.wait(2)
    first = w.session.starts[0].request
    w.restart()
    w.status(1, ConnectorStatus.PREPARING)
    w.give(i.Outcome(first, i.Done(i.Ok())))
    assert names(w.answer("StartDelivery", i.Refused("rejected"))) == ["StartRefused"]
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[0].id_tag, w.reading(100)))
    assert w.session.transaction is not None


def test_a_start_asked_for_since_the_restart_is_not_asked_anew() -> None:
    w = World()
    w.pay()
    w.restart()
    w.wait(w.k.setup.policy.start_ahead_s)
    assert len(w.session.starts) == 1
    w.status(1, ConnectorStatus.PREPARING)
    assert len(w.session.starts) == 1


@pytest.mark.parametrize("free", [True, False])
def test_a_pile_has_time_to_tell_what_it_kept_while_the_kiosk_was_off(free: bool) -> None:
    w = World()
    w.deliver()
    w.skip(600)
    w.meter(120)
    if free:
        w.status(1, ConnectorStatus.AVAILABLE)
    w.reboot(seconds_down=86_400)
    patience = w.k.setup.policy.pile_silent_s
    w.wait(patience - 1)
    assert w.session.ended_at is None
    w.wait(1)
    assert w.session.ended_by == "lost"


def test_a_dialogue_from_before_the_restart_is_ended_before_the_next_card_meets_it() -> None:
    w = World()
    w.accept()
    w.reboot(seconds_down=3)
    w.give(i.Outcome(w.session.payments[next(iter(w.session.payments))].ref, i.Unknown("in_progress")))
    assert "AbortRequested" in names(w.facts)


def test_a_clock_that_is_ahead_after_a_start_gives_nothing_up_before_the_terminal_was_asked() -> None:
    w = World()
    w.accept()
    w.reboot(seconds_down=86_400)
    assert w.session.money_open
    w.wait(59)
    assert w.session.money_open
    w.wait(1)
    assert "PaymentGivenUp" in names(w.facts)


@pytest.mark.parametrize("first", [True, False])
def test_a_register_that_moves_on_after_the_connector_was_called_free_makes_that_old_news(first: bool) -> None:
    w = World()
    w.deliver()
    if not first:
        w.skip(60)
        w.meter(110)
    w.status(1, ConnectorStatus.AVAILABLE)
    w.skip(60)
    w.meter(111)
    w.wait(300)
    assert w.session.ended_at is None
