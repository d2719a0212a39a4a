"""What of the configuration stands on every receipt."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from kiosk.config.load import load_config
from kiosk.config.model import Config
from kiosk.config.problems import ConfigError
from kiosk.core import parts, receipt_cli
from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.session import codec
from kiosk.session.facts import SessionOpened
from kiosk.values import ConnectorId, Moment, SessionId

DEMO = Path(__file__).parents[2] / "assets" / "demo"


def configured(folder: Path, *, site: str = "", pile: str = "", plug: str = "") -> Config:
    """The demo's configuration with more lines in its tables."""
    text = (DEMO / "kiosk.toml").read_text()
    for head, more in (("[site]", site), ("[[piles]]", pile), ("[[piles.connectors]]", plug)):
        text = text.replace(f"{head}\n", f"{head}\n{more}\n", 1)
    for source in (DEMO / "tariffs").iterdir():
        (folder / "tariffs").mkdir(exist_ok=True)
        (folder / "tariffs" / source.name).write_bytes(source.read_bytes())
    (folder / "secrets").mkdir(exist_ok=True)
    for name in ("terminal.passphrase", "acquirer.key", "webhook.key", "terminal-root.pem", "operator.key"):
        secret = folder / "secrets" / name
        secret.write_text("ab" * 32)
        secret.chmod(0o600)
    (folder / "kiosk.toml").write_text(text)
    return load_config(folder / "kiosk.toml")


def test_notices_and_serial_numbers_of_the_configuration_stand_on_the_receipt(tmp_path: Path) -> None:
    config = configured(
        tmp_path, site='notices = ["Complaints within 60 days: 0800 1."]', pile='serial = "KST-17"', plug='meter_serial = "1LEM7"'
    )
    first = config.piles[0].connectors[0]
    assert parts.seller(config).notices == ("Complaints within 60 days: 0800 1.",)
    place = parts.receipt_place(config, first.id)
    assert (place.serial, place.meter, place.plug) == ("KST-17", "1LEM7", first.letter)
    other = config.piles[0].connectors[1] if len(config.piles[0].connectors) > 1 else config.piles[-1].connectors[-1]
    assert parts.receipt_place(config, other.id).meter == ""
    assert parts.receipt_place(config, ConnectorId("gone")).plug == ""


@pytest.mark.parametrize("notices", ['["a\\u0007"]', '["' + "x" * 241 + '"]', '["a", "b", "c", "d", "e"]', '"one"'])
def test_a_notice_is_a_sentence_that_fits_a_receipt(tmp_path: Path, notices: str) -> None:
    with pytest.raises(ConfigError, match="notices"):
        configured(tmp_path, site=f"notices = {notices}")


def test_a_sale_in_which_no_price_was_agreed_has_no_receipt_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = configured(tmp_path)
    config.journal.directory.mkdir(parents=True, exist_ok=True)
    opened = codec.encode(SessionOpened(Moment(1_795_352_883_000, "boot", 1), SessionId("E1-K7QWN3XJ"), ConnectorId("A")))
    with Journal.open(config.journal.directory / "journal.db") as journal:
        journal.append([Entry(opened.stream, opened.kind, opened.version, opened.at, opened.body)])
    args = argparse.Namespace(
        config=tmp_path / "kiosk.toml", session="K7QWN3XJ", language=None, credit_note=None, format="text", out=None, company=None
    )
    assert receipt_cli.run(args) == 1
    assert capsys.readouterr().err == "no price was agreed in K7QWN3XJ, so nothing was sold: there is no receipt\n"
