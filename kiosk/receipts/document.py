"""Make the receipt of a sale from its facts: what the journal says, and nothing else.

The same facts give the same receipt for ever, so a reprint years later differs by its COPY mark only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal

from kiosk.pricing.quote import Quote
from kiosk.pricing.rating import Line, Rating
from kiosk.pricing.vat import breakdown
from kiosk.receipts.receipt import TIMES, CardShown, Item, Place, Receipt, ReceiptError, Reduction, References, Seller
from kiosk.receipts.vat import taxes
from kiosk.session import facts as f
from kiosk.session.inputs import Approval
from kiosk.values import MWH_PER_KWH, Money, PaymentRef, RequestRef


class _Sale:
    """What a receipt needs of a sale, gathered fact by fact."""

    def __init__(self) -> None:
        self.quote: Quote | None = None
        self.approvals: dict[PaymentRef, Approval] = {}
        self.captures: dict[RequestRef, f.CaptureRequested] = {}
        self.submitted: tuple[f.CaptureRequested, str] | None = None
        self.started: f.DeliveryStarted | None = None
        self.ended: f.DeliveryEnded | None = None
        self.left: f.Vacated | None = None
        self.priced: f.Priced | None = None
        self.issued: f.ReceiptIssued | None = None
        self.paused_ms = 0
        self._paused: f.DeliveryPaused | None = None
        self.trusted = True

    def take(self, fact: f.SessionFact) -> None:
        match fact:
            case f.QuoteAgreed(quote=quote):
                self.quote = quote
            case f.PaymentAuthorized(payment=payment, approval=approval):
                self.approvals[payment] = approval
            case f.CaptureRequested(request=request):
                self.captures[request] = fact
            case f.ModificationSubmitted(request=request, psp_reference=reference) if request in self.captures:
                self.submitted = self.captures[request], reference
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
            case f.Vacated():
                self.left = fact
            case f.Priced():
                self.priced = fact
            case f.ReceiptIssued():
                self._watch_clock(fact)
                self.issued = fact

    def _resume(self, fact: f.SessionFact) -> None:
        if self._paused is not None:
            self.paused_ms += fact.at.ms_since(self._paused.at)
            self._paused = None

    def _watch_clock(self, fact: f.SessionFact) -> None:
        self.trusted = self.trusted and fact.at.trusted


def document(facts: Iterable[f.SessionFact], seller: Seller, place: Place, *, copy: int = 0, checkpoint: str = "") -> Receipt:
    """The receipt of one sale. `facts` are its whole stream; `copy` counts reprints; `checkpoint` is the journal's, in its short form.

    Raises `ReceiptError` when no receipt was issued, when a fact it rests on is missing, or when the money does not add up.
    """
    sale = _Sale()
    for fact in facts:
        sale.take(fact)
    if sale.issued is None:
        raise ReceiptError("no receipt was issued for this sale: nothing was captured")
    session = sale.issued.session
    if sale.quote is None or sale.priced is None or sale.submitted is None or sale.started is None or sale.ended is None:
        raise ReceiptError(f"the facts of {session} do not carry a receipt: quote, delivery, price and a submitted capture are needed")
    capture, capture_reference = sale.submitted
    approval = sale.approvals.get(capture.payment)
    if approval is None:
        raise ReceiptError(f"{session} captures from {capture.payment}, which was never authorized")
    delivered = sale.ended.delivered
    begin = delivered.begin or sale.started.begin
    end = delivered.end
    if end is None:
        raise ReceiptError(f"{session} has no end reading: nothing can be charged for it")
    return Receipt(
        number=sale.issued.number,
        copy=copy,
        issued_ms=sale.issued.at.utc_ms,
        language=sale.quote.language,
        zone=sale.quote.zone,
        seller=seller,
        place=place,
        session=session,
        begin_ms=begin.utc_ms,
        end_ms=end.utc_ms,
        left_ms=sale.left.at.utc_ms if sale.left else None,
        charging_s=max(0, end.utc_ms - begin.utc_ms - sale.paused_ms) // 1_000,
        mwh=delivered.mwh,
        register_begin=begin.mwh,
        register_end=end.mwh,
        items=tuple(_item(line) for line in sale.priced.rating.lines),
        reductions=_reductions(sale.priced.rating, sale.priced),
        taxes=taxes(breakdown(sale.priced.rating), sale.priced.charge),
        gross=_gross(sale.quote),
        held=approval.authorized,
        captured=capture.amount,
        card=CardShown(
            approval.card.brand,
            approval.card.last4,
            approval.card.auth_code,
            approval.card.application_id,
            approval.card.entry_mode,
        ),
        references=References(capture.payment, approval.psp_reference, approval.tender_reference, capture_reference),
        tariff_id=sale.quote.tariff_id,
        tariff_hash=sale.quote.tariff_hash,
        trusted=sale.trusted,
        checkpoint=checkpoint,
    )


def _item(line: Line) -> Item:
    units = 1
    if line.code == "ENERGY":
        units = int((line.quantity * MWH_PER_KWH).to_integral_value())
    elif line.code in TIMES:
        units = int((line.quantity * 3_600).to_integral_value())
    return Item(line.code, units, line.unit_price, line.vat, line.amount)


def _reductions(rating: Rating, priced: f.Priced) -> tuple[Reduction, ...]:
    """The way from what was priced to what is charged."""
    beyond = priced.shortfall
    waived = rating.total - priced.charge - beyond
    found = (("waived", waived), ("beyond_hold", beyond))
    if any(amount < Money.zero(amount.currency) for _, amount in found):
        raise ReceiptError(f"{priced.session} charges {priced.charge} and misses {beyond}, but was priced at {rating.total}")
    return tuple(Reduction(code, -amount) for code, amount in found if amount)


def _gross(quote: Quote) -> bool:
    """Whether the tariff's prices include VAT (OCPI 2.3.0 Tariff `tax_included`)."""
    try:
        tariff = json.loads(quote.tariff_json, parse_float=Decimal)
        return bool(tariff.get("tax_included", "NO") != "NO")
    except (ValueError, AttributeError) as error:
        raise ReceiptError(f"the quote's tariff {quote.tariff_id} is no OCPI tariff: {error}") from error
