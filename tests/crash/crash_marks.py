"""What a recorded program has promised by now: written between the steps of the disk, and read again when a power cut is judged.

`Promise` is the state that a reader of the journal must find. A program says which states it is about to bring about and which are
acknowledged; after a power cut the journal holds the last acknowledged one, or one of those that were on their way.
"""

from __future__ import annotations

import ctypes
import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crash_disk import Step


@dataclass(frozen=True)
class Promise:
    """The last entry's seq, how far each consumer is, the attempts of each effect, the entries signed, and the evidence put and erased."""

    head: int = 0
    cursors: Mapping[str, int] = field(default_factory=dict)
    attempts: Mapping[str, int] = field(default_factory=dict)
    signed: int = 0
    evidence: Mapping[str, bool] = field(default_factory=dict)  # False: erased
    secrets: tuple[str, ...] = ()  # erased data, in hex, that must not turn up again


class Marker:
    """Writes the marks, in a recorded process. `done` acknowledges the promises in the order in which they were `trying`."""

    def __init__(self) -> None:
        self._write = ctypes.CDLL(None).recorder_mark
        self._latest = Promise()

    def found(self, promise: Promise) -> None:
        """What lies on the disk as the program begins, with all evidence there ever was: a promise from now on."""
        self._latest = promise
        self._mark("found", vars(promise))

    def trying(self, **changes: Any) -> Promise:
        self._latest = replace(self._latest, **changes)
        self._mark("trying", vars(self._latest))
        return self._latest

    @property
    def latest(self) -> Promise:
        return self._latest

    def done(self) -> None:
        self._mark("done", None)

    def issued(self, series: str, number: int) -> None:
        """`number` is about to be used outside."""
        self._mark("issued", [series, number])

    def state(self, head: int, fingerprint: str) -> None:
        """What the entries up to `head` add up to."""
        self._mark("state", [head, fingerprint])

    def _mark(self, name: str, value: object) -> None:
        data = json.dumps([name, value]).encode()
        self._write(data, len(data))


@dataclass
class Promised:
    """The promises at one point of a recording."""

    acknowledged: Promise = field(default_factory=Promise)
    on_their_way: deque[Promise] = field(default_factory=deque)
    issued: dict[str, int] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()  # what programs before erased

    def hear(self, step: Step) -> None:
        if step.what != "k":
            return
        name, value = json.loads(step.data)
        if name == "trying":
            self.on_their_way.append(Promise(**{**value, "secrets": (*self.secrets, *value["secrets"])}))
        elif name == "found":
            self.acknowledged = self._found(Promise(**{**value, "secrets": ()}))
            self.secrets = self.acknowledged.secrets
            self.on_their_way.clear()
        elif name == "done":
            self.acknowledged = self.on_their_way.popleft()
        elif name == "issued":
            self.issued[value[0]] = max(value[1], self.issued.get(value[0], 0))

    def _found(self, there: Promise) -> Promise:
        """The promise that a program found kept when it began. What was erased without being acknowledged may still lie about."""
        for promise in reversed(self.possible):
            stands = replace(promise, evidence=there.evidence, secrets=())
            if stands == there and all(there.evidence.get(digest) is kept for digest, kept in promise.evidence.items()):
                return replace(promise, secrets=self.acknowledged.secrets)
        raise ValueError(f"a program began with what nobody promised: {there}")

    @property
    def possible(self) -> tuple[Promise, ...]:
        return (self.acknowledged, *self.on_their_way)


def states_of(steps: Iterable[Step]) -> dict[int, str]:
    """The fingerprints of a recording, by head."""
    marks = (json.loads(step.data) for step in steps if step.what == "k")
    return {value[0]: value[1] for name, value in marks if name == "state"}
