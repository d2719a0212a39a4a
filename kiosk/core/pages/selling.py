"""The pages before energy flows: idle, price, pay, plug in, starting."""

from __future__ import annotations

from typing import Any

from kiosk.core.pages import account, prices
from kiosk.core.pages.day import day
from kiosk.core.pages.view import Offer, View, asked_later, back, card_label, free_side, hold_side, stop_code
from kiosk.pricing.discounts import OffPeakBonus, SolarShare
from kiosk.pricing.load import tariff_of
from kiosk.pricing.lowering import lowered
from kiosk.pricing.rules import rules_of
from kiosk.protocol import Button, ConnectorKey, Countdown, Fact, Side
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.sellable import READY, closed_because, sellable
from kiosk.session.setup import Connector
from kiosk.session.state import FLOWING, Session, Stage
from kiosk.values import Money
from kiosk.wording.wording import FaultText

_FREE = ("free", "plugged")
_OUT = frozenset({ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE})


def idle(v: View) -> dict[str, Any]:
    """Every plug with its state, power, price and what will be reserved."""
    keys = tuple(_key(v, c) for c in v.k.setup.connectors)
    offered = {prices.per_kwh(v.place.offers[c.id], v.at, v.place.zone, v.say) for c in v.k.setup.connectors}
    shared = offered.pop() if len(offered) == 1 and not v.gift else ("", "")
    code = closed_because(v.k)
    closed = v.say.fault(code, plug="", amount="", phone=v.place.helpline) if code else None
    return {
        "tone": "paper",
        "title": closed.title if closed else _idle_title(v, keys),
        "subtitle": _hint(v, keys),
        "connectors": keys,
        "price": Fact(_next(v) or v.say.say("idle.price_now"), *shared) if shared[0] else None,
        "rail_note": closed.what if closed else _promise(v),
    }


def _next(v: View) -> str:
    """What the price that all plugs share becomes next, where they share that too."""
    days = (day(v.place.offers[c.id], v.at, v.place.zone, v.say) for c in v.k.setup.connectors)
    told = {ahead.next if ahead else "" for ahead in days}
    return told.pop() if len(told) == 1 else ""


def _hint(v: View, keys: tuple[ConnectorKey, ...]) -> str:
    if any(key.state in _FREE for key in keys):
        return v.say.say("idle.hint")
    return v.say.say("idle.hint_stop") if any(key.state == "in_use" for key in keys) else ""


def _promise(v: View) -> str:
    if v.gift:
        smallest = min((v.place.offers[c.id].hold for c in v.k.setup.connectors), key=lambda m: m.minor)
        return v.say.say("free.promise", amount=v.say.money(smallest))
    if account.tags_only(v):
        return v.say.say("idle.only_tags")
    holds = sorted({v.place.offers[c.id].hold.minor for c in v.k.setup.connectors})
    least, most = (v.say.money(Money(minor, v.k.setup.currency)) for minor in (holds[0], holds[-1]))
    if least == most:
        return v.say.say("idle.promise_tags" if account.tags(v) else "idle.promise", amount=most)
    return v.say.say("idle.promise_tags_range" if account.tags(v) else "idle.promise_range", least=least, most=most)


def _idle_title(v: View, keys: tuple[ConnectorKey, ...]) -> str:
    if all(key.state == "unknown" for key in keys):
        return v.say.say("idle.reporting")
    free = [key for key in keys if key.state in _FREE]
    if len(free) == len(keys) == 2:
        return v.say.say("idle.both_free")
    if len(free) == len(keys):
        return v.say.say("idle.all_free", n=len(keys))
    if len(keys) == 2 and free:
        other = next(key for key in keys if key not in free)
        code = "idle.one_out" if other.state in ("out", "unknown") else "idle.one_taken"
        return v.say.say(code, free=free[0].letter, other=other.letter)
    if not free:
        return v.say.say("idle.none_free")
    return v.say.say("idle.some_free", free=len(free), n=len(keys))


def _key(v: View, c: Connector) -> ConnectorKey:
    session = v.k.at(c.id)
    reported = v.k.connectors.get(c.id)
    offer = v.place.offers[c.id]
    amount, unit = prices.per_kwh(offer, v.at, v.place.zone, v.say)
    price = "" if v.gift else f"{amount}{'' if unit.startswith('/') else ' '}{unit}".strip()
    power = v.say.say("idle.power", power=v.say.kw(c.max_power_w))
    state, note, intent = "unknown", "", ""
    if session is not None:
        state, intent = _taken(session)
        note = v.say.say("key.touch_stop") if intent else ""
    elif c.pile not in v.k.online or reported is None or reported.status is None:
        note = v.say.say("key.not_reachable")
    elif sellable(v.k, c.id):
        state = "plugged" if reported.status is ConnectorStatus.PREPARING else "free"
        intent = "choose"
        note = v.say.say("key.free_up_to" if v.gift else "key.reserve", amount=v.say.money(offer.hold))
        note = v.say.say("key.with_tag") if account.tags_only(v) else note
    elif reported.status in _OUT:
        state, note = "out", v.say.say("key.we_know")
    elif reported.status in READY:
        state = "closed"
    else:
        state = "reserved" if reported.status is ConnectorStatus.RESERVED else "ending"
    plug_name = v.say.say(f"plug.{c.plug}")
    return ConnectorKey(c.id, c.letter, state, v.say.say(f"key.{state}"), c.plug, plug_name, power, price, note, intent)


def _taken(session: Session) -> tuple[str, str]:
    if session.stage in FLOWING:
        return "in_use", "choose"
    if session.stage in (Stage.ENDED, Stage.VACATED):
        return "ending", ""
    return "waiting", ""


def price(v: View) -> dict[str, Any]:
    """The whole price and the hold of one plug."""
    assert v.visit.connector is not None
    c = v.k.setup.by_id[v.visit.connector]
    offer = v.place.offers[c.id]
    reported = v.k.connectors.get(c.id)
    plugged = reported is not None and reported.status is ConnectorStatus.PREPARING
    return {
        "tone": "paper",
        "subtitle": v.say.say("price.plugged") if plugged and not offer.choices else "",  # keys to choose from need its line
        "badge": c.letter,
        "plug": c.plug,
        **(
            _gift(v, offer, c.letter) if v.gift else _on_account(v, offer, c.letter) if account.tags_only(v) else _terms(v, offer, c.letter)
        ),
    }


def _terms(v: View, offer: Offer, letter: str) -> dict[str, Any]:
    hold = offer.holding(v.visit.hold)
    return {
        "title": v.say.say("price.title", plug=letter),
        "prices": prices.table(offer, v.at, v.place.zone, v.say, v.discounts),
        "small_print": prices.small_print(offer, v.say, v.discounts),
        "day": day(offer, v.at, v.place.zone, v.say),
        "card": hold_side(v, hold, v.say.say("price.not_paid"), prices.terms(offer, hold, v.say), v.say.say("side.on_card")),
        "choices": prices.choices(offer, v.visit.hold, v.say),
        "rail_note": v.say.say("price.or_tag") if account.tags(v) else "",
        "buttons": (back(v), Button("accept", v.say.say("price.agree"), "right", "primary")),
    }


def _on_account(v: View, offer: Offer, letter: str) -> dict[str, Any]:
    """Cards cannot be taken: the tag at the reader is the agreement."""
    return {
        "title": v.say.say("price.title", plug=letter),
        "prices": prices.table(offer, v.at, v.place.zone, v.say, v.discounts),
        "small_print": prices.small_print(offer, v.say, v.discounts),
        "day": day(offer, v.at, v.place.zone, v.say),
        "card": account.side(v, v.say.say("price.tag_agrees")),
        "rail_note": v.say.say("idle.only_tags"),
        "buttons": (back(v),),
    }


def _gift(v: View, offer: Offer, letter: str) -> dict[str, Any]:
    return {
        "title": v.say.say("free.title", plug=letter),
        "prices": prices.free_table(offer, v.say),
        "small_print": prices.free_small_print(offer, v.at, v.place.zone, v.say),
        "card": free_side(v, offer.hold, v.say.say("free.terms", amount=v.say.money(offer.hold))),
        "buttons": (back(v), Button("accept", v.say.say("free.start"), "right", "primary")),
    }


def pay(v: View, s: Session) -> dict[str, Any]:
    """The terminal waits for a card, or asks the bank."""
    assert s.quote is not None
    bank = v.dialogue == "bank"
    code = "pay.asking_title" if bank else "pay.title"
    note = v.say.say("pay.asking_note" if bank else "price.release")
    return {
        "tone": "paper",
        "title": v.say.say(code),
        "subtitle": v.say.say("pay.no_pin_here"),
        "badge": v.letter(s),
        "steps": v.say.say("pay.step_bank" if bank else "pay.step_card"),
        "card": hold_side(v, s.quote.hold, v.say.say("pay.will_be_reserved"), note, v.say.say("side.on_card")),
        "rail_note": v.say.say("pay.or_tag") if account.tags(v) and not bank else "",
        "buttons": () if bank else (Button("cancel", v.say.say("pay.cancel"), "cross"),),
    }


def plug_in(v: View, s: Session) -> dict[str, Any]:
    """Paid: now the cable."""
    assert s.plug_until is not None
    left = max(0, v.at.ms_until(s.plug_until) // 1_000)
    letter = v.letter(s)
    note = v.say.say("plug_in.release", time=v.clock(s.plug_until))
    other = v.other_sellable(s)
    buttons = [Button("leave", v.say.say("plug_in.other", plug=other.letter), "right")] if other else []
    return {
        **_held(v, s, note),
        "title": v.say.say("plug_in.title", plug=letter),
        "subtitle": _less(v, s),
        "car": Side(v.say.say("side.car")),
        "countdown": Countdown(v.say.say("plug_in.left", left=v.say.countdown(left)), left, v.k.setup.policy.plug_s),
        "buttons": (
            *buttons,
            Button("more_time", v.say.say("plug_in.more_time"), "clock"),
            Button("cancel", v.say.say("plug_in.cancel"), "cross"),
        ),
    }


def _less(v: View, s: Session) -> str:
    """A word to a driver whose bank reserved less than the price page said, or whose card made the price fall."""
    text = _reserved_less(v, s)
    return text.title if text else _lowered(v, s)


def _reserved_less(v: View, s: Session) -> FaultText | None:
    amount = s.spendable
    if s.payment is None or not amount or not s.quote or amount >= s.quote.hold or asked_later(s):
        return None
    return v.say.fault("approved_less", plug=v.letter(s), amount=v.say.money(amount), phone=v.place.helpline)


def _lowered(v: View, s: Session) -> str:
    mine = tuple(rule for rule in rules_of(s.quote) if not isinstance(rule, SolarShare | OffPeakBonus)) if s.quote else ()
    if not mine or s.quote is None:
        return ""
    rules = lowered(rules_of(s.quote), (rule for rule in v.discounts if isinstance(rule, SolarShare)))
    return prices.fell(mine, rules, Offer(tariff_of(s.quote), s.quote.hold), v.at, s.quote.zone, v.say)


def starting(v: View, s: Session) -> dict[str, Any]:
    """Cable in, pile asked: car and pile are talking."""
    until = s.starts[-1].until
    left = max(0, v.at.ms_until(until) // 1_000)
    less = _reserved_less(v, s)
    return {
        **_held(v, s, less.what if less else v.say.say("starting.note")),
        "title": v.say.say("starting.title", plug=v.letter(s)),
        "subtitle": "" if less else _lowered(v, s),
        "car": Side(v.say.say("side.car")),
        "countdown": Countdown(v.say.say("starting.left"), left, v.k.setup.policy.start_s),
        "buttons": (Button("cancel", v.say.say("plug_in.cancel"), "cross"),),
    }


def _held(v: View, s: Session, note: str) -> dict[str, Any]:
    return {
        "tone": "paper",
        "badge": v.letter(s),
        "plug": v.connector(s).plug,
        "card": _held_side(v, s, note),
        **stop_code(v, s),
    }


def _held_side(v: View, s: Session, note: str) -> Side:
    if s.account is not None:
        return account.side(v, account.note(v, s))
    amount = s.spendable
    assert amount is not None
    if s.free:
        return free_side(v, amount, v.say.say("free.up_to", amount=v.say.money(amount)))
    after = v.say.say("plug_in.reserved")
    if asked_later(s):
        after, note = v.say.say("plug_in.at_most"), v.say.say("plug_in.asked_later", amount=v.say.money(amount))
    return hold_side(v, amount, after, note, card_label(v, s.payment))
