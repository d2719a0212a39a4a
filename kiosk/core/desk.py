"""The payment terminal's only owner: one dialogue at a time, and none that nobody can see.

A card is asked for only while the screen is alive: it acknowledged a snapshot within the last three seconds of real time. Questions and
aborts about a dialogue need no screen.
"""

from __future__ import annotations

from typing import Protocol

from hardware.api import AnswerLost, Approved, Declined, DialogueState, EventKind, PaymentTerminal, PreauthorizationOrder, TerminalEvent
from hardware.api import NotSent as DeviceNotSent
from kiosk.session.inputs import Approval, CardFacts, Done, NotSent, Ok, Refused, Result, Unknown
from kiosk.session.requests import AbortPreauthorization, Preauthorize
from kiosk.values import Digest, Moment

SCREEN_FRESH_S = 3
_BANK_ASKED = (EventKind.CARD_PRESENTED, EventKind.CARD_INSERTED, EventKind.PIN_ENTERED)


class Clock(Protocol):
    def now(self) -> Moment: ...


class Recognise(Protocol):
    """Keeps what a card is recognised by, keyed and out of the chain; the digest goes into the fact."""

    def __call__(self, raw: str) -> Digest: ...


class DeskIds(Protocol):
    def service_id(self) -> str: ...


class Desk:
    """Asks the terminal on behalf of the sales. Every call is one attempt and ends in a `Result`, never in an exception of the device.

    `dialogue` is what the terminal is doing: nothing, waiting for a `card`, or asking the `bank`.
    """

    def __init__(self, terminal: PaymentTerminal, clock: Clock, real: Clock, ids: DeskIds, recognise: Recognise) -> None:
        self._terminal = terminal
        self._clock = clock
        self._real = real
        self._ids = ids
        self._recognise = recognise
        self._seen: Moment | None = None
        self._running = ""
        self.dialogue = ""

    def screen_seen(self) -> None:
        """The screen has drawn what it was told."""
        self._seen = self._real.now()

    def heard(self, event: TerminalEvent) -> None:
        """The terminal tells how far it is. Good for words on the screen, never for a decision about money."""
        another = event.kind is EventKind.ANOTHER_CARD
        if not self.dialogue or (event.service_id != self._running and not (another and not event.service_id)):
            return  # news of another dialogue
        if another:
            self.dialogue = "card"
        elif event.kind in _BANK_ASKED:
            self.dialogue = "bank"

    def screen_fresh(self) -> bool:
        """Whether a person at the screen sees the truth."""
        return self._seen is not None and self._real.now().ms_since(self._seen) <= SCREEN_FRESH_S * 1_000

    async def preauthorize(self, body: Preauthorize) -> Result:
        """Ask for a card. `NotSent` while the screen is away."""
        if not self.screen_fresh():
            return NotSent("the screen is away, so no card is asked for")
        self.dialogue, self._running = "card", body.service_id
        try:
            answer = await self._terminal.preauthorize(self._order(body))
        except DeviceNotSent as error:
            return NotSent(str(error))
        except AnswerLost as error:
            return Unknown(detail=str(error))
        finally:
            self.dialogue = self._running = ""
        return self._result(answer)

    async def query(self, body: Preauthorize) -> Result:
        """Ask what became of an order whose answer was lost."""
        try:
            answer = await self._terminal.status(self._order(body), self._ids.service_id())
        except (DeviceNotSent, AnswerLost) as error:
            return Unknown(detail=str(error))
        if isinstance(answer, DialogueState):
            return Unknown(hint=answer.value)
        return self._result(answer)

    async def abort(self, body: AbortPreauthorization) -> Result:
        """Ask the terminal to let an order go. The order's own answer tells what became of it."""
        try:
            await self._terminal.abort(self._order(body), self._ids.service_id())
        except DeviceNotSent as error:
            return NotSent(str(error))
        except AnswerLost as error:
            return Unknown(detail=str(error))
        return Done(Ok())

    def _order(self, body: Preauthorize | AbortPreauthorization) -> PreauthorizationOrder:
        return PreauthorizationOrder(body.payment, body.service_id, body.amount, body.language, self._clock.now().utc_ms)

    def _result(self, answer: Approved | Declined) -> Result:
        if isinstance(answer, Declined):
            return Refused(answer.reason.value, answer.detail)
        card = answer.card
        recognition = self._recognise(card.recognition) if card.recognition else None
        facts = CardFacts(card.brand, card.last4, card.auth_code, card.application_id, card.entry_mode, recognition)
        return Done(Approval(answer.authorized, answer.psp_reference, answer.tender_reference, facts, answer.offline))
