"""Show a receipt or a credit note on a target, in a language."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import overload

from kiosk.receipts import html
from kiosk.receipts.buyer import Business
from kiosk.receipts.compact import code_text
from kiosk.receipts.content import Document, Row, code_caption, rows
from kiosk.receipts.paper import GAP, IN_TEXT, LEAST_COLUMNS, ON_PAPER, PaperLine, Size, Strip
from kiosk.receipts.receipt import ReceiptError
from kiosk.wording.wording import Wording


@dataclass(frozen=True, slots=True)
class Paper:
    """A receipt printer: 32 columns on a 58 mm roll, 42 or 48 on an 80 mm roll. `code` prints the receipt as a QR code too."""

    columns: int = 42
    code: bool = True


@dataclass(frozen=True, slots=True)
class Screen:
    """Rows for a page to draw; breaks between parts included."""


@dataclass(frozen=True, slots=True)
class Text:
    """Plain text of fixed width, for a mail or a terminal."""

    columns: int = 60


@dataclass(frozen=True, slots=True)
class Html:
    """A web page that needs nothing but itself, made out to `buyer` if there is one."""

    buyer: Business | None = None


@dataclass(frozen=True, slots=True)
class Pdf:
    """A page of A4, PDF/A-3 with tags, made out to `buyer` if there is one. The first one finds the fonts: give it a thread."""

    buyer: Business | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """An e-invoice for a business: Factur-X, the page of A4 with its data inside. `seller_country` (ISO 3166) where the seller's tax
    number does not tell it."""

    buyer: Business
    seller_country: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceData:
    """The data of `Invoice` alone: EN 16931 as XML."""

    buyer: Business
    seller_country: str = ""


Target = Paper | Screen | Text | Html | Pdf | Invoice | InvoiceData


@overload
def render(document: Document, target: Paper, language: str) -> tuple[PaperLine, ...]: ...
@overload
def render(document: Document, target: Screen, language: str) -> tuple[Row, ...]: ...
@overload
def render(document: Document, target: Text | Html, language: str) -> str: ...
@overload
def render(document: Document, target: Pdf | Invoice | InvoiceData, language: str) -> bytes: ...
def render(document: Document, target: Target, language: str) -> tuple[PaperLine, ...] | tuple[Row, ...] | str | bytes:
    """The document for `target` in `language`.

    Raises `WordingError` for a language without words, `ReceiptError` for paper too narrow or a bill that
    no invoice can say.
    """
    w = Wording(language)
    match target:
        case Screen():
            return rows(document, w)
        case Html(buyer=buyer):
            return html.page(document, w, buyer)
        case Pdf(buyer=buyer):
            from kiosk.receipts.pdf import sheet  # noqa: PLC0415 - the typesetter is loaded only for the work

            return sheet(document, w, buyer=buyer)
        case Invoice() | InvoiceData():
            return _invoice(document, target, w)
        case Paper(columns=columns, code=code):
            lines = _strip(columns, ON_PAPER).lines(rows(document, w))
            return lines + _code(document, w) if code else lines
        case Text(columns=columns):
            return "\n".join(_plain(line, columns) for line in _strip(columns, IN_TEXT).lines(rows(document, w))) + "\n"


def _invoice(document: Document, target: Invoice | InvoiceData, w: Wording) -> bytes:
    from kiosk.receipts.einvoice import hybrid, xml  # noqa: PLC0415 - 30 MB that a kiosk without business customers never needs

    make = hybrid if isinstance(target, Invoice) else xml
    return make(document, w, target.buyer, target.seller_country)


def _strip(columns: int, scale: dict[Size, Fraction]) -> Strip:
    if columns < LEAST_COLUMNS:
        raise ReceiptError(f"a receipt needs {LEAST_COLUMNS} columns, the target has {columns}")
    return Strip(columns, scale)


def _code(document: Document, w: Wording) -> tuple[PaperLine, ...]:
    text = code_text(document)
    if not text:
        return ()
    caption = PaperLine("text", code_caption(document, w), align="center", size="small")
    return GAP, PaperLine("qr", text, align="center"), GAP, caption


def _plain(line: PaperLine, columns: int) -> str:
    match line.kind:
        case "rule":
            return "-" * columns
        case "gap" | "qr":
            return ""
        case "text":
            if line.align == "center":
                return line.left.center(columns).rstrip()
            return f"{line.left}{line.right.rjust(columns - len(line.left))}".rstrip()
