"""`make crash`: a whole kiosk is really killed, again and again; then power cuts are played at all the steps of recordings.

Recorded are sales, everything a journal does, recoveries from a power cut, disks that fail now and then, and changes of the schema, each
from another seed.
Exit code 1 when a promise was broken; then the files of the first such image are left behind, with what replays it.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count as numbers
from pathlib import Path

from crash_cuts import Outcome, at_step, cut
from crash_judge import judged, lay_down
from crash_newer import OlderProgram, newer_schema
from crash_record import record

# Images at random after each step, besides the telling ones.
_AT_RANDOM = 8
_SALES = "10"
_FEWEST_SALES = 20
_SCHEMA_EVERY = 8  # seeds
_KILLS = Path(__file__).parent.parent / "e2e" / "tree_kills.py"


@dataclass(frozen=True)
class Task:
    """One recording; the seed decides it and its cuts."""

    kind: str  # sales | journal | recovery | failing | schema
    seed: int
    place: Path

    def __str__(self) -> str:
        return f"{self.kind} of seed {self.seed}"


@dataclass(frozen=True)
class Played:
    """What became of a task: what was judged, and what the recordings held."""

    task: Task
    outcome: Outcome
    opened: int
    read_through: int
    sales: int
    signed: int


@dataclass
class Total:
    """Over all recordings. An image that several recordings came to counts once."""

    images: set[int] = field(default_factory=set)
    steps: int = 0
    judgements: int = 0
    opened: int = 0
    read_through: int = 0
    sales: int = 0
    signed: int = 0
    schemas: int = 0
    recordings: int = 0

    def add(self, played: Played) -> None:
        self.images |= played.outcome.digests
        self.steps += played.outcome.steps
        self.judgements += played.outcome.judgements
        self.opened += played.opened
        self.read_through += played.read_through
        self.sales += played.sales
        self.signed += played.signed
        self.schemas += played.task.kind == "schema"
        self.recordings += 1

    def __str__(self) -> str:
        return (
            f"{len(self.images)} different images after {self.steps} steps of {self.recordings} recordings"
            f" ({self.sales} sales, {self.signed} signed states, {self.schemas} changes of schema)\n"
            f"{self.judgements} judgements: {self.opened} times opened and appended to, {self.read_through} of these read through and"
            f" verified, the rest equal byte for byte to one of these"
        )


def _tasks(first_seed: int, place: Path) -> Iterator[Task]:
    for seed in numbers(first_seed):
        schema = ("schema",) if seed % _SCHEMA_EVERY == first_seed % _SCHEMA_EVERY else ()
        kinds = ("sales", "journal", "recovery", "failing", *schema)
        for kind in kinds:
            yield Task(kind, seed, place)


def _play(task: Task) -> Played:
    logging.disable()
    seed = str(task.seed)
    with ExitStack() as stack:
        here = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=task.place)))
        promised = older = None
        match task.kind:
            case "sales":
                recording = record("crash_sales.py", here / "recorded", _SALES, seed, "right")
            case "journal":
                recording = record("crash_journal.py", here / "recorded", "100", seed, "right")
            case "recovery":
                first = record("crash_journal.py", here / "first", "40", seed, "right")
                draw = random.Random(f"first cut {task.seed}")  # other bytes than those that the recording writes
                image, promised = at_step(first, draw.randrange(200, len(first.steps)), draw)
                recording = record("crash_journal.py", here / "recorded", "30", f"{task.seed + 1}", "right", before=image)
            case "failing":
                recording = record("crash_failing.py", here / "recorded", "80", seed, "right")
            case "schema":
                recording = record("crash_newer.py", here / "recorded", seed)
                older = cut(recording, OlderProgram(here / "older").fault, seed=task.seed, count=1)
                stack.enter_context(newer_schema())
        count = 2 if older else _AT_RANDOM
        outcome, judge = judged(recording, here / "image", seed=task.seed, count=count, promised=promised)
        if older is not None and older.faults:
            outcome = older
        return Played(task, outcome, judge.opened, judge.read_through, judge.sales, judge.signed)


def _images(wanted: int, first_seed: int, jobs: int) -> int:
    shared = Path("/dev/shm")
    total = Total()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pilepay-crash-", dir=shared if shared.is_dir() else None) as directory:
        context = multiprocessing.get_context("spawn")
        with context.Pool(jobs) as pool:
            tasks = _tasks(first_seed, Path(directory))
            waiting = [pool.apply_async(_play, (next(tasks),)) for _ in range(jobs + 1)]
            while len(total.images) < wanted or total.sales < _FEWEST_SALES or not total.schemas:
                played = waiting.pop(0).get()
                waiting.append(pool.apply_async(_play, (next(tasks),)))
                total.add(played)
                passed = time.monotonic() - began
                found = len(total.images)
                print(f"{found:>9} different images, {found / passed:.0f}/s, {min(1, found / wanted):.0%}; {played.task}", flush=True)
                if played.outcome.faults:
                    print(played.outcome)
                    left = Path(tempfile.mkdtemp(prefix="pilepay-crash-image-")) / "disk"
                    lay_down(played.outcome.faults[0].image, left)
                    print(f"the first image with a fault lies in {left}")
                    return 1
            pool.terminate()
    print(f"{total}\nin {passed:.0f} s ({len(total.images) / passed:.0f}/s), seeds from {first_seed}: no promise broken")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Real kills of a whole kiosk, and power cuts at every step of recorded ones.")
    parser.add_argument("--images", type=int, default=1_000_000, help="different images to judge; 0: none")
    parser.add_argument("--kills", type=int, default=200, help="times the whole process tree is killed in a running kiosk; 0: none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    if asked.kills:
        kills = subprocess.run([sys.executable, str(_KILLS), "--kills", str(asked.kills), "--seed", str(asked.seed)], check=False)
        if kills.returncode:
            return kills.returncode
    return _images(asked.images, asked.seed, asked.jobs) if asked.images else 0


if __name__ == "__main__":
    sys.exit(main())
