"""Read a tariff strictly: a misspelt key, a wrong unit or a wrong case is an error that names its place and its mend.

A silently ignored typo is a wrong price that nobody sees: `restriction`, `dayOfWeek` or watts instead of kilowatts have all been billed
somewhere. So nothing unknown passes, and numbers that can only be of another unit are refused.
"""

from __future__ import annotations

import difflib
import json
import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from kiosk.pricing.canonical import text_hash
from kiosk.pricing.model import (
    Dimension,
    DisplayText,
    Element,
    EnergyMix,
    EnergyShare,
    PriceComponent,
    PriceLimit,
    PricingError,
    Reservation,
    Restrictions,
    SaleTerms,
    Surcharge,
    Tariff,
    TariffType,
    TaxIncluded,
)
from kiosk.pricing.quote import Quote
from kiosk.pricing.scalars import (
    calendar_date,
    currency,
    decimal_number,
    limit,
    minutes,
    moment,
    percent,
    plain,
    weekday,
    whole_number,
    word,
)

MAX_BYTES = 1_000_000
_MOST_DIGITS = 40
_SMALLEST = -40  # a power of ten: what programs that count in binary leave of nothing

# Roughly how many units of a currency make one euro, where the order of magnitude differs; used only to catch wrong units.
_UNITS_PER_EURO = {
    "CZK": 25, "DKK": 8, "HUF": 400, "ISK": 150, "JPY": 170, "KRW": 1_700, "NOK": 12, "PLN": 5, "RON": 5, "SEK": 12, "TRY": 50,
    "EUR": 1, "USD": 1, "GBP": 1, "CHF": 1, "CAD": 2, "AUD": 2, "NZD": 2, "KWD": 1, "BHD": 1, "OMR": 1, "JOD": 1,
}  # fmt: skip
_UNKNOWN_CURRENCY = 50_000
_TOO_DEAR = {
    Dimension.ENERGY: (20, "kWh"),
    Dimension.TIME: (600, "hour"),
    Dimension.PARKING_TIME: (600, "hour"),
    Dimension.FLAT: (500, "session"),
}


def load(data: bytes) -> Tariff:
    """The tariff in `data` (OCPI 2.3.0 JSON, UTF-8). Raises `PricingError` with one line for each fault found."""
    return tariff_from(parse(data))


def tariff_from(body: object) -> Tariff:
    """The tariff in parsed JSON, as `parse` gives it. Raises `PricingError` with one line for each fault found."""
    try:
        return _Tariff.model_validate(body).value()
    except ValidationError as error:
        raise PricingError("\n".join(_sentence(e["loc"], e["type"], e["msg"], e.get("ctx", {})) for e in error.errors())) from None


def restrictions_from(body: object) -> Restrictions | None:
    """The restrictions in parsed JSON; None when they restrict nothing. Raises `PricingError` like `tariff_from`."""
    try:
        return _Restrictions.model_validate(body).value()
    except ValidationError as error:
        raise PricingError(
            "\n".join(_sentence(("restrictions", *e["loc"]), e["type"], e["msg"], e.get("ctx", {})) for e in error.errors())
        ) from None


@lru_cache(maxsize=64)
def tariff_of(quote: Quote) -> Tariff:
    """The tariff a driver accepted. Raises `PricingError` when the frozen text is not the one that was hashed."""
    if text_hash(quote.tariff_json) != quote.tariff_hash:
        raise PricingError(f"the quote of tariff {quote.tariff_id} does not match its hash: its text was changed after it was accepted")
    return load(quote.tariff_json.encode())


def parse(data: bytes) -> object:
    """JSON whose numbers are int and Decimal, without duplicate keys. Raises `PricingError`."""
    if len(data) > MAX_BYTES:
        raise PricingError(f"{len(data)} bytes are no tariff: at most {MAX_BYTES} are read")
    try:
        text = data.decode("utf-8-sig")
        body: object = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_no_constant, object_pairs_hook=_unique)
    except PricingError:
        raise
    except RecursionError:
        raise PricingError("not a tariff: lists and objects lie in one another without end") from None
    except ValueError as error:
        raise PricingError(f"not JSON in UTF-8: {error}") from None
    if "\\u" in text:
        _printable(body)
    return body


def _printable(body: object) -> None:
    try:
        json.dumps(body, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:  # JSON's escapes can write half of a character
        raise PricingError(f"a text holds {error.object[error.start : error.end]!r}, which is half of a character: take it out") from None


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        _refuse(f"a number of {len(text)} digits is out of any range")
    return int(text)


def _finite(text: str) -> Decimal:
    if len(text) > _MOST_DIGITS:
        _refuse(f"a number of {len(text)} digits is finer than anything measured: shorten it")
    number = Decimal(text)
    if number and not _SMALLEST <= number.adjusted() <= 12:
        _refuse(f"the number {text} is out of any range")
    return number if number else Decimal(0)


def _no_constant(text: str) -> Decimal:
    return _refuse(f"{text} is not a number: write one")


def _refuse(why: str) -> Decimal:
    raise PricingError(why)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    body = dict(pairs)
    if len(body) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise PricingError(f"the key {twice!r} appears twice in one object: keep one")
    return body


Number = Annotated[Decimal, BeforeValidator(decimal_number)]
Percent = Annotated[Decimal, BeforeValidator(percent)]
Whole = Annotated[int, BeforeValidator(whole_number)]
Minutes = Annotated[int, BeforeValidator(minutes)]
Date = Annotated[date, BeforeValidator(calendar_date)]
MomentMs = Annotated[int, BeforeValidator(moment)]
Day = Annotated[int, BeforeValidator(weekday)]
Currency = Annotated[str, BeforeValidator(currency)]
KilowattHours = Annotated[int, BeforeValidator(limit("kWh", "Wh", 6, 2_000))]
Kilowatts = Annotated[int, BeforeValidator(limit("kW", "W", 3, 5_000))]
Amperes = Annotated[int, BeforeValidator(limit("A", "mA", 3, 5_000))]
DimensionWord = Annotated[Dimension, BeforeValidator(word(Dimension))]
TaxWord = Annotated[TaxIncluded, BeforeValidator(word(TaxIncluded))]
TypeWord = Annotated[TariffType, BeforeValidator(word(TariffType))]
ReservationWord = Annotated[Reservation, BeforeValidator(word(Reservation))]


# --- the object -----------------------------------------------------------------------------------------------------------------


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class _Component(_Strict):
    type: DimensionWord
    price: Number
    vat: Percent | None = None
    step_size: Whole

    @model_validator(mode="after")
    def _steps(self) -> Self:
        if not self.step_size and self.type is not Dimension.FLAT:  # a fee has no steps: OCPI's own free-of-charge example says 0
            raise ValueError("step_size 0 bills nothing: write 1")
        return self

    def value(self) -> PriceComponent:
        return PriceComponent(self.type, self.price, self.vat, self.step_size)


class _Restrictions(_Strict):
    start_time: Minutes | None = None
    end_time: Minutes | None = None
    start_date: Date | None = None
    end_date: Date | None = None
    min_kwh: KilowattHours | None = None
    max_kwh: KilowattHours | None = None
    min_current: Amperes | None = None
    max_current: Amperes | None = None
    min_power: Kilowatts | None = None
    max_power: Kilowatts | None = None
    min_duration: Whole | None = None
    max_duration: Whole | None = None
    day_of_week: list[Day] | None = None
    reservation: ReservationWord | None = None

    def value(self) -> Restrictions | None:
        r = Restrictions(
            start_time=self.start_time,
            end_time=self.end_time,
            start_date=self.start_date,
            end_date=self.end_date,
            min_mwh=self.min_kwh,
            max_mwh=self.max_kwh,
            min_current_ma=self.min_current,
            max_current_ma=self.max_current,
            min_power_w=self.min_power,
            max_power_w=self.max_power,
            min_duration=self.min_duration,
            max_duration=self.max_duration,
            day_of_week=tuple(sorted(set(self.day_of_week or ()))),
            reservation=self.reservation,
        )
        return None if r == Restrictions() else r


class _Element(_Strict):
    price_components: list[_Component] = Field(min_length=1)
    restrictions: _Restrictions | None = None

    def value(self) -> Element:
        return Element(tuple(c.value() for c in self.price_components), self.restrictions.value() if self.restrictions else None)


class _Limit(_Strict):
    before_taxes: Number
    after_taxes: Number | None = None

    def value(self) -> PriceLimit:
        return PriceLimit(self.before_taxes, self.after_taxes)


class _Text(_Strict):
    language: str = Field(min_length=2, max_length=2)
    text: str = Field(max_length=512)


class _Source(_Strict):
    source: str
    percentage: Number


class _Impact(_Strict):
    category: str
    amount: Number


class _Mix(_Strict):
    is_green_energy: bool
    energy_sources: list[_Source] | None = None
    environ_impact: list[_Impact] | None = None
    supplier_name: str | None = Field(None, max_length=64)
    energy_product_name: str | None = Field(None, max_length=64)

    def value(self) -> EnergyMix:
        return EnergyMix(
            self.is_green_energy,
            tuple(EnergyShare(s.source, s.percentage) for s in self.energy_sources or ()),
            tuple(EnergyShare(i.category, i.amount) for i in self.environ_impact or ()),
            self.supplier_name or "",
            self.energy_product_name or "",
        )


class _Surcharge(_Strict):
    kind: str = Field(min_length=1, max_length=32)
    percent: Percent


class _Sale(_Strict):
    idle_grace_seconds: Whole = 0
    idle_cap: Number | None = None
    payment_surcharge: list[_Surcharge] | None = None

    def value(self) -> SaleTerms:
        surcharges = tuple(Surcharge(s.kind, s.percent) for s in self.payment_surcharge or ())
        return SaleTerms(self.idle_grace_seconds, self.idle_cap, surcharges)


class _Tariff(_Strict):
    country_code: str = Field(min_length=2, max_length=2)
    party_id: str = Field(min_length=3, max_length=3)
    id: str = Field(min_length=1, max_length=36)
    currency: Currency
    type: TypeWord | None = None
    tariff_alt_text: list[_Text] | None = None
    tariff_alt_url: str | None = Field(None, max_length=255)
    min_price: _Limit | None = None
    max_price: _Limit | None = None
    preauthorize_amount: Number | None = None
    elements: list[_Element] = Field(min_length=1)
    tax_included: TaxWord
    start_date_time: MomentMs | None = None
    end_date_time: MomentMs | None = None
    energy_mix: _Mix | None = None
    last_updated: MomentMs
    x_pilepay: _Sale | None = None

    def value(self) -> Tariff:
        tariff = Tariff(
            country_code=self.country_code,
            party_id=self.party_id,
            id=self.id,
            currency=self.currency,
            elements=tuple(e.value() for e in self.elements),
            tax_included=self.tax_included,
            last_updated_utc_ms=self.last_updated,
            type=self.type,
            alt_text=tuple(DisplayText(t.language, t.text) for t in self.tariff_alt_text or ()),
            alt_url=self.tariff_alt_url or "",
            min_price=self.min_price.value() if self.min_price else None,
            max_price=self.max_price.value() if self.max_price else None,
            preauthorize_amount=self.preauthorize_amount,
            start_utc_ms=self.start_date_time,
            end_utc_ms=self.end_date_time,
            energy_mix=self.energy_mix.value() if self.energy_mix else None,
            sale=self.x_pilepay.value() if self.x_pilepay else SaleTerms(),
        )
        if faults := _dear(tariff):
            raise PricingError("\n".join(faults))
        return tariff


def _dear(tariff: Tariff) -> list[str]:
    """Prices a hundredfold of anything ever asked are in another unit: cents, or per MWh."""
    scale = _UNITS_PER_EURO.get(tariff.currency, _UNKNOWN_CURRENCY)
    faults = []
    for i, element in enumerate(tariff.elements):
        for j, component in enumerate(element.components):
            most, unit = _TOO_DEAR[component.type]
            if component.price > most * scale:
                faults.append(
                    f"elements[{i}].price_components[{j}].price: {plain(component.price)} {tariff.currency} per {unit} is out of range:"
                    f" prices are in whole {tariff.currency}, not in cents"
                )
    return faults


# --- sentences ------------------------------------------------------------------------------------------------------------------

_WORDS = {
    "model_type": "is not an object",
    "list_type": "is not a list",
    "string_type": "is not text: write it in quotes",
    "bool_type": "is not true or false",
    "too_short": "is empty: write at least one",
}

_FIELDS: dict[str, type[_Strict]] = {
    "": _Tariff,
    "price_components": _Component,
    "elements": _Element,
    "restrictions": _Restrictions,
    "min_price": _Limit,
    "max_price": _Limit,
    "tariff_alt_text": _Text,
    "energy_mix": _Mix,
    "energy_sources": _Source,
    "environ_impact": _Impact,
    "x_pilepay": _Sale,
    "payment_surcharge": _Surcharge,
}


def _sentence(loc: tuple[int | str, ...], kind: str, message: str, context: dict[str, object]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).removeprefix(".") or "tariff"
    if kind == "extra_forbidden":
        return f"{path}: unknown key{_hint(loc)}"
    if kind == "missing":
        return f"{path}: is missing" + (": say YES, NO or N/A" if path == "tax_included" else "")
    if kind == "value_error":
        return f"{path}: {context.get('error', message)}"
    return f"{path}: {_WORDS.get(kind) or message[:1].lower() + message[1:]}"


def _hint(loc: tuple[int | str, ...]) -> str:
    parent = next((str(part) for part in reversed(loc[:-1]) if isinstance(part, str)), "")
    known = tuple(_FIELDS[parent].model_fields)
    key = str(loc[-1])
    snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()
    near = [snake] if snake in known else difflib.get_close_matches(snake, known, 1, 0.6)
    return f": did you mean {near[0]}?" if near else f": known are {', '.join(known)}"
