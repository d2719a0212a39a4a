"""A signed statement "so many entries, with this root", that a stranger can check against the journal.

The text is a C2SP tlog-checkpoint (c2sp.org/tlog-checkpoint) in a signed note (c2sp.org/signed-note): origin, size
and root in base64, one line each, an empty line, and `— origin base64(key id || Ed25519 signature)`. A public key is
written as a C2SP vkey, `origin+key id+base64(0x01 || key)`.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from kiosk.journal.entry import JournalError

_ED25519 = b"\x01"
_KEY_BYTES = 32
_SHORT_ROOT_BYTES = 10


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`size` entries have the Merkle root `root`. `note` is the whole signed text."""

    origin: str
    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True)
class Stated:
    """What someone outside remembers of a checkpoint: all of it, or the short form on a receipt (80 bits of the root, no signature)."""

    size: int
    root: bytes
    signed: Checkpoint | None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that checkpoints are verified with. `origin` is None for a bare key."""

    key: bytes
    origin: str | None

    def __str__(self) -> str:
        """As a C2SP vkey, or in hex if it has no name."""
        if self.origin is None:
            return self.key.hex()
        return f"{self.origin}+{_key_id(self.origin, self.key).hex()}+{base64.b64encode(_ED25519 + self.key).decode()}"

    def signed(self, note: str) -> bool:
        """Whether the signed note `note` bears this key's signature. The first that claims to be this key's decides."""
        text, _, signatures = note.rpartition("\n\n")
        for line in signatures.splitlines():
            name, _, blob = line.removeprefix("— ").rpartition(" ")
            raw = _base64(blob)
            if line.startswith("— ") and self.origin in (None, name) and raw[:4] == _key_id(name, self.key):
                return _verifies(self.key, raw[4:], f"{text}\n".encode())
        return False

    def sealed(self, kind: str, data: bytes, signature: bytes) -> bool:
        """Whether `signature` is what `Signer.seal` of this key gave for `data`."""
        return _verifies(self.key, signature, _sealing(kind, data))

    def vouches_for(self, checkpoint: Checkpoint) -> bool:
        """Whether this key signed `checkpoint` as the journal it names."""
        return self.origin in (None, checkpoint.origin) and self.signed(checkpoint.note)


class Signer:
    """The journal's private key and the name it signs under."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.origin = f"pilepay.journal/{sha256(self.public).hexdigest()[:16]}"

    @property
    def vkey(self) -> str:
        """The public key as a C2SP vkey."""
        return str(PublicKey(self.public, self.origin))

    def seal(self, kind: str, data: bytes) -> bytes:
        """A signature over `data` as something of ours that is no checkpoint and cannot be taken for one."""
        return self._key.sign(_sealing(kind, data))

    def sign(self, size: int, root: bytes) -> Checkpoint:
        text = f"{self.origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = _key_id(self.origin, self.public) + self._key.sign(text.encode())
        return Checkpoint(self.origin, size, root, f"{text}\n— {self.origin} {base64.b64encode(signature).decode()}\n")


def parse(note: str) -> Checkpoint:
    """The checkpoint in a signed note; its signatures are not looked at. Raises `JournalError` if it is none."""
    lines = note.rpartition("\n\n")[0].split("\n")
    if len(lines) >= 3 and lines[0] and lines[1].isascii() and lines[1].isdigit() and (lines[1] == "0" or lines[1][0] != "0"):
        root = _base64(lines[2])
        if len(root) == _KEY_BYTES:
            return Checkpoint(lines[0], int(lines[1]), root, note)
    raise JournalError(
        "This is no signed checkpoint: it needs the lines origin, size, root, an empty line and a signature (c2sp.org/tlog-checkpoint)"
    )


def short(checkpoint: Checkpoint) -> str:
    """What a receipt prints: the size and the first 80 bits of the root in base32, such as `1042-K7QF-3M2X-A5BC-D2EF`."""
    letters = base64.b32encode(checkpoint.root[:_SHORT_ROOT_BYTES]).decode()
    return "-".join([str(checkpoint.size), *(letters[i : i + 4] for i in range(0, len(letters), 4))])


def parse_stated(text: str) -> Stated:
    """A checkpoint someone hands in: a signed note, or the short form from a receipt (case and dashes do not matter)."""
    if "\n" in text.strip():
        checkpoint = parse(text)
        return Stated(checkpoint.size, checkpoint.root, checkpoint)
    size, _, rest = text.strip().partition("-")
    try:
        root = base64.b32decode(rest.replace("-", "").replace(" ", "").upper())
    except binascii.Error:
        root = b""
    if not (size.isascii() and size.isdigit()) or len(root) != _SHORT_ROOT_BYTES:
        raise JournalError(
            f"{text.strip()[:60]!r} is no checkpoint: give the signed note, or a receipt's short form such as 1042-K7QF-3M2X-A5BC-D2EF"
        )
    return Stated(int(size), root, None)


def parse_keys(text: str) -> tuple[PublicKey, ...]:
    """Public keys someone hands in: C2SP vkeys one a line, a PEM public key, or 64 hex digits."""
    if "-----BEGIN" in text:
        return (_pem(text),)
    keys = tuple(_key(line.strip()) for line in text.splitlines() if line.strip())
    if not keys:
        raise JournalError("There is no public key: give a C2SP vkey, a PEM public key or 64 hex digits")
    return keys


def _key(line: str) -> PublicKey:
    name, _, rest = line.partition("+")
    identity, _, blob = rest.partition("+")
    raw = _base64(blob)
    if raw[:1] == _ED25519 and len(raw) == 1 + _KEY_BYTES and _key_id(name, raw[1:]).hex() == identity:
        return PublicKey(raw[1:], name)
    try:
        bare = bytes.fromhex(line)
    except ValueError:
        bare = b""
    if len(bare) != _KEY_BYTES:
        raise JournalError(f"{line[:60]!r} is no Ed25519 public key: give a C2SP vkey (name+id+base64), a PEM public key or 64 hex digits")
    return PublicKey(bare, None)


def _pem(text: str) -> PublicKey:
    try:
        found = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, Ed25519PublicKey):
        raise JournalError("The PEM text holds no Ed25519 public key: export the journal's own with `pilepay journal verify`")
    return PublicKey(found.public_bytes(Encoding.Raw, PublicFormat.Raw), None)


def _key_id(name: str, key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + _ED25519 + key).digest()[:4]


def _sealing(kind: str, data: bytes) -> bytes:
    """No checkpoint begins like this: the first line of one is its origin."""
    return b"pilepay/sealed/1\x00" + kind.encode() + b"\x00" + sha256(data).digest()


@lru_cache(maxsize=256)
def _verifies(key: bytes, signature: bytes, text: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except InvalidSignature:
        return False
    return True


def _base64(text: str) -> bytes:
    """The bytes, or none if it is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
