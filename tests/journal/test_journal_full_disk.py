"""A disk that is really full, and a reader in another process that really holds the log.

The small disk is an ext4 image, or memory where loop devices may not be used; where nothing can be mounted, the size of files is limited.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.journal.wal import LIMIT
from kiosk.values import Moment

_PROGRAM = Path(__file__).with_name("full_disk.py")
_SIZE = "12M"


class SmallDisk:
    """Runs programs that see `place` as a disk of 12 MB. Each sees it in a world of mounts of its own, so that nothing is left behind."""

    def __init__(self, directory: Path) -> None:
        self.place = directory / "disk"
        self.place.mkdir()
        self._image = directory / "image"
        self.lasting = self._make_image()
        self.mountable = self.lasting or self._mounts("-rm", f"mount -t tmpfs -o size={_SIZE} none '{self.place}'")

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """With an image, what one program leaves the next one finds; memory is empty each time."""
        python = f'exec "{sys.executable}" "{_PROGRAM}" "{self.place}" {" ".join(words)}'
        if self.lasting:
            return _run("unshare", "-m", "sh", "-ec", f"mount -o loop '{self._image}' '{self.place}'; {python}")
        if self.mountable:
            return _run("unshare", "-rm", "sh", "-ec", f"mount -t tmpfs -o size={_SIZE} none '{self.place}'; {python}")
        return _run("sh", "-ec", python)

    def _make_image(self) -> bool:
        mkfs = shutil.which("mkfs.ext4", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
        if os.geteuid() != 0 or mkfs is None:
            return False
        made = _run("sh", "-ec", f"truncate -s {_SIZE} '{self._image}'; '{mkfs}' -q -F -m 0 '{self._image}'")
        return made.returncode == 0 and self._mounts("-m", f"mount -o loop '{self._image}' '{self.place}'")

    def _mounts(self, how: str, command: str) -> bool:
        return shutil.which("unshare") is not None and _run("unshare", how, "sh", "-ec", command).returncode == 0


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def test_a_full_disk_loses_nothing_and_the_reserve_finishes_what_runs(tmp_path: Path) -> None:
    disk = SmallDisk(tmp_path)
    if not disk.mountable:
        limited = disk.run("limited")
        assert limited.returncode == 0, limited.stderr
        return
    filled = disk.run("fill")
    assert filled.returncode == -9, filled.stderr
    assert int(filled.stdout) > 90
    if disk.lasting:
        after = disk.run("after", filled.stdout.strip())
        assert after.returncode == 0, after.stderr


def test_what_the_kiosk_writes_on_a_full_disk_goes_into_the_room_kept_back(tmp_path: Path) -> None:
    disk = SmallDisk(tmp_path)
    if not disk.mountable:
        pytest.skip("no small disk can be mounted here")
    done = disk.run("kiosk")
    assert done.returncode == 0, done.stderr[-3_000:]
    assert "the room kept back is used up now" in done.stderr


_READER = """
import sys
from pathlib import Path
from kiosk.journal.reader import Reader
reader = Reader.open(Path(sys.argv[1]))
reader._db.execute("BEGIN")
print(reader.head(), flush=True)
sys.stdin.read()
"""


def test_a_log_held_by_another_program_loses_nothing_and_shrinks_when_that_is_killed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path, reserve_bytes=0) as journal:
        journal.append([_big(0)])
        command = [sys.executable, "-c", _READER, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "1\n"
            while journal.space().wal <= LIMIT:
                journal.append([_big(journal.head)])
                journal.tidy()
            journal.append([_big(0)] * 5)
            journal.tidy()
            assert [r.levelno for r in caplog.records if "a reader holds it" in r.message] == [logging.WARNING]
            held = journal.space().wal
            reader.kill()
        for _ in range(6):
            journal.append([_big(0)])
            journal.tidy()
        assert journal.space().wal <= LIMIT < held
        assert journal.verify().sound
        assert sum(1 for _ in journal.read()) == journal.head


def _big(n: int) -> Entry:
    return Entry("kiosk", "Big", 1, Moment(n, "", 0), bytes(500_000))
