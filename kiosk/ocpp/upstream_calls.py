"""What the operator's own system (CSMS) is told of a charge: facts of the journal as calls of OCPP 1.6.

A charge is one transaction there, with the begin, a value a minute and the end. Who pays is not said: a sale by card has an idTag of its
own, from which nothing follows; one on an account goes under the operator's own word for it. Its end minus its begin is what the kiosk
takes for delivered, in whole Wh as it is billed.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256

from kiosk.metering.reading import Reading, Verdict
from kiosk.ocpp.frames import Json, Payload
from kiosk.session import facts as f
from kiosk.session.inputs import ConnectorStatus
from kiosk.values import MWH_PER_WH, ConnectorId

START, METER, STOP = "StartTransaction", "MeterValues", "StopTransaction"
KINDS = tuple(
    kind.__name__ for kind in (f.DeliveryStarted, f.MeterNoted, f.DeliveryEnded, f.OrphanTransactionStarted, f.OrphanTransactionEnded)
)

_ID_TAG = re.compile(r"[!-~]{1,20}")  # CiString20
_REASONS = frozenset(
    "DeAuthorized EmergencyStop EVDisconnected HardReset Local Other PowerLoss Reboot Remote SoftReset UnlockCommand".split()
)
_ERRORS = frozenset(
    "ConnectorLockFailure EVCommunicationError GroundFailure HighTemperature InternalError LocalListConflict NoError OtherError"
    " OverCurrentFailure OverVoltage PowerMeterFailure PowerSwitchFailure ReaderFailure ResetFailure UnderVoltage WeakSignal".split()
)
_STATUS = {
    ConnectorStatus.AVAILABLE: "Available",
    ConnectorStatus.PREPARING: "Preparing",
    ConnectorStatus.CHARGING: "Charging",
    ConnectorStatus.SUSPENDED_EV: "SuspendedEV",
    ConnectorStatus.SUSPENDED_EVSE: "SuspendedEVSE",
    ConnectorStatus.FINISHING: "Finishing",
    ConnectorStatus.RESERVED: "Reserved",
    ConnectorStatus.UNAVAILABLE: "Unavailable",
    ConnectorStatus.FAULTED: "Faulted",
}
_LATE_MS = 7 * 86_400_000  # a pile that was away this long may tell a begin of then
_AHEAD_MS = 300_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Plug:
    """A connector as the operator's system numbers it: from 1, in the order of the configuration."""

    connector: ConnectorId
    pile: str
    pile_number: int
    number: int


@dataclass(frozen=True, slots=True)
class Running:
    """A charge whose end is not yet told. `transaction` is the other side's word for it; it may be 0, -1 or that of another charge."""

    connector: int
    begin_mwh: int
    last_mwh: int
    transaction: int = 0

    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Running:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Call:
    """One message about `charge`, from the fact at `seq`. It is the same however often it is sent, its `id` included (errata 3.7).

    `after` is how the charge stands once it is taken.
    """

    seq: int
    charge: str
    action: str
    payload: Payload
    after: Running
    id: str


def charge_of(fact: f.Fact) -> str | None:
    """The charge that a fact speaks of; None when it says nothing the operator's system is told of."""
    match fact:
        case f.DeliveryStarted(session=session) | f.MeterNoted(session=session) | f.DeliveryEnded(session=session):
            return session
        case f.OrphanTransactionStarted(transaction=transaction) | f.OrphanTransactionEnded(transaction=transaction):
            return f"orphan-{transaction}"
    return None


def start(seq: int, fact: f.DeliveryStarted | f.OrphanTransactionStarted, before: Iterable[f.Fact], plugs: Iterable[Plug]) -> Call | None:
    """The begin of a charge; `before` are the facts of its sale until then. None when its connector is no longer part of this kiosk."""
    tag, number = "", None
    if isinstance(fact, f.OrphanTransactionStarted):
        charge = f"orphan-{fact.transaction}"
        number = next((p.number for p in plugs if (p.pile, p.pile_number) == (fact.pile, fact.number)), None)
    else:
        charge = fact.session
        for earlier in before:
            if isinstance(earlier, f.SessionOpened):
                number = next((p.number for p in plugs if p.connector == earlier.connector), None)
            elif isinstance(earlier, f.AccountAccepted) and _ID_TAG.fullmatch(earlier.account.contract):
                tag = earlier.account.contract
    if number is None:
        return None
    begin = fact.begin
    payload: Payload = {
        "connectorId": number,
        "idTag": tag or _tag_of(charge),
        "meterStart": begin.mwh // MWH_PER_WH,
        "timestamp": instant(_when(begin, fact.at.utc_ms)),
    }
    return _call(seq, charge, START, payload, Running(number, begin.mwh, begin.mwh))


def meter(seq: int, fact: f.MeterNoted, running: Running) -> Call:
    """A value on the way."""
    payload: Payload = {
        "connectorId": running.connector,
        "transactionId": running.transaction,
        "meterValue": [_value(fact.reading, "Sample.Periodic", _when(fact.reading, fact.at.utc_ms))],
    }
    return _call(seq, fact.session, METER, payload, replace(running, last_mwh=fact.reading.mwh))


def stop(seq: int, fact: f.DeliveryEnded | f.OrphanTransactionEnded, running: Running) -> Call:
    """The end. Without a register of the end, the last one heard of stands for it."""
    charge = charge_of(fact)
    assert charge is not None
    if isinstance(fact, f.DeliveryEnded):
        delivered, end = fact.delivered, fact.delivered.end
        known = running.begin_mwh + delivered.mwh if delivered.verdict is Verdict.VALID else end.mwh if end else running.last_mwh
    else:
        delivered, end = None, fact.end
        known = end.mwh if end else running.last_mwh
    at_ms = _when(end, fact.at.utc_ms) if end else fact.at.utc_ms
    taken = max(0, known - running.begin_mwh)
    payload: Payload = {
        "transactionId": running.transaction,
        "meterStop": running.begin_mwh // MWH_PER_WH + -(-taken // MWH_PER_WH),
        "timestamp": instant(at_ms),
        "reason": fact.reason if fact.reason in _REASONS else "Other",
    }
    if delivered is not None and delivered.begin is not None and end is not None:
        ends = (("Transaction.Begin", delivered.begin), ("Transaction.End", end))
        payload["transactionData"] = [_value(reading, context, _when(reading, fact.at.utc_ms)) for context, reading in ends]
    return _call(seq, charge, STOP, payload, running)


def status(plug: Plug, reported: ConnectorStatus | None, error: str, *, online: bool, at_ms: int) -> Payload:
    """How a connector stands now."""
    if not online or reported is None:
        return _status(plug.number, "Unavailable", "NoError", "the pile is not connected" if not online else "", at_ms)
    code = error if error in _ERRORS else "OtherError" if reported is ConnectorStatus.FAULTED else "NoError"
    return _status(plug.number, _STATUS[reported], code, "" if error in _ERRORS else error, at_ms)


def whole(at_ms: int) -> Payload:
    """Connector 0 is the kiosk itself."""
    return _status(0, "Available", "NoError", "", at_ms)


def _status(number: int, word: str, code: str, info: str, at_ms: int) -> Payload:
    payload: Payload = {"connectorId": number, "errorCode": code, "status": word, "timestamp": instant(at_ms)}
    if info:
        payload["info"] = info[:50]
    return payload


def instant(utc_ms: int) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return (_EPOCH + timedelta(milliseconds=utc_ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _when(reading: Reading, heard_ms: int) -> int:
    """The meter's own time where it can be true, else when the kiosk heard of it."""
    return reading.utc_ms if heard_ms - _LATE_MS <= reading.utc_ms <= heard_ms + _AHEAD_MS else heard_ms


def _value(reading: Reading, context: str, at_ms: int) -> dict[str, Json]:
    def sample(value: str, measurand: str, unit: str) -> Mapping[str, Json]:
        return {"value": value, "context": context, "measurand": measurand, "unit": unit}

    register = (Decimal(reading.mwh) / MWH_PER_WH).normalize()
    samples = [dict(sample(f"{register:f}", "Energy.Active.Import.Register", "Wh"))]
    if reading.power_w is not None:
        samples.append(dict(sample(str(reading.power_w), "Power.Active.Import", "W")))
    if reading.soc_percent is not None:
        samples.append(dict(sample(str(reading.soc_percent), "SoC", "Percent")))
    return {"timestamp": instant(at_ms), "sampledValue": [*samples]}


def _tag_of(charge: str) -> str:
    return base64.b32encode(sha256(b"upstream tag:" + charge.encode()).digest()).decode()[:20]


def _call(seq: int, charge: str, action: str, payload: Payload, after: Running) -> Call:
    name = sha256(f"upstream call:{charge}:{seq}:{action}".encode()).hexdigest()[:32]
    return Call(seq, charge, action, payload, after, name)
