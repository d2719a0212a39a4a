"""A terminal whose host is away: what it approves by itself, what becomes of it, and who hears of it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from hardware.api import Approved, Declined, DeclineReason, PreauthorizationOrder
from hardware.simulated.models.acquirer import FAULTS, Acquirer, Authorized
from hardware.simulated.models.terminal import AUTHORIZING_MS, REBOOT_MS, Answer, Fault, TerminalModel
from hardware.simulated.models.terminal_store import FORWARD_MS, StoreAndForward
from hardware.simulated.models.terminal_wire import Authorization, CardKind, Forwarded
from hardware.terminals.adyen import answers, messages
from hardware.terminals.adyen.messages import Opened
from kiosk.values import Money

POI_ID, SALE_ID, ACCOUNT = "S1U2-000158215131748", "Kiosk1", "PilePayDE"
NOW = 1_790_000_000_000
LIMITS = StoreAndForward({"EUR": 5_000}, 2)


class Place:
    """A terminal whose owner lets it approve by itself, and the acquirer its host belongs to."""

    def __init__(self, limits: StoreAndForward | None = LIMITS, **model: Any) -> None:
        self.now = NOW
        self.online: list[Authorization] = []
        self.late: list[Forwarded] = []
        self.acquirer = Acquirer(random.Random(1), merchant_account=ACCOUNT, capture_key="capture", refund_key="refund", hmac_key="00" * 32)
        self.acquirer.subscribe(["kiosk"])
        self.model = TerminalModel(
            POI_ID,
            random.Random(1),
            on_authorized=self.online.append,
            on_forwarded=self.forwarded,
            store_and_forward=limits,
            **model,
        )
        self.model.fault(Fault.HOST_AWAY)
        self.payments = 0

    def forwarded(self, late: Forwarded) -> None:
        self.late.append(late)
        record = late.record
        authorized = Authorized(ACCOUNT, record.merchant_reference, record.psp_reference, record.amount, record.at_ms)
        self.acquirer.forwarded(authorized, late.refusal, self.now)

    def pay(self, minor: int = 4_000, kind: CardKind = CardKind.GOOD, currency: str = "EUR") -> Approved | Declined:
        self.payments += 1
        order = PreauthorizationOrder(f"K1-S{self.payments}-P1", f"A{self.payments}", Money(minor, currency), "en", NOW)
        request = messages.payment(order, SALE_ID, POI_ID)
        ticket = self.model.request(request.message(), self.now)
        self.model.present_card(kind, self.now)
        told: dict[int, Answer] = {answer.ticket: answer for answer in self.after(AUTHORIZING_MS)}
        message = told[ticket].message
        assert message is not None
        return answers.preauthorized(answers.body_of(Opened(message, sealed=True), request), order)

    def after(self, ms: int) -> tuple[Answer, ...]:
        self.now += ms
        return self.model.advance(self.now)

    def back(self) -> None:
        self.model.fault(Fault.HOST_BACK)

    def news(self) -> list[dict[str, Any]]:
        """The webhooks of the next minute."""
        told = []
        for _ in range(60):
            self.now += 1_000
            for webhook in self.acquirer.due(self.now):
                self.acquirer.accepted(webhook)
                told.append(json.loads(webhook.body)["notificationItems"][0]["NotificationRequestItem"])
        return told


def test_up_to_its_limit_it_approves_by_itself_and_nobody_knows() -> None:
    place = Place()
    outcome = place.pay(5_000)
    assert isinstance(outcome, Approved)
    assert (outcome.offline, outcome.psp_reference, outcome.card.auth_code) == (True, "", "")
    assert outcome.tender_reference
    assert place.online == place.late == place.model.book == []
    assert len(place.model.store) == 1


@pytest.mark.parametrize(
    "limits", [None, StoreAndForward({}, 2), StoreAndForward({"EUR": 5_000}, 0)], ids=["none", "no amount", "no count"]
)
def test_with_a_limit_not_set_it_approves_nothing(limits: StoreAndForward | None) -> None:
    outcome = Place(limits).pay(1)
    assert isinstance(outcome, Declined)
    assert outcome.reason is DeclineReason.UNAVAILABLE


def test_above_its_limit_or_in_another_currency_it_approves_nothing() -> None:
    place = Place()
    assert isinstance(place.pay(5_001), Declined)
    assert isinstance(place.pay(100, currency="SEK"), Declined)
    assert len(place.model.store) == 0


def test_it_stores_so_many_and_no_more_until_they_are_forwarded() -> None:
    place = Place()
    assert [isinstance(place.pay(), Approved) for _ in range(3)] == [True, True, False]
    place.back()
    place.after(2 * FORWARD_MS)
    place.model.fault(Fault.HOST_AWAY)
    assert isinstance(place.pay(), Approved)


def test_once_the_host_is_back_each_is_forwarded_in_order_under_our_reference_and_a_new_one() -> None:
    place = Place()
    first, second = place.pay(4_000), place.pay(3_000)
    place.back()
    place.after(FORWARD_MS)
    assert [late.record.merchant_reference for late in place.late] == ["K1-S1-P1"]
    place.after(FORWARD_MS)
    assert isinstance(first, Approved)
    assert isinstance(second, Approved)
    records = [late.record for late in place.late]
    assert [record.tender_reference for record in records] == [first.tender_reference, second.tender_reference]
    assert all(record.psp_reference and record.offline for record in records)
    assert place.model.book == records
    place.after(FORWARD_MS)
    assert len(place.late) == 2


def test_the_acquirer_books_what_was_forwarded_and_tells_so() -> None:
    place = Place()
    place.pay()
    place.back()
    place.after(FORWARD_MS)
    (item,) = place.news()
    (payment,) = place.acquirer.books().payments
    assert (item["eventCode"], item["success"], item["merchantReference"]) == ("AUTHORISATION", "true", "K1-S1-P1")
    assert item["pspReference"] == payment.psp_reference == place.late[0].record.psp_reference
    assert item["amount"] == {"value": 4_000, "currency": "EUR"}
    assert payment.held == Money(4_000, "EUR")


@pytest.mark.parametrize(("minor", "kind"), [(4_000, CardKind.DECLINING), (2_125, CardKind.GOOD)])
def test_what_the_issuer_would_have_refused_is_approved_and_comes_out_later(minor: int, kind: CardKind) -> None:
    place = Place()
    assert isinstance(place.pay(minor, kind), Approved)
    place.back()
    place.after(FORWARD_MS)
    (item,) = place.news()
    assert (item["eventCode"], item["success"], item["merchantReference"]) == ("AUTHORISATION", "false", "K1-S1-P1")
    assert item["reason"]
    assert place.acquirer.books().payments == ()
    assert place.model.book == []


def test_an_authorisation_may_be_lost_late_or_twice_as_any_webhook() -> None:
    place = Place()
    place.pay()
    place.acquirer.fault("duplicate_webhook")
    assert "lose_webhook" in FAULTS
    place.back()
    place.after(FORWARD_MS)
    assert [item["eventCode"] for item in place.news()] == ["AUTHORISATION", "AUTHORISATION"]


def test_what_was_cancelled_by_reference_before_it_was_forwarded_is_booked_all_the_same() -> None:
    """The acquirer cannot cancel what it does not know: whoever cancels must do it again once the authorisation is told."""
    place = Place()
    place.pay()
    body = json.dumps({"merchantAccount": ACCOUNT, "reference": "K1-S1-P1-X", "paymentReference": "K1-S1-P1"}).encode()
    place.acquirer.handle("POST", "/v72/cancels", {"X-API-Key": "capture", "Idempotency-Key": "k"}, body, place.now)
    place.back()
    place.after(FORWARD_MS)
    told = {item["eventCode"]: item["success"] for item in place.news()}
    assert told == {"TECHNICAL_CANCEL": "false", "AUTHORISATION": "true"}
    assert place.acquirer.books().payments[0].held == Money(4_000, "EUR")


def test_what_it_stored_survives_a_reboot_and_is_forwarded_when_it_is_up() -> None:
    place = Place()
    place.pay()
    place.back()
    place.model.reboot(place.now)
    place.after(FORWARD_MS)
    assert place.late == []
    place.after(REBOOT_MS)
    assert len(place.late) == 1


def test_a_host_that_goes_again_keeps_the_rest_waiting() -> None:
    place = Place()
    place.pay()
    place.pay()
    place.back()
    place.after(FORWARD_MS)
    place.model.fault(Fault.HOST_AWAY)
    place.after(60_000)
    assert (len(place.late), len(place.model.store)) == (1, 1)
    place.back()
    place.after(FORWARD_MS)
    assert len(place.late) == 2


def test_with_its_host_there_nothing_is_offline() -> None:
    place = Place()
    place.back()
    outcome = place.pay()
    assert isinstance(outcome, Approved)
    assert not outcome.offline
    assert len(place.online) == 1


def test_a_reboot_in_the_middle_of_an_offline_payment_is_decided_once() -> None:
    place = Place()
    place.model.fault(Fault.REBOOT)
    order = PreauthorizationOrder("K1-S1-P1", "A1", Money(4_000, "EUR"), "en", NOW)
    place.model.request(messages.payment(order, SALE_ID, POI_ID).message(), place.now)
    place.model.present_card(CardKind.GOOD, place.now)
    place.after(AUTHORIZING_MS + REBOOT_MS)
    assert len(place.model.store) == 1
