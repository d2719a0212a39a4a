"""Show a receipt or a credit note on a target, in a language."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import overload

from kiosk.receipts.compact import compact
from kiosk.receipts.content import Document, Row, rows
from kiosk.receipts.paper import GAP, IN_TEXT, LEAST_COLUMNS, ON_PAPER, PaperLine, Size, Strip
from kiosk.receipts.receipt import Receipt, ReceiptError
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


Target = Paper | Screen | Text


@overload
def render(document: Document, target: Paper, language: str) -> tuple[PaperLine, ...]: ...
@overload
def render(document: Document, target: Screen, language: str) -> tuple[Row, ...]: ...
@overload
def render(document: Document, target: Text, language: str) -> str: ...
def render(document: Document, target: Target, language: str) -> tuple[PaperLine, ...] | tuple[Row, ...] | str:
    """The document for `target` in `language`. Raises `WordingError` for a language without words, `ReceiptError` for paper too narrow."""
    w = Wording(language)
    said = rows(document, w)
    match target:
        case Screen():
            return said
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
    said = w.say("receipt.code" if isinstance(document, Receipt) else "receipt.credit.code")
    caption = PaperLine("text", said, align="center", size="small")
    return GAP, PaperLine("qr", compact(document), align="center"), GAP, caption


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
