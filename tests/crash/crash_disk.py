"""A disk that may lose power: what was synced is kept, of the rest any part.

What POSIX leaves open is left open here. Until a file is synced, each of its 512-byte sectors may hold any of the contents
it has had since, whatever became of its neighbours, and the file may have any of the sizes it has had; sectors it grew by
may hold anything. Until a directory is synced, each of its changes of names may be lost, alone or with all that came after.
A sync that failed has thrown away what it should have written: programs still see it, and a later sync does not write it again.
Two things happen whole or not at all, as on every disk and every file system with a log of its own: a sector is written,
and a file is cut (what was cut off does not come back in parts).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import NamedTuple

SECTOR = 512
Image = dict[str, bytes]

_HEAD = Struct("=cIQQI")
_SHM_BYTES = 32_768


@lru_cache(maxsize=64)
def digest_of(content: bytes) -> bytes:
    """Of one file. Most files of neighbouring images are the same object, so this is mostly remembered."""
    return sha256(content).digest()


def digest_of_image(image: Image) -> int:
    """64 bits that tell one state of the disk from another; what only running processes share is no part of it."""
    state = sha256()
    for name in sorted(image):
        if not name.endswith("-shm"):
            state.update(name.encode() + b"\0" + digest_of(image[name]))
    return int.from_bytes(state.digest()[:8], "big")


class Step(NamedTuple):
    """One record of `recorder.c`."""

    what: str
    fd: int
    a: int
    b: int
    data: bytes


def read_steps(log: Path) -> list[Step]:
    """What was recorded, in order."""
    raw = log.read_bytes()
    steps = []
    at = 0
    while at < len(raw):
        what, fd, a, b, length = _HEAD.unpack_from(raw, at)
        at += _HEAD.size
        steps.append(Step(what.decode(), fd, a, b, raw[at : at + length]))
        at += length
    return steps


class File:
    """One file's content: now, as last synced, and all between.

    `_sizes` are the sizes since, each with the number of cuts so far; `_cuts` are the sectors from which on each cut took all away.
    `_thrown_away` are the sectors that a failed sync dropped and nobody wrote since.
    `_versions` are the contents of a sector since, each with the number of cuts so far.
    """

    def __init__(self, content: bytes = b"") -> None:
        self.now = bytearray(content)
        self.kept = bytes(content)
        self._written: bytes | None = self.kept
        self._sizes: list[tuple[int, int]] = []
        self._cuts: list[int] = []
        self._versions: dict[int, list[tuple[int, bytes]]] = {}
        self._thrown_away: set[int] = set()

    @property
    def settled(self) -> bool:
        return not self._sizes and not self._versions

    @property
    def written(self) -> bytes:
        """What programs see; the same object until it changes."""
        if self._written is None:
            self._written = bytes(self.now)
        return self._written

    def write(self, at: int, data: bytes) -> None:
        self._written = None
        end = at + len(data)
        if end > len(self.now):
            self._grow(end)
        self.now[at:end] = data
        for sector in range(at // SECTOR, -(-end // SECTOR)):
            self._changed(sector)

    def resize(self, size: int) -> None:
        self._written = None
        if size > len(self.now):
            self._grow(size)
        elif size < len(self.now):
            del self.now[size:]
            self._cuts.append(-(-size // SECTOR))
            self._sizes.append((size, len(self._cuts)))
            if size % SECTOR:
                self._changed(size // SECTOR)

    def sync(self) -> None:
        kept = bytearray(self.written)
        for sector in self._thrown_away:
            at = sector * SECTOR
            old = self.kept[at : at + SECTOR].ljust(SECTOR, b"\0")
            kept[at : at + SECTOR] = old[: max(0, len(kept) - at)]
        self.kept = bytes(kept) if self._thrown_away else self.written
        self._sizes.clear()
        self._cuts.clear()
        self._versions.clear()

    def fail_to_sync(self) -> None:
        self._thrown_away.update(self._versions)

    def cut(self, draw: random.Random, newest: float, junk: bool) -> bytes:
        """What a power cut may leave: each sector its newest content with the chance `newest`, else an older one."""
        sizes = [(len(self.kept), 0), *self._sizes]
        size, done = sizes[-1] if draw.random() < newest else draw.choice(sizes)
        left = min(self._cuts[:done], default=size) * SECTOR
        image = bytearray(self.kept[: min(size, left)]) if done else bytearray(self.kept[:size])
        grown = size - len(image)
        image.extend(draw.randbytes(grown) if junk else bytes(grown))
        for sector, versions in self._versions.items():
            at = sector * SECTOR
            if at >= size:
                continue
            first, last = self._span(sector, done)
            possible = [content for cuts, content in versions if first <= cuts < last]
            if possible and draw.random() < newest:
                image[at : at + SECTOR] = possible[-1]
            elif (pick := draw.randint(0, len(possible))) > 0:
                image[at : at + SECTOR] = possible[pick - 1]
        return bytes(image[:size])

    def _span(self, sector: int, done: int) -> tuple[int, int]:
        """Between which cuts the content of `sector` was made, when `done` of them were carried out."""
        taking = [number for number, start in enumerate(self._cuts, 1) if sector >= start]
        return (
            max((number for number in taking if number <= done), default=0),
            min((number for number in taking if number > done), default=len(self._cuts) + 1),
        )

    def _grow(self, size: int) -> None:
        self._sizes.append((size, len(self._cuts)))
        self.now.extend(bytes(size - len(self.now)))

    def _changed(self, sector: int) -> None:
        at = sector * SECTOR
        self._thrown_away.discard(sector)
        content = bytes(self.now[at : at + SECTOR]).ljust(SECTOR, b"\0")
        self._versions.setdefault(sector, []).append((len(self._cuts), content))


Change = dict[str, File | None]


@dataclass
class Names:
    """What the directory calls its files: now, as last synced, and the changes between."""

    now: dict[str, File] = field(default_factory=dict)
    kept: dict[str, File] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def change(self, change: Change) -> None:
        self.changes.append(change)
        _rename(self.now, change)

    def sync(self) -> None:
        self.kept = dict(self.now)
        self.changes.clear()

    def cut(self, draw: random.Random, newest: float) -> dict[str, File]:
        """What a power cut may leave: the changes up to one of them, or any of them."""
        names = dict(self.kept)
        if draw.random() < 0.5:
            kept = self.changes[: draw.randint(0, len(self.changes))]
        else:
            kept = [change for change in self.changes if draw.random() < newest]
        for change in kept:
            _rename(names, change)
        return names


def _rename(names: dict[str, File], change: Change) -> None:
    for name, file in change.items():
        if file is None:
            names.pop(name, None)
        else:
            names[name] = file


class Disk:
    """The recorded directory. `do` takes the steps one by one; `cuts` gives what a power cut would leave there."""

    def __init__(self, root: Path, content: Mapping[str, bytes] | None = None) -> None:
        self._root = f"{root}/"
        self._names = Names()
        for name, data in (content or {}).items():
            self._names.now[name] = File(data)
        self._names.sync()
        self._open: dict[int, tuple[str, File | None]] = {}

    def do(self, step: Step) -> None:
        """Raises `ValueError` for what no replay could follow."""
        match step.what:
            case "o":
                self._opened(step)
            case "c":
                del self._open[step.fd]
            case "w":
                self._file(step).write(step.a, step.data)
            case "t":
                self._file(step).resize(step.a)
            case "a":
                file = self._file(step)
                file.resize(max(len(file.now), step.a + step.b))
            case "s" | "f":
                self._synced(step)
            case "m":
                name, _ = self._open[step.fd]
                if not name.endswith("-shm"):
                    raise ValueError(f"{name} is written through a mapping: no power cut in it can be played")
            case "u":
                self._names.change({self._name(step.data): None})
            case "r":
                old, new = self._name(step.data[: step.a]), self._name(step.data[step.a :])
                self._names.change({old: None, new: self._names.now[old]})
            case "k":
                pass
            case _:
                raise ValueError(f"a step {step.what!r} is unknown here")

    @property
    def written(self) -> Image:
        """Everything that was asked for, as programs see it."""
        return {name: file.written for name, file in self._names.now.items()}

    def cuts(self, draw: random.Random, count: int) -> Iterator[Image]:
        """What may be left: all synced, all written, the names lost, the contents lost; then `count` at random. Some may be alike."""
        now, kept = self._durable(self._names.now), self._durable(self._names.kept)
        yield {name: file.kept for name, file in kept.items()}
        yield {name: file.written for name, file in now.items()}
        yield {name: file.written for name, file in kept.items()}
        yield {name: file.kept for name, file in now.items()}
        if not self._names.changes and all(file.settled for file in now.values()):
            return
        for _ in range(count):
            newest = draw.choice((0.03, 0.5, 0.5, 0.97))
            junk = draw.random() < 0.2
            names = self._durable(self._names.cut(draw, newest))
            image = {name: file.kept if file.settled else file.cut(draw, newest, junk) for name, file in names.items()}
            if draw.random() < 0.03:
                image |= {f"{name}-shm": draw.randbytes(_SHM_BYTES) for name in image if name.endswith(".db")}
            yield image

    def _durable(self, names: Mapping[str, File]) -> dict[str, File]:
        """Without what only running processes share."""
        return {name: file for name, file in names.items() if not name.endswith("-shm")}

    def _opened(self, step: Step) -> None:
        if step.data.decode() == self._root.rstrip("/"):
            self._open[step.fd] = ("", None)
            return
        name = self._name(step.data)
        file = self._names.now.get(name)
        if file is None:
            if not step.a & os.O_CREAT:
                raise ValueError(f"{name} was opened, but nobody made it")
            file = File()
            self._names.change({name: file})
        elif step.a & os.O_TRUNC:
            file.resize(0)
        self._open[step.fd] = (name, file)

    def _synced(self, step: Step) -> None:
        _, file = self._open[step.fd]
        if file is None and step.what == "s":
            self._names.sync()
        elif file is not None and step.what == "s":
            file.sync()
        elif file is not None:
            file.fail_to_sync()

    def _file(self, step: Step) -> File:
        name, file = self._open[step.fd]
        if file is None:
            raise ValueError(f"{name or 'the directory'} is written to")
        return file

    def _name(self, path: bytes) -> str:
        name = path.decode().removeprefix(self._root)
        if "/" in name:
            raise ValueError(f"{name} lies below a directory that is not followed")
        return name
