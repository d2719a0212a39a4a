"""The receipt as values: what every target shows, checked when it is made.

Field list after the union of what EU, German, British and US rules ask for (operator, place, times, energy, unit prices, VAT per rate,
reserved and captured money, card data, tariff). A receipt is never edited: a correction is another document.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from kiosk.receipts.vat import Tax
from kiosk.values import Money, SessionId

TIMES = frozenset({"TIME", "PARKING_TIME", "RESERVATION_TIME"})


class ReceiptError(Exception):
    """A receipt that must not be issued, or a text that is none."""


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells: legal name, postal address line by line, tax number, telephone. Receipt numbers begin with `number_prefix`.

    `notices` are sentences the place of business demands at a receipt's end, such as who supervises charging stations and hears complaints.
    """

    name: str
    address: tuple[str, ...]
    tax_id: str
    helpline: str
    number_prefix: str = ""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where it was sold: the site, its address, and the plug by its EVSE ID and the letter painted on it. `serial` is the pile's serial
    number, `meter` that of the plug's meter."""

    name: str
    address: tuple[str, ...]
    evse_id: str
    plug: str
    serial: str = ""
    meter: str = ""


@dataclass(frozen=True, slots=True)
class Discounted:
    """Why an item takes something off: the rule by the name its owner gave it, and who pays for it (`operator`, `site`, `employer`,
    `partner`). `mwh` is the energy it covered, `left_mwh` what the entitlement still holds afterwards."""

    name: str
    funded_by: str
    mwh: int = 0
    left_mwh: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the bill. `units` is mWh for `ENERGY`, seconds for `TIMES`, 1 for everything else; `unit_price` is per kWh, hour or piece,
    as the tariff writes it; `amount` includes VAT of `vat` percent (None: none applies). A discount is negative and says so in `off`."""

    code: str
    units: int
    unit_price: Decimal
    vat: Decimal | None
    amount: Money
    off: Discounted | None = None


@dataclass(frozen=True, slots=True)
class Reduction:
    """What is not charged although priced. `code` is `waived` or `beyond_hold`; `amount` is negative."""

    code: str
    amount: Money


@dataclass(frozen=True, slots=True)
class CardShown:
    """What a receipt shows of the card; never more of its number than the last four digits."""

    brand: str = ""
    last4: str = ""
    auth_code: str = ""
    application_id: str = ""
    entry_mode: str = ""


@dataclass(frozen=True, slots=True)
class References:
    """Names by which the acquirer and the operator find this sale."""

    payment: str = ""
    psp: str = ""
    tender: str = ""
    capture: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a driver needs to check the meter's signature with the transparency software: the format of the signed values (`OCMF`), a
    fingerprint of the meter's public key as it is on the pile, and where the signed values are found: their digest or an address."""

    encoding: str
    key_id: str
    reference: str


@dataclass(frozen=True)
class Receipt:
    """One sale, settled. Times are UTC milliseconds, shown in `zone`; energy and registers are mWh. `mwh` need not be the difference of the
    registers: one of them may have rolled over.

    `step_mwh` is the step of the tariff in which the energy was billed, 0 where that is what was delivered.

    With a `contract` nothing was paid: it is owed on that contract's account, `captured` says how much, and there is no card.
    `copy` is 0 for the original, else the how-manieth copy. `gross` tells whether unit prices include VAT. `trusted` is false when the
    kiosk's clock was not confirmed. Raises `ReceiptError` unless lines, reductions, VAT rows and captured money agree to the cent.
    """

    number: int
    copy: int
    issued_ms: int
    language: str
    zone: str
    seller: Seller
    place: Place
    session: SessionId
    begin_ms: int
    end_ms: int
    left_ms: int | None
    charging_s: int
    mwh: int
    register_begin: int
    register_end: int
    items: tuple[Item, ...]
    reductions: tuple[Reduction, ...]
    taxes: tuple[Tax, ...]
    gross: bool
    held: Money
    captured: Money
    card: CardShown
    references: References
    tariff_id: str
    tariff_hash: str
    trusted: bool = True
    checkpoint: str = ""
    verification: Verification | None = None
    contract: str = ""
    step_mwh: int = 0

    def __post_init__(self) -> None:
        currencies = {m.currency for m in (self.held, *(i.amount for i in self.items), *(r.amount for r in self.reductions))}
        if currencies != {self.captured.currency}:
            raise ReceiptError(f"{self._name} mixes currencies: {', '.join(sorted(currencies | {self.captured.currency}))}")
        if self.total != self.captured:
            raise ReceiptError(f"{self._name} does not add up: its lines make {self.total}, captured was {self.captured}")
        if _sum((t.gross for t in self.taxes), self.total.currency) != self.total or any(t.net + t.tax != t.gross for t in self.taxes):
            raise ReceiptError(f"{self._name}: its VAT rows do not make {self.total}")
        if any(r.amount.minor >= 0 for r in self.reductions):
            raise ReceiptError(f"{self._name} has a reduction that is none")
        if not 0 <= self.captured.minor <= self.held.minor:
            raise ReceiptError(f"{self._name}: {self.captured} cannot come out of {self.held} reserved")
        if any(i.off and i.amount.minor >= 0 for i in self.items):
            raise ReceiptError(f"{self._name} has a discount that takes nothing off")
        if self.contract and (self.held != self.captured or self.card != CardShown()):
            raise ReceiptError(f"{self._name} is owed on account {self.contract}, yet says that a card was used")
        if self.mwh < 0:
            raise ReceiptError(f"{self._name}: {self.mwh} mWh is no delivery")
        if self.step_mwh and not (self.billed_mwh % self.step_mwh == 0 and 0 < self.billed_mwh - self.mwh < self.step_mwh):
            raise ReceiptError(f"{self._name}: {self.mwh} mWh in steps of {self.step_mwh} are not {self.billed_mwh}")
        if len(self.card.last4) > 4:
            raise ReceiptError(f"{self._name} would show more than four digits of a card")

    @property
    def _name(self) -> str:
        return f"receipt {self.label} of {self.session}"

    @property
    def label(self) -> str:
        """The number as it is printed."""
        return f"{self.seller.number_prefix}{self.number:06}"

    @cached_property
    def priced(self) -> Money:
        """What the lines make before reductions."""
        return _sum((i.amount for i in self.items), self.captured.currency)

    @cached_property
    def total(self) -> Money:
        """What is paid, VAT included."""
        return _sum((r.amount for r in self.reductions), self.captured.currency) + self.priced

    @cached_property
    def billed_mwh(self) -> int:
        """The energy the lines are for."""
        return sum(i.units for i in self.items if i.code == "ENERGY")

    @property
    def released(self) -> Money:
        return self.held - self.captured


def _sum(amounts: Iterable[Money], currency: str) -> Money:
    return sum(amounts, Money.zero(currency))
