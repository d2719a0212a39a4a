"""A receipt is made of facts alone, and one that does not add up cannot be made."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from kiosk.pricing.rating import Line
from kiosk.receipts.document import document
from kiosk.receipts.receipt import Item, ReceiptError, Reduction
from kiosk.session import facts as f
from kiosk.session.inputs import CardFacts
from kiosk.values import Money


def euro(minor: int) -> Money:
    return Money(minor, "EUR")


def line(code: str, minor: int, vat: str | None = "19", quantity: str = "1") -> Line:
    incl = Decimal(minor) / 100
    return Line(
        code, Decimal(quantity), incl, incl if vat is None else incl / (1 + Decimal(vat) / 100), incl, vat and Decimal(vat), euro(minor)
    )


def test_a_sale_becomes_what_was_delivered_priced_held_and_captured(sale, seller, place) -> None:
    receipt = document(sale(), seller, place, checkpoint="17 8Yk3")
    assert receipt.label == "E0417-000017"
    assert receipt.mwh == 31_200_000
    assert receipt.items == (
        Item("ENERGY", 31_200_000, Decimal("0.39"), Decimal(19), euro(1217)),
        Item("PARKING_TIME", 300, Decimal("6.00"), Decimal(19), euro(50)),
    )
    assert (receipt.held, receipt.captured, receipt.released) == (euro(5000), euro(1267), euro(3733))
    assert (receipt.references.psp, receipt.references.capture) == ("QFQTPCQ8HXSKGK82", "GVCJX9N2D5NZ3P75")
    assert (receipt.card.brand, receipt.card.last4) == ("visa", "4242")
    assert receipt.checkpoint == "17 8Yk3"


def test_the_same_facts_give_the_same_receipt(sale, seller, place) -> None:
    assert document(sale(), seller, place) == document(sale(), seller, place)


def test_pauses_are_no_charging_time(sale, seller, place) -> None:
    receipt = document(sale(), seller, place)
    assert (receipt.end_ms - receipt.begin_ms) // 1000 == 1292
    assert receipt.charging_s == 1292 - 32


def test_a_pause_that_lasts_to_the_end_counts_to_the_end(sale, without, seller, place) -> None:
    receipt = document(without(sale(), f.DeliveryResumed), seller, place)
    assert receipt.charging_s == 60


def test_a_copy_differs_in_nothing_but_its_mark(sale, seller, place) -> None:
    original, copy = document(sale(), seller, place), document(sale(), seller, place, copy=2)
    assert copy.copy == 2
    assert replace(copy, copy=0) == original


def test_net_prices_are_told_apart_from_gross_ones(sale, seller, place) -> None:
    assert document(sale(), seller, place).gross
    assert not document(sale(tax_included="NO"), seller, place).gross
    assert document(sale(tax_included="N/A"), seller, place).gross


def test_what_the_hold_does_not_cover_is_a_line_of_its_own(sale, seller, place) -> None:
    receipt = document(sale(held=1200, shortfall=67), seller, place)
    assert receipt.reductions == (Reduction("beyond_hold", euro(-67)),)
    assert receipt.captured == euro(1200)
    assert receipt.released == euro(0)


def test_what_a_rule_waives_is_a_line_of_its_own(sale, seller, place) -> None:
    receipt = document(sale(charge=1000), seller, place)
    assert receipt.reductions == (Reduction("waived", euro(-267)),)


def test_an_unconfirmed_clock_shows(sale, seller, place) -> None:
    assert not document(sale(trusted=False), seller, place).trusted


# --- VAT --------------------------------------------------------------------------------------------------------------------------


def test_vat_is_taken_out_of_the_gross_sum_of_each_rate(sale, seller, place) -> None:
    receipt = document(sale(lines=(line("ENERGY", 1217), line("FLAT", 100, "7"), line("PARKING_TIME", 50))), seller, place)
    assert [(t.rate, t.net, t.tax, t.gross) for t in receipt.taxes] == [
        (Decimal(19), euro(1065), euro(202), euro(1267)),
        (Decimal(7), euro(93), euro(7), euro(100)),
    ]


def test_what_has_no_vat_is_shown_apart_from_zero_percent(sale, seller, place) -> None:
    receipt = document(sale(lines=(line("ENERGY", 1000, "0"), line("FLAT", 100, None))), seller, place)
    assert [(t.rate, t.tax) for t in receipt.taxes] == [(Decimal(0), euro(0)), (None, euro(0))]


def test_a_reduction_lowers_every_rate_by_its_weight_to_the_cent(sale, seller, place) -> None:
    lines = (line("ENERGY", 1000), line("FLAT", 500, "7"), line("PARKING_TIME", 1, "0"))
    receipt = document(sale(lines=lines, charge=1000), seller, place)
    assert [t.gross.minor for t in receipt.taxes] == [666, 333, 1]
    assert all(t.net + t.tax == t.gross for t in receipt.taxes)


@pytest.mark.parametrize("charge", [0, 1, 2, 7, 99, 501, 1500])
def test_vat_rows_always_make_the_total(sale, seller, place, charge) -> None:
    lines = (line("ENERGY", 1000), line("FLAT", 500, "7"), line("DISCOUNT", -33), line("PARKING_TIME", 34, None))
    receipt = document(sale(lines=lines, charge=charge), seller, place)
    assert sum(t.gross.minor for t in receipt.taxes) == charge == receipt.total.minor


# --- refusals ---------------------------------------------------------------------------------------------------------------------


def test_a_sale_without_an_issued_receipt_has_none(sale, without, seller, place) -> None:
    with pytest.raises(ReceiptError, match="nothing was captured"):
        document(without(sale(), f.ReceiptIssued), seller, place)


@pytest.mark.parametrize(
    "missing", [f.QuoteAgreed, f.Priced, f.DeliveryStarted, f.DeliveryEnded, f.CaptureRequested, f.ModificationSubmitted]
)
def test_a_receipt_rests_on_all_its_facts(sale, without, seller, place, missing) -> None:
    with pytest.raises(ReceiptError, match="do not carry a receipt"):
        document(without(sale(), missing), seller, place)


def test_a_capture_needs_its_authorization(sale, without, seller, place) -> None:
    with pytest.raises(ReceiptError, match="never authorized"):
        document(without(sale(), f.PaymentAuthorized), seller, place)


def test_lines_that_do_not_make_the_captured_sum_are_refused(sale, seller, place) -> None:
    with pytest.raises(ReceiptError, match="does not add up"):
        document(sale(captured=1266), seller, place)


def test_lines_that_do_not_make_the_rated_sum_are_refused(sale, seller, place) -> None:
    with pytest.raises(ReceiptError, match="does not add up"):
        document(sale(total=1300), seller, place)


def test_a_charge_above_the_price_is_refused(sale, seller, place) -> None:
    with pytest.raises(ReceiptError, match="priced at"):
        document(sale(charge=1268), seller, place)


def test_more_than_was_reserved_is_refused(sale, seller, place) -> None:
    with pytest.raises(ReceiptError, match="cannot come out of"):
        document(sale(held=1000), seller, place)


def test_mixed_currencies_are_refused(sale, altered, seller, place) -> None:
    facts = altered(sale(), f.CaptureRequested, amount=Money(1267, "CHF"))
    with pytest.raises(ReceiptError, match="currencies"):
        document(facts, seller, place)


def test_a_whole_card_number_never_reaches_a_receipt(sale, seller, place) -> None:
    with pytest.raises(ReceiptError, match="four digits") as refused:
        document(sale(card=CardFacts("visa", "4111111111111111")), seller, place)
    assert "4111" not in str(refused.value)


def test_a_quote_whose_tariff_cannot_be_read_is_refused(sale, altered, seller, place) -> None:
    facts = sale()
    quote = next(x.quote for x in facts if isinstance(x, f.QuoteAgreed))
    for broken in ("no json", json.dumps([])):
        with pytest.raises(ReceiptError, match="no OCPI tariff"):
            document(altered(facts, f.QuoteAgreed, quote=replace(quote, tariff_json=broken)), seller, place)
