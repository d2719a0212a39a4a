"""Signed values come out of every container, and go into the transparency software's XML, to the byte; hostile files do no harm."""

from __future__ import annotations

import base64
import json
import tracemalloc
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocmf_maker import OCA, VECTORS, SigningMeter, ocpp, reading

from kiosk.metering.containers import LARGEST, Kind, SignedValue, key_bytes, read, write_xml
from kiosk.metering.ocmf import MeteringError
from kiosk.metering.reading import Validity
from kiosk.metering.verify import check

METER = SigningMeter()
BEGIN = METER.record(reading("B", "10.000"), page="T1")
END = METER.record(reading("E", "12.500"), page="T2")


def xml(inner: str, prolog: str = '<?xml version="1.0"?>') -> bytes:
    return f"{prolog}<values>{inner}</values>".encode()


def value(record: str, attributes: str = "", key: str = "") -> str:
    return f"<value><signedData{attributes}>{record}</signedData><publicKey>{key}</publicKey></value>"


# --- plain OCMF ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("between", [b"\n", b"\r\n", b"\n\n\t\n  "])
@pytest.mark.parametrize("around", [(b"", b""), (b"\xef\xbb\xbf", b"\n"), (b"\n\n ", b"  \r\n")])
def test_records_one_after_another(between: bytes, around: tuple[bytes, bytes]) -> None:
    container = read(around[0] + BEGIN + between + END + around[1])
    assert (container.kind, [found.record for found in container.values]) == (Kind.OCMF, [BEGIN, END])


def test_a_record_written_over_several_lines_is_one_record() -> None:
    payload = json.dumps({"PG": "T1", "RD": [reading()]}, indent=4).replace("\n", "\r\n").encode()
    record = METER.sign(payload).replace(b'|{"SA"', b'|\n{\n"SA"')
    assert [check(found, METER.key).validity for found in read(record + b"\n" + END).values] == [Validity.VALID, Validity.VALID]


def test_text_between_records_spoils_the_one_before_it_and_no_other() -> None:
    container = read(BEGIN + b"\nsee above\n" + END)
    assert [check(found, METER.key).validity for found in container.values] == [Validity.INVALID, Validity.VALID]


@pytest.mark.parametrize("data", [b"", b" \n", b"hello", b"\x00" * 100, b"hello\n" + BEGIN, b"|" + BEGIN])
def test_what_is_no_container_is_an_error(data: bytes) -> None:
    with pytest.raises(MeteringError):
        read(data)


# --- OCPP ---------------------------------------------------------------------------------------------------------------------


def test_the_container_of_the_open_charge_alliance() -> None:
    container = read(OCA["ocpp16_SampledValue_value"].encode())
    (found,) = container.values
    assert (container.kind, found.record) == (Kind.OCPP, OCA["ocmf"].encode())
    assert found.key is not None
    assert key_bytes(found.key) == bytes.fromhex(OCA["public_key_hex"])
    assert check(found).validity is Validity.VALID


def test_a_whole_stop_transaction_of_ocpp_16() -> None:
    sampled = [
        {"value": "10000", "context": "Transaction.Begin", "format": "Raw"},
        {"value": ocpp(BEGIN, METER.key).decode(), "context": "Transaction.Begin", "format": "SignedData"},
        {"value": ocpp(END).decode(), "context": "Transaction.End", "format": "SignedData"},
    ]
    stop = {"transactionId": 7, "meterStop": 12500, "transactionData": [{"timestamp": "2026-05-01T10:30:00Z", "sampledValue": sampled}]}
    container = read(json.dumps([2, "1", "StopTransaction", stop]).encode())
    assert [(found.record, found.context) for found in container.values] == [(BEGIN, "Transaction.Begin"), (END, "Transaction.End")]
    assert [check(found, METER.key).validity for found in container.values] == [Validity.VALID, Validity.VALID]
    assert container.values[1].key is None


def test_a_signed_meter_value_of_ocpp_201() -> None:
    signed = json.loads(ocpp(BEGIN, METER.key))
    event = {
        "eventType": "Started",
        "meterValue": [{"sampledValue": [{"value": 10000, "context": "Transaction.Begin", "signedMeterValue": signed}]}],
    }
    (found,) = read(json.dumps(event).encode()).values
    assert (found.record, found.context) == (BEGIN, "Transaction.Begin")


def test_a_record_that_is_not_packed_in_base64_is_read_too() -> None:
    packed = json.dumps({"signedMeterData": BEGIN.decode(), "encodingMethod": "ocmf", "publicKey": ""})
    assert read(packed.encode()).values == (SignedValue(BEGIN),)


def test_another_encoding_method_is_kept_and_not_verified() -> None:
    (found,) = read(ocpp(b"\x1b\x1b\x1b\x1b", METER.key, method="EDL")).values
    assert (found.format, check(found).validity) == ("EDL", Validity.UNVERIFIABLE)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        '"text"',
        "{",
        '{"signedMeterData":5}',
        '{"signedMeterData":"%%%"}',
        '{"signedMeterData":"OCMF|\\ud800"}',
        '{"signedMeterData":"","publicKey":{}}',
        '{"a":"{\\"signedMeterData\\""}',
        "[" * 200_000,
        '{"a":' * 200 + "1" + "}" * 200,
    ],
)
def test_json_without_a_signed_value_is_an_error(text: str) -> None:
    with pytest.raises(MeteringError):
        read(text.encode())


# --- XML ----------------------------------------------------------------------------------------------------------------------


def test_a_file_of_the_transparency_software() -> None:
    container = read((VECTORS / "transparency" / "ebee_02.xml").read_bytes())
    assert (container.kind, len(container.values)) == (Kind.XML, 2)
    assert [(found.transaction, found.context) for found in container.values] == [
        ("15060", "Transaction.Begin"),
        ("15060", "Transaction.End"),
    ]
    assert container.values[0].record.startswith(b"OCMF|{")
    assert container.values[0].record.endswith(b"}")


def test_the_encodings_of_signed_data() -> None:
    spelled = {
        "plain": BEGIN.decode(),
        "base64": base64.b64encode(BEGIN).decode(),
        "hex": BEGIN.hex(" "),
        "": f"<![CDATA[\n{BEGIN.decode()}\n]]>",
    }
    for encoding, text in spelled.items():
        (found,) = read(xml(value(text, f' encoding="{encoding}"', METER.key))).values
        assert check(found).validity is Validity.VALID, encoding


def test_a_namespace_is_no_obstacle() -> None:
    text = f'<values xmlns="http://example.org/x">{value(BEGIN.decode())}</values>'
    assert read(text.encode()).values[0].record == BEGIN


def test_binary_and_foreign_formats_are_unverifiable() -> None:
    binary = "<value><encodedData format='OCMF' encoding='hex'>3082</encodedData></value>"
    (found,) = read(xml(binary)).values
    assert check(found).reason == "format"
    (found,) = read(xml(value("AP;0;3;ALCV", ' format="ALFEN"'))).values
    assert check(found).reason == "format"
    (found,) = read(xml(value("AP;0;3;ALCV"))).values
    assert check(found).reason == "format"


def test_what_is_written_reads_back_to_the_byte() -> None:
    odd = METER.sign('{"RD" : [{"RV":1}],\r\n\t"TT":"0,42 € <je> \'kWh\' & \\"mehr\\"  \U0001f50c"}'.encode())
    values = [
        SignedValue(odd, key=f"oca:base16:asn1:{METER.key}", transaction='7"<&', context="Transaction.Begin"),
        SignedValue(END, key=None),
    ]
    written = write_xml(values)
    again = read(written)
    assert [(found.record, found.transaction, found.context) for found in again.values] == [
        (odd, '7"<&', "Transaction.Begin"),
        (END, None, None),
    ]
    assert again.values[0].key == METER.key.upper()
    assert check(again.values[0]).validity is Validity.VALID
    assert write_xml(again.values) == write_xml(read(write_xml(again.values)).values)


def test_what_is_written_is_what_the_transparency_software_reads() -> None:
    written = write_xml([SignedValue(BEGIN, key=METER.key, transaction="7", context="Transaction.Begin")])
    (found,) = ElementTree.fromstring(written)
    assert (found.tag, found.attrib) == ("value", {"transactionId": "7", "context": "Transaction.Begin"})
    data, key = found
    assert (data.tag, data.attrib, data.text) == ("signedData", {"format": "OCMF", "encoding": "plain"}, BEGIN.decode())
    assert (key.tag, key.attrib, key.text) == ("publicKey", {"encoding": "hex"}, METER.key.upper())


@pytest.mark.parametrize(
    "value_", [SignedValue(b"OCMF|\x00|"), SignedValue(b"OCMF|\xff|"), SignedValue(b"AP", "ALFEN"), SignedValue(BEGIN, key="zz")]
)
def test_what_xml_cannot_carry_is_not_written(value_: SignedValue) -> None:
    with pytest.raises(MeteringError):
        write_xml([value_])


@given(st.text(max_size=40), st.text(max_size=10))
def test_any_text_is_written_to_the_byte_or_refused(text: str, transaction: str) -> None:
    record = b"OCMF|" + text.encode("utf-8", "surrogatepass") + b"|{}"
    try:
        written = write_xml([SignedValue(record, transaction=transaction)])
    except MeteringError:
        return
    (found,) = read(written).values
    assert (found.record, found.transaction) == (record, transaction)


# --- hostile files ------------------------------------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY l{n} "' + f"&l{n - 1};" * 10 + '">' for n in range(1, 10))
HOSTILE = {
    "billion laughs": f'<?xml version="1.0"?><!DOCTYPE v [<!ENTITY l0 "ha">{LAUGHS}]><values>{value("&l9;")}</values>',
    "external entity": f'<!DOCTYPE v [<!ENTITY x SYSTEM "file:///etc/passwd">]><values>{value("&x;")}</values>',
    "parameter entity": '<!DOCTYPE v [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><values/>',
    "external document type": '<!DOCTYPE values SYSTEM "http://127.0.0.1:9/x.dtd"><values/>',
    "small letters": "<!doctype v><values/>",
    "behind a comment": "<!-- <a> --><!DOCTYPE v><values/>",
    "undeclared entity": f"<values>{value('&x;')}</values>",
    "never closed": "<values>" + "<value>" * 100_000,
    "deep": "<values>" + "<value>" * 100_000 + "</value>" * 100_000 + "</values>",
    "two roots": "<values/><values/>",
    "another root": "<html/>",
    "nothing in it": "<values/>",
    "no data": "<values><value/></values>",
    "data in no known encoding": "<values>" + value("x", ' encoding="rot13"') + "</values>",
    "style sheet": '<?xml-stylesheet href="http://127.0.0.1:9/x"?><values/>',
    "another character set": f'<?xml version="1.0" encoding="UTF-7"?><values>{value("ä")}</values>',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_xml_is_refused(text: str) -> None:
    with pytest.raises(MeteringError) as refused:
        read(text.encode())
    assert "root:" not in str(refused.value)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_a_document_type_cannot_hide_in_another_encoding(encoding: str) -> None:
    with pytest.raises(MeteringError):
        read('<!DOCTYPE v [<!ENTITY x "y">]><values>&x;</values>'.encode(encoding))


def test_a_file_of_100_mb_is_refused_before_it_is_looked_into() -> None:
    huge = b"<values>" + b" " * 100_000_000
    tracemalloc.start()
    with pytest.raises(MeteringError, match="MiB"):
        read(huge)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_the_largest_file_that_is_read_is_read_quickly() -> None:
    for filler in (b"\n" * (LARGEST - 4_000), b"\nOCMF|" * 9_000, b" " * 1_000_000 + b"\n\n"):
        read((BEGIN + filler + b"\n" + END)[:LARGEST])


def test_too_many_values_are_refused() -> None:
    with pytest.raises(MeteringError, match="more than"):
        read(b"OCMF|\n" * 10_001)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_container_or_an_error(data: bytes) -> None:
    for text in (data, b"<values>" + data + b"</values>", b'{"signedMeterData":"' + data + b'"}', b"OCMF|" + data):
        try:
            assert read(text).values
        except MeteringError as error:
            assert str(error)
