"""The roads of the operator's own system: away for a day, back in the middle of everything, of another opinion. No sale waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from conftest import Ground
from stand import Stand, price_of, run, settled, until

from hardware.simulated.csms_server import CsmsServer
from hardware.simulated.models.csms import Csms, Transaction
from kiosk.session import facts as f
from kiosk.simulation.house import free_port
from kiosk.values import MWH_PER_WH

pytestmark = pytest.mark.asyncio(loop_scope="module")

IDENTITY = "lindenhof-e0417"
PORT = free_port()
SETTINGS = {"upstream.url": f'"ws://127.0.0.1:{PORT}/ocpp"', "upstream.identity": f'"{IDENTITY}"', "upstream.retry_seconds": 5}
POLICIES = {"note_seconds": 2}


class Operator:
    """The operator's own system, with a new book for each test."""

    def __init__(self, site: Stand, server: CsmsServer) -> None:
        self.site = site
        self.server = server

    @property
    def csms(self) -> Csms:
        return self.server.csms

    async def told(self, charges: int, kills: int = 0) -> list[Transaction]:
        """So many charges are in the books, each once, begun and ended, with what the pile delivered; a little again after kills."""
        await until(lambda: len(self.ended) >= charges, f"{charges} charges in the operator's books", 40)
        found = self.csms.transactions
        assert self.csms.broken == []
        assert len(self.csms.repeats) <= kills
        assert [one.wh for one in found] == [-(-delivery.mwh // MWH_PER_WH) for delivery in self.site.deliveries]
        assert len({one.id_tag for one in found}) == charges
        for one in found:
            times = [one.began, *(at for at, _ in one.values), one.ended]
            assert times == sorted(times)
            registers = [float(wh) for _, wh in one.values]
            assert registers == sorted(registers)
        return found

    @property
    def ended(self) -> list[Transaction]:
        return [one for one in self.csms.transactions if one.meter_stop is not None]

    async def here(self) -> None:
        """Connected and accepted, and nothing waits."""
        await self.server.back()
        await self.site.ordered("upstream", "--again")
        await until(lambda: "StatusNotification" in self.csms.actions, "the station", 20)

    async def sells(self, letter: str = "A") -> None:
        """A whole sale, captured."""
        self.site.driver.pages.clear()
        closed = len(self.site.facts(f.SessionClosed))
        before = len(self.site.deliveries)
        await self.site.pay(letter)
        await self.site.plug(letter)
        await self.site.energy(100_000, before)
        await self.site.end(letter)
        await self.site.closed(closed + 1)
        await self.site.idle()


@pytest_asyncio.fixture(loop_scope="module")
async def operator(ground: Ground) -> AsyncIterator[Operator]:
    site = await ground.ready()
    server = CsmsServer(site.clock, IDENTITY)
    server.port = PORT
    one = Operator(site, server)
    await one.here()
    one.csms.said.clear()
    yield one
    await server.stop()


async def test_csms_away_for_the_whole_of_two_sales_is_told_each_once_and_in_order(operator: Operator):
    site = operator.site
    await operator.server.away()
    for letter in "BA":
        await operator.sells(letter)
    assert all(settled(p, price_of(letter, d.mwh)) for p, letter, d in zip(site.payments, "BA", site.deliveries, strict=True))
    told = await site.ordered("upstream")
    assert told["state"] == "away"
    assert told["waiting"] >= 4
    assert told["oldest_s"] > 0
    assert "messages wait" in (await site.office("queue")).stdout
    written = site.house.folder / "written.toml"  # as an installer would have written it
    table = "\n".join(f"{key.removeprefix('upstream.')} = {value}" for key, value in SETTINGS.items())
    written.write_text(f"{site.house.config.read_text()}\n[upstream]\n{table}\n")
    check = await asyncio.to_thread(run, "check", "--config", str(written))
    assert (check.returncode, "as lindenhof-e0417: away for" in check.stdout) == (0, True), check.stdout
    assert operator.csms.transactions == []
    await operator.server.back()
    await site.office("queue", "--flush")
    found = await operator.told(2)
    assert [one.connector for one in found] == [2, 1]
    assert (await site.ordered("upstream"))["waiting"] == 0
    assert site.reviews == []


async def test_csms_acquirer_and_terminal_away_at_once_and_each_is_settled_when_it_is_back(operator: Operator):
    site = operator.site
    await site.charge()
    await until(lambda: operator.csms.transactions, "the begin in the operator's books")
    await operator.server.away()
    await site.bank.server.stop()
    site.terminal.fault("offline")
    site.pile.stop_locally(1)
    site.pile.unplug(1)
    page = await site.driver.sees(lambda s: s.card and s.card.after == "to pay", "a price that is not yet paid")
    assert page.page == "finished"
    await operator.server.back()
    (one,) = await operator.told(1)  # the operator knows before the bank does
    assert one.reason
    assert site.captures == []
    await site.bank.server.start()
    site.terminal.fault("online")
    await site.captured()
    assert site.reviews == []


async def test_csms_back_while_the_kiosk_is_killed_in_the_middle_of_telling_it(operator: Operator):
    site = operator.site
    await operator.server.away()
    for letter in "AB":
        await operator.sells(letter)
    operator.csms.slow_s = 1
    await operator.server.back()
    await site.office("upstream", "--again")
    for kills in (1, 2):
        seen = len(operator.csms.said)
        await until(lambda seen=seen: {"StartTransaction", "StopTransaction"} & set(operator.csms.actions[seen:]), f"kill {kills}", 40)
        await site.house.core.kill()
    await operator.told(2, kills=2)
    await site.sit_down()
    await site.idle()
    assert [one.connector for one in operator.csms.transactions] == [1, 2]
    site.verify()


async def test_csms_that_calls_the_charge_invalid_changes_nothing_and_may_end_it_as_the_operator_may(operator: Operator):
    site = operator.site
    operator.csms.verdict, operator.csms.names = "Invalid", lambda: 0
    await site.charge()
    await until(lambda: operator.csms.transactions, "the begin in the operator's books")
    await site.energy(300_000)  # it goes on
    told = await site.ordered("upstream")
    assert [remark["charge"] for remark in told["remarks"]] == [site.sale]
    assert await operator.server.call("RemoteStartTransaction", {"idTag": "X", "connectorId": 2}) == {"status": "Rejected"}
    assert await operator.server.call("RemoteStopTransaction", {"transactionId": 4711}) == {"status": "Rejected"}
    assert await operator.server.call("RemoteStopTransaction", {"transactionId": 0}) == {"status": "Accepted"}
    assert (await site.noted(f.StopRequested)).by == "operator"
    await site.driver.page("finished")
    site.pile.unplug(1)
    await site.captured()
    (one,) = await operator.told(1)
    assert one.reason == "Remote"
    await site.ordered("upstream", "--again")
