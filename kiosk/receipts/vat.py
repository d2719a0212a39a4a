"""The VAT rows of a receipt: those of the priced bill, brought down in proportion where less is charged than was priced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from kiosk.pricing.vat import VatGroup
from kiosk.values import Money


@dataclass(frozen=True, slots=True)
class Tax:
    """A rate in percent and its share of what is paid: `net` + `tax` = `gross`. Rate None is what has no rate of its own."""

    rate: Decimal | None
    net: Money
    tax: Money
    gross: Money


def taxes(groups: Sequence[VatGroup], charge: Money) -> tuple[Tax, ...]:
    """The groups' shares of `charge`, in whole minor units, largest remainder first; exactly the groups when nothing was taken off."""
    shares = _spread([group.gross.minor for group in groups], charge.minor)
    return tuple(_share(group, Money(share, charge.currency)) for group, share in zip(groups, shares, strict=True))


def _share(group: VatGroup, gross: Money) -> Tax:
    if gross == group.gross:
        return Tax(group.vat, group.net, group.tax, gross)
    part = Decimal(group.tax.minor * gross.minor) / group.gross.minor if group.gross else Decimal(0)
    tax = Money(int(part.to_integral_value(ROUND_HALF_UP)), gross.currency)
    return Tax(group.vat, gross - tax, tax, gross)


def _spread(weights: list[int], total: int) -> list[int]:
    whole = sum(weights)
    if whole == total:
        return weights
    if whole == 0:
        return [total] + [0] * (len(weights) - 1) if weights else []
    parts = [divmod(weight * total, whole) for weight in weights]
    shares = [share for share, _ in parts]
    by_remainder = sorted(range(len(parts)), key=lambda i: (-parts[i][1], i))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares
