"""The one writer of a kiosk's journal: one transaction and one fsync per commit, each entry chained to the one before.

After a commit failed the journal refuses every further write until `reopen`: what an fsync that failed left on the
medium is unknown, and asking it again proves nothing. Everything acknowledged before stays.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Self

from kiosk.journal import files
from kiosk.journal.entry import GENESIS, Entry, JournalError, JournalFailed, Seq, Stored, check_entry, entry_hash
from kiosk.journal.evidence import Evidence, Sealed
from kiosk.journal.reader import Reader, read_entries
from kiosk.journal.schema import open_writer
from kiosk.journal.state import Cursor, Effects, Retry, Serials, Write, check_positions, read_positions, write_state

_INSERT = "INSERT INTO entries VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Journal:
    """A journal open for writing. For one thread at a time; `JournalThread` takes one over for asyncio."""

    def __init__(self, path: Path, entropy: Callable[[int], bytes]) -> None:
        """Opens what is already there; use `Journal.open`."""
        self.path = path
        self.layout = files.Layout(path)
        self._entropy = entropy
        self._failure: str | None = None
        self._head = Seq(0)
        self._tip = GENESIS
        self._lock = files.WriterLock(self.layout.lock)
        self._lock.sign()
        try:
            self._connect()
        except BaseException:
            self._lock.release()
            raise
        self.serials = Serials(self)

    @classmethod
    def open(cls, path: Path, *, create: bool = True, entropy: Callable[[int], bytes] = secrets.token_bytes) -> Self:
        """Open the journal at `path`, making it if need be. `entropy(n)` gives n random bytes for salts and the key.

        Raises `JournalBusy` while another process writes to it, `JournalError` when it cannot be opened or was written by a newer program.
        """
        layout = files.Layout(path)
        if create:
            files.make_directory(path.parent)
            files.make_file(layout.database, files.JOURNAL_MODE)
            files.make_file(layout.evidence, files.SECRET_MODE)
        elif not path.exists():
            raise JournalError(f"{path} does not exist: check the path, or start the core once to make a journal")
        return cls(path, entropy)

    @property
    def head(self) -> Seq:
        """The last durable entry's seq; 0 when there is none."""
        return self._head

    @property
    def failed(self) -> bool:
        """Whether a commit failed, so that nothing can be written until `reopen`."""
        return self._failure is not None

    def append(
        self,
        batch: Sequence[Entry],
        *,
        evidence: Sequence[Sealed] = (),
        retries: Sequence[Retry] = (),
        settled: Sequence[str] = (),
    ) -> Seq:
        """Append `batch` in one transaction, durable on return; gives the seq of its last entry.

        `evidence` is durable before the entries that name it. `retries` and `settled` write and delete rows of
        `effects` in the same transaction. Raises `JournalRefused` (nothing written, go on) or `JournalFailed` (see
        `reopen`).
        """
        write = Write(tuple(batch), tuple(evidence), tuple(retries), tuple(settled))
        return self.commit((write,))[-1]

    def read(self, after: int = 0, stream: str | None = None) -> Iterator[Stored]:
        """Entries with a seq above `after`, in order, all or those of one stream."""
        return read_entries(self._db, self.path, after, stream)

    def cursor(self, name: str) -> Cursor:
        """The durable cursor of the consumer `name`."""
        return Cursor(self, name, self._positions)

    def check(self, write: Write) -> None:
        """Raise `JournalRefused` if `write` makes no sense, before it can spoil the commit of others."""
        for entry in write.entries:
            check_entry(entry)
        check_positions(write.positions, self._positions, self._head)

    def commit(self, writes: Iterable[Write]) -> tuple[Seq, ...]:
        """Make all of `writes` durable, in order, with one fsync (and one before it if they bring evidence).

        Gives for each the seq of the last entry so far.
        """
        writes = tuple(writes)
        self._refuse_after_failure()
        for write in writes:
            self.check(write)
        sealed = tuple(s for write in writes for s in write.evidence)
        rows, head, tip = self._chain(entry for write in writes for entry in write.entries)
        try:
            if sealed:
                self.evidence.store(sealed)
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(_INSERT, rows)
                for write in writes:
                    write_state(self._db, write)
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise self._fail(error) from error
        before = self._head
        self._head, self._tip = head, tip
        for write in writes:
            for name, seq in write.positions.items():
                self._positions[name] = max(seq, self._positions.get(name, Seq(0)))
        return tuple(Seq(before + count) for count in accumulate(len(write.entries) for write in writes))

    def reserve_serials(self, name: str, count: int) -> range:
        """Take `count` numbers of the series `name`; they are never given out again, even after a crash."""
        self._refuse_after_failure()
        sql = "INSERT INTO serials VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET reserved = reserved + ?2 RETURNING reserved"
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                (reserved,) = self._db.execute(sql, (name, count)).fetchone()
                self._db.execute("COMMIT")
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise self._fail(error) from error
        return range(reserved - count + 1, reserved + 1)

    def reopen(self) -> Seq:
        """Open the files anew after a failure; gives the head found there.

        The commit that failed may have reached the disk or not: fold what lies behind your last seq. Raises
        `JournalError` while the disk still fails, or when it lost what it had acknowledged.
        """
        head, tip = self._head, self._tip
        self._disconnect()
        self._connect()
        if head and self._hash_at(head) != tip:
            self._failure = "acknowledged entries are gone"
            raise JournalError(
                f"{self.path} lost entries up to {head} that it had acknowledged: keep the file, restore it from the ledger's copy"
            )
        return self._head

    def reader(self) -> Reader:
        """A read-only connection of its own, for another thread."""
        return Reader.open(self.path)

    def close(self) -> None:
        """Give the files back. A sound journal is left without a write-ahead log."""
        self._disconnect()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _connect(self) -> None:
        evidence_wal = files.Layout(self.layout.evidence).wal
        files.settle(self.layout.wal)
        files.settle(evidence_wal)
        self._db = open_writer(self.path, "journal")
        try:
            self._evidence_db = open_writer(self.layout.evidence, "evidence")
        except BaseException:
            self._db.close()
            raise
        self.evidence = Evidence(self._evidence_db, self.layout.evidence, self._entropy)
        self.effects = Effects(self, self._db)
        self._positions = read_positions(self._db)
        row = self._db.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        self._head, self._tip = (Seq(0), GENESIS) if row is None else (Seq(row[0]), bytes(row[1]))
        self._failure = None

    def _disconnect(self) -> None:
        """Close both connections; after a failure without letting SQLite copy a log back that may not be on the medium."""
        guards = [Reader.open(self.path)] if self.failed else []
        for guard in guards:
            guard.head()
        self._db.close()
        self._evidence_db.close()
        for guard in guards:
            guard.close()

    def _chain(self, entries: Iterable[Entry]) -> tuple[list[tuple[object, ...]], Seq, bytes]:
        rows: list[tuple[object, ...]] = []
        seq, tip = int(self._head), self._tip
        for e in entries:
            seq += 1
            digest = entry_hash(seq, e, tip)
            rows.append((seq, e.stream, e.kind, e.version, e.at.utc_ms, e.at.boot_id, e.at.mono_ns, int(e.at.trusted), e.body, tip, digest))
            tip = digest
        return rows, Seq(seq), tip

    def _hash_at(self, seq: int) -> bytes | None:
        row = self._db.execute("SELECT hash FROM entries WHERE seq=?", (seq,)).fetchone()
        return None if row is None else bytes(row[0])

    def _refuse_after_failure(self) -> None:
        if self._failure is not None:
            raise JournalFailed(f"{self.path} takes no more entries since a commit failed ({self._failure}): open it again")

    def _fail(self, error: sqlite3.Error) -> JournalFailed:
        self._failure = files.explain(error, self.path, "A commit")
        return JournalFailed(self._failure)
