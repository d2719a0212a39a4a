"""A kiosk's sales, played by hand and kept in a real journal, as the office, the archive and the greeter find them."""

from __future__ import annotations

from dataclasses import dataclass, field

from world import A, World

from kiosk.core.archive import Archive
from kiosk.journal.entry import Entry
from kiosk.journal.evidence import Sealed
from kiosk.journal.journal import Journal
from kiosk.session import codec
from kiosk.session import inputs as i
from kiosk.values import ConnectorId, Digest, Money, SessionId


@dataclass
class Shelf:
    """`sealed` waits for the next append, as in the product."""

    journal: Journal
    w: World = field(default_factory=World)
    sealed: list[Sealed] = field(default_factory=list)
    kept: int = 0

    def keep(self) -> None:
        """Everything that has happened is in the journal."""
        encoded = [codec.encode(fact) for fact in self.w.facts[self.kept :]]
        self.kept = len(self.w.facts)
        self.journal.append([Entry(e.stream, e.kind, e.version, e.at, e.body) for e in encoded], evidence=self.sealed)
        self.sealed = []

    def archive(self) -> Archive:
        async def evidence(digest: Digest) -> bytes | None:
            return self.journal.evidence.get(digest)

        return Archive(self.journal.reader(), self.w.k.setup, evidence)

    def pays_with(self, card: str, connector: ConnectorId = A) -> SessionId:
        """A sale that a card paid for, before any energy. `card` is the keyed hash of what it is recognised by."""
        session = self.w.accept(connector)
        self.sealed.append(self.journal.evidence.seal(card.encode(), self.w.now.plus(30 * 86_400).utc_ms))
        facts = i.CardFacts("mc", "4821", recognition=self.sealed[-1].digest)
        self.w.answer("Preauthorize", i.Done(i.Approval(Money(5_000, "EUR"), f"PSP{session[-4:]}", "T", facts)))
        self.keep()
        return session

    def cancelled(self) -> None:
        """The newest sale ends before energy, and its money goes back."""
        self.w.give(i.DriverCancelled(self.w.session.id))
        self.w.answer("Modify", i.Done(i.Accepted("CAN")))
        self.w.skip(60)
        self.keep()
