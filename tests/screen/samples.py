"""One true-to-life snapshot per page and language, in the words of the catalogue: the material of the screen's tests and of the gallery.

Fields are filled as core fills them, and a few as core may: a sun price, a table of prices on the idle page, a stale reading, a toast.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import segno

from kiosk.protocol import Button, Choice, ConnectorKey, Countdown, Fact, Language, Line, PriceRow, Side, Sky, Snapshot, Way
from kiosk.session.faults import FAULTS
from kiosk.values import Money
from kiosk.wording.languages import ENDONYMS
from kiosk.wording.languages import LANGUAGES as WORDED
from kiosk.wording.wording import NBSP, Wording

LANGUAGES = ("en", "de")
CURVE = tuple(round(1000 * min(118.0, 30.0 * i, 118 - 70 * (1 - math.exp(-i / 22)))) for i in range(1, 64))
PHONE, STATION = "0800 555 0417", "E0417"
HOLD = Money(5_000, "EUR")
_VOICES = {code: Wording(code) for code in WORDED}


def modules(text: str) -> tuple[str, ...]:
    """A QR code as core sends it."""
    return tuple("".join("1" if module else "0" for module in row) for row in segno.make(text, error="m", micro=False).matrix)


def euro(w: Wording, cents: int) -> str:
    return w.money(Money(cents, "EUR"))


def _base(page: str, w: Wording, title: str, *, tone: str = "paper", clock: str = "14:29") -> Snapshot:
    return Snapshot(
        seq=1,
        visit=1,
        page=page,
        tone=tone,
        language=w.language,
        rtl=False,
        sky=Sky("Lindenhof Energy", "DE*LND*E0417", PHONE, clock),
        title=title,
        utilities=(Button("language", w.endonym, "globe"), Button("help", w.say("rail.help"), "help")),
    )


def _mine(w: Wording, page: Snapshot) -> Snapshot:
    """Somebody may come back to a charge of theirs."""
    return replace(page, utilities=(*page.utilities, Button("show_card", w.say("idle.my_charge"), "card")))


def _gift(w: Wording, note: str) -> Side:
    return Side(w.say("side.charge"), w.amount(Money.zero("EUR")), "€", w.say("free.to_pay"), line=Line("none"), note=note)


def _back(w: Wording, code: str = "rail.back") -> Button:
    return Button("back", w.say(code), "left")


def _card(w: Wording) -> str:
    return f"{w.say('side.card')}{NBSP}{NBSP}••{NBSP}4821"


def _hold(w: Wording, label: str, after: str, note: str) -> Side:
    return Side(label, w.amount(HOLD), "€", after, line=Line("plain", promise=1_000), note=note)


def _rate(w: Wording, text: str) -> str:
    return w.rate(Decimal(text), "EUR")


def _rows(w: Wording) -> tuple[PriceRow, ...]:
    kwh, minute = w.say("unit.per_kwh", symbol="€"), w.say("unit.per_minute", symbol="€")
    return (
        PriceRow(w.say("price.energy"), _rate(w, "0.49"), kwh, first=True),
        PriceRow(w.say("price.time"), w.say("price.none"), none=True),
        PriceRow(w.say("price.stay"), _rate(w, "0.10"), minute, w.say("price.stay_free_capped", minutes=10, amount=euro(w, 1_200))),
        PriceRow(w.say("price.start"), w.say("price.none"), none=True),
    )


def _sun(w: Wording) -> str:
    return f"Sun price until 16:00, then {euro(w, 49)}" if w.language == "en" else f"Sonne bis 16:00, danach {euro(w, 49)}"


def _sunny(w: Wording) -> tuple[PriceRow, ...]:
    first, *rest = _rows(w)
    return (replace(first, amount=_rate(w, "0.39"), note=_sun(w), glyph="sun"), *rest)


# --- before -------------------------------------------------------------------------------------------------------------------


def _key(w: Wording, letter: str, state: str, plug: str, power: int, note: str = "", intent: str = "") -> ConnectorKey:
    price = f"{_rate(w, '0.49')} {w.say('unit.per_kwh', symbol='€')}"
    reserve = w.say("key.reserve", amount=w.money(HOLD)) if state in ("free", "plugged") else note
    label = w.say(f"key.{state}")
    return ConnectorKey(
        letter, letter, state, label, plug, w.say(f"plug.{plug}"), w.say("idle.power", power=w.kw(power)), price, reserve, intent
    )


def idle(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        _base("idle", w, w.say("idle.both_free")),
        subtitle=w.say("idle.hint"),
        connectors=(
            _key(w, "A", "free", "ccs", 150_000, intent="choose"),
            _key(w, "B", "free", "type2", 22_000, intent="choose"),
        ),
        price=Fact(w.say("idle.price_now"), _rate(w, "0.49"), w.say("unit.per_kwh", symbol="€")),
        rail_note=w.say("idle.promise", amount=euro(w, 5_000)),
    )


def idle_sunny(language: str) -> Snapshot:
    """With everything an idle page may carry."""
    w = _VOICES[language]
    return replace(
        idle(language),
        price=Fact(_sun(w), _rate(w, "0.39"), w.say("unit.per_kwh", symbol="€"), glyph="sun"),
        prices=_sunny(w),
        small_print=w.say("price.vat_included"),
    )


def idle_busy(language: str) -> Snapshot:
    """One plug charges for somebody, the other does not work, and each has a price of its own."""
    w = _VOICES[language]
    busy = replace(
        idle(language),
        title=w.say("idle.none_free"),
        subtitle=w.say("idle.hint_stop"),
        price=None,
        connectors=(
            _key(w, "A", "in_use", "ccs", 150_000, w.say("key.touch_stop"), "choose"),
            _key(w, "B", "out", "type2", 22_000, w.say("key.we_know")),
        ),
    )
    return _mine(w, busy)


def idle_one(language: str) -> Snapshot:
    """The one is free, the other charges: they must not look alike."""
    w = _VOICES[language]
    one = replace(
        idle(language),
        title=w.say("idle.one_taken", free="A", other="B"),
        connectors=(
            _key(w, "A", "free", "ccs", 150_000, intent="choose"),
            _key(w, "B", "in_use", "type2", 22_000, w.say("key.touch_stop"), "choose"),
        ),
    )
    return _mine(w, one)


def idle_closed(language: str) -> Snapshot:
    """Cards are away while one plug charges."""
    w = _VOICES[language]
    text = w.fault("cards_away")
    first, _ = idle_busy(language).connectors
    return replace(
        idle_busy(language),
        title=text.title,
        connectors=(first, replace(_key(w, "B", "closed", "type2", 22_000))),
        rail_note=text.what,
        utilities=idle(language).utilities,
    )


def idle_free(language: str) -> Snapshot:
    """Cards are away and a charge is given away."""
    w = _VOICES[language]
    keys = tuple(replace(key, price="", note=w.say("key.free_up_to", amount=w.money(HOLD))) for key in idle(language).connectors)
    return replace(idle(language), connectors=keys, price=None, rail_note=w.say("free.promise", amount=w.money(HOLD)))


def idle_mixed(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        idle(language),
        title=w.say("idle.one_taken", free="A", other="B"),
        price=None,
        connectors=(
            _key(w, "A", "plugged", "ccs", 150_000, intent="choose"),
            _key(w, "B", "ending", "type2", 22_000),
        ),
    )


def idle_six(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        idle(language),
        title=w.say("idle.some_free", free=3, n=6),
        connectors=(
            _key(w, "A", "free", "ccs", 150_000, intent="choose"),
            _key(w, "B", "in_use", "ccs", 150_000, w.say("key.touch_stop"), "choose"),
            _key(w, "C", "free", "type2", 22_000, intent="choose"),
            _key(w, "D", "waiting", "type2", 22_000),
            _key(w, "E", "out", "type2", 22_000, w.say("key.we_know")),
            _key(w, "F", "free", "chademo", 50_000, intent="choose"),
        ),
    )


def price(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        _base("price", w, w.say("price.title", plug="A")),
        subtitle=w.say("price.plugged"),
        badge="A",
        plug="ccs",
        prices=_rows(w),
        small_print=w.say("price.vat_included"),
        card=_hold(w, w.say("side.on_card"), w.say("price.not_paid"), w.say("price.release")),
        buttons=(_back(w), Button("accept", w.say("price.agree"), "right", "primary")),
    )


def price_sunny(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(price(language), subtitle="", prices=_sunny(w))


def price_choices(language: str, *amounts: int) -> Snapshot:
    w = _VOICES[language]
    offered = amounts or (20, 50, 80)
    choices = tuple(Choice(f"{n}{NBSP}€", n == 50, {"minor": str(n * 100)}) for n in offered)
    card = _hold(w, w.say("side.on_card"), w.say("price.not_paid"), w.say("price.choose"))
    return replace(price(language), subtitle="", card=card, choices=choices)


def price_choices_four(language: str) -> Snapshot:
    return replace(price_choices(language, 20, 50, 80, 100), prices=_sunny(_VOICES[language]))


def price_steps(language: str) -> Snapshot:
    w = _VOICES[language]
    note = f"{w.say('price.reserve_steps', amount=euro(w, 2_000), most=euro(w, 12_000))} {w.say('price.only_used')}"
    return replace(
        price(language), card=replace(_hold(w, w.say("side.on_card"), w.say("price.not_paid"), note), value=w.amount(Money(2_000, "EUR")))
    )


def price_free(language: str) -> Snapshot:
    w = _VOICES[language]
    first, *rest = _rows(w)
    rows = (replace(first, amount=_rate(w, "0")), *(replace(r, amount=w.say("price.none"), unit="", note="", none=True) for r in rest))
    return replace(
        price(language),
        title=w.say("free.title", plug="A"),
        prices=rows,
        small_print=w.say("free.small_print", price=w.price(Decimal("0.49"), "EUR")),
        card=_gift(w, w.say("free.terms", amount=w.money(HOLD))),
        buttons=(_back(w), Button("accept", w.say("free.start"), "right", "primary")),
    )


def pay(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        _base("pay", w, w.say("pay.title"), clock="14:07"),
        subtitle=w.say("pay.no_pin_here"),
        badge="A",
        steps=w.say("pay.step_card"),
        card=_hold(w, w.say("side.on_card"), w.say("pay.will_be_reserved"), w.say("price.release")),
        buttons=(Button("cancel", w.say("pay.cancel"), "cross"),),
    )


def pay_left(language: str) -> Snapshot:
    return replace(pay(language), reader_side="left")


def pay_below(language: str) -> Snapshot:
    return replace(pay(language), reader_side="below")


def authorising(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        pay(language),
        page="authorising",
        title=w.say("pay.asking_title"),
        steps=w.say("pay.step_bank"),
        card=_hold(w, w.say("side.on_card"), w.say("pay.will_be_reserved"), w.say("pay.asking_note")),
        buttons=(),
    )


def plug_in(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        _base("plug_in", w, w.say("plug_in.title", plug="A"), clock="14:08"),
        badge="A",
        plug="ccs",
        subtitle=w.fault("approved_less", amount=euro(w, 4_000)).title,
        car=Side(w.say("side.car")),
        card=_hold(w, _card(w), w.say("plug_in.reserved"), w.say("plug_in.release", time="14:13")),
        countdown=Countdown(w.say("plug_in.left", left=w.countdown(272)), 272, 300),
        stop_code="4719",
        stop_code_label=w.say("plug_in.code"),
        stop_code_note=w.say("plug_in.code_note"),
        buttons=(
            Button("leave", w.say("plug_in.other", plug="B"), "right"),
            Button("more_time", w.say("plug_in.more_time"), "clock"),
            Button("cancel", w.say("plug_in.cancel"), "cross"),
        ),
    )


def starting(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        plug_in(language),
        page="starting",
        subtitle="",
        title=w.say("starting.title", plug="A"),
        card=_hold(w, _card(w), w.say("plug_in.reserved"), w.say("starting.note")),
        countdown=Countdown(w.say("starting.left"), 40, 60),
        buttons=(Button("cancel", w.say("plug_in.cancel"), "cross"),),
    )


def plug_in_free(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(plug_in(language), subtitle="", card=_gift(w, w.say("free.up_to", amount=w.money(HOLD))))


def plug_in_stored(language: str) -> Snapshot:
    """The terminal approved alone."""
    w = _VOICES[language]
    note = w.say("plug_in.asked_later", amount=euro(w, 1_500))
    card = replace(_hold(w, _card(w), w.say("plug_in.at_most"), note), value=w.amount(Money(1_500, "EUR")))
    return replace(plug_in(language), subtitle="", card=card)


# --- energy -------------------------------------------------------------------------------------------------------------------


def charging(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        _base("charging", w, w.say("charging.title"), tone="mint"),
        badge="A",
        car=Side(
            w.say("side.car"),
            "74",
            "%",
            line=Line("live", before=380, fact=360),
            cap_start=f"+{w.kwh(27_410_000)} {w.say('unit.kwh')}",
        ),
        card=_running_card(w),
        facts=(
            Fact(w.say("charging.power"), w.kw(56_000), w.say("unit.kw")),
            Fact(w.say("charging.time"), "0:21", "h"),
            Fact(w.say("charging.price_now"), _rate(w, "0.39"), w.say("unit.per_kwh", symbol="€")),
        ),
        small_print=w.say("price.vat_included"),
        curve=CURVE,
        curve_from="14:08",
        curve_to="14:29",
        stop_code="4719",
        stop_code_label=w.say("plug_in.code"),
        stop_code_note=w.say("plug_in.code_note"),
        rail_note=w.say("charging.ends"),
        buttons=(Button("stop", w.say("charging.stop"), "stop", "stop", w.say("charging.stop_how_card")),),
    )


def charging_free(language: str) -> Snapshot:
    w = _VOICES[language]
    button = Button("stop", w.say("charging.stop"), "stop", "stop", w.say("charging.stop_how"))
    return replace(charging(language), card=replace(_gift(w, ""), cap_end=w.say("free.up_to", amount=w.money(HOLD))), buttons=(button,))


def charging_stored(language: str) -> Snapshot:
    """The terminal approved alone, and the hold grows."""
    w = _VOICES[language]
    card = replace(_running_card(w), note=w.say("charging.asked_later"))
    return replace(charging(language), card=card, rail_note=w.say("charging.ends_at", most=euro(w, 12_000)))


def charging_until(language: str) -> Snapshot:
    """A price with four decimals that the clock will change, after many hours."""
    w = _VOICES[language]
    amount, unit = w.beside(_rate(w, "0.4567"), w.say("unit.per_kwh", symbol="€"), "EUR")
    page = charging(language)
    time = Fact(w.say("charging.time"), "12:34", w.say("unit.clock_hours"))
    return replace(page, facts=(page.facts[0], time, Fact(w.say("charging.price_until", time="22:00"), amount, unit)))


def charging_declined(language: str) -> Snapshot:
    """The bank said no to what the terminal had approved."""
    w = _VOICES[language]
    card = replace(_running_card(w), line=Line("unknown"), cap_end="", note=w.say("charging.bank_no"))
    return replace(charging(language), card=card)


def _running_card(w: Wording) -> Side:
    return Side(
        _card(w),
        w.amount(Money(1_069, "EUR")),
        "€",
        w.say("charging.so_far"),
        line=Line("live", fact=214, promise=786),
        cap_end=w.say("charging.stays_yours", rest=euro(w, 3_931), hold=w.money(HOLD)),
    )


def charging_long(language: str) -> Snapshot:
    """A car that does not tell how full it is, an old reading, a long title, a toast, no curve yet."""
    w = _VOICES[language]
    toast = "The pile is slow to answer. Charging goes on." if language == "en" else "Die Säule antwortet langsam. Es lädt weiter."
    return replace(
        charging(language),
        title=w.say("charging.paused"),
        badge="B",
        car=Side(
            w.say("side.car"),
            w.kwh(27_410_000),
            w.say("unit.kwh"),
            since=w.say("charging.since", time="14:27"),
            line=Line("live", fact=214),
        ),
        curve=(),
        curve_from="",
        curve_to="",
        toast=toast,
    )


def stop(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        _base("stop", w, w.say("stop.title", plug="A"), tone="mint", clock="14:31"),
        badge="A",
        ways=(
            Way("card", w.say("stop.card_title"), w.say("stop.card_text"), "show_card"),
            Way("lock", w.say("stop.code_title"), w.say("stop.code_text"), "type_code"),
            Way("car", w.say("stop.unplug_title"), w.say("stop.unplug_text")),
        ),
        buttons=(_back(w, "stop.keep"),),
    )


def stop_two(language: str) -> Snapshot:
    """Where no card paid."""
    return replace(stop(language), ways=stop(language).ways[1:])


def card(language: str, found: str = "looking") -> Snapshot:
    w = _VOICES[language]
    looking = found == "looking"
    again = () if found in ("looking", "printing", "refunded") else (Button("show_card", w.say("card.again"), "right", "primary"),)
    return replace(
        _base("card", w, w.say(f"card.{found}_title"), clock="14:31"),
        found=found,
        what=w.say(f"card.{found}_what", **({"amount": euro(w, 150)} if found == "refunded" else {})),
        now=w.say(f"card.{found}_now"),
        steps=w.say("card.looking_step") if looking else "",
        buttons=(_back(w), *again),
    )


def card_left(language: str) -> Snapshot:
    return replace(card(language), reader_side="left")


def card_below(language: str) -> Snapshot:
    return replace(card(language), reader_side="below")


def card_unreadable(language: str) -> Snapshot:
    """Beside a charge that runs."""
    return replace(card(language, "unreadable"), tone="mint", badge="A")


def card_nothing(language: str) -> Snapshot:
    return card(language, "nothing")


def card_away(language: str) -> Snapshot:
    return card(language, "away")


def card_printing(language: str) -> Snapshot:
    return card(language, "printing")


def card_refunded(language: str) -> Snapshot:
    return card(language, "refunded")


def stop_proven(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        _base("stop", w, w.say("stop.proven", plug="A"), tone="mint", clock="14:31"),
        badge="A",
        car=charging(language).car,
        card=_running_card(w),
        buttons=(_back(w, "stop.keep"), Button("confirm_stop", w.say("stop.hold"), "stop", "hold")),
    )


def code(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        _base("code", w, w.say("code.title"), tone="mint", clock="14:31"),
        subtitle=w.say("code.missed", n=2),
        badge="A",
        code_typed=2,
        code_length=4,
        buttons=(_back(w), Button("erase", "Delete" if language == "en" else "Löschen", "erase")),
    )


def code_locked(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(code(language), subtitle=w.say("code.locked", time="14:33"), code_typed=0, code_length=0)


# --- after --------------------------------------------------------------------------------------------------------------------


def finished(language: str) -> Snapshot:
    w = _VOICES[language]
    part = f"{w.kwh(31_200_000)} {w.say('unit.kwh')} × {w.price(Decimal('0.39'), 'EUR')}"
    return replace(
        _base("finished", w, w.say("finished.unplug"), tone="mint", clock="14:34"),
        badge="A",
        car=Side(w.say("side.car"), w.kwh(31_200_000), w.say("unit.kwh"), line=Line("plain", before=380, fact=420)),
        card=Side(
            _card(w),
            w.amount(Money(1_217, "EUR")),
            "€",
            w.say("finished.paid"),
            line=Line("settled", fact=243, promise=757),
            cap_end=w.say("finished.released", amount=euro(w, 3_783)),
        ),
        sum_line=w.say("finished.sum", parts=part, total=euro(w, 1_217), vat=euro(w, 194)),
        small_print=w.say("finished.banks"),
        countdown=Countdown(w.say("finished.stay_free", time="14:44", price=euro(w, 10)), 582, 600),
        receipt_qr=modules("https://pay.lindenhof.example/r/7F3A9C2E61B04D"),
        receipt_label=w.say("finished.receipt"),
        receipt_note=w.say("finished.paper_no_paper"),
        buttons=(Button("print", w.say("finished.print"), "print"), Button("finish", w.say("finished.finish"), "check", "primary")),
    )


def finished_paid_back(language: str) -> Snapshot:
    """A driver who comes back for the paper of a sale that was paid back in part."""
    w = _VOICES[language]
    done = finished(language)
    assert done.card is not None
    return replace(done, card=replace(done.card, note=w.say("finished.given_back", amount=euro(w, 150))), countdown=None)


def finished_early(language: str) -> Snapshot:
    """The bank has not heard yet, the receipt is not there, the car is still plugged in."""
    w = _VOICES[language]
    card = Side(
        _card(w),
        w.amount(Money(1_217, "EUR")),
        "€",
        w.say("finished.being_paid"),
        line=Line("plain", fact=243, promise=757),
        note=w.say("finished.pending"),
    )
    return replace(
        finished(language),
        card=card,
        small_print="",
        receipt_qr=(),
        receipt_label="",
        receipt_note=w.say("finished.receipt_soon"),
        buttons=finished(language).buttons[1:],
    )


def finished_free(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        finished_early(language),
        card=_gift(w, w.say("free.done")),
        sum_line="",
        countdown=None,
        receipt_note="",
    )


def finished_stored(language: str) -> Snapshot:
    """The bank is asked later."""
    w = _VOICES[language]
    early = finished_early(language)
    assert early.card is not None
    return replace(early, card=replace(early.card, note=w.say("finished.asked_later")), receipt_note=w.say("finished.receipt_later"))


def trouble(language: str, fault: str = "declined") -> Snapshot:
    w = _VOICES[language]
    text = w.fault(fault, plug="A", amount=w.money(HOLD), phone=PHONE)
    zero = w.amount(Money.zero("EUR"))
    note = w.say("trouble.released", amount=w.money(HOLD), time="14:11")
    return replace(
        _base("trouble", w, text.title, tone="apricot", clock="14:11"),
        glyph="warning",
        badge="A",
        what=text.what,
        now=text.now,
        card=Side(_card(w), zero, "€", w.say("trouble.taken"), line=Line("none"), note=note),
        call=w.say("trouble.call", code=FAULTS[fault].spoken, station=STATION),
        buttons=(Button("cancel", w.say("pay.cancel"), "cross"), Button("another_card", w.say("trouble.another_card"), "right", "primary")),
    )


def trouble_unknown(language: str) -> Snapshot:
    w = _VOICES[language]
    card = Side(_card(w), w.amount(HOLD), "€", w.say("trouble.maybe"), line=Line("unknown"), note=w.say("trouble.perhaps", time="14:24"))
    return replace(trouble(language, "money_unknown"), card=card, buttons=(Button("cancel", w.say("pay.cancel"), "cross"),))


def trouble_start(language: str) -> Snapshot:
    """The pile did not start; another try needs no other reservation."""
    w = _VOICES[language]
    return replace(
        trouble(language, "start_failed"),
        card=_hold(w, _card(w), w.say("price.not_paid"), w.say("trouble.retry")),
        countdown=Countdown(w.say("trouble.retry_left", left=w.countdown(47)), 47, 60),
        buttons=(
            Button("cancel", w.say("pay.cancel"), "cross"),
            Button("start_again", w.say("trouble.start_again"), "right", "primary"),
        ),
    )


def trouble_start_free(language: str) -> Snapshot:
    return replace(trouble_start(language), card=_gift(_VOICES[language], ""))


def out_of_order(language: str, fault: str = "out_of_order") -> Snapshot:
    w = _VOICES[language]
    text = w.fault(fault, plug="", amount="", phone=PHONE)
    return replace(
        _base("out_of_order", w, text.title, tone="apricot"),
        glyph="warning",
        what=text.what,
        now=text.now,
        call=w.say("trouble.call", code=FAULTS[fault].spoken, station=STATION),
    )


def out_of_order_journal(language: str) -> Snapshot:
    until = "We are restarting. This takes about 2 minutes." if language == "en" else "Wir starten neu. Das dauert etwa 2 Minuten."
    return replace(out_of_order(language, "journal_broken"), subtitle=until)


def out_of_order_cards(language: str) -> Snapshot:
    return out_of_order(language, "cards_away")


def out_of_order_disk(language: str) -> Snapshot:
    return out_of_order(language, "disk_low")


def help_page(language: str) -> Snapshot:
    w = _VOICES[language]
    topics = ("price", "start", "stop", "receipt")
    return replace(
        _base("help", w, w.say("help.title")),
        ways=tuple(Way(t, w.say(f"help.{t}_title"), w.say(f"help.{t}_text")) for t in topics),
        call=w.say("help.call", station=STATION),
        buttons=(_back(w),),
    )


def help_keys(language: str) -> Snapshot:
    """The questions as keys; each answer is a page of its own."""
    questions = tuple(replace(way, text="", intent=f"help_{way.glyph}") for way in help_page(language).ways)
    return replace(help_page(language), ways=questions)


def help_answer(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        help_page(language),
        title=w.say("help.price_title"),
        ways=(),
        what=w.say("help.price_text"),
        now=w.say("price.reserve", amount=w.money(HOLD)),
    )


def language_page(language: str) -> Snapshot:
    w = _VOICES[language]
    return replace(
        _base("language", w, w.say("language.title")),
        languages=tuple(Language(c, name, c == language) for c, name in ENDONYMS.items()),
        buttons=(_back(w),),
    )


PAGES: dict[str, Callable[[str], Snapshot]] = {
    "idle": idle,
    "idle-sunny": idle_sunny,
    "idle-busy": idle_busy,
    "idle-mixed": idle_mixed,
    "idle-one": idle_one,
    "idle-closed": idle_closed,
    "idle-free": idle_free,
    "idle-six": idle_six,
    "price": price,
    "price-sunny": price_sunny,
    "price-choices": price_choices,
    "price-choices-four": price_choices_four,
    "price-steps": price_steps,
    "price-free": price_free,
    "pay": pay,
    "pay-left": pay_left,
    "pay-below": pay_below,
    "authorising": authorising,
    "plug_in": plug_in,
    "plug_in-free": plug_in_free,
    "plug_in-stored": plug_in_stored,
    "starting": starting,
    "charging": charging,
    "charging-long": charging_long,
    "charging-free": charging_free,
    "charging-stored": charging_stored,
    "charging-until": charging_until,
    "charging-declined": charging_declined,
    "stop": stop,
    "stop-two": stop_two,
    "stop-proven": stop_proven,
    "code": code,
    "code-locked": code_locked,
    "card": card,
    "card-left": card_left,
    "card-below": card_below,
    "card-unreadable": card_unreadable,
    "card-nothing": card_nothing,
    "card-away": card_away,
    "card-printing": card_printing,
    "card-refunded": card_refunded,
    "finished": finished,
    "finished-paid-back": finished_paid_back,
    "finished-early": finished_early,
    "finished-free": finished_free,
    "finished-stored": finished_stored,
    "trouble": trouble,
    "trouble-start": trouble_start,
    "trouble-start-free": trouble_start_free,
    "trouble-unknown": trouble_unknown,
    "out_of_order": out_of_order,
    "out_of_order-journal": out_of_order_journal,
    "out_of_order-cards": out_of_order_cards,
    "out_of_order-disk": out_of_order_disk,
    "help": help_page,
    "help-keys": help_keys,
    "help-answer": help_answer,
    "language": language_page,
}
SIZES = ((800, 480), (1280, 800), (1080, 1920))


def every() -> list[tuple[str, str, Snapshot]]:
    """(name, language, snapshot) of every sample."""
    return [(name, code, make(code)) for name, make in PAGES.items() for code in LANGUAGES]
