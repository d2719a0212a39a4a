"""The journal's disk, watched: nothing new is sold while it is nearly full, and nothing at all where it can no longer be written.

What runs is finished in either case as far as the disk allows: the journal gives it the room kept back (`kiosk.journal.thread`).
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from kiosk.journal.entry import Entry, JournalFailed
from kiosk.journal.evidence import Sealed
from kiosk.journal.reserve import Space
from kiosk.journal.state import Retry
from kiosk.journal.wal import LIMIT

log = logging.getLogger(__name__)

LOOK_S = 30

Tell = Callable[[bool], Awaitable[object]]


class Journal(Protocol):
    """What is needed of the journal on its thread."""

    async def space(self) -> Space: ...

    async def hold_reserve(self) -> bool: ...

    async def cut_log(self) -> None: ...


class DiskWatch:
    """`tell` is told whether the disk is low, whenever that changes; `low` is what was told last."""

    def __init__(self, journal: Journal, tell: Tell, *, low: bool) -> None:
        self._journal = journal
        self._tell = tell
        self.low = low

    async def look(self) -> None:
        """Look once. Raises `JournalFailed` when the disk has become read-only: what happens could not be remembered."""
        space = await self._journal.space()
        if space.read_only:
            raise JournalFailed(
                "The journal's file system has become read-only, so nothing is sold: check the kernel log and the medium, mount it writable"
            )
        if space.wal > LIMIT:
            await self._journal.cut_log()
        if not space.reserve_held and await self._journal.hold_reserve():
            space = await self._journal.space()
        low = space.low if not self.low else not space.fine
        if low == self.low:
            return
        self.low = low
        free = f"{space.free >> 20} of {space.total >> 20} MiB are free, the reserve is {'held' if space.reserve_held else 'gone'}"
        if low:
            log.error("The journal's disk is nearly full (%s): nothing new is sold, what runs is finished. Free some space", free)
        else:
            log.info("The journal's disk has room again (%s)", free)
        await self._tell(low)


class Appender(Protocol):
    async def append(
        self,
        batch: Sequence[Entry],
        *,
        evidence: Sequence[Sealed] = (),
        retries: Sequence[Retry] = (),
        settled: Sequence[str] = (),
    ) -> int: ...


class Marked:
    """A journal that remembers how far it has come. When `append` returns, `seq` names the entries that the caller's state stands on."""

    def __init__(self, journal: Appender, seq: int) -> None:
        self._journal = journal
        self.seq = seq

    async def append(
        self,
        batch: Sequence[Entry],
        *,
        evidence: Sequence[Sealed] = (),
        retries: Sequence[Retry] = (),
        settled: Sequence[str] = (),
    ) -> int:
        self.seq = await self._journal.append(batch, evidence=evidence, retries=retries, settled=settled)
        return self.seq
