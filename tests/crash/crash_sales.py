"""Recorded: the core's loop and journal through twenty sales of every kind, with restarts, from the first file on.

The real service, engine, effects and journal thread; the far ends answer as the script says. Arguments: the journal, the number of sales,
the seed of their order, and what is deliberately wrong (`right`, or a name of `crash_wrongs`).
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import crash_wrongs
from crash_judge import RESERVE_BYTES, fingerprint
from crash_marks import Marker
from world import PER_KWH_AND_STAY, SETUP, A, B, CountingIds, World, approval, code_digest

from kiosk.core.effects import Effects, Pace
from kiosk.core.engine import Engine
from kiosk.core.image import image
from kiosk.core.service import Service
from kiosk.core.start import start
from kiosk.journal import wal
from kiosk.journal.entry import Entry
from kiosk.journal.evidence import Sealed
from kiosk.journal.journal import Journal
from kiosk.journal.state import Retry
from kiosk.journal.thread import JournalThread
from kiosk.session import inputs as i
from kiosk.session.facts import Fact
from kiosk.session.requests import open_requests
from kiosk.values import Moment

_SERIES = ("service_id", "transaction")
_FOLD_AT = 25_000  # bytes: so that the log is copied back many times on the way


class Witness:
    """The journal's thread, with a mark before and after every commit."""

    def __init__(self, thread: JournalThread, marker: Marker) -> None:
        self._thread = thread
        self._marker = marker
        self.heads: list[int] = []

    async def append(
        self, batch: Sequence[Entry], *, evidence: Sequence[Sealed] = (), retries: Sequence[Retry] = (), settled: Sequence[str] = ()
    ) -> int:
        latest = self._marker.latest
        attempts = {**latest.attempts, **{retry.ref: retry.attempts for retry in retries}}
        for ref in settled:
            attempts.pop(ref, None)
        promise = self._marker.trying(head=latest.head + len(batch), attempts=attempts)
        self.heads.append(promise.head)
        seq = await crash_wrongs.acknowledged(self._marker, self._thread.append(batch, evidence=evidence, retries=retries, settled=settled))
        assert seq == promise.head
        return seq


@dataclass
class JournalIds(CountingIds):
    """Ids whose numbers come from the journal's series."""

    thread: JournalThread | None = None
    marker: Marker | None = None

    def service_id(self) -> str:
        return str(self._serial("service_id"))

    def transaction(self) -> int:
        return self._serial("transaction")

    def _serial(self, series: str) -> int:
        assert self.thread is not None
        assert self.marker is not None
        number = self.thread.serial(series)
        self.marker.issued(series, number)
        return number


class RecordedWorld(World):
    """A `World` whose inputs go through the core's loop and whose facts lie on a disk."""

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop, seed: int) -> None:
        self._path = path
        self._entropy = random.Random(f"entropy {seed}")
        self._loop = loop
        self._marker = Marker()
        self._frames = 0
        self.now = Moment(1_800_000_000_000, "boot", 0)
        self.facts: list[Fact] = []
        self._numbers = JournalIds(marker=self._marker)
        self.ids = self._numbers
        self._loop.run_until_complete(self._begin())
        self.__post_init__()

    async def _begin(self) -> None:
        journal = Journal.open(self._path, reserve_bytes=RESERVE_BYTES, entropy=self._entropy.randbytes)
        begun = start(journal, SETUP)
        assert begun.sound
        k = begun.kiosk
        self._fingerprint = begun.fingerprint
        effects = Effects(Pace())
        effects.restore(open_requests(k), journal.effects.all(), self.now)
        self._effects = effects
        self._thread = JournalThread(journal, serials=_SERIES)
        self._numbers.thread = self._thread
        self._witness = Witness(self._thread, self._marker)
        self._sealed: dict[str, Sealed] = {}
        self._service = Service(Engine(k, self.ids), self._witness, _Clock(self), effects, self._sealed_for)
        self.k = k

    def again(self) -> None:
        """The process ends and comes back."""
        before = fingerprint(self.k)
        self._loop.run_until_complete(self._thread.close())
        self._loop.run_until_complete(self._begin())
        assert fingerprint(self.k) == before
        self.give(i.KioskStarted())
        self.give(i.PileConnected("PILE-1"))

    def end_of_recording(self) -> None:
        self._loop.run_until_complete(self._thread.close())

    def give(self, given: i.Input) -> tuple[Fact, ...]:
        return self.together(given)[0]

    def together(self, *inputs: i.Input) -> list[tuple[Fact, ...]]:
        """Inputs that came while the disk was busy: decided in order, committed as one."""
        return self._loop.run_until_complete(self._tell([self._with_frame(given) for given in inputs]))

    async def _tell(self, inputs: Sequence[i.Input]) -> list[tuple[Fact, ...]]:
        self._witness.heads.clear()
        batches = await asyncio.gather(*(self._service.tell(given, **self._bookkeeping(given)) for given in inputs))
        for head, batch in zip(self._witness.heads, batches, strict=True):
            self._marker.state(head, fingerprint(batch.after))
            self.facts += batch.facts
        self.k = self._service.kiosk
        return [batch.facts for batch in batches]

    def _bookkeeping(self, given: i.Input) -> dict[str, Any]:
        if not isinstance(given, i.Outcome):
            return {}
        request = next(r for r in open_requests(self.k) if r.ref == given.request)
        retry = self._effects.ended(request, given.result, self.now)
        return {"retries": (retry,)} if retry else {"settled": (request.ref,)}

    def _with_frame(self, given: i.Input) -> i.Input:
        self._frames += 1
        data = b'[2,"%d","frame of %s"]' % (self._frames, type(given).__name__.encode())
        match given:
            case i.TxStarted() | i.TxEnded():
                return replace(given, frame=self._seal(data))
            case i.Outcome(request, i.Done(i.Approval() as yes)):
                card = replace(yes.card, recognition=self._seal(data))
                return i.Outcome(request, i.Done(replace(yes, card=card)))
        return given

    def _seal(self, data: bytes) -> Any:
        sealed = self._thread.seal(data, self.now.plus(86_400).utc_ms)
        self._sealed[sealed.digest] = sealed
        return sealed.digest

    def _sealed_for(self, given: i.Input) -> tuple[Sealed, ...]:
        digest = None
        match given:
            case i.TxStarted() | i.TxEnded():
                digest = given.frame
            case i.Outcome(result=i.Done(result=i.Approval(card=card))):
                digest = card.recognition
        return (self._sealed.pop(digest),) if digest in self._sealed else ()

    def sign(self) -> None:
        """As the core does at the end of each sale."""
        self._marker.trying(signed=self._marker.latest.head)
        self._loop.run_until_complete(crash_wrongs.acknowledged(self._marker, self._thread.checkpoint()))

    def keep(self) -> None:
        """As the core does now and then: what the facts add up to, for the next start."""
        head = self._marker.latest.head
        self._loop.run_until_complete(self._thread.keep_fold(head, self._fingerprint, image(self.k)))

    def consume(self, consumer: str) -> None:
        head = self._marker.latest.head
        self._marker.trying(cursors={**self._marker.latest.cursors, consumer: head})
        self._loop.run_until_complete(crash_wrongs.acknowledged(self._marker, self._thread.advance(consumer, head)))


class _Clock:
    """The world's time; nothing waits on it."""

    def __init__(self, world: RecordedWorld) -> None:
        self._world = world

    def now(self) -> Moment:
        return self._world.now

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps here")

    async def until(self, moment: Moment) -> None:
        raise AssertionError("nobody waits here")


# --- the sales ------------------------------------------------------------------------------------------------------------------


def plain(w: RecordedWorld) -> None:
    transaction = w.deliver()
    w.now = w.now.plus(1_200)
    w.end(transaction, 117)
    w.settle()


def with_a_stay(w: RecordedWorld) -> None:
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.now = w.now.plus(1_800)
    w.end(transaction, 110)
    w.wait(1_200)
    w.status(1, i.ConnectorStatus.AVAILABLE)
    w.answer("Modify", i.Done(i.Accepted("CAP")))
    w.answer("PrintReceipt", i.Done(i.Printed("printed")))


def declined_then_another_card(w: RecordedWorld) -> None:
    session = w.accept()
    w.answer("Preauthorize", i.Refused("refused", "05 do not honour"))
    w.give(i.AnotherCard(session))
    w.answer("Preauthorize", i.Done(approval()))
    w.give(i.DriverCancelled(session))
    w.answer("Modify", i.Done(i.Accepted("CANCEL")))


def answer_lost_then_found(w: RecordedWorld) -> None:
    session = w.accept()
    w.answer("Preauthorize", i.Unknown(detail="connection reset"))
    w.again()
    w.answer("Preauthorize", i.Unknown("in_progress"))
    w.answer("Preauthorize", i.Done(approval()))
    w.give(i.DriverCancelled(session))
    w.answer("Modify", i.NotSent("connection refused"))
    w.answer("Modify", i.Done(i.Accepted("CANCEL")))


def never_answered(w: RecordedWorld) -> None:
    w.accept()
    w.answer("Preauthorize", i.Unknown(detail="connection reset"))
    w.wait(300)
    w.answer("Modify", i.Unknown())
    w.answer("Modify", i.Done(i.Accepted("CANCEL")))


def cancelled_at_the_terminal(w: RecordedWorld) -> None:
    session = w.accept()
    w.give(i.DriverCancelled(session))
    w.answer("AbortPreauthorization", i.Done(i.Ok()))
    w.answer("Preauthorize", i.Refused("aborted"))


def stopped_by_code_after_a_restart(w: RecordedWorld) -> None:
    transaction = w.deliver()
    session = w.session.id
    w.again()
    w.give(i.StopCodeTyped(session, code_digest(session, "0000")))
    w.give(i.StopCodeTyped(session, code_digest(session, "4719")))
    w.give(i.StopAsked(session, "code"))
    w.answer("StopDelivery", i.Done(i.Ok()))
    w.now = w.now.plus(300)
    w.end(transaction, 104, "Remote")
    w.settle()


def stopped_at_the_limit(w: RecordedWorld) -> None:
    transaction = w.deliver()
    w.now = w.now.plus(1_800)
    w.meter(150)
    w.now = w.now.plus(1_800)
    w.meter(198)
    w.answer("StopDelivery", i.Done(i.Ok()))
    w.end(transaction, 198, "Remote")
    w.answer("Modify", i.Unknown(detail="timeout"))
    w.settle()


def both_connectors_at_once(w: RecordedWorld) -> None:
    first = w.deliver(A)
    second = w.deliver(B)
    w.now = w.now.plus(600)
    begin = w.reading(105)
    w.together(i.MeterRead("PILE-1", 1, first, begin), i.MeterRead("PILE-1", 2, second, begin), i.TimePassed())
    w.together(
        i.TxEnded("PILE-1", first, "", None, w.reading(110), "Local"), i.TxEnded("PILE-1", second, "", None, w.reading(106), "Local")
    )
    modify = [i.Outcome(r.ref, i.Done(i.Accepted(f"CAP{n}"))) for n, r in enumerate(w.open()) if r.kind == "Modify"]
    w.together(*modify)
    w.together(*[i.Outcome(r.ref, i.Done(i.Printed("printed"))) for r in w.open() if r.kind == "PrintReceipt"])
    for number in (1, 2):
        w.status(number, i.ConnectorStatus.AVAILABLE)


def nothing_delivered(w: RecordedWorld) -> None:
    w.end(w.deliver(), 100)
    w.answer("Modify", i.Done(i.Accepted("CANCEL")))
    w.status(1, i.ConnectorStatus.AVAILABLE)


SALES: tuple[Callable[[RecordedWorld], None], ...] = (
    plain,
    both_connectors_at_once,
    stopped_by_code_after_a_restart,
    answer_lost_then_found,
    with_a_stay,
    declined_then_another_card,
    stopped_at_the_limit,
    nothing_delivered,
    cancelled_at_the_terminal,
    never_answered,
)


def main(path: Path, count: int, seed: int, wrong: str) -> None:
    wal.FOLD_AT = _FOLD_AT
    crash_wrongs.introduce(wrong)
    draw = random.Random(seed)
    loop = asyncio.new_event_loop()
    w = RecordedWorld(path, loop, seed)
    sales = list(SALES)
    for n in range(count):
        if seed > 1 and n % len(SALES) == 0:
            draw.shuffle(sales)
        sales[n % len(SALES)](w)
        w.wait(60 + draw.randrange(100))
        w.sign()
        if n % 2:
            w.keep()
        if n % 3 == 2:
            w.consume("upstream")
    w.end_of_recording()
    loop.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
