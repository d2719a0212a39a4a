"""The credit note as values: money given back for a sale, checked when it is made.

A receipt is never edited. What is given back, in full or in part, is a document of its own, with a series of numbers of its own, that names
the receipt it corrects and says how much of each VAT rate falls away.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kiosk.receipts.receipt import CardShown, Place, ReceiptError, Seller
from kiosk.receipts.vat import Tax, added
from kiosk.session import corrections
from kiosk.values import Money, SessionId

# Why money is given back. `reported`: the acquirer did it, and the kiosk was told afterwards.
REASONS = (*corrections.REASONS, "reported")


@dataclass(frozen=True, slots=True)
class Corrected:
    """The receipt that is corrected: its number as printed, when it was issued, and the charge it was for."""

    label: str
    issued_ms: int
    begin_ms: int
    end_ms: int
    mwh: int


@dataclass(frozen=True, slots=True)
class RefundReferences:
    """Names by which the acquirer and the operator find this refund."""

    payment: str = ""
    psp: str = ""
    capture: str = ""
    refund: str = ""


@dataclass(frozen=True)
class CreditNote:
    """One refund. `taxes` is what it gives back of each rate, `charged` what the receipt charged, `before` what earlier credit notes gave
    back: rows of the same rates, in the same order. All amounts are positive where the receipt's are.

    Raises `ReceiptError` unless the rows make `amount`, and no rate gets back more than it was charged.
    """

    number: int
    copy: int
    issued_ms: int
    language: str
    zone: str
    seller: Seller
    place: Place
    session: SessionId
    corrects: Corrected
    reason: str
    amount: Money
    taxes: tuple[Tax, ...]
    charged: tuple[Tax, ...]
    before: tuple[Tax, ...]
    card: CardShown
    references: RefundReferences = field(default_factory=RefundReferences)
    trusted: bool = True
    checkpoint: str = ""
    contract: str = ""  # whose account is relieved; empty where a card was paid back

    def __post_init__(self) -> None:
        money = [m for rows in (self.taxes, self.charged, self.before) for row in rows for m in (row.net, row.tax, row.gross)]
        if {m.currency for m in money} != {self.amount.currency}:
            raise ReceiptError(f"{self._name} mixes currencies, or has no VAT rows")
        if self.amount.minor <= 0:
            raise ReceiptError(f"{self._name} gives back {self.amount}: a credit note gives something back")
        if self.reason not in REASONS:
            raise ReceiptError(f"{self._name}: {self.reason!r} is no reason, use one of {', '.join(REASONS)}")
        if not [r.rate for r in self.taxes] == [r.rate for r in self.charged] == [r.rate for r in self.before]:
            raise ReceiptError(f"{self._name}: its VAT rates are not those of receipt {self.corrects.label}")
        if any(row.net + row.tax != row.gross for rows in (self.taxes, self.charged, self.before) for row in rows):
            raise ReceiptError(f"{self._name}: net and tax of a rate do not make its gross")
        if _gross(self.taxes, self.amount) != self.amount:
            raise ReceiptError(f"{self._name}: its VAT rows do not make {self.amount}")
        for row, back in zip(self.charged, added(self.before, self.taxes), strict=True):
            for charged, given in ((row.net, back.net), (row.tax, back.tax), (row.gross, back.gross)):
                if not min(0, charged.minor) <= given.minor <= max(0, charged.minor):
                    raise ReceiptError(f"{self._name} gives back {given} of {charged} charged at one rate by receipt {self.corrects.label}")
        if len(self.card.last4) > 4:
            raise ReceiptError(f"{self._name} would show more than four digits of a card")

    @property
    def _name(self) -> str:
        return f"credit note {self.label} of {self.session}"

    @property
    def label(self) -> str:
        """The number as it is printed: the C sets its series apart from that of the receipts."""
        return f"{self.seller.number_prefix}C{self.number:06}"

    @property
    def captured(self) -> Money:
        """What the receipt charged."""
        return _gross(self.charged, self.amount)

    @property
    def refunded(self) -> Money:
        """What earlier credit notes gave back."""
        return _gross(self.before, self.amount)

    @property
    def remaining(self) -> Money:
        """What stays paid."""
        return self.captured - self.refunded - self.amount

    @property
    def whole(self) -> bool:
        """Whether this one note takes the receipt back entirely."""
        return self.amount == self.captured


def _gross(rows: tuple[Tax, ...], like: Money) -> Money:
    return sum((row.gross for row in rows), Money.zero(like.currency))
