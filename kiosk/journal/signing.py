"""The journal's own key, and the signed states it keeps.

The private key lies beside the journal, mode 0600; its public half in a file for everyone, one C2SP vkey a line, the
present one last. Whoever copies that line and a checkpoint away from the kiosk can later prove what the journal said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from kiosk.journal import files
from kiosk.journal.checkpoint import Checkpoint, Signer, parse, parse_keys
from kiosk.journal.database import Database
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
        text = layout.public.read_text(errors="replace") if layout.public.exists() else ""
        known = [key for key in _sound_keys(text, layout.public) if key != signer.vkey]
        wanted = "".join(f"{key}\n" for key in (*known, signer.vkey))
        if text != wanted:
            files.write_new(layout.public, wanted.encode(), files.JOURNAL_MODE)
    except OSError as error:
        raise JournalError(files.explain(error, layout.key, "Preparing the signing key")) from error
    return signer


def _sound_keys(text: str, path: Path) -> list[str]:
    """The public keys in `text`; what is none is dropped."""
    sound: list[str] = []
    for line in text.split():
        try:
            parse_keys(line)
        except JournalError as error:
            log.warning("%s was altered: %s", path, error)
        else:
            sound.append(line)
    return sound


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

    def __init__(self, database: Database) -> None:
        self._database = database
        self.last, self._tree = _newest(database)

    def sign(self, head: int, signer: Signer) -> Checkpoint:
        """Sign the tree over the entries up to `head`, durably; the last one again when nothing was added."""
        if self.last is not None and self.last.size == head:
            return self.last
        with self._database.transaction() as db:
            for (digest,) in db.execute("SELECT hash FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq", (self._tree.size, head)):
                self._tree.append(digest)
            signed = signer.sign(self._tree.size, self._tree.root())
            sql = "INSERT INTO checkpoints VALUES(?, ?, ?) ON CONFLICT(size) DO NOTHING"
            db.execute(sql, (signed.size, signed.note, bytes(self._tree)))
        self.last = signed
        return signed


def _newest(database: Database) -> tuple[Checkpoint | None, Frontier]:
    """The newest signed state and its tree. If someone altered it, the tree is grown again from the first entry; `verify` tells of it."""
    for size, note, edge in database.rows("SELECT size, note, frontier FROM checkpoints ORDER BY size DESC LIMIT 1"):
        try:
            signed, tree = parse(note), Frontier.parse(size, edge)
            if (signed.size, signed.root) == (tree.size, tree.root()):
                return signed, tree
            reason = "it does not agree with its tree"
        except JournalError as error:
            reason = str(error)
        log.warning("The last checkpoint in %s was altered (%s): verify the journal", database.path, reason)
    return None, Frontier()
