"""What a running core does, without loop, disk or wires: what is decided when, what is attempted when, what goes to the disk together.

`kiosk.core.service` drives it with asyncio and the journal's thread, `kiosk.simulation` with virtual time and power cuts. Both only carry
out what is said here, so that what the simulated world proves is proved of the product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kiosk.core.effects import Attempt, Effects
from kiosk.core.engine import Batch, Engine
from kiosk.journal.evidence import Sealed
from kiosk.journal.state import Retry, Write
from kiosk.ocpp.seam import Reply
from kiosk.session.deadlines import next_deadline
from kiosk.session.energy import session_with_tag, transaction_for
from kiosk.session.facts import SessionClosed
from kiosk.session.inputs import Approval, Done, Input, Outcome, Result, SignedRead, TimePassed, TxEnded, TxStarted
from kiosk.session.recall import Recalled
from kiosk.session.requests import Request, open_requests
from kiosk.session.state import Kiosk
from kiosk.values import Digest, Moment

PULSE_S = 1  # a deadline that decided nothing is looked at again after this long
_DAY_S = 86_400
_MOST_SEALED = 256

SealedFor = Callable[[Input | Recalled], Sequence[Sealed]]


@dataclass(frozen=True, slots=True)
class Taken:
    """A decision. `write` must reach the disk, in the order of the decisions, before `Kernel.kept` is told and anybody is answered."""

    batch: Batch
    write: Write


@dataclass(frozen=True, slots=True)
class Todo:
    """What is to be done now. Each of `attempts` is made, and then handed to `Kernel.ended`. `tick`: a deadline has come, so `Kernel.tick`
    is to be taken and, when it is kept, `Kernel.ticked` told. `wake`: when to look again if nothing happens before."""

    attempts: tuple[Attempt, ...]
    tick: bool
    wake: Moment | None


class Kernel:
    """Owns the engine and the queue of effects."""

    def __init__(self, engine: Engine, effects: Effects, sealed_for: SealedFor) -> None:
        self.engine = engine
        self.effects = effects
        self._sealed_for = sealed_for
        self._seen: Kiosk | None = None
        self._requests: tuple[Request, ...] = ()
        self._ticking = False
        self._pulse: Moment | None = None

    def take(self, given: Input | Recalled, at: Moment, retries: Sequence[Retry] = (), settled: Sequence[str] = ()) -> Taken:
        """Decide `given`; what was sealed on the way to it goes to the disk with its facts."""
        batch = self.engine.take(given, at)
        return Taken(batch, Write(batch.entries, tuple(self._sealed_for(given)), tuple(retries), tuple(settled)))

    def kept(self, batch: Batch) -> None:
        """The batch, and all before it, are durable."""
        self.engine.commit(batch)

    def look(self, at: Moment) -> Todo:
        """What is open, and which deadlines have come. To be called after every change and at `wake`."""
        attempts = self.effects.ready(self._open_requests(), at)
        deadline = next_deadline(self.engine.k, at)
        if self._ticking:
            deadline = None
        elif deadline is not None and self._pulse is not None:
            deadline = max(deadline, self._pulse, key=at.ms_until)
        tick = deadline is not None and at.reached(deadline)
        if tick:
            self._ticking, deadline = True, None
        moments = [m for m in (deadline, self.effects.next_at(at)) if m is not None]
        return Todo(attempts, tick, min(moments, key=at.ms_until, default=None))

    def tick(self, at: Moment) -> Taken:
        """A deadline has come."""
        return self.take(TimePassed(), at)

    def ticked(self, batch: Batch, at: Moment) -> None:
        """The tick is durable. One that decided nothing is not followed by the next at once."""
        self._ticking = False
        self._pulse = None if batch.facts else at.plus(PULSE_S)

    def ended(self, attempt: Attempt, result: Result, at: Moment) -> Taken:
        """An attempt came to its end: decide what it means, and keep with it how the request stands."""
        request = attempt.request
        retry = self.effects.ended(request, result, at)
        return self.take(Outcome(request.ref, result), at, (retry,) if retry else (), () if retry else (request.ref,))

    def acting_on(self) -> Kiosk:
        """The state whose open requests are performed: what is durable."""
        return self.engine.k

    def _open_requests(self) -> tuple[Request, ...]:
        k = self.acting_on()
        if k is not self._seen:
            self._seen, self._requests = k, open_requests(k)
        return self._requests


class Seals:
    """Evidence that waits for the facts that name it, to lie on the disk before them."""

    def __init__(self, seal: Callable[[bytes, int | None], Sealed], now: Callable[[], Moment]) -> None:
        self._seal = seal
        self._now = now
        self._sealed: dict[Digest, Sealed] = {}

    def seal(self, data: bytes, days: int) -> Digest:
        """Give `data`, to be kept for `days`, the digest under which a fact may name it."""
        sealed = self._seal(data, self._now().plus(days * _DAY_S).utc_ms)
        self._sealed[sealed.digest] = sealed
        if len(self._sealed) > _MOST_SEALED:  # of frames that told nothing
            del self._sealed[next(iter(self._sealed))]
        return sealed.digest

    def of(self, given: Input | Recalled) -> tuple[Sealed, ...]:
        """What was sealed on the way to this input."""
        digests: tuple[Digest | None, ...] = ()
        match given:
            case TxStarted(frame=frame):
                digests = (frame,)
            case TxEnded(frame=frame, signed=signed):
                digests = (frame, *(one.digest for one in signed))
            case SignedRead(signed=signed):
                digests = tuple(one.digest for one in signed)
            case Outcome(result=Done(result=Approval(card=card))):
                digests = (card.recognition,)
        return tuple(self._sealed.pop(digest) for digest in digests if digest is not None and digest in self._sealed)


def answer(batch: Batch, given: Input) -> Reply:
    """What a pile is answered once `batch`, which followed from what it said, is durable."""
    return Reply(transaction_for(batch.after, given)) if isinstance(given, TxStarted) else Reply()


def known_tag(k: Kiosk, id_tag: str) -> bool:
    """Whether a tag that a pile asks about is that of a sale which may charge."""
    session = session_with_tag(k, id_tag)
    return session is not None and not session.given_up and session.closed_at is None


def signs(facts: Sequence[object]) -> bool:
    """Whether the journal is signed after these facts: a sale came to its end."""
    return SessionClosed in map(type, facts)
