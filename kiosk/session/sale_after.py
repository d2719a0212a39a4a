"""Folding the facts of one sale: `sale_after(s, fact)` is the sale after the fact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from kiosk.session import facts as f
from kiosk.session.changed import changed
from kiosk.session.facts import SessionFact
from kiosk.session.state import (
    Abort,
    Heard,
    Modification,
    ModificationState,
    Pause,
    Payment,
    PaymentState,
    Printing,
    Review,
    Session,
    Stage,
    Start,
    Stop,
)
from kiosk.values import Digest, Money, PaymentRef, RequestRef

_F = TypeVar("_F", bound=SessionFact)

_AS_LONG_MS = 2_000  # apart, values took as long on their way
_Step = Callable[[Session, Any], Session]


def sale_after(s: Session, fact: SessionFact) -> Session:
    """The sale after `fact`; a fact that says nothing of the sale's state leaves it as it is."""
    step = _STEPS.get(type(fact))
    return step(s, fact) if step else s


_STEPS: dict[type[SessionFact], _Step] = {}


def _on(kind: type[_F]) -> Callable[[Callable[[Session, _F], Session]], Callable[[Session, _F], Session]]:
    def register(step: Callable[[Session, _F], Session]) -> Callable[[Session, _F], Session]:
        _STEPS[kind] = step
        return step

    return register


def _payment(s: Session, ref: PaymentRef, **changes: Any) -> Session:
    if ref not in s.payments:
        return s
    return changed(s, payments=MappingProxyType({**s.payments, ref: changed(s.payments[ref], **changes)}))


def _modification(s: Session, request: RequestRef, **changes: Any) -> Session:
    if request not in s.modifications:
        return s
    return changed(s, modifications=MappingProxyType({**s.modifications, request: changed(s.modifications[request], **changes)}))


def _stage(s: Session, stage: Stage, fact: SessionFact) -> Session:
    return changed(s, stage=stage, stage_at=fact.at)


@_on(f.QuoteAgreed)
def _quote(s: Session, fact: f.QuoteAgreed) -> Session:
    return changed(s, quote=fact.quote)


@_on(f.PriceLowered)
def _lowered(s: Session, fact: f.PriceLowered) -> Session:
    if s.quote is None:
        return s
    return changed(s, quote=replace(s.quote, discounts_json=fact.discounts_json, discounts_hash=fact.discounts_hash))


@_on(f.PreauthorizationRequested)
def _preauthorization(s: Session, fact: f.PreauthorizationRequested) -> Session:
    payment = Payment(
        fact.payment, fact.amount, fact.service_id, fact.language, fact.body_hash, fact.at, fact.give_up_at, changed_at=fact.at
    )
    return changed(s, payments=MappingProxyType({**s.payments, fact.payment: payment}))


@_on(f.PreauthorizationNotSent)
def _not_sent(s: Session, fact: f.PreauthorizationNotSent) -> Session:
    return _payment(s, fact.payment, state=PaymentState.NOT_SENT, changed_at=fact.at)


@_on(f.PaymentAuthorized)
def _authorized(s: Session, fact: f.PaymentAuthorized) -> Session:
    s = _payment(s, fact.payment, state=PaymentState.AUTHORIZED, changed_at=fact.at, approval=fact.approval, wanted=fact.wanted)
    return _payment(s, fact.payment, usable=fact.usable, expires_at=fact.expires_at)


@_on(f.PaymentForwarded)
def _forwarded(s: Session, fact: f.PaymentForwarded) -> Session:
    payment = s.payments.get(fact.payment)
    if payment is None or payment.approval is None:
        return s
    if not fact.success:
        return _payment(s, fact.payment, state=PaymentState.DECLINED, changed_at=fact.at, code="offline_declined")
    approval = replace(payment.approval, psp_reference=fact.psp_reference, offline=False)
    return _payment(s, fact.payment, state=PaymentState.AUTHORIZED, changed_at=fact.at, approval=approval)


@_on(f.FreeVendGranted)
def _free(s: Session, fact: f.FreeVendGranted) -> Session:
    return changed(s, free=fact.why)


@_on(f.AccountAccepted)
def _account(s: Session, fact: f.AccountAccepted) -> Session:
    return changed(s, account=fact.account)


@_on(f.AccountCharged)
def _charged(s: Session, fact: f.AccountCharged) -> Session:
    return changed(s, charged=fact)


@_on(f.AccountCredited)
def _credited(s: Session, fact: f.AccountCredited) -> Session:
    return changed(s, credited=(*s.credited, fact))


@_on(f.PaymentDeclined)
def _declined(s: Session, fact: f.PaymentDeclined) -> Session:
    return _payment(s, fact.payment, state=PaymentState.DECLINED, changed_at=fact.at, code=fact.code)


@_on(f.PaymentUnknown)
def _unknown(s: Session, fact: f.PaymentUnknown) -> Session:
    before = s.payments.get(fact.payment)
    count = before.not_found + 1 if before and fact.hint == "not_found" else 0
    return _payment(s, fact.payment, state=PaymentState.UNKNOWN, changed_at=fact.at, not_found=count)


@_on(f.PaymentGivenUp)
def _payment_given_up(s: Session, fact: f.PaymentGivenUp) -> Session:
    return _payment(s, fact.payment, state=PaymentState.GIVEN_UP, changed_at=fact.at, code=fact.why)


@_on(f.AbortRequested)
def _abort(s: Session, fact: f.AbortRequested) -> Session:
    return changed(s, aborts=(*s.aborts, Abort(fact.request, fact.payment, fact.service_id)))


@_on(f.AbortEnded)
def _abort_ended(s: Session, fact: f.AbortEnded) -> Session:
    return changed(s, aborts=tuple(replace(a, ended=True) if a.request == fact.request else a for a in s.aborts))


_Asking = f.CancelRequested | f.CaptureRequested | f.AdjustRequested | f.RefundRequested


@_on(f.CancelRequested)
def _cancel(s: Session, fact: f.CancelRequested) -> Session:
    return _asked(s, fact, cancel_kind(fact), None)


def cancel_kind(fact: f.CancelRequested) -> str:
    """The operation it asks for."""
    return "cancel" if fact.psp_reference else "cancel_by_reference"


@_on(f.CaptureRequested)
def _capture(s: Session, fact: f.CaptureRequested) -> Session:
    return _asked(s, fact, "capture", fact.amount)


@_on(f.AdjustRequested)
def _adjust(s: Session, fact: f.AdjustRequested) -> Session:
    return _asked(s, fact, "adjust", fact.amount)


@_on(f.RefundRequested)
def _refund_asked(s: Session, fact: f.RefundRequested) -> Session:
    return _asked(s, fact, "refund", fact.amount)


@_on(f.RefundReported)
def _refund_reported(s: Session, fact: f.RefundReported) -> Session:
    at = fact.at
    paid = Modification(
        fact.request,
        fact.payment,
        "refund",
        "",
        "",
        fact.amount,
        Digest(""),
        at,
        at,
        at,
        ModificationState.CONFIRMED,
        at,
        fact.psp_reference,
    )
    return changed(s, modifications=MappingProxyType({**s.modifications, fact.request: paid}))


def _asked(s: Session, fact: _Asking, operation: str, amount: Money | None) -> Session:
    return changed(s, modifications=MappingProxyType({**s.modifications, fact.request: asked_for(fact, operation, amount)}))


def asked_for(fact: _Asking, operation: str, amount: Money | None) -> Modification:
    """What was asked of the acquirer, as yet unanswered."""
    return Modification(
        fact.request,
        fact.payment,
        operation,
        fact.key,
        fact.psp_reference,
        amount,
        fact.body_hash,
        fact.at,
        fact.alarm_at,
        fact.resend_until,
    )


@_on(f.ModificationSubmitted)
def _submitted(s: Session, fact: f.ModificationSubmitted) -> Session:
    return _modification(s, fact.request, state=ModificationState.SUBMITTED, submitted_at=fact.at, submitted_as=fact.psp_reference)


@_on(f.ModificationRefused)
def _refused(s: Session, fact: f.ModificationRefused) -> Session:
    lapsed = fact.code == "key_expired"
    return _modification(s, fact.request, state=ModificationState.LAPSED if lapsed else ModificationState.REFUSED)


@_on(f.ModificationConfirmed)
def _confirmed(s: Session, fact: f.ModificationConfirmed) -> Session:
    s = _modification(s, fact.request, state=ModificationState.CONFIRMED)
    known = s.modifications.get(fact.request)
    if known is None or known.operation != "adjust":
        return s
    return _payment(s, known.payment, usable=_reserved_now(s.payments.get(known.payment), known, fact.amount))


def _reserved_now(payment: Payment | None, asked: Modification, booked: Money | None) -> Money | None:
    """What can be relied on after an adjustment: no more than was asked for, and no more than the acquirer says."""
    if booked is None or asked.amount is None:
        return asked.amount
    if booked.currency != asked.amount.currency:
        return payment.usable if payment else None
    return min(asked.amount, booked)


@_on(f.ModificationFailed)
def _failed(s: Session, fact: f.ModificationFailed) -> Session:
    return _modification(s, fact.request, state=ModificationState.FAILED)


@_on(f.AlarmRaised)
def _alarm(s: Session, fact: f.AlarmRaised) -> Session:
    return _modification(s, fact.request, alarmed=True)


@_on(f.StopCodeIssued)
def _code(s: Session, fact: f.StopCodeIssued) -> Session:
    return changed(s, stop_code=fact.digest)


@_on(f.PlugAwaited)
def _plug(s: Session, fact: f.PlugAwaited) -> Session:
    if s.stage is not Stage.WAITING_FOR_PLUG:
        s = _stage(s, Stage.WAITING_FOR_PLUG, fact)
    return changed(s, plug_until=fact.until)


@_on(f.StartRequested)
def _start(s: Session, fact: f.StartRequested) -> Session:
    if fact.plugged:
        s = _stage(s, Stage.START_REQUESTED, fact)
    start = Start(fact.request, fact.id_tag, fact.plugged, fact.until, fact.at)
    return changed(s, starts=(*s.starts, start), start_lapsed=False)


@_on(f.StartAccepted)
def _start_accepted(s: Session, fact: f.StartAccepted) -> Session:
    return _start_answered(s, fact.request, promised=True)


@_on(f.StartRefused)
def _start_refused(s: Session, fact: f.StartRefused) -> Session:
    s = _start_answered(s, fact.request, promised=False)
    return start_let_go(s) if s.starts and not s.starts[-1].plugged else s


def _start_answered(s: Session, request: RequestRef, *, promised: bool) -> Session:
    return changed(s, starts=tuple(replace(x, answered=True, promised=promised) if x.request == request else x for x in s.starts))


@_on(f.StartFailed)
def _start_failed(s: Session, fact: f.StartFailed) -> Session:
    return changed(start_let_go(_stage(s, Stage.START_FAILED, fact)), retry_until=fact.until, failed_why=fact.why)


def start_let_go(s: Session) -> Session:
    """The sale whose pile will not begin by any start that it was asked for so far."""
    return changed(s, start_lapsed=True, starts=tuple(replace(x, promised=False) if x.promised else x for x in s.starts))


@_on(f.LimitForeseen)
def _limit(s: Session, fact: f.LimitForeseen) -> Session:
    return changed(s, limit_at=fact.when)


@_on(f.DeliveryStarted)
def _delivery(s: Session, fact: f.DeliveryStarted) -> Session:
    s = _stage(s, Stage.DELIVERING, fact)
    return changed(s, transaction=fact.transaction, begin=fact.begin, started_at=fact.at, heard_at=fact.at, noted_at=fact.at)


@_on(f.DeliveryPaused)
def _paused(s: Session, fact: f.DeliveryPaused) -> Session:
    pauses = (*_end_pause(s, fact), Pause(fact.by, fact.at))
    s = changed(s, pauses=pauses, heard_at=fact.at)
    return _stage(s, Stage.SUSPENDED, fact) if s.stage is Stage.DELIVERING else s


@_on(f.DeliveryResumed)
def _resumed(s: Session, fact: f.DeliveryResumed) -> Session:
    s = changed(s, pauses=_end_pause(s, fact, fact.until), heard_at=fact.at)
    return _stage(s, Stage.DELIVERING, fact) if s.stage is Stage.SUSPENDED else s


def _end_pause(s: Session, fact: SessionFact, until: int | None = None) -> tuple[Pause, ...]:
    return tuple(p if p.end else replace(p, end=fact.at, until=until) for p in s.pauses)


@_on(f.MeterNoted)
def _meter(s: Session, fact: f.MeterNoted) -> Session:
    last = s.last_reading
    flows = s.free_at is not None and last is not None and fact.reading.mwh > last.mwh and fact.reading.utc_ms > s.free_at.utc_ms
    free_at = None if flows else s.free_at  # what the pile said of its connector was old news
    s = changed(s, readings=(*s.readings, fact.reading), noted_at=fact.at, heard_at=fact.at, silent=False, free_at=free_at)
    return changed(s, registers=_with(s.registers, Heard(fact.at, fact.reading.utc_ms)))


def _with(registers: tuple[Heard, ...], new: Heard) -> tuple[Heard, ...]:
    """What is known of how the pile's clock stands to ours, after one more value: of each boot one that two values bear out, and at most
    one that came quicker and that nothing bears out yet. A value that waited on its way says nothing, and a single one that was stamped
    ahead displaces nothing."""
    other = tuple(h for h in registers if h.at.boot_id != new.at.boot_id)
    here = sorted((h for h in registers if h.at.boot_id == new.at.boot_id), key=lambda h: not h.sure)
    for known in here:
        longer_ms = _longer_ms(new, known)
        if abs(longer_ms) <= _AS_LONG_MS:
            return (*other, replace(new if longer_ms < 0 else known, sure=True))
    if here and _longer_ms(new, here[0]) > 0:
        return registers
    return (*other, *(h for h in here if h.sure), new)


def _longer_ms(value: Heard, than: Heard) -> int:
    """How much longer it was on its way."""
    return than.at.ms_until(value.at) - (value.utc_ms - than.utc_ms)


@_on(f.SignedValueKept)
def _signed_value(s: Session, fact: f.SignedValueKept) -> Session:
    return changed(s, signed=(*s.signed, fact.evidence))


@_on(f.SignedValuesWeighed)
def _weighed(s: Session, fact: f.SignedValuesWeighed) -> Session:
    return changed(s, weighed=fact)


@_on(f.PileSilent)
def _silent(s: Session, _: f.PileSilent) -> Session:
    return changed(s, silent=True)


@_on(f.StopProved)
def _proved(s: Session, fact: f.StopProved) -> Session:
    return changed(s, proved_by=fact.by, proved_at=fact.at, code_misses=0)


@_on(f.StopCodeMissed)
def _missed(s: Session, fact: f.StopCodeMissed) -> Session:
    return changed(s, code_misses=fact.misses, code_locked_until=fact.locked_until, proved_by="", proved_at=None)


@_on(f.StopRequested)
def _stop(s: Session, fact: f.StopRequested) -> Session:
    return changed(_stage(s, Stage.STOP_REQUESTED, fact), stops=(*s.stops, Stop(fact.request, fact.by, fact.until)))


@_on(f.StopAnswered)
def _stop_answered(s: Session, fact: f.StopAnswered) -> Session:
    return changed(s, stops=tuple(replace(x, answered=True) if x.request == fact.request else x for x in s.stops))


@_on(f.DeliveryEnded)
def _ended(s: Session, fact: f.DeliveryEnded) -> Session:
    s = changed(_stage(s, Stage.ENDED, fact), pauses=_end_pause(s, fact), ended_at=fact.at, ended_by=fact.reason)
    return changed(s, delivered=fact.delivered, accrues_until=fact.accrues_until, stay_since=fact.at)


@_on(f.Vacated)
def _vacated(s: Session, fact: f.Vacated) -> Session:
    return changed(_stage(s, Stage.VACATED, fact), vacated_at=fact.at)


@_on(f.Priced)
def _priced(s: Session, fact: f.Priced) -> Session:
    return changed(s, priced=fact)


@_on(f.ReceiptIssued)
def _receipt(s: Session, fact: f.ReceiptIssued) -> Session:
    return changed(s, receipt=fact.number)


@_on(f.PrintRequested)
def _print(s: Session, fact: f.PrintRequested) -> Session:
    return changed(s, prints=(*s.prints, Printing(fact.request, fact.copy)))


@_on(f.PrintEnded)
def _print_ended(s: Session, fact: f.PrintEnded) -> Session:
    return changed(s, prints=tuple(replace(p, result=fact.result) if p.request == fact.request else p for p in s.prints))


@_on(f.ReviewOpened)
def _review(s: Session, fact: f.ReviewOpened) -> Session:
    return changed(s, reviews=(*s.reviews, Review(fact.code, fact.detail, fact.at, fact.deadline, request=fact.request)))


@_on(f.ReviewAlarmed)
def _review_alarmed(s: Session, fact: f.ReviewAlarmed) -> Session:
    return _reviewed(s, fact.code, alarmed=True)


@_on(f.ReviewLapsed)
def _review_lapsed(s: Session, fact: f.ReviewLapsed) -> Session:
    return _reviewed(s, fact.code, decision="lapsed")


@_on(f.ReviewDecided)
def _review_decided(s: Session, fact: f.ReviewDecided) -> Session:
    s = _reviewed(s, fact.code, fact.request, decision=fact.decision)
    if fact.code == "refund_refused":  # a person knows by now what became of it
        for m in tuple(s.modifications.values()):
            if m.operation == "refund" and m.state is ModificationState.LAPSED:
                s = _modification(s, m.request, state=ModificationState.REFUSED)
    return s


@_on(f.MeterDecided)
def _meter_decided(s: Session, fact: f.MeterDecided) -> Session:
    return changed(s, delivered=fact.delivered, accrues_until=None)


def _reviewed(s: Session, code: str, request: RequestRef | None = None, **changes: Any) -> Session:
    return changed(s, reviews=tuple(replace(r, **changes) if r.code == code and r.open and r.about(request) else r for r in s.reviews))


@_on(f.SessionGivenUp)
def _given_up(s: Session, fact: f.SessionGivenUp) -> Session:
    return changed(_stage(s, Stage.GIVEN_UP, fact), given_up=fact.why)


@_on(f.SessionClosed)
def _closed_session(s: Session, fact: f.SessionClosed) -> Session:
    return changed(s, closed_at=fact.at)
