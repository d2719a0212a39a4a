"""Effects: which request is attempted when, and what a restart may assume."""

from __future__ import annotations

from kiosk.core.effects import Effects, Pace
from kiosk.journal.state import Retry
from kiosk.session.inputs import Approval, CardFacts, Done, NotSent, Ok, Refused, Unknown
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
