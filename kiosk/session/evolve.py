"""Folding facts: `evolve(k, fact)` is the kiosk after the fact. It decides nothing and reads neither policy nor prices."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce
from types import MappingProxyType
from typing import Any, TypeVar

from kiosk.metering.reading import Validity
from kiosk.session import facts as f
from kiosk.session.changed import changed
from kiosk.session.facts import Fact, KioskFact, SessionFact
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.sale_after import asked_for, cancel_kind, sale_after, start_let_go
from kiosk.session.state import (
    FLOWING,
    ConnectorState,
    Kiosk,
    ModificationState,
    Orphan,
    Pause,
    Reprint,
    Session,
    Stage,
    TerminalState,
    signer,
)
from kiosk.values import Moment, RequestRef

KEPT_CLOSED = 8

_F = TypeVar("_F", bound=SessionFact)


def evolve(k: Kiosk, fact: Fact) -> Kiosk:
    """The kiosk after `fact`. Total: a fact of a sale that is no longer held changes nothing."""
    if isinstance(fact, KioskFact):
        return _kiosk(k, fact)
    if isinstance(fact, f.SessionOpened):
        session = Session(fact.session, fact.connector, fact.at, stage_at=fact.at)
        return changed(k, sessions=MappingProxyType({**k.sessions, fact.session: session}))
    if (count := _COUNTED.get(type(fact))) is not None:
        k = count(k, fact)
    if fact.session in k.sessions:
        return _open(k, k.sessions[fact.session], fact)
    return _closed(k, fact)


def fold(k: Kiosk, facts: Iterable[Fact]) -> Kiosk:
    """The kiosk after all of `facts`, in order."""
    return reduce(evolve, facts, k)


def _open(k: Kiosk, session: Session, fact: SessionFact) -> Kiosk:
    session = sale_after(session, fact)
    sessions = dict(k.sessions)
    if isinstance(fact, f.SessionClosed):
        del sessions[session.id]
        return changed(k, sessions=MappingProxyType(sessions), recent=(*k.recent, session)[-KEPT_CLOSED:])
    sessions[session.id] = session
    return changed(k, sessions=MappingProxyType(sessions))


# Money or paper that has to do with a closed sale once more.
TO_DO_AGAIN = (f.PaymentAuthorized, f.PaymentForwarded, f.CaptureRequested, f.CancelRequested, f.PrintRequested)
# The same about one that is no longer held. Nothing else about it matters but what is counted, and `kiosk.session.behind` reads no more.
ABOUT_UNHELD = (f.CaptureRequested, f.CancelRequested, f.PrintRequested, f.PrintEnded)


def _closed(k: Kiosk, fact: SessionFact) -> Kiosk:
    session = next((s for s in k.recent if s.id == fact.session), None)
    if session is None:
        return _unheld(k, fact)
    if isinstance(fact, TO_DO_AGAIN):
        rest = tuple(s for s in k.recent if s.id != session.id)
        reopened = changed(sale_after(session, fact), closed_at=None)
        return changed(k, recent=rest, sessions=MappingProxyType({**k.sessions, session.id: reopened}))
    return changed(k, recent=tuple(sale_after(s, fact) if s.id == session.id else s for s in k.recent))


def _unheld(k: Kiosk, fact: SessionFact) -> Kiosk:
    """What is still to be done about a sale that is no longer held. A refund is kept for every sale: see `_COUNTED`."""
    if not isinstance(fact, ABOUT_UNHELD):
        return k
    match fact:
        case f.CaptureRequested():
            return changed(k, loose=MappingProxyType({**k.loose, fact.request: asked_for(fact, "capture", fact.amount)}))
        case f.CancelRequested():
            return changed(k, loose=MappingProxyType({**k.loose, fact.request: asked_for(fact, cancel_kind(fact), None)}))
        case f.PrintRequested(request=request):
            reprint = Reprint(fact.session, request, fact.number, fact.copy)
            return changed(k, reprints=MappingProxyType({**k.reprints, request: reprint}))
        case f.PrintEnded(request=request) if request in k.reprints:
            return changed(k, reprints=MappingProxyType({r: p for r, p in k.reprints.items() if r != request}))
    return k


# --- what counts whatever becomes of the sale -----------------------------------------------------------------------------------

_COUNTED: dict[type[SessionFact], Callable[[Kiosk, Any], Kiosk]] = {}
_MOST_LOOSE = 256  # of those that the acquirer has; what it has not is never let go


def _counts(kind: type[_F]) -> Callable[[Callable[[Kiosk, _F], Kiosk]], Callable[[Kiosk, _F], Kiosk]]:
    def register(step: Callable[[Kiosk, _F], Kiosk]) -> Callable[[Kiosk, _F], Kiosk]:
        _COUNTED[kind] = step
        return step

    return register


def counted() -> tuple[type[SessionFact], ...]:
    """The kinds of facts that count whatever becomes of the sale."""
    return tuple(_COUNTED)


@_counts(f.ReceiptIssued)
def _receipts(k: Kiosk, fact: f.ReceiptIssued) -> Kiosk:
    return changed(k, receipts=fact.number)


@_counts(f.CreditNoteIssued)
def _credit_notes(k: Kiosk, fact: f.CreditNoteIssued) -> Kiosk:
    return changed(k, credit_notes=fact.number)


@_counts(f.PaymentAuthorized)
def _stored(k: Kiosk, fact: f.PaymentAuthorized) -> Kiosk:
    if not fact.approval.offline or not fact.wanted:
        return k
    return changed(k, stored=MappingProxyType({**k.stored, fact.payment: fact.usable}))


@_counts(f.PaymentForwarded)
def _unstored(k: Kiosk, fact: f.PaymentForwarded) -> Kiosk:
    return changed(k, stored=MappingProxyType({p: m for p, m in k.stored.items() if p != fact.payment}))


@_counts(f.RefundRequested)
def _refund(k: Kiosk, fact: f.RefundRequested) -> Kiosk:
    return changed(k, loose=MappingProxyType({**k.loose, fact.request: asked_for(fact, "refund", fact.amount)}))


@_counts(f.ModificationSubmitted)
def _loose_submitted(k: Kiosk, fact: f.ModificationSubmitted) -> Kiosk:
    k = _loose(k, fact.request, state=ModificationState.SUBMITTED, submitted_at=fact.at, submitted_as=fact.psp_reference)
    if len(k.loose) <= _MOST_LOOSE:
        return k
    oldest = next((r for r, m in k.loose.items() if m.state is ModificationState.SUBMITTED), None)
    return changed(k, loose=MappingProxyType({r: m for r, m in k.loose.items() if r != oldest}))


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
    return changed(k, pages=MappingProxyType({**k.pages, meter: max(fact.last_page, k.pages.get(meter, -1))}))


@_counts(f.AlarmRaised)
def _loose_alarm(k: Kiosk, fact: f.AlarmRaised) -> Kiosk:
    return _loose(k, fact.request, alarmed=True)


def _loose(k: Kiosk, request: RequestRef, **changes: Any) -> Kiosk:
    if request not in k.loose:
        return k
    return changed(k, loose=MappingProxyType({**k.loose, request: changed(k.loose[request], **changes)}))


def _without_loose(k: Kiosk, request: RequestRef) -> Kiosk:
    if request not in k.loose:
        return k
    return changed(k, loose=MappingProxyType({r: m for r, m in k.loose.items() if r != request}))


# --- the kiosk ----------------------------------------------------------------------------------------------------------------


def _kiosk(k: Kiosk, fact: KioskFact) -> Kiosk:
    match fact:
        case f.Started(sound=sound):
            return _rebooted(changed(k, sound=sound, started_at=fact.at, online=frozenset(), terminal=None, reader=None), fact)
        case f.PileOnline(pile=pile):
            return changed(k, online=k.online | {pile})
        case f.PileOffline(pile=pile):
            return _unseen(changed(k, online=k.online - {pile}), fact)
        case f.ConnectorReported(status=status, error=error):
            return _reported(k, fact, ConnectorState(status, error))
        case f.OrphanTransactionStarted(transaction=transaction):
            orphan = Orphan(transaction, fact.pile, fact.number, fact.begin)
            return changed(k, orphans=MappingProxyType({**k.orphans, transaction: orphan}))
        case f.OrphanStopAnswered(transaction=transaction) if transaction in k.orphans:
            orphan = replace(k.orphans[transaction], stop_answered=True)
            return changed(k, orphans=MappingProxyType({**k.orphans, transaction: orphan}))
        case f.TerminalReported(reachable=reachable, host=host):
            return changed(k, terminal=TerminalState(reachable, host))
        case f.ReaderReported(reachable=reachable):
            return changed(k, reader=reachable)
        case f.DiskLow() | f.DiskFine():
            return changed(k, disk_low=isinstance(fact, f.DiskLow))
        case f.OrphanTransactionEnded(transaction=transaction):
            return changed(k, orphans=MappingProxyType({t: o for t, o in k.orphans.items() if t != transaction}))
    return k


def _rebooted(k: Kiosk, fact: f.Started) -> Kiosk:
    return changed(k, sessions=MappingProxyType({id_: _over_a_start(s, fact) for id_, s in k.sessions.items()}))


def _over_a_start(s: Session, fact: f.Started) -> Session:
    """Nobody saw the car meanwhile. Over a boot the clock may have been set as well: a stay counts anew, and so does a pause, whose first
    part ends when it was last heard of."""
    if s.stay_since is not None and s.stay_since.boot_id != fact.at.boot_id:
        s = changed(s, stay_since=fact.at)
    last = s.resting
    if last is None:
        return s
    until = _heard_in(s, last)
    if last.begin.boot_id == fact.at.boot_id:
        return changed(s, pauses=(*s.pauses[:-1], replace(last, lost=last.lost or until)))
    if last.by != "car":
        return s
    return changed(s, pauses=(*s.pauses[:-1], replace(last, end=until), Pause(last.by, fact.at, lost=fact.at)))


def _unseen(k: Kiosk, fact: f.PileOffline) -> Kiosk:
    there = {c.id for c in k.setup.connectors if c.pile == fact.pile}
    sessions = {id_: _out_of_sight(s, fact) if s.connector in there else s for id_, s in k.sessions.items()}
    return changed(k, sessions=MappingProxyType(sessions))


def _out_of_sight(s: Session, fact: f.PileOffline) -> Session:
    if s.stage is Stage.ENDED and s.unseen_since is None:
        return changed(s, unseen_since=fact.at)
    if s.resting is not None and s.resting.lost is None:
        return changed(s, pauses=(*s.pauses[:-1], replace(s.resting, lost=_heard_in(s, s.resting))))
    return s


def _heard_in(s: Session, pause: Pause) -> Moment:
    """When the charge was last heard of in this pause: a connection may stand long after nothing passes it any more."""
    heard = s.heard_at if s.heard_at is not None and s.heard_at.boot_id == pause.begin.boot_id else pause.begin
    return heard if heard.ms_since(pause.begin) > 0 else pause.begin


def _reported(k: Kiosk, fact: f.ConnectorReported, state: ConnectorState) -> Kiosk:
    k = changed(k, connectors=MappingProxyType({**k.connectors, fact.connector: state}))
    session = k.at(fact.connector)
    if session is None:
        return k
    free = fact.status is ConnectorStatus.AVAILABLE
    if session.stage in FLOWING:
        session = changed(session, free_at=fact.at if free else None, heard_at=fact.at)
    elif session.stage is Stage.WAITING_FOR_PLUG and session.starts and free:
        session = start_let_go(session)
    elif session.stage is Stage.ENDED and fact.status is ConnectorStatus.FINISHING:
        session = changed(session, unseen_since=None)
    return changed(k, sessions=MappingProxyType({**k.sessions, session.id: session}))
