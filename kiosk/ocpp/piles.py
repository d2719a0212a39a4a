"""Commands to the piles: one attempt each, and an honest word about what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hardware.api import NotSent
from kiosk.ocpp.pile import Pile
from kiosk.ocpp.seam import Answer, Wanted


class Piles:
    """The controllers of this kiosk.

    Every command raises `hardware.api.NotSent` when it cannot have reached the pile and `AnswerLost` when it may have. A no, a CALLERROR
    included, is an `Answer` that is not accepted.
    """

    def __init__(self, piles: Iterable[Pile]) -> None:
        self._piles = {pile.settings.identity: pile for pile in piles}

    def online(self, pile: str) -> bool:
        return pile in self._piles and self._piles[pile].online

    def settings_refused(self, pile: str) -> Mapping[str, str]:
        """The settings for paid charging that the controller did not take, with its words."""
        return self._pile(pile).settings_refused

    async def start(self, pile: str, number: int, id_tag: str) -> Answer:
        """Ask connector `number` to charge under `id_tag`. Accepted means that the pile will try, no more (OCPP 1.6 5.11)."""
        to = self._pile(pile)
        return await to.command(to.dialect.start(number, id_tag))

    async def stop(self, pile: str, transaction: int) -> Answer:
        to = self._pile(pile)
        return await to.command(to.dialect.stop(transaction))

    async def limit(self, pile: str, number: int, transaction: int, watts: int, stop_after_s: int | None = None) -> Answer:
        """Cap the power, and with `stop_after_s` let it fall to nothing then: the pile keeps to it without us."""
        to = self._pile(pile)
        return await to.command(to.dialect.limit(number, transaction, watts, stop_after_s))

    async def unlock(self, pile: str, number: int) -> Answer:
        to = self._pile(pile)
        return await to.command(to.dialect.unlock(number))

    async def trigger(self, pile: str, what: Wanted, number: int | None = None) -> Answer:
        """Ask the pile to report something again; what it reports comes as an input."""
        to = self._pile(pile)
        return await to.command(to.dialect.trigger(what, number))

    def _pile(self, pile: str) -> Pile:
        if pile not in self._piles:
            raise NotSent(f"no pile {pile!r} is configured")
        return self._piles[pile]
