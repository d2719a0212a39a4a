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
from hardware.simulated.models.terminal_wire import Authorization, CardKind
from hardware.terminals.adyen import answers, messages
from hardware.terminals.adyen.messages import Opened, Request
from kiosk.simulation import faults as bad
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork, Planned
from kiosk.simulation.coroutines import Waiting
from kiosk.simulation.faults import Faults

PAYMENT_MS = 150_000
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
        self, clockwork: Clockwork, chance: Chance, faults: Faults, poi_id: str, sale_id: str, booked: Callable[[Authorization], None]
    ) -> None:
        self._clockwork = clockwork
        self._chance = chance
        self._faults = faults
        self._poi_id, self._sale_id = poi_id, sale_id
        self._waiting: dict[int, Waiting[Answer]] = {}
        self._wake: Planned | None = None
        self.model = TerminalModel(poi_id, chance, on_authorized=booked)

    # --- people at the terminal -----------------------------------------------------------------------------------------------

    @property
    def asks_for_card(self) -> bool:
        return self.model.state(self._clockwork.now) is TerminalState.PRESENT_CARD

    def present(self, card: CardKind) -> bool:
        if (fault := self._faults.draw(bad.TERMINAL_CARD, "preauthorize")) is not None:
            self.model.fault(Fault(fault.model))
        taken = self.model.present_card(card, self._clockwork.now)
        self._pump()
        return taken

    def press_cancel(self) -> None:
        self.model.press_cancel(self._clockwork.now)
        self._pump()

    def reboot(self) -> None:
        self._faults.note(
            bad.TERMINAL_REBOOT, "preauthorize" if self.model.state(self._clockwork.now) is not TerminalState.IDLE else "idle"
        )
        self.model.reboot(self._clockwork.now)
        self._pump()

    # --- the kiosk's port -----------------------------------------------------------------------------------------------------

    async def preauthorize(self, order: PreauthorizationOrder) -> Approved | Declined:
        request = messages.payment(order, self._sale_id, self._poi_id)
        body = answers.body_of(await self._ask(request, PAYMENT_MS), request)
        answer = answers.preauthorized(body, order)
        if isinstance(answer, Declined) and answer.reason.value == "busy":
            self._faults.note(bad.TERMINAL_BUSY, "preauthorize")
        return answer

    async def status(self, order: PreauthorizationOrder, service_id: str) -> Approved | Declined | DialogueState:
        request = messages.transaction_status(order, service_id, self._sale_id, self._poi_id)
        answer = answers.status(answers.body_of(await self._ask(request, OTHER_MS), request), order, request)
        if answer is DialogueState.IN_PROGRESS:
            self._faults.note(bad.TERMINAL_IN_PROGRESS, "query")
        elif answer is DialogueState.NOT_FOUND:
            self._faults.note(bad.TERMINAL_NOT_FOUND, "query")
        return answer

    async def abort(self, order: PreauthorizationOrder | IdentifyOrder, service_id: str) -> None:
        await self._ask(messages.abort(order, service_id, self._sale_id, self._poi_id), OTHER_MS)

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

    async def _ask(self, request: Request, patience_ms: int) -> Opened:
        """One exchange. Raises `NotSent` or `AnswerLost`, as the driver over TLS does."""
        step = _STEPS.get(request.category, "other")
        if not self.model.reachable(self._clockwork.now) or self._faults.strikes(bad.TERMINAL_OFF, step):
            raise NotSent("the terminal cannot be reached")
        if (fault := self._faults.draw(bad.TERMINAL_REQUEST, step)) is not None:
            self.model.fault(Fault(fault.model), request.category)
        waiting: Waiting[Answer] = Waiting(self._clockwork)
        lost = AnswerLost(f"{request.category}: no answer; it may have acted")
        patience = self._clockwork.after(patience_ms, lambda: waiting.fail(lost))
        self._clockwork.after(self._chance.randint(5, 60), lambda: self._arrive(request, waiting))
        answer = await waiting
        patience.cancel()
        if answer.delivery in (Delivery.DROPPED, Delivery.WRONG_MAC):
            raise AnswerLost(f"{request.category}: {answer.delivery.value}; it may have acted")
        return Opened(answer.message or {}, sealed=answer.delivery is not Delivery.CLEAR)

    # --- the far end ----------------------------------------------------------------------------------------------------------

    def _arrive(self, request: Request, waiting: Waiting[Answer]) -> None:
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
