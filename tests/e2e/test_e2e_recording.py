"""An independent charge point, as recorded, sells through the whole kiosk."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from stand import a_bank, settled, stand_at, until

from kiosk.session import facts as f
from kiosk.simulation.house import free_port
from kiosk.values import Money

sys.path.append(str(Path(__file__).parent.parent / "ocpp"))
from replay import RecordedPile, recording

# Nothing cheaper can be captured than a cent: 17 Wh at 0.49 €/kWh are 0.00833 €.
CENTS = 1


async def test_microocpp_sells_seventeen_watt_hours(folder: Path):
    port = free_port()  # of the kiosk's OCPP server: its own simulated pile keeps looking elsewhere
    async with a_bank() as (bank, clock), stand_at(folder / "k", bank, clock, settings={"ocpp.port": port}) as site:
        bank.server.set_webhook_targets(site.house.webhook_url)
        begins = datetime.fromtimestamp(clock.now().utc_ms // 1_000, UTC)
        first, _ = recording("microocpp-1.6-remote-start.jsonl")
        async with RecordedPile(f"ws://127.0.0.1:{port}/ocpp/E0417", first, begins=begins) as pile:
            playing = asyncio.create_task(pile.play(sales=1))
            await site.idle("A")
            code = (await site.pay()).stop_code
            await site.driver.page("charging")
            await until(lambda: sum(said.action == "MeterValues" for said in pile.said) == 5, "all meter values")
            await site.driver.press("stop")
            await site.driver.press("type_code")
            await site.driver.page("code")
            await site.driver.type_code(code)
            await site.driver.press("confirm_stop")
            said = await playing
            page = await site.receipt_shown()
            await site.closed()

        assert all(exchange.answer[0] == 3 for exchange in said)
        settled(site.payment, CENTS)
        (ended,) = site.facts(f.DeliveryEnded)
        assert (ended.delivered.mwh, ended.reason, ended.delivered.reasons) == (17_000, "Remote", ())
        (priced,) = site.facts(f.Priced)
        assert (priced.charge, priced.shortfall) == (Money(CENTS, "EUR"), Money.zero("EUR"))
        assert (page.card.value, page.card.cap_end) == ("0.01", "49.99\xa0€ released")
        (receipt,) = await until(lambda: site.receipts, "the paper")
        assert "0.01" in receipt
        (started,) = site.facts(f.StartRequested)
        assert pile.tags == {"KIOSK0001": started.id_tag}
        assert site.reviews == []
        assert (await site.noted(f.ModificationConfirmed)).operation == "capture"
        site.verify()
