"""The operator's list of tags, strictly read: what is wrong with it is said all at once, by place and never by UID.

A table `[[tags]]` for each: `uid`, `contract`, and where wanted `group`, `valid_until` (a day, the last one), `blocked`, `several`, and
what one sale may come to at most: `most` (in the site's currency) and `most_kwh`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from kiosk.session.inputs import Account
from kiosk.values import MWH_PER_KWH, Digest, Moment, Money

LARGEST = 8_000_000
_KEYS = ("uid", "contract", "group", "valid_until", "blocked", "several", "most", "most_kwh")
_LONGEST_WORD = 36
_MOST_MONEY, _MOST_KWH = 100_000, 10_000


class AccountsError(Exception):
    """A list that cannot be used. The message has a line for each mend."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a list is read by. `normal` gives a UID as readers tell it, and raises ValueError for what is none; `known_by` hashes it with a
    key."""

    currency: str
    zone: str
    normal: Callable[[str], str]
    known_by: Callable[[str], Digest]


@dataclass(frozen=True, slots=True)
class Entry:
    """`until_ms` is the first moment (UTC) at which the tag is no longer good."""

    account: Account
    blocked: bool = False
    until_ms: int | None = None


Accounts = Mapping[Digest, Entry]


def found(accounts: Accounts, tag: Digest, at: Moment) -> Account | str:
    """The account of a tag that may charge now; otherwise why not, in a word of `kiosk.session.visit.TAG_WORDS`."""
    entry = accounts.get(tag)
    if entry is None:
        return "tag_unknown"
    if entry.blocked:
        return "tag_blocked"
    if entry.until_ms is not None and at.utc_ms >= entry.until_ms:
        return "tag_expired"
    return entry.account


def read(data: bytes, terms: Terms) -> dict[Digest, Entry]:
    """The list in `data`. Raises `AccountsError`."""
    if len(data) > LARGEST:
        raise AccountsError(f"is larger than {LARGEST} bytes: that is no list of tags")
    try:
        body = tomllib.loads(data.decode("utf-8"), parse_float=Decimal)
    except UnicodeDecodeError:
        raise AccountsError("is not text: write it in UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise AccountsError(f"is not TOML: {error}") from None
    problems = [f"{_named(key)}: unknown key: known here is tags" for key in body if key != "tags"]
    tables = body.get("tags", [])
    if not isinstance(tables, list):
        raise AccountsError("tags: is not a list of tables: write [[tags]] above each")
    accounts: dict[Digest, Entry] = {}
    places: dict[Digest, str] = {}
    for number, table in enumerate(tables):
        place = f"tags[{number}]"
        try:
            entry = _entry(table, terms)
        except _Wrong as wrong:
            problems += [f"{place}{line}" for line in wrong.lines]
            continue
        tag = entry.account.tag
        if tag in places:
            problems.append(f"{place}.uid: is also {places[tag]}: each tag is listed once")
        places.setdefault(tag, place)
        accounts[tag] = entry
    if problems:
        raise AccountsError("\n".join(problems))
    return accounts


def _named(key: str) -> str:
    """A key that may be shown: one with capitals or digits may be a UID in the wrong place."""
    return key if re.fullmatch(r"[a-z_]{1,24}", key) else "…"


class _Wrong(Exception):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines


def _entry(table: object, terms: Terms) -> Entry:
    if not isinstance(table, dict):
        raise _Wrong([": is not a table: write [[tags]] above it"])
    lines = [f".{_named(key)}: unknown key: known here are {', '.join(_KEYS)}" for key in table if key not in _KEYS]
    given: dict[str, Any] = {}
    for key, reader in _readers(terms).items():
        try:
            given[key] = reader(table.get(key))
        except ValueError as error:
            lines.append(f".{key}: {error}")
    if lines:
        raise _Wrong(lines)
    account = Account(given["uid"], given["contract"], given["group"], given["several"], given["most"], given["most_kwh"])
    return Entry(account, given["blocked"], given["valid_until"])


def _readers(terms: Terms) -> dict[str, Callable[[object], object]]:
    return {
        "uid": lambda value: _tag(value, terms),
        "contract": lambda value: _word(value, needed=True),
        "group": lambda value: _word(value, needed=False),
        "valid_until": lambda value: _until(value, terms.zone),
        "blocked": _yes_or_no,
        "several": _yes_or_no,
        "most": lambda value: _money(value, terms.currency),
        "most_kwh": _energy,
    }


def _tag(value: object, terms: Terms) -> Digest:
    if not isinstance(value, str) or not value:
        raise ValueError("is missing: write the tag's UID in hexadecimal digits, in quotes")
    return terms.known_by(terms.normal(value))


def _word(value: object, *, needed: bool) -> str:
    if value is None and not needed:
        return ""
    if value is None:
        raise ValueError('is missing: write who pays, by a number of your own, such as "C-1042"')
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_WORD or not all(_plain(value)):
        raise ValueError(f"is no word of 1 to {_LONGEST_WORD} letters, digits and . _ - : it is kept for ever, so no name of a person")
    return value


def _plain(text: str) -> Iterator[bool]:
    return (c.isascii() and (c.isalnum() or c in "._-") for c in text)


def _yes_or_no(value: object) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    raise ValueError("is neither true nor false")


def _until(value: object, zone: str) -> int | None:
    if value is None:
        return None
    if not isinstance(value, date) or isinstance(value, datetime) or not 2000 <= value.year <= 9000:
        raise ValueError("is no day: write it without quotes, such as 2027-06-30")
    ends = datetime.combine(value + timedelta(days=1), time(), ZoneInfo(zone))
    return int(ends.timestamp()) * 1_000


def _money(value: object, currency: str) -> Money | None:
    if value is None:
        return None
    amount = _number(value, _MOST_MONEY, "an amount: write it in major units without quotes, such as 30.00")
    money = Money.of(amount, currency)
    if money.decimal() != amount:
        raise ValueError(f"{amount} is finer than {currency} can be paid: write {money.decimal()}")
    return money


def _energy(value: object) -> int | None:
    if value is None:
        return None
    return int(_number(value, _MOST_KWH, "an energy: write it in kWh without quotes, such as 40") * MWH_PER_KWH)


def _number(value: object, most: int, what: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError(f"is not {what}")
    number = Decimal(value)
    if not number.is_finite() or not 0 < number <= most:
        raise ValueError(f"{number} is out of range: above 0 and up to {most}")
    return number
