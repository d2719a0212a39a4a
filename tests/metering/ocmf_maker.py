"""A meter that signs, for tests: records, keys and the containers they travel in."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.metering.containers import SignedValue
from kiosk.metering.verify import Checked, check

VECTORS = Path(__file__).parents[1] / "vectors" / "ocmf"
OCA = json.loads((VECTORS / "oca_smv_example.json").read_text(encoding="utf-8"))
OCMF_JS = json.loads((VECTORS / "ocmfjs_verify.json").read_text(encoding="utf-8"))


def reading(transaction: str = "B", value: str = "10.000", **changed: object) -> dict[str, object]:
    """One entry of RD; a field that is None is left out."""
    minute = {"B": 0, "C": 10, "T": 11, "S": 12, "X": 13}.get(transaction, 30)
    fields = {
        "TM": f"2026-05-01T12:{minute:02}:00,000+0200 S",
        "TX": transaction,
        "RV": value,
        "RI": "1-b:1.8.0",
        "RU": "kWh",
        "RT": "AC",
        "EF": "",
        "ST": "G",
    }
    return {key: value for key, value in (fields | changed).items() if value is not None}


class SigningMeter:
    """A meter with its own key; `key` is its public key in hex."""

    def __init__(self, curve: ec.EllipticCurve | None = None, algorithm: str | None = "ECDSA-secp256r1-SHA256") -> None:
        self._private = ec.generate_private_key(curve or ec.SECP256R1())
        self._algorithm = algorithm
        self.public = self._private.public_key()
        self.der = self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key = self.der.hex()

    def record(self, *readings: dict[str, object], page: str | None = "T1", **changed: object) -> bytes:
        """A signed record; a field of the payload that is None is left out."""
        fields = {"FV": "1.0", "GS": "gateway-1", "PG": page, "MS": "meter-1", "IS": True, "IT": "NONE", "RD": list(readings)} | changed
        return self.sign(json.dumps({key: value for key, value in fields.items() if value is not None}).encode())

    def sign(self, payload: bytes, **changed: object) -> bytes:
        fields = {"SA": self._algorithm, "SD": self.signature(payload).hex()} | changed
        return b"OCMF|" + payload + b"|" + json.dumps({key: value for key, value in fields.items() if value is not None}).encode()

    def signature(self, payload: bytes) -> bytes:
        return self._private.sign(payload, ec.ECDSA(SHA256()))

    def checked(self, *readings: dict[str, object], page: str | None = "T1", **changed: object) -> Checked:
        return check(SignedValue(self.record(*readings, page=page, **changed)), self.key)


def ocpp(record: bytes, key: str | None = None, method: str = "OCMF") -> bytes:
    """The container of OCPP 1.6: the JSON text that stands in a sampled value."""
    spelled = "" if key is None else base64.b64encode(f"oca:base16:asn1:{key}".encode()).decode()
    packed = {
        "signedMeterData": base64.b64encode(record).decode(),
        "signingMethod": "",
        "encodingMethod": method,
        "publicKey": spelled,
    }
    return json.dumps(packed).encode()
