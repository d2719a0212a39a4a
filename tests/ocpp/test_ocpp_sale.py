"""A paid charge as the kiosk hears it over a real socket."""

from __future__ import annotations

import asyncio
import json

import pytest

from kiosk.metering.reading import Reading
from kiosk.session.inputs import ConnectorChanged, ConnectorStatus, MeterRead, PileBooted, PileConnected, PileLost, TxEnded, TxStarted

START = {"connectorId": 1, "idTag": "TAG1", "meterStart": 17, "timestamp": "2026-11-18T11:06:41.500Z"}
START_MS = 1_795_000_001_500


async def test_a_whole_charge_is_told_in_order_and_answered(site):
    pile = await site.peer()
    boot = await pile.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    assert boot == {"status": "Accepted", "currentTime": "2026-11-18T11:06:40.000Z", "interval": 300}
    assert await pile.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"}) == {}
    started = await pile.call("StartTransaction", START)
    assert started == {"transactionId": 1001, "idTagInfo": {"status": "Accepted"}}
    sample = {
        "timestamp": "2026-11-18T11:06:46Z",
        "sampledValue": [{"value": "29.5"}, {"value": "6990.6", "measurand": "Power.Active.Import", "unit": "W"}],
    }
    assert await pile.call("MeterValues", {"connectorId": 1, "transactionId": 1001, "meterValue": [sample]}) == {}
    stop = {"transactionId": 1001, "meterStop": 36, "timestamp": "2026-11-18T11:07:00Z", "reason": "Remote", "idTag": "TAG1"}
    assert await pile.call("StopTransaction", stop) == {}

    assert site.core.told == [
        PileConnected("MO-1"),
        PileBooted("MO-1", "V", "M"),
        ConnectorChanged("MO-1", 1, ConnectorStatus.PREPARING),
        TxStarted("MO-1", 1, "TAG1", Reading(START_MS, 17_000), "frame-1"),
        MeterRead("MO-1", 1, 1001, Reading(1_795_000_006_000, 29_500, 6991)),
        TxEnded("MO-1", 1001, "TAG1", None, Reading(1_795_000_020_000, 36_000), "Remote", "frame-2"),
    ]
    assert json.loads(site.core.kept[0])[3] == START


async def test_nothing_is_answered_before_core_has_kept_it(site):
    pile = await site.peer()
    await site.core.heard(PileConnected)
    site.core.gate = asyncio.Event()
    answer = asyncio.create_task(pile.call("StartTransaction", START))
    heartbeat = asyncio.create_task(pile.exchange([2, "h", "Heartbeat", {}]))
    await (await pile.socket.ping())
    assert not answer.done() and not heartbeat.done()
    site.core.gate.set()
    assert (await answer)["transactionId"] == 1001


async def test_a_journal_that_refuses_leaves_the_message_with_the_pile(site):
    pile = await site.peer()
    site.core.refuse = lambda told: isinstance(told, TxStarted)
    lost = asyncio.create_task(pile.exchange([2, "s1", "StartTransaction", START]))
    assert await pile.closed() == 1013
    assert isinstance((await asyncio.gather(lost, return_exceptions=True))[0], ConnectionError)
    await site.core.heard(PileLost)

    site.core.refuse = lambda told: False
    again = await site.peer()
    assert (await again.call("StartTransaction", START, "s1"))["transactionId"] == 1001
    assert len(site.core.of(TxStarted)) == 1


async def test_what_waits_behind_a_refused_message_is_not_told_before_it(site):
    pile = await site.peer()
    site.core.refuse = lambda told: isinstance(told, TxStarted)
    await pile.send([2, "s1", "StartTransaction", START])
    await pile.send([2, "s2", "StopTransaction", {"transactionId": -1, "meterStop": 20, "timestamp": "2026-11-18T11:07:00Z"}])
    assert await pile.closed() == 1013
    await site.core.heard(PileLost)
    assert site.core.of(TxEnded) == []


async def test_a_repeated_message_gets_the_same_answer_even_over_a_new_connection(site):
    pile = await site.peer()
    first = await pile.call("StartTransaction", START, "s1")
    await pile.close()
    again = await site.peer()
    assert await again.call("StartTransaction", START, "s1") == first
    assert len(site.core.of(TxStarted)) == 1


async def test_a_message_id_used_again_for_something_else_is_heard(site):
    pile = await site.peer()
    await pile.call("StartTransaction", START, "1")
    await pile.call("StartTransaction", {**START, "connectorId": 2}, "1")
    await pile.call("StopTransaction", {"transactionId": 1001, "meterStop": 20, "timestamp": "2026-11-18T11:07:00Z"}, "1")
    assert len(site.core.of(TxStarted)) == 2
    assert len(site.core.of(TxEnded)) == 1


async def test_the_repeat_of_a_start_from_a_pile_without_a_clock_keeps_its_first_time(site):
    pile = await site.peer()
    nonsense = {**START, "timestamp": "1970-01-01T00:00:12Z"}
    await pile.call("StartTransaction", nonsense, "a")
    await site.clock.advance(40)
    await pile.call("StartTransaction", nonsense, "b")
    first, second = site.core.of(TxStarted)
    assert first.begin == second.begin == Reading(1_795_000_000_000, 17_000)


async def test_the_newest_connection_wins_and_the_pile_is_not_lost(site):
    old = await site.peer()
    await old.call("Heartbeat", {})
    new = await site.peer()
    assert await old.closed() == 1001
    assert (await new.call("Heartbeat", {}))["currentTime"].startswith("2026-11-18")
    assert site.piles.online("MO-1")
    assert site.core.told == [PileConnected("MO-1"), PileConnected("MO-1")]


async def test_a_pile_that_goes_away_is_told_lost(site):
    pile = await site.peer()
    await site.core.heard(PileConnected)
    await pile.close()
    assert await site.core.heard(PileLost) == PileLost("MO-1")
    assert not site.piles.online("MO-1")


async def test_begin_and_end_of_the_transaction_data_count_before_the_rounded_registers(site):
    pile = await site.peer()
    data = [
        {"timestamp": "2026-11-18T11:06:41Z", "sampledValue": [{"value": "17.25", "context": "Transaction.Begin", "unit": "Wh"}]},
        {"timestamp": "2026-11-18T11:06:50Z", "sampledValue": [{"value": "20", "context": "Sample.Periodic", "unit": "Wh"}]},
        {"timestamp": "2026-11-18T11:07:00Z", "sampledValue": [{"value": "0.0367512345", "context": "Transaction.End", "unit": "kWh"}]},
    ]
    await pile.call("StopTransaction", {"transactionId": 7, "meterStop": 37, "timestamp": "2026-11-18T11:07:00Z", "transactionData": data})
    ended = await site.core.heard(TxEnded)
    assert ended.begin == Reading(1_795_000_001_000, 17_250)
    assert ended.end == Reading(1_795_000_020_000, 36_751)


async def test_an_end_without_a_begin_in_the_data_is_not_mixed_with_the_start_register(site):
    pile = await site.peer()
    data = [{"timestamp": "2026-11-18T11:07:00Z", "sampledValue": [{"value": "19", "context": "Transaction.End", "unit": "Wh"}]}]
    await pile.call(
        "StopTransaction", {"transactionId": 7, "meterStop": 5036, "timestamp": "2026-11-18T11:07:00Z", "transactionData": data}
    )
    ended = await site.core.heard(TxEnded)
    assert ended.begin is None
    assert ended.end.mwh == 5_036_000


async def test_only_tags_of_open_sales_may_charge(site):
    pile = await site.peer()
    site.core.tags.add("OURS")
    assert await pile.call("Authorize", {"idTag": "OURS"}) == {"idTagInfo": {"status": "Accepted"}}
    assert await pile.call("Authorize", {"idTag": "OTHER"}) == {"idTagInfo": {"status": "Invalid"}}


@pytest.mark.parametrize(
    ("stamp", "since"),
    [("2026-11-18T11:06:45Z", 1_795_000_005_000), (None, None), ("yesterday", "heard"), ("1970-01-01T00:00:09Z", "heard")],
)
async def test_a_pile_tells_since_when_a_connector_is_what_it_is(site, stamp, since):
    pile = await site.peer()
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Charging"} | ({} if stamp is None else {"timestamp": stamp})
    await pile.call("StatusNotification", status)
    assert (await site.core.heard(ConnectorChanged)).since == (site.clock.now().utc_ms if since == "heard" else since)
