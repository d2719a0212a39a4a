"""Run on a small disk: fills it under a journal and says what became of the journal. Arguments: the directory, and `limited` where only
the size of files can be limited, for want of a small file system."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from kiosk.journal.entry import Entry, JournalFailed
from kiosk.journal.journal import Journal
from kiosk.values import Moment

RESERVE = 2 << 20
_LIMIT = 600_000
_BLOCK = bytes(1 << 16)


def entries(count: int, size: int) -> list[Entry]:
    return [Entry("kiosk", "Filler", 1, Moment(count, "", 0), bytes(size))] * count


def until_full(journal: Journal) -> int:
    """Append until the disk refuses; gives the last seq that was acknowledged."""
    acknowledged = int(journal.head)
    try:
        while True:
            acknowledged = journal.append(entries(3, 3_000))
            journal.tidy()
    except JournalFailed as error:
        assert "disk is full" in str(error) or "did as told" in str(error) or "disk did not do" in str(error), error
    assert journal.failed
    return acknowledged


def fill(path: Path, leave: int) -> None:
    """Take all room but `leave` bytes."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    size = 0
    try:
        while True:
            size += os.write(descriptor, _BLOCK)
            os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, max(0, size - leave))
        os.fsync(descriptor)
    os.close(descriptor)


def finish(journal: Journal, acknowledged: int) -> None:
    """What runs is finished with the room that was kept back."""
    assert journal.reopen() == acknowledged, (journal.head, acknowledged)
    for _ in range(30):
        acknowledged = journal.append(entries(3, 600), evidence=[journal.evidence.seal(bytes(300), None)])
        journal.tidy()
    journal.checkpoint()
    assert journal.head == acknowledged
    assert journal.verify().sound


def on_a_small_disk(directory: Path) -> None:
    path = directory / "journal.db"
    journal = Journal.open(path, reserve_bytes=RESERVE)
    assert journal.space().reserve_held
    fill(directory / "others", leave=400_000)
    acknowledged = until_full(journal)
    assert sum(1 for _ in journal.read()) == acknowledged
    assert journal.space().low
    journal.release_reserve()
    finish(journal, acknowledged)
    (directory / "others").unlink()
    assert journal.hold_reserve()
    fill(directory / "others", leave=0)
    acknowledged = until_full(journal)
    os.write(1, b"%d\n" % acknowledged)
    os.kill(os.getpid(), signal.SIGKILL)


def after_death(directory: Path, acknowledged: int) -> None:
    """The next process finds the disk full: it opens on what was kept back and settles what is open."""
    assert os.statvfs(directory).f_bavail * os.statvfs(directory).f_frsize < 1 << 20
    with Journal.open(directory / "journal.db", reserve_bytes=RESERVE) as journal:
        assert not journal.layout.reserve.exists()
        assert journal.head == acknowledged
        assert journal.verify(from_checkpoint=True).sound
        finish(journal, acknowledged)


def with_limited_files(directory: Path) -> None:
    journal = Journal.open(directory / "journal.db", reserve_bytes=0)
    _limit(_LIMIT)
    acknowledged = until_full(journal)
    _limit(resource.RLIM_INFINITY)
    finish(journal, acknowledged)
    journal.close()


def _limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def main(directory: Path, words: list[str]) -> None:
    ways: dict[str, Callable[[], None]] = {
        "fill": lambda: on_a_small_disk(directory),
        "after": lambda: after_death(directory, int(words[1])),
        "limited": lambda: with_limited_files(directory),
    }
    ways[words[0]]()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
