"""Commands to a pile: one attempt, and an honest word about what became of it."""

from __future__ import annotations

import asyncio

import pytest

from hardware.api import AnswerLost, NotSent
from kiosk.ocpp.seam import Answer, OcppError, Wanted
from kiosk.session.inputs import PileConnected


async def test_start_and_stop_are_said_in_the_piles_language(site):
    pile = await site.peer()
    await site.core.heard(PileConnected)
    assert await site.piles.start("MO-1", 2, "TAG1") == Answer(True, "accepted", "Accepted")
    assert await pile.asked("RemoteStartTransaction") == {"idTag": "TAG1", "connectorId": 2}
    assert await site.piles.stop("MO-1", 1001)
    assert await pile.asked("RemoteStopTransaction") == {"transactionId": 1001}


async def test_a_limit_ends_by_itself_when_the_kiosk_is_gone(site):
    pile = await site.peer()
    await site.core.heard(PileConnected)
    assert await site.piles.limit("MO-1", 1, 1001, 7_360, stop_after_s=600)
    profile = (await pile.asked("SetChargingProfile"))["csChargingProfiles"]
    assert profile["transactionId"] == 1001
    assert profile["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 7360}, {"startPeriod": 600, "limit": 0}]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"status": "Rejected"}, "rejected"),
        ({"status": "UnlockFailed"}, "failed"),
        ({"status": "NotSupported"}, "not_supported"),
        (["NotImplemented", "never heard of it", {}], "not_supported"),
        (["InternalError", "", {}], "error"),
        ({}, "error"),
        ({"status": 7}, "error"),
    ],
)
async def test_a_no_is_an_answer(site, answer, code):
    pile = await site.peer()
    await site.core.heard(PileConnected)
    pile.answers["UnlockConnector"] = answer
    result = await site.piles.unlock("MO-1", 1)
    assert not result
    assert result.code == code


async def test_without_a_connection_nothing_is_sent(site):
    with pytest.raises(NotSent):
        await site.piles.start("MO-1", 1, "TAG1")
    with pytest.raises(NotSent):
        await site.piles.start("nobody", 1, "TAG1")


async def test_an_answer_that_does_not_come_in_time_is_lost_and_its_late_twin_is_nobodys(site):
    pile = await site.peer()
    await site.core.heard(PileConnected)
    pile.answers["RemoteStartTransaction"] = None
    start = asyncio.create_task(site.piles.start("MO-1", 1, "TAG1"))
    await pile.asked("RemoteStartTransaction")
    await site.clock.advance(30)
    with pytest.raises(AnswerLost):
        await start
    await pile.send([3, pile.of("RemoteStartTransaction")[0][1], {"status": "Accepted"}])
    assert (await site.piles.stop("MO-1", 7)).detail == "Accepted"


async def test_a_connection_that_dies_loses_the_answer_at_once(site):
    pile = await site.peer()
    await site.core.heard(PileConnected)
    pile.answers["RemoteStartTransaction"] = None
    start = asyncio.create_task(site.piles.start("MO-1", 1, "TAG1"))
    await pile.asked("RemoteStartTransaction")
    pile.socket.transport.abort()
    with pytest.raises(AnswerLost):
        await start


async def test_one_call_at_a_time_and_the_sale_goes_first(site):
    pile = await site.peer()
    await site.core.heard(PileConnected)
    pile.answers["UnlockConnector"] = None
    first = asyncio.create_task(site.piles.unlock("MO-1", 1))
    await pile.asked("UnlockConnector")
    later = asyncio.create_task(site.piles.trigger("MO-1", Wanted.METER, 1))
    await asyncio.sleep(0)
    sale = asyncio.create_task(site.piles.start("MO-1", 1, "TAG1"))
    await asyncio.sleep(0)
    assert [call[2] for call in pile.calls] == ["UnlockConnector"]
    await pile.send([3, pile.calls[0][1], {"status": "Unlocked"}])
    await asyncio.gather(first, later, sale)
    assert [call[2] for call in pile.calls] == ["UnlockConnector", "RemoteStartTransaction", "TriggerMessage"]


async def test_what_waited_for_its_turn_when_the_connection_died_was_not_sent(site):
    pile = await site.peer()
    await site.core.heard(PileConnected)
    pile.answers["UnlockConnector"] = None
    first = asyncio.create_task(site.piles.unlock("MO-1", 1))
    await pile.asked("UnlockConnector")
    second = asyncio.create_task(site.piles.start("MO-1", 1, "TAG1"))
    await asyncio.sleep(0)
    pile.socket.transport.abort()
    results = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(r) for r in results] == [AnswerLost, NotSent]


async def test_a_command_cancelled_while_it_waits_leaves_the_way_free(site):
    pile = await site.peer()
    await site.core.heard(PileConnected)
    pile.answers["UnlockConnector"] = None
    first = asyncio.create_task(site.piles.unlock("MO-1", 1))
    await pile.asked("UnlockConnector")
    second = asyncio.create_task(site.piles.stop("MO-1", 1))
    await asyncio.sleep(0)
    second.cancel()
    first.cancel()
    await asyncio.gather(first, second, return_exceptions=True)
    assert await site.piles.start("MO-1", 1, "TAG1")


async def test_a_command_that_would_break_the_standard_is_never_sent(site):
    pile = await site.peer()
    await site.core.heard(PileConnected)
    with pytest.raises(OcppError, match="RemoteStartTransaction"):
        await site.piles.start("MO-1", 1, "A TAG OF MORE THAN TWENTY")
    assert pile.calls == []


async def test_a_pile_that_boots_is_set_up_after_it_was_answered(site):
    pile = await site.peer()
    pile.answers["ChangeConfiguration"] = {"status": "Accepted"}
    pile.answers["GetConfiguration"] = {
        "configurationKey": [
            {"key": "LocalPreAuthorize", "readonly": False, "value": "False"},
            {"key": "ConnectionTimeOut", "readonly": False, "value": "120"},
        ]
    }
    await pile.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    await pile.asked("ChangeConfiguration", 8)
    keys = {call[3]["key"]: call[3]["value"] for call in pile.of("ChangeConfiguration")}
    assert keys == {
        "AuthorizeRemoteTxRequests": "false",
        "LocalAuthorizeOffline": "false",
        "AllowOfflineTxForUnknownId": "false",
        "StopTransactionOnEVSideDisconnect": "true",
        "MeterValueSampleInterval": "5",
        "MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import,SoC",
        "StopTxnSampledData": "Energy.Active.Import.Register",
        "TransactionMessageAttempts": "100",
    }


async def test_settings_a_pile_refuses_fall_back_and_are_reported(site):
    pile = await site.peer()
    pile.answers["GetConfiguration"] = ["InternalError", "too many keys", {}]
    pile.answers["ChangeConfiguration"] = {"status": "Rejected"}
    await pile.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    await site.clock.until_waiting(5, sleeping=True)
    tried = [call[3]["value"] for call in pile.of("ChangeConfiguration") if call[3]["key"] == "MeterValuesSampledData"]
    assert [len(value.split(",")) for value in tried] == [3, 2, 1]
    assert site.piles.settings_refused("MO-1")["MeterValuesSampledData"] == "Rejected"


async def test_a_pile_that_neither_boots_nor_reports_is_set_up_and_asked(site):
    pile = await site.peer()
    await site.clock.until_waiting(5)
    await site.clock.advance(5)
    await site.clock.until_waiting(5, sleeping=True)
    await pile.call("StatusNotification", {"connectorId": 2, "errorCode": "NoError", "status": "Available"})
    await site.clock.advance(5)
    assert await pile.asked("TriggerMessage") == {"requestedMessage": "StatusNotification", "connectorId": 1}
    assert len(pile.of("TriggerMessage")) == 1


async def test_a_sale_does_not_wait_for_the_setting_up(site):
    pile = await site.peer()
    pile.answers["GetConfiguration"] = None
    await pile.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    await pile.asked("GetConfiguration")
    start = asyncio.create_task(site.piles.start("MO-1", 1, "TAG1"))
    await asyncio.sleep(0)
    await pile.send([3, pile.of("GetConfiguration")[0][1], {}])
    assert await start
    assert pile.calls[1][2] == "RemoteStartTransaction"


async def test_a_pile_that_limits_in_ampere_is_told_ampere(site):
    pile = await site.peer()
    pile.answers["GetConfiguration"] = {
        "configurationKey": [{"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True, "value": "Current"}]
    }
    await pile.call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
    await site.clock.until_waiting(5, sleeping=True)
    await site.piles.limit("MO-1", 1, 5, 11_100)
    schedule = (await pile.asked("SetChargingProfile"))["csChargingProfiles"]["chargingSchedule"]
    assert schedule == {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]}
