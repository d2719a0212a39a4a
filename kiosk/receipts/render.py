"""Show a receipt or a credit note on a target, in a language."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import overload

from kiosk.receipts import html, pdf
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
    """A web page that needs nothing but itself."""


@dataclass(frozen=True, slots=True)
class Pdf:
    """A page of A4, PDF/A-3 with tags. The first one loads a library and the fonts: give it a thread."""


Target = Paper | Screen | Text | Html | Pdf


@overload
def render(document: Document, target: Paper, language: str) -> tuple[PaperLine, ...]: ...
@overload
def render(document: Document, target: Screen, language: str) -> tuple[Row, ...]: ...
@overload
def render(document: Document, target: Text | Html, language: str) -> str: ...
@overload
def render(document: Document, target: Pdf, language: str) -> bytes: ...
def render(document: Document, target: Target, language: str) -> tuple[PaperLine, ...] | tuple[Row, ...] | str | bytes:
    """The document for `target` in `language`.

    Raises `WordingError` for a language without words, `ReceiptError` for paper too narrow.
    """
    w = Wording(language)
    said = rows(document, w)
    match target:
        case Screen():
            return said
        case Html():
            return html.page(document, w)
        case Pdf():
            return pdf.sheet(document, w)
        case Paper(columns=columns, code=code):
            lines = _strip(columns, ON_PAPER).lines(said)
            return lines + _code(document, w) if code else lines
        case Text(columns=columns):
            return "\n".join(_plain(line, columns) for line in _strip(columns, IN_TEXT).lines(said)) + "\n"


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
