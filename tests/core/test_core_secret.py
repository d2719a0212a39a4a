"""The kiosk's own key: made once, kept for its owner alone, and never half."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kiosk.core.parts import SecretDamaged, kiosk_secret


def test_the_key_is_made_once_and_stays_the_same(tmp_path: Path) -> None:
    first = kiosk_secret(tmp_path / "journal")
    assert len(first) == 32
    assert kiosk_secret(tmp_path / "journal") == first
    assert kiosk_secret(tmp_path / "other") != first


def test_only_the_kiosk_may_read_its_key(tmp_path: Path) -> None:
    kiosk_secret(tmp_path)
    assert [(p.name, stat.S_IMODE(p.stat().st_mode)) for p in tmp_path.iterdir()] == [("kiosk.key", 0o600)]


def test_what_a_power_cut_left_of_the_first_attempt_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "kiosk.key.new").write_bytes(b"half")
    assert len(kiosk_secret(tmp_path)) == 32


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_key_is_refused_and_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "kiosk.key").write_bytes(content)
    with pytest.raises(SecretDamaged, match=r"kiosk\.key has \d+ bytes instead of 32: restore it"):
        kiosk_secret(tmp_path)
