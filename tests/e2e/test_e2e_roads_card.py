"""The roads that leave the path at the card: what the driver sees, what happens to the money."""

from __future__ import annotations

import pytest
from stand import Stand, plain

from kiosk.session import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_declined_then_a_second_card(site: Stand):
    await site.agree()
    await site.tap("declining")
    page = plain(await site.driver.page("trouble"), "P21")
    assert (page.title, page.what) == ("Your bank said no to this card.", "Nothing paid. Nothing reserved.")
    assert site.payments == []
    await site.driver.press("another_card")
    await site.tap("good")
    await site.driver.page("plug_in")
    await site.plug()
    await site.energy()
    await site.end()
    await site.captured()
    assert len(site.facts(f.PreauthorizationRequested)) == 2


async def test_terminal_answer_lost_is_asked_for_and_the_sale_goes_on(site: Stand):
    site.terminal.fault("lose_answer")
    await site.agree()
    await site.tap()
    await site.driver.page("plug_in")
    assert [fact.hint for fact in site.facts(f.PaymentUnknown)]
    await site.plug()
    await site.energy()
    await site.end()
    await site.captured()
    assert len(site.facts(f.PreauthorizationRequested)) == 1
