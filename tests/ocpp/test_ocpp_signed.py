"""Signed meter values on their way from a pile to core: to the byte, kept before the pile is answered, and told only where wanted."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json

import pytest

from hardware.simulated.models.pile import PileModel
from hardware.simulated.models.pile_connector import ConnectorSpec
from hardware.simulated.models.pile_meter import SigningMeter
from hardware.simulated.pile_client import PileClient
from kiosk.metering.containers import read
from kiosk.metering.proof import prove
from kiosk.metering.reading import Validity
from kiosk.ocpp.seam import PileSettings
from kiosk.session.inputs import MeterRead, PileBooted, SignedRead, TxEnded, TxStarted
from kiosk.values import Digest

SIGNING = PileSettings("MO-1", connectors=2, signed=True)
# Blanks, a number and an escape that a second writing would change.
RECORD = 'OCMF|{"PG": "T1",  "RD":[{"RV":1.10}], "U":"\\u00e4ä"}|{"SD":"00"}'


def sample(value, context="Transaction.End", **more):
    return {"value": value, "context": context, "format": "SignedData", **more}


def stop(*samples, **more):
    data = [{"timestamp": "2026-11-18T11:06:40Z", "sampledValue": list(samples)}]
    return {"transactionId": 1001, "meterStop": 5, "timestamp": "2026-11-18T11:06:40Z", "transactionData": data, **more}


async def ended(world, settings, *samples):
    async with world(settings) as site:
        pile = await site.peer()
        await pile.call("StopTransaction", stop(*samples))
        return site.core, await site.core.heard(TxEnded)


async def test_the_bytes_are_those_of_the_pile(world):
    core, told = await ended(world, SIGNING, sample(RECORD, "Transaction.Begin"), sample(json.dumps({"signedMeterData": "T0NNRg=="})))
    assert [one.data for one in told.signed] == [RECORD.encode(), b'{"signedMeterData": "T0NNRg=="}']
    assert [one.digest for one in told.signed] == [Digest("frame-2"), Digest("frame-3")]
    assert core.kept[1:] == [one.data for one in told.signed]


async def test_they_do_not_pass_for_registers(world):
    _, told = await ended(world, SIGNING, sample("123"), {"value": "7", "context": "Transaction.End"})
    assert (told.end.mwh, [one.data for one in told.signed]) == (5_000, [b"123"])


async def test_nothing_is_kept_where_nobody_wants_it(world):
    core, told = await ended(world, PileSettings("MO-1", connectors=2), sample(RECORD))
    assert (told.signed, len(core.kept)) == ((), 1)


@pytest.mark.parametrize("value", [None, 7, 1.5, True, [], {}, "", "\ud800"])
async def test_what_is_no_text_was_not_signed(world, value):
    _, told = await ended(world, SIGNING, sample(value), sample(RECORD))
    assert [one.data for one in told.signed] == [RECORD.encode()]


async def test_a_flood_is_cut_and_a_repetition_told_once(world):
    _, told = await ended(world, SIGNING, *(sample(f"v{n // 2}") for n in range(400)))
    assert [one.data for one in told.signed] == [f"v{n}".encode() for n in range(64)]


async def test_a_begin_that_comes_apart_is_told_and_what_lies_between_is_not(world):
    async with world(SIGNING) as site:
        pile = await site.peer()
        values = [sample(RECORD, "Transaction.Begin"), sample("between", "Sample.Periodic"), {"value": "7"}]
        body = {"connectorId": 1, "transactionId": 1001, "meterValue": [{"timestamp": "2026-11-18T11:06:40Z", "sampledValue": values}]}
        await pile.call("MeterValues", body)
        told = await site.core.heard(SignedRead)
        assert (told.pile, told.number, told.transaction, [one.data for one in told.signed]) == ("MO-1", 1, 1001, [RECORD.encode()])
        assert told.signed[0].digest == Digest("frame-1")
        assert (await site.core.heard(MeterRead)).reading.mwh == 7_000


async def test_a_value_that_could_not_be_kept_is_not_answered(world):
    async def full(frame):
        raise OSError("no room")

    async with world(SIGNING, evidence=full) as site:
        pile = await site.peer()
        await pile.send([2, "m1", "StopTransaction", stop(sample(RECORD))])
        assert await pile.closed() == 1013
        assert site.core.of(TxEnded) == []


async def test_a_controller_that_can_is_told_to_sign(world, fast):
    async with world(SIGNING, clock=fast) as site:
        pile = await site.peer()
        keys = [{"key": "SampledDataSignReadings", "readonly": False, "value": "false"}]
        pile.answers["GetConfiguration"] = {"configurationKey": keys}
        await pile.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        while not any(frame[3]["key"] == "SampledDataSignReadings" for frame in pile.of("ChangeConfiguration")):
            await fast.sleep(0.2)
        assert "SampledDataSignStartedReadings" not in [frame[3]["key"] for frame in pile.of("ChangeConfiguration")]


# --- the simulated pile's meter -------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def charged(world, clock, meter, *faults):
    """A charge of some seconds at a pile whose meter signs."""
    async with world(SIGNING, clock=clock) as site:
        ids = itertools.count(1)
        model = PileModel("MO-1", [ConnectorSpec(register_mwh=17_000_123)], ids=lambda: f"p{next(ids)}", now_ms=clock.now().utc_ms)
        model.equip(1, meter)
        client = PileClient(model, f"ws://127.0.0.1:{site.server.port}/ocpp", clock)
        task = asyncio.create_task(client.run())
        try:
            await site.core.heard(PileBooted)
            while model.settings.values["TransactionMessageAttempts"] != "100":
                await clock.sleep(0.2)
            for fault in faults:
                client.fault(fault)
            client.plug(1)
            await site.piles.start("MO-1", 1, "TAG1")
            await site.core.heard(TxStarted)
            await site.core.heard(MeterRead)
            client.unplug(1)
            await site.core.heard(TxEnded)
            yield site.core, model.book[0]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_what_the_simulated_meter_signs_is_what_flowed(world, fast):
    meter = SigningMeter("M-1", 4_711)
    async with charged(world, fast, meter) as (core, delivery):
        (told,) = core.of(TxEnded)
        proof = prove([one.data for one in told.signed], meter.public_key)
        assert (proof.validity, proof.reasons, proof.mwh) == (Validity.VALID, (), delivery.mwh)
        assert proof.begin.mwh == 17_000_123
        assert [value.record for one in told.signed for value in read(one.data).values] == meter.records


async def test_its_begin_may_come_early(world, fast):
    meter = SigningMeter("M-1", 4_711, early=True)
    async with charged(world, fast, meter) as (core, delivery):
        (told,), (apart,) = core.of(TxEnded), core.of(SignedRead)
        assert prove([one.data for one in (*apart.signed, *told.signed)], meter.public_key).mwh == delivery.mwh


@pytest.mark.parametrize(
    ("fault", "validity", "reason"),
    [
        ("wrong_key", Validity.INVALID, "no_match"),
        ("tampered_value", Validity.INVALID, "no_match"),
        ("no_signed_begin", Validity.VALID, "no_begin"),
        ("other_meter", Validity.VALID, "several_sources"),
        ("meter_error", Validity.VALID, "energy_error"),
        ("unsynchronised", Validity.VALID, ""),
    ],
)
async def test_what_it_gets_wrong_is_found(world, fast, fault, validity, reason):
    meter = SigningMeter("M-1", 4_711)
    async with charged(world, fast, meter, fault) as (core, _):
        (told,) = core.of(TxEnded)
        proof = prove([one.data for one in told.signed], meter.public_key)
        assert (proof.validity, reason in proof.reasons or not reason, proof.timed) == (
            validity,
            True,
            fault not in ("unsynchronised", "wrong_key", "tampered_value"),
        )
