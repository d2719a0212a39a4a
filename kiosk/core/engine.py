"""Input to facts to state: the part of the loop that needs neither loop nor disk.

Deciding runs ahead of the disk: `head` holds facts that are still being written, so that inputs which queue meanwhile are decided in order
and share one commit. Whatever acts on the world or is shown looks at `k`, which holds only what is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kiosk.journal.entry import Entry, Stored
from kiosk.session import codec
from kiosk.session.decide import advance
from kiosk.session.evolve import evolve
from kiosk.session.facts import Fact
from kiosk.session.inputs import Input
from kiosk.session.recall import Recalled
from kiosk.session.state import Kiosk
from kiosk.values import Ids, Moment


@dataclass(frozen=True, slots=True)
class Batch:
    """The facts of one decision, the kiosk after them, and the facts as the journal stores them."""

    facts: tuple[Fact, ...]
    after: Kiosk
    entries: tuple[Entry, ...] = ()


class Engine:
    """The kiosk's state, ahead of the disk and on it."""

    def __init__(self, k: Kiosk, ids: Ids) -> None:
        self.head = k
        self.k = k
        self._ids = ids

    def take(self, given: Input | Recalled, at: Moment) -> Batch:
        """Decide `given`. The batch must be appended, in the order of the calls, and then handed to `commit`.

        Whatever it raises, nothing has happened then: no state stands on facts that the journal cannot hold.
        """
        facts, after = advance(self.head, given, at, self._ids)
        batch = Batch(facts, after, tuple(_entry(fact) for fact in facts))
        self.head = after
        return batch

    def commit(self, batch: Batch) -> None:
        """The batch, and all before it, are durable."""
        self.k = batch.after


def _entry(fact: Fact) -> Entry:
    e = codec.encode(fact)
    return Entry(e.stream, e.kind, e.version, e.at, e.body)


def fact_of(stored: Stored) -> Fact:
    """The fact behind a journal entry. Raises `kiosk.session.codec.CodecError`."""
    return codec.decode(codec.Encoded(stored.stream, stored.kind, stored.version, stored.at, stored.body))


def replay(k: Kiosk, stored: Iterable[Stored], read: Callable[[Stored], Fact] = fact_of) -> tuple[Kiosk, tuple[str, ...]]:
    """The kiosk that the journal's entries add up to, and what could not be read of them.

    An entry that is damaged, or written by a newer program, is passed over, so that what is open around it can still be settled: requests
    are safe to make again. Whoever gets such a list must sell nothing new.
    """
    unread = []
    for s in stored:
        try:
            fact = read(s)
        except codec.CodecError as error:
            unread.append(f"entry {s.seq}: {error}")
            continue
        k = evolve(k, fact)
    return k, tuple(unread)
