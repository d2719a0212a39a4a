"""Death at any instant: kill -9 of a real process, and disks that kept an arbitrary part of what was not synced yet."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.values import Moment

_WORKER = """
import sys
from pathlib import Path
from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.values import Moment

journal = Journal.open(Path(sys.argv[1]), reserve_bytes=0)
while True:
    n = journal.head + 1
    sealed = journal.evidence.seal(b"frame %d" % n, None)
    batch = [Entry("kiosk", "Step", 1, Moment(n, "b", n), sealed.digest.encode())] * 3
    seq = journal.append(batch, evidence=[sealed] if n % 2 else [])
    number = journal.serials.next("transaction")
    journal.cursor("printer").advance(seq)
    if n % 7 == 0:
        journal.checkpoint()
    journal.tidy()
    print(seq, number, sealed.digest if n % 2 else "-", flush=True)
"""


def test_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    draw = random.Random(9)
    numbers: list[int] = []
    for _ in range(6):
        worker = subprocess.Popen([sys.executable, "-c", _WORKER, str(path)], stdout=subprocess.PIPE, text=True)
        assert worker.stdout is not None
        lines = [worker.stdout.readline() for _ in range(draw.randrange(1, 120))]
        worker.kill()
        lines += worker.stdout.readlines()
        worker.stdout.close()
        worker.wait()
        acknowledged = [line.split() for line in lines if line.endswith("\n")]
        numbers += [int(number) for _, number, _ in acknowledged]
        last = int(acknowledged[-1][0])
        with Journal.open(path, reserve_bytes=0) as journal:
            assert journal.head >= last
            assert journal.head % 3 == 0
            assert journal.cursor("printer").get() >= last
            assert journal.verify().sound
            assert journal.verify(from_checkpoint=True).sound
            for _, _, digest in acknowledged:
                assert digest == "-" or journal.evidence.get(digest) is not None  # type: ignore[arg-type]
    assert len(set(numbers)) == len(numbers)


Files = dict[str, bytes]


def test_any_part_of_the_unsynced_writes_may_survive_a_power_cut(tmp_path: Path) -> None:
    """Between two acknowledged states every 512-byte sector may be old or new; what was acknowledged is there, and the chain holds."""
    draw = random.Random(512)
    images = 0
    for acknowledged, before, after in _steps(tmp_path / "live"):
        for image in (before, after, *(_torn(before, after, draw) for _ in range(4))):
            directory = tmp_path / "image"
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
            for name, content in image.items():
                (directory / name).write_bytes(content)
            with Journal.open(directory / "journal.db", reserve_bytes=0) as journal:
                assert journal.head in (acknowledged, acknowledged + 3)
                assert journal.verify().sound
            images += 1
    assert images == 240


def _steps(directory: Path) -> Iterator[tuple[int, Files, Files]]:
    """A journal's files before and after each commit and each copying back, with the head that was acknowledged before."""
    with Journal.open(directory / "journal.db", reserve_bytes=0, entropy=bytes) as journal:
        files = _files(directory)
        for n in range(40):
            head = journal.head
            if n % 5 == 4:
                journal.checkpoint()
            elif n % 9 == 8:
                journal._database.rows("PRAGMA wal_checkpoint(PASSIVE)")
            else:
                journal.append([Entry(f"s{n}", "Step", 1, Moment(n, "b", n), b"x" * (137 * n % 1500))] * 3)
            now = _files(directory)
            yield head, files, now
            files = now


def _files(directory: Path) -> Files:
    return {path.name: path.read_bytes() for path in directory.iterdir() if not path.name.endswith(("-shm", ".lock"))}


def _torn(before: Files, after: Files, draw: random.Random) -> Files:
    image: Files = {}
    for name, new in after.items():
        old = before.get(name, b"")
        torn = bytearray(old)
        for at in range(0, max(len(old), len(new)), 512):
            if old[at : at + 512] != new[at : at + 512] and draw.random() < 0.5:
                torn.extend(bytes(max(0, at + len(new[at : at + 512]) - len(torn))))
                torn[at : at + 512] = new[at : at + 512]
        image[name] = bytes(torn)
    return image


def test_what_the_thread_acknowledged_survives_its_process(tmp_path: Path) -> None:
    program = """
import asyncio, os, sys
from pathlib import Path
from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.journal.thread import JournalThread
from kiosk.values import Moment

async def main():
    thread = JournalThread(Journal.open(Path(sys.argv[1]), reserve_bytes=0))
    async def one(n):
        seq = await thread.append([Entry("kiosk", "Step", 1, Moment(n, "b", n), b"%d" % n)])
        os.write(1, b"%d %d\\n" % (seq, n))
        if n == 300:
            os.kill(os.getpid(), 9)
    await asyncio.gather(*(one(n) for n in range(1000)))

asyncio.run(main())
"""
    path = tmp_path / "journal.db"
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -9, done.stderr
    acknowledged = {int(seq): int(n) for seq, n in (line.split() for line in done.stdout.splitlines())}
    with Journal.open(path, reserve_bytes=0) as journal:
        stored = {int(s.seq): int(s.body) for s in journal.read()}
        assert journal.verify().sound
    assert len(acknowledged) > 100
    assert all(stored[seq] == n for seq, n in acknowledged.items())
