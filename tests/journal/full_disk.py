"""Run on a small disk: fills it under a journal and says what became of the journal. Arguments: the directory, and `limited` where only
the size of files can be limited, for want of a small file system."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from kiosk.journal.entry import Entry, JournalFailed
from kiosk.journal.journal import Journal
from kiosk.journal.state import Retry
from kiosk.journal.thread import JournalThread
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


def in_the_kiosk(directory: Path) -> None:
    """The kiosk's own way to write: what fails for want of room is done again with the room kept back, and nobody notices."""
    asyncio.run(_in_the_kiosk(directory))


async def _in_the_kiosk(directory: Path) -> None:
    path = directory / "journal.db"
    thread = JournalThread(Journal.open(path, reserve_bytes=RESERVE), serials=("transaction",))
    fill(directory / "others", leave=200_000)
    assert (await thread.space()).reserve_held
    seq = acknowledged = 0
    while (await thread.space()).reserve_held:
        sealed = thread.seal(bytes(300), None)
        seqs = await asyncio.gather(*(thread.append(entries(2, 600), evidence=(sealed,)) for _ in range(4)))
        assert seqs == [seq + 2, seq + 4, seq + 6, seq + 8], (seq, seqs)
        seq = acknowledged = seqs[-1]
    assert (await thread.space()).low
    for number in range(20):  # what runs is finished
        acknowledged = await thread.append(entries(2, 600), retries=(Retry(f"r{number}", 1, 0, "", 0),), settled=(f"r{number - 1}",))
    for _ in range(300):
        thread.serial("transaction")
    await thread.checkpoint()
    assert acknowledged == seq + 40
    assert thread.head == acknowledged
    assert [r.ref for r in await thread._call(lambda journal: journal.effects.all())] == ["r19"]
    assert (await thread.verify()).sound
    try:  # once the room kept back is used up too, the end is told
        while True:
            acknowledged = await thread.append(entries(3, 3_000))
    except JournalFailed as error:
        assert "disk is full" in str(error) or "disk did not do" in str(error), error
    (directory / "others").unlink()
    assert await thread.reopen() == acknowledged
    assert await thread.append(entries(1, 600)) == acknowledged + 1
    await thread.close()


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
        "kiosk": lambda: in_the_kiosk(directory),
        "limited": lambda: with_limited_files(directory),
    }
    ways[words[0]]()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
