"""A site begins with its own template, not with the demo: the check names each thing to fill in, and nothing of the demo comes along."""

from __future__ import annotations

import json
import shutil
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tree import ROOT, texts

from hardware.simulated.certificates import issue
from kiosk.__main__ import main
from kiosk.config.load import advice, check, load_config

TEMPLATE = ROOT / "assets" / "site"
_SITE = {
    "kiosk_id": '"lindenhof-e0417"',
    "operator": '"Lindenhof Energy GmbH"',
    "brand": '"Lindenhof Energy"',
    "address": '["Lindenweg 4", "10115 Berlin"]',
    "vat_number": '"DE123456789"',
    "station_id": '"DE*LND*E0417"',
    "helpline": '"0800 555 0417"',
    "time_zone": '"Europe/Berlin"',
    "currency": '"EUR"',
    "profile": '"de"',
    "languages": '["de", "en"]',
    "identity": '"E0417"',
    "evse_id": '"DE*LND*E0417*1"',
    "plug": '"ccs"',
    "power_kw": "150",
    "hold": "50.00",
    "host": '"192.0.2.7"',
    "poi_id": '"S1U2-000158215131748"',
    "sale_id": '"lindenhof-e0417"',
    "key_identifier": '"lindenhof"',
    "key_version": "1",
    "merchant_account": '"LindenhofEnergy"',
    "margin": "1.00",
    "smallest_hold": "5.00",
}
_TARIFF = {"country_code": "DE", "party_id": "LND", "currency": "EUR", "last_updated": "2026-01-31T12:00:00Z"}
_SECRETS = ("terminal.passphrase", "terminal-root.pem", "acquirer.key", "webhook.key")


def _filled(line: str) -> str:
    key, _, value = line.partition(" = ")
    return f"{key} = {_SITE[key]}" if value.startswith(('""', "[]")) else line


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(TEMPLATE, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def named(folder: Path) -> Path:
    """The template with kiosk.toml filled in."""
    file = folder / "kiosk.toml"
    file.write_text("\n".join(map(_filled, file.read_text("utf-8").splitlines())), "utf-8")
    return file


@pytest.fixture
def priced(named: Path) -> Path:
    """With its tariff, too."""
    file = named.parent / "tariffs" / "site.json"
    tariff = json.loads(file.read_text("utf-8")) | _TARIFF
    tariff["elements"][0]["price_components"][0] |= {"price": 0.49, "vat": 19}
    file.write_text(json.dumps(tariff), "utf-8")
    return named


@pytest.fixture
def whole(priced: Path) -> Path:
    """With its secrets, too."""
    root = issue(priced.parent / "far-end", "terminal", int(time.time() * 1_000)).root.read_text("ascii")
    (priced.parent / "secrets").mkdir()
    for name, text in zip(_SECRETS, ("Not-a-real-1\n", root, "not a real secret\n", "0f" * 32 + "\n"), strict=True):
        secret = priced.parent / "secrets" / name
        secret.write_text(text, "ascii")
        secret.chmod(0o600)
    return priced


def _empty(value: object, path: str = "") -> Iterator[str]:
    """Where a value is still to be given."""
    if value in ("", []):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _empty(inner, f"{path}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _empty(inner, f"{path}[{index}]")


def test_the_check_names_each_thing_to_fill_in_and_nothing_else() -> None:
    empty = list(_empty(tomllib.loads((TEMPLATE / "kiosk.toml").read_text("utf-8"))))
    assert len(empty) > 20
    assert sorted(problem.key for problem in check(TEMPLATE / "kiosk.toml")) == sorted(empty)


def test_then_it_names_what_the_tariff_lacks_and_which_secrets(named: Path) -> None:
    empty = list(_empty(json.loads((TEMPLATE / "tariffs" / "site.json").read_text("utf-8"))))
    problems = check(named)
    assert sorted(problem.key for problem in problems if problem.file == "tariffs/site.json") == sorted(empty)
    missing = [problem.message.partition(": ")[2] for problem in problems if problem.file == "kiosk.toml"]
    assert [Path(message.split(":")[0]).name for message in missing] == [
        "terminal.passphrase",
        "acquirer.key",
        "webhook.key",
        "terminal-root.pem",
    ]


def test_filled_in_it_has_no_problem_and_nothing_to_advise(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(whole) == []
    assert advice(whole) == []
    assert main(["check", "--config", str(whole)]) == 0
    assert capsys.readouterr().out == f"{whole}: good\n"


def test_it_stands_where_the_units_expect_it_and_calls_nobody_on_this_machine(whole: Path) -> None:
    config = load_config(whole)
    units = [texts()[f"packaging/systemd/pilepay-{process}.service"] for process in ("core", "screen")]
    assert f"--socket {config.screen.socket}" in units[1]
    assert config.journal.directory == Path("/var/lib/pilepay")
    assert "StateDirectory=pilepay\n" in units[0]
    assert not config.sources
    assert "127.0.0.1" not in whole.read_text("utf-8")
    assert not config.loopback_only


def test_the_page_begins_with_it() -> None:
    page = texts()["docs/installer.md"]
    assert "cp --no-clobber assets/site/kiosk.toml /etc/pilepay/\n" in page
    assert "cp --no-clobber assets/site/tariffs/site.json /etc/pilepay/tariffs/\n" in page
    assert all(f"`{name}`" in page for name in _SECRETS)
