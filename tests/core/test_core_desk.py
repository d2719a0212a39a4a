"""The desk: one dialogue at a time, and no card is asked for that nobody can see."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import logging
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from core_bed import APPROVED, HandClock, Terminal, settle

from hardware.api import (
    AnswerLost,
    Approved,
    Card,
    Declined,
    DeclineReason,
    DialogueState,
    EventKind,
    Farewell,
    IdentifyOrder,
    NotSent,
    PreauthorizationOrder,
    TerminalEvent,
    TerminalHealth,
)
from hardware.simulated.models.terminal import Answer, Delivery, Fault, TerminalModel, TerminalState
from hardware.simulated.models.terminal_wire import CARDS, CardKind
from hardware.terminals.adyen import answers, messages
from hardware.terminals.adyen.messages import Opened
from kiosk.core.desk import Away, Desk, NoCard, Recognition, Seen, Unrecognisable
from kiosk.session import inputs as i
from kiosk.session.requests import AbortPreauthorization, Preauthorize
from kiosk.values import Digest, Money, PaymentRef

T = TypeVar("T")
BODY = Preauthorize(PaymentRef("K417-S-P1"), "77", Money(5_000, "EUR"), "de")
LET_GO = AbortPreauthorization(BODY.payment, BODY.service_id, BODY.amount, BODY.language)


class Ids:
    def service_id(self) -> str:
        return "Q1"

    def recognition(self, raw: str) -> Digest:
        return Digest(f"known {len(raw)}")


def a_desk(terminal: Terminal, clock: HandClock | None = None, real: HandClock | None = None) -> Desk:
    desk = Desk(terminal, clock or HandClock(), real or HandClock(), Ids(), lambda raws: Digest(f"keyed {len(raws[0])}"))
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


# --- a card that is only recognised -------------------------------------------------------------------------------------------------

POI_ID, SALE_ID = "S1U2-000158215131748", "K417"


class Far:
    """The simulated terminal, its wire and its people, on a clock that only the test moves. It outlives the desks that use it."""

    def __init__(self, **model: Any) -> None:
        self.model = TerminalModel(POI_ID, random.Random(5), **model)
        self.clock = HandClock()
        self.service_ids = itertools.count(1)
        self.requests: list[str] = []
        self.away: set[str] = set()  # categories whose next request cannot be sent
        self._waiting: dict[int, asyncio.Future[Answer]] = {}

    # --- the port -----------------------------------------------------------------------------------------------------------------

    async def preauthorize(self, order: PreauthorizationOrder) -> Approved | Declined:
        return answers.preauthorized(await self._ask(messages.payment(order, SALE_ID, POI_ID)), order)

    async def status(self, order: PreauthorizationOrder, service_id: str) -> Approved | Declined | DialogueState:
        request = messages.transaction_status(order, service_id, SALE_ID, POI_ID)
        return answers.status(await self._ask(request), order, request)

    async def abort(self, order: PreauthorizationOrder | IdentifyOrder, service_id: str) -> None:
        await self._exchange(messages.abort(order, service_id, SALE_ID, POI_ID))

    async def identify(self, order: IdentifyOrder) -> Card | Declined:
        return answers.identified(await self._ask(messages.card_acquisition(order, SALE_ID, POI_ID)), order)

    async def release(self, service_id: str, farewell: Farewell) -> Declined | None:
        return answers.released(await self._ask(messages.release(service_id, farewell, SALE_ID, POI_ID)))

    async def diagnose(self, service_id: str) -> TerminalHealth:
        try:
            return answers.health(await self._ask(messages.diagnosis(service_id, SALE_ID, POI_ID)))
        except (NotSent, AnswerLost) as error:
            return TerminalHealth(False, str(error), host=False)

    async def _ask(self, request: messages.Request) -> messages.Json:
        answer = await self._exchange(request)
        return answers.body_of(Opened(answer.message or {}, sealed=True), request)

    async def _exchange(self, request: messages.Request) -> Answer:
        if request.category in self.away or not self.model.reachable(self._now):
            self.away.discard(request.category)
            raise NotSent("no route")
        self.requests.append(request.category)
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[self.model.request(request.message(), self._now)] = answered
        self._pump()
        answer = await answered
        if answer.delivery is Delivery.DROPPED:
            raise AnswerLost(f"{request.category}: reset")
        return answer

    # --- people and time ----------------------------------------------------------------------------------------------------------

    async def passes(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.pass_(1)
            self._pump()
            await settle()

    async def presented(self, kind: CardKind = CardKind.GOOD) -> None:
        assert self.model.present_card(kind, self._now)
        await self.passes(2)

    @property
    def state(self) -> TerminalState:
        return self.model.state(self._now)

    @property
    def _now(self) -> int:
        return self.clock.now().utc_ms

    def _pump(self) -> None:
        for answer in self.model.advance(self._now):
            waiting = self._waiting.pop(answer.ticket, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)


class FarIds:
    """Ids as the kiosk has them: capitals and digits, never twice; `far` counts across restarts as the journal does."""

    def __init__(self, far: Far) -> None:
        self._far = far

    def service_id(self) -> str:
        return f"S{next(self._far.service_ids)}"

    def recognition(self, raw: str) -> Digest:
        return Digest(hmac.digest(b"kiosk", raw.encode(), "sha256").hex())


def desk_at(far: Far, real: HandClock | None = None) -> Desk:
    desk = Desk(far, far.clock, real or HandClock(), FarIds(far), lambda raws: Digest(f"keyed {len(raws[0])}"))
    desk.screen_seen()
    return desk


async def begun(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    task = asyncio.create_task(work)
    await settle()
    return task


def body(service_id: str = "77") -> Preauthorize:
    return Preauthorize(PaymentRef(f"K417-S-P{service_id}"), service_id, Money(5_000, "EUR"), "de")


async def identified(far: Far, desk: Desk, kind: CardKind) -> Recognition:
    waiting = await begun(desk.identify("de"))
    await far.presented(kind)
    return await waiting


async def test_the_same_card_is_seen_the_same_and_another_is_not() -> None:
    far = Far()
    desk = desk_at(far)
    first, again, other = [await identified(far, desk, kind) for kind in (CardKind.GOOD, CardKind.GOOD, CardKind.OTHER)]
    assert isinstance(first, Seen)
    assert isinstance(other, Seen)
    assert first == again
    assert not set(first.by) & set(other.by)


async def test_a_phone_with_the_card_in_it_is_known_by_the_account_they_share() -> None:
    far = Far()
    desk = desk_at(far)
    plastic, phone = await identified(far, desk, CardKind.GOOD), await identified(far, desk, CardKind.WALLET)
    assert isinstance(plastic, Seen)
    assert isinstance(phone, Seen)
    assert phone.by == plastic.by[:1]


async def test_a_card_without_an_account_reference_is_known_by_its_alias() -> None:
    far = Far()
    seen = await identified(far, desk_at(far), CardKind.ALIAS_ONLY)
    assert seen == Seen((FarIds(far).recognition(CARDS[CardKind.ALIAS_ONLY].alias),))


async def test_a_card_with_nothing_to_know_it_by_is_told_so_and_sent_off_as_declined() -> None:
    far = Far()
    assert await identified(far, desk_at(far), CardKind.ANONYMOUS) == Unrecognisable()
    assert far.model.farewell == "DeclinedAnimated"


async def test_an_identification_is_finished_at_the_terminal_and_books_nothing() -> None:
    far = Far()
    assert isinstance(await identified(far, desk_at(far), CardKind.GOOD), Seen)
    assert far.model.farewell == "AcceptedAnimated"
    assert far.state is TerminalState.DONE
    assert far.model.book == []
    assert far.requests == ["CardAcquisition", "EnableService"]


async def test_what_a_card_is_known_by_is_nowhere_in_clear(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    far = Far()
    desk = desk_at(far)
    far.model.fault(Fault.LOSE_ANSWER, "EnableService")
    seen = await identified(far, desk, CardKind.GOOD)
    card = CARDS[CardKind.GOOD]
    for secret in (card.account_reference, card.alias):
        assert secret not in repr(seen) + caplog.text + repr(vars(desk))
    assert card.account_reference not in repr(Card(recognition=card.account_reference, alias=card.alias))


async def test_the_dialogue_is_told_and_its_card_goes_to_no_bank() -> None:
    far = Far()
    desk = desk_at(far)
    waiting = await begun(desk.identify("de"))
    assert desk.dialogue == "identify"
    desk.heard(TerminalEvent(EventKind.CARD_PRESENTED, "", desk._running))
    assert desk.dialogue == "identify"
    await far.presented()
    await waiting
    assert desk.dialogue == ""


async def test_nobody_is_recognised_while_the_screen_is_away() -> None:
    far, real = Far(), HandClock()
    desk = desk_at(far, real)
    real.pass_(4)
    assert isinstance(await desk.identify("de"), Away)
    assert far.requests == []


async def test_nobody_with_a_card_is_no_card() -> None:
    far = Far()
    waiting = await begun(desk_at(far).identify("de"))
    await far.passes(60)
    assert await waiting == NoCard("no_card")


async def test_the_red_key_ends_it() -> None:
    far = Far()
    waiting = await begun(desk_at(far).identify("de"))
    far.model.press_cancel(far.clock.now().utc_ms)
    await far.passes(1)
    assert await waiting == NoCard("cancelled")
    assert far.requests == ["CardAcquisition"]


async def test_a_driver_who_leaves_ends_it() -> None:
    far = Far()
    desk = desk_at(far)
    waiting = await begun(desk.identify("de"))
    await desk.leave()
    assert await waiting == NoCard("aborted")
    assert far.state is not TerminalState.PRESENT_CARD
    await desk.leave()


async def test_one_identification_at_a_time() -> None:
    far = Far()
    desk = desk_at(far)
    waiting = await begun(desk.identify("de"))
    assert isinstance(await desk.identify("de"), Away)
    await far.presented()
    assert isinstance(await waiting, Seen)


async def test_nobody_is_recognised_while_a_sale_has_the_terminal() -> None:
    far = Far()
    desk = desk_at(far)
    paying = await begun(desk.preauthorize(body()))
    assert isinstance(await desk.identify("de"), Away)
    await far.presented()
    assert isinstance(await paying, i.Done)


async def test_a_sale_goes_before_an_identification() -> None:
    far = Far()
    desk = desk_at(far)
    waiting = await begun(desk.identify("de"))
    paying = await begun(desk.preauthorize(body()))
    assert await waiting == NoCard("aborted")
    assert desk.dialogue == "card"
    await far.presented()
    assert isinstance(await paying, i.Done)
    assert len(far.model.book) == 1


async def test_a_sale_waits_until_a_card_that_was_read_is_let_go() -> None:
    far = Far()
    desk = desk_at(far)
    waiting = await begun(desk.identify("de"))
    far.model.present_card(CardKind.GOOD, far.clock.now().utc_ms)
    paying = await begun(desk.preauthorize(body()))
    await far.passes(1)
    assert isinstance(await waiting, Seen)
    await settle()
    assert far.state is TerminalState.PRESENT_CARD
    await far.presented()
    assert isinstance(await paying, i.Done)


async def test_a_sale_let_go_while_it_waits_for_the_terminal_never_asks_for_a_card() -> None:
    far = Far()
    desk = desk_at(far)
    waiting = await begun(desk.identify("de"))
    far.model.present_card(CardKind.GOOD, far.clock.now().utc_ms)
    paying = await begun(desk.preauthorize(body()))
    assert await desk.abort(AbortPreauthorization(body().payment, "77", body().amount, "de")) == i.Done(i.Ok())
    await far.passes(1)
    await waiting
    result = await paying
    assert isinstance(result, i.Refused)
    assert result.code == "aborted"
    assert "Payment" not in far.requests


async def test_an_abort_that_was_lost_is_said_again() -> None:
    far = Far()
    desk = desk_at(far)
    waiting = await begun(desk.identify("de"))
    far.model.fault(Fault.LOSE_REQUEST, "Abort")
    paying = await begun(desk.preauthorize(body()))
    assert await waiting == NoCard("aborted")
    await far.presented()
    assert isinstance(await paying, i.Done)


async def test_a_sale_is_not_sent_while_the_terminal_cannot_be_told_to_stop_recognising() -> None:
    far = Far()
    desk = desk_at(far)
    waiting = await begun(desk.identify("de"))
    far.model.fault(Fault.LOSE_REQUEST, "Abort")
    far.model.fault(Fault.LOSE_REQUEST, "Abort")
    assert isinstance(await desk.preauthorize(body()), i.NotSent)
    await far.presented()
    assert isinstance(await waiting, Seen)


async def test_no_card_is_asked_for_when_the_screen_went_away_while_the_terminal_was_made_free() -> None:
    far, real = Far(), HandClock()
    desk = desk_at(far, real)
    waiting = await begun(desk.identify("de"))
    far.model.present_card(CardKind.GOOD, far.clock.now().utc_ms)
    paying = await begun(desk.preauthorize(body()))
    real.pass_(4)
    await far.passes(1)
    await waiting
    assert isinstance(await paying, i.NotSent)
    assert "Payment" not in far.requests


@pytest.mark.parametrize("fault", [Fault.LOSE_REQUEST, Fault.LOSE_ANSWER])
async def test_an_identification_whose_answer_is_lost_leaves_the_terminal_free(fault: Fault) -> None:
    far = Far()
    desk = desk_at(far)
    far.model.fault(fault, "CardAcquisition")
    waiting = await begun(desk.identify("de"))
    if fault is Fault.LOSE_ANSWER:
        await far.presented()
    assert isinstance(await waiting, Away)
    assert far.state not in (TerminalState.PRESENT_CARD, TerminalState.ONE_MOMENT)
    assert isinstance(await identified(far, desk, CardKind.GOOD), Seen)


async def test_a_request_that_arrives_after_it_was_given_up_is_ended_before_the_next_sale_is_kept_out() -> None:
    far = Far()
    desk = desk_at(far)
    far.model.fault(Fault.LATE_REQUEST, "CardAcquisition")
    assert isinstance(await desk.identify("de"), Away)
    await far.passes(11)
    assert far.state is TerminalState.PRESENT_CARD
    result = await desk.preauthorize(body())
    assert isinstance(result, i.Refused)
    assert result.code == "busy"
    assert far.state is not TerminalState.PRESENT_CARD
    paying = await begun(desk.preauthorize(body("78")))
    await far.presented()
    assert isinstance(await paying, i.Done)


async def test_a_terminal_that_cannot_be_reached_owes_nothing() -> None:
    far = Far()
    desk = desk_at(far)
    far.away.add("CardAcquisition")
    assert isinstance(await desk.identify("de"), Away)
    assert far.requests == []
    paying = await begun(desk.preauthorize(body()))
    assert far.requests == ["Payment"]
    await far.presented()
    await paying


@pytest.mark.parametrize("how", ["lost", "not sent"])
async def test_a_card_that_was_not_let_go_is_let_go_before_the_next_sale(how: str) -> None:
    far = Far()
    desk = desk_at(far)
    if how == "lost":
        far.model.fault(Fault.LOSE_REQUEST, "EnableService")
    else:
        far.away.add("EnableService")
    assert isinstance(await identified(far, desk, CardKind.GOOD), Seen)
    assert far.state is TerminalState.ONE_MOMENT
    paying = await begun(desk.preauthorize(body()))
    await far.presented()
    assert isinstance(await paying, i.Done)


@pytest.mark.parametrize("fault", [Fault.REBOOT, Fault.REBOOT_FORGETTING])
async def test_a_terminal_that_reboots_with_a_card_in_its_hands_is_free_afterwards(fault: Fault) -> None:
    far = Far()
    desk = desk_at(far)
    far.model.fault(fault, "CardAcquisition")
    waiting = await begun(desk.identify("de"))
    await far.presented()
    assert isinstance(await waiting, Away)
    await far.passes(30)
    paying = await begun(desk.preauthorize(body()))
    await far.presented()
    assert isinstance(await paying, i.Done)
    assert len(far.model.book) == 1


@pytest.mark.parametrize("read", [False, True], ids=["waiting for a card", "card read"])
async def test_a_new_core_ends_what_the_last_one_left_and_the_sale_after_that_is_served(read: bool) -> None:
    far = Far()
    lost = await begun(Far.identify(far, IdentifyOrder("iS1", "iS1", "de", 0)))
    if read:
        await far.presented()
    lost.cancel()
    desk = desk_at(far)
    result = await desk.preauthorize(body())
    assert isinstance(result, i.Refused)
    assert result.code == "busy"
    assert far.state not in (TerminalState.PRESENT_CARD, TerminalState.ONE_MOMENT)
    paying = await begun(desk.preauthorize(body("78")))
    await far.presented()
    assert isinstance(await paying, i.Done)


@pytest.mark.parametrize("read", [False, True], ids=["waiting for a card", "card read"])
async def test_a_new_cores_first_look_at_the_terminal_ends_what_the_last_one_left(read: bool) -> None:
    far = Far()
    lost = await begun(Far.identify(far, IdentifyOrder("iS1", "iS1", "de", 0)))
    if read:
        await far.presented()
    lost.cancel()
    desk = desk_at(far)
    assert (await desk.health()).ok
    paying = await begun(desk.preauthorize(body()))
    await far.presented()
    assert isinstance(await paying, i.Done)


async def test_a_payment_the_last_core_left_is_not_touched_by_the_first_look() -> None:
    far = Far()
    order = PreauthorizationOrder("K417-S-P1", "S0", Money(5_000, "EUR"), "de", 0)
    lost = await begun(Far.preauthorize(far, order))
    lost.cancel()
    assert (await desk_at(far).health()).busy
    await far.presented()
    assert len(far.model.book) == 1


async def test_a_core_that_is_stopped_ends_what_it_began() -> None:
    far = Far()
    waiting = await begun(desk_at(far).identify("de"))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert far.state is not TerminalState.PRESENT_CARD


# --- how the terminal is ------------------------------------------------------------------------------------------------------------


async def test_health_tells_whether_the_host_can_be_reached() -> None:
    far = Far()
    desk = desk_at(far)
    assert await desk.health() == TerminalHealth(True, "ready")
    far.model.fault(Fault.HOST_AWAY)
    health = await desk.health()
    assert health.ok
    assert not health.host
    far.model.fault(Fault.HOST_BACK)
    assert (await desk.health()).host


async def test_a_terminal_that_cannot_be_asked_is_not_well() -> None:
    far = Far()
    far.away.add("Diagnosis")
    health = await desk_at(far).health()
    assert not health.ok
    assert not health.host


@pytest.mark.parametrize("what", ["sale", "identify"])
async def test_health_never_disturbs_a_dialogue_and_takes_it_for_life(what: str) -> None:
    far = Far()
    desk = desk_at(far)
    running = await begun(desk.preauthorize(body()) if what == "sale" else desk.identify("de"))
    health = await desk.health()
    assert health.ok
    assert health.busy
    assert "Diagnosis" not in far.requests
    await far.presented()
    await running


async def test_a_sale_waits_for_the_terminals_word_on_its_health() -> None:
    far = Far()
    desk = desk_at(far)
    far.model.fault(Fault.DELAY_ANSWER, "Diagnosis")
    asking = await begun(desk.health())
    also = await begun(desk.health())
    paying = await begun(desk.preauthorize(body()))
    assert far.requests == ["Diagnosis"]
    await far.passes(30)
    assert await asking == await also
    assert far.state is TerminalState.PRESENT_CARD
    await far.presented()
    assert isinstance(await paying, i.Done)
