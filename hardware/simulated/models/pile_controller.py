"""The firmware of a simulated pile: transactions, timers, and what it says by itself.

Transaction messages wait in a queue that survives connection and power and go out again under new message ids, a remote start expires, a
full car suspends: as the controllers of the field do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hardware.simulated.models import pile_words as words
from hardware.simulated.models.pile_connector import Connector, ConnectorSpec, Delivery, Fault, Pending, Transaction
from hardware.simulated.models.pile_outbox import Call, Message, Outbox
from hardware.simulated.models.pile_settings import Settings
from hardware.simulated.models.pile_words import Payload

_BOOT_RETRY_MS = 10_000
_BREAKS_MS = 20_000  # until a transaction breaks off that is to begin twice
_DAY_MS = 86_400_000


class Controller:
    """One controller. `hardware.simulated.models.pile.PileModel` gives it people's hands and the kiosk's commands."""

    def __init__(
        self,
        identity: str,
        connectors: Sequence[ConnectorSpec],
        *,
        ids: Callable[[], str],
        now_ms: int,
        vendor: str = "PilePay",
        model: str = "Bench pile",
        boot_ms: int = 5_000,
    ) -> None:
        self.identity = identity
        self.book: list[Delivery] = []
        self.settings = Settings(connectors)
        self._connectors = [Connector(n, spec) for n, spec in enumerate(connectors, 1)]
        self._outbox = Outbox(ids)
        self._now = now_ms
        self._vendor, self._model = vendor, model
        self._boot_ms = max(1, boot_ms)
        self._faults: set[Fault] = set()
        self._interrupted: list[tuple[Transaction, str]] = []
        self._online = False
        self._registered = False
        self._powered = True
        self._booting_until: int | None = None
        self._boot_at: int | None = None
        self._heartbeat_at: int | None = None

    # --- the wire -------------------------------------------------------------------------------------------------------------

    @property
    def wants_connection(self) -> bool:
        """False without power and while booting: then there is nobody to hold a socket."""
        return self._powered and self._booting_until is None

    def online(self, now_ms: int) -> None:
        """A connection to the kiosk was opened."""
        self.advance(now_ms)
        self._online = True
        if self._registered:
            self._report_all()
        else:
            self._boot()

    def offline(self, now_ms: int) -> None:
        """The connection is gone. Nothing is lost but what was worth saying only then."""
        self.advance(now_ms)
        self._online = False
        self._outbox.disconnected()
        self._boot_at = None

    def poll(self, now_ms: int) -> Call | None:
        """The next CALL to send, or None. A CALL that was given counts as sent."""
        self.advance(now_ms)
        if not self._online or Fault.VANISH in self._faults:
            return None
        call = self._outbox.next(now_ms, self._registered)
        return None if call is not None and self._once(Fault.LOSE_NEXT_CALL) else call

    def answered(self, call_id: str, payload: Payload, now_ms: int) -> None:
        """A CALLRESULT arrived."""
        self.advance(now_ms)
        if self._once(Fault.LOSE_NEXT_ANSWER) or Fault.VANISH in self._faults:
            return
        message = self._outbox.answered(call_id)
        if message is None or message.replayed:
            return
        match message.action:
            case "BootNotification":
                self._boot_answered(payload)
            case "StartTransaction":
                self._start_answered(message, payload)
            case "StopTransaction":
                self._stop_answered(message)
            case "Authorize":
                self._authorize_answered(message, payload)

    def refused(self, call_id: str, code: str, now_ms: int) -> None:
        """A CALLERROR arrived: the kiosk failed to process. Transaction messages are tried again, then discarded (OCPP 1.6 3.7)."""
        del code
        self.advance(now_ms)
        attempts = self.settings.number("TransactionMessageAttempts")
        interval_ms = self.settings.number("TransactionMessageRetryInterval") * 1_000
        message = self._outbox.refused(call_id, now_ms, attempts, interval_ms)
        if message is not None and message.action == "BootNotification":
            self._boot_at = now_ms + _BOOT_RETRY_MS

    # --- time -----------------------------------------------------------------------------------------------------------------

    def due_ms(self) -> int | None:
        """When something happens by itself next: call `poll` then."""
        now = self._now
        moments: list[int | None] = [self._booting_until, self._boot_at, self._heartbeat_at, self._outbox.due_ms()]
        for connector in self._connectors:
            if connector.pending is not None:
                moments.append(connector.pending.until_ms)
            if connector.transaction is not None:
                moments += (connector.next_change(now), connector.transaction.sample_at, connector.transaction.breaks_at)
        soonest = None
        for moment in moments:
            if moment is not None and moment > now and (soonest is None or moment < soonest):
                soonest = moment
        return soonest

    def advance(self, now_ms: int) -> None:
        """Let energy flow and timers fire up to `now_ms`."""
        while self._now < now_ms:
            due = self.due_ms()
            to = now_ms if due is None else min(due, now_ms)
            for connector in self._connectors:
                connector.flow(self._now, to)
            self._now = to
            self._fire()

    def _fire(self) -> None:
        now = self._now
        if self._booting_until is not None and self._powered and now >= self._booting_until:
            self._booted()
        unanswered = self._outbox.unanswered(now)
        if unanswered is not None and unanswered.action == "BootNotification":
            self._boot_at = now + _BOOT_RETRY_MS
        if self._boot_at is not None and now >= self._boot_at and self._online:
            self._boot()
        if self._heartbeat_at is not None and now >= self._heartbeat_at:
            self._heartbeat_at = now + self.settings.number("HeartbeatInterval") * 1_000
            self._say("Heartbeat", {})
        for connector in self._connectors:
            if connector.pending is not None and now >= connector.pending.until_ms:
                connector.pending = None
            transaction = connector.transaction
            if transaction is not None and transaction.sample_at is not None and now >= transaction.sample_at:
                self._sample(connector, transaction)
            if transaction is not None and transaction.breaks_at is not None and now >= transaction.breaks_at:
                self._begin_again(connector, transaction)
            self._report(connector)

    # --- transactions ---------------------------------------------------------------------------------------------------------

    def _try_start(self, connector: Connector) -> None:
        pending = connector.pending
        if pending is None or not pending.authorized or connector.car is None or not connector.operative or connector.emergency:
            return
        connector.pending = None
        delivery = Delivery(connector.number, pending.id_tag, self._now)
        self.book.append(delivery)
        transaction = Transaction(connector.number, pending.id_tag, self._now, connector.shown_mwh, delivery)
        connector.transaction = transaction
        transaction.own = pending.own
        transaction.sample_at = self._next_sample()
        if connector.once(Fault.START_TWICE):
            transaction.breaks_at = self._now + _BREAKS_MS
        transaction.announced = not connector.once(Fault.LOSE_START)
        if transaction.announced:
            self._outbox.keep("StartTransaction", words.start_transaction(transaction, self._stamp(self._now)), transaction)
        transaction.signed_begin = connector.signed("B", self._now, transaction.begin_mwh)
        if connector.meter is not None and connector.meter.early and transaction.signed_begin:
            self._outbox.keep("MeterValues", words.signed_begin(transaction, self._stamp(self._now)), transaction)
            transaction.signed_begin = ""

    def _begin_again(self, connector: Connector, transaction: Transaction) -> None:
        """The controller loses the car for a moment, and takes up its charge under the tag it knows."""
        self._stop(connector, "Other")
        connector.pending = Pending(transaction.id_tag, self._now, authorized=True, own=True)
        self._try_start(connector)

    def _stop(self, connector: Connector, reason: str) -> None:
        transaction = connector.transaction
        if transaction is None:
            return
        connector.transaction = None
        connector.limits.clear()
        connector.finishing = connector.car is not None
        transaction.delivery.end_ms = self._now
        transaction.delivery.reason = reason
        if not connector.once(Fault.NO_STOP):
            self._keep_stop(connector, transaction, reason)

    def _keep_stop(self, connector: Connector, transaction: Transaction, reason: str) -> None:
        stamps = self._stamp(transaction.begin_ms), self._stamp(self._now)
        signed_end = connector.signed("E", self._now, connector.shown_mwh)
        stop = words.stop_transaction(connector, transaction, reason, stamps, self.settings.listed("StopTxnSampledData"), signed_end)
        self._outbox.keep("StopTransaction", stop, transaction)
        if connector.once(Fault.STOP_TWICE):
            self._outbox.keep("StopTransaction", dict(stop), transaction)

    def _restart(self, reason: str, now_ms: int) -> None:
        self._interrupt(reason, now_ms)
        self._booting_until = now_ms + self._boot_ms

    def _interrupt(self, reason: str, now_ms: int) -> None:
        """Everything stops; transactions are remembered and stopped after the boot."""
        self.offline(now_ms)
        self._registered = False
        self._heartbeat_at = None
        for connector in self._connectors:
            connector.pending = None
            if connector.transaction is not None:
                self._interrupted.append((connector.transaction, reason))
                connector.transaction.delivery.end_ms = now_ms
                connector.transaction.delivery.reason = reason
                connector.transaction = None
                connector.limits.clear()
                connector.finishing = connector.car is not None

    def _booted(self) -> None:
        self._booting_until = None
        for transaction, reason in self._interrupted:
            connector = self._connector(transaction.number)
            if not connector.once(Fault.NO_STOP):
                self._keep_stop(connector, transaction, reason)
        self._interrupted.clear()
        if self._once(Fault.REPLAY):
            self._outbox.replay()

    # --- answers --------------------------------------------------------------------------------------------------------------

    def _boot_answered(self, payload: Payload) -> None:
        interval = payload.get("interval")
        seconds = interval if isinstance(interval, int) and interval > 0 else 300
        if payload.get("status") != "Accepted":
            self._boot_at = self._now + seconds * 1_000
            return
        self._registered = True
        self.settings.values["HeartbeatInterval"] = str(seconds)
        self._heartbeat_at = self._now + seconds * 1_000
        self._report_all()

    def _start_answered(self, message: Message, payload: Payload) -> None:
        transaction, given = message.transaction, payload.get("transactionId")
        if transaction is None or not isinstance(given, int):
            return
        transaction.id = transaction.delivery.transaction = given
        info = payload.get("idTagInfo")
        accepted = isinstance(info, dict) and info.get("status") == "Accepted"
        connector = self._connector(transaction.number)
        if not accepted and connector.transaction is transaction and self.settings.flag("StopTransactionOnInvalidId"):
            self._stop(connector, "DeAuthorized")
            self._report(connector)

    def _stop_answered(self, message: Message) -> None:
        transaction = message.transaction
        if transaction is not None and Fault.LATE_METER_VALUES in self._connector(transaction.number).faults:
            connector = self._connector(transaction.number)
            self._outbox.keep("MeterValues", self._meter_values(connector, "Sample.Periodic"), transaction)

    def _authorize_answered(self, message: Message, payload: Payload) -> None:
        connector = message.connector
        if connector is None or connector.pending is None or connector.pending.id_tag != message.payload.get("idTag"):
            return
        info = payload.get("idTagInfo")
        if isinstance(info, dict) and info.get("status") == "Accepted":
            connector.pending.authorized = True
            self._try_start(connector)
        else:
            connector.pending = None
        self._report(connector)

    # --- what is said ---------------------------------------------------------------------------------------------------------

    def _say(self, action: str, payload: Payload, connector: Connector | None = None) -> None:
        if self._online:
            self._outbox.say(action, payload, connector)

    def _boot(self) -> None:
        self._boot_at = None
        self._say("BootNotification", {"chargePointVendor": self._vendor[:20], "chargePointModel": self._model[:20]})

    def _report(self, connector: Connector) -> None:
        status = connector.true_status(self._now)
        if status != connector.status:
            connector.status = status
            self._notify(connector)

    def _report_all(self) -> None:
        self._say(
            "StatusNotification", {"connectorId": 0, "errorCode": "NoError", "status": "Available", "timestamp": self._stamp(self._now)}
        )
        for connector in self._connectors:
            connector.status = connector.true_status(self._now)
            self._notify(connector)

    def _notify(self, connector: Connector) -> None:
        self._say("StatusNotification", words.status_notification(connector, self._stamp(self._now)), connector)

    def _sample(self, connector: Connector, transaction: Transaction) -> None:
        transaction.sample_at = self._next_sample()
        self._outbox.keep("MeterValues", self._meter_values(connector, "Sample.Periodic"), transaction)

    def _next_sample(self) -> int | None:
        interval = self.settings.number("MeterValueSampleInterval")
        return self._now + interval * 1_000 if interval else None

    def _meter_values(self, connector: Connector, context: str) -> Payload:
        measurands = self.settings.listed("MeterValuesSampledData")
        return words.meter_values(connector, connector.power_w(self._now), context, self._stamp(self._now), measurands)

    def _stamp(self, at_ms: int) -> str:
        return words.iso(at_ms % _DAY_MS if Fault.WRONG_CLOCK in self._faults else at_ms)

    # --- small things ---------------------------------------------------------------------------------------------------------

    def _touch(self, number: int, now_ms: int) -> Connector:
        self.advance(now_ms)
        return self._connector(number)

    def _connector(self, number: int) -> Connector:
        if not 1 <= number <= len(self._connectors):
            raise ValueError(f"pile {self.identity} has no connector {number}: it has 1 to {len(self._connectors)}")
        return self._connectors[number - 1]

    def _find(self, payload: Payload) -> Connector | None:
        return next((c for c in self._connectors if c.number == payload.get("connectorId")), None)

    def _once(self, fault: Fault) -> bool:
        ordered = fault in self._faults
        self._faults.discard(fault)
        return ordered
