"""Where prices change in the middle of a session, the engine cuts: by clock, duration, energy and power."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing_world import component, element, tariff_of_elements

from kiosk.metering.reading import Reading
from kiosk.pricing.localtime import next_boundary, wall_clock
from kiosk.pricing.meter import Meter
from kiosk.pricing.model import DAYS, Dimension, PricingError, Tariff
from kiosk.pricing.rate import rate
from kiosk.pricing.tally import Plan, Tally
from kiosk.pricing.usage import Segment, State, Usage
from kiosk.values import Money

KWH = 1_000_000
HOUR = 3_600_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000


def charging(start: str, end: str, kwh: float, state: State = State.CHARGING) -> Usage:
    segment = Segment(ms(start), ms(end), round(kwh * KWH), state)
    return Usage(ms(start), ms(end), (segment,))


def cost(tariff: Tariff, usage: Usage, zone: str = "Europe/Amsterdam") -> Decimal:
    return rate(tariff, usage, zone).excl


ENERGY = Dimension.ENERGY.value
NIGHT = tariff_of_elements(
    element(component(ENERGY, 0.20), start_time="22:00", end_time="06:00"),
    element(component(ENERGY, 0.40)),
)


def test_energy_is_split_at_the_hour_the_price_changes() -> None:
    # 21:00 to 23:00 local: one hour dear, one hour cheap.
    assert cost(NIGHT, charging("2024-06-03T19:00:00Z", "2024-06-03T21:00:00Z", 20)) == Decimal("6.00")


def test_a_night_rate_wraps_past_midnight() -> None:
    assert cost(NIGHT, charging("2024-06-03T21:00:00Z", "2024-06-04T05:00:00Z", 80)) == 7 * Decimal("2.00") + Decimal("4.00")


def test_the_night_the_clocks_go_back_has_an_hour_more() -> None:
    small_hours = tariff_of_elements(
        element(component(ENERGY, 0.20), start_time="00:00", end_time="03:00"), element(component(ENERGY, 0.40))
    )
    # 01:30 CEST to 03:30 CET: 2.5 of 3 real hours are night.
    assert cost(small_hours, charging("2024-10-26T23:30:00Z", "2024-10-27T02:30:00Z", 30)) == Decimal("7.00")


def test_a_rate_that_ends_in_the_repeated_hour_holds_twice() -> None:
    until_half_past = tariff_of_elements(
        element(component(ENERGY, 0.20), start_time="00:00", end_time="02:30"), element(component(ENERGY, 0.40))
    )
    # 02:00 to 03:00 comes twice; its first half is cheap both times.
    assert cost(until_half_past, charging("2024-10-27T00:00:00Z", "2024-10-27T02:00:00Z", 20)) == Decimal("6.00")


def test_the_night_the_clocks_go_forward_has_an_hour_less() -> None:
    small_hours = tariff_of_elements(
        element(component(ENERGY, 0.20), start_time="00:00", end_time="03:00"), element(component(ENERGY, 0.40))
    )
    # 01:30 CET to 04:30 CEST is two hours: half an hour is night.
    assert cost(small_hours, charging("2024-03-31T00:30:00Z", "2024-03-31T02:30:00Z", 20)) == Decimal("7.00")


def test_a_rate_that_begins_in_the_skipped_hour_begins_when_the_clock_jumps() -> None:
    from_half_past = tariff_of_elements(
        element(component(ENERGY, 0.20), start_time="02:30", end_time="04:00"), element(component(ENERGY, 0.40))
    )
    assert cost(from_half_past, charging("2024-03-31T00:00:00Z", "2024-03-31T02:00:00Z", 20)) == Decimal("6.00")


def test_lord_howe_moves_by_half_an_hour() -> None:
    at_two = tariff_of_elements(element(component(ENERGY, 0.20), start_time="00:00", end_time="02:00"), element(component(ENERGY, 0.40)))
    # On 2024-04-07 the clock goes from 02:00 back to 01:30: 01:00 to 02:00 lasts ninety minutes.
    usage = charging("2024-04-06T14:00:00Z", "2024-04-06T16:00:00Z", 20)
    assert cost(at_two, usage, "Australia/Lord_Howe") == Decimal("15") * Decimal("0.20") + Decimal("5") * Decimal("0.40")


def test_a_zone_whose_midnight_does_not_exist_still_changes_its_day() -> None:
    friday = tariff_of_elements(element(component(ENERGY, 0.20), day_of_week=["FRIDAY"]), element(component(ENERGY, 0.40)))
    # Cairo skips from Thursday 24:00 to Friday 01:00 on 2024-04-26.
    usage = charging("2024-04-25T21:00:00Z", "2024-04-25T23:00:00Z", 20)
    assert cost(friday, usage, "Africa/Cairo") == Decimal("6.00")


def test_a_weekday_rate_ends_at_local_midnight() -> None:
    sunday = tariff_of_elements(
        element(component(ENERGY, 0.20), start_time="22:00", end_time="06:00", day_of_week=["SUNDAY"]),
        element(component(ENERGY, 0.40)),
    )
    assert cost(sunday, charging("2024-06-02T21:00:00Z", "2024-06-03T01:00:00Z", 40)) == Decimal("2.00") + Decimal("12.00")


def test_dates_are_local_and_the_last_is_exclusive() -> None:
    fair = tariff_of_elements(
        element(component(ENERGY, 0.20), start_date="2024-06-03", end_date="2024-06-04"), element(component(ENERGY, 0.40))
    )
    assert cost(fair, charging("2024-06-02T21:00:00Z", "2024-06-02T23:00:00Z", 20)) == Decimal("6.00")
    assert cost(fair, charging("2024-06-03T21:00:00Z", "2024-06-03T23:00:00Z", 20)) == Decimal("6.00")


def test_energy_tiers_are_cut_to_the_milliwatt_hour() -> None:
    tiers = tariff_of_elements(
        element(component(ENERGY, 0), max_kwh=10), element(component(ENERGY, 0.50), max_kwh=20), element(component(ENERGY, 1))
    )
    rating = rate(tiers, charging("2024-06-03T08:00:00Z", "2024-06-03T09:00:00Z", 22.345), "Europe/Amsterdam")
    assert [(line.mwh, line.excl) for line in rating.lines] == [
        (10 * KWH, 0),
        (10 * KWH, Decimal("5.00")),
        (2_345_000, Decimal("2.345")),
    ]


def test_a_tier_that_is_reached_exactly_at_the_end_is_not_entered() -> None:
    tiers = tariff_of_elements(element(component(ENERGY, 0.50), max_kwh=10), element(component("FLAT", 5), min_kwh=10))
    assert cost(tiers, charging("2024-06-03T08:00:00Z", "2024-06-03T09:00:00Z", 10)) == Decimal("5.00")


def test_time_is_cut_where_energy_crosses_a_tier() -> None:
    by_energy = tariff_of_elements(element(component("TIME", 1), max_kwh=10), element(component("TIME", 4)))
    assert cost(by_energy, charging("2024-06-03T08:00:00Z", "2024-06-03T09:00:00Z", 40)) == Decimal("0.25") + Decimal("3.00")


def test_duration_counts_from_the_start_of_the_session_whatever_the_car_does() -> None:
    later = tariff_of_elements(
        element(component("PARKING_TIME", 0), max_duration=3600), element(component("PARKING_TIME", 6), min_duration=3600)
    )
    start = ms("2024-06-03T08:00:00Z")
    usage = Usage(
        start,
        start + 2 * HOUR,
        (
            Segment(start, start + HOUR // 2, 10 * KWH, State.CHARGING),
            Segment(start + HOUR // 2, start + 2 * HOUR, 0, State.PARKED),
        ),
    )
    assert cost(later, usage) == Decimal("6.00")


def test_power_is_what_the_registers_say_it_was() -> None:
    by_power = tariff_of_elements(element(component(ENERGY, 0.20), max_power=16), element(component(ENERGY, 0.50)))
    start = ms("2024-06-03T08:00:00Z")
    usage = Usage(
        start,
        start + 2 * HOUR,
        (Segment(start, start + HOUR, 11 * KWH, State.CHARGING), Segment(start + HOUR, start + 2 * HOUR, 48 * KWH, State.CHARGING)),
    )
    assert cost(by_power, usage) == Decimal("2.20") + Decimal("24.00")


def test_current_that_nobody_measured_matches_no_restriction() -> None:
    by_current = tariff_of_elements(element(component(ENERGY, 0.20), max_current=32), element(component(ENERGY, 0.50)))
    assert cost(by_current, charging("2024-06-03T08:00:00Z", "2024-06-03T09:00:00Z", 10)) == Decimal("5.00")


def test_an_end_time_of_midnight_is_the_end_of_the_day() -> None:
    evening = tariff_of_elements(element(component(ENERGY, 0.20), start_time="20:00", end_time="00:00"), element(component(ENERGY, 0.40)))
    assert cost(evening, charging("2024-06-03T21:00:00Z", "2024-06-03T23:00:00Z", 20)) == Decimal("6.00")


def test_a_zone_that_does_not_exist_is_named() -> None:
    with pytest.raises(PricingError, match="'Europe/Berlim' is no IANA time zone"):
        rate(NIGHT, charging("2024-06-03T19:00:00Z", "2024-06-03T21:00:00Z", 20), "Europe/Berlim")


def test_a_flat_fee_is_owed_once_even_when_it_becomes_active_again() -> None:
    evening_fee = tariff_of_elements(
        element(component("FLAT", 1), start_time="20:00", end_time="21:00"),
        element(component("FLAT", 3)),
        element(component(ENERGY, 0.40)),
    )
    assert cost(evening_fee, charging("2024-06-03T18:30:00Z", "2024-06-03T20:00:00Z", 10)) == Decimal("5.00")


def test_min_and_max_price_hold_on_both_tax_bases() -> None:
    capped = tariff_of_elements(
        element(component("FLAT", 0.5, vat=20), component(ENERGY, 0.25, vat=10)),
        max_price={"before_taxes": 10, "after_taxes": 11},
    )
    rating = rate(capped, charging("2024-06-03T08:00:00Z", "2024-06-03T09:00:00Z", 50), "UTC")
    assert (rating.excl, rating.incl, rating.total) == (10, 11, Money(1100, "EUR"))
    assert rating.lines[-1].code == "MAX_PRICE"
    assert sum(line.amount.minor for line in rating.lines) == 1100


def test_a_limit_without_its_gross_side_takes_the_taxes_of_the_session() -> None:
    floor = tariff_of_elements(element(component(ENERGY, 0.25, vat=10)), min_price={"before_taxes": 1})
    rating = rate(floor, charging("2024-06-03T08:00:00Z", "2024-06-03T09:00:00Z", 2), "UTC")
    assert (rating.excl, rating.incl) == (1, Decimal("1.1"))


def test_next_change_names_the_instant_and_the_new_price() -> None:
    meter = Meter(NIGHT, Reading(ms("2024-06-03T19:00:00Z"), 0), zone="Europe/Amsterdam")
    change = meter.next_change()
    assert change is not None
    assert change.utc_ms == ms("2024-06-03T20:00:00Z")
    assert [(c.code, c.price) for c in change.components] == [("ENERGY", Decimal("0.2"))]


def test_next_change_knows_tiers_of_energy() -> None:
    tiers = tariff_of_elements(element(component(ENERGY, 0.40), max_kwh=30), element(component(ENERGY, 0.60)))
    meter = Meter(tiers, Reading(ms("2024-06-03T19:00:00Z"), 0), zone="Europe/Amsterdam")
    meter.add(Reading(ms("2024-06-03T19:30:00Z"), 12 * KWH))
    change = meter.next_change()
    assert change is not None
    assert (change.utc_ms, change.mwh) == (None, 30 * KWH)
    assert [c.price for c in change.components] == [Decimal("0.6")]


def test_a_price_that_never_changes_has_no_next_change() -> None:
    flat = tariff_of_elements(element(component(ENERGY, 0.40)))
    assert Meter(flat, Reading(ms("2024-06-03T19:00:00Z"), 0), zone="UTC").next_change() is None


def test_used_up_knows_the_price_switch_ahead() -> None:
    # 10 kW: 4.00 in the first hour until 22:00, then 2.00 an hour.
    meter = Meter(NIGHT, Reading(ms("2024-06-03T19:00:00Z"), 0), zone="Europe/Amsterdam")
    at = meter.used_up_at(10_000, Money(500, "EUR"))
    assert at is not None
    assert abs(at - ms("2024-06-03T20:30:00Z")) <= 20_000
    assert meter.used_up_at(0, Money(500, "EUR")) is None


# --- against a reference that knows nothing clever -------------------------------------------------------------------------------

# Nights on which a zone's clock jumps, and one on which it does not.
NIGHTS = (
    ("Europe/Amsterdam", "2024-03-30T22:00:00Z"),
    ("Europe/Amsterdam", "2024-10-26T22:00:00Z"),
    ("Europe/Amsterdam", "2024-06-03T20:00:00Z"),
    ("Australia/Lord_Howe", "2024-04-06T13:00:00Z"),
    ("Australia/Lord_Howe", "2024-10-05T13:00:00Z"),
    ("America/New_York", "2024-03-10T05:00:00Z"),
    ("America/New_York", "2024-11-03T04:00:00Z"),
    ("Africa/Cairo", "2024-04-25T20:00:00Z"),
    ("Asia/Kolkata", "2024-06-03T16:00:00Z"),
)

times = st.integers(0, 24 * 4 - 1).map(lambda q: f"{q // 4:02}:{q % 4 * 15:02}")
restrictions = st.fixed_dictionaries(
    {},
    optional={
        "start_time": times,
        "end_time": times,
        "day_of_week": st.lists(st.sampled_from(DAYS), min_size=1, max_size=4),
        "min_kwh": st.integers(1, 30),
        "max_kwh": st.integers(1, 30),
        "min_duration": st.integers(1, 8_000),
        "max_duration": st.integers(1, 8_000),
    },
)
elements = st.lists(
    st.tuples(st.sampled_from(["ENERGY", "TIME", "PARKING_TIME"]), st.integers(1, 9), restrictions).map(
        lambda t: element(component(t[0], t[1] / 10), **t[2])
    ),
    min_size=1,
    max_size=6,
)
stretches = st.lists(
    st.tuples(st.integers(1, 5_000), st.integers(0, 20 * KWH), st.sampled_from([State.CHARGING, State.PARKED, State.WITHHELD])),
    min_size=1,
    max_size=4,
)


def by_the_second(plan: Plan, usage: Usage) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    """Seconds and energy per component, looking at every single second."""
    energy: dict[int, int] = {}
    time: dict[int, int] = {}
    parking: dict[int, int] = {}
    drawn = 0
    for segment in usage.segments:
        before = drawn
        span = segment.end_utc_ms - segment.start_utc_ms
        for at in range(segment.start_utc_ms, segment.end_utc_ms, 1_000):
            active = plan.select(plan.session, plan.instant(at, drawn, at - usage.start_utc_ms, None, None))
            reached = before + segment.mwh * (at + 1_000 - segment.start_utc_ms) // span
            if active.energy >= 0:
                energy[active.energy] = energy.get(active.energy, 0) + reached - drawn
            if segment.state is State.CHARGING and active.time >= 0:
                time[active.time] = time.get(active.time, 0) + 1_000
            if segment.state is State.PARKED and active.parking >= 0:
                parking[active.parking] = parking.get(active.parking, 0) + 1_000
            drawn = reached
    return energy, time, parking


@settings(max_examples=200, deadline=None)
@given(elements, stretches, st.sampled_from(NIGHTS), st.integers(0, 14_400))
def test_cutting_agrees_with_looking_at_every_second(
    parts: list[dict[str, object]], spans: list[tuple[int, int, State]], where: tuple[str, str], offset: int
) -> None:
    zone, night = where
    tariff = tariff_of_elements(*parts)
    at = start = ms(night) + offset * 1_000
    segments = []
    for seconds, mwh, state in spans:
        segments.append(Segment(at, at + seconds * 1_000, mwh, state))
        at += seconds * 1_000
    usage = Usage(start, at, tuple(segments))
    plan = Plan(tariff, zone)
    tally = Tally.of(plan, usage)
    tiers = len(plan.tiers) + 1
    most = max(s.mwh * 1_000 // (s.end_utc_ms - s.start_utc_ms) for s in segments) + 2  # energy of one second, which a tier may cut
    for cut, seen, slack in zip(
        (tally.energy, tally.time, tally.parking), by_the_second(plan, usage), (most * tiers, 1_000 * tiers, 1_000 * tiers), strict=True
    ):
        for slot in cut.keys() | seen.keys():
            assert abs(cut.get(slot, 0) - seen.get(slot, 0)) <= slack
    assert sum(tally.energy.values()) <= sum(s.mwh for s in segments)


@settings(max_examples=400)
@given(st.sampled_from(NIGHTS), st.integers(0, 6 * 3_600), st.lists(st.integers(0, 300), min_size=1, max_size=4))
def test_no_clock_reading_changes_between_two_boundaries(where: tuple[str, str], offset: int, minutes: list[int]) -> None:
    zone, night = where
    place, marks = ZoneInfo(zone), tuple(sorted({0, *minutes}))
    start = ms(night) + offset * 1_000
    end = next_boundary(start, place, marks)
    assert start < end <= start + 26 * HOUR

    def side(at: int) -> tuple[int, int]:
        clock = wall_clock(at, place)
        return clock.day.toordinal(), sum(clock.minute >= mark for mark in marks)

    assert {side(at) for at in range(start, end, 240_000)} == {side(end - 1_000)}


def test_a_reservation_that_expires_owes_both_fees_and_the_dearer_time() -> None:
    """mod_tariffs#ReservationRestrictionType: of two TIME components the one for the expiry counts; of fees nothing such is said."""
    booked = tariff_of_elements(
        element(component("FLAT", 2), component("TIME", 3), reservation="RESERVATION"),
        element(component("FLAT", 4), component("TIME", 6), reservation="RESERVATION_EXPIRES"),
        element(component("FLAT", 0.5)),
    )
    start = ms("2024-06-03T08:00:00Z")
    waited = (Segment(start, start + HOUR, 0, State.RESERVED),)
    assert cost(booked, Usage(start, start + HOUR, waited, reservation_expired=True)) == 4 + 2 + 6
    came = (*waited, Segment(start + HOUR, start + 2 * HOUR, KWH, State.CHARGING))
    assert cost(booked, Usage(start, start + 2 * HOUR, came)) == 2 + 3 + Decimal("0.5")
