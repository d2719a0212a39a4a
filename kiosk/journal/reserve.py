"""Room on the disk kept back, so that sales that run can be finished when the disk is full.

New sales should stop long before (`Space.low`); the reserve is for what was promised already.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from kiosk.journal import files
from kiosk.journal.entry import JournalError

log = logging.getLogger(__name__)

RESERVE_BYTES = 16 << 20
_STARVING = 1 << 20
_LOW = 10  # per cent
_ENOUGH = 1 << 30  # on a large disk a tenth is no shortage


@dataclass(frozen=True, slots=True)
class Space:
    """How the journal's disk stands, in bytes."""

    free: int
    total: int
    reserve_held: bool
    wal: int
    read_only: bool = False

    @property
    def low(self) -> bool:
        """Less than a tenth and less than a gibibyte is free, or the reserve is gone: start nothing new."""
        return self._below(self.free)

    @property
    def fine(self) -> bool:
        """Clearly above that line, so that who stopped at it can go on and not stop again at once."""
        return not self._below(self.free * 4 // 5)

    def _below(self, free: int) -> bool:
        return not self.reserve_held or (free * 100 < self.total * _LOW and free < _ENOUGH)


class Reserve:
    """A file of `size` bytes at `path`; of none if `size` is 0."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    @property
    def spare(self) -> bool:
        """Whether there is room that `release` would give back."""
        return self._path.exists()

    @property
    def held(self) -> bool:
        return self._size == 0 or self._path.exists()

    def hold(self) -> bool:
        """Take the room if the disk has several times as much to spare; says whether it is held."""
        if self.held:
            return True
        try:
            if self.free() < 4 * self._size:
                return False
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, files.SECRET_MODE)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
            finally:
                os.close(descriptor)
        except OSError as error:
            log.warning("No reserve is kept: %s", files.explain(error, self._path, "Allocating the reserve"))
            self._path.unlink(missing_ok=True)
            return False
        return True

    def release(self) -> None:
        """Give the room back to the disk."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise JournalError(files.explain(error, self._path, "Releasing the reserve")) from error

    def release_if_starving(self, below: int = _STARVING) -> None:
        """Give the room back when less than `below` bytes are left, for then SQLite cannot even open its files."""
        if self._path.exists() and self.free() < below:
            log.warning("The disk is full: the reserve %s is released to finish what runs", self._path)
            self.release()

    def free(self) -> int:
        """Bytes left on the disk for this program."""
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize

    def total(self) -> int:
        disk = os.statvfs(self._path.parent)
        return disk.f_blocks * disk.f_frsize

    def read_only(self) -> bool:
        """Whether the kernel lets nobody write there, as it does after a disk failed under it."""
        return bool(os.statvfs(self._path.parent).f_flag & os.ST_RDONLY)
