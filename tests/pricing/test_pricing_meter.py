"""The live price and the final bill are one and the same sum."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing_world import component, element, tariff_of_elements

from kiosk.metering.reading import Reading
from kiosk.pricing.meter import Meter
from kiosk.pricing.model import PricingError, Tariff
from kiosk.pricing.rate import accrues_until, bill
from kiosk.pricing.rating import Rating
from kiosk.pricing.usage import Pause, State, Usage, usage_from
from kiosk.pricing.vat import breakdown
from kiosk.values import Money

KWH = 1_000_000
MINUTE = 60_000
T0 = 1_711_836_000_000  # 2024-03-30T22:00:00Z, the night the clocks go forward in Berlin
BERLIN = "Europe/Berlin"

SIMPLE = tariff_of_elements(element(component("ENERGY", 0.49, vat=19), component("PARKING_TIME", 6, vat=19)), tax_included="YES")
RICH = tariff_of_elements(
    element(component("ENERGY", 0.29, vat=19), component("TIME", 1.5, step_size=300, vat=7), start_time="23:30", end_time="03:30"),
    element(component("ENERGY", 0.49, vat=19), max_kwh=7),
    element(component("ENERGY", 0.59, step_size=100, vat=19), component("PARKING_TIME", 6, step_size=60, vat=19), min_power=20),
    element(component("ENERGY", 0.55, vat=19), component("PARKING_TIME", 4.2, vat=19), component("FLAT", 1, vat=19)),
    x_pilepay={"idle_grace_seconds": 600, "idle_cap": 9},
    max_price={"before_taxes": 40},
)
TARIFFS = (SIMPLE, RICH)

gaps = st.lists(st.tuples(st.integers(0, 1_800_000), st.integers(0, 6 * KWH)), max_size=10)
turns = st.lists(st.tuples(st.integers(1, 9_000_000), st.integers(1, 3_000_000), st.sampled_from(["car", "pile"])), max_size=4)


def history(gaps: list[tuple[int, int]]) -> list[Reading]:
    at, register, readings = T0, 5_000 * KWH, [Reading(T0, 5_000 * KWH)]
    for ms, mwh in gaps:
        at, register = at + ms, register + mwh
        readings.append(Reading(at, register))
    return readings


def pauses_within(turns: list[tuple[int, int, str]], end: int) -> list[Pause]:
    """Pauses in order that do not overlap."""
    found: list[Pause] = []
    free = T0
    for offset, length, by in sorted(turns):
        begin = max(free, T0 + offset)
        if begin >= end:
            break
        free = min(end, begin + length)
        found.append(Pause(begin, free, by))
    return found


def replayed(tariff: Tariff, readings: list[Reading], pauses: list[Pause], vacated_at: int) -> tuple[Meter, Rating]:
    """The same story, told to a meter as it happens: at one instant the pile reports states before values."""
    meter = Meter(tariff, readings[0], zone=BERLIN)
    stories: list[tuple[int, int, State | Reading]] = [(r.utc_ms, 2, r) for r in readings[1:]]
    for pause in pauses:
        stories.append((pause.start_utc_ms, 1, State.PARKED if pause.by == "car" else State.WITHHELD))
        if pause.end_utc_ms is not None:
            stories.append((pause.end_utc_ms, 0, State.CHARGING))
    for at, _, story in sorted(stories, key=lambda s: s[:2]):
        if isinstance(story, Reading):
            meter.add(story)
        else:
            meter.turn(story, at)
    meter.turn(State.PARKED, readings[-1].utc_ms)
    return meter, meter.tick(vacated_at)


@settings(max_examples=150)
@given(st.sampled_from(TARIFFS), gaps, turns, st.integers(0, 9_000_000))
def test_final_bill_is_what_the_live_meter_ended_at(
    tariff: Tariff, gaps: list[tuple[int, int]], turns: list[tuple[int, int, str]], stay: int
) -> None:
    readings = history(gaps)
    end = readings[-1]
    pauses = pauses_within(turns, end.utc_ms)
    usage = usage_from(readings[0], end, readings=readings[1:-1], pauses=pauses, vacated_at=end.utc_ms + stay)
    meter, rating = replayed(tariff, readings, pauses, end.utc_ms + stay)
    assert meter.usage() == usage
    assert rating == bill(tariff, usage, BERLIN) == bill(tariff, meter.usage(), BERLIN)


@settings(max_examples=150)
@given(st.sampled_from(TARIFFS), gaps, turns)
def test_at_every_moment_the_live_price_is_the_bill_of_what_was_seen(
    tariff: Tariff, gaps: list[tuple[int, int]], turns: list[tuple[int, int, str]]
) -> None:
    meter = Meter(tariff, Reading(T0, 0), zone=BERLIN)
    at, register = T0, 0
    for (ms, mwh), (lead, _, by) in zip(gaps, turns, strict=False):
        assert meter.turn(State.PARKED if by == "car" else State.WITHHELD, at + lead % (ms + 1)) == bill(tariff, meter.usage(), BERLIN)
        at, register = at + ms, register + mwh
        meter.turn(State.CHARGING, at)
        assert meter.add(Reading(at, register)) == bill(tariff, meter.usage(), BERLIN)


@settings(max_examples=150)
@given(st.sampled_from(TARIFFS), gaps, turns, st.integers(0, 9_000_000))
def test_energy_and_time_of_a_usage_are_exactly_those_of_the_registers_and_the_clock(
    tariff: Tariff, gaps: list[tuple[int, int]], turns: list[tuple[int, int, str]], stay: int
) -> None:
    readings = history(gaps)
    end = readings[-1]
    usage = usage_from(readings[0], end, readings=readings[1:-1], pauses=pauses_within(turns, end.utc_ms), vacated_at=end.utc_ms + stay)
    assert sum(s.mwh for s in usage.segments) == end.mwh - readings[0].mwh
    assert all(s.mwh >= 0 for s in usage.segments)
    cursor = usage.start_utc_ms
    for segment in usage.segments:
        assert segment.start_utc_ms == cursor
        cursor = segment.end_utc_ms
    assert cursor == usage.end_utc_ms or not usage.segments


@settings(max_examples=150)
@given(st.sampled_from(TARIFFS), gaps, st.integers(0, 90_000_000))
def test_lines_add_up_and_tax_lies_between_net_and_gross(tariff: Tariff, gaps: list[tuple[int, int]], stay: int) -> None:
    readings = history(gaps)
    rating = bill(tariff, usage_from(readings[0], readings[-1], vacated_at=readings[-1].utc_ms + stay), BERLIN)
    assert sum(line.amount.minor for line in rating.lines) == rating.total.minor
    assert rating.total == Money.of(rating.incl, "EUR")
    assert all(abs(line.amount.decimal() - line.incl) < Decimal("0.01") for line in rating.lines)
    assert 0 <= rating.excl <= rating.incl
    groups = breakdown(rating)
    assert sum(g.gross.minor for g in groups) == rating.total.minor
    assert all(g.net + g.tax == g.gross for g in groups)


@settings(max_examples=100)
@given(gaps, st.integers(0, 200_000), st.integers(0, 9_000))
def test_used_up_is_the_first_second_at_which_the_hold_is_exceeded(gaps: list[tuple[int, int]], power: int, hold: int) -> None:
    readings = history(gaps)
    meter = Meter(SIMPLE, readings[0], zone=BERLIN)
    for reading in readings[1:]:
        meter.add(reading)
    limit = Money(hold, "EUR")
    now = readings[-1].utc_ms // 1_000 * 1_000

    def total_at(at: int) -> Money:
        ahead = Meter(SIMPLE, readings[0], zone=BERLIN)
        for reading in readings[1:]:
            ahead.add(reading)
        return ahead.add(Reading(at, readings[-1].mwh + power * (at - now) // 3_600)).total

    at = meter.used_up_at(power, limit)
    if at is None:
        assert total_at(now + 7 * 24 * 60 * MINUTE) <= limit
    elif at == now:
        assert meter.rating().total > limit
    else:
        assert total_at(at) > limit
        assert total_at(at - 1_000) <= limit


@settings(max_examples=60)
@given(st.sampled_from(TARIFFS), gaps, st.integers(0, 4_000))
def test_after_the_fee_stopped_growing_a_longer_stay_costs_the_same_or_more_than_the_hold(
    tariff: Tariff, gaps: list[tuple[int, int]], hold: int
) -> None:
    readings = history(gaps)
    begin, end = readings[0], readings[-1]
    until = accrues_until(tariff, usage_from(begin, end), BERLIN, Money(hold, "EUR"))
    total = bill(tariff, usage_from(begin, end), BERLIN).total
    week = bill(tariff, usage_from(begin, end, vacated_at=end.utc_ms + 7 * 24 * 60 * MINUTE), BERLIN).total
    if until is None:
        assert week == total
    else:
        then = bill(tariff, usage_from(begin, end, vacated_at=until), BERLIN).total
        assert then == week or then.minor >= hold


def test_a_fee_that_begins_to_apply_at_this_very_instant_is_not_owed_yet() -> None:
    late = tariff_of_elements(element(component("ENERGY", 0.5)), element(component("FLAT", 5), min_duration=600))
    meter = Meter(late, Reading(T0, 0), zone=BERLIN)
    assert meter.add(Reading(T0 + 10 * MINUTE, KWH)).total == Money(50, "EUR")
    assert meter.next_change() is None
    assert meter.tick(T0 + 10 * MINUTE + 1_000).total == Money(550, "EUR")


def test_a_late_value_counts_nothing_and_a_backward_step_counts_zero() -> None:
    meter = Meter(SIMPLE, Reading(T0, 100 * KWH), zone=BERLIN)
    meter.add(Reading(T0 + 10 * MINUTE, 110 * KWH))
    assert meter.add(Reading(T0 + 5 * MINUTE, 140 * KWH)).total == Money(490, "EUR")
    assert meter.add(Reading(T0 + 11 * MINUTE, 90 * KWH)).total == Money(490, "EUR")
    assert meter.add(Reading(T0 + 12 * MINUTE, 111 * KWH)).total == Money(539, "EUR")


def test_energy_of_an_interval_with_a_pause_lies_where_the_car_charged() -> None:
    begin, end = Reading(T0, 0), Reading(T0 + 60 * MINUTE, 10 * KWH)
    usage = usage_from(begin, end, pauses=[Pause(T0 + 20 * MINUTE, T0 + 50 * MINUTE, "car")])
    assert [(s.state, s.mwh, (s.end_utc_ms - s.start_utc_ms) // MINUTE) for s in usage.segments] == [
        (State.CHARGING, 6_666_666, 20),
        (State.PARKED, 0, 30),
        (State.CHARGING, 3_333_334, 10),
    ]


def test_a_register_that_ends_below_its_begin_makes_a_usage_without_energy() -> None:
    usage = usage_from(Reading(T0, 10 * KWH), Reading(T0 + MINUTE, 9 * KWH))
    assert sum(s.mwh for s in usage.segments) == 0


def test_an_end_before_its_begin_makes_a_usage_without_time() -> None:
    usage = usage_from(Reading(T0, 10 * KWH), Reading(T0 - MINUTE, 12 * KWH))
    assert (usage.start_utc_ms, usage.end_utc_ms) == (T0, T0)
    assert bill(SIMPLE, usage, BERLIN).total == Money(98, "EUR")


def test_a_usage_of_nothing_still_owes_the_flat_fee() -> None:
    fee = tariff_of_elements(element(component("FLAT", 1), component("ENERGY", 0.5)))
    assert bill(fee, Usage(T0, T0, ()), BERLIN).total == Money(100, "EUR")


def test_a_bare_tariff_needs_a_zone() -> None:
    with pytest.raises(PricingError, match="needs the zone"):
        Meter(SIMPLE, Reading(T0, 0))


def test_a_bill_in_yen_has_no_decimals() -> None:
    yen = tariff_of_elements(element(component("ENERGY", 55.5)), currency="JPY")
    rating = bill(yen, usage_from(Reading(T0, 0), Reading(T0 + MINUTE, KWH)), "Asia/Tokyo")
    assert rating.total == Money(56, "JPY")
