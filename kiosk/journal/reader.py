"""Reading the journal without standing in the writer's way: consumers, the console, the command line.

Rows come in chunks, each its own short transaction. A cursor left open would pin the write-ahead log and let it grow without bound.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from kiosk.journal.checkpoint import PublicKey, parse_keys
from kiosk.journal.database import fetch
from kiosk.journal.entry import JournalError, Seq, Stored
from kiosk.journal.files import Layout, explain
from kiosk.journal.schema import open_reader
from kiosk.values import Moment

CHUNK = 256
_OUTLINE = 4_096  # rows of an outline are short
_MAGIC = b"SQLite format 3\x00"  # sqlite.org/fileformat, "The Database Header"
_COLUMNS = "seq, stream, kind, version, utc_ms, boot_id, mono_ns, trusted, body, prev, hash"


class Query(Protocol):
    def __call__(self, sql: str, *parameters: str | int) -> list[tuple[Any, ...]]: ...


@dataclass(frozen=True, slots=True)
class SignedState:
    """A checkpoint as the journal keeps it: the signed note, and the tree's right edge (32-byte hashes, largest subtree first)."""

    size: int
    note: str
    frontier: bytes


def read_entries(rows_of: Query, after: int, stream: str | None, chunk: int = CHUNK) -> Iterator[Stored]:
    """Entries with a seq above `after`, in order, all or those of one stream. Entries appended meanwhile are included."""
    condition = "seq > ?" if stream is None else "seq > ? AND stream = ?"
    sql = f"SELECT {_COLUMNS} FROM entries WHERE {condition} ORDER BY seq LIMIT {chunk}"  # noqa: S608 - both are ours
    while True:
        rows = rows_of(sql, after) if stream is None else rows_of(sql, after, stream)
        yield from map(_stored, rows)
        if len(rows) < chunk:
            return
        after = rows[-1][0]


def read_outline(rows_of: Query, kinds: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Seq, stream and kind of every entry of these kinds, in order."""
    sql = f"SELECT seq, stream, kind FROM entries WHERE seq > ? AND kind IN ({_marks(kinds)}) ORDER BY seq LIMIT {_OUTLINE}"  # noqa: S608 - ours
    after = 0
    while rows := rows_of(sql, after, *kinds):
        yield from rows
        after = rows[-1][0]


def read_part(rows_of: Query, until: int, stream: str, kinds: Sequence[str]) -> Iterator[Stored]:
    """Entries with a seq up to `until`, in order: those of one stream, and of all others those of these kinds."""
    wanted = f"seq > ? AND seq <= ? AND (stream = ? OR kind IN ({_marks(kinds)}))"
    sql = f"SELECT {_COLUMNS} FROM entries WHERE {wanted} ORDER BY seq LIMIT {CHUNK}"  # noqa: S608 - ours
    after = 0
    while rows := rows_of(sql, after, until, stream, *kinds):
        yield from map(_stored, rows)
        after = rows[-1][0]


def read_one(rows_of: Query, seq: int) -> Iterator[Stored]:
    """The entry with this seq, if there is one."""
    yield from map(_stored, rows_of(f"SELECT {_COLUMNS} FROM entries WHERE seq = ?", seq))  # noqa: S608 - ours


def versions(rows_of: Query) -> dict[str, int]:
    """Every kind of entry, with its highest version."""
    return {str(kind): int(version) for kind, version in rows_of("SELECT kind, max(version) FROM entries GROUP BY kind")}


def _stored(row: tuple[Any, ...]) -> Stored:
    seq, name, kind, version, utc_ms, boot_id, mono_ns, trusted, body, prev, digest = row
    return Stored(seq, name, kind, version, Moment(utc_ms, boot_id, mono_ns, bool(trusted)), body, prev, digest)


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


class Reader:
    """A read-only view of a journal that another process may be writing. For one thread at a time."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self.path = path

    @classmethod
    def open(cls, path: Path) -> Self:
        return cls(open_reader(path, "journal"), path)

    def read(self, after: int = 0, stream: str | None = None, *, chunk: int = CHUNK) -> Iterator[Stored]:
        """Entries with a seq above `after`, in order, all or those of one stream; `chunk` rows at a time."""
        return read_entries(self._rows, after, stream, chunk)

    def hash_at(self, seq: int) -> bytes | None:
        """The hash stored with entry `seq`."""
        rows = self._rows("SELECT hash FROM entries WHERE seq=?", seq)
        return bytes(rows[0][0]) if rows else None

    def head(self) -> Seq:
        """The last entry's seq; 0 when there is none."""
        ((seq,),) = self._rows("SELECT coalesce(max(seq), 0) FROM entries")
        return Seq(seq)

    def waiting(self, after: int, kinds: Sequence[str]) -> tuple[int, int | None]:
        """How many entries of these kinds have a seq above `after`, and when the oldest happened (UTC milliseconds)."""
        sql = f"SELECT count(*), min(utc_ms) FROM entries WHERE seq > ? AND kind IN ({_marks(kinds)})"  # noqa: S608 - question marks only
        ((count, oldest),) = self._rows(sql, after, *kinds)
        return int(count), None if oldest is None else int(oldest)

    def streams(self, ending: str) -> tuple[str, ...]:
        """The streams whose names end with `ending`. Goes through the names alone, in the index; not through the entries."""
        if self._rows("SELECT 1 FROM entries WHERE stream=? LIMIT 1", ending):
            return (ending,)
        sql = (
            "WITH RECURSIVE names(name) AS (SELECT min(stream) FROM entries"
            " UNION ALL SELECT (SELECT min(stream) FROM entries WHERE stream > name) FROM names WHERE name IS NOT NULL)"
            " SELECT name FROM names WHERE substr(name, -length(?1)) = ?1"
        )
        return tuple(str(name) for (name,) in self._rows(sql, ending))

    def damage(self) -> str | None:
        """What SQLite itself finds wrong with the file's pages and indexes; None if nothing. Reads the whole file."""
        try:
            ((finding,),) = self._rows("PRAGMA integrity_check(1)")
        except JournalError as error:
            return str(error)
        return None if finding == "ok" else str(finding)

    def keys(self) -> tuple[PublicKey, ...]:
        """The public keys that lie beside the journal, the present one last."""
        path = Layout(self.path).public
        try:
            return parse_keys(path.read_text())
        except OSError as error:
            raise JournalError(explain(error, path, "Reading the journal's public key")) from error

    def checkpoints(self) -> tuple[SignedState, ...]:
        """Every signed state, oldest first."""
        return tuple(SignedState(*row) for row in self._rows("SELECT size, note, frontier FROM checkpoints ORDER BY size"))

    def signed_with(self, seq: int) -> SignedState | None:
        """The first signed state that includes entry `seq`; None while there is none."""
        rows = self._rows("SELECT size, note, frontier FROM checkpoints WHERE size >= ? ORDER BY size LIMIT 1", seq)
        return SignedState(*rows[0]) if rows else None

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _rows(self, sql: str, *parameters: str | int) -> list[tuple[Any, ...]]:
        return fetch(self._db, self.path, sql, *parameters)


def opened(path: Path) -> Reader:
    """The journal at `path`, to be read. Raises `JournalError` with what is there instead, and what to give."""
    try:
        if path.is_dir():
            raise JournalError(f"{path} is a folder: give the file, such as {path / 'journal.db'}")
        with path.open("rb") as file:
            begins = file.read(len(_MAGIC))
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}. Give the journal of a kiosk, as a user who may read it") from error
    if not begins:
        raise JournalError(f"{path} is empty: that is no journal. If it is a copy, it failed: fetch it again with SQLite's `.backup`")
    if begins != _MAGIC:
        raise JournalError(f"{path} is no journal: not an SQLite file. Give the journal of a kiosk (journal.db), or a copy of it")
    return Reader.open(path)
