"""The wire to the payment terminal: the Terminal API's own messages, the terminal's own model, and all that gets lost between them."""

from __future__ import annotations

from collections.abc import Callable

from hardware.api import (
    AnswerLost,
    Approved,
    Card,
    Declined,
    DialogueState,
    Farewell,
    IdentifyOrder,
    NotSent,
    PreauthorizationOrder,
    TerminalHealth,
)
from hardware.simulated.models.terminal import Answer, Delivery, Fault, TerminalModel, TerminalState
from hardware.simulated.models.terminal_store import StoreAndForward
from hardware.simulated.models.terminal_wire import Authorization, CardKind, Forwarded
from hardware.terminals.adyen import answers, messages
from hardware.terminals.adyen.messages import Opened, Request
from kiosk.simulation import faults as bad
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork, Planned
from kiosk.simulation.coroutines import Waiting
from kiosk.simulation.faults import Faults

PAYMENT_MS = 150_000
_DIALOGUES = (messages.PAYMENT, messages.CARD_ACQUISITION)
OTHER_MS = 15_000
_STEPS = {
    messages.PAYMENT: "preauthorize",
    messages.TRANSACTION_STATUS: "query",
    messages.ABORT: "abort",
    messages.CARD_ACQUISITION: "identify",
    messages.ENABLE_SERVICE: "release",
}


class TerminalWire:
    """One terminal and the kiosk's port to it (`hardware.api.PaymentTerminal`)."""

    def __init__(
        self,
        clockwork: Clockwork,
        chance: Chance,
        faults: Faults,
        poi_id: str,
        sale_id: str,
        booked: Callable[[Authorization], None],
        forwarded: Callable[[Forwarded], None],
        alone: StoreAndForward | None,
    ) -> None:
        """`alone`: what it may approve while its host is away."""
        self._clockwork = clockwork
        self._chance = chance
        self._faults = faults
        self._poi_id, self._sale_id = poi_id, sale_id
        self._waiting: dict[int, Waiting[Answer]] = {}
        self._wake: Planned | None = None
        self._booked, self._forwarded, self._alone = booked, forwarded, alone
        self._asks = ""  # the category of the dialogue it began last
        self._for = ""  # and the payment it is about
        self._swaps = 0
        self.model = self._device()

    # --- people at the terminal -----------------------------------------------------------------------------------------------

    @property
    def asks_for_card(self) -> bool:
        return self.model.state(self._clockwork.now) is TerminalState.PRESENT_CARD

    @property
    def asks_to_pay(self) -> bool:
        """Whether a card shown now is one to pay with."""
        return self._asks == messages.PAYMENT and self.asks_for_card

    def present(self, card: CardKind) -> bool:
        """Hold a card to it. False when it did not ask for one."""
        step = _STEPS.get(self._asks, "other")
        fault = self._faults.draw(bad.TERMINAL_CARD, step, self._for) if self._asks == messages.PAYMENT else None
        torn = fault is not None and fault.model == "torn"
        if fault is not None and not torn:
            self.model.fault(Fault(fault.model))
        taken = self.model.present_card(card, self._clockwork.now)
        self._pump()
        if torn:
            self._clockwork.after(self._chance.randint(100, 900), self._take_away)
        return taken

    def _take_away(self) -> None:
        self.model.take_card_away(self._clockwork.now)
        self._pump()

    def swap(self, step: str) -> bool:
        """A technician puts another device in its place, once this one has told its host all that it knows."""
        if len(self.model.store) or not self.model.reachable(self._clockwork.now):
            return False
        self._faults.note(bad.TERMINAL_SWAPPED, step, self._for)
        self.model.reboot(self._clockwork.now)
        self._pump()
        self._waiting.clear()
        self._swaps += 1
        self._poi_id = f"{self._poi_id[:-2]}{self._swaps:02}"
        self.model = self._device()
        return True

    def _device(self) -> TerminalModel:
        return TerminalModel(
            self._poi_id, self._chance, on_authorized=self._booked, on_forwarded=self._forwarded, store_and_forward=self._alone
        )

    def try_out(self) -> None:
        """A technician with a till of their own lets the terminal ask for a card."""
        order = IdentifyOrder("TECH", "TECH", "en", self._clockwork.now)
        self.model.request(messages.card_acquisition(order, "TECHNICIAN", self._poi_id).message(), self._clockwork.now)
        self._pump()

    def host(self, *, away: bool) -> None:
        self.model.fault(Fault.HOST_AWAY if away else Fault.HOST_BACK)
        self._pump()

    def _step(self) -> str:
        busy = self.model.state(self._clockwork.now) is not TerminalState.IDLE
        return _STEPS.get(self._asks, "other") if busy else "idle"

    def press_cancel(self) -> None:
        self.model.press_cancel(self._clockwork.now)
        self._pump()

    def reboot(self) -> None:
        self._faults.note(bad.TERMINAL_REBOOT, self._step(), self._for)
        self.model.reboot(self._clockwork.now)
        self._pump()

    # --- the kiosk's port -----------------------------------------------------------------------------------------------------

    async def preauthorize(self, order: PreauthorizationOrder) -> Approved | Declined:
        request = messages.payment(order, self._sale_id, self._poi_id)
        body = answers.body_of(await self._ask(request, PAYMENT_MS, order.reference), request)
        answer = answers.preauthorized(body, order)
        if isinstance(answer, Declined) and answer.reason.value == "busy":
            self._faults.note(bad.TERMINAL_BUSY, "preauthorize")
        return answer

    async def status(self, order: PreauthorizationOrder, service_id: str) -> Approved | Declined | DialogueState:
        request = messages.transaction_status(order, service_id, self._sale_id, self._poi_id)
        answer = answers.status(answers.body_of(await self._ask(request, OTHER_MS, order.reference), request), order, request)
        if answer is DialogueState.IN_PROGRESS:
            self._faults.note(bad.TERMINAL_IN_PROGRESS, "query")
        elif answer is DialogueState.NOT_FOUND:
            self._faults.note(bad.TERMINAL_NOT_FOUND, "query", order.reference)
        return answer

    async def abort(self, order: PreauthorizationOrder | IdentifyOrder, service_id: str) -> None:
        await self._ask(messages.abort(order, service_id, self._sale_id, self._poi_id), OTHER_MS, order.reference)

    async def identify(self, order: IdentifyOrder) -> Card | Declined:
        request = messages.card_acquisition(order, self._sale_id, self._poi_id)
        return answers.identified(answers.body_of(await self._ask(request, PAYMENT_MS), request), order)

    async def release(self, service_id: str, farewell: Farewell) -> Declined | None:
        request = messages.release(service_id, farewell, self._sale_id, self._poi_id)
        return answers.released(answers.body_of(await self._ask(request, OTHER_MS), request))

    async def diagnose(self, service_id: str) -> TerminalHealth:
        request = messages.diagnosis(service_id, self._sale_id, self._poi_id)
        try:
            return answers.health(answers.body_of(await self._ask(request, OTHER_MS), request))
        except (NotSent, AnswerLost) as error:
            return TerminalHealth(False, str(error), host=False)

    async def _ask(self, request: Request, patience_ms: int, about: str = "") -> Opened:
        """One exchange. Raises `NotSent` or `AnswerLost`, as the driver over TLS does."""
        step = _STEPS.get(request.category, "other")
        if not self.model.reachable(self._clockwork.now) or self._faults.strikes(bad.TERMINAL_OFF, step, about):
            raise NotSent("the terminal cannot be reached")
        if (fault := self._faults.draw(bad.TERMINAL_REQUEST, step, about)) is not None:
            self.model.fault(Fault(fault.model), request.category)
        waiting: Waiting[Answer] = Waiting(self._clockwork)
        lost = AnswerLost(f"{request.category}: no answer; it may have acted")
        patience = self._clockwork.after(patience_ms, lambda: waiting.fail(lost))
        self._clockwork.after(self._chance.randint(5, 60), lambda: self._arrive(request, waiting, about))
        answer = await waiting
        patience.cancel()
        if answer.delivery in (Delivery.DROPPED, Delivery.WRONG_MAC):
            raise AnswerLost(f"{request.category}: {answer.delivery.value}; it may have acted")
        return Opened(answer.message or {}, sealed=answer.delivery is not Delivery.CLEAR)

    # --- the far end ----------------------------------------------------------------------------------------------------------

    def _arrive(self, request: Request, waiting: Waiting[Answer], about: str) -> None:
        if request.category in _DIALOGUES and not self.asks_for_card:
            self._asks, self._for = request.category, about
        ticket = self.model.request(request.message(), self._clockwork.now)
        self._waiting[ticket] = waiting
        self._pump()

    def _pump(self) -> None:
        now = self._clockwork.now
        for answer in self.model.advance(now):
            waiting = self._waiting.pop(answer.ticket, None)
            if waiting is not None:
                self._clockwork.after(self._chance.randint(5, 60), lambda w=waiting, a=answer: w.resolve(a))  # type: ignore[misc]
        if self._wake is not None:
            self._wake.cancel()
        due = self.model.next_due()
        self._wake = None if due is None else self._clockwork.at(due, self._pump)
