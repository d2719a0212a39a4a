"""A real file system that the kernel turns read-only under an open journal, as it does when the medium fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = """
import subprocess, sys
from pathlib import Path
from kiosk.journal.entry import Entry, JournalError, JournalFailed
from kiosk.journal.journal import Journal
from kiosk.values import Moment

place = Path(sys.argv[1])
entry = Entry("kiosk", "Step", 1, Moment(0, "b", 0), bytes(3_000))
path = place / "journal.db"
if sys.argv[2] == "before":
    journal = Journal.open(path, reserve_bytes=0)
    for _ in range(40):
        head = journal.append([entry] * 3, evidence=[journal.evidence.seal(b"frame", None)])
    subprocess.run(["mount", "-o", "remount,abort", str(place)], check=False)
    for _ in range(2):
        try:
            journal.append([entry])
        except JournalFailed:
            continue
        raise AssertionError("an entry was acknowledged on a read-only disk")
    try:
        journal.reopen()
    except JournalError as error:
        assert str(path) in str(error) or "evidence" in str(error), error
        assert journal.failed
    else:
        raise AssertionError("a journal on a read-only disk was opened for writing")
    print(head, flush=True)
    import os
    os._exit(0)
head = int(sys.argv[3])
with Journal.open(path, reserve_bytes=0) as journal:
    assert journal.head == head, (journal.head, head)
    assert journal.verify().sound
    assert journal.append([entry]) == head + 1
"""


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def _mounted(image: Path, place: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run `command` with the image mounted, in a world of mounts of its own."""
    return _run("unshare", "-m", "sh", "-ec", f"mount -o loop,errors=remount-ro '{image}' '{place}'; {command}")


def test_a_disk_that_turns_read_only_loses_nothing_acknowledged(tmp_path: Path) -> None:
    mkfs = shutil.which("mkfs.ext4", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
    fsck = shutil.which("e2fsck", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
    image, place = tmp_path / "image", tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or mkfs is None or fsck is None:
        pytest.skip("a file system can be mounted by root only, and needs e2fsprogs")
    assert _run("sh", "-ec", f"truncate -s 12M '{image}'; '{mkfs}' -q -F -m 0 '{image}'").returncode == 0
    if _mounted(image, place, "true").returncode:
        pytest.skip("no loop device can be mounted here")
    program = tmp_path / "program.py"
    program.write_text(_PROGRAM)
    before = _mounted(image, place, f"'{sys.executable}' '{program}' '{place}' before")
    assert before.returncode == 0, before.stderr
    assert _run(fsck, "-fy", str(image)).returncode in (0, 1)
    after = _mounted(image, place, f"'{sys.executable}' '{program}' '{place}' after {before.stdout.strip()}")
    assert after.returncode == 0, after.stderr
