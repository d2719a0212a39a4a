"""Time in a simulated world: it jumps from one event to the next, and every machine in it has a clock of its own.

Everything happens in the order of its time, and what falls on the same millisecond in the order it was planned; so one seed gives
one history.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from kiosk.values import Moment

Event = Callable[[], object]


class Planned(list[Any]):
    """An event to come: when, its place among those of the same instant, and what happens. `cancel` it and it never happens."""

    __slots__ = ()

    def cancel(self) -> None:
        self[2] = None


class Clockwork:
    """The world's one time line, in UTC milliseconds."""

    def __init__(self, now_ms: int) -> None:
        self.now = now_ms
        self._agenda: list[Planned] = []
        self._soon: deque[Event] = deque()
        self._count = 0
        self.soon = self._soon.append  # at this very millisecond, after what is already under way

    def at(self, due_ms: int, event: Event) -> Planned:
        self._count += 1
        planned = Planned((due_ms if due_ms > self.now else self.now, self._count, event))
        heappush(self._agenda, planned)
        return planned

    def after(self, ms: int, event: Event) -> Planned:
        self._count += 1
        planned = Planned((self.now + ms if ms > 0 else self.now, self._count, event))
        heappush(self._agenda, planned)
        return planned

    def run(self, until_ms: int, done: Callable[[], bool]) -> None:
        """Let everything happen that is due by `until_ms`, or until `done` says so between two instants."""
        agenda, soon = self._agenda, self._soon
        while True:
            while soon:
                soon.popleft()()
            if not agenda or agenda[0][0] > until_ms or done():
                return
            due, _, event = heappop(agenda)
            if event is not None:
                self.now = due
                event()


class MachineClock:
    """What one machine believes the time is. Its wall clock can be wrong; its monotonic one counts from its boot."""

    def __init__(self, clockwork: Clockwork, name: str) -> None:
        self._clockwork = clockwork
        self._name = name
        self._boots = 0
        self._booted_ms = 0
        self._wrong_by_ms = 0
        self._last = Moment(0, "", 0)
        self._last_ms = -1
        self.boot()

    def boot(self) -> None:
        """Power came back: monotonic time begins anew."""
        self._boots += 1
        self._boot_id = f"{self._name}-{self._boots}"
        self._booted_ms = self._clockwork.now - 20_000
        self._last_ms = -1

    def jump(self, ms: int) -> None:
        """Somebody sets the wall clock."""
        self._wrong_by_ms += ms
        self._last_ms = -1

    def now(self) -> Moment:
        true = self._clockwork.now
        if true != self._last_ms:
            mono = (true - self._booted_ms) * 1_000_000
            self._last = Moment(true + self._wrong_by_ms, self._boot_id, mono)
            self._last_ms = true
        return self._last
