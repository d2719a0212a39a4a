"""Keeps the tables of sales up beside the journal (`kiosk.journal.views`), a few entries at a time.

They are made from the facts and worth nothing by themselves: a file of theirs that turns out to be damaged is thrown away and made anew,
at once, and more and more rarely on a medium that damages it again and again. No sale waits for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from kiosk.journal.entry import JournalError
from kiosk.journal.reader import Reader
from kiosk.journal.views import Views, ViewsDamaged, remove

log = logging.getLogger(__name__)

T = TypeVar("T")

_AFTER_S = 5  # from the start on: the first picture and what is owed come first
_EVERY_S = 5
_BREATH_S = 0.05  # after a few milliseconds of listing, for the loop
_AGAIN_S = 600


class Clock(Protocol):
    async def sleep(self, seconds: float) -> None: ...


class Lists:
    """The tables of the journal at `path`; they rest while `resting` says so."""

    def __init__(self, path: Path, resting: Callable[[], bool], clock: Clock) -> None:
        self._path = path
        self._resting = resting
        self._clock = clock
        self._patience_s = _EVERY_S

    async def run(self) -> None:
        """Until it is cancelled."""
        await self._clock.sleep(_AFTER_S)
        while True:
            try:
                await self._keep_up()
            except ViewsDamaged as error:
                log.warning("%s", error)
                await self._clock.sleep(await self._throw_away())
            except JournalError as error:
                log.warning("The tables of sales are not kept up for now: %s", error)
                await self._clock.sleep(_AGAIN_S)

    async def _throw_away(self) -> float:
        """Gives how long to wait before they are made anew."""
        try:
            await _whole(lambda: remove(self._path))
        except OSError as error:
            log.warning("The tables of sales could not be thrown away: %s", error)
            return _AGAIN_S
        wait, self._patience_s = self._patience_s, min(2 * self._patience_s, _AGAIN_S)
        return wait

    async def _keep_up(self) -> None:
        with Reader.open(self._path) as reader, await _whole(lambda: Views.open(self._path)) as views:
            while True:
                more = 0 if self._resting() else await _whole(lambda: views.follow(reader))
                if more:
                    await self._clock.sleep(_BREATH_S)
                else:
                    self._patience_s = _EVERY_S
                    await self._clock.sleep(_EVERY_S)


async def _whole(work: Callable[[], T]) -> T:
    """Do `work` on another thread, to its end even when nobody waits for it any more: what it uses must not be closed under it."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
