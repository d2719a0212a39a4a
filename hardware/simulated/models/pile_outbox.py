"""What a simulated pile still has to say: transaction messages are kept until they are answered, the rest is said now or never."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from hardware.simulated.models.pile_connector import Connector, Transaction
from hardware.simulated.models.pile_words import Payload

_ANSWER_MS = 30_000
_REPLAYED = 6  # as many as a controller keeps that forgot which of its messages were answered
_UNKNOWN_TRANSACTION = -1  # OCPP 1.6 errata 3.18: its StartTransaction was never answered


@dataclass(frozen=True, slots=True)
class Call:
    """A CALL of the pile, ready for the wire."""

    id: str
    action: str
    payload: Payload


@dataclass(slots=True)
class Message:
    """Something to say. With a `transaction` it is kept until it is answered."""

    order: int
    action: str
    payload: Payload
    transaction: Transaction | None = None
    connector: Connector | None = None
    tries: int = 0
    not_before: int = 0
    replayed: bool = False

    def filled_in(self) -> Payload:
        """The payload with the transaction's id as it is known at the time of sending."""
        if self.transaction is None or self.action == "StartTransaction":
            return self.payload
        given = self.transaction.id
        if given is None and self.action == "MeterValues":
            return self.payload
        return {**self.payload, "transactionId": _UNKNOWN_TRANSACTION if given is None else given}


class Outbox:
    """One CALL is outstanding at a time (OCPP-J 1.6 4.1.1). A message that goes out again gets a new id."""

    def __init__(self, ids: Callable[[], str]) -> None:
        self._ids = ids
        self._order = 0
        self._fleeting: list[Message] = []
        self._kept: list[Message] = []
        self._over: deque[Message] = deque(maxlen=_REPLAYED)
        self._outstanding: tuple[str, Message, int] | None = None  # message id, message, when we stop waiting

    @property
    def queued(self) -> int:
        return len(self._kept)

    def say(self, action: str, payload: Payload, connector: Connector | None = None) -> None:
        self._order += 1
        self._fleeting.append(Message(self._order, action, payload, connector=connector))

    def keep(self, action: str, payload: Payload, transaction: Transaction) -> None:
        self._order += 1
        self._kept.append(Message(self._order, action, payload, transaction))

    def disconnected(self) -> None:
        self._fleeting.clear()
        self._outstanding = None

    def next(self, now_ms: int, registered: bool) -> Call | None:
        """What goes out now, and counts as sent. Before its boot is accepted a pile says nothing else (OCPP 1.6 4.2)."""
        if self._outstanding is not None:
            return None
        message = self._choose(now_ms) if registered else next((m for m in self._fleeting if m.action == "BootNotification"), None)
        if message is None:
            return None
        if message in self._fleeting:
            self._fleeting.remove(message)
        call = Call(self._ids(), message.action, message.filled_in())
        self._outstanding = (call.id, message, now_ms + _ANSWER_MS)
        return call

    def _choose(self, now_ms: int) -> Message | None:
        """Whatever came first; a kept message that waits for its next try lets others pass."""
        ready = [*self._fleeting[:1], *(m for m in self._kept[:1] if m.not_before <= now_ms)]
        return min(ready, key=lambda m: m.order, default=None)

    def answered(self, call_id: str) -> Message | None:
        """The message that `call_id` was; None for an answer nobody waits for."""
        if self._outstanding is None or self._outstanding[0] != call_id:
            return None
        message = self._outstanding[1]
        self._outstanding = None
        if message in self._kept:
            self._kept.remove(message)
            if not message.replayed:
                self._over.append(message)
        return message

    def replay(self) -> None:
        """Say the last kept messages once more, although they were answered."""
        for message in self._over:
            self._order += 1
            self._kept.append(replace(message, order=self._order, tries=0, not_before=0, replayed=True))

    def refused(self, call_id: str, now_ms: int, attempts: int, interval_ms: int) -> Message | None:
        """A kept message is tried `attempts` times, waiting longer each time, and then discarded (OCPP 1.6 3.7.1)."""
        if self._outstanding is None or self._outstanding[0] != call_id:
            return None
        message = self._outstanding[1]
        self._outstanding = None
        if message in self._kept:
            message.tries += 1
            message.not_before = now_ms + message.tries * interval_ms
            if message.tries >= attempts:
                self._kept.remove(message)
        return message

    def unanswered(self, now_ms: int) -> Message | None:
        """The message whose answer is no longer waited for; one that is kept goes out again."""
        if self._outstanding is None or now_ms < self._outstanding[2]:
            return None
        message = self._outstanding[1]
        self._outstanding = None
        return message

    def due_ms(self) -> int | None:
        if self._outstanding is not None:
            return self._outstanding[2]
        return self._kept[0].not_before if self._kept else None
