"""What proves an entry but must not stand in it for ever: raw frames, UIDs, e-mail addresses, company names.

An entry holds only `SHA-256(salt || data)` in hex. The salt lies with the data, so a short secret such as a UID
cannot be found by trying all of them once both are erased, and the chain of entries still verifies because it never
held more than the digest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from kiosk.journal.database import Database
from kiosk.journal.entry import JournalError, JournalRefused
from kiosk.values import Digest

_SALT_BYTES = 16


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """Evidence with its digest, not yet on disk. `until` is the UTC millisecond from which it may be erased; None: only by hand."""

    digest: Digest
    salt: bytes
    data: bytes
    until: int | None


class Evidence:
    """The evidence beside one journal."""

    def __init__(self, database: Database, entropy: Callable[[int], bytes]) -> None:
        self._database = database
        self._entropy = entropy

    def seal(self, data: bytes, until: int | None) -> Sealed:
        """Give `data` its digest, to be named in an entry and stored by `Journal.append(…, evidence=…)`. Any thread may call this."""
        salt = self._entropy(_SALT_BYTES)
        return Sealed(Digest(sha256(salt + data).hexdigest()), salt, data, until)

    def put(self, data: bytes, until: int | None) -> Digest:
        """Store `data` durably, by itself."""
        sealed = self.seal(data, until)
        self.store((sealed,))
        return sealed.digest

    def store(self, sealed: Sequence[Sealed]) -> None:
        """Store all of it in one commit. Raises `JournalFailed`."""
        rows = [(s.digest, s.salt, s.data, s.until) for s in sealed]
        with self._database.transaction() as db:
            db.executemany("INSERT INTO evidence(digest, salt, data, until) VALUES(?, ?, ?, ?) ON CONFLICT(digest) DO NOTHING", rows)
        self._database.grew(sum(len(s.data) for s in sealed))

    def get(self, digest: Digest) -> bytes | None:
        """The data behind `digest`; None when it was erased by rule."""
        rows = self._database.rows("SELECT salt, data, erased FROM evidence WHERE digest=?", digest)
        if not rows:
            raise JournalRefused(f"{self._database.path} holds nothing under digest {digest[:12]}…: it was never stored here")
        ((salt, data, erased),) = rows
        if erased:
            return None
        if sha256(salt + data).hexdigest() != digest:
            raise JournalError(f"The evidence {digest[:12]}… in {self._database.path} was altered: keep the file, restore it from a copy")
        return bytes(data)

    def erase(self, digests: Iterable[Digest]) -> int:
        """Erase the data behind `digests` for good; says how many there were. The digests stay known as erased."""
        return self._erase("digest=?", [(digest,) for digest in digests])

    def erase_expired(self, now_ms: int) -> int:
        """Erase all whose time has come by the UTC millisecond `now_ms`."""
        return self._erase("until IS NOT NULL AND until <= ?", [(now_ms,)])

    def _erase(self, where: str, parameters: Sequence[tuple[str | int]]) -> int:
        sql = f"UPDATE evidence SET salt=NULL, data=NULL, erased=1 WHERE erased=0 AND {where}"  # noqa: S608 - `where` is ours
        with self._database.transaction() as db:
            erased = db.executemany(sql, parameters).rowcount
        if erased > 0 or self._database.log_size:  # an erasure before may have ended without its cut
            self._database.cut_off_log()
        return max(erased, 0)
