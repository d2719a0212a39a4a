"""One delivery is billed by its signed values only if the registered key signed them all and nothing in them forbids it."""

from __future__ import annotations

import pytest
from ocmf_maker import OCA, OCMF_JS, SigningMeter, ocpp, reading

from kiosk.metering.billing import WHY, Profile
from kiosk.metering.proof import Proof, prove
from kiosk.metering.reading import Reading, Validity

METER = SigningMeter()
B, E = reading("B", "10.000"), reading("E", "12.500")
BEGIN, END = METER.record(B, page="T1"), METER.record(E, page="T2")
BEGIN_MS = 1_777_629_600_000  # 2026-05-01T12:00:00+02:00
OCA_VALUE = OCA["ocpp16_SampledValue_value"].encode()

Found = tuple[Validity, tuple[str, ...], int]


def found(*containers: bytes, key: str = METER.key, profile: Profile = Profile.ENERGY, serial: str = "") -> Found:
    made = prove(containers, key, profile, serial)
    return made.validity, made.reasons, made.mwh


def test_two_containers_in_any_order_and_repeated() -> None:
    begin, end = ocpp(BEGIN), ocpp(END)
    made = prove((begin, end), METER.key)
    assert made == prove((end, begin, begin, BEGIN), METER.key)
    assert made == Proof(
        Validity.VALID,
        (),
        made.key,
        "gateway-1 meter-1",
        1,
        2,
        Reading(BEGIN_MS, 10_000_000),
        Reading(BEGIN_MS + 1_800_000, 12_500_000),
        2_500_000,
        timed=True,
    )
    assert len(made.key) == 16


def test_one_container_that_holds_both() -> None:
    assert found(OCA_VALUE, key=OCA["public_key_hex"]) == (Validity.VALID, (), 636_000)


def test_the_bare_record_and_the_bare_record_in_hex() -> None:
    whole = METER.record(B, E)
    assert found(whole) == found(whole.hex().encode()) == found(whole.hex().upper().encode()) == (Validity.VALID, (), 2_500_000)
    assert found(whole.hex()[:-1].encode())[:2] == (Validity.UNVERIFIABLE, ("unreadable",))


def test_without_a_registered_key_nothing_is_valid_whatever_key_came_along() -> None:
    assert found(ocpp(METER.record(B, E), METER.key), key="") == (Validity.UNVERIFIABLE, ("key_not_configured",), 0)


def test_the_key_that_came_with_the_values_counts_for_nothing() -> None:
    forger = SigningMeter()
    assert found(ocpp(forger.record(B, E), forger.key)) == (Validity.INVALID, ("no_match",), 0)


def test_nothing_proves_nothing() -> None:
    assert found() == (Validity.UNVERIFIABLE, ("no_value",), 0)


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (END.replace(b"12.500", b"12.400"), (Validity.INVALID, ("no_match",), 0)),
        (END[:-1], (Validity.INVALID, ("malformed",), 0)),
        (b"", (Validity.UNVERIFIABLE, ("unreadable",), 0)),
        (b"<!DOCTYPE a>", (Validity.UNVERIFIABLE, ("unreadable",), 0)),
        (ocpp(b"EDL", method="EDL"), (Validity.UNVERIFIABLE, ("format",), 0)),
    ],
)
def test_one_bad_value_spoils_them_all(broken: bytes, expected: Found) -> None:
    assert found(BEGIN, broken) == expected


def test_valid_values_that_are_no_sound_transaction_give_no_amount() -> None:
    assert found(BEGIN, METER.record(E, page="T3")) == (Validity.VALID, ("pages_missing",), 0)
    assert found(BEGIN) == (Validity.VALID, ("no_end",), 0)
    assert found(END) == (Validity.VALID, ("no_begin", "no_end"), 0)
    assert found(METER.record(B, E, page=None)) == (Validity.VALID, ("no_pagination",), 0)


def test_a_tariff_that_bills_time_needs_the_clock() -> None:
    key = OCA["public_key_hex"]
    assert found(OCA_VALUE, key=key, profile=Profile.ENERGY_AND_TIME) == (Validity.VALID, ("clock",), 0)
    assert not prove((OCA_VALUE,), key).timed


def test_another_meters_serial_number_is_told_from_the_one_that_is_configured() -> None:
    assert found(BEGIN, END, serial="meter-1") == (Validity.VALID, (), 2_500_000)
    assert found(BEGIN, END, serial="meter-2")[:2] == (Validity.VALID, ("other_meter",))
    assert found(METER.record(B, E, MS=None), serial="meter-1")[1] == ("other_meter",)


def test_fiscal_records_beside_those_of_the_transaction_are_passed_over() -> None:
    fiscal = METER.record(reading("C", "11.000"), page="F77")
    assert found(BEGIN, fiscal, END) == (Validity.VALID, (), 2_500_000)
    assert found(fiscal)[1][0] == "not_transaction"
    assert found(BEGIN, SigningMeter().record(reading("C", "11.000"), page="F77"), END)[0] is Validity.INVALID


def test_a_flood_of_values_is_not_computed() -> None:
    flood = b"\n".join(METER.record(B, page=f"T{page}") for page in range(257))
    assert found(flood) == (Validity.UNVERIFIABLE, ("too_many",), 0)


def test_every_reason_of_ours_has_its_words() -> None:
    assert {"no_value", "key_not_configured", "unreadable", "too_many", "other_meter"} <= WHY.keys()


@pytest.mark.parametrize("vector", OCMF_JS, ids=[f"{vector['id']} {vector['name']}" for vector in OCMF_JS])
def test_no_vector_is_taken_for_valid_that_is_not(vector: dict[str, str]) -> None:
    record = f'OCMF|{vector["payload"]}|{{"SA":"{vector["sa"]}","SD":"{vector["signature_hex"]}"}}'.encode()
    validity = prove((record,), vector["public_key_hex"]).validity
    known = vector["curve"] != "secp192k1"
    assert (validity is Validity.VALID) == (vector["expected"] and known)
    assert (validity is Validity.UNVERIFIABLE) == (not known)
