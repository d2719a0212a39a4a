"""An input about a sale that the kiosk no longer holds, together with what the journal says of that sale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from kiosk.metering.reading import Reading
from kiosk.session.changed import changed
from kiosk.session.evolve import evolve
from kiosk.session.facts import Fact
from kiosk.session.inputs import Confirmation, Input, RefundAsked, ReprintAsked, ReviewClosed
from kiosk.session.money import session_of
from kiosk.session.setup import Setup
from kiosk.session.state import Kiosk, Pause, Session
from kiosk.values import SessionId

_ASIDE = 64


@dataclass(frozen=True, slots=True)
class Recalled:
    """`sale` is the fold of the sale's own stream; `given` is about it."""

    sale: Session
    given: Input


def told(setup: Setup, session: SessionId, facts: Iterable[Fact]) -> Session | None:
    """The sale that its own stream, all of it, folds to; None when there is none.

    What a long delivery collects is put aside while it is folded: a tuple that grows by one is copied each time.
    """
    k = Kiosk(setup)
    readings: list[Reading] = []
    pauses: list[Pause] = []
    for fact in facts:
        k = evolve(k, fact)
        s = k.sessions.get(session)
        if s is not None and len(s.readings) + len(s.pauses) > _ASIDE:
            readings += s.readings[:-1]  # what follows may be measured by the last one
            pauses += s.pauses[:-1]  # or end it
            k = changed(k, sessions=MappingProxyType({session: changed(s, readings=s.readings[-1:], pauses=s.pauses[-1:])}))
    s = k.find(session)
    return s and changed(s, readings=(*readings, *s.readings), pauses=(*pauses, *s.pauses))


def wanted(k: Kiosk, given: Input) -> SessionId | None:
    """The sale that must be recalled from the journal before `given` can be decided; None when nothing is missing."""
    match given:
        case RefundAsked(session=session) | ReviewClosed(session=session) | ReprintAsked(session=session):
            about: SessionId | None = session
        case Confirmation(reference=reference):
            about = session_of(k.setup.kiosk, reference)
        case _:
            return None
    return about if about is not None and k.find(about) is None else None
