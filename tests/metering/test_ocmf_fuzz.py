"""Signed values that somebody tampered with, at random: never valid, and never more than a sentence.

What is asked of a mutilated container is simple: a value in it is valid only if its signed bytes, and the key they were checked with, are
ones the meter really signed with.
"""

from __future__ import annotations

import base64
import io
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from ocmf_maker import OCMF_JS, VECTORS, SigningMeter, ocpp, reading

from kiosk.metering.cli import verify
from kiosk.metering.containers import read
from kiosk.metering.ocmf import MeteringError
from kiosk.metering.reading import Validity
from kiosk.metering.verify import check

METER = SigningMeter()
OTHERS = tuple(SigningMeter(curve, None) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.BrainpoolP256R1(), ec.SECP192R1()))
BEGIN = METER.record(reading("B", "10.000"), page="T1")
END = METER.record(reading("E", "22.500"), page="T2")
XML = (
    '<?xml version="1.0" encoding="UTF-8"?><values>'
    + "".join(
        f'<value transactionId="7"><signedData format="OCMF" encoding="plain">{record.decode().replace("&", "&amp;")}</signedData>'
        f'<publicKey encoding="hex">{METER.key}</publicKey></value>'
        for record in (BEGIN, END)
    )
    + "</values>"
).encode()
CONTAINERS = {
    "ocmf": BEGIN + b"\n" + END,
    "ocpp": ocpp(END, METER.key),
    "xml": XML,
    "transparency": (VECTORS / "transparency" / "keba_kcp30.xml").read_bytes(),
    "brainpool": (VECTORS / "transparency" / "brainpoolP256r1.xml").read_bytes(),
    "oca": json.dumps(json.loads((VECTORS / "oca_smv_example.json").read_text())).encode(),
}


class _File:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def __str__(self) -> str:
        return "fuzzed"

    def open(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


Truth = set[tuple[bytes, str | None]]


def truth(container: bytes, key: str | None) -> Truth:
    """What was signed, and with which key."""
    checked = [check(value, key) for value in read(container).values]
    return {(c.record.signed, c.fingerprint) for c in checked if c.validity is Validity.VALID and c.record is not None}


def lies(container: bytes, key: str | None, signed: Truth) -> list[str]:
    """Values that pass for signed and were not."""
    try:
        values = read(container).values
    except MeteringError:
        return []
    checked = [check(value, key) for value in values]
    return [c.why for c in checked if c.validity is Validity.VALID and (c.record is None or (c.record.signed, c.fingerprint) not in signed)]


def said(container: bytes, key: str | None) -> int:
    """The command's exit code; it may only write sentences."""
    out, err = io.StringIO(), io.StringIO()
    code = verify(_File(container), key, out, err, as_json=len(container) % 2 == 0)
    assert (out.getvalue() + err.getvalue()).strip()
    return code


# --- what somebody may do ------------------------------------------------------------------------------------------------------


def _flip(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))] if draw.random() < 0.5 else data[draw.randrange(len(data)) :]


def _lose(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + data[at + draw.randint(1, 40) :]


def _trail(data: bytes, draw: random.Random) -> bytes:
    return data + draw.choice((b"\x00", b"|", b"}", b"OCMF|", b"\n{}", b"\xff\xfe", b"<!--x-->", b"\n" + data, bytes(draw.randbytes(20))))


def _repeat(data: bytes, draw: random.Random) -> bytes:
    a, b = sorted(draw.randrange(len(data)) for _ in range(2))
    return data[:b] + data[a:b] + data[b:]


def _digit(data: bytes, draw: random.Random) -> bytes:
    places = [i for i, byte in enumerate(data) if chr(byte).isdigit()]
    if not places:
        return data
    at = draw.choice(places)
    return data[:at] + str(draw.randrange(10)).encode() + data[at + 1 :]


def _twice(data: bytes, draw: random.Random) -> bytes:
    """A key that comes a second time with another value."""
    word = draw.choice((b'"RV":', b'"RD":', b'"SD":', b'"SA":', b'"PG":', b'"signedMeterData":', b'"publicKey":'))
    return data.replace(word, word + draw.choice((b'"1",', b"1,", b"null,", b"[],")) + word, 1)


def _swap(data: bytes, draw: random.Random) -> bytes:
    """Another meter's key, in the place of this one's."""
    other = draw.choice(OTHERS).key
    text = data.replace(METER.key.encode(), other.encode())
    spelled = (base64.b64encode(f"oca:base16:asn1:{key}".encode()) for key in (METER.key, other))
    return text.replace(*spelled)


def _curve(data: bytes, draw: random.Random) -> bytes:
    name = draw.choice(("secp384r1", "secp192k1", "brainpool256r1", "secp256k1", "none", "secp256r1-SHA512"))
    return data.replace(b"secp256r1-SHA256", name.encode(), 1)


def _entity(data: bytes, draw: random.Random) -> bytes:
    declared = draw.choice(
        (
            b'<!DOCTYPE v [<!ENTITY a "1">]>',
            b'<!DOCTYPE v SYSTEM "file:///etc/passwd">',
            b'<!ENTITY a "b">',
            b"&a;",
            b"&#49;",
            b"<![CDATA[x]]>",
        )
    )
    at = data.find(b"<value") if draw.random() < 0.5 else draw.randrange(len(data))
    return data[: max(at, 0)] + declared + data[max(at, 0) :]


def _der(data: bytes, draw: random.Random) -> bytes:
    """A signature that is no longer DER, or DER of nothing."""
    start = data.find(b'"SD"')
    if start < 0:
        return _flip(data, draw)
    first = data.find(b'"', start + 5) + 1
    end = data.find(b'"', first)
    signature = data[first:end]
    pick = draw.choice(
        (
            b"", b"30", b"3006020100020100", b"3006020101020101", b"30" + signature[2:] + b"00", signature + b"00", signature[:-2],
            signature.upper() + b" ", b"00" * 64, b"ff" * 64, b"308" + signature, signature[:8].swapcase() + signature[8:],
            b"3046022100" + b"ff" * 32 + b"022100" + b"ff" * 32,
        )
    )  # fmt: skip
    return data[:first] + pick + data[end:]


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _flip, _flip, _flip, _cut, _lose, _trail, _repeat, _digit, _digit, _twice, _swap, _curve, _entity, _der,
)  # fmt: skip


def tampered(data: bytes, draw: random.Random) -> bytes:
    """One or several things done to a container, on its face or, in OCPP, to the record within."""
    if data[:1] == b"{" and draw.random() < 0.5:
        body = json.loads(data)
        if isinstance(body.get("signedMeterData"), str):
            inner = base64.b64decode(body["signedMeterData"])
            for _ in range(draw.choice((1, 1, 2))):
                inner = draw.choice(MUTATIONS)(inner, draw) or inner
            return json.dumps(body | {"signedMeterData": base64.b64encode(inner).decode()}).encode()
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        data = draw.choice(MUTATIONS)(data, draw) or data
    return data


def cases(name: str, count: int, first: int = 0) -> Iterator[tuple[int, bytes]]:
    for seed in range(first, first + count):
        yield seed, tampered(CONTAINERS[name], random.Random(f"{name} {seed}"))


@pytest.mark.parametrize("name", CONTAINERS)
def test_nothing_that_was_tampered_with_passes_for_signed(name: str) -> None:
    whole = CONTAINERS[name]
    key = METER.key if name == "ocmf" else None
    signed = truth(whole, key)
    for seed, data in cases(name, 150):
        assert lies(data, key, signed) == [], (seed, data)
        if name in {"ocmf", "ocpp"}:  # the driver's way: the meter's own key, whatever stands beside the value
            assert lies(data, METER.key, truth(whole, METER.key)) == [], (seed, data)
        assert said(data, key) in {0, 1}


def test_untouched_they_are_all_valid() -> None:
    for name in ("ocmf", "ocpp", "xml", "transparency", "brainpool"):
        assert said(CONTAINERS[name], METER.key if name == "ocmf" else None) == 0, name


@pytest.mark.parametrize("vector", [v for v in OCMF_JS if v["expected"] is True], ids=lambda v: v["name"])
def test_on_every_curve_a_changed_bit_or_another_key_is_seen(vector: dict[str, str]) -> None:
    key = vector["public_key_hex"]
    record = f'OCMF|{vector["payload"]}|{{"SA":"{vector["sa"]}","SD":"{vector["signature_hex"]}"}}'.encode()
    signed, draw = truth(record, key), random.Random(vector["id"])
    for _ in range(25):
        assert lies(_flip(record, draw), key, signed) == []
    for other in OTHERS:
        assert lies(record, other.key, set()) == []
        assert said(record, other.key) == 1


@pytest.mark.parametrize("seed", range(60))
def test_bytes_at_random_are_refused_in_a_sentence(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    start = draw.choice((b"", b"OCMF|", b"OCMF|{", b'{"signedMeterData":"', b"<values>", b"<?xml ", b"[", b"4F434D467C"))
    data = start + draw.randbytes(draw.randrange(400))
    assert said(data, None) == 1
    path = tmp_path / "bytes"
    path.write_bytes(data)
    assert verify(path, draw.randbytes(90), io.StringIO(), io.StringIO()) in {1, 2}
