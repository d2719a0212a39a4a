"""Signed values are billed only if together they are one whole charging process of one meter, and the meter found no fault with it."""

from __future__ import annotations

from itertools import product

import pytest
from ocmf_maker import VECTORS, SigningMeter, reading

from kiosk.metering.billing import WHY, Billing, Profile, billable
from kiosk.metering.containers import read
from kiosk.metering.reading import Reading
from kiosk.metering.verify import Checked, check

METER = SigningMeter()
B, E = reading("B", "10.000"), reading("E", "12.500")
BEGIN_MS = 1_777_629_600_000  # 2026-05-01T12:00:00+02:00


def reasons(*values: Checked, profile: Profile = Profile.ENERGY) -> tuple[str, ...]:
    billing = billable(values, profile)
    assert billing.yes == (not billing.reasons)
    assert billing.yes or billing.mwh == 0
    assert set(billing.reasons) <= WHY.keys()
    return billing.reasons


def one(*entries: dict[str, object], **changed: object) -> tuple[str, ...]:
    return reasons(METER.checked(*entries, **changed))  # type: ignore[arg-type]


def test_begin_and_end_in_one_record() -> None:
    expected = Billing(True, (), Reading(BEGIN_MS, 10_000_000), Reading(BEGIN_MS + 1_800_000, 12_500_000), 2_500_000)
    assert billable([METER.checked(B, E)]) == expected


def test_begin_and_end_in_two_records_in_any_order() -> None:
    begin, end = METER.checked(B, page="T9"), METER.checked(E, page="T10")
    assert billable([begin, end]) == billable([end, begin])
    assert billable([begin, end]).mwh == 2_500_000


def test_values_in_between_and_tariff_changes_are_part_of_it() -> None:
    between = [reading("C", "10.5"), reading("T", "11"), reading("S", "11")]
    assert one(B, *between, E) == ()
    assert reasons(METER.checked(B, page="T1"), METER.checked(*between, page="T2"), METER.checked(E, page="T3")) == ()


@pytest.mark.parametrize("end", ["E", "L", "R", "A", "P"])
def test_every_kind_of_end(end: str) -> None:
    assert one(B, reading(end, "12.500")) == ()


def test_a_value_sent_twice_counts_once() -> None:
    begin, end = METER.checked(B, page="T1"), METER.checked(E, page="T2")
    assert reasons(begin, begin, end) == ()


def test_an_end_record_that_repeats_the_begin() -> None:
    assert reasons(METER.checked(B, page="T1"), METER.checked(B, E, page="T2")) == ()


def test_nothing_is_not_billed() -> None:
    assert reasons() == ("no_value",)


def test_an_invalid_or_unverifiable_signature_is_not_billed() -> None:
    good = METER.checked(B, E)
    assert reasons(good, check(good.value, SigningMeter().key)) == ("not_valid",)
    assert reasons(good, check(good.value)) == ("not_valid",)


def test_two_keys_are_not_one_meter() -> None:
    other = SigningMeter()
    assert reasons(METER.checked(B, page="T1"), other.checked(E, page="T2")) == ("several_keys",)


def test_the_source_must_be_told_and_the_same() -> None:
    assert one(B, E, GS=None) == ()
    assert one(B, E, MS=None) == ()
    assert one(B, E, GS="", MS=None) == ("no_source",)
    assert reasons(METER.checked(B, page="T1"), METER.checked(E, page="T2", MS="meter-2")) == ("several_sources",)
    assert reasons(METER.checked(B, page="T1"), METER.checked(E, page="T2", GS="gateway-2")) == ("several_sources",)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("T1", "T3", ("pages_missing",)),
        ("T1", "T1", ("pages_missing",)),
        (None, "T2", ("no_pagination",)),
        ("F1", "F2", ("not_transaction",)),
        ("P1", "P2", ("not_transaction",)),
        ("T999999999999999998", "T999999999999999999", ()),
    ],
)
def test_pages_are_continuous_and_of_a_transaction(first: str | None, second: str | None, expected: tuple[str, ...]) -> None:
    assert reasons(METER.checked(B, page=first), METER.checked(E, page=second)) == expected


def test_pages_in_the_wrong_order_of_readings_are_no_transaction() -> None:
    assert "no_begin" in reasons(METER.checked(B, page="T2"), METER.checked(E, page="T1"))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([B], ("no_end",)),
        ([E], ("no_begin", "no_end")),
        ([B, reading("C", "11")], ("no_end",)),
        ([reading("C", "11"), E], ("no_begin",)),
        ([B, E, reading("B", "12.6"), reading("E", "13", TM="2026-05-01T13:30:00,000+0200 S")], ("not_one_transaction",)),
        ([B, reading("Q", "11"), E], ("not_one_transaction",)),
        ([B, reading("C", "11", TX=None), E], ("not_one_transaction",)),  # inherits the reason of the reading before: B
        ([reading("B", TX=None), reading("E", TX=None)], ("no_begin", "no_end")),
        ([B, reading("X", "11"), E], ("exception",)),
        ([B, reading("X", "12.5")], ("no_end", "exception")),
    ],
)
def test_the_course_of_a_transaction(entries: list[dict[str, object]], expected: tuple[str, ...]) -> None:
    assert one(*entries) == expected


@pytest.mark.parametrize("status", [*"NTDRMXIOSEF", "", "g"])
def test_a_meter_that_is_not_in_good_state_is_not_billed(status: str) -> None:
    assert one(B, reading("E", "12.5", ST=status)) == ("meter_status",)
    assert one(reading("B", ST=status), E) == ("meter_status",)


def test_a_meter_that_never_tells_its_state_is_not_billed() -> None:
    assert one(reading("B", ST=None), reading("E", "12.5", ST=None)) == ("meter_status",)


def test_an_error_flag_counts_for_its_quantity() -> None:
    assert one(B, reading("E", "12.5", EF="E")) == ("energy_error",)
    only_time = METER.checked(B, reading("E", "12.5", EF="t"))
    assert reasons(only_time) == ()
    assert reasons(only_time, profile=Profile.ENERGY_AND_TIME) == ("time_error",)


@pytest.mark.parametrize(
    ("clocks", "billed"),
    [*product(("SS", "RR", "IR", "SR"), [True]), *product(("II", "UU", "UR", "SI", "SU", "RI"), [False])],
)
def test_time_is_billed_only_by_a_clock_that_may(clocks: str, billed: bool) -> None:
    begin, end = clocks
    value = METER.checked(
        reading("B", TM=f"2026-05-01T12:00:00,000+0200 {begin}"), reading("E", "12.5", TM=f"2026-05-01T12:30:00,000+0200 {end}")
    )
    assert reasons(value) == ()
    assert reasons(value, profile=Profile.ENERGY_AND_TIME) == (() if billed else ("clock",))


def test_a_clock_that_runs_backwards_bills_no_time() -> None:
    value = METER.checked(B, reading("E", "12.5", TM="2026-05-01T11:59:59,000+0200 S"))
    assert reasons(value) == ()
    assert reasons(value, profile=Profile.ENERGY_AND_TIME) == ("clock_backwards",)


def test_a_reading_without_a_time_is_not_billed() -> None:
    assert one(reading("B", TM=None), E) == ("no_time",)


def test_amounts_that_are_not_exact_or_run_backwards_are_not_billed() -> None:
    assert one(B, reading("E", "12.50000001")) == ("not_exact",)
    assert one(B, reading("E", "9.999")) == ("backwards",)
    assert one(B, reading("C", "11"), reading("S", "10.5"), E) == ("backwards",)


def test_units_may_differ_and_the_energy_is_still_exact() -> None:
    assert billable([METER.checked(B, reading("E", "12500.001", RU="Wh"))]).mwh == 2_500_001


def test_export_and_other_quantities_are_not_billed() -> None:
    export = [reading("B", "5", RI="1-b:2.8.0"), reading("E", "9", RI="01-00:02.08.00.FF")]
    own_code = reading("C", "9", RI="1-b:C1.8.0")
    seconds = reading("E", "1800", RI="01-00:00.08.06.FF", RU="s")
    assert billable([METER.checked(B, export[0], own_code, E, export[1], seconds)]).mwh == 2_500_000
    assert one(*export) == ("no_register",)
    assert one(seconds) == ("no_register",)


def test_two_registers_of_import_are_not_chosen_between() -> None:
    assert one(B, reading("B", "1", RI="1-b:B2.8.0"), E, reading("E", "2", RI="1-b:B2.8.0"))[0] == "several_registers"


def test_the_files_of_real_meters() -> None:
    found = {}
    for file in sorted((VECTORS / "transparency").glob("*.xml")):
        values = [check(value) for value in read(file.read_bytes()).values]
        energy, time = billable(values), billable(values, Profile.ENERGY_AND_TIME)
        found[file.stem] = (energy.mwh, time.yes) if energy.yes else energy.reasons
    assert found == {
        "bauer_errors": ("energy_error", "meter_status"),
        "brainpoolP256r1": (0, True),
        "ebee_02": ("not_valid",),
        "import_export_98": (1_000_000, False),
        "isabellenhuette": ("energy_error", "meter_status"),
        "keba_kcp30": (100, True),
        "lem_dcbm": (1_101_000, True),
        "second_key_fail": ("not_valid",),
        "secp384r1_0Wh": (0, True),
        "test_data_00": (0, False),
        "two_values_secp192k1": ("not_valid",),
    }
