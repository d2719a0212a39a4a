"""Run the product's coroutines in the world's time, without an event loop.

Everything a coroutine of the product waits for in the simulated world is a `Waiting`, which the world resolves at a virtual time. A crew is
all that runs inside one process: when the process dies, all of it stops where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

from kiosk.simulation.clockwork import Clockwork

T = TypeVar("T")


class ProcessOver(Exception):
    """The process ends in the middle of what this coroutine does."""


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

    def wake(self) -> None:
        """It is time: there is no value to it."""
        if not self.done:
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


class Gate:
    """Something that any number of coroutines wait for (`kiosk.core.desk.Gate`)."""

    def __init__(self, clockwork: Clockwork) -> None:
        self._clockwork = clockwork
        self._open = False
        self._waiting: list[Waiting[None]] = []

    def set(self) -> None:
        self._open = True
        for waiting in self._waiting:
            waiting.wake()

    async def wait(self) -> None:
        if not self._open:
            waiting: Waiting[None] = Waiting(self._clockwork)
            self._waiting.append(waiting)
            await waiting


class _Work:
    """A coroutine of a crew, from one `Waiting` to the next."""

    __slots__ = ("_crew", "_over", "coroutine")

    def __init__(self, crew: Crew, coroutine: Coroutine[Any, Any, object], over: Callable[[], None] | None) -> None:
        self._crew = crew
        self._over = over
        self.coroutine = coroutine

    def step(self) -> None:
        if self not in self._crew.running:
            return
        try:
            waiting: Waiting[object] = self.coroutine.send(None)
        except StopIteration:
            self._crew.running.pop(self, None)
            if self._over is not None and self._crew.alive:
                self._over()
            return
        except ProcessOver:
            return
        waiting.resume = self.step


class Crew:
    """The coroutines of one process."""

    def __init__(self, clockwork: Clockwork) -> None:
        self._clockwork = clockwork
        self.running: dict[_Work, None] = {}
        self.alive = True

    def spawn(self, coroutine: Coroutine[Any, Any, object], over: Callable[[], None] | None = None) -> None:
        """Start `coroutine` at this millisecond; `over` is called when it has come to its end."""
        if not self.alive:
            coroutine.close()
            return
        work = _Work(self, coroutine, over)
        self.running[work] = None
        self._clockwork.soon(work.step)

    def kill(self) -> None:
        """Nobody in this crew does another thing."""
        self.alive = False
        running, self.running = self.running, {}
        for work in running:
            work.coroutine.close()

    def sleep(self, ms: int) -> Waiting[None]:
        """To be awaited: until `ms` milliseconds are over."""
        waiting: Waiting[None] = Waiting(self._clockwork)
        self._clockwork.after(ms, waiting.wake)
        return waiting
