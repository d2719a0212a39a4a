"""The one place that asks the machine for time and waits on it.

Product time runs at `rate` times real time: 1 in the field, more in the demo, where one start instant shared by all processes keeps them on
the same clock. Monotonic time counts since boot and includes sleep, so durations survive a change of the wall clock.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from kiosk.values import Moment

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# A wall clock before this build's year was never set: no battery, no NTP yet.
_EARLIEST_MS = 1_767_225_600_000  # 2026-01-01T00:00Z


@dataclass(frozen=True)
class SystemClock:
    """The clock of a process. `origin_ns` is the CLOCK_BOOTTIME instant from which a faster clock counts; 0 with rate 1."""

    boot_id: str
    rate: int = 1
    origin_ns: int = 0
    origin_utc_ms: int = 0

    @classmethod
    def real(cls) -> Self:
        return cls(_boot_id())

    @classmethod
    def fast(cls, rate: int, origin_ns: int, origin_utc_ms: int) -> Self:
        """A demo's clock: `rate` times real time since the given instant. Its boot id differs, so that it never mixes with the real one."""
        return cls(f"{_boot_id()}-x{rate}", rate, origin_ns, origin_utc_ms)

    def now(self) -> Moment:
        mono = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if self.rate == 1:
            utc_ms = time.time_ns() // 1_000_000
            return Moment(utc_ms, self.boot_id, mono, utc_ms >= _EARLIEST_MS)
        passed = (mono - self.origin_ns) * self.rate
        return Moment(self.origin_utc_ms + passed // 1_000_000, self.boot_id, self.origin_ns + passed, True)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.rate)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds / self.rate)

    async def until(self, moment: Moment) -> None:
        """Until `moment` has come; at once when it has passed."""
        while (left := self.now().ms_until(moment)) > 0:
            await self.sleep(min(left, 3_600_000) / 1_000)


class ClockRefused(ValueError):
    """A clock that must not run here."""


class FarEnds(Protocol):
    """The parts of a configuration that say whom this kiosk talks to."""

    @property
    def loopback_only(self) -> bool: ...


def demo_clock(words: str, far_ends: FarEnds) -> SystemClock:
    """The demo's clock from `RATE:MONO_NS:UTC_MS`. Raises `ClockRefused` unless every far end is on this machine."""
    if not far_ends.loopback_only:
        raise ClockRefused("a demo clock is for simulated far ends: the configuration names others, so leave out --demo-clock")
    try:
        rate, mono_ns, utc_ms = (int(word) for word in words.split(":"))
    except ValueError:
        raise ClockRefused(f"--demo-clock {words!r} is not RATE:MONO_NS:UTC_MS") from None
    if not 1 <= rate <= 1_000:
        raise ClockRefused(f"--demo-clock: a rate of {rate} is out of range (1 to 1000)")
    return SystemClock.fast(rate, mono_ns, utc_ms)


def _boot_id() -> str:
    return _BOOT_ID.read_text().strip()
