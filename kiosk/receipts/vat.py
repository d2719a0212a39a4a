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


def credited(charged: Sequence[Tax], before: Sequence[Tax], amount: Money) -> tuple[Tax, ...]:
    """The rows of `charged` that a refund of `amount` gives back, after the refunds of `before` (rows in the same order).

    Each refund is shared out over what is left of every rate, so no rate ever gets back more than it was charged, and the refund that
    takes the rest takes exactly the rest: net, tax and gross.
    """
    left = [VatGroup(c.rate, c.net - b.net, c.tax - b.tax, c.gross - b.gross) for c, b in zip(charged, before, strict=True)]
    return taxes(left, amount)


def added(rows: Sequence[Tax], more: Sequence[Tax]) -> tuple[Tax, ...]:
    """Rate by rate; both have the same rates in the same order."""
    return tuple(Tax(a.rate, a.net + b.net, a.tax + b.tax, a.gross + b.gross) for a, b in zip(rows, more, strict=True))


def nothing(rows: Sequence[Tax]) -> tuple[Tax, ...]:
    """The same rates, without any money."""
    return tuple(Tax(row.rate, row.net - row.net, row.tax - row.tax, row.gross - row.gross) for row in rows)


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
