"""The pages at the end and off the path: finished, trouble, out of order, help, language."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kiosk.core.pages import account
from kiosk.core.pages.view import View, asked_later, back, card_label, free_side, given_back, held, hold_side, permille
from kiosk.pricing.components import components
from kiosk.pricing.discounts import DiscountLine
from kiosk.pricing.load import tariff_of
from kiosk.pricing.rating import Line as BillLine
from kiosk.pricing.vat import breakdown
from kiosk.protocol import Button, Countdown, Language, Line, Side, Way
from kiosk.session.cost import final
from kiosk.session.faults import FAULTS
from kiosk.session.money import another_card_possible
from kiosk.session.sellable import closed_because
from kiosk.session.state import FLOWING, Modification, ModificationState, Payment, Session, Stage
from kiosk.session.visit import fault_of
from kiosk.values import Moment, Money
from kiosk.wording.languages import ENDONYMS

_LONGEST_NAMES = 16
_CANCELS = ("cancel", "cancel_by_reference")
_TAKEN = (ModificationState.SUBMITTED, ModificationState.CONFIRMED)


def finished(v: View, s: Session) -> dict[str, Any]:
    """What the car got, what the card pays, the receipt."""
    assert s.delivered is not None
    stays = s.vacated_at is None
    code = v.receipt_code(s.id) if s.receipt is not None else ()
    return {
        "tone": "mint",
        "title": v.say.say("finished.unplug" if stays else "finished.title"),
        "badge": v.letter(s),
        "car": Side(v.say.say("side.car"), v.say.kwh(s.delivered.mwh), v.say.say("unit.kwh"), line=_car_line(v, s)),
        "card": _paid_side(v, s),
        "sum_line": _sum_line(v, s),
        "small_print": v.say.say("finished.banks") if _released(s) else "",
        "countdown": _stay(v, s) if stays else None,
        "receipt_qr": code,
        "receipt_label": v.say.say("finished.receipt") if code else "",
        "receipt_note": _paper(v, s) if code else _no_receipt(v, s),
        "buttons": (*_print_button(v, s), Button("finish", v.say.say("finished.finish"), "check", "primary")),
    }


def _no_receipt(v: View, s: Session) -> str:
    if s.free:
        return ""
    if asked_later(s):
        return v.say.say("finished.receipt_later")
    free = s.priced is not None and not s.priced.charge
    return v.say.say("finished.nothing_to_pay" if free else "finished.receipt_soon")


def _car_line(v: View, s: Session) -> Line:
    running = v.live.of(s.id)
    soc = running.reading.soc_percent if running else None
    if running is None or soc is None or running.first_soc is None:
        return Line("plain", fact=1_000)
    return Line("plain", before=running.first_soc * 10, fact=max(0, soc - running.first_soc) * 10)


def _paid_side(v: View, s: Session) -> Side:
    hold = held(s) or Money.zero(v.k.setup.currency)
    if s.free:
        return free_side(v, hold, v.say.say("free.done"))
    if s.account is not None:
        return account.owed_side(v, s)
    symbol = v.say.symbol(hold.currency)
    label = card_label(v, s.payment)
    if s.priced is None:
        cost = final(s, v.at).total if s.delivered and s.delivered.mwh else Money.zero(hold.currency)
        share = permille(cost.minor, hold.minor)
        line = Line("plain", fact=share, promise=1_000 - share)
        return Side(
            label, v.say.amount(cost), symbol, v.say.say("charging.so_far"), line=line, note=v.say.say("finished.final_after_unplug")
        )
    paid = s.priced.charge
    share = permille(paid.minor, hold.minor)
    if not _released(s):
        line = Line("plain", fact=share, promise=1_000 - share)
        note = v.say.say("finished.asked_later" if asked_later(s) else "finished.pending")
        return Side(label, v.say.amount(paid), symbol, v.say.say("finished.being_paid"), line=line, note=note)
    line = Line("settled", fact=share, promise=1_000 - share)
    cap = v.say.say("finished.released", amount=v.say.money(hold - paid))
    returned = given_back(s)
    note = v.say.say("finished.given_back", amount=v.say.money(returned)) if returned else ""
    return Side(label, v.say.amount(paid), symbol, v.say.say("finished.paid"), line=line, cap_end=cap, note=note)


def _released(s: Session) -> bool:
    """Whether the acquirer knows what is taken, and so what falls free."""
    if s.priced is not None and not s.priced.charge:
        return any(m.state in _TAKEN for m in s.modifications.values() if m.operation in _CANCELS)
    return s.capture is not None and s.capture.state in _TAKEN


def _sum_line(v: View, s: Session) -> str:
    if s.priced is None or s.free or not s.priced.rating.lines:
        return ""
    rating = s.priced.rating
    parts = ""
    for line in _few(v, rating.lines):
        sign = " − " if line.amount.minor < 0 else " + "
        parts += f"{sign if parts else ''}{_part(v, line)}"
    tax = sum(group.tax.minor for group in breakdown(rating))
    total = v.say.money(rating.total)
    return v.say.say("finished.sum", parts=parts, total=total, vat=v.say.money(Money(tax, rating.total.currency)))


def _few(v: View, lines: tuple[BillLine, ...]) -> tuple[BillLine, ...]:
    """The lines of a bill for one sentence: discounts that would make it too long are one; the receipt has them all."""
    lines = tuple(replace(line, name=v.say.discount(line.code, line.name)) if isinstance(line, DiscountLine) else line for line in lines)
    off = [line for line in lines if isinstance(line, DiscountLine)]
    if sum(len(line.name) for line in off) <= _LONGEST_NAMES:
        return lines
    amount = Money(sum(line.amount.minor for line in off), off[0].amount.currency)
    name = v.say.say("price.several", n=len(off)) if len(off) > 1 else f"{off[0].name[: _LONGEST_NAMES - 1].rstrip()}…"
    return (*(line for line in lines if not isinstance(line, DiscountLine)), replace(off[0], name=name, amount=amount))


def _part(v: View, line: BillLine) -> str:
    if line.code == "ENERGY":
        quantity = f"{v.say.kwh(line.mwh)} {v.say.say('unit.kwh')}"
        return f"{quantity} × {v.say.price(line.unit_price, line.amount.currency)}"
    name = line.name if isinstance(line, DiscountLine) else v.say.say(f"dimension.{line.code}")
    return f"{name} {v.say.money(Money(abs(line.amount.minor), line.amount.currency))}"


def _stay(v: View, s: Session) -> Countdown | None:
    if s.quote is None:
        return None
    tariff = tariff_of(s.quote)
    stay = next((c for c in components(tariff, v.at.utc_ms, v.place.zone) if c.code == "PARKING_TIME"), None)
    if stay is None or s.ended_at is None or s.accrues_until is None or v.at.reached(s.accrues_until):
        return None
    free_until = s.ended_at.plus(stay.free_seconds)
    price = v.say.price(stay.price, tariff.currency)
    left = v.at.ms_until(free_until) // 1_000
    if left > 0:
        text = v.say.say("finished.stay_free", time=v.clock(free_until), price=price)
        return Countdown(text, left, stay.free_seconds)
    return Countdown(v.say.say("finished.stay_costs", price=price), 0, max(1, stay.free_seconds))


def _paper(v: View, s: Session) -> str:
    result = s.prints[-1].result if s.prints else ""
    code = {"": "printing", "printed": "printed", "not_printed": "no_paper"}.get(result, "unconfirmed")
    return v.say.say(f"finished.paper_{code}")


def _print_button(v: View, s: Session) -> tuple[Button, ...]:
    if s.receipt is None or any(not p.result for p in s.prints):
        return ()
    return (Button("print", v.say.say("finished.print"), "print"),)


# --- trouble ------------------------------------------------------------------------------------------------------------------


def trouble(v: View, s: Session) -> dict[str, Any]:
    """What happened, what it means for the money, what to do, whom to call."""
    code = fault_of(s)
    last = s.payment or s.last_payment
    hold = last.approval.authorized if last and last.approval else (s.quote.hold if s.quote else Money.zero(v.k.setup.currency))
    amount = s.priced.charge if s.priced and code in ("capture_refused", "capture_failed") else hold
    text = v.say.fault(code, plug=v.letter(s), amount=v.say.money(amount), phone=v.place.helpline)
    return {
        "tone": "apricot",
        "glyph": "warning",
        "title": text.title,
        "badge": v.letter(s),
        "what": text.what,
        "now": text.now,
        "card": _trouble_side(v, s, code, last, hold),
        "countdown": _try_again_in_time(v, s),
        "call": v.say.say("trouble.call", code=FAULTS[code].spoken, station=v.place.spoken),
        "buttons": _ways_out(v, s),
    }


def _try_again_in_time(v: View, s: Session) -> Countdown | None:
    if s.stage is not Stage.START_FAILED or s.retry_until is None:
        return None
    left = max(0, v.at.ms_until(s.retry_until) // 1_000)
    return Countdown(v.say.say("trouble.retry_left", left=v.say.countdown(left)), left, v.k.setup.policy.retry_s)


def _trouble_side(v: View, s: Session, code: str, last: Payment | None, hold: Money) -> Side:
    symbol = v.say.symbol(hold.currency)
    label = card_label(v, last)
    if s.free:
        return free_side(v, hold, "")
    if s.account is not None:
        return account.side(v, v.say.say("account.nothing_owed"), "account.owed")
    if s.stage is Stage.START_FAILED:
        after = v.say.say("plug_in.at_most" if asked_later(s) else "price.not_paid")
        return hold_side(v, s.spendable or hold, after, v.say.say("trouble.retry"), label)
    if last is not None and last.open:
        note = v.say.say("trouble.perhaps", time=v.clock(last.give_up_at))
        return Side(label, v.say.amount(hold), symbol, v.say.say("trouble.maybe"), line=Line("unknown"), note=note)
    if code in ("money_unknown", "terminal_silent"):
        note = v.say.say("trouble.released_unseen")
        return Side(label, v.say.amount(hold), symbol, v.say.say("trouble.maybe"), line=Line("unknown"), note=note)
    if (s.priced is not None and s.priced.charge) or code in ("capture_refused", "meter_unproven"):
        line = Line("plain", promise=1_000)
        return Side(label, v.say.amount(hold), symbol, v.say.say("plug_in.reserved"), line=line, note=v.say.say("trouble.reserved_still"))
    zero = v.say.amount(Money.zero(hold.currency))
    return Side(label, zero, symbol, v.say.say("trouble.taken"), line=Line("none"), note=_release_note(v, s, hold))


def _release_note(v: View, s: Session, hold: Money) -> str:
    cancels = [m for m in s.modifications.values() if m.operation in _CANCELS and _held(s, m)]
    if not cancels:
        later = any(p.stored for p in s.payments.values())
        return v.say.say("trouble.release_later" if later else "trouble.nothing_reserved")
    submitted = [m.submitted_at for m in cancels if m.submitted_at is not None and m.state in _TAKEN]
    if submitted:
        return v.say.say("trouble.released", amount=v.say.money(hold), time=v.clock(_latest(submitted)))
    if all(m.state is ModificationState.REQUESTED for m in cancels):
        return v.say.say("trouble.releasing", amount=v.say.money(hold))
    return v.say.say("trouble.reserved_still")


def _held(s: Session, m: Modification) -> bool:
    return s.payments[m.payment].approval is not None


def _latest(moments: list[Moment]) -> Moment:
    return max(moments, key=lambda m: m.utc_ms)


def _ways_out(v: View, s: Session) -> tuple[Button, ...]:
    if s.stage is Stage.PAYING:
        if s.money_open:
            return (Button("cancel", v.say.say("pay.cancel"), "cross"),)
        again = Button("another_card", v.say.say("trouble.another_card"), "right", "primary")
        possible = another_card_possible(s, v.k.setup.policy)
        return (Button("cancel", v.say.say("pay.cancel"), "cross"), *([again] if possible else []))
    if s.stage is Stage.START_FAILED:
        again = Button("start_again", v.say.say("trouble.start_again"), "right", "primary")
        return (Button("cancel", v.say.say("pay.cancel"), "cross"), again)
    return (Button("finish", v.say.say("finished.finish"), "check", "primary"),)


def out_of_order(v: View) -> dict[str, Any]:
    """Nothing can be sold: what, that running charges are safe, and whom to call."""
    code = "disk_slow" if v.slow else closed_because(v.k) or "out_of_order"
    text = v.say.fault(code, plug="", amount="", phone=v.place.helpline)
    return {
        "tone": "apricot",
        "glyph": "warning",
        "title": text.title,
        "what": text.what,
        "now": text.now,
        "call": v.say.say("trouble.call", code=FAULTS[code].spoken, station=v.place.spoken),
    }


def card(v: View) -> dict[str, Any]:
    """The terminal looks at a card to tell whose charge it is: while it waits, and what came of it."""
    found = v.visit.found or "looking"
    flowing = v.session is not None and v.session.stage in FLOWING
    again = found not in ("looking", "printing", "refunded")
    return {
        "tone": "mint" if flowing else "paper",
        "title": v.say.say(f"card.{found}_title"),
        "badge": v.letter(v.session) if v.session is not None and flowing else "",
        "found": found,
        "what": _found(v, found),
        "now": v.say.say(f"card.{found}_now"),
        "steps": v.say.say("card.looking_step") if found == "looking" else "",
        "buttons": (
            back(v),
            *([Button("show_card", v.say.say("card.again"), "right", "primary")] if again else []),
        ),
    }


def _found(v: View, found: str) -> str:
    if found == "refunded":
        return v.say.say("card.refunded_what", amount=v.say.money(v.given_back or Money.zero(v.k.setup.currency)))
    return v.say.say(f"card.{found}_what")


def help_(v: View) -> dict[str, Any]:
    """The four questions."""
    topics = ("price", "start", "stop", "receipt")
    return {
        "tone": "paper",
        "title": v.say.say("help.title"),
        "ways": tuple(Way(t, v.say.say(f"help.{t}_title"), v.say.say(f"help.{t}_text")) for t in topics),
        "call": v.say.say("help.call", station=v.place.spoken),
        "buttons": (back(v),),
    }


def language(v: View) -> dict[str, Any]:
    """All languages at once, in their own names."""
    return {
        "tone": "paper",
        "title": v.say.say("language.title"),
        "languages": tuple(Language(code, ENDONYMS[code], code == v.visit.language) for code in v.place.languages),
        "buttons": (back(v),),
    }
