"""Cards: the terminal's answers to a preauthorization, and the second card."""

from __future__ import annotations

import pytest
from world import A, B, World, approval, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.requests import Preauthorize
from kiosk.session.sellable import sellable
from kiosk.session.state import PaymentState, Stage
from kiosk.values import Money

DECLINED = i.Refused("refused", "05 do not honour")


def test_a_declined_card_leaves_the_sale_open_for_another() -> None:
    w = World()
    w.accept()
    facts = w.answer("Preauthorize", DECLINED)
    assert names(facts) == ["PaymentDeclined"]
    assert w.session.stage is Stage.PAYING
    assert w.kinds() == []


def test_a_second_card_is_a_second_payment_of_the_same_sale() -> None:
    w = World()
    session = w.accept()
    w.answer("Preauthorize", DECLINED)
    facts = w.give(i.AnotherCard(session))
    assert names(facts) == ["PreauthorizationRequested"]
    first, second = w.session.payments.values()
    assert first.ref != second.ref
    assert first.service_id != second.service_id
    w.answer("Preauthorize", i.Done(approval()))
    assert w.session.payment is not None
    assert w.session.payment.ref == second.ref


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("refused", "declined"),
        ("invalid_card", "card_not_read"),
        ("wrong_pin", "wrong_pin"),
        ("no_card", "no_card"),
        ("busy", "terminal_away"),
        ("unavailable", "terminal_away"),
        ("cancelled", "cancelled"),
        ("something the terminal invents", "declined"),
    ],
)
def test_a_refusal_is_told_in_words_of_the_driver(code: str, fault: str) -> None:
    w = World()
    w.accept()
    w.answer("Preauthorize", i.Refused(code))
    assert w.session.last_payment is not None
    assert w.session.last_payment.fault == fault
    w.wait(90)
    assert w.session.given_up == fault


def test_no_card_beyond_the_most_a_sale_may_try() -> None:
    w = World()
    session = w.accept()
    for _ in range(4):
        w.answer("Preauthorize", DECLINED)
        w.give(i.AnotherCard(session))
    w.answer("Preauthorize", DECLINED)
    assert w.give(i.AnotherCard(session)) == ()
    assert len(w.session.payments) == 5


def test_a_decline_that_nobody_follows_gives_the_sale_up() -> None:
    w = World()
    w.accept()
    w.answer("Preauthorize", DECLINED)
    w.wait(89)
    assert w.session.stage is Stage.PAYING
    facts = w.wait(1)
    assert names(facts) == ["SessionGivenUp", "SessionClosed"]


def test_a_second_card_gives_the_driver_the_whole_time_again() -> None:
    w = World()
    session = w.accept()
    w.answer("Preauthorize", DECLINED)
    w.wait(80)
    w.give(i.AnotherCard(session))
    w.wait(20)
    w.answer("Preauthorize", DECLINED)
    w.wait(89)
    assert w.session.stage is Stage.PAYING


def test_no_second_preauthorization_while_the_first_is_open() -> None:
    w = World()
    session = w.accept()
    assert w.give(i.AnotherCard(session)) == ()
    assert len([r for r in w.open() if isinstance(r.body, Preauthorize)]) == 1


def test_no_second_preauthorization_while_the_first_is_unknown() -> None:
    w = World()
    session = w.accept()
    w.answer("Preauthorize", i.Unknown(detail="no answer"))
    assert w.give(i.AnotherCard(session)) == ()
    assert w.session.payments[w.request("Preauthorize").body.payment].state is PaymentState.UNKNOWN


def test_no_second_sale_of_a_connector_while_its_money_is_open() -> None:
    w = World()
    session = w.accept()
    w.give(i.DriverCancelled(session))
    assert not sellable(w.k, A)
    before = len(w.facts)
    w.accept()
    assert len(w.facts) == before


def test_the_other_connector_is_sold_meanwhile() -> None:
    w = World()
    w.accept(A)
    w.answer("Preauthorize", i.Unknown())
    w.accept(B)
    assert len([r for r in w.open() if isinstance(r.body, Preauthorize)]) == 2


def test_a_terminal_that_could_not_be_asked_is_no_declined_card() -> None:
    w = World()
    session = w.accept()
    facts = w.answer("Preauthorize", i.NotSent("connection refused"))
    assert names(facts) == ["PreauthorizationNotSent"]
    assert w.session.last_payment is not None
    assert w.session.last_payment.fault == "terminal_away"
    assert names(w.give(i.AnotherCard(session))) == ["PreauthorizationRequested"]


def test_approval_for_less_is_kept_and_is_the_new_limit() -> None:
    w = World()
    transaction = w.deliver(minor=3_000)
    w.now = w.now.plus(3_600)
    assert "StopRequested" not in names(w.meter(157))
    assert "StopRequested" in names(w.meter(158))  # 29.00 of 30.00
    w.now = w.now.plus(300)
    w.end(transaction, 162)  # the car took 31.00
    assert w.request("Modify").body.amount == Money(3_000, "EUR")
    assert w.session.priced is not None
    assert w.session.priced.shortfall == Money(100, "EUR")
    assert w.reviews() == ["shortfall"]


def test_approval_below_the_smallest_hold_is_given_back() -> None:
    w = World()
    w.accept()
    facts = w.answer("Preauthorize", i.Done(approval(499)))
    assert names(facts) == ["PaymentAuthorized", "SessionGivenUp", "CancelRequested"]
    assert w.session.given_up == "approved_too_little"
    assert w.request("Modify").body.operation == "cancel"


def test_approval_in_another_currency_is_given_back() -> None:
    w = World()
    w.accept()
    facts = w.answer("Preauthorize", i.Done(i.Approval(Money(5_000, "CHF"), "PSP1", "T", i.CardFacts())))
    assert names(facts) == ["PaymentAuthorized", "SessionGivenUp", "CancelRequested"]


def test_a_useless_late_approval_does_not_end_a_sale_that_waits_for_a_second_card() -> None:
    w = World()
    session = w.accept()
    first = w.request("Preauthorize").ref
    w.answer("Preauthorize", DECLINED)
    w.give(i.AnotherCard(session))
    w.give(i.Outcome(first, i.Done(approval(100))))
    assert w.session.stage is Stage.PAYING
    w.answer("Preauthorize", i.Done(approval(5_000, "PSP2")))
    assert w.session.stage is Stage.WAITING_FOR_PLUG
    assert [r.body.psp_reference for r in w.open() if r.kind == "Modify"] == ["PSP1"]


def test_a_quote_in_a_currency_of_another_country_is_not_sold() -> None:
    w = World()
    session = w.ids.session()
    from_abroad = w.quote_in("CHF")
    assert w.give(i.QuoteAccepted(session, A, from_abroad)) == ()


def test_the_same_acceptance_twice_opens_one_sale() -> None:
    w = World()
    session = w.accept()
    w.give(i.DriverCancelled(session))
    w.answer("Preauthorize", i.Refused("aborted"))
    before = len(w.facts)
    w.give(i.QuoteAccepted(session, A, w.quote_in("EUR")))
    assert len(w.facts) == before
    assert len(w.all_of(f.SessionOpened)) == 1
