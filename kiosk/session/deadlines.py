"""When the kiosk must think again although nobody says anything."""

from __future__ import annotations

from collections.abc import Iterator

from kiosk.session.reviews import BLOCKING, counts_on, half_time, told_of_expiry
from kiosk.session.setup import Policy, Setup
from kiosk.session.state import FLOWING, Kiosk, ModificationState, Session, Stage
from kiosk.values import Moment, SessionId

_MOST_KNOWN = 512
# By sale: what was told of it last, and for which values. They are looked at far more often than they change.
_KNOWN: dict[SessionId, tuple[Session, Setup, frozenset[str], Moment | None, tuple[Moment, ...]]] = {}


def next_deadline(k: Kiosk, at: Moment) -> Moment | None:
    """The earliest moment at which `TimePassed` may decide something; it may lie in the past. `at` says which clock counts."""
    moments = [m for s in k.sessions.values() for m in deadlines_of(k, s)]
    moments += (m.resend_until if m.alarmed else m.alarm_at for m in k.loose.values() if m.state is ModificationState.REQUESTED)
    return min(moments, key=at.ms_until, default=None)


def deadlines_of(k: Kiosk, s: Session) -> tuple[Moment, ...]:
    """Every moment at which a rule may have something to say about the sale although nothing happened."""
    known = _KNOWN.get(s.id)
    if known is not None and known[0] is s and known[1] is k.setup and known[2] is k.online and known[3] is k.started_at:
        return known[4]
    moments = tuple(_moments(k, s))
    if len(_KNOWN) >= _MOST_KNOWN:
        _KNOWN.clear()
    _KNOWN[s.id] = s, k.setup, k.online, k.started_at, moments
    return moments


def _moments(k: Kiosk, s: Session) -> Iterator[Moment]:
    p = k.setup.policy
    for payment in s.payments.values():
        if payment.open:
            yield payment.gives_up_at(k.started_at)
    for m in s.modifications.values():
        if m.state is ModificationState.REQUESTED and m.operation != "refund":
            yield m.resend_until if m.alarmed or m.operation == "adjust" else m.alarm_at
    yield from _of_reviews(s)
    yield from _before_energy(s, p)
    if s.stage in FLOWING:
        yield from _flowing(k, s, p)
    if s.accrues_until is not None and s.priced is None and s.stage is Stage.ENDED:
        yield s.accrues_until


def _of_reviews(s: Session) -> Iterator[Moment]:
    for r in s.reviews:
        if r.open and r.code in BLOCKING and r.deadline is not None:
            yield r.deadline if r.alarmed else half_time(r)
    for p in s.payments.values():
        if p.expires_at is None or not counts_on(s, p):
            continue
        whole_s = p.expires_at.ms_since(p.requested_at) // 1_000
        if not told_of_expiry(s, p):
            yield p.expires_at.plus(-(whole_s // 2))
        elif p is s.payment and s.stage in FLOWING and not s.stops:
            yield p.expires_at.plus(-(whole_s // 10))
        if p.stored:
            yield p.expires_at


def _before_energy(s: Session, p: Policy) -> Iterator[Moment]:
    last = s.last_payment
    if s.stage is Stage.PAYING and last and last.changed_at and not last.open and s.payment is None:
        yield last.changed_at.plus(p.pay_s)
    elif s.stage is Stage.WAITING_FOR_PLUG and s.plug_until:
        yield s.plug_until
        if not s.starts and s.stage_at:
            yield s.stage_at.plus(p.start_ahead_s)
    elif s.stage is Stage.START_REQUESTED and s.starts:
        yield s.starts[-1].until
    elif s.stage is Stage.START_FAILED and s.retry_until:
        yield s.retry_until


def lost_at(k: Kiosk, s: Session) -> Iterator[Moment]:
    """When no end of a delivery can be expected any more: its connector is free, or nothing was heard of it for long.

    Nobody listened while the kiosk was off: a pile that comes back to it has the time first to tell what it kept.
    """
    p, started = k.setup.policy, k.started_at
    for since, wait_s in ((s.free_at, p.lost_stop_s), (s.heard_at, p.lost_pile_s)):
        if since is None:
            continue
        lost = since.plus(wait_s)
        if started is not None and started.ms_since(since) > 0:
            told = started.plus(p.pile_silent_s)
            lost = told if told.ms_since(lost) > 0 else lost
        yield lost


def _flowing(k: Kiosk, s: Session, p: Policy) -> Iterator[Moment]:
    yield from lost_at(k, s)
    if s.heard_at is not None and not s.silent:
        yield s.heard_at.plus(p.pile_silent_s)
    if s.limit_at is not None and not s.stops:
        yield s.limit_at
    connector = k.setup.by_id.get(s.connector)
    if s.stops and connector is not None and connector.pile in k.online:
        yield s.stops[-1].until
