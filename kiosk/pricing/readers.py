"""Read a tariff as another system wrote it: OCPI 2.1.1, 2.2.1 or 2.3.0, or OCPP 2.1.

Operators hold tariffs in the version their back office speaks. Each is lifted into the one model we price with, exactly as strictly as our
own files, and every choice the older text leaves open is told in a note.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import TypeVar

from kiosk.pricing.load import parse, tariff_from
from kiosk.pricing.model import Element, PriceComponent, PricingError, Restrictions, Tariff, TaxIncluded
from kiosk.pricing.notes import NOBODY, Note, Owner
from kiosk.pricing.ocpp21 import tariff_of_ocpp

_T = TypeVar("_T", int, date)
_Fields = Mapping[str, frozenset[str]]


class Version(Enum):
    OCPI_2_1_1 = "OCPI 2.1.1"
    OCPI_2_2_1 = "OCPI 2.2.1"
    OCPI_2_3_0 = "OCPI 2.3.0"
    OCPP_2_1 = "OCPP 2.1"


# What a version added, by the object it stands in ("" is the tariff).
_SINCE_2_2: _Fields = {
    "": frozenset({"country_code", "party_id", "type", "min_price", "max_price", "start_date_time", "end_date_time"}),
    "price_components": frozenset({"vat"}),
    "restrictions": frozenset({"min_current", "max_current", "reservation"}),
}
_SINCE_2_3: _Fields = {
    "": frozenset({"tax_included", "preauthorize_amount"}),
    "min_price": frozenset({"before_taxes", "after_taxes"}),
    "max_price": frozenset({"before_taxes", "after_taxes"}),
}
_LIMITS = {"excl_vat": "before_taxes", "incl_vat": "after_taxes"}


def read(data: bytes, owner: Owner = NOBODY) -> tuple[Tariff, tuple[Note, ...]]:
    """The tariff in `data` (JSON, UTF-8), whichever version it is of, and what had to be decided.

    `owner` is used where the version does not name the operator. Raises `PricingError` with one line for each fault found.
    """
    return read_body(parse(data), owner)


def read_body(body: object, owner: Owner = NOBODY) -> tuple[Tariff, tuple[Note, ...]]:
    """The tariff in parsed JSON: see `read`."""
    return _READERS[version_of(body)](body, owner)


def version_of(body: object) -> Version:
    """Which format parsed JSON is written in, by the fields only that one has. Raises `PricingError` when it is no tariff."""
    if not isinstance(body, dict) or not {"elements", "tariffId"} & body.keys():
        raise PricingError("tariff: has neither elements (OCPI) nor tariffId (OCPP 2.1), so it is no tariff")
    if "tariffId" in body:
        return Version.OCPP_2_1
    if next(_newer(body, _SINCE_2_3), None):
        return Version.OCPI_2_3_0
    return Version.OCPI_2_2_1 if next(_newer(body, _SINCE_2_2), None) else Version.OCPI_2_1_1


def ocpi_2_2_1(body: object) -> tuple[Tariff, tuple[Note, ...]]:
    """An OCPI 2.2.1 tariff in parsed JSON. Raises `PricingError`."""
    tariff = _lifted(body, Version.OCPI_2_2_1, _SINCE_2_3, {})
    notes = [_before_vat(Version.OCPI_2_2_1)]
    for i, j, component in _components(tariff):
        if component.vat is None and component.price:
            why = "OCPI 2.2.1 leaves open what a missing vat means; read as 2.3.0 says: no VAT applies"
            notes.append(Note("vat-not-said", f"elements[{i}].price_components[{j}]", why))
    for name, limit in (("min_price", tariff.min_price), ("max_price", tariff.max_price)):
        if limit is not None and limit.after_taxes is None:
            notes.append(Note("limit-before-vat", name, "has no incl_vat: it is excl_vat with the session's own share of VAT"))
    return tariff, tuple(notes)


def ocpi_2_1_1(body: object, owner: Owner = NOBODY, vat: Decimal | None = None) -> tuple[Tariff, tuple[Note, ...]]:
    """An OCPI 2.1.1 tariff in parsed JSON, of `owner`, at `vat` percent, neither of which the version can say. Raises `PricingError`."""
    newer = {place: _SINCE_2_2.get(place, frozenset()) | _SINCE_2_3.get(place, frozenset()) for place in {**_SINCE_2_2, **_SINCE_2_3}}
    tariff = _lifted(body, Version.OCPI_2_1_1, newer, {"country_code": owner.country_code, "party_id": owner.party_id}, vat)
    notes = [_before_vat(Version.OCPI_2_1_1)]
    if vat is None:
        notes.append(Note("vat-not-said", "elements", "OCPI 2.1.1 has no VAT: read as if none applied; name the rate when reading"))
    if owner == NOBODY:
        notes.append(Note("owner-not-said", "country_code", "OCPI 2.1.1 has it in the address, not in the tariff: ZZ and ZZZ are written"))
    return tariff, (*notes, *_readings(tariff), *_steps(tariff))


# --- lifting --------------------------------------------------------------------------------------------------------------------


def _lifted(body: object, version: Version, newer: _Fields, given: Mapping[str, str], vat: Decimal | None = None) -> Tariff:
    """The tariff in the words of 2.3.0; faults name the places in the words of the source."""
    faults = [f"{path}: is not in {version.value}: leave it out, or say which version this is" for path in _newer(body, newer)]
    if isinstance(body, dict):
        body = {key: _known(key, value, newer, vat) for key, value in body.items() if key not in newer.get("", frozenset())}
        body |= {"tax_included": TaxIncluded.NO.value, **given}
    try:
        tariff = tariff_from(body)
    except PricingError as error:
        raise PricingError("\n".join([*faults, *map(_in_words_of_2_2, str(error).splitlines())])) from None
    if faults:
        raise PricingError("\n".join(faults))
    return tariff


def _known(place: str, value: object, newer: _Fields, vat: Decimal | None) -> object:
    """`value` without the keys its version does not have, limits and VAT in the words of 2.3.0."""
    if isinstance(value, list) and place in {"elements", "price_components"}:
        return [_known(place, item, newer, vat) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {key: _known(key, item, newer, vat) for key, item in value.items() if key not in newer.get(place, frozenset())}
    if place in {"min_price", "max_price"}:
        return {_LIMITS.get(key, key): item for key, item in kept.items()}
    return kept | {"vat": vat} if place == "price_components" and vat is not None else kept


def _newer(body: object, fields: _Fields, place: str = "", path: str = "") -> Iterator[str]:
    """The paths of keys in `body` that `fields` names."""
    if isinstance(body, list):
        for i, item in enumerate(body):
            yield from _newer(item, fields, place, f"{path}[{i}]")
    elif isinstance(body, dict):
        for key, value in body.items():
            below = f"{path}.{key}" if path else str(key)
            if key in fields.get(place, frozenset()):
                yield below
            elif key in {"elements", "price_components", "restrictions", "min_price", "max_price"}:
                yield from _newer(value, fields, key, below)


def _in_words_of_2_2(line: str) -> str:
    if not re.match(r"m(in|ax)_price\b", line):
        return line
    for old, new in _LIMITS.items():
        line = line.replace(new, old)
    return line


# --- what the text leaves open --------------------------------------------------------------------------------------------------


def _before_vat(version: Version) -> Note:
    return Note("prices-before-vat", "tax_included", f"prices of {version.value} are before VAT: read as tax_included NO")


def _readings(tariff: Tariff) -> Iterator[Note]:
    """mod_tariffs of 2.1.1 says 'the first tariff in the list with matching restrictions', its own example needs one per dimension."""
    for i, first in enumerate(tariff.elements):
        own = {c.type for c in first.components}
        others = {
            component.type.value: f"elements[{j}]"
            for j, later in reversed(list(enumerate(tariff.elements[i + 1 :], i + 1)))
            for component in later.components
            if component.type not in own and component.price and _may_meet(first, later)
        }
        if others:
            named = ", ".join(f"{kind} from {place}" for kind, place in sorted(others.items()))
            yield Note("element-or-dimension", f"elements[{i}]", f"read per dimension, as 2.2 says: while it applies, {named} counts too")


def _steps(tariff: Tariff) -> Iterator[Note]:
    for i, j, component in _components(tariff):
        if component.step_size > 1 and component.price:
            why = "2.1.1 does not say over what it rounds: read as 2.2 says, once over the session's total"
            yield Note("step-once", f"elements[{i}].price_components[{j}].step_size", why)


def _components(tariff: Tariff) -> Iterator[tuple[int, int, PriceComponent]]:
    for i, element in enumerate(tariff.elements):
        for j, component in enumerate(element.components):
            yield i, j, component


def _may_meet(one: Element, other: Element) -> bool:
    """Whether both can apply at one instant, as far as can be told field by field."""
    a, b = one.restrictions or Restrictions(), other.restrictions or Restrictions()
    if a.day_of_week and b.day_of_week and not set(a.day_of_week) & set(b.day_of_week):
        return False
    if not _cross(a.start_date, a.end_date, b.start_date, b.end_date) or not _times_cross(a, b):
        return False
    return (
        _cross(a.min_mwh, a.max_mwh, b.min_mwh, b.max_mwh)
        and _cross(a.min_power_w, a.max_power_w, b.min_power_w, b.max_power_w)
        and _cross(a.min_duration, a.max_duration, b.min_duration, b.max_duration)
    )


def _cross(least: _T | None, most: _T | None, other_least: _T | None, other_most: _T | None) -> bool:
    before = most is not None and other_least is not None and most <= other_least
    after = other_most is not None and least is not None and other_most <= least
    return not (before or after)


def _times_cross(a: Restrictions, b: Restrictions) -> bool:
    return bool(_minutes(a) & _minutes(b))


def _minutes(r: Restrictions) -> set[int]:
    start, end = r.start_time or 0, r.end_time or 24 * 60
    return set(range(start, end)) if start < end else set(range(start, 24 * 60)) | set(range(end))


_READERS: Mapping[Version, Callable[[object, Owner], tuple[Tariff, tuple[Note, ...]]]] = {
    Version.OCPI_2_3_0: lambda body, _: (tariff_from(body), ()),
    Version.OCPI_2_2_1: lambda body, _: ocpi_2_2_1(body),
    Version.OCPI_2_1_1: ocpi_2_1_1,
    Version.OCPP_2_1: tariff_of_ocpp,
}
