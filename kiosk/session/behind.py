"""Which entries of a long journal the kiosk's state still depends on. A sale that is over and out of sight has left behind only what is
counted, so a first start need not read the whole of it.

The state may be folded from `needed` alone: up to a moment at which no sale was open, and which nobody has come back to since, only the
kiosk's own facts, those that count whatever becomes of the sale, and what was asked about sales that were no longer held; then everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kiosk.session.evolve import ABOUT_UNHELD, KEPT_CLOSED, TO_DO_AGAIN, counted
from kiosk.session.facts import SessionClosed, SessionOpened

# Of these the course of every sale must be known.
TURNS = frozenset(kind.__name__ for kind in (SessionOpened, SessionClosed, *TO_DO_AGAIN, *ABOUT_UNHELD))
COUNTED = frozenset(kind.__name__ for kind in counted())

_OPENED, _CLOSED = SessionOpened.__name__, SessionClosed.__name__
_AGAIN = frozenset(kind.__name__ for kind in TO_DO_AGAIN)
_UNHELD = frozenset(kind.__name__ for kind in ABOUT_UNHELD)


@dataclass(frozen=True, slots=True)
class Needed:
    """Of the entries up to `quiet`: those of the stream `kiosk`, of the kinds `COUNTED`, and `alone`, by their numbers in order. Behind it
    all."""

    quiet: int
    alone: tuple[int, ...]


def needed(turns: Iterable[tuple[int, str, str]]) -> Needed:
    """What must be read, from number, stream and kind of every entry of the kinds `TURNS`, in order."""
    opened: dict[str, int] = {}
    touched: dict[str, int] = {}
    running: set[str] = set()
    recent: list[str] = []
    alone: list[int] = []
    quiet: list[tuple[int, tuple[str, ...]]] = [(0, ())]
    for seq, stream, kind in turns:
        if kind == _OPENED:
            opened[stream] = seq
            running.add(stream)
        elif stream in running:
            if kind == _CLOSED:
                running.discard(stream)
                recent = [*recent, stream][-KEPT_CLOSED:]
                if not running:
                    quiet.append((seq, tuple(recent)))
        elif stream not in recent:
            if kind in _UNHELD:
                alone.append(seq)
        elif kind in _AGAIN:
            recent.remove(stream)
            running.add(stream)
            touched[stream] = seq
    first = min((opened[stream] for stream in (*running, *recent)), default=0)
    last = next(
        seq for seq, then in reversed(quiet) if (seq < first or not seq) and not any(touched.get(stream, 0) > seq for stream in then)
    )
    return Needed(last, tuple(seq for seq in alone if seq <= last))
