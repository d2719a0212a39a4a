"""Tells systemd that the loop lives, and notices when the disk does not.

The beat waits for nothing that the sales wait for: a disk that is slow for half a minute must end no kiosk, which would find the same disk
after its restart. While the journal stands still the screen says so and nothing new is begun; only when it has stood still for much longer
is the supervisor no longer told, and starts the kiosk anew.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)

BEAT_S = 1.0
_SLOW_S = 5


class Clock(Protocol):
    async def sleep(self, seconds: float) -> None: ...


class Work(Protocol):
    """What the journal's thread has been given to do, and how much of it is done."""

    @property
    def given(self) -> int: ...

    @property
    def done(self) -> int: ...


class Pulse:
    """One beat a second. `alive` tells the supervisor; `changed` is called when the disk has become slow, or quick again."""

    def __init__(self, work: Work, clock: Clock, longest_s: int, alive: Callable[[], None], changed: Callable[[], None]) -> None:
        self._work = work
        self._clock = clock
        self._longest_s = longest_s
        self._alive = alive
        self._changed = changed
        self._seen = 0
        self._still_s = 0

    @property
    def slow(self) -> bool:
        """Whether the disk has stood still for so long that people notice."""
        return self._still_s >= _SLOW_S

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self.beat()
            await self._clock.sleep(BEAT_S)

    def beat(self) -> None:
        """Look at the journal, and tell that the loop came by. Seconds are counted by beats: time in which nobody ran is nobody's delay."""
        done, was_slow, before_s = self._work.done, self.slow, self._still_s
        self._still_s = before_s + 1 if done < self._work.given and done == self._seen else 0
        self._seen = done
        if self.slow is not was_slow:
            if self.slow:
                log.error("The journal's disk has not answered for %s s: nothing new is begun until it does. Look at the medium", _SLOW_S)
            else:
                log.warning("The journal's disk answers again, after %s s", before_s)
            self._changed()
        if self._still_s < self._longest_s:
            self._alive()
        elif before_s < self._longest_s:
            log.error("The journal's disk has not answered for %s s: the supervisor is to start the kiosk anew", self._longest_s)
