"""Facts as calls of OCPP 1.6 to the operator's own system."""

from __future__ import annotations

import pytest

from kiosk.metering.reading import Delivered, Reading, Verdict
from kiosk.ocpp.schemas import schemas
from kiosk.ocpp.upstream_calls import KINDS, METER, START, STOP, Call, Plug, Running, charge_of, meter, start, status, stop, whole
from kiosk.session import facts as f
from kiosk.session.inputs import Account, ConnectorStatus
from kiosk.values import ConnectorId, Digest, Moment, SessionId

NOW = Moment(1_790_000_000_000, "boot", 0)
S = SessionId("kiosk-AAAA")
A, B = ConnectorId("DE*LND*E1*1"), ConnectorId("DE*LND*E1*2")
PLUGS = (Plug(A, "P1", 1, 1), Plug(B, "P2", 1, 2))
OPENED = (f.SessionOpened(NOW, S, B),)


def reading(mwh: int, after_s: int = 0, **more: int) -> Reading:
    return Reading(NOW.utc_ms + after_s * 1_000, mwh, **more)


def began(mwh: int = 5_000_400, **changes: object) -> f.DeliveryStarted:
    given = {"at": NOW, "session": S, "transaction": 17, "begin": reading(mwh), "frame": None, "late": False, **changes}
    return f.DeliveryStarted(**given)


def ended(delivered: Delivered, reason: str = "Remote") -> f.DeliveryEnded:
    return f.DeliveryEnded(NOW.plus(60), S, reason, delivered, None, None)


def good(call: Call | None) -> Call:
    assert call is not None
    assert schemas("v16").violation(call.action, call.payload) is None
    return call


def test_a_charge_begins_at_the_plug_with_its_number_in_the_configuration() -> None:
    call = good(start(7, began(), OPENED, PLUGS))
    assert (call.action, call.charge, call.seq) == (START, S, 7)
    assert call.payload["connectorId"] == 2
    assert call.payload["meterStart"] == 5_000
    assert call.payload["timestamp"] == "2026-09-21T14:13:20.000Z"
    assert "transactionId" not in call.payload


def test_nothing_of_card_sale_or_local_transaction_follows_from_the_id_tag() -> None:
    call = good(start(7, began(), OPENED, PLUGS))
    tag = call.payload["idTag"]
    assert isinstance(tag, str)
    assert len(tag) == 20
    assert S not in str(call.payload)
    assert S not in call.id
    assert good(start(9, began(transaction=18), OPENED, PLUGS)).payload["idTag"] == tag  # the same sale, the same tag
    other = SessionId("kiosk-AAAB")
    assert good(start(7, began(session=other), (f.SessionOpened(NOW, other, B),), PLUGS)).payload["idTag"] != tag


@pytest.mark.parametrize(("contract", "shown"), [("LND-0042", True), ("a fleet with a long name", False), ("Müller", False), ("", False)])
def test_an_account_goes_under_the_operators_word_where_that_can_be_an_id_tag(contract: str, shown: bool) -> None:
    account = f.AccountAccepted(NOW, S, Account(Digest("d" * 64), contract))
    tag = good(start(7, began(), (*OPENED, account), PLUGS)).payload["idTag"]
    assert (tag == contract) is shown
    assert "d" * 8 not in str(tag)


def test_a_charge_at_a_connector_that_left_the_configuration_cannot_be_told() -> None:
    assert start(7, began(), (f.SessionOpened(NOW, S, ConnectorId("DE*LND*E1*9")),), PLUGS) is None
    assert start(7, began(), (), PLUGS) is None


def test_a_message_is_the_same_however_often_it_is_made() -> None:
    assert start(7, began(), OPENED, PLUGS) == start(7, began(), OPENED, PLUGS)
    running = Running(2, 5_000_400, 5_000_400, 42)
    noted = f.MeterNoted(NOW, S, reading(5_100_000))
    assert meter(8, noted, running).id == meter(8, noted, running).id != meter(9, noted, running).id


def test_a_value_on_the_way_is_exact_and_keeps_its_own_time() -> None:
    call = good(meter(8, f.MeterNoted(NOW.plus(90), S, reading(5_123_456, 60, power_w=11_000, soc_percent=60)), Running(2, 0, 0, 42)))
    assert (call.action, call.payload["transactionId"], call.payload["connectorId"]) == (METER, 42, 2)
    assert call.payload["meterValue"] == [
        {
            "timestamp": "2026-09-21T14:14:20.000Z",
            "sampledValue": [
                {"value": "5123.456", "context": "Sample.Periodic", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
                {"value": "11000", "context": "Sample.Periodic", "measurand": "Power.Active.Import", "unit": "W"},
                {"value": "60", "context": "Sample.Periodic", "measurand": "SoC", "unit": "Percent"},
            ],
        }
    ]
    assert call.after == Running(2, 0, 5_123_456, 42)


@pytest.mark.parametrize("utc_ms", [0, NOW.utc_ms + 86_400_000])
def test_a_meter_without_a_clock_is_told_by_ours(utc_ms: int) -> None:
    call = good(start(7, began(begin=Reading(utc_ms, 5_000_000)), OPENED, PLUGS))
    assert call.payload["timestamp"] == "2026-09-21T14:13:20.000Z"


def test_the_end_minus_the_begin_is_what_is_billed_in_whole_wh() -> None:
    delivered = Delivered(12_345_001, reading(5_000_400), reading(17_345_401, 60), Verdict.VALID)
    call = good(stop(9, ended(delivered), Running(2, 5_000_400, 16_000_000, 42)))
    assert (call.action, call.payload["transactionId"], call.payload["reason"]) == (STOP, 42, "Remote")
    assert call.payload["meterStop"] == 5_000 + 12_346
    assert [v["sampledValue"][0]["value"] for v in call.payload["transactionData"]] == ["5000.4", "17345.401"]
    assert [v["sampledValue"][0]["context"] for v in call.payload["transactionData"]] == ["Transaction.Begin", "Transaction.End"]


def test_a_register_that_counts_each_session_gives_the_energy_all_the_same() -> None:
    delivered = Delivered(1_000_000, reading(0), reading(1_000_000), Verdict.VALID)
    assert good(stop(9, ended(delivered), Running(1, 5_000_400, 5_000_400, 42))).payload["meterStop"] == 6_000


@pytest.mark.parametrize(
    ("delivered", "wh"),
    [
        (Delivered(0, reading(5_000_400), None, Verdict.UNVERIFIABLE, ("no_end",)), 6_000),  # the last one heard of
        (Delivered(0, reading(5_000_400), reading(8_000_400), Verdict.REVIEW, ("leap",)), 8_000),  # a person decides; this is what was told
        (Delivered(0, reading(5_000_400), reading(1_000), Verdict.REVIEW, ("backwards",)), 5_000),  # never less than the begin
    ],
)
def test_an_end_that_proves_nothing_is_told_as_it_was_heard(delivered: Delivered, wh: int) -> None:
    call = good(stop(9, ended(delivered, "lost"), Running(1, 5_000_400, 6_000_400, 42)))
    assert (call.payload["meterStop"], call.payload["reason"]) == (wh, "Other")


def test_energy_that_no_sale_explains_is_told_too() -> None:
    begins = f.OrphanTransactionStarted(NOW, "P2", 1, 99, reading(1_000_000), None)
    call = good(start(3, begins, (), PLUGS))
    assert (call.charge, call.payload["connectorId"]) == ("orphan-99", 2)
    ends = f.OrphanTransactionEnded(NOW, "P2", 99, reading(3_000_000), "Local", None)
    assert good(stop(5, ends, Running(2, 1_000_000, 1_000_000, 4))).payload["meterStop"] == 3_000
    assert good(stop(5, f.OrphanTransactionEnded(NOW, "P2", 99, None, "Local", None), Running(2, 10, 10, 4))).payload["meterStop"] == 0


def test_what_is_kept_of_a_charge_reads_back() -> None:
    running = Running(2, 5, 7, -1)
    assert Running.read(running.text()) == running


def test_only_the_facts_of_energy_are_told() -> None:
    assert {kind for kind in KINDS if not hasattr(f, kind)} == set()
    assert charge_of(f.SessionClosed(NOW, S)) is None
    assert charge_of(f.Started(NOW, sound=True)) is None


@pytest.mark.parametrize("reported", list(ConnectorStatus))
def test_every_state_of_a_connector_has_its_word(reported: ConnectorStatus) -> None:
    payload = status(PLUGS[0], reported, "", online=True, at_ms=NOW.utc_ms)
    assert schemas("v16").violation("StatusNotification", payload) is None
    assert str(payload["status"]).lower() == reported.value.replace("_", "")
    assert payload["errorCode"] == ("OtherError" if reported is ConnectorStatus.FAULTED else "NoError")


def test_what_is_not_known_or_not_connected_is_unavailable() -> None:
    for reported, online in ((ConnectorStatus.CHARGING, False), (None, True), (None, False)):
        payload = status(PLUGS[0], reported, "", online=online, at_ms=NOW.utc_ms)
        assert payload["status"] == "Unavailable"
        assert schemas("v16").violation("StatusNotification", payload) is None


def test_the_piles_own_words_are_passed_on() -> None:
    payload = status(PLUGS[0], ConnectorStatus.FAULTED, "GroundFailure", online=True, at_ms=0)
    assert (payload["errorCode"], "info" in payload) == ("GroundFailure", False)
    payload = status(PLUGS[0], ConnectorStatus.FAULTED, "coolant " * 20, online=True, at_ms=0)
    assert schemas("v16").violation("StatusNotification", payload) is None
    assert schemas("v16").violation("StatusNotification", whole(0)) is None
