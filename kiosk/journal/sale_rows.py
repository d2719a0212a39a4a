"""What the facts of one sale say, as rows a person can list: the sale, its payments, what was asked of the acquirer, its reviews.

Pure: `after(sale, fact)` is the sale after one more fact, whenever and however often it is asked. Amounts are in minor units of the row's
currency, energy in mWh, moments in UTC milliseconds. A fact that says nothing a row shows changes nothing, and so does an amount in another
currency than the row's: it is no amount of this one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kiosk.session import facts as f
from kiosk.session.facts import SessionFact
from kiosk.values import PaymentRef

if TYPE_CHECKING:
    from kiosk.values import Money, RequestRef

_PAID_BACK = ("submitted", "confirmed")


@dataclass(frozen=True, slots=True)
class SaleRow:
    """`capture` is how the last capture stands: empty, `requested`, `submitted`, `confirmed`, `failed` or `refused`; or `on account`.
    `contract` is whose account it is."""

    session: str
    connector: str = ""
    opened_ms: int | None = None
    started_ms: int | None = None
    ended_ms: int | None = None
    closed_ms: int | None = None
    energy_mwh: int | None = None
    currency: str = ""
    price: int | None = None
    charged: int | None = None
    shortfall: int | None = None
    rule: str = ""
    capture: str = ""
    receipt: int | None = None
    card_brand: str = ""
    card_last4: str = ""
    contract: str = ""
    stopped_by: str = ""
    ended_by: str = ""  # the pile's reason, or why the sale was given up
    refunded: int = 0
    open_reviews: int = 0
    last_seq: int = 0


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """`state` is a `kiosk.session.state.PaymentState`."""

    payment: str
    session: str
    state: str
    requested_ms: int
    currency: str
    asked: int
    authorized: int | None = None
    psp_reference: str = ""
    wanted: int = 0
    offline: int = 0
    expires_ms: int | None = None
    code: str = ""


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One capture, cancel, adjustment or refund, or what was charged to an account (`account`). `state` is a
    `kiosk.session.state.ModificationState`."""

    request: str
    session: str
    payment: str
    operation: str
    state: str
    requested_ms: int
    currency: str = ""
    amount: int | None = None
    psp_reference: str = ""
    changed_ms: int | None = None
    asked_by: str = ""
    reason: str = ""
    credit_note: int | None = None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """`number` counts the reviews of its sale. `decision` is empty while it is open, `lapsed` when nobody decided in time."""

    session: str
    number: int
    code: str
    detail: str
    opened_ms: int
    deadline_ms: int | None
    alarmed: int = 0
    decided_ms: int | None = None
    decision: str = ""
    mwh: int | None = None  # what was taken for proven
    decided_by: str = ""
    reason: str = ""
    request: str = ""  # what of the acquirer it is about


@dataclass(frozen=True, slots=True)
class Sale:
    """All rows of one sale."""

    sale: SaleRow
    payments: tuple[PaymentRow, ...] = ()
    requests: tuple[RequestRow, ...] = ()
    reviews: tuple[ReviewRow, ...] = ()


def after(before: Sale | None, fact: SessionFact, seq: int) -> Sale:
    """The sale after `fact`, which is the journal's entry `seq`."""
    s = before or Sale(SaleRow(fact.session))
    s = _reviews(_requests(_payments(_course(s, fact), fact), fact), fact)
    paid_back = (r for r in s.requests if r.operation == "refund" and r.state in _PAID_BACK)
    refunds = (r.amount or 0 for r in paid_back if r.currency == (s.sale.currency or r.currency))
    charged = any(r.operation == "account" for r in s.requests)
    captures = [r.state for r in s.requests if r.operation == "capture"]
    sale = replace(
        s.sale,
        capture=captures[-1] if captures else "on account" if charged else "",
        refunded=sum(refunds),
        open_reviews=sum(not r.decision for r in s.reviews),
        last_seq=seq,
    )
    return replace(s, sale=sale)


def _course(s: Sale, fact: SessionFact) -> Sale:
    """What happened at the plug, and what it came to."""
    sale, at = s.sale, fact.at.utc_ms
    match fact:
        case f.SessionOpened(connector=connector):
            sale = replace(sale, connector=connector, opened_ms=at)
        case f.QuoteAgreed(quote=quote):
            sale = replace(sale, currency=quote.hold.currency)
        case f.DeliveryStarted():
            sale = replace(sale, started_ms=at)
        case f.StopRequested(by=by):
            sale = replace(sale, stopped_by=by)
        case f.DeliveryEnded(reason=reason, delivered=delivered):
            sale = replace(sale, ended_ms=at, ended_by=reason, energy_mwh=delivered.mwh)
        case f.MeterDecided(delivered=delivered):
            sale = replace(sale, energy_mwh=delivered.mwh)
        case f.SessionGivenUp(why=why):
            sale = replace(sale, ended_by=why)
        case f.Priced(rating=rating, charge=charge, shortfall=shortfall, rule=rule):
            sale = replace(sale, price=rating.total.minor, charged=charge.minor, shortfall=shortfall.minor, rule=rule)
        case f.ReceiptIssued(number=number):
            sale = replace(sale, receipt=number)
        case f.SessionClosed():
            sale = replace(sale, closed_ms=at)
        case _:
            return _payer(s, fact)
    return replace(s, sale=sale)


def _payer(s: Sale, fact: SessionFact) -> Sale:
    match fact:
        case f.PaymentAuthorized(approval=approval, wanted=True):
            return replace(s, sale=replace(s.sale, card_brand=approval.card.brand, card_last4=approval.card.last4))
        case f.AccountAccepted(account=account):
            return replace(s, sale=replace(s.sale, contract=account.contract))
    return s


def _payments(s: Sale, fact: SessionFact) -> Sale:
    match fact:
        case f.PreauthorizationRequested(payment=payment, amount=amount):
            row = PaymentRow(payment, fact.session, "requested", fact.at.utc_ms, amount.currency, amount.minor)
            return replace(s, payments=(*s.payments, row))
        case f.PreauthorizationNotSent(payment=payment):
            return _payment(s, payment, state="not_sent")
        case f.PaymentAuthorized(payment=payment, approval=approval, wanted=wanted, expires_at=expires_at):
            return _payment(
                s,
                payment,
                state="authorized",
                authorized=_in_its_currency(s, payment, approval.authorized),
                psp_reference=approval.psp_reference,
                wanted=int(wanted),
                offline=int(approval.offline),
                expires_ms=expires_at.utc_ms if expires_at else None,
            )
        case f.PaymentForwarded(payment=payment, psp_reference=psp_reference, success=True):
            return _payment(s, payment, offline=0, psp_reference=psp_reference)
        case f.PaymentForwarded(payment=payment):
            return _payment(s, payment, offline=0, state="declined", code="offline_declined")
        case f.PaymentDeclined(payment=payment, code=code):
            return _payment(s, payment, state="declined", code=code)
        case f.PaymentUnknown(payment=payment):
            return _payment(s, payment, state="unknown")
        case f.PaymentGivenUp(payment=payment, why=why):
            return _payment(s, payment, state="given_up", code=why)
        case f.ModificationConfirmed(request=request, amount=amount):
            adjusted = next((r for r in s.requests if r.request == request and r.operation == "adjust"), None)
            if adjusted is not None and (amount is None or amount.currency == adjusted.currency):
                return _payment(s, adjusted.payment, authorized=_booked(adjusted, amount))
    return s


def _in_its_currency(s: Sale, ref: PaymentRef, amount: Money) -> int | None:
    return next((amount.minor for p in s.payments if p.payment == ref and p.currency == amount.currency), None)


def _booked(adjusted: RequestRow, amount: Money | None) -> int | None:
    """What is reserved now: no more than was asked for, and no more than the acquirer says."""
    if amount is None or adjusted.amount is None:
        return adjusted.amount
    return min(adjusted.amount, amount.minor)


def _payment(s: Sale, ref: PaymentRef | str, **changes: str | int | None) -> Sale:
    return replace(s, payments=tuple(_changed(p, changes) if p.payment == ref else p for p in s.payments))


def _changed(row: PaymentRow, changes: dict[str, str | int | None]) -> PaymentRow:
    changed: PaymentRow = replace(row, **changes)  # type: ignore[arg-type] # the calls above name fields and give their types
    return changed


def _requests(s: Sale, fact: SessionFact) -> Sale:
    match fact:
        case f.CaptureRequested(amount=amount):
            return _asked(s, fact, fact.payment, fact.request, "capture", amount)
        case f.CancelRequested():
            return _asked(s, fact, fact.payment, fact.request, "cancel" if fact.psp_reference else "cancel_by_reference", None)
        case f.AdjustRequested(amount=amount):
            return _asked(s, fact, fact.payment, fact.request, "adjust", amount)
        case f.RefundRequested(amount=amount, by=by, reason=reason):
            return _asked(s, fact, fact.payment, fact.request, "refund", amount, by, reason)
        case f.AccountCharged(request=request, amount=amount):
            s = _asked(s, fact, PaymentRef(request), request, "account", amount)
            return _answered(s, fact, request, "confirmed", None)
        case f.AccountCredited(request=request, amount=amount, by=by, reason=reason):
            s = _asked(s, fact, PaymentRef(request), request, "refund", amount, by, reason)
            return _answered(s, fact, request, "confirmed", None)
        case f.RefundReported(amount=amount):
            s = _asked(s, fact, fact.payment, fact.request, "refund", amount)
            return _answered(s, fact, fact.request, "confirmed", fact.psp_reference)
        case f.ModificationSubmitted():
            return _answered(s, fact, fact.request, "submitted", fact.psp_reference)
        case f.ModificationRefused():
            return _answered(s, fact, fact.request, "refused", None)
        case f.ModificationConfirmed():
            return _answered(s, fact, fact.request, "confirmed", None)
        case f.ModificationFailed():
            return _answered(s, fact, fact.request, "failed", None)
        case f.CreditNoteIssued(request=request, number=number):
            return replace(s, requests=tuple(replace(r, credit_note=number) if r.request == request else r for r in s.requests))
    return s


def _asked(
    s: Sale,
    fact: SessionFact,
    payment: PaymentRef,
    request: RequestRef,
    operation: str,
    amount: Money | None,
    by: str = "",
    reason: str = "",
) -> Sale:
    row = RequestRow(request, fact.session, payment, operation, "requested", fact.at.utc_ms, asked_by=by, reason=reason)
    if amount is not None:
        row = replace(row, currency=amount.currency, amount=amount.minor)
    if any(r.request == request for r in s.requests):
        return replace(s, requests=tuple(row if r.request == request else r for r in s.requests))
    return replace(s, requests=(*s.requests, row))


def _answered(s: Sale, fact: SessionFact, request: RequestRef, state: str, psp_reference: str | None) -> Sale:
    def answered(row: RequestRow) -> RequestRow:
        return replace(row, state=state, changed_ms=fact.at.utc_ms, psp_reference=psp_reference or row.psp_reference)

    return replace(s, requests=tuple(answered(r) if r.request == request else r for r in s.requests))


def _reviews(s: Sale, fact: SessionFact) -> Sale:
    match fact:
        case f.ReviewOpened(code=code, detail=detail, deadline=deadline):
            until = deadline.utc_ms if deadline else None
            row = ReviewRow(fact.session, len(s.reviews) + 1, code, detail, fact.at.utc_ms, until, request=fact.request or "")
            return replace(s, reviews=(*s.reviews, row))
        case f.ReviewAlarmed(code=code):
            return replace(s, reviews=tuple(replace(r, alarmed=1) if r.code == code and not r.decision else r for r in s.reviews))
        case f.ReviewLapsed(code=code):
            return _decided(s, f.ReviewDecided(fact.at, fact.session, code, "lapsed", None, "", ""))
        case f.ReviewDecided():
            return _decided(s, fact)
    return s


def _decided(s: Sale, fact: f.ReviewDecided) -> Sale:
    def decided(row: ReviewRow) -> ReviewRow:
        return replace(row, decided_ms=fact.at.utc_ms, decision=fact.decision, mwh=fact.mwh, decided_by=fact.by, reason=fact.reason)

    def meant(row: ReviewRow) -> bool:
        return row.code == fact.code and not row.decision and (fact.request is None or row.request in ("", fact.request))

    return replace(s, reviews=tuple(decided(r) if meant(r) else r for r in s.reviews))
