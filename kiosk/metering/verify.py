"""Say whether a signed meter value is what the meter signed: valid, invalid, or not for us to tell.

Valid means one thing only: the key's owner signed exactly these bytes. A curve or format this machine cannot compute with is unverifiable,
never valid and never called forged. Whether a value may be billed is another question, answered in `billing`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from kiosk.metering.containers import SignedValue, key_bytes
from kiosk.metering.ocmf import DEFAULT_ALGORITHM, MeteringError, Record, Signature, parse
from kiosk.metering.reading import Validity

_ALGORITHM = re.compile(r"ECDSA-([A-Za-z0-9]+)-SHA256")
_HEX = re.compile(r"(?:[0-9A-F]{2})+|(?:[0-9a-f]{2})+")
_DER = "application/x-der"
_CURVES: dict[str, ec.EllipticCurve] = {
    curve.name: curve
    for curve in (
        ec.SECP192R1(),
        ec.SECP224R1(),
        ec.SECP256R1(),
        ec.SECP384R1(),
        ec.SECP521R1(),
        ec.SECP256K1(),
        ec.BrainpoolP256R1(),
        ec.BrainpoolP384R1(),
        ec.BrainpoolP512R1(),
    )
}
_SYNONYMS = {
    "prime192v1": "secp192r1",
    "prime256v1": "secp256r1",
    "prime384v1": "secp384r1",
    "brainpool256r1": "brainpoolP256r1",
    "brainpool384r1": "brainpoolP384r1",
    "brainpool512r1": "brainpoolP512r1",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What is known of one signed value.

    `reason` is a code: `signed`; `malformed`, `signature_malformed`, `wrong_curve`, `no_match` for an invalid value; `format`, `algorithm`,
    `no_key`, `key` for an unverifiable one. `why` says it in words. `record` is there whenever it can be read, whatever the verdict.
    `fingerprint` is the SHA-256 of the key used (its SubjectPublicKeyInfo), and `own_key` tells that the key came beside the value.
    """

    value: SignedValue
    validity: Validity
    reason: str
    why: str
    record: Record | None = None
    curve: str | None = None
    fingerprint: str | None = None
    own_key: bool = False


class _No(Exception):
    """A verdict other than valid, on its way out."""

    def __init__(self, validity: Validity, reason: str, why: str) -> None:
        super().__init__(why)
        self.validity, self.reason, self.why = validity, reason, why


def readable_key(key: str | bytes) -> None:
    """Raise MeteringError unless `key` can be a public key. A bare point shows its worth only with a record that names its curve."""
    der = key_bytes(key)
    try:
        if (point := _bare_point(der)) is not None:
            if not any(_is_on(curve, point) for curve in _CURVES.values()):
                raise MeteringError("the public key is no point of any curve known here")
        elif not isinstance(load_der_public_key(der), ec.EllipticCurvePublicKey):
            raise MeteringError("the public key is not one of an elliptic curve")
    except UnsupportedAlgorithm:
        return  # a key like any other, which this machine cannot compute with
    except MeteringError:
        raise
    except ValueError:
        raise MeteringError("the public key cannot be read: expected hex, base64 or PEM of a public key") from None


def check(value: SignedValue, key: str | bytes | None = None) -> Checked:
    """Verify one value with `key`, the meter's own as it was registered; without it, with the key beside the value."""
    own = key is None and value.key is not None
    used = value.key if key is None else key
    record = None
    curve = fingerprint = None
    try:
        record = _record(value)
        named = _curve(record.signature)
        public = _key(used, named, own=own)
        curve, fingerprint = public.curve.name, _fingerprint(public)
        if record.signature.algorithm is not None and public.curve.name != named.name:
            raise _No(Validity.INVALID, "wrong_curve", f"the key is on {public.curve.name}, the record says it is signed on {named.name}")
        _match(public, record)
    except _No as no:
        return Checked(value, no.validity, no.reason, no.why, record, curve, fingerprint, own)
    return Checked(value, Validity.VALID, "signed", "signed with this key, and not altered since", record, curve, fingerprint, own)


def _record(value: SignedValue) -> Record:
    if not value.is_ocmf:
        raise _No(Validity.UNVERIFIABLE, "format", f"the format is {value.format}: only OCMF can be verified here")
    try:
        return parse(value.record)
    except MeteringError as error:
        raise _No(Validity.INVALID, "malformed", str(error)) from None


def _curve(signature: Signature) -> ec.EllipticCurve:
    algorithm = signature.algorithm or DEFAULT_ALGORITHM
    if signature.mime_type != _DER or signature.encoding not in {"hex", "base64"}:
        form = f"{signature.mime_type[:40]!r} in {signature.encoding[:20]!r}"
        raise _No(Validity.UNVERIFIABLE, "algorithm", f"the signature is {form}: only {_DER} in hex or base64 can be read")
    match = _ALGORITHM.fullmatch(algorithm)
    name = match[1] if match else ""
    curve = _CURVES.get(_SYNONYMS.get(name, name))
    if curve is None:
        raise _No(Validity.UNVERIFIABLE, "algorithm", f"signed with {algorithm[:60]}, which cannot be computed here")
    return curve


def _key(key: str | bytes | None, curve: ec.EllipticCurve, *, own: bool) -> ec.EllipticCurvePublicKey:
    """The key itself; a bare point lies on the curve the record names."""
    if key is None:
        raise _No(Validity.UNVERIFIABLE, "no_key", "there is no public key: give the meter's")
    whose = "the public key beside the value" if own else "the public key"
    try:
        der = key_bytes(key)
        point = _bare_point(der)
        public = load_der_public_key(der) if point is None else ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except MeteringError as error:
        raise _No(Validity.UNVERIFIABLE, "key", str(error)) from None
    except UnsupportedAlgorithm as error:
        raise _No(Validity.UNVERIFIABLE, "key", f"{whose} cannot be computed with here: {error}") from None
    except (ValueError, TypeError):
        raise _No(Validity.UNVERIFIABLE, "key", f"{whose} cannot be read as a key on {curve.name}") from None
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise _No(Validity.UNVERIFIABLE, "key", f"{whose} is not one of an elliptic curve, which OCMF is signed with")
    return public


def _bare_point(key: bytes) -> bytes | None:
    """The point of a key given without the name of its curve: 04, x and y; 02 or 03 and x; or x and y alone, as some devices print it.

    A SubjectPublicKeyInfo is a DER sequence, which begins with 30 and its own length.
    """
    if _is_sequence(key):
        return None
    sizes = {(curve.key_size + 7) // 8 for curve in _CURVES.values()}
    if key[:1] == b"\x04" and (len(key) - 1) / 2 in sizes:
        return key
    if key[:1] in {b"\x02", b"\x03"} and len(key) - 1 in sizes:
        return key
    return b"\x04" + key if len(key) / 2 in sizes else None


def _is_sequence(der: bytes) -> bool:
    """Whether the bytes are one DER sequence with nothing after it."""
    if len(der) < 2 or der[0] != 0x30:
        return False
    more = der[1] & 0x7F if der[1] & 0x80 else 0
    length = int.from_bytes(der[2 : 2 + more], "big") if more else der[1]
    return length == len(der) - 2 - more


def _is_on(curve: ec.EllipticCurve, point: bytes) -> bool:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _match(key: ec.EllipticCurvePublicKey, record: Record) -> None:
    signatures = list(_signatures(_decoded(record.signature), (key.curve.key_size + 7) // 8))
    if not signatures:
        raise _No(Validity.INVALID, "signature_malformed", "the signature is neither DER nor of the curve's length")
    for signature in signatures:
        try:
            key.verify(signature, record.signed, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError):
            continue
        return
    raise _No(
        Validity.INVALID, "no_match", "the signature is not of these bytes and this key: the record was altered, or the key is another's"
    )


def _decoded(signature: Signature) -> bytes:
    """The signature's bytes. It has one spelling only, so that no character of it can be changed unnoticed."""
    data = signature.data
    if signature.encoding == "hex":
        if not _HEX.fullmatch(data):
            raise _No(Validity.INVALID, "signature_malformed", "the signature (SD) is not hex")
        return bytes.fromhex(data)
    try:
        decoded = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if base64.b64encode(decoded).decode() != data:
        raise _No(Validity.INVALID, "signature_malformed", "the signature (SD) is not base64")
    return decoded


def _signatures(data: bytes, size: int) -> Iterator[bytes]:
    """What the bytes can mean, as DER: a DER signature, or r and s side by side, as the block lengths of OCMF have it and some meters."""
    try:
        if encode_dss_signature(*decode_dss_signature(data)) == data:
            yield data
    except ValueError:
        pass
    if len(data) == 2 * size:
        yield encode_dss_signature(int.from_bytes(data[:size], "big"), int.from_bytes(data[size:], "big"))


def _fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
