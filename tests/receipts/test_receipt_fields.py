"""Whatever a receipt is shown on, it says everything that a law somewhere wants said."""

from __future__ import annotations

import html
from io import BytesIO

import pytest
from pypdf import PdfReader

from kiosk.receipts.buyer import Business
from kiosk.receipts.compact import compact, expand
from kiosk.receipts.document import document
from kiosk.receipts.receipt import Place, Receipt, Seller, Verification
from kiosk.receipts.render import Html, Invoice, InvoiceData, Paper, Pdf, Screen, Text, render
from kiosk.wording.wording import Wording

SELLER = Seller(
    "Lindenhof Energie GmbH", ("Lindenhof 4", "10317 Berlin"), "DE123456789", "0800 555 0417", "E0417-", ("Beschwerden: 8 Wochen.",)
)
PLACE = Place("Rathausplatz", ("Rathausplatz 1",), "DE*LND*E0417*1", "A", "KST-HPC-004711", "1LEM0031402277")
COMPANY = Business("Pflegedienst Nord", ("Nordring 1", "12345 Nordstadt"), "DE", "DE987654321")

FIELDS = (
    "Lindenhof Energie GmbH", "Lindenhof 4", "10317 Berlin", "DE123456789", "0800 555 0417",  # who sells, and whom to ask
    "E0417-000017", "22.11.2026", "KOPIE 1",
    "Rathausplatz 1", "DE*LND*E0417*1", "Stecker A", "KST-HPC-004711", "1LEM0031402277",
    "E0417-K7QWN3XJ5RZC2PYT4HVBD6MFAS",  # the sale
    "14:08:03 CET", "14:29:35 CET", "14:34:35 CET", "0:21:00",  # times of the place, and the charge
    "18.204,113 kWh", "18.235,313 kWh", "31,200 kWh",
    "31,200 kWh × 0,39 €/kWh", "12,17 €", "5:00 Min. × 0,10 €/Min.", "0,50 €",
    "Stadtwerke Plus", "-3,90 €", "zahlt ein Partner", "noch 40,000 kWh übrig",
    "19 %", "7 %",
    "50,00 €", "6,23 €", "43,77 €",  # reserved, taken, released
    "Visa", "4242", "Kontaktlos", "739105", "A0000000031010", "BV0q001795352800", "QFQTPCQ8HXSKGK82", "GVCJX9N2D5NZ3P75",
    "day-solar", "OCMF", "7f3a91c2 55d0aa17", "4f0c9ab1", "17384 8Yk3",
    "Beschwerden: 8 Wochen.",
)  # fmt: skip


@pytest.fixture
def receipt(sale, discounted) -> Receipt:
    proof = Verification("OCMF", "7f3a91c2 55d0aa17", "4f0c9ab1 91be03f7")
    return document(sale(lines=discounted), SELLER, PLACE, copy=1, checkpoint="17384 8Yk3", verification=proof)


def squeezed(text: str) -> str:
    return "".join(text.split()).replace("\u2011", "-").replace("\u2212", "-")


def shown(receipt: Receipt, target: str) -> str:
    match target:
        case "paper of 42" | "paper of 32":
            return "".join(line.left + line.right for line in render(receipt, Paper(int(target[-2:])), "de") if line.kind == "text")
        case "text of 42" | "text of 32":
            return render(receipt, Text(int(target[-2:])), "de")
        case "screen":
            return "".join(row.label + row.value + "".join(row.cells) for row in render(receipt, Screen(), "de"))
        case "html":
            return html.unescape(render(receipt, Html(COMPANY), "de"))
        case "pdf" | "invoice":
            made = render(receipt, Pdf(COMPANY) if target == "pdf" else Invoice(COMPANY), "de")
            return "".join(page.extract_text() for page in PdfReader(BytesIO(made)).pages)
    assert target == "code"
    return "".join(row.label + row.value + "".join(row.cells) for row in render(expand(compact(receipt)), Screen(), "de"))


@pytest.mark.parametrize("target", ["paper of 42", "paper of 32", "text of 42", "text of 32", "screen", "html", "pdf", "invoice", "code"])
def test_every_field_is_on_it(receipt: Receipt, target: str) -> None:
    said = squeezed(shown(receipt, target))
    assert [field for field in FIELDS if squeezed(field) not in said] == []


def test_the_data_of_an_invoice_say_what_its_fields_have_no_room_for(receipt: Receipt) -> None:
    said = squeezed(html.unescape(render(receipt, InvoiceData(COMPANY), "de").decode()))
    wanted = [SELLER.name, "DE123456789", "E0417-000017", "20261122", PLACE.evse_id, PLACE.serial, PLACE.meter, receipt.session, "KST-HPC"]
    wanted += ["14:08:03 CET", "14:29:35 CET", "18.204,113", "day-solar", "7f3a91c2", "Beschwerden"]
    assert [field for field in wanted if squeezed(field) not in said] == []


def test_every_language_has_a_word_for_every_reference() -> None:
    for language in ("en", "de", "fr", "es", "it", "nl", "pl", "tr"):
        say = Wording(language)
        assert len({say.say(f"receipt.reference.{name}") for name in ("serial", "meter", "meter_key", "signed_data")}) == 4
