"""Effects: which request is attempted when, and what a restart may assume."""

from __future__ import annotations

from dataclasses import replace

from kiosk.core.effects import Effects, Pace, Queued
from kiosk.journal.state import Retry
from kiosk.session.inputs import Accepted, Approval, CardFacts, Done, NotSent, Ok, Printed, Refused, Unknown
from kiosk.session.requests import AbortPreauthorization, Modify, Preauthorize, PrintReceipt, Recovery, Request, StartDelivery
from kiosk.values import Digest, Moment, Money, PaymentRef, RequestRef, SessionId

NOW = Moment(1_800_000_000_000, "boot", 0)
EUR50 = Money(5_000, "EUR")
YES = Done(Approval(EUR50, "PSP", "T", CardFacts()))


def preauthorize(n: int = 1) -> Request:
    ref = PaymentRef(f"S{n}-P1")
    return Request(RequestRef(ref), ref, Recovery.QUERY, Preauthorize(ref, str(n), EUR50, "en"))


def abort(n: int = 1) -> Request:
    ref = PaymentRef(f"S{n}-P1")
    return Request(RequestRef(f"{ref}-A"), "", Recovery.OBSERVE, AbortPreauthorization(ref, str(n), EUR50, "en"))


def capture(n: int = 1) -> Request:
    ref = RequestRef(f"S{n}-P1-C")
    body = Modify("capture", ref, "PSP", PaymentRef(f"S{n}-P1"), EUR50, Digest("00"))
    return Request(ref, "key", Recovery.RESEND_SAME_KEY, body)


def start(n: int = 1) -> Request:
    return Request(RequestRef(f"S{n}-S1"), "TAG", Recovery.OBSERVE, StartDelivery("PILE-1", n, "TAG"))


def paper(n: int = 1) -> Request:
    return Request(RequestRef(f"S{n}-R1"), "", Recovery.NEVER_AGAIN, PrintReceipt(SessionId(f"S{n}"), n, 0))


def refs(effects: Effects, requests: list[Request], at: Moment) -> list[tuple[str, bool]]:
    return [(a.request.ref, a.again) for a in effects.ready(requests, at)]


def test_a_new_request_is_attempted_at_once_and_once() -> None:
    effects = Effects(Pace())
    assert refs(effects, [capture()], NOW) == [("S1-P1-C", False)]
    assert refs(effects, [capture()], NOW.plus(900)) == []


def test_requests_of_all_kinds_run_side_by_side() -> None:
    effects = Effects(Pace())
    assert len(effects.ready([capture(1), capture(2), start(1), paper(1), preauthorize(3)], NOW)) == 5


def test_a_receipt_is_not_printed_again_while_the_news_of_its_print_waits_for_a_slow_disk() -> None:
    effects = Effects(Pace())
    effects.ready([paper()], NOW)
    effects.ended(paper(), Done(Printed("printed")), NOW)
    effects.flush(NOW)
    assert refs(effects, [paper()], NOW.plus(900)) == []
    assert effects.next_at(NOW.plus(900)) is None


def test_a_terminal_has_one_dialogue_at_a_time() -> None:
    effects = Effects(Pace())
    requests = [preauthorize(1), preauthorize(2)]
    assert refs(effects, requests, NOW) == [("S1-P1", False)]
    assert refs(effects, requests, NOW.plus(60)) == []
    effects.ended(requests[0], YES, NOW.plus(60))
    assert refs(effects, requests[1:], NOW.plus(60)) == [("S2-P1", False)]


def test_an_abort_goes_beside_the_dialogue_it_ends() -> None:
    effects = Effects(Pace())
    effects.ready([preauthorize()], NOW)
    assert refs(effects, [preauthorize(), abort()], NOW) == [("S1-P1-A", False)]


def test_a_new_dialogue_waits_until_the_old_one_was_told_to_end() -> None:
    effects = Effects(Pace())
    effects.restore([preauthorize(1)], (), NOW)
    requests = [preauthorize(1), abort(1), preauthorize(2)]
    assert refs(effects, requests, NOW) == [("S1-P1", True), ("S1-P1-A", False)]
    effects.ended(abort(1), Done(Ok()), NOW)
    assert refs(effects, [preauthorize(1), preauthorize(2)], NOW) == [("S2-P1", False)]


def test_a_question_about_an_old_dialogue_does_not_wait_for_a_new_one() -> None:
    effects = Effects(Pace())
    effects.ready([preauthorize(1)], NOW)
    effects.ended(preauthorize(1), Unknown(), NOW)
    requests = [preauthorize(1), preauthorize(2)]
    assert refs(effects, requests, NOW) == [("S2-P1", False)]
    assert refs(effects, requests, NOW.plus(5)) == [("S1-P1", True)]


def test_a_new_dialogue_does_not_wait_for_a_question() -> None:
    effects = Effects(Pace())
    effects.restore([preauthorize(1)], [], NOW)
    assert refs(effects, [preauthorize(1), preauthorize(2)], NOW) == [("S1-P1", True), ("S2-P1", False)]


def test_what_was_open_at_the_start_may_have_been_attempted() -> None:
    effects = Effects(Pace())
    requests = [preauthorize(), capture(), start()]
    effects.restore(requests, [], NOW)
    assert all(again for _, again in refs(effects, requests, NOW))


def test_an_unknown_answer_makes_the_next_attempt_one_that_asks() -> None:
    effects = Effects(Pace())
    effects.ready([preauthorize()], NOW)
    retry = effects.ended(preauthorize(), Unknown("", "reset"), NOW)
    assert retry == Retry("S1-P1", 1, NOW.utc_ms + 5_000, "Unknown: reset", NOW.utc_ms)
    assert refs(effects, [preauthorize()], NOW.plus(4)) == []
    assert refs(effects, [preauthorize()], NOW.plus(5)) == [("S1-P1", True)]


def test_an_attempt_that_was_not_sent_is_made_anew() -> None:
    effects = Effects(Pace())
    effects.ready([capture()], NOW)
    effects.ended(capture(), NotSent(), NOW)
    assert refs(effects, [capture()], NOW.plus(2)) == [("S1-P1-C", False)]


def test_once_it_may_have_arrived_it_may_have_arrived_for_ever() -> None:
    effects = Effects(Pace())
    at = NOW
    for result in (Unknown(), NotSent(), NotSent()):
        (attempt,) = effects.ready([capture()], at)
        effects.ended(capture(), result, at)
        at = at.plus(300)
    assert effects.ready([capture()], at)[0].again
    assert attempt.again


def test_questions_come_at_an_even_pace() -> None:
    effects = Effects(Pace(query_s=5))
    at = NOW
    for _ in range(6):
        assert len(effects.ready([preauthorize()], at)) == 1
        retry = effects.ended(preauthorize(), Unknown(), at)
        assert retry is not None
        assert retry.next_try - at.utc_ms == 5_000
        at = at.plus(5)


def test_everything_else_backs_off_to_a_bound() -> None:
    effects = Effects(Pace(first_s=2, most_s=300))
    at, waits = NOW, []
    for _ in range(40):
        effects.ready([capture()], at)
        retry = effects.ended(capture(), Unknown(), at)
        assert retry is not None
        waits.append((retry.next_try - at.utc_ms) // 1_000)
        at = at.plus(waits[-1])
    assert waits[:9] == [2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert set(waits[9:]) == {300}


def test_a_brown_out_loop_stays_as_slow_as_it_was() -> None:
    retry = Retry("S1-P1-C", 8, NOW.utc_ms + 120_500, "Unknown", NOW.utc_ms - 135_500)
    effects = Effects(Pace())
    effects.restore([capture()], [retry], NOW)
    assert refs(effects, [capture()], NOW.plus(120)) == []
    assert refs(effects, [capture()], NOW.plus(121)) == [("S1-P1-C", True)]
    row = effects.ended(capture(), Unknown(), NOW.plus(121))
    assert row is not None
    assert (row.attempts, row.next_try - NOW.plus(121).utc_ms) == (9, 300_000)


def test_a_wall_clock_that_fell_back_does_not_delay_an_attempt_for_days() -> None:
    retry = Retry("S1-P1-C", 3, NOW.utc_ms + 86_400_000, "Unknown", NOW.utc_ms)
    effects = Effects(Pace(most_s=300))
    effects.restore([capture()], [retry], NOW)
    assert len(effects.ready([capture()], NOW.plus(300))) == 1


def test_a_done_request_leaves_no_row_and_is_forgotten() -> None:
    for result in (Done(Ok()), Refused("rejected")):
        effects = Effects(Pace())
        effects.ready([start()], NOW)
        assert effects.ended(start(), result, NOW) is None
        effects.ready([], NOW)
        assert effects.cases == {}


def test_a_request_that_closed_while_its_attempt_ran_is_forgotten_when_it_ends() -> None:
    effects = Effects(Pace())
    effects.ready([start()], NOW)
    effects.ready([], NOW)
    assert list(effects.cases) == ["S1-S1"]
    effects.ended(start(), Unknown(), NOW)
    effects.ready([], NOW)
    assert effects.cases == {}


def test_a_request_answered_but_still_open_is_no_hot_loop() -> None:
    effects = Effects(Pace(first_s=2))
    effects.ready([start()], NOW)
    effects.ended(start(), Done(Ok()), NOW)
    assert refs(effects, [start()], NOW) == []
    assert refs(effects, [start()], NOW.plus(2)) == [("S1-S1", True)]


def test_the_next_attempt_is_known_in_advance() -> None:
    effects = Effects(Pace())
    assert effects.next_at(NOW) is None
    effects.ready([preauthorize(), capture()], NOW)
    assert effects.next_at(NOW) is None
    effects.ended(capture(), Unknown(), NOW)
    assert effects.next_at(NOW) == NOW.plus(2)
    effects.ended(preauthorize(), Unknown(), NOW)
    assert effects.next_at(NOW) == NOW.plus(2)


# --- the queue to the acquirer ------------------------------------------------------------------------------------------------


def due_in(n: int, hours: int) -> Request:
    """Capture `n`, asked for ten seconds ago, that must be through within `hours`."""
    return replace(capture(n), since=NOW.plus(-10), deadline=NOW.plus(hours * 3_600))


AWAY = NotSent("the acquirer cannot be reached")
TAKEN = Done(Accepted("PSP-2"))


def outage(effects: Effects, requests: list[Request]) -> None:
    """Every one of `requests` was tried once and found nobody."""
    for attempt in effects.ready(requests, NOW):
        effects.ended(attempt.request, AWAY, NOW)


def test_the_acquirers_requests_go_out_in_the_order_of_their_deadlines() -> None:
    effects = Effects(Pace())
    requests = [capture(4), due_in(1, 19), start(5), due_in(2, 3), due_in(3, 7)]
    assert [ref for ref, _ in refs(effects, requests, NOW)] == ["S5-S1", "S2-P1-C", "S3-P1-C", "S1-P1-C", "S4-P1-C"]


def test_in_an_outage_one_request_tries_at_a_time_and_the_most_urgent_first() -> None:
    effects = Effects(Pace())
    requests = [due_in(1, 19), due_in(2, 3), due_in(3, 7)]
    outage(effects, requests)
    assert effects.next_at(NOW) == NOW.plus(2)
    assert refs(effects, requests, NOW.plus(1)) == []
    assert refs(effects, requests, NOW.plus(2)) == [("S2-P1-C", False)]
    assert refs(effects, requests, NOW.plus(60)) == []
    assert effects.next_at(NOW.plus(60)) is None


def test_in_an_outage_other_far_ends_are_served() -> None:
    effects = Effects(Pace())
    outage(effects, [due_in(1, 19)])
    assert [ref for ref, _ in refs(effects, [due_in(1, 19), start(2), paper(3)], NOW.plus(1))] == ["S2-S1", "S3-R1"]


def test_in_an_outage_the_waits_between_two_tries_grow() -> None:
    effects, requests, at, waits = Effects(Pace(most_s=16)), [due_in(1, 19), due_in(2, 3)], NOW, []
    outage(effects, requests)
    for _ in range(5):
        due = effects.next_at(at)
        assert due is not None
        waits.append(at.ms_until(due) // 1_000)
        at = due
        (attempt,) = effects.ready(requests, at)
        effects.ended(attempt.request, AWAY, at)
    assert waits == [2, 4, 8, 16, 16]


def test_when_one_goes_through_all_others_follow_at_once() -> None:
    effects = Effects(Pace())
    requests = [due_in(1, 19), due_in(2, 3), due_in(3, 7)]
    outage(effects, requests)
    (probe,) = effects.ready(requests, NOW.plus(2))
    effects.ended(probe.request, TAKEN, NOW.plus(2))
    assert effects.next_at(NOW.plus(2)) == NOW.plus(6)  # of the one that is through, should it be left open
    assert refs(effects, [requests[0], requests[2]], NOW.plus(2)) == [("S3-P1-C", False), ("S1-P1-C", False)]


def test_a_request_the_acquirer_never_takes_does_not_stop_the_rest() -> None:
    effects, requests = Effects(Pace()), [due_in(1, 1), due_in(2, 19)]
    for attempt in effects.ready(requests[:1], NOW):
        effects.ended(attempt.request, NotSent("the acquirer failed (500)"), NOW)
    assert refs(effects, requests, NOW.plus(2)) == [("S2-P1-C", False)]


def test_a_lost_answer_is_no_outage() -> None:
    effects, requests = Effects(Pace()), [due_in(1, 19), due_in(2, 3)]
    for attempt in effects.ready(requests[:1], NOW):
        effects.ended(attempt.request, Unknown(detail="no answer"), NOW)
    assert refs(effects, requests, NOW.plus(2)) == [("S2-P1-C", False), ("S1-P1-C", True)]


def test_an_outage_outlives_a_restart() -> None:
    effects, requests = Effects(Pace()), [due_in(1, 19), due_in(2, 3)]
    rows = [Retry(r.ref, 4, NOW.utc_ms - 1_000, "NotSent: the acquirer cannot be reached", NOW.utc_ms - 9_000) for r in requests]
    effects.restore(requests, rows, NOW)
    assert refs(effects, requests, NOW) == [("S2-P1-C", True)]


def test_the_queue_tells_people_how_each_request_stands() -> None:
    effects, requests = Effects(Pace()), [due_in(1, 19), due_in(2, 3), abort(3)]
    outage(effects, requests)
    first, second, third = effects.queue(NOW.plus(1))
    assert first == Queued(
        ref=requests[1].ref,
        kind="Modify",
        operation="capture",
        amount=EUR50,
        age_s=11,
        attempts=1,
        words="NotSent: the acquirer cannot be reached",
        next_s=1,
        deadline=requests[1].deadline,
    )
    assert (second.ref, third.ref, third.operation, third.deadline) == (requests[0].ref, requests[2].ref, "", None)


def test_the_queue_is_the_same_after_a_restart() -> None:
    before, after, requests = Effects(Pace()), Effects(Pace()), [due_in(1, 19), due_in(2, 3)]
    rows = [row for a in before.ready(requests, NOW) if (row := before.ended(a.request, AWAY, NOW)) is not None]
    after.restore(requests, rows, NOW)
    assert after.queue(NOW) == before.queue(NOW)


def test_a_flush_makes_everything_due_and_forgets_no_attempt() -> None:
    effects, requests = Effects(Pace()), [due_in(1, 19), due_in(2, 3), start(3)]
    outage(effects, requests)
    effects.flush(NOW)
    assert {row.next_s for row in effects.queue(NOW)} == {0}
    assert {row.attempts for row in effects.queue(NOW)} == {1}
    assert refs(effects, requests, NOW) == [("S3-S1", False), ("S2-P1-C", False)]


def test_a_flush_makes_nothing_run_twice() -> None:
    effects, requests = Effects(Pace()), [due_in(1, 19)]
    assert len(effects.ready(requests, NOW)) == 1
    effects.flush(NOW)
    assert effects.ready(requests, NOW) == ()
