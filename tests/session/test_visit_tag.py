"""What an RFID tag at the reader means to whoever stands at the screen, and to whoever stood there before."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_visit_step import Screen
from world import SETUP, A, B, approval, quote

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.inputs import Account, ConnectorStatus
from kiosk.session.setup import Offline
from kiosk.session.visit import TAG_S, TAG_WORDS, Agreed, PluggedIn, TagShown, Touched
from kiosk.values import Digest

ANNA = Account(Digest("a1" * 32), "C-1001", "depot")
BEN = Account(Digest("b2" * 32), "C-1001", "depot")
EVE = Account(Digest("e5" * 32), "C-2002")


class Reader(Screen):
    """A screen with a reader of tags beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.w.give(i.ReaderHealth(True))

    def taps(self, account: Account | None = ANNA, word: str = "") -> tuple[i.Input, ...]:
        return self.does(TagShown(account, word, self.w.ids.session(), quote(hold=0)))

    def buys_by_tag(self, account: Account = ANNA) -> None:
        self.touch("choose", A)
        self.taps(account)

    def charges_by_tag(self, account: Account = ANNA) -> None:
        self.buys_by_tag(account)
        self.w.status(1, ConnectorStatus.PREPARING)
        self.looks()
        self.w.give(i.TxStarted("PILE-1", 1, self.w.session.starts[-1].id_tag, self.w.reading(100)))
        self.looks()

    def leaves(self) -> None:
        self.touch("leave")

    def cards_are_away(self, rule: str) -> None:
        self.w.reconfigure(replace(SETUP, policy=replace(SETUP.policy, offline=Offline(rule))))
        self.w.give(i.TerminalHealth(False, False))


def test_at_the_price_a_tag_is_the_agreement():
    s = Reader()
    s.buys_by_tag()
    assert s.page == "plug_in"
    assert s.w.session.account == ANNA


def test_in_front_of_a_dark_screen_a_tag_agrees_to_nothing():
    s = Reader()
    s.touch("choose", A)
    s.does(TagShown(ANNA, "", s.w.ids.session(), quote(hold=0), seen=False))
    assert s.page == "price"
    s.does(Agreed(s.w.ids.session(), quote()))
    s.does(TagShown(ANNA, seen=False))
    assert (s.page, s.w.session.account) == ("pay", None)


def test_a_tag_does_not_agree_to_a_price_that_a_strangers_cable_has_just_shown():
    s = Reader()
    s.w.status(2, ConnectorStatus.PREPARING)
    s.does(PluggedIn(B))
    assert s.page == "price"
    assert s.taps() == ()
    s.waits(2)
    s.taps()
    assert (s.page, s.w.session.connector) == ("starting", B)


@pytest.mark.parametrize("page", ["help", "language"])
def test_what_covers_the_price_is_taken_away_by_a_tag_before_one_agrees(page: str):
    s = Reader()
    s.touch("choose", A)
    s.touch(page)
    assert s.page == page
    assert s.taps() == ()
    assert s.page == "price"
    s.taps()
    assert (s.page, s.w.session.account) == ("plug_in", ANNA)


def test_tapping_twice_buys_once():
    s = Reader()
    s.buys_by_tag()
    assert s.taps() == ()
    assert (s.page, len(s.w.all_of(f.SessionOpened))) == ("plug_in", 1)


def test_before_a_price_was_seen_nothing_is_bought_and_a_plug_is_asked_for():
    s = Reader()
    assert s.taps() == ()
    assert (s.page, s.v.found) == ("tag", "tag_choose")
    assert s.w.all_of(f.SessionOpened) == []


def test_the_only_plug_that_can_be_meant_shows_its_price_first():
    s = Reader()
    s.w.status(2, ConnectorStatus.FAULTED)
    s.taps()
    assert (s.page, s.v.connector) == ("price", A)
    s.taps()
    assert s.page == "plug_in"


def test_a_cable_that_is_in_says_which_plug_is_meant():
    s = Reader()
    s.w.status(2, ConnectorStatus.PREPARING)
    s.taps()
    assert (s.page, s.v.connector) == ("price", B)


@pytest.mark.parametrize("word", TAG_WORDS)
def test_a_tag_that_is_good_for_nothing_says_why_and_the_page_comes_back(word: str):
    s = Reader()
    s.touch("choose", A)
    assert s.taps(None, word) == ()
    assert (s.page, s.v.found) == ("tag", word)
    s.touch("back")
    assert s.page == "price"
    s.taps(None, word)
    s.waits(TAG_S)
    assert s.page == "price"


def test_a_strangers_bad_tag_takes_nothing_from_whoever_is_paying():
    s = Reader()
    s.buys()
    s.taps(None, "tag_unknown")
    assert s.page == "tag"
    s.waits(TAG_S)
    assert s.page == "pay"
    s.w.answer("Preauthorize", i.Done(approval()))
    s.looks()
    assert s.page == "plug_in"


def test_while_a_card_is_asked_for_a_tag_pays_instead():
    s = Reader()
    s.buys()
    s.taps()
    assert (s.page, s.w.session.account) == ("plug_in", ANNA)


def test_a_second_charge_is_refused_while_the_first_runs():
    s = Reader()
    s.charges_by_tag()
    s.leaves()
    s.touch("choose", B)
    assert s.taps() == ()
    assert (s.page, s.v.found) == ("tag", "tag_busy")


def test_who_comes_back_with_the_tag_finds_the_charge_and_may_stop_it():
    s = Reader()
    s.charges_by_tag()
    s.leaves()
    s.taps()
    assert (s.page, s.v.own, s.w.session.proved_by) == ("stop", True, "tag")
    s.does(Touched("confirm_stop"))
    assert [x.by for x in s.w.session.stops] == ["tag"]


def test_a_tag_of_the_group_stops_the_charge_it_looks_at():
    s = Reader()
    s.charges_by_tag()
    s.leaves()
    s.touch("choose", A)
    s.taps(BEN)
    assert (s.page, s.w.session.proved_by) == ("stop", "tag")


def test_a_strangers_tag_at_the_stop_page_stops_nothing():
    s = Reader()
    s.charges_by_tag()
    s.leaves()
    s.touch("choose", A)
    s.taps(EVE)
    s.does(Touched("confirm_stop"))
    assert (s.w.session.proved_by, s.w.session.stops, s.v.own) == ("", (), False)


def test_after_the_word_about_a_tag_the_stop_page_is_still_there():
    s = Reader()
    s.charges_by_tag()
    s.leaves()
    s.touch("choose", A)
    for _ in range(2):
        s.taps(None, "tag_unknown")
        assert s.page == "tag"
        s.touch("back")
        assert s.page == "stop"
    s.taps(None, "tag_unknown")
    s.waits(TAG_S)
    assert s.page == "stop"


def test_a_known_strangers_tag_while_another_pays_pays_for_them_never_against_them():
    s = Reader()
    s.pays()
    s.taps(EVE)
    assert s.w.session.account is None
    assert s.w.session.payment is not None


def test_under_rfid_only_the_price_page_is_there_and_cards_are_not_taken():
    s = Reader()
    s.cards_are_away("rfid_only")
    s.touch("choose", A)
    assert s.page == "price"
    assert s.does(Agreed(s.w.ids.session(), quote())) == ()
    s.taps()
    assert s.page == "plug_in"


def test_a_charge_that_is_given_away_needs_no_tag():
    s = Reader()
    s.cards_are_away("free")
    s.touch("choose", A)
    s.taps()
    assert (s.page, s.v.found) == ("tag", "tag_free")


def test_where_nothing_is_sold_a_good_tag_changes_nothing():
    s = Reader()
    s.cards_are_away("closed")
    s.taps()
    assert s.page == "out_of_order"
