"""The price of electricity over the next 24 hours: what it becomes next and when, a small graph, and the same in a sentence to be heard.

It is the tariff's own price; discounts can only lower it. The hours are hours that pass: on the nights the clocks change the graph is as
long as ever, and its times are those on the wall. Its end is not: it would have the same time as its beginning.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from kiosk.core.pages.view import Offer
from kiosk.pricing.explain import Step, day_ahead
from kiosk.pricing.localtime import wall_clock, zone_of
from kiosk.pricing.model import Tariff
from kiosk.protocol import Day, DayStep
from kiosk.values import Moment
from kiosk.wording.wording import NBSP, Wording

_DAY_MS = 24 * 3_600_000
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000
_MOST_SPOKEN = 6  # stretches in one sentence


def day(offer: Offer, at: Moment, zone: str, say: Wording) -> Day | None:
    """None where the price stays what it is for the next 24 hours."""
    steps = _ahead(offer.tariff, at.utc_ms, zone)
    if len(steps) < 2:
        return None
    most = max(_price(step) for step in steps)
    prices = [say.price(_price(step), offer.tariff.currency) for step in steps]
    return Day(
        next=say.say("price.next", time=say.clock(steps[1].start_utc_ms, zone), price=_each(steps[1], offer, say)),
        spoken=say.say("price.day", steps=_spoken(steps, offer, zone, say)),
        steps=tuple(
            DayStep(_share(step.start_utc_ms, at), _share(step.end_utc_ms, at), _level(step, most), price, _begins(step, at, zone, say))
            for step, price in zip(steps, prices, strict=True)
        ),
        hours=_hours(at, zone),
        end=f"+{_DAY_MS // _HOUR_MS}{NBSP}{say.say('unit.clock_hours')}",
    )


def _ahead(tariff: Tariff, utc_ms: int, zone: str) -> tuple[Step, ...]:
    """From now on. Prices change with the minute, the screen is drawn four times a second: so they are looked up once a minute."""
    steps = _of_the_minute(tariff, utc_ms - utc_ms % _MINUTE_MS, zone)
    if len(steps) < 2:
        return steps
    return (replace(steps[0], start_utc_ms=utc_ms), *steps[1:-1], replace(steps[-1], end_utc_ms=utc_ms + _DAY_MS))


@lru_cache(maxsize=32)
def _of_the_minute(tariff: Tariff, utc_ms: int, zone: str) -> tuple[Step, ...]:
    return day_ahead(tariff, utc_ms, zone)


def _price(step: Step) -> Decimal:
    return step.price or Decimal(0)


def _each(step: Step, offer: Offer, say: Wording) -> str:
    return say.unit_price(_price(step), offer.tariff.currency, "unit.per_kwh")


def _share(utc_ms: int, at: Moment) -> int:
    return (utc_ms - at.utc_ms) * 1_000 // _DAY_MS


def _level(step: Step, most: Decimal) -> int:
    """Thousandths of the highest price, from zero: a graph that began elsewhere would make a cent look like the half."""
    return int((max(_price(step), Decimal(0)) * 1_000 / most).to_integral_value(ROUND_HALF_UP)) if most > 0 else 0


def _begins(step: Step, at: Moment, zone: str, say: Wording) -> str:
    return say.say("price.now") if step.start_utc_ms == at.utc_ms else say.clock(step.start_utc_ms, zone)


def _hours(at: Moment, zone: str) -> tuple[int, ...]:
    """Where the clock strikes."""
    first = at.utc_ms + _HOUR_MS - wall_clock(at.utc_ms, zone_of(zone)).minute % 60 * 60_000 - at.utc_ms % 60_000
    return tuple(_share(hour, at) for hour in range(first, at.utc_ms + _DAY_MS, _HOUR_MS))


def _spoken(steps: tuple[Step, ...], offer: Offer, zone: str, say: Wording) -> str:
    if len(steps) > _MOST_SPOKEN:
        return say.say(
            "price.day_many",
            now=_each(steps[0], offer, say),
            next=_each(steps[1], offer, say),
            time=say.clock(steps[1].start_utc_ms, zone),
            least=_each(min(steps, key=_price), offer, say),
            most=_each(max(steps, key=_price), offer, say),
        )
    *until, last = steps
    said = [say.say("price.day_until", price=_each(s, offer, say), time=say.clock(s.end_utc_ms, zone)) for s in until]
    said.append(_each(last, offer, say))
    return ", ".join([said[0], *(say.say("price.day_then", step=part) for part in said[1:])])
