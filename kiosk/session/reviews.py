"""What a person must decide: alarms while nobody has, and what follows when somebody does.

A review that holds money back (`BLOCKING`) keeps its sale until it is decided or its deadline comes. Then nothing is taken, and what is
reserved goes back: a driver never waits for an operator who does not.
"""

from __future__ import annotations

from kiosk.session import facts as f
from kiosk.session.decision import Decision
from kiosk.session.state import Review, Session
from kiosk.values import Moment

BLOCKING = ("meter_unproven", "capture_refused", "cancel_refused")


def watch_reviews(d: Decision, s: Session) -> None:
    """Half of the time over: an alarm. All of it: the decision is taken for nobody's, and the driver is let go."""
    for r in s.reviews:
        if not r.open or r.code not in BLOCKING or r.deadline is None:
            continue
        if d.at.reached(r.deadline):
            d.note(f.ReviewLapsed(d.at, s.id, r.code))
        elif not r.alarmed and d.at.reached(half_time(r)):
            d.note(f.ReviewAlarmed(d.at, s.id, r.code))


def half_time(r: Review) -> Moment:
    """When half of the time for a decision is over."""
    assert r.deadline is not None
    return r.opened_at.plus(r.deadline.ms_since(r.opened_at) // 2_000)
