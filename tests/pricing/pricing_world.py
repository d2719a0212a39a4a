"""Tariffs and sessions for the pricing tests."""

from __future__ import annotations

import json
from collections.abc import Mapping

from kiosk.pricing.load import load
from kiosk.pricing.model import Tariff

BODY: Mapping[str, object] = {
    "country_code": "DE",
    "party_id": "LND",
    "id": "test",
    "currency": "EUR",
    "tax_included": "NO",
    "last_updated": "2026-01-01T00:00:00Z",
}


def component(kind: str, price: float, step_size: int = 1, vat: float | None = None) -> dict[str, object]:
    return {"type": kind, "price": price, "step_size": step_size, "vat": vat}


def element(*components: dict[str, object], **restrictions: object) -> dict[str, object]:
    return {"price_components": list(components), "restrictions": restrictions}


def tariff_of_elements(*elements: dict[str, object], **more: object) -> Tariff:
    return load(json.dumps({**BODY, "elements": list(elements), **more}).encode())
