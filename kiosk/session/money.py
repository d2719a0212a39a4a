"""The money side of a decision: preauthorizations and their outcomes, captures, cancels, confirmations."""

from __future__ import annotations

from itertools import chain

from kiosk.session import facts as f
from kiosk.session import offline
from kiosk.session.decision import Decision
from kiosk.session.faults import OF_DECLINE
from kiosk.session.inputs import Accepted, Approval, CardFacts, Confirmation, Done, NotSent, Refused, Result, Unknown
from kiosk.session.requests import body_hash, idempotency_key
from kiosk.session.setup import Policy
from kiosk.session.state import Abort, Modification, ModificationState, Payment, PaymentState, Session, Stage
from kiosk.values import Moment, Money, PaymentRef, RequestRef, SessionId

_NEVER_HEARD = (PaymentState.UNKNOWN, PaymentState.GIVEN_UP)
_NOT_DONE = (ModificationState.REFUSED, ModificationState.LAPSED)
_NO_PROOF = ("terminal_away", "terminal_silent")  # a no that is not believed to mean that nothing is reserved
_UNHEARD = (ModificationState.REQUESTED, *_NOT_DONE)
_TAKEN = (ModificationState.SUBMITTED, ModificationState.CONFIRMED)
_SHORTEST_WINDOW_S = 3_600  # an acquirer that is away for a moment when a reservation ends loses nobody's money


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
    """The terminal has heard that we let go; where that is not sure it is told again, for it can end nothing but this dialogue, and the
    next driver must not meet it. What became of the payment is told by the payment's own answer."""
    if not abort.ended and not isinstance(result, NotSent | Unknown):
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
    if p.approval is not None:  # known already, whatever became of it
        return
    usable = offline.usable(d.k, approval)
    enough = max(d.policy.smallest_hold.minor, d.policy.margin.minor + 1)
    sufficient = usable.currency == p.amount.currency and usable.minor >= enough
    wanted = sufficient and p.open and s.stage is Stage.PAYING and s.payment is None
    expires_at = d.at.plus(d.policy.hold_s(approval.card.brand))
    d.note(f.PaymentAuthorized(d.at, s.id, p.ref, approval, wanted, usable, expires_at))
    if wanted:
        d.note(f.StopCodeIssued(d.at, s.id, d.ids.stop_code_digest(s.id)))
    elif p.open and not sufficient and s.stage is Stage.PAYING:
        d.note(f.SessionGivenUp(d.at, s.id, "offline_not_allowed" if approval.offline else "approved_too_little"))


def forwarded(d: Decision, i: Confirmation, recalled: Session | None = None) -> None:
    """The issuer has spoken on a payment: news only where the terminal alone had approved it, or where its answer never reached us."""
    session = session_of(d.k.setup.kiosk, i.reference)
    s = d.k.find(session) if session else None
    p = s.payments.get(PaymentRef(i.reference)) if s else None
    if s is None or p is None:
        if recalled is not None and i.success:
            _too_late(d, recalled, i)
        return
    if p.stored and not i.success:
        declined_offline(d, s, p, i.reason)
    elif p.stored or (i.success and p.state is PaymentState.DECLINED and p.approval is not None):
        _reached_the_issuer(d, s, p, i)
    elif p.state in _NEVER_HEARD and i.success and i.amount is not None and i.psp_reference:
        _approved(d, s, p, Approval(i.amount, i.psp_reference, "", CardFacts()))


def _too_late(d: Decision, sale: Session, i: Confirmation) -> None:
    """Money was reserved for a sale that is over and took its leave of it: it goes back, unless energy was given for it."""
    lost = sale.payments.get(PaymentRef(i.reference))
    if lost is None or i.amount is None or (lost.approval is not None and not lost.approval.offline):
        return
    if sale.delivered is not None and sale.delivered.mwh:
        d.note(f.ReviewOpened(d.at, sale.id, "energy_unpaid", f"{lost.ref} was authorized late, as {i.psp_reference}: {i.amount}", None))
    else:
        orphaned(d, RequestRef(i.reference), Approval(i.amount, i.psp_reference, "", CardFacts()))


def declined_offline(d: Decision, s: Session, p: Payment, reason: str) -> None:
    """What the terminal approved by itself is worth nothing. Energy that is not flowing yet will not flow; what has flown a person sees."""
    d.note(f.PaymentForwarded(d.at, s.id, p.ref, "", False, reason))
    if p.wanted and s.transaction is not None:
        d.note(f.ReviewOpened(d.at, s.id, "offline_declined", f"{p.ref}: {reason}".strip(), None))
    elif p.wanted and not s.given_up:
        d.note(f.SessionGivenUp(d.at, s.id, "declined"))


def _reached_the_issuer(d: Decision, s: Session, p: Payment, i: Confirmation) -> None:
    if not i.psp_reference:
        return  # nothing can be captured or released under no reference
    d.note(f.PaymentForwarded(d.at, s.id, p.ref, i.psp_reference, True, i.reason))
    if p.approval is not None and i.amount is not None and i.amount != p.approval.authorized:
        detail = f"{p.ref}: the terminal approved {p.approval.authorized}, the issuer {i.amount}"
        d.note(f.ReviewOpened(d.at, s.id, "amount_differs", detail, None))


def orphaned(d: Decision, reference: RequestRef, approval: Approval) -> None:
    """An approval for a sale that is long over. Whose it was the reference says; it goes back at once."""
    d.note(f.OrphanApproval(d.at, reference, approval))
    session = session_of(d.k.setup.kiosk, reference)
    request = RequestRef(f"{reference}-X")
    if session is None or not reference.removeprefix(f"{session}-P").isdecimal() or not approval.psp_reference:
        return
    if d.k.find(session) is not None or request in d.k.loose:
        return  # a sale that is held knows its payments: under a reference it never used nothing is safe to do
    key = idempotency_key(request)
    digest = body_hash(request, approval.psp_reference, reference, None, key)
    window = d.policy.key_life_s * 8 // 10
    alarm_at, until = d.at.plus(min(d.policy.capture_alarm_s, window // 2)), d.at.plus(window)
    payment = PaymentRef(reference)
    d.note(f.CancelRequested(d.at, session, payment, request, key, approval.psp_reference, digest, alarm_at, until))


def _unanswered(d: Decision, s: Session, p: Payment, hint: str, detail: str) -> None:
    if hint == "in_progress" and p.asked_before(d.k.started_at):
        request_abort(d, s)  # whoever stood at the screen is gone: the next one must not meet this dialogue
    if p.state is PaymentState.UNKNOWN and hint != "not_found" and not p.not_found:
        return
    d.note(f.PaymentUnknown(d.at, s.id, p.ref, hint, detail))
    if hint == "not_found" and p.not_found + 1 >= d.policy.not_found_times:
        d.note(f.PaymentGivenUp(d.at, s.id, p.ref, "not_found"))


def give_up_unknown(d: Decision, s: Session) -> None:
    """Nobody can say any more whether money is reserved: take our leave of it, and tell the operator."""
    for p in s.payments.values():
        if p.open and d.at.reached(p.gives_up_at(d.k.started_at)):
            d.note(f.PaymentGivenUp(d.at, s.id, p.ref, "timeout"))
            d.note(f.ReviewOpened(d.at, s.id, "money_unknown", p.ref, d.at.plus(d.policy.cancel_window_s)))
            if s.stage is Stage.PAYING:
                d.note(f.SessionGivenUp(d.at, s.id, "money_unknown"))


# --- giving back and taking ---------------------------------------------------------------------------------------------------


def release_unwanted(d: Decision, s: Session) -> None:
    """Whatever is reserved, or may be, and will not be captured goes back at once."""
    for p in s.payments.values():
        if p.state is PaymentState.GIVEN_UP or (p.state is PaymentState.DECLINED and p.code in _NO_PROOF):
            _request_cancel(d, s, p, "")  # a terminal that is out of order is not believed that nothing is reserved
        elif p.approval is not None and p.state is PaymentState.AUTHORIZED and not p.stored and _not_needed(s, p):
            _request_cancel(d, s, p, p.approval.psp_reference)


def _not_needed(s: Session, p: Payment) -> bool:
    if not p.wanted or (s.stage is Stage.GIVEN_UP and s.transaction is None):
        return True
    return s.priced is not None and not s.priced.charge


def not_done(s: Session, *operations: str) -> tuple[Modification, ...]:
    """Of each payment its last request of these kinds, where the acquirer refused it or failed to do it, and did no earlier one."""
    asked = [m for m in s.modifications.values() if m.operation in operations]
    last = {m.payment: m for m in asked}
    done = {m.payment for m in asked if _may_be_done(m)}
    return tuple(m for m in last.values() if m.payment not in done and m.state in (*_NOT_DONE, ModificationState.FAILED))


def _may_be_done(m: Modification) -> bool:
    """A cancel by our reference is taken whether there is anything to cancel or not: of it only the confirmation tells."""
    if m.operation == "cancel_by_reference":
        return m.state is ModificationState.CONFIRMED
    return m.state in (ModificationState.REQUESTED, *_TAKEN)


def let_go(d: Decision, s: Session) -> None:
    """What could not be captured is not kept reserved either."""
    for m in not_done(s, "capture"):
        payment = s.payments[m.payment]
        cancel_anew(d, s, payment, payment.approval.psp_reference if payment.approval else "")


def _request_cancel(d: Decision, s: Session, p: Payment, psp_reference: str) -> None:
    """Once: a second one is an operator's decision."""
    if RequestRef(f"{p.ref}-X" if psp_reference else f"{p.ref}-XR") not in s.modifications:
        cancel_anew(d, s, p, psp_reference)


def cancel_anew(d: Decision, s: Session, p: Payment, psp_reference: str) -> None:
    """Give back what is reserved; by our own reference when the acquirer's is not known."""
    request = _next_request(s, f"{p.ref}-X" if psp_reference else f"{p.ref}-XR")
    key = idempotency_key(request)
    digest = body_hash(request, psp_reference, p.ref, None, key)
    alarm_at, until = _deadlines(d, p, d.policy.key_life_s * 8 // 10 if psp_reference else d.policy.cancel_window_s)
    d.note(f.CancelRequested(d.at, s.id, p.ref, request, key, psp_reference, digest, alarm_at, until))


def request_capture(d: Decision, s: Session, p: Payment, amount: Money) -> None:
    """Take `amount` of what is reserved; the acquirer releases the rest by itself."""
    assert p.approval is not None
    request = _next_request(s, f"{p.ref}-C")
    key = idempotency_key(request)
    digest = body_hash(request, p.approval.psp_reference, p.ref, amount, key)
    alarm_at, until = _deadlines(d, p, d.policy.key_life_s * 8 // 10)
    d.note(f.CaptureRequested(d.at, s.id, p.ref, request, key, p.approval.psp_reference, amount, digest, alarm_at, until))


def request_adjustment(d: Decision, s: Session, p: Payment, total: Money) -> None:
    """Reserve `total` in all on the same card."""
    assert p.approval is not None
    request = _next_request(s, f"{p.ref}-J")
    key = idempotency_key(request)
    digest = body_hash(request, p.approval.psp_reference, p.ref, total, key)
    alarm_at, until = _deadlines(d, p, d.policy.key_life_s * 8 // 10)
    d.note(f.AdjustRequested(d.at, s.id, p.ref, request, key, p.approval.psp_reference, total, digest, alarm_at, until))


def _next_request(s: Session, stem: str) -> RequestRef:
    """`stem`, and from the second one on with its number."""
    number = sum(r == stem or (r.startswith(stem) and r[len(stem) :].isdecimal()) for r in s.modifications) + 1
    return RequestRef(stem if number == 1 else f"{stem}{number}")


def _deadlines(d: Decision, p: Payment, window_s: int) -> tuple[Moment, Moment]:
    """When to raise the alarm and when to stop asking: within the window, and while the scheme still keeps the reservation."""
    if p.expires_at is not None:
        window_s = min(window_s, max(_SHORTEST_WINDOW_S, d.at.ms_until(p.expires_at) // 1_000))
    return d.at.plus(min(d.policy.capture_alarm_s, window_s // 2)), d.at.plus(window_s)


def modification_answered(d: Decision, session: SessionId, m: Modification, result: Result, recalled: Session | None = None) -> None:
    """The acquirer's first word on a modification. No word at all changes nothing: the same request goes out again.

    A yes counts even after we took it for refused: the money moves, and what moved has its paper.
    """
    s = d.k.find(session) or recalled
    match result:
        case Done(Accepted(psp_reference=psp_reference)) if m.state in _UNHEARD:
            d.note(f.ModificationSubmitted(d.at, session, m.request, psp_reference))
            _no_longer_late(d, session, m, s, "the acquirer has answered")
            fault = _REFUSED.get(m.operation, "cancel_refused")
            if m.state in _NOT_DONE and m.operation != "adjust" and (s is None or s.reviewed(fault)):
                about = m.request if m.operation == "refund" else None  # of several captures or cancels of a payment one is enough
                d.note(f.ReviewDecided(d.at, session, fault, "settled", None, "kiosk", "the acquirer has it after all", about))
            if m.operation == "capture":
                if s is not None:
                    _taken_once(d, s, m)
                tried_anew = s is None and m.request in d.k.loose  # after the first was taken, and failed: that one had its receipt
                if not tried_anew and (s is None or not _has_paper(s)):
                    _issue_receipt(d, session, m)
            elif m.operation == "refund":
                d.note(f.CreditNoteIssued(d.at, session, m.request, d.k.credit_notes + 1))
        case Refused(code=code, detail=detail) if m.state is ModificationState.REQUESTED:
            _refused(d, session, m, code, detail)


def _taken_once(d: Decision, s: Session, m: Modification) -> None:
    """A capture tried anew is not needed when the first one turns out done; when both are, a person gives one back."""
    for other in s.modifications.values():
        if other.operation != "capture" or other.request == m.request:
            continue
        if other.state is ModificationState.REQUESTED:
            d.note(f.ModificationRefused(d.at, s.id, other.request, "superseded", f"{m.request} was taken after all"))
            _no_longer_late(d, s.id, other, s, "it is not needed any more")
        elif other.state in _TAKEN:
            d.note(f.ReviewOpened(d.at, s.id, "amount_differs", f"taken twice: by {other.request} and by {m.request}", None))
        elif other.state is ModificationState.FAILED and other.amount != m.amount:
            said = f"the receipt says {other.amount}, {m.request} took {m.amount}"
            d.note(f.ReviewOpened(d.at, s.id, "amount_differs", said, None))


def _has_paper(s: Session) -> bool:
    """Whether a receipt stands for money that did not move after all: then it stands for what moved instead."""
    states = [m.state for m in s.modifications.values() if m.operation == "capture"]
    return s.receipt is not None and ModificationState.FAILED in states and not any(state in _TAKEN for state in states)


def _issue_receipt(d: Decision, session: SessionId, m: Modification) -> None:
    number = d.k.receipts + 1
    d.note(f.ReceiptIssued(d.at, session, number))
    s = d.k.find(session)
    if s is not None and not s.prints and m.request.endswith("-C"):  # of a capture tried anew the driver is long gone
        d.note(f.PrintRequested(d.at, session, RequestRef(f"{session}-R1"), number, 0))


_REFUSED = {"capture": "capture_refused", "refund": "refund_refused"}


def _refused(d: Decision, session: SessionId, m: Modification, code: str, detail: str) -> None:
    d.note(f.ModificationRefused(d.at, session, m.request, code, detail))
    if m.operation == "adjust":
        return  # the charge ends where the reservation does
    s = d.k.find(session)
    _no_longer_late(d, session, m, s, "it is sent no more" if code == "key_expired" else "the acquirer has answered")
    deadline = review_deadline(d, s) if s else d.at.plus(d.policy.review_s)
    fault = _REFUSED.get(m.operation, "cancel_refused")
    d.note(f.ReviewOpened(d.at, session, fault, f"{m.request}: {code} {detail}".strip(), deadline, m.request))


def _no_longer_late(d: Decision, session: SessionId, m: Modification, s: Session | None, why: str) -> None:
    """Nobody needs to wait for the answer any more, and so nobody needs to settle that it was late."""
    if m.alarmed and (s is None or any(r.open and r.code == "money_late" and r.about(m.request) for r in s.reviews)):
        d.note(f.ReviewDecided(d.at, session, "money_late", "settled", None, "kiosk", why, m.request))


def review_deadline(d: Decision, s: Session) -> Moment:
    """Until when a person can still decide: while the reservation stands."""
    expiries = [p.expires_at for p in s.payments.values() if p.expires_at is not None and not d.at.reached(p.expires_at)]
    return min((d.at.plus(d.policy.review_s), *expiries), key=d.at.ms_until)


def watch_deadlines(d: Decision, s: Session) -> None:
    """Alarms and ends of the sale's open captures and cancels."""
    for m in s.modifications.values():
        if m.operation != "refund":
            _watch(d, s.id, m)


def watch_loose(d: Decision) -> None:
    """The same for what is asked about sales whether held or not."""
    for m in tuple(d.k.loose.values()):
        _watch(d, sale_of(m), m)


def _watch(d: Decision, session: SessionId, m: Modification) -> None:
    if m.state is not ModificationState.REQUESTED:
        return
    if d.at.reached(m.resend_until):
        s = d.k.find(session)
        held = s.payments.get(m.payment) if s is not None and m.operation == "cancel" else None
        if s is not None and held is not None and held.expires_at is not None and not d.at.reached(held.expires_at):
            d.note(f.ModificationRefused(d.at, session, m.request, "key_expired", "the same is asked for under another key"))
            _no_longer_late(d, session, m, s, "it is sent no more")
            cancel_anew(d, d.k.sessions[session], held, m.psp_reference)  # to let go twice moves no more money than to let go once
            return
        _refused(d, session, m, "key_expired", "the acquirer never answered and the same key is no longer safe")
    elif not m.alarmed and m.operation != "adjust" and d.at.reached(m.alarm_at):
        d.note(f.AlarmRaised(d.at, session, m.request))
        d.note(f.ReviewOpened(d.at, session, "money_late", f"{m.request} has no answer", m.resend_until, m.request))


# --- the acquirer's last word -------------------------------------------------------------------------------------------------


_FAILED = {"capture": "capture_failed", "refund": "refund_failed"}
_WITH_AMOUNT = ("capture", "refund", "adjust")


def confirmed(d: Decision, i: Confirmation, recalled: Session | None = None) -> None:
    """A webhook. It names our request, or the payment it was about. `recalled` is the sale from the journal when it is no longer held.

    A failure may follow a confirmation days later (Adyen: CAPTURE, then CAPTURE_FAILED), never the other way round.
    """
    if i.operation == "authorisation":
        return forwarded(d, i, recalled)
    session = session_of(d.k.setup.kiosk, i.reference)
    if session is None:
        return d.note(f.OrphanConfirmation(d.at, i.reference, i.psp_reference, i.operation, i.success, i.reason))
    sale = d.k.find(session) or recalled
    known = _meant(sale, i) if sale else None
    if known and (known.state is ModificationState.FAILED or (i.success and known.state is ModificationState.CONFIRMED)):
        return None
    if known is None and sale is not None and i.operation == "refund" and i.success and i.amount is not None:
        return _refunded_elsewhere(d, sale, i)
    if known is None and sale is not None:
        return d.note(f.OrphanConfirmation(d.at, i.reference, i.psp_reference, i.operation, i.success, i.reason))
    request = known.request if known else RequestRef(i.reference)
    if i.success:
        return _booked(d, session, sale, known, request, i)
    d.note(f.ModificationFailed(d.at, session, request, i.operation, i.psp_reference, i.reason))
    if known is not None:
        _no_longer_late(d, session, known, sale, "the acquirer has answered")
    if i.operation == "adjust" or (known is not None and known.operation == "cancel_by_reference"):
        return None  # the charge ends where the reservation does; there may have been nothing to cancel
    fault = _FAILED.get(i.operation, "cancel_failed")
    return d.note(f.ReviewOpened(d.at, session, fault, f"{request}: {i.reason}".strip(), None, request))


def _booked(
    d: Decision, session: SessionId, sale: Session | None, known: Modification | None, request: RequestRef, i: Confirmation
) -> None:
    if known and known.state in _UNHEARD:
        modification_answered(d, session, known, Done(Accepted(i.psp_reference)), sale)
    d.note(f.ModificationConfirmed(d.at, session, request, i.operation, i.psp_reference, i.amount))
    if known and known.operation in _WITH_AMOUNT and i.amount is not None and i.amount != known.amount:
        detail = f"{request}: asked for {known.amount}, the acquirer booked {i.amount}"
        d.note(f.ReviewOpened(d.at, session, "amount_differs", detail, None, request))


def _refunded_elsewhere(d: Decision, sale: Session, i: Confirmation) -> None:
    """Somebody paid back in the acquirer's own pages: it counts, and it gets its credit note."""
    request = RequestRef(f"{sale.id}-F-{i.psp_reference}")
    payment = sale.payments.get(PaymentRef(i.reference)) or sale.payment or sale.last_payment
    if request in sale.modifications:
        return
    if payment is None or i.amount is None or i.amount.currency != payment.amount.currency or i.amount.minor <= 0:
        d.note(f.OrphanConfirmation(d.at, i.reference, i.psp_reference, i.operation, i.success, i.reason))
        return
    d.note(f.RefundReported(d.at, sale.id, payment.ref, request, i.psp_reference, i.amount))
    d.note(f.CreditNoteIssued(d.at, sale.id, request, d.k.credit_notes + 1))


def _meant(s: Session, i: Confirmation) -> Modification | None:
    """The request a confirmation is about: by our reference, by the acquirer's, or by the payment's (TECHNICAL_CANCEL names only that).

    A refund that names only the payment is not ours: it was made in the acquirer's own pages.
    """
    modifications = tuple(m for m in s.modifications.values() if m.operation.startswith(i.operation))
    by_reference = (m for m in modifications if m.request == i.reference)
    by_psp = (m for m in modifications if m.submitted_as and m.submitted_as == i.psp_reference)
    by_payment = (m for m in modifications if m.payment == i.reference and m.operation != "refund")
    return next(chain(by_reference, by_psp, by_payment), None)


def sale_of(m: Modification) -> SessionId:
    """The sale of a request that was made here, whatever the kiosk was called then."""
    return SessionId(m.payment.rpartition("-")[0])


def session_of(kiosk: str, reference: str) -> SessionId | None:
    """The sale a reference of ours belongs to: `KIOSK-<26 characters>-…`."""
    prefix = f"{kiosk}-"
    if not reference.startswith(prefix):
        return None
    head, separator, _ = reference[len(prefix) :].partition("-")
    return SessionId(prefix + head) if separator and len(head) == 26 else None
