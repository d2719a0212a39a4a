"""A record is valid only if the key's owner signed exactly these bytes; what cannot be computed here is unverifiable, never valid."""

from __future__ import annotations

import base64
import json
from collections import Counter

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from ocmf_maker import OCA, OCMF_JS, VECTORS, SigningMeter, reading

from kiosk.metering.containers import SignedValue, read
from kiosk.metering.ocmf import MeteringError
from kiosk.metering.reading import Validity
from kiosk.metering.verify import Checked, check, readable_key

VALID, INVALID, UNVERIFIABLE = Validity.VALID, Validity.INVALID, Validity.UNVERIFIABLE
METER = SigningMeter()
RECORD = METER.record(reading("B", "10.000"), reading("E", "12.500"))
OCA_RECORD = OCA["ocmf"].encode()


def verdict(record: bytes, key: str | bytes | None) -> Checked:
    return check(SignedValue(record), key)


def of_vector(vector: dict[str, str]) -> bytes:
    signature = json.dumps({"SA": vector["sa"], "SD": vector["signature_hex"]})
    return f"OCMF|{vector['payload']}|{signature}".encode()


# --- vectors ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", OCMF_JS, ids=[f"{vector['id']} {vector['name']}" for vector in OCMF_JS])
def test_ocmf_js(vector: dict[str, str]) -> None:
    found = verdict(of_vector(vector), vector["public_key_hex"]).validity
    if vector["curve"] == "secp192k1":
        assert found is UNVERIFIABLE
    else:
        assert found is (VALID if vector["expected"] else INVALID)


def test_ocmf_js_counts_eleven_valid_records_of_which_one_is_on_a_curve_unknown_here() -> None:
    found = Counter(verdict(of_vector(vector), vector["public_key_hex"]).validity for vector in OCMF_JS if vector["expected"])
    assert found == {VALID: 10, UNVERIFIABLE: 1}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("bauer_errors.xml", [VALID, VALID]),
        ("brainpoolP256r1.xml", [VALID, VALID]),
        ("ebee_02.xml", [INVALID, VALID]),
        ("import_export_98.xml", [VALID]),
        ("isabellenhuette.xml", [VALID]),
        ("keba_kcp30.xml", [VALID]),
        ("lem_dcbm.xml", [VALID]),
        ("second_key_fail.xml", [VALID, INVALID]),
        ("secp384r1_0Wh.xml", [VALID, VALID]),
        ("test_data_00.xml", [VALID, VALID]),
        ("two_values_secp192k1.xml", [UNVERIFIABLE, UNVERIFIABLE]),
    ],
)
def test_files_of_the_transparency_software(file: str, expected: list[Validity]) -> None:
    container = read((VECTORS / "transparency" / file).read_bytes())
    assert [check(value).validity for value in container.values] == expected


def test_the_example_of_the_open_charge_alliance_is_valid() -> None:
    found = verdict(OCA_RECORD, OCA["public_key_hex"])
    assert (found.validity, found.reason, found.curve) == (VALID, "signed", "secp256k1")


def test_the_example_of_the_open_charge_alliance_altered_is_invalid() -> None:
    assert verdict(OCA_RECORD.replace(b'"0.636"', b'"0.536"'), OCA["public_key_hex"]).reason == "no_match"


def test_a_payload_written_anew_is_invalid_though_it_means_the_same() -> None:
    _, payload, signature = OCA["ocmf"].split("|")
    again = json.dumps(json.loads(payload), separators=(",", ":"))
    assert verdict(f"OCMF|{again}|{signature}".encode(), OCA["public_key_hex"]).validity is INVALID


# --- never a false valid ------------------------------------------------------------------------------------------------------

_SIGNED = RECORD.rindex(b"|") + 1  # where the header and the payload, with their bars, end
_SIGNATURE = json.loads(RECORD[_SIGNED:])


@settings(max_examples=400)
@given(st.integers(0, _SIGNED - 1), st.integers(1, 255))
def test_a_record_with_one_byte_changed_in_what_is_signed_is_never_valid(place: int, flip: int) -> None:
    altered = bytearray(RECORD)
    altered[place] ^= flip
    assert verdict(bytes(altered), METER.key).validity is not VALID


@settings(max_examples=400)
@given(st.integers(_SIGNED, len(RECORD) - 1), st.integers(1, 255))
def test_a_record_with_one_byte_changed_in_the_signature_is_valid_only_if_it_says_the_same(place: int, flip: int) -> None:
    altered = bytearray(RECORD)
    altered[place] ^= flip
    if verdict(bytes(altered), METER.key).validity is VALID:
        assert json.loads(altered[_SIGNED:]) == _SIGNATURE


@given(st.integers(0, len(_SIGNATURE["SD"]) - 1), st.sampled_from("0123456789abcdefABCDEF xg\n"))
def test_no_character_of_a_signature_can_be_changed(place: int, other: str) -> None:
    changed = _SIGNATURE["SD"][:place] + other + _SIGNATURE["SD"][place + 1 :]
    if changed != _SIGNATURE["SD"]:
        altered = RECORD[:_SIGNED] + json.dumps(_SIGNATURE | {"SD": changed}).encode()
        assert verdict(altered, METER.key).validity is INVALID


@given(st.integers(0, len(METER.der) - 1), st.integers(1, 255))
def test_with_one_byte_changed_in_the_key_nothing_is_valid_unless_it_is_still_the_same_point(place: int, flip: int) -> None:
    altered = bytearray(METER.der)
    altered[place] ^= flip
    found = verdict(RECORD, altered.hex())
    if found.validity is VALID:
        assert found.fingerprint == verdict(RECORD, METER.key).fingerprint


@given(st.integers(0, len(RECORD)), st.binary(min_size=1, max_size=4))
def test_with_something_put_in_between_it_is_never_valid_unless_around_or_beside_the_signature(place: int, more: bytes) -> None:
    altered = RECORD[:place] + more + RECORD[place:]
    if verdict(altered, METER.key).validity is VALID:
        assert altered.strip(b" \t\r\n").startswith(RECORD[:_SIGNED])
        assert json.loads(altered[altered.rindex(b"|") + 1 :])["SD"] == _SIGNATURE["SD"]


@given(st.integers(0, len(RECORD) - 1))
def test_a_record_cut_off_is_never_valid(length: int) -> None:
    assert verdict(RECORD[:length], METER.key).validity is not VALID


def test_the_signature_of_another_record_does_not_do() -> None:
    other = METER.record(reading("B", "10.000"), reading("E", "99.500"))
    mixed = other[: other.rindex(b"|")] + RECORD[_SIGNED - 1 :]
    assert verdict(mixed, METER.key).reason == "no_match"


# --- signatures ---------------------------------------------------------------------------------------------------------------

CURVES = [
    (ec.SECP192R1(), "ECDSA-secp192r1-SHA256"),
    (ec.SECP192R1(), "ECDSA-prime192v1-SHA256"),
    (ec.SECP224R1(), "ECDSA-secp224r1-SHA256"),
    (ec.SECP256R1(), "ECDSA-secp256r1-SHA256"),
    (ec.SECP256R1(), "ECDSA-prime256v1-SHA256"),
    (ec.SECP256K1(), "ECDSA-secp256k1-SHA256"),
    (ec.SECP384R1(), "ECDSA-secp384r1-SHA256"),
    (ec.SECP521R1(), "ECDSA-secp521r1-SHA256"),
    (ec.BrainpoolP256R1(), "ECDSA-brainpool256r1-SHA256"),
    (ec.BrainpoolP256R1(), "ECDSA-brainpoolP256r1-SHA256"),
    (ec.BrainpoolP384R1(), "ECDSA-brainpool384r1-SHA256"),
    (ec.BrainpoolP512R1(), "ECDSA-brainpoolP512r1-SHA256"),
    (ec.SECP256R1(), None),
]


def raw(signature: bytes, size: int) -> bytes:
    r, s = decode_dss_signature(signature)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


@pytest.mark.parametrize(("curve", "algorithm"), CURVES)
def test_every_curve_openssl_has_in_either_form_of_signature_and_key(curve: ec.EllipticCurve, algorithm: str | None) -> None:
    meter = SigningMeter(curve, algorithm)
    payload = json.dumps({"RD": [reading()]}).encode()
    size = (curve.key_size + 7) // 8
    point = meter.public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    compressed = meter.public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    for signed in (meter.sign(payload), meter.sign(payload, SD=raw(meter.signature(payload), size).hex().upper())):
        for key in (meter.key, point.hex(), point[1:].hex(), compressed.hex()):
            assert verdict(signed, key).validity is VALID
            assert verdict(signed.replace(b"10.000", b"10.001"), key).validity is INVALID


def test_a_signature_in_base64() -> None:
    payload = json.dumps({"RD": [reading()]}).encode()
    data = base64.b64encode(METER.signature(payload)).decode()
    assert verdict(METER.sign(payload, SE="base64", SD=data), METER.key).validity is VALID
    assert verdict(METER.sign(payload, SD=data), METER.key).reason == "signature_malformed"
    assert verdict(METER.sign(payload, SE="base64", SD=data + "\n"), METER.key).reason == "signature_malformed"


@pytest.mark.parametrize(
    ("changed", "validity", "reason"),
    [
        ({"SA": "ECDSA-secp192k1-SHA256"}, UNVERIFIABLE, "algorithm"),
        ({"SA": "ECDSA-secp256r1-SHA512"}, UNVERIFIABLE, "algorithm"),
        ({"SA": "RSA-2048-SHA256"}, UNVERIFIABLE, "algorithm"),
        ({"SA": "none"}, UNVERIFIABLE, "algorithm"),
        ({"SA": "ecdsa-secp256r1-sha256"}, UNVERIFIABLE, "algorithm"),
        ({"SE": "rot13"}, UNVERIFIABLE, "algorithm"),
        ({"SM": "application/pkcs7"}, UNVERIFIABLE, "algorithm"),
        ({"SA": "ECDSA-secp256k1-SHA256"}, INVALID, "wrong_curve"),
        ({"SA": None, "WA": "ECDSA-secp256r1-SHA256"}, INVALID, "malformed"),
        ({"HA": "1"}, INVALID, "malformed"),
        ({"XA": "1", "Certificate": "none"}, VALID, "signed"),
        ({"SD": "zz"}, INVALID, "signature_malformed"),
        ({"SD": "0"}, INVALID, "signature_malformed"),
        ({"SD": "00" * 40}, INVALID, "signature_malformed"),
        ({"SD": "00" * 64}, INVALID, "no_match"),
        ({"SD": "ff" * 64}, INVALID, "no_match"),
        ({"SD": encode_dss_signature(0, 0).hex()}, INVALID, "no_match"),
        ({"SD": encode_dss_signature(1, 1).hex()}, INVALID, "no_match"),
        ({"SD": "ff" * 100_000}, INVALID, "signature_malformed"),
    ],
)
def test_a_signature_of_another_kind_or_of_no_kind(changed: dict[str, object], validity: Validity, reason: str) -> None:
    found = verdict(METER.sign(json.dumps({"RD": [reading()]}).encode(), **changed), METER.key)
    assert (found.validity, found.reason) == (validity, reason)


def test_a_signature_with_bytes_after_its_end_is_invalid() -> None:
    payload = json.dumps({"RD": [reading()]}).encode()
    longer = METER.signature(payload).hex() + "00"
    assert verdict(METER.sign(payload, SD=longer), METER.key).reason == "signature_malformed"


def test_a_signed_payload_that_is_no_ocmf_is_invalid() -> None:
    assert verdict(METER.sign(b'{"RD":[]}'), METER.key).reason == "malformed"


# --- keys ---------------------------------------------------------------------------------------------------------------------

PEM = METER.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
BASE64 = base64.b64encode(METER.der).decode()
SPELLINGS = {
    "hex": METER.key,
    "capital hex": METER.key.upper(),
    "hex in groups": " ".join(METER.key[i : i + 4] for i in range(0, len(METER.key), 4)) + "\n",
    "base64": BASE64,
    "base64 in lines": BASE64[:64] + "\n" + BASE64[64:] + "\n",
    "PEM": PEM.decode(),
    "PEM file": PEM,
    "DER file": METER.der,
    "oca base16": f"oca:base16:asn1:{METER.key}",
    "oca base64": f"oca:base64:asn1:{BASE64}",
    "oca in base64": base64.b64encode(f"oca:base16:asn1:{METER.key}".encode()).decode(),
    "hex in base64": base64.b64encode(METER.key.upper().encode()).decode(),
    "PEM in base64": base64.b64encode(PEM).decode(),
}


@pytest.mark.parametrize("key", SPELLINGS.values(), ids=SPELLINGS)
def test_a_key_in_any_spelling(key: str | bytes) -> None:
    readable_key(key)
    found = verdict(RECORD, key)
    assert (found.validity, found.fingerprint) == (VALID, verdict(RECORD, METER.key).fingerprint)


RSA_KEY = rsa.generate_private_key(65537, 2048).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        "zz",
        "00",
        "04" + "11" * 64,  # a point on no curve
        "30",
        METER.key[:-2],
        METER.key + "00",
        "oca:base16:asn1:",
        "oca:base16:asn1:xyz",
        "oca:base32:asn1:00",
        "oca:",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "A" * 100_000,
        "ключ",
        b"\xff\xfe",
        RSA_KEY,
    ],
)
def test_what_is_no_key_makes_a_value_unverifiable(key: str | bytes) -> None:
    with pytest.raises(MeteringError):
        readable_key(key)
    found = verdict(RECORD, key)
    assert (found.validity, found.reason) == (UNVERIFIABLE, "key")


def test_a_key_on_a_curve_unknown_here_is_a_key_but_verifies_nothing() -> None:
    key = next(vector["public_key_hex"] for vector in OCMF_JS if vector["curve"] == "secp192k1")
    readable_key(key)
    assert verdict(RECORD, key).reason == "key"


def test_without_any_key_a_value_is_unverifiable() -> None:
    assert verdict(RECORD, None).reason == "no_key"


def test_the_key_beside_the_value_is_used_only_if_none_is_given_and_that_is_told() -> None:
    other = SigningMeter()
    beside = SignedValue(RECORD, key=METER.key)
    assert check(beside).own_key
    assert check(beside).validity is VALID
    assert not check(beside, METER.key).own_key
    assert check(beside, other.key).validity is INVALID


def test_another_format_is_unverifiable() -> None:
    assert check(SignedValue(b"AP;0;3;", format="ALFEN"), METER.key).reason == "format"


@given(st.binary(max_size=200), st.one_of(st.text(max_size=80), st.binary(max_size=120), st.none()))
def test_any_bytes_and_any_key_give_a_verdict_that_is_not_valid(data: bytes, key: str | bytes | None) -> None:
    for record in (data, b"OCMF|" + data, RECORD[:_SIGNED] + data):
        assert verdict(record, METER.key).validity is not VALID
    assert verdict(RECORD, key).validity is not VALID
