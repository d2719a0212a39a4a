"""Receipts: numbered without a gap, printed once, and copies that say so."""

from __future__ import annotations

import pytest
from world import A, B, World, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.requests import Recovery

PRINTED = i.Done(i.Printed("printed"))


def receipt(w: World) -> None:
    transaction = w.deliver()
    w.wait(1_800)
    w.end(transaction, 110)
    w.answer("Modify", i.Done(i.Accepted("CAP1")))


def copies(w: World) -> list[int]:
    return [fact.copy for fact in w.all_of(f.PrintRequested)]


def test_number_and_capture_lie_in_one_append() -> None:
    w = World()
    transaction = w.deliver()
    w.wait(1_800)
    w.end(transaction, 110)
    assert w.k.receipts == 0
    assert names(w.answer("Modify", i.Done(i.Accepted("CAP1")))) == ["ModificationSubmitted", "ReceiptIssued", "PrintRequested"]


def test_two_sales_at_once_get_two_numbers_in_the_order_of_their_captures() -> None:
    w = World()
    first, second = w.deliver(A), w.deliver(B)
    w.wait(3_600)
    w.end(first, 110)
    w.end(second, 110)
    captures = [r.ref for r in w.open()]
    for ref in reversed(captures):
        w.give(i.Outcome(ref, i.Done(i.Accepted(f"CAP-{ref}"))))
    issued = w.all_of(f.ReceiptIssued)
    assert [x.number for x in issued] == [1, 2]
    assert captures[1].startswith(issued[0].session)


def test_a_sale_without_a_capture_uses_no_number() -> None:
    w = World()
    w.finish()
    transaction = w.deliver()
    w.end(transaction, 100)
    w.answer("Modify", i.Done(i.Accepted("X1")))
    w.status(1, ConnectorStatus.AVAILABLE)
    w.finish()
    assert [x.number for x in w.all_of(f.ReceiptIssued)] == [1, 2]


def test_a_print_is_never_made_again_by_itself() -> None:
    w = World()
    receipt(w)
    assert w.request("PrintReceipt").recovery is Recovery.NEVER_AGAIN
    w.restart()
    assert w.kinds() == []
    assert w.session.prints[0].result == "unconfirmed"


@pytest.mark.parametrize(
    ("result", "word"),
    [
        (PRINTED, "printed"),
        (i.Done(i.Printed("interrupted")), "interrupted"),
        (i.NotSent("no paper"), "not_printed"),
        (i.Refused("no printer"), "not_printed"),
        (i.Unknown("", "the printer went away"), "unconfirmed"),
    ],
)
def test_what_became_of_the_paper_is_noted_and_the_money_untouched(result: i.Result, word: str) -> None:
    w = World()
    receipt(w)
    (fact,) = w.answer("PrintReceipt", result)
    assert isinstance(fact, f.PrintEnded)
    assert fact.result == word
    assert w.kinds() == []


def test_paper_after_none_came_out_is_the_original() -> None:
    w = World()
    receipt(w)
    w.answer("PrintReceipt", i.NotSent("no paper"))
    w.give(i.ReprintAsked(w.session.id))
    assert copies(w) == [0, 0]


@pytest.mark.parametrize("result", [PRINTED, i.Unknown(), i.Done(i.Printed("interrupted"))])
def test_paper_after_some_may_have_come_out_is_a_copy(result: i.Result) -> None:
    w = World()
    receipt(w)
    w.answer("PrintReceipt", result)
    w.give(i.ReprintAsked(w.session.id))
    w.answer("PrintReceipt", PRINTED)
    w.give(i.ReprintAsked(w.session.id))
    assert copies(w) == [0, 1, 2]
    assert len({fact.request for fact in w.all_of(f.PrintRequested)}) == 3


def test_no_second_print_while_one_is_under_way() -> None:
    w = World()
    receipt(w)
    assert w.give(i.ReprintAsked(w.session.id)) == ()


def test_nothing_is_printed_before_there_is_a_receipt() -> None:
    w = World()
    w.deliver()
    assert w.give(i.ReprintAsked(w.session.id)) == ()


def test_a_copy_of_a_closed_sale_is_printed_and_closes_it_again() -> None:
    w = World()
    w.finish()
    assert w.session.closed_at is not None
    assert names(w.give(i.ReprintAsked(w.session.id))) == ["PrintRequested"]
    assert w.kinds() == ["PrintReceipt"]
    assert names(w.answer("PrintReceipt", PRINTED)) == ["PrintEnded", "SessionClosed"]
    assert w.k.sessions == {}


def test_a_closed_sale_that_prints_does_not_take_its_connector_back() -> None:
    w = World()
    w.finish()
    w.give(i.ReprintAsked(w.session.id))
    assert w.k.at(A) is None
    w.accept()
    assert w.k.at(A) is not None
