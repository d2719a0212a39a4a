"""A receipt or credit note as an e-invoice for a business: EN 16931 in the syntax of UN/CEFACT, and inside its own PDF (Factur-X, ZUGFeRD).

Everything is paid by card when the invoice is made, so nothing is due. The XML is checked against the Factur-X schema before it leaves;
the arithmetic of EN 16931, which a schema cannot say, holds by how `figures` are made.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from drafthorse.models.accounting import ApplicableTradeTax, CategoryTradeTax, TradeAllowanceCharge
from drafthorse.models.document import Document as Invoice
from drafthorse.models.note import IncludedNote
from drafthorse.models.party import TaxRegistration
from drafthorse.models.payment import PaymentMeans
from drafthorse.models.tradelines import LineItem
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject, StreamObject

from kiosk.receipts.buyer import Business, country_of
from kiosk.receipts.content import Document, RowKind, parts
from kiosk.receipts.credit_note import CreditNote
from kiosk.receipts.figures import Adjustment, Figures, InvoiceLine, figures, plain
from kiosk.receipts.pdf import Attachment, sheet
from kiosk.receipts.receipt import ReceiptError, Seller
from kiosk.values import Money
from kiosk.wording.wording import Wording

FILE_NAME = "factur-x.xml"  # Factur-X 1.0, 6.2.2
_GUIDELINE = "urn:cen.eu:en16931:2017"
_SCHEMA = "FACTUR-X_EN16931"
_INVOICE, _CREDIT_NOTE = "380", "381"  # UNTDID 1001
_BANK_CARD = "48"  # UNTDID 4461
_TOWN = re.compile(r"(?:[A-Z]{1,2}-)?(\d{4,5}) (\D.*)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def xml(document: Document, w: Wording, buyer: Business, seller_country: str = "") -> bytes:
    """The invoice's data. `seller_country` (ISO 3166) is needed where the seller's tax number does not tell it.

    Raises `ReceiptError` for a bill that EN 16931 cannot say, or a seller without a country.
    """
    country = seller_country or country_of(document.seller.tax_id)
    if not country:
        raise ReceiptError(f"{document.seller.name} needs a country to write e-invoices: its tax number does not tell one")
    if not document.seller.tax_id:
        raise ReceiptError(f"{document.seller.name} needs a tax number to write e-invoices")
    sums = figures(document, w)
    invoice = Invoice()
    invoice.context.guideline_parameter.id = _GUIDELINE
    invoice.header.id = document.label
    invoice.header.type_code = _CREDIT_NOTE if isinstance(document, CreditNote) else _INVOICE
    invoice.header.issue_date_time = _day(document.issued_ms, document.zone)
    invoice.header.notes.add(IncludedNote(content=_note(document, w)))
    outside = sums.groups[0].rate is None
    _write_seller(invoice.trade.agreement.seller, document.seller, country, outside=outside)
    _write_buyer(invoice.trade.agreement, buyer, outside=outside)
    invoice.trade.delivery.event.occurrence = _day(_delivered_ms(document), document.zone)
    for number, line in enumerate(sums.lines, 1):
        invoice.trade.items.add(_item(number, line))
    _settle(invoice.trade.settlement, document, sums)
    try:
        return bytes(invoice.serialize(schema=_SCHEMA))
    except SyntaxError as error:  # lxml tells a schema it is broken that way
        raise ReceiptError(f"{document.label} makes no valid e-invoice: {error}") from error


def hybrid(document: Document, w: Wording, buyer: Business, seller_country: str = "") -> bytes:
    """The sheet with the invoice's data inside. Raises `ReceiptError` as `xml` and `sheet` do."""
    data = xml(document, w, buyer, seller_country)
    file = Attachment(FILE_NAME, data.decode(), "text/xml", "alternative", "Factur-X invoice data (EN 16931)")
    writer = PdfWriter(clone_from=PdfReader(BytesIO(sheet(document, w, file, buyer=buyer))))
    metadata = writer.root_object["/Metadata"].get_object()
    assert isinstance(metadata, StreamObject), "PDF/A demands metadata"
    named = DecodedStreamObject()
    named.set_data(metadata.get_data().decode().replace("</rdf:RDF>", f"{_XMP}</rdf:RDF>", 1).encode())
    named.update({NameObject("/Type"): NameObject("/Metadata"), NameObject("/Subtype"): NameObject("/XML")})
    writer.root_object[NameObject("/Metadata")] = writer._add_object(named)
    writer.pdf_header = "%PDF-1.7"  # PDF/A-3 is made of it (ISO 19005-3)
    made = BytesIO()
    writer.write(made)
    return made.getvalue()


def _day(utc_ms: int, zone: str) -> date:
    return (_EPOCH + timedelta(milliseconds=utc_ms)).astimezone(ZoneInfo(zone)).date()


def _delivered_ms(document: Document) -> int:
    return document.corrects.end_ms if isinstance(document, CreditNote) else document.end_ms


def _note(document: Document, w: Wording) -> str:
    """Place, times and registers, why money is given back, by which names all this is found, and what the law of the place wants said: what
    an invoice has no fields for. A COPY says so first."""
    told = ("subject", "bill", "references", "end") if isinstance(document, CreditNote) else ("subject", "references", "end")
    rows = [row for part in parts(document, w) for row in part.rows if part.name in told or row.kind is RowKind.MARK]
    return "\n".join(f"{row.label}: {row.value}" if row.value else row.label for row in rows)


def _write_seller(party: Any, seller: Seller, country: str, *, outside: bool) -> None:
    party.name = seller.name
    party.contact.telephone.number = seller.helpline
    party.contact.department_name = seller.name
    _address(party.address, seller.address, country)
    number = seller.tax_id.replace(" ", "")
    if country_of(number) and not outside:
        party.tax_registrations.add(TaxRegistration(id=("VA", number)))
        return
    # BR-O-02: who sells outside the scope of VAT names no VAT number; BR-CO-26: but one by which they are known
    party.id = number
    party.tax_registrations.add(TaxRegistration(id=("FC", number)))


def _write_buyer(agreement: Any, buyer: Business, *, outside: bool) -> None:
    agreement.buyer.name = buyer.name
    _address(agreement.buyer.address, buyer.address, buyer.country)
    if buyer.vat_id and not outside:
        agreement.buyer.tax_registrations.add(TaxRegistration(id=("VA", buyer.vat_id)))
    if buyer.reference:
        agreement.buyer_reference = buyer.reference


def _address(address: Any, lines: tuple[str, ...], country: str) -> None:
    """A last line of postcode and town is written as such; of more than three other lines the rest shares the third."""
    *street, last = lines or ("",)
    if town := _TOWN.fullmatch(last):
        address.postcode, address.city_name = town[1], town[2]
    else:
        street.append(last)
    for name, line in zip(("line_one", "line_two", "line_three"), (*street[:2], ", ".join(street[2:])), strict=False):
        if line:
            setattr(address, name, line)
    address.country_id = country


def _item(number: int, line: InvoiceLine) -> LineItem:
    item = LineItem()
    item.document.line_id = str(number)
    item.product.name = line.name
    if line.detail:
        item.product.description = line.detail
    item.agreement.net.amount = line.price
    item.agreement.net.basis_quantity = (line.per, line.unit)
    item.delivery.billed_quantity = (line.quantity, line.unit)
    _rate(item.settlement.trade_tax, line.rate)
    item.settlement.monetary_summation.total_amount = line.net.decimal()
    return item


def _rate(tax: Any, rate: Decimal | None) -> None:
    """UNCL 5305: S is a rate above zero, Z the zero rate, O what is outside the scope of VAT."""
    tax.type_code = "VAT"
    tax.category_code = "O" if rate is None else "S" if rate else "Z"
    if rate is not None:
        tax.rate_applicable_percent = plain(rate)


def _settle(settlement: Any, document: Document, sums: Figures) -> None:
    currency = sums.total.currency
    settlement.currency_code = currency
    settlement.payment_reference = document.label
    means = PaymentMeans(type_code=_BANK_CARD)
    if document.card.last4:
        means.financial_card.id = document.card.last4  # BR-51: the last digits only
    settlement.payment_means.add(means)
    for group in sums.groups:
        tax = ApplicableTradeTax()
        _rate(tax, group.rate)
        tax.basis_amount, tax.calculated_amount = group.net.decimal(), group.tax.decimal()
        if group.rate is None:
            tax.exemption_reason_code, tax.exemption_reason = "VATEX-EU-O", "Not subject to VAT"
        settlement.trade_tax.add(tax)
    for adjustment in sums.adjustments:
        settlement.allowance_charge.add(_adjusted(adjustment))
    if isinstance(document, CreditNote):
        settlement.invoice_referenced_document.issuer_assigned_id = document.corrects.label
        settlement.invoice_referenced_document.issue_date_time = _day(document.corrects.issued_ms, document.zone)
    total = settlement.monetary_summation
    total.line_total = sums.line_total.decimal()
    total.charge_total = sums.charges.decimal()
    total.allowance_total = sums.allowances.decimal()
    total.tax_basis_total = sums.net.decimal()
    total.tax_total = (sums.tax.decimal(), currency)
    total.grand_total = sums.total.decimal()
    total.prepaid_total = sums.total.decimal()
    total.due_amount = Money.zero(currency).decimal()


def _adjusted(adjustment: Adjustment) -> TradeAllowanceCharge:
    made = TradeAllowanceCharge()
    made.indicator = adjustment.net.minor > 0
    made.actual_amount = abs(adjustment.net.decimal())
    made.reason = adjustment.reason
    tax = CategoryTradeTax()
    _rate(tax, adjustment.rate)
    made.trade_tax.add(tax)
    return made


# Factur-X 1.0, 6.2.3: the PDF says what its attachment is, and describes the words in which it says so (PDF/A extension schema).
_FX = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_SAID = (
    ("DocumentFileName", FILE_NAME, "The name of the embedded XML document"),
    ("DocumentType", "INVOICE", "The type of the hybrid document in capital letters"),
    ("Version", "1.0", "The version of the standard that the embedded XML document follows"),
    ("ConformanceLevel", "EN 16931", "The conformance level of the embedded XML document"),
)
_VALUES = "".join(f"<fx:{name}>{value}</fx:{name}>" for name, value, _ in _SAID)
_PROPERTIES = "".join(
    f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name><pdfaProperty:valueType>Text</pdfaProperty:valueType>'
    f"<pdfaProperty:category>external</pdfaProperty:category><pdfaProperty:description>{meaning}</pdfaProperty:description></rdf:li>"
    for name, _, meaning in _SAID
)
_XMP = (
    f'<rdf:Description rdf:about="" xmlns:fx="{_FX}">{_VALUES}</rdf:Description>'
    '<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" '
    'xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">'
    '<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">'
    "<pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>"
    f"<pdfaSchema:namespaceURI>{_FX}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
    f"<pdfaSchema:property><rdf:Seq>{_PROPERTIES}</rdf:Seq></pdfaSchema:property>"
    "</rdf:li></rdf:Bag></pdfaExtension:schemas></rdf:Description>"
)
