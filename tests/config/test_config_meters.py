"""The keys of meters that sign: what an installer writes, and what is refused before anything is sold by it."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kiosk.config.load import check, load_config
from kiosk.core import parts

DEMO = Path(__file__).parents[2] / "assets" / "demo"
_PUBLIC = ec.derive_private_key(4_711, ec.SECP256R1()).public_key()
DER = _PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
PEM = _PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    shutil.copytree(DEMO, tmp_path, dirs_exist_ok=True)
    (tmp_path / "secrets").mkdir()
    for name in ("terminal.passphrase", "terminal-root.pem", "acquirer.key", "webhook.key"):
        secret = tmp_path / "secrets" / name
        secret.write_text("not a real secret\n")
        secret.chmod(0o600)
    return tmp_path / "kiosk.toml"


def write(toml: Path, *plugs: str, rule: str = "") -> list[str]:
    """Further keys for plug A and plug B, and the rule; what is wrong with them."""
    text = toml.read_text()
    for letter, keys in zip("AB", plugs, strict=False):
        text = text.replace(f'letter = "{letter}"', f'letter = "{letter}"\n{keys}')
    toml.write_text(text + (f'\n[metering]\nsigned = "{rule}"\n' if rule else ""))
    return [str(problem) for problem in check(toml)]


def test_without_a_word_signed_values_are_ignored(toml: Path) -> None:
    setup = parts.setup(load_config(toml))
    assert (setup.policy.signed, [c.meter_key for c in setup.connectors]) == ("ignore", ["", ""])
    assert [pile.signed for pile in parts.piles(load_config(toml))] == [False]


@pytest.mark.parametrize("spelled", [DER.hex(), DER.hex().upper(), base64.b64encode(DER).decode()], ids=["hex", "HEX", "base64"])
def test_a_key_comes_in_any_spelling(toml: Path, spelled: str) -> None:
    assert write(toml, f'meter_public_key = "{spelled}"\nmeter_serial = "M-1"', rule="check") == []
    setup = parts.setup(load_config(toml))
    assert (setup.policy.signed, setup.connectors[0].meter_key, setup.connectors[0].meter_serial) == ("check", DER.hex(), "M-1")
    assert setup.connectors[1].meter_key == ""
    assert [pile.signed for pile in parts.piles(load_config(toml))] == [True]


def test_a_key_may_stand_in_a_file(toml: Path) -> None:
    (toml.parent / "meter-a.pem").write_bytes(PEM)
    assert write(toml, 'meter_public_key_file = "meter-a.pem"') == []
    assert parts.setup(load_config(toml)).connectors[0].meter_key == DER.hex()


def test_what_is_no_key_is_refused(toml: Path) -> None:
    (problem,) = write(toml, 'meter_public_key = "3059"')
    assert problem.startswith("kiosk.toml: piles[0].connectors[0].meter_public_key: ")
    assert problem.endswith("write the meter's public key in hex, base64 or PEM")


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"not a key"])
def test_a_file_without_a_key_is_refused(toml: Path, content: bytes | None) -> None:
    if content is not None:
        (toml.parent / "meter-a.pem").write_bytes(content)
    (problem,) = write(toml, 'meter_public_key_file = "meter-a.pem"')
    assert problem.startswith("kiosk.toml: piles[0].connectors[0].meter_public_key_file: ")


def test_a_key_is_given_once(toml: Path) -> None:
    (problem,) = write(toml, f'meter_public_key = "{DER.hex()}"\nmeter_public_key_file = "meter-a.pem"')
    assert "give one of them" in problem


def test_where_proof_is_required_every_plug_has_its_key(toml: Path) -> None:
    (problem,) = write(toml, f'meter_public_key = "{DER.hex()}"', rule="require")
    assert problem.startswith("kiosk.toml: piles[0].connectors[1].meter_public_key: is missing")


def test_a_rule_that_does_not_exist_is_refused(toml: Path) -> None:
    (problem,) = write(toml, rule="trust")
    assert problem == "kiosk.toml: metering.signed: 'trust' is not one of 'ignore', 'check' or 'require'"
