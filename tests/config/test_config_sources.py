"""The tables of the sources of discounts: what each kind needs, and nothing that would be passed over."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kiosk.config.load import check, load_config
from kiosk.config.model import Config

DEMO = Path(__file__).parents[2] / "assets" / "demo"
SECRETS = ("terminal.passphrase", "terminal-root.pem", "acquirer.key", "webhook.key", "loyalty.token", "recognition.key")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(DEMO, tmp_path, dirs_exist_ok=True)
    (tmp_path / "secrets").mkdir()
    for name in SECRETS:
        (tmp_path / "secrets" / name).write_text("not a real secret, but one of forty letters\n")
        (tmp_path / "secrets" / name).chmod(0o600)
    return tmp_path


def _with(folder: Path, lines: str) -> Path:
    file = folder / "kiosk.toml"
    head = file.read_text().partition("[[sources]]")[0]
    file.write_text(f"{head}\n{lines}\n")
    return file


def problems(folder: Path, lines: str) -> list[str]:
    return [str(p).removeprefix("kiosk.toml: ") for p in check(_with(folder, lines))]


def config(folder: Path, lines: str) -> Config:
    return load_config(_with(folder, lines))


def table(**keys: str) -> str:
    return "[[sources]]\n" + "\n".join(f"{key} = {value}" for key, value in keys.items())


HTTP = {"name": '"shop"', "kind": '"http"', "url": '"https://loyalty.example/discounts"'}


def test_the_demo_has_a_roof_and_members(folder: Path) -> None:
    found = load_config(folder / "kiosk.toml")
    assert [(s.name, s.kind, s.asks, s.every_seconds) for s in found.sources] == [
        ("roof", "file", "everybody", 2),
        ("loyalty", "file", "card", 60),
    ]
    assert found.sources[0].file == folder / "sun.json"


def test_every_kind_has_what_it_needs(folder: Path) -> None:
    found = config(
        folder,
        "\n".join(
            [
                table(name='"a"', kind='"file"', file='"sun.json"'),
                table(**HTTP, token_file='"secrets/loyalty.token"', asks='"card"'),
                table(name='"b"', kind='"sun"', price="0.29"),
                table(name='"c"', kind='"plugin"', plugin='"meteo"', options='{ site = "Berlin", least = 3 }'),
                '[recognition]\nkey_file = "secrets/recognition.key"',
            ]
        ),
    )
    assert [s.kind for s in found.sources] == ["file", "http", "sun", "plugin"]
    assert found.sources[3].options == {"site": "Berlin", "least": 3}
    assert not found.loopback_only  # the demo's clock is not for a kiosk that asks a far service
    assert config(folder, "").sources == ()


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (table(name='"a"', kind='"file"'), "sources[0]: file is missing: a source of kind file needs it"),
        (table(name='"a"', kind='"sun"', file='"sun.json"'), "price is missing"),
        (table(name='"a"', kind='"file"', file='"x"', url='"https://x.example"'), "url is of no use to a source of kind file"),
        (table(name='"a"', kind='"file"', file='"x"', token_file='"secrets/loyalty.token"'), "token_file is of no use"),
        (table(name='"a"', kind='"file"', file='"x"', options="{ a = 1 }"), "options is of no use"),
        (table(name='"a"', kind='"moon"'), "'moon' is not one of"),
        (table(**{**HTTP, "url": '"http://loyalty.example/"'}), "http:// is for this machine only"),
        (table(**{**HTTP, "url": '"https://user:pass@loyalty.example/"'}), "sources[0].url"),
        (table(**HTTP, token_file='"secrets/none"'), "sources[0].token_file: no such file"),
        (table(**HTTP, root_ca='"none.pem"'), "sources[0].root_ca: no such file"),
        (f"{table(**HTTP)}\n{table(**HTTP)}", "sources[1].name: shop is also sources[0].name"),
        (table(name='"a"', kind='"sun"', price='"0.29"'), "is not the price of a kWh"),
        (table(name='"a"', kind='"file"', flie='"sun.json"'), "sources[0].flie: unknown key: did you mean 'file'?"),
        ('[recognition]\nkey_file = "secrets/none"', "recognition.key_file: no such file"),
    ],
)
def test_each_mistake_is_named(folder: Path, lines: str, told: str) -> None:
    found = problems(folder, lines)
    assert found and any(told in line for line in found), found


def test_this_machine_may_be_asked_without_tls(folder: Path) -> None:
    found = config(folder, table(**{**HTTP, "url": '"http://127.0.0.1:8087/discounts"'}))
    assert found.loopback_only
