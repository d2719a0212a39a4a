"""The sealed record of a sale for the operator's back office: an OCPI CDR in 2.2.1 or 2.3.0.

Its costs are what was charged, to the minor unit; its periods are cut where prices change and its tariff is in it, so that the receiver can
compute the sum again. Parked time that our terms leave free stands in a period without PARKING_TIME, so that a receiver who knows only OCPI
comes to the same sum; only a cap on parked time is still in the tariff's `x_pilepay`. What OCPI has no field for (a minimum price, a
discount) is in `total_cost` and named in `remark`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import cast

from kiosk.pricing.canonical import canonical
from kiosk.pricing.cdr_parts import CdrHead, faults_of, location_body, signed_body, token_body
from kiosk.pricing.costs import Bucket, Cost, costs, merged
from kiosk.pricing.load import parse
from kiosk.pricing.model import Element, PriceComponent, PriceLimit, PricingError, SaleTerms, Tariff, TaxIncluded
from kiosk.pricing.periods import Period, cut
from kiosk.pricing.rate import exact_decimal, taxed
from kiosk.pricing.rating import Line, Rating
from kiosk.pricing.usage import Range, State, Usage
from kiosk.pricing.wire import Wire, given, moment_text

_MS_PER_HOUR = 3_600_000
_NANO = Decimal("0.000000001")  # of an hour: finer than a millisecond, so that the exact duration can be read back
_MOST_REMARK = 255
_TIMES = {State.CHARGING: "TIME", State.PARKED: "PARKING_TIME", State.RESERVED: "RESERVATION_TIME"}


class CdrVersion(Enum):
    V2_2_1 = "2.2.1"
    V2_3_0 = "2.3.0"


def cdr(head: CdrHead, usage: Usage, rating: Rating, tariff: Tariff, zone: str, version: CdrVersion = CdrVersion.V2_3_0) -> dict[str, Wire]:
    """The CDR of a finished session, for `json_text`; `zone` is the IANA zone of the site.

    Raises `PricingError` with one line for each thing in `head` that OCPI does not allow.
    """
    faults = list(faults_of(head))
    if version is CdrVersion.V2_2_1 and head.token.type == "EMAID":
        faults.append("cdr_token.type: EMAID came with OCPI 2.3.0: write OTHER")
    if faults:
        raise PricingError("\n".join(faults))
    found = cut(tariff, usage, zone, tariff.sale.idle_grace_seconds)
    bill = costs(rating, found.fees)

    def price(*parts: Cost | None) -> dict[str, Wire] | None:
        cost = merged(*parts)
        return None if cost is None else _price(cost, head.tax_name, version)

    part = bill.parts.get
    return given(
        {
            "country_code": tariff.country_code,
            "party_id": tariff.party_id,
            "id": head.id,
            "start_date_time": moment_text(usage.start_utc_ms),
            "end_date_time": moment_text(usage.end_utc_ms),
            "session_id": head.session_id or None,
            "cdr_token": token_body(head.token),
            "auth_method": head.auth_method,
            "authorization_reference": head.authorization_reference or None,
            "cdr_location": location_body(head.location),
            "meter_id": head.meter_id or None,
            "currency": rating.total.currency,
            "tariffs": [_tariff(tariff, version)],
            "charging_periods": [_period(p, tariff.id) for p in found.periods],
            "signed_data": signed_body(head.signed),
            "total_cost": price(bill.total),
            "total_fixed_cost": price(part(Bucket.FIXED)),
            "total_energy": Decimal(sum(s.mwh for s in usage.segments)).scaleb(-6),
            "total_energy_cost": price(part(Bucket.ENERGY)),
            "total_time": _hours(_ms(usage, State.CHARGING, State.PARKED, State.WITHHELD)),
            "total_time_cost": price(part(Bucket.TIME)),
            "total_parking_time": _hours(_ms(usage, State.PARKED)),
            "total_parking_cost": price(part(Bucket.PARKING)),
            "total_reservation_cost": price(part(Bucket.RESERVATION), part(Bucket.RESERVATION_FIXED)),
            "remark": _remark(head.remark, bill.others) or None,
            "invoice_reference_id": head.invoice_reference_id or None,
            "last_updated": moment_text(head.last_updated_utc_ms),
        }
    )


def credit_cdr(original: dict[str, Wire], number: str, utc_ms: int) -> dict[str, Wire]:
    """The Credit CDR that takes `original` back under a new `number` (mod_cdrs#Credit CDRs): all its data, its total negative."""
    if number == original["id"] or len(number) > 39:
        raise PricingError(f"id: {number!r} is no number for a credit of {original['id']}: take another, of at most 39 characters")
    changed: dict[str, Wire] = {
        "id": number,
        "total_cost": _negative(original["total_cost"]),
        "credit": True,
        "credit_reference_id": original["id"],
        "last_updated": moment_text(utc_ms),
    }
    return {**original, **changed}


# --- money ----------------------------------------------------------------------------------------------------------------------


def _price(cost: Cost, tax_name: str, version: CdrVersion) -> dict[str, Wire]:
    if version is CdrVersion.V2_2_1:
        return {"excl_vat": cost.net.decimal(), "incl_vat": cost.gross.decimal()}
    taxes: list[Wire] = [given({"name": tax_name, "percentage": tax.vat, "amount": tax.amount.decimal()}) for tax in cost.taxes]
    return given({"before_taxes": cost.net.decimal(), "taxes": taxes or None})


def _negative(price: Wire) -> Wire:
    if isinstance(price, Decimal):
        return -price
    if isinstance(price, list):
        return [_negative(item) for item in price]
    if isinstance(price, dict):
        return {key: value if key in {"name", "percentage", "account_number"} else _negative(value) for key, value in price.items()}
    return price


def _remark(remark: str, others: Iterable[Line]) -> str:
    named = ", ".join(f"{line.code} {line.amount}" for line in others if line.amount)
    whole = "; ".join(part for part in (remark, f"total_cost holds {named}" if named else "") if part)
    return whole if len(whole) <= _MOST_REMARK else f"{whole[: _MOST_REMARK - 1]}…"


# --- periods --------------------------------------------------------------------------------------------------------------------


def _period(p: Period, tariff_id: str) -> dict[str, Wire]:
    volumes: list[tuple[str, Decimal]] = []
    if p.ms and p.state in _TIMES:
        volumes.append((_TIMES[p.state], _hours(p.ms)))
    if p.mwh or not volumes:
        volumes.insert(0, ("ENERGY", Decimal(p.mwh).scaleb(-6)))
    volumes += _flow("POWER", p.power_w) + _flow("CURRENT", p.current_ma)
    dimensions: list[Wire] = [{"type": name, "volume": volume} for name, volume in volumes]
    return {"start_date_time": moment_text(p.start_utc_ms), "dimensions": dimensions, "tariff_id": tariff_id}


def _flow(name: str, flow: Range | None) -> list[tuple[str, Decimal]]:
    return [] if flow is None else [(f"MIN_{name}", Decimal(flow.low) / 1_000), (f"MAX_{name}", Decimal(flow.high) / 1_000)]


def _hours(ms: int) -> Decimal:
    return (Decimal(ms) / _MS_PER_HOUR).quantize(_NANO).normalize() + 0


def _ms(usage: Usage, *states: State) -> int:
    return sum(s.end_utc_ms - s.start_utc_ms for s in usage.segments if s.state in states)


# --- the tariff in it -----------------------------------------------------------------------------------------------------------


def _tariff(tariff: Tariff, version: CdrVersion) -> dict[str, Wire]:
    """The tariff as the periods are to be priced by it: free parked time is left out of them already."""
    rest = replace(tariff, sale=SaleTerms(0, tariff.sale.idle_cap))
    if version is CdrVersion.V2_3_0:
        return _body(rest)
    elements = tuple(Element(tuple(_net(c, tariff.tax_included) for c in e.components), e.restrictions) for e in rest.elements)
    body = _body(replace(rest, elements=elements, tax_included=TaxIncluded.NO, preauthorize_amount=None))
    body.pop("tax_included")
    limits: dict[str, PriceLimit | None] = {"min_price": rest.min_price, "max_price": rest.max_price}
    return body | {
        name: given({"excl_vat": limit.before_taxes, "incl_vat": limit.after_taxes}) for name, limit in limits.items() if limit is not None
    }


def _net(component: PriceComponent, included: TaxIncluded) -> PriceComponent:
    """2.2.1 knows prices before VAT only; where such a price does not end it is rounded at nine decimals."""
    excl, _ = taxed(Fraction(component.price), component.vat, included)
    price = exact_decimal(excl).quantize(_NANO).normalize() + 0
    return replace(component, price=price, vat=None if included is TaxIncluded.NA else component.vat)


def _body(tariff: Tariff) -> dict[str, Wire]:
    return cast("dict[str, Wire]", parse(canonical(tariff).encode()))
