"""`pilepay tariff price` and `pilepay tariff lint`: the price engine from a shell, for whoever wants to check it.

Exit codes: 0 good, 1 the checked thing is bad, 2 wrong use.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol, TextIO

from kiosk.pricing.cdr import usage_of
from kiosk.pricing.lint import PROFILES, Severity
from kiosk.pricing.lint import lint as findings
from kiosk.pricing.load import load, parse, tariff_from
from kiosk.pricing.model import PricingError
from kiosk.pricing.rate import bill_periods
from kiosk.pricing.rating import Line, Rating

GOOD, BAD, WRONG_USE = 0, 1, 2


class File(Protocol):
    """Something with a name that can be read, such as a path."""

    def read_bytes(self) -> bytes: ...


def price(source: Iterable[str], out: TextIO, err: TextIO, *, jsonl: bool = False) -> int:
    """Price `{tariff, session, time_zone}`: one object, or one a line with `jsonl`.

    Writes `{excl, incl, total, currency, lines}`, and the `id` of the input if it has one. `excl` and `incl` are exact decimals in text,
    before rounding; `total` is what is charged. With `jsonl` a case that cannot be priced gives `{"error": …}` in its line.
    """
    if jsonl:
        results = [_priced_line(line, number, out, err) for number, line in enumerate(source, 1) if line.strip()]
        return GOOD if all(results) else BAD
    try:
        answer = _priced("".join(source))
    except PricingError as error:
        err.write(f"{error}\n")
        return BAD
    out.write(json.dumps(answer, ensure_ascii=False, indent=1) + "\n")
    return GOOD


def lint(path: File, profile: str, out: TextIO, err: TextIO, *, as_json: bool = False) -> int:
    """Lint the tariff in a file; `profile` is one of `PROFILES` or several with commas, empty for OCPI's own rules only."""
    profiles = [p for p in profile.split(",") if p]
    if unknown := [p for p in profiles if p not in PROFILES]:
        err.write(f"no profile {', '.join(unknown)}: there are {', '.join(PROFILES)}\n")
        return WRONG_USE
    try:
        data = path.read_bytes()
    except OSError as error:
        err.write(f"{path} cannot be read: {error.strerror}\n")
        return WRONG_USE
    try:
        found = findings(load(data), *profiles)
    except PricingError as error:
        rows = [{"severity": "error", "code": "not-a-tariff", "path": "", "message": line} for line in str(error).splitlines()]
        bad = True
    else:
        rows = [{"severity": f.severity.value, "code": f.code, "path": f.path, "message": f.message} for f in found]
        bad = any(f.severity is Severity.ERROR for f in found)
    if as_json:
        out.write(json.dumps({"file": str(path), "profiles": profiles, "findings": rows}, ensure_ascii=False) + "\n")
    else:
        for row in rows:
            out.write(": ".join(part for part in (str(path), row["path"], row["severity"], row["code"], row["message"]) if part) + "\n")
        errors = sum(row["severity"] == "error" for row in rows)
        out.write(f"{path}: {errors} errors, {len(rows) - errors} warnings\n")
    return BAD if bad else GOOD


def _priced_line(line: str, number: int, out: TextIO, err: TextIO) -> bool:
    try:
        answer: dict[str, object] = _priced(line)
    except PricingError as error:
        err.write(f"line {number}: {error}\n")
        answer = {"error": str(error)}
    out.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return "error" not in answer


def _priced(text: str) -> dict[str, object]:
    case = parse(text.encode())
    if not isinstance(case, dict):
        raise PricingError("not an object with tariff, session and time_zone")
    if missing := [key for key in ("tariff", "session", "time_zone") if key not in case]:
        raise PricingError(f"{', '.join(missing)}: is missing")
    zone = case["time_zone"]
    if not isinstance(zone, str):
        raise PricingError("time_zone: is not text: write one such as Europe/Berlin")
    rating = bill_periods(tariff_from(case["tariff"]), usage_of(case["session"]), zone)
    name = {"id": case["id"]} if isinstance(case.get("id"), str | int) else {}
    return name | _plain(rating)


def _plain(rating: Rating) -> dict[str, object]:
    return {
        "excl": _text(rating.excl),
        "incl": _text(rating.incl),
        "total": _text(rating.total.decimal()),
        "currency": rating.total.currency,
        "lines": [_line(line) for line in rating.lines],
    }


def _line(line: Line) -> dict[str, object]:
    return {
        "code": line.code,
        "quantity": _text(line.quantity),
        "unit_price": _text(line.unit_price),
        "vat": None if line.vat is None else _text(line.vat),
        "excl": _text(line.excl),
        "incl": _text(line.incl),
        "amount": _text(line.amount.decimal()),
    }


def _text(value: Decimal) -> str:
    return format(value, "f")
