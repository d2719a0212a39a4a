"""What the engine makes of a journal that is not whole, and of words that no journal can hold."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import SETUP, World, approval

from kiosk.core.engine import Engine, replay
from kiosk.journal.entry import Seq, Stored
from kiosk.session import codec
from kiosk.session import inputs as i
from kiosk.session.state import Kiosk


def test_an_entry_that_cannot_be_read_is_passed_over_and_told() -> None:
    w = World()
    w.pay()
    entries = [Stored(Seq(n), e.stream, e.kind, e.version, e.at, e.body, b"", b"") for n, e in enumerate(map(codec.encode, w.facts), 1)]
    damaged = entries[2]
    entries[2] = replace(damaged, body=b"{")
    kiosk, unread = replay(Kiosk(SETUP), entries)
    assert [line.split(":")[0] for line in unread] == ["entry 3"]
    assert kiosk.sessions.keys() == w.k.sessions.keys()


def test_a_decision_that_cannot_be_written_down_has_not_happened() -> None:
    w = World()
    w.accept()
    engine = Engine(w.k, w.ids)
    half = replace(approval(), card=i.CardFacts(brand="half of a pair: \ud83d"))
    with pytest.raises(UnicodeEncodeError):
        engine.take(i.Outcome(w.request("Preauthorize").ref, i.Done(half)), w.now)
    assert engine.head is w.k
    taken = engine.take(i.Outcome(w.request("Preauthorize").ref, i.Done(approval())), w.now)
    assert [entry.kind for entry in taken.entries] == [type(fact).__name__ for fact in taken.facts]
