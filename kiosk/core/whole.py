"""Work on another thread that is done to its end: what it uses must not be closed under it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def whole(work: Callable[[], T]) -> T:
    """Do `work` on another thread, to its end even when nobody waits for it any more. Raises what it raises."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
