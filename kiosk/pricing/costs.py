"""What was charged, sorted by what it was for, net and tax adding up to the money that moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction

from kiosk.pricing.rate import share_out
from kiosk.pricing.rating import Line, Rating
from kiosk.pricing.tally import Slot
from kiosk.pricing.vat import VatGroup, breakdown
from kiosk.values import Money


class Bucket(Enum):
    """The kinds of cost that OCPI and OCPP both know."""

    FIXED = "fixed"
    ENERGY = "energy"
    TIME = "time"
    PARKING = "parking"
    RESERVATION = "reservation"
    RESERVATION_FIXED = "reservation_fixed"


_BUCKETS = {
    "FLAT": Bucket.FIXED,
    "ENERGY": Bucket.ENERGY,
    "TIME": Bucket.TIME,
    "PARKING_TIME": Bucket.PARKING,
    "IDLE_CAP": Bucket.PARKING,
    "RESERVATION_TIME": Bucket.RESERVATION,
}


@dataclass(frozen=True, slots=True)
class Tax:
    """`vat` in percent; None where several rates are mixed."""

    vat: Decimal | None
    amount: Money


@dataclass(frozen=True, slots=True)
class Cost:
    net: Money
    taxes: tuple[Tax, ...]

    @property
    def gross(self) -> Money:
        return sum((tax.amount for tax in self.taxes), self.net)


@dataclass(frozen=True, slots=True)
class Costs:
    """`total` is the rating's; the parts add up to it with `others`, the lines that neither standard has a field for."""

    total: Cost
    parts: Mapping[Bucket, Cost]
    others: tuple[Line, ...]


def costs(rating: Rating, fees: Iterable[Slot] = ()) -> Costs:
    """`fees` tells which fees were for a reservation."""
    reserved = [slot for slot in fees if slot.restrictions is not None and slot.restrictions.reservation is not None]
    plain = [slot for slot in fees if slot not in reserved]
    rows: dict[Bucket, list[tuple[Line, Money]]] = {}
    others = []
    for line, net in zip(rating.lines, _nets(rating), strict=True):
        bucket = _BUCKETS.get(line.code)
        if bucket is Bucket.FIXED and _among(line, reserved) and not _among(line, plain):
            bucket = Bucket.RESERVATION_FIXED
        if bucket is None:
            others.append(line)
        else:
            rows.setdefault(bucket, []).append((line, net))
    zero = Money.zero(rating.total.currency)
    groups = breakdown(rating)
    total = Cost(sum((g.net for g in groups), zero), tuple(Tax(g.vat, g.tax) for g in groups if g.vat is not None or g.tax))
    return Costs(total, {bucket: _cost(found, zero) for bucket, found in rows.items()}, tuple(others))


def merged(*parts: Cost | None) -> Cost | None:
    """The sum of those that are there."""
    there = [part for part in parts if part is not None]
    if not there:
        return None
    zero = Money.zero(there[0].net.currency)
    taxes: dict[Decimal | None, Money] = {}
    for part in there:
        for tax in part.taxes:
            taxes[tax.vat] = taxes.get(tax.vat, zero) + tax.amount
    return Cost(sum((part.net for part in there), zero), tuple(Tax(vat, amount) for vat, amount in taxes.items()))


def _among(line: Line, slots: Iterable[Slot]) -> bool:
    return any((slot.component.price, slot.component.vat) == (line.unit_price, line.vat) for slot in slots)


def _cost(rows: Sequence[tuple[Line, Money]], zero: Money) -> Cost:
    taxes: dict[Decimal | None, Money] = {}
    for line, net in rows:
        taxes[line.vat] = taxes.get(line.vat, zero) + line.amount - net
    return Cost(sum((net for _, net in rows), zero), tuple(Tax(vat, tax) for vat, tax in taxes.items() if vat is not None or tax))


def _nets(rating: Rating) -> list[Money]:
    """Each line without its tax; those of a rate add up to the net of the rate."""
    nets = [0] * len(rating.lines)
    for group in breakdown(rating):
        places = [i for i, line in enumerate(rating.lines) if line.vat == group.vat]
        share = _net_share(group)
        exact = [rating.lines[i].amount.minor * share for i in places]
        for i, net in zip(places, share_out(exact, group.net.minor), strict=True):
            nets[i] = net
    return [Money(net, rating.total.currency) for net in nets]


def _net_share(group: VatGroup) -> Fraction:
    if group.gross:
        return Fraction(group.net.minor, group.gross.minor)
    return 100 / (100 + Fraction(group.vat or 0))
