"""The engine against a second reading of OCPI that looks at every tick, over tariffs and sessions at random."""

from __future__ import annotations

import json
import random
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import plain_ocpi
import pytest
from plain_ocpi import Ticks

from kiosk.pricing.load import load
from kiosk.pricing.model import DAYS
from kiosk.pricing.rate import half_up, rate
from kiosk.pricing.usage import Range, Segment, State, Usage
from kiosk.values import exponent

MWH = 6  # a tick draws this or nothing, and tiers are multiples of it: no tier is crossed within a tick
STATES = {"TIME": State.CHARGING, "PARKING_TIME": State.PARKED, "": State.WITHHELD, "RESERVATION_TIME": State.RESERVED}
NIGHTS = (
    ("Europe/Amsterdam", "2024-03-30T22:00:00+00:00"),
    ("Europe/Amsterdam", "2024-10-26T22:00:00+00:00"),
    ("Europe/Amsterdam", "2024-12-31T20:00:00+00:00"),
    ("Australia/Lord_Howe", "2024-04-06T13:00:00+00:00"),
    ("America/St_Johns", "2024-11-03T02:00:00+00:00"),
    ("America/New_York", "2024-03-10T05:00:00+00:00"),
    ("Africa/Cairo", "2024-04-25T20:00:00+00:00"),
    ("Asia/Kathmandu", "2024-02-28T16:00:00+00:00"),
    ("UTC", "2024-06-03T16:00:00+00:00"),
)


class Draw:
    """A tariff as OCPI JSON and a session, decided by a seed."""

    def __init__(self, seed: int) -> None:
        self.draw = draw = random.Random(seed)
        self.tick = draw.choice((1, 60, 60, 300))
        self.zone, night = draw.choice(NIGHTS)
        self.start = int(datetime.fromisoformat(night).timestamp()) + draw.randrange(0, 30_000, 60 if self.tick == 1 else self.tick)
        self.local = datetime.fromtimestamp(self.start, ZoneInfo(self.zone))
        self.stretches = [
            Ticks(draw.choice(("TIME", "TIME", "PARKING_TIME", "")), draw.randint(1, 60), 0, *self.flows())
            for _ in range(draw.randint(1, 5))
        ]
        self.stretches = [
            Ticks(s.what, s.count, MWH if s.what == "TIME" and draw.random() < 0.9 else 0, s.power, s.current) for s in self.stretches
        ]
        self.expired = False
        if draw.random() < 0.25:
            booked = [Ticks("RESERVATION_TIME", draw.randint(1, 40), 0)]
            self.expired = draw.random() < 0.5
            self.stretches = booked + ([] if self.expired else self.stretches)
        self.tariff = self.body()

    def flows(self) -> tuple[Any, Any]:
        power = tuple(sorted(self.draw.choices((0, 10, 21, 22, 50), k=2))) if self.draw.random() < 0.3 else None
        current = tuple(sorted(self.draw.choices((0, 16_000, 32_000), k=2))) if self.draw.random() < 0.3 else None
        return power, current

    def body(self) -> dict[str, Any]:
        draw = self.draw
        body: dict[str, Any] = {
            "country_code": "NL", "party_id": "TST", "id": "plain", "last_updated": "2024-01-01T00:00:00Z",
            "currency": draw.choice(("EUR", "EUR", "JPY", "KWD")),
            "tax_included": draw.choice(("YES", "NO", "NO", "N/A")),
            "elements": [self.element() for _ in range(draw.randint(1, 6))],
        }  # fmt: skip
        for name, chance in (("min_price", 0.1), ("max_price", 0.1)):
            if draw.random() < chance:
                before = Decimal(draw.randrange(1, 900)) / 100
                body[name] = {"before_taxes": before, "after_taxes": before * Decimal("1.2")}
        return body

    def element(self) -> dict[str, Any]:
        draw = self.draw
        parts = [
            {
                "type": kind,
                "price": Decimal(draw.randrange(0, 90_000)) / 10_000,
                "vat": draw.choice((None, 0, Decimal("5.5"), 20)),
                "step_size": draw.choice((1, 1, 60, 100, 300, 900, 3_600)),
            }
            for kind in draw.sample(("ENERGY", "TIME", "PARKING_TIME", "FLAT"), draw.randint(1, 3))
        ]
        return {"price_components": parts, "restrictions": self.restrictions()}

    def restrictions(self) -> dict[str, Any]:
        draw, tick = self.draw, self.tick
        every = max(1, tick // 60)
        drawn = MWH * sum(s.count for s in self.stretches if s.mwh)
        span = tick * sum(s.count for s in self.stretches)
        possible: dict[str, Any] = {
            "start_time": lambda: self.clock(every),
            "end_time": lambda: self.clock(every),
            "day_of_week": lambda: draw.sample(DAYS, draw.randint(1, 4)),
            "start_date": lambda: str(self.local.date()),
            "end_date": lambda: str(self.local.date()),
            "min_kwh": lambda: Decimal(draw.randrange(0, drawn + 2 * MWH, MWH)) / 10**6,
            "max_kwh": lambda: Decimal(draw.randrange(0, drawn + 2 * MWH, MWH)) / 10**6,
            "min_duration": lambda: draw.randrange(0, span + 2 * tick, tick),
            "max_duration": lambda: draw.randrange(0, span + 2 * tick, tick),
            "min_power": lambda: Decimal(draw.choice((10, 21, 22))) / 1_000,
            "max_power": lambda: Decimal(draw.choice((10, 21, 22))) / 1_000,
            "min_current": lambda: draw.choice((16, 32)),
            "max_current": lambda: draw.choice((16, 32)),
            "reservation": lambda: draw.choice(("RESERVATION", "RESERVATION_EXPIRES")),
        }
        if draw.random() < 0.25:
            return {}
        return {name: possible[name]() for name in draw.sample(sorted(possible), draw.choice((1, 1, 2, 2, 3)))}

    def clock(self, every: int) -> str:
        minutes = self.draw.randrange(0, 24 * 60, every)
        if self.draw.random() < 0.6:  # near what the session sees
            minutes = (self.local.hour * 60 + self.local.minute + self.draw.randrange(-120, 240)) // every * every % (24 * 60)
        return f"{minutes // 60:02}:{minutes % 60:02}"

    def usage(self) -> Usage:
        at, segments = self.start * 1_000, []
        for s in self.stretches:
            end = at + s.count * self.tick * 1_000
            flows = (Range(*s.power) if s.power else None, Range(*s.current) if s.current else None)
            segments.append(Segment(at, end, s.count * s.mwh, STATES[s.what], *flows))
            at = end
        return Usage(self.start * 1_000, at, tuple(segments), self.expired)


def differs(seed: int) -> str:
    """What the engine and the plain reading say about a case, empty when it is the same."""
    case = Draw(seed)
    tariff = load(json.dumps(case.tariff, default=float).encode())
    found = rate(tariff, case.usage(), case.zone)
    plain = plain_ocpi.price(case.tariff, case.zone, case.start, case.tick, case.stretches, expired=case.expired)
    scale = 10 ** exponent(tariff.currency)
    billed: dict[str, Fraction] = {}
    for line in found.lines:
        if not line.code.endswith("_PRICE"):
            billed[line.code] = billed.get(line.code, Fraction(0)) + Fraction(line.quantity)
    close = all(abs(Fraction(a) - b) < Fraction(1, 10**20) for a, b in ((found.excl, plain.excl), (found.incl, plain.incl)))
    same = all(abs(billed.get(kind, 0) - plain.dimensions.get(kind, 0)) < Fraction(1, 10**20) for kind in billed | plain.dimensions)
    if close and same and found.total.minor == half_up(plain.incl * scale):
        return ""
    return (
        f"seed {seed}: engine {found.excl} {found.incl} {found.total} {billed}, plain {float(plain.excl)} {float(plain.incl)}"
        f" {plain.dimensions}\n{case.zone} {case.start} tick {case.tick} {case.stretches} {case.expired}\n"
        f"{json.dumps(case.tariff, default=str)}"
    )


@pytest.mark.parametrize("block", range(8))
def test_the_engine_and_the_plain_reading_are_one_sum(block: int) -> None:
    assert [told for seed in range(block * 25, block * 25 + 25) if (told := differs(seed))] == []
