"""Secrets that systemd hands to its service."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.config.load import read_secret
from kiosk.config.problems import ConfigError


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "credentials").mkdir()
    path = tmp_path / "credentials" / "api-key"
    path.write_text("s3cret\n")
    path.chmod(0o440)
    return path


def test_a_credential_may_be_read_by_its_access_list(secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret.parent))
    assert read_secret(secret) == "s3cret"


@pytest.mark.parametrize("mode", [0o444, 0o460, 0o441])
def test_a_credential_that_others_can_use_is_refused(secret: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret.parent))
    secret.chmod(mode)
    with pytest.raises(ConfigError, match="can be read by others"):
        read_secret(secret)


def test_a_file_elsewhere_is_no_credential(secret: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "others"))
    with pytest.raises(ConfigError, match="can be read by others"):
        read_secret(secret)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(ConfigError, match="can be read by others"):
        read_secret(secret)


def test_a_link_out_of_the_credentials_is_none(secret: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("s3cret\n")
    outside.chmod(0o440)
    link = secret.with_name("link")
    link.symlink_to(outside)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secret.parent))
    with pytest.raises(ConfigError, match="can be read by others"):
        read_secret(link)
