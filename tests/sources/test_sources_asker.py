"""Nobody waits for a source: slow, silent, blocking and absurd ones cost 300 ms at most and nothing else."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest

from kiosk.pricing.discounts import Coupon, Discount, DiscountLine, Funder, LoyaltyTier, SolarShare, Subscription
from kiosk.pricing.rating import Rating
from kiosk.pricing.rules import MOST_RULES
from kiosk.sources.api import Answer, Question, SourceError
from kiosk.sources.asker import PATIENCE_S, Asked, Asker
from kiosk.values import Digest, Moment, Money

CARD = (Digest("ab" * 32),)
KWH = 1_000_000


def by(kind: type[Discount], name: str, **fields: object) -> Discount:
    return kind(name=name, funded_by=Funder.OPERATOR, **fields)  # type: ignore[arg-type]


SILVER: Any = by(LoyaltyTier, "Silver", percent=Decimal(5))
SUN: Any = by(SolarShare, "Sun", price=Decimal("0.29"), permille=600)
GOLD = by(Subscription, "Gold", mwh_left=20 * KWH)


@dataclass
class Clock:
    """Product time stands still but for the test; patience is real."""

    at: Moment = field(default_factory=lambda: Moment(1_795_000_000_000, "boot", 0))
    slept: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def now(self) -> Moment:
        return self.at

    async def sleep(self, seconds: float) -> None:
        await self.slept.acquire()
        self.at = self.at.plus(int(seconds))

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds)


@dataclass
class Scripted:
    """Does what the next step says; the last one again and again."""

    steps: list[Callable[[Question], Any]]
    asked: list[Question] = field(default_factory=list)

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        found = step(question)
        return await found if asyncio.iscoroutine(found) else found  # type: ignore[no-any-return]


def says(*rules: Any, seconds: int = 900) -> Callable[[Question], Answer]:
    return lambda q: Answer(rules, q.utc_ms + seconds * 1_000)


def fails(error: BaseException) -> Callable[[Question], Answer]:
    def step(_: Question) -> Answer:
        raise error

    return step


def silent(_: Question) -> object:
    return asyncio.sleep(3_600)


@contextmanager
def asking(clock: Clock, *asked: Asked) -> Iterator[Asker]:
    asker = Asker(asked, clock, clock, "EUR", "Europe/Berlin")
    try:
        yield asker
    finally:
        asker.close()


async def test_what_a_source_says_is_known_until_it_expires() -> None:
    clock, source = Clock(), Scripted([says(SUN)])
    with asking(clock, Asked("roof", source)) as asker:
        assert asker.for_everybody() == ()
        await asker.ask_all()
        assert asker.for_everybody() == (SUN,)
        assert source.asked[0] == Question(clock.at.utc_ms, "EUR", "Europe/Berlin")
        clock.at = clock.at.plus(899)
        assert asker.for_everybody() == (SUN,)
        clock.at = clock.at.plus(1)
        assert asker.for_everybody() == ()


@pytest.mark.parametrize(
    "bad",
    [
        silent,
        fails(SourceError("the file cannot be read")),
        fails(RuntimeError("a stranger's bug")),
        fails(KeyError("x")),
        lambda _: None,
        lambda _: "cheap",
        says(by(LoyaltyTier, "Silver\n", percent=Decimal(5))),
        says(SUN, replace(SUN, name="Roof")),
        says(by(Coupon, "C", amount=Money(100, "USD"))),
        says(SUN, seconds=0),
        says(SUN, seconds=-5),
        says(SUN, seconds=400 * 86_400),
        says(*(by(Coupon, str(n), mwh=1) for n in range(MOST_RULES + 1))),
        says(by(Subscription, "Much", mwh_left=10**18)),
        lambda q: Answer((replace(SUN, permille=600), "x"), q.utc_ms + 1),  # type: ignore[arg-type]
    ],
    ids=[
        "silent", "source error", "bug", "key error", "none", "text", "name", "two suns", "currency", "over", "past", "for ever",
        "too many", "too much", "no rules",
    ],
)  # fmt: skip
async def test_a_bad_answer_costs_nothing_and_the_last_good_one_stands(bad: Callable[[Question], Any]) -> None:
    clock, source = Clock(), Scripted([says(SUN), bad])
    with asking(clock, Asked("roof", source)) as asker:
        await asker.ask_all()
        start = time.monotonic()
        await asker.ask_all()
        assert time.monotonic() - start < PATIENCE_S + 0.3
        assert asker.for_everybody() == (SUN,)


async def test_a_source_that_blocks_its_thread_blocks_nobody_else() -> None:
    clock, free = Clock(), threading.Event()

    def blocks(question: Question) -> Answer:
        free.wait(20)
        return says(SUN)(question)

    blocking, good = Scripted([blocks]), Scripted([says(SILVER)])
    with asking(clock, Asked("bad", blocking), Asked("good", good)) as asker:
        start = time.monotonic()
        await asker.ask_all()
        await asker.ask_all()
        assert time.monotonic() - start < 2 * PATIENCE_S + 0.3
        assert asker.for_everybody() == (SILVER,)
        assert len(blocking.asked) == 1  # nobody queues up behind it
        free.set()


async def test_a_trouble_is_logged_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kiosk.sources.asker")
    bad = fails(SourceError("cannot be read"))
    clock, source = Clock(), Scripted([bad, bad, bad, says(SUN), bad])
    with asking(clock, Asked("roof", source)) as asker:
        for _ in range(5):
            await asker.ask_all()
    assert [record.getMessage().split(";")[0] for record in caplog.records] == [
        "the source of discounts roof cannot be read",
        "the source of discounts roof answers again",
        "the source of discounts roof cannot be read",
    ]


async def test_a_strangers_words_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    with asking(clock, Asked("shop", Scripted([fails(ValueError(f"no card {CARD[0]}"))]), by_card=True)) as asker:
        assert await asker.for_card(CARD) == ()
    assert CARD[0] not in caplog.text and "failed: ValueError" in caplog.text


async def test_sources_are_asked_again_and_again() -> None:
    clock, source = Clock(), Scripted([says(SUN), says()])
    with asking(clock, Asked("roof", source, every_s=60)) as asker:
        running = asyncio.create_task(asker.run())
        for expected in ((SUN,), ()):
            clock.slept.release()
            async with asyncio.timeout(5):
                while asker.for_everybody() != expected or len(source.asked) < (1 if expected else 2):  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.001)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_card_is_asked_for_by_its_hashes_and_its_last_answer_outlives_a_silence() -> None:
    clock, source = Clock(), Scripted([says(SILVER), silent])
    everybody = Scripted([says(SUN)])
    with asking(clock, Asked("shop", source, by_card=True), Asked("roof", everybody)) as asker:
        assert await asker.for_card(CARD) == (SILVER,)
        assert (source.asked[0].cards, everybody.asked) == (CARD, [])
        start = time.monotonic()
        assert await asker.for_card(CARD) == (SILVER,)
        assert time.monotonic() - start < PATIENCE_S + 0.3
        assert await asker.for_card((Digest("cd" * 32),)) == ()
        clock.at = clock.at.plus(900)
        assert await asker.for_card(CARD) == ()


async def test_all_card_sources_together_take_no_longer_than_one() -> None:
    clock = Clock()
    lanes = [Asked(str(n), Scripted([silent]), by_card=True) for n in range(6)]
    with asking(clock, *lanes, Asked("good", Scripted([says(SILVER)]), by_card=True)) as asker:
        start = time.monotonic()
        assert await asker.for_card(CARD) == (SILVER,)
        assert time.monotonic() - start < PATIENCE_S + 0.3


async def test_several_sources_make_one_list_with_one_sun() -> None:
    clock = Clock()
    other = replace(SUN, name="Roof")
    asked = (Asked("a", Scripted([says(SUN, SILVER)])), Asked("b", Scripted([says(other, replace(SILVER, percent=Decimal(9)), GOLD)])))
    with asking(clock, *asked) as asker:
        await asker.ask_all()
        assert set(asker.for_everybody()) == {SUN, SILVER, GOLD}


# --- what an entitlement has left -----------------------------------------------------------------------------------------------


def bill(mwh: int, name: str = "Gold") -> Rating:
    money = Money(-100, "EUR")
    line = DiscountLine("SUBSCRIPTION", Decimal(1), Decimal(-1), Decimal(-1), Decimal(-1), None, money, 0, mwh, name, Funder.OPERATOR, 0)
    return Rating((line,), Decimal(0), Decimal(0), Money(0, "EUR"))


async def left(asker: Asker, cards: tuple[Digest, ...] = CARD) -> int:
    (rule,) = await asker.for_card(cards)
    assert isinstance(rule, Subscription)
    return rule.mwh_left


async def test_what_was_used_since_the_source_looked_is_not_left_any_more() -> None:
    clock = Clock()
    looked = clock.at.utc_ms

    def book(q: Question) -> Answer:
        return Answer((GOLD,), q.utc_ms + 900_000, looked)

    with asking(clock, Asked("shop", Scripted([book]), by_card=True)) as asker:
        clock.at = clock.at.plus(60)
        assert asker.knows_cards
        asker.used(CARD, bill(8 * KWH), clock.at)
        asker.used((Digest("cd" * 32),), bill(3 * KWH), clock.at)
        asker.used(CARD, bill(3 * KWH, "Other"), clock.at)
        assert await left(asker) == 12 * KWH
        assert await left(asker, (Digest("ef" * 32), *CARD)) == 12 * KWH
        asker.used(CARD, bill(13 * KWH), clock.at)
        assert await left(asker) == 0
        looked = clock.at.plus(1).utc_ms
        assert await left(asker) == 20 * KWH
