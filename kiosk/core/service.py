"""The loop: inputs are decided and journalled in order, and what follows from them is done once they are durable.

What that is `kiosk.core.kernel` says; here it gets its tasks, its time and the journal's thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from kiosk.core.effects import Attempt, Effects
from kiosk.core.engine import Batch, Engine
from kiosk.core.kernel import Kernel, SealedFor, Taken
from kiosk.journal.entry import Entry
from kiosk.journal.evidence import Sealed
from kiosk.journal.state import Retry
from kiosk.session.inputs import Input, Result
from kiosk.session.recall import Recalled
from kiosk.session.state import Kiosk
from kiosk.values import Moment

log = logging.getLogger(__name__)


class Clock(Protocol):
    def now(self) -> Moment: ...

    async def sleep(self, seconds: float) -> None: ...

    async def until(self, moment: Moment) -> None: ...


class Appender(Protocol):
    """The journal on its own thread: returns when the entries are durable, in the order of the calls."""

    async def append(
        self,
        batch: Sequence[Entry],
        *,
        evidence: Sequence[Sealed] = (),
        retries: Sequence[Retry] = (),
        settled: Sequence[str] = (),
    ) -> int: ...


class Performer(Protocol):
    async def perform(self, attempt: Attempt) -> Result: ...


Changed = Callable[[Batch], None]


class Service:
    """Owns the engine. `tell` is the only way in; `changed` is called with every durable batch."""

    def __init__(self, engine: Engine, journal: Appender, clock: Clock, effects: Effects, sealed_for: SealedFor) -> None:
        self.engine = engine
        self._journal = journal
        self._clock = clock
        self._kernel = Kernel(engine, effects, sealed_for)
        self._performer: Performer | None = None
        self._changed: list[Changed] = []
        self._attempts: set[asyncio.Task[None]] = set()
        self._keeping: set[asyncio.Future[None]] = set()
        self._woken = asyncio.Event()
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def kiosk(self) -> Kiosk:
        """The durable state."""
        return self.engine.k

    def wake(self) -> None:
        """Look at what is open now."""
        self._woken.set()

    def on_change(self, changed: Changed) -> None:
        self._changed.append(changed)

    async def tell(self, given: Input | Recalled, *, retries: Sequence[Retry] = (), settled: Sequence[str] = ()) -> Batch:
        """Decide `given` and wait until its facts, and all before them, are durable.

        A caller that is cancelled while it waits takes nothing back: what was decided is kept and acted on.
        Raises what the journal raises; then the process must end and start again from what is on the disk.
        """
        return await self._append(self._kernel.take(given, self._clock.now(), retries, settled))

    async def kept(self) -> None:
        """Return when nothing is on its way to the disk: then what the journal says is all there is."""
        while self._keeping:
            await asyncio.wait(self._keeping)

    async def _append(self, taken: Taken) -> Batch:
        kept = asyncio.ensure_future(self._keep(taken))
        self._keeping.add(kept)
        kept.add_done_callback(self._is_kept)
        await asyncio.shield(kept)
        return taken.batch

    async def _keep(self, taken: Taken) -> None:
        write = taken.write
        await self._journal.append(write.entries, evidence=write.evidence, retries=write.retries, settled=write.settled)
        self._kernel.kept(taken.batch)
        for changed in self._changed:
            changed(taken.batch)
        self._woken.set()

    def _is_kept(self, kept: asyncio.Future[None]) -> None:
        self._keeping.discard(kept)
        if not kept.cancelled() and (error := kept.exception()) and not self._broken.done():
            self._broken.set_exception(error)

    async def run(self, performer: Performer) -> None:
        """Do what is open, watch the deadlines; ends only by cancellation or when the journal refuses."""
        self._performer = performer
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch(), name="deadlines")
                group.create_task(self._raise_when_broken(), name="journal guard")
        finally:
            for task in self._attempts:
                task.cancel()
            await asyncio.gather(*self._attempts, return_exceptions=True)

    async def _raise_when_broken(self) -> None:
        await asyncio.shield(self._broken)

    async def _watch(self) -> None:
        while True:
            self._woken.clear()
            todo = self._kernel.look(self._clock.now())
            for attempt in todo.attempts:
                self._launch(attempt)
            if todo.tick:
                batch = await self._append(self._kernel.tick(self._clock.now()))
                self._kernel.ticked(batch, self._clock.now())
            else:
                await self._wake_or(todo.wake)

    async def _wake_or(self, moment: Moment | None) -> None:
        woken = asyncio.ensure_future(self._woken.wait())
        due = [woken] if moment is None else [woken, asyncio.ensure_future(self._clock.until(moment))]
        try:
            await asyncio.wait(due, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in due:
                task.cancel()

    def _launch(self, attempt: Attempt) -> None:
        task = asyncio.create_task(self._attempt(attempt), name=attempt.request.ref)
        self._attempts.add(task)
        task.add_done_callback(self._attempt_over)

    async def _attempt(self, attempt: Attempt) -> None:
        assert self._performer is not None
        request = attempt.request
        result = await self._performer.perform(attempt)
        log.info("%s %s: %s", request.kind, request.ref, type(result).__name__)
        await self._append(self._kernel.ended(attempt, result, self._clock.now()))

    def _attempt_over(self, task: asyncio.Task[None]) -> None:
        self._attempts.discard(task)
        self._woken.set()
        if not task.cancelled() and (error := task.exception()) and not self._broken.done():
            self._broken.set_exception(error)
