"""Whether cards can be taken at all: the terminal is asked once a minute, and soon again while it is silent or away.

What it says of itself counts at once. A silence does not: one lost answer, or a terminal slow for a moment, would send drivers away, so
it is asked once more. While it is away it is asked often, for a terminal that restarts at night is to sell as soon as it is back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from hardware.api import TerminalHealth as Health
from kiosk.session.inputs import TerminalHealth

WELL_S = 60
DOUBT_S = 10
STUCK = 12  # a card may be awaited for two minutes


class Clock(Protocol):
    async def sleep(self, seconds: float) -> None: ...


class Desk(Protocol):
    @property
    def dialogue(self) -> str: ...

    async def health(self) -> Health: ...


class TerminalWatch:
    """`tell` is told what is certain. A terminal in a dialogue proves itself by that, and is left alone."""

    def __init__(self, desk: Desk, tell: Callable[[TerminalHealth], Awaitable[object]], clock: Clock) -> None:
        self._desk = desk
        self._tell = tell
        self._clock = clock
        self._doubted = False
        self._stuck = 0  # times in a row that it was in a dialogue which is none of ours

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.look()
            await self._clock.sleep(DOUBT_S if self._doubted else WELL_S)

    async def look(self) -> None:
        """Ask once."""
        health = await self._desk.health()
        self._stuck = self._stuck + 1 if health.busy and not self._desk.dialogue else 0
        if self._stuck > STUCK:
            health = Health(False, "in a dialogue that is not ours and does not end", health.host)
        elif health.busy:
            self._doubted = self._stuck > 0
            return
        if health.ok or health.host or self._doubted:
            await self._tell(TerminalHealth(health.ok, health.host, health.detail))
        self._doubted = not (health.ok and health.host)
