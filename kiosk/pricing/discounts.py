"""What is taken off a bill after it is rated: bonuses, entitlements, tiers and coupons, each a line of its own that says who pays for it.

OCPI cannot say any of this, so it never touches the tariff. The order is fixed (`ORDER`): first what makes energy cheaper, then energy that
is already paid for, then percentages of what remains, at last coupons. Each rule works on what the ones before it left. No rule takes the
sum below zero, below its own floor, or below the tariff's minimum price; none can raise it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from enum import Enum
from fractions import Fraction
from functools import lru_cache, reduce

from kiosk.pricing.model import Dimension, Element, PriceComponent, PricingError, Restrictions, Tariff, TaxIncluded
from kiosk.pricing.part import NOTHING, Part
from kiosk.pricing.rate import divided, exact_decimal, half_up, less, rate, share_out
from kiosk.pricing.rating import Line, Rating
from kiosk.pricing.usage import Usage
from kiosk.values import Money, exponent

_ZERO = Fraction(0)
_ONE = Decimal(1)
_EXACT = Context(prec=200)  # far more digits than sums and products of what a line holds can have
_Shares = Mapping[Decimal | None, int]


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
_CODE = dict(ORDER)
CODES = tuple(_CODE.values())


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
    return take_off(rating, tariff, in_order(rules, rating.total.currency), lambda rule: bonus_of(rule, tariff, usage))


def bonus_of(rule: OffPeakBonus, tariff: Tariff, usage: Usage) -> Fraction:
    """What an off-peak bonus comes to over `usage`, in major units, if the energy costs as much."""
    return Fraction(rate(bonus_tariff(rule, tariff), usage, rule.zone).incl)


def bonus_tariff(rule: OffPeakBonus, tariff: Tariff) -> Tariff:
    """The bonus as a tariff of its own, over the same usage."""
    component = PriceComponent(Dimension.ENERGY, rule.per_kwh, None, 1)
    element = Element((component,), rule.when)
    return Tariff(tariff.country_code, tariff.party_id, rule.name, tariff.currency, (element,), TaxIncluded.NA, 0)


def take_off(rating: Rating, tariff: Tariff, rules: Sequence[Discount], bonus: Callable[[OffPeakBonus], Fraction]) -> Rating:
    """`discount`, where somebody else keeps count of what the bonuses come to and has put the rules `in_order`."""
    sale = _Sale(rating, tariff, bonus)
    lines = [line for rule in rules for line in sale.take(rule)]
    if not lines:
        return rating
    excl, incl = less(rating.excl, sale.excl_off()), less(rating.incl, sale.incl_off())
    return Rating((*rating.lines, *lines), excl, incl, Money(sale.total, rating.total.currency))


def in_order(rules: Iterable[Discount], currency: str) -> tuple[Discount, ...]:
    """The rules as they are applied to a bill in `currency`. Raises `PricingError` for one in another."""
    ordered = tuple(sorted(rules, key=order_of))
    for rule in ordered:
        worth = rule.amount if isinstance(rule, Coupon) else None
        for money in (rule.floor, worth):
            if money is not None and money.currency != currency:
                raise PricingError(f"discount {rule.name}: is in {money.currency}, the bill in {currency}")
    return ordered


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
    """What is still to pay while rule after rule takes its part. Amounts are in minor units, VAT included.

    `left` and `apart` are exact; a line shows what the whole minor units fell by. Rounded after every rule, a sale from which a rule took
    more could end at a minor unit more than one from which it took less.
    """

    def __init__(self, rating: Rating, tariff: Tariff, bonus: Callable[[OffPeakBonus], Fraction]) -> None:
        self.rating, self.bonus = rating, bonus
        self.currency = rating.total.currency
        self.digits = exponent(self.currency)
        self.scale: int = 10**self.digits
        self.total = rating.total.minor
        self.off: dict[Decimal | None, int] = {}
        self.last: list[tuple[Decimal | None, int]] = []  # what the last rule took
        self.fraction = _ZERO  # of a minor unit that whoever takes everything takes too
        self.least = min(max(self.total, 0), _minimum(rating, tariff))
        self.groups: dict[Decimal | None, int] = {}
        for line in rating.lines:
            self.groups[line.vat] = self.groups.get(line.vat, 0) + line.amount.minor
        self.energy_lines = [line for line in rating.lines if line.code == Dimension.ENERGY.value]
        self.mwh = self.uncovered = self.ungiven = self.unlit = sum(line.mwh for line in self.energy_lines)
        before_cut = sum(line.amount.minor for line in rating.lines if line.code != "MAX_PRICE")
        kept = (0, 1) if before_cut <= 0 else (1, 1) if before_cut == self.total else (self.total, before_cut)
        energy = sum(line.amount.minor for line in self.energy_lines) * kept[0]
        self.left = Part(self.total, 1)
        self.apart = Part(max(0, self.total * kept[1] - energy), kept[1])  # of `left`, what is not for energy

    def take(self, rule: Discount) -> list[DiscountLine]:
        match rule:
            case SolarShare():
                lines = self.off_energy(rule, self.sunny(rule))
                self.unlit -= self.lit(rule)
                return lines
            case OffPeakBonus():
                worth = self.bonus(rule)
                return self.off_energy(rule, Part(worth.numerator * self.scale, worth.denominator))
            case Subscription():
                return self.covered(rule, rule.mwh_left, rule.mwh_left) + self.percent_off(rule, rule.percent)
            case FleetGroup() | LoyaltyTier():
                return self.percent_off(rule, rule.percent)
            case Coupon(mwh=int(mwh)):
                return self.covered(rule, mwh, None)
            case Coupon(amount=Money() as amount):
                return self.amount_off(rule, amount.minor)
            case Coupon():
                return self.percent_off(rule, rule.percent or Decimal(0))

    # --- what a rule is worth ---

    def sunny(self, rule: SolarShare) -> Part:
        if not self.mwh:
            return NOTHING
        saved = Decimal(0)
        for line in self.energy_lines:
            saved = _EXACT.add(saved, max(Decimal(0), _EXACT.subtract(line.incl, _EXACT.multiply(line.quantity, rule.price))))
        above, below = saved.as_integer_ratio()
        return Part(above * self.scale * self.lit(rule), below * self.mwh)

    def lit(self, rule: SolarShare) -> int:
        return min(max(rule.mwh, self.mwh * rule.permille // 1_000), self.unlit)

    # --- taking it ---

    def covered(self, rule: Discount, mwh: int, entitled: int | None) -> list[DiscountLine]:
        """Energy that is paid for: at the average of what the energy still costs. What one rule is for is for no other, even where a floor
        kept it from giving all of it; the entitlement is used up only as far as it helped."""
        if not mwh:
            return []
        energy = self.left.less(self.apart)
        worth = energy if mwh >= self.uncovered else energy.times(mwh, self.uncovered)
        self.uncovered -= min(mwh, self.uncovered)
        stays = self.floored(rule, self.left.less(worth))
        given = min(mwh, self.ungiven)
        if worth.above and stays.exceeds(self.left.less(worth)):
            taken = self.left.less(stays)
            given = given * taken.above * worth.below // (taken.below * worth.above)
        lines = self.fall(rule, stays, energy, given, None if entitled is None else entitled - given)
        self.ungiven -= given
        return lines

    def off_energy(self, rule: Discount, worth: Part) -> list[DiscountLine]:
        stays = self.left.less(worth)
        if self.apart.exceeds(stays):
            stays = self.apart
        return self.fall(rule, self.floored(rule, stays), self.left.less(self.apart))

    def percent_off(self, rule: Discount, percent: Decimal) -> list[DiscountLine]:
        if not percent:
            return []
        above, below = percent.as_integer_ratio()
        kept = 100 * below - above, 100 * below
        self.apart = self.apart.times(*kept)
        return self.fall(rule, self.floored(rule, self.left.times(*kept)))

    def amount_off(self, rule: Discount, minor: int) -> list[DiscountLine]:
        if self.left.above <= 0:
            return []
        stays = Part(max(0, self.left.above - minor * self.left.below), self.left.below)
        self.apart = self.apart.times(stays.above, self.left.above)
        return self.fall(rule, self.floored(rule, stays))

    def floored(self, rule: Discount, stays: Part) -> Part:
        """What stays to pay when a rule would leave `stays`: no less than its floor, no more than before."""
        floor = Part(max(self.least, rule.floor.minor) if rule.floor else self.least, 1)
        if not floor.exceeds(stays):
            return stays
        return self.left if floor.exceeds(self.left) else floor

    def fall(self, rule: Discount, stays: Part, energy: Part | None = None, mwh: int = 0, left: int | None = None) -> list[DiscountLine]:
        """From now on it is `stays`: a line for each VAT rate, if it shows. `energy` is what the energy cost, if this is taken off that."""
        self.left = stays
        taken = self.total - stays.half_down()
        if not taken:
            return []
        return self.lines(rule, taken, self.positive() if energy is None else self.energy_shares(energy, taken), mwh, left)

    def energy_shares(self, energy: Part, taken: int) -> _Shares:
        """Where the VAT of `energy` lies; over everything that is left when there is not that much of it."""
        if len(self.groups) == 1:
            return self.groups
        minors: dict[Decimal | None, int] = {}
        for line in self.energy_lines:
            minors[line.vat] = minors.get(line.vat, 0) + line.amount.minor
        whole = sum(minors.values()) * energy.below
        shares = {vat: min(-(-energy.above * minor // whole), max(0, self.groups[vat])) for vat, minor in minors.items()} if whole else {}
        return shares if sum(shares.values()) >= taken else self.positive()

    def positive(self) -> _Shares:
        return self.groups if len(self.groups) == 1 else {vat: minor for vat, minor in self.groups.items() if minor > 0}

    def lines(self, rule: Discount, taken: int, shares: _Shares, mwh: int, left: int | None) -> list[DiscountLine]:
        """`taken` shared over the VAT rates; what takes everything takes the part below a minor unit too."""
        if taken == self.total:
            self.fraction = Fraction(self.rating.incl) * self.scale - self.rating.total.minor
        rates, minors = list(shares), [taken]
        if len(shares) > 1:
            rates = [vat for vat, share in shares.items() if share > 0]
            whole = sum(shares.values())
            minors = share_out([Fraction(taken * shares[vat], whole) for vat in rates], taken)
        found: list[DiscountLine] = []
        for vat, minor in zip(rates, minors, strict=True):
            if minor:
                incl = Part(-minor, self.scale)
                if self.fraction:
                    incl = incl.less(Part(*(self.fraction * minor / (taken * self.scale)).as_integer_ratio()))
                first = not found
                found.append(self.line(rule, vat, minor, incl, mwh if first else 0, left if first else None))
                self.groups[vat] -= minor
                self.off[vat] = self.off.get(vat, 0) + minor
        self.last = list(zip(rates, minors, strict=True))
        self.total -= taken
        return found

    def incl_off(self) -> Decimal:
        """What is taken off before rounding, in major units."""
        off = sum(self.off.values())
        return exact_decimal((off + self.fraction) / self.scale) if self.fraction else divided(off, self.scale)

    def excl_off(self) -> Decimal:
        """The same without VAT."""
        off = self.without_vat(self.off.items())
        if self.fraction:
            last = self.without_vat(self.last)
            off = off.plus(last.times(*(self.fraction / sum(minor for _, minor in self.last)).as_integer_ratio()))
        return divided(off.above, off.below * self.scale)

    def without_vat(self, minors: Iterable[tuple[Decimal | None, int]]) -> Part:
        return _sum([Part(minor, 1).times(*self.net_share(vat)) for vat, minor in minors])

    def line(self, rule: Discount, vat: Decimal | None, minor: int, incl: Part, mwh: int, left: int | None) -> DiscountLine:
        return DiscountLine(
            code=_CODE[type(rule)],
            quantity=_ONE,
            unit_price=Decimal(-minor).scaleb(-self.digits),
            excl=divided(*incl.times(*self.net_share(vat))),
            incl=divided(*incl),
            vat=vat,
            amount=Money(-minor, self.currency),
            mwh=mwh,
            name=rule.name,
            funded_by=rule.funded_by,
            left_mwh=left,
        )

    def net_share(self, vat: Decimal | None) -> tuple[int, int]:
        if vat is not None:
            return _net_share(vat)
        lines = [line for line in self.rating.lines if line.vat is None]
        incl = sum((Fraction(line.incl) for line in lines), _ZERO)
        return (sum((Fraction(line.excl) for line in lines), _ZERO) / incl).as_integer_ratio() if incl else (1, 1)


def _sum(parts: Collection[Part]) -> Part:
    return reduce(Part.plus, parts) if parts else NOTHING


@lru_cache(maxsize=64)
def _net_share(vat: Decimal) -> tuple[int, int]:
    return (100 / (100 + Fraction(vat))).as_integer_ratio()


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
