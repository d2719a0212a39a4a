"""JSON for other systems whose numbers are exactly what we mean: integers and decimals, never a float on the way out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

Wire = str | int | bool | Decimal | list["Wire"] | dict[str, "Wire"]


def json_text(value: Wire) -> str:
    """`value` as compact JSON, keys in their order, decimals written shortest and without exponent."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(json_text(item) for item in value) + "]"
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return json.dumps(value, ensure_ascii=False)


def given(body: dict[str, Wire | None]) -> dict[str, Wire]:
    """What is there: absent things are left out, not null."""
    return {key: value for key, value in body.items() if value is not None}


def moment_text(utc_ms: int) -> str:
    """Whole seconds in UTC, the one form that every version of OCPI and OCPP takes: `2026-01-31T12:00:00Z`."""
    return datetime.fromtimestamp(utc_ms // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
