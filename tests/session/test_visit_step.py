"""The visit: every page, every touch, and the moments at which nobody is there any more."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from world import SETUP, A, B, World, approval, code_digest, names, quote

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.facts import Fact
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.state import Stage
from kiosk.session.visit import (
    Agreed,
    CardShown,
    DigitTyped,
    Left,
    PluggedIn,
    Times,
    Touched,
    Visit,
    VisitInput,
    Waited,
    fresh,
    page,
    refresh,
    step,
)

TIMES = Times(idle_s=30, finished_s=60)


@dataclass
class Screen:
    """A person at the screen of a world. Every touch goes all the way into the facts and back."""

    w: World = field(default_factory=World)
    v: Visit = field(init=False)

    def __post_init__(self) -> None:
        self.v = fresh(1, "en", self.w.now)
        self.w.wait(60)  # the piles have reported

    @property
    def page(self) -> str:
        return page(self.v, self.w.k, self.w.now)

    def does(self, given: VisitInput) -> tuple[Fact, ...]:
        self.v, inputs = step(self.v, given, self.w.k, self.w.now, TIMES, "en")
        facts = tuple(fact for one in inputs for fact in self.w.give(one))
        self.looks()
        return facts

    def touch(self, kind: str, argument: str = "") -> tuple[Fact, ...]:
        return self.does(Touched(kind, argument))

    def looks(self) -> None:
        """The kiosk changed by itself."""
        self.v = refresh(self.v, self.w.k, self.w.now)

    def waits(self, seconds: int) -> None:
        self.w.wait(seconds)
        self.looks()
        self.does(Waited())

    def types(self, code: str) -> None:
        for digit in code:
            session = self.v.session
            assert session is not None
            self.does(DigitTyped(digit, code_digest(session, self.v.typed + digit)))

    # --- how one gets to a page --------------------------------------------------------------------------------------------------

    def buys(self) -> None:
        self.touch("choose", A)
        self.does(Agreed(self.w.ids.session(), quote()))

    def pays(self) -> None:
        self.buys()
        self.w.answer("Preauthorize", i.Done(approval()))
        self.looks()

    def plugs_in(self) -> None:
        self.pays()
        self.w.status(1, ConnectorStatus.PREPARING)
        self.looks()

    def charges(self) -> None:
        self.plugs_in()
        tag = self.w.session.starts[-1].id_tag
        self.w.give(i.TxStarted("PILE-1", 1, tag, self.w.reading(100)))
        self.looks()

    def finishes(self) -> None:
        self.charges()
        self.w.now = self.w.now.plus(1_800)
        self.w.end(self.w.session.transaction, 110)
        self.looks()

    def is_wiped(self) -> bool:
        return self.v == fresh(self.v.number, "en", self.v.touched_at) and self.page == "idle"


def a_stranger_at(w: World) -> Screen:
    """The next person, after the owner's visit is over."""
    return Screen(w)


# --- the path of pages --------------------------------------------------------------------------------------------------------


def test_the_pages_of_a_sale_follow_one_another() -> None:
    s = Screen()
    pages = [s.page]
    s.touch("choose", A)
    pages.append(s.page)
    s.does(Agreed(s.w.ids.session(), quote()))
    pages.append(s.page)
    s.w.answer("Preauthorize", i.Done(approval()))
    s.looks()
    pages.append(s.page)
    s.w.status(1, ConnectorStatus.PREPARING)
    s.looks()
    pages.append(s.page)
    s.w.give(i.TxStarted("PILE-1", 1, s.w.session.starts[-1].id_tag, s.w.reading(100)))
    s.looks()
    pages.append(s.page)
    s.w.now = s.w.now.plus(1_800)
    s.w.end(s.w.session.transaction, 110)
    s.looks()
    pages.append(s.page)
    assert pages == ["idle", "price", "pay", "plug_in", "starting", "charging", "finished"]


def test_plugging_in_first_shows_the_price() -> None:
    s = Screen()
    s.w.status(2, ConnectorStatus.PREPARING)
    s.does(PluggedIn(B))
    assert (s.page, s.v.connector) == ("price", B)


def test_plugging_in_does_not_take_the_screen_from_somebody_else() -> None:
    s = Screen()
    s.touch("choose", A)
    s.does(PluggedIn(B))
    assert s.v.connector == A


def test_plugging_in_at_a_sold_connector_shows_no_price() -> None:
    s = Screen()
    s.w.pay(A)
    s.does(PluggedIn(A))
    assert s.page == "idle"


def test_a_quote_is_accepted_from_the_price_page_only() -> None:
    s = Screen()
    assert s.does(Agreed(s.w.ids.session(), quote())) == ()
    s.touch("choose", A)
    s.touch("help")
    assert s.does(Agreed(s.w.ids.session(), quote())) == ()
    assert s.w.k.sessions == {}


def test_a_connector_sold_elsewhere_meanwhile_leaves_the_price_page() -> None:
    s = Screen()
    s.touch("choose", A)
    s.w.status(1, ConnectorStatus.FAULTED)
    assert s.page == "idle"


@pytest.mark.parametrize("wish", ["cancel", "another_card", "more_time", "confirm_stop", "print", "erase", "stop", "type_code", "nonsense"])
def test_a_wish_without_a_sale_does_nothing(wish: str) -> None:
    s = Screen()
    assert s.touch(wish) == ()
    assert s.page == "idle"


def test_choosing_what_is_not_there_does_nothing() -> None:
    s = Screen()
    s.touch("choose", "DE*LND*E0417*9")
    s.w.status(1, ConnectorStatus.FAULTED)
    s.touch("choose", A)
    assert s.page == "idle"


# --- trouble ------------------------------------------------------------------------------------------------------------------


def test_a_decline_is_trouble_and_a_second_card_is_the_way_on() -> None:
    s = Screen()
    s.buys()
    s.w.answer("Preauthorize", i.Refused("refused"))
    s.looks()
    assert s.page == "trouble"
    assert names(s.touch("another_card")) == ["PreauthorizationRequested"]
    assert s.page == "pay"


def test_unknown_money_is_trouble_and_stays_on_the_screen_while_it_is_open() -> None:
    s = Screen()
    s.buys()
    s.w.answer("Preauthorize", i.Unknown())
    s.waits(200)
    assert s.page == "trouble"
    s.waits(100)  # given up
    assert s.page == "trouble"
    s.waits(60)
    assert s.is_wiped()


def test_a_cancel_from_the_screen_ends_the_sale() -> None:
    s = Screen()
    s.pays()
    assert names(s.touch("cancel")) == ["SessionGivenUp", "CancelRequested"]
    assert s.page == "trouble"
    s.touch("finish")
    assert s.is_wiped()


def test_more_time_from_the_screen() -> None:
    s = Screen()
    s.pays()
    s.w.wait(100)
    assert names(s.touch("more_time")) == ["PlugAwaited"]


def test_nothing_delivered_is_trouble() -> None:
    s = Screen()
    s.charges()
    s.w.end(s.w.session.transaction, 100)
    s.looks()
    assert s.page == "trouble"


def test_a_refused_capture_is_trouble() -> None:
    s = Screen()
    s.finishes()
    s.w.answer("Modify", i.Refused("rejected"))
    s.looks()
    assert s.page == "trouble"


def test_an_unsound_journal_is_out_of_order_once_nothing_runs() -> None:
    s = Screen()
    s.w.give(i.KioskStarted(sound=False))
    assert s.page == "out_of_order"


def test_an_unsound_journal_still_lets_a_running_charge_be_stopped() -> None:
    s = Screen()
    s.w.deliver(A)
    s.w.give(i.KioskStarted(sound=False))
    assert s.page == "idle"
    s.touch("choose", A)
    assert s.page == "stop"


def test_no_pile_is_out_of_order_but_not_before_it_had_time_to_report() -> None:
    s = Screen()
    s.w.give(i.KioskStarted())
    assert s.page == "idle"
    s.w.wait(20)
    assert s.page == "out_of_order"
    s.w.give(i.PileConnected("PILE-1"))
    assert s.page == "idle"


# --- stopping -----------------------------------------------------------------------------------------------------------------


def test_the_owner_stops_with_the_code() -> None:
    s = Screen()
    s.charges()
    s.touch("stop")
    assert s.page == "stop"
    s.touch("type_code")
    assert s.page == "code"
    s.types("4719")
    assert s.page == "stop"
    assert names(s.touch("confirm_stop")) == ["StopRequested"]
    assert s.page == "charging"


def test_a_stranger_sees_how_to_stop_and_cannot() -> None:
    w = World()
    w.deliver(A)
    s = a_stranger_at(w)
    s.touch("choose", A)
    assert (s.page, s.v.own) == ("stop", False)
    assert s.touch("confirm_stop") == ()
    assert s.touch("cancel") == ()
    assert s.touch("print") == ()
    s.touch("type_code")
    s.types("1234")
    assert (s.page, s.v.own, s.v.missed) == ("code", False, True)


def test_the_owner_who_comes_back_proves_it_with_the_code() -> None:
    w = World()
    w.deliver(A)
    s = a_stranger_at(w)
    s.touch("choose", A)
    s.touch("type_code")
    s.types("4719")
    assert s.v.own
    assert names(s.touch("confirm_stop")) == ["StopRequested"]


def test_a_proof_of_somebody_before_opens_nothing_to_the_next() -> None:
    w = World()
    w.deliver(A)
    w.give(i.StopCodeTyped(w.session.id, code_digest(w.session.id, "4719")))
    s = a_stranger_at(w)
    s.touch("choose", A)
    assert not s.v.own
    assert s.touch("confirm_stop") == ()
    s.touch("type_code")
    s.types("1111")
    assert not s.v.own


def test_a_locked_code_takes_not_even_the_right_digits() -> None:
    s = Screen()
    s.charges()
    s.touch("type_code")
    for _ in range(3):
        s.types("0000")
    s.types("4719")
    assert s.v.missed
    assert s.w.session.proved_by == ""
    s.w.wait(60)
    s.types("4719")
    assert s.page == "stop"


def test_a_card_shown_while_the_code_is_locked_opens_nothing_to_whoever_types_next() -> None:
    s = Screen()
    s.w.deliver()
    sale = s.w.session.id
    s.touch("choose", A)
    s.touch("type_code")
    for wrong in ("0000", "1111", "2222"):
        s.types(wrong)
    s.touch("leave")
    s.touch("show_card")
    s.does(CardShown(sale))
    assert s.v.own
    s.touch("leave")
    s.touch("choose", A)
    s.touch("type_code")
    s.types("3333")
    assert not s.v.own
    assert s.touch("confirm_stop") == ()


def test_digits_are_erased_one_by_one_and_letters_are_none() -> None:
    s = Screen()
    s.charges()
    s.touch("type_code")
    s.types("12")
    s.touch("erase")
    assert s.v.typed == "1"
    s.does(DigitTyped("x", code_digest(s.v.session, "1x")))
    assert s.v.typed == "1"


def test_digits_outside_the_code_page_do_nothing() -> None:
    s = Screen()
    s.charges()
    s.types("4719")
    assert s.w.all_of(f.StopProved) == []


def test_back_goes_from_code_to_stop_to_where_one_came_from() -> None:
    s = Screen()
    s.charges()
    s.touch("stop")
    s.touch("type_code")
    s.types("12")
    s.touch("back")
    assert (s.page, s.v.typed) == ("stop", "")
    s.touch("back")
    assert s.page == "charging"


def test_back_from_somebody_elses_charge_is_idle_in_the_same_language() -> None:
    w = World()
    w.deliver(A)
    s = a_stranger_at(w)
    s.touch("language", "de")
    s.touch("choose", A)
    s.touch("back")
    assert (s.page, s.v.language, s.v.session) == ("idle", "de", None)


def test_a_charge_that_ends_takes_the_stop_page_with_it() -> None:
    s = Screen()
    s.charges()
    s.touch("stop")
    s.w.now = s.w.now.plus(1_800)
    s.w.end(s.w.session.transaction, 110)
    s.looks()
    assert s.page == "finished"


# --- the card as a key --------------------------------------------------------------------------------------------------------


def test_the_owner_stops_with_the_card_that_pays() -> None:
    w = World()
    w.deliver(A)
    s = a_stranger_at(w)
    s.touch("choose", A)
    s.touch("show_card")
    assert (s.page, s.v.found) == ("card", "looking")
    assert names(s.does(CardShown(w.session.id))) == ["StopProved"]
    assert (s.page, s.v.own) == ("stop", True)
    assert names(s.touch("confirm_stop")) == ["StopRequested"]
    assert w.session.stops[-1].by == "card"


def test_a_charge_is_found_from_the_idle_page_by_its_card() -> None:
    w = World()
    w.deliver(A)
    s = a_stranger_at(w)
    s.touch("show_card")
    s.does(CardShown(w.session.id))
    assert (s.page, s.v.session) == ("stop", w.session.id)
    s.touch("back")
    assert s.page == "charging"


def test_the_last_receipt_is_found_by_its_card() -> None:
    w = World()
    w.finish()
    s = a_stranger_at(w)
    s.touch("show_card")
    s.does(CardShown(w.session.id))
    assert (s.page, s.v.own) == ("finished", True)
    assert names(s.touch("print")) == ["PrintRequested"]


@pytest.mark.parametrize("word", ["nothing", "unreadable", "away", "printing"])
def test_a_card_without_a_charge_opens_nothing_and_is_told(word: str) -> None:
    w = World()
    w.deliver(A)
    s = a_stranger_at(w)
    s.touch("choose", A)
    s.touch("show_card")
    assert s.does(CardShown(None, word)) == ()
    assert (s.page, s.v.found, s.v.own) == ("card", word, False)
    s.touch("show_card")
    assert s.v.found == "looking"
    s.touch("back")
    assert (s.page, s.v.found) == ("stop", "")


def test_back_from_the_card_leads_to_the_other_ways_to_stop() -> None:
    s = Screen()
    s.charges()
    s.touch("stop")
    s.touch("show_card")
    s.touch("back")
    assert s.page == "stop"


def test_a_card_that_comes_after_the_page_was_left_opens_nothing() -> None:
    w = World()
    w.deliver(A)
    s = a_stranger_at(w)
    s.touch("show_card")
    s.touch("back")
    assert s.does(CardShown(w.session.id)) == ()
    assert (s.page, s.v.own) == ("idle", False)


def test_while_a_card_is_asked_for_to_pay_none_is_asked_for_to_recognise() -> None:
    s = Screen()
    s.buys()
    s.touch("show_card")
    assert s.page == "pay"


# --- another try --------------------------------------------------------------------------------------------------------------


def a_failed_start() -> Screen:
    s = Screen()
    s.plugs_in()
    s.waits(60)
    assert s.w.session.stage is Stage.START_FAILED
    return s


def test_another_try_needs_no_other_card() -> None:
    s = a_failed_start()
    assert s.page == "trouble"
    s.touch("start_again")
    assert s.page == "starting"
    assert len(s.w.all_of(f.PreauthorizationRequested)) == 1


def test_the_driver_who_leaves_after_a_failed_start_gets_the_money_back() -> None:
    s = a_failed_start()
    assert names(s.touch("cancel")) == ["SessionGivenUp", "CancelRequested"]
    assert s.page == "trouble"


def test_a_failed_start_keeps_the_screen_until_the_money_is_released_and_that_is_told() -> None:
    s = a_failed_start()
    s.waits(59)
    assert s.page == "trouble"
    s.waits(1)
    assert (s.page, s.w.session.given_up) == ("trouble", "never_started")


# --- nothing is sold ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("closed", [i.TerminalHealth(False, False), i.TerminalHealth(True, False), i.DiskState(True)])
def test_a_closed_kiosk_is_out_of_order_at_once_and_still_lets_a_running_charge_be_stopped(closed: i.Input) -> None:
    s = Screen()
    s.w.give(i.KioskStarted())  # its piles are still on their way
    s.w.give(closed)
    s.w.give(i.PileConnected("PILE-1"))
    assert s.page == "out_of_order"
    w = World()
    w.deliver(A)
    w.give(closed)
    s = a_stranger_at(w)
    assert s.page == "idle"
    s.touch("choose", B)
    assert s.page == "idle"
    s.touch("choose", A)
    s.touch("type_code")
    s.types("4719")
    assert names(s.touch("confirm_stop")) == ["StopRequested"]


def test_whoever_unplugs_at_a_closed_kiosk_is_shown_what_it_came_to() -> None:
    w = World()
    w.finish()
    w.give(i.TerminalHealth(False, False))
    s = a_stranger_at(w)
    assert s.page == "out_of_order"
    s.does(Left(w.k.recent[-1].id))
    assert s.page == "finished"
    s.touch("finish")
    assert s.page == "out_of_order"


# --- language and help --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("overlay", ["language", "help"])
def test_an_overlay_opens_and_closes_over_any_page(overlay: str) -> None:
    s = Screen()
    s.pays()
    s.touch(overlay)
    assert s.page == overlay
    s.touch(overlay)
    assert s.page == "plug_in"
    s.touch(overlay)
    s.touch("back")
    assert s.page == "plug_in"


def test_the_language_changes_at_any_moment_and_stays_for_the_visit() -> None:
    s = Screen()
    s.touch("language", "de")
    s.pays()
    assert (s.v.language, s.page) == ("de", "plug_in")
    s.touch("finish")
    assert s.v.language == "en"


def test_reading_help_does_not_lose_the_sale_one_is_paying_for() -> None:
    s = Screen()
    s.buys()
    s.touch("help")
    s.waits(80)
    assert s.v.own
    s.w.answer("Preauthorize", i.Done(approval()))
    s.touch("back")
    assert s.page == "plug_in"


# --- nobody there -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["choose", "help", "language"])
def test_thirty_seconds_without_a_touch_and_nobody_is_there(kind: str) -> None:
    s = Screen()
    s.touch(kind, A if kind == "choose" else "")
    s.waits(29)
    assert not s.is_wiped()
    s.waits(1)
    assert s.is_wiped()
    assert s.v.number == 2


def test_a_touch_begins_the_time_again() -> None:
    s = Screen()
    s.touch("choose", A)
    s.waits(20)
    s.touch("nonsense")
    s.waits(20)
    assert s.page == "price"


def test_the_language_alone_is_forgotten_too() -> None:
    s = Screen()
    s.touch("language", "de")
    s.waits(30)
    assert s.v.language == "en"


def test_an_idle_screen_stays_the_same_visit() -> None:
    s = Screen()
    for _ in range(5):
        s.waits(600)
    assert s.v.number == 1


@pytest.mark.parametrize("stretch", ["buys", "pays", "plugs_in"])
def test_the_screen_waits_with_a_driver_whose_sale_has_begun(stretch: str) -> None:
    s = Screen()
    getattr(s, stretch)()
    s.waits(50)
    assert s.v.own


def test_a_charging_screen_is_free_again_thirty_seconds_after_the_last_touch() -> None:
    s = Screen()
    s.charges()
    s.waits(30)
    assert s.is_wiped()
    s.touch("choose", B)
    assert s.page == "price"


def test_a_car_that_pauses_and_goes_on_does_not_keep_the_screen_with_a_driver_who_left() -> None:
    s = Screen()
    s.charges()
    for number in range(4):
        s.w.status(1, ConnectorStatus.CHARGING if number % 2 else ConnectorStatus.SUSPENDED_EV)
        s.looks()
        s.waits(10)
    assert s.is_wiped()


def test_the_finished_page_stays_a_minute() -> None:
    s = Screen()
    s.finishes()
    s.waits(59)
    assert s.page == "finished"
    s.waits(1)
    assert s.is_wiped()


def test_a_step_of_the_own_sale_counts_as_a_touch() -> None:
    s = Screen()
    s.charges()
    s.waits(25)
    s.w.now = s.w.now.plus(4)
    s.w.end(s.w.session.transaction, 100)
    s.looks()
    s.waits(50)
    assert s.v.own


def test_leaving_for_the_other_plug_keeps_the_sale() -> None:
    s = Screen()
    s.pays()
    s.touch("leave")
    assert s.page == "idle"
    assert s.w.session.stage is Stage.WAITING_FOR_PLUG


def test_a_copy_can_be_asked_for_after_the_cable_is_out() -> None:
    s = Screen()
    s.finishes()
    s.w.settle()
    s.looks()
    assert s.w.session.closed_at is not None
    assert s.page == "finished"
    assert names(s.touch("print")) == ["PrintRequested"]
    assert s.w.kinds() == ["PrintReceipt"]


def test_a_sale_forgotten_by_the_kiosk_is_forgotten_by_the_visit() -> None:
    s = Screen()
    s.finishes()
    s.w.settle()
    for _ in range(8):
        s.w.finish()
    s.looks()
    assert (s.v.session, s.page) == (None, "idle")


def test_every_connector_can_be_chosen_by_its_key() -> None:
    for connector in SETUP.connectors:
        s = Screen()
        s.touch("choose", connector.id)
        assert s.page == "price"
