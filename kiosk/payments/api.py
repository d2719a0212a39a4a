"""What the product asks of an acquirer once a terminal has reserved money: take it, give it back, change it.

The acquirer answers every request only with "received"; what became of it comes later, as a `Confirmation`. A request whose answer is
lost is neither done nor not done: it is sent again under the same key, and the acquirer does it once.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from kiosk.session.requests import body_hash as journalled_hash
from kiosk.values import Digest, Moment, Money


class PaymentsError(Exception):
    """Something between us and the acquirer is not as it must be."""


class Refusal(PaymentsError):
    """The acquirer, or a check of our own before sending, said no to this attempt.

    With `retry` nothing was done by this attempt and the same order may be sent again later under the same key. Without it the answer is
    final. Neither says anything about an earlier attempt whose answer was lost.

    `code` is one of `not_permitted`, `unauthorized`, `invalid_order`, `body_changed`, `not_found`, `rejected`, `try_later`; `detail` is for
    the operator.
    """

    def __init__(self, code: str, detail: str, *, retry: bool = False) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.retry = retry


class Clock(Protocol):
    """Time to wait on: see `hardware.clock.Clock`."""

    def now(self) -> Moment: ...

    async def sleep(self, seconds: float) -> None: ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]: ...


@dataclass(frozen=True, slots=True)
class ModificationOrder:
    """One change to a payment, named so that it happens at most once.

    `reference` is ours, of this change; `psp_reference` the acquirer's, of the payment (empty only for `cancel_by_reference`);
    `payment_reference` ours, of the payment; `amount` what to capture or refund, for `adjust` the new total, for a cancel None; `key` the
    idempotency key, fixed for the life of the order; `promised` the `body_hash` that was journalled when the order was made.
    """

    reference: str
    psp_reference: str
    payment_reference: str
    amount: Money | None
    key: str
    promised: Digest | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The acquirer has it. `psp_reference` names the change, not the payment."""

    psp_reference: str


class Acquirer(Protocol):
    """Whoever holds the reserved money. One attempt per call.

    Every call raises `hardware.api.NotSent` when nothing can have reached the acquirer, `hardware.api.AnswerLost` when it may have been
    done (repeat only with the same key), or `Refusal`.
    """

    async def capture(self, order: ModificationOrder) -> Submitted:
        """Take `amount`; what remains of the reserved money falls free by itself."""
        ...

    async def cancel(self, order: ModificationOrder) -> Submitted:
        """Give back all of the reserved money. Nothing may have been captured."""
        ...

    async def cancel_by_reference(self, order: ModificationOrder) -> Submitted:
        """Give back whatever was reserved under `payment_reference`, when the acquirer's own reference never reached us."""
        ...

    async def adjust(self, order: ModificationOrder) -> Submitted:
        """Reserve `amount` in all, more or less than before."""
        ...

    async def refund(self, order: ModificationOrder) -> Submitted:
        """Pay back `amount` of what was captured. Needs a credential of its own."""
        ...


def body_hash(order: ModificationOrder) -> Digest:
    """Of everything the acquirer is told, as the sale journals it. The same key with another hash is never sent."""
    return journalled_hash(order.reference, order.psp_reference, order.payment_reference, order.amount, order.key)


def refuse_changed(order: ModificationOrder) -> None:
    """Raise `Refusal` when the order is not the one whose hash was journalled. Every `Acquirer` calls it before sending."""
    if order.promised is not None and order.promised != body_hash(order):
        raise Refusal(
            "body_changed",
            f"order {order.reference} differs from the one journalled under its key; it was not sent: compare the journal with the order",
        )
