"""The one writer of a kiosk's journal: one transaction and one fsync per commit, each entry chained to the one before.

After a commit failed the journal refuses every further write until `reopen`: what an fsync that failed left on the
medium is unknown, and asking it again proves nothing. Everything acknowledged before stays.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Self

from kiosk.journal import files
from kiosk.journal.checkpoint import Checkpoint
from kiosk.journal.entry import GENESIS, Entry, JournalError, JournalFailed, Seq, Stored, check_entry, entry_hash
from kiosk.journal.evidence import Evidence, Sealed
from kiosk.journal.reader import Reader, read_entries
from kiosk.journal.reserve import RESERVE_BYTES, Reserve, Space
from kiosk.journal.schema import open_reader, open_writer
from kiosk.journal.signing import SignedTree, find_signer
from kiosk.journal.state import Cursor, Effects, Retry, Serials, Write, check_positions, check_state, read_positions, write_state
from kiosk.journal.verify import Verdict, verify
from kiosk.journal.wal import WriteAheadLog

log = logging.getLogger(__name__)

_INSERT = "INSERT INTO entries VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Journal:
    """A journal open for writing. For one thread at a time; `JournalThread` takes one over for asyncio."""

    def __init__(self, path: Path, entropy: Callable[[int], bytes], reserve_bytes: int) -> None:
        """Opens what is already there; use `Journal.open`."""
        self.path = path
        self.layout = files.Layout(path)
        self._entropy = entropy
        self._reserve = Reserve(self.layout.reserve, reserve_bytes)
        self._failure: str | None = None
        self._head = Seq(0)
        self._tip = GENESIS
        self._lock = files.WriterLock(self.layout.lock)
        try:
            self._connect()
            self._signer = find_signer(self.layout, self._entropy, signed_before=self._tree.last is not None)
        except BaseException:
            self._lock.release()
            raise
        self._reserve.hold()
        self.serials = Serials(self)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        create: bool = True,
        entropy: Callable[[int], bytes] = secrets.token_bytes,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> Self:
        """Open the journal at `path`, making it if need be.

        `entropy(n)` gives n random bytes for salts and the key; `reserve_bytes` of the disk are kept back for the day it is full.
        Raises `JournalBusy` while another process writes to it, `JournalError` when it cannot be opened or was written by a newer program.
        """
        layout = files.Layout(path)
        if create:
            files.make_directory(path.parent)
            files.make_file(layout.database, files.JOURNAL_MODE)
            files.make_file(layout.evidence, files.SECRET_MODE)
        elif not path.exists():
            raise JournalError(f"{path} does not exist: check the path, or start the core once to make a journal")
        return cls(path, entropy, reserve_bytes)

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
        check_state(write)
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
        self._log.grew(sum(len(entry.body) for write in writes for entry in write.entries))
        before = self._head
        self._head, self._tip = head, tip
        for write in writes:
            for name, seq in write.positions.items():
                self._positions[name] = max(seq, self._positions.get(name, Seq(0)))
        if self._log.pressing:
            self.tidy()
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

    def checkpoint(self) -> Checkpoint:
        """Sign the tree over all entries so far, durably; gives the last one again when nothing was added since."""
        self._refuse_after_failure()
        try:
            return self._tree.sign(self._head, self._signer)
        except sqlite3.Error as error:
            raise self._fail(error) from error

    def last_checkpoint(self) -> Checkpoint | None:
        """The newest signed state; None before the first."""
        return self._tree.last

    @property
    def public_key(self) -> str:
        """The key that checkpoints verify with, as a C2SP vkey. Keep it, and checkpoints, away from the kiosk."""
        return self._signer.vkey

    def verify(self, *, from_checkpoint: bool = False) -> Verdict:
        """Check the journal as it is on the disk, with its own key; see `kiosk.journal.verify`."""
        with self.reader() as reader:
            return verify(reader, from_checkpoint=from_checkpoint)

    def tidy(self) -> None:
        """In a quiet moment: copy grown write-ahead logs back into their databases."""
        if self.failed:
            return
        try:
            self._log.fold_back()
            self.evidence.tidy()
        except sqlite3.Error as error:
            log.error("%s", self._fail(error))

    def space(self) -> Space:
        """How the disk stands; start no new sale while `low`."""
        return Space(self._reserve.free(), self._reserve.total(), self._reserve.held, self._log.size)

    def release_reserve(self) -> None:
        """Give the room kept back to the disk, so that what runs can be finished."""
        self._reserve.release()

    def hold_reserve(self) -> bool:
        """Keep room back again, once there is enough; says whether it is held."""
        return self._reserve.hold()

    def reopen(self) -> Seq:
        """Open the files anew after a failure; gives the head found there.

        The commit that failed may have reached the disk or not: fold what lies behind your last seq. Raises
        `JournalError` while the disk still fails, or when it lost what it had acknowledged.
        """
        head, tip = self._head, self._tip
        self._disconnect()
        self._failure = self._failure or "it could not be opened anew"
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
        self._reserve.release_if_starving()
        files.settle(self.layout.wal)
        files.settle(files.Layout(self.layout.evidence).wal)
        with ExitStack() as undo:
            self._db = open_writer(self.path, "journal")
            undo.callback(self._db.close)
            self._evidence_db = open_writer(self.layout.evidence, "evidence")
            undo.callback(self._evidence_db.close)
            try:
                self._load()
            except sqlite3.Error as error:
                raise JournalError(files.explain(error, self.path, "Reading the end of the journal")) from error
            undo.pop_all()
        self._failure = None

    def _load(self) -> None:
        self.evidence = Evidence(self._evidence_db, self.layout.evidence, self._entropy)
        self.effects = Effects(self, self._db)
        self._log = WriteAheadLog(self._db, self.layout.wal)
        self._positions = read_positions(self._db)
        self._tree = SignedTree(self._db, self.path)
        row = self._db.execute("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        self._head, self._tip = (Seq(0), GENESIS) if row is None else (Seq(row[0]), bytes(row[1]))

    def _disconnect(self) -> None:
        """Close both connections.

        The last connection to a database copies its log back, which after a failure must wait until the log is known
        to lie on the medium. A reader that closes last cannot.
        """
        with ExitStack() as guards:
            if self.failed:
                for path, family in ((self.path, "journal"), (self.layout.evidence, "evidence")):
                    try:
                        guards.callback(open_reader(path, family).close)
                    except JournalError as error:
                        log.warning("Closing without care: %s", error)
            self._db.close()
            self._evidence_db.close()

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
