"""What must not be done to a journal, done on purpose: settings and habits that lose an acknowledged fact when the power goes.

Each is put around the product's code in a recorded process, never in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from crash_marks import Marker

from kiosk.journal import database, files, schema
from kiosk.journal.database import Database
from kiosk.journal.entry import Seq
from kiosk.journal.journal import Journal
from kiosk.journal.state import Write

T = TypeVar("T")

_habits = {"early": False}


async def acknowledged(marker: Marker, work: Awaitable[T]) -> T:
    """Do `work`, which makes a promise true, and acknowledge it: afterwards, as is right."""
    if _habits["early"]:
        marker.done()
        return await work
    result = await work
    marker.done()
    return result


def acknowledged_call(marker: Marker, work: Callable[[], T]) -> T:
    """The same for work that is done on the spot."""
    if _habits["early"]:
        marker.done()
        return work()
    result = work()
    marker.done()
    return result


def _never_synced() -> None:
    """The log is synced only when it is copied back: `synchronous=NORMAL`."""
    schema._WRITER = {**schema._WRITER, "synchronous": 1}


def _rollback_journal() -> None:
    """A rollback journal whose end, the removal of a file, is not synced: `journal_mode=DELETE` without `EXTRA`."""
    schema._WRITER = {**schema._WRITER, "journal_mode": "delete"}


def _acknowledged_before_the_commit() -> None:
    _habits["early"] = True


def _evidence_afterwards() -> None:
    """Facts first, what they name later."""
    commit = Journal.commit

    def late(self: Journal, writes: Iterable[Write]) -> tuple[Seq, ...]:
        writes = tuple(writes)
        bare = [Write(w.entries, (), w.retries, w.settled, w.positions) for w in writes]
        seqs = commit(self, bare)
        if sealed := tuple(s for w in writes for s in w.evidence):
            self.evidence.store(sealed)
        return seqs

    Journal.commit = late  # type: ignore[method-assign]


def _evidence_not_synced() -> None:
    schema._FAMILY = {**schema._FAMILY, "evidence": {"secure_delete": 1, "synchronous": 1}}


def _numbers_not_reserved() -> None:
    """Numbers given out from memory beyond what was reserved."""
    reserve = Journal.reserve_serials

    def short(self: Journal, name: str, count: int) -> range:
        numbers = reserve(self, name, 1)
        return range(numbers[0], numbers[0] + count)

    Journal.reserve_serials = short  # type: ignore[method-assign]


def _attempts_apart() -> None:
    """Entries and attempts in two commits."""
    commit = Journal.commit

    def split(self: Journal, writes: Iterable[Write]) -> tuple[Seq, ...]:
        writes = tuple(writes)
        seqs = commit(self, [Write(w.entries, w.evidence) for w in writes])
        commit(self, [Write((), (), w.retries, w.settled, w.positions) for w in writes])
        return seqs

    Journal.commit = split  # type: ignore[method-assign]


def _names_not_synced() -> None:
    """New files whose directory is not synced."""
    files.sync_directory = lambda directory: None


def _erased_in_name_only() -> None:
    schema._FAMILY = {**schema._FAMILY, "evidence": {"secure_delete": 0}}
    Database.cut_off_log = lambda self: None  # type: ignore[method-assign]


def _log_not_settled() -> None:
    """After a sync failed, what programs see is taken for what lies on the medium."""
    database.settle = lambda wal: None


WRONGS: Mapping[str, Callable[[], None]] = {
    "synchronous-normal": _never_synced,
    "journal-mode-delete": _rollback_journal,
    "acknowledge-before-commit": _acknowledged_before_the_commit,
    "evidence-after-the-fact": _evidence_afterwards,
    "evidence-not-synced": _evidence_not_synced,
    "numbers-not-reserved": _numbers_not_reserved,
    "attempts-apart": _attempts_apart,
    "names-not-synced": _names_not_synced,
    "log-not-settled": _log_not_settled,
    "erased-in-name-only": _erased_in_name_only,
}


def introduce(name: str) -> None:
    """Do the wrong `name` from now on; `right` does none."""
    if name != "right":
        WRONGS[name]()
