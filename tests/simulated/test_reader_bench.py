"""What hands can do to the RFID reader through the bench, and what whoever listens to it hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from test_terminal_bench import POI_ID, FastClock, Mains

from hardware.api import AnswerLost, Tap
from hardware.readers.line import LineReader
from hardware.readers.ways import TcpWay
from hardware.simulated.bench import Bench, web
from hardware.simulated.far_ends import Bank, BankKeys, Site, SiteWiring
from hardware.simulated.models.pile_connector import ConnectorSpec
from hardware.simulated.models.reader import UIDS, TagKind
from hardware.terminals.adyen.nexo import NexoKey

HEARD = "listened to"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    clock = FastClock()
    key = NexoKey.derive("P@ssw0rd123456", "pilekey", 1)
    wiring = SiteWiring(POI_ID, key, "PILE-1", [ConnectorSpec(1)], "ws://127.0.0.1:1")
    site = Site(wiring, Bank(BankKeys.fresh("PilePayDE"), clock), clock, tmp_path)
    await site.reader.start()
    yield site
    await site.reader.stop()


@pytest.fixture
async def hands(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(web(Bench(site, Bank(BankKeys.fresh("PilePayDE"), FastClock()), Mains())))
    async with httpx.AsyncClient(transport=transport, base_url="http://bench") as hands:
        yield hands


async def test_a_tag_on_the_bench_is_a_tag_at_the_reader_and_a_pulled_cable_is_one(site: Site, hands: httpx.AsyncClient):
    taps: asyncio.Queue[Tap] = asyncio.Queue()
    listening = asyncio.create_task(LineReader(TcpWay("127.0.0.1", site.reader.port, FastClock())).run(taps.put_nowait, lambda: None))
    async with asyncio.timeout(5):
        while (await hands.get("/api/state")).json()["reader"] != HEARD:  # noqa: ASYNC110 - a reader tells nobody who listens
            await asyncio.sleep(0.005)
        assert (await hands.post("/api/tag", json={"kind": "blocked"})).is_success
        assert (await taps.get()).uid == UIDS[TagKind.BLOCKED]
        assert (await hands.post("/api/reader", json={"up": False})).is_success
        with pytest.raises(AnswerLost):
            await listening
    assert (await hands.get("/api/state")).json()["reader"] != HEARD


async def test_a_tag_that_nobody_has_is_refused(hands: httpx.AsyncClient):
    answer = await hands.post("/api/tag", json={"kind": "golden"})
    assert (answer.status_code, "golden" in answer.text) == (400, True)
