"""The payment terminal's only owner: one dialogue at a time, and none that nobody can see.

A card is asked for only while the screen is alive: it acknowledged a snapshot within the last three seconds of real time. Questions and
aborts about a dialogue need no screen.

A card is asked for to pay, or only to be recognised. Recognising it leaves nothing at the acquirer, but it leaves the terminal holding the
card's data and deaf to all else until it is told to let go. So what was begun is always finished: at once, or before the next dialogue when
the word to let go was lost, or by the next core when this one dies in between. A sale that wants the terminal goes first.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hardware.api import (
    AnswerLost,
    Approved,
    Card,
    Declined,
    DeclineReason,
    DialogueState,
    EventKind,
    Farewell,
    IdentifyOrder,
    PaymentTerminal,
    PreauthorizationOrder,
    TerminalEvent,
    TerminalHealth,
)
from hardware.api import NotSent as DeviceNotSent
from kiosk.session.inputs import Approval, CardFacts, Done, NotSent, Ok, Refused, Result, Unknown
from kiosk.session.requests import AbortPreauthorization, Preauthorize
from kiosk.values import Digest, Moment

log = logging.getLogger(__name__)

SCREEN_FRESH_S = 3
# Begins the ServiceID of every identification. The kiosk's other ids are capitals and digits, so a core that died in the middle of one is
# recognised by what the terminal says it is busy with.
_IDENTIFY = "i"
_CALLS = 2  # to a terminal that may not have heard the first
_SCREEN_AWAY = "the screen is away, so no card is asked for"
_NO_CARD = (DeclineReason.NO_CARD, DeclineReason.CANCELLED, DeclineReason.ABORTED)
_BANK_ASKED = (EventKind.CARD_PRESENTED, EventKind.CARD_INSERTED, EventKind.PIN_ENTERED)


class Clock(Protocol):
    def now(self) -> Moment: ...


class Recognise(Protocol):
    """Keeps what a card is recognised by, keyed and out of the chain; the digest goes into the fact."""

    def __call__(self, raws: tuple[str, ...]) -> Digest: ...


class DeskIds(Protocol):
    def service_id(self) -> str: ...

    def recognition(self, raw: str) -> Digest: ...


class Gate(Protocol):
    """Something to wait for: `asyncio.Event`, or what stands for it in a world without an event loop."""

    def set(self) -> None: ...

    async def wait(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """A card that is known again. `by` are keyed hashes, the surest first: a sale whose card has one of them was paid with this card."""

    by: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Unrecognisable:
    """A card was held to the terminal, and nothing of it tells it from others, or it could not be read."""


@dataclass(frozen=True, slots=True)
class NoCard:
    """Nobody held one: `no_card` in time, `cancelled` with the red key, or `aborted` by us, for a sale or because the driver left."""

    why: str


@dataclass(frozen=True, slots=True)
class Away:
    """No card could be asked for, or what it was is lost. Nothing is left to be mended by the caller."""

    detail: str


Recognition = Seen | Unrecognisable | NoCard | Away


class _Turn:
    """One identification, from the wish to the last word to the terminal. `order` is there while the terminal knows of it."""

    def __init__(self, over: Gate) -> None:
        self.over = over
        self.order: IdentifyOrder | None = None
        self.given_up = False


class Desk:
    """Asks the terminal on behalf of the sales. Every call is one attempt and ends in a `Result`, never in an exception of the device.

    `dialogue` is what the terminal is doing: nothing, waiting for a `card` to pay, asking the `bank`, or waiting for a card to `identify`.
    """

    def __init__(
        self,
        terminal: PaymentTerminal,
        clock: Clock,
        real: Clock,
        ids: DeskIds,
        recognise: Recognise,
        gate: Callable[[], Gate] = asyncio.Event,
    ) -> None:
        self._terminal = terminal
        self._clock = clock
        self._real = real
        self._ids = ids
        self._recognise = recognise
        self._gate = gate
        self._sales = 0  # that wait for the terminal or have it
        self._waiting: set[str] = set()  # ServiceIDs of sales the terminal has not heard of
        self._turn: _Turn | None = None
        self._asking: Gate | None = None  # while the terminal is asked how it is
        self._owed = False  # the terminal may hold the data of a card it was to recognise
        self._health = TerminalHealth(True, "not asked yet")
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
        if self.dialogue == "identify":
            return  # its card is taken to no bank
        if another:
            self.dialogue = "card"
        elif event.kind in _BANK_ASKED:
            self.dialogue = "bank"

    def screen_fresh(self) -> bool:
        """Whether a person at the screen sees the truth."""
        return self._seen is not None and self._real.now().ms_since(self._seen) <= SCREEN_FRESH_S * 1_000

    async def preauthorize(self, body: Preauthorize) -> Result:
        """Ask for a card. `NotSent` while the screen is away. An identification that has the terminal is ended first."""
        if not self.screen_fresh():
            return NotSent(_SCREEN_AWAY)
        self._sales += 1
        self._waiting.add(body.service_id)
        try:
            if not await self._free():
                return NotSent("the terminal is recognising a card and cannot be told to stop")
            if body.service_id not in self._waiting:
                return Refused(DeclineReason.ABORTED.value, "let go before the terminal was asked")
            self._waiting.remove(body.service_id)
            if not self.screen_fresh():
                return NotSent(_SCREEN_AWAY)
            answer = await self._pay(body)
            if isinstance(answer, Declined) and answer.reason is DeclineReason.BUSY and self._sales == 1:
                await self._finish(Farewell.DECLINED)  # somebody left it so, and it was none of the sales at this desk
        except DeviceNotSent as error:
            return NotSent(str(error))
        except AnswerLost as error:
            return Unknown(detail=str(error))
        finally:
            self._sales -= 1
            self._waiting.discard(body.service_id)
        return self._result(answer)

    async def _pay(self, body: Preauthorize) -> Approved | Declined:
        self.dialogue, self._running = "card", body.service_id
        try:
            return await self._terminal.preauthorize(self._order(body))
        finally:
            self.dialogue = self._running = ""

    async def identify(self, language: str) -> Recognition:
        """Ask for a card, only to know it again. It is no payment: nothing is reserved, whatever happens.

        `Away` while the screen is away or the terminal is in another dialogue. Ends early when a sale wants the terminal, or by `leave`.
        """
        if not self.screen_fresh():
            return Away(_SCREEN_AWAY)
        if self._sales or self._turn is not None:
            return Away("the terminal is in another dialogue")
        turn = self._turn = _Turn(self._gate())
        try:
            return await self._identify(language, turn)
        finally:
            self._turn = None
            self.dialogue = self._running = ""
            turn.over.set()

    async def leave(self) -> None:
        """Nobody waits for the identification any more: ask the terminal to let it go. `identify` itself tells when it is over."""
        if self._turn is not None:
            await self._call_off(self._turn)

    async def health(self) -> TerminalHealth:
        """How the terminal is, and whether it reaches its host. Cheap, and never in the way of a dialogue: one that runs proves life."""
        if self._sales or self._turn is not None:
            return TerminalHealth(True, "in a dialogue", self._health.host, busy=True)
        if self._asking is not None:
            await self._asking.wait()
            return self._health
        asking = self._asking = self._gate()
        try:
            self._health = await self._terminal.diagnose(self._ids.service_id())
            if self._owed or self._health.busy:  # an earlier core may have died with a card in the terminal's memory
                await self._finish(Farewell.DECLINED)
        finally:
            self._asking = None
            asking.set()
        return self._health

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
        if body.service_id in self._waiting:
            self._waiting.remove(body.service_id)
            return Done(Ok())
        try:
            await self._terminal.abort(self._order(body), self._ids.service_id())
        except DeviceNotSent as error:
            return NotSent(str(error))
        except AnswerLost as error:
            return Unknown(detail=str(error))
        return Done(Ok())

    # --- identifying --------------------------------------------------------------------------------------------------------------

    async def _identify(self, language: str, turn: _Turn) -> Recognition:
        await self._quiet()
        if turn.given_up:
            return NoCard(DeclineReason.ABORTED.value)
        if not self.screen_fresh():
            return Away(_SCREEN_AWAY)
        service_id = _IDENTIFY + self._ids.service_id()
        turn.order = IdentifyOrder(service_id, service_id, language, self._clock.now().utc_ms)
        self.dialogue, self._running = "identify", service_id
        self._owed = True
        try:
            answer = await self._terminal.identify(turn.order)
        except DeviceNotSent as error:
            self._owed = False
            return Away(str(error))
        except AnswerLost as error:
            await self._break_off(turn.order)
            return Away(str(error))
        except asyncio.CancelledError:
            await self._break_off(turn.order)
            raise
        turn.order = None
        if isinstance(answer, Declined):
            return await self._not_identified(answer)
        recognition = self._known_by(answer)
        await self._finish(Farewell.ACCEPTED if isinstance(recognition, Seen) else Farewell.DECLINED)
        return recognition

    async def _not_identified(self, answer: Declined) -> Recognition:
        """The terminal has ended it by itself, or never began it."""
        if answer.reason is DeclineReason.BUSY:
            await self._finish(Farewell.DECLINED)
            return Away(answer.detail)
        self._owed = False
        if answer.reason in _NO_CARD:
            return NoCard(answer.reason.value)
        return Unrecognisable() if answer.reason is DeclineReason.INVALID_CARD else Away(answer.detail)

    def _known_by(self, card: Card) -> Seen | Unrecognisable:
        by = tuple(self._ids.recognition(raw) for raw in (card.recognition, card.alias) if raw)
        return Seen(by) if by else Unrecognisable()

    async def _free(self) -> bool:
        """Make the terminal free for a sale. False when an identification has it and cannot be told to end."""
        while (turn := self._turn) is not None:
            if not await self._call_off(turn):
                return False
            await turn.over.wait()
        await self._quiet()
        return True

    async def _quiet(self) -> None:
        """Wait until the terminal has said how it is, and settle what is owed to it."""
        while self._asking is not None:
            await self._asking.wait()
        if self._owed:
            await self._finish(Farewell.DECLINED)

    async def _call_off(self, turn: _Turn) -> bool:
        """Have the terminal give up its identification. False when it cannot have heard."""
        turn.given_up = True
        for _ in range(_CALLS):
            order = turn.order
            if order is None or await self._let_go(order):
                return True
        return False

    async def _let_go(self, order: IdentifyOrder) -> bool:
        try:
            await self._terminal.abort(order, self._ids.service_id())
        except (DeviceNotSent, AnswerLost) as error:
            log.warning("the terminal was asked to stop recognising a card: %s", error)
            return False
        return True

    async def _break_off(self, order: IdentifyOrder) -> None:
        """How far the terminal is with `order` is not known: it waits for a card, or holds its data, or has ended it."""
        await self._let_go(order)
        await self._finish(Farewell.DECLINED)

    async def _finish(self, farewell: Farewell) -> None:
        """Have the terminal forget a card it read to recognise it. What cannot be settled now stays owed."""
        refusal = await self._release(farewell)
        if refusal is None or not refusal.running.startswith(_IDENTIFY):
            return
        waiting = IdentifyOrder(refusal.running, refusal.running, "", self._clock.now().utc_ms)
        if await self._let_go(waiting):
            await self._release(farewell)

    async def _release(self, farewell: Farewell) -> Declined | None:
        self._owed = True
        try:
            refusal = await self._terminal.release(self._ids.service_id(), farewell)
        except (DeviceNotSent, AnswerLost) as error:
            log.warning("the terminal may still hold a card it was to recognise: %s", error)
            return None
        busy = refusal is not None and refusal.reason is DeclineReason.BUSY
        # Busy with a payment, it holds no card of ours; and what is not open needs no end.
        self._owed = busy and (refusal is None or not refusal.running or refusal.running.startswith(_IDENTIFY))
        return refusal if busy else None

    # --- words --------------------------------------------------------------------------------------------------------------------

    def _order(self, body: Preauthorize | AbortPreauthorization) -> PreauthorizationOrder:
        return PreauthorizationOrder(body.payment, body.service_id, body.amount, body.language, self._clock.now().utc_ms)

    def _result(self, answer: Approved | Declined) -> Result:
        if isinstance(answer, Declined):
            return Refused(answer.reason.value, answer.detail)
        card = answer.card
        raws = tuple(dict.fromkeys(raw for raw in (card.recognition, card.alias) if raw))
        recognition = self._recognise(raws) if raws else None
        facts = CardFacts(card.brand, card.last4, card.auth_code, card.application_id, card.entry_mode, recognition)
        return Done(Approval(answer.authorized, answer.psp_reference, answer.tender_reference, facts, answer.offline))
