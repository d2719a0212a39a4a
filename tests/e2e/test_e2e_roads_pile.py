"""The roads that leave the path at the pile: refusals, silence, reboots, meters, and who may stop a charge."""

from __future__ import annotations

import pytest
from stand import Stand, plain, price_of, settled, until

from kiosk.protocol import Snapshot
from kiosk.session import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="module")

POLICIES = {
    "pile_silent_seconds": 20,
    "lost_pile_seconds": 100,
    "lost_stop_seconds": 20,
    "note_seconds": 1,
    "stop_code_lock_seconds": 30,
    "start_timeout_seconds": 50,
}


async def kept_for_another_try(site: Stand) -> Snapshot:
    """The page after a start that failed: nothing is released yet, and the driver has a minute."""
    page = plain(await site.driver.page("trouble"), "S04")
    assert (page.title, page.now) == ("Plug A did not start.", "Push the plug until it clicks, then try again.")
    assert (page.card.value, page.card.after.split(",")[0]) == ("50.00", "reserved")
    assert page.countdown.total == 60
    assert Stand.can(page, "start_again")
    assert Stand.can(page, "cancel")
    assert (site.payment.held.minor, site.payment.modifications) == (5_000, ())
    return page


async def test_pile_refuses(site: Stand):
    site.pile.fault("refuse_start")
    await site.pay()
    site.pile.plug(1)
    await kept_for_another_try(site)
    page = plain(await site.driver.sees(lambda s: s.page == "trouble" and "were released" in s.card.note, "the release"), "S06")
    assert page.title == "Plug A did not start."
    assert "You pay nothing." in page.what
    await site.released()
    assert site.deliveries == []
    assert site.reviews == []


async def test_pile_accepts_and_never_starts(site: Stand):
    site.pile.fault("accept_never_start")
    await site.pay()
    site.pile.plug(1)
    await site.driver.page("starting")
    await kept_for_another_try(site)
    page = plain(await site.driver.sees(lambda s: s.page == "trouble" and "were released" in s.card.note, "the release"), "S07")
    assert "Nothing was delivered, so you pay nothing." in page.what
    await site.released()
    assert site.deliveries == []
    assert site.reviews == []


@pytest.mark.parametrize("fault", ["refuse_start", "accept_never_start"])
async def test_another_try_after_a_failed_start_needs_no_second_reservation(site: Stand, fault: str):
    site.pile.fault(fault)
    await site.pay()
    site.pile.plug(1)
    await kept_for_another_try(site)
    site.pile.mend()
    await site.driver.press("start_again")
    await site.driver.page("charging")
    await site.energy()
    await site.end()
    await site.receipt_shown()
    await site.captured()
    assert [len(site.facts(kind)) for kind in (f.PaymentAuthorized, f.StartFailed, f.StartRequested, f.CaptureRequested)] == [1, 1, 2, 1]
    assert site.reviews == []


async def test_three_failed_starts_release_what_was_reserved(site: Stand):
    site.pile.fault("refuse_start")
    await site.pay()
    site.pile.plug(1)
    for failed in (1, 2):
        await until(lambda failed=failed: len(site.facts(f.StartFailed)) == failed, "a start that fails")
        await kept_for_another_try(site)
        site.pile.fault("refuse_start")
        await site.driver.press("start_again")
    plain(await site.driver.sees(lambda s: s.page == "trouble" and "were released" in s.card.note, "the release"), "S06")
    await site.released()
    assert len(site.facts(f.StartRequested)) == 3
    assert site.deliveries == []


async def test_cancelled_after_a_failed_start(site: Stand):
    site.pile.fault("refuse_start")
    await site.pay()
    site.pile.plug(1)
    await kept_for_another_try(site)
    await site.driver.press("cancel")
    plain(await site.driver.sees(lambda s: s.page == "trouble" and "were released" in s.card.note, "the release"), "P26")
    await site.released()


async def test_nothing_delivered_is_never_charged(site: Stand):
    site.pile.fault("no_energy")
    await site.pay()
    await site.plug()
    site.pile.stop_locally(1)
    page = plain(await site.driver.sees(lambda s: s.page == "trouble" and "were released" in s.card.note, "the release"), "S08")
    assert page.title == "Nothing was delivered. You pay nothing."
    site.pile.unplug(1)
    await site.released()
    assert site.delivery.mwh == 0
    assert site.receipts == []
    assert site.reviews == []


async def test_pile_vanishes_and_comes_back_in_mid_delivery(site: Stand):
    await site.charge()
    site.pile.cut_network()
    away_at = site.delivery.mwh
    page = await site.driver.sees(lambda s: "silent" in s.title, "a word about the silence")
    assert (page.page, page.title) == ("charging", "Plug A is silent. We keep listening.")
    assert page.car.since.startswith("from ")
    site.pile.restore_network()
    await site.driver.sees(lambda s: s.title == "Charging. You can walk away.", "the charge, heard again")
    await site.end()
    await site.receipt_shown()
    assert site.delivery.mwh > away_at + 500_000
    await site.captured()
    assert site.reviews == []


async def test_charge_that_ended_while_the_pile_was_away_is_settled_when_it_is_back(site: Stand):
    await site.charge()
    site.pile.cut_network()
    await site.energy(site.delivery.mwh + 300_000)
    site.pile.unplug(1)
    assert site.delivery.reason == "EVDisconnected"
    site.pile.restore_network()
    await site.receipt_shown()
    await site.captured()
    assert site.reviews == []


async def test_pile_reboots_in_mid_delivery(site: Stand):
    await site.charge()
    site.pile.reboot()
    await site.driver.page("finished")
    site.pile.unplug(1)
    await site.receipt_shown()
    assert site.delivery.reason == "Reboot"
    await site.captured()
    assert site.reviews == []


async def test_pile_loses_its_power_in_mid_delivery(site: Stand):
    await site.charge()
    site.pile.power_cut()
    site.pile.unplug(1)
    site.pile.power_back()
    await site.receipt_shown()
    assert site.delivery.reason == "PowerLoss"
    await site.captured()


async def test_pile_that_never_comes_back_is_settled_by_the_last_proven_reading(site: Stand):
    await site.charge(mwh=500_000)
    site.pile.cut_network()
    await site.driver.page("finished")
    last = site.facts(f.MeterNoted)[-1].reading.mwh - site.facts(f.DeliveryStarted)[0].begin.mwh
    assert 0 < last <= site.delivery.mwh
    site.pile.restore_network()
    site.pile.unplug(1)
    await site.receipt_shown()
    await site.closed()
    settled(site.payment, price_of("A", last))
    assert set(site.reviews) == {"meter_estimated", "late_end"}  # the pile tells the whole truth too late


async def test_end_that_is_never_told_is_settled_by_the_last_reading_once_the_plug_is_free(site: Stand):
    site.pile.fault("no_stop")
    await site.charge(mwh=500_000)
    site.pile.unplug(1)
    await site.receipt_shown()
    await site.closed()
    last = site.facts(f.MeterNoted)[-1].reading.mwh - site.facts(f.DeliveryStarted)[0].begin.mwh
    assert 0 < last <= site.delivery.mwh
    settled(site.payment, price_of("A", last))
    assert site.reviews == ["meter_estimated"]


@pytest.mark.parametrize("fault", ["lose_next_answer", "lose_start", "stop_twice", "late_meter_values", "wrong_clock"])
async def test_a_pile_that_stammers_is_charged_for_once(site: Stand, fault: str):
    await site.pay()
    site.pile.fault(fault)
    site.pile.plug(1)
    await site.energy()
    await site.end()
    await site.receipt_shown()
    await site.captured()
    assert site.reviews == []


async def test_stop_by_code(site: Stand):
    code = (await site.pay()).stop_code
    await site.plug()
    await site.energy()
    await site.driver.press("stop")
    page = await site.driver.page("stop")
    assert not Stand.can(page, "confirm_stop")
    await site.driver.press("type_code")
    await site.driver.page("code")
    await site.driver.type_code(code)
    await site.driver.press("confirm_stop")
    await site.driver.page("finished")
    site.pile.unplug(1)
    await site.receipt_shown()
    assert site.delivery.reason == "Remote"
    await site.captured()


async def test_a_stranger_cannot_stop_and_three_wrong_codes_lock(site: Stand):
    code = (await site.pay()).stop_code
    await site.plug()
    await site.energy()
    await site.driver.send("leave")
    await site.idle("B")
    await site.driver.press("choose", letter="A")
    page = await site.driver.page("stop")
    assert not Stand.can(page, "confirm_stop")
    await site.driver.send("confirm_stop")
    await site.driver.press("type_code")
    wrong = f"{(int(code) + 1) % 10_000:04}"
    for left in ("2 tries left", "1 try left", "Too many tries"):
        await site.driver.page("code")
        await site.driver.type_code(wrong)
        await site.driver.sees(lambda s, left=left: left in s.subtitle, left)
    assert [fact.misses for fact in site.facts(f.StopCodeMissed)] == [1, 2, 3]
    await site.driver.type_code(code)  # locked: not even the right one
    assert site.facts(f.StopProved) == []
    await site.driver.sees(lambda s: s.page == "code" and s.code_length == 4, "the end of the lock")
    for _ in range(4):
        await site.driver.send("erase")
    await site.driver.type_code(code)
    await site.driver.press("confirm_stop")
    await until(lambda: site.delivery.end_ms, "the end of the charge")
    site.pile.unplug(1)
    await site.captured()
    assert [fact.by for fact in site.facts(f.StopRequested)] == ["code"]


async def test_meter_that_leaps_goes_to_a_person_and_nothing_is_taken(site: Stand):
    await site.charge()
    site.pile.fault("meter_jump")
    page = plain(await site.driver.page("trouble"), "M01")
    assert (page.title, page.what) == ("The meter of plug A gave no proof.", "You do not pay what is not proven.")
    assert page.card.note == "Reserved, not paid. A person looks at it now."
    site.pile.unplug(1)
    await site.noted(f.Vacated)
    assert site.reviews == ["meter_unproven"]
    assert site.captures == []
    assert site.payment.held.minor == 5_000
