"""The meter of a simulated pile that signs what it counts: one OCMF record at the begin of a transaction and one at its end.

It signs truly with its own key and numbers its pages without a gap. What it is told to get wrong is wrong in the record that is sent, as a
meter, or somebody on the way, would get it wrong.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.values import MWH_PER_KWH

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OBIS = "01-00:B2.08.00*FF"


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a record."""

    key: bool = False  # signed by somebody else
    value: bool = False  # altered after it was signed
    serial: bool = False  # another meter's
    state: bool = False  # the meter calls its energy unusable
    clock: bool = False  # nobody set the meter's clock


@dataclass(slots=True)
class SigningMeter:
    """A meter with a key of its own, made of the number `secret`. With `early` its begin is sent when it is signed, not at the end."""

    serial: str
    secret: int
    early: bool = False
    page: int = 0
    records: list[bytes] = field(default_factory=list)  # as they were sent

    @property
    def public_key(self) -> str:
        """As it stands on the meter: SubjectPublicKeyInfo in hex."""
        key = _private(self.secret).public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo).hex()

    def sign(self, word: str, at_ms: int, mwh: int, wrong: Wrong) -> str:
        """What OCPP 1.6 carries of a record (OCA, Signed Meter Values in OCPP): `word` is `B` or `E`."""
        self.page += 1
        reading = {
            "TM": f"{_EPOCH + timedelta(milliseconds=at_ms):%Y-%m-%dT%H:%M:%S},{at_ms % 1000:03d}+0000 {'U' if wrong.clock else 'S'}",
            "TX": word,
            "RV": f"{mwh // MWH_PER_KWH}.{mwh % MWH_PER_KWH:06d}",
            "RI": _OBIS,
            "RU": "kWh",
            "EF": "E" if wrong.state else "",
            "ST": "F" if wrong.state else "G",
        }
        fields = {
            "FV": "1.0",
            "GI": "PilePay bench",
            "GS": f"G-{self.serial}",
            "PG": f"T{self.page}",
            "MS": f"{self.serial}-2" if wrong.serial else self.serial,
            "IS": True,
            "IT": "NONE",
            "RD": [reading],
        }
        payload = json.dumps(fields, separators=(",", ":"))
        signature = _private(self.secret + wrong.key).sign(payload.encode(), ec.ECDSA(SHA256()))
        if wrong.value:
            dearer = f"{mwh // MWH_PER_KWH + 1}.{mwh % MWH_PER_KWH:06d}"
            payload = payload.replace(f'"RV":"{reading["RV"]}"', f'"RV":"{dearer}"')
        record = f'OCMF|{payload}|{{"SA":"ECDSA-secp256r1-SHA256","SD":"{signature.hex()}"}}'.encode()
        self.records.append(record)
        return _ocpp(record, self.public_key)


def wrongs(faults: Collection[str], word: str) -> Wrong:
    """What the faults of a connector do to the record of this kind."""
    ends = word == "E"
    return Wrong(
        key="wrong_key" in faults,
        value=ends and "tampered_value" in faults,
        serial=ends and "other_meter" in faults,
        state=ends and "meter_error" in faults,
        clock="unsynchronised" in faults,
    )


def _private(secret: int) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(secret, ec.SECP256R1())


def _ocpp(record: bytes, key: str) -> str:
    packed = {
        "signedMeterData": base64.b64encode(record).decode(),
        "signingMethod": "",
        "encodingMethod": "OCMF",
        "publicKey": base64.b64encode(f"oca:base16:asn1:{key}".encode()).decode(),
    }
    return json.dumps(packed)
