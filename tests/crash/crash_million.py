"""`make crash`: recordings of sales and of everything a journal does, each from another seed, and power cuts at all their steps.

Exit code 1 when a promise was broken; then the files of the first such image are left behind, with what replays it.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from crash_cuts import Outcome, cut
from crash_judge import Judge, lay_down
from crash_record import record

# Images at random after each step, besides the telling ones.
_AT_RANDOM = 3
_FEWEST = 2_000  # images of one recording


@dataclass(frozen=True)
class Task:
    """One recording: `program` and its arguments, of which the seed decides the cuts too."""

    program: str
    arguments: tuple[str, ...]
    seed: int
    place: Path


def _tasks(first_seed: int, place: Path) -> Iterator[Task]:
    for seed in count(first_seed):
        yield Task("crash_sales.py", ("20", str(seed), "right"), seed, place)
        yield Task("crash_journal.py", ("150", str(seed), "right"), seed, place)


def _play(task: Task) -> tuple[Task, Outcome]:
    logging.disable()
    with tempfile.TemporaryDirectory(dir=task.place) as directory:
        recording = record(task.program, Path(directory) / "recorded", *task.arguments)
        fault_of = Judge(recording, Path(directory) / "image").fault
        return task, cut(recording, fault_of, seed=task.seed, count=_AT_RANDOM)


def main() -> int:
    parser = argparse.ArgumentParser(description="Power cuts at every step of recorded kiosks.")
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    shared = Path("/dev/shm")
    images = steps = 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pilepay-crash-", dir=shared if shared.is_dir() else None) as directory:
        context = multiprocessing.get_context("spawn")
        tasks = islice(_tasks(asked.seed, Path(directory)), 2 + asked.images // _FEWEST)
        with context.Pool(asked.jobs) as pool:
            for task, outcome in pool.imap_unordered(_play, tasks):
                images += outcome.images
                steps += outcome.steps
                passed = time.monotonic() - began
                done = min(1, images / asked.images)
                played = f"{task.program} {' '.join(task.arguments)}"
                print(f"{images:>9} images after {steps} steps, {images / passed:.0f}/s, {done:.0%}; {played}", flush=True)
                if outcome.faults:
                    print(outcome)
                    left = Path(tempfile.mkdtemp(prefix="pilepay-crash-image-")) / "disk"
                    lay_down(outcome.faults[0].image, left)
                    print(f"the first image with a fault lies in {left}")
                    return 1
                if images >= asked.images:
                    break
    print(f"{images} images after {steps} steps in {passed:.0f} s, seeds from {asked.seed}: no promise broken")
    return 0


if __name__ == "__main__":
    sys.exit(main())
