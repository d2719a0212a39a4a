"""A sale to make receipts of: 31.2 kWh at 0.39 €, 5 minutes of staying at 0.10 € a minute, 50 € reserved."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import astuple, replace
from decimal import Decimal
from pathlib import Path

import pytest

from kiosk.metering.reading import Delivered, Reading, Verdict
from kiosk.pricing.discounts import DiscountLine, Funder
from kiosk.pricing.quote import Quote
from kiosk.pricing.rating import Line, Rating
from kiosk.receipts.receipt import Place, Seller
from kiosk.session import facts as f
from kiosk.session.inputs import Approval, CardFacts
from kiosk.values import ConnectorId, Digest, Moment, Money, PaymentRef, RequestRef, SessionId

sys.path.insert(0, str(Path(__file__).parent.parent / "session"))

SALE = SessionId("E0417-K7QWN3XJ5RZC2PYT4HVBD6MFAS")
BEGIN = 1_795_352_883_000  # 2026-11-22T13:08:03Z
END = BEGIN + 1_292_000
SELLER = Seller("Lindenhof Energie", ("Lindenhof 4", "10317 Berlin"), "DE123456789", "0800 555 0417", "E0417-")
PLACE = Place("Rathausplatz", ("Rathausplatz 1, 15366 Neuenhagen",), "DE*LND*E0417*1", "A")


def at(ms: int, *, trusted: bool = True) -> Moment:
    return Moment(ms, "boot", (ms - BEGIN) * 1_000_000 + 10**15, trusted)


def euro(minor: int) -> Money:
    return Money(minor, "EUR")


def line(code: str, quantity: str | Decimal, price: str, minor: int, vat: str | None = "19", seconds: int = 0, mwh: int = 0) -> Line:
    incl = Decimal(minor) / 100
    excl = incl if vat is None else incl / (1 + Decimal(vat) / 100)
    amount = Money(minor, "EUR")
    return Line(code, Decimal(quantity), Decimal(price), excl, incl, None if vat is None else Decimal(vat), amount, seconds, mwh)


LINES = (
    line("ENERGY", "31.2", "0.39", 1217, mwh=31_200_000),
    line("PARKING_TIME", Decimal(300) / 3600, "6.00", 50, seconds=300),
)


@pytest.fixture
def line_of() -> Callable[..., Line]:
    return line


@pytest.fixture
def seller() -> Seller:
    return SELLER


@pytest.fixture
def place() -> Place:
    return PLACE


Sale = Callable[..., list[f.SessionFact]]


@pytest.fixture
def sale() -> Sale:
    def make(
        *,
        lines: tuple[Line, ...] = LINES,
        total: int | None = None,
        charge: int | None = None,
        shortfall: int = 0,
        captured: int | None = None,
        held: int = 5000,
        tax_included: str = "YES",
        trusted: bool = True,
        card: CardFacts | None = None,
    ) -> list[f.SessionFact]:
        total = sum(x.amount.minor for x in lines) if total is None else total
        charge = total - shortfall if charge is None else charge
        captured = charge if captured is None else captured
        card = card or CardFacts("visa", "4242", "739105", "A0000000031010", "Contactless", Digest("f00d"))
        payment, capture, digest = PaymentRef(f"{SALE}-P1"), RequestRef(f"{SALE}-P1-C"), Digest("ab" * 32)
        quote = Quote(
            "day-solar",
            f'{{"tax_included":"{tax_included}"}}',
            hashlib.sha256(b"day-solar").hexdigest(),
            "Europe/Berlin",
            euro(held),
            "de",
            ("…",),
        )
        approval = Approval(euro(held), "QFQTPCQ8HXSKGK82", "BV0q001795352800", card)
        begin, end = Reading(BEGIN, 18_204_113_000), Reading(END, 18_235_313_000)
        first, last = at(BEGIN - 90_000), at(END + 310_000, trusted=trusted)
        excl = sum((x.excl for x in lines), Decimal(0))
        incl = sum((x.incl for x in lines), Decimal(0))
        return [
            f.SessionOpened(first, SALE, ConnectorId("A")),
            f.QuoteAgreed(first, SALE, quote),
            f.PreauthorizationRequested(first, SALE, payment, "A1", euro(held), "de", digest, first.plus(300)),
            f.PaymentAuthorized(first, SALE, payment, approval, True, euro(held), None),
            f.DeliveryStarted(at(BEGIN), SALE, 7, begin, None, False),
            f.DeliveryPaused(at(BEGIN + 60_000), SALE, "car"),
            f.DeliveryResumed(at(BEGIN + 92_000), SALE, None),
            f.DeliveryEnded(at(END), SALE, "Remote", Delivered(31_200_000, begin, end, Verdict.VALID), None, at(END + 600_000)),
            f.Vacated(at(END + 300_000), SALE),
            f.Priced(at(END + 300_000), SALE, Rating(lines, excl, incl, euro(total)), euro(charge), euro(shortfall), "tariff"),
            f.CaptureRequested(last, SALE, payment, capture, "key", "QFQTPCQ8HXSKGK82", euro(captured), digest, last, last),
            f.ModificationSubmitted(last, SALE, capture, "GVCJX9N2D5NZ3P75"),
            f.ReceiptIssued(last, SALE, 17),
        ]

    return make


@pytest.fixture
def discounted() -> tuple[Line, ...]:
    """A bill of two VAT rates with a fleet's price, an entitlement and a coupon."""

    def off(code: str, name: str, funder: Funder, minor: int, vat: str, mwh: int = 0, left: int | None = None) -> DiscountLine:
        plain = line(code, "1", str(Decimal(minor) / 100), minor, vat, mwh=mwh)
        return DiscountLine(*astuple(replace(plain, amount=euro(0)))[:6], euro(minor), 0, mwh, name, funder, left)

    return (
        *LINES,
        line("FLAT", "1", "0.35", 35, "7"),
        off("SUBSCRIPTION", "Stadtwerke Plus", Funder.PARTNER, -390, "19", 10_000_000, 40_000_000),
        off("FLEET", "Pflegedienst Nord", Funder.EMPLOYER, -85, "19"),
        off("FLEET", "Pflegedienst Nord", Funder.EMPLOYER, -4, "7"),
        off("COUPON", "Willkommen", Funder.SITE, -200, "19"),
    )


@pytest.fixture
def refund() -> Callable[..., list[f.SessionFact]]:
    """The facts of one refund, the credit note `number` included. Without a reason: the acquirer did it and told us."""

    def make(number: int, minor: int, reason: str = "price", *, failed: bool = False) -> list[f.SessionFact]:
        when = at(END + 86_400_000 * number)
        payment, request, digest = PaymentRef(f"{SALE}-P1"), RequestRef(f"{SALE}-P1-R{number}"), Digest("cd" * 32)
        asked: list[f.SessionFact] = [
            f.RefundRequested(
                when, SALE, payment, request, "key", "QFQTPCQ8HXSKGK82", euro(minor), digest, when, when, "operator:anna", reason
            ),
            f.ModificationSubmitted(when, SALE, request, f"RFND{number}9N2D5NZ3P"),
        ]
        reported: list[f.SessionFact] = [f.RefundReported(when, SALE, payment, request, f"RFND{number}9N2D5NZ3P", euro(minor))]
        undone = [f.ModificationFailed(when, SALE, request, "refund", f"RFND{number}9N2D5NZ3P", "closed account")] if failed else []
        return [*(asked if reason else reported), f.CreditNoteIssued(when, SALE, request, number), *undone]

    return make


@pytest.fixture
def without() -> Callable[[list[f.SessionFact], type], list[f.SessionFact]]:
    return lambda facts, kind: [fact for fact in facts if not isinstance(fact, kind)]


@pytest.fixture
def altered() -> Callable[..., list[f.SessionFact]]:
    return lambda facts, kind, **changes: [replace(fact, **changes) if isinstance(fact, kind) else fact for fact in facts]
