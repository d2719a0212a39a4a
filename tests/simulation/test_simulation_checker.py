"""The checker, on books made by hand: each broken promise has its name, and kept ones have none."""

from __future__ import annotations

from dataclasses import replace

from hardware.simulated.models.acquirer_books import Modification, Payment
from hardware.simulated.models.pile_connector import Delivery
from kiosk.simulation.books import Books, Charge, Entry, Note, Order, Owed, Paper, Slip, Stay
from kiosk.simulation.checker import check
from kiosk.simulation.terms import Terms
from kiosk.values import Money

SALE = "sim1-AAAAAAAAAAAAAAAAAAAAAAAAAA"
TERMS = Terms("per-kwh", kwh=5_000, flat=0, hold=5_000)  # 0.50 a kWh
KWH = 1_000_000
DAY = 86_400_000


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def change(kind: str, minor: int | None, result: str = "booked", at_ms: int = 900) -> Modification:
    return Modification(kind, f"{SALE}-P1-C", "MOD", None if minor is None else eur(minor), "key", at_ms, result)


def payment(captured: int = 0, *, cancelled: bool = False, modifications: tuple[Modification, ...] = ()) -> Payment:
    return Payment(f"{SALE}-P1", "PSP", eur(5_000), eur(captured), eur(0), cancelled, 100, modifications)


def charge(mwh: int = 10 * KWH, reason: str = "EVDisconnected") -> Charge:
    return Charge(Delivery(1, "TAG", 200, 7, 800, mwh, reason), begin=0, reported=mwh, heard=True)


def stay(*charges: Charge) -> Stay:
    return Stay(
        1, "sim1", "PILE", "A", TERMS, 0, 1_000, agreed=True, sale=SALE, paid_with=[f"{SALE}-P1"], charges=list(charges), hold=5_000
    )


def books(pay: Payment, *charges: Charge, entries: tuple[str, ...] = ()) -> Books:
    listed = [Entry("sim1", 850, code, SALE, "A", "") for code in entries]
    slips = [Slip("sim1", 1, pay.captured.minor, "PSP")] if pay.captured else []
    return Books([stay(*charges)], (pay,), listed, slips, [], margin=100, report_s=60)


GOOD = books(payment(500, modifications=(change("capture", 500),)), charge())
NOTHING = books(payment(cancelled=True, modifications=(change("cancel", None),)))


def rules(found: Books) -> set[str]:
    return {violation.rule for violation in check(found)}


def test_a_charge_captured_at_its_price_is_right() -> None:
    assert check(GOOD) == []


def test_a_hold_given_back_when_nothing_was_delivered_is_right() -> None:
    assert check(NOTHING) == []


def test_a_cent_too_much_is_seen() -> None:
    assert "captured == price" in rules(books(payment(501, modifications=(change("capture", 501),)), charge()))


def test_a_cent_too_little_is_seen() -> None:
    assert "energy is paid or seen" in rules(books(payment(499, modifications=(change("capture", 499),)), charge()))


def test_money_for_nothing_is_seen() -> None:
    assert "captured == price" in rules(books(payment(500, modifications=(change("capture", 500),))))


def test_two_captures_are_seen_although_the_acquirer_refused_the_second() -> None:
    twice = (change("capture", 500), change("capture", 500, "refused"))
    assert rules(books(payment(500, modifications=twice), charge())) >= {"one capture"}


def test_more_than_was_authorized_is_seen() -> None:
    over = books(payment(6_000, modifications=(change("capture", 6_000),)), charge(120 * KWH))
    assert "captured <= authorized" in rules(over)


def test_a_hold_that_nobody_looks_after_is_seen() -> None:
    assert "every hold ends" in rules(books(payment()))
    assert "every hold ends" in rules(books(payment(), entries=("cancel_refused",)))
    refused = books(payment(), entries=("cancel_refused",))
    refused.hit = {f"{SALE}-P1": {"F41"}}
    assert rules(refused) == set()


def test_a_hold_that_falls_because_nobody_could_be_asked_for_days_is_right_when_it_is_listed() -> None:
    away = books(payment(), entries=("money_late",))
    away.outages = {"sim1": [[0, 4 * DAY]]}
    assert rules(away) == set()
    away.entries.clear()
    assert rules(away) == {"every hold ends"}


def test_energy_that_nobody_paid_is_seen() -> None:
    free = payment(cancelled=True, modifications=(change("cancel", None),))
    assert rules(books(free, charge())) == {"energy is paid or seen"}
    assert rules(books(free, charge(), entries=("energy_unpaid",))) == {"energy is paid or seen"}  # nothing explains it
    refused = books(free, charge(), entries=("capture_refused",))
    refused.hit = {f"{SALE}-P1": {"refuse_captures"}}
    assert rules(refused) == set()


def test_an_operator_may_let_energy_go_that_no_meter_proves() -> None:
    free = payment(cancelled=True, modifications=(change("cancel", None),))
    let_go = books(free, charge(), entries=("meter_unproven",))
    assert rules(let_go) == {"energy is paid or seen"}
    let_go.orders = [Order("sim1", SALE, "release", 900, "meter_unproven", taken=True)]
    assert rules(let_go) == set()


def test_a_shortfall_must_be_on_the_list() -> None:
    all_of_it = payment(5_000, modifications=(change("capture", 5_000),))
    assert rules(books(all_of_it, charge(103 * KWH))) == {"a shortfall is seen"}
    assert rules(books(all_of_it, charge(103 * KWH), entries=("shortfall",))) == set()


def test_a_capture_that_failed_must_be_on_the_list() -> None:
    failed = payment(modifications=(change("capture", 500, "failed_later"),))
    assert "a failed capture is seen" in rules(books(failed, charge()))
    listed = books(replace(failed, cancelled=True), charge(), entries=("capture_failed",))
    listed.hit = {f"{SALE}-P1": {"capture_fails_later"}}
    assert rules(listed) == set()


def test_what_a_lying_meter_hid_may_be_captured_in_part_and_listed() -> None:
    lying = replace(charge(), reported=2 * KWH, odd_meter=True)
    part = payment(100, modifications=(change("capture", 100),))
    assert rules(books(part, replace(lying, reported=2 * KWH))) == set()
    unheard = replace(charge(), reported=None, heard=False)
    assert rules(books(part, unheard, entries=("meter_estimated",))) == set()
    assert "captured == price" in rules(books(part, unheard))
    more = payment(700, modifications=(change("capture", 700),))
    assert "captured <= price of the truth" in rules(books(more, unheard, entries=("meter_estimated",)))


def test_a_second_hold_while_the_first_stands_is_seen() -> None:
    second = replace(
        payment(cancelled=True, modifications=(change("cancel", None),)), merchant_reference=f"{SALE}-P2", psp_reference="PSP2", at_ms=300
    )
    both = books(payment(500, modifications=(change("capture", 500),)), charge())
    both.payments = (*both.payments, second)
    assert rules(both) == {"one hold at a time"}
    both.payments = (both.payments[0], replace(second, at_ms=950))
    assert rules(both) == set()


def test_a_charge_ended_for_a_stranger_is_seen() -> None:
    found = books(payment(500, modifications=(change("capture", 500),)), charge(reason="Remote"))
    found.stays[0].asked_to_stop = [(790, "stranger")]
    assert rules(found) == {"stop only by those entitled"}
    found.stays[0].asked_to_stop = [(700, "owner"), (790, "stranger")]
    assert rules(found) == set()


def test_a_gap_in_the_receipt_numbers_is_seen() -> None:
    found = books(payment(500, modifications=(change("capture", 500),)), charge())
    found.slips = [Slip("sim1", 2, 500, "PSP")]
    assert rules(found) == {"receipt numbers"}


def test_a_receipt_that_says_another_amount_is_seen() -> None:
    found = books(payment(500, modifications=(change("capture", 500),)), charge())
    found.slips = [Slip("sim1", 1, 499, "PSP")]
    assert rules(found) == {"receipt == captured"}


def test_a_capture_without_a_receipt_is_seen() -> None:
    found = books(payment(500, modifications=(change("capture", 500),)), charge())
    found.slips = []
    assert rules(found) == {"a receipt for every capture"}


def test_a_second_original_and_a_paper_of_nothing_are_seen() -> None:
    found = books(payment(500, modifications=(change("capture", 500),)), charge())
    first = Paper("sim1", 1, 500, copy=False, whole=True)
    found.papers = [first, replace(first, copy=True)]
    assert rules(found) == set()
    found.papers = [first, first]
    assert rules(found) == {"one original"}
    found.papers = [replace(first, number=9)]
    assert rules(found) == {"paper == receipt"}


def test_a_core_that_died_and_a_journal_that_does_not_verify_are_seen() -> None:
    found = books(payment(cancelled=True, modifications=(change("cancel", None),)))
    found.died, found.broken_journals = ["KeyError: 'x'"], ["sim1: broken at 7"]
    assert rules(found) == {"core lives", "journal verifies"}


def refunded(*refunds: Modification) -> Books:
    back = sum(m.amount.minor for m in refunds if m.amount and m.result == "booked")
    return books(replace(payment(500, modifications=(change("capture", 500), *refunds)), refunded=eur(back)), charge())


def refund(minor: int, result: str = "booked", reference: str = f"{SALE}-P1-F1") -> Modification:
    return replace(change("refund", minor, result), reference=reference)


def test_a_refund_needs_its_order_and_its_credit_note() -> None:
    found = refunded(refund(200))
    assert rules(found) == {"a refund has its order", "credit notes == refunds"}
    found.orders = [Order("sim1", SALE, "refund", 900, minor=200, command="a")]
    found.notes = [Note("sim1", 1, 200, SALE, f"{SALE}-P1-F1")]
    assert rules(found) == set()
    found.notes = [Note("sim1", 2, 200, SALE, f"{SALE}-P1-F1")]
    assert rules(found) == {"credit note numbers"}


def test_one_order_is_one_refund() -> None:
    found = refunded(refund(200), refund(200, reference=f"{SALE}-P1-F2"))
    found.orders = [Order("sim1", SALE, "refund", 900, minor=200, command="a")]
    found.notes = [Note("sim1", n, 200, SALE, f"{SALE}-P1-F{n}") for n in (1, 2)]
    assert rules(found) == {"a refund has its order"}


def test_a_credit_note_stands_for_one_refund_and_for_no_other() -> None:
    found = refunded(refund(200))
    found.orders = [Order("sim1", SALE, "refund", 900, minor=200, command="a")]
    for strange in ([Note("sim1", n, 200, SALE, f"{SALE}-P1-F1") for n in (1, 2)], [Note("sim1", 1, 200, SALE, f"{SALE}-P1-F9")]):
        found.notes = strange
        assert rules(found) == {"credit notes == refunds"}
    failed = refunded(refund(200, "refused"))
    failed.orders, failed.entries = found.orders, [Entry("sim1", 950, "refund_failed", SALE, "A", "")]
    assert rules(failed) == set()
    failed.notes = [Note("sim1", 1, 200, SALE, f"{SALE}-P1-F1")]
    assert rules(failed) == set()


def test_more_paid_back_than_was_taken_is_seen() -> None:
    found = refunded(refund(600))
    found.orders = [Order("sim1", SALE, "refund", 900, minor=600, command="a")]
    found.notes = [Note("sim1", 1, 600, SALE, f"{SALE}-P1-F1")]
    assert rules(found) == {"refunded <= captured"}


def test_what_was_paid_back_in_the_acquirers_pages_has_its_credit_note_too() -> None:
    found = refunded(refund(200, reference=""))
    found.orders = [Order("sim1", SALE, "refund by hand", 900, minor=200, taken=True)]
    assert rules(found) == {"credit notes == refunds"}
    found.notes = [Note("sim1", 1, 200, SALE, f"{SALE}-F-MOD")]
    assert rules(found) == set()


def test_a_gift_costs_nothing_and_is_given_only_while_no_card_could_be_taken() -> None:
    given = books(payment(cancelled=True), charge())
    given.payments = ()
    (stay_,) = given.stays
    stay_.free, stay_.paid_with, stay_.agreed_ms = True, [], 1_000_000
    assert rules(given) == {"a gift has its reason"}
    given.cards_away = {"sim1": [[900_000, 950_000]]}
    assert rules(given) == set()
    given.payments, stay_.paid_with = (payment(cancelled=True),), [f"{SALE}-P1"]
    assert rules(given) == {"a gift costs nothing"}


def test_what_was_reserved_is_what_was_agreed() -> None:
    found = books(replace(payment(cancelled=True), authorized=eur(6_000)), charge(0))
    found.first = {f"{SALE}-P1": 6_000}
    assert rules(found) == {"reserved == agreed"}


def test_a_kiosk_need_not_spend_what_it_was_never_told_of() -> None:
    grown = replace(payment(5_000, modifications=(change("adjust", 7_000, at_ms=500), change("capture", 5_000))), authorized=eur(7_000))
    found = books(grown, charge(120 * KWH), entries=("shortfall",))
    found.stays[0].terms = replace(TERMS, step=2_000, most=9_000)
    found.first = {f"{SALE}-P1": 5_000}
    assert rules(found) == set()
    found.told = {f"{SALE}-P1-C": 600}
    assert "captured == price" in rules(found)


def test_a_charge_that_the_kiosk_ended_for_nobody_is_seen() -> None:
    ended = charge(reason="Remote")
    found = books(payment(500, modifications=(change("capture", 500),)), ended)
    assert rules(found) == {"stop only by those entitled"}
    ended.troubled = True  # a pile that was not heard of is asked to stop
    assert rules(found) == set()


def test_trouble_with_the_pile_excuses_no_stop_at_once_for_a_stranger() -> None:
    ended = replace(charge(reason="Remote"), troubled=True)
    ended.truth = replace(ended.truth, end_ms=60_000)
    found = books(payment(500, modifications=(change("capture", 500, at_ms=60_100),)), ended)
    found.stays[0].asked_to_stop = [(40_000, "stranger")]
    assert rules(found) == set()
    found.stays[0].asked_to_stop = [(58_000, "stranger")]
    assert rules(found) == {"stop only by those entitled"}
    found.stays[0].asked_to_stop = [(30_000, "owner"), (58_000, "stranger")]
    assert rules(found) == set()


def test_an_orphan_at_a_connector_is_this_charge_only_where_something_went_wrong_with_it() -> None:
    free = payment(cancelled=True, modifications=(change("cancel", None),))
    found = books(free, charge())
    found.entries.append(Entry("sim1", 850, "orphan_start", "", "A", "PILE 9"))
    assert rules(found) == {"energy is paid or seen"}
    found.stays[0].charges[0].troubled = True
    assert rules(found) == set()
    found.stays[0].charges[0].troubled = False
    found.entries[:] = [Entry("sim1", 850, "orphan_start", "", "A", "PILE 7")]  # the very transaction
    assert rules(found) == set()


def test_a_card_that_met_another_sales_request_is_excused_only_where_the_request_came_late() -> None:
    other = replace(
        payment(cancelled=True, modifications=(change("cancel", None),)),
        merchant_reference="sim1-OTHER-P1",
        psp_reference="PSP2",
        authorized=eur(6_000),
    )
    found = books(payment(500, modifications=(change("capture", 500),)), charge())
    found.payments = (*found.payments, other)
    found.stays[0].paid_with.append("sim1-OTHER-P1")
    found.first = {"sim1-OTHER-P1": 6_000}
    assert rules(found) == {"reserved == agreed"}
    found.hit = {"sim1-OTHER-P1": {"late_request"}}
    assert rules(found) == set()


def test_what_was_captured_of_a_card_that_met_a_late_request_must_pay_for_somebodys_sale() -> None:
    found = books(payment(500, modifications=(change("capture", 500),)))
    found.stays[0].sale = "sim1-OTHER"  # its driver bought anew meanwhile
    found.hit = {f"{SALE}-P1": {"late_request"}}
    assert rules(found) == {"captured == price"}
    found.stays.append(replace(stay(charge()), number=2, paid_with=[]))
    assert rules(found) == set()


def test_energy_that_goes_on_when_the_money_is_used_up_is_seen() -> None:
    all_of_it = payment(5_000, modifications=(change("capture", 5_000),))
    assert rules(books(all_of_it, charge(120 * KWH), entries=("shortfall",))) == {"energy ends with the money"}


def test_what_an_operator_let_go_is_not_taken() -> None:
    taken = books(payment(500, modifications=(change("capture", 500),)), charge(), entries=("meter_unproven",))
    taken.orders = [Order("sim1", SALE, "release", 900, "meter_unproven", taken=True)]
    assert rules(taken) == {"what was let go is not taken"}


# --- accounts -----------------------------------------------------------------------------------------------------------------------


def on_account(*charges: Charge, owed: tuple[int, ...] = (500,), most: int | None = None, slip: int | None = None) -> Books:
    """A tag of contract C-1 agreed. `owed` is what the operator is told to bill it for the sale, each time."""
    one = replace(stay(*charges), paid_with=[], contract="C-1", most=most)
    slips = [Slip("sim1", 1, owed[0] if slip is None else slip, f"account {SALE}")] if owed else []
    told = [Owed("sim1", SALE, "C-1", minor, 850) for minor in owed]
    return replace(Books([one], (), [], slips, [], margin=100, report_s=60), owed=told)


def test_what_was_delivered_is_owed_once_at_its_price() -> None:
    assert check(on_account(charge())) == []
    assert check(on_account(charge(0), owed=())) == []
    assert check(on_account(owed=())) == []


def test_energy_that_nobody_owes_is_a_violation() -> None:
    assert rules(on_account(charge(), owed=())) == {"energy is paid or seen"}


def test_what_was_not_delivered_is_owed_by_nobody() -> None:
    assert rules(on_account()) == {"captured == price"}
    assert rules(on_account(charge(), owed=(501,))) == {"energy is paid or seen", "captured == price"}


def test_a_sale_is_owed_once() -> None:
    assert rules(on_account(charge(), owed=(500, 500))) == {"one charge on the account"}


def test_an_account_owes_no_more_than_it_allows_and_what_is_missing_is_on_the_list() -> None:
    short = on_account(charge(), owed=(400,), most=400)
    assert rules(short) == {"a shortfall is seen"}
    assert check(replace(short, entries=[Entry("sim1", 850, "shortfall", SALE, "A", "")])) == []
    assert "owed <= allowed" in rules(on_account(charge(), most=400))


def test_an_account_without_a_limit_is_never_stopped_for_its_limit() -> None:
    ended = charge(98 * KWH, reason="Remote")  # what a card's hold would be used up by
    assert rules(on_account(ended, owed=(4_900,))) == {"stop only by those entitled"}
    assert check(on_account(ended, owed=(4_900,), most=5_000)) == []


def test_the_receipt_says_what_is_owed() -> None:
    assert rules(on_account(charge(), slip=499)) == {"receipt == owed"}


def test_nobody_owes_who_held_no_tag_to_the_reader() -> None:
    found = on_account(charge())
    found.stays[0].contract = ""
    assert "owed by whoever agreed" in rules(found)
