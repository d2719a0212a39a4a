"""Putting a settled sale right: refunds up to what was captured or charged to an account, and paper once more. A receipt is never edited; a
correction is a credit note."""

from __future__ import annotations

from hashlib import sha256

from kiosk.session import facts as f
from kiosk.session.decision import Decision
from kiosk.session.ending import print_again
from kiosk.session.inputs import RefundAsked
from kiosk.session.requests import body_hash, idempotency_key
from kiosk.session.state import Kiosk, Modification, ModificationState, Session
from kiosk.values import Money, PaymentRef, RequestRef

# Why money goes back: nothing was delivered, the price was wrong, the kiosk or the pile was at fault, goodwill, a dispute was lost.
REASONS = ("not_delivered", "price", "fault", "goodwill", "dispute", "other")

_TAKEN = (ModificationState.SUBMITTED, ModificationState.CONFIRMED)
_NOTHING = (ModificationState.REFUSED, ModificationState.FAILED)


def refundable(k: Kiosk, s: Session) -> Money:
    """What was captured, or charged to an account, and has not been paid back, nor is about to be; never less than nothing."""
    if s.charged is not None:
        return s.charged.amount - sum((c.amount for c in s.credited), Money.zero(s.charged.amount.currency))
    known = {m.request: m for m in (*s.modifications.values(), *_under_way(k, s))}.values()
    taken = [m.amount for m in known if m.operation == "capture" and m.amount is not None and m.state in _TAKEN]
    if not taken:
        return Money.zero(k.setup.currency)
    nothing = Money.zero(taken[0].currency)
    given_back = (m.amount for m in known if m.operation == "refund" and m.amount is not None and m.state not in _NOTHING)
    return max(nothing, sum(taken, nothing) - sum(given_back, nothing))


def objection(k: Kiosk, s: Session, given: RefundAsked) -> str:
    """Why the refund cannot be made, as a word; empty when it can."""
    if not given.by.strip() or given.reason not in REASONS:
        return "no_name_or_reason"
    request = refund_ref(s, given)
    if request in s.modifications or request in k.loose or any(c.request == request for c in s.credited):
        return "already_asked"
    left = refundable(k, s)
    if not left:
        return "nothing_to_refund"
    if given.amount is not None and (given.amount.currency != left.currency or not 0 < given.amount.minor <= left.minor):
        return "more_than_captured"
    return ""


def refund(d: Decision, s: Session, given: RefundAsked) -> None:
    """Ask the acquirer to pay back, or owe less on the account; the sale may be held or not."""
    if objection(d.k, s, given):
        return
    if s.charged is not None:
        amount, request = given.amount or refundable(d.k, s), refund_ref(s, given)
        d.note(f.AccountCredited(d.at, s.id, request, s.charged.contract, amount, given.by, given.reason))
        d.note(f.CreditNoteIssued(d.at, s.id, request, d.k.credit_notes + 1))
        return
    if s.capture is None:
        return
    payment = s.payments[s.capture.payment]
    assert payment.approval is not None
    amount = given.amount or refundable(d.k, s)
    request = refund_ref(s, given)
    key = idempotency_key(request)
    psp = payment.approval.psp_reference
    digest = body_hash(request, psp, payment.ref, amount, key)
    window = d.policy.key_life_s * 8 // 10
    alarm_at, until = d.at.plus(min(d.policy.capture_alarm_s, window // 2)), d.at.plus(window)
    d.note(f.RefundRequested(d.at, s.id, payment.ref, request, key, psp, amount, digest, alarm_at, until, given.by, given.reason))


def refund_ref(s: Session, given: RefundAsked) -> RequestRef:
    """A refund is named after its order, so that the same order is one refund however often it arrives."""
    payment = s.capture.payment if s.capture else PaymentRef(f"{s.id}-K1" if s.charged else f"{s.id}-P0")
    return RequestRef(f"{payment}-F{sha256(given.command.encode()).hexdigest()[:12]}")


def _under_way(k: Kiosk, s: Session) -> tuple[Modification, ...]:
    return tuple(m for m in k.loose.values() if m.request.startswith(f"{s.id}-"))


def reprint(d: Decision, s: Session) -> None:
    """Paper of a sale that is no longer held: a COPY under the same rule as of one that is."""
    if s.receipt is None or any(p.session == s.id for p in d.k.reprints.values()):
        return
    print_again(d, s, s.receipt)
