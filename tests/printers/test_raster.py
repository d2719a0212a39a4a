"""Every script comes out of the printer: typed where its code page can, in dots where it cannot, and in its place on the paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from hardware.printers import raster
from hardware.printers.escpos.build import _dots as _dots_command
from hardware.printers.escpos.build import build
from hardware.printers.layout import LayoutError
from hardware.printers.raster import CELLS, draw, right_to_left
from hardware.simulated.models.printer import PrinterModel
from hardware.simulated.paper import DotRow, elements, picture, text

SCRIPTS = {
    "Greek": "Απόδειξη",
    "Cyrillic": "Квитанция",
    "Arabic": "إيصال",
    "Hebrew": "קבלה",
    "Thai": "ใบเสร็จ",
    "Georgian": "ქვითარი",
    "Devanagari": "रसीद",
}


def _ink(image: Image.Image) -> tuple[int, int, int, int]:
    """The box around what is black."""
    box = image.convert("L").point(lambda v: 255 - v).getbbox()
    assert box, "nothing is drawn"
    return box


def _dots(job: bytes) -> list[DotRow]:
    return [row for row in elements(job) if isinstance(row, DotRow)]


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("size", CELLS)
@pytest.mark.parametrize("columns", [32, 42, 48])
def test_a_line_of_any_script_is_drawn_and_fits(words, script, size, columns) -> None:
    job = build([words(SCRIPTS[script], "12,67", size=size)], columns)
    (row,) = _dots(job)
    assert (row.across * 8 >= columns * 12, row.height) == (True, CELLS[size][1])
    assert "?" not in text(job)
    assert picture(job, columns)


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_letter_of_these_scripts_is_replaced(script) -> None:
    _, shown = raster._set(SCRIPTS[script], 20, False)
    assert shown == SCRIPTS[script]


def test_western_lines_stay_typed(words) -> None:
    assert not _dots(build([words("Zürich, Łódź", "12,67 €")], 42))


def test_one_foreign_line_is_drawn_among_typed_ones(words) -> None:
    job = build([words("Beleg"), words("Станция"), words("Summe", "12,67 €")], 42)
    assert len(_dots(job)) == 1
    assert "Beleg" in text(job)


def test_a_receipt_that_is_mostly_foreign_is_drawn_as_a_whole(words) -> None:
    job = build([words("Квитанция"), words("12,67"), words("Итого")], 42)
    assert len(_dots(job)) == 3


def test_drawn_words_keep_to_the_columns_of_typed_ones(words) -> None:
    left, _, right, _ = _ink(draw(words("Ж", "Ж"), 42))
    assert left < 12
    assert 41 * 12 < right <= 42 * 12
    table = draw(words("Ж".ljust(10) + "Ж".rjust(10)), 42)
    assert 19 * 12 < _ink(table)[2] <= 20 * 12


def test_what_is_read_from_right_to_left_is_laid_out_from_right_to_left(words) -> None:
    lines = [words("קבלה", "17"), words("סך הכול", "12,67 €"), words("Visa")]
    assert right_to_left(lines)
    assert not right_to_left([words("Beleg"), words("קבלה"), words("Summe")])
    start = draw(words("קבלה"), 42, mirrored=True)
    assert _ink(start)[0] > 21 * 12
    assert len(_dots(build(lines, 42))) == 3


def test_a_letter_no_font_has_is_marked_and_the_rest_is_shown(words) -> None:
    unknown = "\U000f1234"
    _, shown = raster._set(f"Ж{unknown}", 20, False)
    assert shown[0] == "Ж"
    assert shown[1] in raster.MARKS
    assert build([words(unknown * 5)], 32)


def test_words_too_wide_for_their_place_are_drawn_narrower_not_cut(words) -> None:
    wide = "ش" * 14
    image = draw(words(wide, "12,67 €", size="big"), 42)
    assert _ink(image)[2] <= 42 * 12


def test_what_does_not_fit_its_columns_is_refused_in_dots_too(words) -> None:
    with pytest.raises(LayoutError, match="do not fit"):
        build([words("Ж" * 43)], 42)


@given(st.lists(st.sampled_from([0x10, 0x04, 0x05, 0x14, 0x18, 0x00, 0xFF]), min_size=24, max_size=24))
def test_a_picture_never_looks_like_a_real_time_command(dots) -> None:
    picture = ImageChops.invert(Image.frombytes("1", (48, 4), bytes(dots)).convert("L")).convert("1")
    command = _dots_command(picture)
    assert command[:8] == b"\x1dv0\x00\x06\x00\x04\x00"
    assert not any(bytes([0x10, b]) in command for b in (0x04, 0x05, 0x14))
    changed = sum((a ^ b).bit_count() for a, b in zip(dots, command[8:], strict=True))
    assert changed <= sum(a == 0x10 for a in dots)


def test_the_same_lines_make_the_same_bytes(words) -> None:
    assert build([words("قبض", "1")], 42) == build([words("قبض", "1")], 42)


def test_a_printer_takes_the_dots_and_uses_paper_for_them(words) -> None:
    model = PrinterModel()
    model.receive(build([words("Ж", size="tall")] * 10, 42))
    while model.busy:
        model.work()
    (piece,) = model.receipts
    assert len(_dots(piece)) == 10
    assert model.paper_mm < 80_000 - 10 * 54 // 8


def test_without_any_font_the_receipt_is_still_printed(words, monkeypatch) -> None:
    monkeypatch.setattr(raster, "_paths", tuple)
    assert "?" in text(build([words("Ж")], 42))
