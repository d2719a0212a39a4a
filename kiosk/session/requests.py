"""What the world must do next: the requests in the facts that have no outcome yet.

The same function serves the running kiosk and the one that comes back from a power cut; `Recovery` says what may be done when an attempt
was, or may have been, made before and its answer is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256

from kiosk.session.setup import Setup
from kiosk.session.state import FLOWING, Kiosk, Modification, ModificationState, Session, Stage
from kiosk.values import Digest, Moment, Money, PaymentRef, RequestRef, SessionId


class Recovery(Enum):
    QUERY = "query"  # ask what became of it
    RESEND_SAME_KEY = "resend_same_key"  # the far end recognises the key and answers as before
    OBSERVE = "observe"  # watch what the pile reports
    NEVER_AGAIN = "never_again"  # doing it twice is worse than not knowing


@dataclass(frozen=True, slots=True)
class Preauthorize:
    payment: PaymentRef
    service_id: str
    amount: Money
    language: str


@dataclass(frozen=True, slots=True)
class AbortPreauthorization:
    """The order to abort, as it was placed."""

    payment: PaymentRef
    service_id: str
    amount: Money
    language: str


@dataclass(frozen=True, slots=True)
class Modify:
    """`operation` is `capture`, `cancel`, `cancel_by_reference`, `adjust` or `refund`; `promised` is the hash of the body that the fact
    recorded."""

    operation: str
    reference: str
    psp_reference: str
    payment: PaymentRef
    amount: Money | None
    promised: Digest


@dataclass(frozen=True, slots=True)
class StartDelivery:
    pile: str
    number: int
    id_tag: str


@dataclass(frozen=True, slots=True)
class StopDelivery:
    pile: str
    transaction: int


@dataclass(frozen=True, slots=True)
class PrintReceipt:
    session: SessionId
    number: int
    copy: int


Body = Preauthorize | AbortPreauthorization | Modify | StartDelivery | StopDelivery | PrintReceipt


@dataclass(frozen=True, slots=True)
class Request:
    """One thing to be done once. `key` makes a repeat harmless where the far end knows keys. `since` when it was asked for, and by
    `deadline` it must be done; both where money depends on it."""

    ref: RequestRef
    key: str
    recovery: Recovery
    body: Body
    since: Moment | None = None
    deadline: Moment | None = None

    @property
    def kind(self) -> str:
        return type(self.body).__name__


def open_requests(k: Kiosk) -> tuple[Request, ...]:
    """Every request without an outcome, oldest session first."""
    requests = [r for s in k.sessions.values() for r in _known_of(k, s)]
    requests += (
        Request(orphan_stop(k, o.transaction), "", Recovery.OBSERVE, StopDelivery(o.pile, o.transaction))
        for o in k.orphans.values()
        if not o.stop_answered
    )
    requests += (_modify(m) for m in k.loose.values() if m.state is ModificationState.REQUESTED)
    requests += (Request(p.request, "", Recovery.NEVER_AGAIN, PrintReceipt(p.session, p.number, p.copy)) for p in k.reprints.values())
    return tuple(requests)


def orphan_stop(k: Kiosk, transaction: int) -> RequestRef:
    """Reference of the wish to stop a transaction that no sale explains."""
    return RequestRef(f"{k.setup.kiosk}-ORPHAN-{transaction}")


def body_hash(reference: str, psp_reference: str, payment: str, amount: Money | None, key: str) -> Digest:
    """SHA-256 (hex) of what a modification orders, one part a line. The driver refuses an order that no longer fits its hash."""
    parts = (reference, psp_reference, payment, str(amount.minor) if amount else "", amount.currency if amount else "", key)
    return Digest(sha256("\n".join(parts).encode()).hexdigest())


def idempotency_key(request: RequestRef) -> str:
    """The acquirer's key for a request: 64 hex digits that never change (Adyen: at most 64 characters)."""
    return sha256(request.encode()).hexdigest()


_MOST_KNOWN = 512
# By sale: what was open of it when last asked, and for which values. They are asked for far more often than they change.
_KNOWN: dict[SessionId, tuple[Session, Setup, tuple[Request, ...]]] = {}


def _known_of(k: Kiosk, s: Session) -> tuple[Request, ...]:
    known = _KNOWN.get(s.id)
    if known is not None and known[0] is s and known[1] is k.setup:
        return known[2]
    requests = tuple(_of_session(k, s))
    if len(_KNOWN) >= _MOST_KNOWN:
        _KNOWN.clear()
    _KNOWN[s.id] = s, k.setup, requests
    return requests


def _of_session(k: Kiosk, s: Session) -> Iterator[Request]:
    for p in s.payments.values():
        if p.open:
            yield Request(RequestRef(p.ref), p.ref, Recovery.QUERY, Preauthorize(p.ref, p.service_id, p.amount, p.language))
    for a in s.aborts:
        payment = s.payments[a.payment]
        if not a.ended and payment.open:
            body = AbortPreauthorization(a.payment, a.service_id, payment.amount, payment.language)
            yield Request(a.request, "", Recovery.OBSERVE, body)
    for m in s.modifications.values():
        if m.state is ModificationState.REQUESTED and m.operation != "refund" and (m.operation != "adjust" or s.stage in FLOWING):
            yield _modify(m)
    for printing in s.prints:
        if not printing.result and s.receipt is not None:
            yield Request(printing.request, "", Recovery.NEVER_AGAIN, PrintReceipt(s.id, s.receipt, printing.copy))
    connector = k.setup.by_id.get(s.connector)
    if connector is None:
        return
    start = s.starts[-1] if s.starts else None
    if start and not start.answered and s.transaction is None and not s.given_up and s.covered and s.stage is not Stage.START_FAILED:
        yield Request(start.request, start.id_tag, Recovery.OBSERVE, StartDelivery(connector.pile, connector.number, start.id_tag))
    stop = s.stops[-1] if s.stops else None
    if stop and not stop.answered and s.transaction is not None and s.ended_at is None:
        yield Request(stop.request, "", Recovery.OBSERVE, StopDelivery(connector.pile, s.transaction))


def _modify(m: Modification) -> Request:
    body = Modify(m.operation, m.request, m.psp_reference, m.payment, m.amount, m.body_hash)
    return Request(m.request, m.key, Recovery.RESEND_SAME_KEY, body, m.requested_at, m.resend_until)
