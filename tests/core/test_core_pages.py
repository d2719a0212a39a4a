"""Every page in every language: all sentences there, short enough to read from a step away, and no word of ours among them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

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
from kiosk.session.visit import Visit
from kiosk.values import Money
from kiosk.wording.wording import Wording

LANGUAGES = ("en", "de")
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


@dataclass
class Shown:
    screen: Screen
    dialogue: str = ""

    def in_(self, language: str) -> Snapshot:
        w = self.screen.w
        live = Live()
        live.follow(w.k, w.now)
        visit = replace(self.screen.v, language=language)
        view = View(w.k, visit, w.now, live, PLACE, Wording(language), self.dialogue, lambda _: "4719", lambda _: "PILEPAY1:TEST")
        return compose(view, 1)


def _a(*acts: Callable[[Screen], object]) -> Callable[[], Shown]:
    def make() -> Shown:
        s = Screen()
        for act in acts:
            act(s)
            s.looks()
        return Shown(s)

    return make


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
    "pile refused": ("trouble", _a(Screen.plugs_in, _answers("StartDelivery", i.Refused("rejected")))),
    "never started": ("trouble", _a(Screen.plugs_in, _wait(60))),
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
        assert (make().in_("en").stop_code == "4719") is (page in ("plug_in", "starting"))


def test_a_stranger_sees_neither_cost_nor_energy_of_somebody_elses_charge() -> None:
    snapshot = PAGES["stop, stranger"][1]().in_("en")
    assert (snapshot.car, snapshot.card, snapshot.facts) == (None, None, ())


def test_a_second_card_is_offered_after_a_decline_and_not_while_money_is_unknown() -> None:
    assert "another_card" in [b.intent for b in PAGES["declined"][1]().in_("en").buttons]
    assert "another_card" not in [b.intent for b in PAGES["unknown"][1]().in_("en").buttons]


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
