"""The ceiling over a session's price: never below the price, whatever the tariff and the course of the session, and close above it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pricing_world import component, element, tariff_of_elements

from kiosk.pricing.ceiling import ceiling
from kiosk.pricing.model import Tariff
from kiosk.pricing.rate import bill
from kiosk.pricing.usage import Segment, State, Usage

KWH = 1_000_000
MINUTE = 60_000
START = 1_768_000_000_000

kinds = st.sampled_from(["ENERGY", "TIME", "PARKING_TIME", "FLAT"])
amounts = st.integers(0, 300).map(lambda n: n / 100)
components = st.builds(component, kinds, amounts, st.sampled_from([1, 60, 900]), st.sampled_from([None, 0, 7, 19]))
restrictions = st.fixed_dictionaries(
    {},
    optional={
        "max_kwh": st.integers(1, 30),
        "min_duration": st.integers(60, 3_600),
        "start_time": st.just("22:00"),
        "min_power": st.integers(1, 60),
    },
)
elements = st.lists(st.tuples(st.lists(components, min_size=1, max_size=4), restrictions), min_size=1, max_size=4)
limits = st.fixed_dictionaries({"before_taxes": amounts}, optional={"after_taxes": amounts})


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    more: dict[str, Any] = {"tax_included": draw(st.sampled_from(["YES", "NO", "N/A"]))}
    if draw(st.booleans()):
        more["min_price"] = draw(limits)
    if draw(st.booleans()):
        more["x_pilepay"] = {"idle_grace_seconds": 120, "idle_cap": 4}
    return tariff_of_elements(*(element(*parts, **rules) for parts, rules in draw(elements)), **more)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    at, segments = START, []
    for _ in range(draw(st.integers(0, 5))):
        state = draw(st.sampled_from([State.CHARGING, State.PARKED, State.WITHHELD]))
        end = at + draw(st.integers(1, 90)) * MINUTE
        segments.append(Segment(at, end, draw(st.integers(0, 20 * KWH)) if state is State.CHARGING else 0, state))
        at = end
    return Usage(START, at, tuple(segments))


@given(tariffs(), usages())
@settings(max_examples=400, deadline=None)
def test_no_session_is_billed_more_than_the_ceiling(tariff: Tariff, usage: Usage) -> None:
    mwh, ms = sum(s.mwh for s in usage.segments), usage.end_utc_ms - usage.start_utc_ms
    assert bill(tariff, usage, "Europe/Berlin").total <= ceiling(tariff).over(mwh, ms)


def test_with_energy_alone_the_ceiling_is_hardly_above_the_price() -> None:
    tariff = tariff_of_elements(element(component("ENERGY", 0.59, vat=19)), tax_included="YES")
    usage = Usage(START, START + 30 * MINUTE, (Segment(START, START + 30 * MINUTE, 40 * KWH, State.CHARGING),))
    price = bill(tariff, usage, "Europe/Berlin").total
    assert (price.minor, ceiling(tariff).over(40 * KWH, 30 * MINUTE).minor) == (2360, 2361)


def test_the_least_price_holds_for_the_ceiling_too() -> None:
    tariff = tariff_of_elements(element(component("ENERGY", 0.5, vat=19)), min_price={"before_taxes": 10})
    assert ceiling(tariff).over(0, 0).minor == 1190
