"""More than one sale at a time: two plugs of one kiosk, two kiosks of one merchant account."""

from __future__ import annotations

import asyncio
from pathlib import Path

from stand import Stand, a_bank, price_of, settled, stand, stand_at, until

from kiosk.session import facts as f


async def test_plug_b_is_sold_while_a_charges(folder: Path):
    async with stand(folder, idle_after_seconds=30, finished_seconds=30) as site:
        await site.charge("A")
        idle = await site.idle("B")  # nobody touched the screen for half a minute: it is free again
        assert {key.letter: key.state for key in idle.connectors} == {"A": "in_use", "B": "free"}
        assert idle.title == "Plug B is free. Plug A is in use."
        await site.pay("B")
        site.pile.plug(2)
        await site.energy(50_000, sale=1)
        site.pile.unplug(1)
        site.pile.unplug(2)
        await site.closed(2)
        by_plug = {delivery.number: delivery for delivery in site.deliveries}
        for payment, letter, number in zip(site.payments, "AB", (1, 2), strict=True):
            settled(payment, price_of(letter, by_plug[number].mwh))
        await until(lambda: len(site.receipts) == 2, "two receipts")
        assert [fact.number for fact in site.facts(f.ReceiptIssued)] == [1, 2]
        assert len({fact.id_tag for fact in site.facts(f.StartRequested)}) == 2
        assert len({fact.transaction for fact in site.facts(f.DeliveryStarted)}) == 2
        await site.idle()


async def test_two_kiosks_on_one_merchant_account(folder: Path):
    # The second's name begins with the first's, so that a sloppy look at references would mix them up.
    async with (
        a_bank() as (bank, clock),
        stand_at(folder / "1", bank, clock, "lindenhof-e0417") as first,
        stand_at(folder / "2", bank, clock, "lindenhof-e0417-b") as second,
    ):
        bank.server.set_webhook_targets(first.house.webhook_url, second.house.webhook_url)
        await asyncio.gather(_sale(first), _sale(second))

        payments = bank.server.books().payments
        assert len({p.merchant_reference for p in payments}) == len(payments) == 2
        modifications = [m for p in payments for m in p.modifications]
        assert len({m.reference for m in modifications}) == len({m.key for m in modifications}) == 2
        for site in (first, second):
            settled(site.payment, price_of("A", site.delivery.mwh))
            assert {fact.request for fact in site.facts(f.ModificationConfirmed)} == {m.reference for m in site.captures}
            assert site.facts(f.OrphanConfirmation) == []
            assert site.reviews == []


async def _sale(site: Stand) -> None:
    await site.pay()
    site.pile.plug(1)
    await site.energy()
    site.pile.unplug(1)
    await site.closed()
    await site.noted(f.ModificationConfirmed)
