"""A sale on account: a known tag agrees to the price, nothing is reserved, and what it comes to is owed once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import SETUP, A, B, World, approval, names, quote

from kiosk.metering.reading import Reading
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.account import busy, under_way
from kiosk.session.corrections import refundable
from kiosk.session.inputs import Account, ConnectorStatus
from kiosk.session.sellable import closed_because, sellable
from kiosk.session.setup import Offline
from kiosk.session.state import Kiosk, Stage
from kiosk.values import ConnectorId, Digest, Money, SessionId

ANNA = Account(Digest("a1" * 32), "C-1001", "depot")
BEN = Account(Digest("b2" * 32), "C-1001", "depot")
EVE = Account(Digest("e5" * 32), "C-2002")


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


class Site(World):
    """A kiosk with a reader."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.give(i.ReaderHealth(True))

    def tap(self, account: Account = ANNA, connector: ConnectorId = A) -> SessionId:
        session = self.ids.session()
        self.give(i.TagAccepted(session, connector, quote(hold=0), account))
        return session

    def begin(self, account: Account = ANNA, connector: ConnectorId = A) -> int:
        number = SETUP.by_id[connector].number
        self.tap(account, connector)
        self.status(number, ConnectorStatus.PREPARING)
        self.answer("StartDelivery", i.Done(i.Ok()))
        self.give(i.TxStarted("PILE-1", number, self.session.starts[-1].id_tag, self.reading(100)))
        self.status(number, ConnectorStatus.CHARGING)
        assert self.session.transaction is not None
        return self.session.transaction

    def whole(self, kwh: int = 110) -> SessionId:
        transaction = self.begin()
        self.wait(1_800)
        self.end(transaction, kwh)
        self.status(1, ConnectorStatus.AVAILABLE)
        self.answer("PrintReceipt", i.Done(i.Printed("printed")))
        return self.session.id


def cards_away(w: World, rule: str) -> None:
    w.k = replace(w.k, setup=replace(SETUP, policy=replace(SETUP.policy, offline=Offline(rule))))
    w.give(i.TerminalHealth(False, False))


def test_a_known_tag_starts_a_charge_and_reserves_nothing():
    w = Site()
    w.tap()
    assert names(w.facts[-4:]) == ["QuoteAgreed", "AccountAccepted", "StopCodeIssued", "PlugAwaited"]
    w.status(1, ConnectorStatus.PREPARING)
    assert w.kinds() == ["StartDelivery"]
    assert w.session.payments == {}


def test_what_was_delivered_is_owed_once_with_a_receipt_in_the_series():
    w = Site()
    w.finish()  # a card's sale takes the first number
    session = w.whole(110)
    charged = w.all_of(f.AccountCharged)
    assert [(c.session, c.contract, c.tag, c.amount, c.mwh) for c in charged] == [(session, "C-1001", ANNA.tag, euros(500), 10_000_000)]
    assert [r.number for r in w.all_of(f.ReceiptIssued)] == [1, 2]
    assert w.session.closed_at is not None
    assert not [fact for fact in w.facts if isinstance(fact, f.CaptureRequested) and fact.session == session]
    w.wait(86_400)
    w.restart()
    assert len(w.all_of(f.AccountCharged)) == 1


def test_charge_and_receipt_lie_in_one_append():
    w = Site()
    transaction = w.begin()
    w.wait(600)
    w.end(transaction, 110)
    w.status(1, ConnectorStatus.AVAILABLE)
    at = names(tuple(w.facts)).index("AccountCharged")
    assert names(tuple(w.facts[at - 1 : at + 3])) == ["Priced", "AccountCharged", "ReceiptIssued", "PrintRequested"]
    assert len({fact.at for fact in w.facts[at - 1 : at + 3]}) == 1


def test_nothing_delivered_is_nothing_owed():
    w = Site()
    w.end(w.begin(), 100)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.closed_at is not None
    assert (w.all_of(f.AccountCharged), w.all_of(f.ReceiptIssued)) == ([], [])


@pytest.mark.parametrize("card_unknown", [False, True])
def test_a_cancelled_sale_owes_nothing_and_a_pile_that_starts_late_is_for_a_person(card_unknown: bool):
    w = Site()
    session = w.accept() if card_unknown else w.tap()
    if card_unknown:
        w.answer("Preauthorize", i.Unknown())
        w.give(i.TagAccepted(session, A, quote(), ANNA))
    w.status(1, ConnectorStatus.PREPARING)
    tag = w.session.starts[-1].id_tag
    w.give(i.DriverCancelled(session))
    w.give(i.TxStarted("PILE-1", 1, tag, w.reading(100)))
    s = w.k.find(session)
    w.wait(60)
    w.end(s.transaction or next(iter(w.k.orphans)), 101)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.all_of(f.AccountCharged) == []
    if card_unknown:
        assert {"late_start", "energy_unpaid"} <= {r.code for r in w.k.find(session).reviews}
    else:  # it was closed, and owed nobody anything
        assert len(w.all_of(f.OrphanTransactionStarted)) == 1


def test_a_double_tap_does_nothing_twice():
    w = Site()
    session = w.tap()
    before = len(w.facts)
    w.give(i.TagAccepted(session, A, quote(hold=0), ANNA))
    assert (len(w.facts), w.k.find(session).account) == (before, ANNA)


def test_a_second_charge_of_one_tag_waits_for_the_first_to_end():
    w = Site()
    first = w.begin()
    w.tap(ANNA, B)
    assert busy(w.k, ANNA)
    assert w.k.at(B) is None
    w.wait(600)
    w.end(first, 110)
    w.tap(ANNA, B)
    assert w.k.at(B).account == ANNA


def test_an_account_may_allow_several_and_another_tag_is_another_driver():
    w = Site()
    fleet = replace(ANNA, several=True)
    w.tap(fleet, A)
    w.tap(fleet, B)
    assert w.k.at(B).account == fleet
    w2 = Site()
    w2.tap(ANNA, A)
    w2.tap(BEN, B)
    assert w2.k.at(B).account == BEN


# --- stopping ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tag", "stops"), [(ANNA, True), (BEN, True), (EVE, False), (replace(EVE, group="depot"), False)])
def test_a_charge_is_stopped_by_its_tag_or_one_of_its_group_and_never_by_a_strangers(tag: Account, stops: bool):
    w = Site()
    w.begin()
    session = w.session.id
    w.give(i.TagRecognised(session, tag))
    w.give(i.StopAsked(session, "tag"))
    assert [s.by for s in w.session.stops] == (["tag"] if stops else [])


def test_a_tag_without_a_group_shares_nothing_with_others_without_one():
    w = Site()
    w.begin(EVE)
    w.give(i.TagRecognised(w.session.id, Account(Digest("f6" * 32), "C-2002")))
    assert w.all_of(f.StopProved) == []


def test_a_tag_does_not_stop_what_a_card_pays_for():
    w = Site()
    w.deliver()
    w.give(i.TagRecognised(w.session.id, ANNA))
    assert w.all_of(f.StopProved) == []


# --- limits -----------------------------------------------------------------------------------------------------------------------


def test_the_accounts_limit_stops_a_charge_as_a_hold_does():
    w = Site()
    w.begin(replace(ANNA, most=euros(1_000)))
    for kwh in range(101, 130):
        w.skip(30)
        w.meter(kwh)
        if w.session.stops:
            break
    assert [s.by for s in w.session.stops] == ["limit"]
    assert kwh < 121
    w.skip(600)
    w.end(w.session.transaction, 125, "Remote")
    w.status(1, ConnectorStatus.AVAILABLE)
    (charged,) = w.all_of(f.AccountCharged)
    assert (charged.amount, w.session.priced.shortfall) == (euros(1_000), euros(250))
    assert "shortfall" in w.reviews()


def test_energy_may_be_limited_as_well_and_by_time_where_nothing_is_heard():
    w = Site()
    w.begin(replace(ANNA, most_mwh=5_000_000))
    w.skip(60)
    w.give(i.MeterRead("PILE-1", 1, w.session.transaction, Reading(w.now.utc_ms, 102_000_000, 60_000)))
    assert w.session.limit_at is not None
    assert w.now.ms_until(w.session.limit_at) == 180_000  # 3 kWh at 60 kW
    w.wait(181)
    assert [s.by for s in w.session.stops] == ["limit"]


def test_without_a_limit_a_charge_goes_on():
    w = Site()
    w.begin()
    for kwh in range(110, 400, 10):
        w.skip(240)
        w.meter(kwh)
    assert w.session.stops == ()


# --- cards beside it --------------------------------------------------------------------------------------------------------------


def test_a_tag_pays_while_a_card_is_being_asked_for_and_the_bank_keeps_nothing():
    w = Site()
    session = w.accept()
    card = w.request("Preauthorize")
    w.give(i.TagAccepted(session, A, quote(), ANNA))
    assert w.session.stage is Stage.WAITING_FOR_PLUG
    assert w.kinds() == ["AbortPreauthorization", "Preauthorize"]
    w.give(i.Outcome(card.ref, i.Done(approval())))  # it was too late to let go
    assert w.operations() == ["cancel"]
    assert w.session.payment is None
    assert w.session.account == ANNA


def test_a_tag_pays_after_a_card_was_declined():
    w = Site()
    session = w.accept()
    w.answer("Preauthorize", i.Refused("refused"))
    w.give(i.TagAccepted(session, A, quote(), ANNA))
    assert w.session.stage is Stage.WAITING_FOR_PLUG


def test_a_tag_does_not_pay_for_what_is_paid_for():
    w = Site()
    session = w.pay()
    w.give(i.TagAccepted(session, A, quote(), ANNA))
    assert w.session.account is None


# --- while cards are away ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rule", "sold"), [("closed", False), ("rfid_only", True), ("free", False), ("capped", False)])
def test_tags_are_sold_to_while_cards_are_away_only_where_the_rule_says_so(rule: str, sold: bool):
    w = Site()
    cards_away(w, rule)
    w.tap()
    assert bool(w.all_of(f.AccountAccepted)) is sold


def test_under_rfid_only_no_card_is_asked_for_and_a_lost_reader_closes_the_kiosk():
    w = Site()
    cards_away(w, "rfid_only")
    assert sellable(w.k, A)
    w.accept()
    assert w.all_of(f.SessionOpened) == []
    w.give(i.ReaderHealth(False, "unplugged"))
    assert (closed_because(w.k), sellable(w.k, A)) == ("cards_away", False)


def test_a_reader_is_told_of_once_and_after_a_restart_it_must_show_itself_again():
    w = Site()
    w.give(i.ReaderHealth(True))
    assert [r.reachable for r in w.all_of(f.ReaderReported)] == [True]
    w.restart()
    assert w.k.reader is None
    w.tap()
    assert w.all_of(f.AccountAccepted) == []


def test_without_a_reader_no_tag_pays():
    w = World()
    w.give(i.TagAccepted(w.ids.session(), A, quote(hold=0), ANNA))
    assert w.all_of(f.SessionOpened) == []


def test_a_limit_in_another_currency_is_refused():
    w = Site()
    w.tap(replace(ANNA, most=Money(100, "CHF")))
    assert w.all_of(f.SessionOpened) == []


# --- afterwards -------------------------------------------------------------------------------------------------------------------


def refund(w: Site, session: SessionId, cents: int | None, command: str = "1") -> None:
    w.give(i.RefundAsked(session, euros(cents) if cents is not None else None, "olga", "goodwill", command))


def test_a_correction_is_a_credit_note_on_the_account_and_asks_no_acquirer():
    w = Site()
    session = w.whole()
    refund(w, session, 200)
    refund(w, session, 200)
    assert [(c.amount, c.contract) for c in w.all_of(f.AccountCredited)] == [(euros(200), "C-1001")]
    assert [c.number for c in w.all_of(f.CreditNoteIssued)] == [1]
    assert refundable(w.k, w.k.find(session)) == euros(300)
    refund(w, session, 301, "2")
    refund(w, session, None, "3")
    assert [c.amount for c in w.all_of(f.AccountCredited)] == [euros(200), euros(300)]
    assert w.open() == ()


def test_a_sale_that_is_no_longer_held_is_corrected_all_the_same():
    w = Site()
    session = w.whole()
    w.forget()
    assert w.k.find(session) is None
    refund(w, session, 200)
    refund(w, session, 400, "2")
    assert [c.amount for c in w.all_of(f.AccountCredited)] == [euros(200)]


def test_an_unproven_meter_is_a_persons_to_decide():
    w = Site()
    w.begin()
    w.wait(600)
    w.end(w.session.transaction, 90)  # backwards
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.reviews() == ["meter_unproven"]
    w.give(i.ReviewClosed(w.session.id, "meter_unproven", "capture", "olga", "by the car's display", 4_000_000))
    assert [c.amount for c in w.all_of(f.AccountCharged)] == [euros(200)]


def test_the_state_is_the_fold_of_its_facts_over_a_power_cut():
    w = Site()
    w.begin()
    w.reboot(60)
    assert under_way(w.k, ANNA) is not None
    assert isinstance(w.k, Kiosk)
    w.wait(600)
    w.end(w.session.transaction, 110)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert [c.amount for c in w.all_of(f.AccountCharged)] == [euros(500)]
