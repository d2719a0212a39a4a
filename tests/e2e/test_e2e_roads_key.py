"""The card that paid is the key to the charge and its receipt; nobody else's is, and nothing of it lies on the disk in clear."""

from __future__ import annotations

import pytest
from stand import Stand, euros, until

from hardware.simulated.models.terminal import TerminalState
from hardware.simulated.models.terminal_wire import CARDS
from kiosk.protocol import Snapshot
from kiosk.session import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELD = 8  # sales that the kiosk still holds after their end


async def charging(site: Stand, card: str = "good") -> None:
    await site.pay(card=card)
    await site.plug()
    await site.energy()


async def show(site: Stand, card: str) -> None:
    """Hold a card to the terminal, which asks for one only to know it again."""
    await site.driver.press("show_card")
    page = await site.driver.page("card")
    assert page.found == "looking"
    await site.asked_for_card()
    assert site.terminal.present_card(card)


async def shown(site: Stand, card: str, found: str) -> Snapshot:
    """Hold a card to it that opens nothing."""
    await show(site, card)
    return await site.driver.sees(lambda s: s.page == "card" and s.found == found, f"a card that is {found}")


async def over(site: Stand) -> int:
    """The charge has stopped: nothing but the price was ever reserved or taken; the cents."""
    await site.driver.page("finished")
    site.pile.unplug(1)
    await site.receipt_shown()
    cents = await site.captured()
    await until(lambda: site.receipts, "the paper")
    assert site.reviews == []
    return cents


# The same card; a phone with the card in it, which has no alias; a card whose scheme knows no account reference.
@pytest.mark.parametrize(("paid", "held"), [("good", "good"), ("good", "wallet"), ("wallet", "good"), ("alias_only", "alias_only")])
async def test_the_same_card_stops_the_charge(site: Stand, paid: str, held: str):
    await charging(site, paid)
    await site.driver.send("leave")
    await site.idle("B")
    await site.driver.press("choose", letter="A")
    page = await site.driver.page("stop")
    assert not Stand.can(page, "confirm_stop")
    await show(site, held)
    await site.driver.sees(lambda s: s.page == "stop" and Stand.can(s, "confirm_stop"), "the button to hold")
    await site.driver.press("confirm_stop")
    await over(site)
    assert [fact.by for fact in site.facts(f.StopProved)] == ["card"]
    assert [fact.by for fact in site.facts(f.StopRequested)] == ["card"]
    assert site.delivery.reason == "Remote"


@pytest.mark.parametrize(("card", "found"), [("other", "nothing"), ("anonymous", "unreadable")])
async def test_another_card_does_not(site: Stand, card: str, found: str):
    await charging(site)
    await site.driver.press("stop")
    page = await shown(site, card, found)
    assert page.title.endswith(".")
    assert page.what.endswith(".")
    await site.driver.send("confirm_stop")
    await site.driver.press("back")
    page = await site.driver.page("stop", "charging")
    assert not Stand.can(page, "confirm_stop")
    assert site.facts(f.StopProved) == []
    assert site.delivery.end_ms is None
    await site.end()
    await over(site)


async def test_a_charge_is_found_again_by_its_card_from_the_first_page(site: Stand):
    await charging(site)
    await site.driver.send("leave")
    await site.idle("B")
    await show(site, "good")
    page = await site.driver.sees(lambda s: s.page == "stop" and Stand.can(s, "confirm_stop"), "the driver's own charge")
    assert page.badge == "A"
    await site.driver.press("back")
    await site.driver.page("charging")
    await site.end()
    await over(site)


async def test_nobody_shows_a_card_and_the_next_driver_finds_the_terminal_free(site: Stand):
    await charging(site)
    await site.driver.press("stop")
    await site.driver.press("show_card")
    await site.asked_for_card()
    await site.driver.press("back")
    await until(lambda: site.terminal.state() is TerminalState.IDLE, "a terminal that asks nobody any more")
    await site.driver.send("leave")
    await site.idle("B")
    await site.pay("B")
    await site.driver.press("cancel")
    await site.driver.sees(lambda s: s.page == "trouble" and "were released" in s.card.note, "the release")
    site.pile.unplug(1)
    await site.closed(2)


async def test_core_dies_while_a_card_is_looked_at(site: Stand):
    await charging(site)
    await site.driver.press("stop")
    await site.driver.press("show_card")
    await site.asked_for_card()
    await site.house.core.kill()
    await site.sit_down()
    await site.idle("B")
    await site.pay("B")  # the next core lets the terminal go, or sells when it is free again
    await site.driver.press("cancel")
    await site.driver.sees(lambda s: s.page == "trouble" and "were released" in s.card.note, "the release")
    site.pile.unplug(1)
    await site.closed(2)
    assert len(site.facts(f.CaptureRequested)) == 1


async def test_the_receipt_is_found_again_by_its_card_and_printed_as_a_copy(site: Stand):
    await charging(site)
    await site.end()
    cents = await over(site)
    await site.idle_after("finish")
    site.begin_paper()
    await shown(site, "other", "nothing")
    await site.driver.press("back")
    await site.idle()
    await show(site, "wallet")
    page = await site.driver.sees(lambda s: s.page == "finished" and s.receipt_qr, "the driver's own receipt")
    assert page.card.value == euros(cents)
    await site.driver.press("print")
    (receipt,) = await until(lambda: site.receipts, "the paper")
    assert "COPY" in receipt
    assert euros(cents) in receipt
    assert len(site.captures) == 1


async def test_a_receipt_the_kiosk_no_longer_holds_is_found_by_its_card_and_printed_as_a_copy(site: Stand):
    await charging(site, "alias_only")
    await site.end()
    cents = await over(site)
    number = site.facts(f.ReceiptIssued)[0].number
    await site.idle_after("finish")
    for later in range(1, HELD + 2):
        await site.agree()
        await site.asked_for_card()
        await site.driver.press("cancel")
        await site.driver.sees(lambda s: s.page == "trouble" and Stand.can(s, "finish"), "the end of it")
        await site.closed(later + 1)
        await site.idle_after("finish")
    site.begin_paper()
    await shown(site, "alias_only", "printing")
    (receipt,) = await until(lambda: site.receipts, "the paper")
    assert "COPY" in receipt
    assert f"E0417-{number:06}" in receipt
    assert euros(cents) in receipt
    assert len(site.captures) == 1


async def test_nothing_that_names_a_card_is_on_the_disk(site: Stand):
    await charging(site)
    await site.driver.press("stop")
    await show(site, "good")
    await site.driver.press("confirm_stop")
    await over(site)
    secret = {part.encode() for card in CARDS.values() for part in (card.account_reference, card.alias) if part}
    files = [file for file in site.house.folder.rglob("*") if file.is_file() and "secrets" not in file.parts]
    assert any(file.name == "journal.db" for file in files)
    for file in files:
        found = [part for part in secret if part in file.read_bytes()]
        assert not found, f"{file.name} holds {found}"
