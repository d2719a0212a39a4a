"""What proves an entry but must not stand in it for ever: raw frames, UIDs, e-mail addresses, company names.

An entry holds only `SHA-256(salt || data)` in hex. The salt lies with the data, so a short secret such as a UID
cannot be found by trying all of them once both are erased, and the chain of entries still verifies because it never
held more than the digest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from kiosk.journal.entry import JournalError, JournalRefused
from kiosk.journal.files import Layout, explain
from kiosk.journal.wal import WriteAheadLog
from kiosk.values import Digest

_SALT_BYTES = 16


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """Evidence with its digest, not yet on disk. `until` is the UTC millisecond from which it may be erased; None: only by hand."""

    digest: Digest
    salt: bytes
    data: bytes
    until: int | None


def seal(data: bytes, until: int | None, entropy: Callable[[int], bytes]) -> Sealed:
    """Give `data` its digest. Writes nothing."""
    salt = entropy(_SALT_BYTES)
    return Sealed(Digest(sha256(salt + data).hexdigest()), salt, data, until)


class Evidence:
    """The evidence beside one journal."""

    def __init__(self, connection: sqlite3.Connection, path: Path, entropy: Callable[[int], bytes]) -> None:
        self._db = connection
        self._path = path
        self._entropy = entropy
        self._log = WriteAheadLog(connection, Layout(path).wal)

    def seal(self, data: bytes, until: int | None) -> Sealed:
        """Give `data` its digest, to be put into an entry; store it with `Journal.append(…, evidence=[sealed])`."""
        return seal(data, until, self._entropy)

    def put(self, data: bytes, until: int | None) -> Digest:
        """Store `data` durably, by itself."""
        sealed = self.seal(data, until)
        self.store((sealed,))
        return sealed.digest

    def store(self, sealed: Sequence[Sealed]) -> None:
        """Store all of it in one commit. Raises sqlite3.Error."""
        rows = [(s.digest, s.salt, s.data, s.until) for s in sealed]
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany("INSERT INTO evidence(digest, salt, data, until) VALUES(?, ?, ?, ?) ON CONFLICT(digest) DO NOTHING", rows)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._log.grew(sum(len(s.data) for s in sealed))

    def tidy(self) -> None:
        """Copy the write-ahead log back if it has grown. Raises sqlite3.Error."""
        self._log.fold_back()

    def get(self, digest: Digest) -> bytes | None:
        """The data behind `digest`; None when it was erased by rule."""
        row = self._db.execute("SELECT salt, data, erased FROM evidence WHERE digest=?", (digest,)).fetchone()
        if row is None:
            raise JournalRefused(f"{self._path} holds nothing under digest {digest[:12]}…: it was never stored here")
        salt, data, erased = row
        if erased:
            return None
        if sha256(salt + data).hexdigest() != digest:
            raise JournalError(f"The evidence {digest[:12]}… in {self._path} was altered: keep the file and restore it from a copy")
        return bytes(data)

    def erase(self, digests: Iterable[Digest]) -> int:
        """Erase the data behind `digests` for good; says how many there were. The digests stay known as erased."""
        return self._erase("digest=?", [(digest,) for digest in digests])

    def erase_expired(self, now_ms: int) -> int:
        """Erase all whose time has come by the UTC millisecond `now_ms`."""
        return self._erase("until IS NOT NULL AND until <= ?", [(now_ms,)])

    def _erase(self, where: str, parameters: Sequence[tuple[str | int]]) -> int:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                sql = f"UPDATE evidence SET salt=NULL, data=NULL, erased=1 WHERE erased=0 AND {where}"  # noqa: S608 - `where` is ours
                erased = self._db.executemany(sql, parameters).rowcount
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            if erased:
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # the old pages must not live on in the log
        except sqlite3.Error as error:
            raise JournalError(explain(error, self._path, "Erasing evidence")) from error
        return max(erased, 0)
