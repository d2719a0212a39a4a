"""The price of a transaction in OCPP 2.1's words, `CostDetailsType`, for a CSMS that wants to see how it came about.

Energy is in Wh, power in W, time in seconds. `IdleTIme` is how the published schema spells it.
"""

from __future__ import annotations

from decimal import Decimal

from kiosk.pricing.costs import Bucket, Cost, costs
from kiosk.pricing.model import Tariff
from kiosk.pricing.periods import Period, cut
from kiosk.pricing.rating import Rating
from kiosk.pricing.usage import Range, State, Usage
from kiosk.pricing.wire import Wire, given, moment_text

_TIMES = {State.CHARGING: "ChargingTime", State.PARKED: "IdleTIme"}
_PARTS = (
    ("fixed", Bucket.FIXED),
    ("energy", Bucket.ENERGY),
    ("chargingTime", Bucket.TIME),
    ("idleTime", Bucket.PARKING),
    ("reservationTime", Bucket.RESERVATION),
    ("reservationFixed", Bucket.RESERVATION_FIXED),
)


def cost_details(usage: Usage, rating: Rating, tariff: Tariff, zone: str, tax_name: str = "VAT") -> dict[str, Wire]:
    """The final cost with its charging periods; a reservation is outside of the transaction and has none."""
    periods: list[Wire] = [_period(p, tariff.id) for p in cut(tariff, usage, zone).periods if p.state is not State.RESERVED]
    return given({"chargingPeriods": periods or None}) | running_cost(usage, rating, tariff, zone, tax_name)


def running_cost(usage: Usage, rating: Rating, tariff: Tariff, zone: str, tax_name: str = "VAT") -> dict[str, Wire]:
    """The cost so far; OCPP leaves out the periods while the transaction runs."""
    bill = costs(rating, cut(tariff, usage, zone).fees)
    parts = {name: _price(bill.parts[bucket], tax_name) for name, bucket in _PARTS if bucket in bill.parts}
    total: dict[str, Wire] = {
        "currency": rating.total.currency,
        "typeOfCost": _kind(rating),
        **parts,
        "total": {"exclTax": bill.total.net.decimal(), "inclTax": bill.total.gross.decimal()},
    }
    reserved = _seconds(usage, State.RESERVED)
    used: dict[str, Wire | None] = {
        "energy": Decimal(sum(s.mwh for s in usage.segments)) / 1_000,
        "chargingTime": _seconds(usage, State.CHARGING, State.PARKED, State.WITHHELD),
        "idleTime": _seconds(usage, State.PARKED),
        "reservationTime": reserved or None,
    }
    return {"totalCost": total, "totalUsage": given(used)}


def _kind(rating: Rating) -> str:
    codes = {line.code for line in rating.lines if line.amount}
    if "MAX_PRICE" in codes:
        return "MaxCost"
    return "MinCost" if "MIN_PRICE" in codes else "NormalCost"


def _price(cost: Cost, tax_name: str) -> dict[str, Wire]:
    rates: list[Wire] = [{"type": tax_name, "tax": tax.vat} for tax in cost.taxes if tax.vat is not None]
    return given({"exclTax": cost.net.decimal(), "inclTax": cost.gross.decimal(), "taxRates": rates or None})


def _period(p: Period, tariff_id: str) -> dict[str, Wire]:
    volumes: list[tuple[str, Decimal]] = []
    if p.ms and p.state in _TIMES:
        volumes.append((_TIMES[p.state], Decimal(p.ms) / 1_000))
    if p.mwh or not volumes:
        volumes.insert(0, ("Energy", Decimal(p.mwh) / 1_000))
    volumes += _flow("Power", p.power_w, 1) + _flow("Current", p.current_ma, 1_000)
    dimensions: list[Wire] = [{"type": name, "volume": volume} for name, volume in volumes]
    return {"startPeriod": moment_text(p.start_utc_ms), "dimensions": dimensions, "tariffId": tariff_id}


def _flow(name: str, flow: Range | None, parts: int) -> list[tuple[str, Decimal]]:
    return [] if flow is None else [(f"Min{name}", Decimal(flow.low) / parts), (f"Max{name}", Decimal(flow.high) / parts)]


def _seconds(usage: Usage, *states: State) -> int:
    return sum(s.end_utc_ms - s.start_utc_ms for s in usage.segments if s.state in states) // 1_000
