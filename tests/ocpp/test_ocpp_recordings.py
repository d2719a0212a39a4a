"""Independent charge points, as recorded, sell to our kiosk."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from replay import RecordedPile, recording

from kiosk.ocpp.seam import PileSettings
from kiosk.session.inputs import ConnectorChanged, ConnectorStatus, MeterRead, PileBooted, PileConnected, TxEnded, TxStarted

MICRO = "microocpp-1.6-remote-start.jsonl"


def url(site, identity="MO-1"):
    return f"ws://127.0.0.1:{site.server.port}/ocpp/{identity}"


async def test_a_sale_at_microocpp(site):
    async with RecordedPile(url(site), recording(MICRO)[0]) as pile:
        playing = asyncio.create_task(pile.play(sales=1))
        await site.core.heard(PileBooted)
        assert await site.piles.start("MO-1", 1, "SALE1")
        started = await site.core.heard(TxStarted)
        assert (started.id_tag, started.begin.mwh) == ("SALE1", 0)
        await site.core.heard(MeterRead, 5)
        assert await site.piles.stop("MO-1", 1001)
        said = await playing

    assert [r.reading.mwh for r in site.core.of(MeterRead)] == [3_000, 7_000, 11_000, 13_000, 15_000]
    assert [r.reading.power_w for r in site.core.of(MeterRead)] == [6_990, 6_994, 6_994, 0, 6_998]
    (ended,) = site.core.of(TxEnded)
    assert (ended.transaction, ended.reason, ended.begin.mwh, ended.end.mwh) == (1001, "Remote", 0, 17_000)
    s = ConnectorStatus
    assert [c.status for c in site.core.of(ConnectorChanged) if c.number == 1] == [
        *[s.AVAILABLE, s.PREPARING, s.CHARGING, s.SUSPENDED_EV, s.CHARGING, s.FINISHING, s.AVAILABLE]
    ]
    assert all(exchange.answer[0] == 3 for exchange in said)


async def test_a_silent_expiry_and_a_charge_that_ends_offline_at_microocpp(site):
    first, second = recording(MICRO)
    async with RecordedPile(url(site), first) as pile:
        playing = asyncio.create_task(pile.play())
        await site.core.heard(PileConnected)
        for number, tag in enumerate(("SALE1", "SALE2", "SALE3")):
            assert await site.piles.start("MO-1", 1, tag)
            if number == 0:
                await site.core.heard(MeterRead, 5)
                await site.piles.stop("MO-1", 1001)
        await playing
        known = pile.transactions
    assert [t.id_tag for t in site.core.of(TxStarted)] == ["SALE1", "SALE3"]

    async with RecordedPile(url(site), second, transactions=known) as pile:
        playing = asyncio.create_task(pile.play())
        await site.core.heard(PileConnected, 2)
        assert not await site.piles.start("MO-1", 1, "SALE4")
        assert not await site.piles.stop("MO-1", 999)
        await playing
    ended = site.core.of(TxEnded)[-1]
    assert (ended.transaction, ended.reason, ended.begin.mwh, ended.end.mwh) == (1002, "EVDisconnected", 17_000, 36_000)
    assert len(site.core.of(PileBooted)) == 1


async def test_a_recording_can_begin_now(site):
    begins = datetime(2026, 11, 18, 11, 6, tzinfo=UTC)
    async with RecordedPile(url(site), recording(MICRO)[0], begins=begins) as pile:
        playing = asyncio.create_task(pile.play(sales=1))
        await site.core.heard(PileConnected)
        await site.piles.start("MO-1", 1, "SALE1")
        started = await site.core.heard(TxStarted)
        await site.piles.stop("MO-1", 1001)
        await playing
    assert abs(started.begin.utc_ms - begins.timestamp() * 1000) < 5_000


async def test_a_sale_at_the_shiv3_simulator(world):
    async with world(PileSettings("CP", connectors=2)) as site, RecordedPile(url(site, "CP"), recording("shiv3-16basic.jsonl")[0]) as pile:
        playing = asyncio.create_task(pile.play())
        await site.core.heard(PileConnected)
        assert await site.piles.start("CP", 1, "SALE1")
        await site.core.heard(MeterRead)
        assert await site.piles.stop("CP", 1001)
        said = await playing
        assert site.core.of(TxEnded)[0].transaction == 1001
        assert all(exchange.answer[0] == 3 for exchange in said)


@pytest.mark.parametrize("name", [MICRO, "shiv3-16basic.jsonl"])
def test_recordings_name_no_secret(name):
    text = "".join(str(line) for connection in recording(name) for line in connection)
    assert "Basic " not in text
