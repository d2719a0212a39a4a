"""The clock: real in the field, faster in the demo, and never fast where real money is."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import pytest

from kiosk.core.clock import ClockRefused, SystemClock, demo_clock

UTC = 1_800_000_000_000


@dataclass
class FarEnds:
    loopback_only: bool


def test_a_real_clock_is_the_machines() -> None:
    now = SystemClock.real().now()
    assert abs(now.utc_ms - time.time_ns() // 1_000_000) < 5_000
    assert now.boot_id
    assert now.trusted


def test_a_fast_clock_scales_time_since_its_origin() -> None:
    origin = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 10_000_000_000
    now = SystemClock.fast(60, origin, UTC).now()
    passed_ms = now.utc_ms - UTC
    assert 600_000 <= passed_ms < 660_000
    assert (now.mono_ns - origin) // 1_000_000 == passed_ms


def test_processes_that_share_an_origin_share_their_time() -> None:
    origin = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    one, other = SystemClock.fast(20, origin, UTC), SystemClock.fast(20, origin, UTC)
    assert one.now().boot_id == other.now().boot_id
    assert abs(one.now().utc_ms - other.now().utc_ms) < 1_000


def test_a_fast_clock_is_another_boot_than_the_real_one() -> None:
    assert SystemClock.fast(20, 0, UTC).now().boot_id != SystemClock.real().now().boot_id


async def test_waits_on_a_fast_clock_are_as_much_shorter() -> None:
    real = SystemClock.real()
    began = real.now()
    await SystemClock.fast(1_000, 0, UTC).sleep(60)
    assert 60 <= real.now().ms_since(began) < 5_000


async def test_a_timeout_on_a_fast_clock_is_as_much_shorter() -> None:
    with pytest.raises(TimeoutError):
        async with SystemClock.fast(1_000, 0, UTC).timeout(10):
            await asyncio.Event().wait()


async def test_until_waits_for_the_moment_and_not_for_one_that_has_passed() -> None:
    clock = SystemClock.fast(1_000, time.clock_gettime_ns(time.CLOCK_BOOTTIME), UTC)
    moment = clock.now().plus(20)
    await clock.until(moment)
    assert clock.now().reached(moment)
    await clock.until(moment)


def test_a_demo_clock_runs_on_loopback() -> None:
    clock = demo_clock("30:1000:2000", FarEnds(loopback_only=True))
    assert (clock.rate, clock.origin_ns, clock.origin_utc_ms) == (30, 1_000, 2_000)


def test_a_demo_clock_is_refused_where_the_far_ends_are_real() -> None:
    with pytest.raises(ClockRefused, match="leave out --demo-clock"):
        demo_clock("30:1000:2000", FarEnds(loopback_only=False))


@pytest.mark.parametrize("words", ["", "30", "30:1:2:3", "fast:1:2", "30:1:2.5"])
def test_a_demo_clock_that_cannot_be_read_is_refused(words: str) -> None:
    with pytest.raises(ClockRefused, match="RATE:MONO_NS:UTC_MS"):
        demo_clock(words, FarEnds(loopback_only=True))


@pytest.mark.parametrize("rate", [0, -1, 1_001])
def test_a_rate_out_of_range_is_refused(rate: int) -> None:
    with pytest.raises(ClockRefused, match="out of range"):
        demo_clock(f"{rate}:1:2", FarEnds(loopback_only=True))
