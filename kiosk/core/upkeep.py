"""What a kiosk does for its journal beside the sales: looks at the disk, keeps its state for the next start, lists sales, proves the whole.

None of it may hold up a sale. A list that cannot be kept up is given up until later; a disk that can no longer be written, or a proof that
fails, ends the process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from kiosk.core.audit import Audit, AuditFailed, audit
from kiosk.core.disk import LOOK_S, DiskWatch, Marked
from kiosk.core.image import ImageError, digest, image
from kiosk.core.lists import Lists
from kiosk.core.start import Doubts, Start, judge
from kiosk.journal.entry import JournalError
from kiosk.journal.files import Layout
from kiosk.journal.thread import JournalThread
from kiosk.session.inputs import DiskState
from kiosk.session.state import Kiosk

log = logging.getLogger(__name__)

_PROVE_AFTER_S = 30
_PROVE_EVERY_S = 86_400
_MUCH = 2_000  # facts: a twentieth of a second to fold
_LITTLE = 100


class Clock(Protocol):
    async def sleep(self, seconds: float) -> None: ...


class JournalUnsound(Exception):
    """The journal, or the state made from it, is not what it was taken for: the process ends, and the next one starts from what is true."""


class Upkeep:
    """`kiosk` gives the durable state, which `marked` has come to."""

    def __init__(
        self,
        journal: JournalThread,
        layout: Layout,
        begun: Start,
        marked: Marked,
        kiosk: Callable[[], Kiosk],
        tell: Callable[[DiskState], Awaitable[object]],
        clock: Clock,
    ) -> None:
        self._journal = journal
        self._layout = layout
        self._begun = begun
        self._marked = marked
        self._kiosk = kiosk
        self._clock = clock
        self._kept_at = begun.kept
        self._disk = DiskWatch(journal, lambda low: tell(DiskState(low)), low=begun.kiosk.disk_low)
        self._lists = Lists(layout.database, lambda: self._disk.low, clock)

    async def begin(self) -> None:
        """Before anything is sold. Raises `JournalFailed` on a disk that cannot be written."""
        await self._disk.look()

    async def run(self) -> None:
        """Until it is cancelled. Raises `JournalFailed` or `JournalUnsound`."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(), name="disk")
            group.create_task(self._lists.run(), name="lists")
            group.create_task(self._prove(), name="proof")

    async def end(self) -> None:
        """When the kiosk ends: the next start is to be quick. Whatever ended it stays the reason."""
        try:
            await self._keep_state(_LITTLE)
        except JournalError as error:
            log.warning("The next start will take longer: %s", error)

    async def _watch(self) -> None:
        while True:
            await self._disk.look()
            await self._keep_state(_MUCH)
            await self._clock.sleep(LOOK_S)

    async def _keep_state(self, least: int) -> None:
        """Keep what the facts so far add up to, if there are at least `least` that the next start would have to fold."""
        seq, kiosk = self._marked.seq, self._kiosk()
        if not self._begun.keeps or self._disk.low or seq - self._kept_at < least:
            return
        self._kept_at = seq
        try:
            state = image(kiosk)
        except ImageError as error:
            log.error("The next start will take longer: %s", error)
            return
        await self._journal.keep_fold(seq, self._begun.fingerprint, state)

    # --- proof ------------------------------------------------------------------------------------------------------------------

    async def _prove(self) -> None:
        """Soon after the start and then once a day: the whole journal, and that the kiosk is what it tells."""
        seq, kiosk, first = self._begun.seq, self._begun.kiosk, True
        await self._clock.sleep(_PROVE_AFTER_S)
        while True:
            try:
                found = await audit(self._layout.database, kiosk.setup, seq, digest(kiosk))
            except (AuditFailed, ImageError) as error:
                log.warning("The journal could not be proved: %s", error)
            else:
                self._follow_from(found, first=first)
                first = False
            await self._clock.sleep(_PROVE_EVERY_S)
            seq, kiosk = self._marked.seq, self._kiosk()

    def _follow_from(self, found: Audit, *, first: bool) -> None:
        judgement = judge(found, self._begun, first=first)
        if not found.agrees:
            self._layout.fold.unlink(missing_ok=True)
        Doubts(self._layout.doubt).write(judgement.doubt)
        if judgement.ends:
            raise JournalUnsound(f"{judgement.words}. The kiosk starts anew, knowing this")
        if judgement.words:
            log.error("%s. Nothing new is sold; what is open is settled", judgement.words)
        else:
            log.info("all %s entries of the journal verify", found.entries)
