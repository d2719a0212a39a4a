"""Keeps a write-ahead log small and hot: copied back into the database now and then, outside the commits that someone waits for.

A log that was copied back is overwritten from its start, which costs the disk less than letting it grow. A reader
that stays inside a transaction pins the log; then it grows, and someone must be told before it fills the disk.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

log = logging.getLogger(__name__)

FOLD_AT = 2 << 20
LIMIT = 8 << 20
_COMMIT_COST = 5 * 4120  # a commit dirties a handful of pages besides what it brings


class WriteAheadLog:
    """The log of one database, which `db` alone writes."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._since_fold = 0
        self._alarmed_at = LIMIT

    @property
    def size(self) -> int:
        """Bytes the log takes on the disk."""
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def grew(self, content: int) -> None:
        """A commit with `content` bytes was made."""
        self._since_fold += content + _COMMIT_COST

    @property
    def pressing(self) -> bool:
        """Whether it has grown so far that the next commit should not wait for a quiet moment."""
        return self._since_fold > LIMIT // 2

    def fold_back(self) -> None:
        """Copy the log back if there is enough in it; cut it off when it is above the limit. Raises sqlite3.Error."""
        if self._since_fold < FOLD_AT:
            return
        self._since_fold = 0
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        if self.size > LIMIT:
            self._cut_off()

    def cut_off_if_grown(self) -> None:
        """Cut it off when it is above the limit. Raises sqlite3.Error."""
        if self.size > LIMIT:
            self._cut_off()

    def _cut_off(self) -> None:
        self._db.execute("PRAGMA busy_timeout=0")
        try:
            ((busy, _, _),) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self._db.execute("PRAGMA busy_timeout=5000")
        if busy and self.size >= self._alarmed_at:
            self._alarmed_at = self.size + LIMIT
            log.warning("%s has grown to %d bytes because a reader holds it: end programs that read the journal", self._path, self.size)
        if not busy:
            self._alarmed_at = LIMIT
