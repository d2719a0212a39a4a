"""One life of a kiosk's core, from its start to the power cut: the product's engine, effects, performers and journal in the world's time.

`kiosk.core.kernel` says what happens when, here as in the product's service; this is its time, its disk and its wires, event by event, so
that the power can go between any two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hardware.api import PaymentTerminal, ReceiptPrinter
from kiosk.core.archive import Archive
from kiosk.core.desk import Desk
from kiosk.core.effects import Attempt, Effects, Pace
from kiosk.core.engine import Batch, Engine, replay
from kiosk.core.ids import KioskIds
from kiosk.core.kernel import Kernel, SealedFor, Seals, Taken, answer, known_tag, signs
from kiosk.core.performers import Answer, Performers, Press
from kiosk.journal.entry import Stored
from kiosk.journal.journal import Journal
from kiosk.ocpp.seam import Reply
from kiosk.payments.api import Acquirer
from kiosk.payments.webhooks import Webhooks
from kiosk.pricing.quote import Quote
from kiosk.session.facts import Fact
from kiosk.session.inputs import Input, KioskStarted, Result
from kiosk.session.requests import open_requests
from kiosk.session.setup import Setup
from kiosk.session.state import Kiosk
from kiosk.simulation.clockwork import Clockwork, MachineClock, Planned
from kiosk.simulation.coroutines import Crew, Waiting
from kiosk.simulation.panel import Panel
from kiosk.simulation.wires.ocpp import PileEnd
from kiosk.values import ConnectorId, Digest, Moment

_EVIDENCE_DAYS = 400
_LONGEST_WAIT_MS = 400 * 86_400_000


class Performer(Protocol):
    async def perform(self, attempt: Attempt) -> Result: ...


class Watch(Protocol):
    """The world around a core: it may cut the power at any of these moments, and then says so."""

    def disk_ms(self) -> int:
        """How long this commit takes."""
        ...

    def cut_before(self, life: Life, facts: Sequence[object]) -> bool: ...

    def cut_after(self, life: Life, facts: Sequence[object]) -> bool: ...

    def attempted(self, life: Life, attempt: Attempt) -> None: ...

    def screen_alive(self) -> bool: ...

    def kept(self, facts: Sequence[object]) -> None: ...

    def ready(self, life: Life) -> None: ...


class Fitting:
    """How a core is put together. The honest one; mutants are fitted wrongly on purpose."""

    def disk(self, life: Life) -> Disk:
        return Disk(life)

    def terminal(self, port: PaymentTerminal) -> PaymentTerminal:
        return port

    def acquirer(self, port: Acquirer) -> Acquirer:
        return port

    def performer(self, performers: Performers) -> Performer:
        return performers

    def given(self, given: Input, k: Kiosk) -> Input:
        """What the engine is told of what happened, given the kiosk `k`."""
        del k
        return given

    def kernel(self, engine: Engine, effects: Effects, sealed_for: SealedFor) -> Kernel:
        return Kernel(engine, effects, sealed_for)


@dataclass(frozen=True)
class Parts:
    """What a core finds when it starts."""

    setup: Setup
    pace: Pace
    secret: bytes
    entropy: Callable[[int], bytes]
    clock: MachineClock
    terminal: PaymentTerminal
    acquirer: Acquirer
    printer: ReceiptPrinter | None
    press: Callable[[Journal], Press]
    fact_of: Callable[[Stored], Fact]
    webhooks: Webhooks
    quotes: Mapping[ConnectorId, Quote]
    fitting: Fitting


class Disk:
    """The journal's queue: what is told meanwhile is committed as one group, and only then answered."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._queue: list[tuple[Taken, Waiting[Batch]]] = []

    def append(self, taken: Taken) -> Waiting[Batch]:
        life = self._life
        waiting: Waiting[Batch] = Waiting(life.clockwork)
        if not self._queue:
            life.later(life.watch.disk_ms(), self.flush)
        self._queue.append((taken, waiting))
        return waiting

    def flush(self) -> None:
        life = self._life
        queue, self._queue = self._queue, []
        facts = [fact for taken, _ in queue for fact in taken.batch.facts]
        if facts and life.watch.cut_before(life, facts):
            return
        writes = [w for taken, _ in queue if (w := taken.write).entries or w.retries or w.settled or w.evidence]
        if writes:
            life.journal.commit(writes)
        if signs(facts):
            life.journal.checkpoint()
        life.watch.kept(facts)
        if facts and life.watch.cut_after(life, facts):
            return
        for taken, waiting in queue:
            life.kernel.kept(taken.batch)
            waiting.resolve(taken.batch)
        life.changed(facts)


class PilePort:
    """The piles, for the performers."""

    def __init__(self, ends: Mapping[str, PileEnd]) -> None:
        self._ends = ends

    async def start(self, pile: str, number: int, id_tag: str) -> Answer:
        return await self._ends[pile].start(number, id_tag)

    async def stop(self, pile: str, transaction: int) -> Answer:
        return await self._ends[pile].stop(transaction)


class Life:
    """A running core."""

    def __init__(self, clockwork: Clockwork, watch: Watch, parts: Parts, journal: Journal) -> None:
        self.clockwork = clockwork
        self.watch = watch
        self.journal = journal
        self.ready = False
        self.ends: dict[str, PileEnd] = {}
        self.running: dict[str, Attempt] = {}
        self._crew = Crew(clockwork)
        self._parts = parts
        self._clock = parts.clock
        self._sound = journal.verify(from_checkpoint=True).sound
        kiosk, _ = replay(Kiosk(parts.setup), journal.read(), parts.fact_of)
        effects = Effects(parts.pace)
        effects.restore(open_requests(kiosk), journal.effects.all(), self.now())
        self.ids = KioskIds(parts.setup.kiosk, self, parts.secret, parts.entropy)
        self._seals = Seals(journal.evidence.seal, self.now)
        self.kernel = parts.fitting.kernel(Engine(kiosk, self.ids), effects, self._seals.of)
        self._desk = Desk(parts.fitting.terminal(parts.terminal), parts.clock, parts.clock, self.ids, self._recognise)
        acquirer = parts.fitting.acquirer(parts.acquirer)
        self._performer = parts.fitting.performer(
            Performers(self._desk, acquirer, PilePort(self.ends), parts.printer, parts.press(journal))
        )
        self._disk = parts.fitting.disk(self)
        self._archive = Archive(journal.reader(), parts.setup, _no_evidence)
        self._wake: Planned | None = None
        self.panel = Panel(self, self.ids, parts.quotes)

    def start(self) -> None:
        self.spawn(self._start())

    async def _start(self) -> None:
        await self.tell(KioskStarted(self._sound))
        self.ready = True
        self.watch.ready(self)
        self.look()

    def die(self) -> None:
        """The power is gone, or the process: nothing more happens here."""
        self._crew.kill()
        for end in self.ends.values():
            end.close()
        self.journal.close()

    @property
    def alive(self) -> bool:
        return self._crew.alive

    @property
    def k(self) -> Kiosk:
        """The durable state."""
        return self.kernel.engine.k

    # --- what the parts of the core ask of each other -------------------------------------------------------------------------

    def now(self) -> Moment:
        return self._clock.now()

    def spawn(self, work: Coroutine[Any, Any, object], over: Callable[[], None] | None = None) -> None:
        self._crew.spawn(work, over)

    def sleep(self, ms: int) -> Waiting[None]:
        return self._crew.sleep(ms)

    def later(self, ms: int, event: Callable[[], object]) -> None:
        self.clockwork.after(ms, lambda: event() if self._crew.alive else None)

    def serial(self, name: str) -> int:
        return self.journal.serials.next(name)

    async def tell(self, given: Input) -> Batch:
        """Decide `given`, with the sale it is about when that one is no longer held; returns when its facts are durable."""
        given = self._parts.fitting.given(given, self.kernel.engine.head)
        return await self._disk.append(self.kernel.take(self._archive.with_sale(self.k, given), self.now()))

    async def told(self, given: Input) -> None:
        await self.tell(given)

    async def tell_pile(self, given: Input) -> Reply:
        return answer(await self.tell(given), given)

    async def take(self, body: bytes) -> None:
        for confirmation in self._parts.webhooks.confirmations(body):
            await self.tell(confirmation)

    @property
    def listens(self) -> bool:
        return self.ready and self.alive

    def known_tag(self, id_tag: str) -> bool:
        return known_tag(self.k, id_tag)

    def keep_frame(self, frame: bytes) -> Digest:
        return self._seals.seal(frame, _EVIDENCE_DAYS)

    def _recognise(self, raws: tuple[str, ...]) -> Digest:
        return self._seals.seal("\n".join(self.ids.recognition(raw) for raw in raws).encode(), _EVIDENCE_DAYS)

    # --- the loop -------------------------------------------------------------------------------------------------------------

    def changed(self, facts: list[Any]) -> None:
        """These are durable now."""
        if facts:
            self.panel.changed(tuple(facts))
        self.look()

    def look(self) -> None:
        """Do what is open, watch the deadlines."""
        if not self.ready or not self._crew.alive:
            return
        now = self.now()
        if self.watch.screen_alive():
            self._desk.screen_seen()
        todo = self.kernel.look(now)
        for attempt in todo.attempts:
            self.running[attempt.request.ref] = attempt
            self.spawn(self._attempt(attempt))
            self.watch.attempted(self, attempt)
        if todo.tick:
            self.spawn(self._tick())
        self._wake_at(todo.wake, now)

    async def _tick(self) -> None:
        batch = await self._disk.append(self.kernel.tick(self.now()))
        self.kernel.ticked(batch, self.now())
        self.look()

    def _wake_at(self, moment: Moment | None, now: Moment) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if moment is not None:
            self._wake = self.clockwork.after(min(max(1, now.ms_until(moment)), _LONGEST_WAIT_MS), self.look)

    async def _attempt(self, attempt: Attempt) -> None:
        result = await self._performer.perform(attempt)
        self.running.pop(attempt.request.ref, None)
        await self._disk.append(self.kernel.ended(attempt, result, self.now()))


async def _no_evidence(_digest: Digest) -> bytes | None:
    """Nobody in the simulated world asks for a sale by its card."""
    return None
