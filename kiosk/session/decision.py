"""One decision in the making: the facts so far, and the kiosk as it will be after them."""

from __future__ import annotations

from dataclasses import dataclass, field

from kiosk.session.evolve import evolve
from kiosk.session.facts import Fact
from kiosk.session.setup import Policy
from kiosk.session.state import Kiosk, Session
from kiosk.values import Ids, Moment, SessionId


@dataclass(slots=True)
class Decision:
    """Collects facts; `k` always includes those noted already."""

    k: Kiosk
    at: Moment
    ids: Ids
    facts: list[Fact] = field(default_factory=list)

    def note(self, *facts: Fact) -> None:
        """These happened, in this order."""
        for fact in facts:
            self.facts.append(fact)
            self.k = evolve(self.k, fact)

    @property
    def policy(self) -> Policy:
        return self.k.setup.policy

    def open(self, session: SessionId) -> Session | None:
        """The sale, if it is still open."""
        return self.k.sessions.get(session)
