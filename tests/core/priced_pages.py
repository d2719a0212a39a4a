"""The price page of tariffs with many prices, as core makes it: for the eyes, and for the rules of the screen."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from test_core_pages import CHOICES, PLACE, Shown
from test_visit_step import Screen
from world import PER_KWH, A, B

from kiosk.core.pages.view import Offer
from kiosk.pricing.load import load
from kiosk.pricing.model import Tariff
from kiosk.values import Money

HOLD = Money(5_000, "EUR")


def _at_price(price: float, start: str = "", end: str = "", **restrictions: Any) -> dict[str, Any]:
    """An element with a price of energy and when it applies."""
    element: dict[str, Any] = {"price_components": [{"type": "ENERGY", "price": price, "vat": 19, "step_size": 1}]}
    limits = {**({"start_time": start, "end_time": end} if start else {}), **restrictions}
    return {**element, "restrictions": limits} if limits else element


def _tariff(*elements: dict[str, Any], fees: dict[str, float] | None = None, **sale: Any) -> Tariff:
    given = json.loads(PER_KWH)
    charged = [{"type": kind, "price": price, "vat": 19, "step_size": 1} for kind, price in (fees or {}).items()]
    given |= {"elements": [*elements, *([{"price_components": charged}] if charged else [])], "x_pilepay": sale}
    return load(json.dumps(given).encode())


DAY, PEAK, NIGHT = _at_price(0.49, "06:00", "17:00"), _at_price(0.69, "17:00", "22:00"), _at_price(0.29, "22:00", "06:00")
FEES = {"TIME": 3.0, "PARKING_TIME": 6.0, "FLAT": 1.0}
TWO = _tariff(_at_price(0.29, "22:00", "06:00"), _at_price(0.49), fees={"PARKING_TIME": 6.0}, idle_grace_seconds=600, idle_cap=12.0)
THREE = _tariff(NIGHT, DAY, PEAK)
ALL_FEES = _tariff(NIGHT, DAY, PEAK, fees=FEES, idle_grace_seconds=600, idle_cap=12.0)
WORKDAYS = _tariff(
    _at_price(0.59, "07:00", "19:00", day_of_week=["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]), _at_price(0.39), fees=FEES
)
SPOT = _tariff(*(_at_price(round(0.2 + 0.013 * ((h * 7) % 24), 3), f"{h:02}:00", f"{(h + 1) % 24:02}:00") for h in range(24)), fees=FEES)
STAIRS = _tariff(_at_price(0.49, max_kwh=20), _at_price(0.39), fees={"TIME": 3.0})


def shown(tariff: Tariff, when: datetime | None = None, **offer: Any) -> Shown:
    """The price page of plug A under `tariff`, at a time if that matters."""
    s = Screen()
    if when is not None:
        s.w.now = replace(s.w.now, utc_ms=int(when.timestamp()) * 1_000)
    s.touch("choose", A)
    made = replace(Offer(tariff, HOLD), **offer)
    return Shown(s, place=replace(PLACE, offers={**PLACE.offers, A: made}))


def _page(tariff: Tariff, **offer: Any) -> tuple[str, Callable[[], Shown]]:
    return "price", lambda: shown(tariff, datetime(2026, 11, 22, 13, 29, tzinfo=UTC), **offer)


def _idle(*tariffs: Tariff) -> tuple[str, Callable[[], Shown]]:
    """The first page where plug A and plug B are sold under these tariffs."""

    def make() -> Shown:
        s = Screen()
        s.w.now = replace(s.w.now, utc_ms=int(datetime(2026, 11, 22, 13, 29, tzinfo=UTC).timestamp()) * 1_000)
        return Shown(s, place=replace(PLACE, offers={c: Offer(t, HOLD) for c, t in zip((A, B), tariffs, strict=True)}))

    return "idle", make


PAGES: dict[str, tuple[str, Callable[[], Shown]]] = {
    "two prices": _page(TWO),
    "three prices": _page(THREE),
    "three prices, all fees": _page(ALL_FEES),
    "three prices, all fees, choices": _page(ALL_FEES, choices=CHOICES, hold=CHOICES[1]),
    "three prices, all fees, steps": _page(ALL_FEES, step=CHOICES[0], most=CHOICES[2]),
    "workdays": _page(WORKDAYS),
    "spot": _page(SPOT),
    "stairs": _page(STAIRS),
}
FIRST: dict[str, tuple[str, Callable[[], Shown]]] = {
    "first page, one price": _idle(THREE, THREE),
    "first page, one price now": _idle(TWO, THREE),
    "first page, two prices": _idle(TWO, SPOT),
}
