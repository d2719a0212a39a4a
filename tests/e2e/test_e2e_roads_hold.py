"""Roads of the reserved amount: it grows in steps while the charge goes on, or the driver picks it."""

from __future__ import annotations

from pathlib import Path

import pytest
from stand import Stand, euros, price_of, stand

from kiosk.session import facts as f
from kiosk.values import Money

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Small steps, and a pile that tells its register every second, so that a few kilowatt-hours reach them.
SETTINGS = {"hold.policy": '"steps"', "hold.step": "2.00", "hold.most": "6.00"}
POLICIES = {"smallest_hold": "1.00", "margin": "0.60", "report_seconds": "1"}


async def stops_at_what_is_reserved(site: Stand) -> None:
    """The charge ends by itself within the first step, and the price of all that was delivered is taken."""
    await site.driver.page("finished")
    site.pile.unplug(1)
    await site.receipt_shown()
    await site.closed()
    cents = price_of("A", site.delivery.mwh)
    assert 100 <= cents <= 200
    assert [(m.kind, m.amount) for m in site.payment.modifications if m.result == "booked" and m.kind == "capture"] == [
        ("capture", Money(cents, "EUR"))
    ]
    assert site.payment.captured.minor == cents
    assert [fact.by for fact in site.facts(f.StopRequested)] == ["limit"]


async def test_the_hold_grows_in_steps_and_the_whole_price_is_one_capture(site: Stand):
    page = await site.pay()
    assert page.card.value == "2.00"
    assert site.payment.authorized.minor == 200
    await site.plug()
    await site.driver.sees(lambda s: s.card and "6.00" in s.rail_note, "how far the charge goes")
    await site.energy(5_000_000)
    await site.end()
    await site.receipt_shown()
    await site.closed()
    cents = price_of("A", site.delivery.mwh)
    assert 240 <= cents <= 600
    adjusted = [m for m in site.payment.modifications if m.kind == "adjust"]
    assert [m.amount.minor for m in adjusted] == [400, 600][: len(adjusted)]
    assert {m.result for m in adjusted} == {"booked"}
    assert [m.amount.minor for m in site.captures] == [cents]
    assert (site.payment.captured.minor, site.payment.held.minor) == (cents, 0)
    assert site.facts(f.ReviewOpened) == []


async def test_the_hold_ends_at_the_most_the_driver_agreed_to(site: Stand):
    await site.pay()
    await site.plug()
    await site.driver.page("finished", patience_s=60)
    site.pile.unplug(1)
    await site.receipt_shown()
    await site.closed()
    cents = price_of("A", site.delivery.mwh)
    assert 480 <= cents <= 600
    assert [m.amount.minor for m in site.payment.modifications if m.kind == "adjust"] == [400, 600]
    assert [m.amount.minor for m in site.captures] == [cents]
    assert [fact.by for fact in site.facts(f.StopRequested)] == ["limit"]


async def test_an_adjustment_the_issuer_refuses_ends_the_charge_at_what_is_reserved(site: Stand):
    site.bank.server.fault("adjust_rejected")
    await site.pay()
    await site.plug()
    await stops_at_what_is_reserved(site)
    assert [(m.kind, m.result) for m in site.payment.modifications] == [("adjust", "refused"), ("capture", "booked")]
    assert site.reviews == []


async def test_an_adjustment_nobody_confirms_is_not_spent(site: Stand):
    site.bank.server.fault("lose_webhook")
    await site.pay()
    await site.plug()
    await stops_at_what_is_reserved(site)
    assert [(m.kind, m.result) for m in site.payment.modifications] == [("adjust", "booked"), ("capture", "booked")]
    assert site.facts(f.ModificationSubmitted)
    assert site.reviews == []


@pytest.mark.asyncio(loop_scope="function")
async def test_the_driver_picks_what_is_reserved(folder: Path):
    settings = {"hold.policy": '"driver"', "hold.choices": "[10.00, 20.00, 40.00]"}
    async with stand(folder, settings=settings) as site:
        await site.driver.press("choose", letter="A")
        page = await site.driver.page("price")
        assert [(choice.text, choice.chosen) for choice in page.choices] == [
            ("10\xa0€", False),
            ("20\xa0€", True),
            ("40\xa0€", False),
        ]
        await site.driver.send("hold", dict(page.choices[2].args))
        page = await site.driver.sees(lambda s: s.card and s.card.value == "40.00", "the amount that was picked")
        assert [choice.chosen for choice in page.choices] == [False, False, True]
        await site.driver.press("accept")
        await site.tap()
        await site.driver.page("plug_in")
        assert site.facts(f.PreauthorizationRequested)[0].amount == Money(4_000, "EUR")
        assert site.payment.authorized.minor == 4_000
        await site.plug()
        await site.energy()
        await site.end()
        page = await site.receipt_shown()
        cents = await site.captured()
        assert page.card.cap_end == f"{euros(4_000 - cents)}\xa0€ released"
        await site.idle_after("finish")

        await site.driver.press("choose", letter="A")
        page = await site.driver.page("price")
        assert page.card.value == "20.00"  # the next driver's choice is their own
        await site.driver.send("hold", {"minor": "999900"})
        page = await site.driver.sees(lambda s: s.card and s.card.value == "20.00", "an amount nobody offered, not taken")
        await site.driver.send("leave")
