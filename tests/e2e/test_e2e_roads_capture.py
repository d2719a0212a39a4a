"""The roads that leave the path after the charge: the acquirer's answers and confirmations, and the paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from stand import Stand, euros, plain, price_of, stand, until

from kiosk.session import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_capture_without_an_answer_is_sent_again_under_the_same_key(site: Stand):
    await site.charge()
    bank = site.bank.server
    for fault in ("drop_request", "error_500", "unavailable_703", "drop_answer"):
        bank.fault(fault)
    await site.end()
    page = await site.driver.sees(lambda s: s.card and s.card.after == "to pay", "a price that is not yet paid")
    assert page.page == "finished"
    assert page.card.note == "We send this amount to your bank. You need not wait."
    assert "released" not in page.card.cap_end
    page = await site.receipt_shown()
    cents = await site.captured()
    assert (page.card.value, page.card.after) == (euros(cents), "paid")
    assert len(site.facts(f.CaptureRequested)) == 1
    assert site.reviews == []


@pytest.mark.parametrize("fault", ["slow", "html_201", "error_500_after", "rate_limit"])
async def test_capture_answered_badly_is_booked_once(site: Stand, fault: str):
    await site.charge()
    site.bank.server.fault(fault)
    await site.end()
    await site.receipt_shown()
    await site.captured()
    assert site.reviews == []


async def test_capture_refused(site: Stand):
    await site.charge()
    site.bank.server.fault("refuse_captures")
    site.pile.stop_locally(1)
    await site.driver.page("finished")
    site.pile.unplug(1)
    page = plain(await site.driver.page("trouble"), "P51")
    cents = price_of("A", site.delivery.mwh)
    assert (page.title, page.now) == ("You are done. Your bank did not pay us.", "Unplug and drive. Please do not pay again.")
    assert page.what == f"{euros(cents)}\xa0€ is open. We look into it with your bank."
    assert page.card.note == "Reserved, not paid. A person looks at it now."
    await site.noted(f.Vacated)
    assert site.reviews == ["capture_refused"]
    assert site.facts(f.SessionClosed) == []  # it waits for a decision, and so does what is reserved
    assert (site.payment.held.minor, site.payment.modifications) == (5_000, ())
    await site.ordered("review", "decide", site.sale, "capture_refused", "release", "--by", "Ada", "--reason", "not worth a dispute")
    await site.released()
    assert site.receipts == []


async def test_capture_confirmed_only_after_the_sale_is_over(site: Stand):
    site.bank.server.fault("reorder_webhook")
    await site.charge()
    await site.end()
    await site.receipt_shown()
    await site.captured()
    assert site.facts(f.ModificationConfirmed) == []
    confirmed = await site.noted(f.ModificationConfirmed)
    assert confirmed.request == site.captures[0].reference
    assert site.reviews == []


async def test_capture_never_confirmed_is_paid_for_the_driver_all_the_same(site: Stand):
    site.bank.server.fault("lose_webhook")
    await site.charge()
    await site.end()
    page = await site.receipt_shown()
    assert page.card.after == "paid"
    await site.captured()
    await until(lambda: site.receipts, "the paper")
    never = site.captures[0].reference
    await site.idle_after("finish")
    site.begin()
    await site.charge()  # the next one's confirmation overtakes it
    await site.end()
    assert (await site.noted(f.ModificationConfirmed)).request != never
    await site.captured()


async def test_capture_that_fails_days_after_it_was_confirmed(site: Stand):
    site.bank.server.fault("capture_fails_later")
    await site.charge()
    await site.end()
    page = plain(await site.driver.page("trouble"), "P52")
    cents = price_of("A", site.delivery.mwh)
    assert (page.title, page.now) == ("Your bank took the payment back.", "Please do not pay again.")
    assert page.what == f"{euros(cents)}\xa0€ is open. We look into it with your bank."
    assert [type(fact) for fact in site.facts(f.ModificationConfirmed, f.ModificationFailed)] == [
        f.ModificationConfirmed,
        f.ModificationFailed,
    ]
    assert site.reviews == ["capture_failed"]
    assert [(m.kind, m.result) for m in site.payment.modifications] == [("capture", "failed_later")]


async def test_capture_received_and_then_rejected(site: Stand):
    site.bank.server.fault("capture_rejected")
    await site.charge()
    await site.end()
    plain(await site.driver.page("trouble"), "P52")
    assert site.reviews == ["capture_failed"]
    assert [(m.kind, m.result) for m in site.payment.modifications] == [("capture", "refused")]


async def test_no_paper_then_a_new_roll(site: Stand):
    site.printer.paper_mm = 0
    await site.charge()
    await site.end()
    page = await site.driver.sees(lambda s: s.receipt_note.startswith("No paper."), "a word about the paper")
    assert page.receipt_note == "No paper. Your receipt is here on the screen."
    assert page.receipt_qr
    cents = await site.captured()
    assert site.receipts == []
    site.printer.refill()
    site.begin_paper()
    await site.driver.press("print")
    await site.driver.sees(lambda s: s.receipt_note.startswith("Printed."), "the print")
    (receipt,) = await until(lambda: site.receipts, "the paper")
    assert euros(cents) in receipt
    assert "COPY" not in receipt
    assert len(site.captures) == 1


async def test_paper_that_ends_in_the_middle_is_printed_again_as_a_copy(site: Stand):
    site.printer.paper_mm = 40
    await site.charge()
    await site.end()
    await site.driver.sees(lambda s: Stand.can(s, "print"), "the end of the print")
    site.printer.refill()
    site.begin_paper()
    await site.driver.press("print")
    await site.driver.sees(lambda s: s.receipt_note.startswith("Printed."), "the print")
    (receipt,) = await until(lambda: site.receipts, "the paper")
    assert "COPY" in receipt
    await site.captured()


async def test_printer_without_power(site: Stand):
    await site.charge()
    await site.house.site.printer.power_off()
    try:
        await site.end()
        page = await site.driver.sees(lambda s: s.receipt_note.startswith("No paper."), "a word about the paper")
        assert page.receipt_qr
        await site.captured()
    finally:
        await site.house.site.printer.power_on()


@pytest.mark.asyncio(loop_scope="function")
async def test_capture_never_answered_stops_while_the_key_is_safe_and_goes_to_a_person(folder: Path):
    async with stand(folder, key_life_seconds=100, capture_alarm_seconds=20, review_seconds=200) as site:
        site.bank.server.fault("error_500", None)
        await site.charge()
        site.pile.stop_locally(1)
        site.pile.unplug(1)
        page = await site.driver.sees(lambda s: s.card and s.card.after == "to pay", "a price that is not yet paid")
        assert page.page == "finished"
        page = plain(await site.driver.page("trouble"), "P51")
        assert page.card.note == "Reserved, not paid. A person looks at it now."
        assert site.reviews == ["money_late", "capture_refused"]
        assert site.facts(f.AlarmRaised)
        assert site.facts(f.SessionClosed) == []
        site.bank.server.clear_faults()
        await site.noted(f.ReviewAlarmed)
        assert site.payment.held.minor == 5_000
        await site.released()  # nobody decided in time: what could not be taken goes back
        assert [fact.code for fact in site.facts(f.ReviewLapsed)] == ["capture_refused"]
        assert site.receipts == []
