"""OCPP 2.1 `TariffType` in: what a CSMS or a pile calls a tariff, read into the model we price with.

OCPP lists prices per dimension, before tax, per minute and in Wh and W; each price has its own conditions, and the first that holds counts.
Each price becomes an element of its own, in the same order, so the same one is chosen at every instant. What OCPI has no word for, such as
a surcharge by payment kind or a condition on charging time alone, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple, TypeVar, cast

from kiosk.pricing.canonical import canonical
from kiosk.pricing.load import load
from kiosk.pricing.model import (
    DAYS,
    Dimension,
    DisplayText,
    Element,
    PriceComponent,
    PriceLimit,
    PricingError,
    Reservation,
    Restrictions,
    SaleTerms,
    Tariff,
    TaxIncluded,
)
from kiosk.pricing.notes import NOBODY, Note, Owner
from kiosk.pricing.scalars import calendar_date, currency, decimal_number, minutes, moment, not_one_of, plain, shown, whole_number

_T = TypeVar("_T")

MOST_DECIMALS = 9


class Section(NamedTuple):
    """A dimension's place in `TariffType`."""

    name: str
    dimension: Dimension
    price: str
    hourly: int  # prices of an hour in one price of the wire
    reservation: Reservation | None


SECTIONS = (
    Section("fixedFee", Dimension.FLAT, "priceFixed", 1, None),
    Section("energy", Dimension.ENERGY, "priceKwh", 1, None),
    Section("chargingTime", Dimension.TIME, "priceMinute", 60, None),
    Section("idleTime", Dimension.PARKING_TIME, "priceMinute", 60, None),
    Section("reservationTime", Dimension.TIME, "priceMinute", 60, Reservation.RESERVATION),
    Section("reservationFixed", Dimension.FLAT, "priceFixed", 1, Reservation.RESERVATION),
)
_CONDITIONS = (
    "startTimeOfDay", "endTimeOfDay", "dayOfWeek", "validFromDate", "validToDate", "evseKind", "minEnergy", "maxEnergy", "minCurrent",
    "maxCurrent", "minPower", "maxPower", "minTime", "maxTime", "minChargingTime", "maxChargingTime", "minIdleTime", "maxIdleTime",
)  # fmt: skip
_FIXED_CONDITIONS = (
    "startTimeOfDay", "endTimeOfDay", "dayOfWeek", "validFromDate", "validToDate", "evseKind", "paymentBrand", "paymentRecognition",
)  # fmt: skip
_UNSAYABLE = {
    "minChargingTime": "counts charging alone, OCPI's duration counts the whole session",
    "maxChargingTime": "counts charging alone, OCPI's duration counts the whole session",
    "paymentBrand": "makes the price depend on the card, which is not sold here",
    "paymentRecognition": "makes the price depend on the card, which is not sold here",
}


class _Priced(NamedTuple):
    """One price of the wire, read."""

    path: str
    component: PriceComponent
    restrictions: Restrictions
    min_idle: int | None
    max_idle: int | None


def tariff_of_ocpp(body: object, owner: Owner = NOBODY, evse_kind: str = "") -> tuple[Tariff, tuple[Note, ...]]:
    """A `TariffType` in parsed JSON (numbers int or Decimal), of `owner`, for an EVSE of `evse_kind` (`AC`, `DC`).

    Raises `PricingError` with one line for each fault found.
    """
    reading = _Reading(evse_kind)
    found = reading.tariff(body, owner)
    if found is None or reading.faults:
        raise PricingError("\n".join(reading.faults))
    tariff, paths = found
    try:
        return load(canonical(tariff).encode()), tuple(reading.notes)
    except PricingError as error:
        raise PricingError("\n".join(_in_words_of_ocpp(line, paths) for line in str(error).splitlines())) from None


class _Reading:
    """One pass over a tariff, collecting every fault and every decision."""

    def __init__(self, evse_kind: str) -> None:
        self.evse_kind = evse_kind
        self.faults: list[str] = []
        self.notes: list[Note] = []

    def tariff(self, body: object, owner: Owner) -> tuple[Tariff, list[str]] | None:
        known = ("tariffId", "currency", "description", "validFrom", "minCost", "maxCost", *(s.name for s in SECTIONS))
        fields = self.fields(body, "tariff", known, "")
        if fields is None:
            return None
        name = self.needed(fields, "tariffId", "", _text)
        code = self.needed(fields, "currency", "", currency)
        valid_from = self.taken(fields, "validFrom", "", moment)
        texts, url = self.description(fields.get("description"))
        prices = [price for section in SECTIONS for price in self.section(fields.get(section.name), section)]
        least, most = (self.limit(fields.get(key), key) for key in ("minCost", "maxCost"))
        prices, grace = self.grace(prices)
        if name is None or code is None:
            return None
        if owner == NOBODY:
            self.note("owner-not-said", "tariffId", "OCPP does not name the operator: ZZ and ZZZ are written")
        if valid_from is None:
            self.note("last-updated-not-said", "validFrom", "is not given: last_updated is 1970-01-01")
        if not prices:  # no price at all: free of charge, which OCPI says with a fee of 0 (mod_tariffs#Free of charge)
            prices = [_Priced("tariffId", PriceComponent(Dimension.FLAT, Decimal(0), None, 0), Restrictions(), None, None)]
        tariff = Tariff(
            country_code=owner.country_code,
            party_id=owner.party_id,
            id=name,
            currency=code,
            elements=tuple(Element((p.component,), p.restrictions if p.restrictions != Restrictions() else None) for p in prices),
            tax_included=TaxIncluded.NO,
            last_updated_utc_ms=valid_from or 0,
            alt_text=texts,
            alt_url=url,
            min_price=least,
            max_price=most,
            start_utc_ms=valid_from,
            sale=SaleTerms(grace),
        )
        return tariff, [p.path for p in prices]

    # --- prices ---

    def section(self, value: object, section: Section) -> Iterator[_Priced]:
        if value is None:
            return
        fields = self.fields(value, section.name, ("prices", "taxRates"))
        if fields is None:
            return
        vat = self.taxes(fields.get("taxRates"), f"{section.name}.taxRates")
        prices = fields.get("prices")
        if not isinstance(prices, list) or not prices:
            self.fault(f"{section.name}.prices", "is missing or empty: write at least one price, 0 where it is free")
            return
        for i, item in enumerate(prices):
            priced = self.priced(item, section, f"{section.name}.prices[{i}]", vat)
            if priced is not None:
                yield priced

    def priced(self, item: object, section: Section, path: str, vat: Decimal | None) -> _Priced | None:
        fields = self.fields(item, path, (section.price, "conditions"))
        if fields is None:
            return None
        price = self.needed(fields, section.price, path, decimal_number)
        flat = section.dimension is Dimension.FLAT
        conditions = self.fields(fields.get("conditions", {}), f"{path}.conditions", _FIXED_CONDITIONS if flat else _CONDITIONS)
        if price is None or conditions is None:
            return None
        at = f"{path}.conditions"
        kind = conditions.get("evseKind")
        if kind is not None and not self.evse_kind:
            self.fault(f"{at}.evseKind", "OCPI cannot ask for AC or DC: read the tariff for one kind of EVSE")
        elif kind is not None and kind != self.evse_kind:
            self.note("other-evse-kind", at, f"is for {shown(kind)} only: left out")
            return None
        for key, why in _UNSAYABLE.items():
            if key in conditions:
                self.fault(f"{at}.{key}", f"{why}: take this price out")
        if flat and conditions.keys() - {"evseKind"}:
            self.note(
                "fee-at-start", at, "OCPI owes a fee when it first applies, OCPP judges it at the start: the same unless it begins later"
            )
        component = PriceComponent(section.dimension, price * section.hourly, vat, 1)
        rules = replace(self.restrictions(conditions, at), reservation=section.reservation)
        idle = (self.taken(conditions, "minIdleTime", at, whole_number), self.taken(conditions, "maxIdleTime", at, whole_number))
        if section.dimension is not Dimension.PARKING_TIME and idle != (None, None):
            self.fault(at, "minIdleTime and maxIdleTime can only be kept on idleTime: take them out here")
        return _Priced(path, component, rules, *idle)

    def restrictions(self, c: Mapping[str, object], at: str) -> Restrictions:
        return Restrictions(
            start_time=self.taken(c, "startTimeOfDay", at, minutes),
            end_time=self.taken(c, "endTimeOfDay", at, minutes),
            start_date=self.taken(c, "validFromDate", at, calendar_date),
            end_date=self.taken(c, "validToDate", at, calendar_date),
            min_mwh=self.taken(c, "minEnergy", at, _thousandths("Wh")),
            max_mwh=self.taken(c, "maxEnergy", at, _thousandths("Wh")),
            min_current_ma=self.taken(c, "minCurrent", at, _thousandths("A")),
            max_current_ma=self.taken(c, "maxCurrent", at, _thousandths("A")),
            min_power_w=self.taken(c, "minPower", at, _whole("W")),
            max_power_w=self.taken(c, "maxPower", at, _whole("W")),
            min_duration=self.taken(c, "minTime", at, whole_number),
            max_duration=self.taken(c, "maxTime", at, whole_number),
            day_of_week=self.taken(c, "dayOfWeek", at, _weekdays) or (),
        )

    def grace(self, prices: list[_Priced]) -> tuple[list[_Priced], int]:
        """The free first seconds of standing still: all idle prices start at one `minIdleTime`, or a free one ends at `maxIdleTime`."""
        idle = [p for p in prices if p.component.type is Dimension.PARKING_TIME]
        first = next(iter(idle), None)
        free = first if first is not None and first.max_idle and not first.component.price and not first.min_idle else None
        if free is not None and free.restrictions != Restrictions():
            free = None
        rest = [p for p in idle if p is not free]
        starts = {p.min_idle or 0 for p in rest if p.component.price} | ({free.max_idle or 0} if free else set())
        if free is not None and all(not p.min_idle for p in rest):
            starts = {free.max_idle or 0}
        if any(p.max_idle is not None for p in rest) or len(starts) > 1:
            self.fault("idleTime.prices", "OCPI cannot follow idle time: only one free time at its start can be kept")
            return prices, 0
        grace = starts.pop() if starts else 0
        if grace:
            self.note(
                "idle-grace", "idleTime.prices", f"the first {grace} s are x_pilepay.idle_grace_seconds, all stretches counted together"
            )
        return [p for p in prices if p is not free], grace

    # --- taxes and limits ---

    def taxes(self, value: object, path: str) -> Decimal | None:
        """One percentage for all taxes; those of a higher `stack` are on top of the lower ones."""
        if value is None:
            return None
        if not isinstance(value, list) or not value:
            self.fault(path, "is not a list of taxes: leave it out where there is none")
            return None
        layers: dict[int, Decimal] = {}
        for i, item in enumerate(value):
            fields = self.fields(item, f"{path}[{i}]", ("type", "tax", "stack"))
            tax = None if fields is None else self.needed(fields, "tax", f"{path}[{i}]", decimal_number)
            if fields is None or tax is None:
                return None
            stack = self.taken(fields, "stack", f"{path}[{i}]", whole_number) or 0
            layers[stack] = layers.get(stack, Decimal(0)) + tax
        factor = Decimal(1)
        for percentage in layers.values():
            factor *= 1 + percentage / 100
        combined = (factor - 1) * 100
        if len(value) > 1:
            self.note("taxes-combined", path, f"one percentage has no names: read as {plain(combined)} % together")
        return combined

    def limit(self, value: object, path: str) -> PriceLimit | None:
        if value is None:
            return None
        fields = self.fields(value, path, ("exclTax", "inclTax", "taxRates"))
        if fields is None:
            return None
        before, after = (self.taken(fields, key, path, decimal_number) for key in ("exclTax", "inclTax"))
        if before is None and after is not None:
            vat = self.taxes(fields.get("taxRates"), f"{path}.taxRates")
            if vat is None:
                self.fault(path, "has inclTax alone: write exclTax too, or taxRates")
                return None
            before = (after / (1 + vat / 100)).quantize(Decimal(1).scaleb(-MOST_DECIMALS)).normalize()
            self.note("limit-before-tax", path, f"has inclTax alone: {plain(before)} is taken as exclTax")
        if before is None:
            self.fault(path, "has neither exclTax nor inclTax: write exclTax")
            return None
        return PriceLimit(before, after)

    def description(self, value: object) -> tuple[tuple[DisplayText, ...], str]:
        if value is None:
            return (), ""
        if not isinstance(value, list):
            self.fault("description", "is not a list")
            return (), ""
        texts, url = [], ""
        for i, item in enumerate(value):
            path = f"description[{i}]"
            fields = self.fields(item, path, ("format", "language", "content"))
            content = None if fields is None else self.needed(fields, "content", path, _text)
            if fields is None or content is None:
                continue
            match fields.get("format"):
                case "UTF8" | "ASCII":
                    language = fields.get("language")
                    if not isinstance(language, str):
                        self.note("language-not-said", path, "has no language: taken as en")
                    texts.append(DisplayText(language[:2].lower() if isinstance(language, str) else "en", content))
                case "URI":
                    url = content
                case other:
                    self.note("text-left-out", path, f"is {shown(other)}, OCPI has plain text and one address only: left out")
        return tuple(texts), url

    # --- fields ---

    def fields(self, value: object, path: str, known: tuple[str, ...], prefix: str | None = None) -> Mapping[str, object] | None:
        if not isinstance(value, dict):
            self.fault(path, "is not an object")
            return None
        prefix = path if prefix is None else prefix
        for key in value:
            place = f"{prefix}.{key}".removeprefix(".")
            if key == "customData":
                self.note("custom-data", place, "is another vendor's own: not read")
            elif key not in known:
                self.fault(place, f"unknown key: known are {', '.join(known)}")
        return cast("Mapping[str, object]", value)

    def taken(self, fields: Mapping[str, object], key: str, path: str, read: Callable[[object], _T]) -> _T | None:
        if fields.get(key) is None:
            return None
        try:
            return read(fields[key])
        except ValueError as error:
            self.fault(f"{path}.{key}".removeprefix("."), str(error))
            return None

    def needed(self, fields: Mapping[str, object], key: str, path: str, read: Callable[[object], _T]) -> _T | None:
        if fields.get(key) is None:
            self.fault(f"{path}.{key}".removeprefix("."), "is missing")
        return self.taken(fields, key, path, read)

    def fault(self, path: str, message: str) -> None:
        self.faults.append(f"{path}: {message}")

    def note(self, code: str, path: str, message: str) -> None:
        self.notes.append(Note(code, path, message))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{shown(value)} is not text")
    return value


def _thousandths(unit: str) -> Callable[[object], int]:
    def read(value: object) -> int:
        scaled = decimal_number(value) * 1_000
        if scaled != int(scaled):
            raise ValueError(f"{shown(value)} {unit} is finer than can be measured: use at most 3 decimals")
        return int(scaled)

    return read


def _whole(unit: str) -> Callable[[object], int]:
    def read(value: object) -> int:
        number = decimal_number(value)
        if number != int(number):
            raise ValueError(f"{number} {unit} is finer than can be measured: use whole {unit}")
        return int(number)

    return read


def _weekdays(value: object) -> tuple[int, ...]:
    names = tuple(day.capitalize() for day in DAYS)
    if not isinstance(value, list) or not value:
        raise ValueError("is not a list of days")
    for day in value:
        if day not in names:
            raise ValueError(not_one_of(day, names))
    return tuple(sorted({names.index(day) for day in value}))


def _in_words_of_ocpp(line: str, paths: list[str]) -> str:
    found = re.match(r"elements\[(\d+)\][^:]*", line)
    if found:
        return paths[int(found[1])] + line[found.end() :]
    return re.sub(r"^id:", "tariffId:", re.sub(r"^tariff_alt_(text|url)", "description", line))
