"""What an operator does about sales from the kiosk's own command line: decisions on reviews, refunds, the queue to the acquirer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from driver import PATIENCE_S
from stand import Stand, euros, price_of, settled, stand, until

from hardware.simulated.models.acquirer_books import Modification, Payment
from kiosk.session import facts as f
from kiosk.simulation.house import MAY_REFUND

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = MAY_REFUND
SIGNED = ("--by", "Ada Lindt", "--reason", "goodwill")


async def sold(site: Stand) -> tuple[str, int]:
    """A sale from the first touch to the receipt; its id and what it cost."""
    await site.charge()
    await site.end()
    await site.receipt_shown()
    cents = await site.captured()
    sale = site.sale
    await site.idle_after("finish")
    return sale, cents


def refunds(payment: Payment) -> list[tuple[int, str]]:
    return [(m.amount.minor, m.result) for m in payment.modifications if m.kind == "refund"]


def booked(payment: Payment, kind: str) -> list[Modification]:
    return [m for m in payment.modifications if m.kind == kind and m.result == "booked"]


# --- refunds ------------------------------------------------------------------------------------------------------------------


async def test_refund_in_two_parts_and_never_more_than_was_taken(site: Stand):
    sale, cents = await sold(site)
    first, rest = 3, cents - 3
    await site.ordered("refund", sale, "--amount", euros(first), *SIGNED)
    too_much = await site.office("refund", sale, "--amount", euros(rest + 1), *SIGNED)
    assert (too_much.returncode, too_much.stdout) == (1, "")
    assert too_much.stderr == f"that is more than was captured and is not yet paid back; refundable: {euros(rest)} EUR\n"
    await site.ordered("refund", sale, *SIGNED)  # without an amount: all that is left
    await until(lambda: len(site.facts(f.CreditNoteIssued)) == 2, "two credit notes")
    nothing = await site.office("refund", sale, "--amount", "0.01", *SIGNED)
    assert nothing.returncode == 1
    assert nothing.stderr.startswith("nothing was captured for this sale, or all of it is paid back")
    assert refunds(site.payment) == [(first, "booked"), (rest, "booked")]
    assert [fact.number for fact in site.facts(f.CreditNoteIssued)] == [1, 2]
    assert [fact.number for fact in site.facts(f.ReceiptIssued)] == [1]  # the receipt stands
    assert [(fact.by, fact.reason, fact.amount.minor) for fact in site.facts(f.RefundRequested)] == [
        ("Ada Lindt", "goodwill", first),
        ("Ada Lindt", "goodwill", rest),
    ]


async def test_the_same_order_twice_is_one_refund(site: Stand):
    sale, cents = await sold(site)
    await site.ordered("refund", sale, "--command", "ticket 4711", *SIGNED)
    again = await site.office("refund", sale, "--command", "ticket 4711", *SIGNED)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("this refund was ordered before; it is made once")
    await site.noted(f.CreditNoteIssued)
    assert refunds(site.payment) == [(cents, "booked")]
    assert len(site.facts(f.RefundRequested)) == 1


async def test_a_refund_wants_a_name_a_reason_and_a_sale(site: Stand):
    sale, _ = await sold(site)
    for words, sentence in (
        (
            (sale, "--by", "Ada", "--reason", "because"),
            "give your name with --by and a reason with --reason (reasons: not_delivered, price,",
        ),
        ((sale, "--by", " ", "--reason", "price"), "by is missing, too long, or no plain text"),
        ((f"{sale}0", *SIGNED), f"this kiosk has no sale {sale}0: see `pilepay journal sales`"),
        ((sale, "--amount", "1,50", *SIGNED), "'1,50' is no amount in EUR: write it in major units, such as 12.30"),
        ((sale, "--amount", "-1.00", *SIGNED), "'-1.00' is no amount in EUR"),
        ((sale, "--amount", "0.001", *SIGNED), "'0.001' is no amount in EUR"),
    ):
        done = await site.office("refund", *words)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(sentence), done.stderr
        assert "Traceback" not in done.stderr
    assert site.facts(f.RefundRequested) == []
    assert refunds(site.payment) == []


async def test_core_dies_between_the_order_and_the_answer_and_still_refunds_once(site: Stand):
    sale, cents = await sold(site)
    site.bank.server.fault("slow")
    await site.ordered("refund", sale, "--command", "once", *SIGNED)
    await until(lambda: refunds(site.payment), "the refund at the acquirer, its answer on the way")
    await site.house.core.kill()
    await site.sit_down()
    await site.noted(f.CreditNoteIssued)
    again = await site.office("refund", sale, "--command", "once", *SIGNED)
    assert again.returncode == 1
    assert refunds(site.payment) == [(cents, "booked")]
    assert len({m.key for m in site.payment.modifications if m.kind == "refund"}) == 1
    assert len(site.facts(f.CreditNoteIssued)) == 1


async def test_refund_of_a_sale_long_over(site: Stand):
    sale, cents = await sold(site)
    for later in range(1, 10):  # more than the kiosk holds
        await site.agree()
        await site.asked_for_card()
        await site.driver.press("cancel")
        await site.driver.sees(lambda s: s.page == "trouble" and Stand.can(s, "finish"), "the end of it")
        await site.closed(later + 1)
        await site.idle_after("finish")
    await site.ordered("refund", sale, *SIGNED)
    note = await site.noted(f.CreditNoteIssued)
    assert note.session == sale
    assert refunds(site.payment) == [(cents, "booked")]
    await until(lambda: [x for x in site.facts(f.ModificationConfirmed) if (x.operation, x.session) == ("refund", sale)], "its webhook")
    more = await site.office("refund", sale, "--amount", "0.01", *SIGNED)
    assert more.returncode == 1
    assert site.facts(f.OrphanConfirmation) == []


@pytest.mark.asyncio(loop_scope="function")
async def test_a_kiosk_without_the_key_refunds_nothing(folder: Path):
    async with stand(folder) as site:
        sale, _ = await sold(site)
        done = await site.office("refund", sale, *SIGNED)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("this kiosk holds no key that may refund: refund in the Customer Area")
        assert site.facts(f.RefundRequested) == []


# --- reviews ------------------------------------------------------------------------------------------------------------------


async def unproven(site: Stand) -> str:
    """A sale whose meter leapt, waiting for a person; its id."""
    await site.charge()
    site.pile.fault("meter_jump")
    await site.driver.page("trouble")
    site.pile.unplug(1)
    await site.noted(f.Vacated)
    (row,) = await site.ordered("review", "list")
    assert (row["session"], row["code"], row["alarm"]) == (site.sale, "meter_unproven", False)
    assert row["deadline_ms"] > row["opened_ms"]
    return site.sale


async def test_an_unproven_meter_decided_for_a_capture(site: Stand):
    sale = await unproven(site)
    wrong = await site.office("review", "decide", sale, "meter_unproven", "capture", "--kwh", "much", "--by", "Ada", "--reason", "x")
    assert (wrong.returncode, wrong.stderr) == (1, "'much' is no energy in kWh: write it such as 12.345\n")
    words = ("--kwh", "1.234", "--by", "Ada Lindt", "--reason", "read off the car's display")
    await site.ordered("review", "decide", sale, "meter_unproven", "capture", *words)
    await site.closed()
    settled(site.payment, price_of("A", 1_234_000))
    assert len(site.facts(f.ReceiptIssued)) == 1
    (decided,) = site.facts(f.ReviewDecided)
    assert (decided.decision, decided.mwh, decided.by, decided.reason) == (
        "capture",
        1_234_000,
        "Ada Lindt",
        "read off the car's display",
    )
    assert await site.ordered("review", "list") == []
    again = await site.office("review", "decide", sale, "meter_unproven", "capture", *words)
    assert again.returncode == 1
    assert again.stderr.startswith("this sale has no open review of that code")
    assert len(site.captures) == 1


async def test_an_unproven_meter_decided_for_a_release(site: Stand):
    sale = await unproven(site)
    await site.ordered("review", "decide", sale, "meter_unproven", "release", "--by", "Ada", "--reason", "nobody can know")
    await site.released()
    assert site.receipts == []


async def test_a_refused_capture_is_tried_again_when_a_person_says_so(site: Stand):
    await site.charge()
    site.bank.server.fault("refuse_captures")
    await site.end()
    await site.driver.page("trouble")
    await site.noted(f.Vacated)
    wrong = await site.office("review", "decide", site.sale, "capture_refused", "capture", "--by", "Ada", "--reason", "x")
    assert (wrong.returncode, wrong.stderr) == (1, "this review cannot be decided that way\n")
    await site.ordered("review", "decide", site.sale, "capture_refused", "retry", "--by", "Ada", "--reason", "the bank mended it")
    cents = await site.captured()
    assert cents == price_of("A", site.delivery.mwh)
    first, second = site.facts(f.CaptureRequested)
    assert (first.amount, first.key == second.key) == (second.amount, False)
    assert len(site.facts(f.ReceiptIssued)) == 1


# --- the queue ----------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def acquirer_away(site: Stand) -> AsyncIterator[None]:
    """No connection to the acquirer is taken."""
    await site.bank.server.stop()
    try:
        yield
    finally:
        await site.bank.server.start()


async def captures_tried(site: Stand) -> list[dict[str, Any]]:
    """The captures in the queue, as soon as each was tried."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            rows = [row for row in await site.ordered("queue") if row["operation"] == "capture"]
            if rows and all(row["attempts"] for row in rows):
                return rows


@pytest.mark.asyncio(loop_scope="function")
async def test_the_queue_shows_what_waits_and_a_flush_sends_it_at_once(folder: Path):
    async with stand(folder, retry_first_seconds=600, retry_max_seconds=6_000) as site:
        assert (await site.office("queue")).stdout == "nothing waits\n"
        await site.charge()
        async with acquirer_away(site):
            await site.end()
            await site.noted(f.CaptureRequested)

            (row,) = await captures_tried(site)
            assert (row["attempts"], row["amount"]) == (1, f"{euros(price_of('A', site.delivery.mwh))} EUR")
            assert row["words"].startswith("NotSent: ")
            assert 0 <= row["age_s"] < 600
            told = (await site.office("queue")).stdout
            assert "capture" in told
            assert "1 attempts, last: NotSent" in told
        assert site.facts(f.ModificationSubmitted) == []
        await site.ordered("queue", "--flush")
        await site.noted(f.ModificationSubmitted, patience_s=5)  # the next try of its own would be half a minute away
        await site.captured()
        assert await site.ordered("queue") == []


@pytest.mark.asyncio(loop_scope="function")
async def test_many_sales_while_the_acquirer_is_away_are_each_taken_once_when_it_is_back(folder: Path):
    async with stand(folder) as site:
        async with acquirer_away(site):
            for sale in range(4):
                await site.pay()
                await site.plug()
                await site.energy(sale=sale)
                await site.end()
                await until(lambda sale=sale: len(site.facts(f.Vacated)) > sale, "a car that is gone")
                await site.idle_after("finish")
            rows = [row for row in await site.ordered("queue") if row["operation"] == "capture"]
            assert len(rows) == 4
            assert [row["deadline"] for row in rows] == sorted(row["deadline"] for row in rows)
            await site.house.core.kill()  # and the kiosk dies meanwhile
            await site.sit_down()
            assert len([row for row in await site.ordered("queue") if row["operation"] == "capture"]) == 4
        await site.closed(4)
        asked = {fact.session: fact.amount.minor for fact in site.facts(f.CaptureRequested)}
        assert len(asked) == 4
        for payment, delivery in zip(site.payments, site.deliveries, strict=True):
            settled(payment, price_of("A", delivery.mwh))
        assert [fact.number for fact in site.facts(f.ReceiptIssued)] == [1, 2, 3, 4]
        assert site.reviews == []


async def test_a_driver_who_was_paid_back_finds_the_credit_note_by_the_card(site: Stand):
    sale, _ = await sold(site)
    site.begin_paper()
    await site.ordered("refund", sale, "--amount", euros(3), *SIGNED)
    note = (await site.noted(f.CreditNoteIssued)).number
    for copies in (0, 1):
        await site.driver.press("show_card")
        await site.asked_for_card()
        assert site.terminal.present_card("good")
        page = await site.driver.sees(lambda s: s.page == "finished" and s.receipt_qr, "the driver's own receipt")
        assert euros(3) in page.card.note
        before = len(site.receipts)
        await site.driver.press("print")
        await until(lambda before=before: len(site.receipts) == before + 2, "both papers")
        receipt, credit = site.receipts[before:]
        assert "COPY" in receipt and "Credit note" not in receipt
        assert f"C{note:06}" in credit and euros(3) in credit
        assert ("COPY" in credit) is bool(copies)
        await until(lambda copies=copies: len(site.facts(f.PrintEnded)) == copies + 2, "the printer's word")
        await site.idle_after("finish")
