"""OCPP 2.1 `TariffType` out: our tariff for a pile that computes or shows prices itself.

What OCPP cannot say is told. Where leaving it out can only make the pile's price lower (steps, the tenth decimal) it is a note; where it
would make it higher or other (a cap, several VAT rates in one dimension) the tariff is refused.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import NamedTuple

from kiosk.pricing.model import DAYS, Dimension, PriceComponent, PriceLimit, PricingError, Reservation, Restrictions, Tariff, TaxIncluded
from kiosk.pricing.notes import Note
from kiosk.pricing.ocpp21 import MOST_DECIMALS, SECTIONS, Section
from kiosk.pricing.rate import exact_decimal, taxed
from kiosk.pricing.scalars import plain
from kiosk.pricing.wire import Wire, given, moment_text

_MOST_TEXTS = 10
_FINEST = Decimal(1).scaleb(-MOST_DECIMALS)
_ONLY_NAMED = (
    ("type", "type"),
    ("energy_mix", "energy_mix"),
    ("end_date_time", "end_utc_ms"),
    ("preauthorize_amount", "preauthorize_amount"),
)


class _Row(NamedTuple):
    path: str
    component: PriceComponent
    restrictions: Restrictions


def ocpp_of_tariff(tariff: Tariff, tax_name: str = "VAT") -> tuple[dict[str, Wire], tuple[Note, ...]]:
    """`tariff` as a `TariffType` for `json_text`, its tax called `tax_name`, and what is only nearly the same there.

    Raises `PricingError` with one line for each thing that cannot be left out.
    """
    writing = _Writing(tariff, tax_name)
    sections = {section.name: writing.section(section) for section in SECTIONS}
    body = given(
        {
            "tariffId": tariff.id,
            "description": writing.description(),
            "currency": tariff.currency,
            "energy": sections["energy"],
            "validFrom": None if tariff.start_utc_ms is None else moment_text(tariff.start_utc_ms),
            "chargingTime": sections["chargingTime"],
            "idleTime": sections["idleTime"],
            "fixedFee": sections["fixedFee"],
            "reservationTime": sections["reservationTime"],
            "reservationFixed": sections["reservationFixed"],
            "minCost": _limit(tariff.min_price),
            "maxCost": _limit(tariff.max_price),
        }
    )
    writing.rest()
    if writing.faults:
        raise PricingError("\n".join(writing.faults))
    return body, tuple(writing.notes)


class _Writing:
    def __init__(self, tariff: Tariff, tax_name: str) -> None:
        self.tariff = tariff
        self.tax_name = tax_name
        self.faults: list[str] = []
        self.notes: list[Note] = []
        self.rows = [
            _Row(f"elements[{i}].price_components[{j}]", component, element.restrictions or Restrictions())
            for i, element in enumerate(tariff.elements)
            for j, component in enumerate(element.components)
        ]

    def section(self, section: Section) -> dict[str, Wire] | None:
        rows = [r for r in self.rows if (r.component.type, r.restrictions.reservation) == (section.dimension, section.reservation)]
        if not rows:
            return None
        vat = self.vat(rows, section)
        tax: list[Wire] | None = None if vat is None else [{"type": self.tax_name, "tax": vat}]
        return given({"prices": [self.price(row, section) for row in rows], "taxRates": tax})

    def vat(self, rows: list[_Row], section: Section) -> Decimal | None:
        """The one rate of a dimension; what costs nothing may have any."""
        if self.tariff.tax_included is TaxIncluded.NA:
            return None
        rates = {r.component.vat for r in rows if r.component.price} or {rows[0].component.vat}
        if len(rates) > 1:
            shown = " and ".join("none" if r is None else f"{plain(r)} %" for r in sorted(rates, key=lambda r: -1 if r is None else r))
            self.faults.append(f"{rows[0].path}.vat: OCPP has one tax for all prices of {section.name}, here are {shown}: make it one")
        return next(iter(rates))

    def price(self, row: _Row, section: Section) -> dict[str, Wire]:
        component = row.component
        exact, _ = taxed(Fraction(component.price) / section.hourly, component.vat, self.tariff.tax_included)
        price = exact_decimal(exact).quantize(_FINEST, ROUND_FLOOR)
        if Fraction(price) != exact:
            self.note("price-shortened", f"{row.path}.price", f"does not end within {MOST_DECIMALS} decimals: {price} is written")
        if component.step_size > 1 and component.price and component.type is not Dimension.FLAT:
            unit = "Wh" if component.type is Dimension.ENERGY else "s"
            self.note(
                "step-size-lost", f"{row.path}.step_size", f"OCPP has no steps: nothing is rounded up to {component.step_size} {unit}"
            )
        conditions = self.conditions(row, section)
        return given({section.price: price.normalize() + 0, "conditions": conditions or None})

    def conditions(self, row: _Row, section: Section) -> dict[str, Wire]:
        r = row.restrictions
        measured: dict[str, Wire | None] = {
            "minEnergy": _thousandths(r.min_mwh),
            "maxEnergy": _thousandths(r.max_mwh),
            "minCurrent": _thousandths(r.min_current_ma),
            "maxCurrent": _thousandths(r.max_current_ma),
            "minPower": r.min_power_w,
            "maxPower": r.max_power_w,
            "minTime": r.min_duration,
            "maxTime": r.max_duration,
        }
        asked = [key for key, value in measured.items() if value is not None]
        if asked and (section.dimension is Dimension.FLAT or section.reservation):
            what = "a fee" if section.dimension is Dimension.FLAT else "reserved time"
            self.faults.append(f"{row.path}: {what} cannot depend on {', '.join(asked)} in OCPP: take it from an element without")
        grace = self.tariff.sale.idle_grace_seconds if section.dimension is Dimension.PARKING_TIME else 0
        clock: dict[str, Wire | None] = {
            "startTimeOfDay": _time(r.start_time),
            "endTimeOfDay": _time(r.end_time),
            "dayOfWeek": [DAYS[d].capitalize() for d in r.day_of_week] or None,
            "validFromDate": r.start_date.isoformat() if r.start_date else None,
            "validToDate": r.end_date.isoformat() if r.end_date else None,
        }
        body = given({**clock, **measured, "minIdleTime": grace or None})
        if body and section.dimension is Dimension.FLAT:
            self.note(
                "fee-at-start",
                row.path,
                "OCPP judges a fee at the start, OCPI owes it when it first applies: it is lost if it begins later",
            )
        if grace and row.component.price:
            self.note("idle-grace", row.path, f"the first {grace} s are minIdleTime, which a pile may count anew for each stretch")
        return body

    def description(self) -> list[Wire] | None:
        t = self.tariff
        texts: list[Wire] = [{"format": "UTF8", "language": a.language, "content": a.text} for a in t.alt_text]
        if t.alt_url:
            texts = [{"format": "URI", "content": t.alt_url}, *texts]
        if len(texts) > _MOST_TEXTS:
            self.note("texts-left-out", "tariff_alt_text", f"OCPP takes {_MOST_TEXTS} texts: {len(texts) - _MOST_TEXTS} are left out")
        return texts[:_MOST_TEXTS] or None

    def rest(self) -> None:
        """What has no place at all."""
        t = self.tariff
        for row in self.rows:
            kind = row.restrictions.reservation
            if kind is Reservation.RESERVATION_EXPIRES:
                self.faults.append(f"{row.path}: OCPP has no price for a reservation that expires: take this element out")
            elif kind is not None and row.component.type not in {Dimension.TIME, Dimension.FLAT}:
                self.faults.append(f"{row.path}: a reservation can only have TIME and FLAT: move this to another element")
        if t.sale.idle_cap is not None and any(r.component.type is Dimension.PARKING_TIME and r.component.price for r in self.rows):
            self.faults.append("x_pilepay.idle_cap: OCPP has no cap on idle time, the pile would ask for more: let the kiosk price it")
        for name, field in _ONLY_NAMED:
            if getattr(t, field) is not None:
                self.note("left-out", name, "OCPP has no place for it")

    def note(self, code: str, path: str, message: str) -> None:
        self.notes.append(Note(code, path, message))


def _limit(limit: PriceLimit | None) -> dict[str, Wire] | None:
    return None if limit is None else given({"exclTax": limit.before_taxes, "inclTax": limit.after_taxes})


def _thousandths(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value) / 1_000


def _time(value: int | None) -> str | None:
    return None if value is None else f"{value // 60:02}:{value % 60:02}"
