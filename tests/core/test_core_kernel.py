"""The kernel: what is done when, whoever supplies time, disk and wires."""

from __future__ import annotations

from dataclasses import dataclass, field

from core_bed import START
from world import SETUP, A, CountingIds, approval, quote

from kiosk.core.effects import Attempt, Effects, Pace
from kiosk.core.engine import Batch, Engine
from kiosk.core.kernel import PULSE_S, Kernel, Seals, known_tag, signs
from kiosk.journal.evidence import Sealed
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.state import Kiosk
from kiosk.values import Digest, Moment, SessionId


@dataclass
class Bed:
    """A kernel on a disk that takes everything at once."""

    ids: CountingIds = field(default_factory=CountingIds)
    at: Moment = START

    def __post_init__(self) -> None:
        self.kernel = Kernel(Engine(Kiosk(SETUP), self.ids), Effects(Pace()), lambda _: ())

    def tell(self, given: i.Input) -> Batch:
        taken = self.kernel.take(given, self.at)
        self.kernel.kept(taken.batch)
        return taken.batch

    def sells(self) -> Attempt:
        """Somebody accepts a price: the attempt that follows."""
        self.tell(i.KioskStarted())
        self.tell(i.PileConnected("PILE-1"))
        self.tell(i.ConnectorChanged("PILE-1", 1, i.ConnectorStatus.AVAILABLE))
        self.tell(i.QuoteAccepted(self.ids.session(), A, quote()))
        (attempt,) = self.kernel.look(self.at).attempts
        return attempt


def test_nothing_is_attempted_before_it_is_kept() -> None:
    bed = Bed()
    bed.tell(i.KioskStarted())
    bed.tell(i.PileConnected("PILE-1"))
    bed.tell(i.ConnectorChanged("PILE-1", 1, i.ConnectorStatus.AVAILABLE))
    taken = bed.kernel.take(i.QuoteAccepted(bed.ids.session(), A, quote()), bed.at)
    assert taken.write.entries
    assert bed.kernel.look(bed.at).attempts == ()
    bed.kernel.kept(taken.batch)
    assert len(bed.kernel.look(bed.at).attempts) == 1


def test_how_a_request_stands_is_kept_with_what_its_attempt_came_to() -> None:
    bed = Bed()
    attempt = bed.sells()
    failed = bed.kernel.ended(attempt, i.NotSent("no terminal"), bed.at)
    assert [(row.ref, row.attempts) for row in failed.write.retries] == [(attempt.request.ref, 1)]
    assert failed.write.settled == ()
    bed.kernel.kept(failed.batch)
    again = bed.kernel.ended(attempt, i.Done(approval()), bed.at)
    assert again.write.retries == ()
    assert again.write.settled == (attempt.request.ref,)


def test_it_looks_again_when_the_next_attempt_is_due() -> None:
    bed = Bed()
    attempt = bed.sells()
    bed.kernel.kept(bed.kernel.ended(attempt, i.Unknown(), bed.at).batch)
    assert bed.kernel.look(bed.at).wake == bed.at.plus(Pace().query_s)


def test_a_deadline_is_acted_on_once() -> None:
    bed = Bed()
    bed.sells()
    bed.at = bed.at.plus(86_400)
    assert bed.kernel.look(bed.at).tick
    assert not bed.kernel.look(bed.at).tick
    taken = bed.kernel.tick(bed.at)
    bed.kernel.kept(taken.batch)
    bed.kernel.ticked(taken.batch, bed.at)
    assert taken.batch.facts


def test_a_deadline_that_decides_nothing_is_not_looked_at_in_a_hot_loop() -> None:
    bed = Bed()
    bed.sells()
    late = bed.at.plus(86_400)
    assert bed.kernel.look(late).tick
    bed.kernel.ticked(Batch((), bed.kernel.engine.k), late)
    todo = bed.kernel.look(late)
    assert not todo.tick
    assert todo.wake == late.plus(PULSE_S)
    assert bed.kernel.look(late.plus(PULSE_S)).tick


def test_evidence_goes_to_the_disk_with_the_facts_that_name_it_and_once() -> None:
    seals = Seals(lambda data, until: Sealed(Digest(data.hex()), b"", data, until), lambda: START)
    digest = seals.seal(b"frame", 30)
    ended = i.TxEnded("PILE-1", 1, "", None, None, "", frame=digest)
    (sealed,) = seals.of(ended)
    assert sealed.data == b"frame"
    assert sealed.until == START.plus(30 * 86_400).utc_ms
    assert seals.of(ended) == ()
    assert seals.of(i.TimePassed()) == ()


def test_evidence_that_nobody_names_does_not_pile_up() -> None:
    seals = Seals(lambda data, until: Sealed(Digest(data.hex()), b"", data, until), lambda: START)
    first = seals.seal(b"first", 1)
    for n in range(256):
        seals.seal(f"{n}".encode(), 1)
    assert seals.of(i.TxEnded("PILE-1", 1, "", None, None, "", frame=first)) == ()


def test_a_tag_is_known_while_its_sale_may_charge() -> None:
    bed = Bed()
    attempt = bed.sells()
    bed.kernel.kept(bed.kernel.ended(attempt, i.Done(approval()), bed.at).batch)
    bed.tell(i.ConnectorChanged("PILE-1", 1, i.ConnectorStatus.PREPARING))
    (session,) = bed.kernel.engine.k.sessions.values()
    tag = session.starts[-1].id_tag
    assert known_tag(bed.kernel.engine.k, tag)
    assert not known_tag(bed.kernel.engine.k, "STRANGER")
    bed.tell(i.DriverCancelled(session.id))
    assert not known_tag(bed.kernel.engine.k, tag)


def test_the_journal_is_signed_when_a_sale_is_over() -> None:
    assert signs((f.PileOnline(START, "PILE-1"), f.SessionClosed(START, SessionId("S"))))
    assert not signs((f.PileOnline(START, "PILE-1"),))
