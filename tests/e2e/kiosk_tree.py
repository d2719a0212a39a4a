"""The supervisor of a kiosk as a process of its own: keeps core and screen running, until it is told to end or killed with all of them.

Argument: a JSON object, for each process its command line, with the file for what it says.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from kiosk.simulation.house import Process


async def supervise(told: dict[str, list[str]]) -> None:
    processes = [Process(name, words, Path(log)) for name, (log, *words) in told.items()]
    for process in processes:
        process.start()
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    await end.wait()
    for process in reversed(processes):
        await process.stop()


if __name__ == "__main__":
    asyncio.run(supervise(json.loads(sys.argv[1])))
