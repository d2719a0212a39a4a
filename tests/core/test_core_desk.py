"""The desk: one dialogue at a time, and no card is asked for that nobody can see."""

from __future__ import annotations

import pytest
from core_bed import APPROVED, HandClock, Terminal

from hardware.api import AnswerLost, Declined, DeclineReason, DialogueState, EventKind, NotSent, TerminalEvent
from kiosk.core.desk import Desk
from kiosk.session import inputs as i
from kiosk.session.requests import AbortPreauthorization, Preauthorize
from kiosk.values import Digest, Money, PaymentRef

BODY = Preauthorize(PaymentRef("K417-S-P1"), "77", Money(5_000, "EUR"), "de")
LET_GO = AbortPreauthorization(BODY.payment, BODY.service_id, BODY.amount, BODY.language)


class Ids:
    def service_id(self) -> str:
        return "Q1"


def a_desk(terminal: Terminal, clock: HandClock | None = None, real: HandClock | None = None) -> Desk:
    desk = Desk(terminal, clock or HandClock(), real or HandClock(), Ids(), lambda raw: Digest(f"keyed {len(raw)}"))
    desk.screen_seen()
    return desk


async def test_the_order_is_the_one_that_was_journalled() -> None:
    terminal = Terminal()
    await a_desk(terminal).preauthorize(BODY)
    ((what, order),) = terminal.asked
    assert what == "preauthorize"
    assert (order.reference, order.service_id, order.amount, order.language) == (BODY.payment, "77", BODY.amount, "de")


async def test_a_yes_carries_what_a_receipt_may_say_and_the_card_only_as_a_digest() -> None:
    result = await a_desk(Terminal([APPROVED])).preauthorize(BODY)
    assert result == i.Done(i.Approval(Money(5_000, "EUR"), "PSP1", "T.PSP1", i.CardFacts("mc", "4821", recognition=Digest("keyed 5"))))
    assert "PAR-1" not in repr(result)


@pytest.mark.parametrize("reason", DeclineReason)
async def test_every_no_is_a_refusal_with_its_reason(reason: DeclineReason) -> None:
    assert await a_desk(Terminal([Declined(reason, "why")])).preauthorize(BODY) == i.Refused(reason.value, "why")


async def test_a_terminal_that_cannot_be_reached_was_not_asked() -> None:
    assert await a_desk(Terminal([NotSent("no route")])).preauthorize(BODY) == i.NotSent("no route")


async def test_a_lost_answer_is_unknown() -> None:
    assert await a_desk(Terminal([AnswerLost("reset")])).preauthorize(BODY) == i.Unknown(detail="reset")


@pytest.mark.parametrize(("age", "asked"), [(0, True), (3, True), (4, False), (3_600, False)])
async def test_no_card_is_asked_for_while_the_screen_is_stale(age: int, asked: bool) -> None:
    terminal, real = Terminal(), HandClock()
    desk = a_desk(terminal, real=real)
    real.pass_(age)
    result = await desk.preauthorize(BODY)
    assert bool(terminal.asked) is asked
    assert isinstance(result, i.NotSent) is not asked


async def test_no_card_is_asked_for_before_any_screen_was_seen() -> None:
    terminal = Terminal()
    desk = Desk(terminal, HandClock(), HandClock(), Ids(), Digest)
    assert isinstance(await desk.preauthorize(BODY), i.NotSent)
    assert terminal.asked == []


async def test_the_screen_is_watched_on_real_time_however_fast_the_product_runs() -> None:
    clock, real = HandClock(), HandClock()
    desk = a_desk(Terminal(), clock, real)
    clock.pass_(600)
    assert desk.screen_fresh()


async def test_questions_and_aborts_need_no_screen() -> None:
    terminal, real = Terminal([Declined(DeclineReason.ABORTED), Declined(DeclineReason.ABORTED)]), HandClock()
    desk = a_desk(terminal, real=real)
    real.pass_(60)
    await desk.query(BODY)
    await desk.abort(LET_GO)
    assert [what for what, _ in terminal.asked] == ["status Q1", "abort Q1"]
    assert [order.service_id for _, order in terminal.asked] == ["77", "77"]


@pytest.mark.parametrize("state", DialogueState)
async def test_a_question_without_a_result_says_why(state: DialogueState) -> None:
    assert await a_desk(Terminal([state])).query(BODY) == i.Unknown(hint=state.value)


@pytest.mark.parametrize("error", [NotSent("no route"), AnswerLost("reset")])
async def test_a_question_that_gets_no_answer_leaves_it_unknown(error: Exception) -> None:
    assert await a_desk(Terminal([error])).query(BODY) == i.Unknown(detail=str(error))


async def test_a_question_may_bring_the_yes() -> None:
    assert isinstance(await a_desk(Terminal([APPROVED])).query(BODY), i.Done)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (APPROVED, i.Done(i.Ok())),
        (NotSent("no route"), i.NotSent("no route")),
        (AnswerLost("reset"), i.Unknown(detail="reset")),
    ],
)
async def test_an_abort_tells_only_whether_it_was_heard(answer: object, result: i.Result) -> None:
    assert await a_desk(Terminal([answer])).abort(LET_GO) == result


@pytest.mark.parametrize(
    ("events", "dialogue"),
    [
        ([], "card"),
        ([TerminalEvent(EventKind.READY, "", "77")], "card"),
        ([TerminalEvent(EventKind.CARD_PRESENTED, "", "77")], "bank"),
        ([TerminalEvent(EventKind.PIN_ENTERED, "", "77")], "bank"),
        ([TerminalEvent(EventKind.CARD_PRESENTED, "", "77"), TerminalEvent(EventKind.ANOTHER_CARD, "", "77")], "card"),
        ([TerminalEvent(EventKind.CARD_PRESENTED, "", "77"), TerminalEvent(EventKind.ANOTHER_CARD, "")], "card"),
        ([TerminalEvent(EventKind.CARD_PRESENTED, "", "76")], "card"),
        ([TerminalEvent(EventKind.CARD_PRESENTED, "")], "card"),
    ],
)
async def test_what_the_terminal_tells_of_this_dialogue_is_followed_and_of_no_other(events: list[TerminalEvent], dialogue: str) -> None:
    seen = []
    terminal = Terminal()
    desk = a_desk(terminal)

    async def told() -> None:
        for event in events:
            desk.heard(event)
        seen.append(desk.dialogue)

    terminal.meanwhile = told
    await desk.preauthorize(BODY)
    assert seen == [dialogue]


async def test_news_after_the_dialogue_is_none() -> None:
    desk = a_desk(Terminal())
    await desk.preauthorize(BODY)
    desk.heard(TerminalEvent(EventKind.CARD_PRESENTED, "", "77"))
    assert desk.dialogue == ""


async def test_a_dialogue_that_breaks_is_over() -> None:
    desk = a_desk(Terminal([AnswerLost("reset")]))
    await desk.preauthorize(BODY)
    assert desk.dialogue == ""
