"""The simulated terminal without I/O: dialogues, time, memory and faults, all repeatable."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest

from hardware.api import Approved, Card, Declined, DeclineReason, DialogueState, Farewell, IdentifyOrder, PreauthorizationOrder
from hardware.simulated.models.terminal import (
    AUTHORIZING_MS,
    CARD_WAIT_MS,
    DELAY_MS,
    LATE_MS,
    MEMORY_MS,
    READING_MS,
    REBOOT_MS,
    Answer,
    Delivery,
    Fault,
    TerminalModel,
    TerminalState,
)
from hardware.simulated.models.terminal_wire import Authorization, CardKind
from hardware.terminals.adyen import answers, messages
from hardware.terminals.adyen.messages import Opened
from kiosk.values import Money

POI_ID = "S1U2-000158215131748"
SALE_ID = "Kiosk1"
NOW = 1_790_000_000_000


def order(service_id: str = "A1", minor: int = 4_000, reference: str = "pp-1") -> PreauthorizationOrder:
    return PreauthorizationOrder(reference, service_id, Money(minor, "EUR"), "en", NOW)


class Kiosk:
    """A kiosk that speaks to the model directly, in milliseconds of its own."""

    def __init__(self, **model: Any) -> None:
        self.learned: list[Authorization] = []
        self.model = TerminalModel(POI_ID, random.Random(1), on_authorized=self.learned.append, **model)
        self.now = NOW
        self.answers: dict[int, Answer] = {}

    def after(self, ms: int) -> None:
        self.now += ms
        self._collect()

    def pay(self, asked: PreauthorizationOrder) -> int:
        return self._send(messages.payment(asked, SALE_ID, POI_ID))

    def abort(self, asked: PreauthorizationOrder, service_id: str = "A8") -> int:
        return self._send(messages.abort(asked, service_id, SALE_ID, POI_ID))

    def present(self, kind: CardKind) -> bool:
        presented = self.model.present_card(kind, self.now)
        self._collect()
        return presented

    def outcome(self, ticket: int, asked: PreauthorizationOrder) -> Approved | Declined:
        return answers.preauthorized(self._body(ticket, messages.payment(asked, SALE_ID, POI_ID)), asked)

    def status(self, asked: PreauthorizationOrder, service_id: str = "A9") -> Approved | Declined | DialogueState:
        request = messages.transaction_status(asked, service_id, SALE_ID, POI_ID)
        return answers.status(self._body(self._send(request), request), asked, request)

    def _send(self, request: messages.Request) -> int:
        ticket = self.model.request(request.message(), self.now)
        self._collect()
        return ticket

    def _body(self, ticket: int, request: messages.Request) -> messages.Json:
        message = self.answers[ticket].message
        assert message is not None
        return answers.body_of(Opened(message, sealed=True), request)

    def _collect(self) -> None:
        self.answers |= {answer.ticket: answer for answer in self.model.advance(self.now)}


def paid(kiosk: Kiosk, asked: PreauthorizationOrder, kind: CardKind = CardKind.GOOD) -> Approved | Declined:
    ticket = kiosk.pay(asked)
    kiosk.present(kind)
    kiosk.after(AUTHORIZING_MS)
    return kiosk.outcome(ticket, asked)


# --- one payment ----------------------------------------------------------------------------------------------------------------------


def test_a_payment_goes_from_card_to_authorization_to_done_to_idle() -> None:
    kiosk = Kiosk()
    seen = [kiosk.model.state(kiosk.now)]
    ticket = kiosk.pay(order())
    seen.append(kiosk.model.state(kiosk.now))
    kiosk.present(CardKind.GOOD)
    seen.append(kiosk.model.state(kiosk.now))
    kiosk.after(AUTHORIZING_MS)
    seen.append(kiosk.model.state(kiosk.now))
    kiosk.after(10_000)
    seen.append(kiosk.model.state(kiosk.now))
    assert seen == [
        TerminalState.IDLE,
        TerminalState.PRESENT_CARD,
        TerminalState.AUTHORIZING,
        TerminalState.DONE,
        TerminalState.IDLE,
    ]
    assert isinstance(kiosk.outcome(ticket, order()), Approved)


def test_the_answer_comes_when_the_host_has_decided_and_not_before() -> None:
    kiosk = Kiosk()
    ticket = kiosk.pay(order())
    kiosk.after(5_000)
    kiosk.present(CardKind.GOOD)
    kiosk.after(AUTHORIZING_MS - 1)
    assert ticket not in kiosk.answers
    assert kiosk.model.next_due() == kiosk.now + 1
    kiosk.after(1)
    assert kiosk.answers[ticket].delivery is Delivery.SEALED


def test_the_acquirer_learns_what_was_approved_and_nothing_else() -> None:
    kiosk = Kiosk()
    outcome = paid(kiosk, order())
    paid(kiosk, order("A2"), CardKind.DECLINING)
    paid(kiosk, order("A3", 4_124))
    assert isinstance(outcome, Approved)
    (record,) = kiosk.learned
    assert kiosk.model.book == [record]
    assert (record.merchant_reference, record.psp_reference, record.amount) == ("pp-1", outcome.psp_reference, Money(4_000, "EUR"))
    assert record.preauth
    assert record.manual_capture


@pytest.mark.parametrize(("asked", "granted"), [(4_000, 2_000), (4_001, 2_001), (1, 1)])
def test_a_partial_card_is_granted_half(asked: int, granted: int) -> None:
    kiosk = Kiosk()
    outcome = paid(kiosk, order(minor=asked), CardKind.PARTIAL)
    assert isinstance(outcome, Approved)
    assert outcome.authorized == Money(granted, "EUR") == kiosk.learned[0].amount
    assert kiosk.learned[0].requested == Money(asked, "EUR")


def test_the_same_card_is_recognised_again_also_in_a_phone_and_a_wallet_has_no_alias() -> None:
    kiosk = Kiosk()
    kinds = (CardKind.GOOD, CardKind.GOOD, CardKind.WALLET, CardKind.OTHER)
    outcomes = [paid(kiosk, order(f"A{index}"), kind) for index, kind in enumerate(kinds)]
    first, second, wallet, other = (outcome.card for outcome in outcomes if isinstance(outcome, Approved))
    assert first.recognition == second.recognition == wallet.recognition != other.recognition
    assert first.alias == second.alias != ""
    assert wallet.alias == ""
    assert len({record.psp_reference for record in kiosk.learned}) == 4


def test_the_same_seed_tells_the_same_story() -> None:
    assert paid(Kiosk(), order()) == paid(Kiosk(), order())


def test_nobody_presents_a_card_in_time() -> None:
    kiosk = Kiosk()
    ticket = kiosk.pay(order())
    kiosk.after(CARD_WAIT_MS - 1)
    assert ticket not in kiosk.answers
    kiosk.after(1)
    outcome = kiosk.outcome(ticket, order())
    assert isinstance(outcome, Declined)
    assert outcome.reason is DeclineReason.NO_CARD
    assert not kiosk.present(CardKind.GOOD)


def test_a_card_in_the_last_moment_is_not_cut_off() -> None:
    kiosk = Kiosk()
    ticket = kiosk.pay(order())
    kiosk.after(CARD_WAIT_MS - 1)
    kiosk.present(CardKind.GOOD)
    kiosk.after(AUTHORIZING_MS)
    assert isinstance(kiosk.outcome(ticket, order()), Approved)


def test_cancel_works_until_a_card_is_there() -> None:
    kiosk = Kiosk()
    assert not kiosk.model.press_cancel(kiosk.now)
    ticket = kiosk.pay(order())
    assert kiosk.model.press_cancel(kiosk.now)
    kiosk.after(0)
    outcome = kiosk.outcome(ticket, order())
    assert isinstance(outcome, Declined)
    assert outcome.reason is DeclineReason.CANCELLED
    kiosk.pay(order("A2"))
    kiosk.present(CardKind.GOOD)
    assert not kiosk.model.press_cancel(kiosk.now)


def test_no_card_is_taken_when_none_was_asked_for() -> None:
    kiosk = Kiosk()
    assert not kiosk.present(CardKind.GOOD)
    kiosk.pay(order())
    assert kiosk.present(CardKind.GOOD)
    assert not kiosk.present(CardKind.WALLET)


# --- dialogues ------------------------------------------------------------------------------------------------------------------------


def test_one_dialogue_at_a_time() -> None:
    kiosk = Kiosk()
    first = kiosk.pay(order())
    second = kiosk.pay(order("A2", reference="pp-2"))
    busy = kiosk.outcome(second, order("A2", reference="pp-2"))
    assert isinstance(busy, Declined)
    assert busy.reason is DeclineReason.BUSY
    kiosk.present(CardKind.GOOD)
    kiosk.after(AUTHORIZING_MS)
    assert isinstance(kiosk.outcome(first, order()), Approved)
    assert len(kiosk.learned) == 1


def test_an_abort_is_answered_by_an_empty_message_and_the_payment_by_aborted() -> None:
    kiosk = Kiosk()
    ticket = kiosk.pay(order())
    abort = kiosk.abort(order())
    assert (kiosk.answers[abort].message, kiosk.answers[abort].delivery) == (None, Delivery.SEALED)
    outcome = kiosk.outcome(ticket, order())
    assert isinstance(outcome, Declined)
    assert outcome.reason is DeclineReason.ABORTED


def test_an_abort_of_another_dialogue_or_after_the_card_changes_nothing() -> None:
    kiosk = Kiosk()
    ticket = kiosk.pay(order())
    kiosk.abort(order("A7"), "A2")
    assert kiosk.model.state(kiosk.now) is TerminalState.PRESENT_CARD
    kiosk.present(CardKind.GOOD)
    kiosk.abort(order(), "A3")
    kiosk.after(AUTHORIZING_MS)
    assert isinstance(kiosk.outcome(ticket, order()), Approved)


def test_the_status_follows_the_dialogue() -> None:
    kiosk = Kiosk()
    assert kiosk.status(order(), "S1") is DialogueState.NOT_FOUND
    kiosk.pay(order())
    assert kiosk.status(order(), "S2") is DialogueState.IN_PROGRESS
    kiosk.present(CardKind.GOOD)
    assert kiosk.status(order(), "S3") is DialogueState.IN_PROGRESS
    kiosk.after(AUTHORIZING_MS)
    assert isinstance(kiosk.status(order(), "S4"), Approved)


def test_a_service_id_serves_once_in_two_days() -> None:
    kiosk = Kiosk()
    paid(kiosk, order())
    again = kiosk.outcome(kiosk.pay(order()), order())
    assert isinstance(again, Declined)
    assert again.reason is DeclineReason.NOT_ALLOWED
    assert len(kiosk.learned) == 1
    kiosk.after(MEMORY_MS + 1)
    assert isinstance(paid(kiosk, order(reference="pp-9")), Approved)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"SaleToPOIRequest": None},
        {"SaleToPOIRequest": {"MessageHeader": {"MessageCategory": "Payment", "ServiceID": "A1", "SaleID": "K", "POIID": POI_ID}}},
        {"SaleToPOIRequest": {"MessageHeader": {"MessageCategory": "Payment"}, "PaymentRequest": {}}},
        messages.payment(order(), SALE_ID, "S1U2-999999999").message(),
    ],
    ids=["empty", "null", "no body", "no ids", "another terminal"],
)
def test_what_is_no_request_to_this_terminal_is_rejected_in_clear(message: dict[str, object]) -> None:
    kiosk = Kiosk()
    kiosk.model.request(message, kiosk.now)
    (answer,) = kiosk.model.advance(kiosk.now)
    assert answer.delivery is Delivery.CLEAR
    assert answer.message is not None
    event = answer.message["SaleToPOIRequest"]
    assert isinstance(event, Mapping)
    assert event["EventNotification"]["EventToNotify"] == "Reject"


@pytest.mark.parametrize("spoil", ["SaleData", "PaymentTransaction"])
def test_a_payment_that_lacks_something_is_a_format_error(spoil: str) -> None:
    kiosk = Kiosk()
    request = messages.payment(order(), SALE_ID, POI_ID)
    body = {name: value for name, value in request.body.items() if name != spoil}
    spoilt = messages.Request("Payment", "A1", SALE_ID, POI_ID, body)
    kiosk.model.request(spoilt.message(), kiosk.now)
    (answer,) = kiosk.model.advance(kiosk.now)
    assert answer.message is not None
    outcome = answers.preauthorized(answers.body_of(Opened(answer.message, sealed=True), spoilt), order())
    assert isinstance(outcome, Declined)
    assert outcome.reason is DeclineReason.NOT_ALLOWED
    assert kiosk.model.state(kiosk.now) is TerminalState.IDLE


def test_what_is_not_simulated_is_refused_as_unavailable() -> None:
    kiosk = Kiosk()
    kiosk.model.request(messages.Request("Print", "A1", SALE_ID, POI_ID, {}).message(), kiosk.now)
    (answer,) = kiosk.model.advance(kiosk.now)
    assert answer.message is not None
    assert "UnavailableService" in str(answer.message)


# --- faults ---------------------------------------------------------------------------------------------------------------------------


def test_a_lost_request_was_never_seen() -> None:
    kiosk = Kiosk()
    kiosk.model.fault(Fault.LOSE_REQUEST)
    ticket = kiosk.pay(order())
    assert kiosk.answers[ticket].delivery is Delivery.DROPPED
    assert kiosk.model.state(kiosk.now) is TerminalState.IDLE
    assert kiosk.status(order()) is DialogueState.NOT_FOUND


def test_a_late_request_arms_the_terminal_when_the_kiosk_has_given_up() -> None:
    kiosk = Kiosk()
    kiosk.model.fault(Fault.LATE_REQUEST)
    ticket = kiosk.pay(order())
    assert kiosk.answers[ticket].delivery is Delivery.DROPPED
    kiosk.after(LATE_MS)
    assert kiosk.model.state(kiosk.now) is TerminalState.PRESENT_CARD
    kiosk.present(CardKind.GOOD)
    kiosk.after(AUTHORIZING_MS)
    assert len(kiosk.learned) == 1
    assert isinstance(kiosk.status(order()), Approved)


def test_a_lost_answer_leaves_the_money_reserved() -> None:
    kiosk = Kiosk()
    kiosk.model.fault(Fault.LOSE_ANSWER)
    ticket = kiosk.pay(order())
    kiosk.present(CardKind.GOOD)
    kiosk.after(AUTHORIZING_MS)
    assert kiosk.answers[ticket].delivery is Delivery.DROPPED
    assert len(kiosk.learned) == 1
    assert isinstance(kiosk.status(order()), Approved)


def test_a_delayed_answer_comes_later() -> None:
    kiosk = Kiosk()
    kiosk.model.fault(Fault.DELAY_ANSWER)
    ticket = kiosk.pay(order())
    kiosk.present(CardKind.GOOD)
    kiosk.after(AUTHORIZING_MS + DELAY_MS - 1)
    assert ticket not in kiosk.answers
    kiosk.after(1)
    assert isinstance(kiosk.outcome(ticket, order()), Approved)


@pytest.mark.parametrize(
    ("fault", "delivery"),
    [(Fault.WRONG_MAC, Delivery.WRONG_MAC), (Fault.CLEAR_SUCCESS, Delivery.CLEAR), (Fault.DUPLICATE_ANSWER, Delivery.TWICE)],
)
def test_a_spoilt_answer_is_spoilt_once(fault: Fault, delivery: Delivery) -> None:
    kiosk = Kiosk()
    kiosk.model.fault(fault)
    for service_id, expected in (("A1", delivery), ("A2", Delivery.SEALED)):
        ticket = kiosk.pay(order(service_id))
        kiosk.present(CardKind.GOOD)
        kiosk.after(AUTHORIZING_MS)
        assert kiosk.answers[ticket].delivery is expected


def test_a_fault_waits_for_its_kind_of_message() -> None:
    kiosk = Kiosk()
    kiosk.model.fault(Fault.LOSE_REQUEST, "TransactionStatus")
    assert isinstance(paid(kiosk, order()), Approved)
    with pytest.raises(AssertionError):
        kiosk.status(order(), "S1")
    assert isinstance(kiosk.status(order(), "S2"), Approved)


def test_partial_approval_can_be_ordered_for_any_card() -> None:
    kiosk = Kiosk()
    kiosk.model.fault(Fault.PARTIAL_APPROVAL)
    outcome = paid(kiosk, order())
    assert isinstance(outcome, Approved)
    assert outcome.authorized == Money(2_000, "EUR")


@pytest.mark.parametrize("fault", [Fault.REBOOT, Fault.REBOOT_FORGETTING])
def test_a_reboot_while_authorizing_loses_the_answer_not_the_money(fault: Fault) -> None:
    kiosk = Kiosk()
    kiosk.model.fault(fault)
    ticket = kiosk.pay(order())
    kiosk.present(CardKind.GOOD)
    kiosk.after(AUTHORIZING_MS)
    assert kiosk.answers[ticket].delivery is Delivery.DROPPED
    assert kiosk.model.state(kiosk.now) is TerminalState.REBOOTING
    assert not kiosk.model.reachable(kiosk.now)
    assert len(kiosk.learned) == 1
    kiosk.after(REBOOT_MS)
    told = kiosk.status(order())
    assert isinstance(told, Approved) if fault is Fault.REBOOT else told is DialogueState.NOT_FOUND


def test_a_reboot_between_card_and_host_reserves_the_money_once() -> None:
    kiosk = Kiosk()
    kiosk.pay(order())
    kiosk.present(CardKind.GOOD)
    kiosk.after(AUTHORIZING_MS // 2)
    kiosk.model.reboot(kiosk.now)
    kiosk.after(AUTHORIZING_MS + REBOOT_MS)
    assert len(kiosk.learned) == 1


def test_a_reboot_while_a_card_is_awaited_aborts() -> None:
    kiosk = Kiosk()
    ticket = kiosk.pay(order())
    kiosk.model.reboot(kiosk.now)
    kiosk.after(REBOOT_MS)
    assert kiosk.answers[ticket].delivery is Delivery.DROPPED
    told = kiosk.status(order())
    assert isinstance(told, Declined)
    assert told.reason is DeclineReason.ABORTED
    assert kiosk.learned == []


def test_a_terminal_cut_off_goes_on_and_tells_when_it_is_back() -> None:
    kiosk = Kiosk()
    ticket = kiosk.pay(order())
    kiosk.present(CardKind.GOOD)
    kiosk.model.fault(Fault.OFFLINE)
    kiosk.after(AUTHORIZING_MS)
    assert kiosk.answers[ticket].delivery is Delivery.DROPPED
    assert not kiosk.model.reachable(kiosk.now)
    assert len(kiosk.learned) == 1
    refused = kiosk.pay(order("A2"))
    assert kiosk.answers[refused].delivery is Delivery.DROPPED
    kiosk.after(10_000)
    assert kiosk.model.state(kiosk.now) is TerminalState.OFFLINE
    kiosk.model.fault(Fault.ONLINE)
    assert isinstance(kiosk.status(order(), "S1"), Approved)
    assert kiosk.status(order("A2"), "S2") is DialogueState.NOT_FOUND


def test_every_request_ends_exactly_once() -> None:
    rolls = random.Random(5)
    for _ in range(60):
        kiosk = Kiosk()
        ended: list[int] = []
        tickets = []
        for step in range(30):
            roll = rolls.randrange(6)
            if roll == 0:
                kiosk.model.fault(rolls.choice(list(Fault)))
            elif roll == 1:
                kiosk.model.present_card(rolls.choice(list(CardKind)), kiosk.now)
            elif roll == 2:
                kiosk.model.press_cancel(kiosk.now)
            elif roll == 3:
                asked = messages.transaction_status(order("P0"), f"S{step}", SALE_ID, POI_ID)
                tickets.append(kiosk.model.request(asked.message(), kiosk.now))
            elif roll == 4:
                tickets.append(kiosk.model.request(messages.payment(order(f"P{step}"), SALE_ID, POI_ID).message(), kiosk.now))
            else:
                kiosk.now += rolls.randrange(40_000)
            ended += [answer.ticket for answer in kiosk.model.advance(kiosk.now)]
        ended += [answer.ticket for answer in kiosk.model.advance(kiosk.now + 10 * CARD_WAIT_MS)]
        assert sorted(ended) == sorted(tickets)
        assert kiosk.learned == kiosk.model.book


# --- a card that is only recognised -------------------------------------------------------------------------------------------------

IDENTIFY = IdentifyOrder("i1", "i1", "en", NOW)


def identify(kiosk: Kiosk, asked: IdentifyOrder = IDENTIFY) -> int:
    return kiosk._send(messages.card_acquisition(asked, SALE_ID, POI_ID))


def read(kiosk: Kiosk, ticket: int, asked: IdentifyOrder = IDENTIFY) -> Card | Declined:
    return answers.identified(kiosk._body(ticket, messages.card_acquisition(asked, SALE_ID, POI_ID)), asked)


def let_go(kiosk: Kiosk, service_id: str = "r1", farewell: Farewell = Farewell.ACCEPTED) -> Declined | None:
    request = messages.release(service_id, farewell, SALE_ID, POI_ID)
    return answers.released(kiosk._body(kiosk._send(request), request))


def test_a_card_that_was_read_leaves_the_terminal_waiting_for_as_long_as_nobody_says_what_now() -> None:
    kiosk = Kiosk()
    seen = []
    ticket = identify(kiosk)
    seen.append(kiosk.model.state(kiosk.now))
    kiosk.present(CardKind.GOOD)
    seen.append(kiosk.model.state(kiosk.now))
    kiosk.after(READING_MS)
    assert isinstance(read(kiosk, ticket), Card)
    kiosk.after(86_400_000)
    seen.append(kiosk.model.state(kiosk.now))
    assert let_go(kiosk) is None
    seen.append(kiosk.model.state(kiosk.now))
    kiosk.after(10_000)
    seen.append(kiosk.model.state(kiosk.now))
    assert seen == [
        TerminalState.PRESENT_CARD,
        TerminalState.READING,
        TerminalState.ONE_MOMENT,
        TerminalState.DONE,
        TerminalState.IDLE,
    ]
    assert kiosk.learned == []


@pytest.mark.parametrize(("farewell", "picture"), [(Farewell.ACCEPTED, "AcceptedAnimated"), (Farewell.DECLINED, "DeclinedAnimated")])
def test_the_terminal_shows_the_farewell_it_was_given(farewell: Farewell, picture: str) -> None:
    kiosk = Kiosk()
    identify(kiosk)
    kiosk.present(CardKind.GOOD)
    kiosk.after(READING_MS)
    let_go(kiosk, farewell=farewell)
    assert kiosk.model.farewell == picture


def test_nothing_is_remembered_of_an_identification() -> None:
    kiosk = Kiosk()
    identify(kiosk)
    kiosk.after(CARD_WAIT_MS)
    assert kiosk.status(order("i1")) is DialogueState.NOT_FOUND


@pytest.mark.parametrize("fault", [Fault.REBOOT, Fault.REBOOT_FORGETTING])
def test_a_reboot_while_a_card_is_read_books_nothing_and_leaves_it_free(fault: Fault) -> None:
    kiosk = Kiosk()
    kiosk.model.fault(fault, "CardAcquisition")
    ticket = identify(kiosk)
    kiosk.present(CardKind.GOOD)
    kiosk.after(REBOOT_MS + AUTHORIZING_MS)
    assert kiosk.answers[ticket].delivery is Delivery.DROPPED
    assert kiosk.learned == []
    assert isinstance(paid(kiosk, order()), Approved)


def test_an_acquisition_without_an_amount_reads_no_contactless_card() -> None:
    kiosk = Kiosk()
    request = messages.card_acquisition(IDENTIFY, SALE_ID, POI_ID)
    spoilt = messages.Request(request.category, "i1", SALE_ID, POI_ID, {**request.body, "CardAcquisitionTransaction": {}})
    outcome = read(kiosk, kiosk._send(spoilt))
    assert isinstance(outcome, Declined)
    assert outcome.reason is DeclineReason.NOT_ALLOWED
