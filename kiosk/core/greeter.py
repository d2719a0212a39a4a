"""Knowing a driver again by the card they hold to the terminal: to find their charge, to stop it, to get their receipt once more."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from kiosk.core.archive import Archive
from kiosk.core.desk import Away, NoCard, Recognition, Seen, Unrecognisable
from kiosk.core.pages.view import given_back
from kiosk.session.inputs import Input, ReprintAsked
from kiosk.session.state import Kiosk
from kiosk.session.visit import CardShown, Visit
from kiosk.values import Moment, Money, SessionId

log = logging.getLogger(__name__)

_LOOK_BACK_S = 7 * 86_400
_CALLED_OFF = NoCard("aborted")


class Clock(Protocol):
    def now(self) -> Moment: ...


class Desk(Protocol):
    async def identify(self, language: str) -> Recognition: ...

    async def leave(self) -> None: ...


class Counter(Protocol):
    @property
    def visit(self) -> Visit: ...

    async def shown_card(self, given: CardShown, visit: int) -> None: ...


class Greeter:
    """Asks for a card while a visit wants it, and tells the visit whose it is."""

    def __init__(
        self,
        desk: Desk,
        archive: Archive,
        clock: Clock,
        counter: Counter,
        kiosk: Callable[[], Kiosk],
        tell: Callable[[Input], Awaitable[object]],
    ) -> None:
        self._desk = desk
        self._archive = archive
        self._clock = clock
        self._counter = counter
        self._kiosk = kiosk
        self._tell = tell
        self._asking = False
        self.given_back: Money | None = None  # of the sale that is being printed again

    @property
    def wanted(self) -> bool:
        """Whether the visit waits for a card and nobody has asked for it yet."""
        visit = self._counter.visit
        return not self._asking and visit.overlay == "card" and visit.found == "looking"

    @property
    def unwanted(self) -> bool:
        """Whether the terminal asks for a card that nobody waits for any more."""
        visit = self._counter.visit
        return self._asking and not (visit.overlay == "card" and visit.found == "looking")

    async def ask(self) -> None:
        """One card, one answer; none when the terminal was told to stop asking: whoever still waits is asked anew."""
        if not self.wanted:
            return
        visit = self._counter.visit
        self._asking = True
        try:
            recognition = await self._desk.identify(visit.language)
            shown = None if recognition == _CALLED_OFF else await self._answer(recognition, visit.session)
        finally:
            self._asking = False
        if shown is not None:
            await self._counter.shown_card(shown, visit.number)

    async def leave(self) -> None:
        """The driver went on to something else."""
        await self._desk.leave()

    async def _answer(self, recognition: Recognition, asked: SessionId | None) -> CardShown:
        match recognition:
            case Seen(by):
                since = self._clock.now().plus(-_LOOK_BACK_S)
                return await self._sale(await self._archive.paid_with(self._kiosk(), by, since, asked))
            case Unrecognisable():
                return CardShown(None, "unreadable")
            case NoCard():
                return CardShown(None, "nothing")
            case Away(detail):
                log.info("no card could be recognised: %s", detail)
        return CardShown(None, "away")

    async def _sale(self, session: SessionId | None) -> CardShown:
        """A sale that is no longer held can only be printed again, with what corrects its receipt."""
        if session is None or self._kiosk().find(session) is not None:
            return CardShown(session)
        sale = self._archive.sale(session)
        self.given_back = given_back(sale) if sale is not None else None
        await self._tell(ReprintAsked(session))
        return CardShown(None, "refunded" if self.given_back else "printing")
