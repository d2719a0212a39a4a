"""Cuts the power after every step of a recording, and judges everything the disk may then hold."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from crash_disk import Disk, Image, digest_of_image
from crash_marks import Promised
from crash_record import Recording


@dataclass(frozen=True)
class Fault:
    """A broken promise: after how many steps the power went, which of the images it is, and what is wrong."""

    step: int
    number: int
    what: str
    image: Image = field(repr=False)

    def __str__(self) -> str:
        return f"power cut after step {self.step}, image {self.number}: {self.what}"


@dataclass(frozen=True)
class Outcome:
    """Which different images were judged after how many different steps, how many judgements that took, and what was wrong.

    An image is judged again when more was promised meanwhile; it counts once.
    """

    digests: frozenset[int] = field(repr=False)
    judgements: int
    steps: int
    faults: list[Fault]

    @property
    def images(self) -> int:
        return len(self.digests)

    def __str__(self) -> str:
        return f"{self.images} images after {self.steps} steps, {len(self.faults)} faults" + "".join(f"\n{f}" for f in self.faults[:5])


Judgement = Callable[[Image, Promised], str | None]


def cut(recording: Recording, fault_of: Judgement, *, seed: int, count: int, enough: int = 20, promised: Promised | None = None) -> Outcome:
    """Ask `fault_of` about `count` random images after each step besides the telling ones; ends after `enough` faults.

    `promised` is what was promised before the recording began.
    """
    digests: set[int] = set()
    judgements = 0
    steps: set[int] = set()
    faults: list[Fault] = []
    for step, number, image, digest, standing in _images(recording, seed, count, promised or Promised()):
        judgements += 1
        digests.add(digest)
        steps.add(step)
        if (what := fault_of(image, standing)) is not None:
            faults.append(Fault(step, number, what, image))
            if len(faults) == enough:
                break
    return Outcome(frozenset(digests), judgements, len(steps), faults)


def at_step(recording: Recording, number: int, draw: random.Random) -> tuple[Image, Promised]:
    """One torn image after the step `number`, and what was promised then."""
    disk, promised = Disk(recording.root, recording.before), Promised()
    for step in recording.steps[:number]:
        disk.do(step)
        promised.hear(step)
    *_, image = disk.cuts(draw, 1)
    return image, promised


def _images(recording: Recording, seed: int, count: int, promised: Promised) -> Iterator[tuple[int, int, Image, int, Promised]]:
    """Step, number, image, its digest and what was promised, as long as they were not yet judged together."""
    disk = Disk(recording.root, recording.before)
    seen: set[tuple[int, int]] = set()
    for at, step in enumerate(recording.steps, 1):
        disk.do(step)
        promised.hear(step)
        if step.what == "k" and json.loads(step.data)[0] != "state":
            seen.clear()
        for number, image in enumerate(disk.cuts(random.Random(f"{seed} {at}"), count)):
            digest = digest_of_image(image)
            mark = digest, hash(tuple(content for name, content in image.items() if name.endswith("-shm")))
            if mark not in seen:
                seen.add(mark)
                yield at, number, image, digest, promised
