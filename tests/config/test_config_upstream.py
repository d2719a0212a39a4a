"""The table of the operator's own system: where it may be, who the kiosk is there, and nothing in the clear."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kiosk.config.load import check, load_config
from kiosk.core.upstream import UpstreamConfigError, terms

DEMO = Path(__file__).parents[2] / "assets" / "demo"
GOOD = {"url": '"wss://csms.example/ocpp"', "identity": '"lindenhof-e0417"'}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(DEMO, tmp_path, dirs_exist_ok=True)
    (tmp_path / "secrets").mkdir()
    for name in ("terminal.passphrase", "terminal-root.pem", "acquirer.key", "webhook.key", "upstream.password"):
        (tmp_path / "secrets" / name).write_text("not a real secret\n")
        (tmp_path / "secrets" / name).chmod(0o600)
    return tmp_path


def _with(folder: Path, **keys: str) -> Path:
    file = folder / "kiosk.toml"
    table = "\n".join(f"{key} = {value}" for key, value in keys.items())
    file.write_text(f"{(DEMO / 'kiosk.toml').read_text()}\n[upstream]\n{table}\n")
    return file


def test_without_the_table_there_is_no_such_system(folder: Path) -> None:
    assert load_config(folder / "kiosk.toml").upstream is None
    assert terms(load_config(folder / "kiosk.toml")) is None


def test_the_least_that_must_be_said(folder: Path) -> None:
    config = load_config(_with(folder, **GOOD))
    found = terms(config)
    assert found is not None
    assert (found.url, found.identity, found.password, found.heartbeat_s) == ("wss://csms.example/ocpp", "lindenhof-e0417", None, 300)
    assert found.tls is not None
    assert found.tls.check_hostname
    assert not config.loopback_only  # so no demo clock


def test_the_password_is_read_from_its_file_and_never_shown(folder: Path) -> None:
    found = terms(load_config(_with(folder, **GOOD, password_file='"secrets/upstream.password"', heartbeat_seconds="60")))
    assert found is not None
    assert (found.password, found.heartbeat_s) == ("not a real secret", 60)
    assert "not a real secret" not in repr(found)


def test_a_system_on_this_machine_may_be_spoken_to_in_the_clear(folder: Path) -> None:
    for url in ("ws://127.0.0.1:9001/ocpp", "ws://localhost/", "ws://[::1]:80/x"):
        config = load_config(_with(folder, url=f'"{url}"', identity='"x"'))
        found = terms(config)
        assert found is not None
        assert found.tls is None
        assert config.loopback_only


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"url": '"ws://csms.example/ocpp"'}, "upstream.url: ws:// is for this machine only: what others can read is sent by wss://"),
        ({"url": '"https://csms.example/"'}, "upstream.url"),
        ({"url": '"wss://user:secret@csms.example/"'}, "upstream.url"),
        ({"url": '"wss://csms.example:99999/"'}, "upstream.url: has no host, or no port that can be"),
        ({"url": '"wss:///ocpp"'}, "upstream.url: has no host"),
        ({"url": '"ws://127.0.0.1/"', "root_ca": '"x.pem"'}, "upstream: root_ca is of no use to ws://: leave it out"),
        ({"identity": '"a/b"'}, "upstream.identity"),
        ({"identity": '"a:b"'}, "upstream.identity"),
        ({"password_file": '"secrets/none"'}, "upstream.password_file: no such file"),
        ({"root_ca": '"none.pem"'}, "upstream.root_ca: no such file"),
        ({"heartbeat_seconds": "0"}, "upstream.heartbeat_seconds"),
        ({"attempts": "0"}, "upstream.attempts"),
        ({"retry_seconds": "0"}, "upstream.retry_seconds"),
        ({"passwort_file": '"x"'}, "upstream.passwort_file: unknown key: did you mean 'password_file'?"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(folder: Path, keys: dict[str, str], said: str) -> None:
    (problem,) = [str(p).removeprefix("kiosk.toml: ") for p in check(_with(folder, **{**GOOD, **keys}))]
    assert problem.startswith(said)
    assert "secret@" not in problem


def test_a_password_that_others_can_read_is_refused(folder: Path) -> None:
    (folder / "secrets" / "upstream.password").chmod(0o644)
    (problem,) = check(_with(folder, **GOOD, password_file='"secrets/upstream.password"'))
    assert "upstream.password_file" in str(problem)
    assert "chmod 600" in str(problem)


@pytest.mark.parametrize("missing", ["url", "identity"])
def test_both_names_are_needed(folder: Path, missing: str) -> None:
    (problem,) = check(_with(folder, **{key: value for key, value in GOOD.items() if key != missing}))
    assert f"upstream.{missing}: is missing" in str(problem)


def test_a_root_that_is_no_certificate_is_refused(folder: Path) -> None:
    with pytest.raises(UpstreamConfigError, match=r"upstream\.root_ca"):
        terms(load_config(_with(folder, **GOOD, root_ca='"secrets/upstream.password"')))
