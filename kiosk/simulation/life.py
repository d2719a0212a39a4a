"""One life of a kiosk's core, from its start to the power cut: the product's engine, effects, performers and journal in the world's time.

`kiosk.core.kernel` says what happens when, here as in the product's service; this is its time, its disk and its wires, event by event, so
that the power can go between any two of them. Two things are not the product's own: `Disk` does what `kiosk.journal.thread` does with a
thread (groups of commits, the room kept back), and the terminal and the disk are looked at when something has changed, not every minute.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hardware.api import PaymentTerminal, ReceiptPrinter
from kiosk.core.archive import Archive
from kiosk.core.desk import Desk
from kiosk.core.effects import Attempt, Effects, Pace
from kiosk.core.engine import Batch, Engine
from kiosk.core.greeter import Greeter
from kiosk.core.ids import KioskIds
from kiosk.core.kernel import Kernel, SealedFor, Seals, Taken, answer, known_tag, signs
from kiosk.core.office import Office
from kiosk.core.performers import Answer, Performers, Press
from kiosk.journal.entry import JournalFailed
from kiosk.journal.journal import Journal
from kiosk.journal.state import Write
from kiosk.ocpp.seam import Reply
from kiosk.ocpp.upstream_calls import Plug
from kiosk.ocpp.upstream_queue import Books, Queue
from kiosk.payments.api import Acquirer
from kiosk.payments.webhooks import Webhooks
from kiosk.session.facts import Fact
from kiosk.session.inputs import Input, KioskStarted, Result, TerminalHealth
from kiosk.session.recall import wanted
from kiosk.session.requests import Body, open_requests
from kiosk.session.setup import Setup
from kiosk.session.state import Kiosk
from kiosk.simulation.clockwork import Clockwork, MachineClock, Planned
from kiosk.simulation.coroutines import Crew, Gate, ProcessOver, Waiting
from kiosk.simulation.menu import Menu
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

    def disk_relieved(self, facts: Sequence[object]) -> None:
        """The room kept back was needed."""
        ...

    def disk_failed(self, life: Life, facts: Sequence[object]) -> None:
        """Nothing can be written: this life is over."""
        ...


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

    def upstream_queue(self, books: Books, plugs: Sequence[Plug]) -> Queue:
        return Queue(books, plugs)


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
    kiosk_of: Callable[[Setup], Kiosk]  # what the disk says
    webhooks: Webhooks
    menus: Mapping[ConnectorId, Menu]
    fitting: Fitting


class Disk:
    """The journal's queue: what is told meanwhile is committed as one group, and only then answered."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._queue: list[tuple[Taken, Waiting[Batch]]] = []
        self._told_when_kept: list[Waiting[None]] = []

    def append(self, taken: Taken) -> Waiting[Batch]:
        life = self._life
        waiting: Waiting[Batch] = Waiting(life.clockwork)
        if not self._queue:
            life.later(life.watch.disk_ms(), self.flush)
        self._queue.append((taken, waiting))
        return waiting

    async def kept(self) -> None:
        """Return when nothing is on its way to the disk."""
        while self._queue:
            idle: Waiting[None] = Waiting(self._life.clockwork)
            self._told_when_kept.append(idle)
            await idle

    def flush(self) -> None:
        life = self._life
        queue, self._queue = self._queue, []
        facts = [fact for taken, _ in queue for fact in taken.batch.facts]
        if facts and life.watch.cut_before(life, facts):
            return
        writes = [w for taken, _ in queue if (w := taken.write).entries or w.retries or w.settled or w.evidence]
        if writes and not self._written(writes, facts):
            return
        if signs(facts) and not self._signed(facts):
            return
        life.watch.kept(facts)
        if facts and life.watch.cut_after(life, facts):
            return
        for taken, waiting in queue:
            life.kernel.kept(taken.batch)
            waiting.resolve(taken.batch)
        told, self._told_when_kept = self._told_when_kept, []
        for idle in told:
            idle.resolve(None)
        life.changed(facts)

    def _written(self, writes: list[Write], facts: list[Fact]) -> bool:
        """As `kiosk.journal.thread`: on a full disk once more, with the room that was kept back. Else the core ends."""
        life = self._life
        try:
            life.journal.commit(writes)
        except JournalFailed:
            if not (life.journal.full and life.journal.relieve()):
                life.watch.disk_failed(life, facts)
                return False
            life.watch.disk_relieved(facts)
            life.journal.commit(writes)
        return True

    def _signed(self, facts: list[Fact]) -> bool:
        life = self._life
        try:
            life.journal.checkpoint()
        except JournalFailed:
            life.watch.disk_failed(life, facts)
            return False
        return True


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
        kiosk = parts.kiosk_of(parts.setup)
        effects = Effects(parts.pace)
        found = open_requests(kiosk)
        self._recovering: dict[str, Body] = {request.ref: request.body for request in found}
        effects.restore(found, journal.effects.all(), self.now())
        self.ids = KioskIds(parts.setup.kiosk, self, parts.secret, parts.entropy)
        self._seals = Seals(journal.evidence.seal, self.now)
        self.kernel = parts.fitting.kernel(Engine(kiosk, self.ids), effects, self._seals.of)
        self._desk = Desk(
            parts.fitting.terminal(parts.terminal), parts.clock, parts.clock, self.ids, self._recognise, lambda: Gate(clockwork)
        )
        acquirer = parts.fitting.acquirer(parts.acquirer)
        self._performer = parts.fitting.performer(
            Performers(self._desk, acquirer, PilePort(self.ends), parts.printer, parts.press(journal))
        )
        self._disk = parts.fitting.disk(self)
        self._archive = Archive(journal.reader(), parts.setup, self._evidence)
        self._wake: Planned | None = None
        self.panel = Panel(self, self.ids, parts.menus)
        self._greeter = Greeter(self._desk, self._archive, parts.clock, self.panel, lambda: self.k, self.told)
        self._greeting = self._leaving = False
        self.office = Office(effects, self._archive, parts.clock, lambda: self.k, self.tell, self.look, refunds_here=True)

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

    @property
    def recovering(self) -> Mapping[str, Body]:
        """What was open when this life began and has not had an answer since."""
        return self._recovering

    def sleep(self, ms: int) -> Waiting[None]:
        return self._crew.sleep(ms)

    def later(self, ms: int, event: Callable[[], object]) -> None:
        self.clockwork.after(ms, lambda: event() if self._crew.alive else None)

    def serial(self, name: str) -> int:
        try:
            return self.journal.serials.next(name)
        except JournalFailed as error:
            self.clockwork.soon(lambda: self.watch.disk_failed(self, ()))
            raise ProcessOver from error

    async def tell(self, given: Input) -> Batch:
        """Decide `given`, with the sale it is about when that one is no longer held; returns when its facts are durable."""
        given = self._parts.fitting.given(given, self.kernel.engine.head)
        if wanted(self.kernel.engine.head, given) is not None:
            await self._disk.kept()
        return await self._disk.append(self.kernel.take(self._archive.with_sale(self.k, given), self.now()))

    async def told(self, given: Input) -> None:
        await self.tell(given)

    async def tell_pile(self, given: Input) -> Reply:
        return answer(await self.tell(given), given)

    async def take(self, body: bytes) -> None:
        for confirmation in self._parts.webhooks.confirmations(body):
            await self.tell(confirmation)

    def attend(self) -> None:
        """The visit may want a card to know its driver by, or no longer."""
        if self._greeter.wanted:
            if not self._greeting:
                self._greeting = True
                self.spawn(self._greeter.ask(), self._greeted)
        elif self._greeter.unwanted and not self._leaving:
            self._leaving = True
            self.spawn(self._greeter.leave())

    def _greeted(self) -> None:
        self._greeting = self._leaving = False
        if not self.panel.busy:
            self.attend()

    async def ask_terminal(self) -> bool:
        """Whether cards can be taken; False when the terminal did not tell, or was busy. The product asks once a minute, here whoever
        changes it sees to it that it is asked."""
        health = await self._desk.health()
        if not health.busy:
            await self.tell(TerminalHealth(health.ok, health.host, health.detail))
        return not health.busy and health.ok

    @property
    def listens(self) -> bool:
        return self.ready and self.alive

    def known_tag(self, id_tag: str) -> bool:
        return known_tag(self.k, id_tag)

    def keep_frame(self, frame: bytes) -> Digest:
        return self._seals.seal(frame, _EVIDENCE_DAYS)

    async def _evidence(self, digest: Digest) -> bytes | None:
        return self.journal.evidence.get(digest)

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
        self._recovering.pop(attempt.request.ref, None)
        await self._disk.append(self.kernel.ended(attempt, result, self.now()))
