"""`pilepay tariff price` and `pilepay tariff lint`: the price engine from a shell, for whoever wants to check it.

Exit codes: 0 good, 1 the checked thing is bad, 2 wrong use.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal
from errno import EISDIR
from typing import Protocol, TextIO

from kiosk.pricing.cdr import has_periods, usage_of, usage_of_whole
from kiosk.pricing.discounts import DiscountLine, discount
from kiosk.pricing.lint import PROFILES, Severity
from kiosk.pricing.lint import lint as findings
from kiosk.pricing.load import parse
from kiosk.pricing.model import PricingError
from kiosk.pricing.notes import NOBODY
from kiosk.pricing.rate import bill, bill_periods
from kiosk.pricing.rating import Line, Rating
from kiosk.pricing.readers import Version, read, read_body, version_of
from kiosk.pricing.rules import rules_from

GOOD, BAD, WRONG_USE = 0, 1, 2
_NOTHING = (
    "nothing comes in: give {tariff, session, time_zone} as JSON on the standard input (`pilepay tariff price --help` has an example)"
)


class File(Protocol):
    """Something with a name that can be read, such as a path."""

    def read_bytes(self) -> bytes: ...


def price(source: Iterable[bytes] | None, out: TextIO, err: TextIO, *, jsonl: bool = False, rules: File | None = None) -> int:
    """Price `{tariff, session, time_zone}`: one object, or one a line with `jsonl`. Tariff and session may be of OCPI 2.1.1, 2.2.1 or
    2.3.0, the tariff of OCPP 2.1 too. `source` are the lines; None when there is no input at all.

    Writes `{excl, incl, total, currency, lines}`, and the `id` of the input if it has one. `excl` and `incl` are exact decimals in text,
    before rounding; `total` is what is charged; `notes` are there when an older tariff left something to decide. With `jsonl` a case that
    cannot be priced gives `{"error": …}` in its line.

    A case may have `discounts`. With `rules`, a file of other ones, the answer is priced under those; `before` is the total under the
    case's own, `difference` what is more or less, and with `jsonl` a last line has the sums.
    """
    if source is None:
        err.write(f"{_NOTHING}\n")
        return WRONG_USE
    try:
        other = None if rules is None else parse(rules.read_bytes())
    except OSError as error:
        err.write(f"{rules} cannot be read: {error.strerror}\n")
        return WRONG_USE
    except PricingError as error:
        err.write(f"{rules}: {error}\n")
        return WRONG_USE
    try:
        return _each(source, other, out, err) if jsonl else _one(b"".join(source), other, out, err)
    except OSError as error:
        if isinstance(error, BrokenPipeError) or error.errno != EISDIR:
            raise
        err.write(f"the standard input cannot be read: {error.strerror}\n")
        return WRONG_USE


def _one(data: bytes, rules: object, out: TextIO, err: TextIO) -> int:
    if not data.strip():
        err.write(f"{_NOTHING}\n")
        return WRONG_USE
    try:
        answer = _priced(data, rules)
    except PricingError as error:
        err.write(f"{error}\n")
        return BAD
    out.write(json.dumps(answer, ensure_ascii=False, indent=1) + "\n")
    return GOOD


def _each(source: Iterable[bytes], rules: object, out: TextIO, err: TextIO) -> int:
    sums, code = _Sums(), GOOD
    for number, line in enumerate(source, 1):
        if line.strip():
            answer = _priced_line(line, number, rules, err)
            out.write(json.dumps(answer, ensure_ascii=False) + "\n")
            code = BAD if "error" in answer else code
            sums.add(answer)
    if rules is not None:
        out.write(json.dumps(sums.told(), ensure_ascii=False) + "\n")
    return code


def lint(path: File, profile: str, out: TextIO, err: TextIO, *, as_json: bool = False) -> int:
    """Lint the tariff in a file; `profile` is one of `PROFILES` or several with commas. OCPI's own rules hold under each."""
    profiles = [p.strip() for p in profile.split(",")]
    if unknown := [p for p in profiles if p not in PROFILES]:
        err.write(f"no profile {', '.join(map(repr, unknown))}: there are {', '.join(PROFILES)}\n")
        return WRONG_USE
    try:
        data = path.read_bytes()
    except OSError as error:
        err.write(f"{path} cannot be read: {error.strerror}\n")
        return WRONG_USE
    try:
        tariff, notes = read(data)
        found = findings(tariff, *profiles)
    except PricingError as error:
        rows = [{"severity": "error", "code": "not-a-tariff", "path": "", "message": line} for line in str(error).splitlines()]
        bad = True
    else:
        rows = [{"severity": "note", "code": n.code, "path": n.path, "message": n.message} for n in notes]
        rows += [{"severity": f.severity.value, "code": f.code, "path": f.path, "message": f.message} for f in found]
        bad = any(f.severity is Severity.ERROR for f in found)
    if as_json:
        out.write(json.dumps({"file": str(path), "profiles": profiles, "findings": rows}, ensure_ascii=False) + "\n")
    else:
        for row in rows:
            out.write(": ".join(part for part in (str(path), row["path"], row["severity"], row["code"], row["message"]) if part) + "\n")
        errors, warnings = (sum(row["severity"] == severity for row in rows) for severity in ("error", "warning"))
        out.write(f"{path}: {errors} errors, {warnings} warnings\n")
    return BAD if bad else GOOD


def _priced_line(line: bytes, number: int, rules: object, err: TextIO) -> dict[str, object]:
    try:
        return _priced(line, rules)
    except PricingError as error:
        err.write(f"line {number}: {error}\n")
        return {"error": str(error)}


class _Sums:
    """What the cases come to together, by currency."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, Decimal]] = {}

    def add(self, answer: dict[str, object]) -> None:
        if "before" in answer:
            of = self._of.setdefault(str(answer["currency"]), {"before": Decimal(0), "total": Decimal(0), "difference": Decimal(0)})
            for key in of:
                of[key] += Decimal(str(answer[key]))

    def told(self) -> dict[str, object]:
        return {"sums": {currency: {key: _text(value) for key, value in of.items()} for currency, of in self._of.items()}}


def _priced(data: bytes, rules: object) -> dict[str, object]:
    case = parse(data)
    if not isinstance(case, dict):
        raise PricingError("not an object with tariff, session and time_zone")
    if missing := [key for key in ("tariff", "session", "time_zone") if key not in case]:
        raise PricingError(f"{', '.join(missing)}: is missing")
    zone = case["time_zone"]
    if not isinstance(zone, str):
        raise PricingError("time_zone: is not text: write one such as Europe/Berlin")
    tariff, notes = read_body(_named(case["tariff"]))
    if has_periods(case["session"]):
        usage = usage_of(case["session"])
        full = bill_periods(tariff, usage, zone)
    else:
        usage = usage_of_whole(case["session"])
        full = bill(tariff, usage, zone)
    rating = discount(full, tariff, rules_from(case.get("discounts", []), tariff.currency, zone), usage)
    head: dict[str, object] = {"id": case["id"]} if isinstance(case.get("id"), str | int) else {}
    tail: dict[str, object] = {"notes": [str(note) for note in notes]} if notes else {}
    if rules is None:
        return head | _plain(rating) | tail
    other = discount(full, tariff, rules_from(rules, tariff.currency, zone), usage)
    change = {"before": _text(rating.total.decimal()), "difference": _text((other.total - rating.total).decimal())}
    return head | _plain(other) | change | tail


def _named(body: object) -> object:
    """The tariff with a name, an owner and a date where it has none: nothing of its price depends on them."""
    if not isinstance(body, dict):
        return body
    version = version_of(body)
    if version is Version.OCPP_2_1:
        return body
    unsaid = {"id": "unnamed", "last_updated": "1970-01-01T00:00:00Z"}
    if version is not Version.OCPI_2_1_1:
        unsaid |= NOBODY._asdict()
    return unsaid | body


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
