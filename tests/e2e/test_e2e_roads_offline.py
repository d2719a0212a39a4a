"""Roads without a connection: to the issuers, to the terminal, to the acquirer, to all of them at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from stand import Stand, plain, price_of, settled, stand, until

from hardware.simulated.models.terminal_store import StoreAndForward
from kiosk.protocol import Snapshot
from kiosk.session import facts as f

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAPPED = {"offline.rule": '"capped"', "offline.sale": "15.00", "offline.stored": "25.00"}
ALONE = StoreAndForward({"EUR": 10_000}, 5)
MINUTE_S = 60


async def cards_away(site: Stand) -> Snapshot:
    """Nothing is sold, and the page says why."""
    page = await site.driver.page("out_of_order")
    assert (page.title, page.what) == ("Cards cannot be taken now.", "We have no connection to the bank. Running charges go on.")
    assert page.call == "If you call us, say code K04 and E0417."
    return page


async def told(site: Stand, *, host: bool) -> None:
    """The kiosk has looked and found the terminal's host away, or back."""
    await until(lambda: [fact.host for fact in site.facts(f.TerminalReported)][-1:] == [host], f"a look at the terminal's host: {host}")


async def passes(site: Stand, seconds: int) -> None:
    """Let so much of the product's time pass."""
    end = site.clock.now().plus(seconds)
    await until(lambda: site.clock.now().reached(end), f"{seconds} s")


@asynccontextmanager
async def away(site: Stand, *what: str) -> AsyncIterator[None]:
    """`terminal`: no connection to it is taken; `acquirer`: the same."""
    if "terminal" in what:
        site.terminal.fault("offline")
    if "acquirer" in what:
        await site.bank.server.stop()
    try:
        yield
    finally:
        site.terminal.fault("online")
        if "acquirer" in what:
            await site.bank.server.start()


# --- nothing is sold ----------------------------------------------------------------------------------------------------------


async def test_no_issuer_can_be_asked_so_nothing_is_sold_and_a_running_charge_ends_well(site: Stand):
    await site.charge()
    await site.driver.send("leave")
    site.terminal.fault("host_away")
    page = await site.driver.sees(lambda s: s.page == "idle" and s.title == "Cards cannot be taken now.", "the word that no card pays")
    assert {key.letter: key.state for key in page.connectors} == {"A": "in_use", "B": "closed"}
    assert [key.letter for key in page.connectors if key.intent] == ["A"]
    site.pile.unplug(1)
    await site.receipt_shown()
    await site.captured()
    await site.driver.press("finish")
    await cards_away(site)
    site.pile.plug(1)  # whoever plugs in is not sold anything either
    await passes(site, 10)
    assert (site.driver.snapshot.page, site.deliveries[1:], len(site.payments)) == ("out_of_order", [], 1)
    site.pile.unplug(1)
    site.terminal.fault("host_back")
    await site.idle()
    assert site.reviews == []


async def test_the_host_goes_between_the_price_and_the_card(site: Stand):
    await site.agree()
    await site.asked_for_card()
    site.terminal.fault("host_away")
    await site.tap()
    page = plain(await site.driver.page("trouble"), "P30")
    assert page.card.note in ("Nothing reserved. Nothing paid.", "If it was reserved, we told your bank to release it.")
    await site.driver.press("cancel")
    await site.released(holds=0)
    site.terminal.fault("host_back")


async def test_a_terminal_that_approves_alone_against_the_rule_pays_for_nothing(site: Stand):
    await site.agree()
    await site.asked_for_card()
    site.terminal.store_and_forward(ALONE)
    site.terminal.fault("host_away")
    await site.tap()
    plain(await site.driver.page("trouble"), "P43")
    assert site.payments == []
    site.terminal.fault("host_back")
    await until(lambda: site.payments and site.payment.cancelled, "the release of what the issuer reserved later")
    await site.released()
    assert site.deliveries == []


@pytest.mark.parametrize("what", [("terminal",), ("acquirer",), ("terminal", "acquirer")], ids=" and ".join)
async def test_away_for_minutes_and_over_a_restart_of_core(site: Stand, what: tuple[str, ...]):
    await site.charge()
    async with away(site, *what):
        await passes(site, 3 * MINUTE_S)
        await site.house.core.kill()
        await site.sit_down()
        idle = await site.driver.sees(lambda s: s.page == "idle" and s.connectors and s.connectors[0].state == "in_use", "the charge")
        assert idle.connectors[0].state == "in_use"
        if "terminal" in what:
            await site.driver.sees(lambda s: s.title == "Cards cannot be taken now.", "the word that no card pays")
        site.pile.unplug(1)
        await site.noted(f.CaptureRequested)
        await passes(site, MINUTE_S)
        assert len(site.facts(f.ReceiptIssued)) == ("acquirer" not in what)
    await site.captured()
    assert len(site.facts(f.CaptureRequested)) == 1
    await until(lambda: site.receipts, "the paper")
    await site.idle()
    assert site.reviews == []


# --- given away ---------------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio(loop_scope="function")
async def test_while_no_card_can_pay_the_energy_is_given_away_where_that_is_the_rule(folder: Path):
    async with stand(folder, settings={"offline.rule": '"free"'}) as site:
        site.terminal.fault("host_away")
        await told(site, host=False)
        await site.driver.press("choose", letter="A")
        page = await site.driver.page("price")
        assert page.card.value == "0.00"
        await site.driver.press("accept")
        page = await site.driver.page("plug_in")
        assert len(page.stop_code) == 4
        await site.plug()
        await site.energy()
        await site.end()
        page = await site.driver.page("finished")
        assert (page.card.value, page.receipt_qr) == ("0.00", ())
        await site.closed()
        assert site.delivery.mwh > 0
        assert [fact.rule for fact in site.facts(f.Priced)] == ["free"]
        assert (site.payments, site.facts(f.PreauthorizationRequested), site.facts(f.ReceiptIssued)) == ([], [], [])
        assert site.bank.server.books().strays == ()
        await site.driver.press("finish")
        site.terminal.fault("host_back")
        await told(site, host=True)
        await site.idle()
        site.begin()
        await site.charge()  # and now it costs again
        await site.end()
        await site.receipt_shown()
        await site.captured()
        assert site.reviews == []


# --- on the terminal's own approval -------------------------------------------------------------------------------------------


async def charged_offline(site: Stand, card: str = "good") -> Snapshot:
    """A charge on the terminal's own approval, to its end; the last page."""
    site.terminal.store_and_forward(ALONE)
    site.terminal.fault("host_away")
    await told(site, host=False)
    page = await site.pay(card=card)
    assert page.card.value == "15.00"
    await site.plug()
    await site.energy()
    await site.end()
    await site.noted(f.Priced)
    return await site.driver.page("finished")


@pytest.mark.asyncio(loop_scope="function")
async def test_a_charge_on_the_terminals_own_approval_is_taken_once_its_issuer_was_asked(folder: Path):
    async with stand(folder, settings=CAPPED) as site:
        page = await charged_offline(site)
        assert page.receipt_qr == ()
        await passes(site, 2 * MINUTE_S)
        assert (site.payments, site.facts(f.CaptureRequested), site.facts(f.ReceiptIssued)) == ([], [], [])
        await site.house.core.kill()
        await site.sit_down()
        await until(lambda: site.terminal.stored() == 1, "one payment in the terminal's store")
        site.terminal.fault("host_back")
        await site.captured()
        assert (site.terminal.stored(), len(site.facts(f.PaymentForwarded)), len(site.facts(f.CaptureRequested))) == (0, 1, 1)
        assert len(site.facts(f.ReceiptIssued)) == 1
        assert site.reviews == []


@pytest.mark.asyncio(loop_scope="function")
async def test_the_webhook_of_the_issuer_comes_twice_and_the_capture_goes_out_once(folder: Path):
    async with stand(folder, settings=CAPPED) as site:
        await charged_offline(site)
        site.bank.server.fault("duplicate_webhook")
        site.terminal.fault("host_back")
        await site.captured()
        await passes(site, MINUTE_S)
        assert (len(site.facts(f.PaymentForwarded)), len(site.captures)) == (1, 1)


@pytest.mark.asyncio(loop_scope="function")
async def test_an_offline_approval_that_the_issuer_declines_later_is_for_a_person(folder: Path):
    async with stand(folder, settings=CAPPED) as site:
        await charged_offline(site, "declining")
        site.terminal.fault("host_back")
        page = plain(await site.driver.page("trouble"), "P44")
        assert page.title.endswith(".")
        assert "offline_declined" in site.reviews
        assert (site.payments, site.facts(f.CaptureRequested), site.facts(f.ReceiptIssued)) == ([], [], [])
        rows = await site.ordered("review", "list")
        assert "offline_declined" in {row["code"] for row in rows}
        await site.ordered("review", "decide", site.sale, "offline_declined", "settled", "--by", "Ada", "--reason", "an invoice was sent")
        assert [fact.by for fact in site.facts(f.ReviewDecided)] == ["Ada"]


@pytest.mark.asyncio(loop_scope="function")
async def test_no_more_is_sold_on_the_terminals_own_approval_than_the_operator_risks(folder: Path):
    async with stand(folder, settings=CAPPED) as site:
        await charged_offline(site)
        await site.driver.press("finish")
        await site.idle()
        page = await site.pay("B")
        assert page.card.value == "10.00"  # 25.00 in all, 15.00 of them are spent
        site.pile.plug(2)
        await site.energy(20_000, sale=1)
        await site.driver.send("leave")
        page = await site.driver.sees(lambda s: s.title == "Cards cannot be taken now.", "the word that no card pays")
        assert [key.letter for key in page.connectors if key.intent] == ["B"]
        site.pile.unplug(2)
        await until(lambda: len(site.facts(f.Priced)) == 2, "two prices")
        assert site.payments == []
        site.terminal.fault("host_back")
        await site.closed(2)
        by_plug = {delivery.number: delivery.mwh for delivery in site.deliveries}
        for payment, letter, number in zip(site.payments, "AB", (1, 2), strict=True):
            settled(payment, price_of(letter, by_plug[number]))
        await site.idle()
