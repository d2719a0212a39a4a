"""The one writer of a kiosk's journal: one transaction and one fsync per commit, each entry chained to the one before.

After a commit failed the journal refuses every further write until `reopen`; everything acknowledged before stays.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from heapq import merge
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Self

from kiosk.journal import files, fold
from kiosk.journal.checkpoint import Checkpoint, PublicKey
from kiosk.journal.database import Database, Health
from kiosk.journal.entry import GENESIS, Entry, JournalError, Seq, Stored, check_entry, entry_hash
from kiosk.journal.evidence import Evidence, Sealed
from kiosk.journal.fold import Fold
from kiosk.journal.reader import Reader, read_entries, read_one, read_outline, read_part, versions
from kiosk.journal.reserve import RESERVE_BYTES, Reserve, Space
from kiosk.journal.signing import SignedTree, find_signer
from kiosk.journal.state import Cursor, Effects, Retry, Serials, Write, check_positions, check_state, write_state
from kiosk.journal.verify import Verdict, verify

log = logging.getLogger(__name__)

_INSERT = "INSERT INTO entries VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Journal:
    """A journal open for writing. For one thread at a time; `JournalThread` takes one over for asyncio."""

    def __init__(self, path: Path, entropy: Callable[[int], bytes], reserve_bytes: int) -> None:
        """Opens what is already there; use `Journal.open`."""
        self.path = path
        self.layout = files.Layout(path)
        self._health = Health()
        self._head = Seq(0)
        self._tip = GENESIS
        self._reserve = Reserve(self.layout.reserve, reserve_bytes)
        with ExitStack() as undo:
            self._lock = files.WriterLock(self.layout.lock)
            undo.callback(self._lock.release)
            self._reserve.release_if_starving()
            self._database = Database(path, "journal", self._health)
            undo.callback(self._database.close)
            self._aside = Database(self.layout.evidence, "evidence", self._health)
            undo.callback(self._aside.close)
            self._load()
            self._signer = find_signer(self.layout, entropy, signed_before=self._tree.last is not None)
            undo.pop_all()
        self._reserve.hold()
        self.evidence = Evidence(self._aside, entropy)
        self.effects = Effects(self, self._database)
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

        `entropy(n)` gives n random bytes for salts and the key; `reserve_bytes` of the disk are kept back for the day
        it is full. Raises `JournalBusy` while another process writes to it, `JournalError` when it cannot be opened,
        was written by a newer program, or was there and is gone.
        """
        if create:
            _make(files.Layout(path))
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
        return self._health.reason is not None

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
        return read_entries(self._database.rows, after, stream)

    def outline(self, kinds: Sequence[str]) -> Iterator[tuple[int, str, str]]:
        """Seq, stream and kind of every entry of these kinds, in order."""
        return read_outline(self._database.rows, kinds)

    def part(self, until: int, stream: str, kinds: Sequence[str], alone: Sequence[int] = ()) -> Iterator[Stored]:
        """Entries with a seq up to `until`, in order: those of one stream, those of these kinds, and the ones with the seqs `alone`."""
        rows = self._database.rows
        others = (stored for seq in alone for stored in read_one(rows, seq))
        return merge(read_part(rows, until, stream, kinds), others, key=lambda stored: stored.seq)

    def versions(self) -> dict[str, int]:
        """Every kind of entry, with its highest version."""
        return versions(self._database.rows)

    def cursor(self, name: str) -> Cursor:
        """The durable cursor of the consumer `name`."""
        return Cursor(self, name)

    def position(self, name: str) -> Seq:
        """How far the consumer `name` has come; 0 before the first entry."""
        return self._positions.get(name, Seq(0))

    def marks(self, consumer: str) -> dict[str, str]:
        """What the consumer `consumer` remembers, by name."""
        rows = self._database.rows("SELECT name, value FROM marks WHERE consumer=? ORDER BY name", consumer)
        return {str(name): str(value) for name, value in rows}

    def commit(self, writes: Iterable[Write]) -> tuple[Seq, ...]:
        """Make all of `writes` durable, in order, with one fsync (and one before it if they bring evidence).

        Gives for each the seq of the last entry so far. Raises `JournalRefused`, before anything is written, if one of them makes no sense.
        """
        writes = tuple(writes)
        for write in writes:
            for entry in write.entries:
                check_entry(entry)
            check_state(write)
            check_positions(write.positions, self._positions, self._head)
        if sealed := tuple(s for write in writes for s in write.evidence):
            self.evidence.store(sealed)
        rows, head, tip = self._chain(entry for write in writes for entry in write.entries)
        with self._database.transaction() as db:
            db.executemany(_INSERT, rows)
            for write in writes:
                write_state(db, write)
        before, self._head, self._tip = self._head, head, tip
        for write in writes:
            for name, seq in write.positions.items():
                self._positions[name] = max(seq, self.position(name))
        self._database.grew(sum(len(entry.body) for write in writes for entry in write.entries))
        return tuple(Seq(before + count) for count in accumulate(len(write.entries) for write in writes))

    def reserve_serials(self, name: str, count: int) -> range:
        """Take `count` numbers of the series `name`; they are never given out again, even after a crash."""
        sql = "INSERT INTO serials VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET reserved = reserved + ?2 RETURNING reserved"
        with self._database.transaction() as db:
            ((reserved,),) = db.execute(sql, (name, count)).fetchall()
        return range(reserved - count + 1, reserved + 1)

    def checkpoint(self) -> Checkpoint:
        """Sign the tree over all entries so far, durably; gives the last one again when nothing was added since."""
        self._health.require(self.path)
        return self._tree.sign(self._head, self._signer)

    @property
    def public_key(self) -> str:
        """The key that checkpoints verify with, as a C2SP vkey. Keep it, and checkpoints, away from the kiosk."""
        return self._signer.vkey

    def keep_fold(self, seq: int, fingerprint: str, state: bytes) -> None:
        """Keep what the entries up to `seq` add up to, for the next start; see `kiosk.journal.fold`. Never fails: it is only a cache."""
        digest = self._hash_at(seq)
        if digest is None:
            return
        try:
            fold.keep(self.layout.fold, Fold(Seq(seq), digest, fingerprint, state), self._signer)
        except OSError as error:
            log.warning("The next start will take longer: %s", files.explain(error, self.layout.fold, "Keeping the folded state"))

    def find_fold(self, fingerprint: str) -> Fold | None:
        """What was kept, if it fits this journal and `fingerprint` in every way."""
        return fold.find(self.layout.fold, fingerprint, PublicKey(self._signer.public, self._signer.origin), self._hash_at)

    def verify(self, *, from_checkpoint: bool = False) -> Verdict:
        """Check the journal as it is on the disk, with its own key; see `kiosk.journal.verify`."""
        with self.reader() as reader:
            return verify(reader, from_checkpoint=from_checkpoint)

    def tidy(self) -> None:
        """In a quiet moment: copy grown write-ahead logs back into their databases."""
        self._database.tidy()
        self._aside.tidy()

    def space(self) -> Space:
        """How the disk stands; start no new sale while `low`."""
        reserve = self._reserve
        return Space(reserve.free(), reserve.total(), reserve.held, self._database.log_size, reserve.read_only())

    def release_reserve(self) -> None:
        """Give the room kept back to the disk, so that what runs can be finished."""
        self._reserve.release()

    def hold_reserve(self) -> bool:
        """Keep room back again, once there is enough; says whether it is held."""
        return self._reserve.hold()

    @property
    def full(self) -> bool:
        """Whether nothing can be written because the disk was full; `relieve` may help."""
        return self._health.reason is not None and self._health.full

    def relieve(self) -> bool:
        """After the disk was full: give it the room kept back and open the files anew. False if there was none left to give.

        Raises `JournalError` if they cannot be opened.
        """
        if not self._reserve.spare:
            return False
        log.error("The disk under %s is full: the room kept back is used up now, to finish what runs. Free some space", self.path)
        self._reserve.release()
        self.reopen()
        return True

    def cut_log(self) -> None:
        """Try to shorten a write-ahead log that has grown beyond its limit; tells the log who holds it when it cannot."""
        self._database.cut_grown_log()

    def reopen(self) -> Seq:
        """Open the files anew after a failure; gives the head found there.

        The commit that failed may have reached the disk or not: fold what lies behind your last seq. Raises
        `JournalError` while the disk still fails, or when it lost what it had acknowledged.
        """
        self._health.reason = self._health.reason or "it could not be opened anew; try again"
        self._database.close()
        self._aside.close()
        self._reserve.release_if_starving()
        self._database.connect()
        self._aside.connect()
        head, tip = self._head, self._tip
        if head and self._database.rows("SELECT hash FROM entries WHERE seq=?", head) != [(tip,)]:
            raise JournalError(
                f"{self.path} lost entries up to {head} that it had acknowledged: keep the file, restore it from the ledger's copy"
            )
        self._load()
        self._health.recover()
        return self._head

    def reader(self) -> Reader:
        """A read-only connection of its own, for another thread."""
        return Reader.open(self.path)

    def close(self) -> None:
        """Give the files back. A sound journal is left without a write-ahead log."""
        self._database.close()
        self._aside.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _hash_at(self, seq: int) -> bytes | None:
        rows = self._database.rows("SELECT hash FROM entries WHERE seq=?", seq)
        return bytes(rows[0][0]) if rows else None

    def _load(self) -> None:
        self._tree = SignedTree(self._database)
        self._positions = {str(name): Seq(seq) for name, seq in self._database.rows("SELECT name, seq FROM cursors")}
        self._head, self._tip = Seq(0), GENESIS
        for seq, digest in self._database.rows("SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1"):
            self._head, self._tip = Seq(seq), bytes(digest)

    def _chain(self, entries: Iterable[Entry]) -> tuple[list[tuple[object, ...]], Seq, bytes]:
        rows: list[tuple[object, ...]] = []
        seq, tip = int(self._head), self._tip
        for e in entries:
            seq += 1
            digest = entry_hash(seq, e, tip)
            rows.append((seq, e.stream, e.kind, e.version, e.at.utc_ms, e.at.boot_id, e.at.mono_ns, int(e.at.trusted), e.body, tip, digest))
            tip = digest
        return rows, Seq(seq), tip


def _make(layout: files.Layout) -> None:
    """Make the files of a new journal; refuse to begin again at 1 where one has been, for its numbers would be given out twice."""
    files.make_directory(layout.database.parent)
    there = layout.database.exists() and layout.database.stat().st_size > 0
    if layout.key.exists() and not there:
        raise JournalError(
            f"{layout.database} is gone or empty, but its key {layout.key} is there: restore the journal from the ledger's copy,"
            " or move the key away to begin a new one"
        )
    files.make_file(layout.database, files.JOURNAL_MODE)
    if files.make_file(layout.evidence, files.SECRET_MODE) and there:
        log.warning("%s was gone: what the digests in %s stand for cannot be shown any more", layout.evidence, layout.database)
