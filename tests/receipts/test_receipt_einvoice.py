"""An e-invoice says what the receipt says, in figures that follow EN 16931, and its PDF carries it.

The schema is checked when the invoice is made; here the rules of arithmetic are (BR-… and BR-CO-… of EN 16931-1, chapter 6.4), on the XML.
"""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from io import BytesIO
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from kiosk.pricing.rating import Line
from kiosk.receipts.buyer import Business, country_of
from kiosk.receipts.document import credit_note, document
from kiosk.receipts.figures import plain
from kiosk.receipts.receipt import ReceiptError, Seller
from kiosk.receipts.render import Html, Invoice, InvoiceData, Pdf, render
from kiosk.values import Money

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
BUYER = Business("Pflegedienst Nord GmbH & Co. <KG>", ("Nordring 12", "20095 Hamburg"), "DE", "DE987654321", "Kostenstelle 4711")
CENT = Decimal("0.01")


class Read:
    """The invoice as a business' program reads it."""

    def __init__(self, data: bytes) -> None:
        self.root = ElementTree.fromstring(data)

    def all(self, name: str, under=None) -> list[ElementTree.Element]:
        return list((self.root if under is None else under).iter(RAM + name))

    def text(self, name: str, under=None) -> str:
        return self.all(name, under)[0].text or ""

    def number(self, name: str, under=None) -> Decimal:
        return Decimal(self.text(name, under))

    def sum(self, name: str) -> Decimal:
        return self.number(name, self.all("SpecifiedTradeSettlementHeaderMonetarySummation")[0])


def follows_the_rules(read: Read) -> None:
    lines = read.all("IncludedSupplyChainTradeLineItem")
    settlement = read.all("ApplicableHeaderTradeSettlement")[0]
    adjustments = list(settlement.iterfind(f"{RAM}SpecifiedTradeAllowanceCharge"))
    groups = list(settlement.iterfind(f"{RAM}ApplicableTradeTax"))
    assert lines, "BR-16"
    net = [read.number("LineTotalAmount", line) for line in lines]
    assert sum(net) == read.sum("LineTotalAmount"), "BR-CO-10"
    off = [read.number("ActualAmount", a) for a in adjustments if "false" in ElementTree.tostring(a).decode()]
    on = [read.number("ActualAmount", a) for a in adjustments if "true" in ElementTree.tostring(a).decode()]
    assert (sum(off), sum(on)) == (read.sum("AllowanceTotalAmount"), read.sum("ChargeTotalAmount")), "BR-CO-11, BR-CO-12"
    assert read.sum("TaxBasisTotalAmount") == sum(net) - sum(off) + sum(on), "BR-CO-13"
    assert read.sum("TaxTotalAmount") == sum(read.number("CalculatedAmount", g) for g in groups), "BR-CO-14"
    assert read.sum("GrandTotalAmount") == read.sum("TaxBasisTotalAmount") + read.sum("TaxTotalAmount"), "BR-CO-15"
    assert read.sum("DuePayableAmount") == read.sum("GrandTotalAmount") - read.sum("TotalPrepaidAmount") == 0, "BR-CO-16"
    for group in groups:
        rate = read.number("RateApplicablePercent", group)
        expected = (read.number("BasisAmount", group) * rate / 100).quantize(CENT, ROUND_HALF_UP)
        assert abs(read.number("CalculatedAmount", group) - expected) <= CENT, "BR-CO-17, as gross prices allow"
        basis = sum(read.number("LineTotalAmount", line) for line in lines if read.number("RateApplicablePercent", line) == rate)
        for adjustment in adjustments:
            if read.number("RateApplicablePercent", adjustment) == rate:
                basis -= read.number("ActualAmount", adjustment) * (1 if "false" in ElementTree.tostring(adjustment).decode() else -1)
        assert basis == read.number("BasisAmount", group), "BR-S-08"
    for line in lines:
        assert read.number("ChargeAmount", line) >= 0, "BR-27"
        product = read.number("ChargeAmount", line) * read.number("BilledQuantity", line) / read.number("BasisQuantity", line)
        assert product.quantize(CENT, ROUND_HALF_UP) == read.number("LineTotalAmount", line)
    assert all(read.text("Reason", a) for a in adjustments), "BR-33, BR-38"
    for name in ("SellerTradeParty", "BuyerTradeParty"):
        party = read.all(name)[0]
        assert read.text("Name", party), "BR-06, BR-07"
        assert len(read.text("CountryID", party)) == 2, "BR-09, BR-11"


def test_a_charge_becomes_an_invoice_that_is_paid(sale, seller, place) -> None:
    receipt = document(sale(), seller, place)
    read = Read(render(receipt, InvoiceData(BUYER), "de"))
    follows_the_rules(read)
    assert read.text("ID", read.root[1]) == "E0417-000017"
    assert read.text("TypeCode", read.root[1]) == "380"
    assert read.sum("GrandTotalAmount") == Decimal("12.67")
    energy = read.all("IncludedSupplyChainTradeLineItem")[0]
    quantity = read.all("BilledQuantity", energy)[0]
    assert (quantity.text, quantity.get("unitCode")) == ("31.2", "KWH")
    assert read.text("BuyerReference") == "Kostenstelle 4711"
    assert [e.text for e in read.all("SpecifiedTaxRegistration") for e in e] == ["DE123456789", "DE987654321"]
    assert (read.text("PostcodeCode"), read.text("CityName")) == ("10317", "Berlin")
    assert "4242" in read.text("ID", read.all("ApplicableTradeSettlementFinancialCard")[0])


def test_discounts_are_allowances_with_their_names(sale, discounted, seller, place) -> None:
    read = Read(render(document(sale(lines=discounted), seller, place), InvoiceData(BUYER), "de"))
    follows_the_rules(read)
    reasons = [read.text("Reason", a) for a in read.all("SpecifiedTradeAllowanceCharge")]
    assert reasons == ["Stadtwerke Plus", "Pflegedienst Nord", "Willkommen", "Pflegedienst Nord"]


def test_what_is_not_charged_is_an_allowance(sale, seller, place) -> None:
    read = Read(render(document(sale(held=1200, shortfall=67), seller, place), InvoiceData(BUYER), "en"))
    follows_the_rules(read)
    assert read.text("Reason", read.all("SpecifiedTradeAllowanceCharge")[0]) == "Above the reserved amount, not charged"


def test_a_credit_note_names_the_invoice_it_corrects(sale, discounted, refund, seller, place) -> None:
    note = credit_note([*sale(lines=discounted), *refund(1, 123), *refund(2, 200)], seller, place)
    read = Read(render(note, InvoiceData(BUYER), "de"))
    follows_the_rules(read)
    assert read.text("TypeCode", read.root[1]) == "381"
    assert read.text("IssuerAssignedID", read.all("InvoiceReferencedDocument")[0]) == "E0417-000017"
    assert read.sum("GrandTotalAmount") == Decimal("2.00")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(charge=st.integers(1, 623), rates=st.booleans())
def test_whatever_is_charged_follows_the_rules(sale, discounted, seller, place, charge, rates) -> None:
    facts = sale(lines=discounted, charge=charge) if rates else sale(charge=charge)
    follows_the_rules(Read(render(document(facts, seller, place), InvoiceData(BUYER), "en")))


@pytest.mark.parametrize("seconds", [1, 61, 43_199])
def test_time_is_counted_in_seconds_where_minutes_do_not_divide(sale, seller, place, seconds) -> None:
    odd = timed(seconds)
    read = Read(render(document(sale(lines=(*document_lines(sale)[:1], odd)), seller, place), InvoiceData(BUYER), "en"))
    follows_the_rules(read)
    assert [q.get("unitCode") for q in read.all("BilledQuantity")] == ["KWH", "SEC"]


def test_the_currency_stands_only_where_the_standard_has_it(sale, seller, place) -> None:
    read = Read(render(document(sale(), seller, place), InvoiceData(BUYER), "en"))
    assert [e.tag.removeprefix(RAM) for e in read.root.iter() if e.get("currencyID")] == ["TaxTotalAmount"]


def test_a_seller_outside_the_scope_of_vat_names_no_vat_number(sale, seller, place) -> None:
    lines = tuple(replace(line, vat=None, excl=line.incl) for line in document_lines(sale))
    data = render(document(sale(lines=lines), seller, place), InvoiceData(BUYER), "en")
    read = Read(data)
    assert {e.text for e in read.all("CategoryCode")} == {"O"}
    assert read.text("ExemptionReasonCode") == "VATEX-EU-O"
    assert b'schemeID="VA"' not in data


def timed(seconds: int) -> Line:
    incl = Decimal(max(1, seconds * 250 // 3600)) / 100
    quantity = Decimal(seconds) / 3600
    return Line("TIME", quantity, Decimal("2.50"), incl / Decimal("1.19"), incl, Decimal(19), Money.of(incl, "EUR"), seconds)


def document_lines(sale):
    return next(fact.rating.lines for fact in sale() if hasattr(fact, "rating"))


def test_vat_of_no_rate_beside_others_is_refused(sale, discounted, seller, place) -> None:
    lines = (*discounted, replace(discounted[2], vat=None))
    with pytest.raises(ReceiptError, match="without a VAT rate"):
        render(document(sale(lines=lines), seller, place), InvoiceData(BUYER), "en")


def test_a_seller_without_a_country_is_refused_until_it_is_given(sale, place) -> None:
    receipt = document(sale(), Seller("Lindenhof", ("Lindenhof 4",), "29/123/45678", "0800"), place)
    with pytest.raises(ReceiptError, match="country"):
        render(receipt, InvoiceData(BUYER), "en")
    data = render(receipt, InvoiceData(BUYER, "DE"), "en")
    assert b'<ram:ID schemeID="FC">29/123/45678</ram:ID>' in data
    with pytest.raises(ReceiptError, match="tax number"):
        render(replace(receipt, seller=replace(receipt.seller, tax_id="")), InvoiceData(BUYER, "DE"), "en")


@pytest.mark.parametrize(
    "wrong", [{"name": " "}, {"country": "Germany"}, {"country": "de"}, {"vat_id": "DE 123"}, {"vat_id": "x"}, {"vat_id": "123456789"}]
)
def test_what_is_no_business_is_refused(wrong) -> None:
    with pytest.raises(ReceiptError):
        replace(BUYER, **wrong)


def test_the_country_stands_in_the_vat_number() -> None:
    assert [country_of(n) for n in ("DE123456789", "EL123456789", "XI123456789", "ATU1234 5678", "29/123", "")] == [
        "DE",
        "GR",
        "GB",
        "AT",
        "",
        "",
    ]


def test_numbers_are_never_written_in_powers_of_ten() -> None:
    assert [str(plain(Decimal(n))) for n in ("1E+2", "19.00", "0.30", "0E-8")] == ["100", "19", "0.3", "0"]


# --- the PDF ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["receipt", "note"])
def made(request, sale, refund, seller, place):
    return document(sale(), seller, place) if request.param == "receipt" else credit_note([*sale(), *refund(1, 300)], seller, place)


def test_the_pdf_carries_the_same_data_and_says_so(made) -> None:
    reader = PdfReader(BytesIO(render(made, Invoice(BUYER), "de")))
    assert reader.attachments["factur-x.xml"][0] == render(made, InvoiceData(BUYER), "de")
    root = reader.trailer["/Root"]
    assert root["/AF"][0].get_object()["/AFRelationship"] == "/Alternative"
    xmp = ElementTree.fromstring(root["/Metadata"].get_data().decode().split("?>", 1)[1].rsplit("<?xpacket", 1)[0])
    said = {e.tag.split("}")[1]: e.text for e in xmp.iter() if e.tag.startswith("{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}")}
    assert said == {"DocumentFileName": "factur-x.xml", "DocumentType": "INVOICE", "Version": "1.0", "ConformanceLevel": "EN 16931"}
    assert {e.tag.split("}")[1]: e.text for e in xmp.iter() if "pdfaid" in e.tag or "/pdfa/ns/id/" in e.tag} == {
        "part": "3",
        "conformance": "A",
    }


def test_the_pdf_stays_tagged_and_keeps_its_identity(made) -> None:
    data = render(made, Invoice(BUYER), "de")
    reader = PdfReader(BytesIO(data))
    assert data.startswith(b"%PDF-1.7")
    assert "/ID" in reader.trailer
    for name in ("/StructTreeRoot", "/OutputIntents", "/Lang"):
        assert name in reader.trailer["/Root"]
    assert data == render(made, Invoice(BUYER), "de")


def test_the_buyer_stands_on_the_page_and_nowhere_else(made) -> None:
    text = "".join(PdfReader(BytesIO(render(made, Invoice(BUYER), "de"))).pages[0].extract_text().split())
    assert "PflegedienstNordGmbH&Co.<KG>" in text
    assert "DE987654321" in text
    assert "Nordring 12, 20095 Hamburg" in render(made, Html(BUYER), "en")
    assert b"Nordring" not in render(made, Pdf(), "en")
    assert "Pflegedienst" not in render(made, Html(), "en")
