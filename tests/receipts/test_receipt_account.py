"""A receipt that is owed on account: the same series, no card, nothing that looks paid; and what corrects it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_session_account import ANNA, Site, euros

from kiosk.receipts.buyer import Business
from kiosk.receipts.compact import ACCOUNT_NOTE_TAG, ACCOUNT_TAG, compact, expand
from kiosk.receipts.content import rows
from kiosk.receipts.document import credit_note, document
from kiosk.receipts.einvoice import xml
from kiosk.receipts.receipt import CardShown, Place, Receipt, ReceiptError, Seller
from kiosk.receipts.render import Paper, render
from kiosk.session import inputs as i
from kiosk.session.facts import SessionFact
from kiosk.wording.languages import LANGUAGES
from kiosk.wording.wording import NBSP, Wording

CARD = ("Card", "Reserved", "Released", "Paid", "Mastercard", "••")


@pytest.fixture
def facts() -> list[SessionFact]:
    w = Site()
    session = w.whole()
    w.give(i.RefundAsked(session, euros(200), "olga", "price", "1"))
    return [fact for fact in w.facts if isinstance(fact, SessionFact)]


@pytest.fixture
def receipt(facts: list[SessionFact], seller: Seller, place: Place) -> Receipt:
    return document(facts, seller, place)


def test_it_says_what_is_owed_and_by_whose_contract_and_shows_no_card(receipt: Receipt) -> None:
    said = {row.label: row.value.replace(NBSP, " ") for row in rows(receipt, Wording("en"))}
    assert said["On account"] == "5.00 €"
    assert said["Contract"] == "C-1001"
    assert "Nothing was paid here. The bill goes to the account." in said
    assert not [label for label in said if label in CARD]
    assert (receipt.number, receipt.captured, receipt.released) == (1, euros(500), euros(0))


def test_neither_the_tag_nor_its_hash_is_on_it(receipt: Receipt) -> None:
    said = "\n".join(f"{row.label} {row.value}" for row in rows(receipt, Wording("en")))
    assert ANNA.tag not in said
    assert ANNA.tag not in compact(receipt)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_printed_in_every_language(receipt: Receipt, language: str) -> None:
    assert render(receipt, Paper(32), language)


def test_it_comes_back_whole_from_its_code(receipt: Receipt, facts: list[SessionFact], seller: Seller, place: Place) -> None:
    note = credit_note(facts, seller, place)
    assert compact(receipt).startswith(ACCOUNT_TAG)
    assert compact(note).startswith(ACCOUNT_NOTE_TAG)
    assert (expand(compact(receipt)), expand(compact(note))) == (receipt, note)


def test_the_credit_note_relieves_the_account(facts: list[SessionFact], seller: Seller, place: Place) -> None:
    note = credit_note(facts, seller, place)
    assert (note.contract, note.amount, note.captured, note.remaining) == ("C-1001", euros(200), euros(500), euros(300))
    said = {row.label: row.value.replace(NBSP, " ") for row in rows(note, Wording("en"))}
    assert said["On account"] == "5.00 €"
    assert "Nothing was paid here. The bill goes to the account." in said


def test_no_invoice_is_made_of_it_that_would_say_it_is_paid(receipt: Receipt) -> None:
    buyer = Business("Roth GmbH", ("Am Markt 1", "10115 Berlin"), "DE", "DE987654321")
    with pytest.raises(ReceiptError, match="is owed on account C-1001"):
        xml(receipt, Wording("en"), buyer, "DE")


def test_a_card_and_an_account_do_not_go_together(receipt: Receipt) -> None:
    with pytest.raises(ReceiptError, match="says that a card was used"):
        replace(receipt, card=CardShown("visa", "4242"))
