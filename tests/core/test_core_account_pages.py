"""What a driver with an RFID tag reads: every page in every language, and the words that matter."""

from __future__ import annotations

import json

import pytest
from account_pages import PAGES
from test_core_pages import LANGUAGES, LONGEST_TITLE, OURS, _texts

from kiosk.protocol import Snapshot, decode, encode


def shown(name: str, language: str = "en") -> Snapshot:
    return PAGES[name][1]().in_(language)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_its_sentences(name: str) -> None:
    page, make = PAGES[name]
    made = make()
    for language in LANGUAGES:
        snapshot = made.in_(language)
        assert snapshot.page == page
        assert decode(encode(snapshot)) == snapshot
        assert len(snapshot.title) <= LONGEST_TITLE, (language, snapshot.title)
        for text in _texts(json.loads(encode(snapshot))):
            assert not OURS.search(text), (language, text)


def test_the_idle_page_says_card_or_tag_and_tags_alone_while_cards_are_away() -> None:
    assert shown("idle").rail_note == "Card or RFID tag. On a card we reserve 20.00\N{NO-BREAK SPACE}€ to 50.00\N{NO-BREAK SPACE}€ first."
    assert shown("idle, tags alone").rail_note == "Cards cannot be taken now. RFID tags can."
    assert [key.note for key in shown("idle, tags alone").connectors] == ["with an RFID tag"] * 2


def test_the_price_page_takes_a_card_or_a_tag_and_without_cards_the_tag_alone() -> None:
    both = shown("price")
    assert (both.buttons[-1].intent, both.rail_note) == ("accept", "Card or RFID tag.")
    alone = shown("price, tags alone")
    assert [b.intent for b in alone.buttons] == ["back"]
    assert alone.card is not None
    assert alone.card.note == "Hold your RFID tag to the reader to agree. The bill goes to your account."


def test_a_charge_on_account_says_where_the_bill_goes_and_how_far() -> None:
    plug_in, limited = shown("plug in").card, shown("plug in, limited").card
    assert plug_in is not None
    assert limited is not None
    assert (plug_in.label, plug_in.value, plug_in.after, plug_in.note) == (
        "Your account",
        "0.00",
        "reserved",
        "The bill goes to your account.",
    )
    assert limited.note == "At most 30.00\N{NO-BREAK SPACE}€ go on your account."
    done = shown("finished, printed")
    assert done.card is not None
    assert (done.card.value, done.card.after) == ("5.00", "on account")
    assert done.receipt_qr


def test_a_charge_on_account_is_stopped_by_its_tag() -> None:
    assert next((way.title, way.text) for way in shown("stop").ways) == ("Your RFID tag", "hold it to the RFID reader")
    assert shown("charging").buttons[0].sub == "with your RFID tag or code"


def test_nothing_delivered_is_nothing_owed() -> None:
    card = shown("nothing delivered").card
    assert card is not None
    assert (card.value, card.note) == ("0.00", "Nothing goes on your account.")
