"""The journal for asyncio: its own thread, so that the disk never blocks the loop, and one fsync for all that queued meanwhile.

Answers and effects wait for their commit: `append` returns when the entries are durable. A caller that is cancelled
while it waits does not take its entries back.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import accumulate
from queue import Empty, SimpleQueue
from typing import TypeVar

from kiosk.journal.checkpoint import Checkpoint
from kiosk.journal.entry import Entry, JournalFailed, JournalRefused, Seq
from kiosk.journal.evidence import Sealed
from kiosk.journal.journal import Journal
from kiosk.journal.reader import Reader
from kiosk.journal.reserve import Space
from kiosk.journal.state import SERIAL_BLOCK, Mark, Retry, Write
from kiosk.journal.verify import Verdict
from kiosk.values import Digest

log = logging.getLogger(__name__)

T = TypeVar("T")

_GROUP_LIMIT = 256


@dataclass(frozen=True, slots=True)
class _Commit:
    write: Write
    done: asyncio.Future[Seq]


class JournalThread:
    """Owns a `Journal` from now on. Made and used within one running event loop.

    When the disk is full, the room kept back is given to it and what failed for that is done once more. Every other failure stands.

    `serials` are the series to keep in stock for `serial`. `groups` counts commits, `batches` the writes they carried; `given` all that was
    ever to be done, `done` how much of it is over, well or badly.
    """

    def __init__(self, journal: Journal, *, serials: Sequence[str] = ()) -> None:
        self._journal = journal
        self._queue: SimpleQueue[_Commit | Callable[[], None]] = SimpleQueue()
        self._closed = False
        self._running = True
        self._loop = asyncio.get_running_loop()
        # A daemon, so that a core that fell over ends: what was acknowledged is on the disk already.
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self.groups = 0
        self.batches = 0
        self.given = 0
        self.done = 0
        self._stock = defaultdict[str, deque[int]](deque)
        self._orders: dict[str, Future[range]] = {}
        for name in serials:
            self._stock[name].extend(journal.reserve_serials(name, SERIAL_BLOCK))
        self._thread.start()

    @property
    def head(self) -> Seq:
        """The last durable entry's seq."""
        return self._journal.head

    def seal(self, data: bytes, until: int | None) -> Sealed:
        """Give evidence its digest, to be named in an entry; pass it to `append` together with that entry."""
        return self._journal.evidence.seal(data, until)

    async def append(
        self,
        batch: Sequence[Entry],
        *,
        evidence: Sequence[Sealed] = (),
        retries: Sequence[Retry] = (),
        settled: Sequence[str] = (),
    ) -> Seq:
        """Append `batch`, durable on return, in the order of the calls; see `Journal.append`."""
        return await self._commit(Write(tuple(batch), tuple(evidence), tuple(retries), tuple(settled)))

    def serial(self, name: str) -> int:
        """The next number of the series `name`, never given out before. Waits for the disk only when the stock has run out."""
        stock = self._stock[name]
        if len(stock) < SERIAL_BLOCK // 2 and name not in self._orders:
            self._orders[name] = self._order(name)
        order = self._orders.get(name)
        if order is not None and (order.done() or not stock):
            del self._orders[name]
            stock.extend(order.result())
        return stock.popleft()

    async def advance(self, cursor: str, seq: int | None, marks: Sequence[Mark] = ()) -> None:
        """Move the durable cursor `cursor` to `seq`, if there is one, and keep `marks` in the same commit."""
        await self._commit(Write(positions={} if seq is None else {cursor: Seq(seq)}, marks=tuple(marks)))

    async def marks(self, consumer: str) -> dict[str, str]:
        """What the consumer `consumer` remembers, by name."""
        return await self._call(lambda journal: journal.marks(consumer))

    async def position(self, cursor: str) -> Seq:
        """How far the consumer `cursor` has come."""
        return await self._call(lambda journal: journal.cursor(cursor).get())

    async def evidence(self, digest: Digest) -> bytes | None:
        return await self._call(lambda journal: journal.evidence.get(digest))

    async def erase(self, digests: Sequence[Digest]) -> int:
        """Erase evidence for good, such as at a person's request; see `Evidence.erase`."""
        return await self._call(lambda journal: journal.evidence.erase(digests))

    async def erase_expired(self, now_ms: int) -> int:
        return await self._call(lambda journal: journal.evidence.erase_expired(now_ms))

    async def checkpoint(self) -> Checkpoint:
        """Sign all entries so far; see `Journal.checkpoint`."""
        return await self._call(lambda journal: journal.checkpoint())

    async def keep_fold(self, seq: int, fingerprint: str, state: bytes) -> None:
        """Keep what the entries up to `seq` add up to, for the next start; see `Journal.keep_fold`."""
        await self._call(lambda journal: journal.keep_fold(seq, fingerprint, state))

    async def verify(self, *, from_checkpoint: bool = False) -> Verdict:
        """Check the journal on a thread and a connection of its own; appends go on meanwhile."""
        return await asyncio.to_thread(self._journal.verify, from_checkpoint=from_checkpoint)

    async def space(self) -> Space:
        """How the disk stands."""
        return await self._call(lambda journal: journal.space())

    async def release_reserve(self) -> None:
        """Give the room kept back to the disk, so that what runs can be finished."""
        await self._call(lambda journal: journal.release_reserve())

    async def hold_reserve(self) -> bool:
        """Keep room back again; says whether it is held."""
        return await self._call(lambda journal: journal.hold_reserve())

    async def cut_log(self) -> None:
        """Try to shorten a write-ahead log beyond its limit; see `Journal.cut_log`."""
        await self._call(lambda journal: journal.cut_log())

    async def reopen(self) -> Seq:
        """Open the files anew after `JournalFailed`; see `Journal.reopen`."""
        return await self._call(lambda journal: journal.reopen())

    def reader(self) -> Reader:
        """A read-only connection for the caller's own thread."""
        return self._journal.reader()

    async def close(self) -> None:
        """Commit what is queued, close the journal and end the thread."""
        if not self._closed:
            self._put(self._stop)
            self._closed = True
        await asyncio.to_thread(self._thread.join)

    async def _commit(self, write: Write) -> Seq:
        job = _Commit(write, self._loop.create_future())
        self._put(job)
        return await job.done

    async def _call(self, work: Callable[[Journal], T]) -> T:
        done: asyncio.Future[T] = self._loop.create_future()

        def job() -> None:
            try:
                result = self._worked(work)
            except Exception as error:
                failure = error
                self._answer(lambda: _fail(done, failure))
            else:
                self._answer(lambda: _succeed(done, result))

        self._put(job)
        return await done

    def _order(self, name: str) -> Future[range]:
        order = Future[range]()

        def job() -> None:
            try:
                order.set_result(self._worked(lambda journal: journal.reserve_serials(name, SERIAL_BLOCK)))
            except Exception as error:
                order.set_exception(error)

        self._put(job)
        return order

    def _put(self, job: _Commit | Callable[[], None]) -> None:
        if self._closed:
            raise JournalRefused(f"{self._journal.path} is closed: nothing can be written any more")
        self.given += 1
        self._queue.put(job)

    def _run(self) -> None:
        try:
            while self._running:
                commits, call = self._take()
                if commits:
                    self._commit_group(commits)
                    self.done += len(commits)
                if call is not None:
                    call()
                    self.done += 1
                if self._queue.empty():
                    self._journal.tidy()
        finally:
            self._journal.close()

    def _stop(self) -> None:
        self._running = False

    def _take(self) -> tuple[list[_Commit], Callable[[], None] | None]:
        """All commits that queued meanwhile, up to the first call, and that call."""
        commits: list[_Commit] = []
        job = self._queue.get()
        while isinstance(job, _Commit):
            commits.append(job)
            if len(commits) == _GROUP_LIMIT:
                return commits, None
            try:
                job = self._queue.get_nowait()
            except Empty:
                return commits, None
        return commits, job

    def _commit_group(self, commits: list[_Commit]) -> None:
        try:
            seqs = self._write([job.write for job in commits])
        except JournalRefused as error:
            if len(commits) == 1:
                self._fail_all(commits, error)
                return
            for job in commits:  # one of them makes no sense: let it fail alone
                self._commit_group([job])
        except Exception as error:
            log.exception("A commit of %d writes failed", len(commits))
            self._fail_all(commits, error)
        else:
            self.groups += 1
            self.batches += len(commits)

            def answer() -> None:
                for job, seq in zip(commits, seqs, strict=True):
                    _succeed(job.done, seq)

            self._answer(answer)

    def _write(self, writes: list[Write]) -> tuple[Seq, ...]:
        """Commit; on a full disk once more, with the room that was kept back."""
        before = self._journal.head
        try:
            return self._journal.commit(writes)
        except JournalFailed:
            if not self._relieved():
                raise
        if self._journal.head != before:  # it had reached the disk all the same
            return tuple(Seq(before + count) for count in accumulate(len(write.entries) for write in writes))
        return self._journal.commit(writes)

    def _worked(self, work: Callable[[Journal], T]) -> T:
        try:
            return work(self._journal)
        except JournalFailed:
            if not self._relieved():
                raise
        return work(self._journal)

    def _relieved(self) -> bool:
        return self._journal.full and self._journal.relieve()

    def _fail_all(self, commits: list[_Commit], error: Exception) -> None:
        def answer() -> None:
            for job in commits:
                _fail(job.done, error)

        self._answer(answer)

    def _answer(self, answer: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(answer)
        except RuntimeError:
            log.error("The event loop ended before the journal could answer it; what was written is on the disk")


def _succeed(done: asyncio.Future[T], result: T) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: asyncio.Future[T], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
