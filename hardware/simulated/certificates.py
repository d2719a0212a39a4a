"""Issue the certificates of a simulated terminal: a root of its own and, under it, one for the terminal's name.

They look like the terminal fleet's: an intermediate, a leaf that has its name as common name only, and no authority key identifier.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_VALID = timedelta(days=365)
_EARLIER = timedelta(days=2)  # clocks differ
_LEFT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Chain:
    """The files of a terminal's identity. Only `root` is given to the kiosk."""

    root: Path
    chain: Path
    key: Path


def issue(folder: Path, name: str, utc_ms: int) -> Chain:
    """The chain for `name` in `folder`; what is there is kept while it serves, so a kiosk that pinned the root goes on trusting it."""
    files = Chain(folder / "root.pem", folder / "chain.pem", folder / "key.pem")
    now = datetime.fromtimestamp(utc_ms / 1_000, UTC)
    if _serves(files, name, now):
        return files
    folder.mkdir(parents=True, exist_ok=True)
    root_key, middle_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root_name, middle_name = "Simulated terminal fleet root", "Simulated terminal fleet"
    root = _certificate(root_name, root_key, root_name, root_key, now, authority=True)
    middle = _certificate(middle_name, middle_key, root_name, root_key, now, authority=True)
    leaf = _certificate(name, leaf_key, middle_name, middle_key, now, authority=False)
    files.key.touch(mode=0o600)
    files.key.write_bytes(
        leaf_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    files.root.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    files.chain.write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (leaf, middle)))
    return files


def _serves(files: Chain, name: str, now: datetime) -> bool:
    if not all(path.exists() for path in (files.root, files.chain, files.key)):
        return False
    leaf = x509.load_pem_x509_certificates(files.chain.read_bytes())[0]
    return leaf.subject == _name(name) and leaf.not_valid_after_utc > now + _LEFT


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey, now: datetime, *, authority: bool
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
