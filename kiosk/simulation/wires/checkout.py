"""The wire to the acquirer: Checkout's own requests and answers, its signed webhooks, and what the internet does to both."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol

from hardware.api import AnswerLost, NotSent
from hardware.simulated.models.acquirer import DAY_MS, Response, Terms, Webhook
from hardware.simulated.models.acquirer import Acquirer as Bank
from kiosk.payments.api import ModificationOrder, Submitted
from kiosk.payments.checkout_messages import Operation, judge, request
from kiosk.simulation import faults as bad
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork, Planned
from kiosk.simulation.coroutines import Waiting
from kiosk.simulation.faults import Faults
from kiosk.values import Money

PATIENCE_MS = 30_000
_A_CENT = Money(1, "EUR")
_FAILS = {Operation.CAPTURE: bad.ACQUIRER_CAPTURE, Operation.ADJUST: bad.ACQUIRER_ADJUST}
WEBHOOK_PATIENCE_MS = 10_000
_ADJUSTED = b"AUTHORISATION_ADJUSTMENT"
MERCHANT = "SimulatedMerchant"
CAPTURE_KEY, REFUND_KEY, HMAC_KEY = "capture-key", "refund-key", "5A" * 32


def bank(chance: Chance, hold_days: int) -> Bank:
    """The one acquirer of a world. Issuers keep reservations for `hold_days`."""
    terms = Terms(hold_life_ms=hold_days * DAY_MS, technical_cancel_ms=DAY_MS)
    return Bank(chance, merchant_account=MERCHANT, capture_key=CAPTURE_KEY, refund_key=REFUND_KEY, hmac_key=HMAC_KEY, terms=terms)


class Internet(Protocol):
    """Whether the site has a way out."""

    @property
    def internet(self) -> bool: ...


class CheckoutWire:
    """A kiosk's port to the acquirer (`kiosk.payments.api.Acquirer`)."""

    def __init__(
        self, clockwork: Clockwork, chance: Chance, faults: Faults, far: Bank, site: Internet, touched: Callable[[], None]
    ) -> None:
        self._clockwork = clockwork
        self._chance = chance
        self._faults = faults
        self._far = far
        self._site = site
        self._touched = touched

    async def capture(self, order: ModificationOrder) -> Submitted:
        return await self._send(Operation.CAPTURE, order)

    async def cancel(self, order: ModificationOrder) -> Submitted:
        return await self._send(Operation.CANCEL, order)

    async def cancel_by_reference(self, order: ModificationOrder) -> Submitted:
        return await self._send(Operation.CANCEL_BY_REFERENCE, order)

    async def adjust(self, order: ModificationOrder) -> Submitted:
        return await self._send(Operation.ADJUST, order)

    async def refund(self, order: ModificationOrder) -> Submitted:
        return await self._send(Operation.REFUND, order)

    async def _send(self, operation: Operation, order: ModificationOrder) -> Submitted:
        step = operation.name.lower()
        about = order.payment_reference
        if operation is not Operation.CANCEL_BY_REFERENCE and self._faults.strikes(bad.CHANGED_BODY, step, about):
            order = replace(order, amount=Money(order.amount.minor + 1, order.amount.currency) if order.amount else _A_CENT)
        message = request(operation, order, MERCHANT)
        if not self._site.internet:
            raise NotSent("the acquirer cannot be reached")
        key = (
            "revoked"
            if self._faults.strikes(bad.ACQUIRER_KEY, step, about)
            else REFUND_KEY
            if operation is Operation.REFUND
            else CAPTURE_KEY
        )
        headers = {"x-api-key": key, "idempotency-key": order.key}
        body = json.dumps(message.body).encode()
        waiting: Waiting[Response] = Waiting(self._clockwork)
        lost = AnswerLost(f"no answer to {order.reference}")
        patience = self._clockwork.after(PATIENCE_MS, lambda: waiting.fail(lost))

        def arrive() -> None:
            self._bad_luck(operation, step, about)
            answer = self._far.handle("POST", f"/v72{message.path}", headers, body, self._clockwork.now)
            self._touched()
            self._clockwork.after(answer.after_ms + self._chance.randint(30, 250), lambda: waiting.resolve(answer))

        self._clockwork.after(self._chance.randint(30, 250), arrive)
        if self._faults.strikes(bad.ACQUIRER_TWICE, step):
            self._clockwork.after(self._chance.randint(200, 3_000), arrive)
        answer = await waiting
        patience.cancel()
        if answer.dropped:
            raise lost
        return judge(answer.status, answer.headers, answer.body)

    def _bad_luck(self, operation: Operation, step: str, about: str) -> None:
        """News of a failure always comes: the acquirer repeats it for a month, and what is never told nobody could know."""
        self._far.clear_faults()
        fails = _FAILS.get(operation)
        failing = self._faults.draw(fails, step, about) if fails is not None else None
        good = failing is None and self._in_order(about)
        webhook = self._faults.draw(bad.ACQUIRER_WEBHOOK, step, about) if good else None
        for fault in (failing, webhook, self._faults.draw(bad.ACQUIRER_REQUEST, step, about)):
            if fault is not None:
                self._far.fault(fault.model)

    def _in_order(self, about: str) -> bool:
        """Whether nobody did something to this payment in the acquirer's own pages."""
        return about not in self._faults.hit or bad.CANCELLED_BY_HAND.id not in self._faults.hit[about]


class Subscriber(Protocol):
    """A kiosk's webhook endpoint. `take` returns once what the message says is durable; it raises when the message is not believed."""

    @property
    def listens(self) -> bool: ...

    def spawn(self, work: Coroutine[Any, Any, object]) -> None: ...

    async def take(self, body: bytes) -> None: ...


class Postman:
    """Brings the acquirer's webhooks to the kiosks, and back the news whether they were taken."""

    def __init__(self, clockwork: Clockwork, chance: Chance, far: Bank, endpoint: Callable[[str], Subscriber]) -> None:
        """`told` are the adjustments that a kiosk has been told of, by its own reference of them, and when."""
        self.told: dict[str, int] = {}
        self._clockwork = clockwork
        self._chance = chance
        self._far = far
        self._endpoint = endpoint
        self._wake: Planned | None = None

    def pump(self) -> None:
        for webhook in self._far.due(self._clockwork.now):
            self._clockwork.after(self._chance.randint(30, 250), lambda w=webhook: self._deliver(w))  # type: ignore[misc]
        if self._wake is not None:
            self._wake.cancel()
        due = self._far.next_due()
        self._wake = None if due is None else self._clockwork.at(due, self.pump)

    def _told(self, webhook: Webhook) -> None:
        for one in json.loads(webhook.body)["notificationItems"]:
            reference = one["NotificationRequestItem"]["merchantReference"]
            if reference.startswith(f"{webhook.endpoint}-"):
                self.told.setdefault(reference, self._clockwork.now)

    def _deliver(self, webhook: Webhook) -> None:
        to = self._endpoint(webhook.endpoint)
        over: Waiting[None] = Waiting(self._clockwork)

        async def post() -> None:
            await to.take(webhook.body)
            if _ADJUSTED in webhook.body:
                self._told(webhook)
            if not over.done:
                over.resolve(None)
                self._far.accepted(webhook)
                self.pump()

        def give_up() -> None:
            if not over.done:
                over.resolve(None)
                self._far.unanswered(webhook, self._clockwork.now)
                self.pump()

        if to.listens:
            to.spawn(post())
            self._clockwork.after(WEBHOOK_PATIENCE_MS, give_up)
        else:
            give_up()
