"""What the eye sees on the paper."""

import pytest

from hardware.simulated.paper import MARGIN, SCALE, PaperError, codes, picture, text


def test_every_code_page_is_read_by_its_number() -> None:
    assert text(b"\x1bt\x13\xd5\x1bt\x10\x80\x1bt\x0f\xa4\x1bt\x00\x84") == "€€€ä"


def test_a_reset_forgets_page_and_style() -> None:
    assert text(b"\x1bt\x10\x1b@\x84") == "ä"


@pytest.mark.parametrize("job", [b"\x1bt\xc8", b"\x1b*\x00", b"\x1c&", b"\x07"])
def test_what_the_eye_does_not_know_it_does_not_pass_over(job) -> None:
    with pytest.raises(PaperError):
        text(job)


def _ink(image, box) -> int:
    return sum(1 for value in image.crop(box).convert("L").tobytes() if value < 100)


def test_ink_lies_where_the_text_is_aligned() -> None:
    left, right = picture(b"\x1ba\x00XXX\n"), picture(b"\x1ba\x02XXX\n")
    third = left.width // 3
    assert _ink(left, (0, 0, third, left.height)) > 100
    assert _ink(left, (2 * third, 0, left.width, left.height)) == 0
    assert _ink(right, (2 * third, 0, right.width, right.height)) > 100


def test_text_wider_than_the_paper_runs_off_its_edge() -> None:
    fits, runs = picture(b"X" * 42 + b"\n"), picture(b"X" * 60 + b"\n")
    assert fits.size == runs.size
    margin = MARGIN * SCALE
    assert _ink(runs, (runs.width - margin, 0, runs.width, runs.height)) == 0


def test_bold_is_darker_and_large_is_larger() -> None:
    plain, bold, big = picture(b"X\n"), picture(b"\x1bE\x01X\n"), picture(b"\x1d!\x11X\n")
    whole = (0, 0, plain.width, plain.height)
    assert _ink(bold, whole) > _ink(plain, whole)
    assert big.height > plain.height


def test_a_code_is_drawn_from_what_the_printer_was_given() -> None:
    store = b"\x1d(k\x08\x001P0HELLO"
    job = b"\x1d(k\x03\x001C\x06\x1d(k\x03\x001E0" + store + b"\x1d(k\x03\x001Q0"
    assert codes(job) == ["HELLO"]
    image = picture(job)
    margin, module = MARGIN * SCALE, 6 * SCALE
    corner = image.crop((margin, margin, margin + 7 * module, margin + module))
    assert _ink(image, (margin, margin, margin + 7 * module, margin + module)) == corner.width * corner.height


def test_an_empty_paper_is_a_paper() -> None:
    assert picture(b"").width == picture(b"\n").width
