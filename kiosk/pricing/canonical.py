"""One text for one tariff: what is frozen into a quote, hashed, journalled and read back.

Keys are sorted, numbers are written shortest, absent things are left out, so that two files that mean the same have the same hash.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from kiosk.pricing.model import DAYS, Element, EnergyMix, EnergyShare, PriceLimit, Restrictions, SaleTerms, Tariff
from kiosk.values import Digest

_ENCODER = json.JSONEncoder(ensure_ascii=False)

Plain = str | int | bool | Decimal | list["Plain"] | dict[str, "Plain"]


@lru_cache(maxsize=16)
def canonical(tariff: Tariff) -> str:
    """The tariff as OCPI JSON; `load` of it gives an equal tariff."""
    return text(_tariff(tariff))


def tariff_hash(tariff: Tariff) -> Digest:
    """SHA-256 (hex) of the canonical text in UTF-8."""
    return text_hash(canonical(tariff))


def text_hash(text: str) -> Digest:
    return Digest(hashlib.sha256(text.encode()).hexdigest())


def _tariff(t: Tariff) -> dict[str, Plain]:
    body: dict[str, Plain | None] = {
        "country_code": t.country_code,
        "party_id": t.party_id,
        "id": t.id,
        "currency": t.currency,
        "type": t.type.value if t.type else None,
        "tariff_alt_text": [{"language": a.language, "text": a.text} for a in t.alt_text] or None,
        "tariff_alt_url": t.alt_url or None,
        "min_price": _limit(t.min_price),
        "max_price": _limit(t.max_price),
        "preauthorize_amount": t.preauthorize_amount,
        "elements": [_element(e) for e in t.elements],
        "tax_included": t.tax_included.value,
        "start_date_time": _moment(t.start_utc_ms),
        "end_date_time": _moment(t.end_utc_ms),
        "energy_mix": _mix(t.energy_mix),
        "last_updated": _moment(t.last_updated_utc_ms),
        "x_pilepay": _sale(t.sale),
    }
    return _given(body)


def _given(body: dict[str, Plain | None]) -> dict[str, Plain]:
    return {key: value for key, value in body.items() if value is not None}


def _limit(limit: PriceLimit | None) -> Plain | None:
    return None if limit is None else _given({"before_taxes": limit.before_taxes, "after_taxes": limit.after_taxes})


def _element(element: Element) -> Plain:
    components: list[Plain] = [
        _given({"type": c.type.value, "price": c.price, "vat": c.vat, "step_size": c.step_size}) for c in element.components
    ]
    return _given({"price_components": components, "restrictions": restrictions(element.restrictions)})


def restrictions(r: Restrictions | None) -> Plain | None:
    """Restrictions as OCPI JSON."""
    if r is None:
        return None
    return _given(
        {
            "start_time": _minutes(r.start_time),
            "end_time": _minutes(r.end_time),
            "start_date": r.start_date.isoformat() if r.start_date else None,
            "end_date": r.end_date.isoformat() if r.end_date else None,
            "min_kwh": _scaled(r.min_mwh, 6),
            "max_kwh": _scaled(r.max_mwh, 6),
            "min_current": _scaled(r.min_current_ma, 3),
            "max_current": _scaled(r.max_current_ma, 3),
            "min_power": _scaled(r.min_power_w, 3),
            "max_power": _scaled(r.max_power_w, 3),
            "min_duration": r.min_duration,
            "max_duration": r.max_duration,
            "day_of_week": [DAYS[d] for d in r.day_of_week] or None,
            "reservation": r.reservation.value if r.reservation else None,
        }
    )


def _minutes(minutes: int | None) -> Plain | None:
    return None if minutes is None else f"{minutes // 60:02}:{minutes % 60:02}"


def _scaled(value: int | None, digits: int) -> Plain | None:
    return None if value is None else Decimal(value).scaleb(-digits)


def _moment(utc_ms: int | None) -> Plain | None:
    if utc_ms is None:
        return None
    at = datetime.fromtimestamp(utc_ms // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{at}.{utc_ms % 1_000:03}Z" if utc_ms % 1_000 else f"{at}Z"


def _mix(mix: EnergyMix | None) -> Plain | None:
    if mix is None:
        return None
    return _given(
        {
            "is_green_energy": mix.is_green_energy,
            "energy_sources": _shares(mix.energy_sources, "source", "percentage"),
            "environ_impact": _shares(mix.environ_impact, "category", "amount"),
            "supplier_name": mix.supplier_name or None,
            "energy_product_name": mix.energy_product_name or None,
        }
    )


def _shares(shares: tuple[EnergyShare, ...], name: str, amount: str) -> Plain | None:
    return [{name: s.name, amount: s.amount} for s in shares] or None


def _sale(sale: SaleTerms) -> Plain | None:
    surcharges: list[Plain] = [{"kind": s.kind, "percent": s.percent} for s in sale.payment_surcharge]
    grace = sale.idle_grace_seconds or None
    return _given({"idle_grace_seconds": grace, "idle_cap": sale.idle_cap, "payment_surcharge": surcharges or None}) or None


def text(value: Plain) -> str:
    """Canonical JSON."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{text(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(text(item) for item in value) + "]"
    if isinstance(value, Decimal):
        number = format(value, "f")
        return number.rstrip("0").rstrip(".") if "." in number else number
    return _ENCODER.encode(value)
