"""Every page in every language: all sentences there, short enough to read from a step away, and no word of ours among them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import pytest
from test_visit_step import Screen
from world import PER_KWH, PER_KWH_AND_STAY, A, B, World, approval

from kiosk.core.live import Live
from kiosk.core.pages.compose import compose
from kiosk.core.pages.view import Offer, Place, View
from kiosk.pricing.load import load
from kiosk.protocol import Snapshot, decode, encode
from kiosk.session import inputs as i
from kiosk.session.faults import FAULTS
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.setup import Offline
from kiosk.session.visit import CardShown, Visit
from kiosk.values import Money
from kiosk.wording.languages import LANGUAGES as WORDED
from kiosk.wording.wording import NBSP, Wording

LANGUAGES = tuple(WORDED)
LONGEST_TITLE = 46  # at 800 x 480
# What engineers say. A driver does not.
OURS = re.compile(
    r"OCPP|transaction|Transaktion|\bsession\b|idTag|authori[sz]ation|autorisier|capture|preauth|EVSE|connector|\bPSP\b|Adyen|nexo|"
    r"\bnull\b|\{|\}|timeout|error|fehler",
    re.IGNORECASE,
)
PLACE = Place(
    "Lindenhof",
    "DE*LND*E0417",
    "0800 4170417",
    "Europe/Berlin",
    LANGUAGES,
    "right",
    {A: Offer(load(PER_KWH_AND_STAY), Money(5_000, "EUR")), B: Offer(load(PER_KWH), Money(2_000, "EUR"))},
)


CHOICES = (Money(2_000, "EUR"), Money(5_000, "EUR"), Money(8_000, "EUR"))
CHOOSING = replace(PLACE, offers={c: replace(offer, hold=CHOICES[1], choices=CHOICES) for c, offer in PLACE.offers.items()})
GROWING = replace(PLACE, offers={c: replace(offer, hold=CHOICES[0], step=CHOICES[0], most=CHOICES[2]) for c, offer in PLACE.offers.items()})


@dataclass
class Shown:
    screen: Screen
    dialogue: str = ""
    place: Place = PLACE
    slow: bool = False

    def in_(self, language: str) -> Snapshot:
        w = self.screen.w
        live = Live()
        live.follow(w.k, w.now)
        visit = replace(self.screen.v, language=language)
        view = View(w.k, visit, w.now, live, self.place, Wording(language), self.dialogue, lambda _: "4719", lambda _: "PILEPAY1:TEST")
        view = replace(view, given_back=Money(150, "EUR"))
        return compose(replace(view, slow=self.slow), 1)


def _a(*acts: Callable[[Screen], object]) -> Callable[[], Shown]:
    def make() -> Shown:
        s = Screen()
        for act in acts:
            act(s)
            s.looks()
        return Shown(s)

    return make


def _at(place: Place, made: Callable[[], Shown]) -> Callable[[], Shown]:
    return lambda: replace(made(), place=place)


class HasWorld(Protocol):
    w: World


def rule(name: str) -> Callable[[HasWorld], object]:
    """The operator's rule for the time in which no card can be authorized."""

    def rules(s: HasWorld) -> None:
        setup = s.w.k.setup
        offline = Offline(name, Money(1_500, "EUR"), Money(15_000, "EUR"))
        s.w.reconfigure(replace(setup, policy=replace(setup.policy, offline=offline)))

    return rules


def _cards(reachable: bool, host: bool) -> Callable[[Screen], object]:
    return lambda s: s.w.give(i.TerminalHealth(reachable, host, ""))


def _stored(s: Screen) -> None:
    """The terminal approves alone."""
    s.buys()
    s.w.answer("Preauthorize", i.Done(replace(approval(), offline=True)))


def _cable(s: Screen) -> None:
    s.w.status(1, ConnectorStatus.PREPARING)


def _flows(s: Screen) -> None:
    s.w.give(i.TxStarted("PILE-1", 1, s.w.session.starts[-1].id_tag, s.w.reading(100)))


def _shows_card(word: str) -> Callable[[Screen], object]:
    return lambda s: s.does(CardShown(None, word))


def _answers(kind: str, result: i.Result) -> Callable[[Screen], object]:
    return lambda s: s.w.answer(kind, result)


def _times(n: int, act: Callable[[Screen], object]) -> Callable[[Screen], object]:
    return lambda s: [act(s) for _ in range(n)]


def _status(status: ConnectorStatus, number: int = 1) -> Callable[[Screen], object]:
    return lambda s: s.w.status(number, status)


def _wait(seconds: int) -> Callable[[Screen], object]:
    return lambda s: s.w.wait(seconds)


def _meter(kwh: int) -> Callable[[Screen], object]:
    return lambda s: s.w.meter(kwh)


def _bank() -> Shown:
    s = Screen()
    s.buys()
    return Shown(s, "bank")


def _buys_with_stay(s: Screen) -> None:
    s.touch("choose", A)
    session = s.w.accept(A, PER_KWH_AND_STAY)
    s.v = Visit(s.v.number, "en", s.w.now, session=session, own=True)
    s.w.answer("Preauthorize", i.Done(approval()))
    s.w.status(1, ConnectorStatus.PREPARING)
    s.w.give(i.TxStarted("PILE-1", 1, s.w.session.starts[-1].id_tag, s.w.reading(100)))


def _ends(kwh: int = 110) -> Callable[[Screen], object]:
    def end(s: Screen) -> None:
        s.w.now = s.w.now.plus(1_800)
        s.w.end(s.w.session.transaction, kwh)

    return end


def _stop(s: Screen) -> None:
    s.w.give(i.StopAsked(s.w.session.id, "operator"))


def _paid_back(s: Screen) -> None:
    s.w.give(i.RefundAsked(s.w.session.id, Money(150, "EUR"), "Ada", "goodwill", "1"))
    s.w.answer("Modify", i.Done(i.Accepted("REF")))


def _declined_later(s: Screen) -> None:
    payment = s.w.session.last_payment
    s.w.give(i.Confirmation(payment.ref, "PSP9", "authorisation", False, "refused", None))


AWAY = (rule("free"), _cards(True, False))
ALONE = (rule("capped"), _cards(True, False))
DECLINED = i.Refused("refused")
CHARGES, BUYS, PAYS = Screen.charges, Screen.buys, Screen.pays

PAGES: dict[str, tuple[str, Callable[[], Shown]]] = {
    "both free": ("idle", _a()),
    "one charging": ("idle", _a(lambda s: s.w.deliver(B))),
    "one out": ("idle", _a(_status(ConnectorStatus.FAULTED))),
    "none free": ("idle", _a(lambda s: s.w.deliver(A), lambda s: s.w.deliver(B))),
    "reserved": ("idle", _a(_status(ConnectorStatus.RESERVED))),
    "finishing": ("idle", _a(_status(ConnectorStatus.FINISHING))),
    "plugged": ("idle", _a(_status(ConnectorStatus.PREPARING))),
    "waiting for a cable": ("idle", _a(lambda s: s.w.pay(A))),
    "reporting": ("idle", _a(lambda s: s.w.give(i.KioskStarted()))),
    "price": ("price", _a(lambda s: s.touch("choose", A))),
    "price, plugged": ("price", _a(_status(ConnectorStatus.PREPARING), lambda s: s.touch("choose", A))),
    "price without stay": ("price", _a(lambda s: s.touch("choose", B))),
    "pay": ("pay", _a(BUYS)),
    "authorising": ("authorising", _bank),
    "plug in": ("plug_in", _a(PAYS)),
    "plug in, less reserved": ("plug_in", _a(BUYS, _answers("Preauthorize", i.Done(approval(2_000))))),
    "starting": ("starting", _a(Screen.plugs_in)),
    "starting, less reserved": ("starting", _a(BUYS, _answers("Preauthorize", i.Done(approval(2_000))), _cable)),
    "charging": ("charging", _a(CHARGES, _wait(60), _meter(102))),
    "charging for hours": ("charging", _a(CHARGES, _wait(14_000), _meter(197))),
    "paused": ("charging", _a(CHARGES, _status(ConnectorStatus.SUSPENDED_EV))),
    "withheld": ("charging", _a(CHARGES, _status(ConnectorStatus.SUSPENDED_EVSE))),
    "silent": ("charging", _a(CHARGES, _wait(300))),
    "stopping": ("charging", _a(CHARGES, _stop)),
    "limit": ("charging", _a(CHARGES, _wait(7_200), _meter(198))),
    "stop, own": ("stop", _a(CHARGES, lambda s: s.touch("stop"))),
    "stop, proven": ("stop", _a(CHARGES, lambda s: s.touch("type_code"), lambda s: s.types("4719"))),
    "stop, stranger": ("stop", _a(lambda s: s.w.deliver(A), lambda s: s.touch("choose", A))),
    "code": ("code", _a(CHARGES, lambda s: s.touch("type_code"), lambda s: s.types("12"))),
    "code missed": ("code", _a(CHARGES, lambda s: s.touch("type_code"), lambda s: s.types("0000"))),
    "code locked": ("code", _a(CHARGES, lambda s: s.touch("type_code"), _times(3, lambda s: s.types("0000")))),
    "finished, being paid": ("finished", _a(Screen.finishes)),
    "finished, printing": ("finished", _a(Screen.finishes, _answers("Modify", i.Done(i.Accepted("C"))))),
    "finished, printed": ("finished", _a(Screen.finishes, lambda s: s.w.settle())),
    "finished, paid back": ("finished", _a(Screen.finishes, lambda s: s.w.settle(), _paid_back)),
    "finished, no paper": (
        "finished",
        _a(Screen.finishes, _answers("Modify", i.Done(i.Accepted("C"))), _answers("PrintReceipt", i.NotSent("no paper"))),
    ),
    "finished, stay free": ("finished", _a(_buys_with_stay, _ends())),
    "finished, stay costs": ("finished", _a(_buys_with_stay, _ends(), _wait(1_200))),
    "finished, stay paid": ("finished", _a(_buys_with_stay, _ends(), _wait(1_200), _status(ConnectorStatus.AVAILABLE))),
    "language": ("language", _a(lambda s: s.touch("language"))),
    "help": ("help", _a(lambda s: s.touch("help"))),
    "out of order": ("out_of_order", _a(lambda s: s.w.give(i.PileLost("PILE-1")))),
    "out of order, journal": ("out_of_order", _a(lambda s: s.w.give(i.KioskStarted(sound=False)))),
    "price, a maximum to choose": ("price", _at(CHOOSING, _a(lambda s: s.touch("choose", A), lambda s: s.touch("hold", "2000")))),
    "price, reserved in steps": ("price", _at(GROWING, _a(lambda s: s.touch("choose", A)))),
    "card": ("card", _a(CHARGES, lambda s: s.touch("stop"), lambda s: s.touch("show_card"))),
    "card, from the idle page": ("card", _a(lambda s: s.touch("show_card"))),
    **{
        f"card, {word}": ("card", _a(lambda s: s.touch("show_card"), _shows_card(word)))
        for word in ("nothing", "unreadable", "away", "printing", "refunded")
    },
    "card, unreadable, own charge": (
        "card",
        _a(CHARGES, lambda s: s.touch("stop"), lambda s: s.touch("show_card"), _shows_card("unreadable")),
    ),
    "stop, proven by card": (
        "stop",
        _a(CHARGES, lambda s: s.touch("stop"), lambda s: s.touch("show_card"), lambda s: s.does(CardShown(s.w.session.id))),
    ),
    "cards away": ("out_of_order", _a(_cards(True, False))),
    "disk slow": ("out_of_order", lambda: Shown(Screen(), slow=True)),
    "disk low": ("out_of_order", _a(lambda s: s.w.give(i.DiskState(True)))),
    "cards away, one charging": ("idle", _a(lambda s: s.w.deliver(A), _cards(False, False))),
    "free": ("idle", _a(*AWAY)),
    "free, price": ("price", _a(*AWAY, lambda s: s.touch("choose", A))),
    "free, plug in": ("plug_in", _a(*AWAY, BUYS)),
    "free, starting": ("starting", _a(*AWAY, BUYS, _cable)),
    "free, start failed": ("trouble", _a(*AWAY, BUYS, _cable, _wait(60))),
    "free, no plug": ("trouble", _a(*AWAY, BUYS, _wait(300))),
    "free, cancelled": ("trouble", _a(*AWAY, BUYS, lambda s: s.touch("cancel"))),
    "free, charging": ("charging", _a(*AWAY, BUYS, _cable, _flows, _wait(60), _meter(102))),
    "free, stop": ("stop", _a(*AWAY, BUYS, _cable, _flows, lambda s: s.touch("stop"))),
    "free, finished": ("finished", _a(*AWAY, BUYS, _cable, _flows, _ends())),
    "stored, plug in": ("plug_in", _a(*ALONE, _stored)),
    "stored, start failed": ("trouble", _a(*ALONE, _stored, _cable, _wait(60))),
    "stored, cancelled": ("trouble", _a(*ALONE, _stored, lambda s: s.touch("cancel"))),
    "stored, charging": ("charging", _a(*ALONE, _stored, _cable, _flows, _wait(60), _meter(102))),
    "stored, finished": ("finished", _a(*ALONE, _stored, _cable, _flows, _ends())),
    "stored, declined later": ("charging", _a(*ALONE, _stored, _cable, _flows, _declined_later)),
    "stored, declined later, finished": ("trouble", _a(*ALONE, _stored, _cable, _flows, _declined_later, _ends())),
    "stored although it must not": ("trouble", _a(_stored)),
    "declined": ("trouble", _a(BUYS, _answers("Preauthorize", DECLINED))),
    "wrong PIN": ("trouble", _a(BUYS, _answers("Preauthorize", i.Refused("wrong_pin")))),
    "no card": ("trouble", _a(BUYS, _answers("Preauthorize", i.Refused("no_card")))),
    "card not read": ("trouble", _a(BUYS, _answers("Preauthorize", i.Refused("invalid_card")))),
    "terminal away": ("trouble", _a(BUYS, _answers("Preauthorize", i.NotSent()))),
    "unknown": ("trouble", _a(BUYS, _answers("Preauthorize", i.Unknown()))),
    "never heard of": (
        "trouble",
        _a(BUYS, _answers("Preauthorize", i.Unknown()), _times(3, _answers("Preauthorize", i.Unknown("not_found")))),
    ),
    "given up": ("trouble", _a(BUYS, _answers("Preauthorize", i.Unknown()), _wait(300))),
    "given up, then reserved after all": (
        "trouble",
        _a(
            BUYS,
            _answers("Preauthorize", i.Unknown()),
            _wait(300),
            lambda s: s.w.give(i.Outcome(s.w.session.last_payment.ref, i.Done(approval()))),
        ),
    ),
    "too little": ("trouble", _a(BUYS, _answers("Preauthorize", i.Done(approval(100))))),
    "cancelled before a card": ("trouble", _a(BUYS, _answers("Preauthorize", DECLINED), lambda s: s.touch("cancel"))),
    "cancelled, money open": ("trouble", _a(BUYS, lambda s: s.touch("cancel"))),
    "cancelled, being released": ("trouble", _a(PAYS, lambda s: s.touch("cancel"))),
    "cancelled, released": ("trouble", _a(PAYS, lambda s: s.touch("cancel"), _answers("Modify", i.Done(i.Accepted("X"))))),
    "no plug": ("trouble", _a(PAYS, _wait(300))),
    "start failed": ("trouble", _a(Screen.plugs_in, _answers("StartDelivery", i.Refused("rejected")), _wait(20))),
    "pile refused": ("trouble", _a(Screen.plugs_in, _answers("StartDelivery", i.Refused("rejected")), _wait(60))),
    "never started": ("trouble", _a(Screen.plugs_in, _wait(60), _wait(60))),
    "nothing delivered": ("trouble", _a(CHARGES, _ends(100))),
    "capture refused": ("trouble", _a(Screen.finishes, _answers("Modify", i.Refused("rejected")))),
    "meter not believed": ("trouble", _a(CHARGES, _ends(90_000))),
}


@pytest.fixture(params=PAGES)
def case(request: pytest.FixtureRequest) -> tuple[str, Shown]:
    page, make = PAGES[request.param]
    return page, make()


def _texts(value: object) -> list[str]:
    """Everything a person can read, identifiers and codes left out."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [t for v in value for t in _texts(v)]
    if isinstance(value, dict):
        silent = {
            "type",
            "id",
            "page",
            "tone",
            "language",
            "glyph",
            "kind",
            "style",
            "plug",
            "state",
            "intent",
            "args",
            "code",
            "receipt_qr",
        }
        return [t for name, v in value.items() if name not in silent for t in _texts(v)]
    return []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_has_its_sentences(case: tuple[str, Shown], language: str) -> None:
    page, shown = case
    snapshot = shown.in_(language)
    assert snapshot.page == page
    assert snapshot.title
    assert len(snapshot.title) <= LONGEST_TITLE, snapshot.title
    for text in _texts(json.loads(encode(snapshot))):
        assert not OURS.search(text), text
        assert text == text.strip() or not text.strip(), repr(text)
    for button in (*snapshot.buttons, *snapshot.utilities):
        assert button.intent and button.text
    assert sum(b.kind == "primary" for b in snapshot.buttons) <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_survives_the_socket(case: tuple[str, Shown], language: str) -> None:
    snapshot = case[1].in_(language)
    assert encode(decode(encode(snapshot))) == encode(snapshot)


def test_every_page_of_the_protocol_is_shown_here() -> None:
    named = set(re.findall(r"`([a-z_]+)`", (Snapshot.__doc__ or "").partition("`tone`")[0])) - {"page"}
    assert {page for page, _ in PAGES.values()} == named


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_differ(language: str) -> None:
    other = next(x for x in LANGUAGES if x != language)
    for name in ("both free", "price", "pay", "plug in", "charging", "finished, printed", "declined"):
        shown = PAGES[name][1]()
        assert shown.in_(language).title != shown.in_(other).title


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", FAULTS)
def test_every_fault_has_words_for_the_driver(code: str, language: str) -> None:
    text = Wording(language).fault(code, plug="A", amount="50.00 €", phone="0800")
    assert text.title and text.what and text.now
    assert len(text.title) <= LONGEST_TITLE, text.title
    assert not OURS.search(f"{text.title} {text.what} {text.now}")


def test_every_trouble_says_whom_to_call_and_what_to_say() -> None:
    for name, (page, make) in PAGES.items():
        if page in ("trouble", "out_of_order"):
            snapshot = make().in_("en")
            assert re.search(r"\b[PSMRK]\d\d\b", snapshot.call), name
            assert "E0417" in snapshot.call, name
            assert snapshot.what and snapshot.now, name


def test_the_stop_code_is_shown_on_the_drivers_own_pages_only() -> None:
    for page, make in PAGES.values():
        snapshot = make().in_("en")
        assert snapshot.stop_code in ("", "4719")
        stoppable = page != "charging" or any(b.intent == "stop" for b in snapshot.buttons)
        assert bool(snapshot.stop_code) is (page in ("plug_in", "starting", "charging") and stoppable)


def test_a_stranger_sees_neither_cost_nor_energy_of_somebody_elses_charge() -> None:
    snapshot = PAGES["stop, stranger"][1]().in_("en")
    assert (snapshot.car, snapshot.card, snapshot.facts) == (None, None, ())


def test_a_second_card_is_offered_after_a_decline_and_not_while_money_is_unknown() -> None:
    assert "another_card" in [b.intent for b in PAGES["declined"][1]().in_("en").buttons]
    assert "another_card" not in [b.intent for b in PAGES["unknown"][1]().in_("en").buttons]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bank_that_reserved_less_is_told_before_the_cable_and_what_it_means_after(language: str) -> None:
    text = Wording(language).fault("approved_less", plug="A", amount=Wording(language).money(Money(2_000, "EUR")), phone="")
    before, after = PAGES["plug in, less reserved"][1]().in_(language), PAGES["starting, less reserved"][1]().in_(language)
    assert (before.subtitle, after.subtitle) == (text.title, "")
    assert after.card is not None and after.card.note == text.what


def test_trouble_never_says_that_nothing_is_reserved_while_something_may_be() -> None:
    for name in ("unknown", "cancelled, money open", "given up"):
        card = PAGES[name][1]().in_("en").card
        assert card is not None
        assert card.line is not None
        assert card.line.style == "unknown", name


def test_what_is_shown_to_be_paid_is_what_is_captured() -> None:
    shown = PAGES["finished, printed"][1]()
    card = shown.in_("en").card
    assert card is not None
    assert card.value == "5.00"
    assert shown.screen.w.session.priced.charge == Money(500, "EUR")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_went_back_to_the_card_is_told_wherever_the_sale_is_found_again(language: str) -> None:
    amount = Wording(language).money(Money(150, "EUR"))
    done, printing = PAGES["finished, paid back"][1]().in_(language), PAGES["card, refunded"][1]().in_(language)
    assert done.card is not None and amount in done.card.note
    assert "print" in [button.intent for button in done.buttons]
    assert amount in printing.what
    assert [button.intent for button in printing.buttons] == ["back"]
    before = PAGES["finished, printed"][1]().in_(language).card
    assert before is not None and before.note == ""


def test_an_unsound_journal_has_words_of_its_own() -> None:
    assert "K02" in PAGES["out of order, journal"][1]().in_("en").call
    assert "K01" in PAGES["out of order"][1]().in_("en").call


def test_a_connector_shows_its_price_and_hold_and_can_be_pressed_only_when_it_leads_somewhere() -> None:
    a, b = PAGES["one charging"][1]().in_("en").connectors
    assert (a.state, a.intent, b.state, b.intent) == ("free", "choose", "in_use", "choose")
    assert "50.00" in a.note and "0.50" in a.price
    out, _ = PAGES["one out"][1]().in_("en").connectors
    assert (out.state, out.intent) == ("out", "")


def test_the_world_can_be_put_into_words_at_any_time() -> None:
    w = World()
    assert Shown(Screen(w)).in_("de").page == "idle"


# --- what a driver is never told ----------------------------------------------------------------------------------------------


def _words(snapshot: Snapshot) -> str:
    return " | ".join(_texts(json.loads(encode(snapshot))))


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("free")])
def test_a_charge_that_is_given_away_speaks_of_no_reserved_money(name: str) -> None:
    english, german = PAGES[name][1]().in_("en"), PAGES[name][1]().in_("de")
    assert not re.search(r"[Rr]eserv|[Rr]eleas|Your card|Agree and pay", _words(english)), _words(english)
    assert not re.search(r"[Rr]eserv|frei gegeben|Ihre Karte|Zustimmen", _words(german)), _words(german)
    assert "••" not in _words(english)


def test_the_price_page_of_a_gift_says_why_and_how_far_and_starts_without_a_card() -> None:
    page = PAGES["free, price"][1]().in_("en")
    assert page.card is not None
    assert page.card.note == "Cards cannot be taken now. This charge is free, up to 50.00\u00a0€."
    assert (page.card.value, page.prices[0].amount, page.prices[0].none) == ("0.00", "0.00", False)
    assert all(row.none for row in page.prices[1:])
    assert [(b.intent, b.text) for b in page.buttons] == [("back", "Back"), ("accept", "Start")]


def test_a_gift_costs_nothing_while_it_flows_and_when_it_is_over() -> None:
    charging, done = PAGES["free, charging"][1]().in_("en"), PAGES["free, finished"][1]().in_("en")
    assert charging.card is not None and done.card is not None
    assert (charging.card.value, done.card.value) == ("0.00", "0.00")
    assert done.card.note == "Nothing to pay."
    assert (done.sum_line, done.receipt_note) == ("", "")


@pytest.mark.parametrize("name", ["stored, plug in", "stored, charging", "stored, finished"])
def test_what_the_bank_has_not_seen_yet_is_told(name: str) -> None:
    card = PAGES[name][1]().in_("en").card
    assert card is not None
    assert "Your bank will be asked later." in card.note


def test_of_an_offline_approval_only_what_may_be_spent_is_shown() -> None:
    for name in ("stored, plug in", "stored, start failed"):
        card = PAGES[name][1]().in_("en").card
        assert card is not None
        assert (card.value, card.after) == ("15.00", "at most"), name
    running = PAGES["stored, charging"][1]().in_("en").card
    assert running is not None
    assert running.cap_end == "14.00\u00a0€ of 15.00\u00a0€ stays yours"


def test_a_bank_that_said_no_afterwards_is_told_without_a_promise() -> None:
    card = PAGES["stored, declined later"][1]().in_("en").card
    assert card is not None and card.line is not None
    assert (card.line.style, card.cap_end) == ("unknown", "")
    assert "P44" in PAGES["stored, declined later, finished"][1]().in_("en").call


# --- the ways that a driver has -----------------------------------------------------------------------------------------------


def test_after_a_start_that_failed_the_money_waits_and_so_does_the_driver() -> None:
    shown = PAGES["start failed"][1]()
    page = shown.in_("en")
    assert page.title == "Plug A did not start."
    assert "S04" in page.call
    assert page.card is not None and page.card.line is not None
    assert (page.card.value, page.card.after, page.card.line.promise) == ("50.00", "reserved, not paid", 1_000)
    assert page.countdown is not None
    assert (page.countdown.left, page.countdown.total) == (40, 60)
    assert "0:40" in page.countdown.text
    assert [(b.intent, b.kind) for b in page.buttons] == [("cancel", "quiet"), ("start_again", "primary")]


def test_the_maximum_is_chosen_among_keys_and_the_chosen_one_is_marked() -> None:
    page = PAGES["price, a maximum to choose"][1]().in_("en")
    assert [(c.text, c.chosen, c.args) for c in page.choices] == [
        ("20\u00a0€", True, {"minor": "2000"}),
        ("50\u00a0€", False, {"minor": "5000"}),
        ("80\u00a0€", False, {"minor": "8000"}),
    ]
    assert page.card is not None
    assert page.card.value == "20.00"
    assert page.card.note.startswith("You decide how much is reserved at most.")


def test_before_anything_is_chosen_the_usual_amount_is_marked() -> None:
    shown = Shown(Screen(), place=CHOOSING)
    shown.screen.touch("choose", A)
    assert [c.chosen for c in shown.in_("en").choices] == [False, True, False]


def test_a_hold_that_grows_is_told_before_the_start() -> None:
    page = PAGES["price, reserved in steps"][1]().in_("en")
    assert page.choices == ()
    assert page.card is not None
    assert page.card.note.startswith("We reserve 20.00\u00a0€ first, and more as you charge, at most 80.00\u00a0€.")


def test_the_card_is_a_key_to_ones_charge() -> None:
    assert [w.intent for w in PAGES["stop, own"][1]().in_("en").ways] == ["show_card", "type_code", ""]
    assert [w.intent for w in PAGES["stop, stranger"][1]().in_("en").ways] == ["show_card", "type_code", ""]
    assert [w.intent for w in PAGES["free, stop"][1]().in_("en").ways] == ["type_code", ""]
    assert "confirm_stop" in [b.intent for b in PAGES["stop, proven by card"][1]().in_("en").buttons]


def test_my_charge_is_offered_only_where_there_is_one() -> None:
    def offered(name: str) -> bool:
        return "show_card" in [b.intent for b in PAGES[name][1]().in_("en").utilities]

    assert offered("one charging")
    assert not offered("both free")
    assert not offered("price")
    assert not offered("cards away, one charging")  # nobody can read a card
    done = Screen()
    done.w.finish()
    assert "show_card" in [b.intent for b in Shown(done).in_("en").utilities]


def test_the_card_page_says_that_nothing_is_reserved_and_what_came_of_it() -> None:
    asked = PAGES["card"][1]().in_("en")
    assert (asked.found, asked.now) == ("looking", "Nothing is reserved. Nothing is paid.")
    assert [b.intent for b in asked.buttons] == ["back"]
    for word in ("nothing", "unreadable", "away"):
        page = PAGES[f"card, {word}"][1]().in_("en")
        assert (page.found, [b.intent for b in page.buttons]) == (word, ["back", "show_card"])
    assert [b.intent for b in PAGES["card, printing"][1]().in_("en").buttons] == ["back"]
    assert PAGES["card, unreadable, own charge"][1]().in_("en").badge == "A"


def test_a_closed_kiosk_says_why() -> None:
    assert "K04" in PAGES["cards away"][1]().in_("en").call
    assert "K05" in PAGES["disk low"][1]().in_("en").call


def test_while_cards_are_away_a_running_charge_can_be_stopped_and_nothing_is_sold() -> None:
    shown = PAGES["cards away, one charging"][1]()
    page = shown.in_("en")
    assert page.title == "Cards cannot be taken now."
    a, b = page.connectors
    assert (a.state, a.intent, b.state, b.intent) == ("in_use", "choose", "closed", "")
    shown.screen.touch("choose", A)
    assert shown.in_("en").page == "stop"


def test_a_charging_plug_says_that_a_touch_stops_it() -> None:
    key = PAGES["one charging"][1]().in_("en").connectors[1]
    assert (key.state, key.note) == ("in_use", "Touch to stop")
    assert PAGES["none free"][1]().in_("en").subtitle == "Touch your plug to stop."


def test_one_page_says_once_what_became_of_the_money() -> None:
    for name, (page, make) in PAGES.items():
        snapshot = make().in_("en")
        if page == "trouble" and snapshot.card is not None:
            assert not re.search(r"[Nn]othing (paid|reserved)|released\.$", snapshot.what), name


def test_money_is_drawn_as_the_language_writes_it() -> None:
    pages = {name: PAGES[name][1]() for name in ("both free", "price", "charging", "finished, printed")}
    for language, held, price in (("en", ("50.00", "€"), ("0.50", "€/kWh")), ("nl", ("€ 50,00", ""), ("€ 0,50", "/kWh"))):
        shown = pages["price"].in_(language)
        assert (shown.card.value.replace(NBSP, " "), shown.card.unit) == held
        assert (shown.prices[0].amount.replace(NBSP, " "), shown.prices[0].unit) == price
        idle = pages["both free"].in_(language)
        assert idle.price is not None
        assert (idle.price.value.replace(NBSP, " "), idle.price.unit) == price
    for name in ("charging", "finished, printed"):
        card = pages[name].in_("nl").card
        assert card.value.startswith("€")
        assert card.unit == ""
