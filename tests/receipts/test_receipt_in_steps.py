"""Energy that a tariff bills in steps: the receipt says why it bills more than was delivered."""

import json
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from kiosk.metering.reading import Delivered, Reading
from kiosk.pricing.load import load
from kiosk.pricing.rate import bill
from kiosk.pricing.usage import usage_from
from kiosk.receipts.buyer import Business
from kiosk.receipts.compact import STEPS_TAG, compact, expand
from kiosk.receipts.content import RowKind, rows, steps
from kiosk.receipts.document import document
from kiosk.receipts.figures import figures
from kiosk.receipts.receipt import Receipt, ReceiptError
from kiosk.receipts.render import Html, InvoiceData, Paper, Pdf, Text, render
from kiosk.session import facts as f
from kiosk.wording.languages import LANGUAGES
from kiosk.wording.wording import Wording

BEGIN = 1_795_352_883_000
NBSP = "\u00a0"
ALL_OF_IT = "9.400 kWh delivered, billed in steps of 1.000 kWh: 10.000 kWh"


def _tariff(*steps: int) -> str:
    prices = [{"type": "ENERGY", "price": round(0.39 + n / 100, 2), "vat": 19, "step_size": step} for n, step in enumerate(steps)]
    elements = [{"price_components": [price], "restrictions": {"max_kwh": 5}} for price in prices[:-1]]
    return json.dumps(
        {
            "country_code": "DE",
            "party_id": "LND",
            "id": "steps",
            "currency": "EUR",
            "tax_included": "YES",
            "elements": [*elements, {"price_components": prices[-1:]}],
            "last_updated": "2026-11-01T00:00:00Z",
        }
    )


@pytest.fixture
def receipt_of(sale, altered, seller, place) -> Callable[..., Receipt]:
    def make(mwh: int, *steps: int) -> Receipt:
        begin, end = Reading(BEGIN, 0), Reading(BEGIN + 1_800_000, mwh)
        tariff = _tariff(*steps)
        rating = bill(load(tariff.encode()), usage_from(begin, end, vacated_at=end.utc_ms), "Europe/Berlin")
        facts = sale(captured=rating.total.minor)
        agreed = next(fact for fact in facts if isinstance(fact, f.QuoteAgreed))
        facts = altered(facts, f.QuoteAgreed, quote=replace(agreed.quote, tariff_json=tariff))
        ended = next(fact for fact in facts if isinstance(fact, f.DeliveryEnded))
        facts = altered(facts, f.DeliveryEnded, delivered=Delivered(mwh, begin, end, ended.delivered.verdict))
        return document(altered(facts, f.Priced, rating=rating, charge=rating.total), seller, place)

    return make


def test_what_was_rounded_up_is_explained_under_its_line(receipt_of) -> None:
    shown = render(receipt_of(9_400_000, 1_000), Text(100), "en").replace(NBSP, " ")
    line, detail, why = shown[shown.index("Energy") :].splitlines()[:3]
    assert (line.split()[0], detail.strip(), why.strip()) == ("Energy", "10.000 kWh × 0.39 €/kWh", ALL_OF_IT)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_and_every_form_says_it(receipt_of, language: str) -> None:
    receipt = receipt_of(9_400_000, 1_000)
    pdf = PdfReader(BytesIO(render(receipt, Pdf(), language)))
    paper = " ".join(f"{line.left} {line.right}" for line in render(receipt, Paper(32, code=False), language))
    forms = (paper, render(receipt, Html(), language), "".join(page.extract_text() for page in pdf.pages))
    for form in forms:
        said = " ".join(form.replace(NBSP, " ").split())
        assert sum(said.count(f"{number}{point}{rest} kWh") for number, point, rest in (("1", ".", "000"), ("1", ",", "000"))) == 1, said
        assert any(f"9{point}400 kWh" in said and f"10{point}000 kWh" in said for point in ".,")


def test_an_e_invoice_says_it_with_its_line(receipt_of) -> None:
    data = render(
        receipt_of(9_400_000, 1_000), InvoiceData(Business("Spedition Krause", ("Hof 1", "10115 Berlin"), "DE", "DE136695976")), "en"
    )
    assert ALL_OF_IT in data.decode().replace(NBSP, " ")


def test_the_last_line_of_energy_alone_says_it(receipt_of) -> None:
    receipt, w = receipt_of(9_400_000, 250, 3_000), Wording("en")
    assert [item.code for item in receipt.items] == ["ENERGY", "ENERGY"]
    assert [bool(steps(receipt, item, w)) for item in receipt.items] == [False, True]
    why = steps(receipt, receipt.items[-1], w)
    details = [row.value or row.label for row in rows(receipt, w) if row.kind is RowKind.DETAIL]
    assert [why in detail for detail in details] == [False, False, True], "under both lines how they come about, then why"
    assert [why in line.detail for line in figures(receipt, w).lines] == [False, True]


@pytest.mark.parametrize(("mwh", "steps"), [(9_000_000, (1_000,)), (9_400_000, (1,)), (9_400_000, (100, 200))])
def test_what_was_not_rounded_up_needs_no_word(receipt_of, mwh: int, steps: tuple[int, ...]) -> None:
    receipt = receipt_of(mwh, *steps)
    assert receipt.step_mwh == 0
    assert "steps" not in render(receipt, Text(), "en")


def test_the_step_is_that_of_the_price_used_last(receipt_of) -> None:
    receipt = receipt_of(9_400_000, 250, 3_000)
    assert (receipt.step_mwh, receipt.billed_mwh) == (3_000_000, 12_000_000)


def test_a_meter_finer_than_a_watt_hour_is_rounded_up_to_one(receipt_of) -> None:
    receipt = receipt_of(9_400_250, 1)
    assert (receipt.step_mwh, receipt.billed_mwh) == (1_000, 9_401_000)


def test_the_code_for_the_phone_brings_it_back(receipt_of) -> None:
    receipt = receipt_of(9_400_000, 1_000)
    text = compact(receipt)
    assert text.startswith(STEPS_TAG)
    assert expand(text) == receipt


def test_a_step_that_does_not_lead_from_what_was_delivered_to_what_is_billed_is_refused(receipt_of) -> None:
    with pytest.raises(ReceiptError, match="are not"):
        replace(receipt_of(9_400_000, 1_000), step_mwh=300_000)
