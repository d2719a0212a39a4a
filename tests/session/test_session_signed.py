"""Signed meter values in a sale: billed by where they hold, checked against the registers, or required, as the operator says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from world import PER_KWH, PER_KWH_AND_STAY, SETUP, World, names

from hardware.simulated.models.pile_meter import SigningMeter, Wrong
from kiosk.metering.reading import Reading, Validity, Verdict
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.energy import signed_before
from kiosk.session.state import Stage
from kiosk.values import Digest

SOUND = Wrong()
NIGHT = PER_KWH.replace(b'"step_size": 1}]}]', b'"step_size": 1}], "restrictions": {"start_time": "00:00", "end_time": "23:59"}}]')
FINE = 12_345  # mWh that a register of whole Wh does not show


class Signing(World):
    """A kiosk whose plug A has a meter that signs."""

    def __init__(self, rule: str, *, key: str | None = None, serial: str = "", meter: SigningMeter | None = None) -> None:
        super().__init__()
        self.meter_a = meter or SigningMeter("M-1", 4_711)
        self.said = 0
        first = replace(SETUP.connectors[0], meter_key=self.meter_a.public_key if key is None else key, meter_serial=serial)
        policy = replace(SETUP.policy, signed=rule)
        self.reconfigure(replace(SETUP, connectors=(first, *SETUP.connectors[1:]), policy=policy))

    def value(self, word: str, mwh: int, wrong: Wrong = SOUND, at_ms: int | None = None) -> i.SignedData:
        self.said += 1
        data = self.meter_a.sign(word, self.now.utc_ms if at_ms is None else at_ms, mwh, wrong)
        return i.SignedData(data.encode(), Digest(f"{self.said:064x}"))

    def stop(self, transaction: int, kwh: int, *signed: i.SignedData) -> None:
        self.give(i.TxEnded("PILE-1", transaction, "", None, self.reading(kwh), "EVDisconnected", None, signed))

    def sale(
        self, begin: Wrong = SOUND, end: Wrong = SOUND, *, kwh: int = 110, tariff: bytes = PER_KWH, signed_kwh: int | None = None
    ) -> None:
        """From 100 kWh to `kwh` on the register within half an hour; the meter signs a little more than whole Wh."""
        transaction = self.deliver(tariff=tariff)
        first = self.value("B", 100_000_000, begin)
        self.skip(1_800)
        last = self.value("E", (signed_kwh or kwh) * 1_000_000 + FINE, end)
        self.stop(transaction, kwh, first, last)

    def silent_sale(self) -> None:
        """The same, and the meter signs nothing."""
        transaction = self.deliver()
        self.skip(1_800)
        self.stop(transaction, 110)

    @property
    def weighed(self) -> f.SignedValuesWeighed:
        return self.all_of(f.SignedValuesWeighed)[-1]

    @property
    def ended(self) -> f.DeliveryEnded:
        return self.all_of(f.DeliveryEnded)[-1]

    @property
    def captured(self) -> list[int]:
        return [fact.amount.minor for fact in self.all_of(f.CaptureRequested)]


# --- what holds is billed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["check", "require"])
def test_values_that_hold_are_what_is_billed_to_the_milliwatt_hour(rule: str) -> None:
    w = Signing(rule)
    w.sale()
    assert (w.ended.delivered.mwh, w.ended.delivered.verdict) == (10_000_000 + FINE, Verdict.VALID)
    assert w.ended.delivered.begin == Reading(w.facts[0].at.utc_ms, 100_000_000)
    assert w.reviews() == []
    assert w.captured == [501]  # 10 kWh and 13 Wh begun
    weighed = w.weighed
    assert (weighed.validity, weighed.reasons, weighed.source, weighed.last_page) == (Validity.VALID, (), "G-M-1 M-1", 2)
    assert weighed.evidence == (Digest(f"{1:064x}"), Digest(f"{2:064x}"))
    assert (weighed.begin, weighed.end) == (w.ended.delivered.begin, w.ended.delivered.end)
    assert len(weighed.key) == 16


def test_they_are_weighed_before_the_end_is_noted() -> None:
    w = Signing("require")
    w.sale()
    assert w.facts.index(w.weighed) < w.facts.index(w.ended)


def test_signed_values_that_nobody_wants_change_nothing() -> None:
    w = Signing("ignore")
    w.sale(end=Wrong(value=True))
    assert (w.ended.delivered.mwh, w.captured, w.reviews(), w.all_of(f.SignedValuesWeighed)) == (10_000_000, [500], [], [])


def test_the_raw_values_never_stand_in_a_fact() -> None:
    w = Signing("require")
    w.sale()
    assert "OCMF|" not in repr(w.facts)


# --- what does not hold ---------------------------------------------------------------------------------------------------------

WRONGS = {
    "no_match": (SOUND, Wrong(value=True)),
    "other_key": (Wrong(key=True), Wrong(key=True)),
    "several_sources": (SOUND, Wrong(serial=True)),
    "energy_error": (SOUND, Wrong(state=True)),
}


@pytest.mark.parametrize("name", WRONGS)
def test_what_is_not_proven_is_not_billed_where_proof_is_required(name: str) -> None:
    w = Signing("require")
    w.sale(*WRONGS[name])
    reason = {"other_key": "no_match"}.get(name, name)
    assert f"signed_{reason}" in w.ended.delivered.reasons
    assert (w.ended.delivered.verdict, w.captured, w.reviews()) == (Verdict.REVIEW, [], ["meter_unproven"])
    assert reason in w.weighed.reasons
    assert f"signed_{reason}" in w.session.reviews[0].detail


@pytest.mark.parametrize(("name", "told"), [("no_match", True), ("other_key", True), ("several_sources", False), ("energy_error", True)])
def test_where_they_are_only_checked_the_registers_are_billed(name: str, told: bool) -> None:
    w = Signing("check")
    w.sale(*WRONGS[name])
    assert (w.ended.delivered.mwh, w.ended.delivered.verdict, w.captured) == (10_000_000, Verdict.VALID, [500])
    assert w.reviews() == (["signed_doubtful"] if told else [])
    assert w.weighed.reasons


def test_a_person_may_capture_what_the_registers_say_although_nothing_is_signed() -> None:
    w = Signing("require")
    w.sale(end=Wrong(value=True))
    w.give(i.ReviewClosed(w.session.id, "meter_unproven", "capture", "A. Weber", "controller log"))
    assert w.captured == [500]


def test_no_signed_value_at_all() -> None:
    w = Signing("require")
    w.silent_sale()
    assert w.ended.delivered.reasons == ("signed_no_value",)
    assert (w.captured, w.reviews(), w.weighed.validity) == ([], ["meter_unproven"], Validity.UNVERIFIABLE)
    w = Signing("check")
    w.silent_sale()
    assert (w.captured, w.reviews(), w.all_of(f.SignedValuesWeighed)) == ([500], [], [])


def test_a_begin_that_never_came() -> None:
    w = Signing("require")
    transaction = w.deliver()
    w.value("B", 100_000_000)
    w.skip(1_800)
    w.stop(transaction, 110, w.value("E", 110_000_000))
    assert w.ended.delivered.reasons == ("signed_no_begin", "signed_no_end")
    assert w.reviews() == ["meter_unproven"]


def test_a_key_that_comes_along_is_no_registered_key() -> None:
    w = Signing("require", key="")
    w.sale()
    assert (w.weighed.validity, w.weighed.reasons, w.reviews()) == (Validity.UNVERIFIABLE, ("key_not_configured",), ["meter_unproven"])
    w = Signing("check", key="")
    w.sale()
    assert (w.captured, w.reviews()) == ([500], [])


def test_another_meter_of_the_same_key_is_another_meter() -> None:
    w = Signing("require", serial="M-2")
    w.sale()
    assert (w.weighed.reasons, w.reviews()) == (("other_meter",), ["meter_unproven"])


@pytest.mark.parametrize("tariff", [PER_KWH_AND_STAY, NIGHT], ids=["stay", "hours"])
def test_a_clock_that_nobody_set_bills_no_time(tariff: bytes) -> None:
    unset = Wrong(clock=True)
    w = Signing("require")
    w.sale(unset, unset, tariff=tariff)
    assert (w.weighed.reasons, w.reviews()) == (("clock",), ["meter_unproven"])
    w = Signing("check")
    w.sale(unset, unset, tariff=tariff)
    assert (w.ended.delivered.mwh, w.reviews()) == (10_000_000, [])


def test_energy_is_billed_whatever_the_clock_at_the_times_of_the_registers() -> None:
    unset = Wrong(clock=True)
    w = Signing("require")
    transaction = w.deliver()
    first = w.value("B", 100_000_000, unset, at_ms=1_000)
    w.skip(1_800)
    w.stop(transaction, 110, first, w.value("E", 110_000_000, unset, at_ms=2_000))
    delivered = w.ended.delivered
    assert (delivered.verdict, delivered.mwh, w.captured) == (Verdict.VALID, 10_000_000, [500])
    assert delivered.end is not None
    assert delivered.end.utc_ms == w.now.utc_ms


def test_nothing_delivered_needs_no_proof() -> None:
    w = Signing("require")
    w.end(w.deliver(), 100)
    assert (w.ended.delivered.verdict, w.reviews(), w.all_of(f.Priced)[0].rule) == (Verdict.VALID, [], "nothing_delivered")


# --- the registers as a second witness ------------------------------------------------------------------------------------------


def test_registers_that_tell_another_story_are_not_believed_and_neither_is_the_signature() -> None:
    w = Signing("require")
    w.sale(signed_kwh=112)
    assert (w.weighed.validity, w.weighed.reasons) == (Validity.VALID, ("contradicts",))
    assert (w.captured, w.reviews()) == ([], ["meter_unproven"])
    w = Signing("check")
    w.sale(signed_kwh=112)
    assert (w.captured, w.reviews()) == ([500], ["signed_doubtful"])


def test_a_register_that_says_nothing_flowed_is_contradicted_by_the_meter() -> None:
    w = Signing("require")
    w.sale(kwh=100, signed_kwh=110)
    assert (w.captured, w.reviews()) == ([], ["meter_unproven"])


def test_the_last_samples_may_lie_seconds_apart() -> None:
    w = Signing("require")
    transaction = w.deliver()
    first = w.value("B", 100_000_000)
    w.skip(1_800)
    w.stop(transaction, 110, first, w.value("E", 110_400_000))  # 150 kW give 0.4 kWh in 10 s
    assert (w.ended.delivered.mwh, w.reviews()) == (10_400_000, [])


def test_an_end_without_any_register_is_billed_by_the_signed_one() -> None:
    w = Signing("require")
    transaction = w.deliver()
    first = w.value("B", 100_000_000)
    w.skip(1_800)
    w.give(i.TxEnded("PILE-1", transaction, "", None, None, "EVDisconnected", None, (first, w.value("E", 110_000_000))))
    assert (w.ended.delivered.mwh, w.captured, w.reviews()) == (10_000_000, [500], [])


def test_registers_that_leap_stay_in_review_whatever_was_signed() -> None:
    w = Signing("check")
    w.sale(kwh=15_000, signed_kwh=110)
    assert w.reviews() == ["signed_doubtful", "meter_unproven"]
    assert w.captured == []


def test_more_than_the_plug_can_give_is_implausible_however_well_signed() -> None:
    w = Signing("require")
    transaction = w.deliver()
    first = w.value("B", 100_000_000)
    w.skip(60)
    w.give(i.TxEnded("PILE-1", transaction, "", None, None, "Local", None, (first, w.value("E", 200_000_000))))
    assert (w.weighed.reasons, w.captured, w.reviews()) == (("implausible",), [], ["meter_unproven"])


# --- of this sale and no other --------------------------------------------------------------------------------------------------


def test_the_values_of_an_earlier_sale_pay_for_no_other() -> None:
    w = Signing("require")
    unset = Wrong(clock=True)
    first = w.deliver()
    begin, end = w.value("B", 100_000_000, unset), w.value("E", 110_000_000, unset)
    w.skip(1_800)
    w.stop(first, 110, begin, end)
    w.settle()
    second = w.deliver(at_kwh=110)
    w.skip(1_800)
    w.stop(second, 120, begin, end)
    assert (w.weighed.reasons, w.reviews()) == (("page_used",), ["meter_unproven"])
    assert w.k.pages == {f"{w.weighed.key} G-M-1 M-1": 2}


def test_a_meter_with_a_synchronised_clock_signs_at_the_time_of_the_sale() -> None:
    w = Signing("require")
    transaction = w.deliver()
    yesterday = w.now.utc_ms - 86_400_000
    begin, end = w.value("B", 100_000_000, at_ms=yesterday), w.value("E", 110_000_000, at_ms=yesterday + 1_800_000)
    w.skip(1_800)
    w.stop(transaction, 110, begin, end)
    assert (w.weighed.reasons, w.reviews()) == (("other_time",), ["meter_unproven"])


# --- begin and end apart --------------------------------------------------------------------------------------------------------


def test_a_begin_that_comes_early_is_kept_over_a_restart() -> None:
    w = Signing("require")
    transaction = w.deliver()
    begin = w.value("B", 100_000_000)
    w.give(i.SignedRead("PILE-1", 1, transaction, (begin,)))
    w.restart()
    w.skip(1_800)
    ended = i.TxEnded("PILE-1", transaction, "", None, w.reading(110), "EVDisconnected", None, (w.value("E", 110_000_000),))
    assert signed_before(w.k, ended) == (begin.digest,)
    w.give(replace(ended, signed=(begin, *ended.signed)))
    assert (w.ended.delivered.mwh, w.reviews()) == (10_000_000, [])
    assert w.weighed.evidence[0] == begin.digest


def test_signed_values_of_no_delivery_or_without_end_are_not_kept_for_ever() -> None:
    w = Signing("check")
    w.give(i.SignedRead("PILE-1", 1, 99, (w.value("B", 1),)))
    assert w.all_of(f.SignedValueKept) == []
    transaction = w.deliver()
    for _ in range(40):
        w.give(i.SignedRead("PILE-1", 1, transaction, (w.value("B", 1),)))
    assert len(w.session.signed) == 16
    w = Signing("ignore")
    transaction = w.deliver()
    w.give(i.SignedRead("PILE-1", 1, transaction, (w.value("B", 1),)))
    assert w.session.signed == ()


def ended_half_signed(w: Signing, wrong: Wrong = SOUND) -> tuple[int, i.SignedData]:
    """10 kWh and a car that has left, of which only the begin was signed when the end was told."""
    transaction = w.deliver()
    begin = w.value("B", 100_000_000, wrong)
    w.give(i.SignedRead("PILE-1", 1, transaction, (begin,)))
    w.skip(1_800)
    w.stop(transaction, 110, begin)
    w.status(1, i.ConnectorStatus.AVAILABLE)
    return transaction, begin


def told_after(w: Signing, transaction: int, *signed: i.SignedData) -> tuple[f.Fact, ...]:
    return w.give(i.SignedRead("PILE-1", 1, transaction, signed))


def test_a_signed_end_that_comes_after_the_end_is_what_is_billed() -> None:
    w = Signing("require")
    transaction, begin = ended_half_signed(w)
    assert (w.captured, w.reviews()) == ([], ["meter_unproven"])
    end = w.value("E", 110_000_000 + FINE)
    late = i.SignedRead("PILE-1", 1, transaction, (end,))
    assert signed_before(w.k, late) == (begin.digest,)
    w.restart()
    facts = told_after(w, transaction, begin, end)
    assert names(facts) == ["SignedValuesWeighed", "ReviewDecided", "MeterDecided", "Priced", "CaptureRequested"]
    assert w.captured == [501]
    assert (w.weighed.reasons, w.weighed.evidence) == ((), (begin.digest, end.digest))
    assert told_after(w, transaction, begin, end) == ()


@pytest.mark.parametrize("wrong", [Wrong(value=True), Wrong(serial=True), Wrong(state=True)])
def test_a_late_end_that_does_not_hold_leaves_the_sale_to_a_person(wrong: Wrong) -> None:
    w = Signing("require")
    transaction, begin = ended_half_signed(w)
    told_after(w, transaction, begin, w.value("E", 110_000_000 + FINE, wrong))
    assert (w.captured, [r.code for r in w.session.reviews if r.open]) == ([], ["meter_unproven"])


def test_a_begin_of_an_earlier_sale_is_not_made_good_by_a_late_end() -> None:
    w = Signing("require")
    transaction = w.deliver()
    old = w.value("B", 100_000_000)
    w.skip(1_800)
    w.stop(transaction, 110, old, w.value("E", 110_000_000))
    w.status(1, i.ConnectorStatus.AVAILABLE)
    transaction = w.deliver()
    w.skip(1_800)
    w.stop(transaction, 110, old)
    w.status(1, i.ConnectorStatus.AVAILABLE)
    assert "page_used" in w.weighed.reasons
    told_after(w, transaction, old, w.value("E", 110_000_000))
    assert w.captured == [500]


def test_where_the_registers_were_billed_a_late_end_is_noted_and_changes_nothing() -> None:
    w = Signing("check")
    transaction = w.deliver()
    begin = w.value("B", 100_000_000)
    w.skip(1_800)
    w.stop(transaction, 110)
    assert w.captured == [500]
    told_after(w, transaction, begin, w.value("E", 110_000_000 + FINE))
    assert (w.captured, w.weighed.reasons) == ([500], ("too_late",))


def test_an_end_that_never_came_was_signed_by_nobody() -> None:
    w = Signing("require")
    w.deliver()
    w.skip(600)
    w.meter(105)
    w.give(i.PileLost("PILE-1"))
    w.wait(14_500)
    assert w.session.stage is Stage.ENDED
    assert (w.captured, w.reviews()) == ([], ["meter_estimated", "meter_unproven"])
    assert w.ended.delivered.reasons == ("signed_no_value",)


def test_values_that_come_after_the_sale_was_settled_are_noted_and_change_nothing() -> None:
    w = Signing("check")
    transaction = w.deliver()
    begin = w.value("B", 100_000_000)
    w.skip(600)
    w.meter(105)
    w.give(i.PileLost("PILE-1"))
    w.wait(14_500)
    assert w.captured == [250]
    late = i.TxEnded("PILE-1", transaction, "", None, w.reading(106), "Local", None, (begin, w.value("E", 106_000_000)))
    w.give(late)
    assert (w.weighed.validity, w.weighed.reasons, w.captured) == (Validity.VALID, ("too_late",), [250])
    w.give(late)
    assert len(w.all_of(f.SignedValuesWeighed)) == 1


# --- hostile --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe", b"{", b"OCMF|{}|{}", json.dumps({"signedMeterData": "A"}).encode(), b"<!DOCTYPE x>", b"[" * 5_000],
    ids=["bytes", "half", "empty", "base64", "doctype", "deep"],
)
@pytest.mark.parametrize("rule", ["check", "require"])
def test_rubble_proves_nothing_and_breaks_nothing(rule: str, data: bytes) -> None:
    w = Signing(rule)
    transaction = w.deliver()
    w.skip(1_800)
    w.stop(transaction, 110, i.SignedData(data, Digest("a" * 64)))
    assert w.weighed.reasons
    assert w.captured == ([500] if rule == "check" else [])
