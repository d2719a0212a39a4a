"""A request that was never answered until its key ran out: nobody knows whether it was done, and nobody acts as if it was not."""

from __future__ import annotations

from world import World

from kiosk.session import corrections
from kiosk.session import inputs as i
from kiosk.values import Money

WEEK = 7 * 86_400


def asked(w: World, command: str, minor: int | None = None) -> tuple[object, ...]:
    amount = None if minor is None else Money(minor, "EUR")
    return w.give(i.RefundAsked(w.session.id, amount, "A. Weber", "goodwill", command))


def test_a_refund_nobody_answered_counts_as_paid_back_until_a_person_knows() -> None:
    w = World()
    w.finish()
    asked(w, "first")
    w.wait(WEEK)
    assert "refund_refused" in w.reviews()
    assert not corrections.refundable(w.k, w.session)
    assert asked(w, "second") == ()


def test_once_a_person_knows_that_it_was_not_done_it_can_be_ordered_again() -> None:
    w = World()
    w.finish()
    asked(w, "first")
    w.wait(WEEK)
    w.give(i.ReviewClosed(w.session.id, "refund_refused", "settled", "A. Weber", "not in the acquirer's books"))
    assert corrections.refundable(w.k, w.session) == Money(500, "EUR")


def test_an_answer_in_a_word_we_do_not_know_releases_what_may_be_reserved() -> None:
    w = World()
    w.accept()
    w.answer("Preauthorize", i.Refused("other", "NewCondition"))
    assert w.request("Modify").body.operation == "cancel_by_reference"
