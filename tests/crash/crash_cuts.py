"""Cuts the power after every step of a recording, and judges everything the disk may then hold."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crash_disk import Disk, Image
from crash_judge import Judge
from crash_marks import Promised
from crash_record import Recording


@dataclass(frozen=True)
class Fault:
    """A broken promise: after how many steps the power went, which of the images it is, and what is wrong."""

    step: int
    number: int
    what: str
    image: Image

    def __str__(self) -> str:
        return f"power cut after step {self.step}, image {self.number}: {self.what}"


@dataclass(frozen=True)
class Outcome:
    """How many different images were judged after how many different steps, and what was wrong."""

    images: int
    steps: int
    faults: list[Fault]

    def __str__(self) -> str:
        return f"{self.images} images after {self.steps} steps, {len(self.faults)} faults" + "".join(f"\n{f}" for f in self.faults[:5])


def cut(recording: Recording, place: Path, *, seed: int, count: int, every: int = 1, enough: int = 20) -> Outcome:
    """Judge `count` random images after each step besides the telling ones; stops after `enough` faults.

    With `every` above 1, only one step in so many is looked at. An image is judged again only when more was promised meanwhile.
    """
    judge = Judge(recording, place)
    images = steps = 0
    faults: list[Fault] = []
    for step, promised, different in _moments(recording, seed, count, every):
        found = False
        for number, image in different:
            images += 1
            found = True
            if (what := judge.fault(image, promised)) is not None:
                faults.append(Fault(step, number, what, image))
        steps += found
        if len(faults) >= enough:
            break
    return Outcome(images, steps, faults)


def _moments(recording: Recording, seed: int, count: int, every: int) -> Iterator[tuple[int, Promised, Iterator[tuple[int, Image]]]]:
    disk = Disk(recording.root, recording.before)
    promised = Promised()
    seen: set[int] = set()
    for number, step in enumerate(recording.steps, 1):
        disk.do(step)
        promised.hear(step)
        if step.what == "k" and json.loads(step.data)[0] != "state":
            seen.clear()
        if number % every == 0:
            draw = random.Random(f"{seed} {number}")
            yield number, promised, _different(disk.cuts(draw, count), seen)


def _different(images: Iterator[Image], seen: set[int]) -> Iterator[tuple[int, Image]]:
    for number, image in enumerate(images):
        mark = hash(tuple(sorted(image.items())))
        if mark not in seen:
            seen.add(mark)
            yield number, image
