"""The operator's own system in the simulated world: its rules on books made by hand, and worlds that go on as if it were not there."""

from __future__ import annotations

from dataclasses import replace

from hardware.simulated.models.csms import Transaction
from kiosk.simulation.books import Books, Charged, Order, Slip, Told
from kiosk.simulation.checker import check
from kiosk.simulation.life import Fitting
from kiosk.simulation.report import Report
from kiosk.simulation.world import Played, World

SALE, ORPHAN = "sim1-AAAAAAAAAAAAAAAAAAAAAAAAAA", "orphan-7"
BEGAN, HEARD, LATER = "2026-11-22T10:00:00.000Z", "2026-11-22T10:00:02.000Z", "2026-11-22T10:01:00.000Z"
KWH = 1_000_000
CHARGED = Charged("sim1", SALE, 1, 5 * KWH, (BEGAN, HEARD), (6 * KWH, 7 * KWH), True, 8 * KWH, 3 * KWH)
TOLD = Transaction(7001, 1, "TAG", 5_000, BEGAN, [(LATER, "6000"), (LATER, "7000")], 8_000, LATER, "Local")
VALUE = {"connectorId": 1, "transactionId": 7001, "meterValue": [{"timestamp": LATER, "sampledValue": [{"value": "6000"}]}]}
REFUSED_VALUE = ("MeterValues", VALUE)
REFUSED_START = ("StartTransaction", {"connectorId": 1})


def books(*transactions: Transaction, charged: tuple[Charged, ...] = (CHARGED,), **more: object) -> Books:
    told = Told("sim1", list(transactions), [], [], [], 0)
    found = Books([], (), [], [], [], margin=100, report_s=60)
    found.upstreams, found.charged = [replace(told, **more)], list(charged)
    return found


def rules(found: Books) -> set[str]:
    return {violation.rule for violation in check(found)}


def test_a_charge_that_is_told_in_full_is_right() -> None:
    assert check(books(TOLD)) == []
    assert check(books(replace(TOLD, began=HEARD))) == []  # a pile without a clock: the kiosk's own time counts


def test_a_charge_that_nobody_told_is_seen() -> None:
    assert rules(books()) == {"every charge is told"}


def test_a_charge_that_was_set_aside_as_a_whole_may_be_missing() -> None:
    assert rules(books(asides=[(SALE, "StartTransaction", "InternalError")], befell=[REFUSED_START])) == set()
    assert rules(books(asides=[(SALE, "StartTransaction", "InternalError")])) == {"set aside for a reason"}
    assert rules(books(asides=[(SALE, "StartTransaction", "")], befell=[REFUSED_START])) == {"set aside for a reason"}
    assert "every charge is told" in rules(books(asides=[(SALE, "StopTransaction", "x")], befell=[("StopTransaction", {})]))


def test_a_charge_told_twice_is_seen() -> None:
    assert rules(books(TOLD, replace(TOLD, transaction=7002))) == {"told once"}


def test_a_transaction_that_is_no_charge_of_the_kiosk_is_seen() -> None:
    assert rules(books(TOLD, replace(TOLD, transaction=7002, meter_start=9_000, meter_stop=9_000))) == {"told once"}
    assert rules(books(replace(TOLD, began=LATER))) == {"every charge is told", "told once"}


def test_a_value_that_is_missing_must_have_been_refused() -> None:
    short = replace(TOLD, values=[(LATER, "7000")])
    assert rules(books(short)) == {"every charge is told"}
    assert rules(books(short, befell=[REFUSED_VALUE])) == set()
    assert rules(books(replace(TOLD, values=[(LATER, "6000")]), befell=[REFUSED_VALUE])) == {"every charge is told"}


def test_values_out_of_order_twice_or_made_up_are_seen() -> None:
    for told in (("7000", "6000"), ("6000", "6000", "7000"), ("6000", "6500", "7000"), ("6000", "7000", "7500")):
        assert "told once" in rules(books(replace(TOLD, values=[(LATER, value) for value in told])))


def test_an_end_that_is_missing_or_came_too_early_is_seen() -> None:
    open_ = replace(TOLD, meter_stop=None)
    assert rules(books(open_)) == {"every charge is told"}
    assert rules(books(open_, asides=[(SALE, "StopTransaction", "x")], befell=[("StopTransaction", {})])) == set()
    running = replace(CHARGED, ended=False, end_mwh=None, mwh=None)
    assert rules(books(open_, charged=(running,))) == set()
    assert rules(books(TOLD, charged=(running,))) == {"told once"}


def test_a_watt_hour_more_or_less_than_what_is_priced_is_seen() -> None:
    assert rules(books(replace(TOLD, meter_stop=8_001))) == {"told energy == priced energy"}
    assert rules(books(replace(TOLD, meter_stop=7_999))) == {"told energy == priced energy"}
    began = replace(CHARGED, mwh=3 * KWH - 999)  # watt-hours that began count whole
    assert rules(books(TOLD, charged=(began,))) == set()


def test_the_receipt_says_what_was_told_unless_an_operator_decided_otherwise() -> None:
    found = books(TOLD)
    found.slips = [Slip("sim1", 1, 150, "PSP", SALE, 2 * KWH)]
    assert "told energy == priced energy" in rules(found)
    found.orders = [Order("sim1", SALE, "capture", 0, "meter_unproven", mwh=2 * KWH)]
    assert "told energy == priced energy" not in rules(found)


def test_where_nothing_is_proven_the_meters_last_word_is_told() -> None:
    unproven = replace(CHARGED, mwh=None)
    assert rules(books(TOLD, charged=(unproven,))) == set()
    assert rules(books(TOLD, charged=(replace(unproven, end_mwh=9 * KWH),))) == {"told energy == priced energy"}
    no_end = replace(unproven, end_mwh=None)
    assert rules(books(replace(TOLD, meter_stop=7_000), charged=(no_end,))) == set()
    assert rules(books(TOLD, charged=(no_end,))) == {"told energy == priced energy"}


def test_what_no_sale_explains_is_told_too() -> None:
    orphan = replace(CHARGED, name=ORPHAN, connector=2, mwh=None)
    assert rules(books(TOLD, charged=(CHARGED, orphan))) == {"every charge is told"}
    assert rules(books(TOLD, replace(TOLD, connector=2), charged=(CHARGED, orphan))) == set()


def test_what_is_left_untold_or_no_ocpp_is_seen() -> None:
    assert rules(books(TOLD, waiting=1)) == {"nothing is left untold"}
    assert rules(books(TOLD, broken=["MeterValues: transaction 7001 does not run"])) == {"told as OCPP has it"}


# --- the worlds ---------------------------------------------------------------------------------------------------------------


def without_it(played: Played) -> tuple[object, ...]:
    books = played.books
    kept = (books.stays, books.payments, books.entries, books.slips, books.orders, books.ended_ms, books.papers)
    return played.sales, played.facts, played.lives, played.struck, played.story, repr(kept)


def test_a_world_goes_on_to_the_letter_as_if_nobody_were_told() -> None:
    for seed in (11, 12):
        alone, told = (World(seed, 8, Fitting(), telling=True, upstreams=share).play() for share in (0, 1))
        assert without_it(told) == without_it(alone)
        assert alone.books.upstreams == []
        assert told.books.upstreams[0].transactions
        assert check(told.books) == []


def test_what_befell_it_has_a_place_of_its_own_in_the_report() -> None:
    report = Report(1)
    report.upstream.update({("a message is lost", "MeterValues"): 2, ("the core ends", "idle"): 1})
    assert (report.faults, report.empty_cells) == (0, Report(1).empty_cells)
    assert '"upstream": {\n  "a message is lost": {\n   "MeterValues": 2\n  }' in report.as_json()
