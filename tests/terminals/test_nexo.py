"""Sealing and opening, against the messages of Adyen's own libraries."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path

import pytest

from hardware.terminals.adyen.nexo import NexoError, NexoKey, seal, unseal

VECTORS: dict[str, list[dict[str, str]]] = json.loads((Path(__file__).parent.parent / "vectors/payments/nexo.json").read_text())
MESSAGES: dict[str, dict[str, object]] = {vector["name"]: {**vector} for vector in VECTORS["message_vectors"]}
NONCE = bytes(range(16))
KEY = NexoKey.derive("P@ssw0rd123456", "pilekey", 3)


@pytest.fixture(params=MESSAGES, ids=str)
def vector(request: pytest.FixtureRequest) -> dict[str, object]:
    return MESSAGES[request.param]


def key_of(vector: dict[str, object]) -> NexoKey:
    return NexoKey.derive(str(vector["passphrase"]), str(vector["key_identifier"]), int(str(vector["key_version"])))


@pytest.mark.parametrize("derived", VECTORS["kdf_vectors"], ids=lambda vector: vector["passphrase"])
def test_keys_are_derived_as_published(derived: dict[str, str]) -> None:
    key = NexoKey.derive(derived["passphrase"], "any", 1)
    assert (key.hmac_key.hex(), key.cipher_key.hex(), key.iv_base.hex()) == (
        derived["hmac_key_hex"],
        derived["cipher_key_hex"],
        derived["iv_base_hex"],
    )


def test_a_published_message_opens_to_its_plaintext(vector: dict[str, object]) -> None:
    assert unseal(vector["NexoBlob"], vector["SecurityTrailer"], key_of(vector)) == str(vector["plaintext_utf8"]).encode()


def test_sealing_a_published_plaintext_gives_the_published_bytes(vector: dict[str, object]) -> None:
    trailer = vector["SecurityTrailer"]
    assert isinstance(trailer, dict)
    sealed = seal(str(vector["plaintext_utf8"]).encode(), key_of(vector), base64.b64decode(trailer["Nonce"]))
    assert sealed.blob == vector["NexoBlob"]
    assert sealed.trailer == trailer


def test_the_same_passphrase_of_another_key_is_refused() -> None:
    sealed = seal(b"{}", KEY, NONCE)
    for other in (dataclasses.replace(KEY, identifier="else"), dataclasses.replace(KEY, version=4)):
        with pytest.raises(NexoError, match="not the configured one"):
            unseal(sealed.blob, sealed.trailer, other)


@pytest.mark.parametrize("version", [2, "1", True, None])
def test_another_crypto_version_is_refused(version: object) -> None:
    sealed = seal(b"{}", KEY, NONCE)
    with pytest.raises(NexoError, match="AdyenCryptoVersion"):
        unseal(sealed.blob, {**sealed.trailer, "AdyenCryptoVersion": version}, KEY)


def test_the_trailer_of_a_forged_message_is_not_looked_at() -> None:
    sealed = seal(b"{}", KEY, NONCE)
    forged = {**sealed.trailer, "KeyVersion": 99, "Hmac": base64.b64encode(bytes(32)).decode()}
    with pytest.raises(NexoError, match="not authentic"):
        unseal(sealed.blob, forged, KEY)


def test_bad_padding_and_a_bad_mac_cannot_be_told_apart() -> None:
    sealed = seal(b"x" * 40, KEY, NONCE)
    ciphertext = base64.b64decode(sealed.blob)
    said = set()
    for position in range(len(ciphertext)):
        altered = bytearray(ciphertext)
        altered[position] ^= 0x81
        with pytest.raises(NexoError) as caught:
            unseal(base64.b64encode(altered).decode(), sealed.trailer, KEY)
        said.add((str(caught.value), caught.value.__cause__, caught.value.__context__))
    assert len(said) == 1


@pytest.mark.parametrize("length", [0, 15, 17, 32])
def test_a_nonce_is_sixteen_bytes(length: int) -> None:
    with pytest.raises(NexoError, match="nonce"):
        seal(b"{}", KEY, bytes(length))
    sealed = seal(b"{}", KEY, NONCE)
    with pytest.raises(NexoError, match="nonce"):
        unseal(sealed.blob, {**sealed.trailer, "Nonce": base64.b64encode(bytes(length)).decode()}, KEY)


@pytest.mark.parametrize("blob", ["", "AAAA", "no base64 !", None, 7, "AAAAAAAAAAAAAAAAAAAAAA=="])
def test_a_ciphertext_that_is_none_is_refused(blob: object) -> None:
    sealed = seal(b"{}", KEY, NONCE)
    with pytest.raises(NexoError):
        unseal(blob, sealed.trailer, KEY)


@pytest.mark.parametrize("name", ["Nonce", "Hmac"])
@pytest.mark.parametrize("value", [None, 5, "%%%", ""])
def test_a_trailer_that_is_none_is_refused(name: str, value: object) -> None:
    sealed = seal(b"{}", KEY, NONCE)
    with pytest.raises(NexoError):
        unseal(sealed.blob, {**sealed.trailer, name: value}, KEY)
    with pytest.raises(NexoError):
        unseal(sealed.blob, None, KEY)


def test_a_key_shows_nothing_of_itself() -> None:
    shown = repr(KEY)
    assert "pilekey" not in shown
    assert KEY.hmac_key.hex() not in shown
    assert repr(KEY.cipher_key) not in shown
