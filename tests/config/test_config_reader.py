"""The tables of the reader and of the accounts: they belong together, and their file is nobody else's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kiosk.config.load import check, load_config

DEMO = Path(__file__).parents[2] / "assets" / "demo"
TABLES = '[reader]\ndriver = "line"\nhost = "127.0.0.1"\nport = 4001\n\n[accounts]\nfile = "secrets/accounts.toml"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(DEMO, tmp_path, dirs_exist_ok=True)
    (tmp_path / "secrets").mkdir()
    for name in ("terminal.passphrase", "terminal-root.pem", "acquirer.key", "webhook.key", "accounts.toml"):
        secret = tmp_path / "secrets" / name
        secret.write_text("# nothing\n")
        secret.chmod(0o600)
    return tmp_path


def problems(folder: Path, tables: str = TABLES) -> list[str]:
    file = folder / "kiosk.toml"
    file.write_text(f"{file.read_text()}\n{tables}")
    return [str(p).removeprefix("kiosk.toml: ") for p in check(file)]


def test_a_reader_behind_a_serial_server_or_at_a_port(folder: Path):
    assert problems(folder) == []
    config = load_config(folder / "kiosk.toml")
    assert config.reader is not None
    assert config.accounts is not None
    assert (config.reader.host, config.reader.port, config.reader.byte_order) == ("127.0.0.1", 4001, "wire")
    assert config.accounts.file == folder / "secrets" / "accounts.toml"


def test_a_serial_port_has_a_speed(folder: Path):
    tables = TABLES.replace('host = "127.0.0.1"\nport = 4001', 'device = "/dev/ttyUSB0"\nbaud = 115200')
    assert problems(folder, tables) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("port = 4001", "", "reader: give either device"),
        ('host = "127.0.0.1"', 'host = "127.0.0.1"\ndevice = "/dev/ttyUSB0"', "reader: give either device"),
        ('host = "127.0.0.1"\nport = 4001', "", "reader: give either device"),
        ('driver = "line"', 'driver = "pcsc"', "reader.driver: 'pcsc' is not one of 'line'"),
        ("port = 4001", 'port = 4001\nbyte_order = "lsb"', "reader.byte_order: 'lsb' is not one of 'wire' or 'reversed'"),
        ("port = 4001", "port = 4001\nbaud = 300", "reader.baud: 300 is not one of"),
        ('[accounts]\nfile = "secrets/accounts.toml"\n', "", "accounts: the [accounts] table is missing"),
        (TABLES.partition("[accounts]")[0], "", "reader: the [reader] table is missing"),
        ("secrets/accounts.toml", "secrets/none.toml", "accounts.file: no such file"),
    ],
)
def test_what_is_wrong_is_said_with_its_mend(folder: Path, old: str, new: str, words: str):
    assert old in TABLES
    (line,) = problems(folder, TABLES.replace(old, new))
    assert line.startswith(words)


def test_a_list_of_tags_that_others_can_read_is_refused(folder: Path):
    (folder / "secrets" / "accounts.toml").chmod(0o644)
    (line,) = problems(folder)
    assert line.startswith("accounts.file: ")
    assert "can be read by others: run chmod 600" in line


def test_selling_to_tags_alone_needs_a_reader(folder: Path):
    (line,) = problems(folder, '[offline]\nrule = "rfid_only"\n')
    assert line.startswith("offline.rule: rfid_only needs a [reader] and [accounts]")
