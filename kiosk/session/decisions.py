"""An operator's decision on a review: a fact of its own, with a name and a reason, and what follows from it."""

from __future__ import annotations

from kiosk.metering.reading import Delivered, Reading, Verdict
from kiosk.session import facts as f
from kiosk.session.decision import Decision
from kiosk.session.ending import forgo
from kiosk.session.inputs import ReviewClosed
from kiosk.session.money import cancel_anew, let_go, not_done, request_capture
from kiosk.session.state import Session

# `capture` what is taken for proven, `release` what is reserved, `retry` what the acquirer refused, `settled`: dealt with elsewhere.
DECISIONS = ("capture", "release", "retry", "settled")
_POSSIBLE = {
    "meter_unproven": ("capture", "release"),
    "capture_refused": ("retry", "release", "settled"),
    "cancel_refused": ("retry", "settled"),
}


def objection(s: Session, given: ReviewClosed) -> str:
    """Why the decision cannot be taken, as a word; empty when it can."""
    if not given.by.strip() or not given.reason.strip():
        return "no_name_or_reason"
    if not s.reviewed(given.code):
        return "no_such_review"
    if given.decision not in _POSSIBLE.get(given.code, ("settled",)):
        return "not_possible"
    if given.decision == "capture" and ((s.payment is None and s.account is None) or s.begin is None or _proven(s, given) < 0):
        return "nothing_to_capture"
    return ""


def decided(d: Decision, s: Session, given: ReviewClosed) -> None:
    """Take the decision on a sale that is held."""
    if objection(s, given):
        return
    d.note(f.ReviewDecided(d.at, s.id, given.code, given.decision, given.mwh, given.by, given.reason))
    match given.decision:
        case "capture":
            assert s.begin is not None
            end_ms = s.delivered.end.utc_ms if s.delivered and s.delivered.end else (s.ended_at or d.at).utc_ms
            mwh = _proven(s, given)
            end = Reading(max(end_ms, s.begin.utc_ms), s.begin.mwh + mwh)
            d.note(f.MeterDecided(d.at, s.id, Delivered(mwh, s.begin, end, Verdict.VALID, ("decided",))))
        case "release" if given.code == "meter_unproven":
            forgo(d, s)
        case "release":
            let_go(d, s)
        case "retry":
            _again(d, s, given.code)


def decided_later(d: Decision, sale: Session, given: ReviewClosed) -> None:
    """Take a decision on a sale that is no longer held: it can only be noted that it was dealt with."""
    if not objection(sale, given) and given.decision == "settled":
        d.note(f.ReviewDecided(d.at, sale.id, given.code, given.decision, None, given.by, given.reason))


def _proven(s: Session, given: ReviewClosed) -> int:
    return given.mwh if given.mwh is not None else (s.delivered.mwh if s.delivered else -1)


def _again(d: Decision, s: Session, code: str) -> None:
    """The same once more, under a new reference and a new key."""
    if code == "capture_refused":
        for m in not_done(s, "capture"):
            if m.amount is not None:
                request_capture(d, s, s.payments[m.payment], m.amount)
        return
    for m in not_done(s, "cancel", "cancel_by_reference"):
        payment = s.payments[m.payment]
        cancel_anew(d, s, payment, payment.approval.psp_reference if payment.approval else "")
