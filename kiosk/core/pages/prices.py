"""A tariff as the driver reads it: the table before the start, what is taken off, the hero price, and the quote those words become."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal

from kiosk.core.pages.view import Offer
from kiosk.pricing.canonical import canonical, tariff_hash
from kiosk.pricing.components import Component, components, energy_price
from kiosk.pricing.discounts import ORDER, Coupon, Discount, SolarShare, Subscription
from kiosk.pricing.explain import conditions
from kiosk.pricing.model import Restrictions
from kiosk.pricing.quote import Quote
from kiosk.pricing.rules import under
from kiosk.pricing.terms import price_of_energy
from kiosk.protocol import Choice, PriceRow
from kiosk.values import Moment, Money, exponent
from kiosk.wording.remarks import remark_texts
from kiosk.wording.wording import NBSP, Wording

_NAMES = {"ENERGY": "price.energy", "TIME": "price.time", "PARKING_TIME": "price.stay", "FLAT": "price.start"}
_CODES = dict(ORDER)
_JOINED = "\u2060"  # a price and its unit stay on one line
_LONGEST_NAMES = 26
_MOST_TIMES = 3  # prices of electricity beside that of now, each with a row
_UNITS = {"kWh": "unit.per_kwh", "min": "unit.per_minute"}


Rules = tuple[Discount, ...]


def table(offer: Offer, at: Moment, zone: str, say: Wording, rules: Rules = ()) -> tuple[PriceRow, ...]:
    """Every component in the order of the law: per kWh, per minute, per session, other. What costs nothing is said too. The price that
    leads is the tariff's of now; what everybody pays less stands below it."""
    found = sorted(components(offer.tariff, at.utc_ms, zone), key=lambda c: c.code == "ENERGY" and not c.now)
    energy = [c for c in found if c.code == "ENERGY"]
    rest = [c for c in found if c.code != "ENERGY"]
    rows = [*_by_time(energy, offer, say), *(_row(c, offer, say) for c in rest)]
    codes = {c.code for c in found}
    note, glyph = _less(offer, at, zone, say, rules)
    nothing = [say.say(_NAMES[code]) for code in ("TIME", "PARKING_TIME", "FLAT") if code not in codes]
    if len(energy) > 1 and nothing:  # prices by the hour need the room
        nothing = [", ".join(nothing)]
    rows += [PriceRow(name, say.say("price.none"), none=True) for name in nothing]
    if rows and not rows[0].none:
        first = rows[0]
        rows[0] = replace(first, note=note or first.note, first=True, glyph=glyph)
    return tuple(rows)


def _by_time(energy: list[Component], offer: Offer, say: Wording) -> list[PriceRow]:
    """The price of energy of now, and under it those of other times: each with its time, or from which to which where they are many."""
    rows = [_row(c, offer, say) for c in energy[:1]]
    others = energy[1:]
    name = say.say(_NAMES["ENERGY"])
    if len(others) > _MOST_TIMES:
        return [*rows, PriceRow(say.say("price.otherwise"), *_from_to(others, offer.tariff.currency, say), of=name)]
    for c in others:
        other = _row(c, offer, say)
        rows.append(replace(other, name=other.note or say.say("price.otherwise"), note="", of=name))
    return rows


def _from_to(some: list[Component], currency: str, say: Wording) -> tuple[str, str]:
    """The lowest and the highest price of a kWh, with decimals alike."""
    ends = min(c.price for c in some), max(c.price for c in some)
    digits = max(exponent(currency), *(-int(price.as_tuple().exponent) for price in ends))
    return _beside("–".join(say.number(price, digits) for price in ends), "kWh", currency, say)


def _less(offer: Offer, at: Moment, zone: str, say: Wording, rules: Rules) -> tuple[str, str]:
    """What a kWh costs after the discounts everybody gets, and the glyph beside it."""
    stated, price = price_of_energy(offer.tariff, rules, at.utc_ms, zone)
    if stated is None or price is None or price >= stated:
        return "", ""
    amount = say.unit_price(_at_most(price, offer.tariff.currency), offer.tariff.currency, "unit.per_kwh")
    if any(isinstance(rule, SolarShare) and rule.permille for rule in rules):
        return say.say("price.with_sun", price=amount), "sun"
    return say.say("price.with_discount", price=amount, names=names(rules, say)), ""


def _at_most(price: Decimal, currency: str) -> Decimal:
    """A price that comes out of a calculation, in whole minor units: no lower than it is."""
    return price.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_CEILING)


def names(rules: Rules, say: Wording) -> str:
    """What the discounts are called by whoever gives them; how many there are where that is too long to read in passing."""
    return _together((_called(rule, say) for rule in rules), say)


def _called(rule: Discount, say: Wording) -> str:
    return say.discount(_CODES[type(rule)], rule.name)


def _together(some: Iterable[str], say: Wording) -> str:
    called = tuple(dict.fromkeys(some))
    text = ", ".join(called)
    if len(text) <= _LONGEST_NAMES:
        return text
    return say.say("price.several", n=len(called)) if len(called) > 1 else f"{text[: _LONGEST_NAMES - 1].rstrip()}…"


def fell(mine: Rules, rules: Rules, offer: Offer, at: Moment, zone: str, say: Wording) -> str:
    """That the price fell by `mine`, of all the `rules` it has now: to how much a kWh, or what was given where no kWh tells it."""
    others = tuple(rule for rule in rules if rule not in mine)
    _, before = price_of_energy(offer.tariff, others, at.utc_ms, zone)
    _, after = price_of_energy(offer.tariff, rules, at.utc_ms, zone)
    if before is None or after is None or after >= before:
        return say.say("price.fell", names=_together((_given(rule, say) for rule in mine), say))
    price = say.unit_price(_at_most(after, offer.tariff.currency), offer.tariff.currency, "unit.per_kwh")
    return say.say("price.fell_to", price=price.replace("/", f"/{_JOINED}"), names=names(mine, say))


def _given(rule: Discount, say: Wording) -> str:
    """A discount and what it is worth: energy or an amount."""
    mwh = rule.mwh_left if isinstance(rule, Subscription) else rule.mwh if isinstance(rule, Coupon) else None
    if mwh:
        return f"{_called(rule, say)} ({say.kwh(mwh)}{NBSP}{say.say('unit.kwh')})"
    worth = rule.amount if isinstance(rule, Coupon) else None
    return f"{_called(rule, say)} ({say.money(worth)})" if worth is not None else _called(rule, say)


def per_kwh(offer: Offer, at: Moment, zone: str, say: Wording, rules: Rules = ()) -> tuple[str, str]:
    """Amount and unit of the energy price now, after `rules`; empty when energy itself costs nothing."""
    stated, price = price_of_energy(offer.tariff, rules, at.utc_ms, zone)
    if stated is None or price is None:
        return "", ""
    price = stated if price == stated else _at_most(price, offer.tariff.currency)
    return _beside(price, "kWh", offer.tariff.currency, say)


def small_print(offer: Offer, say: Wording, rules: Rules = ()) -> str:
    vat = say.say("price.vat_included") if offer.tariff.tax_included.value == "YES" else say.say("price.vat_added")
    return f"{vat} {say.say('price.only_falls')}" if rules else vat


def promise(offer: Offer, hold: Money, say: Wording) -> str:
    """What is reserved, in a sentence."""
    if offer.step is not None and offer.most is not None:
        return say.say("price.reserve_steps", amount=say.money(hold), most=say.money(offer.most))
    return say.say("price.reserve", amount=say.money(hold))


def terms(offer: Offer, hold: Money, say: Wording) -> str:
    """What becomes of the reserved money, beside its number."""
    if offer.choices:
        return say.say("price.choose")
    if offer.step is not None and offer.most is not None:
        return f"{promise(offer, hold, say)} {say.say('price.only_used')}"
    return say.say("price.release")


def choices(offer: Offer, picked: int | None, say: Wording) -> tuple[Choice, ...]:
    """The amounts to choose the hold from, the chosen one marked."""
    chosen = offer.holding(picked)
    return tuple(Choice(say.short_money(m), m == chosen, {"minor": str(m.minor)}) for m in offer.choices)


def quote(offer: Offer, at: Moment, zone: str, say: Wording, picked: int | None = None, rules: Rules = ()) -> Quote:
    """What the driver agrees to: the tariff and the discounts as they stand, and the very words of the price page."""
    hold = offer.holding(picked)
    said = _said(table(offer, at, zone, say, rules))
    texts = (*said, small_print(offer, say, rules), promise(offer, hold, say), terms(offer, hold, say))
    return under(_quote(offer, zone, say, hold, texts), rules)


# --- a charge that is given away ------------------------------------------------------------------------------------------------


def free_table(offer: Offer, say: Wording) -> tuple[PriceRow, ...]:
    """What a charge costs that is given away: nothing, whatever the component."""
    currency = offer.tariff.currency
    energy = PriceRow(say.say("price.energy"), *_beside(Decimal(0), "kWh", currency, say), first=True)
    rest = (PriceRow(say.say(_NAMES[code]), say.say("price.none"), none=True) for code in ("TIME", "PARKING_TIME", "FLAT"))
    return (energy, *rest)


def free_small_print(offer: Offer, at: Moment, zone: str, say: Wording) -> str:
    """By which price it is told how far the gift goes."""
    price = energy_price(offer.tariff, at.utc_ms, zone)
    return "" if price is None else say.say("free.small_print", price=say.price(price, offer.tariff.currency))


def free_quote(offer: Offer, at: Moment, zone: str, say: Wording) -> Quote:
    """What the driver agrees to when the charge is given away."""
    texts = (*_said(free_table(offer, say)), free_small_print(offer, at, zone, say), say.say("free.terms", amount=say.money(offer.hold)))
    return _quote(offer, zone, say, offer.hold, tuple(filter(None, texts)))


def account_quote(offer: Offer, at: Moment, zone: str, say: Wording, rules: Rules = ()) -> Quote:
    """What a driver agrees to who holds an RFID tag to the reader: the same prices, and nothing is reserved."""
    hold = Money.zero(offer.tariff.currency)
    texts = (*_said(table(offer, at, zone, say, rules)), small_print(offer, say, rules), say.say("account.bill"))
    return replace(under(_quote(offer, zone, say, hold, texts), rules), step=None, most=None)


def _said(rows: tuple[PriceRow, ...]) -> Iterator[str]:
    return (" ".join(filter(None, (r.of, r.name, r.amount, r.unit, r.note))) for r in rows)


def _quote(offer: Offer, zone: str, say: Wording, hold: Money, texts: tuple[str, ...]) -> Quote:
    tariff = offer.tariff
    return Quote(tariff.id, canonical(tariff), tariff_hash(tariff), zone, hold, say.language, texts, offer.step, offer.most)


def _row(c: Component, offer: Offer, say: Wording) -> PriceRow:
    currency = offer.tariff.currency
    name = say.say(_NAMES[c.code]) if c.code in _NAMES else say.say(f"dimension.{c.code}")
    return PriceRow(name, *_beside(c.price, c.unit, currency, say), _note(c, say))


def _beside(price: Decimal | str, unit: str, currency: str, say: Wording) -> tuple[str, str]:
    symbol = say.symbol(currency)
    amount = say.rate(price, currency) if isinstance(price, Decimal) else price
    return say.beside(amount, say.say(_UNITS[unit], symbol=symbol) if unit in _UNITS else symbol, currency)


def _when(r: Restrictions | None, say: Wording) -> str:
    """When a price applies: from when to when by the clock of the site, and what else it depends on."""
    if r is None:
        return ""
    start, end = r.start_time or 0, r.end_time or 24 * 60
    by_clock = r.start_time is not None or r.end_time is not None
    hours = [f"{start // 60:02}:{start % 60:02}–{end // 60:02}:{end % 60:02}"] if by_clock else []
    other = (remark for remark in conditions(r) if remark.code != "explain.when.between")
    return ", ".join([*hours, *remark_texts(other, say)])


def _note(c: Component, say: Wording) -> str:
    return ", ".join(filter(None, (_when(c.restrictions, say), _stay(c, say))))


def _stay(c: Component, say: Wording) -> str:
    free, cap = c.free_seconds // 60, c.cap
    if free and cap:
        return say.say("price.stay_free_capped", minutes=free, amount=say.money(cap))
    if free:
        return say.say("price.stay_free", minutes=free)
    return say.say("price.stay_capped", amount=say.money(cap)) if cap else ""
