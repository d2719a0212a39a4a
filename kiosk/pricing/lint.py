"""Judge a tariff before a driver meets it: against OCPI's own sense, and against the law of the country that a profile stands for.

An error means the tariff may not, or cannot, be sold as it is; a warning is something a driver would be angry about. Sources are named with
each rule: AFIR is Regulation (EU) 2023/1804 Art. 5, PAngV the German price ordinance §14, UK the Public Charge Point Regulations 2023
reg. 11, NEVI 23 CFR 680.116, HB 44 the NIST Handbook 44 §3.40.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from kiosk.pricing.model import Dimension, PriceComponent, Restrictions, Tariff, TariffType, TaxIncluded

AFIR_FAST_KW = 50


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """`path` is where in the file; `message` says what is wrong and what to do."""

    severity: Severity
    code: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.severity.value}: {self.code}: {self.message}"


@dataclass(frozen=True, slots=True)
class Place:
    """A component with where it stands."""

    path: str
    component: PriceComponent
    restrictions: Restrictions | None
    element: int

    @property
    def reserved(self) -> bool:
        return self.restrictions is not None and self.restrictions.reservation is not None

    @property
    def priced(self) -> bool:
        return self.component.price > 0


Rule = Callable[[Tariff, Sequence[Place]], Iterable[Finding]]


def lint(tariff: Tariff, *profiles: str) -> tuple[Finding, ...]:
    """What is wrong with `tariff`, errors first; the general rules always apply. Raises `KeyError` for a profile not in `PROFILES`."""
    places = [
        Place(f"elements[{i}].price_components[{j}]", component, element.restrictions, i)
        for i, element in enumerate(tariff.elements)
        for j, component in enumerate(element.components)
    ]
    rules = dict.fromkeys((*_GENERAL, *(rule for profile in profiles for rule in PROFILES[profile])))
    found = dict.fromkeys(finding for rule in rules for finding in rule(tariff, places))
    return tuple(sorted(found, key=lambda f: f.severity is Severity.WARNING))


def profiles_for(country: str, power_kw: Decimal) -> tuple[str, ...]:
    """The profiles that a connector of `power_kw` is under in a country (`eu`, `de`, `uk`, `us`, `ca`)."""
    if country in {"eu", "de"} and power_kw >= AFIR_FAST_KW:
        return tuple(dict.fromkeys((country, "eu50")))
    return (country,)


def _error(code: str, path: str, message: str) -> Finding:
    return Finding(Severity.ERROR, code, path, message)


def _warning(code: str, path: str, message: str) -> Finding:
    return Finding(Severity.WARNING, code, path, message)


def _of(places: Iterable[Place], kind: Dimension) -> list[Place]:
    return [p for p in places if p.component.type is kind and not p.reserved]


# --- OCPI's own sense -----------------------------------------------------------------------------------------------------------


def _never_applies(tariff: Tariff, _: Sequence[Place]) -> Iterator[Finding]:
    for i, element in enumerate(tariff.elements):
        r = element.restrictions
        if r is None:
            continue
        ranges = (
            ("kwh", r.min_mwh, r.max_mwh),
            ("power", r.min_power_w, r.max_power_w),
            ("current", r.min_current_ma, r.max_current_ma),
            ("duration", r.min_duration, r.max_duration),
        )
        for name, least, most in ranges:
            if most is not None and (least or 0) >= most:
                yield _error(
                    "never-applies",
                    f"elements[{i}].restrictions",
                    f"max_{name} is exclusive and not above {'min_' + name if least else '0'}: raise it or drop the element",
                )
        if r.start_date and r.end_date and r.start_date >= r.end_date:
            yield _error("never-applies", f"elements[{i}].restrictions", "end_date is exclusive and not after start_date: move it")
    if tariff.start_utc_ms is not None and tariff.end_utc_ms is not None and tariff.start_utc_ms >= tariff.end_utc_ms:
        yield _error("never-applies", "end_date_time", "is not after start_date_time: the tariff is never valid")


def _unreachable(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    for i, later in enumerate(places):
        for earlier in places[:i]:
            same = earlier.component.type is later.component.type and _kind(earlier) is _kind(later)
            if same and _covers(earlier.restrictions, later.restrictions):
                yield _error(
                    "unreachable-element",
                    later.path,
                    f"{later.component.type.value} never applies: {earlier.path} comes first and always matches too; swap or drop one",
                )
                break


def _kind(place: Place) -> object:
    return place.restrictions.reservation if place.restrictions else None


def _covers(wide: Restrictions | None, narrow: Restrictions | None) -> bool:
    """Whether `wide` holds wherever `narrow` does, as far as can be told field by field."""
    wide, narrow = wide or Restrictions(), narrow or Restrictions()
    if (wide.start_time, wide.end_time) not in {(None, None), (narrow.start_time, narrow.end_time)}:
        return False
    if wide.day_of_week and not (narrow.day_of_week and set(narrow.day_of_week) <= set(wide.day_of_week)):
        return False
    least = ((wide.min_mwh, narrow.min_mwh), (wide.min_power_w, narrow.min_power_w), (wide.min_current_ma, narrow.min_current_ma))
    most = ((wide.max_mwh, narrow.max_mwh), (wide.max_power_w, narrow.max_power_w), (wide.max_current_ma, narrow.max_current_ma))
    starts = (*least, (wide.min_duration, narrow.min_duration))
    ends = (*most, (wide.max_duration, narrow.max_duration))
    if any(w is not None and (n is None or n < w) for w, n in starts) or any(w is not None and (n is None or n > w) for w, n in ends):
        return False
    if wide.start_date is not None and (narrow.start_date is None or narrow.start_date < wide.start_date):
        return False
    return wide.end_date is None or (narrow.end_date is not None and narrow.end_date <= wide.end_date)


def _reservation_dimension(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    for place in places:
        if place.reserved and place.component.type not in {Dimension.TIME, Dimension.FLAT}:
            yield _error("reservation-dimension", place.path, "a reservation can only have TIME and FLAT: move this to another element")


def _unmeasured_current(tariff: Tariff, _: Sequence[Place]) -> Iterator[Finding]:
    for i, element in enumerate(tariff.elements):
        r = element.restrictions
        if r is not None and (r.min_current_ma is not None or r.max_current_ma is not None):
            yield _error(
                "current-not-measured",
                f"elements[{i}].restrictions",
                "the current is not metered here, so this never applies: restrict by power instead",
            )


def _limits(tariff: Tariff, _: Sequence[Place]) -> Iterator[Finding]:
    least, most = tariff.min_price, tariff.max_price
    if least and most:
        if least.before_taxes > most.before_taxes:
            yield _error("minimum-above-maximum", "min_price.before_taxes", "is above max_price.before_taxes: swap them")
        if least.after_taxes is not None and most.after_taxes is not None and least.after_taxes > most.after_taxes:
            yield _error("minimum-above-maximum", "min_price.after_taxes", "is above max_price.after_taxes: swap them")
    for name, limit in (("min_price", least), ("max_price", most)):
        if limit and limit.after_taxes is not None and limit.after_taxes < limit.before_taxes:
            yield _error("taxes-below-zero", f"{name}.after_taxes", "is below before_taxes: swap them")


def _vat(tariff: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    if tariff.tax_included is TaxIncluded.NA:
        for place in places:
            if place.component.vat:
                yield _error("vat-without-taxes", f"{place.path}.vat", "tax_included says that no taxes apply: drop vat or say YES or NO")


def _no_fallback(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    for kind in (Dimension.ENERGY, Dimension.TIME, Dimension.PARKING_TIME):
        these = _of(places, kind)
        if any(p.priced for p in these) and all(p.restrictions for p in these):
            yield _warning(
                "no-fallback",
                these[-1].path,
                f"outside its restrictions {kind.value} is free (OCPI): add an element without restrictions, with price 0 if that is meant",
            )


def _step_size(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    for place in places:
        if place.component.step_size > 1 and place.component.type is not Dimension.FLAT:
            unit = "Wh" if place.component.type is Dimension.ENERGY else "s"
            yield _warning(
                "step-size",
                f"{place.path}.step_size",
                f"rounds against the driver, by up to {place.component.step_size} {unit}; OCPI advises 1",
            )


def _wrap_and_weekday(tariff: Tariff, _: Sequence[Place]) -> Iterator[Finding]:
    for i, element in enumerate(tariff.elements):
        r = element.restrictions
        if r is None or r.start_time is None or r.end_time is None:
            continue
        if r.day_of_week and r.end_time and r.end_time < r.start_time:
            yield _warning(
                "weekday-and-wrap",
                f"elements[{i}].restrictions",
                "day_of_week is judged at each instant: past midnight the next day must be listed too",
            )
        if r.start_time == r.end_time:
            yield _warning("whole-day", f"elements[{i}].restrictions", "start_time equals end_time: it applies all day; leave both out")


def _idle_fee(tariff: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    for place in _of(places, Dimension.PARKING_TIME):
        if not place.priced:
            continue
        if not tariff.sale.idle_grace_seconds and not (place.restrictions and place.restrictions.min_duration):
            yield _warning("idle-without-grace", place.path, "standing still costs from the first second: set x_pilepay.idle_grace_seconds")
        if tariff.sale.idle_cap is None and tariff.max_price is None:
            yield _warning("idle-without-cap", place.path, "standing still has no end: set x_pilepay.idle_cap")


def _several_fees(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    these = [p for p in _of(places, Dimension.FLAT) if p.priced]
    for place in these[1:]:
        yield _warning("several-fees", place.path, "only the first FLAT that applies is charged: say so, or drop one")


def _alt_text(tariff: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    prices = {p.component.price.normalize() for p in places} | {(p.component.price / 60).normalize() for p in places}
    for i, text in enumerate(tariff.alt_text):
        for number in re.findall(r"\d+[.,]\d+", text.text):
            if Decimal(number.replace(",", ".")).normalize() not in prices:
                yield _warning(
                    "alt-text-price",
                    f"tariff_alt_text[{i}]",
                    f"names {number}, which is no price of the elements: OCPI wants no prices here, and a driver may hold you to it",
                )


def _per_minute(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    for place in _unshowable(places):
        yield _warning("not-showable-per-minute", f"{place.path}.price", _PER_MINUTE)


_PER_MINUTE = "has no exact price per minute at four decimals: choose an hourly price that is 60 times one"


def _unshowable(places: Sequence[Place]) -> Iterator[Place]:
    for place in places:
        if place.component.type in {Dimension.TIME, Dimension.PARKING_TIME} and place.component.price.scaleb(4) % 60:
            yield place


def _type(tariff: Tariff, _: Sequence[Place]) -> Iterator[Finding]:
    if tariff.type is not None and tariff.type is not TariffType.AD_HOC_PAYMENT:
        yield _warning("not-ad-hoc", "type", f"{tariff.type.value} is not for payment at the station: AD_HOC_PAYMENT is")


# --- the law --------------------------------------------------------------------------------------------------------------------


def _energy_based(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    """AFIR (50 kW and more), PAngV §14(2), UK reg. 11, NEVI: the price is per kWh."""
    if not any(p.priced for p in _of(places, Dimension.ENERGY)) and any(p.priced for p in places if not p.reserved):
        yield _error("not-energy-based", "elements", "the price must be per kWh here: add an ENERGY component")


def _no_charging_time(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    for place in _of(places, Dimension.TIME):
        if place.priced:
            yield _error(
                "charges-for-charging-time",
                place.path,
                "from 50 kW only energy, and standing still per minute, may cost (AFIR Art. 5(4)): drop TIME or make it PARKING_TIME",
            )


def _no_session_fee(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    for place in _of(places, Dimension.FLAT):
        if place.priced:
            yield _error("charges-per-session", place.path, "from 50 kW a fee per session is not allowed (AFIR Art. 5(4)): drop FLAT")


def _no_minimum(tariff: Tariff, _: Sequence[Place]) -> Iterator[Finding]:
    if tariff.min_price is not None and tariff.min_price.before_taxes > 0:
        yield _warning("minimum-price", "min_price", "is neither a price per kWh nor an occupancy fee (AFIR Art. 5(4)): better drop it")


def _showable_per_minute(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    for place in _unshowable(places):
        yield _error("not-showable-per-minute", f"{place.path}.price", f"{_PER_MINUTE} (AFIR Art. 5(4) wants it per minute)")


def _gross_advised(tariff: Tariff, _: Sequence[Place]) -> Iterator[Finding]:
    if tariff.tax_included is TaxIncluded.NO:
        yield _warning("net-prices", "tax_included", "drivers are shown prices with VAT, which this only gives by calculation: use YES")


def _gross_demanded(tariff: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    """PAngV §3, UK: consumer prices contain the VAT."""
    if tariff.tax_included is not TaxIncluded.YES:
        yield _error("net-prices", "tax_included", "consumer prices contain the VAT here: write gross prices and YES")
    elif any(p.priced and p.component.vat is None for p in places):
        yield _warning("vat-not-said", "elements", "a price without vat makes a receipt without VAT: write vat, 0 where it is exempt")


def _certified_time(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    """PTB-A 50.7: a clock of informational status measures nothing that may be billed."""
    for place in _of(places, Dimension.TIME):
        if place.priced:
            yield _warning("time-not-billable", place.path, "charging time may be billed only with a meter certified for time")


def _one_price_per_kwh(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    """UK reg. 11: one total price in pence per kWh; an overstay fee is not part of it."""
    for place in places:
        if place.priced and place.component.type in {Dimension.TIME, Dimension.FLAT} and not place.reserved:
            yield _error(
                "not-one-price-per-kwh",
                place.path,
                f"the whole price of charging is in pence per kWh (reg. 11): put {place.component.type.value} into the ENERGY price",
            )


def _meter_division(_: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    """HB 44 §3.40: 1 Wh for AC, 10 Wh for DC."""
    for place in _of(places, Dimension.ENERGY):
        if place.component.step_size > 10:
            yield _error("step-above-division", f"{place.path}.step_size", "energy is billed to 1 Wh (AC) or 10 Wh (DC) (HB 44): use 1")


def _no_surcharge(tariff: Tariff, _: Sequence[Place]) -> Iterator[Finding]:
    """PSD2 Art. 62(4) (BGB §270a), UK Consumer Rights (Payment Surcharges) Regulations 2012: no card of a consumer may cost extra."""
    for i, surcharge in enumerate(tariff.sale.payment_surcharge):
        if surcharge.percent:
            path = f"x_pilepay.payment_surcharge[{i}]"
            yield _error("payment-surcharge", path, f"no price may rise by the kind of payment here: drop the {surcharge.kind} surcharge")


def _surcharge_not_charged(tariff: Tariff, _: Sequence[Place]) -> Iterator[Finding]:
    if any(s.percent for s in tariff.sale.payment_surcharge):
        yield _warning(
            "surcharge-not-charged",
            "x_pilepay.payment_surcharge",
            "is not charged: the price shown before the tap is the price after it; put it into the prices, and a discount on other cards",
        )


def _currency(*allowed: str) -> Rule:
    def rule(tariff: Tariff, _: Sequence[Place]) -> Iterator[Finding]:
        if tariff.currency not in allowed:
            yield _warning("foreign-currency", "currency", f"{tariff.currency} is not the currency here: {' or '.join(allowed)} is")

    return rule


def _named_taxes(tariff: Tariff, places: Sequence[Place]) -> Iterator[Finding]:
    if tariff.tax_included is not TaxIncluded.NA and any(p.component.vat for p in places):
        yield _warning("taxes-not-named", "elements", "one percentage cannot name GST and provincial tax apart, as a receipt here must")


_POUNDS, _EUROS, _DOLLARS, _CANADIAN = _currency("GBP"), _currency("EUR"), _currency("USD"), _currency("CAD")
_GENERAL: tuple[Rule, ...] = (
    _never_applies, _unreachable, _reservation_dimension, _unmeasured_current, _limits, _vat, _no_fallback, _step_size,
    _wrap_and_weekday, _idle_fee, _several_fees, _alt_text, _type, _surcharge_not_charged,
)  # fmt: skip
_EU: tuple[Rule, ...] = (_showable_per_minute, _gross_advised, _no_surcharge)
PROFILES: dict[str, tuple[Rule, ...]] = {
    "eu50": (*_EU, _energy_based, _no_charging_time, _no_session_fee, _no_minimum),
    "eu": _EU,
    "de": (_showable_per_minute, _gross_demanded, _energy_based, _certified_time, _no_surcharge, _EUROS),
    "uk": (_per_minute, _gross_demanded, _energy_based, _one_price_per_kwh, _no_surcharge, _POUNDS),
    "us": (_per_minute, _energy_based, _meter_division, _DOLLARS),
    "ca": (_per_minute, _meter_division, _named_taxes, _CANADIAN),
}
