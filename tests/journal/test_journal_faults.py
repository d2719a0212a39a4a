"""What the disk can do to a journal: refuse to write, refuse to sync, fill up, be pinned by a reader, be closed."""

from __future__ import annotations

import asyncio
import errno
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from broken_disk import break_calls, on_broken_disk

from kiosk.journal.entry import Entry, JournalError, JournalFailed
from kiosk.journal.journal import Journal
from kiosk.journal.migrations import migrate
from kiosk.journal.reserve import Reserve
from kiosk.journal.schema import STEPS
from kiosk.journal.thread import JournalThread
from kiosk.journal.wal import LIMIT
from kiosk.values import Moment

AT = Moment(1_790_000_000_000, "boot-1", 5_000_000)


def entry(n: int) -> Entry:
    return Entry("kiosk", "Tested", 1, AT, b'{"n":%d}' % n)


def numbers(journal: Journal) -> list[bytes]:
    return [s.body for s in journal.read()]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal.open(tmp_path / "journal.db")
    journal.append([entry(1)])
    return journal


def test_after_a_failed_fsync_nothing_is_taken_until_reopened(journal: Journal) -> None:
    raised = on_broken_disk(errno.EIO, ("fsync", "fdatasync"), lambda: journal.append([entry(2)]))
    assert isinstance(raised, JournalFailed)
    assert "kernel log" in str(raised)
    assert journal.failed
    for forbidden in (lambda: journal.append([entry(3)]), journal.checkpoint, lambda: journal.serials.next("x")):
        with pytest.raises(JournalFailed, match="takes nothing more"):
            forbidden()
    head = journal.reopen()
    assert numbers(journal)[:1] == [b'{"n":1}']
    assert journal.append([entry(3)]) == head + 1
    assert journal.verify().sound
    journal.close()


def test_while_the_disk_still_fails_reopening_fails_and_can_be_tried_again(journal: Journal) -> None:
    def both() -> None:
        with pytest.raises(JournalFailed):
            journal.append([entry(2)])
        for _ in range(2):
            with pytest.raises(JournalError):
                journal.reopen()
            with pytest.raises(JournalFailed):
                journal.append([entry(3)])

    assert on_broken_disk(errno.EIO, ("fsync", "fdatasync"), both) is None
    journal.reopen()
    journal.append([entry(4)])
    assert journal.verify().sound
    journal.close()


def test_after_a_failure_closing_leaves_the_log_for_the_next_start_to_settle(journal: Journal, tmp_path: Path) -> None:
    assert on_broken_disk(errno.EIO, ("fdatasync",), lambda: journal.append([entry(2)])) is not None
    journal.close()
    assert journal.layout.wal.stat().st_size > 0
    with Journal.open(tmp_path / "journal.db") as again:
        assert numbers(again)[0] == b'{"n":1}'
        assert again.verify().sound


def test_a_full_disk_rolls_the_batch_back_and_says_so(journal: Journal) -> None:
    raised = on_broken_disk(errno.ENOSPC, ("pwrite64",), lambda: journal.append([entry(2), entry(3)]))
    assert isinstance(raised, JournalFailed)
    assert "disk is full" in str(raised)
    assert str(journal.path) in str(raised)
    assert numbers(journal) == [b'{"n":1}']
    assert journal.reopen() == 1
    assert journal.append([entry(4)]) == 2
    journal.close()


def test_a_read_only_file_system_is_named(journal: Journal) -> None:
    raised = on_broken_disk(errno.EROFS, ("pwrite64",), lambda: journal.append([entry(2)]))
    assert isinstance(raised, JournalFailed)
    assert journal.reopen() == 1
    journal.close()


def test_entries_are_not_written_when_their_evidence_is_not(journal: Journal) -> None:
    sealed = journal.evidence.seal(b"frame", None)
    assert on_broken_disk(errno.EIO, ("fdatasync",), lambda: journal.append([entry(2)], evidence=[sealed])) is not None
    assert journal.reopen() == 1
    journal.append([entry(2)], evidence=[sealed])
    assert journal.evidence.get(sealed.digest) == b"frame"
    journal.close()


def test_upkeep_that_fails_is_not_taken_for_an_append_that_failed(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    for n in range(40):
        journal.append([Entry("kiosk", "Big", 1, AT, bytes(60_000))])
        assert journal.head == n + 2
    assert on_broken_disk(errno.EIO, ("fsync", "fdatasync"), journal.tidy) is None
    assert journal.failed
    assert "kernel log" in caplog.text
    assert journal.reopen() == 41
    journal.close()


async def test_on_the_thread_every_batch_of_a_failed_group_fails(tmp_path: Path) -> None:
    thread = JournalThread(Journal.open(tmp_path / "journal.db"))
    await thread.append([entry(1)])
    await thread._call(lambda _: break_calls(errno.EIO, "fsync", "fdatasync"))
    results = await asyncio.gather(*(thread.append([entry(n)]) for n in range(20)), return_exceptions=True)
    assert all(isinstance(result, JournalFailed) for result in results)
    with pytest.raises(JournalFailed):
        await thread.append([entry(2)])
    with pytest.raises(JournalError):
        await thread.reopen()
    assert thread.head == 1
    await thread.close()
    with Journal.open(tmp_path / "journal.db") as journal:
        assert numbers(journal)[0] == b'{"n":1}'
        assert journal.verify().sound


def test_a_disk_that_fills_up_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """A limit on the file size lets writes fail half way, as a full disk does."""
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from kiosk.journal.entry import Entry, JournalFailed\n"
        "from kiosk.journal.journal import Journal\n"
        "from kiosk.values import Moment\n"
        "journal = Journal.open(Path(sys.argv[1]), reserve_bytes=0)\n"
        "def limit(n): resource.setrlimit(resource.RLIMIT_FSIZE, (n, resource.RLIM_INFINITY))\n"
        "limit(300_000)\n"
        "count = 0\n"
        "try:\n"
        "    while True:\n"
        "        count = journal.append([Entry('kiosk', 'Filler', 1, Moment(count, '', 0), bytes(3000))] * 3)\n"
        "except JournalFailed as error:\n"
        "    print(error, file=sys.stderr)\n"
        "limit(resource.RLIM_INFINITY)\n"
        "assert journal.reopen() == count, (journal.head, count)\n"
        "journal.append([Entry('kiosk', 'After', 1, Moment(0, '', 0), b'{}')])\n"
        "assert journal.verify().sound\n"
        "journal.close()\n"
        "print(count)\n"
    )
    path = tmp_path / "journal.db"
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10
    with Journal.open(path) as journal:
        assert journal.head == int(done.stdout) + 1


def test_lost_acknowledged_entries_are_noticed_at_reopening(journal: Journal) -> None:
    journal.append([entry(2)])
    other = sqlite3.connect(journal.path)
    other.execute("DELETE FROM entries WHERE seq = 2")
    other.commit()
    other.close()
    with pytest.raises(JournalError, match="had acknowledged"):
        journal.reopen()
    with pytest.raises(JournalFailed):
        journal.append([entry(3)])
    journal.close()


def test_a_log_pinned_by_a_reader_raises_an_alarm_and_is_cut_off_afterwards(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with Journal.open(tmp_path / "journal.db") as journal, journal.reader() as reader:
        journal.append([entry(1)])
        reader._db.execute("BEGIN")
        reader.head()
        for _ in range(24):
            journal.append([Entry("kiosk", "Big", 1, AT, bytes(500_000))])
            journal.tidy()
        assert journal.space().wal > LIMIT
        assert [r.levelno for r in caplog.records if "a reader holds it" in r.message] == [logging.WARNING]
        reader._db.execute("COMMIT")
        for _ in range(6):
            journal.append([Entry("kiosk", "Big", 1, AT, bytes(500_000))])
            journal.tidy()
        assert journal.space().wal <= LIMIT


def test_the_log_stays_small_by_itself(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        for _ in range(60):
            journal.append([Entry("kiosk", "Big", 1, AT, bytes(250_000))], evidence=[journal.evidence.seal(bytes(250_000), None)])
        assert journal.space().wal <= LIMIT
        journal.tidy()
        assert (tmp_path / "evidence.db-wal").stat().st_size <= 2 * LIMIT
    assert not journal.layout.wal.exists()


@pytest.mark.parametrize("family", ["journal", "evidence"])
def test_a_migration_that_is_cut_short_leaves_the_old_schema(tmp_path: Path, family: str) -> None:
    """Refused at each of its actions in turn, as if the power had gone there."""
    path = tmp_path / f"{family}.db"
    seen: list[set[str]] = [set()]
    for allowed in range(1_000):
        db = sqlite3.connect(path, isolation_level=None)
        db.set_authorizer(_denying_after(allowed))
        try:
            migrate(db, family)
            break
        except sqlite3.DatabaseError:
            db.close()
            if (tables := _tables(path)) != seen[-1]:
                seen.append(tables)  # a step was taken, whole; it is not taken again
        finally:
            db.close()
    else:
        pytest.fail("the migration never came through")
    assert allowed > 10
    assert len(seen) == len(STEPS[family]), "one state for each step that was still to be taken"
    db = sqlite3.connect(path)
    assert [name for (name,) in db.execute("SELECT name FROM _sqlite_migrations")] == list(STEPS[family])
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    db.close()


def _tables(path: Path) -> set[str]:
    db = sqlite3.connect(path)
    names = {str(name) for (name,) in db.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE '%sqlite%'")}
    db.close()
    return names


def _denying_after(allowed: int) -> Callable[..., int]:
    left = [allowed]

    def decide(*_: object) -> int:
        left[0] -= 1
        return sqlite3.SQLITE_OK if left[0] >= 0 else sqlite3.SQLITE_DENY

    return decide


def test_a_journal_that_is_gone_is_not_begun_anew(journal: Journal) -> None:
    journal.close()
    for vanish in (journal.path.unlink, journal.path.touch):
        vanish()
        with pytest.raises(JournalError, match="restore the journal"):
            Journal.open(journal.path)
    journal.layout.key.unlink()
    with Journal.open(journal.path) as fresh:
        assert fresh.append([entry(1)]) == 1


def test_evidence_that_is_gone_is_told(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    digest = journal.evidence.put(b"frame", None)
    journal.close()
    journal.layout.evidence.unlink()
    with Journal.open(journal.path) as again:
        assert "was gone" in caplog.text
        assert again.verify().sound
        with pytest.raises(JournalError):
            again.evidence.get(digest)


def test_the_reserve_is_held_given_back_and_counted(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db", reserve_bytes=1 << 20) as journal:
        assert journal.layout.reserve.stat().st_size == 1 << 20
        assert journal.space().reserve_held
        journal.release_reserve()
        assert not journal.layout.reserve.exists()
        assert journal.space().low
        assert journal.hold_reserve()
        assert journal.space().reserve_held


def test_the_reserve_is_released_when_the_journal_could_not_even_open(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "journal.reserve", 1 << 20)
    assert reserve.hold()
    reserve.release_if_starving(below=0)
    assert reserve.held
    reserve.release_if_starving(below=1 << 60)
    assert not reserve.held


def test_a_database_of_something_else_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"no database at all, but long enough to be read as one" * 100)
    with pytest.raises(JournalError, match="no SQLite file"):
        Journal.open(tmp_path / "journal.db")
    (tmp_path / "journal.db").unlink()
    Journal.open(tmp_path / "journal.db").close()
