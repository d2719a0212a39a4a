"""What the core stands on in its tests: a clock that only the test moves, and far ends that do what they are told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from hardware.api import (
    Approved,
    Card,
    Declined,
    DeclineReason,
    DialogueState,
    Farewell,
    IdentifyOrder,
    PreauthorizationOrder,
    PrinterState,
    PrintResult,
    TerminalHealth,
)
from kiosk.values import Moment, Money

T = TypeVar("T")
START = Moment(1_800_000_000_000, "boot", 0)
APPROVED = Approved(Money(5_000, "EUR"), "PSP1", "T.PSP1", Card("mc", "4821", recognition="PAR-1"))


@dataclass
class HandClock:
    """Time that passes only in `pass_`."""

    moment: Moment = START
    waiting: list[tuple[Moment, asyncio.Future[None]]] = field(default_factory=list)

    def now(self) -> Moment:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        await self.until(self.moment.plus(int(seconds)))

    async def until(self, moment: Moment) -> None:
        if self.moment.reached(moment):
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((moment, woken))
        await woken

    def pass_(self, seconds: int) -> None:
        self.moment = self.moment.plus(seconds)
        for moment, woken in tuple(self.waiting):
            if self.moment.reached(moment):
                self.waiting.remove((moment, woken))
                if not woken.done():
                    woken.set_result(None)


Answer = Approved | Declined | DialogueState | Exception


@dataclass
class Terminal:
    """A terminal on the wire of the test: answers what was put on it, in order."""

    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, PreauthorizationOrder]] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None

    async def preauthorize(self, order: PreauthorizationOrder) -> Approved | Declined:
        answer = await self._answer("preauthorize", order)
        assert isinstance(answer, Approved | Declined)
        return answer

    async def status(self, order: PreauthorizationOrder, service_id: str) -> Approved | Declined | DialogueState:
        return await self._answer(f"status {service_id}", order)

    async def abort(self, order: PreauthorizationOrder | IdentifyOrder, service_id: str) -> None:
        assert isinstance(order, PreauthorizationOrder)
        await self._answer(f"abort {service_id}", order)

    async def identify(self, order: IdentifyOrder) -> Card | Declined:
        return Declined(DeclineReason.NO_CARD)

    async def release(self, service_id: str, farewell: Farewell) -> Declined | None:
        return Declined(DeclineReason.NOT_ALLOWED)

    async def diagnose(self, service_id: str) -> TerminalHealth:
        return TerminalHealth(True, "")

    async def _answer(self, what: str, order: PreauthorizationOrder) -> Approved | Declined | DialogueState:
        self.asked.append((what, order))
        if self.meanwhile is not None:
            await self.meanwhile()
        answer = self.answers.pop(0) if self.answers else APPROVED
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Printer:
    answer: PrintResult | Exception = PrintResult.PRINTED
    jobs: list[tuple[bytes, int]] = field(default_factory=list)

    async def state(self) -> PrinterState:
        return PrinterState.READY

    async def print(self, job: bytes, number: int) -> PrintResult:
        self.jobs.append((job, number))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def settle(turns: int = 20) -> None:
    """Let everything run that can run without time passing."""
    for _ in range(turns):
        await asyncio.sleep(0)
