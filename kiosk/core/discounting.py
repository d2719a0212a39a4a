"""Brings discounts to sales: what everybody gets, what a card is entitled to, and the sun that shone while a car was charging.

What is known when a price is shown is frozen with it. After that a sale is only ever offered more; whether it may take that is decided by
the sale (`kiosk.session.decide`), and nothing here can hold it up.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from kiosk.core.engine import Batch
from kiosk.metering.reading import Reading
from kiosk.pricing.discounts import Discount, SolarShare
from kiosk.pricing.lowering import lowered
from kiosk.pricing.rating import Rating
from kiosk.pricing.rules import rules_of, rules_text
from kiosk.session.energy import counted, delivering, session_with_tag
from kiosk.session.facts import Fact, PaymentAuthorized, Priced, PriceLowered
from kiosk.session.inputs import DiscountsOffered, Input, MeterRead, TxEnded
from kiosk.session.state import FLOWING, Kiosk, Session
from kiosk.values import Digest, Moment, SessionId

Bills = Sequence[tuple[tuple[Digest, ...], Rating, Moment]]

log = logging.getLogger(__name__)

_EVERY_S = 15  # how often a running sale is told of more sun


class Clock(Protocol):
    def now(self) -> Moment: ...


class Asker(Protocol):
    def for_everybody(self) -> tuple[Discount, ...]: ...

    async def for_card(self, cards: tuple[Digest, ...]) -> tuple[Discount, ...]: ...

    @property
    def knows_cards(self) -> bool: ...

    def used(self, cards: tuple[Digest, ...], rating: Rating, at: Moment) -> None: ...


@dataclass(slots=True)
class _Roof:
    """The energy from the roof that went into one car: `mwh` of it by the register `seen`, of which the sale knows `told`."""

    seen: int
    mwh: int
    told: int
    told_at: Moment


class Discounting:
    """`evidence` gives what a card's digest stands for: the keyed hashes it is known by, while they are kept. `entitled` are the last bills
    that took something of an entitlement."""

    def __init__(
        self,
        asker: Asker,
        evidence: Callable[[Digest], Awaitable[bytes | None]],
        clock: Clock,
        kiosk: Callable[[], Kiosk],
        tell: Callable[[Input], Awaitable[Batch]],
        entitled: Callable[[], Awaitable[Bills]],
    ) -> None:
        self._entitled = entitled
        self._asker = asker
        self._evidence = evidence
        self._clock = clock
        self._kiosk = kiosk
        self._tell = tell
        self._roofs: dict[SessionId, _Roof] = {}

    def known(self) -> tuple[Discount, ...]:
        """What whoever comes now gets."""
        return self._asker.for_everybody()

    # --- while energy flows ---------------------------------------------------------------------------------------------------

    async def hear(self, given: Input) -> None:
        """An input on its way to the engine: the sun of the energy it brings is counted before the sale hears of it."""
        k = self._kiosk()
        match given:
            case MeterRead(reading=reading):
                session = delivering(k, given)
                at_last = False
            case TxEnded(end=Reading() as reading):
                found = session_with_tag(k, given.id_tag) or self._by_transaction(k, given.transaction)
                session = found if found is not None and found.stage in FLOWING else None
                at_last = True
            case _:
                return
        if session is None or session.begin is None or session.quote is None or session.free:
            return
        roof = self._count(session, counted(k, session, reading))
        due = at_last or self._clock.now().ms_since(roof.told_at) >= _EVERY_S * 1_000
        if due and await self._offer(session, self._of_site(session, roof), "site"):
            roof.told, roof.told_at = roof.mwh, self._clock.now()

    def _by_transaction(self, k: Kiosk, transaction: int) -> Session | None:
        return next((s for s in k.sessions.values() if s.transaction == transaction), None)

    def _count(self, s: Session, reading: Reading) -> _Roof:
        assert s.begin is not None and s.quote is not None
        roof = self._roofs.get(s.id)
        if roof is None:
            told = next((rule.mwh for rule in rules_of(s.quote) if isinstance(rule, SolarShare)), 0)
            seen = (s.last_reading or s.begin).mwh
            roof = self._roofs[s.id] = _Roof(seen, told, told, s.noted_at or s.opened_at)
        sun = next((rule for rule in self.known() if isinstance(rule, SolarShare)), None)
        drawn = max(0, reading.mwh - roof.seen)
        roof.seen += drawn
        roof.mwh += drawn * sun.permille // 1_000 if sun is not None else 0
        return roof

    def _of_site(self, s: Session, roof: _Roof) -> list[Discount]:
        """What the site gives by now. A share of sun is of the energy that was drawn under it, and nothing is promised for the rest."""
        assert s.quote is not None
        known: list[Discount] = [rule for rule in self.known() if not isinstance(rule, SolarShare)]
        sun = next((rule for rule in (*self.known(), *rules_of(s.quote)) if isinstance(rule, SolarShare)), None)
        if sun is None or roof.mwh == roof.told:
            return known
        return [*known, replace(sun, mwh=roof.mwh, permille=0)]

    # --- by card --------------------------------------------------------------------------------------------------------------

    async def entitle(self, s: Session) -> None:
        """Whose card pays is known now: what it is entitled to lowers the price."""
        if cards := await self._cards(s):
            await self._offer(s, await self._asker.for_card(cards), "card")

    async def resume(self) -> None:
        """After a start: what entitlements have left is not known, and nobody may have asked for the cards of the sales that are open."""
        if not self._asker.knows_cards:
            return
        for cards, rating, at in await self._entitled():
            self._asker.used(cards, rating, at)
        for s in tuple(self._kiosk().sessions.values()):
            if s.priced is None and s.payment is not None:
                await self.entitle(s)

    async def follow(self, facts: Sequence[Fact]) -> None:
        """What happened, once it is durable."""
        for fact in facts:
            match fact:
                case PaymentAuthorized(session=session, wanted=True):
                    if (s := self._kiosk().find(session)) is not None:
                        await self.entitle(s)
                case Priced(session=session, rating=rating):
                    self._roofs.pop(session, None)
                    if (s := self._kiosk().find(session)) is not None and (cards := await self._cards(s)):
                        self._asker.used(cards, rating, fact.at)

    async def _cards(self, s: Session) -> tuple[Digest, ...]:
        approval = s.payment.approval if s.payment else None
        recognition = approval.card.recognition if approval else None
        kept = await self._evidence(recognition) if recognition is not None else None
        return tuple(Digest(line) for line in kept.decode("ascii").split("\n")) if kept else ()

    # --- offering -------------------------------------------------------------------------------------------------------------

    async def _offer(self, s: Session, more: Iterable[Discount], why: str) -> bool:
        """Whether the sale goes on under more than before."""
        now = self._kiosk().find(s.id)
        if now is None or now.quote is None or now.priced is not None:
            return False
        before = rules_of(now.quote)
        rules = rules_text(lowered(before, more))
        if rules == rules_text(before):
            return False
        batch = await self._tell(DiscountsOffered(s.id, rules, why))
        taken = any(isinstance(fact, PriceLowered) for fact in batch.facts)
        if not taken:
            log.warning("sale %s did not take the discounts offered to it: they could have raised its price, or it was over", s.id)
        return taken
