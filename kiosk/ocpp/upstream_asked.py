"""What the operator's own system (CSMS) may ask of the kiosk, and what it is answered.

It may end a charge, as the operator may at the kiosk, and ask for news. It starts none: the driver pays at the kiosk first. Nothing it says
reaches a pile by another road, and no setting of a sale is its to change.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from kiosk.ocpp.dialects.dialect import Violation
from kiosk.ocpp.frames import Call, Json, Payload
from kiosk.ocpp.schemas import schemas

_VERSION = "v16"
_LONGEST_HEARTBEAT_S = 86_400

# OCPP 1.6 5: what a station without these things answers.
_WITHOUT: Mapping[str, Payload] = {
    "RemoteStartTransaction": {"status": "Rejected"},
    "Reset": {"status": "Rejected"},
    "UnlockConnector": {"status": "NotSupported"},
    "ChangeAvailability": {"status": "Rejected"},
    "ClearCache": {"status": "Rejected"},
    "DataTransfer": {"status": "UnknownVendorId"},
    "GetLocalListVersion": {"listVersion": -1},
    "SendLocalList": {"status": "NotSupported"},
    "ReserveNow": {"status": "Rejected"},
    "CancelReservation": {"status": "Rejected"},
    "SetChargingProfile": {"status": "NotSupported"},
    "ClearChargingProfile": {"status": "Unknown"},
    "GetCompositeSchedule": {"status": "Rejected"},
    "GetDiagnostics": {},
}


@dataclass(frozen=True)
class Asked:
    """`settings` are the configuration keys of OCPP 1.6 9 as they stand, all read-only but the heartbeat's. `stop` ends the running charge
    that the other side calls so, and says whether it will; `trigger` sends a message of the station soon, of a connector or all."""

    settings: Callable[[], Mapping[str, str]]
    set_heartbeat: Callable[[int], None]
    stop: Callable[[int], Awaitable[bool]]
    trigger: Callable[[str, int | None], bool]

    async def answer(self, call: Call) -> Payload:
        """The payload of the CALLRESULT. Raises `Violation` for a CALLERROR."""
        known = schemas(_VERSION)
        if not known.knows(call.action) or call.action.endswith("Response"):
            raise Violation("NotImplemented", "no such action in OCPP 1.6")
        handler = {
            "RemoteStopTransaction": self._stop,
            "TriggerMessage": self._triggered,
            "GetConfiguration": self._settings,
            "ChangeConfiguration": self._change,
        }.get(call.action)
        if handler is None and call.action not in _WITHOUT:
            raise Violation("NotSupported", "not something this station does")
        if wrong := known.violation(call.action, call.payload):
            raise Violation(*wrong)
        return await handler(call.payload) if handler is not None else dict(_WITHOUT[call.action])

    async def _stop(self, asked: Payload) -> Payload:
        transaction = asked["transactionId"]
        stops = isinstance(transaction, int) and await self.stop(transaction)
        return {"status": "Accepted" if stops else "Rejected"}

    async def _triggered(self, asked: Payload) -> Payload:
        what, number = asked["requestedMessage"], asked.get("connectorId")
        if not isinstance(what, str) or what not in ("BootNotification", "Heartbeat", "StatusNotification"):
            return {"status": "NotImplemented"}
        sent = self.trigger(what, number if isinstance(number, int) else None)
        return {"status": "Accepted" if sent else "Rejected"}

    async def _settings(self, asked: Payload) -> Payload:
        settings, wanted = self.settings(), asked.get("key")
        keys = [key for key in wanted if isinstance(key, str)] if isinstance(wanted, list) and wanted else list(settings)
        found: list[Json] = [{"key": key, "readonly": key != _HEARTBEAT, "value": settings[key]} for key in keys if key in settings]
        unknown: list[Json] = [key for key in keys if key not in settings]
        return {"configurationKey": found, **({"unknownKey": unknown} if unknown else {})}

    async def _change(self, asked: Payload) -> Payload:
        key, value = asked["key"], asked["value"]
        if key not in self.settings():
            return {"status": "NotSupported"}
        if key != _HEARTBEAT or not isinstance(value, str) or not value.isascii() or not value.isdigit():
            return {"status": "Rejected"}
        seconds = int(value) if len(value) <= 6 else 0
        if not 1 <= seconds <= _LONGEST_HEARTBEAT_S:
            return {"status": "Rejected"}
        self.set_heartbeat(seconds)
        return {"status": "Accepted"}


_HEARTBEAT = "HeartbeatInterval"
