"""What a receipt says, in order and in words: rows that paper, screen and text lay out each in their own way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from kiosk.receipts.receipt import TIMES, Item, Receipt
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


def rows(receipt: Receipt, w: Wording) -> tuple[Row, ...]:
    """Everything the receipt says, in the language of `w`."""
    parts = (_head(receipt, w), _delivery(receipt, w), _bill(receipt, w), _money(receipt, w), _references(receipt, w), _end(receipt, w))
    joined: list[Row] = []
    for part in parts:
        joined += [*([BREAK] if joined else []), *part]
    return tuple(joined)


def _head(r: Receipt, w: Wording) -> Iterator[Row]:
    yield Row(RowKind.SELLER, r.seller.name)
    for line in r.seller.address:
        yield Row(RowKind.ADDRESS, line)
    if r.seller.tax_id:
        yield Row(RowKind.ADDRESS, w.say("receipt.tax_id", number=r.seller.tax_id))
    if r.copy:
        yield Row(RowKind.MARK, w.say("receipt.copy", number=r.copy))
    yield BREAK
    yield Row(RowKind.HEAD, w.say("receipt.title"), r.label)
    yield Row(RowKind.FACT, w.say("receipt.issued"), w.date_clock(r.issued_ms, r.zone))


def _delivery(r: Receipt, w: Wording) -> Iterator[Row]:
    yield Row(RowKind.PLACE, r.place.name)
    for line in r.place.address:
        yield Row(RowKind.NOTE, line)
    yield Row(RowKind.FACT, w.say("receipt.plug", plug=r.place.plug), r.place.evse_id)
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
    for item in r.items:
        yield Row(RowKind.ITEM, _dimension(item.code, w), w.money(item.amount))
        if detail := _detail(item, r.gross, w):
            yield Row(RowKind.DETAIL, detail)
    for reduction in r.reductions:
        yield Row(RowKind.ITEM, w.say(f"receipt.reduction.{reduction.code}"), w.money(reduction.amount))
    yield BREAK
    yield Row(RowKind.TOTAL, w.say("receipt.total"), w.money(r.total))
    yield Row(RowKind.TAX, cells=tuple(w.say(f"receipt.vat.{column}") for column in ("rate", "net", "tax", "gross")))
    for tax in r.taxes:
        yield Row(RowKind.TAX, cells=_tax(tax, w))


def _detail(item: Item, gross: bool, w: Wording) -> str:
    currency = item.amount.currency
    symbol = w.symbol(currency)
    if item.code == "ENERGY":
        text = f"{_kwh(item.units, w)} × {w.rate(item.unit_price, currency)}{NBSP}{w.say('unit.per_kwh', symbol=symbol)}"
    elif item.code in TIMES:
        text = _time(item, symbol, w)
    else:
        return ""
    if not gross and item.vat is not None:
        text += " " + w.say("receipt.plus_vat", rate=w.percent(item.vat))
    return text


def _time(item: Item, symbol: str, w: Wording) -> str:
    """By the minute where the price divides (that is how it was shown before the start), else by the hour."""
    currency = item.amount.currency
    per_minute = item.unit_price / 60
    if per_minute == per_minute.quantize(Decimal("0.0001")):
        quantity, rate, unit = f"{w.countdown(item.units)}{NBSP}{w.say('unit.minute')}", per_minute, "unit.per_minute"
    else:
        quantity, rate, unit = w.duration_exact(item.units), item.unit_price, "unit.per_hour"
    return f"{quantity} × {w.rate(rate, currency)}{NBSP}{w.say(unit, symbol=symbol)}"


def _tax(tax: Tax, w: Wording) -> tuple[str, ...]:
    named = w.say("receipt.vat.mixed" if tax.tax else "receipt.vat.none") if tax.rate is None else w.percent(tax.rate)
    return named, w.amount(tax.net), w.amount(tax.tax), w.amount(tax.gross)


def _money(r: Receipt, w: Wording) -> Iterator[Row]:
    if r.card.last4 or r.card.brand:
        yield Row(RowKind.FACT, w.say("receipt.card"), card(r, w))
    yield Row(RowKind.MONEY, w.say("receipt.held"), w.money(r.held))
    yield Row(RowKind.PAID, w.say("receipt.captured"), w.money(r.captured))
    yield Row(RowKind.MONEY, w.say("receipt.released"), w.money(r.released))
    if r.released:
        yield Row(RowKind.NOTE, w.say("receipt.banks"))


def card(r: Receipt, w: Wording) -> str:
    """The card as its owner knows it: `Visa, ends in 4242`."""
    brand = _BRANDS.get(r.card.brand.lower(), r.card.brand) or w.say("receipt.card")
    return w.say("receipt.card_ends", brand=brand, last4=r.card.last4) if r.card.last4 else brand


def _references(r: Receipt, w: Wording) -> Iterator[Row]:
    entry = _ENTRIES.get(r.card.entry_mode.lower())
    shown = (
        ("entry", w.say(f"receipt.entry.{entry}") if entry else ""),
        ("auth_code", r.card.auth_code),
        ("application", r.card.application_id),
        ("sale", r.session),
        ("psp", r.references.psp),
        ("capture", r.references.capture),
        ("terminal", r.references.tender),
        ("tariff", r.tariff_id),
        ("tariff_hash", r.tariff_hash[:_HASH_SHOWN]),
        ("checkpoint", r.checkpoint),
    )
    for name, value in shown:
        if value:
            yield Row(RowKind.REFERENCE, w.say(f"receipt.reference.{name}"), value)


def _end(r: Receipt, w: Wording) -> Iterator[Row]:
    yield Row(RowKind.END, w.say("receipt.questions", phone=r.seller.helpline, number=r.label))


def _dimension(code: str, w: Wording) -> str:
    name = f"dimension.{code}"
    return w.say(name if w.has(name) else "dimension.adjustment")


def _kwh(mwh: int, w: Wording) -> str:
    """Whole watt-hours in three decimals; a finer meter as finely as it counts, so that the difference on paper is the one that is paid."""
    digits = next(n for n in (3, 4, 5, 6) if mwh % 10 ** (6 - n) == 0)
    return f"{w.kwh(mwh, digits)}{NBSP}{w.say('unit.kwh')}"
