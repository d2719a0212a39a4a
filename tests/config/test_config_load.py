"""An installer's mistakes, and the sentence each one gets."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kiosk.config.load import advice, check, load_config, overlay, read_secret
from kiosk.config.problems import ConfigError
from kiosk.values import Money

DEMO = Path(__file__).parents[2] / "assets" / "demo"
Edit = Callable[[str, str], list[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The demo's configuration, with its secrets in place."""
    shutil.copytree(DEMO, tmp_path, dirs_exist_ok=True)
    (tmp_path / "secrets").mkdir()
    for name in ("terminal.passphrase", "terminal-root.pem", "acquirer.key", "webhook.key"):
        secret = tmp_path / "secrets" / name
        secret.write_text("not a real secret\n")
        secret.chmod(0o600)
    return tmp_path


@pytest.fixture
def edited(folder: Path) -> Edit:
    def edit(old: str, new: str) -> list[str]:
        path = folder / "kiosk.toml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        return [str(p) for p in check(path)]

    return edit


def test_demo_configuration_is_sound(folder: Path) -> None:
    config = load_config(folder / "kiosk.toml")
    (pile,) = config.piles
    assert [(c.letter, c.max_power_w, config.hold_for(c).hold) for c in pile.connectors] == [
        ("A", 150_000, Money(5000, "EUR")),
        ("B", 22_000, Money(3000, "EUR")),
    ]
    assert config.tariff_for(pile.connectors[0]).sale.idle_grace_seconds == 600
    assert config.policies.margin == Money(100, "EUR")
    assert config.policies.plug_timeout_seconds == 300
    assert config.screen.socket == folder / "screen.socket"


def test_unknown_tariff_names_file_key_and_what_there_is(edited: Edit) -> None:
    assert edited('tariff = "ac22"', 'tariff = "ac23"') == [
        "kiosk.toml: piles[0].connectors[1].tariff: no tariff 'ac23' in tariffs/: did you mean 'ac22'? found: ac22, hpc150"
    ]


def test_misspelt_key_gets_a_suggestion(edited: Edit) -> None:
    problems = edited('helpline = "', 'helplin = "')
    assert "kiosk.toml: site.helplin: unknown key: did you mean 'helpline'?" in problems
    assert any(p.startswith("kiosk.toml: site.helpline: is missing: write the number drivers call") for p in problems)


def test_unknown_table_is_an_error(edited: Edit) -> None:
    assert edited("[printer]", "[printers]")[0] == "kiosk.toml: printers: unknown key: did you mean 'printer'?"


def test_number_in_quotes_is_an_error(edited: Edit) -> None:
    assert edited("port = 8443", 'port = "8443"') == [
        "kiosk.toml: terminal.port: '8443' is not a whole number: write digits without quotes"
    ]


def test_amount_finer_than_the_currency_is_an_error(edited: Edit) -> None:
    assert edited("hold = 50.00", "hold = 50.001") == [
        "kiosk.toml: piles[0].connectors[0].hold: 50.001 is finer than EUR can be paid: write 50.00"
    ]


def test_watts_for_kilowatts_are_an_error(edited: Edit) -> None:
    assert edited("power_kw = 150", "power_kw = 150000") == [
        "kiosk.toml: piles[0].connectors[0].power_kw: 150000 is out of range: the power is in kW"
    ]


def test_a_hold_too_small_to_start_a_charge_is_an_error(edited: Edit) -> None:
    assert edited("hold = 50.00", "hold = 4.99") == [
        "kiosk.toml: piles[0].connectors[0].hold: 4.99 is below policies.smallest_hold 5.00: no charge would start"
    ]


def test_a_hold_of_a_plug_that_another_rule_would_pass_over_is_an_error(edited: Edit) -> None:
    assert edited("[policies]", '[hold]\npolicy = "steps"\nstep = 20.00\nmost = 80.00\n[policies]') == [
        f"kiosk.toml: piles[0].connectors[{plug}].hold: hold.policy is 'steps', which says how much is reserved: leave this out, or "
        "make the policy 'fixed'"
        for plug in (0, 1)
    ]


def test_a_choice_too_small_to_start_a_charge_is_an_error(folder: Path, edited: Edit) -> None:
    file = folder / "kiosk.toml"
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if not line.startswith("hold = ")))
    problems = edited("[policies]", '[hold]\npolicy = "driver"\nchoices = [4.00, 40.00]\n[policies]')
    assert set(problems) == {"kiosk.toml: hold: 4.00 is below policies.smallest_hold 5.00: no charge would start"}


def test_an_offline_limit_under_which_nothing_is_sold_is_an_error(edited: Edit) -> None:
    assert edited("[policies]", '[offline]\nrule = "capped"\nsale = 4.00\nstored = 100.00\n[policies]') == [
        "kiosk.toml: offline.sale: 4.00 is below policies.smallest_hold 5.00: nothing would be sold"
    ]


def test_missing_hold_is_an_error_unless_the_tariff_has_one(folder: Path, edited: Edit) -> None:
    assert edited("hold = 50.00", "")[0].startswith("kiosk.toml: piles[0].connectors[0].hold: is missing")
    path = folder / "tariffs" / "hpc150.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"preauthorize_amount": 60}))
    config = load_config(folder / "kiosk.toml")
    assert config.hold_for(config.piles[0].connectors[0]).hold == Money(6000, "EUR")


@pytest.mark.parametrize(
    ("old", "new", "start"),
    [
        ('letter = "B"', 'letter = "A"', "kiosk.toml: piles[0].connectors[1].letter: A is also piles[0].connectors[0].letter"),
        ("number = 2", "number = 1", "kiosk.toml: piles[0].connectors[1].number: 1 is also piles[0].connectors[0].number"),
        ("E0417*2", "E0417*1", "kiosk.toml: piles[0].connectors[1].evse_id: DE*LND*E0417*1 is also"),
        ("Europe/Berlin", "Berlin", "kiosk.toml: site.time_zone: 'Berlin' is no IANA time zone: write one such as Europe/Berlin"),
        ('currency = "EUR"', 'currency = "Euro"', "kiosk.toml: site.currency: 'Euro' is no ISO 4217 currency code"),
        ('host = "127.0.0.1"', 'host = "http://terminal"', "kiosk.toml: terminal.host: 'http://terminal' is no host"),
        ('plug = "ccs"', 'plug = "CCS"', "kiosk.toml: piles[0].connectors[0].plug: 'CCS' is not one of 'ccs', 'type2'"),
        ("margin = 1.00", "margin = 1.00\nretry_max_seconds = 1", "kiosk.toml: policies: retry_max_seconds is shorter"),
        ("[site]", "[site", "kiosk.toml: is not TOML"),
        ('profile = "de"', 'profile = "fr"', "kiosk.toml: site.profile: 'fr' is not one of 'eu', 'de'"),
        ("[screen]", "[screen]\nsize = [1280, 800]", "kiosk.toml: screen.size: unknown key: known here are socket"),
    ],
)
def test_each_mistake_is_named(edited: Edit, old: str, new: str, start: str) -> None:
    assert edited(old, new)[0].startswith(start)


def test_secret_open_to_others_names_the_file_and_the_command(folder: Path) -> None:
    secret = folder / "secrets" / "acquirer.key"
    secret.chmod(0o644)
    assert [str(p) for p in check(folder / "kiosk.toml")] == [
        f"kiosk.toml: acquirer.api_key_file: {secret} has mode 0644 and can be read by others: run chmod 600 {secret}"
    ]


def test_missing_and_empty_secrets_are_errors(folder: Path) -> None:
    (folder / "secrets" / "acquirer.key").unlink()
    (folder / "secrets" / "webhook.key").write_text("\n")
    keys = [(p.key, p.message.split(":")[0]) for p in check(folder / "kiosk.toml")]
    assert keys == [
        ("acquirer.api_key_file", "no such file"),
        ("acquirer.hmac_key_file", f"{folder}/secrets/webhook.key is empty"),
    ]


def test_secret_is_read_without_its_newline_and_its_mode_is_checked_again(folder: Path) -> None:
    secret = folder / "secrets" / "acquirer.key"
    assert read_secret(secret) == "not a real secret"
    secret.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_secret(secret)


def test_no_problem_ever_shows_a_secret(folder: Path) -> None:
    secret = folder / "secrets" / "acquirer.key"
    secret.write_bytes(b"\xff\xfetop-secret")
    assert all("top-secret" not in str(p) for p in check(folder / "kiosk.toml"))


def test_faults_of_a_tariff_name_its_file_and_path(folder: Path) -> None:
    path = folder / "tariffs" / "ac22.json"
    path.write_text(path.read_text().replace('"ENERGY"', '"energy"'))
    assert [str(p) for p in check(folder / "kiosk.toml")] == [
        'tariffs/ac22.json: elements[0].price_components[0].type: "energy" is not one of ENERGY, TIME, PARKING_TIME, FLAT:'
        " did you mean ENERGY?"
    ]


def test_tariff_in_another_currency_is_an_error(folder: Path) -> None:
    path = folder / "tariffs" / "ac22.json"
    path.write_text(path.read_text().replace("EUR", "CHF"))
    assert [p.key for p in check(folder / "kiosk.toml")] == ["currency"]


def test_all_problems_are_told_at_once(edited: Edit) -> None:
    edited('plug = "ccs"', 'plug = "tesla"')
    assert len(edited("number = 2", "number = 0")) == 2


def test_missing_file_says_how_to_name_it(tmp_path: Path) -> None:
    (problem,) = check(tmp_path / "kiosk.toml")
    assert "--config" in problem.message


def test_overlay_replaces_single_keys(folder: Path) -> None:
    config = load_config(folder / "kiosk.toml", {"terminal.port": 18_443, "policies.finished_seconds": 5})
    assert (config.terminal.port, config.policies.finished_seconds) == (18_443, 5)


def test_amounts_of_a_currency_without_cents_are_whole(folder: Path) -> None:
    for name in ("hpc150", "ac22"):
        path = folder / "tariffs" / f"{name}.json"
        path.write_text(path.read_text().replace("EUR", "JPY"))
    path = folder / "kiosk.toml"
    path.write_text(path.read_text().replace('"EUR"', '"JPY"').replace("hold = 50.00", "hold = 5000"))
    config = load_config(path)
    assert config.hold_for(config.piles[0].connectors[0]).hold == Money(5000, "JPY")


def test_a_tariff_that_may_not_be_sold_there_is_a_problem_but_does_not_stop_a_kiosk(folder: Path) -> None:
    path = folder / "tariffs" / "hpc150.json"
    path.write_text(path.read_text().replace("PARKING_TIME", "TIME"))
    (problem,) = check(folder / "kiosk.toml")
    assert str(problem).startswith(
        "tariffs/hpc150.json: elements[0].price_components[1]: charges-for-charging-time: from 50 kW only energy"
    )
    assert load_config(folder / "kiosk.toml").tariffs["hpc150"]


def test_below_50_kw_charging_time_may_cost(folder: Path) -> None:
    path = folder / "tariffs" / "ac22.json"
    time = '{ "type": "TIME", "price": 0.60, "vat": 19, "step_size": 1 }'
    path.write_text(path.read_text().replace('"step_size": 1 }', f'"step_size": 1 }}, {time}'))
    assert check(folder / "kiosk.toml") == []
    assert [p.message.split(":")[0] for p in advice(folder / "kiosk.toml")] == ["time-not-billable"]


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.decimals(places=2)
    | st.sampled_from([Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), "\0", "\n", "../../etc", date(2026, 1, 1)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
TABLES = tomllib.loads((DEMO / "kiosk.toml").read_text())
KEYS = [f"{table}.{key}" for table, keys in TABLES.items() if isinstance(keys, dict) for key in keys]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(key=st.sampled_from([*KEYS, "piles", "site", "terminal"]), value=junk)
def test_junk_under_any_key_is_refused_or_read_never_a_crash(folder: Path, key: str, value: object) -> None:
    try:
        load_config(folder / "kiosk.toml", {key: value})
    except ConfigError as error:
        assert all(problem.file and problem.message for problem in error.problems)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(key=st.sampled_from(["number", "letter", "evse_id", "plug", "power_kw", "tariff", "hold", "other"]), value=junk)
def test_junk_in_a_connector_is_refused_or_read_never_a_crash(folder: Path, key: str, value: object) -> None:
    (pile,) = tomllib.loads((folder / "kiosk.toml").read_text(), parse_float=Decimal)["piles"]
    pile["connectors"][0][key] = value
    try:
        load_config(folder / "kiosk.toml", {"piles": [pile]})
    except ConfigError as error:
        assert all(problem.key.startswith("piles") for problem in error.problems)


def test_the_demo_gets_no_advice(folder: Path) -> None:
    assert advice(folder / "kiosk.toml") == []


def test_keys_from_the_command_line_are_toml() -> None:
    assert overlay(["ocpp.port=9001", 'site.brand="Lindenhof"']) == {"ocpp.port": 9001, "site.brand": "Lindenhof"}
    with pytest.raises(ConfigError, match="text in quotes"):
        overlay(["site.brand=Lindenhof"])


@pytest.mark.parametrize("name", ["piles.port", "site.brand.x"])
def test_overlay_of_what_is_no_table_is_an_error(folder: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="is not a table"):
        load_config(folder / "kiosk.toml", {name: 1})
