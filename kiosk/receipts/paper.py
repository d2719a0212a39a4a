"""Lay rows out on a strip of a fixed number of columns. Nothing is cut: what does not fit beside its label goes below it, or wraps.
Letters of China, Japan and Korea take two columns, marks above or below a letter none.

`PaperLine` has the shape that `hardware.printers.layout.Line` asks for; neither room imports the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from textwrap import wrap
from typing import Literal
from unicodedata import category, east_asian_width

from kiosk.receipts.content import Row, RowKind

Kind = Literal["text", "rule", "gap", "qr"]
Size = Literal["small", "normal", "tall", "big"]
Align = Literal["left", "center"]

LEAST_COLUMNS = 30

# Columns of a size in relation to normal text: a printer's second font is 9 dots wide instead of 12, big text twice as wide.
ON_PAPER: dict[Size, Fraction] = {"small": Fraction(4, 3), "normal": Fraction(1), "tall": Fraction(1), "big": Fraction(1, 2)}
IN_TEXT: dict[Size, Fraction] = dict.fromkeys(ON_PAPER, Fraction(1))


@dataclass(frozen=True, slots=True)
class PaperLine:
    """One printed line. `right` stands flush right on the line of `left`; of a `qr`, `left` is the content."""

    kind: Kind
    left: str = ""
    right: str = ""
    align: Align = "left"
    size: Size = "normal"
    bold: bool = False


RULE = PaperLine("rule")
GAP = PaperLine("gap")


@dataclass(frozen=True, slots=True)
class Strip:
    """A roll's width in columns of normal text."""

    columns: int
    scale: dict[Size, Fraction]

    def lines(self, rows: Iterable[Row]) -> tuple[PaperLine, ...]:
        return tuple(line for row in rows for line in self._row(row))

    def _row(self, row: Row) -> Iterator[PaperLine]:
        match row.kind:
            case RowKind.SELLER:
                fits = all(cells(word) <= self._width("big") for word in row.label.split()) and cells(row.label) <= self.columns
                yield from self._centred(row.label, "big" if fits else "normal", bold=True)
            case RowKind.ADDRESS | RowKind.END:
                yield from self._centred(row.label)
            case RowKind.MARK:
                yield GAP
                yield from self._centred(row.label, "big", bold=True)
            case RowKind.HEAD | RowKind.PAID:
                yield from self._pair(row, bold=True)
            case RowKind.TOTAL:
                size: Size = "big" if cells(row.label) + 1 + cells(row.value) <= self._width("big") else "tall"
                yield from self._pair(row, size, bold=True)
                yield GAP
            case RowKind.PLACE:
                yield from self._wrapped(row.label, bold=True)
            case RowKind.DETAIL:
                yield from self._wrapped(row.label, indent=2)
            case RowKind.NOTE:
                yield from self._wrapped(row.label)
            case RowKind.TAX:
                yield self._table(row.cells)
            case RowKind.REFERENCE:
                yield from self._pair(row, "small")
            case RowKind.BREAK:
                yield RULE
            case RowKind.FACT | RowKind.ITEM | RowKind.MONEY:
                yield from self._pair(row)

    def _width(self, size: Size) -> int:
        return int(self.columns * self.scale[size])

    def _pair(self, row: Row, size: Size = "normal", *, bold: bool = False) -> Iterator[PaperLine]:
        width = self._width(size)
        *above, last = _wrap(row.label, width) or ("",)
        yield from (PaperLine("text", part, size=size, bold=bold) for part in above)
        if cells(last) + 1 + cells(row.value) <= width:
            yield PaperLine("text", last, row.value, size=size, bold=bold)
            return
        yield PaperLine("text", last, size=size, bold=bold)
        yield from (PaperLine("text", "", part, size=size, bold=bold) for part in _wrap(row.value, width))

    def _centred(self, text: str, size: Size = "normal", *, bold: bool = False) -> Iterator[PaperLine]:
        for part in _wrap(text, self._width(size)):
            yield PaperLine("text", part, align="center", size=size, bold=bold)

    def _wrapped(self, text: str, *, indent: int = 0, bold: bool = False) -> Iterator[PaperLine]:
        for part in _wrap(text, self.columns - indent):
            yield PaperLine("text", " " * indent + part, bold=bold)

    def _table(self, cells: tuple[str, ...]) -> PaperLine:
        """The first cell starts the line, the others are flush right in columns of one width."""
        first, *others = cells
        width = self.columns // len(cells)
        head = self.columns - width * len(others)
        return PaperLine("text", _left(first, head) + "".join(_right(cell, width) for cell in others))


def cells(text: str) -> int:
    """Columns that `text` takes."""
    if text.isascii():
        return len(text)
    return sum(0 if category(c) in ("Mn", "Me", "Cf") else 2 if east_asian_width(c) in "WF" else 1 for c in text)


@lru_cache(maxsize=1_024)
def _wrap(text: str, width: int) -> tuple[str, ...]:
    """`textwrap` counts characters: where some take two columns, half as many fit. Most of a receipt's words stand on every receipt."""
    return tuple(wrap(text, width if cells(text) <= len(text) else width // 2))


def _left(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _right(text: str, width: int) -> str:
    return " " * (width - cells(text)) + text
