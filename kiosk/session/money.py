"""The money side of a decision: preauthorizations and their outcomes, captures, cancels, confirmations."""

from __future__ import annotations

from itertools import chain

from kiosk.session import facts as f
from kiosk.session.decision import Decision
from kiosk.session.faults import OF_DECLINE
from kiosk.session.inputs import Accepted, Approval, Confirmation, Done, NotSent, Refused, Result, Unknown
from kiosk.session.requests import body_hash, idempotency_key
from kiosk.session.setup import Policy
from kiosk.session.state import Abort, Modification, ModificationState, Payment, PaymentState, Session, Stage
from kiosk.values import Moment, Money, PaymentRef, RequestRef, SessionId

_UNHEARD = (ModificationState.REQUESTED, ModificationState.REFUSED)


def request_preauthorization(d: Decision, s: Session) -> None:
    """Ask for a card: the sale's next payment. Its reference is the sale's id and a count."""
    assert s.quote is not None
    payment = PaymentRef(f"{s.id}-P{len(s.payments) + 1}")
    hold = s.quote.hold
    digest = body_hash(payment, "", "", hold, payment)
    give_up_at = d.at.plus(d.policy.preauth_give_up_s)
    d.note(f.PreauthorizationRequested(d.at, s.id, payment, d.ids.service_id(), hold, s.quote.language, digest, give_up_at))


def another_card_possible(s: Session, policy: Policy) -> bool:
    """Whether a further card may be asked for: nothing is open, and whatever was is known at the acquirer to be released."""
    if s.stage is not Stage.PAYING or s.money_open or s.payment or len(s.payments) >= policy.most_cards:
        return False
    return all(m.state is not ModificationState.REQUESTED for m in s.modifications.values())


def request_abort(d: Decision, s: Session) -> None:
    """Tell the terminal to give up what it is asking for."""
    for p in s.payments.values():
        if p.open and not any(a.payment == p.ref for a in s.aborts):
            d.note(f.AbortRequested(d.at, s.id, p.ref, RequestRef(f"{p.ref}-A"), p.service_id))


def abort_answered(d: Decision, s: Session, abort: Abort, result: Result) -> None:
    """The terminal heard, or may have heard, that we let go. What became of the payment is told by the payment's own answer."""
    if not abort.ended and not isinstance(result, NotSent):
        d.note(f.AbortEnded(d.at, s.id, abort.payment, abort.request, type(result).__name__.lower()))


def preauthorization_answered(d: Decision, s: Session, p: Payment, result: Result) -> None:
    """The terminal's answer to a preauthorization, or the lack of one."""
    match result:
        case Done(Approval() as approval):
            _approved(d, s, p, approval)
        case Refused(code=code, detail=detail) if p.open:
            d.note(f.PaymentDeclined(d.at, s.id, p.ref, OF_DECLINE.get(code, "declined"), detail))
        case NotSent(detail=detail) if p.state is PaymentState.REQUESTED:
            d.note(f.PreauthorizationNotSent(d.at, s.id, p.ref, detail))
        case Unknown(hint=hint, detail=detail) if p.open:
            _unanswered(d, s, p, hint, detail)


def _approved(d: Decision, s: Session, p: Payment, approval: Approval) -> None:
    if p.state is PaymentState.AUTHORIZED:
        return
    enough = max(d.policy.smallest_hold.minor, d.policy.margin.minor + 1)
    usable = approval.authorized.currency == p.amount.currency and approval.authorized.minor >= enough
    wanted = usable and p.open and s.stage is Stage.PAYING and s.payment is None
    d.note(f.PaymentAuthorized(d.at, s.id, p.ref, approval, wanted))
    if wanted:
        d.note(f.StopCodeIssued(d.at, s.id, d.ids.stop_code_digest(s.id)))
    elif p.open and not usable and s.stage is Stage.PAYING:
        d.note(f.SessionGivenUp(d.at, s.id, "approved_too_little"))


def _unanswered(d: Decision, s: Session, p: Payment, hint: str, detail: str) -> None:
    if p.state is PaymentState.UNKNOWN and hint != "not_found" and not p.not_found:
        return
    d.note(f.PaymentUnknown(d.at, s.id, p.ref, hint, detail))
    if hint == "not_found" and p.not_found + 1 >= d.policy.not_found_times:
        d.note(f.PaymentGivenUp(d.at, s.id, p.ref, "not_found"))


def give_up_unknown(d: Decision, s: Session) -> None:
    """Nobody can say any more whether money is reserved: take our leave of it, and tell the operator."""
    for p in s.payments.values():
        if p.open and d.at.reached(p.give_up_at):
            d.note(f.PaymentGivenUp(d.at, s.id, p.ref, "timeout"))
            d.note(f.ReviewOpened(d.at, s.id, "money_unknown", p.ref, d.at.plus(d.policy.cancel_window_s)))
            if s.stage is Stage.PAYING:
                d.note(f.SessionGivenUp(d.at, s.id, "money_unknown"))


# --- giving back and taking ---------------------------------------------------------------------------------------------------


def release_unwanted(d: Decision, s: Session) -> None:
    """Whatever is reserved, or may be, and will not be captured goes back at once."""
    for p in s.payments.values():
        if p.state is PaymentState.GIVEN_UP or (p.state is PaymentState.DECLINED and p.code == "terminal_away"):
            _request_cancel(d, s, p, "")  # a terminal that is out of order is not believed that nothing is reserved
        elif p.approval is not None and p.state is PaymentState.AUTHORIZED and _not_needed(s, p):
            _request_cancel(d, s, p, p.approval.psp_reference)


def _not_needed(s: Session, p: Payment) -> bool:
    if not p.wanted or (s.stage is Stage.GIVEN_UP and s.transaction is None):
        return True
    return s.priced is not None and not s.priced.charge


def _request_cancel(d: Decision, s: Session, p: Payment, psp_reference: str) -> None:
    request = RequestRef(f"{p.ref}-X" if psp_reference else f"{p.ref}-XR")
    if request in s.modifications:
        return
    key = idempotency_key(request)
    digest = body_hash(request, psp_reference, p.ref, None, key)
    window = d.policy.key_life_s * 8 // 10 if psp_reference else d.policy.cancel_window_s
    alarm_at, until = _deadlines(d, d.policy.capture_alarm_s, window)
    d.note(f.CancelRequested(d.at, s.id, p.ref, request, key, psp_reference, digest, alarm_at, until))


def request_capture(d: Decision, s: Session, p: Payment, amount: Money) -> None:
    """Take `amount` of what is reserved; the acquirer releases the rest by itself."""
    assert p.approval is not None
    request = RequestRef(f"{p.ref}-C")
    key = idempotency_key(request)
    digest = body_hash(request, p.approval.psp_reference, p.ref, amount, key)
    alarm_at, until = _deadlines(d, d.policy.capture_alarm_s, d.policy.key_life_s * 8 // 10)
    d.note(f.CaptureRequested(d.at, s.id, p.ref, request, key, p.approval.psp_reference, amount, digest, alarm_at, until))


def _deadlines(d: Decision, alarm_s: int, window_s: int) -> tuple[Moment, Moment]:
    return d.at.plus(min(alarm_s, window_s // 2)), d.at.plus(window_s)


def modification_answered(d: Decision, s: Session, m: Modification, result: Result) -> None:
    """The acquirer's first word on a capture or cancel. No word at all changes nothing: the same request goes out again.

    A yes counts even after we took it for refused: the money moves, and what is captured has its receipt.
    """
    match result:
        case Done(Accepted(psp_reference=psp_reference)) if m.state in _UNHEARD:
            d.note(f.ModificationSubmitted(d.at, s.id, m.request, psp_reference))
            if m.operation == "capture":
                _issue_receipt(d, s)
        case Refused(code=code, detail=detail) if m.state is ModificationState.REQUESTED:
            _refused(d, s, m, code, detail)


def _issue_receipt(d: Decision, s: Session) -> None:
    number = d.k.receipts + 1
    d.note(f.ReceiptIssued(d.at, s.id, number))
    d.note(f.PrintRequested(d.at, s.id, RequestRef(f"{s.id}-R1"), number, 0))


def _refused(d: Decision, s: Session, m: Modification, code: str, detail: str) -> None:
    d.note(f.ModificationRefused(d.at, s.id, m.request, code, detail))
    fault = "capture_refused" if m.operation == "capture" else "cancel_refused"
    d.note(f.ReviewOpened(d.at, s.id, fault, f"{m.request}: {code} {detail}".strip(), m.resend_until))


def watch_deadlines(d: Decision, s: Session) -> None:
    """Alarms and ends of open captures and cancels."""
    for m in s.modifications.values():
        if m.state is not ModificationState.REQUESTED:
            continue
        if d.at.reached(m.resend_until):
            _refused(d, s, m, "key_expired", "the acquirer never answered and the same key is no longer safe")
        elif not m.alarmed and d.at.reached(m.alarm_at):
            d.note(f.AlarmRaised(d.at, s.id, m.request))
            d.note(f.ReviewOpened(d.at, s.id, "money_late", f"{m.request} has no answer", m.resend_until))


# --- the acquirer's last word -------------------------------------------------------------------------------------------------


def confirmed(d: Decision, i: Confirmation) -> None:
    """A webhook. It names our request, or the payment it was about; the sale may be long closed.

    A failure may follow a confirmation days later (Adyen: CAPTURE, then CAPTURE_FAILED), never the other way round.
    """
    session = session_of(d.k.setup.kiosk, i.reference)
    if session is None:
        d.note(f.OrphanConfirmation(d.at, i.reference, i.psp_reference, i.operation, i.success, i.reason))
        return
    held = d.k.find(session)
    known = _meant(held, i) if held else None
    if known and (known.state is ModificationState.FAILED or (i.success and known.state is ModificationState.CONFIRMED)):
        return
    request = known.request if known else RequestRef(i.reference)
    if i.success:
        if held and known and known.state in _UNHEARD:
            modification_answered(d, held, known, Done(Accepted(i.psp_reference)))
        d.note(f.ModificationConfirmed(d.at, session, request, i.operation, i.psp_reference))
        return
    d.note(f.ModificationFailed(d.at, session, request, i.operation, i.psp_reference, i.reason))
    if known is None or known.operation != "cancel_by_reference":  # there may have been nothing to cancel
        fault = "capture_failed" if i.operation == "capture" else "cancel_failed"
        d.note(f.ReviewOpened(d.at, session, fault, f"{request}: {i.reason}".strip(), None))


def _meant(s: Session, i: Confirmation) -> Modification | None:
    """The request a confirmation is about: by the acquirer's reference, by ours, or by the payment's (TECHNICAL_CANCEL names only that)."""
    modifications = tuple(s.modifications.values())
    by_psp = (m for m in modifications if m.submitted_as and m.submitted_as == i.psp_reference)
    by_reference = (m for m in modifications if m.request == i.reference)
    by_payment = (m for m in modifications if m.payment == i.reference and m.operation.startswith(i.operation))
    return next(chain(by_psp, by_reference, by_payment), None)


def session_of(kiosk: str, reference: str) -> SessionId | None:
    """The sale a reference of ours belongs to: `KIOSK-<26 characters>-…`."""
    prefix = f"{kiosk}-"
    if not reference.startswith(prefix):
        return None
    head, separator, _ = reference[len(prefix) :].partition("-")
    return SessionId(prefix + head) if separator and len(head) == 26 else None
