"""The counter: one visit at one screen. Intents come in, steps of the visit go out as inputs to the sales."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Protocol

from kiosk.core.pages.prices import account_quote, free_quote, quote
from kiosk.core.pages.view import Offer, Place
from kiosk.pricing.discounts import Discount
from kiosk.protocol import Intent
from kiosk.session import visit as v
from kiosk.session.facts import ConnectorReported, Vacated
from kiosk.session.inputs import Account, ConnectorStatus, Input
from kiosk.session.offline import given_away
from kiosk.session.state import Kiosk
from kiosk.values import ConnectorId, Digest, Moment, SessionId
from kiosk.wording.wording import Wording

log = logging.getLogger(__name__)

_REMEMBERED = 64
_STALE_MS = 3_000  # a tag whose driver was told nothing for so long is not meant any more
# Which argument of an intent the visit wants; intents not listed carry none.
_ARGUMENTS: Mapping[str, str] = {"choose": "connector", "language": "code", "hold": "minor"}


class Clock(Protocol):
    def now(self) -> Moment: ...


class CounterIds(Protocol):
    def session(self) -> SessionId: ...

    def typed_digest(self, session: SessionId, typed: str) -> Digest: ...


class Counter:
    """Holds the visit. It is never journalled: what matters of it becomes an input.

    Steps are taken one after the other, and a visit is shown only once its inputs are durable: a sale that is still on its way to the disk
    must not look like one that is gone.
    """

    def __init__(
        self,
        place: Place,
        times: v.Times,
        clock: Clock,
        ids: CounterIds,
        kiosk: Callable[[], Kiosk],
        tell: Callable[[Input], Awaitable[object]],
        discounts: Callable[[], tuple[Discount, ...]] = tuple,
    ) -> None:
        self._discounts = discounts
        self._place = place
        self._times = times
        self._clock = clock
        self._ids = ids
        self._kiosk = kiosk
        self._tell = tell
        self._shown: dict[int, tuple[Moment, bool, tuple[Discount, ...]]] = {}
        self._handled: deque[str] = deque(maxlen=_REMEMBERED)
        self._home = place.languages[0]
        self._turn = asyncio.Lock()
        self.visit = v.fresh(1, self._home, clock.now())

    async def intent(self, intent: Intent) -> str:
        """A wish from the screen: `done`, or `stale` when it is a repeat or meant an earlier visit, or `refused`."""
        async with self._turn:
            if intent.id in self._handled or intent.visit != self.visit.number:
                return "stale"
            self._handled.append(intent.id)
            given = self._understand(intent)
            if given is None:
                log.warning("the screen sent an intent that makes no sense here: %s", intent.kind)
                return "refused"
            await self._step(given)
        return "done"

    async def waited(self) -> None:
        """Look at the time."""
        async with self._turn:
            await self._step(v.Waited())

    async def changed(self, facts: tuple[object, ...]) -> None:
        """The durable state changed."""
        async with self._turn:
            self._turn_to(self.visit)
            for fact in facts:
                if isinstance(fact, ConnectorReported) and fact.status is ConnectorStatus.PREPARING:
                    await self._step(v.PluggedIn(fact.connector))
                elif isinstance(fact, Vacated):
                    await self._step(v.Left(fact.session))

    async def shown_card(self, given: v.CardShown, visit: int) -> None:
        """What the terminal made of the card that visit number `visit` was to be known by."""
        async with self._turn:
            if self.visit.number == visit:
                await self._step(given)

    async def shown_tag(self, found: Account | str, at: Moment, seen: Callable[[], bool]) -> None:
        """What came of a tag that was held to the reader at the moment `at`. While `seen`, a person at the screen sees the truth, so the
        tag may agree to what is on it.

        Both are judged when its turn has come: a touch that waits for the disk has the turn for as long, and the page is another one then.
        """
        looked = seen()
        async with self._turn:
            old = self._clock.now().ms_since(at) > _STALE_MS
            log.info("a tag was shown%s: %s", ", too long ago" if old else "", found if isinstance(found, str) else "known")
            if not old:
                await self._step(self._tag(found, looked and seen()))

    def _tag(self, found: Account | str, seen: bool) -> v.TagShown:
        if isinstance(found, str):
            return v.TagShown(None, found)
        offer: Offer | None = self._place.offers.get(self.visit.connector) if self.visit.connector else None
        if offer is None or not self._shown:
            return v.TagShown(found, seen=seen)
        at, _, discounts = next(reversed(self._shown.values()))
        terms = account_quote(offer, at, self._place.zone, Wording(self.visit.language), discounts)
        return v.TagShown(found, "", self._ids.session(), terms, seen)

    async def _step(self, given: v.VisitInput) -> None:
        visit, inputs = v.step(self.visit, given, self._kiosk(), self._clock.now(), self._times, self._home)
        for one in inputs:
            await self._tell(one)
        self._turn_to(visit)

    def _turn_to(self, visit: v.Visit) -> None:
        """The visit as the kiosk now makes it. Whoever finds a sale of theirs again, as after a power cut or when they unplug, is spoken to
        in the language its quote was agreed to in, unless they picked one."""
        k, before = self._kiosk(), self.visit
        self.visit = visit = v.refresh(visit, k, self._clock.now())
        if not visit.own or visit.session is None or (before.own and before.session == visit.session):
            return
        found = k.find(visit.session)
        language = found.quote.language if found and found.quote else ""
        if language in self._place.languages and visit.language == self._home and not visit.picked:
            self.visit = replace(visit, language=language)

    def _understand(self, intent: Intent) -> v.VisitInput | None:
        visit = self.visit
        match intent.kind:
            case "accept":
                return self._agreed(visit.connector, intent.seq)
            case "digit":
                digit = intent.args.get("digit", "")
                if visit.session is None or len(digit) != 1 or not (digit.isascii() and digit.isdecimal()):
                    return None
                return v.DigitTyped(digit, self._ids.typed_digest(visit.session, visit.typed + digit))
            case "language" if (code := intent.args.get("code", "")) and code not in self._place.languages:
                return None
        return v.Touched(intent.kind, intent.args.get(_ARGUMENTS.get(intent.kind, ""), ""))

    def shown(self, seq: int, at: Moment, discounts: tuple[Discount, ...] = ()) -> None:
        """Snapshot `seq` says the prices of the moment `at` and what is taken off them, or that the charge is given away."""
        self._shown[seq] = (at, given_away(self._kiosk()), discounts)
        if len(self._shown) > _REMEMBERED:
            del self._shown[next(iter(self._shown))]

    def _agreed(self, connector: ConnectorId | None, seq: int) -> v.Agreed | None:
        offer: Offer | None = self._place.offers.get(connector) if connector else None
        if offer is None:
            return None
        free = given_away(self._kiosk())
        at, shown_free, discounts = self._shown.get(seq) or (self._clock.now(), free, self._discounts())
        if free is not shown_free:
            return None  # cards went or came back since: the page now says other terms
        say = Wording(self.visit.language)
        zone = self._place.zone
        terms = free_quote(offer, at, zone, say) if free else quote(offer, at, zone, say, self.visit.hold, discounts)
        return v.Agreed(self._ids.session(), terms)
