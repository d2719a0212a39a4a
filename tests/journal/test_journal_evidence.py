"""Evidence: kept beside the chain, erased by rule, and never readable from its digest."""

from __future__ import annotations

import errno
import hashlib
import random
import sqlite3
from pathlib import Path

import pytest
from broken_disk import on_broken_disk

from kiosk.journal.database import Database
from kiosk.journal.entry import JournalError, JournalFailed, JournalRefused
from kiosk.journal.journal import Journal
from kiosk.values import Digest


def test_evidence_is_found_by_its_digest(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        digest = journal.evidence.put(b"04A1B2C3", None)
        assert journal.evidence.get(digest) == b"04A1B2C3"


def test_digest_is_salted_so_that_a_short_uid_cannot_be_guessed(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        one, two = journal.evidence.put(b"uid", None), journal.evidence.put(b"uid", None)
    assert one != two
    assert hashlib.sha256(b"uid").hexdigest() not in (one, two)


def test_expired_evidence_is_erased_to_the_last_byte(tmp_path: Path) -> None:
    secret = b"erika.mustermann@example.org" * 400
    with Journal.open(tmp_path / "journal.db") as journal:
        old = journal.evidence.put(secret, until=1_000)
        young = journal.evidence.put(b"young", until=2_000)
        kept = journal.evidence.put(b"kept", until=None)
        assert journal.evidence.erase_expired(1_000) == 1
        assert journal.evidence.get(old) is None
        assert journal.evidence.get(young) == b"young"
        assert journal.evidence.get(kept) == b"kept"
        for file in tmp_path.iterdir():
            assert b"erika" not in file.read_bytes()


def test_evidence_is_erased_by_hand(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        digests = [journal.evidence.put(b"x%d" % n, None) for n in range(3)]
        assert journal.evidence.erase(digests[:2]) == 2
        assert journal.evidence.erase(digests[:2]) == 0
        assert [journal.evidence.get(d) for d in digests] == [None, None, b"x2"]


def test_unknown_and_altered_evidence_are_told_apart(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        digest = journal.evidence.put(b"frame", None)
        with pytest.raises(JournalRefused, match="never stored"):
            journal.evidence.get(Digest("00" * 32))
    db = sqlite3.connect(tmp_path / "evidence.db")
    db.execute("UPDATE evidence SET data = x'00'")
    db.commit()
    db.close()
    with Journal.open(tmp_path / "journal.db") as journal, pytest.raises(JournalError, match="altered"):
        journal.evidence.get(digest)


def test_sealed_evidence_says_nothing_in_logs(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db") as journal:
        assert "4111" not in repr(journal.evidence.seal(b"4111", None))


def test_an_erasure_whose_last_step_failed_is_finished_by_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = b"erika.mustermann@example.org" * 40
    with Journal.open(tmp_path / "journal.db", reserve_bytes=0) as journal:
        digest = journal.evidence.put(secret, None)
        whole = Database.cut_off_log

        def broken(database: Database) -> None:
            if failed := on_broken_disk(errno.EIO, ("fsync", "fdatasync"), lambda: whole(database)):
                raise failed

        monkeypatch.setattr(Database, "cut_off_log", broken)
        with pytest.raises(JournalFailed):
            journal.evidence.erase([digest])
        monkeypatch.setattr(Database, "cut_off_log", whole)
        journal.reopen()
        journal.evidence.erase_expired(0)
        assert not any(secret[:28] in file.read_bytes() for file in tmp_path.iterdir())


def test_nothing_of_what_was_erased_is_left_in_the_gaps_of_pages(tmp_path: Path) -> None:
    """Rows that grow small are moved together: where they were before, their content may still lie."""
    draw = random.Random(1)
    with Journal.open(tmp_path / "journal.db", reserve_bytes=0) as journal:
        for _ in range(12):
            data = [draw.randbytes(draw.choice((16, 300, 900))) for _ in range(30)]
            digests = [journal.evidence.put(datum, None) for datum in data]
            draw.shuffle(digests)
            for start in range(0, 30, 5):
                journal.evidence.erase(digests[start : start + 5])
            content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
            assert not [datum for datum in data if datum in content]
