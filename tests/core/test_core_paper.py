"""Receipts from the journal: with the first signed state that includes them, and a plain refusal where the journal cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from core_shelf import Shelf
from world import A, approval, quote

from kiosk.core.paper import Press
from kiosk.core.performers import PressError
from kiosk.journal.checkpoint import Checkpoint, parse, short
from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.receipts.receipt import Place, Seller
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.requests import PrintReceipt
from kiosk.values import Money, SessionId
from kiosk.wording.languages import LANGUAGES

SELLER = Seller("Lindenhof Energy GmbH", ("Lindenweg 4", "10115 Berlin"), "DE123456789", "0800 555 0417", "E0417-")


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with Journal.open(tmp_path / "journal.db", reserve_bytes=0) as journal:
        yield Shelf(journal)


def press(shelf: Shelf) -> Press:
    async def sign() -> Checkpoint:
        return shelf.journal.checkpoint()

    return Press(shelf.journal.reader(), sign, SELLER, lambda c: Place("Lindenhof", ("Lindenweg 4",), c, "A"), 48)


def sold(shelf: Shelf, language: str = "en") -> PrintReceipt:
    w = shelf.w
    w.give(i.QuoteAccepted(w.ids.session(), A, replace(quote(), language=language)))
    w.answer("Preauthorize", i.Done(approval(5_000, f"PSP{w.session.id[-4:]}")))
    w.status(1, i.ConnectorStatus.PREPARING)
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    assert w.session.transaction is not None
    w.wait(1_800)
    w.end(w.session.transaction, 110)
    w.settle()
    shelf.keep()
    return PrintReceipt(shelf.w.session.id, shelf.w.k.receipts, 0)


async def test_the_paper_is_the_same_however_much_is_signed_after_it(shelf: Shelf) -> None:
    receipt = sold(shelf)
    first = await press(shelf).job(receipt)
    for _ in range(3):
        sold(shelf)
        shelf.journal.checkpoint()
    assert await press(shelf).job(receipt) == first


async def test_the_first_signed_state_with_an_entry_is_found(shelf: Shelf) -> None:
    sold(shelf)
    head = shelf.journal.head
    with shelf.journal.reader() as reader:
        assert reader.signed_with(head) is None
        sizes = [shelf.journal.checkpoint().size]
        sold(shelf)
        sizes.append(shelf.journal.checkpoint().size)
        for seq, size in ((1, sizes[0]), (head, sizes[0]), (head + 1, sizes[1]), (sizes[1], sizes[1])):
            state = reader.signed_with(seq)
            assert state is not None
            assert parse(state.note).size == size
        assert reader.signed_with(sizes[1] + 1) is None


async def test_a_sale_that_cannot_be_read_has_no_paper_and_no_code(shelf: Shelf) -> None:
    receipt = sold(shelf)
    shelf.journal.append([Entry(receipt.session, "HoverboardDocked", 1, shelf.w.now, b"{}")])
    with pytest.raises(PressError, match="HoverboardDocked"):
        await press(shelf).job(receipt)
    assert press(shelf).code(receipt.session) == ()


async def test_a_sale_without_a_receipt_has_no_paper(shelf: Shelf) -> None:
    session = shelf.pays_with("card")
    assert not shelf.w.all_of(f.ReceiptIssued)
    with pytest.raises(PressError, match="holds no receipt"):
        await press(shelf).job(PrintReceipt(session, 1, 0))
    assert press(shelf).code(session) == ()


def test_a_code_is_made_once_and_not_kept_for_ever(shelf: Shelf) -> None:
    sales = [sold(shelf).session for _ in range(18)]
    one = press(shelf)
    made = [one.code(session) for session in sales]
    assert all(made)
    assert len(set(made)) == len(made)
    assert one.code(sales[0]) == made[0]


# --- credit notes -------------------------------------------------------------------------------------------------------------

_CUT = b"\x1dV"


def paid_back(shelf: Shelf, session: SessionId, cents: int, order: str) -> None:
    shelf.w.give(i.RefundAsked(session, Money(cents, "EUR"), "Ada", "goodwill", order))
    shelf.w.answer("Modify", i.Done(i.Accepted(f"REF-{order}")))
    shelf.keep()


def printed_again(shelf: Shelf, session: SessionId, result: i.Result) -> PrintReceipt:
    """The road of a driver who asks for paper once more."""
    shelf.w.give(i.ReprintAsked(session))
    (asked,) = [request.body for request in shelf.w.open() if isinstance(request.body, PrintReceipt)]
    shelf.keep()
    shelf.w.answer("PrintReceipt", result)
    shelf.keep()
    return asked


def papers(job: bytes) -> list[bytes]:
    return job.split(_CUT)[:-1]


async def test_whoever_was_paid_back_gets_the_credit_note_with_the_receipt(shelf: Shelf) -> None:
    first = sold(shelf)
    paid_back(shelf, first.session, 100, "1")
    again = printed_again(shelf, first.session, i.Done(i.Printed("printed")))
    receipt, note = papers(await press(shelf).job(again))
    assert b"COPY 1" in receipt and b"Credit note" not in receipt
    assert b"Credit note" in note and b"E0417-C000001" in note and b"COPY" not in note
    assert b"1.00" in note and b"E0417-000001" in note
    assert len(papers(await press(shelf).job(first))) == 1, "what was printed before the refund is what it was"


async def test_a_credit_note_that_was_printed_is_a_copy_the_next_time(shelf: Shelf) -> None:
    session = sold(shelf).session
    paid_back(shelf, session, 100, "1")
    first = printed_again(shelf, session, i.NotSent("no paper"))
    second = printed_again(shelf, session, i.Done(i.Printed("printed")))
    paid_back(shelf, session, 50, "2")
    third = printed_again(shelf, session, i.Unknown())
    marks = [[b"COPY" in paper for paper in papers(await press(shelf).job(one))[1:]] for one in (first, second, third)]
    assert marks[1:] == [[False], [True, False]]
    assert marks[0] == [False]
    assert await press(shelf).job(second) == await press(shelf).job(second)


async def test_every_paper_names_a_signed_state_that_includes_it(shelf: Shelf) -> None:
    session = sold(shelf).session
    receipt_state = shelf.journal.checkpoint()
    paid_back(shelf, session, 100, "1")
    note_state = shelf.journal.checkpoint()
    shelf.w.give(i.ReprintAsked(session))
    shelf.keep()
    receipt, note = papers(await press(shelf).job(PrintReceipt(session, 1, 1)))
    assert short(receipt_state).split()[0].encode() in receipt
    assert short(note_state).split()[0].encode() in note


@pytest.mark.parametrize("language", LANGUAGES)
async def test_both_papers_are_in_the_language_of_the_sale(shelf: Shelf, language: str) -> None:
    session = sold(shelf, language).session
    paid_back(shelf, session, 100, "1")
    again = printed_again(shelf, session, i.Done(i.Printed("printed")))
    assert len(papers(await press(shelf).job(again))) == 2
    assert shelf.w.session.quote is not None and shelf.w.session.quote.language == language
