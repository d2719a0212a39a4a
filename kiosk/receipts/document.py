"""Make the receipt of a sale, and the credit notes that correct it, from its facts: what the journal says, and nothing else.

The same facts give the same document for ever, so a reprint years later differs by its COPY mark only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from kiosk.pricing.discounts import DiscountLine
from kiosk.pricing.quote import Quote
from kiosk.pricing.rating import Line, Rating
from kiosk.pricing.vat import breakdown
from kiosk.receipts.credit_note import REASONS, Corrected, CreditNote, RefundReferences
from kiosk.receipts.receipt import (
    TIMES,
    CardShown,
    Discounted,
    Item,
    Place,
    Receipt,
    ReceiptError,
    Reduction,
    References,
    Seller,
    Verification,
)
from kiosk.receipts.sale import Refund, Sale
from kiosk.receipts.vat import Tax, added, credited, nothing, taxes
from kiosk.session import facts as f
from kiosk.values import MWH_PER_KWH, MWH_PER_WH, Money, RequestRef


def document(
    facts: Iterable[f.SessionFact],
    seller: Seller,
    place: Place,
    *,
    number: int | None = None,
    copy: int = 0,
    checkpoint: str = "",
    verification: Verification | None = None,
) -> Receipt:
    """The receipt `number` of one sale, or its first: a sale whose money was taken twice has two. `facts` are its whole stream;
    `copy` counts reprints; `checkpoint` is the journal's, in its short form;
    `verification` leads to the meter's signed values where it signs them.

    Raises `ReceiptError` when no receipt was issued, when a fact it rests on is missing, or when the money does not add up.
    """
    receipt = _receipt(Sale(facts, number), seller, place)
    return replace(receipt, copy=copy, checkpoint=checkpoint, verification=verification)


def credit_note(
    facts: Iterable[f.SessionFact], seller: Seller, place: Place, *, number: int | None = None, copy: int = 0, checkpoint: str = ""
) -> CreditNote:
    """The credit note `number` of one sale, or its last. `facts` are its whole stream; `copy` and `checkpoint` as of a receipt.

    A refund that the acquirer reported as failed gives nothing back: notes issued after that do not count it.
    Raises `ReceiptError` when there is no such note, when its receipt cannot be made, or when more is given back than was charged.
    """
    sale = Sale(facts)
    if not sale.notes:
        raise ReceiptError("no credit note was issued for this sale")
    wanted = sale.notes[-1].issued.number if number is None else number
    receipt = _receipt(sale, seller, place)
    given: dict[RequestRef, tuple[Tax, ...]] = {}
    for note in sale.notes:
        issued = note.issued
        refund = sale.refunds.get(issued.request)
        if refund is None:
            raise ReceiptError(f"credit note {issued.number} of {receipt.session} rests on {issued.request}, which gives nothing back")
        before = nothing(receipt.taxes)
        for request, rows in given.items():
            before = before if request in note.undone else added(before, rows)
        rows = given[issued.request] = _credited(receipt, before, refund)
        if issued.number != wanted:
            continue
        references = receipt.references
        return CreditNote(
            number=issued.number,
            copy=copy,
            issued_ms=issued.at.utc_ms,
            language=receipt.language,
            zone=receipt.zone,
            seller=seller,
            place=place,
            session=receipt.session,
            corrects=Corrected(receipt.label, receipt.issued_ms, receipt.begin_ms, receipt.end_ms, receipt.mwh),
            reason=_reason(refund),
            amount=refund.amount,
            taxes=rows,
            charged=receipt.taxes,
            before=before,
            card=receipt.card,
            references=RefundReferences(_payment(refund), references.psp, references.capture, sale.refunded_as.get(issued.request, "")),
            trusted=issued.at.trusted,
            checkpoint=checkpoint,
            contract=receipt.contract,
        )
    raise ReceiptError(f"{receipt.session} has no credit note {wanted}")


def _credited(receipt: Receipt, before: tuple[Tax, ...], refund: Refund) -> tuple[Tax, ...]:
    given = sum((row.gross for row in before), Money.zero(receipt.captured.currency))
    if refund.amount.currency != given.currency or not 0 < refund.amount.minor <= (receipt.captured - given).minor:
        raise ReceiptError(
            f"{refund.request} gives back {refund.amount} of {receipt.session}: {receipt.captured} was charged, {given} is back already"
        )
    return credited(receipt.taxes, before, refund.amount)


def _payment(refund: Refund) -> str:
    return "" if isinstance(refund, f.AccountCredited) else refund.payment


def _reason(refund: Refund) -> str:
    if isinstance(refund, f.RefundReported):
        return "reported"
    return refund.reason if refund.reason in REASONS else "other"


def _receipt(sale: Sale, seller: Seller, place: Place) -> Receipt:
    if sale.issued is None:
        raise ReceiptError("no receipt was issued for this sale: nothing was captured")
    session = sale.issued.session
    if sale.quote is None or sale.priced is None or sale.started is None or sale.ended is None:
        raise ReceiptError(f"the facts of {session} do not carry a receipt: quote, delivery and price are needed")
    paid = _paid(sale, session)
    delivered = sale.ended.delivered
    begin = delivered.begin or sale.started.begin
    end = delivered.end
    if end is None:
        raise ReceiptError(f"{session} has no end reading: nothing can be charged for it")
    return Receipt(
        number=sale.issued.number,
        copy=0,
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
        held=paid.held,
        captured=paid.amount,
        card=paid.card,
        references=paid.references,
        contract=paid.contract,
        tariff_id=sale.quote.tariff_id,
        tariff_hash=sale.quote.tariff_hash,
        trusted=sale.trusted,
        step_mwh=_step(sale.quote, sale.priced.rating, delivered.mwh),
    )


@dataclass(frozen=True, slots=True)
class _Paid:
    """Who pays how much: a card out of what it held, or the account of a contract."""

    amount: Money
    held: Money
    card: CardShown
    references: References
    contract: str = ""


def _paid(sale: Sale, session: str) -> _Paid:
    if sale.account is not None:
        return _Paid(sale.account.amount, sale.account.amount, CardShown(), References(), sale.account.contract)
    if sale.submitted is None:
        raise ReceiptError(f"the facts of {session} do not carry a receipt: neither was a capture submitted nor an account charged")
    capture, reference = sale.submitted
    approval = sale.approvals.get(capture.payment)
    if approval is None:
        raise ReceiptError(f"{session} captures from {capture.payment}, which was never authorized")
    c = approval.card
    card = CardShown(c.brand, c.last4, c.auth_code, c.application_id, c.entry_mode)
    references = References(capture.payment, sale.psp[capture.payment], approval.tender_reference, reference)
    return _Paid(capture.amount, sale.held[capture.payment], card, references)


def _item(line: Line) -> Item:
    units = 1
    if line.code == "ENERGY":
        units = int((line.quantity * MWH_PER_KWH).to_integral_value())
    elif line.code in TIMES:
        units = int((line.quantity * 3_600).to_integral_value())
    off = Discounted(line.name, line.funded_by.value, line.mwh, line.left_mwh) if isinstance(line, DiscountLine) else None
    return Item(line.code, units, line.unit_price, line.vat, line.amount, off)


def _reductions(rating: Rating, priced: f.Priced) -> tuple[Reduction, ...]:
    """The way from what was priced to what is charged."""
    beyond = priced.shortfall
    waived = rating.total - priced.charge - beyond
    found = (("waived", waived), ("beyond_hold", beyond))
    if any(amount < Money.zero(amount.currency) for _, amount in found):
        raise ReceiptError(f"{priced.session} charges {priced.charge} and misses {beyond}, but was priced at {rating.total}")
    return tuple(Reduction(code, -amount) for code, amount in found if amount)


def _step(quote: Quote, rating: Rating, mwh: int) -> int:
    """The step that the energy was rounded up by (OCPI 2.3.0 mod_cdrs#step_size), in mWh; 0 where nothing was.

    It is that of a price on the bill, and such that what was billed is the next step after what was delivered.
    """
    lines = [line for line in rating.lines if line.code == "ENERGY"]
    billed = sum(_item(line).units for line in lines)
    if billed <= mwh:
        return 0
    paid = {line.unit_price for line in lines}
    components = [c for element in _tariff(quote).get("elements", ()) for c in element.get("price_components", ()) if c["type"] == "ENERGY"]
    sizes = {int(c.get("step_size", 1)) * MWH_PER_WH for c in components if Decimal(c["price"]) in paid}
    return min((size for size in sizes if size and billed == -(-mwh // size) * size), default=0)


def _gross(quote: Quote) -> bool:
    """Whether the tariff's prices include VAT (OCPI 2.3.0 Tariff `tax_included`)."""
    return bool(_tariff(quote).get("tax_included", "NO") != "NO")


def _tariff(quote: Quote) -> dict[str, Any]:
    try:
        tariff = json.loads(quote.tariff_json, parse_float=Decimal)
    except ValueError as error:
        raise ReceiptError(f"the quote's tariff {quote.tariff_id} is no OCPI tariff: {error}") from error
    if not isinstance(tariff, dict):
        raise ReceiptError(f"the quote's tariff {quote.tariff_id} is no OCPI tariff")
    return tariff
