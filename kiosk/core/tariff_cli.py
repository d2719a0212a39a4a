"""`pilepay tariff compare`: what the sales of a journal would have cost under other discounts, or another tariff. Nothing is changed.

Each sale is priced again as it was, from the journal alone, and once more as it would be. Entitlements count for each sale as the file
states them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO, TypeVar

from kiosk.core.engine import fact_of
from kiosk.journal.entry import JournalError
from kiosk.journal.reader import Reader, opened
from kiosk.pricing.canonical import canonical, tariff_hash
from kiosk.pricing.discounts import Discount
from kiosk.pricing.load import parse
from kiosk.pricing.model import PricingError, Tariff
from kiosk.pricing.readers import read
from kiosk.pricing.rules import rules_from, rules_of, under
from kiosk.pricing.terms import billed
from kiosk.session.codec import CodecError
from kiosk.session.cost import used
from kiosk.session.evolve import fold
from kiosk.session.facts import Fact, SessionOpened
from kiosk.session.setup import Policy, Setup
from kiosk.session.state import Kiosk, Session
from kiosk.values import Money

GOOD, BAD, WRONG_USE = 0, 1, 2
_V = TypeVar("_V")


@dataclass(frozen=True, slots=True)
class Compared:
    """One sale: its price as it was, and as it would be."""

    session: str
    mwh: int
    before: Money
    after: Money

    @property
    def minor(self) -> int:
        return self.after.minor - self.before.minor


def run(args: argparse.Namespace, out: TextIO, err: TextIO) -> int:
    """Write a line for each sale, and what they come to together."""
    try:
        since = 0 if args.since is None else _moment(args.since)
    except ValueError:
        err.write(f"{args.since!r} is no day or moment: write 2026-11-22 or 2026-11-22T14:30\n")
        return WRONG_USE
    try:
        rules = None if args.rules is None else _of(args.rules, _sound)
        tariff = None if args.tariff is None else _of(args.tariff, lambda data: read(data)[0])
        with opened(args.journal) as reader:
            rows = list(compare(reader, since, rules, tariff))
    except _NoFile as error:
        err.write(f"{error}\n")
        return WRONG_USE
    except (JournalError, CodecError, PricingError, OSError) as error:
        err.write(f"{error}\n")
        return BAD
    _write(rows, out, as_json=args.json)
    return GOOD


class _NoFile(Exception):
    """A file on the command line that is not there to be read."""


def _of(path: Path, reading: Callable[[bytes], _V]) -> _V:
    try:
        return reading(path.read_bytes())
    except OSError as error:
        raise _NoFile(f"{path} cannot be read: {error.strerror}") from error
    except PricingError as error:
        raise PricingError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None


def _sound(data: bytes) -> object:
    """The discounts in a file as parsed JSON, their faults told before any sale is read; each sale has its own currency and zone."""
    body = parse(data)
    rules_from(body, "EUR", "UTC")
    return body


def compare(reader: Reader, since_ms: int, rules: object | None, tariff: Tariff | None) -> Iterator[Compared]:
    """The sales that were opened from `since_ms` on and priced by their tariff. Without `rules` they keep their own."""
    opened = (s.stream for s in reader.read() if s.kind == SessionOpened.__name__ and s.at.utc_ms >= since_ms)
    for stream in list(opened):
        s = _sale([fact_of(stored) for stored in reader.read(stream=stream)])
        if s is None or s.quote is None or s.priced is None or s.priced.rule not in ("tariff", "free"):
            continue
        quote = s.quote
        kept: Sequence[Discount] = rules_of(quote)
        if tariff is not None and tariff.currency == quote.hold.currency:
            quote = replace(quote, tariff_id=tariff.id, tariff_json=canonical(tariff), tariff_hash=tariff_hash(tariff))
        if rules is not None:
            kept = rules_from(rules, quote.hold.currency, quote.zone)
        usage = used(s, s.priced.at)
        yield Compared(stream, s.delivered.mwh if s.delivered else 0, s.priced.rating.total, billed(under(quote, kept), usage).total)


def _sale(facts: Sequence[Fact]) -> Session | None:
    opened = next(fact for fact in facts if isinstance(fact, SessionOpened))
    nothing = Money.zero("EUR")
    return fold(Kiosk(Setup("", "EUR", (), Policy(margin=nothing, smallest_hold=nothing))), facts).find(opened.session)


def _write(rows: Sequence[Compared], out: TextIO, *, as_json: bool) -> None:
    totals: dict[str, list[int]] = {}
    for row in rows:
        total = totals.setdefault(row.before.currency, [0, 0, 0])
        for i, minor in enumerate((row.before.minor, row.after.minor, row.minor)):
            total[i] += minor
        if as_json:
            parts = {"session": row.session, "energy_mwh": row.mwh, "currency": row.before.currency}
            out.write(json.dumps({**parts, "before": row.before.minor, "after": row.after.minor, "difference": row.minor}) + "\n")
        else:
            kwh = f"{row.mwh // 1_000_000}.{row.mwh // 1_000 % 1_000:03} kWh"
            out.write(f"{row.session}  {kwh}  {row.before} -> {row.after}  {_signed(row.minor, row.before.currency)}\n")
    for currency, (before, after, minor) in totals.items():
        if as_json:
            out.write(json.dumps({"sales": len(rows), "currency": currency, "before": before, "after": after, "difference": minor}) + "\n")
        else:
            sums = f"{Money(before, currency)} -> {Money(after, currency)}  {_signed(minor, currency)}"
            out.write(f"{len(rows)} sales: {sums}\n")
    if not rows and not as_json:
        out.write("no sale was priced in that time\n")


def _signed(minor: int, currency: str) -> str:
    return f"{'+' if minor > 0 else ''}{Money(minor, currency)}"


def _moment(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000
