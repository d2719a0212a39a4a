"""The PDF is one sheet that can be kept, read aloud and searched, in any script."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from kiosk.receipts.content import rows
from kiosk.receipts.document import credit_note, document
from kiosk.receipts.pdf import sheet
from kiosk.receipts.receipt import Place, Seller
from kiosk.receipts.render import Pdf, render
from kiosk.wording.wording import Wording

ISOLATES = dict.fromkeys(map(ord, "\u2066\u2067\u2068\u2069"))


def _squeezed(text: str) -> str:
    return "".join(text.translate(ISOLATES).split())


def _text(made: bytes) -> str:
    return _squeezed("".join(page.extract_text() for page in PdfReader(BytesIO(made)).pages))


@pytest.fixture(params=["short", "discounted", "note"])
def shown(request, sale, discounted, refund, seller, place):
    if request.param == "note":
        return credit_note([*sale(), *refund(1, 300)], seller, place, copy=1)
    lines = {"lines": discounted} if request.param == "discounted" else {}
    return document(sale(**lines), seller, place, copy=2, checkpoint="17 8Yk3")


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_word_of_the_document_is_on_one_sheet(shown, language) -> None:
    made = render(shown, Pdf(), language)
    assert len(PdfReader(BytesIO(made)).pages) == 1
    text = _text(made)
    for row in rows(shown, Wording(language)):
        for said in (row.label, row.value, *row.cells):
            for word in said.split():
                assert word in text, said


def test_the_file_is_pdf_a_3_with_tags_language_and_title(shown) -> None:
    reader = PdfReader(BytesIO(render(shown, Pdf(), "de")))
    root = reader.trailer["/Root"]
    assert root["/Lang"] == "de"
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert "/OutputIntents" in root
    assert shown.label in reader.metadata.title
    xmp = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in xmp


def test_the_same_document_makes_the_same_bytes(shown) -> None:
    assert render(shown, Pdf(), "en") == render(shown, Pdf(), "en")


def test_names_of_any_script_are_set_and_what_no_font_has_is_marked(sale) -> None:
    seller = Seller("Ładowarka Φόρτιση Зарядка שלום \U000f1234", (), "", "+48 1")
    text = _text(render(document(sale(), seller, Place("Rathausplatz", (), "E", "A")), Pdf(), "en"))
    for name in ("Ładowarka", "Φόρτιση", "Зарядка"):
        assert name in text
    assert "\U000f1234" not in text
    assert "E0417-K7QWN3XJ5RZC2PYT4HVBD6MFAS" in text


def test_names_cannot_become_commands(sale) -> None:
    evil = '#panic("x") = $a$ *b* \\ @c <d> `e` [f] "'
    made = render(document(sale(), Seller(evil, (evil,), "", evil), Place(evil, (), evil, evil)), Pdf(), "en")
    assert _squeezed(evil) in _text(made)


def test_a_document_with_a_hundred_lines_goes_on_another_sheet(sale, seller, place, discounted) -> None:
    made = render(document(sale(lines=discounted[:1] * 4, held=50_000), seller, Place("P", ("x",) * 90, "E", "A")), Pdf(), "en")
    assert len(PdfReader(BytesIO(made)).pages) > 1


def test_a_sheet_without_attachments_has_none(shown) -> None:
    assert not PdfReader(BytesIO(sheet(shown, Wording("en")))).attachments
