"""What the network, the disk and the kiosk's own end do to a conversation."""

from __future__ import annotations

import asyncio

import pytest

from kiosk.ocpp.seam import OcppError, PileSettings, Reply
from kiosk.session.inputs import ConnectorChanged, MeterRead, PileConnected, PileFault, PileLost, TxEnded, TxStarted

START = {"connectorId": 1, "idTag": "TAG1", "meterStart": 17, "timestamp": "2026-11-18T11:06:41Z"}
STOP = {"transactionId": 1001, "meterStop": 36, "timestamp": "2026-11-18T11:07:00Z"}
STATUS = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}


async def test_a_pile_that_vanished_without_a_word_is_found_out_by_its_pings(world):
    async with world(PileSettings("MO-1", ping_interval_s=0.02, ping_timeout_s=0.02)) as site:
        pile = await site.peer(ping_interval=None)
        await site.core.heard(PileConnected)
        pile.socket.transport.pause_reading()
        assert await site.core.heard(PileLost) == PileLost("MO-1")
        pile.socket.transport.resume_reading()


async def test_a_pile_that_does_not_read_is_dropped_even_without_pings(world):
    async with world(PileSettings("MO-1", ping_interval_s=None)) as site:
        pile = await site.peer(ping_interval=None)
        await site.core.heard(PileConnected)
        pile.socket.transport.pause_reading()

        async def flood():
            for n in range(400):
                await pile.send([2, f"{n}" * 20_000, "Heartbeat", {}])

        flooding = asyncio.create_task(flood())
        while not site.core.of(PileLost):
            await site.clock.advance(30)
            await asyncio.sleep(0.01)
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)


async def test_a_pile_that_stands_there_mute_is_asked_for_a_sign_of_life_and_then_lost(site):
    pile = await site.peer()
    pile.answers["GetConfiguration"] = None
    await pile.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    await pile.asked("GetConfiguration")
    await site.clock.advance(30)
    for _ in range(2):
        await site.clock.until_waiting(300, sleeping=True)
        await site.clock.advance(300)
    assert await pile.asked("GetConfiguration", 2) == {"key": ["HeartbeatInterval"]}
    await site.clock.advance(30)
    assert await pile.closed() == 1001
    assert await site.core.heard(PileLost)


@pytest.mark.parametrize("answer", [{}, ["NotSupported", "", {}]])
async def test_any_answer_is_a_sign_of_life(site, answer):
    pile = await site.peer()
    pile.answers["GetConfiguration"] = answer
    await pile.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    await site.clock.until_waiting(5, sleeping=True)
    await site.clock.advance(5)
    for _ in range(2):
        await site.clock.until_waiting(300, sleeping=True)
        await site.clock.advance(300)
    await pile.asked("GetConfiguration", 2)
    await site.clock.until_waiting(300, sleeping=True)
    assert site.piles.online("MO-1")


@pytest.mark.parametrize(
    ("action", "payload", "kind"),
    [
        ("StartTransaction", START, TxStarted),
        ("StopTransaction", STOP, TxEnded),
        ("MeterValues", {"connectorId": 1, "meterValue": [{"timestamp": "x", "sampledValue": [{"value": "1"}]}]}, MeterRead),
        ("StatusNotification", STATUS, ConnectorChanged),
        ("Nonsense", {}, PileFault),
    ],
)
async def test_whatever_the_journal_refuses_stays_with_the_pile(site, action, payload, kind):
    pile = await site.peer()
    site.core.refuse = lambda told: isinstance(told, kind)
    await pile.send([2, "m", action, payload])
    assert await pile.closed() == 1013
    site.core.refuse = lambda told: False
    again = await site.peer()
    await again.send([2, "m", action, payload])
    await site.core.heard(kind)


async def test_a_connection_that_cannot_be_journalled_is_closed(site):
    site.core.refuse = lambda told: isinstance(told, PileConnected)
    assert await (await site.peer()).closed() == 1013


async def test_a_loss_that_cannot_be_journalled_does_not_stop_the_pile_from_returning(site):
    pile = await site.peer()
    await site.core.heard(PileConnected)
    site.core.refuse = lambda told: isinstance(told, PileLost)
    await pile.close()
    again = await site.peer()
    assert (await again.call("StartTransaction", START))["transactionId"] == 1001


async def test_a_transaction_message_whose_frame_cannot_be_kept_is_not_answered(world):
    async def full(frame):
        raise OSError("no space left on device")

    async with world(evidence=full) as site:
        pile = await site.peer()
        await pile.send([2, "m", "StopTransaction", STOP])
        assert await pile.closed() == 1013
        assert site.core.of(TxEnded) == []


async def test_a_core_that_gives_no_transaction_id_is_not_covered_up(world):
    async def tell(told):
        return Reply()

    async with world(tell=tell) as site:
        pile = await site.peer()
        await pile.send([2, "m", "StartTransaction", START])
        assert await pile.closed() == 1013


async def test_a_port_that_is_taken_is_said_so(world):
    async with world() as site:
        with pytest.raises(OcppError, match=str(site.server.port)):
            async with world(port=site.server.port):
                pass


async def test_the_server_stops_while_core_hangs(world):
    async with world() as site:
        pile = await site.peer()
        await site.core.heard(PileConnected)
        site.core.gate = asyncio.Event()
        for n in range(200):
            await pile.send([2, f"m{n}", "StopTransaction", STOP])
        await site.server.stop()
        assert await pile.closed() == 1001


async def test_what_a_closed_connection_had_already_said_is_kept_before_its_successor_speaks(site):
    old = await site.peer()
    await site.core.heard(PileConnected)
    site.core.gate = asyncio.Event()
    await old.send([2, "a", "StartTransaction", START])
    await (await old.socket.ping())
    new = await site.peer()
    answer = asyncio.create_task(new.call("StopTransaction", STOP))
    await old.closed()
    site.core.gate.set()
    assert await answer == {}
    kinds = [type(told) for told in site.core.told]
    assert kinds == [PileConnected, TxStarted, PileConnected, TxEnded]


async def test_a_repeat_that_overtakes_a_slow_commit_is_answered_once_it_is_kept_and_told_once(site):
    old = await site.peer()
    await site.core.heard(PileConnected)
    site.core.gate = asyncio.Event()
    await old.send([2, "a", "StartTransaction", START])
    await (await old.socket.ping())
    new = await site.peer()
    again = asyncio.create_task(new.call("StartTransaction", START, "a"))
    await old.closed()
    site.core.gate.set()
    assert (await again)["transactionId"] == 1001
    assert len(site.core.of(TxStarted)) == 1
