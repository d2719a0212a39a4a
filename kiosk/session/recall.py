"""An input about a sale that the kiosk no longer holds, together with what the journal says of that sale."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.session.inputs import Confirmation, Input, RefundAsked, ReprintAsked, ReviewClosed
from kiosk.session.money import session_of
from kiosk.session.state import Kiosk, Session
from kiosk.values import SessionId


@dataclass(frozen=True, slots=True)
class Recalled:
    """`sale` is the fold of the sale's own stream; `given` is about it."""

    sale: Session
    given: Input


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
