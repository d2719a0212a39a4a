"""What a person sees on the paper: printed bytes as a picture and as text.

It reads the bytes as a printer does, with Epson's own numbering of code pages, and so proves what our print jobs look like without asking
the library that wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from hardware.simulated.models.escpos import CODE_LEVEL, MODULE_SIZE, PRINT_CODE, STORE_CODE, Command, first
from hardware.simulated.models.qr import matrix

# ESC t n, from Epson's character code tables.
PAGES = {0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 13: "cp857", 15: "iso8859_7", 16: "cp1252", 17: "cp866", 18: "cp852"}
PAGES |= {19: "cp858", 37: "cp864", 39: "iso8859_2", 40: "iso8859_15", 45: "cp1250", 46: "cp1251", 47: "cp1253", 48: "cp1254"}

SCALE = 2  # pixels a dot
CELLS = {0: (12, 24), 1: (9, 17)}  # fonts A and B, dots
MARGIN = 36
TEAR = 8
PAPER, INK, GROUND, EDGE = "#FDFCF8", "#1D1C1B", "#E6EAE7", "#CBD3CC"
_FOLDERS = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts"]
_FACES = {False: ("DejaVuSansMono", "LiberationMono-Regular", "NotoSansMono-Regular"), True: ("DejaVuSansMono-Bold", "LiberationMono-Bold")}


class PaperError(Exception):
    """Bytes that put something on paper which this eye does not know."""


@dataclass(frozen=True, slots=True)
class Style:
    page: str = "cp437"
    font: int = 0
    bold: bool = False
    width: int = 1
    height: int = 1
    align: int = 0
    spacing: int = 30


@dataclass(frozen=True, slots=True)
class Glyph:
    character: str
    style: Style

    @property
    def advance(self) -> int:
        return CELLS[self.style.font][0] * self.style.width


@dataclass(frozen=True, slots=True)
class TextRow:
    glyphs: tuple[Glyph, ...]
    align: int
    spacing: int

    @property
    def height(self) -> int:
        """Dots to the next row."""
        tallest = max((g.style.height for g in self.glyphs), default=1)
        return self.spacing if tallest == 1 else 24 * tallest + 6


@dataclass(frozen=True, slots=True)
class CodeRow:
    data: bytes
    level: int
    module: int
    align: int


@dataclass(frozen=True, slots=True)
class DotRow:
    """Raster dots: `height` rows of `across` bytes, a set bit is ink."""

    data: bytes
    across: int
    height: int
    align: int


@dataclass(frozen=True, slots=True)
class Feed:
    dots: int


@dataclass(frozen=True, slots=True)
class Cut:
    pass


Element = TextRow | CodeRow | DotRow | Feed | Cut


def text(data: bytes) -> str:
    """The printed text, line by line, as it can be read. Codes, dots and cuts are not text."""
    lines, line, style = list[str](), "", Style()
    while (command := first(data)) is not None:
        data = data[len(command.raw) :]
        match command.name:
            case "text":
                line += command.raw.decode(style.page, "replace")
            case "LF":
                lines.append(line)
                line = ""
            case "ESC d" | "ESC J" | "GS v" | "GS V" | "GS ( k":
                pass
            case _:
                style = _styled(style, command)
    return "\n".join([*lines, line] if line else lines)


def codes(data: bytes) -> list[str]:
    """The contents of the printed QR codes."""
    return [row.data.decode("latin-1") for row in elements(data) if isinstance(row, CodeRow)]


def picture(data: bytes, columns: int = 42) -> Image.Image:
    """The paper as it lies in the hand. What is wider than `columns` runs off its edge, as it would."""
    rows = list(elements(data))
    width = columns * CELLS[0][0]
    strip = Image.new("L", (width * SCALE, sum(_height(row) for row in rows) * SCALE), 0)
    y = 0
    for row in rows:
        if isinstance(row, TextRow):
            _draw_text(strip, row, y, width)
        elif isinstance(row, CodeRow):
            _draw_code(strip, row, y, width)
        elif isinstance(row, DotRow):
            _draw_dots(strip, row, y, width)
        y += _height(row)
    return _on_paper(strip, cut=any(isinstance(row, Cut) for row in rows))


def elements(data: bytes) -> Iterator[Element]:
    """What is on the paper, from top to bottom. Raises `PaperError` at a command this eye cannot show."""
    style, line = Style(), list[Glyph]()
    code = _Code()
    while (command := first(data)) is not None:
        data = data[len(command.raw) :]
        match command.name:
            case "text":
                line += [Glyph(character, style) for character in command.raw.decode(style.page, "replace")]
            case "LF":
                yield TextRow(tuple(line), style.align, style.spacing)
                line.clear()
            case "ESC d" | "ESC J":
                yield Feed(command.args[0] * (style.spacing if command.name == "ESC d" else 1))
            case "GS v":
                across, height = (int.from_bytes(command.args[i : i + 2], "little") for i in (2, 4))
                yield DotRow(command.args[6:], across, height, style.align)
            case "GS V":
                yield Cut()
            case "GS ( k":
                if command.args[1] == PRINT_CODE:
                    yield code.printed(style.align)
                code.take(command.args[1], command.args[2:])
            case _:
                style = _styled(style, command)
    if line:
        yield TextRow(tuple(line), style.align, style.spacing)


class _Code:
    """The QR code as far as the printer has been told of it."""

    def __init__(self) -> None:
        self._stored, self._level, self._module = b"", 48, 3

    def take(self, function: int, arguments: bytes) -> None:
        if function == MODULE_SIZE:
            self._module = arguments[0]
        elif function == CODE_LEVEL:
            self._level = arguments[0]
        elif function == STORE_CODE:
            self._stored = arguments[1:]

    def printed(self, align: int) -> CodeRow:
        return CodeRow(self._stored, self._level, self._module, align)


@lru_cache(maxsize=256)
def _styled(style: Style, command: Command) -> Style:
    n = command.args[0] if command.args else 0
    match command.name:
        case "ESC @":
            return Style()
        case "ESC t":
            if n not in PAGES:
                raise PaperError(f"code page {n} is not known here")
            return replace(style, page=PAGES[n])
        case "ESC E":
            return replace(style, bold=bool(n & 1))
        case "ESC M":
            return replace(style, font=n & 1)
        case "ESC a":
            return replace(style, align=n & 3)
        case "ESC 2":
            return replace(style, spacing=30)
        case "ESC 3":
            return replace(style, spacing=n)
        case "GS !":
            return replace(style, width=1 + (n >> 4 & 7), height=1 + (n & 7))
        case "ESC !":
            return replace(style, font=n & 1, bold=bool(n & 8), height=1 + (n >> 4 & 1), width=1 + (n >> 5 & 1))
        case _:
            raise PaperError(f"{command.name} {command.args.hex()} cannot be shown")


def _height(row: Element) -> int:
    match row:
        case TextRow():
            return row.height
        case CodeRow(data=data, level=level, module=module):
            return len(matrix(data, level)) * module
        case DotRow(height=height):
            return height
        case Feed(dots=dots):
            return dots
        case Cut():
            return 0


def _start(align: int, width: int, used: int) -> int:
    return (0, (width - used) // 2, width - used)[align] if used <= width else 0


def _draw_text(strip: Image.Image, row: TextRow, y: int, width: int) -> None:
    x = _start(row.align, width, sum(g.advance for g in row.glyphs))
    for glyph in row.glyphs:
        cell_width, cell_height = CELLS[glyph.style.font]
        image = _glyph(glyph.character, glyph.style.bold, cell_width, cell_height)
        size = image.width * glyph.style.width, image.height * glyph.style.height
        top = y + row.height - 3 - cell_height * glyph.style.height
        strip.paste(image.resize(size, Image.Resampling.BICUBIC), (x * SCALE, max(0, top) * SCALE))
        x += glyph.advance


def _draw_code(strip: Image.Image, row: CodeRow, y: int, width: int) -> None:
    dark = matrix(row.data, row.level)
    x = _start(row.align, width, len(dark) * row.module)
    draw, step = ImageDraw.Draw(strip), row.module * SCALE
    for i, line in enumerate(dark):
        for j, module in enumerate(line):
            if module:
                left, top = x * SCALE + j * step, y * SCALE + i * step
                draw.rectangle((left, top, left + step - 1, top + step - 1), fill=255)


def _draw_dots(strip: Image.Image, row: DotRow, y: int, width: int) -> None:
    dots = Image.frombytes("1", (row.across * 8, row.height), row.data).convert("L")
    x = _start(row.align, width, dots.width)
    strip.paste(dots.resize((dots.width * SCALE, dots.height * SCALE)), (x * SCALE, y * SCALE))


@cache
def _glyph(character: str, bold: bool, width: int, height: int) -> Image.Image:
    """Ink of one cell: a rule's strokes reach the cell's edges, as a printer's do."""
    image = Image.new("L", (width * SCALE, height * SCALE), 0)
    draw = ImageDraw.Draw(image)
    if character == "─":
        middle = image.height // 2
        draw.rectangle((0, middle - SCALE // 2, image.width, middle + SCALE // 2), fill=255)
        return image
    draw.text((image.width / 2, image.height * 0.78), character, font=_font(bold, width * SCALE), fill=255, anchor="ms")
    return image


@cache
def _font(bold: bool, advance: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A monospaced face whose characters advance by `advance` pixels."""
    for name in _FACES[bold] + _FACES[False]:
        for folder in _FOLDERS:
            for file in folder.rglob(f"{name}.ttf"):
                per_pixel = ImageFont.truetype(file, 1000).getlength("0") / 1000
                return ImageFont.truetype(file, int(advance / per_pixel + 0.5))
    return ImageFont.load_default(size=advance * 1.6)


def _on_paper(strip: Image.Image, *, cut: bool) -> Image.Image:
    """Put the ink on paper and the paper on a table; an end that was not cut is torn."""
    margin, tear = MARGIN * SCALE // 2, TEAR * SCALE
    width, height = strip.width + 4 * margin, strip.height + 4 * margin
    table = Image.new("RGB", (width, height), GROUND)
    left, top, right, bottom = margin, margin, width - margin, height - margin
    teeth = _teeth(left, right, top, tear, 1) + _teeth(left, right, bottom, tear, -1 if not cut else 1)[::-1]
    draw = ImageDraw.Draw(table)
    draw.polygon(teeth, fill=PAPER, outline=EDGE)
    table.paste(Image.new("RGB", strip.size, INK), (2 * margin, 2 * margin), strip)
    return table


def _teeth(left: int, right: int, y: int, tear: int, direction: int) -> list[tuple[float, float]]:
    count = (right - left) // tear
    step = (right - left) / count
    points: list[tuple[float, float]] = []
    for i in range(count):
        points += [(left + i * step, float(y)), (left + (i + 0.5) * step, y + direction * tear / 2)]
    return [*points, (float(right), float(y))]
