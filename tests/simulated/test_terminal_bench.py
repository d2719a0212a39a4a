"""What hands can do to the terminal through the bench's HTTP API, and what a kiosk and its acquirer then see."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from hardware.api import Approved, Card, IdentifyOrder, PreauthorizationOrder
from hardware.simulated.bench import Bench, web
from hardware.simulated.far_ends import Bank, BankKeys, Site, SiteWiring
from hardware.simulated.models.pile_connector import ConnectorSpec
from hardware.simulated.roof import Roof
from hardware.terminals.adyen.local import AdyenLocalConfig, AdyenLocalTerminal
from hardware.terminals.adyen.nexo import NexoKey
from kiosk.values import Moment, Money

POI_ID = "S1U2-000158215131748"


class FastClock:
    """Real time, fifty times as fast."""

    def __init__(self) -> None:
        self._start = time.monotonic_ns()

    def now(self) -> Moment:
        passed = (time.monotonic_ns() - self._start) * 50
        return Moment(1_790_000_000_000 + passed // 1_000_000, "boot", passed)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 50)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds / 50)


class Mains:
    async def cut(self) -> None: ...

    async def back(self) -> None: ...

    async def kill(self, process: str) -> None: ...

    def state(self) -> dict[str, object]:
        return {}


@dataclass
class Place:
    hands: httpx.AsyncClient
    terminal: AdyenLocalTerminal
    bank: Bank

    async def do(self, verb: str, **arguments: Any) -> None:
        answer = await self.hands.post(f"/api/{verb}", json=arguments)
        assert answer.is_success, answer.text

    async def sees(self, state: str) -> None:
        async with asyncio.timeout(5):
            while (await self.state())["terminal"] != state:  # noqa: ASYNC110 - the terminal's state has no event
                await asyncio.sleep(0.005)

    async def state(self) -> dict[str, Any]:
        seen: dict[str, Any] = (await self.hands.get("/api/state")).json()
        return seen

    async def with_card(self, work: Awaitable[object], kind: str = "good") -> object:
        running = asyncio.ensure_future(work)
        await self.sees("present_card")
        await self.do("card", kind=kind)
        return await running

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - the bank's books have no event
                await asyncio.sleep(0.005)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    clock = FastClock()
    bank = Bank(BankKeys.fresh("PilePayDE"), clock)
    key = NexoKey.derive("P@ssw0rd123456", "pilekey", 1)
    wiring = SiteWiring(POI_ID, key, "PILE-1", [ConnectorSpec(1)], "ws://127.0.0.1:1")
    site = Site(wiring, bank, clock, tmp_path)
    await bank.server.start()
    await site.start()
    settings = AdyenLocalConfig(
        host="127.0.0.1",
        poi_id=POI_ID,
        sale_id="Kiosk1",
        key_identifier="pilekey",
        key_version=1,
        passphrase="P@ssw0rd123456",
        root_ca_pem=site.terminal.root_ca_pem,
        port=site.terminal.port,
        other_seconds=60,
    )
    transport = httpx.ASGITransport(web(Bench(site, bank, Mains(), Roof(tmp_path / "sun.json"))))
    async with httpx.AsyncClient(transport=transport, base_url="http://bench") as hands:
        yield Place(hands, AdyenLocalTerminal(settings, clock), bank)
    await site.stop()
    await bank.server.stop()


def order(service_id: str = "A1") -> PreauthorizationOrder:
    return PreauthorizationOrder(f"K1-{service_id}", service_id, Money(4_000, "EUR"), "de", 0)


async def test_a_payment_while_the_host_is_away_is_approved_stored_and_booked_when_it_is_back(place: Place) -> None:
    await place.do("store_and_forward", max_minor=5_000, max_payments=2)
    await place.do("fault", where="terminal", name="host_away")
    assert not (await place.terminal.diagnose("D1")).host
    outcome = await place.with_card(place.terminal.preauthorize(order()))
    assert isinstance(outcome, Approved)
    assert outcome.offline
    assert (await place.state())["terminal_stored"] == 1
    assert place.bank.server.books().payments == ()
    await place.do("fault", where="terminal", name="host_back")
    await place.until(lambda: place.bank.server.books().payment("K1-A1") is not None)
    assert (await place.state())["terminal_stored"] == 0


async def test_mending_brings_the_host_back(place: Place) -> None:
    await place.do("fault", where="terminal", name="host_away")
    await place.do("mend")
    assert (await place.terminal.diagnose("D1")).host


async def test_store_and_forward_can_be_taken_back(place: Place) -> None:
    await place.do("store_and_forward", max_minor=5_000, max_payments=2)
    await place.do("store_and_forward", max_minor=0, max_payments=0)
    await place.do("fault", where="terminal", name="host_away")
    assert not isinstance(await place.with_card(place.terminal.preauthorize(order())), Approved)


async def test_a_card_that_was_read_is_seen_waiting_and_a_reboot_forgets_it(place: Place) -> None:
    card = await place.with_card(place.terminal.identify(IdentifyOrder("i1", "i1", "de", 0)), "wallet")
    assert isinstance(card, Card)
    assert (await place.state())["terminal"] == "one_moment"
    await place.do("terminal_reboot")
    assert (await place.state())["terminal"] == "rebooting"
    await place.sees("idle")
    assert place.bank.server.books().payments == ()


async def test_the_sun_has_a_slider_and_the_kiosk_a_file_to_read(place: Place, tmp_path: Path) -> None:
    await place.do("sun", permille=600)
    assert (await place.state())["sun_permille"] == 600
    told = json.loads((tmp_path / "sun.json").read_text())["discounts"]
    assert [(row["type"], row["permille"]) for row in told] == [("SOLAR", 600)]
    await place.do("sun", permille=0)
    assert json.loads((tmp_path / "sun.json").read_text())["discounts"] == []
    for wrong in (1_001, -1):
        answer = await place.hands.post("/api/sun", json={"permille": wrong})
        assert (answer.status_code, "write 0 to 1000" in answer.text) == (400, True)
