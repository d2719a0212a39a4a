"""The web page says all that the paper says, needs nothing else, and can be read by everybody."""

import re
from html.parser import HTMLParser

import pytest

from kiosk.receipts.document import credit_note, document
from kiosk.receipts.receipt import Place, Seller
from kiosk.receipts.render import Html, Screen, render

VOID = {"meta", "path", "br", "img"}


class Reader(HTMLParser):
    """A strict reader: every element is closed where it belongs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)


@pytest.fixture(params=["short", "discounted", "note"])
def shown(request, sale, discounted, refund, seller, place):
    if request.param == "note":
        return credit_note([*sale(), *refund(1, 300)], seller, place, copy=1)
    lines = {"lines": discounted} if request.param == "discounted" else {}
    return document(sale(**lines), seller, place, copy=2, checkpoint="17 8Yk3")


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_word_of_the_document_is_on_the_page(shown, language) -> None:
    words = "".join("".join(Reader(render(shown, Html(), language)).words).split())
    for row in render(shown, Screen(), language):
        for said in (row.label, row.value, *row.cells):
            assert "".join(said.split()) in words


def test_the_page_says_its_language_and_number(shown) -> None:
    page = Reader(render(shown, Html(), "de"))
    assert ("html", {"lang": "de", "dir": "ltr"}) in page.seen
    assert any(shown.label in word for word in page.words)
    assert sum(tag == "h1" for tag, _ in page.seen) == 1


def test_tables_have_headings_for_who_cannot_see_them(shown) -> None:
    seen = Reader(render(shown, Html(), "en")).seen
    assert all(attributes.get("scope") in ("row", "col") for tag, attributes in seen if tag == "th")
    assert any(attributes.get("role") == "img" and attributes.get("aria-label") for tag, attributes in seen if tag == "svg")


def test_the_page_fetches_nothing_and_runs_nothing(shown) -> None:
    text = render(shown, Html(), "en")
    assert not re.search(r"<(script|link|iframe|img|form)|url\(|@import|\bon\w+=|javascript:", text)
    assert "default-src 'none'" in text


def test_names_cannot_become_markup(sale) -> None:
    evil = '</title><script>alert("1")</script>&<b'
    seller = Seller(evil, (evil,), evil, evil, "E-", (evil,))
    page = Reader(render(document(sale(), seller, Place(evil, (evil,), evil, evil)), Html(), "en"))
    assert not any(tag in ("script", "b") for tag, _ in page.seen)
    assert evil in page.words


def test_a_document_too_long_for_a_code_is_shown_without_one(sale, seller) -> None:
    place = Place("P", tuple(f"{n:x}" * 7 for n in range(1000, 3000, 3)), "E", "A")
    text = render(document(sale(), seller, place), Html(), "en")
    assert "<svg" not in text
    assert "12.67" in text


def test_the_same_document_makes_the_same_page(shown) -> None:
    assert render(shown, Html(), "de") == render(shown, Html(), "de")
