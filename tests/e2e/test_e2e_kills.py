"""kill -9 of core at ten points of the path: the sale goes on or is settled, nothing is held or taken twice.

The visit lives in core's memory, so the screen comes back to its first page; the sale's facts are on the disk.
"""

from __future__ import annotations

import pytest
from stand import Stand, euros, until

from kiosk.session import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="module")

POLICIES = {"start_timeout_seconds": 240, "stop_timeout_seconds": 240, "note_seconds": 1}


async def kill(site: Stand) -> None:
    """kill -9; the supervisor brings core back, and the person at the screen sees it come."""
    await site.house.core.kill()
    await back(site)


async def back(site: Stand) -> None:
    await until(lambda: site.driver.gone, "the screen to notice")
    await site.sit_down()
    await site.driver.sees(lambda s: s.page in ("idle", "out_of_order"), "a first page")


async def charge_to_the_end(site: Stand) -> None:
    """Whatever is left of a sale on plug A, as a driver does it without a word from the screen."""
    if not site.deliveries:
        site.pile.plug(1)
    await site.noted(f.DeliveryStarted)
    await site.energy()
    site.pile.unplug(1)
    await settled_once(site)


async def settled_once(site: Stand) -> None:
    cents = await site.captured()
    assert len(site.captures) == 1
    await site.idle("A", "B")
    assert site.reviews == []
    assert len(site.facts(f.PreauthorizationRequested)) == 1
    (receipt,) = await until(lambda: site.receipts, "the paper")
    assert euros(cents) in receipt


async def test_right_after_the_driver_agreed(site: Stand):
    await site.agree()
    await kill(site)
    # The terminal may or may not have been asked: it is questioned, never asked again under another number.
    await until(lambda: site.facts(f.PaymentGivenUp, f.PaymentDeclined) or site.terminal.present_card("good"), "an end or a card")
    if not site.facts(f.PaymentGivenUp, f.PaymentDeclined):
        await charge_to_the_end(site)
        return
    await site.closed()
    assert site.payments == []
    await site.idle("A", "B")


async def test_while_the_card_is_awaited(site: Stand):
    await site.agree()
    await site.asked_for_card()
    await site.house.core.kill()
    await site.tap()  # the terminal goes on alone
    await back(site)
    key = next(key for key in site.driver.snapshot.connectors if key.letter == "A")
    assert (key.state, key.intent) == ("waiting", "")  # nobody else buys the plug meanwhile
    await site.noted(f.PaymentAuthorized)
    await charge_to_the_end(site)


async def test_just_after_the_approval(site: Stand):
    await site.agree()
    await site.tap()
    await until(lambda: site.payments, "the approval")
    await kill(site)
    await site.noted(f.PaymentAuthorized)
    await charge_to_the_end(site)


async def test_while_the_cable_is_awaited(site: Stand):
    await site.pay()
    await kill(site)
    await charge_to_the_end(site)


async def test_while_car_and_pile_are_starting(site: Stand):
    await site.pay()
    site.pile.plug(1)
    await until(lambda: site.facts(f.StartRequested), "the start")
    await kill(site)
    await charge_to_the_end(site)


async def test_while_charging(site: Stand):
    await site.charge()
    before = site.delivery.mwh
    await kill(site)
    await site.driver.sees(lambda s: any(k.letter == "A" and k.state == "in_use" for k in s.connectors), "plug A in use")
    await site.energy(before + 200_000)  # it never stopped
    await charge_to_the_end(site)


async def test_when_the_stop_is_requested(site: Stand):
    code = (await site.pay()).stop_code
    await site.plug()
    await site.energy()
    site.pile.fault("vanish")  # the pile hears nothing for now
    await site.driver.press("stop")
    await site.driver.press("type_code")
    await site.driver.page("code")
    await site.driver.type_code(code)
    await site.driver.press("confirm_stop")
    await site.noted(f.StopRequested)
    await kill(site)
    site.pile.mend()
    await until(lambda: site.delivery.end_ms, "the end of the charge")
    assert site.delivery.reason == "Remote"
    site.pile.unplug(1)
    await settled_once(site)


async def test_just_after_the_end(site: Stand):
    await site.charge()
    site.pile.stop_locally(1)
    await kill(site)
    await charge_to_the_end(site)


async def test_while_the_capture_is_under_way(site: Stand):
    await site.charge()
    site.bank.server.fault("slow")
    site.pile.stop_locally(1)
    site.pile.unplug(1)
    await until(lambda: site.captures, "the capture in the acquirer's books")
    assert site.facts(f.ModificationSubmitted) == []
    await kill(site)
    await settled_once(site)


async def test_while_the_receipt_is_printed(site: Stand):
    await site.charge()
    site.printer.stalled = True
    site.pile.stop_locally(1)
    site.pile.unplug(1)
    await site.noted(f.PrintRequested)
    await kill(site)
    site.printer.stalled = False
    await site.captured()
    assert [fact.result for fact in site.facts(f.PrintEnded)] == ["unconfirmed"]
    assert len(site.facts(f.ReceiptIssued)) == 1
    assert sum("COPY" not in receipt for receipt in site.receipts) <= 1
    await site.idle("A", "B")


async def test_three_times_in_one_sale(site: Stand):
    await site.agree()
    await site.asked_for_card()
    await site.house.core.kill()
    await site.tap()
    await back(site)
    await site.noted(f.PaymentAuthorized)
    site.pile.plug(1)
    await site.noted(f.DeliveryStarted)
    await site.energy()
    await kill(site)
    site.pile.stop_locally(1)
    await kill(site)
    site.pile.unplug(1)
    await settled_once(site)
    site.verify()
