"""What an image has in common, byte for byte, with the one before it is opened once for both.

Neighbouring images differ in a few sectors, mostly of one database. Put in the place of what the journal calls to open its evidence and its
key; the journal's own code does the work whenever the files are others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crash_disk import Image

from kiosk.journal import journal as opened_by
from kiosk.journal.checkpoint import Signer
from kiosk.journal.database import Database, Health
from kiosk.journal.files import Layout
from kiosk.journal.signing import find_signer

EVIDENCE = ("evidence.db", "evidence.db-wal", "evidence.db-shm")
_KEYS = ("journal.key", "journal.pub")


class _Lasting(Database):
    """Stays open when its journal is closed. Nothing is written to it meanwhile."""

    def close(self) -> None:
        pass

    def end(self) -> None:
        super().close()


class Shared:
    """The evidence and the key of the image before."""

    def __init__(self) -> None:
        self._evidence: _Lasting | None = None
        self._files: tuple[bytes | None, ...] = ()
        self._content = b""
        self._signers: dict[tuple[bytes | None, ...], Signer] = {}

    def has_evidence_of(self, image: Image) -> bool:
        """Whether the image's evidence is open. If not, it is closed, and the image may be laid down."""
        files = tuple(image.get(name) for name in EVIDENCE)
        if self._evidence is not None and files == self._files:
            return True
        self.end()
        self._files = files
        return False

    def end(self) -> None:
        """Close the evidence; what its file holds then is what was read from it."""
        if self._evidence is not None:
            self._evidence.end()
            assert self._evidence.path.read_bytes() == self._content
            self._evidence = None

    @property
    def evidence(self) -> bytes:
        """All that is in the open evidence: its file as it is once the log is copied back."""
        return self._content

    @contextmanager
    def serving(self, image: Image) -> Iterator[None]:
        """Within it, the journal opens what it has in common with the image before only once."""

        def database(path: Path, family: str, health: Health) -> Database:
            if family != "evidence":
                return Database(path, family, health)
            if self._evidence is None:
                self._evidence = _Lasting(path, family, health)
                self._content = self._evidence._db.serialize()
            self._evidence._health = health
            return self._evidence

        def signer(layout: Layout, entropy: Callable[[int], bytes], *, signed_before: bool) -> Signer:
            keys = tuple(image.get(name) for name in _KEYS)
            if None in keys:
                return find_signer(layout, entropy, signed_before=signed_before)
            if keys not in self._signers:
                made = find_signer(layout, entropy, signed_before=signed_before)
                if layout.public.read_bytes() != keys[1]:
                    return made
                self._signers[keys] = made
            return self._signers[keys]

        vars(opened_by).update(Database=database, find_signer=signer)
        try:
            yield
        finally:
            vars(opened_by).update(Database=Database, find_signer=find_signer)
