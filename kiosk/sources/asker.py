"""Asks the sources, so that nobody has to wait for them: in threads of their own, for 300 ms at most, with what they said last in mind.

A source that is slow, silent or absurd costs a driver nothing: its last good answer stands until it expires, then its discounts are gone
for those who come, and stay for those who agreed to a price with them. Each trouble is logged when it begins and when it ends.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from kiosk.pricing.discounts import Coupon, Discount, DiscountLine, SolarShare, Subscription
from kiosk.pricing.model import PricingError
from kiosk.pricing.rating import Rating
from kiosk.pricing.rules import MOST_RULES, key_of, read_rules, rules_text
from kiosk.sources.api import Answer, Question, Source, SourceError
from kiosk.values import Digest, Moment, Money

log = logging.getLogger(__name__)

PATIENCE_S = 0.3
_LONGEST_MS = 32 * 86_400_000
_MOST_CARDS = 256
_MOST_USES = 4_096


class Clock(Protocol):
    def now(self) -> Moment: ...

    async def sleep(self, seconds: float) -> None: ...


class Patience(Protocol):
    """Where the 300 ms are counted: real time, whatever the clock of the product."""

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A source as configured. One that knows cards is asked when a card is shown, any other every `every_s`."""

    name: str
    source: Source
    by_card: bool = False
    every_s: int = 60


class Asker:
    """Who knows what is taken off, now and without waiting. `run` keeps it so."""

    def __init__(self, asked: Sequence[Asked], clock: Clock, patience: Patience, currency: str, zone: str) -> None:
        self._clock, self._patience = clock, patience
        self._currency, self._zone = currency, zone
        self._lanes = tuple(_Lane(one) for one in asked)
        self._known: dict[str, Answer] = {}
        self._of_card: dict[tuple[str, tuple[Digest, ...]], Answer] = {}
        self._uses: list[_Use] = []

    async def run(self) -> None:
        """Ask the sources that speak for everybody, again and again."""
        await asyncio.gather(*(self._keep_asking(lane) for lane in self._lanes if not lane.asked.by_card))

    async def ask_all(self) -> None:
        """Once, before the first driver comes."""
        await asyncio.gather(*(self._ask_for_everybody(lane) for lane in self._lanes if not lane.asked.by_card))

    def close(self) -> None:
        for lane in self._lanes:
            lane.close()

    def for_everybody(self) -> tuple[Discount, ...]:
        """What is taken off for whoever comes now, as far as is known."""
        now = self._clock.now().utc_ms
        answers = (self._known.get(lane.asked.name) for lane in self._lanes)
        return _together(a.discounts for a in answers if a is not None and a.until_utc_ms > now)

    async def for_card(self, cards: tuple[Digest, ...]) -> tuple[Discount, ...]:
        """What the driver is entitled to whose card is known by one of these hashes. Takes 300 ms at most, whoever is asked."""
        lanes = [lane for lane in self._lanes if lane.asked.by_card]
        answers = await asyncio.gather(*(self._ask_of_card(lane, cards) for lane in lanes))
        return _together(self._less(answer, cards) for answer in answers if answer is not None)

    @property
    def knows_cards(self) -> bool:
        """Whether any source is asked for cards."""
        return any(lane.asked.by_card for lane in self._lanes)

    def used(self, cards: tuple[Digest, ...], rating: Rating, at: Moment) -> None:
        """A bill was made at `at`: what it took of the card's entitlements is not left any more, whatever an older answer says."""
        for line in rating.lines:
            if isinstance(line, DiscountLine) and line.left_mwh is not None and line.mwh:
                self._uses.append(_Use(cards, line.name, line.mwh, at.utc_ms))
        del self._uses[:-_MOST_USES]

    async def _keep_asking(self, lane: _Lane) -> None:
        while True:
            await self._clock.sleep(lane.asked.every_s)
            await self._ask_for_everybody(lane)

    async def _ask_for_everybody(self, lane: _Lane) -> None:
        answer = await self._ask(lane, ())
        if answer is not None:
            self._known[lane.asked.name] = answer

    async def _ask_of_card(self, lane: _Lane, cards: tuple[Digest, ...]) -> Answer | None:
        key = lane.asked.name, cards
        answer = await self._ask(lane, cards)
        if answer is not None:
            self._of_card.pop(key, None)
            self._of_card[key] = answer
            if len(self._of_card) > _MOST_CARDS:
                del self._of_card[next(iter(self._of_card))]
        kept = self._of_card.get(key)
        return kept if kept is not None and kept.until_utc_ms > self._clock.now().utc_ms else None

    async def _ask(self, lane: _Lane, cards: tuple[Digest, ...]) -> Answer | None:
        """A good answer, or nothing."""
        question = Question(self._clock.now().utc_ms, self._currency, self._zone, cards)
        try:
            async with self._patience.timeout(PATIENCE_S):
                answer = _sound(await lane.ask(question), question)
        except TimeoutError:
            lane.bad(f"did not answer within {PATIENCE_S} s")
        except SourceError as error:
            lane.bad(str(error))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            lane.bad(f"failed: {type(error).__name__}")  # a stranger's words may hold anything
        else:
            lane.good()
            return answer
        return None

    def _less(self, answer: Answer, cards: tuple[Digest, ...]) -> Iterable[Discount]:
        for rule in answer.discounts:
            if not isinstance(rule, Subscription) or not rule.mwh_left:
                yield rule
                continue
            since = answer.as_of_utc_ms
            gone = sum(u.mwh for u in self._uses if u.of(cards, rule.name) and since is not None and u.utc_ms >= since)
            yield replace(rule, mwh_left=max(0, rule.mwh_left - gone))


@dataclass(frozen=True, slots=True)
class _Use:
    """Energy an entitlement paid for."""

    cards: tuple[Digest, ...]
    name: str
    mwh: int
    utc_ms: int

    def of(self, cards: tuple[Digest, ...], name: str) -> bool:
        return self.name == name and not set(cards).isdisjoint(self.cards)


class _Lane:
    """One source in its own thread, asked one question at a time."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: concurrent.futures.Future[Answer] | None = None
        self._trouble = ""

    async def ask(self, question: Question) -> Answer:
        if self._under_way is not None and not self._under_way.done():
            raise SourceError("is still busy with the question before")
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_turn, args=(self._loop,), name=f"source {self.asked.name}", daemon=True).start()
        self._under_way = asyncio.run_coroutine_threadsafe(self.asked.source.ask(question), self._loop)
        return await asyncio.wrap_future(self._under_way)

    def bad(self, why: str) -> None:
        if not self._trouble:
            log.warning("the source of discounts %s %s; what it said last stands until it expires", self.asked.name, why)
        self._trouble = why

    def good(self) -> None:
        if self._trouble:
            log.info("the source of discounts %s answers again", self.asked.name)
        self._trouble = ""

    def close(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(_end, self._loop)
            self._loop = None


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()


def _end(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.call_soon(loop.stop)


def _sound(answer: object, question: Question) -> Answer:
    """The answer, if it makes sense. Raises `SourceError`."""
    if not isinstance(answer, Answer):
        raise SourceError(f"answered with a {type(answer).__name__}")
    if not question.utc_ms < answer.until_utc_ms <= question.utc_ms + _LONGEST_MS:
        raise SourceError("gave an answer that is over already, or good for more than a month")
    monies = [m for rule in answer.discounts for m in (rule.floor, rule.amount if isinstance(rule, Coupon) else None)]
    if any(isinstance(m, Money) and m.currency != question.currency for m in monies):
        raise SourceError(f"speaks of another currency than {question.currency}")
    try:
        return replace(answer, discounts=read_rules(rules_text(answer.discounts), question.currency, question.zone))
    except PricingError as error:
        raise SourceError(f"made no sense: {error}") from None


def _together(answers: Iterable[Iterable[Discount]]) -> tuple[Discount, ...]:
    """What several say, as one list that a sale can have: the first to name a rule is heard, and there is one sun."""
    rules: dict[tuple[object, ...], Discount] = {}
    for rule in (rule for rules_ in answers for rule in rules_):
        second_sun = isinstance(rule, SolarShare) and any(isinstance(r, SolarShare) for r in rules.values())
        if len(rules) < MOST_RULES and not second_sun:
            rules.setdefault(key_of(rule), rule)
    return tuple(rules.values())
