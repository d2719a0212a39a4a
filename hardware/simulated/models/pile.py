"""A simulated pile: OCPP 1.6 messages in and out, hands that plug and unplug, no socket and no clock of its own.

It behaves like the controllers of the field, and what it is told to get wrong, it gets wrong. Its book holds what it truly delivered.
"""

from __future__ import annotations

from dataclasses import dataclass

from hardware.simulated.models import pile_words as words
from hardware.simulated.models.car import Car
from hardware.simulated.models.pile_connector import Connector, Delivery, Fault, Pending
from hardware.simulated.models.pile_controller import Controller
from hardware.simulated.models.pile_meter import SigningMeter
from hardware.simulated.models.pile_words import Json, Payload

_CONNECTOR_FAULTS = frozenset(Fault) - {
    Fault.LOSE_NEXT_CALL,
    Fault.LOSE_NEXT_ANSWER,
    Fault.LOSE_NEXT_REPLY,
    Fault.REPLAY,
    Fault.VANISH,
    Fault.WRONG_CLOCK,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A CALLERROR."""

    code: str
    description: str = ""


class PileModel(Controller):
    """One pile. `ids` gives message ids; all times are UTC milliseconds and never go back."""

    def asked(self, action: str, payload: Payload, now_ms: int) -> Payload | Refusal | None:
        """A CALL of the kiosk arrived: its answer, or None when there will never be one."""
        self.advance(now_ms)
        if not self._online or Fault.VANISH in self._faults:
            return None
        answer = self._do(action, payload)
        return None if self._once(Fault.LOSE_NEXT_REPLY) else answer

    # --- hands ----------------------------------------------------------------------------------------------------------------

    def plug(self, number: int, car: Car, now_ms: int) -> None:
        connector = self._touch(number, now_ms)
        if connector.car is None:
            connector.car = car
            self._try_start(connector)
            self._report(connector)

    def unplug(self, number: int, now_ms: int) -> Car | None:
        """Take the cable out; the car that drives away."""
        connector = self._touch(number, now_ms)
        car, connector.car = connector.car, None
        if connector.transaction is not None and self.settings.flag("StopTransactionOnEVSideDisconnect"):
            self._stop(connector, "EVDisconnected")
        connector.finishing = False
        self._report(connector)
        return car

    def swap(self, number: int, car: Car, now_ms: int) -> Car | None:
        """One car leaves and another takes its place, quicker than anybody looks; the car that drove away."""
        gone = self.unplug(number, now_ms)
        self.plug(number, car, now_ms)
        return gone

    def equip(self, number: int, meter: SigningMeter) -> None:
        """Build in a meter that signs."""
        self._connector(number).meter = meter

    def fill_battery(self, number: int, now_ms: int) -> None:
        connector = self._touch(number, now_ms)
        if connector.car is not None:
            connector.car.fill()
        self._report(connector)

    def rest(self, number: int, now_ms: int, *, resting: bool) -> None:
        """The car draws nothing for a while, or goes on."""
        connector = self._touch(number, now_ms)
        if connector.car is not None:
            connector.car.resting = resting
        self._report(connector)

    def stop_locally(self, number: int, now_ms: int) -> None:
        """The button on the pile."""
        connector = self._touch(number, now_ms)
        self._stop(connector, "Local")
        self._report(connector)

    def emergency_stop(self, number: int, now_ms: int) -> None:
        connector = self._touch(number, now_ms)
        connector.emergency = True
        connector.pending = None
        self._stop(connector, "EmergencyStop")
        self._report(connector)

    def emergency_release(self, number: int, now_ms: int) -> None:
        connector = self._touch(number, now_ms)
        connector.emergency = False
        self._report(connector)

    def reboot(self, now_ms: int) -> None:
        """The firmware starts anew, in the middle of whatever it did."""
        self._restart("Reboot", now_ms)

    def power_cut(self, now_ms: int) -> None:
        self._interrupt("PowerLoss", now_ms)
        self._powered = False
        self._booting_until = None
        for connector in self._connectors:
            connector.powered = False

    def power_back(self, now_ms: int) -> None:
        self.advance(now_ms)
        if not self._powered:
            self._powered = True
            self._booting_until = now_ms + self._boot_ms
            for connector in self._connectors:
                connector.powered = True

    def fault(self, fault: Fault, number: int = 1) -> None:
        """Order a fault; `number` is the connector it belongs to, if it belongs to one."""
        if fault in _CONNECTOR_FAULTS:
            self._connector(number).apply(fault)
        else:
            self._faults.add(fault)

    def mend(self, number: int | None = None) -> None:
        """Every ordered fault is gone, or those of one connector; a register that leapt stays where it is."""
        if number is not None:
            self._connector(number).mend()
            return
        self._faults.clear()
        for connector in self._connectors:
            connector.mend()

    def status(self, number: int, now_ms: int) -> str:
        """What the lamp of connector `number` shows."""
        self.advance(now_ms)
        return self._connector(number).status

    def state(self, now_ms: int) -> Payload:
        """Everything a person at the bench wants to see."""
        self.advance(now_ms)
        return {
            "identity": self.identity,
            "online": self._online,
            "powered": self._powered,
            "queued": self._outbox.queued,
            "faults": self._ordered(),
            "connectors": [self._connector_state(connector) for connector in self._connectors],
            "book": [_delivery_state(delivery) for delivery in self.book],
        }

    def _ordered(self) -> list[Json]:
        return [*sorted({fault.value for one in (self._faults, *(c.faults for c in self._connectors)) for fault in one})]

    def _connector_state(self, connector: Connector) -> Payload:
        car, transaction = connector.car, connector.transaction
        return {
            "number": connector.number,
            "status": connector.status,
            "plugged": car is not None,
            "soc_percent": None if car is None else car.soc_percent,
            "power_w": connector.power_w(self._now),
            "register_mwh": connector.shown_mwh,
            "transaction": None if transaction is None else transaction.id,
            "delivered_mwh": None if transaction is None else transaction.delivery.mwh,
        }

    # --- what the kiosk asks for ----------------------------------------------------------------------------------------------

    def _do(self, action: str, payload: Payload) -> Payload | Refusal:
        match action:
            case "RemoteStartTransaction":
                return words.status(self._remote_start(payload))
            case "RemoteStopTransaction":
                return words.status(self._remote_stop(payload))
            case "SetChargingProfile":
                return words.status(self._limit(payload))
            case "UnlockConnector":
                found = self._find(payload)
                return words.status("NotSupported" if found is None or found.spec.dc else "Unlocked")
            case "TriggerMessage":
                return words.status(self._trigger(payload))
            case "ChangeAvailability":
                return words.status(self._availability(payload))
            case "ChangeConfiguration":
                return words.status(self.settings.change(words.text(payload, "key"), words.text(payload, "value")))
            case "GetConfiguration":
                return self._configuration(payload)
            case "Reset":
                return words.status(self._reset(payload))
            case "DataTransfer":
                return words.status("UnknownVendorId")
        return Refusal("NotImplemented", f"{action} is not known here")

    def _reset(self, payload: Payload) -> str:
        if payload.get("type") == "Soft":
            for connector in self._connectors:
                self._stop(connector, "SoftReset")
        self._restart("HardReset", self._now)
        return "Accepted"

    def _remote_start(self, payload: Payload) -> str:
        connector = self._find(payload)
        tag = words.text(payload, "idTag")
        if (
            connector is None
            or not tag
            or connector.true_status(self._now) not in ("Available", "Preparing")
            or connector.pending is not None
        ):
            return "Rejected"
        if connector.once(Fault.REFUSE_START) or (connector.car is None and Fault.NEEDS_CABLE in connector.faults):
            return "Rejected"
        if connector.once(Fault.ACCEPT_NEVER_START):
            return "Accepted"
        asks_first = self.settings.flag("AuthorizeRemoteTxRequests")
        wait_ms = self.settings.number("ConnectionTimeOut") * 1_000
        connector.pending = Pending(tag, self._now + wait_ms, authorized=not asks_first)
        if asks_first:
            self._say("Authorize", {"idTag": tag}, connector)
        self._try_start(connector)
        self._report(connector)
        return "Accepted"

    def _remote_stop(self, payload: Payload) -> str:
        wanted = payload.get("transactionId")
        for connector in self._connectors:
            if connector.transaction is not None and connector.transaction.id == wanted:
                if connector.transaction.own and Fault.KEEPS_OWN in connector.faults:
                    return "Rejected"
                self._stop(connector, "Remote")
                self._report(connector)
                return "Accepted"
        return "Rejected"

    def _limit(self, payload: Payload) -> str:
        connector, profile = self._find(payload), payload.get("csChargingProfiles")
        if connector is None or connector.transaction is None or not isinstance(profile, dict):
            return "Rejected"
        schedule = profile.get("chargingSchedule")
        if profile.get("transactionId") != connector.transaction.id or not isinstance(schedule, dict):
            return "Rejected"
        if schedule.get("chargingRateUnit") != "W":
            return "Rejected"
        limits = []
        periods = schedule.get("chargingSchedulePeriod")
        for period in periods if isinstance(periods, list) else []:
            if isinstance(period, dict):
                start, limit = period.get("startPeriod"), period.get("limit")
                if not isinstance(start, int) or not isinstance(limit, int | float):
                    return "Rejected"
                limits.append((self._now + start * 1_000, int(limit)))
        connector.limits = sorted(limits)
        self._report(connector)
        return "Accepted"

    def _trigger(self, payload: Payload) -> str:
        chosen = [c for c in self._connectors if payload.get("connectorId") in (None, 0, c.number)]
        match payload.get("requestedMessage"):
            case "StatusNotification":
                for connector in chosen:
                    self._notify(connector)
            case "MeterValues":
                for connector in chosen:
                    self._say("MeterValues", self._meter_values(connector, "Trigger"), connector)
            case "BootNotification":
                self._boot()
            case "Heartbeat":
                self._say("Heartbeat", {})
            case _:
                return "NotImplemented"
        return "Accepted" if chosen else "Rejected"

    def _availability(self, payload: Payload) -> str:
        chosen = [c for c in self._connectors if payload.get("connectorId") in (0, c.number)]
        for connector in chosen:
            connector.operative = payload.get("type") == "Operative"
            self._report(connector)
        if not chosen:
            return "Rejected"
        return "Scheduled" if any(c.transaction is not None for c in chosen) else "Accepted"

    def _configuration(self, payload: Payload) -> Payload:
        keys = payload.get("key")
        known, unknown = self.settings.read([str(k) for k in keys] if isinstance(keys, list) else [])
        listed: list[Json] = [{"key": key, "readonly": fixed, "value": value} for key, value, fixed in known]
        answer: Payload = {"configurationKey": listed}
        if unknown:
            answer["unknownKey"] = [*unknown]
        return answer


def _delivery_state(delivery: Delivery) -> Payload:
    return {
        "number": delivery.number,
        "id_tag": delivery.id_tag,
        "transaction": delivery.transaction,
        "mwh": delivery.mwh,
        "reason": delivery.reason,
        "ended": delivery.end_ms is not None,
    }
