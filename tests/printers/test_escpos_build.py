"""Bytes of a job, read back by an eye that does not know who wrote them."""

import logging
import subprocess
import sys

import pytest

from hardware.printers.escpos.build import build, printable
from hardware.printers.layout import LayoutError
from hardware.simulated.paper import codes, elements, picture, text
from kiosk.wording.catalogue import load


def test_a_job_starts_fresh_on_the_euros_page_and_ends_with_a_cut(words) -> None:
    job = build([words("€")], 42)
    assert job.startswith(b"\x1b@\x1bt\x13")
    assert b"\xd5\n" in job
    assert job.endswith(b"\x1dV\x00")


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_character_of_the_receipts_words_is_printed_as_itself(words, language) -> None:
    said = [form for code, s in load(language).sentences.items() if code.startswith(("receipt", "unit", "dimension")) for form in s.forms]
    characters = "".join(sorted(set("".join(said).replace("\u00a0", " ")) | set("€×ÄÖÜäöüßéèñçåæøÅÆØ£¥")))
    lines = [characters[i : i + 40] for i in range(0, len(characters), 40)]
    assert text(build([words(line) for line in lines], 42)).splitlines() == [line.rstrip() if line.isspace() else line for line in lines]


@pytest.mark.parametrize(("size", "width"), [("small", 56), ("normal", 42), ("tall", 42), ("big", 21)])
def test_the_right_column_ends_at_the_papers_edge(words, size, width) -> None:
    line = text(build([words("Summe", "12,17 €", size=size)], 42))
    assert line == "Summe" + "12,17 €".rjust(width - 5)


def test_what_does_not_fit_is_refused_not_cut(words) -> None:
    build([words("x" * 42)], 42)
    for line in (words("x" * 43), words("x" * 22, size="big"), words("x" * 36, "12,17 €"), words("x" * 57, size="small")):
        with pytest.raises(LayoutError, match="do not fit"):
            build([line], 42)


def test_a_style_lasts_for_its_line_only(words) -> None:
    job = build([words("a", bold=True, size="big", align="center"), words("b")], 42)
    first, second = (row for row in elements(job) if hasattr(row, "glyphs"))
    assert (first.glyphs[0].style.bold, first.glyphs[0].style.width, first.align) == (True, 2, 1)
    assert (second.glyphs[0].style.bold, second.glyphs[0].style.width, second.align) == (False, 1, 0)


def test_letters_the_page_lacks_become_their_plain_ones() -> None:
    assert printable("Łódź “quotes” – 10\u00a0€ …") == 'Lódz "quotes" - 10 € .'


def test_scripts_the_page_lacks_become_question_marks_and_a_warning(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        assert printable("Ж充🔌 ok") == "??? ok"
    assert "question marks" in caplog.text


def test_a_name_cannot_smuggle_commands_into_the_job(words) -> None:
    assert printable("a\x1b@\x10\x04\x01\n\x9b\x7f") == "a?@??????"
    assert b"\x10\x04" not in build([words("\x10\x04\x01")], 42)


@pytest.mark.parametrize("columns", [32, 42, 48])
def test_a_code_fits_its_paper_and_carries_its_text(words, columns) -> None:
    content = "PILEPAY1" + "ABCDEFGH234567" * 40
    job = build([words(content, kind="qr", align="center")], columns)
    assert codes(job) == [content]
    image = picture(job, columns)
    assert image.width < 2 * columns * 12 + 200


def test_a_code_too_large_for_the_paper_is_refused(words) -> None:
    with pytest.raises(LayoutError, match="does not fit"):
        build([words("x" * 2900, kind="qr")], 24)


def test_a_rule_is_one_stroke_from_edge_to_edge(words) -> None:
    assert text(build([words(kind="rule")], 42)) == "─" * 42
    assert text(build([words(kind="gap"), words("a")], 42)) == "\na"


def test_the_library_leaves_neither_log_handlers_nor_temporary_folders(tmp_path) -> None:
    asked = (
        f"import logging, tempfile; tempfile.tempdir = {str(tmp_path)!r}; "
        "from hardware.printers.escpos.build import build; build([], 42); print(logging.root.handlers)"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []
