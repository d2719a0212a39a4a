"""What the engine makes of a journal that is not whole."""

from __future__ import annotations

from dataclasses import replace

from world import SETUP, World

from kiosk.core.engine import replay
from kiosk.journal.entry import Seq, Stored
from kiosk.session import codec
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
