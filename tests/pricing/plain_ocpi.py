"""What a session costs by the letter of OCPI, tick by tick: a second reading of the text that shares nothing with the engine.

Every tick of a session is looked at on its own: what applies at its first instant applies to all of it. That is slow, and exact where
everything that can change does so between two ticks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")


@dataclass(frozen=True)
class Ticks:
    """`count` ticks that draw `mwh` each. `what` is TIME, PARKING_TIME, RESERVATION_TIME or empty; power is in W, current in mA."""

    what: str
    count: int
    mwh: int
    power: tuple[int, int] | None = None
    current: tuple[int, int] | None = None


@dataclass(frozen=True)
class Price:
    excl: Fraction
    incl: Fraction
    dimensions: Mapping[str, Fraction]  # what was billed of each: kWh, hours, pieces


def price(tariff: Mapping[str, Any], zone: str, start_s: int, tick_s: int, stretches: Sequence[Ticks], *, expired: bool = False) -> Price:
    """`tariff` is OCPI JSON with exact numbers; `start_s` UTC seconds; a tick lasts `tick_s` seconds."""
    local = ZoneInfo(zone)
    used: dict[tuple[str, int, int], int] = {}  # dimension, element, component -> ticks, mWh or pieces
    last: dict[str, tuple[str, int, int]] = {}
    at, drawn, began = start_s, 0, start_s
    reserved = True

    def charge(kind: str, key: tuple[int, int] | None, amount: int) -> None:
        if key is not None and amount:
            used[kind, *key] = used.get((kind, *key), 0) + amount
            last[kind] = (kind, *key)

    for stretch in stretches:
        booking = stretch.what == "RESERVATION_TIME"
        if reserved and not booking:
            reserved, began = False, at
        for _ in range(max(stretch.count, 1)):
            power = stretch.power or (stretch.mwh * 3_600 // (tick_s * 1_000),) * 2
            moment = _Moment(datetime.fromtimestamp(at, UTC).astimezone(local), drawn, at - began, power, stretch.current)

            def first(dimension: str, kinds: tuple[str | None, ...], moment: _Moment = moment) -> tuple[int, int] | None:
                for kind in kinds:
                    for e, element in enumerate(tariff["elements"]):
                        limits = element.get("restrictions") or {}
                        if limits.get("reservation") == kind and _met(limits, moment):
                            for c, component in enumerate(element["price_components"]):
                                if component["type"] == dimension:
                                    return e, c
                return None

            if booking:
                kinds = ("RESERVATION_EXPIRES", "RESERVATION") if expired else ("RESERVATION",)
                for kind in kinds:
                    if f"FLAT {kind}" not in last:
                        charge(f"FLAT {kind}", first("FLAT", (kind,)), 1)
                charge("RESERVATION_TIME", first("TIME", kinds), stretch.count and 1)
            else:
                if "FLAT" not in last:
                    charge("FLAT", first("FLAT", (None,)), 1)
                if stretch.count:
                    charge("ENERGY", first("ENERGY", (None,)), stretch.mwh)
                    if stretch.what:
                        charge(stretch.what, first(stretch.what, (None,)), 1)
            if stretch.count:
                at += tick_s
                drawn += stretch.mwh
    return _priced(tariff, tick_s, used, last)


@dataclass(frozen=True)
class _Moment:
    clock: datetime
    mwh: int
    seconds: int
    power: tuple[int, int]
    current: tuple[int, int] | None


def _met(limits: Mapping[str, Any], m: _Moment) -> bool:
    now = m.clock.strftime("%H:%M")
    begin, end = limits.get("start_time", "00:00"), limits.get("end_time", "24:00")
    end = "24:00" if end == "00:00" else end
    in_day = begin <= now < end if begin < end else now >= begin or now < end
    day = m.clock.strftime("%Y-%m-%d")
    days = limits.get("day_of_week")
    exact = {"kwh": Fraction(m.mwh, 10**6), "duration": Fraction(m.seconds)}
    for name, value in exact.items():
        if f"min_{name}" in limits and value < Fraction(limits[f"min_{name}"]):
            return False
        if f"max_{name}" in limits and value >= Fraction(limits[f"max_{name}"]):
            return False
    for name, span in (("power", m.power), ("current", m.current)):
        asked = f"min_{name}" in limits or f"max_{name}" in limits
        if asked and span is None:
            return False
        if span is not None and f"min_{name}" in limits and Fraction(span[0], 1_000) < Fraction(limits[f"min_{name}"]):
            return False
        if span is not None and f"max_{name}" in limits and Fraction(span[1], 1_000) >= Fraction(limits[f"max_{name}"]):
            return False
    if not limits.get("start_date", "") <= day < limits.get("end_date", "9999-99-99"):
        return False
    return in_day and (not days or _DAYS[m.clock.weekday()] in days)


def _priced(
    tariff: Mapping[str, Any], tick_s: int, used: Mapping[tuple[str, int, int], int], last: Mapping[str, tuple[str, int, int]]
) -> Price:
    parked = any(kind == "PARKING_TIME" for kind, _, _ in used)
    rounded = {"ENERGY", "RESERVATION_TIME", "PARKING_TIME"} | (set() if parked else {"TIME"})
    billed: dict[tuple[str, int, int], Fraction] = {}
    for key, amount in used.items():
        kind = key[0]
        billed[key] = (
            Fraction(amount, 1_000) if kind == "ENERGY" else Fraction(amount if kind.startswith("FLAT") else amount * tick_s)
        )  # Wh, s
    for kind, key in last.items():
        if kind in rounded:
            step = tariff["elements"][key[1]]["price_components"][key[2]]["step_size"]
            total = sum(amount for (k, _, _), amount in billed.items() if k == kind)
            billed[key] += -(-total // step) * step - total
    excl = incl = Fraction(0)
    dimensions: dict[str, Fraction] = {}
    for (kind, e, c), amount in billed.items():
        component = tariff["elements"][e]["price_components"][c]
        quantity = amount / {"ENERGY": 1_000}.get(kind, 1 if kind.startswith("FLAT") else 3_600)
        stated = quantity * Fraction(component["price"])
        factor = 1 + Fraction(component.get("vat") or 0) / 100
        if tariff["tax_included"] == "N/A":
            factor = Fraction(1)
        net = stated / factor if tariff["tax_included"] == "YES" else stated
        excl, incl = excl + net, incl + net * factor
        name = kind.split(" ", maxsplit=1)[0]
        dimensions[name] = dimensions.get(name, Fraction(0)) + quantity
    for name, pick in (("min_price", max), ("max_price", min)):
        if name in tariff:
            excl, incl = pick(excl, Fraction(tariff[name]["before_taxes"])), pick(incl, Fraction(tariff[name]["after_taxes"]))
    return Price(excl, incl, dimensions)
