"""A connection to the operator's own system, waited on with asyncio."""

from __future__ import annotations

import asyncio

from kiosk.ocpp import frames
from kiosk.ocpp.dialects.dialect import Request, Urgency
from kiosk.ocpp.seam import Clock
from kiosk.ocpp.session import Session
from kiosk.ocpp.upstream_teller import conforming
from kiosk.values import Moment


class Signals:
    """What ends a wait, whichever connection stands: `news` is perhaps something to tell, `hurry` somebody who does not want to wait."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.hurry = asyncio.Event()


class Life:
    """One connection (`kiosk.ocpp.upstream_teller.Line`). `gone` is set when it is over."""

    def __init__(self, session: Session, signals: Signals, clock: Clock) -> None:
        self.session = session
        self.gone = asyncio.Event()
        self.answered_at: Moment | None = None
        self._signals = signals
        self._clock = clock

    @property
    def over(self) -> bool:
        return self.gone.is_set()

    async def ask(self, action: str, payload: frames.Payload, name: str = "") -> frames.Payload:
        conforming(action, payload)
        answer = await self.session.call(Request(action, payload, Urgency.SALE if name else Urgency.ASK), name)
        self.answered_at = self._clock.now()
        return answer

    def heed(self) -> None:
        self._signals.news.clear()

    async def news(self, seconds: float) -> None:
        await unless(self._signals.news, seconds, self._clock)

    async def pause(self, seconds: float) -> None:
        self._signals.hurry.clear()
        gone, hurry = (asyncio.ensure_future(event.wait()) for event in (self.gone, self._signals.hurry))
        over = asyncio.ensure_future(self._clock.sleep(seconds))
        try:
            await asyncio.wait([gone, hurry, over], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (gone, hurry, over):
                task.cancel()


async def unless(event: asyncio.Event, seconds: float, clock: Clock) -> bool:
    """Wait for `seconds`, or less when `event` comes; says whether it came."""
    try:
        async with clock.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
