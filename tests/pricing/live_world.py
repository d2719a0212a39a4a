"""Sales at random for the comparison of the live price with the final one: a tariff, discounts, and the story of a charge.

A number decides a case whole. The stories seek out what a sum can go wrong at: values that come exactly when a price switches, or a
millisecond beside it, registers that end exactly at a tier, pauses within one reading, nights of other lengths, nothing drawn at all.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from kiosk.metering.reading import Reading
from kiosk.pricing.discounts import (
    Coupon,
    Discount,
    FleetGroup,
    Funder,
    LoyaltyTier,
    OffPeakBonus,
    SolarShare,
    Subscription,
)
from kiosk.pricing.model import (
    Dimension,
    Element,
    PriceComponent,
    PriceLimit,
    Reservation,
    Restrictions,
    SaleTerms,
    Tariff,
    TaxIncluded,
)
from kiosk.pricing.tally import NEVER, Plan
from kiosk.pricing.usage import State
from kiosk.values import Money, exponent

KWH = 1_000_000
MINUTE = 60_000
HOUR = 60 * MINUTE


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000


# Where the clocks jump, each a few hours before it, and where they never do. Beside hours there are halves, and a midnight that is skipped.
NIGHTS = tuple(
    (zone, _ms(night))
    for zone, night in (
        ("Europe/Berlin", "2026-03-28T20:00"),
        ("Europe/Berlin", "2026-10-24T20:00"),
        ("Europe/London", "2027-03-27T21:00"),
        ("America/New_York", "2026-11-01T02:00"),
        ("America/St_Johns", "2026-03-08T02:00"),
        ("Australia/Lord_Howe", "2026-04-04T12:00"),
        ("Australia/Lord_Howe", "2026-10-03T12:00"),
        ("Africa/Cairo", "2026-04-23T19:00"),
        ("America/Santiago", "2026-09-06T01:00"),
        ("Asia/Beirut", "2026-03-28T19:00"),
    )
)
DAYS = tuple(
    (zone, _ms(day))
    for zone, day in (
        ("Europe/Berlin", "2026-06-15T00:00"),
        ("Europe/Istanbul", "2026-12-30T00:00"),
        ("Asia/Kolkata", "2026-02-27T00:00"),
        ("Asia/Kathmandu", "2028-02-28T00:00"),
        ("Pacific/Kiritimati", "2026-09-30T00:00"),
        ("Pacific/Niue", "2027-01-01T00:00"),
        ("UTC", "2026-07-04T00:00"),
    )
)
_CURRENCIES = ("EUR",) * 8 + ("GBP", "USD", "JPY", "KWD", "HUF", "CLP")
_VATS = (None, Decimal(0), Decimal(7), Decimal(19), Decimal(20), Decimal("25.5"))
_STEPS = {
    Dimension.ENERGY: (1, 1, 1, 10, 100, 1_000, 5_000),
    Dimension.TIME: (1, 1, 1, 60, 300, 900, 3_600),
    Dimension.PARKING_TIME: (1, 1, 1, 60, 300, 900, 3_600),
    Dimension.FLAT: (1, 0),
}
_DIMENSIONS = (Dimension.ENERGY,) * 5 + (Dimension.TIME,) * 2 + (Dimension.PARKING_TIME,) * 3 + (Dimension.FLAT,) * 2
_FUNDERS = tuple(Funder)


@dataclass(frozen=True, slots=True)
class Event:
    """What the pile told at `utc_ms`: a register, or with `state` a turn; with neither the clock just went on."""

    utc_ms: int
    mwh: int | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """`events` come in this order; the last of them with a register is the end of the delivery. The car leaves at `vacated_ms`.

    `reserved` are the lengths (ms) of the parts in which a reservation before the charge was counted, `expired` whether nobody came.
    """

    tariff: Tariff
    zone: str
    rules: tuple[Discount, ...]
    begin: Reading
    events: tuple[Event, ...]
    vacated_ms: int
    reserved: tuple[int, ...] = ()
    expired: bool = False


def case_of(seed: int, number: int) -> Case:
    """The case of a number in a series."""
    return _Maker(random.Random(seed * 1_000_000_000 + number)).case()


class _Maker:
    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.some = draw.random
        self.scale = 1

    def case(self) -> Case:
        draw = self.draw
        zone, night = draw.choice(NIGHTS if self.some() < 0.6 else DAYS)
        start = night + draw.randrange(12 * HOUR)
        if self.some() < 0.5:
            start -= start % (15 * MINUTE)
        currency = draw.choice(_CURRENCIES)
        self.scale = {0: 100, 2: 1, 3: 1}[exponent(currency)]
        tariff = self.tariff(currency, start, zone)
        rules = self.rules(currency, start, zone) if self.some() < 0.4 else ()
        begin = Reading(start, draw.choice((0, 1, 4_567_890_123, draw.randrange(10**13))))
        reserved: tuple[int, ...] = ()
        if self.some() < 0.1:
            reserved = tuple(draw.choice((1_000, 61_000, 900_000, draw.randrange(1, 7_200) * 1_000)) for _ in range(draw.randint(1, 3)))
        events = self.events(tariff, zone, begin)
        end = max([begin.utc_ms, *(e.utc_ms for e in events)])
        vacated = end + draw.choice((0, 0, 999, 30_000, 10 * MINUTE, draw.randrange(6 * HOUR), draw.randrange(9 * 24 * HOUR)))
        return Case(tariff, zone, rules, begin, tuple(events), vacated, reserved, bool(reserved) and self.some() < 0.2)

    # --- the tariff ---

    def tariff(self, currency: str, start: int, zone: str) -> Tariff:
        draw = self.draw
        elements = [self.element(start, zone) for _ in range(draw.randint(1, 5))]
        if self.some() < 0.7:
            elements.append(Element(self.components(), None))
        if self.some() < 0.15:
            kind = draw.choice(tuple(Reservation))
            parts = tuple(PriceComponent(d, self.price(d), draw.choice(_VATS), 1) for d in (Dimension.TIME, Dimension.FLAT))
            elements.insert(0, Element(parts, Restrictions(reservation=kind)))
        sale = SaleTerms()
        if self.some() < 0.4:
            cap = self.amount(3_000) if self.some() < 0.5 else None
            sale = SaleTerms(draw.choice((0, 1, 60, 600, 5_400)), cap)
        least = self.limit(800) if self.some() < 0.15 else None
        most = self.limit(6_000) if self.some() < 0.15 else None
        included = draw.choice((TaxIncluded.YES, TaxIncluded.YES, TaxIncluded.NO, TaxIncluded.NA))
        return Tariff("DE", "LND", "live", currency, tuple(elements), included, 0, min_price=least, max_price=most, sale=sale)

    def element(self, start: int, zone: str) -> Element:
        return Element(self.components(), self.restrictions(start, zone))

    def components(self) -> tuple[PriceComponent, ...]:
        draw = self.draw
        kinds = dict.fromkeys(draw.choice(_DIMENSIONS) for _ in range(draw.randint(1, 3)))
        return tuple(PriceComponent(kind, self.price(kind), draw.choice(_VATS), draw.choice(_STEPS[kind])) for kind in kinds)

    def price(self, kind: Dimension) -> Decimal:
        draw = self.draw
        if self.some() < 0.08:
            return Decimal(0)
        if self.some() < 0.05:
            return Decimal(draw.randrange(1, 10**9)).scaleb(-9) * self.scale
        most = 9_999 if kind is Dimension.ENERGY else 99_999
        return Decimal(draw.randrange(1, most)).scaleb(-4) * self.scale

    def amount(self, most: int) -> Decimal:
        return Decimal(self.draw.randrange(1, most)).scaleb(-2) * self.scale

    def limit(self, most: int) -> PriceLimit:
        before = self.amount(most)
        after = (before * Decimal("1.19")).quantize(Decimal("0.0001")) if self.some() < 0.5 else None
        return PriceLimit(before, after)

    def restrictions(self, start: int, zone: str) -> Restrictions | None:
        draw, chance = self.draw, self.draw.random
        fields: dict[str, object] = {}
        if chance() < 0.45:
            fields["start_time"], fields["end_time"] = (draw.randrange(96) * 15 for _ in range(2))
            if chance() < 0.2:
                del fields[draw.choice(("start_time", "end_time"))]
        if chance() < 0.2:
            fields["day_of_week"] = tuple(sorted(draw.sample(range(7), draw.randint(1, 4))))
        if chance() < 0.1:
            day = date.fromtimestamp(start / 1_000) + timedelta(days=draw.randint(-1, 1))
            fields["start_date"] = day if chance() < 0.7 else None
            fields["end_date"] = day + timedelta(days=1) if chance() < 0.7 else None
        for least, most, value in (
            ("min_mwh", "max_mwh", lambda: draw.choice((KWH, 5 * KWH, 20 * KWH, draw.randrange(1, 60 * KWH)))),
            ("min_duration", "max_duration", lambda: draw.choice((60, 1_800, 3_600, draw.randrange(1, 20_000)))),
            ("min_power_w", "max_power_w", lambda: draw.choice((3_700, 11_000, 50_000, draw.randrange(1, 150_000)))),
        ):
            if chance() < 0.18:
                fields[least] = value()
            if chance() < 0.18:
                fields[most] = value()
        if chance() < 0.03:
            fields["max_current_ma"] = 32_000
        return Restrictions(**fields) if fields else None  # type: ignore[arg-type]

    # --- discounts ---

    def rules(self, currency: str, start: int, zone: str) -> tuple[Discount, ...]:
        draw = self.draw
        found: list[Discount] = []
        for kind in draw.sample(range(8), draw.randint(1, 5)):
            floor = Money.of(self.amount(500), currency) if self.some() < 0.15 else None
            base = {"name": f"rule {kind}", "funded_by": draw.choice(_FUNDERS), "floor": floor}
            percent = Decimal(draw.randrange(0, 10_001)).scaleb(-2)
            mwh = draw.choice((0, KWH, draw.randrange(40 * KWH)))
            match kind:
                case 0:
                    price = self.price(Dimension.ENERGY)
                    found.append(SolarShare(price=price, mwh=mwh, permille=draw.choice((0, 250, 1_000)), **base))  # type: ignore[arg-type]
                case 1 | 2:
                    when = self.restrictions(start, zone) or Restrictions()
                    place = zone if self.some() < 0.7 else "Asia/Tokyo"
                    per_kwh = self.price(Dimension.ENERGY)
                    found.append(OffPeakBonus(per_kwh=per_kwh, when=when, zone=place, **base))  # type: ignore[arg-type]
                case 3:
                    found.append(Subscription(mwh_left=mwh, percent=percent if self.some() < 0.5 else Decimal(0), **base))  # type: ignore[arg-type]
                case 4:
                    found.append(FleetGroup(percent=percent, **base))  # type: ignore[arg-type]
                case 5:
                    found.append(LoyaltyTier(percent=percent, **base))  # type: ignore[arg-type]
                case 6:
                    found.append(Coupon(amount=Money.of(self.amount(1_500), currency), **base))  # type: ignore[arg-type]
                case 7:
                    found.append(Coupon(mwh=mwh, **base))  # type: ignore[arg-type]
        draw.shuffle(found)
        return tuple(found)

    # --- the story ---

    def events(self, tariff: Tariff, zone: str, begin: Reading) -> list[Event]:
        draw = self.draw
        at, mwh = begin.utc_ms, begin.mwh
        marks, tiers = _marks(tariff, zone, begin.utc_ms), _tiers(tariff)
        idle = self.some() < 0.06  # nothing is drawn
        pace = draw.choice((5_000, 60_000, 900_000, 3 * HOUR))
        events = []
        for _ in range(draw.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 30))):
            at = self.next_moment(at, pace, marks)
            what = self.some()
            if what < 0.62:
                if not idle:
                    mwh = self.next_register(mwh, begin.mwh, tiers)
                events.append(Event(at, mwh))
                if self.some() < 0.04:  # one that was held up on the way, or of a meter that stumbled
                    events.append(Event(at - draw.randrange(2 * pace), mwh - draw.randrange(KWH)))
            elif what < 0.9:
                events.append(Event(at, state=draw.choice((State.CHARGING, State.CHARGING, State.PARKED, State.WITHHELD))))
            else:
                events.append(Event(at))
        if self.some() < 0.9:
            at = self.next_moment(at, pace, marks)
            events.append(Event(at, mwh if idle else self.next_register(mwh, begin.mwh, tiers)))
        return events

    def next_moment(self, at: int, pace: int, marks: list[int]) -> int:
        draw, chance = self.draw, self.some()
        if chance < 0.25:
            ahead = next((mark for mark in marks if mark > at), None)
            if ahead is not None:
                return max(at, ahead + draw.choice((-1_000, -1, 0, 0, 0, 1, 1_000)))
        if chance < 0.33:
            return at + draw.choice((0, 0, 1, 400, 999))
        return at + draw.randrange(1, 2 * pace)

    def next_register(self, mwh: int, begun: int, tiers: list[int]) -> int:
        draw, chance = self.draw, self.some()
        if chance < 0.2:
            ahead = next((begun + tier for tier in tiers if begun + tier > mwh), None)
            if ahead is not None:
                return max(mwh, ahead + draw.choice((-1, 0, 0, 0, 1)))
        if chance < 0.35:
            return mwh + draw.choice((0, 0, 1, 7, 999, 1_000))
        if chance < 0.37:
            return mwh + draw.randrange(200 * KWH)
        return mwh + draw.randrange(1, 6 * KWH)


def _marks(tariff: Tariff, zone: str, start: int) -> list[int]:
    """The next instants at which the tariff's prices may switch."""
    plan, at, found = Plan(tariff, zone), start, []
    while len(found) < 12 and (at := plan.next_switch(at, start // 1_000 * 1_000)) < NEVER:
        found.append(at)
    return found


def _tiers(tariff: Tariff) -> list[int]:
    limits = (e.restrictions for e in tariff.elements if e.restrictions)
    return sorted({mwh for r in limits for mwh in (r.min_mwh, r.max_mwh) if mwh})
