"""The reserved amount is never passed: charging stops by itself, whatever the bank granted."""

from __future__ import annotations

import pytest
from stand import Stand, euros, until

from kiosk.session import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Small holds, so that a few kilowatt-hours reach them.
POLICIES = {"hold": "2.00", "smallest_hold": "1.00", "margin": "0.60"}


async def test_limit_reached_stops_by_itself(site: Stand):
    await site.pay()
    await site.plug()
    await site.driver.page("finished")
    site.pile.unplug(1)
    page = await site.receipt_shown()
    cents = await site.captured()
    assert 140 <= cents <= 200
    assert page.card.cap_end == f"{euros(200 - cents)}\xa0€ released"
    assert [fact.by for fact in site.facts(f.StopRequested)] == ["limit"]
    assert site.delivery.reason == "Remote"
    assert site.reviews == []


async def test_approval_for_less_caps_the_energy(site: Stand):
    page = await site.pay("A", "partial")
    assert page.card.value == "1.00"
    assert page.subtitle == "Your bank reserved less than we asked."
    await site.plug()
    await site.driver.page("finished")
    site.pile.unplug(1)
    page = await site.receipt_shown()
    cents = await site.captured()
    assert 40 <= cents <= 100
    assert (page.card.value, page.card.cap_end) == (euros(cents), f"{euros(100 - cents)}\xa0€ released")
    (receipt,) = await until(lambda: site.receipts, "the paper")
    assert "1.00" in receipt
    assert "2.00" not in receipt
    assert site.reviews == []
