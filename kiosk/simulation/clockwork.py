"""Time in a simulated world: it jumps from one event to the next, and every machine in it has a clock of its own.

Everything happens in the order of its time, and what falls on the same millisecond in the order it was planned; so one seed gives
one history.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable

from kiosk.values import Moment

Event = Callable[[], object]


class Planned:
    """An event to come. `cancel` it and it never happens."""

    __slots__ = ("event",)

    def __init__(self, event: Event) -> None:
        self.event: Event | None = event

    def cancel(self) -> None:
        self.event = None


class Clockwork:
    """The world's one time line, in UTC milliseconds."""

    def __init__(self, now_ms: int) -> None:
        self.now = now_ms
        self._agenda: list[tuple[int, int, Planned]] = []
        self._soon: deque[Event] = deque()
        self._count = 0

    def soon(self, event: Event) -> None:
        """At this very millisecond, after what is already under way."""
        self._soon.append(event)

    def at(self, due_ms: int, event: Event) -> Planned:
        return self._plan(due_ms if due_ms > self.now else self.now, event)

    def after(self, ms: int, event: Event) -> Planned:
        return self._plan(self.now + ms if ms > 0 else self.now, event)

    def _plan(self, due_ms: int, event: Event) -> Planned:
        planned = Planned(event)
        self._count += 1
        heapq.heappush(self._agenda, (due_ms, self._count, planned))
        return planned

    def run(self, until_ms: int, done: Callable[[], bool]) -> None:
        """Let everything happen that is due by `until_ms`, or until `done` says so between two instants."""
        agenda, soon = self._agenda, self._soon
        while True:
            while soon:
                soon.popleft()()
            if not agenda or agenda[0][0] > until_ms or done():
                return
            due, _, planned = heapq.heappop(agenda)
            if planned.event is not None:
                self.now = due
                planned.event()


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
