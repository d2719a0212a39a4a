"""Run the product's coroutines in the world's time, without an event loop.

Everything a coroutine of the product waits for in the simulated world is a `Waiting`, which the world resolves at a virtual time. A crew is
all that runs inside one process: when the process dies, all of it stops where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

from kiosk.simulation.clockwork import Clockwork

T = TypeVar("T")


class Waiting(Generic[T]):
    """Something that will be known later. The first answer counts, be it a value or an error."""

    __slots__ = ("_clockwork", "_error", "_value", "done", "resume")

    def __init__(self, clockwork: Clockwork) -> None:
        self._clockwork = clockwork
        self._value: T | None = None
        self._error: Exception | None = None
        self.done = False
        self.resume: Callable[[], None] | None = None

    def resolve(self, value: T) -> None:
        if not self.done:
            self._value = value
            self._end()

    def fail(self, error: Exception) -> None:
        if not self.done:
            self._error = error
            self._end()

    def _end(self) -> None:
        self.done = True
        if self.resume is not None:
            self._clockwork.soon(self.resume)

    def __await__(self) -> Generator[Waiting[T], None, T]:
        if not self.done:
            yield self
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # resolved with a T, or failed


class Crew:
    """The coroutines of one process."""

    def __init__(self, clockwork: Clockwork) -> None:
        self._clockwork = clockwork
        self._running: dict[int, Coroutine[Any, Any, object]] = {}
        self._count = 0
        self.alive = True

    def spawn(self, work: Coroutine[Any, Any, object], over: Callable[[], None] | None = None) -> None:
        """Start `work` at this millisecond; `over` is called when it has come to its end."""
        if not self.alive:
            work.close()
            return
        self._count += 1
        number = self._count
        self._running[number] = work
        self._clockwork.soon(lambda: self._step(number, over))

    def kill(self) -> None:
        """Nobody in this crew does another thing."""
        self.alive = False
        running, self._running = self._running, {}
        for work in running.values():
            work.close()

    async def sleep(self, ms: int) -> None:
        waiting: Waiting[None] = Waiting(self._clockwork)
        self._clockwork.after(ms, lambda: waiting.resolve(None))
        await waiting

    def _step(self, number: int, over: Callable[[], None] | None) -> None:
        work = self._running.get(number)
        if work is None:
            return
        try:
            waiting: Waiting[object] = work.send(None)
        except StopIteration:
            self._running.pop(number, None)
            if over is not None and self.alive:
                over()
            return
        waiting.resume = lambda: self._step(number, over)
