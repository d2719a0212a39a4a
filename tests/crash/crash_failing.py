"""Recorded: everything the journal can do on a disk that fails now and then: one call is refused, the next is done as if nothing had been.

Any call that writes, cuts or syncs may be the one. What became of a commit that failed is unknown; the journal must take nothing more until
it was opened anew, and what it then shows must be what the medium holds. Arguments as those of `crash_journal.py`.
"""

from __future__ import annotations

import ctypes
import errno
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import crash_wrongs
from crash_journal import FOLD_AT, Player
from crash_judge import RESERVE_BYTES

from kiosk.journal import wal
from kiosk.journal.entry import Entry, JournalError, JournalFailed
from kiosk.journal.journal import Journal
from kiosk.values import Moment

_ERRORS = (errno.EIO, errno.EIO, errno.ENOSPC, errno.EROFS)
_TRIES = 20
# SQLite does not tell when a directory could not be synced, so that nobody above it can act on it.
_DIRECTORIES = False


class FailingPlayer(Player):
    """Has one call of every other thing fail."""

    def __init__(self, path: Path, seed: int) -> None:
        self._fail = ctypes.CDLL(None).recorder_fail
        self.failures = 0
        super().__init__(path, seed)

    def play(self, count: int) -> None:
        super().play(count)
        assert self.failures > count // 8, f"only {self.failures} of {count} things failed"

    def number(self) -> None:
        """A number that could not be reserved is not given out."""
        self._arm()
        with suppress(JournalFailed):
            super().number()
        self._mend()

    def anew(self) -> None:
        self._arm()
        self._come_back()
        self._mend()

    def again(self) -> None:
        self._arm()
        self._journal.close()
        self._fail(0, 0, 0)
        self._open()
        self._find()

    def _tidy(self) -> None:
        self._arm()
        super()._tidy()
        self._mend()

    def _promise(self, work: Callable[[], object], **changes: Any) -> None:
        self._marker.trying(**changes)
        self._arm()
        try:
            crash_wrongs.acknowledged_call(self._marker, work)
        except JournalFailed:
            assert self._journal.failed
            self._mend()
        else:
            self._mend()

    def _arm(self) -> None:
        if self._draw.random() < 0.6:
            self._fail(self._draw.choice((1, 1, 2, 3, 4, 5, 6, 8, 12)), self._draw.choice(_ERRORS), _DIRECTORIES)

    def _mend(self) -> None:
        """If something failed, nothing is taken until the journal was opened anew, even though the disk is well by now."""
        self._fail(0, 0, 0)
        if not self._journal.failed:
            return
        self.failures += 1
        for refused in (self._one_more, self._journal.checkpoint, lambda: self._journal.reserve_serials("service_id", 1)):
            try:
                refused()
            except JournalFailed:
                continue
            raise AssertionError("a journal that failed took something")
        self._arm()  # the disk may fail while it is opened anew, too
        self._come_back()

    def _come_back(self) -> None:
        for _ in range(_TRIES):
            try:
                self._journal.reopen()
                break
            except JournalError:
                self._fail(0, 0, 0)
        else:
            raise AssertionError("the journal does not open again, though the disk is well")
        self._fail(0, 0, 0)
        self._find()

    def _one_more(self) -> None:
        self._journal.append([Entry("kiosk", "Refused", 1, Moment(0, "boot", 0), b"{}")])


def main(path: Path, count: int, seed: int, wrong: str) -> None:
    wal.FOLD_AT = FOLD_AT
    Journal.open(path, reserve_bytes=RESERVE_BYTES).close()
    crash_wrongs.introduce(wrong)
    FailingPlayer(path, seed).play(count)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
