"""How the journal's databases came to their present shape, one step per transaction.

Loaded only when a step is due: sqlite-utils costs 20 MB that a kiosk with a current schema never needs. A step that
has shipped is never edited; a new shape is a new step, and `kiosk.journal.schema` names them all.
"""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database, Migrations

journal = Migrations("journal")
evidence = Migrations("evidence")


@journal(name="0001_entries")
def _entries(db: Database) -> None:
    db.execute(
        """CREATE TABLE entries(
            seq INTEGER PRIMARY KEY, stream TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL,
            utc_ms INTEGER NOT NULL, boot_id TEXT NOT NULL, mono_ns INTEGER NOT NULL, trusted INTEGER NOT NULL,
            body BLOB NOT NULL, prev BLOB NOT NULL, hash BLOB NOT NULL) STRICT"""
    )
    db.execute("CREATE INDEX entries_by_stream ON entries(stream)")
    db.execute("CREATE TABLE cursors(name TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID")
    db.execute("CREATE TABLE serials(name TEXT PRIMARY KEY, reserved INTEGER NOT NULL) STRICT, WITHOUT ROWID")
    db.execute(
        """CREATE TABLE effects(
            ref TEXT PRIMARY KEY, attempts INTEGER NOT NULL, next_try INTEGER NOT NULL, last_error TEXT NOT NULL, updated INTEGER NOT NULL)
            STRICT, WITHOUT ROWID"""
    )
    db.execute("CREATE TABLE checkpoints(size INTEGER PRIMARY KEY, note TEXT NOT NULL, frontier BLOB NOT NULL) STRICT")


@journal(name="0002_marks")
def _marks(db: Database) -> None:
    db.execute(
        """CREATE TABLE marks(
            consumer TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(consumer, name)) STRICT, WITHOUT ROWID"""
    )


@evidence(name="0001_evidence")
def _evidence(db: Database) -> None:
    db.execute(
        """CREATE TABLE evidence(
            digest TEXT NOT NULL UNIQUE, salt BLOB, data BLOB, until INTEGER, erased INTEGER NOT NULL DEFAULT 0) STRICT"""
    )
    db.execute("CREATE INDEX evidence_by_expiry ON evidence(until) WHERE until IS NOT NULL AND erased = 0")


def migrate(connection: sqlite3.Connection, family: str) -> None:
    """Take every step of `family` that this database has not had."""
    steps = {"journal": journal, "evidence": evidence}[family]
    steps.apply(Database(connection, execute_plugins=False))
