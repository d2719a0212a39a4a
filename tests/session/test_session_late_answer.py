"""An answer that is long in coming alarms a person; once it has come, nobody has to settle that it was late."""

from __future__ import annotations

import pytest
from world import World

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.inputs import ConnectorStatus
from kiosk.values import Money

DAY = 86_400
WEEK = 7 * DAY


def late(w: World) -> str:
    """A capture that nobody has answered for half a day: its reference."""
    transaction = w.deliver()
    w.skip(1_800)
    w.end(transaction, 110)
    w.status(1, ConnectorStatus.AVAILABLE)
    request = w.request("Modify").ref
    w.wait(DAY // 2)
    assert open_reviews(w) == [("money_late", request)]
    return request


def open_reviews(w: World) -> list[tuple[str, str | None]]:
    return [(r.code, r.request) for r in w.session.reviews if r.open]


@pytest.mark.parametrize("answer", [i.Done(i.Accepted("C1")), i.Refused("rejected", "not now")])
def test_an_answer_settles_that_it_was_late(answer: i.Result) -> None:
    w = World()
    request = late(w)
    w.answer("Modify", answer)
    assert ("money_late", request) not in open_reviews(w)
    decided = w.all_of(f.ReviewDecided)[-1]
    assert (decided.code, decided.decision, decided.by, decided.request) == ("money_late", "settled", "kiosk", request)


@pytest.mark.parametrize("success", [True, False])
def test_a_webhook_that_comes_before_the_answer_settles_it_too(success: bool) -> None:
    w = World()
    request = late(w)
    w.give(i.Confirmation(request, "C1", "capture", success, "" if success else "closed account", None))
    assert [code for code, _ in open_reviews(w)] == ([] if success else ["capture_failed"])


def test_when_the_key_is_no_longer_safe_a_person_decides_about_the_capture_and_not_about_the_delay() -> None:
    w = World()
    request = late(w)
    w.wait(WEEK)
    assert open_reviews(w) == [("capture_refused", request)]


def test_of_two_late_requests_the_answer_to_one_leaves_the_other_late() -> None:
    w = World()
    w.finish()
    refunds = []
    for command in ("first", "second"):
        w.give(i.RefundAsked(w.session.id, Money(100, "EUR"), "A. Weber", "goodwill", command))
        refunds.append(w.all_of(f.RefundRequested)[-1].request)
    w.wait(DAY // 2)
    assert open_reviews(w) == [("money_late", refunds[0]), ("money_late", refunds[1])]
    w.give(i.Outcome(refunds[0], i.Done(i.Accepted("R1"))))
    assert open_reviews(w) == [("money_late", refunds[1])]
    w.give(i.ReviewClosed(w.session.id, "money_late", "settled", "Kim", "seen"))
    assert open_reviews(w) == []


def test_an_answer_in_time_settles_nothing() -> None:
    w = World()
    w.finish()
    assert w.all_of(f.ReviewDecided) == []
