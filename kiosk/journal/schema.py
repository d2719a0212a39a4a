"""Connections to the journal's databases: with the promises set, read back, and a schema this program knows.

A pragma that did not take is found here, not at the next power cut. WAL with synchronous=FULL loses no acknowledged commit; NORMAL does.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from kiosk.journal.entry import JournalError
from kiosk.journal.files import Layout, explain

STEPS: Mapping[str, tuple[str, ...]] = {"journal": ("0001_entries", "0002_marks"), "evidence": ("0001_evidence",)}
_READ_FROM = {"journal": "0001_entries", "evidence": "0001_evidence"}  # what a reader needs: a journal of before is read as it is

_WRITER: Mapping[str, int | str] = {
    "page_size": 4096,
    "journal_mode": "wal",
    "synchronous": 2,
    "mmap_size": 0,
    "foreign_keys": 1,
    "wal_autocheckpoint": 0,  # the journal copies the log back itself, outside a commit
    "trusted_schema": 0,
}
_FAMILY: Mapping[str, Mapping[str, int | str]] = {
    "journal": {},
    "evidence": {"secure_delete": 1},  # an erased datum is overwritten, not only unlinked
}
_READER: Mapping[str, int | str] = {"mmap_size": 0, "query_only": 1, "trusted_schema": 0}


def open_writer(path: Path, family: str) -> sqlite3.Connection:
    """The one connection that writes to `path`, its schema brought up to date. Usable from any thread, by one at a time."""
    try:
        connection = _connect(path, "rw")
    except sqlite3.Error as error:
        raise JournalError(explain(error, path, "Opening the database")) from error
    try:
        _set(connection, path, {**_WRITER, **_FAMILY[family]})
        done = _steps_done(connection, path, family)
        if len(done) < len(STEPS[family]):
            from kiosk.journal.migrations import migrate  # noqa: PLC0415 - sqlite-utils is loaded only for the work

            migrate(connection, family)
    except sqlite3.Error as error:
        connection.close()
        raise JournalError(explain(error, path, "Opening the database")) from error
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path, family: str) -> sqlite3.Connection:
    """A connection that cannot write, for `path` as it is. The schema must not be newer than what this program knows."""
    try:
        connection = _connect(path, "ro&immutable=1" if _at_rest(path) else "ro")
    except sqlite3.Error as error:
        raise JournalError(explain(error, path, "Opening the database")) from error
    try:
        _set(connection, path, _READER)
        if _READ_FROM[family] not in _steps_done(connection, path, family):
            raise JournalError(f"{path} is an SQLite file, but not the {family} of a kiosk: look whether it is the right file")
    except sqlite3.Error as error:
        connection.close()
        raise JournalError(explain(error, path, "Opening the database")) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _at_rest(path: Path) -> bool:
    """Whether nobody writes it and we may not either, such as a copy on a read-only medium: SQLite then needs no files beside it."""
    layout = Layout(path)
    log_empty = not layout.wal.exists() or layout.wal.stat().st_size == 0
    return log_empty and not layout.shm.exists() and not os.access(path.parent, os.W_OK)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=5.0)


def _set(connection: sqlite3.Connection, path: Path, pragmas: Mapping[str, int | str]) -> None:
    for name, wanted in pragmas.items():
        connection.execute(f"PRAGMA {name}={wanted}").fetchall()
    for name, wanted in pragmas.items():
        found = connection.execute(f"PRAGMA {name}").fetchone()
        if found is None or found[0] != wanted:
            got = None if found is None else found[0]
            raise JournalError(
                f"{path} does not keep PRAGMA {name}={wanted} (it says {got!r}): this SQLite or this file cannot carry a journal"
            )


def _steps_done(connection: sqlite3.Connection, path: Path, family: str) -> tuple[str, ...]:
    with closing(connection.execute("SELECT 1 FROM sqlite_master WHERE type='table' AND name='_sqlite_migrations'")) as found:
        if found.fetchone() is None:
            return ()
    rows = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set=? ORDER BY id", (family,)).fetchall()
    done = tuple(str(name) for (name,) in rows)
    strange = [name for name in done if name not in STEPS[family]]
    if strange:
        raise JournalError(
            f"{path} was written by a newer PilePay (schema step {strange[0]}): install that version again, this one would harm it"
        )
    return done
