"""Each rule of the lint, with a tariff that breaks it and one that does not."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pricing_world import component, element, tariff_of_elements

from kiosk.pricing.canonical import canonical
from kiosk.pricing.cli import lint as lint_file
from kiosk.pricing.lint import PROFILES, Severity, lint, profiles_for
from kiosk.pricing.load import load
from kiosk.pricing.model import Tariff

ASSETS = Path(__file__).parents[2] / "assets" / "demo" / "tariffs"
KWH = component("ENERGY", 0.49, vat=19)
GOOD_SALE = {"idle_grace_seconds": 600, "idle_cap": 12}


def gross(*elements: dict[str, Any], **more: object) -> Tariff:
    return tariff_of_elements(*elements, **{"tax_included": "YES", "x_pilepay": GOOD_SALE, **more})


def codes(tariff: Tariff, *profiles: str, severity: Severity = Severity.ERROR) -> set[str]:
    return {f.code for f in lint(tariff, *profiles) if f.severity is severity}


def warnings(tariff: Tariff, *profiles: str) -> set[str]:
    return codes(tariff, *profiles, severity=Severity.WARNING)


FAST = gross(element(KWH, component("PARKING_TIME", 6, vat=19)))


@pytest.mark.parametrize("profile", ["eu50", "eu", "de"])
def test_energy_and_occupancy_by_the_minute_is_lawful_everywhere_in_europe(profile: str) -> None:
    assert lint(FAST, profile) == ()


@pytest.mark.parametrize("name", ["hpc150", "ac22"])
def test_the_demo_sells_lawfully(name: str) -> None:
    out = io.StringIO()
    assert lint_file(ASSETS / f"{name}.json", "de,eu50", out, out) == 0
    assert "0 errors, 0 warnings" in out.getvalue()


SURCHARGED = gross(element(KWH), x_pilepay={**GOOD_SALE, "payment_surcharge": [{"kind": "credit", "percent": 1.5}]})


@pytest.mark.parametrize("profile", ["eu", "eu50", "de", "uk"])
def test_no_card_may_cost_extra_in_europe(profile: str) -> None:
    found = [f for f in lint(SURCHARGED, profile) if f.code == "payment-surcharge"]
    assert [(f.severity, f.path) for f in found] == [(Severity.ERROR, "x_pilepay.payment_surcharge[0]")]
    assert "drop the credit surcharge" in found[0].message


@pytest.mark.parametrize("profiles", [(), ("us",), ("ca",)])
def test_elsewhere_a_surcharge_is_said_not_to_be_charged(profiles: tuple[str, ...]) -> None:
    assert "payment-surcharge" not in codes(SURCHARGED, *profiles)
    assert "surcharge-not-charged" in warnings(SURCHARGED, *profiles)
    none = gross(element(KWH), x_pilepay={**GOOD_SALE, "payment_surcharge": [{"kind": "credit", "percent": 0}]})
    assert "surcharge-not-charged" not in warnings(none)


def test_a_surcharge_is_part_of_the_tariffs_text() -> None:
    assert load(canonical(SURCHARGED).encode()) == SURCHARGED
    assert '"payment_surcharge":[{"kind":"credit","percent":1.5}]' in canonical(SURCHARGED)


def r(**restrictions: object) -> Tariff:
    return gross(element(KWH, **restrictions), element(KWH))


ERRORS: list[tuple[str, tuple[str, ...], Tariff]] = [
    ("never-applies", (), r(min_kwh=10, max_kwh=10)),
    ("never-applies", (), r(max_duration=0)),
    ("never-applies", (), r(min_power=50, max_power=22)),
    ("never-applies", (), r(start_date="2026-02-01", end_date="2026-02-01")),
    ("never-applies", (), gross(element(KWH), start_date_time="2026-02-01T00:00:00Z", end_date_time="2026-01-01T00:00:00Z")),
    ("unreachable-element", (), gross(element(KWH), element(KWH, start_time="22:00", end_time="06:00"))),
    ("unreachable-element", (), gross(element(KWH, max_kwh=20), element(KWH, max_kwh=10), element(KWH))),
    ("unreachable-element", (), gross(element(KWH, KWH))),
    ("reservation-dimension", (), gross(element(KWH, reservation="RESERVATION"), element(KWH))),
    ("current-not-measured", (), r(max_current=32)),
    ("minimum-above-maximum", (), gross(element(KWH), min_price={"before_taxes": 5}, max_price={"before_taxes": 4})),
    (
        "minimum-above-maximum",
        (),
        gross(element(KWH), min_price={"before_taxes": 4, "after_taxes": 6}, max_price={"before_taxes": 5, "after_taxes": 5.5}),
    ),
    ("taxes-below-zero", (), gross(element(KWH), max_price={"before_taxes": 50, "after_taxes": 42})),
    ("vat-without-taxes", (), gross(element(KWH), tax_included="N/A")),
    ("not-energy-based", ("eu50",), gross(element(component("PARKING_TIME", 6, vat=19)))),
    ("not-energy-based", ("de",), gross(element(component("TIME", 6, vat=19)))),
    ("not-energy-based", ("uk",), gross(element(component("PARKING_TIME", 6, vat=20)))),
    ("not-energy-based", ("us",), gross(element(component("TIME", 6)))),
    ("charges-for-charging-time", ("eu50",), gross(element(KWH, component("TIME", 6, vat=19)))),
    ("charges-per-session", ("eu50",), gross(element(KWH, component("FLAT", 0.35, vat=19)))),
    ("not-showable-per-minute", ("eu50",), gross(element(KWH, component("PARKING_TIME", 2.5, vat=19)))),
    ("not-showable-per-minute", ("eu",), gross(element(KWH, component("TIME", 2.5, vat=19)))),
    ("net-prices", ("de",), gross(element(KWH), tax_included="NO")),
    ("net-prices", ("uk",), gross(element(KWH), tax_included="NO")),
    ("not-one-price-per-kwh", ("uk",), gross(element(KWH, component("FLAT", 0.35, vat=20)))),
    ("step-above-division", ("us",), gross(element(component("ENERGY", 0.49, step_size=100)))),
]

WARNINGS: list[tuple[str, tuple[str, ...], Tariff]] = [
    ("no-fallback", (), gross(element(KWH, start_time="08:00", end_time="20:00"))),
    ("step-size", (), gross(element(component("ENERGY", 0.49, step_size=1_000)))),
    ("weekday-and-wrap", (), r(start_time="22:00", end_time="06:00", day_of_week=["SUNDAY"])),
    ("whole-day", (), r(start_time="08:00", end_time="08:00")),
    ("idle-without-grace", (), gross(element(KWH, component("PARKING_TIME", 6)), x_pilepay={"idle_cap": 12})),
    ("idle-without-cap", (), gross(element(KWH, component("PARKING_TIME", 6)), x_pilepay={"idle_grace_seconds": 600})),
    ("several-fees", (), gross(element(component("FLAT", 1), start_time="08:00"), element(component("FLAT", 2), KWH))),
    ("alt-text-price", (), gross(element(KWH), tariff_alt_text=[{"language": "de", "text": "Nur 0,45 €/kWh"}])),
    ("not-ad-hoc", (), gross(element(KWH), type="PROFILE_CHEAP")),
    ("minimum-price", ("eu50",), gross(element(KWH), min_price={"before_taxes": 1})),
    ("net-prices", ("eu",), gross(element(KWH), tax_included="NO")),
    ("vat-not-said", ("de",), gross(element(component("ENERGY", 0.49)))),
    ("time-not-billable", ("de",), gross(element(KWH, component("TIME", 6, vat=19)))),
    ("not-showable-per-minute", ("uk",), gross(element(KWH, component("PARKING_TIME", 2.5, vat=20)))),
    ("foreign-currency", ("uk",), gross(element(KWH))),
    ("taxes-not-named", ("ca",), gross(element(KWH), currency="CAD")),
]


@pytest.mark.parametrize(("code", "profiles", "tariff"), ERRORS, ids=[f"{c}-{'-'.join(p)}" for c, p, _ in ERRORS])
def test_what_may_not_be_sold_is_an_error(code: str, profiles: tuple[str, ...], tariff: Tariff) -> None:
    assert codes(tariff, *profiles) == {code}


@pytest.mark.parametrize(("code", "profiles", "tariff"), WARNINGS, ids=[f"{c}-{'-'.join(p)}" for c, p, _ in WARNINGS])
def test_what_would_anger_a_driver_is_a_warning(code: str, profiles: tuple[str, ...], tariff: Tariff) -> None:
    assert code in warnings(tariff, *profiles)
    assert codes(tariff, *profiles) == set()


SOUND = (
    r(start_time="22:00", end_time="06:00"),
    r(min_kwh=10, max_kwh=20),
    r(day_of_week=["SUNDAY"], start_time="08:00", end_time="20:00"),
    gross(element(component("TIME", 3, vat=19), reservation="RESERVATION"), element(component("TIME", 6, vat=19)), element(KWH)),
    gross(element(KWH, max_kwh=10), element(KWH, max_kwh=20), element(KWH)),
    gross(element(KWH), tariff_alt_text=[{"language": "de", "text": "0,49 €/kWh"}]),
    gross(element(component("FLAT", 0))),
)


@pytest.mark.parametrize("tariff", SOUND)
def test_sound_tariffs_have_no_findings(tariff: Tariff) -> None:
    assert lint(tariff) == ()


def test_power_decides_which_european_rules_hold() -> None:
    assert profiles_for("de", Decimal(22)) == ("de",)
    assert profiles_for("de", Decimal(50)) == ("de", "eu50")
    assert profiles_for("eu", Decimal(150)) == ("eu", "eu50")
    assert profiles_for("us", Decimal(150)) == ("us",)
    assert {name for country in ("eu", "de", "uk", "us", "ca") for name in profiles_for(country, Decimal(50))} == set(PROFILES)


def test_each_finding_names_its_place_and_its_mend() -> None:
    (finding,) = lint(gross(element(KWH, component("FLAT", 0.35, vat=19))), "eu50")
    assert str(finding) == (
        "elements[0].price_components[1]: error: charges-per-session:"
        " from 50 kW a fee per session is not allowed (AFIR Art. 5(4)): drop FLAT"
    )


def run(path: Path, profile: str = "eu", **more: bool) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    return lint_file(path, profile, out, err, **more), out.getvalue(), err.getvalue()


def test_lint_exits_1_when_the_tariff_is_bad(tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text((ASSETS / "ac22.json").read_text().replace("price_components", "price_component"))
    code, out, _ = run(file)
    assert code == 1
    assert "bad.json: elements[0].price_component: unknown key: did you mean price_components?" in out.replace("error: not-a-tariff: ", "")


def test_lint_exits_2_when_it_was_called_wrongly(tmp_path: Path) -> None:
    assert run(tmp_path / "none.json")[0] == 2
    code, _, err = run(ASSETS / "ac22.json", "fr")
    assert (code, err) == (2, "no profile 'fr': there are eu50, eu, de, uk, us, ca\n")


def test_lint_speaks_json_to_programs() -> None:
    code, out, _ = run(ASSETS / "ac22.json", "uk", as_json=True)
    answer = json.loads(out)
    assert code == 0
    assert [f["code"] for f in answer["findings"]] == ["foreign-currency"]
