"""Appending, reading back, cursors, serials, effects: what the core builds on."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from kiosk.journal.entry import GENESIS, Entry, JournalBusy, JournalError, JournalRefused, Seq, entry_hash
from kiosk.journal.journal import Journal
from kiosk.journal.state import Mark, Retry, Write
from kiosk.values import Moment

AT = Moment(1_790_000_000_000, "boot-1", 5_000_000)


def entry(n: int, stream: str = "kiosk") -> Entry:
    return Entry(stream, "Tested", 1, AT.plus(n), b'{"n":%d}' % n)


def test_entries_come_back_as_they_went_in_and_chained(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        assert journal.append([entry(1), entry(2, "s1")]) == 2
        assert journal.append([entry(3, "s2")]) == 3
        stored = list(journal.read())
    assert [(s.seq, s.stream, s.at, s.body) for s in stored] == [
        (1, "kiosk", AT.plus(1), b'{"n":1}'),
        (2, "s1", AT.plus(2), b'{"n":2}'),
        (3, "s2", AT.plus(3), b'{"n":3}'),
    ]
    prev = GENESIS
    for s in stored:
        assert s.prev == prev
        assert s.hash == entry_hash(s.seq, s, prev)
        prev = s.hash


def test_reopened_journal_goes_on_where_it_was(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.append([entry(1)])
    with Journal.open(tmp_path / "journal.db", create=False) as journal:
        assert journal.head == 1
        journal.append([entry(2)])
        first, second = journal.read()
    assert second.prev == first.hash


def test_read_takes_up_after_a_seq_and_keeps_to_a_stream(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.append([entry(n, f"s{n % 2}") for n in range(1, 1001)])
        assert [s.seq for s in journal.read(after=997)] == [998, 999, 1000]
        assert [s.seq for s in journal.read(after=990, stream="s1")] == [991, 993, 995, 997, 999]
        assert sum(1 for _ in journal.read(stream="s0")) == 500


def test_a_bad_entry_is_refused_before_anything_of_its_batch_is_written(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        for bad in (
            Entry("", "Tested", 1, AT, b"{}"),
            Entry("kiosk", "two\nlines", 1, AT, b"{}"),
            Entry("kiosk", "Tested", 0, AT, b"{}"),
            Entry("kiosk", "Tested", 1, Moment(1 << 70, "b", 0), b"{}"),
            Entry("kiosk", "Tested", 1, AT, bytes(2 << 20)),
        ):
            with pytest.raises(JournalRefused):
                journal.append([entry(1), bad])
        assert list(journal.read()) == []
        assert journal.append([entry(1)]) == 1


def test_empty_batch_writes_nothing(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        assert journal.append([]) == 0
        journal.append([entry(1)])
        assert journal.append([]) == 1


def test_cursor_survives_and_never_goes_back_or_beyond(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.append([entry(n) for n in range(5)])
        cursor = journal.cursor("printer")
        assert cursor.get() == 0
        cursor.advance(3)
        for wrong in (2, 6):
            with pytest.raises(JournalRefused, match="printer"):
                cursor.advance(wrong)
    with Journal.open(tmp_path / "journal.db") as journal:
        assert journal.cursor("printer").get() == 3
        assert journal.cursor("uplink").get() == 0


def test_what_a_consumer_remembers_is_kept_with_its_cursor_or_not_at_all(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.append([entry(n) for n in range(5)])
        journal.commit([Write(positions={"up": Seq(3)}, marks=(Mark("up", "a", "1"), Mark("up", "b", "2"), Mark("other", "a", "9")))])
        with pytest.raises(JournalRefused):
            journal.commit([Write(positions={"up": Seq(2)}, marks=(Mark("up", "a", "wrong"),))])
        with pytest.raises(JournalRefused, match="half a character"):
            journal.commit([Write(marks=(Mark("up", "a", "\ud800"),))])
        journal.commit([Write(marks=(Mark("up", "b", None), Mark("up", "a", "3"), Mark("up", "never", None)))])
    with Journal.open(tmp_path / "journal.db") as journal:
        assert (journal.marks("up"), journal.marks("other"), journal.marks("nobody")) == ({"a": "3"}, {"a": "9"}, {})


def test_what_waits_behind_a_cursor_is_counted_by_kind(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.append([Entry("kiosk", kind, 1, replace(AT, utc_ms=n), b"{}") for n, kind in enumerate("ABACAB")])
        with journal.reader() as reader:
            assert reader.waiting(0, ("A", "B")) == (5, 0)
            assert reader.waiting(1, ("A",)) == (2, 2)
            assert reader.waiting(6, ("A", "B")) == (0, None)
            assert reader.waiting(0, ("nothing",)) == (0, None)


def test_serials_start_at_one_and_are_never_given_out_twice(tmp_path: Path) -> None:
    seen: list[int] = []
    for _ in range(3):
        with Journal.open(tmp_path / "journal.db") as journal:
            seen += [journal.serials.next("transaction") for _ in range(150)]
            assert journal.serials.next("service") % 128 == 1
    assert seen[:150] == list(range(1, 151))
    assert len(set(seen)) == len(seen)
    assert seen == sorted(seen)


def test_effects_are_put_replaced_and_deleted(tmp_path: Path) -> None:
    soon, later = Retry("a", 1, 2_000, "", 1_000), Retry("b", 3, 1_500, "timeout", 1_000)
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.effects.put(soon)
        journal.effects.put(later)
        assert journal.effects.all() == (later, soon)
        journal.effects.put(Retry("b", 4, 9_000, "refused", 2_000))
        journal.effects.delete("a")
    with Journal.open(tmp_path / "journal.db") as journal:
        assert journal.effects.get("a") is None
        assert journal.effects.get("b") == Retry("b", 4, 9_000, "refused", 2_000)


def test_effects_are_written_with_the_entries(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.effects.put(Retry("done", 1, 0, "", 0))
        journal.append([entry(1)], retries=[Retry("next", 1, 5, "", 5)], settled=["done"])
        assert [r.ref for r in journal.effects.all()] == ["next"]


def test_numbers_and_texts_that_cannot_be_stored_are_refused(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        for retry in (Retry("r", 1 << 63, 0, "", 0), Retry("r", 1, 0, "\ud800", 0)):
            with pytest.raises(JournalRefused):
                journal.append([entry(1)], retries=[retry])
        assert journal.append([entry(1)]) == 1


def test_a_second_writer_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db"), pytest.raises(JournalBusy, match="held by process"):
        Journal.open(tmp_path / "journal.db")
    Journal.open(tmp_path / "journal.db").close()


def test_opening_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="does not exist"):
        Journal.open(tmp_path / "none.db", create=False)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    Journal.open(tmp_path / "journal.db").close()
    db = sqlite3.connect(tmp_path / "journal.db")
    db.execute("INSERT INTO _sqlite_migrations(migration_set, name, applied_at) VALUES('journal', '0099_future', '')")
    db.commit()
    db.close()
    with pytest.raises(JournalError, match="newer PilePay"):
        Journal.open(tmp_path / "journal.db")


def test_files_are_closed_to_strangers(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "data" / "journal.db") as journal:
        journal.append([entry(1)])
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "data").iterdir()}
    assert modes["journal.db"] & ~0o640 == 0
    assert modes["evidence.db"] & ~0o600 == 0
    assert modes["journal.db-wal"] & ~0o640 == 0
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) & ~0o750 == 0


def test_other_readers_neither_wait_nor_hold_up_the_writer(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        journal.append([entry(n) for n in range(600)])
        with journal.reader() as reader:
            rows = reader.read()
            assert next(rows).seq == 1
            journal.append([entry(601)])
            assert reader.head() == 601
            assert sum(1 for _ in rows) == 600


def test_connections_keep_what_durability_needs(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        for db in (journal._database._db, journal._aside._db):
            found = {
                name: db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "mmap_size", "foreign_keys")
            }
            assert found == {"journal_mode": "wal", "synchronous": 2, "mmap_size": 0, "foreign_keys": 1}
            tables = db.execute("SELECT name, strict FROM pragma_table_list WHERE schema='main' AND name NOT LIKE '%sqlite%'").fetchall()
            assert all(strict for _, strict in tables)
        assert journal._aside._db.execute("PRAGMA secure_delete").fetchone()[0] == 1


def test_one_decision_is_one_fsync(tmp_path: Path) -> None:
    """Counted by the log: a commit ends with exactly one frame that carries the database's size."""
    with Journal.open(tmp_path / "journal.db") as journal:
        before = _commits(journal.layout.wal)
        journal.append([entry(n) for n in range(3)], retries=[Retry("next", 1, 5, "", 5)], settled=["done"])
        assert _commits(journal.layout.wal) == before + 1


def _commits(wal: Path) -> int:
    """Commit frames in a write-ahead log (sqlite.org/fileformat2.html, section 4.1)."""
    frames = wal.read_bytes()[32:]
    return sum(frames[at + 4 : at + 8] != bytes(4) for at in range(0, len(frames), 24 + 4096))


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal, journal.reader() as reader:
        journal.append([entry(1)])
        with pytest.raises(sqlite3.OperationalError):
            reader._db.execute("DELETE FROM entries")
