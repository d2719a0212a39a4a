"""Opens what a power cut left with the product's own code, and says what is wrong with it.

Judged are the promises: the journal opens and verifies; its entries are a beginning of those that were written, cut only between decisions,
with everything acknowledged among them; cursors, attempts, signed states and evidence stand where that beginning left them; no number is
given out twice; the kiosk's state and open requests are those it had at that moment; and it takes the next entry.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from crash_disk import Image
from crash_marks import Promise, Promised
from crash_record import Recording
from world import SETUP

from kiosk.core.engine import replay
from kiosk.journal.entry import Entry, JournalError, Stored
from kiosk.journal.journal import Journal
from kiosk.journal.reader import Reader
from kiosk.session.requests import open_requests
from kiosk.session.state import Kiosk
from kiosk.values import Digest, Moment

RESERVE_BYTES = 16_384
_AFTERWARDS = Entry("kiosk", "Afterwards", 1, Moment(1_800_000_000_000, "after", 0), b"{}")
_NAMING = ("frame", "recognition")


def fingerprint(k: Kiosk) -> str:
    """The whole state and what is open in it, in short."""
    return sha256(repr((k, open_requests(k))).encode()).hexdigest()


def lay_down(image: Image, place: Path) -> None:
    """Write `image` as the files of the directory `place`, and nothing else there."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name, content in image.items():
        (place / name).write_bytes(content)


class Wrong(Exception):
    """A promise is broken. The first word says which."""


class Judge:
    """Judges the images of one recording, in the directory `place`, which it empties each time."""

    def __init__(self, recording: Recording, place: Path) -> None:
        self._place = place
        self._states = recording.states
        self._replayed: dict[int, str] = {}
        lay_down(recording.last, place)
        with Reader.open(place / "journal.db") as reader:
            self._written = tuple(reader.read())
        self._naming = [(entry.seq, digest) for entry in self._written for digest in _named(json.loads(entry.body))]

    def fault(self, image: Image, promised: Promised) -> str | None:
        """What is wrong with `image`, which a power cut left when `promised` was promised; None if nothing is."""
        lay_down(image, self._place)
        try:
            self._secrets_are_gone(promised.acknowledged)
            self._examine(promised)
        except Wrong as wrong:
            return str(wrong)
        except JournalError as error:
            return f"unusable: {error}"
        return None

    def _examine(self, promised: Promised) -> None:
        path = self._place / "journal.db"
        with Journal.open(path, reserve_bytes=RESERVE_BYTES) as journal:
            if bad := journal.verify(from_checkpoint=True).bad:
                raise Wrong(f"unsound: {bad}")
            entries = tuple(journal.read())
            self._is_a_beginning(entries, promised)
            state = _the_one_of(promised.possible, journal)
            self._evidence_is_there(journal, entries, state)
            self._adds_up(entries)
            for series, issued in promised.issued.items():
                if (number := journal.serials.next(series)) <= issued:
                    raise Wrong(f"repeated: {series} {number} is given out again, after {issued}")
            journal.append([_AFTERWARDS])
            verdict = journal.verify()
            if not verdict.sound or verdict.last != len(entries) + 1:
                raise Wrong(f"unsound: {verdict.bad}")
        self._secrets_are_gone(state)

    def _is_a_beginning(self, entries: Sequence[Stored], promised: Promised) -> None:
        if len(entries) < promised.acknowledged.head:
            raise Wrong(f"lost: {len(entries)} entries of {promised.acknowledged.head} acknowledged")
        if tuple(entries) != self._written[: len(entries)]:
            raise Wrong("changed: an entry is not what was written")

    def _adds_up(self, entries: Sequence[Stored]) -> None:
        head = len(entries)
        if head not in self._states:
            return
        if head not in self._replayed:  # equal entries add up to equal states
            self._replayed[head] = fingerprint(replay(Kiosk(SETUP), entries)[0])
        if self._replayed[head] != self._states[head]:
            raise Wrong(f"diverged: after {head} entries the kiosk is not what it was")

    def _evidence_is_there(self, journal: Journal, entries: Sequence[Stored], state: Promise) -> None:
        for seq, digest in self._naming:
            if seq > len(entries):
                return
            erased = not state.evidence.get(digest, True)
            try:
                missing = journal.evidence.get(Digest(digest)) is None
            except JournalError as error:
                raise Wrong(f"unproved: entry {seq} names evidence that is not there: {error}") from error
            if missing != erased:
                raise Wrong(f"unproved: the evidence of entry {seq} is {'gone' if missing else 'there though erased'}")

    def _secrets_are_gone(self, state: Promise) -> None:
        for path in self._place.iterdir():
            content = path.read_bytes()
            for secret in state.secrets:
                if bytes.fromhex(secret) in content:
                    raise Wrong(f"remembered: erased evidence is still in {path.name}")


def _the_one_of(possible: Sequence[Promise], journal: Journal) -> Promise:
    """The state the journal is in. One commit carries entries, cursors and attempts: none of them may be ahead of another."""
    names = {name for promise in possible for name in promise.cursors}
    signed = journal.last_checkpoint()
    found = (
        int(journal.head),
        {name: int(seq) for name in names if (seq := journal.position(name))},
        {retry.ref: retry.attempts for retry in journal.effects.all()},
        signed.size if signed else 0,
    )
    for promise in reversed(possible):
        if found == (promise.head, promise.cursors, promise.attempts, promise.signed) and _kept(journal, promise):
            return promise
    wanted = [(promise.head, promise.cursors, promise.attempts, promise.signed) for promise in possible]
    if found in wanted:
        raise Wrong(f"lost: evidence is not as it was when the journal stood at {found}")
    raise Wrong(f"lost: the journal stands at {found}, none of {wanted}")


def _kept(journal: Journal, promise: Promise) -> bool:
    try:
        return all((journal.evidence.get(Digest(digest)) is not None) == there for digest, there in promise.evidence.items())
    except JournalError:
        return False


def _named(body: Any) -> Iterator[str]:
    """Every evidence that a fact names, however deep."""
    if isinstance(body, Mapping):
        for key, value in body.items():
            if key in _NAMING and isinstance(value, str):
                yield value
            else:
                yield from _named(value)
    elif isinstance(body, list):
        for value in body:
            yield from _named(value)
