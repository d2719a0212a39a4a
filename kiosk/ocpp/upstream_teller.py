"""How the messages that are kept for the operator's own system are sent: one after the other, each until it is answered.

A lost answer is asked for by the same message again; one that is refused is tried as often as OCPP 1.6 lets a station try, and then set
aside, so that it holds up nothing. All waiting is the line's, as `kiosk.ocpp.upstream_line` does it with asyncio: the teller only says for
what and how long, so a line may keep any time of its own.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hardware.api import AnswerLost, NotSent
from kiosk.ocpp import frames
from kiosk.ocpp.dialects.dialect import CallRefused
from kiosk.ocpp.schemas import schemas
from kiosk.ocpp.seam import OcppError
from kiosk.ocpp.upstream_calls import METER, START, Call
from kiosk.ocpp.upstream_queue import Queue
from kiosk.values import Moment

_log = logging.getLogger(__name__)

_FIRST_S, _MOST_S = 2.0, 300.0  # between attempts
_ASIDES_AT_ONCE = 20  # of what a system refuses altogether there may be much
_QUIET_S = 30.0  # while the disk is full


def backoff_s(failures: int, chance: Callable[[], float]) -> float:
    """Twice as long after each failure, and never exactly as long as everybody else's."""
    doubled: float = _FIRST_S * 2 ** min(max(0, failures - 1), 10)
    return min(_MOST_S, doubled) * (0.5 + chance() / 2)


@dataclass(frozen=True, slots=True)
class Terms:
    """How the operator's system is reached. `url` ends before the identity. A message that is refused is sent `attempts` times, `retry_s`
    after the first refusal, twice that after the second (OCPP 1.6 3.7.1, TransactionMessageAttempts). What was set aside then is tried once
    more after `aside_again_s`, again and again."""

    url: str
    identity: str
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None
    heartbeat_s: int = 300
    attempts: int = 5
    retry_s: int = 30
    aside_again_s: int = 3_600
    answer_timeout_s: float = 30.0
    vendor: str = "PilePay"
    model: str = "PilePay kiosk"
    serial: str = ""
    firmware: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


class Now(Protocol):
    def now(self) -> Moment: ...


class Line(Protocol):
    """One connection to the operator's system, and how one waits on it."""

    @property
    def over(self) -> bool: ...

    @property
    def answered_at(self) -> Moment | None:
        """When anything was last answered on it."""
        ...

    async def ask(self, action: str, payload: frames.Payload, name: str = "") -> frames.Payload:
        """One CALL; one that has a `name` goes first. Raises `NotSent`, `AnswerLost`, `CallRefused`, or `OcppError` for what is no OCPP."""
        ...

    def heed(self) -> None:
        """What is new from now on ends the next `news`."""
        ...

    async def news(self, seconds: float) -> None:
        """Until perhaps there is something to tell, or the line is over, or `seconds` are."""
        ...

    async def pause(self, seconds: float) -> None:
        """Before a message is sent again; less when somebody is in a hurry, or the line is over."""
        ...


def conforming(action: str, payload: frames.Payload) -> None:
    """Raises `OcppError` for what no system has to understand."""
    if wrong := schemas("v16").violation(action, payload):
        raise OcppError(f"{action} for the operator's system would break OCPP: {', '.join(wrong)}")


class Teller:
    """Works off the queue. `wrong` is told in words what goes wrong; `held` says that nothing may be written now."""

    def __init__(
        self,
        terms: Terms,
        queue: Queue,
        *,
        held: Callable[[], bool],
        clock: Now,
        chance: Callable[[], float],
        wrong: Callable[[str], None],
    ) -> None:
        self._terms = terms
        self._queue = queue
        self._held = held
        self._clock = clock
        self._chance = chance
        self._wrong = wrong
        self._refusals: dict[str, int] = {}
        self._unanswered: dict[str, tuple[int, Moment]] = {}  # how often, and since when
        self._asides_at = clock.now()  # when what was set aside was last tried, or the first of it was
        self._meters_refused = False
        self._failures = 0

    async def again(self) -> None:
        """Somebody does not want to wait: also what was set aside is told once more. The line is to be told of the hurry then."""
        self._queue.again()
        await self._queue.forget_remarks()
        self._refusals.clear()
        self._meters_refused = False

    async def tell(self, line: Line) -> None:
        """Until the line is over."""
        while not line.over:
            line.heed()
            if self._held():
                await line.news(_QUIET_S)
                continue
            if (call := await self._queue.next()) is not None:
                await self._tell_one(line, call)
                continue
            left_ms = self._terms.aside_again_s * 1_000 - self._clock.now().ms_since(self._asides_at)
            if self._queue.asides and left_ms <= 0:
                self._asides_at = self._clock.now()
                self._queue.again(_ASIDES_AT_ONCE)
            else:
                await line.news(left_ms / 1_000 if self._queue.asides else self._terms.aside_again_s)

    async def _tell_one(self, line: Line, call: Call) -> None:
        try:
            answer = await line.ask(call.action, call.payload, call.id)
            transaction, objection = _answered(call, answer)
        except OcppError as error:
            await self._refused(line, call, str(error), final=True)
        except (CallRefused, _NoAnswer) as error:
            await self._refused(line, call, str(error), final=False)
        except (AnswerLost, NotSent) as error:
            await self._unheard(line, call, error)
        else:
            self._failures = 0
            self._refusals.pop(call.id, None)
            self._unanswered.pop(call.id, None)
            if call.action == METER:
                self._meters_refused = False
            if objection:
                _log.warning("charge %s: %s. The charge goes on", call.charge, objection)
            await self._queue.taken(call, transaction, objection, self._clock.now().utc_ms)

    async def _unheard(self, line: Line, call: Call, error: AnswerLost | NotSent) -> None:
        """It is sent again until it is answered. One that is never answered, while other messages are, is as good as refused, and so is one
        that ends the connection each time."""
        times, since = self._unanswered.get(call.id, (0, self._clock.now()))
        if isinstance(error, AnswerLost):
            self._unanswered[call.id] = times + 1, since
            if times + 1 >= self._terms.attempts and line.answered_at is not None and line.answered_at.ms_since(since) > 0:
                await self._refused(line, call, str(error), final=True)
                return
        self._wrong(str(error))
        self._failures += 1
        await line.pause(backoff_s(self._failures, self._chance))

    async def _refused(self, line: Line, call: Call, words: str, *, final: bool) -> None:
        self._wrong(f"{call.action} was refused: {words}")
        times = self._refusals[call.id] = self._refusals.get(call.id, 0) + 1
        if final or times >= self._terms.attempts or self._queue.tells_aside or (call.action == METER and self._meters_refused):
            self._refusals.pop(call.id, None)
            self._unanswered.pop(call.id, None)
            if not self._queue.asides:
                self._asides_at = self._clock.now()
            self._meters_refused = self._meters_refused or call.action == METER
            await self._queue.refused(call, words[:200], self._clock.now().utc_ms)
        else:
            await line.pause(self._terms.retry_s * times)


class _NoAnswer(Exception):
    """An answer without the one thing that is needed of it."""


def _answered(call: Call, answer: frames.Payload) -> tuple[int | None, str]:
    """The other side's word for a charge that begins, and what it had against the message. Raises `_NoAnswer`."""
    info = answer.get("idTagInfo")
    word = info.get("status") if isinstance(info, dict) else None
    objection = f"{call.action} was answered with {str(word)[:40]!r}" if word not in (None, "Accepted") else ""
    if call.action != START:
        return None, objection
    transaction = answer.get("transactionId")
    if not isinstance(transaction, int) or isinstance(transaction, bool):
        raise _NoAnswer("StartTransaction was answered without a transactionId")
    if transaction <= 0:
        objection = f"{objection or f'{call.action} was answered'} and transactionId {transaction}"
    return transaction, objection
