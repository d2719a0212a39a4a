"""What the entries add up to, kept beside the journal so that a start folds only those behind it.

The journal does not know what the state means; its owner gives bytes and a fingerprint of whatever else they depend on. It is a cache:
deleting the file costs time and nothing else, and no byte of it is handed out unless all of this holds:

- it is signed with the journal's own key: whoever can make one could also write entries with fresh hashes and sign them, so it can be
  believed as far as the entries themselves, and no further;
- it names an entry that the journal has, with the hash that the chain has there: another journal's, one of before a restore, or one that is
  newer than the files it lies beside is not taken;
- it was made by the program that asks, under the circumstances of now (the fingerprint).

One line of canonical JSON and the state behind it; the signature covers both.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kiosk.journal import files
from kiosk.journal.checkpoint import PublicKey, Signer
from kiosk.journal.entry import Seq

log = logging.getLogger(__name__)

_KIND = "fold"
_SIGNATURE_BYTES = 64
_LARGEST = 64 << 20


@dataclass(frozen=True, slots=True)
class Fold:
    """The state after entry `seq`, whose hash is `hash` (32 raw bytes). `fingerprint` names what else the state depends on."""

    seq: Seq
    hash: bytes
    fingerprint: str
    state: bytes


class HashAt(Protocol):
    def __call__(self, seq: int) -> bytes | None: ...


class _Unusable(Exception):
    """Why a fold is not taken."""


def keep(path: Path, fold: Fold, signer: Signer) -> None:
    """Write it so that after a power cut this one is there, or the one before. Raises OSError."""
    header = {"seq": fold.seq, "hash": fold.hash.hex(), "fingerprint": fold.fingerprint}
    content = json.dumps(header, separators=(",", ":"), sort_keys=True).encode() + b"\n" + fold.state
    files.write_new(path, signer.seal(_KIND, content) + content, files.SECRET_MODE)


def find(path: Path, fingerprint: str, key: PublicKey, hash_at: HashAt) -> Fold | None:
    """The fold kept at `path`, or None, with the reason in the log, when there is none that can be believed."""
    try:
        fold = _read(path, key)
        if fold.fingerprint != fingerprint:
            raise _Unusable("another program or another set of connectors made it")
        if hash_at(fold.seq) != fold.hash:
            raise _Unusable(f"the journal's entry {fold.seq} is not the one it was made at")
    except FileNotFoundError:
        log.info("There is no %s: every entry is read again", path.name)
    except (_Unusable, OSError) as error:
        log.warning("%s is not used, and every entry is read again: %s", path, error)
    else:
        return fold
    return None


def _read(path: Path, key: PublicKey) -> Fold:
    if path.stat().st_size > _LARGEST:
        raise _Unusable(f"it has more than {_LARGEST} bytes")
    raw = path.read_bytes()
    signature, content = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not key.sealed(_KIND, content, signature):
        raise _Unusable("it is damaged, or not signed with this journal's key")
    header, _, state = content.partition(b"\n")
    told = json.loads(header)
    return Fold(Seq(told["seq"]), bytes.fromhex(told["hash"]), told["fingerprint"], state)
