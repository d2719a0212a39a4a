"""Roads of an RFID tag, on the product's own processes with a reader on a real socket: what it starts, stops, owes, and may not."""

from __future__ import annotations

import json

import pytest
from stand import Stand, price_of, run, until

from hardware.simulated.models.reader import UIDS, Fault, TagKind
from kiosk.session import facts as f
from kiosk.simulation.house import HAS_READER

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {**HAS_READER, "offline.rule": '"rfid_only"'}
TAGS_ALONE = "Cards cannot be taken now. RFID tags can."


async def hold(site: Stand, kind: TagKind) -> None:
    await until(lambda: site.house.site.reader.heard, "somebody at the reader")
    await site.house.site.reader.hold(UIDS[kind])


async def charging(site: Stand, kind: TagKind = TagKind.KNOWN, letter: str = "A") -> None:
    """From the idle page to a car that takes energy."""
    await until(lambda: site.facts(f.ReaderReported) or site.driver.snapshot.rail_note, "the reader")
    await site.driver.press("choose", letter=letter)
    await site.driver.page("price")
    await hold(site, kind)
    await site.driver.page("plug_in", "starting")
    await site.plug(letter)
    await site.energy()


async def owed(site: Stand, letter: str = "A", contract: str = "C-1042") -> int:
    """Closed, owed once and exactly what the pile delivered, nothing at the bank; the cents."""
    await site.closed()
    (charged,) = site.facts(f.AccountCharged)
    cents = price_of(letter, site.delivery.mwh)
    assert (charged.contract, charged.amount.minor, charged.mwh) == (contract, cents, site.delivery.mwh)
    assert (site.payments, site.reviews) == ([], [])
    return cents


async def test_a_known_tag_agrees_charges_and_owes_what_was_delivered(site: Stand):
    idle = await site.driver.sees(lambda s: s.page == "idle" and s.rail_note.startswith("Card or RFID tag."), "the word that tags pay too")
    assert "30.00" in idle.rail_note
    await charging(site)
    assert site.driver.snapshot.card.label == "Your account"
    site.pile.unplug(1)
    page = await site.receipt_shown()
    cents = await owed(site)
    assert (page.card.after, page.card.value) == ("on account", f"{cents // 100}.{cents % 100:02}")
    await until(lambda: site.receipts, "the paper")
    (paper,) = site.receipts
    assert "On account" in paper
    assert "C-1042" in paper
    assert UIDS[TagKind.KNOWN] not in paper
    await site.driver.press("finish")
    listed = run("journal", "sales", "--json", str(site.house.journal))
    row = json.loads(listed.stdout.splitlines()[-1])
    assert (row["contract"], row["capture"], row["charged"], row["card_last4"]) == ("C-1042", "on account", cents, "")
    whole = site.house.journal.read_bytes() + (site.house.folder / "core.log").read_bytes()
    assert UIDS[TagKind.KNOWN].encode() not in whole.upper()
    assert site.verify()


async def test_the_charge_is_stopped_by_its_tag_and_not_by_a_strangers(site: Stand):
    await charging(site)
    await site.driver.send("leave")
    await site.idle("B")
    await site.driver.press("choose", letter="A")
    await site.driver.page("stop")
    await hold(site, TagKind.STRANGER)
    page = await site.driver.page("card")
    assert page.title == "We do not know this RFID tag."
    await site.driver.press("back")
    await site.driver.page("stop")
    await hold(site, TagKind.FLEET)  # known, and somebody else's: it stops nothing, and sees the price of the plug that is free
    await site.driver.page("price")
    assert site.facts(f.StopProved) == []
    await site.driver.press("back")
    await site.idle("B")
    await hold(site, TagKind.KNOWN)
    page = await site.driver.sees(lambda s: s.page == "stop" and site.can(s, "confirm_stop"), "the stop that its tag proved")
    await site.driver.press("confirm_stop")
    await site.noted(f.DeliveryEnded)
    assert [fact.by for fact in site.facts(f.StopRequested)] == ["tag"]
    site.pile.unplug(1)
    await site.receipt_shown()
    await owed(site)


async def test_tags_are_sold_to_while_the_terminal_is_away_and_the_acquirer_too(site: Stand):
    site.terminal.fault("offline")
    await site.bank.server.stop()
    try:
        await site.driver.sees(lambda s: s.page == "idle" and s.rail_note == TAGS_ALONE, "the word that only tags pay", 60)
        await site.driver.press("choose", letter="B")
        page = await site.driver.page("price")
        assert not site.can(page, "accept")
        for kind, title in (
            (TagKind.BLOCKED, "This RFID tag is blocked."),
            (TagKind.EXPIRED, "This RFID tag is past its date."),
            (TagKind.PHONE, "We cannot know this one again."),
        ):
            await hold(site, kind)
            assert (await site.driver.page("card")).title == title
            await site.driver.press("back")
            await site.driver.page("price")
        site.house.site.reader.model.fault = Fault.CHATTERING
        await hold(site, TagKind.KNOWN)
        site.house.site.reader.model.fault = Fault.NONE
        await site.driver.page("plug_in", "starting")
        await site.plug("B")
        await site.energy()
        await site.house.core.kill()  # and in the middle of it the process dies
        await site.sit_down()
        site.pile.unplug(2)
        await site.noted(f.AccountCharged)
        await owed(site, "B")
        assert len(site.facts(f.SessionOpened)) == 1
    finally:
        site.terminal.fault("online")
        await site.bank.server.start()
    await site.idle()


async def test_a_reader_that_is_pulled_closes_its_road_and_opens_it_again(site: Stand):
    site.terminal.fault("offline")
    try:
        await site.driver.sees(lambda s: s.page == "idle" and s.rail_note == TAGS_ALONE, "the word that only tags pay", 60)
        await site.house.site.reader.unplug()
        page = await site.driver.page("out_of_order")
        assert page.title == "Cards cannot be taken now."
        await site.house.site.reader.start()
        await site.driver.sees(lambda s: s.page == "idle" and s.rail_note == TAGS_ALONE, "tags again", 30)
    finally:
        site.terminal.fault("online")
        await site.house.site.reader.start()
    await site.idle()
