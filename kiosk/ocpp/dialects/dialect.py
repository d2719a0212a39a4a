"""What a version of OCPP must be able to say and understand, so that `kiosk.ocpp.pile` need not know which one a pile speaks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from kiosk.ocpp.frames import Call, Payload
from kiosk.ocpp.seam import Answer, PileSettings, Reply, Wanted
from kiosk.session.inputs import Input
from kiosk.values import Digest, Moment


class Urgency(IntEnum):
    """Which waiting request goes first; a controller takes one at a time."""

    SALE = 0  # start and stop
    LIMIT = 1
    ASK = 2
    SETTING = 3


@dataclass(frozen=True, slots=True)
class Request:
    action: str
    payload: Payload
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class Heard:
    """What one CALL means: `told` to core in this order, then `answer` given core's reply."""

    told: tuple[Input, ...]
    answer: Callable[[Reply], Payload]
    notes: tuple[str, ...] = ()  # what could not be understood, for the operator


class Violation(Exception):
    """A CALL that cannot be answered: the CALLERROR's code and description."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


Ask = Callable[[Request], Awaitable[Payload]]
"""Sends one request to the pile. Raises `CallRefused`, `NotSent` or `AnswerLost`."""


class CallRefused(Exception):
    """The pile answered with a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


class Dialect(Protocol):
    """One pile's language. It may remember what it heard; it does no I/O."""

    subprotocol: str

    def is_transaction(self, action: str) -> bool:
        """Whether the pile repeats this message until it is answered, and would discard it on a CALLERROR."""
        ...

    def is_proof(self, action: str) -> bool:
        """Whether the raw frame is worth keeping as evidence."""
        ...

    def hear(self, call: Call, at: Moment, frame: Digest | None) -> Heard:
        """Understand `call`, received `at`. Raises `Violation`, but never for a transaction message."""
        ...

    def flaw(self, call: Call) -> str:
        """How `call` breaks the standard, without its values; empty when it does not."""
        ...

    def bad_answer(self, action: str, payload: Payload) -> str:
        """How our own answer to `action` breaks the standard; empty when it does not."""
        ...

    def bad_request(self, request: Request) -> str:
        """How our own request breaks the standard; empty when it does not."""
        ...

    def start(self, number: int, id_tag: str) -> Request: ...

    def stop(self, transaction: int) -> Request: ...

    def limit(self, number: int, transaction: int, watts: int, stop_after_s: int | None) -> Request: ...

    def unlock(self, number: int) -> Request: ...

    def trigger(self, what: Wanted, number: int | None) -> Request: ...

    def probe(self) -> Request:
        """A question that changes nothing and that any pile answers, if only with a CALLERROR."""
        ...

    def verdict(self, payload: Payload) -> Answer:
        """What an answered command's payload says."""
        ...

    def refusal(self, refused: CallRefused) -> Answer: ...

    async def configure(self, ask: Ask, settings: PileSettings) -> Mapping[str, str]:
        """Set the pile up for paid charging; the keys it did not take, with its words. Raises `NotSent` or `AnswerLost`."""
        ...
