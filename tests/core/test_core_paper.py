"""Receipts from the journal: with the first signed state that includes them, and a plain refusal where the journal cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from core_shelf import Shelf

from kiosk.core.paper import Press
from kiosk.core.performers import PressError
from kiosk.journal.checkpoint import Checkpoint, parse
from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.receipts.receipt import Place, Seller
from kiosk.session import facts as f
from kiosk.session.requests import PrintReceipt

SELLER = Seller("Lindenhof Energy GmbH", ("Lindenweg 4", "10115 Berlin"), "DE123456789", "0800 555 0417", "E0417-")


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with Journal.open(tmp_path / "journal.db", reserve_bytes=0) as journal:
        yield Shelf(journal)


def press(shelf: Shelf) -> Press:
    async def sign() -> Checkpoint:
        return shelf.journal.checkpoint()

    return Press(shelf.journal.reader(), sign, SELLER, lambda c: Place("Lindenhof", ("Lindenweg 4",), c, "A"), 48)


def sold(shelf: Shelf) -> PrintReceipt:
    shelf.w.finish()
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
