"""Opens what a power cut left with the product's own code, and says what is wrong with it.

Judged are the promises: the journal opens and verifies; its entries are a beginning of those that were written, cut only between decisions,
with everything acknowledged among them; cursors, attempts, signed states and evidence stand where that beginning left them; no number is
given out twice; the kiosk's state and open requests are those it had at that moment; and it takes the next entry.

What is judged by equality, and nothing else is:
- An image that was judged before and meets new promises is not opened again: what it came to is compared with them.
- Every other image is laid down, opened by the journal's writer, given an entry and closed. When a database is then, byte for byte, what it
  became from an image that was read through and verified, what was found in it there holds here too.
- Evidence or a key whose files are, byte for byte, those of the image before is not opened again (`crash_shared`).
One image in a hundred is opened and read through although all that is known.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from crash_cuts import Outcome, cut
from crash_disk import Image, digest_of, digest_of_image
from crash_marks import Promise, Promised
from crash_record import Recording
from crash_shared import EVIDENCE, Shared
from world import SETUP

from kiosk.core import start as starting
from kiosk.core.engine import replay
from kiosk.journal.entry import Entry, JournalError, JournalRefused, Stored
from kiosk.journal.journal import Journal
from kiosk.journal.reader import Reader
from kiosk.session.facts import SessionOpened
from kiosk.session.requests import open_requests
from kiosk.session.state import Kiosk
from kiosk.values import Digest, Moment

RESERVE_BYTES = 16_384
_AFTERWARDS = Entry("kiosk", "Afterwards", 1, Moment(1_800_000_000_000, "after", 0), b"{}")
_NAMING = ("frame", "recognition")
_READ_THROUGH_ANYWAY = 100  # of so many images one is read through though its outcome is known


def fingerprint(k: Kiosk) -> str:
    """The whole state and what is open in it, in short."""
    return sha256(repr((k, open_requests(k))).encode()).hexdigest()


def lay_down(image: Image, place: Path) -> None:
    """Write `image` as the files of the directory `place`, and nothing else there."""
    Place(place).lay_down(image)


class Place:
    """A directory that holds one image after another."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._laid: dict[str, tuple[bytes, int, int]] = {}
        os.makedirs(path, exist_ok=True)  # noqa: PTH103 - this and what follows is done for every image, and `os` costs a third

    def lay_down(self, image: Image, but: Collection[str] = ()) -> None:
        """Write its files and remove all others, `but` these. One that is there untouched stays."""
        for name in self.files():
            if name not in image and name not in but:
                os.unlink(f"{self.path}/{name}")  # noqa: PTH108
        for name, content in image.items():
            if name in but:
                continue
            path = f"{self.path}/{name}"
            if name not in self._laid or self._laid[name] != (content, *_stamp(path)):
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600 if name == "journal.key" else 0o640)
                try:
                    os.write(descriptor, content)
                    if os.fstat(descriptor).st_size != len(content):
                        os.ftruncate(descriptor, len(content))
                finally:
                    os.close(descriptor)
                self._laid[name] = (content, *_stamp(path))

    def read(self, name: str) -> bytes:
        with open(f"{self.path}/{name}", "rb", buffering=0) as file:  # noqa: PTH123
            return file.readall()

    def files(self) -> list[str]:
        return os.listdir(self.path)  # noqa: PTH208


def _stamp(path: str) -> tuple[int, int]:
    """Changes when the file is written or replaced."""
    try:
        found = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        return 0, 0
    return found.st_ino, found.st_mtime_ns


def judged(
    recording: Recording, place: Path, *, seed: int, count: int, enough: int = 20, promised: Promised | None = None
) -> tuple[Outcome, Judge]:
    """Cut the power after every step of `recording` (see `cut`) and judge what is left; the judge knows how."""
    judge = Judge(recording, place)
    try:
        return cut(recording, judge.fault, seed=seed, count=count, enough=enough, promised=promised), judge
    finally:
        judge.end()


class Wrong(Exception):
    """A promise is broken. The first word says which."""


@dataclass(frozen=True)
class Entries:
    """What a journal's database holds, read through and verified."""

    head: int
    cursors: Mapping[str, int]
    attempts: Mapping[str, int]
    signed: int
    next_numbers: Mapping[str, int]


@dataclass(frozen=True)
class Came:
    """To what an image came: the digests of both databases, once the journal had recovered, taken an entry and was closed."""

    journal: bytes
    evidence: bytes


class Judge:
    """Judges the images of one recording, in the directory `place`. `opened` and `read_through` count what was not judged by equality."""

    def __init__(self, recording: Recording, place: Path) -> None:
        self._place = Place(place)
        self._path = place / "journal.db"
        self._states = recording.states
        self._replayed: dict[int, str] = {}
        self._came: dict[int, Came] = {}
        self._entries: dict[bytes, Entries] = {}
        self._evidence: dict[bytes, Mapping[str, bool]] = {}
        self._recovered: dict[bytes, bytes] = {}
        self._clean: set[tuple[bytes, int]] = set()
        self._shared = Shared()
        self._asked = 0
        self.opened = 0
        self.read_through = 0
        mark = starting.fingerprint(SETUP)  # of the program and the connectors: always the same here, and slow to find
        vars(starting)["fingerprint"] = lambda setup: mark
        self._place.lay_down(recording.last)
        with Reader.open(self._path) as reader:
            self._written = tuple(reader.read())
            self.signed = len(reader.checkpoints())
        self._digests = _column(place / "evidence.db", "SELECT digest FROM evidence")
        self._series = _column(self._path, "SELECT name FROM serials")
        self._consumers = _column(self._path, "SELECT name FROM cursors")
        self._naming = [(int(entry.seq), digest) for entry in self._written for digest in _named(json.loads(entry.body))]

    @property
    def sales(self) -> int:
        """How many sales were begun in the recording."""
        return sum(entry.kind == SessionOpened.__name__ for entry in self._written)

    def end(self) -> None:
        """Leave the directory to others."""
        self._shared.end()

    def fault(self, image: Image, promised: Promised) -> str | None:
        """What is wrong with `image`, which a power cut left when `promised` was promised; None if nothing is."""
        self._asked += 1
        try:
            for content in image.values():
                self._secrets_are_gone(content, promised.acknowledged)
            thorough = self._asked % _READ_THROUGH_ANYWAY == 0
            digest = digest_of_image(image)
            came = self._came.get(digest)
            junk = any(name.endswith("-shm") for name in image)
            if came is None or thorough or junk:
                came = self._came[digest] = self._outcome(image, alone=thorough or junk)
            if thorough or came.journal not in self._entries or came.evidence not in self._evidence:
                self._read_through(image, came)
            self._keeps(came, promised)
        except Wrong as wrong:
            return str(wrong)
        except JournalError as error:
            return f"unusable: {error}"
        return None

    def _outcome(self, image: Image, alone: bool) -> Came:
        """The journal recovers, takes an entry and is closed; nothing that was erased is left in its files."""
        self.opened += 1
        if alone:
            self._shared.end()
            self._place.lay_down(image)
            self._recover()
            evidence = self._place.read("evidence.db")
        else:
            self._place.lay_down(image, EVIDENCE if self._shared.has_evidence_of(image) else ())
            with self._shared.serving(image):
                self._recover()
            evidence = self._shared.evidence
        names = {name for name in self._place.files() if name.endswith("-wal")}
        if names - {"evidence.db-wal"} or (alone and names):
            raise Wrong(f"unsound: a journal that was closed leaves {sorted(names)}")
        rest = (self._place.read("journal.db"), self._place.read("journal.pub"), image.get("journal.fold", b""))
        came = Came(_digest(*rest), sha256(evidence).digest())
        self._recovered[came.evidence] = evidence
        return came

    def _recover(self) -> None:
        with Journal.open(self._path, reserve_bytes=RESERVE_BYTES) as journal:
            before = int(journal.head)
            if journal.append([_AFTERWARDS]) != before + 1:
                raise Wrong(f"unsound: the entry after {before} has another place")

    def _read_through(self, image: Image, came: Came) -> None:
        """All that can be seen without knowing what was promised."""
        self.read_through += 1
        self._shared.end()
        self._place.lay_down(image)
        with Journal.open(self._path, reserve_bytes=RESERVE_BYTES) as journal:
            self._evidence[came.evidence] = {digest: there for digest in self._digests if (there := _there(journal, digest)) is not None}
            if came.journal in self._entries and self._asked % _READ_THROUGH_ANYWAY:
                return
            if bad := journal.verify(from_checkpoint=True).bad:
                raise Wrong(f"unsound: {bad}")
            entries = tuple(journal.read())
            if entries != self._written[: len(entries)]:
                raise Wrong("changed: an entry is not what was written")
            self._adds_up(entries)
            self._starts(journal)
            signed = journal._tree.last
            cursors = {name: int(seq) for name in self._consumers if (seq := journal.position(name))}
            attempts = {retry.ref: retry.attempts for retry in journal.effects.all()}
            journal.append([_AFTERWARDS])
            verdict = journal.verify()
            if not verdict.sound or verdict.last != len(entries) + 1:
                raise Wrong(f"unsound: {verdict.bad}")
            numbers = {series: journal.serials.next(series) for series in self._series}
            self._entries[came.journal] = Entries(len(entries), cursors, attempts, signed.size if signed else 0, numbers)

    def _adds_up(self, entries: Sequence[Stored]) -> None:
        head = len(entries)
        if head not in self._states:
            return
        if head not in self._replayed:  # equal entries add up to equal states
            self._replayed[head] = fingerprint(replay(Kiosk(SETUP), entries)[0])
        if self._replayed[head] != self._states[head]:
            raise Wrong(f"diverged: after {head} entries the kiosk is not what it was")

    def _starts(self, journal: Journal) -> None:
        """The core comes up as the kiosk it was, from whatever state was kept beside the journal."""
        if (head := int(journal.head)) in self._states:
            begun = starting.start(journal, SETUP)
            if not begun.sound or fingerprint(begun.kiosk) != self._states[head]:
                raise Wrong(f"diverged: after {head} entries, {begun.folded} of them read, the kiosk starts as another")

    def _keeps(self, came: Came, promised: Promised) -> None:
        """Whether what was found is what was promised."""
        found, evidence = self._entries[came.journal], self._evidence[came.evidence]
        if found.head < promised.acknowledged.head:
            raise Wrong(f"lost: {found.head} entries of {promised.acknowledged.head} acknowledged")
        state = _the_one_of(promised.possible, found, evidence)
        for seq, digest in self._naming:
            if seq > found.head:
                break
            there = evidence.get(digest)
            if there is None:
                raise Wrong(f"unproved: entry {seq} names evidence that is not there")
            if there != state.evidence.get(digest, True):
                raise Wrong(f"unproved: the evidence of entry {seq} is {'there though erased' if there else 'gone'}")
        for series, issued in promised.issued.items():
            if (number := found.next_numbers.get(series, 1)) <= issued:
                raise Wrong(f"repeated: {series} {number} is given out again, after {issued}")
        self._secrets_are_gone(self._recovered[came.evidence], state)

    def _secrets_are_gone(self, content: bytes, state: Promise) -> None:
        if not state.secrets:
            return
        searched = digest_of(content), len(state.secrets)
        if searched not in self._clean:
            for secret in state.secrets:
                if bytes.fromhex(secret) in content:
                    raise Wrong("remembered: erased evidence is still there")
            self._clean.add(searched)


def _the_one_of(possible: Sequence[Promise], found: Entries, evidence: Mapping[str, bool]) -> Promise:
    """The state the journal is in. One commit carries entries, cursors and attempts: none of them may be ahead of another."""
    stands = (found.head, found.cursors, found.attempts, found.signed)
    for promise in reversed(possible):
        if stands == (promise.head, promise.cursors, promise.attempts, promise.signed) and _kept(evidence, promise):
            return promise
    wanted = [(promise.head, promise.cursors, promise.attempts, promise.signed) for promise in possible]
    if stands in wanted:
        raise Wrong(f"lost: evidence is not as it was when the journal stood at {stands}")
    raise Wrong(f"lost: the journal stands at {stands}, none of {wanted}")


def _kept(evidence: Mapping[str, bool], promise: Promise) -> bool:
    return all(evidence.get(digest) is there for digest, there in promise.evidence.items())


def _digest(*contents: bytes) -> bytes:
    return sha256(b"".join(sha256(content).digest() for content in contents)).digest()


def _there(journal: Journal, digest: str) -> bool | None:
    """Whether the evidence can be shown; None if it was never stored. Raises `JournalError` if it was altered."""
    try:
        return journal.evidence.get(Digest(digest)) is not None
    except JournalRefused:
        return None


def _column(database: Path, query: str) -> tuple[str, ...]:
    with closing(sqlite3.connect(database)) as db:
        return tuple(value for (value,) in db.execute(query))


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
