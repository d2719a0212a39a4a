"""A receipt or credit note as a sheet of A4: PDF/A-3 with tags, so that it can be kept for years, read aloud, and carry its invoice data.

The sheet is set by typst, which shapes every script and takes letters from any installed font. The same document makes the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import segno
import typst

from kiosk.receipts.buyer import Business
from kiosk.receipts.compact import code_text
from kiosk.receipts.content import Document, Part, code_caption, parts, title
from kiosk.receipts.receipt import ReceiptError
from kiosk.wording.wording import Wording

FONTS = ("Inter", "Noto Sans", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans CJK SC", "DejaVu Sans", "Libertinus Serif")
MARKS = ("\ufffd", "?")  # for a letter that no font has

_TEMPLATE = Path(__file__).with_name("sheet.typ")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STANDARD: typst.PDFStandard = "a-3a"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside the PDF. `relationship` is `alternative` for the same content in another form (PDF/A-3 AFRelationship)."""

    name: str
    text: str
    mime: str
    relationship: str
    description: str


def sheet(document: Document, w: Wording, *attachments: Attachment, buyer: Business | None = None) -> bytes:
    """The PDF, made out to `buyer` if there is one. A letter that no installed font has is shown as a replacement mark.

    Raises `ReceiptError` when it cannot be set at all.
    """
    content = _content(document, w, buyer, attachments)
    try:
        return _set(content, document.issued_ms)
    except typst.TypstError as error:
        shown = _showable(content)
        if shown == content:
            raise ReceiptError(f"{document.label} cannot be set as PDF: {error}") from error
    try:
        return _set(shown, document.issued_ms)
    except typst.TypstError as error:
        raise ReceiptError(f"{document.label} cannot be set as PDF: {error}") from error


def _content(document: Document, w: Wording, buyer: Business | None, attachments: tuple[Attachment, ...]) -> dict[str, Any]:
    issued = _EPOCH + timedelta(milliseconds=document.issued_ms)
    text = code_text(document)
    return {
        "lang": w.language,
        "rtl": w.rtl,
        "fonts": [font for font in FONTS if font in _families()],
        "title": f"{title(document, w)} {document.label}",
        "author": document.seller.name,
        "date": {name: getattr(issued, name) for name in ("year", "month", "day", "hour", "minute", "second")},
        "parts": {part.name: _rows(part) for part in parts(document, w, buyer)},
        "place_lines": len(document.place.address),
        "code": segno.make(text, error="l", micro=False).svg_inline(border=0, omitsize=True) if text else None,
        "caption": code_caption(document, w),
        "files": [asdict(file) for file in attachments],
    }


def _rows(part: Part) -> list[dict[str, Any]]:
    return [{"kind": row.kind.value, "label": row.label, "value": row.value, "cells": list(row.cells)} for row in part.rows]


def _set(content: dict[str, Any], issued_ms: int) -> bytes:
    compiler = typst.Compiler(_TEMPLATE, root=_TEMPLATE.parent, font_paths=_fonts(), sys_inputs={"document": json.dumps(content)})
    made = compiler.compile(format="pdf", pdf_standards=_STANDARD, timestamp=issued_ms // 1_000)
    if not isinstance(made, bytes):
        raise ReceiptError("the typesetter made something else than one file")
    return made


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=True, include_embedded_fonts=True)


@cache
def _families() -> frozenset[str]:
    return frozenset(_fonts().families())


def _showable(content: dict[str, Any]) -> dict[str, Any]:
    """The same with marks in place of letters that cannot be shown. Attachments are no words to be shown and stay as they are."""
    words = {key: value for key, value in content.items() if key not in ("files", "code")}
    lost = {c for c in json.dumps(words, ensure_ascii=False) if not c.isascii() and not _can_show(c)}
    mark = next(mark for mark in MARKS if mark.isascii() or _can_show(mark))
    mended: dict[str, Any] = _replaced(words, lambda text: "".join(mark if c in lost else c for c in text))
    return content | mended


def _replaced(value: Any, mend: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return mend(value)
    if isinstance(value, dict):
        return {key: _replaced(inner, mend) for key, inner in value.items()}
    return [_replaced(inner, mend) for inner in value] if isinstance(value, list) else value


def _can_show(letter: str) -> bool:
    asked = f'#set document(date: datetime(year: 2000, month: 1, day: 1), title: "?")\n#text(lang: "en", "\\u{{{ord(letter):x}}}")'
    try:
        typst.Compiler(asked.encode(), font_paths=_fonts()).compile(format="pdf", pdf_standards=_STANDARD)
    except typst.TypstError:
        return False
    return True
