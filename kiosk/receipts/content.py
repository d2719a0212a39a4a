"""What a receipt or a credit note says, in order and in words: rows that paper, screen and text lay out each in their own way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from kiosk.receipts.buyer import Business
from kiosk.receipts.credit_note import CreditNote
from kiosk.receipts.receipt import TIMES, CardShown, Item, Receipt
from kiosk.receipts.vat import Tax
from kiosk.wording.wording import NBSP, Wording

# Brand names as their owners write them; acquirers send short words.
_BRANDS = {
    "visa": "Visa",
    "mc": "Mastercard",
    "mastercard": "Mastercard",
    "maestro": "Maestro",
    "amex": "American Express",
    "girocard": "girocard",
    "jcb": "JCB",
    "cup": "UnionPay",
    "discover": "Discover",
    "diners": "Diners Club",
}
_ENTRIES = {"contactless": "contactless", "tapped": "contactless", "icc": "chip", "chip": "chip"}
_HASH_SHOWN = 16


Document = Receipt | CreditNote


class RowKind(Enum):
    SELLER = "seller"  # the name at the head
    ADDRESS = "address"
    HEAD = "head"  # the document's name and number
    MARK = "mark"  # COPY
    PLACE = "place"
    FACT = "fact"  # label and value
    ITEM = "item"  # label and amount
    DETAIL = "detail"  # how the amount above comes about
    TOTAL = "total"
    TAX = "tax"  # a row of the VAT table, in `cells`; the first is its heading
    MONEY = "money"  # reserved, paid, released
    PAID = "paid"
    NOTE = "note"  # a sentence
    REFERENCE = "reference"  # label and value for the operator and the bank
    END = "end"  # a centred closing sentence
    BREAK = "break"  # a new part begins


@dataclass(frozen=True, slots=True)
class Row:
    kind: RowKind
    label: str = ""
    value: str = ""
    cells: tuple[str, ...] = ()


BREAK = Row(RowKind.BREAK)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that belong together. `name` is one of `PARTS`, or `buyer`, which follows the seller."""

    name: str
    rows: tuple[Row, ...]


PARTS = ("seller", "head", "subject", "bill", "sums", "money", "references", "end")


def parts(document: Document, w: Wording, buyer: Business | None = None) -> tuple[Part, ...]:
    """Everything the document says, in the language of `w`, part by part; made out to `buyer` if there is one."""
    said = _receipt(document, w) if isinstance(document, Receipt) else _credit_note(document, w)
    made = [Part(name, tuple(found)) for name, found in zip(PARTS, said, strict=True)]
    return (made[0], Part("buyer", tuple(_buyer(buyer, w))), *made[1:]) if buyer else tuple(made)


def rows(document: Document, w: Wording) -> tuple[Row, ...]:
    """The same as one list, with breaks between the parts."""
    joined: list[Row] = []
    for part in parts(document, w):
        joined += [*([BREAK] if joined else []), *part.rows]
    return tuple(joined)


def code_caption(document: Document, w: Wording) -> str:
    """What stands by the code that carries the document."""
    return w.say("receipt.code" if isinstance(document, Receipt) else "receipt.credit.code")


def title(document: Document, w: Wording) -> str:
    """What the document is called."""
    return w.say("receipt.title" if isinstance(document, Receipt) else "receipt.credit.title")


def _receipt(r: Receipt, w: Wording) -> tuple[Iterator[Row], ...]:
    references = _references(_receipt_references(r, w), w)
    return _seller(r, w), _head(r, w), _delivery(r, w), _bill(r, w), _sums(r, w), _money(r, w), references, _end(r, w)


def _credit_note(n: CreditNote, w: Wording) -> tuple[Iterator[Row], ...]:
    references = _references(_note_references(n), w)
    return _seller(n, w), _head(n, w), _corrected(n, w), _why(n, w), _given_back(n, w), _rest(n, w), references, _end(n, w)


# --- what both have -------------------------------------------------------------------------------------------------------------------


def _seller(d: Document, w: Wording) -> Iterator[Row]:
    yield Row(RowKind.SELLER, d.seller.name)
    for line in d.seller.address:
        yield Row(RowKind.ADDRESS, line)
    if d.seller.tax_id:
        yield Row(RowKind.ADDRESS, w.say("receipt.tax_id", number=d.seller.tax_id))
    if d.copy:
        yield Row(RowKind.MARK, w.say("receipt.copy", number=d.copy))


def _head(d: Document, w: Wording) -> Iterator[Row]:
    yield Row(RowKind.HEAD, title(d, w), d.label)
    yield Row(RowKind.FACT, w.say("receipt.issued"), w.date_clock(d.issued_ms, d.zone))


def _buyer(buyer: Business, w: Wording) -> Iterator[Row]:
    yield Row(RowKind.FACT, w.say("receipt.buyer"), buyer.name)
    if buyer.address:
        yield Row(RowKind.FACT, w.say("receipt.buyer_address"), ", ".join(buyer.address))
    if buyer.vat_id:
        yield Row(RowKind.FACT, w.say("receipt.buyer_vat_id"), buyer.vat_id)
    if buyer.reference:
        yield Row(RowKind.FACT, w.say("receipt.buyer_reference"), buyer.reference)


def _place(d: Document, w: Wording) -> Iterator[Row]:
    yield Row(RowKind.PLACE, d.place.name)
    for line in d.place.address:
        yield Row(RowKind.NOTE, line)
    yield Row(RowKind.FACT, w.say("receipt.plug", plug=d.place.plug), d.place.evse_id)


def _taxes(taxes: tuple[Tax, ...], w: Wording) -> Iterator[Row]:
    yield Row(RowKind.TAX, cells=tuple(w.say(f"receipt.vat.{column}") for column in ("rate", "net", "tax", "gross")))
    for tax in taxes:
        yield Row(RowKind.TAX, cells=_tax(tax, w))


def _tax(tax: Tax, w: Wording) -> tuple[str, ...]:
    named = w.say("receipt.vat.mixed" if tax.tax else "receipt.vat.none") if tax.rate is None else w.percent(tax.rate)
    return named, w.amount(tax.net), w.amount(tax.tax), w.amount(tax.gross)


def card(shown: CardShown, w: Wording) -> str:
    """The card as its owner knows it: `Visa, ends in 4242`."""
    brand = _BRANDS.get(shown.brand.lower(), shown.brand) or w.say("receipt.card")
    return w.say("receipt.card_ends", brand=brand, last4=shown.last4) if shown.last4 else brand


def _card(shown: CardShown, w: Wording) -> Iterator[Row]:
    if shown.last4 or shown.brand:
        yield Row(RowKind.FACT, w.say("receipt.card"), card(shown, w))


def _references(shown: Iterable[tuple[str, str]], w: Wording) -> Iterator[Row]:
    for name, value in shown:
        if value:
            yield Row(RowKind.REFERENCE, w.say(f"receipt.reference.{name}"), value)


def _end(d: Document, w: Wording) -> Iterator[Row]:
    for notice in d.seller.notices:
        yield Row(RowKind.NOTE, notice)
    yield Row(RowKind.END, w.say("receipt.questions", phone=d.seller.helpline, number=d.label))


# --- the receipt ----------------------------------------------------------------------------------------------------------------------


def _delivery(r: Receipt, w: Wording) -> Iterator[Row]:
    yield from _place(r, w)
    yield Row(RowKind.FACT, w.say("receipt.begin"), w.date_clock(r.begin_ms, r.zone))
    yield Row(RowKind.FACT, w.say("receipt.end"), w.date_clock(r.end_ms, r.zone))
    if r.left_ms is not None and any(i.code == "PARKING_TIME" for i in r.items):
        yield Row(RowKind.FACT, w.say("receipt.left"), w.date_clock(r.left_ms, r.zone))
    yield Row(RowKind.FACT, w.say("receipt.charging_time"), w.duration_exact(r.charging_s))
    yield Row(RowKind.FACT, w.say("receipt.register_begin"), _kwh(r.register_begin, w))
    yield Row(RowKind.FACT, w.say("receipt.register_end"), _kwh(r.register_end, w))
    yield Row(RowKind.FACT, w.say("receipt.delivered"), _kwh(r.mwh, w))
    if not r.trusted:
        yield Row(RowKind.NOTE, w.say("receipt.clock"))


def _bill(r: Receipt, w: Wording) -> Iterator[Row]:
    rates = {item.vat for item in r.items}
    for item in r.items:
        yield Row(RowKind.ITEM, item_name(item, w), w.money(item.amount))
        details = [item_detail(item, r.gross, w)]
        if len(rates) > 1 and item.vat is not None and r.gross:
            details.append(w.say("receipt.vat.included", rate=w.percent(item.vat)))
        if detail := ", ".join(filter(None, details)):
            yield Row(RowKind.DETAIL, detail)
        if rounded := steps(r, item, w):
            yield Row(RowKind.DETAIL, rounded)
    for reduction in r.reductions:
        yield Row(RowKind.ITEM, w.say(f"receipt.reduction.{reduction.code}"), w.money(reduction.amount))


def _sums(r: Receipt, w: Wording) -> Iterator[Row]:
    yield Row(RowKind.TOTAL, w.say("receipt.total"), w.money(r.total))
    yield from _taxes(r.taxes, w)


def steps(r: Receipt, item: Item, w: Wording) -> str:
    """Why more energy is billed than was delivered, where it is: said with the last of the energy."""
    last = next((line for line in reversed(r.items) if line.code == "ENERGY"), None)
    if not r.step_mwh or item is not last:
        return ""
    return w.say("receipt.steps", delivered=_kwh(r.mwh, w), step=_kwh(r.step_mwh, w), billed=_kwh(r.billed_mwh, w))


def item_name(item: Item, w: Wording) -> str:
    """What the line is called: a discount by the name its owner gave it."""
    return w.discount(item.code, item.off.name) if item.off and item.off.name else _dimension(item.code, w)


def item_detail(item: Item, gross: bool, w: Wording) -> str:
    """How the line's amount comes about; `gross` tells whether unit prices include VAT."""
    return _discounted(item, w) if item.off else _detail(item, gross, w)


def _discounted(item: Item, w: Wording) -> str:
    """Why it is taken off, who pays for it, what of an entitlement it used and left."""
    assert item.off, f"{item.code} is no discount"
    said = [_dimension(item.code, w)] if item.off.name else []
    said.append(w.say(f"receipt.funded.{item.off.funded_by}"))
    if item.off.mwh:
        said.append(w.say("receipt.discount_for", energy=_kwh(item.off.mwh, w)))
    if item.off.left_mwh is not None:
        said.append(w.say("receipt.discount_left", energy=_kwh(item.off.left_mwh, w)))
    return ", ".join(said)


def _detail(item: Item, gross: bool, w: Wording) -> str:
    currency = item.amount.currency
    if item.code == "ENERGY":
        text = f"{_kwh(item.units, w)} × {w.unit_price(item.unit_price, currency, 'unit.per_kwh')}"
    elif item.code in TIMES:
        text = _time(item, w)
    else:
        return ""
    if not gross and item.vat is not None:
        text += " " + w.say("receipt.plus_vat", rate=w.percent(item.vat))
    return text


def _time(item: Item, w: Wording) -> str:
    """By the minute where the price divides (that is how it was shown before the start), else by the hour."""
    currency = item.amount.currency
    per_minute = item.unit_price / 60
    if per_minute == per_minute.quantize(Decimal("0.0001")):
        quantity, rate, unit = f"{w.countdown(item.units)}{NBSP}{w.say('unit.minute')}", per_minute, "unit.per_minute"
    else:
        quantity, rate, unit = w.duration_exact(item.units), item.unit_price, "unit.per_hour"
    return f"{quantity} × {w.unit_price(rate, currency, unit)}"


def _money(r: Receipt, w: Wording) -> Iterator[Row]:
    if r.contract:
        yield Row(RowKind.PAID, w.say("receipt.owed"), w.money(r.captured))
        yield Row(RowKind.NOTE, w.say("receipt.owed_note"))
        return
    yield from _card(r.card, w)
    yield Row(RowKind.MONEY, w.say("receipt.held"), w.money(r.held))
    yield Row(RowKind.PAID, w.say("receipt.captured"), w.money(r.captured))
    yield Row(RowKind.MONEY, w.say("receipt.released"), w.money(r.released))
    if r.released:
        yield Row(RowKind.NOTE, w.say("receipt.banks"))


def _receipt_references(r: Receipt, w: Wording) -> Iterator[tuple[str, str]]:
    entry = _ENTRIES.get(r.card.entry_mode.lower())
    yield "entry", w.say(f"receipt.entry.{entry}") if entry else ""
    yield "auth_code", r.card.auth_code
    yield "application", r.card.application_id
    yield "contract", r.contract
    yield "sale", r.session
    yield "psp", r.references.psp
    yield "capture", r.references.capture
    yield "terminal", r.references.tender
    yield "serial", r.place.serial
    yield "meter", r.place.meter
    yield "tariff", r.tariff_id
    yield "tariff_hash", r.tariff_hash[:_HASH_SHOWN]
    if r.verification:
        yield "meter_key", r.verification.key_id
        yield "signed_data", f"{r.verification.encoding} {r.verification.reference}"
    yield "checkpoint", r.checkpoint


# --- the credit note ------------------------------------------------------------------------------------------------------------------


def _corrected(n: CreditNote, w: Wording) -> Iterator[Row]:
    yield Row(RowKind.FACT, w.say("receipt.credit.corrects"), n.corrects.label)
    yield Row(RowKind.FACT, w.say("receipt.credit.corrects_issued"), w.date_clock(n.corrects.issued_ms, n.zone))
    yield from _place(n, w)
    yield Row(RowKind.FACT, w.say("receipt.begin"), w.date_clock(n.corrects.begin_ms, n.zone))
    yield Row(RowKind.FACT, w.say("receipt.end"), w.date_clock(n.corrects.end_ms, n.zone))
    yield Row(RowKind.FACT, w.say("receipt.delivered"), _kwh(n.corrects.mwh, w))
    if not n.trusted:
        yield Row(RowKind.NOTE, w.say("receipt.credit.clock"))


def _why(n: CreditNote, w: Wording) -> Iterator[Row]:
    yield Row(RowKind.NOTE, w.say("receipt.credit.whole" if n.whole else "receipt.credit.part", number=n.corrects.label))
    yield Row(RowKind.NOTE, w.say(f"receipt.credit.reason.{n.reason}"))


def _given_back(n: CreditNote, w: Wording) -> Iterator[Row]:
    yield Row(RowKind.TOTAL, w.say("receipt.credit.total"), w.money(n.amount))
    yield from _taxes(tuple(tax for tax in n.taxes if tax.gross), w)


def _rest(n: CreditNote, w: Wording) -> Iterator[Row]:
    yield from _card(n.card, w)
    yield Row(RowKind.MONEY, w.say("receipt.owed" if n.contract else "receipt.captured"), w.money(n.captured))
    if n.refunded:
        yield Row(RowKind.MONEY, w.say("receipt.credit.before"), w.money(n.refunded))
    yield Row(RowKind.PAID, w.say("receipt.credit.now"), w.money(n.amount))
    yield Row(RowKind.MONEY, w.say("receipt.credit.remaining"), w.money(n.remaining))
    yield Row(RowKind.NOTE, w.say("receipt.owed_note" if n.contract else "receipt.credit.banks"))


def _note_references(n: CreditNote) -> Iterator[tuple[str, str]]:
    yield "auth_code", n.card.auth_code
    yield "contract", n.contract
    yield "sale", n.session
    yield "psp", n.references.psp
    yield "capture", n.references.capture
    yield "refund", n.references.refund
    yield "checkpoint", n.checkpoint


# --- words ----------------------------------------------------------------------------------------------------------------------------


def _dimension(code: str, w: Wording) -> str:
    name = f"dimension.{code}"
    return w.say(name if w.has(name) else "dimension.adjustment")


def _kwh(mwh: int, w: Wording) -> str:
    """Whole watt-hours in three decimals; a finer meter as finely as it counts, so that the difference on paper is the one that is paid."""
    digits = next(n for n in (3, 4, 5, 6) if mwh % 10 ** (6 - n) == 0)
    return f"{w.kwh(mwh, digits)}{NBSP}{w.say('unit.kwh')}"
