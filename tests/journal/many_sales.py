"""Journals as large as wanted, of sales played by the real decisions.

A few are played, the rest are the same with names and times of their own.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "session"))

from world import PER_KWH_AND_STAY, A, World, approval

from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.session import codec
from kiosk.session import inputs as i
from kiosk.session.facts import Fact

_TIME = re.compile(rb'"(utc_ms|mono_ns)":(\d+)')
_NUMBER = re.compile(rb'"number":(\d+)')
_COMMIT = 4_000
_FAR = 10**9


def grow(journal: Journal, rows: int, *, checkpoint_every: int = 2_000) -> int:
    """Append whole sales until there are at least `rows` entries, and one whose capture is not answered yet; gives the number of sales."""
    world = World()
    journal.append([_entry(fact) for fact in world.facts])
    batch: list[Entry] = []
    sales = 0
    for sale in _sales(world):
        batch += sale
        sales += 1
        full = journal.head + len(batch) >= rows
        sign = sales % checkpoint_every == 0
        if full or sign or len(batch) >= _COMMIT:
            journal.append(batch)
            journal.tidy()
            batch = []
        if sign:
            journal.checkpoint()
        if full:
            break
    journal.checkpoint()
    world.ids.count = _FAR
    world.now = world.now.plus((sales + 2) * 1_800)
    journal.append(_played(world, _to_be_captured))  # as it is, for the acquirer is told of it
    return sales


def _sales(world: World) -> Iterator[list[Entry]]:
    stories = [_played(world, story) for story in (_plain, _plain, _declined_first, _given_up, _with_stay)]
    count = 0
    while True:
        for story in stories:
            count += 1
            yield _moved(story, count, count)


def _played(world: World, story: object) -> list[Entry]:
    assert callable(story)
    world.facts = []
    story(world)
    world.now = world.now.plus(300)
    return [_entry(fact) for fact in world.facts]


def _moved(story: list[Entry], number: int, receipt: int) -> list[Entry]:
    """The story with another sale's name, half an hour later for each before it."""
    (old,) = {entry.stream for entry in story} - {"kiosk"}
    new = f"K417-{number:026}"
    later = number * 1_800
    psp = b'"psp_reference":"%09d-' % number

    def shift(found: re.Match[bytes]) -> bytes:
        unit = 1_000 if found[1] == b"utc_ms" else 1_000_000_000
        return b'"%s":%d' % (found[1], int(found[2]) + later * unit)

    moved = []
    for entry in story:
        body = _TIME.sub(shift, entry.body.replace(old.encode(), new.encode())).replace(b'"psp_reference":"', psp)
        if entry.kind in ("ReceiptIssued", "PrintRequested"):
            body = _NUMBER.sub(b'"number":%d' % receipt, body)
        moved.append(replace(entry, stream=new if entry.stream == old else entry.stream, at=entry.at.plus(later), body=body))
    return moved


def _entry(fact: Fact) -> Entry:
    e = codec.encode(fact)
    return Entry(e.stream, e.kind, e.version, e.at, e.body)


# --- stories ------------------------------------------------------------------------------------------------------------------


def _plain(w: World) -> None:
    transaction = w.deliver()
    _noted(w)
    w.end(transaction, 110)
    w.settle()


def _declined_first(w: World) -> None:
    session = w.accept(A)
    w.answer("Preauthorize", i.Refused("refused", "05 do not honour"))
    w.give(i.AnotherCard(session))
    w.answer("Preauthorize", i.Done(approval(5_000, "PSPB")))
    w.status(1, i.ConnectorStatus.PREPARING)
    tag = w.session.starts[-1].id_tag
    w.answer("StartDelivery", i.Done(i.Ok()))
    w.give(i.TxStarted("PILE-1", 1, tag, w.reading(100)))
    w.status(1, i.ConnectorStatus.CHARGING)
    assert w.session.transaction is not None
    _noted(w)
    w.end(w.session.transaction, 118)
    w.settle()


def _given_up(w: World) -> None:
    session = w.pay(A)
    w.give(i.DriverCancelled(session))
    w.answer("Modify", i.Done(i.Accepted("CAN")))


def _with_stay(w: World) -> None:
    transaction = w.deliver(A, PER_KWH_AND_STAY)
    _noted(w)
    w.end(transaction, 121)
    w.status(1, i.ConnectorStatus.FINISHING)
    w.wait(1_200)
    w.status(1, i.ConnectorStatus.AVAILABLE)
    w.answer("Modify", i.Done(i.Accepted("CAP")))
    w.answer("PrintReceipt", i.Done(i.Printed("printed")))


def _to_be_captured(w: World) -> None:
    transaction = w.deliver()
    _noted(w)
    w.end(transaction, 110)


def _noted(w: World) -> None:
    for minute in range(1, 13):
        w.now = w.now.plus(60)
        w.meter(100 + minute // 2, minute)
    w.now = w.now.plus(600)


if __name__ == "__main__":
    with Journal.open(Path(sys.argv[1]) / "journal.db", reserve_bytes=0) as made:
        print(grow(made, int(sys.argv[2])), "sales in", made.head, "rows")
