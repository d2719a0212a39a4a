"""Whatever comes down the wire: never a crash, never a lost StopTransaction."""

from __future__ import annotations

import json

import pytest

from kiosk.ocpp.seam import PileSettings
from kiosk.session.inputs import ConnectorChanged, MeterRead, PileConnected, PileFault, TxEnded, TxStarted

START = {"connectorId": 1, "idTag": "TAG1", "meterStart": 17, "timestamp": "2026-11-18T11:06:41Z"}
STOP = {"transactionId": 1001, "meterStop": 36, "timestamp": "2026-11-18T11:07:00Z"}


@pytest.mark.parametrize(
    "frame",
    [
        '[2,"u",["x"],{}]',
        '[2,"u",{"a":1},{}]',
        '[2,"u"]',
        '[2,"u","Heartbeat"]',
        "[2]",
        "[]",
        "null",
        "{}",
        '"text"',
        "17",
        "",
        "\x00",
        "[" * 100_000,
        '[2,"u","MeterValues",' + '{"a":' * 5_000 + "1" + "}" * 5_000 + "]",
        '[2,null,"Heartbeat",{}]',
        '[2,true,"Heartbeat",{}]',
        '[2,"u","Heartbeat",{"a":NaN}]',
        '[2,"u","Heartbeat",{"a":1e999999999999999999999}]',
        '[2,"u","Heartbeat",{"a":' + "9" * 6_000 + "}]",
        '[2,"' + "u" * 60_000 + '","Heartbeat",{}]',
        '[3,"nobody",{}]',
        "[3]",
        '[3,["u"],{}]',
        '[4,"nobody"]',
        '[4,"nobody",null,{},[]]',
        "[5,1,2]",
        '[6,"u","Nonsense",{}]',
        '["2","u","Heartbeat",{}]',
        '[2,"u","\\ud800",{}]',
        '[2,"\\ud800","Heartbeat",{}]',
        b"\xff\xfe\x00",
    ],
)
async def test_a_frame_of_rubble_does_not_end_the_conversation(site, frame):
    pile = await site.peer()
    await pile.send(frame)
    assert await pile.call("Heartbeat", {}, "after")
    assert await pile.call("StopTransaction", STOP) == {}
    assert site.core.of(TxEnded)[0].end.mwh == 36_000


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ('[2,"u","NoSuchThing",{}]', "NotImplemented"),
        ('[2,"u","RemoteStartTransaction",{"idTag":"X"}]', "NotSupported"),
        ('[2,"u",["x"],{}]', "FormationViolation"),
        ('[2,"u","StopTransaction",{"meterStop":', "FormationViolation"),
        ('[2,"u","Authorize",{}]', "OccurenceConstraintViolation"),
        ('[2,"u","StatusNotification",{"status":"Available"}]', "OccurenceConstraintViolation"),
    ],
)
async def test_what_cannot_be_answered_is_refused_in_the_words_of_the_standard(site, frame, code):
    pile = await site.peer()
    answer = await pile.raw(frame, "u")
    assert answer[:3] == [4, "u", code]
    assert await site.core.heard(PileFault)


async def test_a_broken_pile_does_not_fill_the_journal(site):
    pile = await site.peer()
    for n in range(200):
        await pile.send([2, f"x{n}", f"Nonsense{n}", {}])
        await pile.send([2, f"y{n}", "Nonsense", {}])
    await pile.call("Heartbeat", {})
    again = await site.peer()
    await again.exchange([2, "z", "MoreNonsense", {}])
    assert len(site.core.of(PileFault)) == 20
    await site.clock.advance(3_600)
    await again.exchange([2, "z", "MoreNonsense", {}])
    assert len(site.core.of(PileFault)) == 21


@pytest.mark.parametrize(
    ("payload", "transaction", "mwh"),
    [
        ({**STOP, "idTag": None}, 1001, 36_000),
        ({**STOP, "reason": None, "transactionData": None}, 1001, 36_000),
        ({**STOP, "reason": "SomethingOfTheVendor", "vendorKey": {"a": [1]}}, 1001, 36_000),
        ({**STOP, "meterStop": "36"}, 1001, 36_000),
        ({**STOP, "meterStop": 36.5}, 1001, 36_500),
        ({**STOP, "meterStop": -4}, 1001, -4_000),
        ({**STOP, "transactionId": "1001"}, 1001, 36_000),
        ({**STOP, "transactionId": 1001.0}, 1001, 36_000),
        ({**STOP, "transactionId": -1}, -1, 36_000),
        ({"meterStop": 36}, -1, 36_000),
        ({**STOP, "transactionId": {}}, -1, 36_000),
        ({**STOP, "timestamp": 17}, 1001, 36_000),
        ({**STOP, "timestamp": "yesterday"}, 1001, 36_000),
        ({**STOP, "timestamp": "9999-12-31T23:59:59-23:59"}, 1001, 36_000),
        ({**STOP, "idTag": 12345}, 1001, 36_000),
        ({**STOP, "idTag": "\ud800\x00TAG"}, 1001, 36_000),
        ({**STOP, "transactionData": [None, 1, [], {"sampledValue": 5}, {"sampledValue": [None, {"value": {}}]}]}, 1001, 36_000),
    ],
)
async def test_no_stop_is_lost_for_its_form(site, payload, transaction, mwh):
    pile = await site.peer()
    assert await pile.call("StopTransaction", payload) == {}
    (ended,) = site.core.of(TxEnded)
    assert (ended.transaction, ended.end.mwh) == (transaction, mwh)
    ended.reason.encode()
    ended.id_tag.encode()


async def test_a_stop_without_a_meter_value_ends_with_the_last_one_heard(site):
    pile = await site.peer()
    sample = {"timestamp": "2026-11-18T11:06:50Z", "sampledValue": [{"value": "29"}]}
    await pile.call("MeterValues", {"connectorId": 1, "transactionId": 1001, "meterValue": [sample]})
    assert await pile.call("StopTransaction", {**STOP, "meterStop": "much"}) == {}
    assert site.core.of(TxEnded)[0].end.mwh == 29_000
    assert "last value heard" in (await site.core.heard(PileFault)).detail


async def test_a_stop_that_says_nothing_is_answered_kept_and_shown_to_the_operator(site):
    pile = await site.peer()
    assert await pile.call("StopTransaction", []) == {}
    (ended,) = site.core.of(TxEnded)
    assert (ended.transaction, ended.id_tag, ended.begin, ended.end) == (-1, "", None, None)
    assert len(site.core.kept) == 1
    assert "no transaction" in (await site.core.heard(PileFault)).detail


async def test_a_start_that_says_nothing_is_still_given_a_transaction(site):
    pile = await site.peer()
    assert (await pile.call("StartTransaction", {"meterStart": None}))["transactionId"] == 1001
    (started,) = site.core.of(TxStarted)
    assert (started.number, started.id_tag, started.begin.mwh) == (0, "", 0)
    assert len(site.core.of(PileFault)) == 2


async def test_a_stop_of_a_whole_day_in_small_steps_is_taken(site):
    pile = await site.peer()
    sample = {"timestamp": "2026-11-18T11:06:50Z", "sampledValue": [{"value": "29", "context": "Sample.Periodic", "unit": "Wh"}]}
    assert await pile.call("StopTransaction", {**STOP, "transactionData": [sample] * 17_280}) == {}
    assert len(site.core.kept[0]) > 1_048_576


async def test_an_oversized_frame_ends_the_connection_and_nothing_else(world):
    async with world(max_size=65_536) as site:
        pile = await site.peer()
        await site.core.heard(PileConnected)
        await pile.send("x" * 1_048_576)
        assert await pile.closed() == 1009
        again = await site.peer()
        assert await again.call("StopTransaction", STOP) == {}


async def test_one_broken_pile_does_not_disturb_another(world):
    async with world(PileSettings("A"), PileSettings("B")) as site:
        broken, sound = await site.peer("A"), await site.peer("B")
        await broken.send("[" * 200_000)
        await broken.send('[2,"u","MeterValues",{"meterValue":[[[[[')
        assert (await sound.call("StartTransaction", START))["transactionId"] == 1001


@pytest.mark.parametrize(
    ("sampled", "expected"),
    [
        ([{"value": "29"}], (29_000, None, None)),
        ([{"value": 29}], (29_000, None, None)),
        ([{"value": 29.125}], (29_125, None, None)),
        ([{"value": "-29.5"}], (-29_500, None, None)),
        ([{"value": "0.1", "unit": "kWh"}], (100_000, None, None)),
        ([{"value": "1234567.891234", "unit": "kWh"}], (1_234_567_891_234, None, None)),
        ([{"value": " 29 ", "unit": "KWH", "vendor": 1}], (29_000_000, None, None)),
        ([{"value": "5"}, {"value": "11.04", "measurand": "Power.Active.Import", "unit": "kW"}], (5_000, 11_040, None)),
        ([{"value": "5"}, {"value": "80.5", "measurand": "SoC", "unit": "Percent"}], (5_000, None, 81)),
        ([{"value": "5"}, {"value": "101", "measurand": "SoC"}], (5_000, None, None)),
        ([{"value": "1", "phase": "L1"}, {"value": "9"}, {"value": "2", "phase": "L2"}], (9_000, None, None)),
        ([{"value": "1", "phase": "L1"}, {"value": "2", "phase": "L2"}, {"value": "3", "phase": "L3"}], (6_000, None, None)),
        ([{"value": "1", "location": "Inlet"}, {"value": "9", "location": "Outlet"}], (9_000, None, None)),
        ([{"value": "1", "measurand": "Energy.Active.Export.Register"}, {"value": "9"}], (9_000, None, None)),
        ([{"value": "7B22", "format": "SignedData"}, {"value": "9", "format": "Raw"}], (9_000, None, None)),
    ],
)
async def test_meter_values_are_read_exactly(site, sampled, expected):
    pile = await site.peer()
    entry = {"timestamp": "2026-11-18T11:06:50Z", "sampledValue": sampled}
    assert await pile.call("MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": [entry]}) == {}
    (read,) = site.core.of(MeterRead)
    assert (read.reading.mwh, read.reading.power_w, read.reading.soc_percent) == expected


@pytest.mark.parametrize(
    "sampled",
    [
        [{"value": "abc"}],
        [{"value": None}],
        [{"value": True}],
        [{"value": "NaN"}],
        [{"value": "Infinity"}],
        [{"value": "1e400000000"}],
        [{"value": "1e-400000000", "unit": "Gallons"}],
        [{"value": "9" * 100}],
        [{"value": "1,5"}],
        [{"value": "1_000"}],
        [{"value": "29", "unit": "varh"}],
        [{"value": "29", "measurand": "Voltage"}],
        [],
        None,
        {"value": "x"},
    ],
)
async def test_a_value_that_cannot_be_read_is_left_out_and_never_guessed(site, sampled):
    pile = await site.peer()
    entry = {"timestamp": "2026-11-18T11:06:50Z", "sampledValue": sampled}
    assert await pile.call("MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": [entry]}) == {}
    assert site.core.of(MeterRead) == []
    assert "no readable energy register" in (await site.core.heard(PileFault)).detail


async def test_power_and_charge_reported_apart_belong_to_the_register_beside_them(site):
    pile = await site.peer()
    at = "2026-11-18T11:06:50Z"
    entries = [
        {"timestamp": at, "sampledValue": [{"value": "29"}]},
        {"timestamp": at, "sampledValue": [{"value": "7000", "measurand": "Power.Active.Import"}]},
        {"timestamp": at, "sampledValue": [{"value": "55", "measurand": "SoC", "location": "EV"}]},
    ]
    await pile.call("MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": entries})
    (read,) = site.core.of(MeterRead)
    assert (read.reading.mwh, read.reading.power_w, read.reading.soc_percent) == (29_000, 7_000, 55)


@pytest.mark.parametrize("timestamp", ["1970-01-01T00:00:12Z", "2000-01-01T00:00:00Z", "2036-01-01T00:00:00Z", "", None, "x" * 100])
async def test_a_pile_without_a_clock_is_given_the_time_of_arrival(site, timestamp):
    pile = await site.peer()
    await pile.call("StopTransaction", {**STOP, "timestamp": timestamp})
    assert site.core.of(TxEnded)[0].end.utc_ms == 1_795_000_000_000


@pytest.mark.parametrize(
    ("timestamp", "utc_ms"),
    [
        ("2026-11-18T11:06:50Z", 1_795_000_010_000),
        ("2026-11-18T11:06:50.123456789Z", 1_795_000_010_123),
        ("2026-11-18T12:06:50+01:00", 1_795_000_010_000),
        ("2026-11-18T11:06:50", 1_795_000_010_000),
    ],
)
async def test_timestamps_of_every_taste_are_utc(site, timestamp, utc_ms):
    pile = await site.peer()
    await pile.call("StopTransaction", {**STOP, "timestamp": timestamp})
    assert site.core.of(TxEnded)[0].end.utc_ms == utc_ms


async def test_an_unknown_status_is_shown_to_the_operator_and_a_known_error_is_passed_on(site):
    pile = await site.peer()
    assert await pile.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Dancing"}) == {}
    assert "Dancing" in (await site.core.heard(PileFault)).detail
    status = {"connectorId": 1, "errorCode": "GroundFailure", "status": "Faulted", "vendorErrorCode": "E17", "info": "RCD"}
    await pile.call("StatusNotification", status)
    assert (await site.core.heard(ConnectorChanged)).error == "GroundFailure E17 RCD"


async def test_the_raw_frame_is_kept_as_it_came(site):
    pile = await site.peer()
    raw = '[2, "s1" ,"StopTransaction", {"transactionId":1001,"meterStop":36.0,"timestamp":"2026-11-18T11:07:00Z","x":"\\ud83d\\ude97"}]'
    await pile.raw(raw, "s1")
    assert site.core.kept == [raw.encode()]
    assert json.loads(site.core.kept[0])[3]["meterStop"] == 36.0
