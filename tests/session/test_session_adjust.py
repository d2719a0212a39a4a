"""More is reserved while the charge goes on, step by step, up to what the driver agreed to; and never spent before it is confirmed."""

from __future__ import annotations

import pytest
from world import PER_KWH, World, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.state import ModificationState
from kiosk.values import Money

CHF = Money(4_000, "CHF")


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def growing(hold: int = 2_000, step: int = 2_000, most: int = 5_000) -> World:
    """A charge at 0.50 a kWh whose reservation of 20 EUR may grow by 20 up to 50."""
    w = World(step=eur(step), most=eur(most))
    w.deliver(minor=hold)
    return w


def charge_to(w: World, kwh: int) -> tuple[f.Fact, ...]:
    """A register of `kwh` at 30 kW since the last reading."""
    last = w.session.last_reading
    w.skip(max(1, (kwh * 1_000_000 - last.mwh) * 120 // 1_000_000))
    return w.meter(kwh)


def asked(w: World) -> str:
    """The charge came so far that more is asked for: the request."""
    assert "AdjustRequested" in names(charge_to(w, 122))
    return w.request("Modify").ref


def booked(w: World, ref: str, amount: Money | None = None) -> tuple[f.Fact, ...]:
    w.give(i.Outcome(ref, i.Done(i.Accepted("ADJ1"))))
    return w.give(i.Confirmation(ref, "ADJ1", "adjust", True, "", amount or w.session.modifications[ref].amount))


def test_more_is_asked_for_when_half_a_step_is_left() -> None:
    w = growing()
    assert w.session.payment.usable == eur(2_000)
    assert "AdjustRequested" not in names(charge_to(w, 115))
    asked(w)
    body = w.request("Modify").body
    assert (body.operation, body.amount) == ("adjust", eur(4_000))


def test_a_quote_that_does_not_grow_asks_for_nothing() -> None:
    w = World()
    w.deliver(minor=2_000)
    charge_to(w, 122)
    assert w.all_of(f.AdjustRequested) == []


def test_more_is_spent_only_when_the_acquirer_confirmed_it() -> None:
    w = growing()
    ref = asked(w)
    assert w.session.payment.usable == eur(2_000)
    w.give(i.Outcome(ref, i.Done(i.Accepted("ADJ1"))))
    assert w.session.payment.usable == eur(2_000), "received is not reserved"
    w.give(i.Confirmation(ref, "ADJ1", "adjust", True, "", eur(4_000)))
    assert w.session.payment.usable == eur(4_000)
    assert w.kinds() == []


def test_the_reservation_grows_up_to_the_most_and_no_further() -> None:
    w = growing()
    booked(w, asked(w))
    assert "AdjustRequested" in names(charge_to(w, 165))
    assert w.request("Modify").body.amount == eur(5_000)
    booked(w, w.request("Modify").ref)
    assert w.session.payment.usable == eur(5_000)
    charge_to(w, 190)
    assert len(w.all_of(f.AdjustRequested)) == 2
    assert "StopRequested" in names(charge_to(w, 198))
    assert w.session.stops[0].by == "limit"


def test_what_is_captured_is_the_price_under_the_grown_reservation() -> None:
    w = growing()
    booked(w, asked(w))
    charge_to(w, 150)
    w.skip(60)
    w.end(w.session.transaction, 150)
    assert w.request("Modify").body.operation == "capture"
    assert w.request("Modify").body.amount == eur(2_500)
    assert w.session.priced.shortfall == eur(0)


@pytest.mark.parametrize("word", ["refused", "failed", "silence"])
def test_without_a_yes_the_charge_stops_at_what_is_reserved(word: str) -> None:
    w = growing()
    ref = asked(w)
    if word == "refused":
        assert names(w.answer("Modify", i.Refused("rejected"))) == ["ModificationRefused"]
    elif word == "failed":
        w.answer("Modify", i.Done(i.Accepted("ADJ1")))
        assert names(w.give(i.Confirmation(ref, "ADJ1", "adjust", False, "declined"))) == ["ModificationFailed"]
    assert w.reviews() == []
    assert "AdjustRequested" not in names(charge_to(w, 126)), "neither a no nor a silence is asked again"
    assert "StopRequested" in names(charge_to(w, 138))
    w.end(w.session.transaction, 139)
    assert w.session.priced.charge == eur(1_950)
    assert len(w.all_of(f.AdjustRequested)) == 1


def test_overage_is_never_silent() -> None:
    w = growing()
    asked(w)
    charge_to(w, 138)
    w.skip(600)
    w.end(w.session.transaction, 142)
    assert w.session.priced.charge == eur(2_000)
    assert w.session.priced.shortfall == eur(100)
    assert "shortfall" in w.reviews()


def test_no_more_is_counted_on_than_the_acquirer_says() -> None:
    w = growing()
    facts = booked(w, asked(w), eur(3_000))
    assert names(facts)[:2] == ["ModificationConfirmed", "ReviewOpened"]
    assert w.session.payment.usable == eur(3_000)
    assert "amount_differs" in w.reviews()


@pytest.mark.parametrize("amount", [eur(9_000), CHF])
def test_an_amount_nobody_asked_for_gives_nothing_to_spend(amount: Money) -> None:
    w = growing()
    booked(w, asked(w), amount)
    assert w.session.payment.usable <= eur(4_000)
    assert "amount_differs" in w.reviews()


def test_an_adjustment_refused_and_then_confirmed_counts_and_settles_no_review_of_another_kind() -> None:
    w = growing()
    ref = asked(w)
    w.answer("Modify", i.Refused("rejected"))
    facts = w.give(i.Confirmation(ref, "ADJ1", "adjust", True, "", eur(4_000)))
    assert names(facts)[:2] == ["ModificationSubmitted", "ModificationConfirmed"]
    assert w.all_of(f.ReviewDecided) == []
    assert w.session.payment.usable == eur(4_000)


def test_an_adjustment_confirmed_after_the_end_raises_nothing_but_what_is_reserved() -> None:
    w = growing()
    ref = asked(w)
    w.skip(60)
    w.end(w.session.transaction, 123)
    assert w.operations() == ["capture"], "nobody asks for more after the end"
    assert w.request("Modify").body.amount == eur(1_150)
    w.give(i.Confirmation(ref, "ADJ1", "adjust", True, "", eur(4_000)))
    w.settle()
    assert [m.amount for m in w.session.modifications.values() if m.operation == "capture"] == [eur(1_150)]
    assert w.session.closed_at is not None


def test_an_adjustment_that_is_never_answered_keeps_no_sale_open_and_no_deadline() -> None:
    w = growing()
    asked(w)
    w.skip(60)
    w.end(w.session.transaction, 123)
    w.settle()
    assert w.session.closed_at is not None
    assert w.wait(604_800) == ()


def test_after_an_adjustment_the_end_that_was_foreseen_lies_further_away() -> None:
    w = growing(most=4_000)
    ref = asked(w)
    charge_to(w, 136)
    first = w.session.limit_at
    assert first is not None
    w.skip(30)
    booked(w, ref)
    assert w.session.limit_at is None or w.session.limit_at.utc_ms > first.utc_ms
    w.now = first
    assert "StopRequested" not in names(w.give(i.TimePassed()))


def test_restarts_and_repeated_answers_ask_once_and_count_once() -> None:
    w = growing()
    ref = asked(w)
    w.restart()
    assert w.request("Modify").ref == ref
    w.answer("Modify", i.Done(i.Accepted("ADJ1")))
    w.restart()
    assert w.give(i.Outcome(ref, i.Done(i.Accepted("ADJ1")))) == ()
    w.give(i.Confirmation(ref, "ADJ1", "adjust", True, "", eur(4_000)))
    w.restart()
    assert w.give(i.Confirmation(ref, "ADJ1", "adjust", True, "", eur(4_000))) == ()
    assert w.session.payment.usable == eur(4_000)
    assert w.session.modifications[ref].state is ModificationState.CONFIRMED


@pytest.mark.parametrize(("step", "most"), [(eur(0), eur(5_000)), (eur(-1), eur(5_000)), (Money(1, "CHF"), eur(1)), (eur(1), CHF)])
def test_steps_that_are_none_sell_nothing(step: Money, most: Money) -> None:
    w = World(step=step, most=most)
    w.accept()
    assert w.k.sessions == {}


def test_a_tariff_of_another_currency_sells_nothing() -> None:
    w = World()
    w.accept(tariff=PER_KWH.replace(b'"EUR"', b'"CHF"'))
    assert w.k.sessions == {}
