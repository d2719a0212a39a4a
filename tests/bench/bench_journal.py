"""How long one decision takes to be durable, against the least the disk can do.

Ours: three entries of 300 bytes, chained, one transaction, with the upkeep of the write-ahead log included. The
floor: 8,240 bytes (two frames of such a log) appended to a bare file and fdatasync'ed. Both in every round, in
changing order, so that the disk's moods hit both alike.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bar import Bar

from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.values import Moment

BAR = 1.25
_FLOOR_BYTES = 8_240
_BODY = b'{"amount":{"currency":"EUR","minor":5000},"note":"%s"}' % (b"x" * 248)


def bench_append(directory: Path, rounds: int) -> tuple[float, float]:
    """The median of ours and of the floor, in microseconds."""
    ours: list[int] = []
    floor: list[int] = []
    bare = os.open(directory / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        with Journal.open(directory / "journal.db") as journal:
            for n in range(rounds):
                stream = f"PP01-{n // 12:032x}"
                decision = [Entry(stream, "PreauthorizationRequested", 1, Moment(1_790_000_000_000 + n, "5c1de0aa", n), _BODY)] * 3
                pair: list[tuple[list[int], Callable[[], None]]] = [
                    (ours, partial(_append, journal, decision)),
                    (floor, partial(_append_bare, bare)),
                ]
                for times, work in pair if n % 2 else reversed(pair):
                    begin = time.perf_counter_ns()
                    work()
                    times.append(time.perf_counter_ns() - begin)
    finally:
        os.close(bare)
    return statistics.median(ours) / 1_000, statistics.median(floor) / 1_000


def _append(journal: Journal, decision: list[Entry]) -> None:
    journal.append(decision)
    journal.tidy()


def _append_bare(bare: int) -> None:
    os.write(bare, bytes(_FLOOR_BYTES))
    os.fdatasync(bare)


def bars() -> Iterator[Bar]:
    with tempfile.TemporaryDirectory(prefix="pilepay-bench-", dir=Path.cwd()) as directory:
        ours, floor = bench_append(Path(directory), 2_000)
    print(f"journal append of one decision {ours:.0f} us, floor {floor:.0f} us")
    yield Bar("journal append of one decision, of an append and fdatasync of 8,240 bytes, p50", ours / floor, BAR)


if __name__ == "__main__":
    for bar in bars():
        print(*bar.row(), sep="  ")
