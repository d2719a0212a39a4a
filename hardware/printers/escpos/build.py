"""Make the bytes of a print job from its lines.

python-escpos writes the commands; its automatic choice of code pages is a lottery on clones (it picks ISO 8859-7 for the euro), so the page
is pinned to CP858, which has western Europe's letters and the euro. A letter the page lacks is printed as its plain one, and a line with
letters that have no plain form is drawn in dots. Where many lines lack letters, the paper is in a language that the page cannot spell
(Polish, Turkish, Russian): then all of it is drawn, and in one hand.
"""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import segno
from PIL import Image, ImageChops

from hardware.printers.layout import LayoutError, Line
from hardware.printers.raster import draw, ready, right_to_left

log = logging.getLogger(__name__)

CODE_PAGE = "CP858"
DOTS_PER_COLUMN = 12
WIDEST_CODE = 320  # dots: 40 mm at 8 dots/mm, what a phone reads at arm's length
_SIMILAR = str.maketrans("\u00a0–—‘’“”„…•łŁđĐœŒ€", ' --\'\'""".*lLdDoO€')


class _Style(NamedTuple):
    font: str
    width: int
    height: int
    bold: bool
    align: str


_SIZES = {"small": ("b", 1, 1), "normal": ("a", 1, 1), "tall": ("a", 1, 2), "big": ("a", 2, 2)}
_MANY = 5  # lines
_SPACING = {"a": 30, "b": 22}  # dots from line to line
_DLE, _REAL_TIME = 0x10, (0x04, 0x05, 0x14)
_PLAIN = _Style("a", 1, 1, False, "left")


def build(lines: Iterable[Line], columns: int) -> bytes:
    """The job: reset, code page, lines, cut. `columns` are the paper's, in normal text. The first call is slow: give it a thread.

    Raises `LayoutError` when a line is wider than the paper; nothing is ever cut off.
    """
    lines = list(lines)
    words = [line for line in lines if line.kind == "text"]
    foreign = [line for line in words if not _typed(line)] if ready() else []
    mirrored = bool(foreign) and right_to_left(words)
    drawn = words if mirrored or (ready() and _in_another_language(words, len(foreign))) else foreign
    in_dots = {id(line) for line in drawn}
    printer = _writer()
    printer.hw("INIT")
    printer.charcode(CODE_PAGE)
    style: _Style | None = None
    for line in lines:
        if id(line) in in_dots:
            if style != _PLAIN:
                _set(printer, style, _PLAIN)
                style = _PLAIN
            _check_width(line, columns)
            printer._raw(_dots(draw(line, columns, mirrored=mirrored)))
            continue
        wanted = _style(line)
        if wanted != style:
            _set(printer, style, wanted)
            style = wanted
        if line.kind == "qr":
            printer.qr(line.left, native=True, size=_dot_size(line.left, columns))
        else:
            printer._raw(_text(line, columns).encode("cp858") + b"\n")  # the page is pinned: the library would look up each letter
    printer.cut()
    return bytes(printer.output)


def _set(printer: Any, style: _Style | None, wanted: _Style) -> None:
    if style is None or wanted.font != style.font:
        printer.line_spacing(_SPACING[wanted.font])
    printer.set(align=wanted.align, font=wanted.font, bold=wanted.bold, custom_size=True, width=wanted.width, height=wanted.height)


def _typed(line: Line) -> bool:
    """Whether the printer's own letters can say it. Signs that are no letters never are a reason to draw."""
    words = line.left + line.right
    if words.isascii():
        return True
    words = words.translate(_SIMILAR)
    try:
        words.encode("cp858")
        return True
    except UnicodeEncodeError:
        return all(_character(c) != "?" or not c.isprintable() for c in words if c != "?")


def _in_another_language(words: list[Line], foreign: int) -> bool:
    """Than those the page was made for; a name or an address now and then is not enough."""
    misspelled = sum(not _spelled(line) for line in words)
    return 2 * foreign > len(words) or (misspelled >= _MANY and 8 * misspelled > len(words))


def _spelled(line: Line) -> bool:
    """Whether the page has every letter of it."""
    words = line.left + line.right
    return words.isascii() or all(c.encode("cp858", "ignore") for c in words if c.isalpha())


def _dots(image: Image.Image) -> bytes:
    """`GS v 0`: raster dots, a set bit is black. A printer obeys real-time commands even inside a picture, so none may look like one."""
    data = bytearray(ImageChops.invert(image.convert("L")).convert("1").tobytes())
    for i in range(len(data) - 1):
        if data[i] == _DLE and data[i + 1] in _REAL_TIME:
            data[i] |= data[i] >> 1
    across, down = (image.width + 7) // 8, image.height
    return b"\x1dv0\x00" + across.to_bytes(2, "little") + down.to_bytes(2, "little") + bytes(data)


def _style(line: Line) -> _Style:
    if line.kind in ("rule", "gap"):
        return _PLAIN
    return _Style(*_SIZES[line.size], line.bold, line.align)


def _text(line: Line, columns: int) -> str:
    if line.kind == "gap":
        return ""
    if line.kind == "rule":
        return "─" * columns
    width = _check_width(line, columns)
    left, right = printable(line.left), printable(line.right)
    return left + right.rjust(width - len(left)) if right else left


def _check_width(line: Line, columns: int) -> int:
    """The line's own columns. Raises `LayoutError` when it needs more."""
    width = columns * 4 // 3 if line.size == "small" else columns // _SIZES[line.size][1]
    used = len(line.left) + len(line.right) + (1 if line.left and line.right else 0)
    if used > width:
        raise LayoutError(f"{used} characters do not fit {width} columns: {printable(line.left)} {printable(line.right)}")
    return width


def printable(text: str) -> str:
    """`text` in characters of the code page, one for one: the same, a similar one, or a question mark. No control code gets through."""
    if text.isascii() and text.isprintable():
        return text
    shown = "".join(_character(c) for c in text.translate(_SIMILAR))
    if lost := {c for c, s in zip(text, shown, strict=True) if s == "?" and c != "?"}:
        log.warning("%d kinds of characters are not in %s and print as question marks", len(lost), CODE_PAGE)
    return shown


@lru_cache(maxsize=1_024)
def _character(c: str) -> str:
    for candidate in (c, unicodedata.normalize("NFKD", c)[0]):
        if candidate.isprintable() and candidate.encode("cp858", "ignore"):
            return candidate
    return "?"


def _dot_size(content: str, columns: int) -> int:
    """Dots a module: as large as phone and paper like it. The printer picks the code's size itself, by the same standard as segno."""
    modules = int(segno.make(content, error="l", boost_error=False, micro=False).symbol_size(border=0)[0])
    room = min(WIDEST_CODE, columns * DOTS_PER_COLUMN - 8)
    if modules * 2 > room:
        raise LayoutError(f"a code of {modules} modules does not fit a paper of {columns} columns")
    return min(8, room // modules)


def _writer() -> Any:
    return _library().Dummy(profile="default")


@cache
def _library() -> Any:
    """python-escpos, imported with the first job: it loads every printer's profile, a third of a second on a fast machine.

    Its import also installs a log handler and leaves a cache in a new temporary folder; neither is its business.
    """
    handlers = logging.root.handlers[:]
    printers = importlib.import_module("escpos.printer")
    logging.root.handlers[:] = handlers
    if "ESCPOS_CAPABILITIES_PICKLE_DIR" not in os.environ:
        shutil.rmtree(importlib.import_module("escpos.capabilities").pickle_dir, ignore_errors=True)
    return printers
