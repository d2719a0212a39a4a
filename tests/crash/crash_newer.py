"""Recorded: a newer program brings a full journal up to its schema. Arguments: the journal and a seed.

The step is made up, and harder than most: the table of entries is built anew. `newer_schema` makes this process that newer program.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crash_disk import Image
from crash_judge import RESERVE_BYTES, Place
from crash_marks import Marker, Promised
from sqlite_utils import Database, Migrations

from kiosk.journal import migrations, schema
from kiosk.journal.entry import Entry, JournalError
from kiosk.journal.journal import Journal
from kiosk.values import Moment

ENTRIES = 60
_STEP = "0002_made_up"
_COLUMNS = "seq, stream, kind, version, utc_ms, boot_id, mono_ns, trusted, body, prev, hash"


def _anew(db: Database) -> None:
    db.execute("ALTER TABLE entries RENAME TO entries_before")
    db.execute(
        """CREATE TABLE entries(
            seq INTEGER PRIMARY KEY, stream TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL,
            utc_ms INTEGER NOT NULL, boot_id TEXT NOT NULL, mono_ns INTEGER NOT NULL, trusted INTEGER NOT NULL,
            body BLOB NOT NULL, prev BLOB NOT NULL, hash BLOB NOT NULL) STRICT"""
    )
    db.execute(f"INSERT INTO entries SELECT {_COLUMNS} FROM entries_before")
    db.execute("DROP TABLE entries_before")
    db.execute("CREATE INDEX entries_by_stream ON entries(stream)")
    db.execute("CREATE TABLE made_up(seq INTEGER PRIMARY KEY) STRICT")
    db.execute("INSERT INTO made_up SELECT seq FROM entries")


@contextmanager
def newer_schema() -> Iterator[None]:
    """This process knows one step more."""
    steps, known = migrations.journal, schema.STEPS
    newer = Migrations("journal")
    newer(name="0001_entries")(migrations._entries)
    newer(name="0002_marks")(migrations._marks)
    newer(name=_STEP)(_anew)
    migrations.journal = newer
    schema.STEPS = {**known, "journal": (*known["journal"], _STEP)}
    try:
        yield
    finally:
        migrations.journal, schema.STEPS = steps, known


class OlderProgram:
    """Judges the same images as the program of before, which finds its own schema or refuses by name. `seen` tells which it found."""

    def __init__(self, place: Path) -> None:
        self._place = Place(place)
        self._path = place / "journal.db"
        self.seen: set[str] = set()

    def fault(self, image: Image, _: Promised) -> str | None:
        self._place.lay_down(image)
        try:
            with Journal.open(self._path, reserve_bytes=RESERVE_BYTES) as journal:
                self.seen.add("old")
                return None if journal.head <= ENTRIES and journal.verify().sound else f"an older program found {journal.head} entries"
        except JournalError as error:
            self.seen.add("new")
            return None if "newer PilePay" in str(error) else str(error)


def main(path: Path, seed: int) -> None:
    marker, draw = Marker(), random.Random(seed)
    with Journal.open(path, reserve_bytes=RESERVE_BYTES, entropy=draw.randbytes) as journal:
        for n in range(0, ENTRIES, 4):
            marker.trying(head=n + 4)
            body = b'{"x":"%s"}' % (b"x" * draw.randrange(200, 1_200))
            journal.append([Entry(f"s{n}", "Played", 1, Moment(n, "boot", n), body)] * 4)
            marker.done()
        marker.trying(signed=ENTRIES)
        journal.checkpoint()
        marker.done()
    with newer_schema(), Journal.open(path, reserve_bytes=RESERVE_BYTES) as journal:
        marker.trying(head=ENTRIES + 1)
        journal.append([Entry("kiosk", "Played", 1, Moment(0, "boot", 0), b"{}")])
        marker.done()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
