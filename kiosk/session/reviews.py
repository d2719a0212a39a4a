"""What a person must decide: alarms while nobody has, and what follows when somebody does.

A review that holds money back (`BLOCKING`) keeps its sale until it is decided or its deadline comes. Then nothing is taken, and what is
reserved goes back: a driver never waits for an operator who does not.
"""

from __future__ import annotations

from kiosk.session import facts as f
from kiosk.session.decision import Decision
from kiosk.session.money import let_go
from kiosk.session.state import Payment, Review, Session
from kiosk.values import Moment

BLOCKING = ("meter_unproven", "capture_refused", "cancel_refused")


def watch_reviews(d: Decision, s: Session) -> None:
    """Half of the time over: an alarm. All of it: the decision is taken for nobody's, and the driver is let go."""
    for r in s.reviews:
        if not r.open or r.code not in BLOCKING or r.deadline is None:
            continue
        if d.at.reached(r.deadline):
            if d.k.sessions[s.id].reviewed(r.code):
                d.note(f.ReviewLapsed(d.at, s.id, r.code))
                if r.code == "capture_refused":
                    let_go(d, d.k.sessions[s.id])
        elif not r.alarmed and d.at.reached(half_time(r)):
            d.note(f.ReviewAlarmed(d.at, s.id, r.code))


def counts_on(s: Session, p: Payment) -> bool:
    """Whether it matters that this reservation stands: it pays for a charge without a price yet, or no issuer has seen it."""
    return p.stored or (p is s.payment and s.priced is None and not s.given_up)


def told_of_expiry(s: Session, p: Payment) -> bool:
    """Whether a person was told that this reservation will not last for ever."""
    return any(r.code == "hold_expiring" and r.detail == p.ref for r in s.reviews)


def half_time(r: Review) -> Moment:
    """When half of the time for a decision is over."""
    assert r.deadline is not None
    return r.opened_at.plus(r.deadline.ms_since(r.opened_at) // 2_000)
