"""Where ids, random bits and keyed hashes come from."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Protocol

from kiosk.values import Digest, SessionId

_BASE36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Serials(Protocol):
    """The journal's counters: never the same number twice, not even after a crash."""

    def serial(self, name: str) -> int: ...


class KioskIds:
    """`kiosk.values.Ids` for one kiosk. `secret` is the kiosk's own key; `random_bytes` is the machine's, or a simulator's. Where several
    kiosks are to know the same cards, they share a `recognition_key`."""

    def __init__(
        self,
        kiosk: str,
        serials: Serials,
        secret: bytes,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
        *,
        recognition_key: bytes = b"",
    ) -> None:
        self._recognition_key = recognition_key or secret
        self._kiosk = kiosk
        self._serials = serials
        self._secret = secret
        self._random = random_bytes

    def session(self) -> SessionId:
        return SessionId(f"{self._kiosk}-{_base32(self._random(16))}")

    def service_id(self) -> str:
        return _base36(self._serials.serial("service_id"))

    def id_tag(self) -> str:
        return _base32(self._random(12))

    def transaction(self) -> int:
        return self._serials.serial("transaction")

    def stop_code(self, session: SessionId) -> str:
        """The four digits the driver is shown. Derived from the kiosk's key, so they are the same after a restart and never stored."""
        return f"{int.from_bytes(self._keyed(b'code', session)[:8], 'big') % 10_000:04}"

    def stop_code_digest(self, session: SessionId) -> Digest:
        return self.typed_digest(session, self.stop_code(session))

    def typed_digest(self, session: SessionId, typed: str) -> Digest:
        """Keyed hash of what somebody typed for a session."""
        return Digest(self._keyed(b"typed", f"{session}:{typed}").hex())

    def recognition(self, raw: str) -> Digest:
        """Keyed hash of what a terminal recognises a card by (PAR or alias): comparable, never reversible."""
        return known_card(self._recognition_key, raw)

    def tag(self, uid: str) -> Digest:
        """Keyed hash of an RFID tag's UID, under the same key as that of a card: one tag has one name at every kiosk that shares it."""
        return known_tag(self._recognition_key, uid)

    def _keyed(self, purpose: bytes, text: str) -> bytes:
        return hmac.digest(self._secret, purpose + b":" + text.encode(), sha256)


def known_card(key: bytes, raw: str) -> Digest:
    """What a card is known by under a key: HMAC-SHA256, in hex."""
    return Digest(hmac.digest(key, b"card:" + raw.encode(), sha256).hex())


def known_tag(key: bytes, uid: str) -> Digest:
    """What an RFID tag is known by under a key: HMAC-SHA256, in hex."""
    return Digest(hmac.digest(key, b"tag:" + uid.encode(), sha256).hex())


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=")


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _BASE36[rest] + digits
    return digits or "0"
