"""From facts to paper: the job a printer gets shows the receipt, whole."""

import pytest

from hardware.printers.escpos.build import build
from hardware.simulated.models.printer import PrinterModel
from hardware.simulated.paper import DotRow, codes, elements, picture, text
from kiosk.receipts.compact import expand
from kiosk.receipts.document import credit_note, document
from kiosk.receipts.receipt import Place
from kiosk.receipts.render import Paper, Screen, render


@pytest.mark.parametrize("columns", [32, 42, 48])
@pytest.mark.parametrize("language", ["en", "de"])
def test_paper_shows_every_word_of_the_receipt(sale, seller, place, columns, language) -> None:
    receipt = document(sale(), seller, place, copy=1, checkpoint="17 8Yk3 qL0v Zt1c")
    model = PrinterModel(columns=columns)
    model.receive(build(render(receipt, Paper(columns), language), columns))
    while model.busy:
        model.work()
    (paper,) = model.receipts
    read = "".join(text(paper).split())
    for row in render(receipt, Screen(), language):
        for said in (row.label, row.value, *row.cells):
            assert "".join(said.split()) in read
    assert "?" not in read.replace("Questions?", "").replace("Fragen?", "")
    assert expand(codes(paper)[0]) == receipt
    assert picture(paper, columns).width > columns * 24


def test_a_credit_note_is_printed_as_a_receipt_is(sale, refund, seller, place) -> None:
    note = credit_note([*sale(), *refund(1, 300)], seller, place, copy=1)
    job = build(render(note, Paper(32), "de"), 32)
    assert "Rechnungskorrektur E0417-C000001" in text(job).replace("\u00a0", " ")
    assert "KOPIE 1" in text(job)
    assert expand(codes(job)[0]) == note


def test_a_name_in_another_script_is_drawn_among_typed_lines(sale, seller) -> None:
    place = Place("Площадь Пушкина", (), "DE*LND*E0417*1", "A")
    job = build(render(document(sale(), seller, place), Paper(42), "de"), 42)
    assert sum(isinstance(row, DotRow) for row in elements(job)) == 1
    assert "Summe" in text(job)
    assert "?" not in text(job).replace("Fragen?", "")


@pytest.mark.parametrize(("language", "drawn"), [("fr", 0), ("nl", 0), ("es", 0), ("it", 0), ("pl", 1), ("tr", 1)])
def test_a_language_the_printer_cannot_spell_is_drawn_whole(sale, refund, seller, place, language: str, drawn: int) -> None:
    for paper in (document(sale(), seller, place), credit_note([*sale(), *refund(1, 300)], seller, place)):
        lines = render(paper, Paper(42), language)
        rows = [row for row in elements(build(lines, 42)) if isinstance(row, DotRow)]
        assert len(rows) == drawn * sum(line.kind == "text" for line in lines)


@pytest.mark.parametrize("language", ["fr", "nl", "es", "it"])
def test_languages_of_the_west_are_typed_letter_by_letter(sale, seller, place, language: str) -> None:
    receipt = document(sale(), seller, place)
    read = "".join(text(build(render(receipt, Paper(42), language), 42)).replace("'", "’").split())
    for row in render(receipt, Screen(), language):
        for said in (row.label, row.value, *row.cells):
            assert "".join(said.split()) in read


def test_the_same_receipt_makes_the_same_bytes(sale, seller, place) -> None:
    jobs = {build(render(document(sale(), seller, place), Paper(), "de"), 42) for _ in range(2)}
    assert len(jobs) == 1


@pytest.mark.parametrize("columns", [32, 42])
def test_a_long_receipt_in_such_a_language_is_drawn_whole_too(sale, discounted, seller, place, columns: int) -> None:
    """The names of discounts are the operator's own: they are not in the language of the receipt."""
    lines = render(document(sale(lines=discounted * 2), seller, place), Paper(columns), "pl")
    rows = [row for row in elements(build(lines, columns)) if isinstance(row, DotRow)]
    assert len(rows) == sum(line.kind == "text" for line in lines)
