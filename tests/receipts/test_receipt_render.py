"""What stands on paper, screen and in text: all of it, nothing cut, in both languages."""

from decimal import Decimal

import pytest

from kiosk.pricing.rating import Line
from kiosk.receipts.content import RowKind
from kiosk.receipts.document import document
from kiosk.receipts.paper import cells
from kiosk.receipts.receipt import Place, ReceiptError, Seller
from kiosk.receipts.render import Paper, Screen, Text, render
from kiosk.session.inputs import CardFacts
from kiosk.values import Money
from kiosk.wording.catalogue import WordingError

WIDTHS = {"small": lambda c: c * 4 // 3, "normal": lambda c: c, "tall": lambda c: c, "big": lambda c: c // 2}


@pytest.fixture
def receipt(sale, seller, place):
    return document(sale(), seller, place, checkpoint="17 8Yk3 qL0v Zt1c")


def _text(receipt, language: str, columns: int = 42) -> str:
    return render(receipt, Text(columns), language)


def test_german_text_says_it_all_at_42_columns(receipt) -> None:
    text = _text(receipt, "de")
    for said in (
        "Beleg                         E0417-000017",
        "USt-IdNr. DE123456789",
        "Stecker A                   DE*LND*E0417*1",
        "Beginn            22.11.2026, 14:08:03 CET",
        "Zähler bei Ende             18.235,313\u00a0kWh",
        "Strom                              12,17\u00a0€",
        "  31,200\u00a0kWh × 0,39\u00a0€/kWh",
        "  5:00\u00a0Min. × 0,10\u00a0€/Min.",
        "Summe                              12,67\u00a0€",
        "19\u00a0%             10,65      2,02     12,67",
        "Ihre Karte            Visa, endet auf 4242",
        "Reserviert                         50,00\u00a0€",
        "Bezahlt                            12,67\u00a0€",
        "Freigegeben                        37,33\u00a0€",
        "Journal-Prüfpunkt        17 8Yk3 qL0v Zt1c",
    ):
        assert said in text


def test_english_text_at_32_columns(receipt) -> None:
    text = _text(receipt, "en", 32)
    assert "End    22 Nov 2026, 14:29:35 CET" in text
    assert "Released                 37.33\u00a0€" in text
    assert "COPY" not in text


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("columns", [30, 32, 42, 48])
def test_every_printed_line_fits_its_paper(sale, place, language, columns) -> None:
    long = Seller(
        "Stadtwerke und Wasserversorgung Neuenhagen-Hoppegarten Beteiligungsgesellschaft mbH & Co. KG",
        ("Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtenplatz 1",),
        "DE123456789",
        "0800 555 0417",
        "NEUENHAGEN-0417-",
    )
    receipt = document(sale(held=1200, shortfall=67, trusted=False), long, place, copy=12, checkpoint="1234567 " + "8Yk3 " * 12)
    for line in render(receipt, Paper(columns), language):
        if line.kind == "text":
            used = len(line.left) + len(line.right) + (1 if line.left and line.right else 0)
            assert used <= WIDTHS[line.size](columns), line


@pytest.mark.parametrize("columns", [30, 32, 42, 48])
def test_paper_and_text_say_the_same(receipt, columns) -> None:
    paper = "".join(f"{x.left}{x.right}" for x in render(receipt, Paper(columns, code=False), "de") if x.kind == "text")
    screen = "".join(f"{r.label}{r.value}{''.join(r.cells)}" for r in render(receipt, Screen(), "de"))
    squeezed = "".join(paper.split()).replace("\u00a0", "")
    assert sorted(squeezed) == sorted("".join(screen.split()).replace("\u00a0", ""))


def test_a_copy_says_so(sale, seller, place) -> None:
    copy = document(sale(), seller, place, copy=1)
    assert "KOPIE 1" in _text(copy, "de")
    assert any(x.left == "COPY 1" and x.size == "big" for x in render(copy, Paper(), "en"))


def test_the_original_does_not(receipt) -> None:
    assert "KOPIE" not in _text(receipt, "de")


def test_net_prices_say_which_tax_comes_on_top(sale, seller, place) -> None:
    assert "0.39\u00a0€/kWh + 19\u00a0% VAT" in _text(document(sale(tax_included="NO"), seller, place), "en", 60)


def test_an_hourly_price_without_an_exact_minute_stays_hourly(sale, seller, place) -> None:
    odd = Line("TIME", Decimal("0.5"), Decimal("2.50"), Decimal("1.05"), Decimal("1.25"), Decimal(19), Money(125, "EUR"))
    text = _text(document(sale(lines=(odd,)), seller, place), "en")
    assert "0:30:00\u00a0h × 2.50\u00a0€/h" in text


def test_a_reduction_is_explained(sale, seller, place) -> None:
    text = _text(document(sale(held=1200, shortfall=67), seller, place), "en", 60)
    assert "Above the reserved amount, not charged" in text
    assert "-0.67\u00a0€" in text
    assert "Banks take" not in text


def test_the_screen_gets_rows_with_finished_words(receipt) -> None:
    rows = render(receipt, Screen(), "en")
    total = next(r for r in rows if r.kind is RowKind.TOTAL)
    assert (total.label, total.value) == ("Total", "12.67\u00a0€")
    assert next(r for r in rows if r.kind is RowKind.PAID).value == "12.67\u00a0€"
    assert [r.cells for r in rows if r.kind is RowKind.TAX][1] == ("19\u00a0%", "10.65", "2.02", "12.67")


def test_the_paper_carries_the_receipt_as_a_code(receipt) -> None:
    codes = [line for line in render(receipt, Paper(), "en") if line.kind == "qr"]
    assert len(codes) == 1
    assert codes[0].left.startswith("PILEPAY1")
    assert not any(line.kind == "qr" for line in render(receipt, Paper(code=False), "en"))


def test_only_the_head_of_the_tariff_hash_is_printed(receipt) -> None:
    assert receipt.tariff_hash[:16] in _text(receipt, "en")
    assert receipt.tariff_hash[:17] not in _text(receipt, "en")


def test_an_unknown_card_brand_is_shown_as_it_came(sale, seller) -> None:
    place = Place("Rathausplatz", (), "DE*LND*E0417*1", "A")
    text = _text(document(sale(card=CardFacts("bcmc", "0001")), seller, place), "en")
    assert "bcmc, ends in 0001" in text
    assert "Approval code" not in text


def test_paper_too_narrow_is_refused(receipt) -> None:
    with pytest.raises(ReceiptError, match="30 columns"):
        render(receipt, Paper(24), "en")


def test_a_language_without_words_is_refused(receipt) -> None:
    with pytest.raises(WordingError, match="xx"):
        render(receipt, Screen(), "xx")


def test_letters_of_two_columns_fit_too(sale) -> None:
    seller = Seller("北京充电服务有限公司" * 3, ("东城区长安街" * 8,), "", "400 1", "E-")
    place = Place("人民广场充电站" * 5, (), "CN*1*E1", "A")
    for line in render(document(sale(), seller, place), Paper(32, code=False), "en"):
        assert cells(line.left) + cells(line.right) <= WIDTHS[line.size](32), line
