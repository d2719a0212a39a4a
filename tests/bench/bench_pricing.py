"""How much work a price is: a session from scratch (bar: 1 ms), a live update (bar: 100 us), with discounts and without.

Medians of processor time, which does not count what other programs do meanwhile. Each live update is told beside a plain loop's: energy
times a price, its tax, one line, with nothing looked up.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path

from bar import Bar

from kiosk.metering.reading import Reading
from kiosk.pricing.canonical import canonical, tariff_hash
from kiosk.pricing.discounts import Discount, Funder, LoyaltyTier, OffPeakBonus, SolarShare, Subscription
from kiosk.pricing.load import load
from kiosk.pricing.meter import Meter
from kiosk.pricing.model import Restrictions, Tariff
from kiosk.pricing.quote import Quote
from kiosk.pricing.rate import bill
from kiosk.pricing.rating import Line, Rating
from kiosk.pricing.rules import under
from kiosk.pricing.terms import billed
from kiosk.pricing.usage import usage_from
from kiosk.values import Money

DEMO = Path(__file__).parents[2] / "assets" / "demo" / "tariffs" / "hpc150.json"
BERLIN = "Europe/Berlin"
T0 = 1_780_000_000_000
MINUTE = 60_000


def rich() -> Tariff:
    """Night and weekend rates, energy tiers, an idle fee with grace and cap."""
    body = json.loads(DEMO.read_text())
    night = [{"type": "ENERGY", "price": 0.39, "vat": 19, "step_size": 1}]
    cheap = [{"type": "ENERGY", "price": 0.44, "vat": 19, "step_size": 1}]
    body["elements"] = [
        {"price_components": night, "restrictions": {"start_time": "22:00", "end_time": "06:00"}},
        {"price_components": cheap, "restrictions": {"day_of_week": ["SATURDAY", "SUNDAY"], "max_kwh": 30}},
        *body["elements"],
    ]
    return load(json.dumps(body).encode())


SUN_AND_MEMBERSHIP = (
    SolarShare(name="Sun", funded_by=Funder.SITE, price=Decimal("0.29"), permille=600),
    LoyaltyTier(name="Silver", funded_by=Funder.OPERATOR, percent=Decimal(5)),
)
EVERYTHING = (
    *SUN_AND_MEMBERSHIP,
    OffPeakBonus(name="Night", funded_by=Funder.OPERATOR, per_kwh=Decimal("0.05"), when=Restrictions(start_time=1_320), zone=BERLIN),
    Subscription(name="Gold", funded_by=Funder.OPERATOR, mwh_left=20_000_000),
)


def quote(tariff: Tariff, rules: tuple[Discount, ...]) -> Quote:
    return under(Quote(tariff.id, canonical(tariff), tariff_hash(tariff), BERLIN, Money(5_000, "EUR"), "en", ()), rules)


def readings(count: int) -> list[Reading]:
    return [Reading(T0 + i * MINUTE, 10**9 + i * 500_000) for i in range(count)]


def microseconds(run: Callable[[], object], rounds: int) -> float:
    samples = []
    for _ in range(rounds):
        start = time.thread_time_ns()
        run()
        samples.append((time.thread_time_ns() - start) / 1_000)
    return statistics.median(samples)


def plain_loop() -> float:
    """The least that a bill of one line can be, in microseconds."""
    price, factor = Decimal("0.49"), Decimal("1.19")
    energy = iter(range(1, 10**9, 40_000))

    def update() -> object:
        quantity = Decimal(next(energy)) / 1_000_000
        incl = quantity * price
        total = Money.of(incl, "EUR")
        line = Line("ENERGY", quantity, price, incl / factor, incl, Decimal(19), total)
        return Rating((line,), incl / factor, incl, total)

    return microseconds(update, 2_000)


def bars() -> Iterable[Bar]:
    plain = plain_loop()
    print(f"a plain loop's update {plain:.1f} us")
    for name, tariff in (("demo tariff", load(DEMO.read_bytes())), ("night, weekend and tier rates", rich())):
        hour = readings(61)
        half = hour[len(hour) // 2]

        def session(tariff: Tariff = tariff, hour: list[Reading] = hour) -> object:
            usage = usage_from(hour[0], hour[-1], readings=hour[1:-1], vacated_at=hour[-1].utc_ms + 30 * MINUTE)
            return bill(tariff, usage, BERLIN)

        meter = Meter(tariff, hour[0], zone=BERLIN)
        meter.add(half)
        steps = iter(range(1, 10**6))

        def update(meter: Meter = meter, steps: Iterator[int] = steps, half: Reading = half) -> object:
            step = next(steps)
            return meter.add(Reading(half.utc_ms + step * 5_000, half.mwh + step * 40_000))

        yield Bar(f"price a session of 61 readings, {name}", microseconds(session, 200), 1_000, "us")
        yield _live(name, microseconds(update, 2_000), plain)
        used_up = microseconds(lambda meter=meter: meter.used_up_at(90_000, Money(10**6, "EUR")), 200)
        print(f"{name}: when the hold is used up {used_up:.0f} us, next price change {microseconds(meter.next_change, 200):.0f} us")
    yield from discounted(plain)


def _live(name: str, value: float, plain: float) -> Bar:
    print(f"live price, {name}: {value / plain:.1f} x a plain loop's update")
    return Bar(f"live price, {name}", value, 100, "us")


def discounted(plain: float) -> Iterable[Bar]:
    hour = readings(61)
    half = hour[len(hour) // 2]
    for name, rules in (("sun and a membership", SUN_AND_MEMBERSHIP), ("four kinds of discounts", EVERYTHING)):
        terms = quote(rich(), rules)

        def session(terms: Quote = terms) -> object:
            usage = usage_from(hour[0], hour[-1], readings=hour[1:-1], vacated_at=hour[-1].utc_ms + 30 * MINUTE)
            return billed(terms, usage)

        meter = Meter(terms, hour[0])
        meter.add(half)
        steps = iter(range(1, 10**6))

        def update(meter: Meter = meter, steps: Iterator[int] = steps) -> object:
            step = next(steps)
            return meter.add(Reading(half.utc_ms + step * 5_000, half.mwh + step * 40_000))

        yield Bar(f"price a session of 61 readings, {name}", microseconds(session, 200), 1_000, "us")
        yield _live(name, microseconds(update, 2_000), plain)


def main() -> None:
    for bar in bars():
        print(*bar.row(), sep="  ")


if __name__ == "__main__":
    main()
