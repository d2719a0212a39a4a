"""RFID tags at the counter: the reader is kept running, what it tells is looked up, and whoever stands there is told what came of it.

A tag lies on a reader for a while and is told again and again, and people hold it there twice: within three seconds of its last sighting it
is one tap. A reader that is lost is looked for again and again, ever more rarely; the kiosk is told so at the second failure, for a cable
that is put back at once closes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from hardware.api import CardReader, DeviceError, Tap
from kiosk.session.inputs import Account, ReaderHealth
from kiosk.values import Digest, Moment

log = logging.getLogger(__name__)

ONE_TAP_MS = 3_000
RETRY_S = 1
RETRY_MOST_S = 30
LOOK_S = 5
STEADY_MS = 60_000  # a reader that holds out so long has come back for good
_MOST_WAITING = 16


class Clock(Protocol):
    def now(self) -> Moment: ...

    async def sleep(self, seconds: float) -> None: ...


class Book(Protocol):
    def find(self, tag: Digest, at: Moment) -> Account | str: ...

    def look(self) -> None: ...


Shown = Callable[[Account | str, Moment], Awaitable[None]]


class Tags:
    """`shown` is given the account of a tag, or a word of `kiosk.session.visit.TAG_WORDS`, and when it was held there: whoever turns to it
    may be busy for long. `tell` is given whether the reader is there."""

    def __init__(
        self,
        reader: CardReader,
        book: Book,
        known_by: Callable[[str], Digest],
        clock: Clock,
        shown: Shown,
        tell: Callable[[ReaderHealth], Awaitable[object]],
    ) -> None:
        self._reader = reader
        self._book = book
        self._known_by = known_by
        self._clock = clock
        self._shown = shown
        self._tell = tell
        self._last: tuple[Digest | None, Moment] | None = None
        self._told: asyncio.Queue[tuple[Account | str, Moment] | ReaderHealth] = asyncio.Queue()
        self._there: bool | None = None
        self._failures = 0
        self._since: Moment | None = None

    async def run(self) -> None:
        """Until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(), name="reader")
            group.create_task(self._follow(), name="tags")
            group.create_task(self._keep_up(), name="accounts")

    def tapped(self, tap: Tap) -> None:
        """A tag was seen. One that makes up its numbers has none to know it by, so all of those count as one."""
        now = self._clock.now()
        tag = self._known_by(tap.uid) if tap.uid else None
        again = self._last is not None and self._last[0] == tag and now.ms_since(self._last[1]) < ONE_TAP_MS
        self._last = (tag, now)
        if again or self._told.qsize() >= _MOST_WAITING:
            return
        self._told.put_nowait(("tag_random" if tag is None else self._book.find(tag, now), now))

    # --- the reader -----------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            try:
                await self._reader.run(self.tapped, self._ready)
            except DeviceError as error:
                self._lost(str(error))
            await self._clock.sleep(min(RETRY_MOST_S, RETRY_S << min(max(0, self._failures - 1), 6)))

    def _ready(self) -> None:
        self._since = self._clock.now()
        self._report(ReaderHealth(True))

    def _lost(self, detail: str) -> None:
        steady = self._since is not None and self._clock.now().ms_since(self._since) >= STEADY_MS
        self._since = None
        self._failures = 1 if steady else self._failures + 1
        if self._failures > 1 or self._there is None:
            self._report(ReaderHealth(False, detail))

    def _report(self, health: ReaderHealth) -> None:
        if health.reachable is not self._there:
            self._there = health.reachable
            log.log(logging.INFO if health.reachable else logging.WARNING, "the reader of tags is %s", health.detail or "there")
            self._told.put_nowait(health)

    # --- what it tells --------------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            match await self._told.get():
                case ReaderHealth() as health:
                    await self._tell(health)
                case (found, at):
                    await self._shown(found, at)

    async def _keep_up(self) -> None:
        while True:
            await self._clock.sleep(LOOK_S)
            await asyncio.to_thread(self._book.look)
