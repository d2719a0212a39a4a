"""The result of pricing: lines a driver can follow, and the totals that are charged."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from kiosk.values import Money


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the bill: a dimension at one unit price.

    `code` is the OCPI dimension (`ENERGY`, `TIME`, `PARKING_TIME`, `FLAT`) or the code of an adjustment; `quantity` is in the unit of the
    price (kWh, hours, pieces); `unit_price` is as the tariff writes it; `excl` and `incl` are unrounded, without and with VAT; `vat` is in
    percent or None when none applies; `amount` is what the receipt shows.
    """

    code: str
    quantity: Decimal
    unit_price: Decimal
    excl: Decimal
    incl: Decimal
    vat: Decimal | None
    amount: Money
    seconds: int = 0  # exact duration behind a TIME or PARKING_TIME quantity
    mwh: int = 0  # exact energy behind an ENERGY quantity


@dataclass(frozen=True, slots=True)
class Rating:
    """A priced session. `excl` and `incl` are exact; `total` is what the driver pays, rounded once, half up, VAT included."""

    lines: tuple[Line, ...]
    excl: Decimal
    incl: Decimal
    total: Money
