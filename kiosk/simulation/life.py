"""One life of a kiosk's core, from its start to the power cut: the product's engine, effects, performers and journal in the world's time.

What `kiosk.core.service` and `app` do on asyncio is done here event by event, so that the power can go between any two of them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hardware.api import PaymentTerminal, ReceiptPrinter
from kiosk.core.desk import Desk
from kiosk.core.effects import Attempt, Effects, Pace
from kiosk.core.engine import Batch, Engine, replay
from kiosk.core.ids import KioskIds
from kiosk.core.performers import Answer, Performers, Press
from kiosk.journal.entry import Stored
from kiosk.journal.evidence import Sealed
from kiosk.journal.journal import Journal
from kiosk.journal.state import Retry, Write
from kiosk.ocpp.seam import Reply
from kiosk.payments.api import Acquirer
from kiosk.payments.webhooks import Webhooks
from kiosk.pricing.quote import Quote
from kiosk.session.deadlines import next_deadline
from kiosk.session.energy import session_with_tag, transaction_for
from kiosk.session.facts import Fact, SessionClosed
from kiosk.session.inputs import Approval, Done, Input, KioskStarted, Outcome, Result, TimePassed, TxEnded, TxStarted
from kiosk.session.requests import Request, open_requests
from kiosk.session.setup import Setup
from kiosk.session.state import Kiosk
from kiosk.simulation.clockwork import Clockwork, MachineClock, Planned
from kiosk.simulation.coroutines import Crew, Waiting
from kiosk.simulation.panel import Panel
from kiosk.simulation.wires.ocpp import PileEnd
from kiosk.values import ConnectorId, Digest, Moment

_PULSE_MS = 1_000
_EVIDENCE_S = 400 * 86_400
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

    def acting_on(self, engine: Engine) -> Kiosk:
        """The state whose open requests are performed."""
        return engine.k


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
        self._queue: list[tuple[Batch, Write, Waiting[Batch]]] = []

    def append(self, batch: Batch, write: Write) -> Waiting[Batch]:
        life = self._life
        waiting: Waiting[Batch] = Waiting(life.clockwork)
        if not self._queue:
            life.later(life.watch.disk_ms(), self.flush)
        self._queue.append((batch, write, waiting))
        return waiting

    def flush(self) -> None:
        life = self._life
        queue, self._queue = self._queue, []
        facts = [fact for batch, _, _ in queue for fact in batch.facts]
        if facts and life.watch.cut_before(life, facts):
            return
        writes = [w for _, w, _ in queue if w.entries or w.retries or w.settled or w.evidence]
        if writes:
            life.journal.commit(writes)
        if any(isinstance(fact, SessionClosed) for fact in facts):
            life.journal.checkpoint()
        life.watch.kept(facts)
        if facts and life.watch.cut_after(life, facts):
            return
        for batch, _, waiting in queue:
            life.engine.commit(batch)
            waiting.resolve(batch)
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
        self.effects = Effects(parts.pace)
        self.effects.restore(open_requests(kiosk), journal.effects.all(), self.now())
        self.ids = KioskIds(parts.setup.kiosk, self, parts.secret, parts.entropy)
        self.engine = Engine(kiosk, self.ids)
        self._desk = Desk(parts.fitting.terminal(parts.terminal), parts.clock, parts.clock, self.ids, self._recognise)
        acquirer = parts.fitting.acquirer(parts.acquirer)
        self._performer = parts.fitting.performer(
            Performers(self._desk, acquirer, PilePort(self.ends), parts.printer, parts.press(journal))
        )
        self._disk = parts.fitting.disk(self)
        self._sealed: dict[Digest, Sealed] = {}
        self._seen: Kiosk | None = None
        self._requests: tuple[Request, ...] = ()
        self._ticking = False
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
        return self.engine.k

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

    async def tell(self, given: Input, retries: Sequence[Retry] = (), settled: Sequence[str] = ()) -> Batch:
        """Decide `given`; returns when its facts are durable."""
        batch = self.engine.take(self._parts.fitting.given(given, self.engine.head), self.now())
        return await self._disk.append(batch, Write(batch.entries, self._sealed_for(given), tuple(retries), tuple(settled)))

    async def told(self, given: Input) -> None:
        await self.tell(given)

    async def tell_pile(self, given: Input) -> Reply:
        batch = await self.tell(given)
        return Reply(transaction_for(batch.after, given)) if isinstance(given, TxStarted) else Reply()

    async def take(self, body: bytes) -> None:
        for confirmation in self._parts.webhooks.confirmations(body):
            await self.tell(confirmation)

    @property
    def listens(self) -> bool:
        return self.ready and self.alive

    def known_tag(self, id_tag: str) -> bool:
        session = session_with_tag(self.k, id_tag)
        return session is not None and not session.given_up and session.closed_at is None

    def keep_frame(self, frame: bytes) -> Digest:
        return self._seal(frame)

    def _recognise(self, raw: str) -> Digest:
        return self._seal(self.ids.recognition(raw).encode())

    def _seal(self, data: bytes) -> Digest:
        sealed = self.journal.evidence.seal(data, self.now().plus(_EVIDENCE_S).utc_ms)
        self._sealed[sealed.digest] = sealed
        return sealed.digest

    def _sealed_for(self, given: Input) -> tuple[Sealed, ...]:
        digest: Digest | None = None
        match given:
            case TxStarted() | TxEnded():
                digest = given.frame
            case Outcome(result=Done(result=Approval(card=card))):
                digest = card.recognition
        return (self._sealed.pop(digest),) if digest is not None and digest in self._sealed else ()

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
        for attempt in self.effects.ready(self._open_requests(), now):
            self.running[attempt.request.ref] = attempt
            self.spawn(self._attempt(attempt))
            self.watch.attempted(self, attempt)
        deadline = next_deadline(self.engine.k, now)
        if deadline is not None and now.reached(deadline):
            if not self._ticking:
                self._ticking = True
                self.spawn(self._tick())
            deadline = None
        self._wake_at([m for m in (deadline, self.effects.next_at(now)) if m is not None], now)

    def _open_requests(self) -> tuple[Request, ...]:
        """Those of the state to act on; it changes less often than somebody looks."""
        k = self._parts.fitting.acting_on(self.engine)
        if k is not self._seen:
            self._seen, self._requests = k, open_requests(k)
        return self._requests

    async def _tick(self) -> None:
        batch = await self.tell(TimePassed())
        if not batch.facts:
            await self.sleep(_PULSE_MS)
        self._ticking = False
        self.look()

    def _wake_at(self, moments: list[Moment], now: Moment) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if moments:
            ms = max(1, min(now.ms_until(m) for m in moments))
            self._wake = self.clockwork.after(min(ms, _LONGEST_WAIT_MS), self.look)

    async def _attempt(self, attempt: Attempt) -> None:
        request = attempt.request
        result = await self._performer.perform(attempt)
        retry = self.effects.ended(request, result, self.now())
        self.running.pop(request.ref, None)
        await self.tell(Outcome(request.ref, result), (retry,) if retry else (), () if retry else (request.ref,))
