"""A payment terminal without I/O: what it does with requests, cards and time, and how it goes wrong.

The same model stands behind the simulated terminal's TLS server and inside the simulated world, so both meet one behaviour. Time and
randomness come in with the calls; answers come out of `advance`, each with the ticket of its request and the way it reaches the kiosk.
What the terminal tells unasked comes out of `notifications`.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hardware.simulated.models.terminal_fates import DELIVERIES, ON_ANSWER, ON_REBOOT, ON_REQUEST, Answer, Delivery, Fault, TerminalState
from hardware.simulated.models.terminal_host import Host
from hardware.simulated.models.terminal_store import FORWARD_MS, Store, StoreAndForward
from hardware.simulated.models.terminal_wire import (
    CARDS,
    Acquisition,
    Authorization,
    CardKind,
    Failure,
    Forwarded,
    RandomSource,
    Sale,
    Wire,
    inside,
    tender_reference,
)
from hardware.terminals.adyen import messages
from hardware.terminals.adyen.messages import PAYMENT, Json

__all__ = ["Answer", "Delivery", "Fault", "TerminalModel", "TerminalState"]

CARD_WAIT_MS = 60_000
AUTHORIZING_MS = 1_500
READING_MS = 700
REBOOT_MS = 20_000
RESULT_SHOWN_MS = 2_000
CARD_REMOVED_MS = 1_000
DELAY_MS = 30_000
LATE_MS = 10_000
UNTOLD = 64  # notifications nobody fetches: the oldest go
MEMORY_MS = 48 * 3_600_000  # a ServiceID is unique for so long, and an outcome is told for so long


_ABORTED = Failure("Aborted", {"refusalReason": "104 Merchant cancelled"})
_CANCELLED = Failure("Cancel", {"refusalReason": "108 Shopper cancelled"})
_NO_CARD = Failure("Cancel", {"refusalReason": "126 Shopper did not present card"})
_TORN = Failure("InvalidCard", {"refusalReason": "129 Card removed"})
_NOTHING_OPEN = Failure("NotAllowed", {"message": "No transaction to abort"})


Key = tuple[str, str]


@dataclass(slots=True)
class _Dialogue:
    """A card asked for, to pay or to be recognised. `presented` is the card once there is one; `mute` if its notifications get lost."""

    key: Key
    ticket: int
    header: Json
    asked: Sale | Acquisition
    tender: str
    mute: bool
    presented: CardKind | None = None

    @property
    def category(self) -> str:
        return messages.PAYMENT if isinstance(self.asked, Sale) else messages.CARD_ACQUISITION


def _ignore(_record: object) -> None:
    """Nobody listens."""


class TerminalModel:
    """One terminal. Every method that takes `now_ms` first does what was due until then; time never runs backwards."""

    def __init__(
        self,
        poi_id: str,
        random: RandomSource,
        *,
        on_authorized: Callable[[Authorization], None] = _ignore,
        on_forwarded: Callable[[Forwarded], None] = _ignore,
        store_and_forward: StoreAndForward | None = None,
        card_wait_ms: int = CARD_WAIT_MS,
        authorizing_ms: int = AUTHORIZING_MS,
        reboot_ms: int = REBOOT_MS,
        additional_json: bool = False,
    ) -> None:
        self.poi_id = poi_id
        self._random = random
        self._host = Host(poi_id, random, on_authorized, on_forwarded, store_and_forward)
        self.farewell = ""  # the picture it showed last when a card acquisition was finished
        self._card_wait_ms = card_wait_ms
        self._authorizing_ms = authorizing_ms
        self._reboot_ms = reboot_ms
        self._wire = Wire(poi_id, additional_json=additional_json)
        self._agenda: list[tuple[int, int, Callable[[int], object]]] = []
        self._entries = 0
        self._tickets = 0
        self._waiting: dict[int, str] = {}  # ticket -> category, while its connection stands
        self._ready: list[Answer] = []
        self._untold: deque[dict[str, object]] = deque(maxlen=UNTOLD)
        self._notified = 0
        self._seen: dict[Key, int] = {}
        self._told: dict[Key, dict[str, object]] = {}
        self._faults: list[tuple[Fault, str]] = []
        self._dialogue: _Dialogue | None = None
        self._held: _Dialogue | None = None  # a card acquisition that was answered and is not finished
        self._shown_until = 0
        self._up_at = 0
        self._now = 0
        self._online = True

    # --- what happens to it -------------------------------------------------------------------------------------------------------

    def request(self, message: Json, now_ms: int) -> int:
        """Take a decoded request. Its answer comes out of `advance` under the ticket returned."""
        self._run(now_ms)
        self._tickets += 1
        ticket, header = self._tickets, _header(message)
        category = str(header.get("MessageCategory"))
        self._waiting[ticket] = category
        fault = self._due_fault(ON_REQUEST, category)
        if not self.reachable(now_ms) or fault is Fault.LOSE_REQUEST:
            self._drop(ticket)
        elif fault is Fault.LATE_REQUEST:
            self._drop(ticket)
            self._at(now_ms + LATE_MS, lambda due: self._take(message, ticket, due))
        else:
            self._take(message, ticket, now_ms)
        return ticket

    def advance(self, now_ms: int) -> tuple[Answer, ...]:
        """The answers that are ready by now, in order, each once."""
        self._run(now_ms)
        ready, self._ready = tuple(self._ready), []
        return ready

    def notifications(self) -> tuple[dict[str, object], ...]:
        """What it has told unasked since the last call, in order. Nobody has to listen."""
        untold = tuple(self._untold)
        self._untold.clear()
        return untold

    def next_due(self) -> int | None:
        """When something next happens by itself; at once if an answer is ready."""
        if self._ready:
            return 0
        return self._agenda[0][0] if self._agenda else None

    def present_card(self, kind: CardKind, now_ms: int) -> bool:
        """Hold a card to the terminal. False when it did not ask for one."""
        self._run(now_ms)
        dialogue = self._dialogue
        if dialogue is None or dialogue.presented is not None:
            return False
        dialogue.presented = kind
        self._notify(dialogue, "CARD_PRESENTED", now_ms)
        match self._due_fault(ON_REBOOT, dialogue.category):
            case Fault.REBOOT:
                self._at(now_ms + self._authorizing_ms // 2, self._reboot)
            case Fault.REBOOT_FORGETTING:
                self._at(now_ms + self._authorizing_ms // 2, self._reboot_forgetting)
            case _ if isinstance(dialogue.asked, Acquisition):
                self._at(now_ms + READING_MS, lambda due: self._read(dialogue, due))
            case _:
                self._at(now_ms + self._authorizing_ms, lambda due: self._ask_host(dialogue, due))
        return True

    def press_cancel(self, now_ms: int) -> bool:
        """The driver presses the red key. False when there is nothing to cancel any more."""
        self._run(now_ms)
        return self._give_up(self._dialogue, _CANCELLED, now_ms)

    def take_card_away(self, now_ms: int) -> bool:
        """The card is gone before anything was decided. False when none was shown."""
        self._run(now_ms)
        dialogue = self._dialogue
        if dialogue is None or dialogue.presented is None:
            return False
        self._finish(dialogue, self._wire.declined(dialogue.header, dialogue.asked, _TORN, dialogue.tender, now_ms), now_ms)
        return True

    def reboot(self, now_ms: int) -> None:
        """Power goes off and on. What was decided is found afterwards; what was not is aborted."""
        self._run(now_ms)
        self._reboot(now_ms)

    def fault(self, fault: Fault, category: str = PAYMENT) -> None:
        """Go wrong this way: what is away or back at once, anything else at the next message of this category it applies to."""
        match fault:
            case Fault.OFFLINE:
                self._online = False
                self._drop_all()
            case Fault.ONLINE:
                self._online = True
            case Fault.HOST_AWAY:
                self._host.reachable = False
            case Fault.HOST_BACK:
                self._host.reachable = True
                self._at(self._now + FORWARD_MS, self._forward)
            case _:
                self._faults.append((fault, category))

    # --- what can be seen of it ---------------------------------------------------------------------------------------------------

    @property
    def book(self) -> list[Authorization]:
        """What was approved and is known to the host."""
        return self._host.book

    @property
    def store(self) -> Store:
        """What it approved by itself and the host does not know yet."""
        return self._host.store

    def reachable(self, now_ms: int) -> bool:
        """Whether a connection to it is taken."""
        return self._online and now_ms >= self._up_at

    def rejection(self, details: str) -> dict[str, object]:
        """What it says, in clear, to something that is no request at all."""
        return self._wire.reject(details)

    def state(self, now_ms: int) -> TerminalState:
        self._run(now_ms)
        if now_ms < self._up_at:
            return TerminalState.REBOOTING
        if (dialogue := self._dialogue) is not None:
            if dialogue.presented is None:
                return TerminalState.PRESENT_CARD
            return TerminalState.AUTHORIZING if dialogue.category == PAYMENT else TerminalState.READING
        if self._held is not None:
            return TerminalState.ONE_MOMENT
        if not self._online:
            return TerminalState.OFFLINE
        return TerminalState.DONE if now_ms < self._shown_until else TerminalState.IDLE

    # --- requests -----------------------------------------------------------------------------------------------------------------

    def _take(self, message: Json, ticket: int, now_ms: int) -> None:
        if not self.reachable(now_ms):
            return
        header = _header(message)
        service, sale_id = header.get("ServiceID"), header.get("SaleID")
        category = str(header.get("MessageCategory"))
        body = inside(message.get(messages.REQUEST), f"{category}Request")
        if body is None or not isinstance(service, str) or not isinstance(sale_id, str) or header.get("POIID") != self.poi_id:
            self._emit(ticket, self.rejection("Input is not a request to this terminal"), now_ms, Delivery.CLEAR)
            return
        key = (sale_id, service)
        self._forget(now_ms)
        if key in self._seen:
            repeated = Failure("NotAllowed", {"message": "ServiceID was used within 48 hours"})
            self._emit(ticket, self._wire.failure(header, repeated), now_ms)
            return
        self._seen[key] = now_ms
        match category:
            case messages.PAYMENT:
                self._begin(key, ticket, header, Sale.of(body), now_ms)
            case messages.CARD_ACQUISITION:
                self._begin(key, ticket, header, Acquisition.of(body), now_ms)
            case messages.ENABLE_SERVICE:
                self._emit(ticket, self._let_go(header, body, now_ms), now_ms)
            case messages.TRANSACTION_STATUS:
                self._emit(ticket, self._status(header, body), now_ms)
            case messages.ABORT:
                if self._dialogue is not None and self._dialogue.key == _reference(body):
                    self._give_up(self._dialogue, _ABORTED, now_ms)
                self._emit(ticket, None, now_ms)
            case messages.DIAGNOSIS:
                self._emit(ticket, self._diagnosis(header, body), now_ms)
            case _:
                self._emit(ticket, self._wire.failure(header, Failure("UnavailableService", {"message": "not simulated"})), now_ms)

    def _begin(self, key: Key, ticket: int, header: Json, asked: Sale | Acquisition | Failure, now_ms: int) -> None:
        if (running := self._dialogue or self._held) is not None:
            self._emit(ticket, self._wire.failure(header, _busy(running)), now_ms)
            return
        if isinstance(asked, Failure):
            self._emit(ticket, self._wire.failure(header, asked), now_ms)
            return
        mute = self._due_fault((Fault.LOSE_NOTIFICATIONS,), PAYMENT) is not None
        dialogue = _Dialogue(key, ticket, header, asked, tender_reference(self._random, now_ms), mute)
        self._dialogue = dialogue
        self._notify(dialogue, "TENDER_CREATED", now_ms)
        self._at(now_ms + self._card_wait_ms, lambda due: self._give_up(dialogue, _NO_CARD, due))

    def _let_go(self, header: Json, body: Json, now_ms: int) -> dict[str, object]:
        """Finish a card acquisition that was answered. What still waits for a card is a matter of an abort."""
        if body.get("TransactionAction") != "AbortTransaction":
            return self._wire.failure(header, Failure("UnavailableService", {"message": "not simulated"}))
        if self._dialogue is not None:
            return self._wire.failure(header, _busy(self._dialogue))
        held, self._held = self._held, None
        if held is None:
            return self._wire.failure(header, _NOTHING_OPEN)
        content = inside(inside(inside(body, "DisplayOutput"), "OutputContent"), "PredefinedContent") or {}
        self.farewell = str(content.get("ReferenceID", ""))
        self._shown_until = now_ms + RESULT_SHOWN_MS
        self._at(now_ms + CARD_REMOVED_MS, lambda due: self._notify(held, "CARD_REMOVED", due))
        return self._wire.response(header, {"Response": {"Result": "Success"}})

    def _status(self, header: Json, body: Json) -> dict[str, object]:
        key = _reference(body)
        if key is None:
            return self._wire.failure(header, Failure("MessageFormat", {"errors": "field MessageReference: Missing"}))
        if self._dialogue is not None and self._dialogue.key == key:
            return self._wire.failure(header, Failure("InProgress", {"message": "Transaction still in progress"}))
        told = self._told.get(key)
        if told is None:
            return self._wire.failure(header, Failure("NotFound", {"message": "Message reference not found"}))
        content = told[messages.RESPONSE]
        assert isinstance(content, dict)
        repeated = {
            "MessageHeader": content["MessageHeader"],
            "RepeatedResponseMessageBody": {"PaymentResponse": content["PaymentResponse"]},
        }
        return self._wire.response(header, {"Response": {"Result": "Success"}, "RepeatedMessageResponse": repeated})

    def _diagnosis(self, header: Json, body: Json) -> dict[str, object]:
        flags = {f"{part}OKFlag": True for part in ("Communication", "CardReader", "PED", "Security")}
        free = self._dialogue is None and self._held is None
        status = {"GlobalStatus": "OK" if free else "Busy", **flags, "PrinterStatus": "OutOfOrder"}
        answer: dict[str, object] = {"Response": {"Result": "Success"}, "POIStatus": status}
        if body.get("HostDiagnosisFlag") is True:
            answer["HostStatus"] = [{"AcquirerID": 1, "IsReachableFlag": self._host.reachable}]
        return self._wire.response(header, answer)

    # --- a payment's end ----------------------------------------------------------------------------------------------------------

    def _ask_host(self, dialogue: _Dialogue, now_ms: int) -> None:
        if self._dialogue is dialogue:  # a reboot may have come first, and it asks once and for all
            self._finish(dialogue, self._authorized(dialogue, now_ms), now_ms)

    def _authorized(self, dialogue: _Dialogue, now_ms: int) -> dict[str, object]:
        """Have it decided, for good, and write the answer to the kiosk."""
        sale, kind = dialogue.asked, dialogue.presented
        assert kind is not None
        assert isinstance(sale, Sale)
        decided = self._host.decide(sale, kind, dialogue.tender, self._grants_half, now_ms)
        if isinstance(decided, Failure):
            return self._wire.declined(dialogue.header, sale, decided, dialogue.tender, now_ms)
        return self._wire.approved(dialogue.header, sale, CARDS[kind], decided)

    def _grants_half(self) -> bool:
        return self._due_fault((Fault.PARTIAL_APPROVAL,), PAYMENT) is not None

    def _forward(self, now_ms: int) -> None:
        """Tell the host of a payment it does not know, and then of the next."""
        if now_ms >= self._up_at and self._host.forward():
            self._at(now_ms + FORWARD_MS, self._forward)

    def _read(self, dialogue: _Dialogue, now_ms: int) -> None:
        """Tell the kiosk what the card is recognised by, and keep its data until the kiosk says what now."""
        if self._dialogue is not dialogue or dialogue.presented is None or not isinstance(dialogue.asked, Acquisition):
            return  # a reboot came first
        self._dialogue, self._held = None, dialogue
        answer = self._wire.acquired(dialogue.header, dialogue.asked, CARDS[dialogue.presented], dialogue.tender, now_ms)
        self._emit(dialogue.ticket, answer, now_ms)

    def _give_up(self, dialogue: _Dialogue | None, why: Failure, now_ms: int) -> bool:
        if dialogue is None or self._dialogue is not dialogue or dialogue.presented is not None:
            return False
        self._finish(dialogue, self._wire.declined(dialogue.header, dialogue.asked, why, dialogue.tender, now_ms), now_ms)
        return True

    def _finish(self, dialogue: _Dialogue, answer: dict[str, object], now_ms: int) -> None:
        if self._dialogue is not dialogue:
            return
        self._dialogue = None
        self._shown_until = now_ms + RESULT_SHOWN_MS
        if dialogue.category == PAYMENT:
            self._told[dialogue.key] = answer
        self._emit(dialogue.ticket, answer, now_ms)
        self._notify(dialogue, "TENDER_FINAL", now_ms)
        if dialogue.presented is not None:
            self._at(now_ms + CARD_REMOVED_MS, lambda due: self._notify(dialogue, "CARD_REMOVED", due))

    def _reboot(self, now_ms: int) -> None:
        self._go_down(now_ms)
        dialogue = self._dialogue
        if dialogue is None:
            return
        if dialogue.presented is None:
            self._give_up(dialogue, _ABORTED, now_ms)
        elif dialogue.category != PAYMENT:
            self._dialogue = None
        else:
            self._finish(dialogue, self._authorized(dialogue, now_ms), now_ms)

    def _reboot_forgetting(self, now_ms: int) -> None:
        self._go_down(now_ms)
        dialogue = self._dialogue
        if dialogue is not None and dialogue.presented is not None and dialogue.category == PAYMENT:
            self._authorized(dialogue, now_ms)
        self._dialogue = None

    def _go_down(self, now_ms: int) -> None:
        self._up_at = now_ms + self._reboot_ms
        self._at(self._up_at, lambda _due: None)
        self._at(self._up_at + FORWARD_MS, self._forward)
        self._held = None
        self._drop_all()

    # --- answers ------------------------------------------------------------------------------------------------------------------

    def _emit(self, ticket: int, message: dict[str, object] | None, now_ms: int, delivery: Delivery = Delivery.SEALED) -> None:
        category = self._waiting.get(ticket)
        if category is None:
            return
        fault = self._due_fault(ON_ANSWER, category)
        if fault is Fault.LOSE_ANSWER:
            self._drop(ticket)
        elif fault is Fault.DELAY_ANSWER:
            self._at(now_ms + DELAY_MS, lambda _due: self._deliver(Answer(ticket, message, delivery)))
        elif fault is Fault.FOREIGN_HEADER and message is not None:
            self._deliver(Answer(ticket, _foreign(message), delivery))
        else:
            self._deliver(Answer(ticket, message, delivery if fault is None else DELIVERIES.get(fault, delivery)))

    def _deliver(self, answer: Answer) -> None:
        if self._waiting.pop(answer.ticket, None) is not None:
            self._ready.append(answer)

    def _drop(self, ticket: int) -> None:
        self._deliver(Answer(ticket, None, Delivery.DROPPED))

    def _drop_all(self) -> None:
        for ticket in tuple(self._waiting):
            self._drop(ticket)

    def _notify(self, dialogue: _Dialogue, event: str, now_ms: int) -> None:
        if dialogue.mute or not self.reachable(now_ms):
            return
        self._notified += 1
        self._untold.append(self._wire.progress(dialogue.header, dialogue.tender, event, self._notified, now_ms))

    # --- time and memory ----------------------------------------------------------------------------------------------------------

    def _at(self, due_ms: int, event: Callable[[int], object]) -> None:
        self._entries += 1
        heapq.heappush(self._agenda, (due_ms, self._entries, event))

    def _run(self, now_ms: int) -> None:
        self._now = max(self._now, now_ms)
        while self._agenda and self._agenda[0][0] <= now_ms:
            due_ms, _, event = heapq.heappop(self._agenda)
            event(due_ms)

    def _forget(self, now_ms: int) -> None:
        while self._seen:
            oldest = next(iter(self._seen))
            if now_ms - self._seen[oldest] <= MEMORY_MS:
                break
            del self._seen[oldest]
            self._told.pop(oldest, None)

    def _due_fault(self, among: tuple[Fault, ...], category: str) -> Fault | None:
        """The oldest armed fault of this sort for this category; it happens once."""
        for index, (fault, wanted) in enumerate(self._faults):
            if fault in among and wanted == category:
                del self._faults[index]
                return fault
        return None


def _header(message: Json) -> Json:
    return inside(message.get(messages.REQUEST), "MessageHeader") or {}


def _reference(body: Json) -> Key | None:
    reference = inside(body, "MessageReference")
    if reference is None:
        return None
    return (str(reference.get("SaleID")), str(reference.get("ServiceID")))


def _busy(running: _Dialogue) -> Failure:
    told = f"Forbidden Request, Service Dialogue {running.category}Request is in Progress"
    return Failure("Busy", {"message": told, "serviceId": running.key[1]})


def _foreign(message: Json) -> dict[str, object]:
    """The same answer, as if to somebody else's dialogue."""
    ((wrapper, content),) = message.items()
    assert isinstance(content, Mapping)
    return {wrapper: {**content, "MessageHeader": {**content["MessageHeader"], "ServiceID": "0THERSONE"}}}
