"""The journal's own key, and the signed states it keeps.

The private key lies beside the journal, mode 0600; its public half in a file for everyone, one C2SP vkey a line, the
present one last. Whoever copies that line and a checkpoint away from the kiosk can later prove what the journal said.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from kiosk.journal import files
from kiosk.journal.checkpoint import Checkpoint, Signer, parse
from kiosk.journal.entry import JournalError
from kiosk.journal.merkle import Frontier

log = logging.getLogger(__name__)

_SEED_BYTES = 32


def find_signer(layout: files.Layout, entropy: Callable[[int], bytes], *, signed_before: bool) -> Signer:
    """The key beside the journal, made if there is none. Raises `JournalError` if the file holds something else."""
    if signed_before and not layout.key.exists():
        log.warning("The signing key %s is gone: a new one signs from here on, which outsiders must be told", layout.key)
    try:
        signer = Signer(_private_key(layout.key, entropy))
        known = layout.public.read_text().split() if layout.public.exists() else []
        if known[-1:] != [signer.vkey]:
            lines = [f"{key}\n" for key in (*known, signer.vkey)]
            files.write_new(layout.public, "".join(lines).encode(), files.JOURNAL_MODE)
    except OSError as error:
        raise JournalError(files.explain(error, layout.key, "Preparing the signing key")) from error
    return signer


def _private_key(path: Path, entropy: Callable[[int], bytes]) -> Ed25519PrivateKey:
    if not path.exists():
        made = Ed25519PrivateKey.from_private_bytes(entropy(_SEED_BYTES))
        files.write_new(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), files.SECRET_MODE)
    files.narrow(path, files.SECRET_MODE)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise JournalError(f"{path} holds no Ed25519 key in PEM: restore it, or move it away so that a new one is made")
    return key


class SignedTree:
    """The tree up to the last signed state, and the states signed so far."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        """Raises sqlite3.Error."""
        self._db = db
        self.last, self._tree = _newest(db, path)

    def sign(self, head: int, signer: Signer) -> Checkpoint:
        """Sign the tree over the entries up to `head`, durably; the last one again when nothing was added. Raises sqlite3.Error."""
        if self.last is not None and self.last.size == head:
            return self.last
        for (digest,) in self._db.execute("SELECT hash FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq", (self._tree.size, head)):
            self._tree.append(digest)
        signed = signer.sign(self._tree.size, self._tree.root())
        sql = "INSERT INTO checkpoints VALUES(?, ?, ?) ON CONFLICT(size) DO NOTHING"
        self._db.execute(sql, (signed.size, signed.note, bytes(self._tree)))
        self.last = signed
        return signed


def _newest(db: sqlite3.Connection, path: Path) -> tuple[Checkpoint | None, Frontier]:
    """The newest signed state and its tree. If someone altered it, the tree is grown again from the first entry; `verify` tells of it."""
    row = db.execute("SELECT size, note, frontier FROM checkpoints ORDER BY size DESC LIMIT 1").fetchone()
    if row is None:
        return None, Frontier()
    try:
        signed, tree = parse(row[1]), Frontier.parse(row[0], row[2])
        if (signed.size, signed.root) == (tree.size, tree.root()):
            return signed, tree
        reason = "it does not agree with its tree"
    except JournalError as error:
        reason = str(error)
    log.warning("The last checkpoint in %s was altered (%s): verify the journal", path, reason)
    return None, Frontier()
