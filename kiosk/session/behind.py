"""Which entries of a long journal the kiosk's state still depends on. A sale that is over and out of sight has left behind only what is
counted, so a first start need not read the whole of it.

The state may be folded from `needed` alone: up to a moment at which no sale was open, and which nobody has come back to since, only the
kiosk's own facts, those that count whatever becomes of the sale, and what was asked about sales that were no longer held; then everything.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
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
    alone: Sequence[int]


def needed(turns: Iterable[tuple[int, str, str]]) -> Needed:
    """What must be read, from number, stream and kind of every entry of the kinds `TURNS`, in order.

    However many there are, it remembers the sales that are held, and 8 bytes for each number in `alone`.
    """
    running: dict[str, int] = {}  # when it was opened
    recent: dict[str, tuple[int, int]] = {}  # when it was opened, and when closed
    alone = array("q")
    quiet = [0]  # the first lies before every sale that is held, so nobody can come back to it; the others may still prove to be that
    for seq, stream, kind in turns:
        if kind == _OPENED:
            running[stream] = seq
        elif stream in running:
            if kind != _CLOSED:
                continue
            recent[stream] = running.pop(stream), seq
            if not running:
                quiet.append(seq)
            if len(recent) > KEPT_CLOSED:
                del recent[next(iter(recent))]
                first = min((*running.values(), *(opened for opened, _ in recent.values())))
                quiet = quiet[bisect_left(quiet, first) - 1 :]
        elif stream not in recent:
            if kind in _UNHELD:
                alone.append(seq)
        elif kind in _AGAIN:
            running[stream], closed = recent.pop(stream)
            quiet = quiet[: bisect_left(quiet, closed)]
    return Needed(quiet[0], alone[: bisect_right(alone, quiet[0])])
