"""The end of a sale: the final price, the capture of exactly that, the receipt's print, and the moment nothing is owed any more."""

from __future__ import annotations

from collections.abc import Iterable

from kiosk.metering.reading import Verdict
from kiosk.pricing.rating import Rating
from kiosk.session import facts as f
from kiosk.session.cost import final
from kiosk.session.decision import Decision
from kiosk.session.inputs import Done, NotSent, Printed, Refused, Result, Unknown
from kiosk.session.money import request_capture, review_deadline
from kiosk.session.reviews import BLOCKING
from kiosk.session.state import ModificationState, Payment, Printing, Reprint, Session, Stage
from kiosk.values import Money, RequestRef, SessionId

_SETTLING = ("capture", "cancel", "cancel_by_reference")


def price(d: Decision, s: Session) -> None:
    """Fix the final price as soon as nothing can be added to it."""
    if s.delivered is None or s.priced is not None or s.reviewed("meter_unproven"):
        return
    settled = s.vacated_at is not None or s.accrues_until is None or d.at.reached(s.accrues_until)
    if not settled:
        return
    if s.delivered.verdict is not Verdict.VALID and s.free:
        forgo(d, s, "free")  # what the meter cannot prove is owed by nobody
        return
    if s.delivered.verdict is not Verdict.VALID:
        if any(r.code == "meter_unproven" for r in s.reviews):
            forgo(d, s)  # nobody decided in time
        else:
            d.note(f.ReviewOpened(d.at, s.id, "meter_unproven", ", ".join(s.delivered.reasons), review_deadline(d, s)))
        return
    _fix(d, s, s.payment)


def forgo(d: Decision, s: Session, rule: str = "released") -> None:
    """Nothing is taken for this sale, and what is reserved goes back."""
    assert s.quote is not None
    nothing = Money.zero(s.quote.hold.currency)
    d.note(f.Priced(d.at, s.id, Rating((), nothing.decimal(), nothing.decimal(), nothing), nothing, nothing, rule))


def _fix(d: Decision, s: Session, payment: Payment | None) -> None:
    assert s.delivered is not None and s.quote is not None
    currency = s.quote.hold.currency
    nothing = Money.zero(currency)
    if not s.delivered.mwh:
        d.note(f.Priced(d.at, s.id, Rating((), nothing.decimal(), nothing.decimal(), nothing), nothing, nothing, "nothing_delivered"))
        return
    rating = final(s, d.at)
    if s.free:
        d.note(f.Priced(d.at, s.id, rating, nothing, nothing, "free"))
        return
    if s.account is not None:
        most = rating.total if s.account.most is None else s.account.most
        reserved = nothing if s.given_up else most
    else:
        reserved = payment.usable if payment and payment.usable is not None and not _cancelled(s, payment) else nothing
    charge = min(rating.total, reserved, key=lambda m: m.minor)
    shortfall = rating.total - charge
    d.note(f.Priced(d.at, s.id, rating, charge, shortfall, "tariff"))
    if shortfall and not reserved:
        d.note(f.ReviewOpened(d.at, s.id, "energy_unpaid", str(rating.total), None))
    elif shortfall:
        d.note(f.ReviewOpened(d.at, s.id, "shortfall", str(shortfall), None))


def _cancelled(s: Session, payment: Payment) -> bool:
    return any(m.payment == payment.ref and m.operation in ("cancel", "cancel_by_reference") for m in s.modifications.values())


def capture(d: Decision, s: Session) -> None:
    """Take exactly the price."""
    payment = s.payment
    if s.priced is not None and s.priced.charge and s.capture is None and payment is not None and not payment.stored:
        request_capture(d, s, payment, s.priced.charge)


def print_answered(d: Decision, s: Session, printing: Printing, result: Result) -> None:
    if not printing.result:
        _printed(d, s.id, printing.request, result)


def reprinted(d: Decision, paper: Reprint, result: Result) -> None:
    """The paper of a sale that is no longer held."""
    _printed(d, paper.session, paper.request, result)


def _printed(d: Decision, session: SessionId, request: RequestRef, result: Result) -> None:
    match result:
        case Done(Printed(result=word)):
            d.note(f.PrintEnded(d.at, session, request, word, ""))
        case NotSent(detail=detail) | Refused(detail=detail):
            d.note(f.PrintEnded(d.at, session, request, "not_printed", detail))
        case Unknown(detail=detail):
            d.note(f.PrintEnded(d.at, session, request, "unconfirmed", detail))


def reprint(d: Decision, s: Session) -> None:
    """Paper, because the driver asks for it: a COPY unless nothing at all was printed before."""
    if s.receipt is None or any(not p.result for p in s.prints):
        return
    print_again(d, s, s.receipt)


def print_again(d: Decision, s: Session, number: int) -> None:
    """One more paper of the receipt `number`."""
    d.note(f.PrintRequested(d.at, s.id, RequestRef(f"{s.id}-R{len(s.prints) + 1}"), number, next_copy(s.prints)))


def next_copy(prints: Iterable[Printing]) -> int:
    """Which copy the next paper is after these: the original (0) as long as none of them came out, nor may have."""
    return max((p.copy for p in prints if p.result != "not_printed"), default=-1) + 1


def close(d: Decision, s: Session) -> None:
    """A sale closes when the car is gone, the money is settled as far as we asked, and the paper is dealt with."""
    if s.money_open or any(not p.result for p in s.prints) or any(p.stored for p in s.payments.values()) or s.reviewed(*BLOCKING):
        return
    if any(m.state is ModificationState.REQUESTED and m.operation in _SETTLING for m in s.modifications.values()):
        return
    if s.stage is Stage.GIVEN_UP or (s.stage is Stage.VACATED and s.priced is not None):
        d.note(f.SessionClosed(d.at, s.id))
