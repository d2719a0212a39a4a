"""While cards cannot be authorized: what is sold then, on whose word, and how that comes to an end."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import SETUP, A, B, World, approval, code_digest, names

from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.inputs import ConnectorStatus
from kiosk.session.offline import room
from kiosk.session.sellable import closed_because, sellable
from kiosk.session.setup import Offline
from kiosk.session.state import Kiosk, PaymentState, Stage
from kiosk.values import Money

DAY = 86_400


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def away(rule: str, *, reachable: bool = True, sale: int = 3_000, stored: int = 5_000) -> World:
    """A kiosk whose terminal does not reach its host."""
    terms = Offline(rule, eur(sale), eur(stored))
    w = World(Kiosk(replace(SETUP, policy=replace(SETUP.policy, offline=terms))))
    w.give(i.TerminalHealth(reachable, False, "no line"))
    return w


def offline_yes(minor: int = 5_000) -> i.Done:
    return i.Done(replace(approval(minor, ""), offline=True))


def forward(w: World, *, success: bool = True, psp: str = "FWD1", reason: str = "", amount: Money | None = None) -> tuple[f.Fact, ...]:
    payment = w.session.last_payment.ref
    return w.give(i.Confirmation(payment, psp if success else "DECL1", "authorisation", success, reason, amount))


def charging(w: World) -> int:
    """Approved by the terminal alone, plugged in, started at 100 kWh: the transaction."""
    w.accept()
    w.answer("Preauthorize", offline_yes())
    w.status(1, ConnectorStatus.PREPARING)
    w.answer("StartDelivery", i.Done(i.Ok()))
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    w.status(1, ConnectorStatus.CHARGING)
    return w.session.transaction


def ended(w: World, kwh: int = 110) -> None:
    transaction = charging(w)
    w.skip(1_800)
    w.end(transaction, kwh)


# --- closed -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["closed", "rfid_only"])
def test_without_a_rule_that_sells_nothing_is_sold(rule: str) -> None:
    w = away(rule)
    assert closed_because(w.k) == "cards_away"
    w.accept()
    assert w.k.sessions == {}
    w.give(i.TerminalHealth(True, True))
    assert closed_because(w.k) == ""
    w.pay()
    assert w.session.payment is not None


def test_what_the_terminal_says_is_noted_when_it_changes() -> None:
    w = away("closed")
    assert w.give(i.TerminalHealth(True, False, "still no line")) == ()
    assert names(w.give(i.TerminalHealth(True, True))) == ["TerminalReported"]


def test_after_a_restart_the_terminal_has_not_been_heard_of() -> None:
    w = away("free")
    w.restart()
    assert w.k.terminal is None
    w.accept()
    assert w.all_of(f.FreeVendGranted) == [], "nothing is given away on yesterday's news"
    assert w.kinds() == ["Preauthorize"]


def test_a_charge_that_runs_goes_on_while_the_terminal_is_away() -> None:
    w = World()
    transaction = w.deliver()
    w.give(i.TerminalHealth(False, False))
    w.skip(1_800)
    w.end(transaction, 110)
    assert w.operations() == ["capture"]


def test_a_full_disk_sells_nothing_new_and_finishes_what_runs() -> None:
    w = World()
    transaction = w.deliver()
    assert names(w.give(i.DiskState(True))) == ["DiskLow"]
    assert w.give(i.DiskState(True)) == ()
    assert not sellable(w.k, B)
    w.skip(1_800)
    w.end(transaction, 110)
    w.settle()
    assert w.session.closed_at is not None
    w.restart()
    assert closed_because(w.k) == "disk_low"
    assert names(w.give(i.DiskState(False))) == ["DiskFine"]
    assert sellable(w.k, B)


# --- given away -----------------------------------------------------------------------------------------------------------------


def free_charge(w: World) -> int:
    session = w.accept()
    w.status(1, ConnectorStatus.PREPARING)
    w.answer("StartDelivery", i.Done(i.Ok()))
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    assert w.session.id == session
    return w.session.transaction


def test_given_away_asks_for_no_card_and_charges_nothing() -> None:
    w = away("free")
    facts = w.give(i.QuoteAccepted(w.ids.session(), A, w.quote_in("EUR")))
    assert names(facts) == ["SessionOpened", "QuoteAgreed", "FreeVendGranted", "StopCodeIssued", "PlugAwaited"]
    w.status(1, ConnectorStatus.PREPARING)
    w.answer("StartDelivery", i.Done(i.Ok()))
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    w.skip(1_800)
    w.end(w.session.transaction, 110)
    assert (w.session.priced.rule, w.session.priced.charge, w.session.priced.shortfall) == ("free", eur(0), eur(0))
    assert w.session.priced.rating.total == eur(500), "what it would have cost is known"
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.closed_at is not None
    assert (w.session.payments, w.session.modifications, w.k.receipts) == ({}, {}, 0)


def test_what_is_given_away_ends_at_the_hold() -> None:
    w = away("free")
    free_charge(w)
    w.skip(7_200)
    assert "StopRequested" in names(w.meter(198))
    assert w.session.stops[0].by == "limit"


def test_the_stop_code_stops_what_is_given_away() -> None:
    w = away("free")
    free_charge(w)
    session = w.session.id
    w.give(i.StopCodeTyped(session, code_digest(session, "4719")))
    assert names(w.give(i.StopAsked(session, "code"))) == ["StopRequested"]


def test_a_power_cut_in_a_free_charge_charges_nothing_either() -> None:
    w = away("free")
    transaction = free_charge(w)
    w.skip(600)
    w.reboot(seconds_down=60)
    assert w.session.stage is Stage.DELIVERING
    w.skip(60)
    w.end(transaction, 105)
    w.reboot(seconds_down=60)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.closed_at is not None
    assert w.all_of(f.CaptureRequested) == []


@pytest.mark.parametrize("end", ["cancelled", "no plug", "refused"])
def test_a_free_charge_that_never_starts_leaves_nothing(end: str) -> None:
    w = away("free")
    session = w.accept()
    if end == "cancelled":
        w.give(i.DriverCancelled(session))
    elif end == "no plug":
        w.wait(300)
    else:
        w.status(1, ConnectorStatus.PREPARING)
        w.answer("StartDelivery", i.Refused("rejected"))
        w.wait(60)
    assert w.session.closed_at is not None
    assert w.kinds() == []
    assert names(w.facts).count("CancelRequested") == 0


def test_a_free_charge_goes_on_when_cards_are_possible_again() -> None:
    w = away("free")
    transaction = free_charge(w)
    w.give(i.TerminalHealth(True, True))
    w.skip(1_800)
    w.end(transaction, 110)
    assert w.session.priced.rule == "free"
    w.pay(B)
    assert w.session.payment is not None, "the next one pays"


def test_a_free_charge_whose_meter_proves_nothing_is_owed_by_nobody_and_waits_for_nobody() -> None:
    w = away("free")
    transaction = free_charge(w)
    w.skip(60)
    w.end(transaction, 54_000)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.reviews() == []
    assert (w.session.priced.rule, w.session.priced.charge, w.session.priced.rating.total) == ("free", eur(0), eur(0))
    assert w.session.closed_at is not None


# --- on the terminal's own word -----------------------------------------------------------------------------------------------------


def test_an_offline_approval_is_spent_up_to_the_cap() -> None:
    w = away("capped")
    charging(w)
    assert w.session.payment.usable == eur(3_000)
    assert w.session.payment.approval.authorized == eur(5_000)
    w.skip(7_200)
    assert "StopRequested" in names(w.meter(158))


def test_a_cap_above_the_approval_gives_no_more_than_the_approval() -> None:
    w = away("capped", sale=9_000, stored=9_000)
    charging(w)
    assert w.session.payment.usable == eur(5_000)


def test_nothing_is_captured_before_the_issuer_has_seen_it() -> None:
    w = away("capped")
    ended(w)
    assert w.session.priced.charge == eur(500)
    assert w.operations() == []
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.closed_at is None
    w.restart()
    assert names(forward(w)) == ["PaymentForwarded", "CaptureRequested"]
    assert w.request("Modify").body.psp_reference == "FWD1"
    w.answer("Modify", i.Done(i.Accepted("CAP1")))
    w.answer("PrintReceipt", i.Done(i.Printed("printed")))
    assert w.session.closed_at is not None
    assert w.k.stored == {}


def test_forwarded_before_the_plug_goes_on_as_if_it_had_been_online() -> None:
    w = away("capped")
    w.accept()
    w.answer("Preauthorize", offline_yes())
    assert names(forward(w)) == ["PaymentForwarded"]
    w.status(1, ConnectorStatus.PREPARING)
    w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    w.skip(1_800)
    w.end(w.session.transaction, 110)
    assert w.operations() == ["capture"]


def test_forwarded_twice_is_forwarded_once() -> None:
    w = away("capped")
    ended(w)
    forward(w)
    w.restart()
    assert forward(w) == ()
    assert forward(w, success=False) == ()


def test_declined_before_the_plug_ends_the_sale_and_starts_nothing() -> None:
    w = away("capped")
    w.accept()
    w.answer("Preauthorize", offline_yes())
    assert names(forward(w, success=False)) == ["PaymentForwarded", "SessionGivenUp", "SessionClosed"]
    assert w.session.given_up == "declined"
    assert (w.reviews(), w.kinds(), w.k.stored) == ([], [], {})


def test_declined_while_the_pile_is_asked_ends_the_sale_and_a_late_start_is_nobodys() -> None:
    w = away("capped")
    w.accept()
    w.answer("Preauthorize", offline_yes())
    w.status(1, ConnectorStatus.PREPARING)
    forward(w, success=False)
    assert w.kinds() == []
    facts = w.give(i.TxStarted("PILE-1", 1, w.session.starts[-1].id_tag, w.reading(100)))
    assert names(facts) == ["OrphanTransactionStarted"]


def test_declined_while_charging_stops_the_charge_and_is_for_a_person() -> None:
    w = away("capped")
    transaction = charging(w)
    w.skip(600)
    w.meter(105)
    facts = forward(w, success=False, reason="05 do not honour")
    assert names(facts) == ["PaymentForwarded", "ReviewOpened", "StopRequested"]
    assert w.session.stops[0].by == "declined"
    w.skip(20)
    w.end(transaction, 106)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.reviews() == ["offline_declined", "energy_unpaid"]
    assert w.all_of(f.CaptureRequested) == []
    assert w.session.closed_at is not None


def test_declined_after_the_end_takes_nothing_and_is_for_a_person() -> None:
    w = away("capped")
    ended(w)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert names(forward(w, success=False)) == ["PaymentForwarded", "ReviewOpened", "SessionClosed"]
    assert w.reviews() == ["offline_declined"]


def test_declined_and_then_approved_after_all_is_captured() -> None:
    w = away("capped")
    ended(w)
    w.status(1, ConnectorStatus.AVAILABLE)
    forward(w, success=False)
    assert w.session.closed_at is not None
    assert names(forward(w, psp="FWD2")) == ["PaymentForwarded", "CaptureRequested"]
    assert w.session.closed_at is None
    assert w.request("Modify").body.psp_reference == "FWD2"
    w.restart()
    w.answer("Modify", i.Done(i.Accepted("CAP1")))
    w.answer("PrintReceipt", i.Done(i.Printed("printed")))
    assert w.session.closed_at is not None


def test_declined_before_the_plug_and_approved_after_all_is_released() -> None:
    w = away("capped")
    w.accept()
    w.answer("Preauthorize", offline_yes())
    forward(w, success=False)
    forward(w)
    assert w.operations() == ["cancel"]


def test_the_terminals_answer_again_after_the_issuers_no_is_nothing() -> None:
    w = away("capped")
    w.accept()
    payment = w.request("Preauthorize").ref
    w.answer("Preauthorize", offline_yes())
    forward(w, success=False)
    assert w.give(i.Outcome(payment, offline_yes())) == ()
    assert w.session.closed_at is not None


def test_cancelled_before_the_plug_waits_for_the_issuer_and_is_released_then() -> None:
    w = away("capped")
    session = w.accept()
    w.answer("Preauthorize", offline_yes())
    w.give(i.DriverCancelled(session))
    assert (w.operations(), w.session.closed_at) == ([], None)
    assert w.k.at(A) is None, "the plug is free"
    w.restart()
    assert names(forward(w)) == ["PaymentForwarded", "CancelRequested"]
    assert names(w.answer("Modify", i.Done(i.Accepted("X1")))) == ["ModificationSubmitted", "SessionClosed"]


def test_nothing_delivered_is_released_once_the_issuer_has_it() -> None:
    w = away("capped")
    ended(w, 100)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.operations() == []
    forward(w)
    assert w.operations() == ["cancel"]


def test_an_issuer_that_approved_another_amount_is_for_a_person() -> None:
    w = away("capped")
    ended(w)
    forward(w, amount=eur(100))
    assert "amount_differs" in w.reviews()


def test_an_approval_nobody_ever_forwards_alarms_and_comes_to_an_end() -> None:
    w = away("capped")
    ended(w)
    w.status(1, ConnectorStatus.AVAILABLE)
    w.wait(4 * DAY)
    assert "hold_expiring" in w.reviews()
    assert w.session.closed_at is None
    w.wait(4 * DAY)
    assert w.reviews() == ["hold_expiring", "offline_declined"]
    assert w.session.payments[w.session.last_payment.ref].state is PaymentState.DECLINED
    assert w.session.closed_at is not None
    assert w.k.stored == {}


def test_the_stored_total_leaves_less_and_less_room() -> None:
    w = away("capped", sale=3_000, stored=5_000)
    charging(w)
    assert room(w.k) == eur(2_000)
    w.accept(B)
    w.answer("Preauthorize", offline_yes())
    assert w.session.payment.usable == eur(2_000)
    assert room(w.k) == eur(0)
    assert closed_because(w.k) == "cards_away"
    w.restart()
    w.give(i.TerminalHealth(True, False))
    assert closed_because(w.k) == "cards_away"
    forward(w)
    assert closed_because(w.k) == ""


def test_room_that_went_while_the_card_was_asked_for_sells_nothing() -> None:
    w = away("capped", stored=3_200)
    w.accept(A)
    first = w.request("Preauthorize").ref
    w.give(i.Outcome(first, offline_yes()))
    w.give(i.TerminalHealth(True, True))
    w.accept(B)
    facts = w.answer("Preauthorize", offline_yes())
    assert "SessionGivenUp" in names(facts)
    assert w.session.given_up == "offline_not_allowed"


def test_an_offline_approval_where_the_rule_forbids_it_is_not_wanted() -> None:
    w = World()
    w.accept()
    facts = w.answer("Preauthorize", offline_yes())
    assert names(facts) == ["PaymentAuthorized", "SessionGivenUp"]
    assert w.session.given_up == "offline_not_allowed"
    assert w.k.stored == {}
    forward(w)
    assert w.operations() == ["cancel"]


def test_a_terminal_that_cannot_be_reached_approves_nothing_offline_either() -> None:
    w = away("capped", reachable=False)
    assert closed_because(w.k) == "cards_away"


@pytest.mark.parametrize("state", ["requested", "authorized", "declined", "elsewhere"])
def test_the_acquirers_word_on_an_ordinary_payment_is_no_news(state: str) -> None:
    w = World()
    w.accept()
    payment = w.request("Preauthorize").ref
    if state == "authorized":
        w.answer("Preauthorize", i.Done(approval()))
    elif state == "declined":
        w.answer("Preauthorize", i.Refused("refused"))
    reference = "K417-00000000000000000000009999-P1" if state == "elsewhere" else payment
    assert w.give(i.Confirmation(reference, "PSP1", "authorisation", True, "", eur(5_000))) == ()
    assert w.give(i.Confirmation(reference, "PSP1", "authorisation", False, "no", eur(5_000))) == ()


def test_the_acquirers_word_on_an_unknown_payment_is_its_answer() -> None:
    w = World()
    w.accept()
    payment = w.request("Preauthorize").ref
    w.answer("Preauthorize", i.Unknown())
    assert "PaymentAuthorized" in names(w.give(i.Confirmation(payment, "PSP1", "authorisation", True, "", eur(5_000))))
    assert w.session.payment.approval.psp_reference == "PSP1"
    assert w.give(i.Outcome(payment, i.Done(approval()))) == ()


def test_a_capped_sale_in_another_currency_leaves_the_room_as_it_is() -> None:
    w = away("capped")
    charging(w)
    terms = Offline("capped", Money(3_000, "CHF"), Money(5_000, "CHF"))
    w.reconfigure(replace(SETUP, currency="CHF", policy=replace(SETUP.policy, offline=terms)))
    assert room(w.k) == Money(3_000, "CHF")


def test_a_payment_that_was_given_up_and_reaches_its_issuer_after_all_goes_back() -> None:
    w = World()
    w.accept()
    payment = w.request("Preauthorize").ref
    for _ in range(3):
        w.answer("Preauthorize", i.Unknown("not_found"))
    w.answer("Modify", i.Done(i.Accepted("XR")))
    w.wait(90)
    assert w.session.closed_at is not None
    assert names(w.give(i.Confirmation(payment, "PSP1", "authorisation", True, "", eur(5_000)))) == ["PaymentAuthorized", "CancelRequested"]
    assert w.request("Modify").body.psp_reference == "PSP1"
    assert w.give(i.Confirmation(payment, "PSP1", "authorisation", True, "", eur(5_000))) == ()
