"""What an acquirer has booked of its customers' payments, and the rules by which it books.

This is the truth the simulated world is checked against: no kiosk can read it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kiosk.values import Money


@dataclass(frozen=True, slots=True)
class Change:
    """A request to change a payment, once it was understood. `kind` is as in `Modification`."""

    kind: str
    reference: str
    payment_reference: str
    amount: Money | None
    key: str


@dataclass(frozen=True, slots=True)
class Modification:
    """One received request to change a payment. `result` is `booked`, `refused` or `failed_later`."""

    kind: str  # capture | cancel | technical_cancel | adjust | refund | reversal
    reference: str
    psp_reference: str
    amount: Money | None
    key: str
    at_ms: int
    result: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """The truth about one payment. `held` is what still blocks the card holder's money."""

    merchant_reference: str
    psp_reference: str
    authorized: Money
    captured: Money
    refunded: Money
    cancelled: bool
    at_ms: int
    modifications: tuple[Modification, ...] = ()

    @property
    def held(self) -> Money:
        return Money.zero(self.authorized.currency) if self.cancelled or self.captured else self.authorized

    @property
    def captures(self) -> tuple[Modification, ...]:
        """The captures that took money."""
        return tuple(m for m in self.modifications if m.kind == "capture" and m.result == "booked")


@dataclass(frozen=True, slots=True)
class Books:
    """Everything the acquirer booked. `strays` are changes to payments it does not know."""

    payments: tuple[Payment, ...]
    strays: tuple[Modification, ...]

    def payment(self, merchant_reference: str) -> Payment | None:
        """The payment a merchant knows by `merchant_reference`."""
        return next((p for p in self.payments if p.merchant_reference == merchant_reference), None)


@dataclass(frozen=True, slots=True)
class Terms:
    """How long, in ms, an authorization can be captured, and cancelled without the acquirer's own reference."""

    hold_life_ms: int
    technical_cancel_ms: int


def objection(change: Change, payment: Payment | None, age_ms: int, terms: Terms) -> str:
    """Why `change` cannot be, empty when it can. The merchant hears of it by webhook only."""
    if payment is None:
        return "Authorisation not found"
    amount = change.amount or Money.zero(payment.authorized.currency)
    if amount.currency != payment.authorized.currency:
        return "Currency mismatch"
    captured = bool(payment.captured)
    expired = age_ms > terms.hold_life_ms
    gone = payment.cancelled or captured
    checks: dict[str, tuple[tuple[bool, str], ...]] = {
        "capture": (
            (payment.cancelled, "Transaction has been cancelled"),
            (expired, "Authorisation has expired"),
            (captured or amount > payment.authorized, "Insufficient balance on payment"),
        ),
        "cancel": ((captured, "Transaction already captured"), (payment.cancelled, "Transaction has been cancelled")),
        "technical_cancel": (
            (gone, "Transaction cannot be cancelled"),
            (age_ms > terms.technical_cancel_ms, "Authorisation not found"),
        ),
        "adjust": ((gone or expired, "Authorisation cannot be adjusted"),),
        "refund": (
            (not captured, "Transaction hasn't been captured, refund not possible"),
            (payment.refunded + amount > payment.captured, "Insufficient balance on payment"),
        ),
        "reversal": ((payment.cancelled or (captured and payment.refunded >= payment.captured), "Nothing left to reverse"),),
    }
    return next((why for hit, why in checks[change.kind] if hit), "")


def booked(payment: Payment, change: Change) -> Payment:
    """`payment` after a change to which there is no objection."""
    match change.kind, change.amount:
        case "capture", Money() as amount:
            return replace(payment, captured=payment.captured + amount)
        case "adjust", Money() as total:
            return replace(payment, authorized=total)
        case "refund", Money() as amount:
            return replace(payment, refunded=payment.refunded + amount)
        case "reversal", _ if payment.captured:
            return replace(payment, refunded=payment.captured)
        case _:
            return replace(payment, cancelled=True)
