"""Reading the journal without standing in the writer's way: consumers, the console, the command line.

Rows come in chunks, each its own short transaction. A cursor left open would pin the write-ahead log and let it grow without bound.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from kiosk.journal.entry import JournalError, Seq, Stored
from kiosk.journal.files import explain
from kiosk.journal.schema import open_reader
from kiosk.values import Moment

_CHUNK = 256
_COLUMNS = "seq, stream, kind, version, utc_ms, boot_id, mono_ns, trusted, body, prev, hash"


@dataclass(frozen=True, slots=True)
class SignedState:
    """A checkpoint as the journal keeps it: the signed note, and the tree's right edge (32-byte hashes, largest subtree first)."""

    size: int
    note: str
    frontier: bytes


def read_entries(db: sqlite3.Connection, path: Path, after: int = 0, stream: str | None = None) -> Iterator[Stored]:
    """Entries with a seq above `after`, in order, all or those of one stream. Entries appended meanwhile are included."""
    condition = "seq > ?" if stream is None else "seq > ? AND stream = ?"
    sql = f"SELECT {_COLUMNS} FROM entries WHERE {condition} ORDER BY seq LIMIT {_CHUNK}"  # noqa: S608 - both are ours
    while True:
        try:
            rows = db.execute(sql, (after,) if stream is None else (after, stream)).fetchall()
        except sqlite3.Error as error:
            raise JournalError(explain(error, path, f"Reading the entries after {after}")) from error
        for seq, name, kind, version, utc_ms, boot_id, mono_ns, trusted, body, prev, digest in rows:
            yield Stored(Seq(seq), name, kind, version, Moment(utc_ms, boot_id, mono_ns, bool(trusted)), body, prev, digest)
        if len(rows) < _CHUNK:
            return
        after = rows[-1][0]


class Reader:
    """A read-only view of a journal that another process may be writing. For one thread at a time."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self.path = path

    @classmethod
    def open(cls, path: Path) -> Self:
        return cls(open_reader(path, "journal"), path)

    def read(self, after: int = 0, stream: str | None = None) -> Iterator[Stored]:
        return read_entries(self._db, self.path, after, stream)

    def head(self) -> Seq:
        """The last entry's seq; 0 when there is none."""
        return Seq(int(self._one("SELECT coalesce(max(seq), 0) FROM entries")))

    def checkpoints(self) -> tuple[SignedState, ...]:
        """Every signed state, oldest first."""
        try:
            rows = self._db.execute("SELECT size, note, frontier FROM checkpoints ORDER BY size").fetchall()
        except sqlite3.Error as error:
            raise JournalError(explain(error, self.path, "Reading the checkpoints")) from error
        return tuple(SignedState(*row) for row in rows)

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _one(self, sql: str) -> int:
        try:
            (value,) = self._db.execute(sql).fetchone()
        except sqlite3.Error as error:
            raise JournalError(explain(error, self.path, "Reading the journal")) from error
        return int(value)
