"""What a tariff is said to cost, in every language: the same statements, and none of them left unsaid."""

import json
from io import StringIO
from pathlib import Path

import pytest

from kiosk.wording.cli import BAD, GOOD, explain_file
from kiosk.wording.languages import LANGUAGES

VECTORS = Path(__file__).parents[1] / "vectors" / "pricing"
TARIFFS = sorted(VECTORS.rglob("tariff*.json"))
AFTERNOON = 1_795_354_147_000  # 2026-11-22T13:29:07Z


def _explained(file: Path, language: str, *, as_json: bool = False) -> tuple[int, str]:
    out, err = StringIO(), StringIO()
    code = explain_file(file, language, "Europe/Berlin", AFTERNOON, out, err, as_json=as_json)
    assert (code == GOOD) == bool(out.getvalue())
    return code, out.getvalue()


def _codes(rows: list[dict[str, object]]) -> list[object]:
    return [(row["code"], _codes(row["only"]), _codes(row["details"])) for row in rows]  # type: ignore[arg-type]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_example_is_explained_by_the_same_statements(language: str) -> None:
    told = 0
    for file in TARIFFS:
        code, text = _explained(file, language, as_json=True)
        source_code, source = _explained(file, "en", as_json=True)
        assert code == source_code in (GOOD, BAD), file
        if code == GOOD:
            told += 1
            rows = json.loads(text)["remarks"]
            assert _codes(rows) == _codes(json.loads(source)["remarks"]), file
            assert all(row["text"].endswith(".") for row in rows), file
    assert told >= 20


def test_conditions_are_joined_as_the_language_joins_them() -> None:
    complicated = VECTORS / "ocpi_tariffs_rs" / "complex" / "tariff.json"
    said = {language: _explained(complicated, language)[1].replace("\u00a0", "~") for language in LANGUAGES}
    assert "Only Monday to Friday; at 32~A or more." in said["en"]
    assert "Seulement~: lundi à vendredi~; à partir de 32~A." in said["fr"]
    assert "Solo: de lunes a viernes; desde 32~A." in said["es"]
    assert "Solo: da lunedì a venerdì; da 32~A in su." in said["it"]
    assert "Alleen: maandag t/m vrijdag; vanaf 32~A." in said["nl"]
    assert "Tylko: poniedziałek–piątek; od 32~A." in said["pl"]
    assert "Yalnızca: pazartesi–cuma; 32~A ve üstünde." in said["tr"]


def test_an_unknown_language_is_answered_with_those_there_are() -> None:
    out, err = StringIO(), StringIO()
    assert explain_file(TARIFFS[0], "xx", "UTC", AFTERNOON, out, err) == 2
    assert err.getvalue() == "no language xx: there are en, de, fr, nl, es, it, pl, tr\n"
