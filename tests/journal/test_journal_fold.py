"""What the entries add up to is kept for the next start, and believed only where every doubt is excluded."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest
from broken_disk import on_broken_disk

from kiosk.journal.entry import Entry
from kiosk.journal.fold import Fold
from kiosk.journal.journal import Journal
from kiosk.values import Moment

MARK = "program 1"


def entries(count: int, body: bytes = b"{}") -> list[Entry]:
    return [Entry("kiosk", "Odd", 1, Moment(n, "", 0), body) for n in range(count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Journal.open(tmp_path / "journal.db", reserve_bytes=0) as journal:
        journal.append(entries(10))
        journal.keep_fold(8, MARK, b"state of 8")
    return tmp_path / "journal.db"


def found(path: Path, mark: str = MARK) -> Fold | None:
    with Journal.open(path, reserve_bytes=0) as journal:
        return journal.find_fold(mark)


def test_what_was_kept_is_found_again(path: Path) -> None:
    fold = found(path)
    assert fold is not None
    assert (fold.seq, fold.state) == (8, b"state of 8")
    assert path.with_suffix(".fold").stat().st_mode & 0o077 == 0


def test_another_program_does_not_take_it(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert found(path, "program 2") is None
    assert "another program" in caplog.text


@pytest.mark.parametrize("place", [0, 63, 64, 70, -1])
def test_one_wrong_byte_anywhere_and_it_is_nothing(path: Path, place: int) -> None:
    file = path.with_suffix(".fold")
    raw = bytearray(file.read_bytes())
    raw[place] ^= 1
    file.write_bytes(raw)
    assert found(path) is None


@pytest.mark.parametrize("content", [b"", b"x", bytes(64), bytes(200)])
def test_garbage_is_nothing(path: Path, content: bytes) -> None:
    path.with_suffix(".fold").write_bytes(content)
    assert found(path) is None


def test_without_one_the_journal_opens_as_ever(path: Path) -> None:
    path.with_suffix(".fold").unlink()
    assert found(path) is None


def test_another_kiosks_is_nothing_here(path: Path, tmp_path: Path) -> None:
    with Journal.open(tmp_path / "other" / "journal.db", reserve_bytes=0) as other:
        other.append(entries(10))  # the very same entries
        other.keep_fold(8, MARK, b"forged")
    shutil.copy(tmp_path / "other" / "journal.fold", path.with_suffix(".fold"))
    assert found(path) is None


def test_one_that_is_ahead_of_a_journal_put_back_is_nothing(path: Path, tmp_path: Path) -> None:
    shutil.copytree(path.parent, tmp_path / "copy")
    with Journal.open(path, reserve_bytes=0) as journal:
        journal.append(entries(5))
        journal.keep_fold(15, MARK, b"state of 15")
    shutil.copy(path.with_suffix(".fold"), tmp_path / "copy" / "journal.fold")
    assert found(tmp_path / "copy" / "journal.db") is None


def test_one_of_a_tail_that_was_written_anew_is_nothing(path: Path, tmp_path: Path) -> None:
    shutil.copytree(path.parent, tmp_path / "copy")
    for place, body in ((path, b"{}"), (tmp_path / "copy" / "journal.db", b"[]")):
        with Journal.open(place, reserve_bytes=0) as journal:
            journal.append(entries(5, body))
            journal.keep_fold(15, MARK, body)
    shutil.copy(path.with_suffix(".fold"), tmp_path / "copy" / "journal.fold")
    assert found(tmp_path / "copy" / "journal.db") is None


def test_an_older_one_is_as_good_for_as_far_as_it_goes(path: Path) -> None:
    with Journal.open(path, reserve_bytes=0) as journal:
        journal.append(entries(500))
    fold = found(path)
    assert fold is not None
    assert fold.seq == 8


def test_of_entries_that_are_not_there_none_is_kept(path: Path) -> None:
    with Journal.open(path, reserve_bytes=0) as journal:
        journal.keep_fold(99, MARK, b"state of 99")
    fold = found(path)
    assert fold is not None
    assert fold.seq == 8


def test_a_checkpoint_cannot_be_taken_for_one_nor_one_for_a_checkpoint(path: Path) -> None:
    with Journal.open(path, reserve_bytes=0) as journal:
        note = journal.checkpoint().note
    path.with_suffix(".fold").write_text(note)
    assert found(path) is None


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_takes_none_costs_only_time(path: Path, error: int, caplog: pytest.LogCaptureFixture) -> None:
    with Journal.open(path, reserve_bytes=0) as journal:
        assert on_broken_disk(error, ("fsync",), lambda: journal.keep_fold(10, MARK, b"state of 10")) is None
        assert "will take longer" in caplog.text
        assert not list(path.parent.glob("*.new"))
        journal.append(entries(1))
    fold = found(path)
    assert fold is not None
    assert fold.seq == 8
