"""Run a blocking call without ever being held up by it.

Adyen's library is synchronous, and a peer that never quite answers can hold a thread for ever. So each call gets a daemon thread that may
be left behind: it delays neither the event loop nor the end of the process. Only so many may be left behind at once.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from hardware.api import NotSent

log = logging.getLogger(__name__)

T = TypeVar("T")


class Abandonable:
    """At most `most` blocking calls at a time, each on a thread called `name`."""

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._busy = 0
        self._lock = threading.Lock()

    async def run(self, call: Callable[[], T]) -> T:
        """What `call` returns or raises. Cancelling leaves the thread to itself. Raises `NotSent` when no thread is to be had."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        with self._lock:
            if self._busy >= self._most:
                raise NotSent(f"{self._busy} earlier requests to the acquirer still hang; this one was not sent, try again later")
            self._busy += 1

        def deliver(result: T | None, error: BaseException | None) -> None:
            if answer.done():
                log.info("%s: a call ended after it had been given up: %s", self._name, error or result)
            elif error is not None:
                answer.set_exception(error)
            else:
                answer.set_result(result)  # type: ignore[arg-type]  # T may itself be None

        def work() -> None:
            result: T | None = None
            error: BaseException | None = None
            try:
                result = call()
            except BaseException as e:
                error = e
            with self._lock:
                self._busy -= 1
            try:
                loop.call_soon_threadsafe(deliver, result, error)
            except RuntimeError:
                log.info("%s: a call ended after its event loop had: %s", self._name, error or result)

        try:
            threading.Thread(target=work, name=self._name, daemon=True).start()
        except RuntimeError as e:
            with self._lock:
                self._busy -= 1
            raise NotSent(f"no thread to talk to the acquirer: {e}") from e
        return await answer
