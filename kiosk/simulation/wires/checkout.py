"""The wire to the acquirer: Checkout's own requests and answers, its signed webhooks, and what the internet does to both."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from hardware.api import AnswerLost, NotSent
from hardware.simulated.models.acquirer import Acquirer as Bank
from hardware.simulated.models.acquirer import Response, Webhook
from kiosk.payments.api import ModificationOrder, Submitted
from kiosk.payments.checkout_messages import Operation, judge, request
from kiosk.simulation import faults as bad
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork, Planned
from kiosk.simulation.coroutines import Waiting
from kiosk.simulation.faults import Faults

PATIENCE_MS = 30_000
WEBHOOK_PATIENCE_MS = 10_000
MERCHANT = "SimulatedMerchant"
CAPTURE_KEY, REFUND_KEY, HMAC_KEY = "capture-key", "refund-key", "5A" * 32


def bank(chance: Chance) -> Bank:
    """The one acquirer of a world."""
    return Bank(chance, merchant_account=MERCHANT, capture_key=CAPTURE_KEY, refund_key=REFUND_KEY, hmac_key=HMAC_KEY)


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
        message = request(operation, order, MERCHANT)
        step = operation.name.lower()
        if not self._site.internet:
            raise NotSent("the acquirer cannot be reached")
        headers = {"x-api-key": CAPTURE_KEY, "idempotency-key": order.key}
        body = json.dumps(message.body).encode()
        waiting: Waiting[Response] = Waiting(self._clockwork)
        lost = AnswerLost(f"no answer to {order.reference}")
        patience = self._clockwork.after(PATIENCE_MS, lambda: waiting.fail(lost))

        def arrive() -> None:
            self._bad_luck(operation, step)
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

    def _bad_luck(self, operation: Operation, step: str) -> None:
        """News of a failure always comes: the acquirer repeats it for a month, and what is never told nobody could know."""
        self._far.clear_faults()
        failing = self._faults.draw(bad.ACQUIRER_CAPTURE, step) if operation is Operation.CAPTURE else None
        webhook = self._faults.draw(bad.ACQUIRER_WEBHOOK, step) if failing is None else None
        for fault in (failing, webhook, self._faults.draw(bad.ACQUIRER_REQUEST, step)):
            if fault is not None:
                self._far.fault(fault.model)


class Subscriber(Protocol):
    """A kiosk's webhook endpoint. `take` returns once what the message says is durable; it raises when the message is not believed."""

    @property
    def listens(self) -> bool: ...

    def spawn(self, work: Coroutine[Any, Any, object]) -> None: ...

    async def take(self, body: bytes) -> None: ...


class Postman:
    """Brings the acquirer's webhooks to the kiosks, and back the news whether they were taken."""

    def __init__(self, clockwork: Clockwork, chance: Chance, far: Bank, endpoint: Callable[[str], Subscriber]) -> None:
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

    def _deliver(self, webhook: Webhook) -> None:
        to = self._endpoint(webhook.endpoint)
        over: Waiting[None] = Waiting(self._clockwork)

        async def post() -> None:
            await to.take(webhook.body)
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
