"""What the operator's own system may ask, and is answered."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from kiosk.ocpp.dialects.dialect import Violation
from kiosk.ocpp.frames import Call, Payload
from kiosk.ocpp.schemas import schemas
from kiosk.ocpp.upstream_asked import Asked

PROFILE: Payload = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]},
}
WITHOUT: list[tuple[str, Payload, Payload]] = [
    ("RemoteStartTransaction", {"idTag": "X"}, {"status": "Rejected"}),
    ("Reset", {"type": "Hard"}, {"status": "Rejected"}),
    ("Reset", {"type": "Soft"}, {"status": "Rejected"}),
    ("UnlockConnector", {"connectorId": 1}, {"status": "NotSupported"}),
    ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}, {"status": "Rejected"}),
    ("ClearCache", {}, {"status": "Rejected"}),
    ("DataTransfer", {"vendorId": "x"}, {"status": "UnknownVendorId"}),
    ("GetLocalListVersion", {}, {"listVersion": -1}),
    ("SendLocalList", {"listVersion": 1, "updateType": "Full"}, {"status": "NotSupported"}),
    (
        "ReserveNow",
        {"connectorId": 1, "expiryDate": "2026-09-21T14:13:20Z", "idTag": "X", "reservationId": 1},
        {"status": "Rejected"},
    ),
    ("CancelReservation", {"reservationId": 1}, {"status": "Rejected"}),
    ("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": PROFILE}, {"status": "NotSupported"}),
    ("ClearChargingProfile", {}, {"status": "Unknown"}),
    ("GetCompositeSchedule", {"connectorId": 1, "duration": 60}, {"status": "Rejected"}),
    ("GetDiagnostics", {"location": "ftp://x.example/"}, {}),
]


@dataclass
class Station:
    running: set[int] = field(default_factory=set)
    heartbeat: int = 300
    triggered: list[tuple[str, int | None]] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)

    async def stop(self, transaction: int) -> bool:
        self.stopped.append(transaction)
        return transaction in self.running

    def trigger(self, what: str, number: int | None) -> bool:
        self.triggered.append((what, number))
        return number != 9

    def set_heartbeat(self, seconds: int) -> None:
        self.heartbeat = seconds

    async def ask(self, action: str, payload: Payload) -> Payload:
        def settings() -> dict[str, str]:
            return {"HeartbeatInterval": str(self.heartbeat), "NumberOfConnectors": "2"}

        answer = await Asked(settings, self.set_heartbeat, self.stop, self.trigger).answer(Call("1", action, payload))
        assert schemas("v16").violation(f"{action}Response", answer) is None
        return answer


async def test_it_ends_a_charge_as_the_operator_may() -> None:
    station = Station(running={7001})
    assert await station.ask("RemoteStopTransaction", {"transactionId": 7001}) == {"status": "Accepted"}
    assert await station.ask("RemoteStopTransaction", {"transactionId": 7002}) == {"status": "Rejected"}
    assert station.stopped == [7001, 7002]


@pytest.mark.parametrize(("action", "asked", "answered"), WITHOUT)
async def test_what_is_not_its_to_order_is_declined_in_the_words_of_the_standard(action: str, asked: Payload, answered: Payload) -> None:
    station = Station(running={1})
    assert await station.ask(action, asked) == answered
    assert (station.stopped, station.triggered, station.heartbeat) == ([], [], 300)


async def test_news_are_sent_when_asked_for() -> None:
    station = Station()
    for what in ("BootNotification", "Heartbeat", "StatusNotification"):
        assert await station.ask("TriggerMessage", {"requestedMessage": what}) == {"status": "Accepted"}
    assert await station.ask("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 9}) == {"status": "Rejected"}
    assert await station.ask("TriggerMessage", {"requestedMessage": "MeterValues"}) == {"status": "NotImplemented"}
    assert station.triggered[-1] == ("StatusNotification", 9)


async def test_settings_are_shown_and_only_the_heartbeat_can_be_changed() -> None:
    station = Station()
    both = [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}, {"key": "NumberOfConnectors", "readonly": True, "value": "2"}]
    assert await station.ask("GetConfiguration", {}) == {"configurationKey": both}
    assert await station.ask("GetConfiguration", {"key": []}) == {"configurationKey": both}
    assert await station.ask("GetConfiguration", {"key": ["NumberOfConnectors", "Odd"]}) == {
        "configurationKey": both[1:],
        "unknownKey": ["Odd"],
    }
    for key, value, status in (
        ("HeartbeatInterval", "60", "Accepted"),
        ("HeartbeatInterval", "0", "Rejected"),
        ("HeartbeatInterval", "9" * 400, "Rejected"),
        ("HeartbeatInterval", "-5", "Rejected"),
        ("HeartbeatInterval", "\N{SUPERSCRIPT TWO}", "Rejected"),
        ("NumberOfConnectors", "7", "Rejected"),
        ("Odd", "1", "NotSupported"),
    ):
        assert await station.ask("ChangeConfiguration", {"key": key, "value": value}) == {"status": status}
    assert station.heartbeat == 60


@pytest.mark.parametrize(
    ("action", "asked", "code"),
    [
        ("Nonsense", {}, "NotImplemented"),
        ("RemoteStopTransactionResponse", {}, "NotImplemented"),
        ("UpdateFirmware", {"location": "ftp://x.example/", "retrieveDate": "2026-09-21T14:13:20Z"}, "NotSupported"),
        ("StartTransaction", {}, "NotSupported"),
        ("RemoteStopTransaction", {}, "OccurenceConstraintViolation"),
        ("RemoteStopTransaction", {"transactionId": "7001"}, "TypeConstraintViolation"),
        ("RemoteStopTransaction", {"transactionId": 1, "more": 2}, "FormationViolation"),
        ("TriggerMessage", {"requestedMessage": "Rain"}, "PropertyConstraintViolation"),
    ],
)
async def test_what_is_not_ocpp_is_answered_with_its_error(action: str, asked: Payload, code: str) -> None:
    station = Station(running={7001})
    with pytest.raises(Violation, match=re.escape(code)) as caught:
        await station.ask(action, asked)
    assert caught.value.code == code
    assert station.stopped == []
