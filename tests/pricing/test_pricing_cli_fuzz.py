"""Tariffs and sessions with anything anywhere: a price or a sentence, never more."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiosk.pricing.cli import lint, price

VECTORS = Path(__file__).parents[1] / "vectors" / "pricing"
CORPUS = (VECTORS / "corpus.jsonl").read_text().splitlines()
EXAMPLES = [json.loads(path.read_text()) for path in sorted(VECTORS.glob("ocpi_spec/*.json"))]
WORDS = (
    "", " ", "x", "\u0000", "é", "\ud83d\ude00", "ENERGY", "TIME", "FLAT", "RESERVATION", "RESERVATION_EXPIRES", "MONDAY", "YES", "N/A",
    "00:00", "24:00", "23:59", "2:5", "2024-02-30", "9999-12-31", "0001-01-01", "2024-03-31T02:30:00Z", "2024-03-31T02:30:00+02:00",
    "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "2024-02-29T24:00:00Z", "2016-12-31T23:59:60Z", "2024-06-03T08:00:00.123456789Z",
    "Europe/Berlin", "Etc/GMT+12", "europe/berlin", "../zone", "posixrules", "EUR", "JPY", "eur", "XXX", "../" * 99, "a" * 5_000,
)  # fmt: skip
NUMBERS = (0, 1, -1, 0.5, 1e-9, 1e-10, 1e12, 1e13, -0.0, 10**12, 10**18, 10**39, 59.999999, 0.1 + 0.2, 3600, 86_400, 1_000_000)
OTHERS = (None, True, False, [], {}, [[]], [None], {"a": 1}, [{}])


def paths(node: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key in node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ():
        yield (*here, key)
        yield from paths(node[key], (*here, key))


def bent(body: Any, draw: random.Random) -> Any:
    """The same with a value changed, lost, doubled, moved or renamed."""
    found = list(paths(body))
    *above, last = draw.choice(found)
    parent = body
    for key in above:
        parent = parent[key]
    match draw.randrange(6):
        case 0 | 1:
            parent[last] = draw.choice(draw.choice((WORDS, NUMBERS, OTHERS)))
        case 2 if isinstance(parent, dict):
            del parent[last]
        case 3 if isinstance(parent, dict):
            parent[draw.choice((*parent, "vat", "kwh", "x_pilepay", "reservation", "total_energy", "\ud800"))] = parent[last]
        case 4 if isinstance(parent, list):
            parent.insert(last, json.loads(json.dumps(parent[draw.randrange(len(parent))])))
        case _:
            parent[last] = draw.choice(NUMBERS)
    return body


def cases(seed: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for number in range(seed * 100, seed * 100 + 100):
        draw = random.Random(number)
        whole = json.loads(draw.choice(CORPUS)) if draw.random() < 0.6 else draw.choice(EXAMPLES)
        case = {key: json.loads(json.dumps(whole[key])) for key in ("tariff", "session", "time_zone")}
        for _ in range(draw.choice((1, 1, 2, 4))):
            bent(case, draw)
        yield number, case


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_in_a_price_or_a_sentence_comes_out(seed: int, tmp_path: Path) -> None:
    file = tmp_path / "tariff.json"
    for number, case in cases(seed):
        data = json.dumps(case).encode()
        out, err = io.StringIO(), io.StringIO()
        code = price([data], out, err, jsonl=True)
        answer = json.loads(out.getvalue())
        assert code == ("error" in answer), number
        assert err.getvalue().startswith("line 1: " if code else ""), number
        out.getvalue().encode()
        assert "error" in answer or sum(map(_minor, (line["amount"] for line in answer["lines"]))) == _minor(answer["total"]), number
        if isinstance(case.get("tariff"), dict):
            file.write_text(json.dumps(case["tariff"]))
            said = io.StringIO()
            assert lint(file, "eu,de", said, io.StringIO()) in {0, 1}, number
            said.getvalue().encode()


def _minor(amount: str) -> int:
    return round(float(amount) * 1_000)
