"""What the documents of a sale rest on, gathered fact by fact.

Nothing that happens after the receipt was issued changes what the receipt says: a copy made years later is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kiosk.pricing.quote import Quote
from kiosk.session import facts as f
from kiosk.session.inputs import Approval
from kiosk.values import Money, PaymentRef, RequestRef

Refund = f.RefundRequested | f.RefundReported | f.AccountCredited


@dataclass(frozen=True, slots=True)
class Note:
    """A credit note, and the refunds that were known to have failed when it was issued."""

    issued: f.CreditNoteIssued
    undone: frozenset[RequestRef]


class Sale:
    """The fold of a sale's facts, as far as its receipt and credit notes need it."""

    def __init__(self, facts: Iterable[f.SessionFact], number: int | None = None) -> None:
        """Up to the receipt `number`, or to the first; what comes after it corrects it."""
        self.quote: Quote | None = None
        self.approvals: dict[PaymentRef, Approval] = {}
        self.held: dict[PaymentRef, Money] = {}
        self.psp: dict[PaymentRef, str] = {}
        self.captures: dict[RequestRef, f.CaptureRequested] = {}
        self.submitted: tuple[f.CaptureRequested, str] | None = None
        self.account: f.AccountCharged | None = None
        self.started: f.DeliveryStarted | None = None
        self.ended: f.DeliveryEnded | None = None
        self.left: f.Vacated | None = None
        self.priced: f.Priced | None = None
        self.issued: f.ReceiptIssued | None = None
        self.paused_ms = 0
        self.trusted = True
        self.refunds: dict[RequestRef, Refund] = {}
        self.refunded_as: dict[RequestRef, str] = {}
        self.notes: list[Note] = []
        self._undone: frozenset[RequestRef] = frozenset()
        self._adjustments: dict[RequestRef, f.AdjustRequested] = {}
        self._paused: f.DeliveryPaused | None = None
        for fact in facts:
            if self.issued is None or (number is not None and self.issued.number < number):
                self._delivery(fact)
                self._payment(fact)
            else:
                self._correction(fact)

    def _delivery(self, fact: f.SessionFact) -> None:
        match fact:
            case f.QuoteAgreed(quote=quote):
                self.quote = quote
            case f.DeliveryStarted():
                self._watch_clock(fact)
                self.started = fact
            case f.DeliveryPaused():
                self._paused = self._paused or fact
            case f.DeliveryResumed():
                self._resume(fact)
            case f.DeliveryEnded():
                self._watch_clock(fact)
                self._resume(fact)
                self.ended = fact
            case f.MeterDecided(delivered=delivered) if self.ended is not None:
                self.ended = replace(self.ended, delivered=delivered)
            case f.Vacated():
                self.left = fact
            case f.Priced():
                self.priced = fact

    def _payment(self, fact: f.SessionFact) -> None:
        match fact:
            case f.PaymentAuthorized(payment=payment, approval=approval):
                self.approvals[payment] = approval
                self.held[payment] = approval.authorized
                self.psp[payment] = approval.psp_reference
            case f.PaymentForwarded(payment=payment, psp_reference=reference, success=True):
                self.psp[payment] = reference
            case f.AdjustRequested(request=request):
                self._adjustments[request] = fact
            case f.ModificationConfirmed(request=request) if request in self._adjustments:
                adjusted = self._adjustments[request]
                self.held[adjusted.payment] = adjusted.amount
            case f.AccountCharged():
                self.account = fact
            case f.CaptureRequested(request=request):
                self.captures[request] = fact
            case f.ModificationSubmitted(request=request, psp_reference=reference) if request in self.captures:
                self.submitted = self.captures[request], reference
            case f.ReceiptIssued():
                self._watch_clock(fact)
                self.issued = fact

    def _correction(self, fact: f.SessionFact) -> None:
        match fact:
            case f.RefundRequested(request=request) | f.AccountCredited(request=request):
                self.refunds[request] = fact
            case f.RefundReported(request=request, psp_reference=reference):
                self.refunds[request] = fact
                self.refunded_as[request] = reference
            case f.ModificationSubmitted(request=request, psp_reference=reference) if request in self.refunds:
                self.refunded_as[request] = reference
            case f.ModificationFailed(request=request):
                self._undone |= {request}
            case f.CreditNoteIssued():
                self.notes.append(Note(fact, self._undone))

    def _resume(self, fact: f.SessionFact) -> None:
        if self._paused is not None:
            self.paused_ms += fact.at.ms_since(self._paused.at)
            self._paused = None

    def _watch_clock(self, fact: f.SessionFact) -> None:
        self.trusted = self.trusted and fact.at.trusted
