"""A signed record is read as it was written: its bytes untouched, its digits kept, and nothing that could be read in two ways."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocmf_maker import OCA, OCMF_JS, reading

from kiosk.metering.ocmf import MeteringError, Pagination, SignedReading, parse
from kiosk.metering.reading import Reading

SIGNATURE = b'{"SD":"00"}'


def record(payload: object) -> bytes:
    return b"OCMF|" + json.dumps(payload).encode() + b"|" + SIGNATURE


def one(**changed: object) -> SignedReading:
    return parse(record({"RD": [reading(**changed)]})).payload.readings[0]  # type: ignore[arg-type]


def valued(literal: str, unit: str = "kWh") -> SignedReading:
    """A reading whose value stands in the JSON as `literal`."""
    payload = f'{{"RD":[{{"TM":"2026-05-01T12:00:00,000+0200 S","TX":"B","RV":{literal},"RU":"{unit}","RI":"1-b:1.8.0","ST":"G"}}]}}'
    return parse(b"OCMF|" + payload.encode() + b"|" + SIGNATURE).payload.readings[0]


def test_the_signed_bytes_are_those_that_came() -> None:
    payload = b' {"RD" :\t[ {"TM":"2026-05-01T12:00:00,000+0200 S","RV":1.50,"RU":"kWh","ST":"G"} ]\r\n} '
    assert parse(b"\n OCMF|" + payload + b"|" + SIGNATURE + b"\r\n").signed == payload


def test_the_example_of_the_open_charge_alliance_is_read_in_full() -> None:
    payload = parse(OCA["ocmf"].encode()).payload
    assert payload.pagination == Pagination("T", 96)
    assert (payload.gateway_serial, payload.meter_serial) == ("1DZG0028225179", "1DZG0028225179")
    assert (payload.assigned, payload.id_type, payload.id_data, payload.point_id) == (True, "CENTRAL_1", "HRWWBX8", "22BZ3178A0")
    assert payload.vendor == ("U",)
    begin, end = payload.readings
    assert (begin.transaction, begin.value, begin.obis, begin.unit, begin.current) == ("B", "0.000", "01-00:98.08.00.FF", "kWh", "DC")
    assert end.at is not None
    assert (end.at.clock, end.at.text) == ("I", "2023-05-19T15:53:58.000+02:00")
    assert end.reading() == Reading(1_684_504_438_000, 636_000)


def test_every_record_of_ocmf_js_can_be_read() -> None:
    for vector in OCMF_JS:
        payload = parse(b"OCMF|" + vector["payload"].encode() + b"|" + SIGNATURE).payload
        assert payload.pagination is not None
        assert all(entry.is_energy and entry.mwh() > 0 for entry in payload.readings), vector["id"]


@pytest.mark.parametrize(
    ("literal", "unit", "mwh", "kwh"),
    [
        ("2935.60", "kWh", 2_935_600_000, "2935.60"),
        ('"0.636"', "kWh", 636_000, "0.636"),
        ('"      48.542"', "kWh", 48_542_000, "48.542"),
        ('"00000000.000"', "kWh", 0, "0.000"),
        ("7763", "Wh", 7_763_000, "7.763"),
        ("0.000001", "kWh", 1, "0.000001"),
        ("1.5E3", "kWh", 1_500_000_000, "1500"),
        ("1.0000000000000000000000000000000000000", "kWh", 1_000_000, "1." + "0" * 37),
        ("0", "Wh", 0, "0.000"),
        ("-0.0", "kWh", 0, "0.0"),
        ("87803512", "kWh", 87_803_512_000_000, "87803512"),
    ],
)
def test_energy_is_exact_and_keeps_its_digits(literal: str, unit: str, mwh: int, kwh: str) -> None:
    value = valued(literal, unit)
    assert (value.mwh(), value.kwh()) == (mwh, kwh)
    assert value.value == literal.strip('"')


@pytest.mark.parametrize(
    ("literal", "unit"),
    [
        ("0.0000001", "kWh"),  # finer than 1 mWh
        ("0.0001", "Wh"),
        ("1.00000000000000000000000000000000000001", "kWh"),
        ("-1", "kWh"),
        ("1e400", "kWh"),
        ("1e-400", "kWh"),
        ("1e999999999999999999999", "kWh"),
        ("9" * 60, "kWh"),
        ("9" * 5_000, "kWh"),
        ("10000000000", "kWh"),
        ('"twelve"', "kWh"),
        ('"1_000"', "kWh"),
        ('"١"', "kWh"),
        ('"NaN"', "kWh"),
        ('"0x10"', "kWh"),
        ('""', "kWh"),
        ("0.0022", "Ohm"),
        ("3", "kwh"),
    ],
)
def test_what_is_no_whole_number_of_milliwatt_hours_is_an_error_not_a_guess(literal: str, unit: str) -> None:
    with pytest.raises(MeteringError):
        valued(literal, unit).mwh()


@given(st.integers(0, 10**15), st.integers(0, 9))
def test_any_whole_number_of_milliwatt_hours_comes_back(mwh: int, more_zeros: int) -> None:
    literal = f"{mwh // 10**6}.{mwh % 10**6:06}{'0' * more_zeros}"
    assert valued(literal).mwh() == mwh


def test_fields_equal_to_the_reading_before_are_inherited() -> None:
    later = {"TM": "2026-05-01T12:30:00,000+0200 R", "RV": 12}
    again = {"TX": "E", "ST": "F"}
    first, second, third = parse(record({"RD": [reading(EF="t"), later, again]})).payload.readings
    assert (second.transaction, second.obis, second.unit, second.errors, second.status) == ("B", first.obis, "kWh", "t", "G")
    assert (third.transaction, third.value, third.status, third.at) == ("E", "12", "F", second.at)


def test_register_and_unit_are_inherited_only_together() -> None:
    alone = {"RI": "1-b:2.8.0", "RV": 5}
    second = parse(record({"RD": [reading(), alone]})).payload.readings[1]
    assert (second.obis, second.unit, second.is_energy) == ("1-b:2.8.0", None, False)


@pytest.mark.parametrize(
    ("text", "utc_ms", "clock"),
    [
        ("2018-07-24T13:22:04,000+0200 S", 1_532_431_324_000, "S"),
        ("2018-07-24T13:22:04,007+0200 R", 1_532_431_324_007, "R"),
        ("2018-07-24T11:22:04,5Z I", 1_532_431_324_500, "I"),
        ("2018-07-24T05:52:04.000-05:30 U", 1_532_431_324_000, "U"),
        ("2018-07-24T11:22:04+0000", 1_532_431_324_000, ""),
    ],
)
def test_a_time_is_read_with_the_state_of_its_clock(text: str, utc_ms: int, clock: str) -> None:
    stamp = one(TM=text).at
    assert stamp is not None
    assert (stamp.utc_ms, stamp.clock) == (utc_ms, clock)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2018-02-30T13:22:04,000+0200 S",
        "2018-07-24T25:22:04,000+0200 S",
        "2018-07-24T13:22:04,000 S",
        "2018-07-24T13:22:04,000+9900 S",
        "2018-07-24T13:22:04,000+0200 SS",
        "２018-07-24T13:22:04,000+0200 S",
    ],
)
def test_a_time_that_does_not_exist_is_an_error(text: str) -> None:
    with pytest.raises(MeteringError, match="time"):
        one(TM=text)


@pytest.mark.parametrize("page", ["", "12", "T", "T012", "t1", "T-1", "T1 ", "TT1", "T" + "9" * 30])
def test_a_page_number_is_a_letter_and_a_number(page: str) -> None:
    with pytest.raises(MeteringError, match="PG"):
        parse(record({"PG": page, "RD": [reading()]}))


PAYLOAD = json.dumps({"RD": [reading()]}).encode()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"OCMF",
        b"OCMF|" + PAYLOAD,
        b"OCMF|" + PAYLOAD + b"|",
        b"ocmf|" + PAYLOAD + b"|" + SIGNATURE,
        b"XOCMF|" + PAYLOAD + b"|" + SIGNATURE,
        b"OCMF|" + PAYLOAD + b"|" + SIGNATURE + b"|",
        b"OCMF|" + PAYLOAD + b"|" + SIGNATURE + b"x",
        b"OCMF|" + PAYLOAD + b"{}|" + SIGNATURE,
        b"OCMF|[]|" + SIGNATURE,
        b"OCMF|null|" + SIGNATURE,
        b"OCMF|{}|" + SIGNATURE,
        b'OCMF|{"RD":[]}|' + SIGNATURE,
        b'OCMF|{"RD":{}}|' + SIGNATURE,
        b'OCMF|{"RD":["B"]}|' + SIGNATURE,
        b'OCMF|{"RD":[{"RV":[1]}]}|' + SIGNATURE,
        b'OCMF|{"RD":[{"RV":NaN}]}|' + SIGNATURE,
        b'OCMF|{"RD":[{"TX":{}}]}|' + SIGNATURE,
        b'OCMF|{"RD":[{"RV":1}],"IS":"yes"}|' + SIGNATURE,
        b'OCMF|{"RD":[{"RV":1}],"IF":"NONE"}|' + SIGNATURE,
        b'OCMF|{"RD":[{"RV":1}],"MS":"\xff"}|' + SIGNATURE,
        b"OCMF|" + b"[" * 100_000 + b"|" + SIGNATURE,
        b"OCMF|" + PAYLOAD + b"|{}",
        b"OCMF|" + PAYLOAD + b'|{"SD":""}',
        b"OCMF|" + PAYLOAD + b'|{"SD":["00"]}',
    ],
)
def test_another_structure_is_an_error(text: bytes) -> None:
    with pytest.raises(MeteringError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        b'OCMF|{"RD":[{"RV":1}],"RD":[{"RV":2}]}|' + SIGNATURE,
        b'OCMF|{"RD":[{"RV":1,"RV":2}]}|' + SIGNATURE,
        b"OCMF|" + PAYLOAD + b'|{"SD":"00","SD":"01"}',
        b"OCMF|" + PAYLOAD + b'|{"SD":"00","\\u0053D":"01"}',
    ],
)
def test_a_key_that_comes_twice_is_an_error(text: bytes) -> None:
    with pytest.raises(MeteringError, match="twice"):
        parse(text)


def test_fields_of_makers_and_of_later_versions_are_left_alone() -> None:
    entry = reading() | {"EI": 1523, "UC": {"UR": 0}}
    payload = parse(record({"RD": [entry], "ZZ": [{"a": None}], "CCV": "1", "NEW": 3})).payload
    assert payload.vendor == ("ZZ", "NEW")
    assert payload.readings[0].value == "10.000"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_an_error(data: bytes) -> None:
    for text in (data, b"OCMF|" + data, b"OCMF|" + data + b"|" + SIGNATURE, b"OCMF|" + PAYLOAD + b"|" + data):
        try:
            parse(text)
        except MeteringError as error:
            assert str(error)
