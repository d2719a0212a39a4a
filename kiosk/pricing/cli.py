"""`pilepay tariff price` and `pilepay tariff lint`: the price engine from a shell, for whoever wants to check it.

Exit codes: 0 good, 1 the checked thing is bad, 2 wrong use.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol, TextIO

from kiosk.pricing.cdr import usage_of
from kiosk.pricing.discounts import DiscountLine, discount
from kiosk.pricing.lint import PROFILES, Severity
from kiosk.pricing.lint import lint as findings
from kiosk.pricing.load import load, parse, tariff_from
from kiosk.pricing.model import PricingError
from kiosk.pricing.rate import bill_periods
from kiosk.pricing.rating import Line, Rating
from kiosk.pricing.rules import rules_from

GOOD, BAD, WRONG_USE = 0, 1, 2


class File(Protocol):
    """Something with a name that can be read, such as a path."""

    def read_bytes(self) -> bytes: ...


def price(source: Iterable[str], out: TextIO, err: TextIO, *, jsonl: bool = False, rules: File | None = None) -> int:
    """Price `{tariff, session, time_zone}`: one object, or one a line with `jsonl`.

    Writes `{excl, incl, total, currency, lines}`, and the `id` of the input if it has one. `excl` and `incl` are exact decimals in text,
    before rounding; `total` is what is charged. With `jsonl` a case that cannot be priced gives `{"error": …}` in its line.

    A case may have `discounts`. With `rules`, a file of other ones, the answer is priced under those; `before` is the total under the
    case's own, `difference` what is more or less, and with `jsonl` a last line has the sums.
    """
    try:
        other = None if rules is None else parse(rules.read_bytes())
    except (OSError, PricingError) as error:
        err.write(f"{rules}: {error}\n")
        return WRONG_USE
    if jsonl:
        lines = (_priced_line(line, number, other, err) for number, line in enumerate(source, 1) if line.strip())
        answers = [_written(answer, out) for answer in lines]
        if rules is not None:
            _written(_sums(answers), out)
        return BAD if any("error" in answer for answer in answers) else GOOD
    try:
        answer = _priced("".join(source), other)
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


def _priced_line(line: str, number: int, rules: object, err: TextIO) -> dict[str, object]:
    try:
        return _priced(line, rules)
    except PricingError as error:
        err.write(f"line {number}: {error}\n")
        return {"error": str(error)}


def _written(answer: dict[str, object], out: TextIO) -> dict[str, object]:
    out.write(json.dumps(answer, ensure_ascii=False) + "\n")
    return answer


def _sums(answers: Iterable[dict[str, object]]) -> dict[str, object]:
    """What the cases come to together, by currency."""
    sums: dict[str, dict[str, Decimal]] = {}
    for answer in answers:
        if "error" not in answer:
            of = sums.setdefault(str(answer["currency"]), {"before": Decimal(0), "total": Decimal(0), "difference": Decimal(0)})
            for key in of:
                of[key] += Decimal(str(answer[key]))
    return {"sums": {currency: {key: _text(value) for key, value in of.items()} for currency, of in sums.items()}}


def _priced(text: str, rules: object) -> dict[str, object]:
    case = parse(text.encode())
    if not isinstance(case, dict):
        raise PricingError("not an object with tariff, session and time_zone")
    if missing := [key for key in ("tariff", "session", "time_zone") if key not in case]:
        raise PricingError(f"{', '.join(missing)}: is missing")
    zone = case["time_zone"]
    if not isinstance(zone, str):
        raise PricingError("time_zone: is not text: write one such as Europe/Berlin")
    tariff, usage = tariff_from(case["tariff"]), usage_of(case["session"])
    full = bill_periods(tariff, usage, zone)
    rating = discount(full, tariff, rules_from(case.get("discounts", []), tariff.currency, zone), usage)
    name: dict[str, object] = {"id": case["id"]} if isinstance(case.get("id"), str | int) else {}
    if rules is None:
        return name | _plain(rating)
    other = discount(full, tariff, rules_from(rules, tariff.currency, zone), usage)
    change = {"before": _text(rating.total.decimal()), "difference": _text((other.total - rating.total).decimal())}
    return name | _plain(other) | change


def _plain(rating: Rating) -> dict[str, object]:
    return {
        "excl": _text(rating.excl),
        "incl": _text(rating.incl),
        "total": _text(rating.total.decimal()),
        "currency": rating.total.currency,
        "lines": [_line(line) for line in rating.lines],
    }


def _line(line: Line) -> dict[str, object]:
    discounted = {"name": line.name, "funded_by": line.funded_by.value} if isinstance(line, DiscountLine) else {}
    return discounted | {
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
