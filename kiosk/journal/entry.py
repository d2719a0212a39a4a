"""One thing that happened, and the hash that ties it to everything before it.

The hash is SHA-256 over eleven fields in this order, each as a 4-byte big-endian length followed by its bytes, so that a
stranger can recompute it with a dozen lines in any language:

    the text `pilepay/entry/1`; prev (32 raw bytes); seq; stream; kind; version; utc_ms; boot_id; mono_ns; trusted; body

Numbers are ASCII decimal, `trusted` is `1` or `0`, texts are UTF-8, `body` is the stored bytes as they are. The first
entry has seq 1 and a `prev` of 32 zero bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import NewType

from kiosk.values import Moment

Seq = NewType("Seq", int)

GENESIS = bytes(32)
MAX_BODY = 1 << 20
INT64 = range(-(1 << 63), 1 << 63)


def _frame(field: bytes) -> bytes:
    return len(field).to_bytes(4, "big") + field


@lru_cache(maxsize=1_024)
def _framed(text: str) -> bytes:
    """The same few texts stand in one entry after another."""
    return _frame(text.encode())


_DOMAIN = _frame(b"pilepay/entry/1")
_TRUSTED, _DOUBTED = _frame(b"1"), _frame(b"0")
_DIGITS = tuple(n.to_bytes(4, "big") for n in range(64))


class JournalError(Exception):
    """Something is wrong with a journal: what happened, to which file, what to do."""


class JournalRefused(JournalError):
    """The caller asked for something that makes no sense. Nothing was written and the journal goes on."""


class JournalFailed(JournalError):
    """The disk did not take a commit. The journal refuses every further write until it is opened anew."""


class JournalBusy(JournalError):
    """Another process has the journal open for writing."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a caller wants remembered. `body` is canonical JSON made by the caller; the journal never looks inside."""

    stream: str
    kind: str
    version: int
    at: Moment
    body: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry as it lies in the journal. `prev` and `hash` are 32 raw bytes."""

    seq: Seq
    stream: str
    kind: str
    version: int
    at: Moment
    body: bytes
    prev: bytes
    hash: bytes


def entry_hash(seq: int, entry: Entry | Stored, prev: bytes) -> bytes:
    """The hash of `entry` at place `seq` after the entry whose hash is `prev`."""
    at, body = entry.at, entry.body
    number, version, utc_ms, mono_ns = b"%d" % seq, b"%d" % entry.version, b"%d" % at.utc_ms, b"%d" % at.mono_ns
    parts = (
        _DOMAIN,
        len(prev).to_bytes(4, "big"),
        prev,
        _DIGITS[len(number)],
        number,
        _framed(entry.stream),
        _framed(entry.kind),
        _DIGITS[len(version)],
        version,
        _DIGITS[len(utc_ms)],
        utc_ms,
        _framed(at.boot_id),
        _DIGITS[len(mono_ns)],
        mono_ns,
        _TRUSTED if at.trusted else _DOUBTED,
        len(body).to_bytes(4, "big"),
        body,
    )
    return sha256(b"".join(parts)).digest()


def check_entry(entry: Entry) -> None:
    """Refuse what could not be stored and read back exactly, before anything of its batch is written."""
    for name, text in (("stream", entry.stream), ("kind", entry.kind), ("boot_id", entry.at.boot_id)):
        if not text.isprintable() or (not text and name != "boot_id"):
            raise JournalRefused(f"an entry's {name} is {text!r}: give it a printable name")
    if entry.version < 1:
        raise JournalRefused(f"entry {entry.kind} has version {entry.version}: count versions from 1")
    if entry.version not in INT64 or entry.at.utc_ms not in INT64 or entry.at.mono_ns not in INT64:
        raise JournalRefused(f"entry {entry.kind} holds a number beyond 64 bits: check its version and its moment")
    if len(entry.body) > MAX_BODY:
        raise JournalRefused(f"entry {entry.kind} has {len(entry.body)} bytes: put raw data into evidence and its digest into the entry")
