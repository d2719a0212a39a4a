"""The main job, end to end: a driver taps a card, charges, pays what the meter says and gets a receipt."""

from __future__ import annotations

import pytest
from stand import Stand, euros, price_of, until

from kiosk.session import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_pay_first_then_plug_in(site: Stand):
    driver = site.driver
    idle = await site.idle()
    assert [(key.letter, key.price, key.note) for key in idle.connectors] == [
        ("A", "0.49 €/kWh", "50.00\xa0€ reserved first"),
        ("B", "0.39 €/kWh", "30.00\xa0€ reserved first"),
    ]
    await driver.press("choose", letter="A")
    price = await driver.page("price")
    assert [(row.name, row.amount) for row in price.prices if not row.none] == [("Electricity", "0.49"), ("After charging", "0.10")]
    assert (price.card.value, price.card.after) == ("50.00", "reserved, not paid")
    await driver.press("accept")
    await driver.page("pay")
    await site.tap()
    plug_in = await driver.page("plug_in")
    assert len(plug_in.stop_code) == 4
    assert "9999" in plug_in.card.label
    await site.plug("A")
    await site.energy(1_000_000)
    await driver.sees(lambda s: s.card and s.card.value not in ("", "0.00"), "a cost that grows")
    finished = await site.end("A")
    assert finished.page == "finished"
    finished = await driver.sees(lambda s: s.receipt_qr and "rinted" in s.receipt_note, "the printed receipt")

    cents = await site.captured("A")
    assert cents == price_of("A", site.delivery.mwh) > 40
    assert (finished.card.value, finished.card.after) == (euros(cents), "paid")
    assert finished.card.cap_end == f"{euros(5_000 - cents)}\xa0€ released"
    # Bank, car and pile may be quicker than the screen, which is then never shown waiting for them.
    assert [page for page in driver.pages if page not in ("authorising", "starting")] == ["price", "pay", "plug_in", "charging", "finished"]

    (receipt,) = site.receipts
    words = " ".join(receipt.split())
    for part in ("50.00", euros(cents), euros(5_000 - cents), "9999", "E0417-000001", "Lindenhof Energy GmbH", "DE123456789"):
        assert part in words, receipt
    confirmed = await site.noted(f.ModificationConfirmed)
    (capture,) = site.captures
    assert (confirmed.request, confirmed.operation, confirmed.psp_reference) == (capture.reference, "capture", capture.psp_reference)
    assert site.reviews == []
    assert site.verify()["checkpoints"] >= 1


async def test_plug_in_first_then_pay(site: Stand):
    site.pile.plug(1)
    await site.driver.page("price")  # the cable chose for the driver
    await site.driver.press("accept")
    await site.tap()
    await site.driver.page("charging")
    await site.energy()
    await site.end("A")
    await site.receipt_shown()
    await site.captured("A")
    await until(lambda: site.receipts, "the receipt on paper")
    await site.driver.press("finish")
    await site.idle()
    assert site.reviews == []
