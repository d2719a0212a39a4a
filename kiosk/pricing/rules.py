"""The discounts a sale is sold under, as text: read strictly, written canonically, frozen beside the tariff in a quote.

One JSON list of objects, the same in an operator's file, in a source's answer and in the journal. An unknown key is an error, and so is
anything absurd: more rules than a receipt has room for, names nobody can read, amounts of another magnitude.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from kiosk.pricing.canonical import Plain, restrictions, text, text_hash
from kiosk.pricing.discounts import (
    CODES,
    ORDER,
    Coupon,
    Discount,
    FleetGroup,
    Funder,
    LoyaltyTier,
    OffPeakBonus,
    SolarShare,
    Subscription,
    order_of,
)
from kiosk.pricing.load import parse, restrictions_from, tariff_of
from kiosk.pricing.localtime import zone_of
from kiosk.pricing.model import PricingError, Restrictions
from kiosk.pricing.quote import Quote
from kiosk.pricing.scalars import decimal_number, whole_number
from kiosk.values import MWH_PER_KWH, Money

MOST_RULES = 16
_LONGEST_NAME = 40
_MOST_KWH = 100_000
_MOST_MONEY = 1_000_000
_CODE = dict(ORDER)
_V = TypeVar("_V")


def rules_text(rules: Iterable[Discount]) -> str:
    """Canonical JSON; empty for no rules. `read_rules` of it gives equal rules in the order in which they are applied."""
    ordered = sorted(rules, key=order_of)
    return text([_body(rule) for rule in ordered]) if ordered else ""


def read_rules(data: str, currency: str, zone: str) -> tuple[Discount, ...]:
    """The rules in JSON text, in the order in which they are applied. Amounts are in `currency`; `zone` is for rules that name none.

    Raises `PricingError`, which names the rule, its key and the mend.
    """
    return rules_from(parse(data.encode()), currency, zone) if data else ()


def rules_from(body: object, currency: str, zone: str) -> tuple[Discount, ...]:
    """The rules in parsed JSON: see `read_rules`."""
    if not isinstance(body, list):
        raise PricingError("discounts are a list of objects: write it in [brackets]")
    if len(body) > MOST_RULES:
        raise PricingError(f"{len(body)} discounts are more than the {MOST_RULES} a sale can have")
    rules = tuple(sorted((_Reader(row, f"discounts[{i}]", currency, zone).rule() for i, row in enumerate(body)), key=order_of))
    _unmistakable(rules)
    return rules


@lru_cache(maxsize=64)
def rules_of(quote: Quote) -> tuple[Discount, ...]:
    """What is taken off under a quote. Raises `PricingError` when the frozen text is not the one that was hashed."""
    if not quote.discounts_json and not quote.discounts_hash:
        return ()
    if text_hash(quote.discounts_json) != quote.discounts_hash:
        raise PricingError(f"the discounts of tariff {quote.tariff_id} do not match their hash: they were changed after they were accepted")
    return read_rules(quote.discounts_json, tariff_of(quote).currency, quote.zone)


def under(quote: Quote, rules: Sequence[Discount]) -> Quote:
    """The quote with these rules instead of its own."""
    written = rules_text(rules)
    return replace(quote, discounts_json=written, discounts_hash=text_hash(written) if written else "")


def key_of(rule: Discount) -> tuple[object, ...]:
    """What makes a rule the same rule, however generous it is."""
    when = (rule.when, rule.zone) if isinstance(rule, OffPeakBonus) else ()
    kind = tuple(v is None for v in (rule.amount, rule.percent, rule.mwh)) if isinstance(rule, Coupon) else ()
    return type(rule), rule.name, rule.funded_by, *when, *kind


def _unmistakable(rules: Sequence[Discount]) -> None:
    seen: set[tuple[object, ...]] = set()
    for rule in rules:
        if key_of(rule) in seen:
            raise PricingError(f"discount {rule.name}: is there twice: give each a name of its own")
        seen.add(key_of(rule))
    if sum(isinstance(rule, SolarShare) for rule in rules) > 1:
        raise PricingError("two discounts are for sun: a site has one roof, and its energy one price")


# --- writing --------------------------------------------------------------------------------------------------------------------


def _body(rule: Discount) -> Plain:
    body: dict[str, Plain | None] = {
        "type": _CODE[type(rule)],
        "name": rule.name,
        "funded_by": rule.funded_by.value,
        "floor": None if rule.floor is None else rule.floor.decimal(),
    }
    match rule:
        case SolarShare():
            body |= {"price": rule.price, "kwh": _kwh(rule.mwh), "permille": rule.permille or None}
        case OffPeakBonus():
            when = restrictions(None if rule.when == Restrictions() else rule.when)
            body |= {"per_kwh": rule.per_kwh, "when": when, "zone": rule.zone}
        case Subscription():
            body |= {"kwh_left": _kwh(rule.mwh_left), "percent": rule.percent or None}
        case FleetGroup() | LoyaltyTier():
            body |= {"percent": rule.percent}
        case Coupon():
            amount = None if rule.amount is None else rule.amount.decimal()
            kwh = None if rule.mwh is None else Decimal(rule.mwh) / MWH_PER_KWH
            body |= {"amount": amount, "percent": rule.percent, "kwh": kwh}
    return {key: value for key, value in body.items() if value is not None}


def _kwh(mwh: int) -> Decimal | None:
    return Decimal(mwh) / MWH_PER_KWH if mwh else None


# --- reading --------------------------------------------------------------------------------------------------------------------


class _Reader:
    """One object of the list. What nobody took of it is unknown."""

    def __init__(self, row: object, path: str, currency: str, zone: str) -> None:
        if not isinstance(row, Mapping):
            raise PricingError(f"{path}: is not an object")
        self._row = dict(row)
        self._path, self._currency, self._zone = path, currency, zone

    def rule(self) -> Discount:
        kind = self._needed("type", self._word)
        rule = self._of_kind(kind)
        if self._row:
            raise PricingError(f"{self._path}.{next(iter(self._row))}: unknown key in a discount of type {kind}")
        return rule

    def _of_kind(self, kind: str) -> Discount:
        name, funder, floor = self._needed("name", self._name), self._needed("funded_by", _funder), self._maybe("floor", self._money)
        match kind:
            case "SOLAR":
                price, mwh = self._needed("price", decimal_number), self._maybe("kwh", _mwh) or 0
                permille = self._maybe("permille", whole_number) or 0
                return SolarShare(name=name, funded_by=funder, floor=floor, price=price, mwh=mwh, permille=permille)
            case "OFF_PEAK":
                per_kwh, when = self._needed("per_kwh", decimal_number), self._maybe("when", restrictions_from) or Restrictions()
                zone = self._maybe("zone", _zone) or self._zone
                return OffPeakBonus(name=name, funded_by=funder, floor=floor, per_kwh=per_kwh, when=when, zone=zone)
            case "SUBSCRIPTION":
                mwh, percent = self._maybe("kwh_left", _mwh) or 0, self._maybe("percent", decimal_number) or Decimal(0)
                return Subscription(name=name, funded_by=funder, floor=floor, mwh_left=mwh, percent=percent)
            case "FLEET":
                return FleetGroup(name=name, funded_by=funder, floor=floor, percent=self._needed("percent", decimal_number))
            case "LOYALTY":
                return LoyaltyTier(name=name, funded_by=funder, floor=floor, percent=self._needed("percent", decimal_number))
        amount, share, energy = self._maybe("amount", self._money), self._maybe("percent", decimal_number), self._maybe("kwh", _mwh)
        return Coupon(name=name, funded_by=funder, floor=floor, amount=amount, percent=share, mwh=energy)

    def _maybe(self, key: str, read: Callable[[object], _V]) -> _V | None:
        value = self._row.pop(key, None)
        if value is None:
            return None
        try:
            return read(value)
        except ValueError as error:
            raise PricingError(f"{self._path}.{key}: {error}") from None

    def _needed(self, key: str, read: Callable[[object], _V]) -> _V:
        if (value := self._maybe(key, read)) is None:
            raise PricingError(f"{self._path}.{key}: is missing")
        return value

    def _word(self, value: object) -> str:
        if value not in CODES:
            raise ValueError(f"is none of {', '.join(CODES)}")
        return str(value)

    def _name(self, value: object) -> str:
        if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > _LONGEST_NAME:
            raise ValueError(f"is no name for a receipt: write up to {_LONGEST_NAME} plain characters")
        return value

    def _money(self, value: object) -> Money:
        number = decimal_number(value)
        if number > _MOST_MONEY:
            raise ValueError(f"{number} is out of range: amounts are in whole {self._currency}")
        return Money.of(number, self._currency)


def _funder(value: object) -> Funder:
    try:
        return Funder(value)
    except ValueError:
        raise ValueError(f"is none of {', '.join(f.value for f in Funder)}") from None


def _mwh(value: object) -> int:
    number = decimal_number(value)
    if number > _MOST_KWH:
        raise ValueError(f"{number} kWh is out of range")
    mwh = number * MWH_PER_KWH
    if mwh != int(mwh):
        raise ValueError(f"{number} is finer than a meter counts: at most 6 decimals")
    return int(mwh)


def _zone(value: object) -> str:
    zone_of(str(value))
    return str(value)
