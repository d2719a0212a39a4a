"""The pages while energy flows: charging, stop, code."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kiosk.core.live import Running
from kiosk.core.pages import account, prices
from kiosk.core.pages.view import Offer, View, asked_later, back, card_label, free_side, permille, reader_there, stop_code
from kiosk.pricing.discounts import SolarShare
from kiosk.pricing.load import tariff_of
from kiosk.pricing.lowering import lowered
from kiosk.pricing.model import TaxIncluded
from kiosk.pricing.rules import rules_of
from kiosk.protocol import Button, Fact, Line, Side, Way
from kiosk.session.state import Session, Stage
from kiosk.session.visit import CODE_LENGTH, proven
from kiosk.values import Money
from kiosk.wording.wording import NBSP

_STALE_S = 15
_SOON_MS = 12 * 3_600_000  # a change of the price beyond that is not of this charge


def charging(v: View, s: Session) -> dict[str, Any]:
    """Two lines: what goes into the car, what goes off the card."""
    running = v.live.of(s.id)
    assert s.started_at is not None
    stopping = s.stage is Stage.STOP_REQUESTED
    how = v.say.say("charging.stop_how_tag" if s.account else "charging.stop_how_card" if s.payment else "charging.stop_how")
    stop = Button("stop", v.say.say("charging.stop"), "stop", "stop", how)
    return {
        "tone": "mint",
        "title": _title(v, s),
        "badge": v.letter(s),
        "car": car_side(v, s, running),
        "card": card_side(v, s, running),
        "facts": _facts(v, s, running),
        "small_print": _tax(v, s),
        "curve": tuple(running.curve) if running else (),
        "curve_from": v.clock(s.started_at),
        "curve_to": v.clock(v.at),
        **({} if stopping or not v.visit.own or s.stop_code is None else stop_code(v, s)),
        "rail_note": "" if stopping else _ends(v, s),
        "buttons": () if stopping else (stop,),
    }


def _tax(v: View, s: Session) -> str:
    """That the running cost is all: it includes VAT whatever the tariff's own prices do."""
    taxed = s.quote is not None and tariff_of(s.quote).tax_included is not TaxIncluded.NA
    return v.say.say("price.vat_included") if taxed and not s.free else ""


def _title(v: View, s: Session) -> str:
    if s.stage is Stage.STOP_REQUESTED:
        by_limit = s.stops[-1].by == "limit"
        return v.say.say("charging.limit" if by_limit else "charging.stopping")
    if s.silent:
        return v.say.say("charging.silent", plug=v.letter(s))
    if s.stage is Stage.SUSPENDED:
        return v.say.say("charging.paused" if s.pauses[-1].by == "car" else "charging.withheld")
    return v.say.say("charging.title")


def _ends(v: View, s: Session) -> str:
    """How far the charge goes by itself."""
    if s.account is not None and s.account.most is None and s.account.most_mwh is None:
        return v.say.say("charging.ends_unplug")
    grows = s.quote.most if s.quote and s.payment and not s.payment.stored else None
    spend = s.spendable
    if grows is not None and spend is not None and spend < grows:
        return v.say.say("charging.ends_at", most=v.say.money(grows))
    return v.say.say("charging.ends")


def _stale(v: View, running: Running | None) -> str:
    if running is None or v.at.ms_since(running.at) < _STALE_S * 1_000:
        return ""
    return v.say.say("charging.since", time=v.clock(running.at))


def car_side(v: View, s: Session, running: Running | None) -> Side:
    """What the car got. Its state of charge leads when it is known; otherwise the energy does."""
    label = v.say.say("side.car")
    if running is None or s.begin is None:
        return Side(label, v.say.kwh(0), v.say.say("unit.kwh"), line=Line("live"))
    got = v.say.kwh(max(0, running.reading.mwh - s.begin.mwh))
    since = _stale(v, running)
    soc, first = running.reading.soc_percent, running.first_soc
    if soc is None or first is None:
        whole = s.spendable
        share = permille(running.rating.total.minor, whole.minor) if whole else 0
        return Side(label, got, v.say.say("unit.kwh"), since=since, line=Line("live", fact=share))
    line = Line("live", before=first * 10, fact=max(0, soc - first) * 10)
    cap = f"+{got} {v.say.say('unit.kwh')}"
    return Side(label, str(soc), "%", since=since, line=line, cap_start=cap)


def card_side(v: View, s: Session, running: Running | None) -> Side:
    """What it costs so far, and what stays the driver's."""
    hold = s.spendable or Money.zero(v.k.setup.currency)
    if s.free:
        return replace(free_side(v, hold, ""), cap_end=v.say.say("free.up_to", amount=v.say.money(hold)))
    cost = running.rating.total if running else Money.zero(hold.currency)
    if s.account is not None:
        side = Side(v.say.say("side.account"), v.say.amount(cost), v.say.symbol(cost.currency), v.say.say("charging.so_far"))
        share = permille(cost.minor, hold.minor) if hold else 1_000
        return replace(side, line=Line("live", fact=share, promise=1_000 - share), note=_cheaper(v, s) or account.note(v, s))
    if s.payment is None:
        label, note = card_label(v, s.last_payment), v.say.say("charging.bank_no")
        return Side(label, v.say.amount(cost), v.say.symbol(cost.currency), v.say.say("charging.so_far"), line=Line("unknown"), note=note)
    share = permille(cost.minor, hold.minor)
    rest = max(hold - cost, Money.zero(hold.currency), key=lambda m: m.minor)
    cap = v.say.say("charging.stays_yours", rest=v.say.money(rest), hold=v.say.money(hold))
    line = Line("live", fact=share, promise=1_000 - share)
    symbol = v.say.symbol(hold.currency)
    note = v.say.say("charging.asked_later") if asked_later(s) else _cheaper(v, s)
    return Side(card_label(v, s.payment), v.say.amount(cost), symbol, v.say.say("charging.so_far"), line=line, cap_end=cap, note=note)


def _cheaper(v: View, s: Session) -> str:
    """What the running cost is less by."""
    rules = rules_of(s.quote) if s.quote else ()
    return v.say.say("charging.cheaper", names=prices.names(rules, v.say)) if rules else ""


def _facts(v: View, s: Session, running: Running | None) -> tuple[Fact, ...]:
    assert s.started_at is not None
    power = running.reading.power_w if running else None
    seconds = v.at.ms_since(s.started_at) // 1_000
    time, _, hours = v.say.duration(seconds).replace(NBSP, " ").partition(" ")
    return (
        Fact(v.say.say("charging.power"), v.say.kw(power or 0), v.say.say("unit.kw")),
        Fact(v.say.say("charging.time"), time, hours),
        _price(v, s, running),
    )


def _price(v: View, s: Session, running: Running | None) -> Fact:
    """What a kWh costs now, after what is taken off each, and until when if the clock will change it."""
    assert s.quote is not None
    offer = Offer(tariff_of(s.quote), s.quote.hold)
    rules = lowered(rules_of(s.quote), (rule for rule in v.discounts if isinstance(rule, SolarShare)))
    amount, unit = prices.per_kwh(offer, v.at, s.quote.zone, v.say, rules)
    sunny = any(isinstance(rule, SolarShare) and rule.permille for rule in rules)
    change = running.meter.next_change() if running else None
    if change is None or change.utc_ms is None or change.utc_ms - v.at.utc_ms > _SOON_MS:
        return Fact(v.say.say("charging.price_now"), amount, unit, "sun" if sunny else "")
    until = v.say.say("charging.price_until", time=v.say.clock(change.utc_ms, s.quote.zone))
    return Fact(until, amount, unit, "sun" if sunny else "")


def stop(v: View, s: Session) -> dict[str, Any]:
    """Whoever wants to stop shows that it is theirs; then holds the button."""
    letter = v.letter(s)
    if v.visit.own and proven(s, v.at, v.k.setup.policy.proof_s):
        running = v.live.of(s.id)
        return {
            "tone": "mint",
            "title": v.say.say("stop.proven", plug=letter),
            "badge": letter,
            "car": car_side(v, s, running),
            "card": card_side(v, s, running),
            "buttons": (back(v, "stop.keep"), Button("confirm_stop", v.say.say("stop.hold"), "stop", "hold")),
        }
    return {
        "tone": "mint",
        "title": v.say.say("stop.title", plug=letter),
        "badge": letter,
        "ways": (
            *_card_way(v, s),
            *account.stop_way(v, s),
            Way("lock", v.say.say("stop.code_title"), v.say.say("stop.code_text"), "type_code"),
            Way("car", v.say.say("stop.unplug_title"), v.say.say("stop.unplug_text")),
        ),
        "buttons": (back(v, "stop.keep"),),
    }


def _card_way(v: View, s: Session) -> tuple[Way, ...]:
    if s.payment is None or not reader_there(v):
        return ()
    return (Way("card", v.say.say("stop.card_title"), v.say.say("stop.card_text"), "show_card"),)


def code(v: View, s: Session) -> dict[str, Any]:
    """Four digits, three tries."""
    locked = s.code_locked_until is not None and not v.at.reached(s.code_locked_until)
    return {
        "tone": "mint",
        "title": v.say.say("code.title"),
        "subtitle": _tries(v, s, locked),
        "badge": v.letter(s),
        "code_typed": len(v.visit.typed),
        "code_length": 0 if locked else CODE_LENGTH,
        "buttons": (back(v),),
    }


def _tries(v: View, s: Session, locked: bool) -> str:
    if locked:
        assert s.code_locked_until is not None
        return v.say.say("code.locked", time=v.clock(s.code_locked_until))
    if not v.visit.missed:
        return v.say.say("code.hint")
    left = v.k.setup.policy.code_misses - s.code_misses % v.k.setup.policy.code_misses
    return v.say.say("code.missed", n=left)
