"""One SQLite file of the journal and its one writing connection, which stops at the first sign that the disk lies.

What an fsync that failed left on the medium is unknown, and asking it again proves nothing. So a commit that fails
marks the journal as failed, and every further one is refused until the files were closed, their logs written anew,
and opened again.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from kiosk.journal.entry import JournalError, JournalFailed
from kiosk.journal.files import Layout, explain, out_of_room, settle, sync_directory, sync_file
from kiosk.journal.schema import open_reader, open_writer
from kiosk.journal.wal import WriteAheadLog

log = logging.getLogger(__name__)


class Health:
    """Whether the files of one journal can be trusted to take commits. `reason` is None while they can."""

    def __init__(self) -> None:
        self.reason: str | None = None
        self.full = False  # the disk had no room: the one failure that more room mends

    def fail(self, error: sqlite3.Error | OSError, path: Path) -> JournalFailed:
        self.reason = explain(error, path, "A commit")
        self.full = out_of_room(error, path)
        return JournalFailed(self.reason)

    def recover(self) -> None:
        """The files were opened anew."""
        self.reason, self.full = None, False

    def require(self, path: Path) -> None:
        """Raise `JournalFailed` after a failure."""
        if self.reason is not None:
            raise JournalFailed(f"{path} takes nothing more: {self.reason}")


class Database:
    """`family` names the schema. For one thread at a time."""

    def __init__(self, path: Path, family: str, health: Health) -> None:
        """Opens the file, which exists. Raises `JournalError`."""
        self.path = path
        self._family = family
        self._health = health
        self.connect()

    def connect(self) -> None:
        """Open the file, once what its log holds is known to lie on the medium.

        SQLite makes the log and goes on when the folder cannot be synced: commits would then lie in a file without a name.
        """
        wal = Layout(self.path).wal
        settle(wal)
        self._db = open_writer(self.path, self._family)
        try:
            sync_directory(self.path.parent)
        except OSError as error:
            self._db.close()
            raise JournalError(explain(error, self.path.parent, "Syncing the folder")) from error
        self._log = WriteAheadLog(self._db, wal)

    def close(self) -> None:
        """Close the file. After a failure the log stays for the next `connect` to settle.

        The last connection to a file copies its log back. A reader that closes last cannot.
        """
        with ExitStack() as last:
            if self._health.reason is not None:
                try:
                    last.callback(open_reader(self.path, self._family).close)
                except JournalError as error:
                    log.warning("%s is closed without its log being kept apart: %s", self.path, error)
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, durable when the block ends. Raises `JournalFailed`, and then nothing of it is acknowledged."""
        self._health.require(self.path)
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise self._health.fail(error, self.path) from error

    def rows(self, sql: str, *parameters: str | int) -> list[tuple[Any, ...]]:
        """All rows of a query. Raises `JournalError`."""
        return fetch(self._db, self.path, sql, *parameters)

    def grew(self, content: int) -> None:
        """A commit with `content` bytes was made; the log is folded back before it grows out of hand."""
        self._log.grew(content)
        if self._log.pressing:
            self.tidy()

    def tidy(self) -> None:
        """Fold the log back if it has grown. What is in it stays durable if that fails, but nothing more is taken."""
        if self._health.reason is None:
            try:
                self._log.fold_back()
            except sqlite3.Error as error:
                log.error("%s", self._health.fail(error, self.path))

    def cut_grown_log(self) -> None:
        """Shorten a log beyond its limit, whether anything is written now or not."""
        if self._health.reason is None:
            try:
                self._log.cut_off_if_grown()
            except sqlite3.Error as error:
                log.error("%s", self._health.fail(error, self.path))

    def cut_off_log(self) -> None:
        """Fold the log back and empty it, so that pages of before do not live on in it.

        SQLite does not sync the emptying: without that, a power cut brings them back.
        """
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            sync_file(Layout(self.path).wal)
        except (sqlite3.Error, OSError) as error:
            raise self._health.fail(error, self.path) from error

    @property
    def log_size(self) -> int:
        """Bytes the write-ahead log takes."""
        return self._log.size


def fetch(db: sqlite3.Connection, path: Path, sql: str, *parameters: str | int) -> list[tuple[Any, ...]]:
    """All rows of a query. Raises `JournalError`."""
    try:
        rows: list[tuple[Any, ...]] = db.execute(sql, parameters).fetchall()
    except sqlite3.Error as error:
        raise JournalError(explain(error, path, "Reading")) from error
    return rows
