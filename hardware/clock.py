"""The clock a driver waits on. It comes in as a parameter: the wall's time is only one of those it may run in."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from kiosk.values import Moment


class Clock(Protocol):
    """Time for drivers: `sleep` and `timeout` take seconds of product time, which a demo may run faster than real time."""

    def now(self) -> Moment: ...

    async def sleep(self, seconds: float) -> None: ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Like `asyncio.timeout`: raises `TimeoutError` when the block takes longer."""
        ...
