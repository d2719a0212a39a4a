"""The next price and the day graph: right over the nights the clocks change, silent where nothing changes, in every language."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from priced_pages import ALL_FEES, FIRST, SPOT, STAIRS, THREE, TWO, WORKDAYS, shown
from test_core_pages import PAGES

from kiosk.core.pages.day import day
from kiosk.core.pages.prices import quote
from kiosk.core.pages.view import Offer
from kiosk.pricing.load import load
from kiosk.protocol import Day, decode, encode
from kiosk.values import Moment, Money
from kiosk.wording.languages import LANGUAGES
from kiosk.wording.wording import NBSP, Wording

ZONE = "Europe/Berlin"
BERLIN = ZoneInfo(ZONE)
HOLD = Money(5_000, "EUR")


def at(*local: int, fold: int = 0) -> Moment:
    """A moment by the clock in Berlin."""
    when = datetime(*local, tzinfo=BERLIN, fold=fold)  # type: ignore[arg-type, misc]  # year to minute
    return Moment(int(when.timestamp()) * 1_000, "", 0)


def ahead(moment: Moment, language: str = "en") -> Day:
    made = day(Offer(THREE, HOLD), moment, ZONE, Wording(language))
    assert made is not None
    return made


def told(made: Day) -> list[tuple[str, str]]:
    return [(step.time, step.price.replace(NBSP, " ")) for step in made.steps]


def test_on_a_plain_day_the_stretches_are_as_long_as_their_hours() -> None:
    made = ahead(at(2026, 11, 22, 12, 0))
    assert made.next == f"From 17:00: 0.69{NBSP}€/kWh"
    assert told(made) == [("now", "0.49 €"), ("17:00", "0.69 €"), ("22:00", "0.29 €"), ("06:00", "0.49 €")]
    assert [(step.start, step.end) for step in made.steps] == [(0, 208), (208, 416), (416, 750), (750, 1_000)]
    assert [step.level for step in made.steps] == [710, 1_000, 420, 710]
    assert made.end == f"+24{NBSP}h"


def test_the_graph_never_has_the_same_time_at_both_ends() -> None:
    midnight = ahead(at(2026, 11, 24, 0, 0))
    assert (midnight.steps[0].time, midnight.end) == ("now", f"+24{NBSP}h")


@pytest.mark.parametrize(
    ("noon", "night_hours"),
    [((2026, 10, 24, 12, 0), 9), ((2026, 3, 28, 12, 0), 7)],
    ids=["the day of 25 hours", "the day of 23 hours"],
)
def test_a_night_in_which_the_clocks_change_is_longer_or_shorter(noon: tuple[int, ...], night_hours: int) -> None:
    made = ahead(at(*noon))
    night = made.steps[2]
    assert (night.time, made.steps[3].time) == ("22:00", "06:00")
    assert (night.end - night.start) * 24 == pytest.approx(night_hours * 1_000, abs=24)
    assert len(made.hours) == 23  # between 24 bars
    assert {b - a for a, b in pairwise(made.hours)} <= {41, 42}


def test_in_the_hour_that_comes_twice_the_graph_still_begins_now_and_the_night_goes_on() -> None:
    first, again = ahead(at(2026, 10, 25, 2, 30)), ahead(at(2026, 10, 25, 2, 30, fold=1))
    assert first.steps[0].end - again.steps[0].end == pytest.approx(1_000 / 24, abs=1)
    assert (first.next, first.steps[0].time) == (again.next, "now") == (f"From 06:00: 0.49{NBSP}€/kWh", "now")


def test_the_stretches_cover_the_day_without_a_gap_at_any_moment() -> None:
    for hour in range(0, 60):
        made = day(Offer(SPOT, HOLD), at(2026, 10, 24, 7, 13).plus(hour * 3_600), ZONE, Wording("en"))
        assert made is not None
        assert (made.steps[0].start, made.steps[-1].end) == (0, 1_000)
        assert all(a.end == b.start for a, b in pairwise(made.steps))
        assert max(step.level for step in made.steps) == 1_000
        assert all(0 < hour < 1_000 for hour in made.hours)


def test_the_last_second_before_a_change_and_the_first_after_it() -> None:
    before, after = ahead(at(2026, 11, 22, 17, 0).plus(-1)), ahead(at(2026, 11, 22, 17, 0))
    assert (before.next, before.steps[0].price) == (f"From 17:00: 0.69{NBSP}€/kWh", f"0.49{NBSP}€")
    assert (after.next, after.steps[0].price) == (f"From 22:00: 0.29{NBSP}€/kWh", f"0.69{NBSP}€")
    assert [made.steps[-1].end for made in (before, after)] == [1_000, 1_000]


def test_what_does_not_change_by_the_clock_within_the_day_has_no_graph() -> None:
    sunday = at(2026, 11, 21, 20, 0)  # a Saturday evening: the price of workdays begins in 35 hours
    assert day(Offer(STAIRS, HOLD), sunday, ZONE, Wording("en")) is None
    assert day(Offer(WORKDAYS, HOLD), sunday, ZONE, Wording("en")) is None
    assert PAGES["price"][1]().in_("en").day is None


def test_energy_that_costs_nothing_by_night_is_a_bar_without_height() -> None:
    free = load(
        b'{"country_code":"DE","party_id":"LND","id":"F","currency":"EUR","elements":[{"price_components":[{"type":"ENERGY","price":0.5,"vat":19,'
        b'"step_size":1}],"restrictions":{"start_time":"06:00","end_time":"22:00"}}],"tax_included":"YES","last_updated":"2026-01-01T00:00:00Z"}'
    )
    made = day(Offer(free, HOLD), at(2026, 11, 22, 12, 0), ZONE, Wording("en"))
    assert made is not None
    assert [(step.level, step.price) for step in made.steps] == [(1_000, f"0.50{NBSP}€"), (0, f"0.00{NBSP}€"), (1_000, f"0.50{NBSP}€")]


def test_the_first_page_says_what_the_shared_price_becomes_next() -> None:
    one, now, two = (FIRST[name][1]().in_("en").price for name in FIRST)
    assert one is not None and now is not None
    assert (one.value, one.label) == ("0.49", f"From 17:00: 0.69{NBSP}€/kWh")
    assert (now.value, now.label) == ("0.49", "Price now"), "they part at 17:00"
    assert two is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_graph_is_told_in_one_sentence(language: str) -> None:
    snapshot = shown(ALL_FEES, datetime(2026, 11, 22, 11, 0, tzinfo=UTC)).in_(language)
    assert snapshot.day is not None
    say = Wording(language)
    for word in ("17:00", "22:00", "06:00", "0.69", "0.29", "0.49"):
        assert (word if ":" in word else say.number(Decimal(word), 2)) in snapshot.day.spoken
    assert snapshot.day.spoken.endswith(".")
    assert snapshot.day.next in encode(snapshot).decode()
    assert decode(encode(snapshot)) == snapshot


def test_the_english_sentence_word_by_word() -> None:
    spoken = ahead(at(2026, 11, 22, 12, 0)).spoken.replace(NBSP, " ")
    assert spoken == (
        "Electricity, next 24 hours: 0.49 €/kWh until 17:00, then 0.69 €/kWh until 22:00, then 0.29 €/kWh until 06:00, then 0.49 €/kWh."
    )


def test_of_a_price_for_each_hour_the_sentence_says_now_next_lowest_and_highest() -> None:
    made = day(Offer(SPOT, HOLD), at(2026, 11, 22, 14, 29), ZONE, Wording("en"))
    assert made is not None
    assert made.spoken.replace(NBSP, " ") == (
        "Electricity, next 24 hours: now 0.226 €/kWh, from 15:00 0.317 €/kWh, lowest 0.20 €/kWh, highest 0.499 €/kWh."
    )


def test_many_prices_are_one_row_from_the_lowest_to_the_highest() -> None:
    rows = shown(SPOT, datetime(2026, 11, 22, 13, 29, tzinfo=UTC)).in_("en").prices
    assert [(row.name, row.amount, row.of) for row in rows[:2]] == [
        ("Electricity", "0.226", ""),
        ("Otherwise", "0.200–0.499", "Electricity"),
    ]


def test_a_price_says_on_which_days_and_after_how_much_it_applies() -> None:
    monday = shown(WORKDAYS, datetime(2026, 11, 23, 13, 29, tzinfo=UTC)).in_("en").prices
    assert (monday[0].amount, monday[0].note) == ("0.59", "07:00–19:00, Monday to Friday")
    assert (monday[1].name, monday[1].amount) == ("Otherwise", "0.39")
    assert shown(STAIRS).in_("en").prices[0].note == f"for the first 20{NBSP}kWh"


def test_what_is_agreed_to_names_the_component_of_every_price() -> None:
    texts = quote(Offer(TWO, HOLD), at(2026, 11, 22, 12, 0), ZONE, Wording("en")).texts
    assert "Electricity 22:00–06:00 0.29 €/kWh" in texts
