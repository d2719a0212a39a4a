"""A receipt or credit note in the figures of an invoice: net lines, allowances and charges, and one VAT group for each rate.

An invoice after EN 16931 counts net and puts VAT on top; a driver pays gross. The net of every rate is the receipt's own, its lines share
it, and so the sums agree to the cent with what was paid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from kiosk.receipts.content import item_detail, item_name, steps
from kiosk.receipts.credit_note import CreditNote
from kiosk.receipts.receipt import TIMES, Item, Receipt, ReceiptError
from kiosk.receipts.vat import Tax
from kiosk.values import MWH_PER_KWH, Money
from kiosk.wording.wording import Wording

_PRICE = Decimal("0.000001")  # fine enough that quantity times price gives the line's net back
_HOUR = Decimal(3_600)


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """`unit` is a UN/ECE Recommendation 20 code: `KWH`, `MIN`, `SEC`, `C62` (one piece). `price` is net, for `per` units."""

    name: str
    detail: str
    quantity: Decimal
    unit: str
    price: Decimal
    per: Decimal
    rate: Decimal | None
    net: Money


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What is taken off (negative) or put on the whole invoice, at one rate, net."""

    reason: str
    rate: Decimal | None
    net: Money


@dataclass(frozen=True, slots=True)
class Figures:
    """Raises `ReceiptError` unless lines and adjustments make each group's net, and the groups make `total`."""

    lines: tuple[InvoiceLine, ...]
    adjustments: tuple[Adjustment, ...]
    groups: tuple[Tax, ...]
    total: Money

    def __post_init__(self) -> None:
        zero = Money.zero(self.total.currency)
        parts: tuple[InvoiceLine | Adjustment, ...] = (*self.lines, *self.adjustments)
        for group in self.groups:
            made = sum((part.net for part in parts if part.rate == group.rate), zero)
            if made != group.net:
                raise ReceiptError(f"the lines at {group.rate} % VAT make {made} net, the invoice says {group.net}")
        if sum((group.gross for group in self.groups), zero) != self.total:
            raise ReceiptError(f"the VAT groups do not make {self.total}")

    @property
    def line_total(self) -> Money:
        return sum((line.net for line in self.lines), Money.zero(self.total.currency))

    @property
    def allowances(self) -> Money:
        """What is taken off, as a positive amount."""
        zero = Money.zero(self.total.currency)
        return -sum((a.net for a in self.adjustments if a.net < zero), zero)

    @property
    def charges(self) -> Money:
        zero = Money.zero(self.total.currency)
        return sum((a.net for a in self.adjustments if a.net > zero), zero)

    @property
    def net(self) -> Money:
        return self.line_total - self.allowances + self.charges

    @property
    def tax(self) -> Money:
        return sum((group.tax for group in self.groups), Money.zero(self.total.currency))


def figures(document: Receipt | CreditNote, w: Wording) -> Figures:
    """Raises `ReceiptError` for a bill that no invoice can say: VAT that belongs to several rates at once, or to none beside others."""
    if document.contract:
        raise ReceiptError(
            f"{document.label} is owed on account {document.contract}: its invoice is the account's, and the operator's to make"
        )
    groups = tuple(tax for tax in document.taxes if tax.gross or tax.net) or document.taxes[:1]
    if any(group.rate is None for group in groups) and (len(groups) > 1 or groups[0].tax):
        raise ReceiptError(f"{document.label} has amounts without a VAT rate of their own: it cannot be an e-invoice")
    if isinstance(document, CreditNote):
        return Figures(tuple(_refund(document, group, w) for group in groups), (), groups, document.amount)
    lines: list[InvoiceLine] = []
    adjustments: list[Adjustment] = []
    for group in groups:
        items = [item for item in document.items if item.vat == group.rate]
        reduced = group.gross - sum((item.amount for item in items), Money.zero(group.gross.currency))
        *nets, rest = _nets(group, [*(item.amount for item in items), reduced])
        for item, net in zip(items, nets, strict=True):
            if item.amount.minor < 0:
                adjustments.append(Adjustment(item_name(item, w), item.vat, net))
            else:
                details = item_detail(item, document.gross, w), steps(document, item, w)
                lines.append(_line(item, net, ", ".join(filter(None, details)), w))
        if rest:
            reasons = [w.say(f"receipt.reduction.{reduction.code}") for reduction in document.reductions]
            adjustments.append(Adjustment(", ".join(reasons) or w.say("dimension.adjustment"), group.rate, rest))
    return Figures(tuple(lines), tuple(adjustments), groups, document.captured)


def _refund(note: CreditNote, group: Tax, w: Wording) -> InvoiceLine:
    name = f"{w.say('receipt.credit.total')}, {note.corrects.label}"
    return InvoiceLine(
        name, w.say(f"receipt.credit.reason.{note.reason}"), Decimal(1), "C62", group.net.decimal(), Decimal(1), group.rate, group.net
    )


def _line(item: Item, net: Money, detail: str, w: Wording) -> InvoiceLine:
    quantity, unit, per = Decimal(1), "C62", Decimal(1)
    if item.code == "ENERGY":
        quantity, unit = Decimal(item.units) / MWH_PER_KWH, "KWH"
    elif item.code in TIMES and item.units % 60:
        quantity, unit, per = Decimal(item.units), "SEC", _HOUR  # a second's price has too many digits
    elif item.code in TIMES:
        quantity, unit = Decimal(item.units // 60), "MIN"
    price = (net.decimal() * per / quantity).quantize(_PRICE, ROUND_HALF_UP) if quantity else item.unit_price
    return InvoiceLine(item_name(item, w), detail, plain(quantity), unit, plain(price), per, item.vat, net)


def plain(value: Decimal) -> Decimal:
    """Without superfluous zeros, and never in powers of ten, which XML has no decimals for."""
    short = value.normalize()
    return short.quantize(Decimal(1)) if short == short.to_integral_value() else short


def _nets(group: Tax, amounts: Sequence[Money]) -> list[Money]:
    """The net of each amount, VAT included: together exactly the group's. What rounding leaves goes to the largest."""
    ratio = Decimal(group.net.minor) / group.gross.minor if group.rate is None and group.gross else 100 / (100 + (group.rate or Decimal(0)))
    nets = [int((amount.minor * ratio).to_integral_value(ROUND_HALF_UP)) for amount in amounts]
    largest = max(range(len(nets)), key=lambda i: abs(nets[i]))
    nets[largest] += group.net.minor - sum(nets)
    return [Money(net, group.net.currency) for net in nets]
