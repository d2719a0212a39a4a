"""What is given back is a document of its own: it names its receipt, splits over VAT rates to the cent, never gives back too much."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.receipts.content import RowKind
from kiosk.receipts.credit_note import REASONS
from kiosk.receipts.document import credit_note, document
from kiosk.receipts.receipt import ReceiptError
from kiosk.receipts.render import Paper, Screen, Text, render
from kiosk.receipts.vat import Tax
from kiosk.session import facts as f
from kiosk.session.inputs import CardFacts
from kiosk.values import Money
from kiosk.wording.wording import Wording


def euro(minor: int) -> Money:
    return Money(minor, "EUR")


@pytest.fixture
def two_rates(sale, discounted):
    return sale(lines=discounted)


def test_a_refund_becomes_a_note_that_names_its_receipt(sale, refund, seller, place) -> None:
    note = credit_note([*sale(), *refund(3, 500)], seller, place, checkpoint="17 8Yk3")
    assert note.label == "E0417-C000003"
    assert (note.corrects.label, note.corrects.mwh) == ("E0417-000017", 31_200_000)
    assert (note.amount, note.captured, note.refunded, note.remaining) == (euro(500), euro(1267), euro(0), euro(767))
    assert not note.whole
    assert note.reason == "price"
    assert (note.references.refund, note.references.capture) == ("RFND39N2D5NZ3P", "GVCJX9N2D5NZ3P75")
    assert note.card.last4 == "4242"
    assert note.checkpoint == "17 8Yk3"


def test_its_numbers_are_a_series_of_their_own(sale, refund, seller, place) -> None:
    facts = [*sale(), *refund(17, 500)]
    assert credit_note(facts, seller, place).label != document(facts, seller, place).label


def test_the_receipt_is_not_touched(sale, refund, seller, place) -> None:
    assert document([*sale(), *refund(1, 500)], seller, place) == document(sale(), seller, place)


def test_a_refund_in_full_takes_exactly_the_receipts_rows(two_rates, refund, seller, place) -> None:
    receipt = document(two_rates, seller, place)
    note = credit_note([*two_rates, *refund(1, receipt.captured.minor)], seller, place)
    assert note.taxes == receipt.taxes
    assert note.whole
    assert note.remaining == euro(0)


def test_a_part_is_shared_over_the_rates_by_largest_remainder(two_rates, refund, seller, place) -> None:
    receipt = document(two_rates, seller, place)
    assert [t.gross.minor for t in receipt.taxes] == [592, 31]
    note = credit_note([*two_rates, *refund(1, 100)], seller, place)
    assert [(t.rate, t.net.minor, t.tax.minor, t.gross.minor) for t in note.taxes] == [
        (Decimal(19), 80, 15, 95),
        (Decimal(7), 5, 0, 5),
    ]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(parts=st.lists(st.integers(1, 400), min_size=1, max_size=12))
def test_refunds_in_any_parts_never_give_back_more_than_a_rate_was_charged(two_rates, refund, seller, place, parts) -> None:
    receipt = document(two_rates, seller, place)
    left = receipt.captured.minor
    facts = list(two_rates)
    given_back = [(0, 0, 0)] * len(receipt.taxes)
    for number, part in enumerate([*parts, left], 1):
        amount = min(part, left) if number <= len(parts) else left
        if not amount:
            continue
        left -= amount
        facts += refund(number, amount)
        note = credit_note(facts, seller, place)
        assert sum(t.gross.minor for t in note.taxes) == amount
        given_back = [(n + t.net.minor, x + t.tax.minor, g + t.gross.minor) for (n, x, g), t in zip(given_back, note.taxes, strict=True)]
        for sums, charged in zip(given_back, receipt.taxes, strict=True):
            assert all(s <= c for s, c in zip(sums, (charged.net.minor, charged.tax.minor, charged.gross.minor), strict=True))
    assert given_back == [(t.net.minor, t.tax.minor, t.gross.minor) for t in receipt.taxes]


def test_an_earlier_note_is_found_by_its_number_and_stays_what_it_was(sale, refund, seller, place) -> None:
    first = credit_note([*sale(), *refund(1, 300)], seller, place)
    facts = [*sale(), *refund(1, 300), *refund(2, 200)]
    assert credit_note(facts, seller, place, number=1) == first
    assert credit_note(facts, seller, place, number=2) == credit_note(facts, seller, place)
    assert credit_note(facts, seller, place).refunded == euro(300)


def test_a_refund_that_failed_gives_nothing_back(sale, refund, seller, place) -> None:
    note = credit_note([*sale(), *refund(1, 1267, failed=True), *refund(2, 1267)], seller, place)
    assert note.refunded == euro(0)
    assert note.whole


def test_a_failure_heard_of_later_does_not_change_a_note_already_issued(sale, refund, seller, place) -> None:
    *first, failure = refund(1, 500, failed=True)
    issued = [*sale(), *first, *refund(2, 300)]
    note = credit_note(issued, seller, place)
    assert credit_note([*issued, failure], seller, place, number=2) == note
    assert credit_note([*issued, failure, *refund(3, 967)], seller, place).refunded == euro(300)


def test_what_the_acquirer_did_on_its_own_says_so(sale, refund, seller, place) -> None:
    assert credit_note([*sale(), *refund(1, 300, "")], seller, place).reason == "reported"


def test_a_reason_nobody_knows_is_another_reason(sale, refund, seller, place) -> None:
    assert credit_note([*sale(), *refund(1, 300, "because")], seller, place).reason == "other"


# --- refusals ---------------------------------------------------------------------------------------------------------------------


def test_without_a_note_there_is_none(sale, refund, seller, place) -> None:
    with pytest.raises(ReceiptError, match="no credit note was issued"):
        credit_note(sale(), seller, place)
    with pytest.raises(ReceiptError, match="no credit note 9"):
        credit_note([*sale(), *refund(1, 300)], seller, place, number=9)


@pytest.mark.parametrize("amounts", [(1268,), (1000, 268), (0,), (-5,)])
def test_more_than_was_charged_is_never_given_back(sale, refund, seller, place, amounts) -> None:
    facts = sale()
    for number, amount in enumerate(amounts, 1):
        facts += refund(number, amount)
    with pytest.raises(ReceiptError, match="gives back"):
        credit_note(facts, seller, place)


def test_a_note_of_another_currency_is_refused(sale, refund, altered, seller, place) -> None:
    facts = altered([*sale(), *refund(1, 300)], f.RefundRequested, amount=Money(300, "CHF"))
    with pytest.raises(ReceiptError):
        credit_note(facts, seller, place)


def test_a_note_without_its_refund_is_refused(sale, refund, without, seller, place) -> None:
    with pytest.raises(ReceiptError, match="gives nothing back"):
        credit_note(without([*sale(), *refund(1, 300)], f.RefundRequested), seller, place)


def test_a_whole_card_number_never_reaches_a_note(sale, refund, seller, place) -> None:
    note = credit_note([*sale(), *refund(1, 300)], seller, place)
    with pytest.raises(ReceiptError, match="four digits"):
        replace(note, card=replace(note.card, last4="4111111111111111"))
    with pytest.raises(ReceiptError, match="four digits"):
        credit_note([*sale(card=CardFacts("visa", "41111")), *refund(1, 300)], seller, place)


def test_values_that_do_not_fit_together_make_no_note(sale, refund, seller, place) -> None:
    note = credit_note([*sale(), *refund(1, 300)], seller, place)
    (row,) = note.taxes
    for changes in (
        {"amount": euro(301)},
        {"amount": euro(-300)},
        {"reason": "nothing"},
        {"taxes": (Tax(row.rate, row.net, row.tax + euro(1), row.gross),)},
        {"taxes": (replace(row, rate=Decimal(7)),)},
        {"taxes": ()},
        {"before": (Tax(row.rate, euro(1000), euro(190), euro(1190)),)},
        {"amount": Money(300, "CHF")},
    ):
        with pytest.raises(ReceiptError):
            replace(note, **changes)


# --- what it says -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_its_sentence(language, reason) -> None:
    assert Wording(language).has(f"receipt.credit.reason.{reason}")


def test_german_text_calls_it_a_correction_and_names_everything(sale, refund, seller, place) -> None:
    text = render(credit_note([*sale(), *refund(1, 300), *refund(2, 467)], seller, place), Text(42), "de")
    for said in (
        "Rechnungskorrektur           E0417-C000002",
        "Korrigiert Beleg              E0417-000017",
        "Beleg E0417-000017 wird zum Teil",
        "Der Preis auf dem Beleg war nicht richtig.",
        "Erstattung                          4,67\u00a0€",
        "19\u00a0%              3,93      0,74      4,67",
        "Schon erstattet                     3,00\u00a0€",
        "Bleibt bezahlt                      5,00\u00a0€",
        "Ihre Karte            Visa, endet auf 4242",
        "Erstattungsreferenz         RFND29N2D5NZ3P",
    ):
        assert said in text
    assert "Gutschrift" not in text


def test_a_refund_in_full_cancels_the_receipt(sale, refund, seller, place) -> None:
    text = render(credit_note([*sale(), *refund(1, 1267)], seller, place), Text(60), "en")
    assert "Receipt E0417-000017 is cancelled in full." in text


def test_a_copy_says_so(sale, refund, seller, place) -> None:
    copy = credit_note([*sale(), *refund(1, 300)], seller, place, copy=1)
    assert any(line.left == "COPY 1" for line in render(copy, Paper(), "en"))
    assert replace(copy, copy=0) == credit_note([*sale(), *refund(1, 300)], seller, place)


def test_a_rate_that_gets_nothing_back_is_not_listed(two_rates, refund, seller, place) -> None:
    rows = render(credit_note([*two_rates, *refund(1, 1)], seller, place), Screen(), "en")
    assert [row.cells[0] for row in rows if row.kind is RowKind.TAX] == ["VAT", "19\u00a0%"]


@pytest.mark.parametrize("columns", [30, 32, 42, 48])
@pytest.mark.parametrize("language", ["en", "de"])
def test_paper_carries_every_word(sale, refund, seller, place, columns, language) -> None:
    note = credit_note([*sale(), *refund(1, 300)], seller, place, copy=1, checkpoint="17 8Yk3")
    paper = "".join(f"{x.left}{x.right}" for x in render(note, Paper(columns, code=False), language) if x.kind == "text")
    screen = "".join(f"{r.label}{r.value}{''.join(r.cells)}" for r in render(note, Screen(), language))
    assert sorted("".join(paper.split())) == sorted("".join(screen.split()))
    assert any(line.kind == "qr" and line.left.startswith("PILEPAYC1") for line in render(note, Paper(columns), language))
