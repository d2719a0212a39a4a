"""Draw a line of text as dots, for every script that a printer's code page lacks.

The dots keep to the columns of the printer's own letters, so that drawn and typed lines stand on one receipt. Letters come from the
system's fonts (`fonts-dejavu-core`, `fonts-noto-core`, `fonts-noto-cjk` where they are installed). A letter that no font has is drawn as a
replacement mark; what is wider than its place is drawn narrower, never cut.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont, features

from hardware.printers.layout import LayoutError, Line

CELLS = {"small": (9, 22), "normal": (12, 30), "tall": (12, 54), "big": (24, 54)}  # dots of a column, and from line to line
MARKS = ("\ufffd", "\u25a1", "?")  # for a letter that no font has: the first of these that one has

_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")
_MONOSPACED = "DejaVuSansMono"
_FIRST = (_MONOSPACED, "DejaVuSans", "NotoSans-Regular", "NotoSansArabic-Regular", "NotoSansHebrew-Regular", "NotoSansCJK-Regular")
_REST = "NotoSans*-Regular"
_EM = 20  # pixels at which the monospaced face advances by a column of 12 dots
_BASELINE = 0.77
_PIECE = re.compile(r"\S+(?: \S+)*")
_RTL = frozenset({"R", "AL"})


class _Piece(NamedTuple):
    """Words with a place: from `start` to `end` in columns; flush with the end unless they begin the line."""

    text: str
    start: int
    end: int
    flush_end: bool


def draw(line: Line, columns: int, *, mirrored: bool = False) -> Image.Image:
    """The line in dots, black on white, as wide as the paper. `mirrored` for a receipt that is read from right to left."""
    advance, height = CELLS[line.size]
    width = columns * CELLS["normal"][0]
    image = Image.new("1", (width, height), 1)
    reached = 0
    for piece in _pieces(line, width // advance):
        start = reached if piece.flush_end else piece.start * advance
        inked = _inked(piece.text, line.size, line.bold)
        room = max(1, (width if not piece.flush_end and line.align == "center" else piece.end * advance) - start)
        if inked.width > room:
            inked = _narrowed(inked, room)
        x = piece.end * advance - inked.width if piece.flush_end else start
        if line.align == "center":
            x = (width - inked.width) // 2
        reached = x + inked.width + advance
        image.paste(inked, (width - x - inked.width if mirrored else x, 0))
    return image


def ready() -> bool:
    """Whether there is any font to draw with."""
    return bool(_paths())


def right_to_left(lines: Iterable[Line]) -> bool:
    """Whether most of the lines that have a direction are written from right to left."""
    found = [direction for line in lines if (direction := _direction(line.left or line.right))]
    return 2 * sum(direction in _RTL for direction in found) > len(found)


def _direction(text: str) -> str:
    return next((kind for c in text if (kind := unicodedata.bidirectional(c)) in ("L", "R", "AL")), "")


def _pieces(line: Line, columns: int) -> Iterator[_Piece]:
    """Where the words stand. Two spaces or more part the columns of a table; what follows them is flush with its own end."""
    found = [(m.group(), m.start(), m.end()) for m in _PIECE.finditer(line.left)]
    for i, (text, start, end) in enumerate(found):
        last = i == len(found) - 1
        free = columns - (len(line.right) + 1 if line.right else 0)
        yield _Piece(text, start, end if i else (free if last else found[i + 1][1] - 1), flush_end=i > 0)
    if line.right:
        yield _Piece(line.right, columns - len(line.right), columns, flush_end=True)


def _inked(text: str, size: str, bold: bool) -> Image.Image:
    """The words, as wide as their letters. Tall ones are drawn large and made narrow, as the printer's own look."""
    height = CELLS[size][1]
    em = _EM * (2 if size in ("tall", "big") else 1) * (CELLS["small"][0] / CELLS["normal"][0] if size == "small" else 1)
    font, shown = _set(text, round(em), bold)
    width = max(1, round(font.getlength(shown)))
    image = Image.new("1", (width, height), 1)
    pen = ImageDraw.Draw(image)
    pen.fontmode = "1"
    rtl = features.check("raqm") and any(unicodedata.bidirectional(c) in _RTL for c in text)
    pen.text((0, round(height * _BASELINE)), shown, font=font, fill=0, anchor="ls", direction="rtl" if rtl else None)
    return _narrowed(image, max(1, width // 2)) if size == "tall" else image


def _narrowed(image: Image.Image, width: int) -> Image.Image:
    return image.convert("L").resize((width, image.height)).point(lambda value: 255 if value > 127 else 0).convert("1")


@lru_cache(maxsize=256)
def _set(text: str, em: int, bold: bool) -> tuple[ImageFont.FreeTypeFont, str]:
    """One face for all of `text`, which keeps its directions right; the letters it lacks are replaced."""
    letters = {c for c in text if not c.isspace()}
    joined = any(unicodedata.bidirectional(c) == "AL" for c in letters)
    best, fewest = None, len(letters) + 1
    for path in _paths():
        if joined and path.stem == _MONOSPACED:  # letters of one width come apart where they should join
            continue
        missing = sum(not _has(path, c) for c in letters)
        if missing < fewest:
            best, fewest = path, missing
        if not missing:
            break
    if best is None:
        raise LayoutError("no font is installed: fonts-dejavu-core has what a receipt needs at least")
    mark = next((m for m in MARKS if _has(best, m)), MARKS[-1])
    return _font(best, em, bold), "".join(c if c.isspace() or _has(best, c) else mark for c in text)


@cache
def _paths() -> tuple[Path, ...]:
    """The fonts of this machine, in the order in which they are tried."""
    here = {file.stem: file for folder in _FOLDERS for file in sorted(folder.rglob("*.[to]t[fc]"))}
    rest = sorted(name for name in here if Path(name).match(_REST) and name not in _FIRST)
    return tuple(here[name] for name in (*_FIRST, *rest) if name in here)


@cache
def _font(path: Path, em: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    heavy = path.with_stem(path.stem.removesuffix("-Regular") + "-Bold") if bold else path
    return ImageFont.truetype(heavy if heavy.is_file() else path, em)


@lru_cache(maxsize=8_192)
def _has(path: Path, letter: str) -> bool:
    """Whether the face has the letter: it looks other than what the face draws for no letter at all."""
    font = _font(path, _EM)
    return _looks(font, letter) != _looks(font, "\U0010ffff")


def _looks(font: ImageFont.FreeTypeFont, letter: str) -> tuple[float, bytes]:
    return font.getlength(letter), bytes(font.getmask(letter, mode="1"))
