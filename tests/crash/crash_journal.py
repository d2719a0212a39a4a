"""Recorded: everything the journal can do, in an order that a seed decides, on a new journal or on what a power cut left.

Arguments: the journal, the number of things to do, the seed, and what is deliberately wrong (`right`, or a name of `crash_wrongs`).
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import crash_wrongs
from crash_judge import RESERVE_BYTES
from crash_marks import Marker, Promise

from kiosk.journal import wal
from kiosk.journal.entry import Entry
from kiosk.journal.evidence import Sealed
from kiosk.journal.journal import Journal
from kiosk.journal.state import Retry
from kiosk.values import Digest, Moment

FOLD_AT = 25_000
_CONSUMERS = ("printer", "upstream", "fleet")
_SERIES = ("service_id", "transaction")


def serving(journal: Journal) -> Promise:
    """What the journal holds, as a promise."""
    signed = journal._tree.last
    cursors = {name: int(seq) for name in _CONSUMERS if (seq := journal.position(name))}
    attempts = {retry.ref: retry.attempts for retry in journal.effects.all()}
    evidence = {digest: not erased for digest, erased in journal._aside.rows("SELECT digest, erased FROM evidence")}
    return Promise(int(journal.head), cursors, attempts, signed.size if signed else 0, evidence)


class Player:
    """Does one thing after another and marks what it promises."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._draw = random.Random(seed)
        self._entropy = random.Random(f"entropy {seed}")
        self._marker = Marker()
        self._put: dict[str, tuple[bytes, int]] = {}
        self._now = 1_800_000_000_000
        self._open()
        self._find()

    def _find(self) -> None:
        """What is there is promised from now on, and no more than that."""
        kept = self._journal._aside.rows("SELECT digest, data, until FROM evidence WHERE erased = 0")
        self._put = {digest: (data, until) for digest, data, until in kept}
        self._marker.found(serving(self._journal))

    def play(self, count: int) -> None:
        things: tuple[tuple[int, Callable[[], None]], ...] = (
            (10, self.append),
            (6, self.number),
            (3, self.consume),
            (3, self.attempt),
            (2, self.keep),
            (2, self.sign),
            (1, self.erase),
            (1, self.expire),
            (1, self.again),
            (1, self.anew),
        )
        weights, actions = zip(*things, strict=True)
        for _ in range(count):
            self._now += 1_000
            self._draw.choices(actions, weights)[0]()
            self._tidy()
        self._journal.close()

    def append(self) -> None:
        """One decision: entries, evidence they name, attempts made and done."""
        latest = self._marker.latest
        sealed = [self._seal() for _ in range(self._draw.choice((0, 0, 1, 2)))]
        bodies: list[dict[str, str]] = [{"frame": str(one.digest)} for one in sealed]
        bodies += [{} for _ in range(self._draw.randint(0 if sealed else 1, 3))]
        batch = [self._entry(body) for body in bodies]
        settled = [ref for ref in latest.attempts if self._draw.random() < 0.3]
        retries = [self._retry(f"R{self._draw.randrange(9)}") for _ in range(self._draw.choice((0, 0, 1)))]
        attempts = {**latest.attempts, **{r.ref: r.attempts for r in retries}}
        for ref in settled:
            attempts.pop(ref, None)
        self._promise(
            lambda: self._journal.append(batch, evidence=sealed, retries=retries, settled=settled),
            head=latest.head + len(batch),
            attempts=attempts,
        )

    def number(self) -> None:
        for _ in range(self._draw.choice((1, 5, 60))):
            series = self._draw.choice(_SERIES)
            self._marker.issued(series, self._journal.serials.next(series))

    def consume(self) -> None:
        name, latest = self._draw.choice(_CONSUMERS), self._marker.latest
        to = self._draw.randint(latest.cursors.get(name, 0), latest.head)
        if to:
            self._promise(lambda: self._journal.cursor(name).advance(to), cursors={**latest.cursors, name: to})

    def attempt(self) -> None:
        retry = self._retry(f"R{self._draw.randrange(9)}")
        self._promise(lambda: self._journal.effects.put(retry), attempts={**self._marker.latest.attempts, retry.ref: retry.attempts})

    def keep(self) -> None:
        """Evidence by itself: promised once its digest is known outside."""
        sealed = self._seal()
        self._promise(lambda: self._journal.evidence.store([sealed]), evidence={**self._marker.latest.evidence, sealed.digest: True})

    def sign(self) -> None:
        self._promise(self._journal.checkpoint, signed=self._marker.latest.head)

    def erase(self) -> None:
        digests = [digest for digest in self._put if self._draw.random() < 0.2]
        self._erase(digests, lambda: self._journal.evidence.erase(Digest(digest) for digest in digests))

    def expire(self) -> None:
        expired = [digest for digest, (_, until) in self._put.items() if until <= self._now]
        self._erase(expired, lambda: self._journal.evidence.erase_expired(self._now))

    def again(self) -> None:
        """The process ends and comes back."""
        self._journal.close()
        self._open()

    def anew(self) -> None:
        """As after a failure of the disk."""
        assert self._journal.reopen() == self._marker.latest.head

    def _tidy(self) -> None:
        self._journal.tidy()

    def _open(self) -> None:
        self._journal = Journal.open(self._path, reserve_bytes=RESERVE_BYTES, entropy=self._entropy.randbytes)
        assert self._journal.verify(from_checkpoint=True).sound

    def _promise(self, work: Callable[[], object], **changes: Any) -> None:
        self._marker.trying(**changes)
        crash_wrongs.acknowledged_call(self._marker, work)

    def _erase(self, digests: list[str], work: Callable[[], int]) -> None:
        if not digests:
            return
        latest = self._marker.latest
        secrets = (*latest.secrets, *(self._put.pop(digest)[0].hex() for digest in digests))
        self._promise(work, evidence={**latest.evidence, **dict.fromkeys(digests, False)}, secrets=secrets)

    def _entry(self, body: Mapping[str, str]) -> Entry:
        size = self._draw.choice((0, 40, 600, 600, 5_000))
        return Entry("kiosk", "Played", 1, Moment(self._now, "boot", 0), json.dumps({**body, "x": "x" * size}).encode())

    def _retry(self, ref: str) -> Retry:
        return Retry(ref, self._draw.randint(1, 99), self._now + 5_000, "NotSent", self._now)

    def _seal(self) -> Sealed:
        data, until = self._draw.randbytes(self._draw.choice((16, 300, 6_000))), self._now + self._draw.randrange(5_000, 60_000)
        sealed = self._journal.evidence.seal(data, until)
        self._put[sealed.digest] = (data, until)
        return sealed


def main(path: Path, count: int, seed: int, wrong: str) -> None:
    wal.FOLD_AT = FOLD_AT
    crash_wrongs.introduce(wrong)
    Player(path, seed).play(count)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
