"""Folding facts: `evolve(k, fact)` is the kiosk after the fact. It decides nothing and reads neither policy nor prices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from kiosk.metering.reading import Validity
from kiosk.session import facts as f
from kiosk.session.facts import Fact, KioskFact, SessionFact
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.state import (
    FLOWING,
    Abort,
    ConnectorState,
    Kiosk,
    Modification,
    ModificationState,
    Orphan,
    Pause,
    Payment,
    PaymentState,
    Printing,
    Reprint,
    Review,
    Session,
    Stage,
    Start,
    Stop,
    TerminalState,
    signer,
)
from kiosk.values import Digest, Money, PaymentRef, RequestRef

KEPT_CLOSED = 8

_F = TypeVar("_F", bound=SessionFact)
_Step = Callable[[Session, Any], Session]

if TYPE_CHECKING:
    from dataclasses import replace as _with  # so that mypy knows the fields
else:

    def _with(before: Kiosk | Session, /, **changes: object) -> Kiosk | Session:
        """`replace` for the two wide values, which would spend most of a decision on setting again what did not change."""
        after = object.__new__(type(before))
        after.__dict__.update(before.__dict__, **changes)
        return after


def evolve(k: Kiosk, fact: Fact) -> Kiosk:
    """The kiosk after `fact`. Total: a fact of a sale that is no longer held changes nothing."""
    if isinstance(fact, KioskFact):
        return _kiosk(k, fact)
    if isinstance(fact, f.SessionOpened):
        session = Session(fact.session, fact.connector, fact.at, stage_at=fact.at)
        return _with(k, sessions=MappingProxyType({**k.sessions, fact.session: session}))
    if (count := _COUNTED.get(type(fact))) is not None:
        k = count(k, fact)
    if fact.session in k.sessions:
        return _open(k, k.sessions[fact.session], fact)
    return _closed(k, fact)


def fold(k: Kiosk, facts: Iterable[Fact]) -> Kiosk:
    """The kiosk after all of `facts`, in order."""
    return reduce(evolve, facts, k)


def _open(k: Kiosk, session: Session, fact: SessionFact) -> Kiosk:
    session = _session(session, fact)
    sessions = dict(k.sessions)
    if isinstance(fact, f.SessionClosed):
        del sessions[session.id]
        return _with(k, sessions=MappingProxyType(sessions), recent=(*k.recent, session)[-KEPT_CLOSED:])
    sessions[session.id] = session
    return _with(k, sessions=MappingProxyType(sessions))


def _closed(k: Kiosk, fact: SessionFact) -> Kiosk:
    session = next((s for s in k.recent if s.id == fact.session), None)
    if session is None:
        return _unheld(k, fact)
    if isinstance(fact, f.PaymentAuthorized | f.PaymentForwarded | f.PrintRequested):  # something to do again: money, or paper
        rest = tuple(s for s in k.recent if s.id != session.id)
        reopened = _with(_session(session, fact), closed_at=None)
        return _with(k, recent=rest, sessions=MappingProxyType({**k.sessions, session.id: reopened}))
    return _with(k, recent=tuple(_session(s, fact) if s.id == session.id else s for s in k.recent))


def _unheld(k: Kiosk, fact: SessionFact) -> Kiosk:
    """What is still to be done about a sale that is no longer held. A refund is kept for every sale: see `_COUNTED`."""
    match fact:
        case f.CancelRequested():
            return _with(k, loose=MappingProxyType({**k.loose, fact.request: _asked_for(fact, _cancel_kind(fact), None)}))
        case f.PrintRequested(request=request):
            reprint = Reprint(fact.session, request, fact.number, fact.copy)
            return _with(k, reprints=MappingProxyType({**k.reprints, request: reprint}))
        case f.PrintEnded(request=request) if request in k.reprints:
            return _with(k, reprints=MappingProxyType({r: p for r, p in k.reprints.items() if r != request}))
    return k


# --- what counts whatever becomes of the sale -----------------------------------------------------------------------------------

_COUNTED: dict[type[SessionFact], Callable[[Kiosk, Any], Kiosk]] = {}
_MOST_LOOSE = 256  # of those that the acquirer has; what it has not is never let go


def _counts(kind: type[_F]) -> Callable[[Callable[[Kiosk, _F], Kiosk]], Callable[[Kiosk, _F], Kiosk]]:
    def register(step: Callable[[Kiosk, _F], Kiosk]) -> Callable[[Kiosk, _F], Kiosk]:
        _COUNTED[kind] = step
        return step

    return register


@_counts(f.ReceiptIssued)
def _receipts(k: Kiosk, fact: f.ReceiptIssued) -> Kiosk:
    return _with(k, receipts=fact.number)


@_counts(f.CreditNoteIssued)
def _credit_notes(k: Kiosk, fact: f.CreditNoteIssued) -> Kiosk:
    return _with(k, credit_notes=fact.number)


@_counts(f.PaymentAuthorized)
def _stored(k: Kiosk, fact: f.PaymentAuthorized) -> Kiosk:
    if not fact.approval.offline or not fact.wanted:
        return k
    return _with(k, stored=MappingProxyType({**k.stored, fact.payment: fact.usable}))


@_counts(f.PaymentForwarded)
def _unstored(k: Kiosk, fact: f.PaymentForwarded) -> Kiosk:
    return _with(k, stored=MappingProxyType({p: m for p, m in k.stored.items() if p != fact.payment}))


@_counts(f.RefundRequested)
def _refund(k: Kiosk, fact: f.RefundRequested) -> Kiosk:
    return _with(k, loose=MappingProxyType({**k.loose, fact.request: _asked_for(fact, "refund", fact.amount)}))


@_counts(f.ModificationSubmitted)
def _loose_submitted(k: Kiosk, fact: f.ModificationSubmitted) -> Kiosk:
    k = _loose(k, fact.request, state=ModificationState.SUBMITTED, submitted_at=fact.at, submitted_as=fact.psp_reference)
    if len(k.loose) <= _MOST_LOOSE:
        return k
    oldest = next((r for r, m in k.loose.items() if m.state is ModificationState.SUBMITTED), None)
    return _with(k, loose=MappingProxyType({r: m for r, m in k.loose.items() if r != oldest}))


@_counts(f.ModificationRefused)
def _loose_refused(k: Kiosk, fact: f.ModificationRefused) -> Kiosk:
    return _without_loose(k, fact.request)


@_counts(f.ModificationConfirmed)
def _loose_confirmed(k: Kiosk, fact: f.ModificationConfirmed) -> Kiosk:
    return _without_loose(k, fact.request)


@_counts(f.ModificationFailed)
def _loose_failed(k: Kiosk, fact: f.ModificationFailed) -> Kiosk:
    return _without_loose(k, fact.request)


@_counts(f.SignedValuesWeighed)
def _pages(k: Kiosk, fact: f.SignedValuesWeighed) -> Kiosk:
    if fact.validity is not Validity.VALID or fact.last_page is None:
        return k
    meter = signer(fact.key, fact.source)
    return _with(k, pages=MappingProxyType({**k.pages, meter: max(fact.last_page, k.pages.get(meter, -1))}))


@_counts(f.AlarmRaised)
def _loose_alarm(k: Kiosk, fact: f.AlarmRaised) -> Kiosk:
    return _loose(k, fact.request, alarmed=True)


def _loose(k: Kiosk, request: RequestRef, **changes: Any) -> Kiosk:
    if request not in k.loose:
        return k
    return _with(k, loose=MappingProxyType({**k.loose, request: replace(k.loose[request], **changes)}))


def _without_loose(k: Kiosk, request: RequestRef) -> Kiosk:
    if request not in k.loose:
        return k
    return _with(k, loose=MappingProxyType({r: m for r, m in k.loose.items() if r != request}))


def _session(s: Session, fact: SessionFact) -> Session:
    step = _STEPS.get(type(fact))
    return step(s, fact) if step else s


# --- the kiosk ----------------------------------------------------------------------------------------------------------------


def _kiosk(k: Kiosk, fact: KioskFact) -> Kiosk:
    match fact:
        case f.Started(sound=sound):
            return _rebooted(_with(k, sound=sound, started_at=fact.at, online=frozenset(), terminal=None), fact)
        case f.PileOnline(pile=pile):
            return _with(k, online=k.online | {pile})
        case f.PileOffline(pile=pile):
            return _unseen(_with(k, online=k.online - {pile}), fact)
        case f.ConnectorReported(status=status, error=error):
            return _reported(k, fact, ConnectorState(status, error))
        case f.OrphanTransactionStarted(transaction=transaction):
            orphan = Orphan(transaction, fact.pile, fact.number, fact.begin)
            return _with(k, orphans=MappingProxyType({**k.orphans, transaction: orphan}))
        case f.OrphanStopAnswered(transaction=transaction) if transaction in k.orphans:
            orphan = replace(k.orphans[transaction], stop_answered=True)
            return _with(k, orphans=MappingProxyType({**k.orphans, transaction: orphan}))
        case f.TerminalReported(reachable=reachable, host=host):
            return _with(k, terminal=TerminalState(reachable, host))
        case f.DiskLow() | f.DiskFine():
            return _with(k, disk_low=isinstance(fact, f.DiskLow))
        case f.OrphanTransactionEnded(transaction=transaction):
            return _with(k, orphans=MappingProxyType({t: o for t, o in k.orphans.items() if t != transaction}))
    return k


def _rebooted(k: Kiosk, fact: f.Started) -> Kiosk:
    sessions = {
        id_: _with(s, stay_since=fact.at) if s.stay_since is not None and s.stay_since.boot_id != fact.at.boot_id else s
        for id_, s in k.sessions.items()
    }
    return _with(k, sessions=MappingProxyType(sessions))


def _unseen(k: Kiosk, fact: f.PileOffline) -> Kiosk:
    there = {c.id for c in k.setup.connectors if c.pile == fact.pile}
    sessions = {
        id_: _with(s, unseen_since=fact.at) if s.connector in there and s.stage is Stage.ENDED and s.unseen_since is None else s
        for id_, s in k.sessions.items()
    }
    return _with(k, sessions=MappingProxyType(sessions))


def _reported(k: Kiosk, fact: f.ConnectorReported, state: ConnectorState) -> Kiosk:
    k = _with(k, connectors=MappingProxyType({**k.connectors, fact.connector: state}))
    session = k.at(fact.connector)
    if session is None:
        return k
    free = fact.status is ConnectorStatus.AVAILABLE
    if session.stage in FLOWING:
        session = _with(session, free_at=fact.at if free else None, heard_at=fact.at)
    elif session.stage is Stage.WAITING_FOR_PLUG and session.starts and free:
        session = _with(session, start_lapsed=True)
    elif session.stage is Stage.ENDED and fact.status is ConnectorStatus.FINISHING:
        session = _with(session, unseen_since=None)
    return _with(k, sessions=MappingProxyType({**k.sessions, session.id: session}))


# --- a sale -------------------------------------------------------------------------------------------------------------------

_STEPS: dict[type[SessionFact], _Step] = {}


def _on(kind: type[_F]) -> Callable[[Callable[[Session, _F], Session]], Callable[[Session, _F], Session]]:
    def register(step: Callable[[Session, _F], Session]) -> Callable[[Session, _F], Session]:
        _STEPS[kind] = step
        return step

    return register


def _payment(s: Session, ref: PaymentRef, **changes: Any) -> Session:
    if ref not in s.payments:
        return s
    return _with(s, payments=MappingProxyType({**s.payments, ref: replace(s.payments[ref], **changes)}))


def _modification(s: Session, request: RequestRef, **changes: Any) -> Session:
    if request not in s.modifications:
        return s
    return _with(s, modifications=MappingProxyType({**s.modifications, request: replace(s.modifications[request], **changes)}))


def _stage(s: Session, stage: Stage, fact: SessionFact) -> Session:
    return _with(s, stage=stage, stage_at=fact.at)


@_on(f.QuoteAgreed)
def _quote(s: Session, fact: f.QuoteAgreed) -> Session:
    return _with(s, quote=fact.quote)


@_on(f.PriceLowered)
def _lowered(s: Session, fact: f.PriceLowered) -> Session:
    if s.quote is None:
        return s
    return _with(s, quote=replace(s.quote, discounts_json=fact.discounts_json, discounts_hash=fact.discounts_hash))


@_on(f.PreauthorizationRequested)
def _preauthorization(s: Session, fact: f.PreauthorizationRequested) -> Session:
    payment = Payment(
        fact.payment, fact.amount, fact.service_id, fact.language, fact.body_hash, fact.at, fact.give_up_at, changed_at=fact.at
    )
    return _with(s, payments=MappingProxyType({**s.payments, fact.payment: payment}))


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
    return _with(s, free=fact.why)


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
    return _with(s, aborts=(*s.aborts, Abort(fact.request, fact.payment, fact.service_id)))


@_on(f.AbortEnded)
def _abort_ended(s: Session, fact: f.AbortEnded) -> Session:
    return _with(s, aborts=tuple(replace(a, ended=True) if a.request == fact.request else a for a in s.aborts))


_Asking = f.CancelRequested | f.CaptureRequested | f.AdjustRequested | f.RefundRequested


@_on(f.CancelRequested)
def _cancel(s: Session, fact: f.CancelRequested) -> Session:
    return _asked(s, fact, _cancel_kind(fact), None)


def _cancel_kind(fact: f.CancelRequested) -> str:
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
    return _with(s, modifications=MappingProxyType({**s.modifications, fact.request: paid}))


def _asked(s: Session, fact: _Asking, operation: str, amount: Money | None) -> Session:
    return _with(s, modifications=MappingProxyType({**s.modifications, fact.request: _asked_for(fact, operation, amount)}))


def _asked_for(fact: _Asking, operation: str, amount: Money | None) -> Modification:
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
    return _with(s, stop_code=fact.digest)


@_on(f.PlugAwaited)
def _plug(s: Session, fact: f.PlugAwaited) -> Session:
    if s.stage is not Stage.WAITING_FOR_PLUG:
        s = _stage(s, Stage.WAITING_FOR_PLUG, fact)
    return _with(s, plug_until=fact.until)


@_on(f.StartRequested)
def _start(s: Session, fact: f.StartRequested) -> Session:
    if fact.plugged:
        s = _stage(s, Stage.START_REQUESTED, fact)
    start = Start(fact.request, fact.id_tag, fact.plugged, fact.until)
    return _with(s, starts=(*s.starts, start), start_lapsed=False)


@_on(f.StartAccepted)
def _start_accepted(s: Session, fact: f.StartAccepted) -> Session:
    return _start_answered(s, fact.request)


@_on(f.StartRefused)
def _start_refused(s: Session, fact: f.StartRefused) -> Session:
    s = _start_answered(s, fact.request)
    return _with(s, start_lapsed=True) if s.starts and not s.starts[-1].plugged else s


def _start_answered(s: Session, request: RequestRef) -> Session:
    return _with(s, starts=tuple(replace(x, answered=True) if x.request == request else x for x in s.starts))


@_on(f.StartFailed)
def _start_failed(s: Session, fact: f.StartFailed) -> Session:
    return _with(_stage(s, Stage.START_FAILED, fact), retry_until=fact.until, failed_why=fact.why, start_lapsed=True)


@_on(f.LimitForeseen)
def _limit(s: Session, fact: f.LimitForeseen) -> Session:
    return _with(s, limit_at=fact.when)


@_on(f.DeliveryStarted)
def _delivery(s: Session, fact: f.DeliveryStarted) -> Session:
    s = _stage(s, Stage.DELIVERING, fact)
    return _with(s, transaction=fact.transaction, begin=fact.begin, started_at=fact.at, heard_at=fact.at, noted_at=fact.at)


@_on(f.DeliveryPaused)
def _paused(s: Session, fact: f.DeliveryPaused) -> Session:
    pauses = (*_end_pause(s, fact), Pause(fact.by, fact.at))
    s = _with(s, pauses=pauses, heard_at=fact.at)
    return _stage(s, Stage.SUSPENDED, fact) if s.stage is Stage.DELIVERING else s


@_on(f.DeliveryResumed)
def _resumed(s: Session, fact: f.DeliveryResumed) -> Session:
    s = _with(s, pauses=_end_pause(s, fact), heard_at=fact.at)
    return _stage(s, Stage.DELIVERING, fact) if s.stage is Stage.SUSPENDED else s


def _end_pause(s: Session, fact: SessionFact) -> tuple[Pause, ...]:
    return tuple(p if p.end else replace(p, end=fact.at) for p in s.pauses)


@_on(f.MeterNoted)
def _meter(s: Session, fact: f.MeterNoted) -> Session:
    return _with(s, readings=(*s.readings, fact.reading), noted_at=fact.at, heard_at=fact.at, silent=False)


@_on(f.SignedValueKept)
def _signed_value(s: Session, fact: f.SignedValueKept) -> Session:
    return _with(s, signed=(*s.signed, fact.evidence))


@_on(f.SignedValuesWeighed)
def _weighed(s: Session, fact: f.SignedValuesWeighed) -> Session:
    return _with(s, weighed=fact)


@_on(f.PileSilent)
def _silent(s: Session, _: f.PileSilent) -> Session:
    return _with(s, silent=True)


@_on(f.StopProved)
def _proved(s: Session, fact: f.StopProved) -> Session:
    return _with(s, proved_by=fact.by, proved_at=fact.at, code_misses=0)


@_on(f.StopCodeMissed)
def _missed(s: Session, fact: f.StopCodeMissed) -> Session:
    return _with(s, code_misses=fact.misses, code_locked_until=fact.locked_until)


@_on(f.StopRequested)
def _stop(s: Session, fact: f.StopRequested) -> Session:
    return _with(_stage(s, Stage.STOP_REQUESTED, fact), stops=(*s.stops, Stop(fact.request, fact.by, fact.until)))


@_on(f.StopAnswered)
def _stop_answered(s: Session, fact: f.StopAnswered) -> Session:
    return _with(s, stops=tuple(replace(x, answered=True) if x.request == fact.request else x for x in s.stops))


@_on(f.DeliveryEnded)
def _ended(s: Session, fact: f.DeliveryEnded) -> Session:
    s = _with(_stage(s, Stage.ENDED, fact), pauses=_end_pause(s, fact), ended_at=fact.at, ended_by=fact.reason)
    return _with(s, delivered=fact.delivered, accrues_until=fact.accrues_until, stay_since=fact.at)


@_on(f.Vacated)
def _vacated(s: Session, fact: f.Vacated) -> Session:
    return _with(_stage(s, Stage.VACATED, fact), vacated_at=fact.at)


@_on(f.Priced)
def _priced(s: Session, fact: f.Priced) -> Session:
    return _with(s, priced=fact)


@_on(f.ReceiptIssued)
def _receipt(s: Session, fact: f.ReceiptIssued) -> Session:
    return _with(s, receipt=fact.number)


@_on(f.PrintRequested)
def _print(s: Session, fact: f.PrintRequested) -> Session:
    return _with(s, prints=(*s.prints, Printing(fact.request, fact.copy)))


@_on(f.PrintEnded)
def _print_ended(s: Session, fact: f.PrintEnded) -> Session:
    return _with(s, prints=tuple(replace(p, result=fact.result) if p.request == fact.request else p for p in s.prints))


@_on(f.ReviewOpened)
def _review(s: Session, fact: f.ReviewOpened) -> Session:
    return _with(s, reviews=(*s.reviews, Review(fact.code, fact.detail, fact.at, fact.deadline)))


@_on(f.ReviewAlarmed)
def _review_alarmed(s: Session, fact: f.ReviewAlarmed) -> Session:
    return _reviewed(s, fact.code, alarmed=True)


@_on(f.ReviewLapsed)
def _review_lapsed(s: Session, fact: f.ReviewLapsed) -> Session:
    return _reviewed(s, fact.code, decision="lapsed")


@_on(f.ReviewDecided)
def _review_decided(s: Session, fact: f.ReviewDecided) -> Session:
    s = _reviewed(s, fact.code, decision=fact.decision)
    if fact.code == "refund_refused":  # a person knows by now what became of it
        for m in tuple(s.modifications.values()):
            if m.operation == "refund" and m.state is ModificationState.LAPSED:
                s = _modification(s, m.request, state=ModificationState.REFUSED)
    return s


@_on(f.MeterDecided)
def _meter_decided(s: Session, fact: f.MeterDecided) -> Session:
    return _with(s, delivered=fact.delivered, accrues_until=None)


def _reviewed(s: Session, code: str, **changes: Any) -> Session:
    return _with(s, reviews=tuple(replace(r, **changes) if r.code == code and r.open else r for r in s.reviews))


@_on(f.SessionGivenUp)
def _given_up(s: Session, fact: f.SessionGivenUp) -> Session:
    return _with(_stage(s, Stage.GIVEN_UP, fact), given_up=fact.why)


@_on(f.SessionClosed)
def _closed_session(s: Session, fact: f.SessionClosed) -> Session:
    return _with(s, closed_at=fact.at)
