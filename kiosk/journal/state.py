"""The journal's small mutable tables: how far each consumer is and what it remembers with that, which numbers are taken, how often an
effect was tried.

They are not facts and not in the chain; they lie in the same database so that one commit can carry them with the entries they belong to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kiosk.journal.database import Database
from kiosk.journal.entry import INT64, Entry, JournalRefused, Seq
from kiosk.journal.evidence import Sealed

SERIAL_BLOCK = 128

_SELECT_EFFECTS = "SELECT ref, attempts, next_try, last_error, updated FROM effects"


@dataclass(frozen=True, slots=True)
class Retry:
    """How an open effect stands: attempts made, when to try next and when this was written (UTC milliseconds)."""

    ref: str
    attempts: int
    next_try: int
    last_error: str
    updated: int


@dataclass(frozen=True, slots=True)
class Mark:
    """What a consumer must remember together with its cursor, such as what a far end called a sale. No `value`: forget it."""

    consumer: str
    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Write:
    """All that one caller wants in one commit. `settled` are the refs of effects that are done; `positions` are cursors to move."""

    entries: tuple[Entry, ...] = ()
    evidence: tuple[Sealed, ...] = ()
    retries: tuple[Retry, ...] = ()
    settled: tuple[str, ...] = ()
    positions: Mapping[str, Seq] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()


class Committing(Protocol):
    """What these tables need of the journal."""

    def commit(self, writes: Iterable[Write]) -> object: ...

    def position(self, name: str) -> Seq: ...

    def reserve_serials(self, name: str, count: int) -> range: ...


def write_state(db: sqlite3.Connection, write: Write) -> None:
    """Put the mutable part of `write` into the open transaction."""
    if write.retries:
        db.executemany(
            "INSERT INTO effects VALUES(?, ?, ?, ?, ?) ON CONFLICT(ref) DO UPDATE SET"
            " attempts=excluded.attempts, next_try=excluded.next_try, last_error=excluded.last_error, updated=excluded.updated",
            [(r.ref, r.attempts, r.next_try, r.last_error, r.updated) for r in write.retries],
        )
    if write.settled:
        db.executemany("DELETE FROM effects WHERE ref=?", [(ref,) for ref in write.settled])
    if write.positions:
        db.executemany(
            "INSERT INTO cursors VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET seq=excluded.seq WHERE excluded.seq > cursors.seq",
            list(write.positions.items()),
        )
    for mark in write.marks:
        if mark.value is None:
            db.execute("DELETE FROM marks WHERE consumer=? AND name=?", (mark.consumer, mark.name))
        else:
            db.execute(
                "INSERT INTO marks VALUES(?, ?, ?) ON CONFLICT(consumer, name) DO UPDATE SET value=excluded.value",
                (mark.consumer, mark.name, mark.value),
            )


def check_state(write: Write) -> None:
    """Refuse what SQLite could not take, before anything of the commit is written."""
    numbers = [n for r in write.retries for n in (r.attempts, r.next_try, r.updated)] + [
        s.until for s in write.evidence if s.until is not None
    ]
    if not all(number in INT64 for number in numbers):
        raise JournalRefused("An effect's attempts or times, or an evidence's expiry, go beyond 64 bits: check the clock")
    texts = [t for r in write.retries for t in (r.ref, r.last_error)] + list(write.settled) + list(write.positions)
    texts += [t for m in write.marks for t in (m.consumer, m.name, m.value or "")]
    for text in texts:
        if not text.isascii() and text.encode(errors="replace").decode() != text:
            raise JournalRefused(f"{text!r} is no text that can be stored: it holds half a character")


def check_positions(positions: Mapping[str, Seq], known: Mapping[str, Seq], head: Seq) -> None:
    """Refuse to move a cursor backwards or beyond what is there."""
    for name, seq in positions.items():
        at = known.get(name, 0)
        if not at <= seq <= head:
            raise JournalRefused(
                f"cursor {name} cannot move from {at} to {seq}: entries go up to {head}, and what was consumed stays consumed"
            )


class Cursor:
    """How far one consumer has come, durably. It sees an entry again only if the power went between its work and `advance`."""

    def __init__(self, journal: Committing, name: str) -> None:
        self._journal = journal
        self._name = name

    def get(self) -> Seq:
        """The last entry done; 0 before the first."""
        return self._journal.position(self._name)

    def advance(self, seq: int) -> None:
        """All up to `seq` is done. Durable on return."""
        self._journal.commit((Write(positions={self._name: Seq(seq)}),))


class Effects:
    """Attempts and next-try times of open effects, so that a brown-out loop cannot become a hot loop."""

    def __init__(self, journal: Committing, database: Database) -> None:
        self._journal = journal
        self._database = database

    def get(self, ref: str) -> Retry | None:
        rows = self._database.rows(f"{_SELECT_EFFECTS} WHERE ref=?", ref)
        return Retry(*rows[0]) if rows else None

    def all(self) -> tuple[Retry, ...]:
        """Every row, the soonest first."""
        return tuple(Retry(*row) for row in self._database.rows(f"{_SELECT_EFFECTS} ORDER BY next_try, ref"))

    def put(self, retry: Retry) -> None:
        self._journal.commit((Write(retries=(retry,)),))

    def delete(self, ref: str) -> None:
        self._journal.commit((Write(settled=(ref,)),))


class Serials:
    """Numbers that are never used twice, such as OCPP transaction ids. Taken in blocks: a crash leaves a gap, never a repeat."""

    def __init__(self, journal: Committing) -> None:
        self._journal = journal
        self._stock: dict[str, range] = {}

    def next(self, name: str) -> int:
        """The next number of the series `name`, from 1. Every 128th call commits to the disk."""
        stock = self._stock.get(name) or self._journal.reserve_serials(name, SERIAL_BLOCK)
        self._stock[name] = stock[1:]
        return stock[0]
