"""The disk of the crash images leaves behind all that POSIX allows, and nothing that it rules out."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from crash_disk import SECTOR, Disk, File, Step

ROOT = Path("disk")
A, B, C = (bytes([letter]) * SECTOR for letter in b"ABC")


def opened(name: str, fd: int = 3) -> Step:
    return Step("o", fd, os.O_CREAT, 0, f"disk/{name}".encode())


def directory_synced() -> list[Step]:
    return [Step("o", 9, 0, 0, b"disk"), Step("s", 9, 0, 0, b""), Step("c", 9, 0, 0, b"")]


def left(*steps: Step, before: dict[str, bytes] | None = None) -> set[tuple[tuple[str, bytes], ...]]:
    """Everything that a power cut after `steps` may leave."""
    disk = Disk(ROOT, before)
    for step in steps:
        disk.do(step)
    draw = random.Random(1)
    return {tuple(sorted((n, c) for n, c in image.items() if "shm" not in n)) for image in disk.cuts(draw, 400)}


def contents(file: File) -> set[bytes]:
    draw = random.Random(1)
    return {file.cut(draw, 0.5, False) for _ in range(600)}


def test_what_was_synced_is_kept() -> None:
    write, sync = Step("w", 3, 0, 0, A), Step("s", 3, 0, 0, b"")
    assert left(opened("f"), write, sync, *directory_synced()) == {(("f", A),)}


def test_a_new_file_is_lost_until_its_directory_is_synced() -> None:
    write, sync = Step("w", 3, 0, 0, A), Step("s", 3, 0, 0, b"")
    assert left(opened("f"), write, sync) == {(), (("f", A),)}


def test_sectors_are_old_or_new_each_for_itself() -> None:
    file = File(A + A)
    file.write(0, B + B)
    assert contents(file) == {A + A, A + B, B + A, B + B}


def test_two_writes_into_one_sector_are_never_mixed() -> None:
    file = File(A)
    file.write(0, b"1")
    file.write(1, b"2")
    assert contents(file) == {A, b"1" + A[1:], b"12" + A[2:]}


def test_a_file_that_grew_has_any_of_its_sizes() -> None:
    file = File(A)
    file.write(SECTOR, B)
    file.write(2 * SECTOR, C)
    zero = bytes(SECTOR)
    assert contents(file) == {A, A + B, A + zero, A + B + C, A + zero + C, A + B + zero, A + zero + zero}


def test_a_cut_is_lost_or_done_as_a_whole() -> None:
    file = File(A + B)
    file.resize(0)
    assert contents(file) == {A + B, b""}


def test_what_is_written_after_a_cut_does_not_stand_among_what_was_cut_off() -> None:
    file = File(A + B)
    file.resize(0)
    file.write(0, C)
    assert contents(file) == {A + B, b"", C, bytes(SECTOR)}


def test_what_is_left_of_a_cut_may_change_without_it() -> None:
    file = File(A + B)
    file.resize(SECTOR)
    file.write(0, C)
    assert contents(file) == {A + B, C + B, A, C}


def test_a_removal_and_a_new_name_are_lost_alone_or_together() -> None:
    steps = (Step("u", 0, 0, 0, b"disk/log"), Step("r", 0, 8, 0, b"disk/newdisk/old"))
    before = {"log": A, "new": B, "old": C}
    renamed, both = (("log", A), ("old", B)), (("old", B),)
    nothing, removed = (("log", A), ("new", B), ("old", C)), (("new", B), ("old", C))
    assert left(*steps, before=before) == {nothing, removed, renamed, both}
    assert left(*steps, *directory_synced(), before=before) == {both}


def test_what_a_failed_sync_threw_away_is_not_written_by_the_next() -> None:
    file = File(A + A)
    file.write(0, B + B)
    file.fail_to_sync()
    file.write(SECTOR, C)
    file.sync()
    assert file.written == B + C
    assert file.kept == A + C


def test_a_write_through_a_mapping_is_no_recording() -> None:
    disk = Disk(ROOT)
    disk.do(opened("journal.db"))
    with pytest.raises(ValueError, match="mapping"):
        disk.do(Step("m", 3, 0, 0, b""))
