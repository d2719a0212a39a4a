"""One connection of a pile, or to the operator's system: no frame ends its receive loop, and one CALL of ours is under way at a time.

Answers are matched by message id, so a late one can never be taken for another's. There is one deadline per request, ours.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from hardware.api import AnswerLost, NotSent
from kiosk.ocpp import frames
from kiosk.ocpp.dialects.dialect import CallRefused, Request
from kiosk.ocpp.seam import Clock

_log = logging.getLogger(__name__)

Hear = Callable[["Session", frames.Call | frames.Malformed], Awaitable[None]]


class Session:
    """One socket; `who` is at its other end. `hear` takes their CALLs in order; it may wait, and then they wait too."""

    def __init__(
        self, who: str, socket: Connection, *, hear: Hear, clock: Clock, new_id: Callable[[], str], answer_timeout_s: float
    ) -> None:
        self.who = who
        self.given_up = False  # what is still waiting to be heard from this socket must not be
        self.heard_at = clock.now()
        self._socket = socket
        self._hear = hear
        self._clock = clock
        self._new_id = new_id
        self._timeout_s = answer_timeout_s
        self._turn = _Turn()
        self._pending: dict[str | int, asyncio.Future[frames.CallResult | frames.CallError]] = {}
        self._alive = True

    async def run(self) -> None:
        """Receive until the socket closes."""
        try:
            while True:
                raw = await self._socket.recv()
                await self._receive(raw if isinstance(raw, str) else raw.decode(errors="replace"))
        except ConnectionClosed as closed:
            _log.info("%s: connection closed (%s)", self.who, closed)
        finally:
            self._alive = False
            self._turn.end()
            for waiting in self._pending.values():
                if not waiting.done():
                    waiting.set_exception(AnswerLost(f"{self.who} disconnected before it answered"))

    async def _receive(self, raw: str) -> None:
        self.heard_at = self._clock.now()
        frame = frames.decode(raw)
        if isinstance(frame, frames.Call | frames.Malformed):
            await self._hear(self, frame)
            return
        waiting = self._pending.get(frame.id)
        if waiting is None or waiting.done():
            _log.warning("%s: an answer to nothing we are waiting for, message id %.40r", self.who, frame.id)
            return
        waiting.set_result(frame)

    async def call(self, request: Request, name: str = "") -> frames.Payload:
        """Send `request` once and return the payload of its CALLRESULT. `name` is the message id of one that may have been sent before.

        Raises `NotSent` when it did not leave, `AnswerLost` when it may have been seen, `CallRefused` on a CALLERROR.
        """
        try:
            async with self._clock.timeout(self._timeout_s):
                await self._turn.take(request.urgency)
        except TimeoutError:
            raise NotSent(f"{self.who} is still busy with an earlier request: {request.action} was not sent") from None
        try:
            frame = await self._exchange(request, name or self._new_id())
        finally:
            self._turn.give()
        if isinstance(frame, frames.CallError):
            raise CallRefused(frame.code, frame.description)
        return frame.payload

    async def _exchange(self, request: Request, name: str) -> frames.CallResult | frames.CallError:
        if not self._alive or self._socket.state is not State.OPEN:
            raise NotSent(f"{self.who} is not connected: {request.action} was not sent")
        answer: asyncio.Future[frames.CallResult | frames.CallError] = asyncio.get_running_loop().create_future()
        self._pending[name] = answer
        try:
            async with self._clock.timeout(self._timeout_s):
                await self._socket.send(frames.encode_call(name, request.action, request.payload))
                return await answer
        except TimeoutError:
            raise AnswerLost(f"{self.who} did not answer {request.action} within {self._timeout_s:g} s") from None
        except ConnectionClosed:
            raise AnswerLost(f"{self.who} disconnected while {request.action} was on its way") from None
        finally:
            del self._pending[name]
            if answer.done() and not answer.cancelled():
                answer.exception()  # a socket that dies while we send has failed the future, too

    async def answer(self, frame: str) -> None:
        """Send a CALLRESULT or CALLERROR; nothing, when the pile is gone: it will ask again."""
        try:
            await self._socket.send(frame)
        except ConnectionClosed:
            _log.info("%s: gone before it was answered", self.who)

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code, reason)


class _Turn:
    """A lock whose most urgent waiter goes first."""

    def __init__(self) -> None:
        self._busy = False
        self._ended = False
        self._count = 0
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    async def take(self, urgency: int) -> None:
        """Raises `NotSent` once the connection has ended."""
        if self._ended:
            raise NotSent("nobody is connected")
        if not self._busy:
            self._busy = True
            return
        self._count += 1
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, self._count, mine))
        try:
            await mine
        except BaseException:
            if mine.done() and not mine.cancelled() and mine.exception() is None:
                self.give()  # the turn came in the moment we gave up waiting
            raise

    def give(self) -> None:
        while self._waiting:
            _, _, waiter = heapq.heappop(self._waiting)
            if not waiter.done():
                waiter.set_result(None)
                return
        self._busy = False

    def end(self) -> None:
        self._ended = True
        for _, _, waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(NotSent("the connection ended before the request could be sent"))
        self._waiting.clear()
