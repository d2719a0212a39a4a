"""The pages of a kiosk with a reader of RFID tags and of charges on account, as core makes them: for eyes and for the screen's rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from test_core_pages import CHOOSING, GROWING, PLACE, Shown, rule
from test_visit_step import Screen
from test_visit_tag import ANNA, Reader
from world import A, B

from kiosk.core.pages.view import Place
from kiosk.session import inputs as i
from kiosk.session.inputs import Account, ConnectorStatus
from kiosk.session.visit import TAG_WORDS
from kiosk.values import Money

LIMITED = replace(ANNA, most=Money(3_000, "EUR"))


def _a(*acts: Callable[[Reader], object], place: Place = PLACE) -> Callable[[], Shown]:
    def make() -> Shown:
        s = Reader()
        for act in acts:
            act(s)
            s.looks()
        return Shown(s, place=place)

    return make


def _away(s: Reader) -> None:
    s.cards_are_away("rfid_only")


def _choose(s: Screen) -> None:
    s.touch("choose", A)


def _buys(account: Account = ANNA) -> Callable[[Reader], object]:
    return lambda s: s.buys_by_tag(account)


def _charges(account: Account = ANNA) -> Callable[[Reader], object]:
    return lambda s: s.charges_by_tag(account)


def _wait(seconds: int, kwh: int = 0) -> Callable[[Reader], object]:
    def wait(s: Reader) -> None:
        s.w.wait(seconds)
        if kwh:
            s.w.meter(kwh)

    return wait


def _ends(kwh: int = 110) -> Callable[[Reader], object]:
    def end(s: Reader) -> None:
        s.w.now = s.w.now.plus(1_800)
        s.w.end(s.w.session.transaction, kwh)

    return end


def _cable(s: Reader) -> None:
    s.w.status(1, ConnectorStatus.PREPARING)


def _leaves_the_plug(s: Reader) -> None:
    s.w.status(1, ConnectorStatus.AVAILABLE)


def _pays_by_card(s: Reader) -> None:
    s.buys()


PAGES: dict[str, tuple[str, Callable[[], Shown]]] = {
    "idle": ("idle", _a()),
    "idle, tags alone": ("idle", _a(_away)),
    "idle, tags alone, one charging": ("idle", _a(lambda s: s.w.deliver(B), _away)),
    "price": ("price", _a(_choose)),
    "price, a maximum to choose": ("price", _a(_choose, place=CHOOSING)),
    "price, reserved in steps": ("price", _a(_choose, place=GROWING)),
    "price, tags alone": ("price", _a(_away, _choose)),
    "price, tags alone, plugged": ("price", _a(_away, _cable, _choose)),
    "pay": ("pay", _a(_pays_by_card)),
    "plug in": ("plug_in", _a(_buys())),
    "plug in, limited": ("plug_in", _a(_buys(LIMITED))),
    "starting": ("starting", _a(_buys(), _cable)),
    "charging": ("charging", _a(_charges(), _wait(60, 102))),
    "charging, limited": ("charging", _a(_charges(LIMITED), _wait(60, 102))),
    "stop": ("stop", _a(_charges(), lambda s: s.touch("stop"))),
    "stop, proven": ("stop", _a(_charges(), lambda s: s.taps())),
    "finished, staying": ("finished", _a(_charges(), _ends())),
    "finished, printed": (
        "finished",
        _a(_charges(LIMITED), _ends(), _leaves_the_plug, lambda s: s.w.answer("PrintReceipt", i.Done(i.Printed("printed")))),
    ),
    "nothing delivered": ("trouble", _a(_charges(), _ends(100))),
    "start failed": ("trouble", _a(_buys(), _cable, _wait(60))),
    "no plug": ("trouble", _a(_buys(), _wait(300))),
    "free": ("price", _a(rule("free"), lambda s: s.w.give(i.TerminalHealth(True, False)), _choose)),
    **{f"tag, {word}": ("card", _a(lambda s, w=word: s.taps(None, w))) for word in TAG_WORDS},  # type: ignore[misc]
}
