"""Seal and open the messages between kiosk and terminal: nexo payload protection as Adyen uses it.

TLS proves that the peer is a terminal of the fleet; the shared key proves that it is ours and that it said exactly this. The MAC covers the
plaintext, so a peer must not learn whether padding or MAC was wrong.
Keys never appear in an exception, a log or a repr.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

CRYPTO_VERSION = 1
NONCE_BYTES = 16
_BLOCK_BITS = 128
_BLOCK_BYTES = _BLOCK_BITS // 8
_SALT = b"AdyenNexoV1Salt"
_ITERATIONS = 4_000


class NexoError(Exception):
    """A sealed message cannot be trusted. The message names no key and does not tell padding from MAC."""


@dataclass(frozen=True, slots=True)
class NexoKey:
    """The key both sides derived from the shared passphrase. Deriving takes milliseconds: do it once and keep this."""

    identifier: str = field(repr=False)
    version: int = field(repr=False)
    hmac_key: bytes = field(repr=False)
    cipher_key: bytes = field(repr=False)
    iv_base: bytes = field(repr=False)

    @classmethod
    def derive(cls, passphrase: str, identifier: str, version: int) -> NexoKey:
        """PBKDF2-HMAC-SHA1 over the UTF-8 passphrase, 80 bytes: MAC key, AES-256 key, IV base."""
        material = hashlib.pbkdf2_hmac("sha1", passphrase.encode(), _SALT, _ITERATIONS, 80)
        return cls(identifier, version, material[:32], material[32:64], material[64:80])


def fresh_nonce() -> bytes:
    """A nonce for one message."""
    return secrets.token_bytes(NONCE_BYTES)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What travels instead of a message's body."""

    blob: str
    trailer: Mapping[str, object]


def seal(plaintext: bytes, key: NexoKey, nonce: bytes) -> Sealed:
    """Encrypt and authenticate a whole message, header included. `nonce` is 16 fresh random bytes."""
    _check_nonce(nonce)
    padder = padding.PKCS7(_BLOCK_BITS).padder()
    encryptor = _cipher(key, nonce).encryptor()
    ciphertext = encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()
    trailer = {
        "AdyenCryptoVersion": CRYPTO_VERSION,
        "KeyIdentifier": key.identifier,
        "KeyVersion": key.version,
        "Nonce": base64.b64encode(nonce).decode(),
        "Hmac": base64.b64encode(_mac(key, plaintext)).decode(),
    }
    return Sealed(base64.b64encode(ciphertext).decode(), trailer)


def unseal(blob: object, trailer: object, key: NexoKey) -> bytes:
    """The authenticated plaintext of a sealed message.

    Raises `NexoError`. Key identifier, key version and crypto version are looked at only once the MAC holds: until then they are anybody's
    words.
    """
    if not isinstance(trailer, Mapping):
        raise NexoError("the message has no security trailer")
    ciphertext = _decoded(blob, "NexoBlob")
    nonce = _decoded(trailer.get("Nonce"), "Nonce")
    mac = _decoded(trailer.get("Hmac"), "Hmac")
    _check_nonce(nonce)
    if not ciphertext or len(ciphertext) % _BLOCK_BYTES:
        raise NexoError("the message's ciphertext is not whole blocks")
    decryptor = _cipher(key, nonce).decryptor()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    plaintext = _unpadded(padded)
    # With bad padding a MAC is computed all the same, so that both failures look alike and take alike.
    good = hmac.compare_digest(_mac(key, padded if plaintext is None else plaintext), mac)
    if plaintext is None or not good:
        raise NexoError("the message is not authentic: it was altered, or sealed with another passphrase")
    _check_trailer(trailer, key)
    return plaintext


def _check_trailer(trailer: Mapping[object, object], key: NexoKey) -> None:
    for name, ours in (("AdyenCryptoVersion", CRYPTO_VERSION), ("KeyIdentifier", key.identifier), ("KeyVersion", key.version)):
        theirs = trailer.get(name)
        if theirs != ours or isinstance(theirs, bool):
            raise NexoError(f"the message's {name} is not the configured one: compare the key settings of kiosk and terminal")


def _check_nonce(nonce: bytes) -> None:
    if len(nonce) != NONCE_BYTES:
        raise NexoError(f"a nonce is {NONCE_BYTES} bytes, not {len(nonce)}")


def _cipher(key: NexoKey, nonce: bytes) -> Cipher[modes.CBC]:
    iv = bytes(a ^ b for a, b in zip(key.iv_base, nonce, strict=True))
    return Cipher(algorithms.AES(key.cipher_key), modes.CBC(iv))


def _mac(key: NexoKey, plaintext: bytes) -> bytes:
    return hmac.new(key.hmac_key, plaintext, hashlib.sha256).digest()


def _unpadded(padded: bytes) -> bytes | None:
    unpadder = padding.PKCS7(_BLOCK_BITS).unpadder()
    try:
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        return None


def _decoded(value: object, name: str) -> bytes:
    if not isinstance(value, str):
        raise NexoError(f"the message has no {name}")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NexoError(f"the message's {name} is not base64") from error
