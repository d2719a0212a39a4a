"""Kiosks with a bug in what they tell the operator's own system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kiosk.ocpp.upstream_calls import Call, Plug
from kiosk.ocpp.upstream_queue import Books, Queue
from kiosk.simulation.life import Fitting


class UpstreamAcknowledgesBeforeAnswer(Fitting):
    """A message to the operator's system counts as told as soon as it is sent."""

    def upstream_queue(self, books: Books, plugs: Sequence[Plug]) -> Queue:
        return _HastyQueue(books, plugs)


class _HastyQueue(Queue):
    async def next(self) -> Call | None:
        call = await super().next()
        if call is not None and not self.tells_aside:
            await self._books.keep(call.seq, {f"runs {call.charge}": call.after.text()})
        return call


class UpstreamForgetsTheLane(Fitting):
    """What the operator's system refuses is left behind, and nobody is told."""

    def upstream_queue(self, books: Books, plugs: Sequence[Plug]) -> Queue:
        return _ForgetfulQueue(books, plugs)


class _ForgetfulQueue(Queue):
    async def refused(self, call: Call, why: str, at_ms: int) -> None:
        await super().refused(call, why, at_ms)
        names = list(self._asides)
        self._asides.clear()
        await self._keep(self._position, dict.fromkeys(names))


class UpstreamNewIdOnRetry(Fitting):
    """A message to the operator's system that is sent again gets a new id."""

    def upstream_queue(self, books: Books, plugs: Sequence[Plug]) -> Queue:
        return _RenamingQueue(books, plugs)


class _RenamingQueue(Queue):
    _tries = 0

    async def next(self) -> Call | None:
        call = await super().next()
        self._tries += 1
        return call and replace(call, id=f"{call.id[:24]}-{self._tries}")
