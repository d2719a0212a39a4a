"""OCPP 1.6J: the words of most controllers in the field, turned into the kiosk's inputs and back.

Soft in: vendor keys, wrong types and nulls are read as far as they make sense, for a CALLERROR to a StopTransaction makes the pile discard
it (OCPP-J 1.6 3.3, 4.2.3). Strict out: what we send keeps to the schemas.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from typing import TypeVar

from kiosk.metering.reading import Reading
from kiosk.ocpp.dialects import v16_setup as setup
from kiosk.ocpp.dialects import v16_values as values
from kiosk.ocpp.dialects.dialect import Ask, CallRefused, Heard, Request, Urgency, Violation
from kiosk.ocpp.frames import Call, Json, Payload
from kiosk.ocpp.schemas import schemas
from kiosk.ocpp.seam import Answer, KnownTag, PileSettings, Reply, Wanted
from kiosk.session.inputs import ConnectorChanged, ConnectorStatus, Input, MeterRead, PileBooted, SignedRead, TxEnded, TxStarted
from kiosk.values import Digest, Moment

_STATUS = {
    "Available": ConnectorStatus.AVAILABLE,
    "Preparing": ConnectorStatus.PREPARING,
    "Charging": ConnectorStatus.CHARGING,
    "SuspendedEV": ConnectorStatus.SUSPENDED_EV,
    "SuspendedEVSE": ConnectorStatus.SUSPENDED_EVSE,
    "Finishing": ConnectorStatus.FINISHING,
    "Reserved": ConnectorStatus.RESERVED,
    "Unavailable": ConnectorStatus.UNAVAILABLE,
    "Faulted": ConnectorStatus.FAULTED,
}
_WANTED = {Wanted.STATUS: "StatusNotification", Wanted.METER: "MeterValues", Wanted.BOOT: "BootNotification"}
_TRANSACTION = frozenset(("StartTransaction", "StopTransaction", "MeterValues"))
_PROOF = frozenset(("StartTransaction", "StopTransaction"))
# Reports of a kind we have no use for, and how OCPP 1.6 and its security whitepaper want them answered.
_ACKNOWLEDGED: Mapping[str, Payload] = {
    "DataTransfer": {"status": "UnknownVendorId"},
    "DiagnosticsStatusNotification": {},
    "FirmwareStatusNotification": {},
    "LogStatusNotification": {},
    "SecurityEventNotification": {},
    "SignCertificate": {"status": "Rejected"},
    "SignedFirmwareStatusNotification": {},
}
_UNKNOWN_TRANSACTION = -1
_STARTS_REMEMBERED = 32
_TRANSACTIONS_REMEMBERED = 32
_TX_PROFILE_ID = 1

_K = TypeVar("_K")
_V = TypeVar("_V")


class V16:
    """The language of one pile. Remembers a little, so that a repeated or mutilated message means what it meant before."""

    subprotocol = "ocpp1.6"

    def __init__(self, settings: PileSettings, known_tag: KnownTag) -> None:
        self._pile = settings.identity
        self._heartbeat_s = settings.heartbeat_s
        self._signed = settings.signed
        self._known_tag = known_tag
        self._schemas = schemas("v16")
        self._rate_in_ampere = False
        # StartTransactions by what identifies them -> the time they were given, for a pile without a clock repeats its own nonsense.
        self._starts: OrderedDict[tuple[object, ...], int] = OrderedDict()
        self._last: OrderedDict[int, Reading] = OrderedDict()  # by transaction

    # --- in -------------------------------------------------------------------------------------------------------------------

    def is_transaction(self, action: str) -> bool:
        return action in _TRANSACTION

    def is_proof(self, action: str) -> bool:
        return action in _PROOF

    def flaw(self, call: Call) -> str:
        if not self._schemas.knows(call.action):
            return ""
        found = self._schemas.violation(call.action, call.payload)
        return "" if found is None else f"{call.action} {found[1]}"

    def hear(self, call: Call, at: Moment, frame: Digest | None) -> Heard:
        match call.action:
            case "Authorize":
                return self._authorize(call)
            case "BootNotification":
                return self._boot(call, at)
            case "Heartbeat":
                return Heard((), partial(_always, {"currentTime": values.iso(at.utc_ms)}))
            case "MeterValues":
                return self._meter_values(call, at)
            case "StartTransaction":
                return self._start_transaction(call, at, frame)
            case "StatusNotification":
                return self._status(call, at)
            case "StopTransaction":
                return self._stop_transaction(call, at, frame)
        if call.action in _ACKNOWLEDGED:
            return Heard((), partial(_always, _ACKNOWLEDGED[call.action]))
        if self._schemas.knows(call.action):
            raise Violation("NotSupported", f"{values.text(call.action, 50)} is not for the central system")
        raise Violation("NotImplemented", f"{values.text(call.action, 50)} is no action of OCPP 1.6")

    def _authorize(self, call: Call) -> Heard:
        tag = call.payload.get("idTag")
        if not isinstance(tag, str):
            raise Violation("OccurenceConstraintViolation", "Authorize needs an idTag")
        return Heard((), partial(_always, {"idTagInfo": {"status": "Accepted" if self._known_tag(tag) else "Invalid"}}))

    def _boot(self, call: Call, at: Moment) -> Heard:
        booted = PileBooted(
            self._pile,
            vendor=values.text(call.payload.get("chargePointVendor"), 50),
            model=values.text(call.payload.get("chargePointModel"), 50),
        )
        answer: Payload = {"status": "Accepted", "currentTime": values.iso(at.utc_ms), "interval": self._heartbeat_s}
        return Heard((booted,), partial(_always, answer))

    def _status(self, call: Call, at: Moment) -> Heard:
        number = values.integer(call.payload.get("connectorId"))
        if number is None or number < 0:
            raise Violation("OccurenceConstraintViolation", "StatusNotification needs a connectorId")
        word = values.text(call.payload.get("status"), 50)
        status = _STATUS.get(word)
        if status is None:
            return Heard((), partial(_always, {}), (f"connector {number} reports the unknown status {word!r}",))
        stamp = call.payload.get("timestamp")
        since = None if stamp is None else values.utc_ms(stamp, at.utc_ms, at.trusted)
        return Heard((ConnectorChanged(self._pile, number, status, _error(call.payload), since),), partial(_always, {}))

    def _start_transaction(self, call: Call, at: Moment, frame: Digest | None) -> Heard:
        notes = []
        number = values.integer(call.payload.get("connectorId"))
        if number is None:
            notes.append("StartTransaction names no connector")
        meter = values.mwh_from_wh(call.payload.get("meterStart"))
        if meter is None:
            notes.append("StartTransaction has no readable meterStart: the sale begins at 0 and its end will look like a leap")
        tag = values.text(call.payload.get("idTag"), 64)
        started_ms = self._once((number, tag, meter, str(call.payload.get("timestamp"))[:64]), call.payload.get("timestamp"), at)
        started = TxStarted(self._pile, number or 0, tag, Reading(started_ms, meter or 0), frame)
        return Heard((started,), _start_accepted, tuple(notes))

    def _meter_values(self, call: Call, at: Moment) -> Heard:
        number = values.integer(call.payload.get("connectorId")) or 0
        transaction = values.integer(call.payload.get("transactionId"))
        found = values.readings(values.entries(call.payload.get("meterValue"), at.utc_ms, at.trusted))
        if found and transaction is not None:
            _remember(self._last, transaction, found[-1], _TRANSACTIONS_REMEMBERED)
        signed = values.signed(call.payload.get("meterValue"), values.ENDS) if self._signed else ()
        unread = not found and not signed and transaction is not None
        notes = (f"MeterValues of connector {number} have no readable energy register",) if unread else ()
        told: tuple[Input, ...] = tuple(MeterRead(self._pile, number, transaction, one) for one in found)
        if signed:
            told = (*told, SignedRead(self._pile, number, transaction, signed))
        return Heard(told, partial(_always, {}), notes)

    def _stop_transaction(self, call: Call, at: Moment, frame: Digest | None) -> Heard:
        notes = []
        transaction = values.integer(call.payload.get("transactionId"))
        if transaction is None:
            notes.append("StopTransaction names no transaction")
            transaction = _UNKNOWN_TRANSACTION
        begin, end = self._ends(call.payload, at)
        estimated = end is None
        if end is None:
            end = self._last.get(transaction)
            why = "the last value heard stands in" if end else "its energy is unknown: look at the pile's own records"
            notes.append(f"StopTransaction of transaction {transaction} has no readable meter value; {why}")
        ended = TxEnded(
            self._pile,
            transaction,
            id_tag=values.text(call.payload.get("idTag"), 64),
            begin=begin,
            end=end,
            reason=values.text(call.payload.get("reason"), 50) or "Local",  # OCPP 1.6 6.45
            frame=frame,
            signed=values.signed(call.payload.get("transactionData")) if self._signed else (),
            estimated=estimated,
        )
        return Heard((ended,), partial(_always, {}), tuple(notes))

    def _ends(self, payload: Payload, at: Moment) -> tuple[Reading | None, Reading | None]:
        """The registers at begin and end: both from transactionData or neither, so that a session counter never meets a lifetime one."""
        stopped_ms = values.utc_ms(payload.get("timestamp"), at.utc_ms, at.trusted)
        found = values.entries(payload.get("transactionData"), stopped_ms, at.trusted)
        begins = [Reading(e.utc_ms, e.begin_mwh, soc_percent=e.soc_percent) for e in found if e.begin_mwh is not None]
        ends = [Reading(e.utc_ms, e.end_mwh, soc_percent=e.soc_percent) for e in found if e.end_mwh is not None]
        if begins and ends:
            return begins[0], ends[-1]
        meter = values.mwh_from_wh(payload.get("meterStop"))
        return None, None if meter is None else Reading(stopped_ms, meter)

    def _once(self, identity: tuple[object, ...], timestamp: Json, at: Moment) -> int:
        known = self._starts.get(identity)
        found = values.utc_ms(timestamp, at.utc_ms, at.trusted) if known is None else known
        _remember(self._starts, identity, found, _STARTS_REMEMBERED)
        return found

    # --- out ------------------------------------------------------------------------------------------------------------------

    def bad_answer(self, action: str, payload: Payload) -> str:
        found = self._schemas.violation(f"{action}Response", payload)
        return "" if found is None else found[1]

    def bad_request(self, request: Request) -> str:
        found = self._schemas.violation(request.action, request.payload)
        return "" if found is None else found[1]

    def start(self, number: int, id_tag: str) -> Request:
        return Request("RemoteStartTransaction", {"idTag": id_tag, "connectorId": number}, Urgency.SALE)

    def stop(self, transaction: int) -> Request:
        return Request("RemoteStopTransaction", {"transactionId": transaction}, Urgency.SALE)

    def limit(self, number: int, transaction: int, watts: int, stop_after_s: int | None) -> Request:
        """A TxProfile: `watts` from now on and nothing after `stop_after_s`, which holds even when the kiosk is gone (OCPP 1.6 3.13.6)."""
        most = watts // (3 * 230) if self._rate_in_ampere else watts
        periods: list[Json] = [{"startPeriod": 0, "limit": most}]
        if stop_after_s is not None:
            periods.append({"startPeriod": stop_after_s, "limit": 0})
        profile: Payload = {
            "chargingProfileId": _TX_PROFILE_ID,
            "transactionId": transaction,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {"chargingRateUnit": "A" if self._rate_in_ampere else "W", "chargingSchedulePeriod": periods},
        }
        return Request("SetChargingProfile", {"connectorId": number, "csChargingProfiles": profile}, Urgency.LIMIT)

    def unlock(self, number: int) -> Request:
        return Request("UnlockConnector", {"connectorId": number}, Urgency.LIMIT)

    def trigger(self, what: Wanted, number: int | None) -> Request:
        payload: Payload = {"requestedMessage": _WANTED[what]}
        if number is not None:
            payload["connectorId"] = number
        return Request("TriggerMessage", payload, Urgency.ASK)

    def probe(self) -> Request:
        return Request("GetConfiguration", {"key": ["HeartbeatInterval"]}, Urgency.ASK)

    def verdict(self, payload: Payload) -> Answer:
        word = values.text(payload.get("status"), 50)
        if word in ("Accepted", "Unlocked", "Scheduled"):
            return Answer(True, "accepted", word)
        codes = {"Rejected": "rejected", "NotSupported": "not_supported", "NotImplemented": "not_supported", "UnlockFailed": "failed"}
        return Answer(False, codes.get(word, "error"), word or "the answer has no status")

    def refusal(self, refused: CallRefused) -> Answer:
        code = "not_supported" if refused.code in ("NotImplemented", "NotSupported") else "error"
        return Answer(False, code, f"{values.text(refused.code, 50)} {values.text(refused.description, 200)}".strip())

    async def configure(self, ask: Ask, settings: PileSettings) -> Mapping[str, str]:
        done = await setup.configure(ask, settings)
        self._rate_in_ampere = done.rate_in_ampere
        return done.refused


def _always(payload: Payload, reply: Reply) -> Payload:
    del reply
    return payload


def _start_accepted(reply: Reply) -> Payload:
    return {"transactionId": reply.transaction, "idTagInfo": {"status": "Accepted"}}


def _error(payload: Payload) -> str:
    code = values.text(payload.get("errorCode"), 50)
    words = [
        "" if code == "NoError" else code,
        values.text(payload.get("vendorErrorCode"), 50),
        values.text(payload.get("info"), 50),
    ]
    return " ".join(word for word in words if word) if words[0] else ""


def _remember(memory: OrderedDict[_K, _V], key: _K, value: _V, most: int) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > most:
        memory.popitem(last=False)
