"""The operator's own system (CSMS, OCPP 1.6J) as the books it keeps of one station: strict, and it notes whatever a station must not say.

A message that is repeated with its id and content is answered as before and booked once. What carries the messages is not here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Payload = dict[str, Any]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_BOOT = {"chargePointVendor": str, "chargePointModel": str}
_STATUS = {"connectorId": int, "errorCode": str, "status": str}
_START = {"connectorId": int, "idTag": str, "meterStart": int, "timestamp": str}
_METER = {"connectorId": int, "meterValue": list}
_STOP = {"transactionId": int, "meterStop": int, "timestamp": str}
_SHAPES: Mapping[str, Mapping[str, type]] = {
    "BootNotification": _BOOT,
    "Heartbeat": {},
    "StatusNotification": _STATUS,
    "StartTransaction": _START,
    "MeterValues": _METER,
    "StopTransaction": _STOP,
}


@dataclass
class Transaction:
    """A charge in the operator's books. `values` are its registers on the way, in Wh, as told."""

    transaction: int
    connector: int
    id_tag: str
    meter_start: int
    began: str
    values: list[tuple[str, str]] = field(default_factory=list)
    meter_stop: int | None = None
    ended: str = ""
    reason: str = ""

    @property
    def wh(self) -> int:
        return (self.meter_stop or self.meter_start) - self.meter_start


@dataclass
class Csms:
    """What outlives its restart: books, and the settings of its bad days.

    `boots` are the answers to the next boots, (status, interval); later ones are accepted. `refusals` counts CALLERRORs by action, `lost`
    answers that never come, `deadly` messages that end the connection; `names` gives a transaction its id, -1 and 0 included, and `verdict`
    is what it thinks of the idTag. `strict`: no connector may begin again before it has ended, nor twice at once. Without it that is
    booked, for a pile's own mistakes, or an end that was refused, may bring it about.
    """

    transactions: list[Transaction] = field(default_factory=list)
    status: dict[int, str] = field(default_factory=dict)
    said: list[tuple[str, Payload]] = field(default_factory=list)  # every message once, in order
    repeats: list[str] = field(default_factory=list)  # the actions of those that came again
    broken: list[str] = field(default_factory=list)
    boots: list[tuple[str, int]] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    deadly: dict[str, int] = field(default_factory=dict)
    slow_s: float = 0
    verdict: str = "Accepted"
    strict: bool = True
    heartbeat_s: int = 300
    names: Callable[[], int] = field(default_factory=lambda: itertools.count(7001).__next__)
    _answers: dict[str, tuple[str, Payload, Payload]] = field(default_factory=dict)

    @property
    def actions(self) -> list[str]:
        return [action for action, _ in self.said]

    def hear(self, name: str, action: str, payload: Payload, now: str) -> Payload | str:
        """The answer, or the code of a CALLERROR."""
        if self.refusals.get(action, 0) > 0:
            self.refusals[action] -= 1
            return "InternalError"
        if name in self._answers:
            known = self._answers[name]
            if known[:2] != (action, payload):
                self.broken.append(f"{action}: message id {name} is that of another message")
            self.repeats.append(action)
            return known[2]
        if wrong := _wrong(action, payload):
            self.broken.append(wrong)
            return "FormationViolation"
        self.said.append((action, payload))
        answer = self._book(action, payload, now)
        self._answers[name] = (action, payload, answer)
        return answer

    def _book(self, action: str, payload: Payload, now: str) -> Payload:
        match action:
            case "BootNotification":
                status, interval = self.boots.pop(0) if self.boots else ("Accepted", self.heartbeat_s)
                return {"status": status, "currentTime": now, "interval": interval}
            case "Heartbeat":
                return {"currentTime": now}
            case "StatusNotification":
                self.status[payload["connectorId"]] = payload["status"]
                return {}
            case "StartTransaction":
                return self._start(payload)
            case "StopTransaction":
                return self._stop(payload)
        return self._values(payload)

    def _start(self, payload: Payload) -> Payload:
        one = Transaction(self.names(), payload["connectorId"], payload["idTag"], payload["meterStart"], payload["timestamp"])
        if self.strict:
            self._suspect(one)
        self.transactions.append(one)
        return {"transactionId": one.transaction, "idTagInfo": {"status": self.verdict}}

    def _suspect(self, one: Transaction) -> None:
        if any((t.connector, t.meter_start, t.began) == (one.connector, one.meter_start, one.began) for t in self.transactions):
            self.broken.append(f"StartTransaction: {one.id_tag} began twice")
        if any(t.connector == one.connector and t.meter_stop is None for t in self.transactions):
            self.broken.append(f"StartTransaction: connector {one.connector} still charges")

    def _values(self, payload: Payload) -> Payload:
        one = self._running("MeterValues", payload.get("transactionId"))
        for value in payload["meterValue"]:
            register = next(s["value"] for s in value["sampledValue"] if s["measurand"] == "Energy.Active.Import.Register")
            if one is not None:
                one.values.append((value["timestamp"], register))
        return {}

    def _stop(self, payload: Payload) -> Payload:
        one = self._running("StopTransaction", payload["transactionId"])
        if one is not None:
            one.meter_stop, one.ended, one.reason = payload["meterStop"], payload["timestamp"], payload.get("reason", "Local")
            if one.meter_stop < one.meter_start:
                self.broken.append("StopTransaction: the register went back")
        return {}

    def _running(self, action: str, transaction: int | None) -> Transaction | None:
        found = next((t for t in reversed(self.transactions) if t.transaction == transaction and t.meter_stop is None), None)
        if found is None:
            self.broken.append(f"{action}: transaction {transaction} does not run")
        return found


def _wrong(action: str, payload: Payload) -> str:
    shape = _SHAPES.get(action)
    if shape is None:
        return f"{action} is nothing a station of ours says"
    for key, kind in shape.items():
        if type(payload.get(key)) is not kind:
            return f"{action}: {key} is missing or no {kind.__name__}"
    for at in [payload.get("timestamp"), *(value.get("timestamp") for value in payload.get("meterValue", []))]:
        if at is not None and not _TIME.fullmatch(at):
            return f"{action}: {at!r} is no moment"
    if not 0 < len(payload.get("idTag", "x")) <= 20:
        return f"{action}: the idTag is too long"
    return ""
