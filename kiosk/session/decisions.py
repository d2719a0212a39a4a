"""An operator's decision on a review: a fact of its own, with a name and a reason, and what follows from it."""

from __future__ import annotations

from kiosk.metering.reading import Delivered, Reading, Verdict
from kiosk.session import facts as f
from kiosk.session.decision import Decision
from kiosk.session.ending import forgo
from kiosk.session.inputs import ReviewClosed
from kiosk.session.money import cancel_anew, let_go, not_done, request_capture
from kiosk.session.state import Session
from kiosk.values import Moment

# `capture` what is taken for proven, `release` what is reserved, `retry` what the acquirer refused, `settled`: dealt with elsewhere.
DECISIONS = ("capture", "release", "retry", "settled")
_POSSIBLE = {
    "meter_unproven": ("capture", "release"),
    "capture_refused": ("retry", "release", "settled"),
    "capture_failed": ("retry", "release", "settled"),
    "cancel_refused": ("retry", "settled"),
}
_OF_CAPTURES = ("capture_refused", "capture_failed")


def objection(s: Session, given: ReviewClosed, at: Moment, *, held: bool = True) -> str:
    """Why the decision cannot be taken, as a word; empty when it can. A sale that is not `held` any more owes nothing but its money."""
    if not given.by.strip() or not given.reason.strip():
        return "no_name_or_reason"
    if not s.reviewed(given.code):
        return "no_such_review"
    if given.decision not in _POSSIBLE.get(given.code, ("settled",)):
        return "not_possible"
    if not held and given.decision != "settled" and given.code not in _OF_CAPTURES:
        return "not_possible"
    if given.code == "capture_failed" and given.decision != "settled" and not _stands(s, at):
        return "hold_over"
    if given.decision == "capture" and ((s.payment is None and s.account is None) or s.begin is None or _proven(s, given) < 0):
        return "nothing_to_capture"
    return ""


def decided(d: Decision, s: Session, given: ReviewClosed) -> None:
    """Take the decision on a sale that is held."""
    if objection(s, given, d.at):
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
    """Take a decision on a sale that is over: its money can be asked for again, or be let go, as long as it is reserved."""
    if objection(sale, given, d.at, held=False):
        return
    d.note(f.ReviewDecided(d.at, sale.id, given.code, given.decision, None, given.by, given.reason))
    match given.decision:
        case "retry":
            _again(d, sale, given.code)
        case "release":
            let_go(d, sale)


def _stands(s: Session, at: Moment) -> bool:
    """Whether what could not be captured may still be reserved: nobody has let it go, and its time is not over."""
    for m in not_done(s, "capture"):
        expires_at = s.payments[m.payment].expires_at
        let_go_before = any(x.payment == m.payment and x.operation.startswith("cancel") for x in s.modifications.values())
        if not let_go_before and (expires_at is None or not at.reached(expires_at)):
            return True
    return False


def _proven(s: Session, given: ReviewClosed) -> int:
    return given.mwh if given.mwh is not None else (s.delivered.mwh if s.delivered else -1)


def _again(d: Decision, s: Session, code: str) -> None:
    """The same once more, under a new reference and a new key."""
    if code in _OF_CAPTURES:
        for m in not_done(s, "capture"):
            if m.amount is not None:
                request_capture(d, s, s.payments[m.payment], m.amount)
        return
    for m in not_done(s, "cancel", "cancel_by_reference"):
        payment = s.payments[m.payment]
        cancel_anew(d, s, payment, payment.approval.psp_reference if payment.approval else "")
