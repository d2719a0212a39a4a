"""What a simulated kiosk's disk holds: the two databases of its journal, kept in memory while cores come and go.

The journal on it is the product's own, from the tables and the chain of hashes to the signed checkpoints. Only opening is different: the
connections stay with the medium, because to open files anew costs more than a sale. What a power cut finds uncommitted is rolled back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.core.engine import fact_of, replay
from kiosk.journal.checkpoint import PublicKey, Signer
from kiosk.journal.database import Database, Health
from kiosk.journal.entry import GENESIS, Seq, Stored
from kiosk.journal.evidence import Evidence
from kiosk.journal.files import Layout
from kiosk.journal.journal import Journal
from kiosk.journal.migrations import migrate
from kiosk.journal.reader import Reader
from kiosk.journal.state import Effects, Serials
from kiosk.journal.verify import Verdict, verify
from kiosk.journal.wal import WriteAheadLog
from kiosk.session.facts import Fact
from kiosk.session.setup import Setup
from kiosk.session.state import Kiosk

_SEED_BYTES = 32
_MOST_PAGES = 1 << 20
_PATH = Path("memory") / "journal.db"
_PRAGMAS = ("foreign_keys=1", "trusted_schema=0")


class Medium:
    """A new kiosk's disk and the key beside its journal."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self.journal = _loaded(_blank("journal"))
        self.evidence = _loaded(_blank("evidence"))
        self.signer = Signer(Ed25519PrivateKey.from_private_bytes(entropy(_SEED_BYTES)))
        self.key = PublicKey(self.signer.public, self.signer.origin)
        self.reserve = True  # room is kept back
        self.read_only = False
        self.power_cut: Callable[[], None] | None = None  # what this disk loses then
        self.low = False  # little room is left, as a look would show
        self._facts: dict[bytes, Fact] = {}
        self._folded: tuple[Seq, bytes, Kiosk | None] = (Seq(0), GENESIS, None)

    def fact_of(self, stored: Stored) -> Fact:
        """The fact behind an entry. What was read once is known by its hash, however many lives come back to it."""
        fact = self._facts.get(stored.hash)
        if fact is None:
            fact = self._facts[stored.hash] = fact_of(stored)
        return fact

    def kiosk(self, setup: Setup) -> Kiosk:
        """What the entries add up to. As on the product's disk, what those of the last start came to is known by the hash of the last."""
        reader = Reader(self.journal, _PATH)
        seq, digest, k = self._folded
        if k is None or k.setup is not setup or reader.hash_at(seq) != digest:
            seq, digest, k = Seq(0), GENESIS, Kiosk(setup)
        entries = list(reader.read(seq))
        k, _ = replay(k, entries, self.fact_of)
        if entries:
            seq, digest = entries[-1].seq, entries[-1].hash
        self._folded = seq, digest, k
        return k

    def fill(self) -> None:
        """Not a page more fits on it."""
        self.low = True
        (pages,) = self.journal.execute("PRAGMA page_count").fetchone()
        self.journal.execute(f"PRAGMA max_page_count={pages}")

    def release(self) -> bool:
        """Give what was kept back. False when nothing is left of it."""
        held, self.reserve = self.reserve, False
        if held:
            self._room()
        return held

    def wear_out(self) -> None:
        """It can be read, and no longer written."""
        self.read_only = True
        for connection in (self.journal, self.evidence):
            connection.execute("PRAGMA query_only=1")

    def mend(self) -> None:
        """Somebody made room, or another mount."""
        self.reserve, self.read_only, self.low = True, False, False
        self._room()
        for connection in (self.journal, self.evidence):
            connection.execute("PRAGMA query_only=0")

    def _room(self) -> None:
        self.journal.execute(f"PRAGMA max_page_count={_MOST_PAGES}")

    def lose(self, since: bytes) -> None:
        """What was written after this image of the journal is gone, as on a disk that lied. For nobody who has it open."""
        self.journal = _loaded(since)

    def close(self) -> None:
        """Nobody needs what is on it any more."""
        self.journal.close()
        self.evidence.close()


class JournalInMemory(Journal):
    """The journal of one life of a core, on what the lives before it committed."""

    def __init__(self, medium: Medium, entropy: Callable[[int], bytes]) -> None:
        self.path = _PATH
        self.layout = Layout(_PATH)
        self.medium = medium
        self._health = Health()
        self._database = _Kept(medium.journal, self.layout.database, "journal", self._health)
        self._aside = _Kept(medium.evidence, self.layout.evidence, "evidence", self._health)
        self._load()
        self._signer = medium.signer
        self.evidence = Evidence(self._aside, entropy)
        self.effects = Effects(self, self._database)
        self.serials = Serials(self)

    def reader(self) -> Reader:
        return Reader(self.medium.journal, self.path)

    def relieve(self) -> bool:
        """As `Journal.relieve`: the room kept back is given, and what failed for want of it may be done once more."""
        if not self.medium.release():
            return False
        self._health.recover()
        return True

    def verify(self, *, from_checkpoint: bool = False) -> Verdict:
        """As every kiosk does at its start, with a key that was noted elsewhere."""
        return verify(self.reader(), from_checkpoint=from_checkpoint, keys=(self.medium.key,))

    def close(self) -> None:
        """The process is gone, and with it what it had not committed."""
        self._database.close()
        self._aside.close()


class _Kept(Database):
    """A database whose connection belongs to the medium."""

    def __init__(self, connection: sqlite3.Connection, path: Path, family: str, health: Health) -> None:
        self._connection = connection
        super().__init__(path, family, health)

    def connect(self) -> None:
        self._db = self._connection
        self._log = _NoLog(self._db, self.path)

    def close(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")


class _NoLog(WriteAheadLog):
    """In memory there is none."""

    def grew(self, content: int) -> None:
        del content


def _loaded(content: bytes) -> sqlite3.Connection:
    connection = _connect()
    connection.deserialize(content)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


@cache
def _blank(family: str) -> bytes:
    """The product's own schema, made once: it takes longer than a dozen sales."""
    connection = _connect()
    migrate(connection, family)
    image = connection.serialize()
    connection.close()
    return image


def _connect() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)
