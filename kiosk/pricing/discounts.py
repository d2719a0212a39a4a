"""What is taken off a bill after it is rated: bonuses, entitlements, tiers and coupons, each a line of its own that says who pays for it.

OCPI cannot say any of this, so it never touches the tariff. The order is fixed (`ORDER`): first what makes energy cheaper, then energy that
is already paid for, then percentages of what remains, at last coupons. Each rule works on what the ones before it left. No rule takes the
sum below zero, below its own floor, or below the tariff's minimum price; none can raise it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from enum import Enum
from fractions import Fraction
from functools import lru_cache

from kiosk.pricing.model import Dimension, Element, PriceComponent, PricingError, Restrictions, Tariff, TaxIncluded
from kiosk.pricing.rate import exact_decimal, half_up, less, rate, share_out
from kiosk.pricing.rating import Line, Rating
from kiosk.pricing.usage import Usage
from kiosk.values import Money, exponent

_ZERO = Fraction(0)
_EXACT = Context(prec=200)  # far more digits than sums and products of what a line holds can have
_Shares = Mapping[Decimal | None, Fraction]


class Funder(Enum):
    """Who pays for a discount."""

    OPERATOR = "operator"
    SITE = "site"
    EMPLOYER = "employer"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """`name` is what the driver knows it by. `floor` is the least total this rule leaves, VAT included."""

    name: str
    funded_by: Funder
    floor: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SolarShare(_Rule):
    """Energy from the site's own roof, by its own record, costs `price` a kWh (VAT included) if that is less.

    It is `permille` of whatever the session draws, which was promised at its start, or the `mwh` recorded since, whichever is more.
    """

    price: Decimal
    mwh: int = 0
    permille: int = 0

    def __post_init__(self) -> None:
        _not_negative(self.name, mwh=self.mwh, price=self.price)
        if not 0 <= self.permille <= 1_000:
            raise PricingError(f"discount {self.name}: {self.permille} permille is no share: write 0 to 1000")


@dataclass(frozen=True, slots=True, kw_only=True)
class OffPeakBonus(_Rule):
    """`per_kwh` (VAT included) off for energy drawn while `when` holds, in the local time of `zone`."""

    per_kwh: Decimal
    when: Restrictions
    zone: str

    def __post_init__(self) -> None:
        _not_negative(self.name, per_kwh=self.per_kwh)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription(_Rule):
    """`mwh_left` of the month's energy is paid for already, then `percent` off what remains. The line tells what is left afterwards."""

    mwh_left: int = 0
    percent: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        _not_negative(self.name, mwh_left=self.mwh_left)
        _percentage(self.name, self.percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetGroup(_Rule):
    """`percent` off for the members of a fleet."""

    percent: Decimal

    def __post_init__(self) -> None:
        _percentage(self.name, self.percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoyaltyTier(_Rule):
    """`percent` off for who came often."""

    percent: Decimal

    def __post_init__(self) -> None:
        _percentage(self.name, self.percent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon(_Rule):
    """One of: `amount` (VAT included), `percent` of what remains, or the energy of `mwh`."""

    amount: Money | None = None
    percent: Decimal | None = None
    mwh: int | None = None

    def __post_init__(self) -> None:
        if sum(kind is not None for kind in (self.amount, self.percent, self.mwh)) != 1:
            raise PricingError(f"coupon {self.name}: is worth an amount, a percentage or energy: give exactly one")
        _not_negative(self.name, amount=self.amount.minor if self.amount else 0, mwh=self.mwh or 0)
        _percentage(self.name, self.percent or Decimal(0))


Discount = SolarShare | OffPeakBonus | Subscription | FleetGroup | LoyaltyTier | Coupon

ORDER: tuple[tuple[type[Discount], str], ...] = (
    (SolarShare, "SOLAR"),
    (OffPeakBonus, "OFF_PEAK"),
    (Subscription, "SUBSCRIPTION"),
    (FleetGroup, "FLEET"),
    (LoyaltyTier, "LOYALTY"),
    (Coupon, "COUPON"),
)
_PLACE = {kind: place for place, (kind, _) in enumerate(ORDER)}
CODES = tuple(code for _, code in ORDER)


@dataclass(frozen=True, slots=True)
class DiscountLine(Line):
    """One rule's share at one VAT rate; `amount` is negative. `mwh` is the energy it covered, `left_mwh` what an entitlement has left."""

    name: str = ""
    funded_by: Funder = Funder.OPERATOR
    left_mwh: int | None = None


def discount(rating: Rating, tariff: Tariff, rules: Sequence[Discount], usage: Usage) -> Rating:
    """`rating` with the lines that `rules` take off; never more than `rating.total`, and the same whatever order they come in.

    Raises `PricingError` for a rule in another currency or an unknown zone.
    """
    return take_off(rating, tariff, rules, lambda rule: bonus_of(rule, tariff, usage))


def bonus_of(rule: OffPeakBonus, tariff: Tariff, usage: Usage) -> Fraction:
    """What an off-peak bonus comes to over `usage`, in major units, if the energy costs as much."""
    return Fraction(rate(bonus_tariff(rule, tariff), usage, rule.zone).incl)


def bonus_tariff(rule: OffPeakBonus, tariff: Tariff) -> Tariff:
    """The bonus as a tariff of its own, over the same usage."""
    component = PriceComponent(Dimension.ENERGY, rule.per_kwh, None, 1)
    element = Element((component,), rule.when)
    return Tariff(tariff.country_code, tariff.party_id, rule.name, tariff.currency, (element,), TaxIncluded.NA, 0)


def take_off(rating: Rating, tariff: Tariff, rules: Sequence[Discount], bonus: Callable[[OffPeakBonus], Fraction]) -> Rating:
    """`discount`, where somebody else keeps count of what the bonuses come to."""
    currency = rating.total.currency
    for rule in rules:
        worth = rule.amount if isinstance(rule, Coupon) else None
        for money in (rule.floor, worth):
            if money is not None and money.currency != currency:
                raise PricingError(f"discount {rule.name}: is in {money.currency}, the bill in {currency}")
    sale = _Sale(rating, tariff, bonus)
    lines = [line for rule in _in_order(rules) for line in sale.take(rule)]
    if not lines:
        return rating
    excl, incl = less(rating.excl, sale.excl_off()), less(rating.incl, sale.incl_off())
    return Rating((*rating.lines, *lines), excl, incl, Money(sale.total, currency))


def _in_order(rules: Sequence[Discount]) -> list[Discount]:
    if len({(type(rule), rule.name) for rule in rules}) < len(rules):
        return sorted(rules, key=order_of)
    return sorted(rules, key=lambda rule: (_PLACE[type(rule)], rule.name))


def order_of(rule: Discount) -> tuple[int, str, str, str]:
    """Where a rule stands among others: by its kind, its name, its payer, and at last what it is for. Never by how much it gives: one that
    becomes more generous keeps its place."""
    what = ""
    if isinstance(rule, OffPeakBonus):
        what = f"{rule.zone} {rule.when}"
    elif isinstance(rule, Coupon):
        what = "amount" if rule.amount is not None else "energy" if rule.mwh is not None else "percent"
    return _PLACE[type(rule)], rule.name, rule.funded_by.value, what


class _Sale:
    """What is still to pay while rule after rule takes its part. Amounts are in minor units, VAT included."""

    def __init__(self, rating: Rating, tariff: Tariff, bonus: Callable[[OffPeakBonus], Fraction]) -> None:
        self.rating, self.bonus = rating, bonus
        self.currency = rating.total.currency
        self.scale: int = 10 ** exponent(self.currency)
        self.total = rating.total.minor
        self.off: dict[Decimal | None, int] = {}
        self.last: list[tuple[Decimal | None, int]] = []  # what the last rule took
        self.fraction = _ZERO  # of a minor unit that whoever takes everything takes too
        self.least = min(max(self.total, 0), _minimum(rating, tariff))
        self.groups: dict[Decimal | None, int] = {}
        for line in rating.lines:
            self.groups[line.vat] = self.groups.get(line.vat, 0) + line.amount.minor
        self.energy_lines = [line for line in rating.lines if line.code == Dimension.ENERGY.value]
        self.mwh = self.uncovered = self.unlit = sum(line.mwh for line in self.energy_lines)
        before_cut = sum(line.amount.minor for line in rating.lines if line.code != "MAX_PRICE")
        whole = before_cut == self.total
        cut = _ZERO if before_cut <= 0 else Fraction(1) if whole else Fraction(self.total, before_cut)
        minors: dict[Decimal | None, int] = {}
        for line in self.energy_lines:
            minors[line.vat] = minors.get(line.vat, 0) + line.amount.minor
        self.energy = {vat: minor * cut for vat, minor in minors.items()}
        self.kept = 1, 1  # the part of `energy` that is left after what was taken off everything

    def take(self, rule: Discount) -> Iterator[DiscountLine]:
        match rule:
            case SolarShare():
                yield from self.off_energy(rule, self.sunny(rule))
                self.unlit -= self.lit(rule)
            case OffPeakBonus():
                yield from self.off_energy(rule, self.bonus(rule) * self.scale)
            case Subscription():
                yield from self.covered(rule, rule.mwh_left, rule.mwh_left)
                yield from self.off_total(rule, self.share(rule.percent))
            case FleetGroup() | LoyaltyTier():
                yield from self.off_total(rule, self.share(rule.percent))
            case Coupon(mwh=int(mwh)):
                yield from self.covered(rule, mwh, None)
            case Coupon(amount=Money() as amount):
                yield from self.off_total(rule, Fraction(amount.minor))
            case Coupon():
                yield from self.off_total(rule, self.share(rule.percent or Decimal(0)))

    def share(self, percent: Decimal) -> Fraction:
        above, below = percent.as_integer_ratio()
        return Fraction(self.total * above, 100 * below)

    # --- what a rule is worth ---

    def sunny(self, rule: SolarShare) -> Fraction:
        if not self.mwh:
            return _ZERO
        saved = Decimal(0)
        for line in self.energy_lines:
            saved = _EXACT.add(saved, max(Decimal(0), _EXACT.subtract(line.incl, _EXACT.multiply(line.quantity, rule.price))))
        return Fraction(saved) * (self.scale * self.lit(rule)) / self.mwh

    def lit(self, rule: SolarShare) -> int:
        return min(max(rule.mwh, self.mwh * rule.permille // 1_000), self.unlit)

    # --- taking it ---

    def covered(self, rule: Discount, mwh: int, entitled: int | None) -> Iterator[DiscountLine]:
        """Energy that is paid for: at the average of what the energy still costs."""
        covers = min(mwh, self.uncovered)
        if not covers:
            return
        worth = self.energy_left() * covers / self.uncovered
        taken = self.allowed(rule, worth)
        if 0 < taken < half_up(worth):  # a floor cut it: the entitlement is used up only as far as it helped
            covers = int(covers * taken / worth)
        if taken:
            self.uncovered -= covers
        yield from self.off_energy(rule, worth, covers, None if entitled is None else entitled - covers)

    def off_energy(self, rule: Discount, worth: Fraction, mwh: int = 0, left: int | None = None) -> Iterator[DiscountLine]:
        energy = self.energy_left()
        taken = self.allowed(rule, min(worth, energy))
        if not taken:
            return
        lines = self.lines(rule, taken, self.energy_shares(taken), mwh, left)
        rest = max(_ZERO, energy - taken)
        if len(self.energy) == 1:
            self.energy = dict.fromkeys(self.energy, rest)
        else:
            self.energy = {vat: part * rest / energy for vat, part in self.energy.items()}
        yield from lines

    def energy_shares(self, taken: int) -> _Shares:
        """Where the energy's VAT lies; over everything that is left when there is not that much of it."""
        if len(self.groups) == 1:
            return self.positive()
        shares = {vat: min(part, Fraction(max(0, self.groups.get(vat, 0)))) for vat, part in self.energy.items()}
        return shares if sum(shares.values(), _ZERO) >= taken else self.positive()

    def off_total(self, rule: Discount, worth: Fraction) -> Iterator[DiscountLine]:
        before = self.total
        taken = self.allowed(rule, worth)
        if not taken:
            return
        lines = self.lines(rule, taken, self.positive(), 0, None)
        self.kept = self.kept[0] * self.total, self.kept[1] * before
        yield from lines

    def allowed(self, rule: Discount, worth: Fraction) -> int:
        floor = max(self.least, rule.floor.minor if rule.floor else 0, 0)
        return max(0, min(half_up(worth), self.total - floor))

    def lines(self, rule: Discount, taken: int, shares: _Shares, mwh: int, left: int | None) -> list[DiscountLine]:
        """`taken` shared over the VAT rates; what takes everything takes the part below a minor unit too."""
        if taken == self.total:
            self.fraction = Fraction(self.rating.incl) * self.scale - self.rating.total.minor
        rates, minors = list(shares), [taken]
        if len(shares) > 1:
            rates = [vat for vat, share in shares.items() if share > 0]
            whole = sum(shares.values(), _ZERO)
            minors = share_out([taken * shares[vat] / whole for vat in rates], taken)
        found: list[DiscountLine] = []
        for vat, minor in zip(rates, minors, strict=True):
            if minor:
                incl = Fraction(-minor, self.scale)
                if self.fraction:
                    incl -= self.fraction * minor / (taken * self.scale)
                first = not found
                found.append(self.line(rule, vat, minor, incl, mwh if first else 0, left if first else None))
                self.groups[vat] -= minor
                self.off[vat] = self.off.get(vat, 0) + minor
        self.last = list(zip(rates, minors, strict=True))
        self.total -= taken
        return found

    def incl_off(self) -> Fraction:
        """What is taken off before rounding, in major units."""
        return (sum(self.off.values()) + self.fraction) / self.scale

    def excl_off(self) -> Fraction:
        """The same without VAT."""
        off = sum((minor * self.net_share(vat) for vat, minor in self.off.items()), _ZERO)
        if self.fraction:
            off += self.fraction * sum((minor * self.net_share(vat) for vat, minor in self.last), _ZERO) / sum(m for _, m in self.last)
        return off / self.scale

    def line(self, rule: Discount, vat: Decimal | None, minor: int, incl: Fraction, mwh: int, left: int | None) -> DiscountLine:
        amount = Money(-minor, self.currency)
        net = self.net_share(vat)
        return DiscountLine(
            code=ORDER[_PLACE[type(rule)]][1],
            quantity=Decimal(1),
            unit_price=amount.decimal(),
            excl=exact_decimal(incl * net),
            incl=exact_decimal(incl),
            vat=vat,
            amount=amount,
            mwh=mwh,
            name=rule.name,
            funded_by=rule.funded_by,
            left_mwh=left,
        )

    def energy_left(self) -> Fraction:
        if self.kept[0] != self.kept[1]:
            kept = Fraction(*self.kept)
            self.energy = {vat: part * kept for vat, part in self.energy.items()}
            self.kept = 1, 1
        parts = tuple(self.energy.values())
        return parts[0] if len(parts) == 1 else sum(parts, _ZERO)

    def positive(self) -> _Shares:
        if len(self.groups) == 1:
            return dict.fromkeys(self.groups, Fraction(1))
        return {vat: Fraction(minor) for vat, minor in self.groups.items() if minor > 0}

    def net_share(self, vat: Decimal | None) -> Fraction:
        if vat is not None:
            return _net_share(vat)
        lines = [line for line in self.rating.lines if line.vat is None]
        incl = sum((Fraction(line.incl) for line in lines), _ZERO)
        return sum((Fraction(line.excl) for line in lines), _ZERO) / incl if incl else Fraction(1)


@lru_cache(maxsize=64)
def _net_share(vat: Decimal) -> Fraction:
    return 100 / (100 + Fraction(vat))


def _minimum(rating: Rating, tariff: Tariff) -> int:
    """The tariff's own least price, VAT included, in minor units."""
    least = tariff.min_price
    if least is None:
        return 0
    after = least.after_taxes
    if after is None:
        share = Fraction(rating.incl) / Fraction(rating.excl) if rating.excl else Fraction(1)
        return half_up(Fraction(least.before_taxes) * share * 10 ** exponent(tariff.currency))
    return Money.of(after, tariff.currency).minor


def _not_negative(name: str, **values: int | Decimal) -> None:
    for key, value in values.items():
        if value < 0:
            raise PricingError(f"discount {name}: {key} {value} is below zero, which would raise the price")


def _percentage(name: str, percent: Decimal) -> None:
    if not 0 <= percent <= 100:
        raise PricingError(f"discount {name}: {percent} % is no discount: write 0 to 100")
