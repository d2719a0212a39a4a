"""The journal's disk fills up under the real core: a disk of its own, in a world of mounts of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from driver import Driver
from stand import RATE

from hardware.simulated.far_ends import Bank, BankKeys
from kiosk.core.clock import SystemClock
from kiosk.simulation.house import House

pytestmark = pytest.mark.asyncio

_UNSHARE = ("unshare", "-m") if os.geteuid() == 0 else ("unshare", "-rm")
_SIZE, _OTHERS = "200M", 172 << 20


def mounts(place: Path) -> bool:
    """Whether this machine lets us mount something for ourselves."""
    mount = f"mount -t tmpfs -o size=1M none '{place}'"
    return (
        shutil.which("unshare") is not None
        and subprocess.run((*_UNSHARE, "sh", "-c", mount), capture_output=True, check=False).returncode == 0
    )


@pytest_asyncio.fixture
async def house(folder: Path) -> AsyncIterator[House]:
    if not mounts(folder):
        pytest.skip("nothing can be mounted here")
    now = SystemClock.real().now()
    clock = SystemClock.fast(RATE, now.mono_ns, now.utc_ms)
    bank = Bank(BankKeys.fresh("LindenhofDemo"), clock)
    await bank.server.start()
    one = House(folder, clock, bank)
    one.journal.parent.mkdir(mode=0o750, exist_ok=True)
    # the core's own command, with its journal on a disk of 200 MB
    wrapper = folder / "python"
    mount = f"mount -t tmpfs -o size={_SIZE},mode=0750 none '{one.journal.parent}'"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(_UNSHARE)} sh -c "{mount}; exec \'{sys.executable}\' \\"\\$@\\"" sh "$@"\n')
    wrapper.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(wrapper))
        await one.start()
    yield one
    await one.stop()
    await bank.server.stop()


def log(house: House) -> str:
    return (house.folder / "core.log").read_text()


def seen_by_core(house: House) -> Path:
    return Path(f"/proc/{house.core.pid}/root{house.journal.parent}")


async def test_a_disk_that_fills_up_stops_new_sales_until_there_is_room(house: House) -> None:
    driver = await Driver.sit_down(house.socket)
    await driver.sees(lambda s: s.page == "idle", "a kiosk that sells")
    others = seen_by_core(house) / "others"
    descriptor = os.open(others, os.O_WRONLY | os.O_CREAT)
    os.posix_fallocate(descriptor, 0, _OTHERS)
    os.close(descriptor)
    await driver.sees(lambda s: s.page == "out_of_order", "a kiosk that does not")
    assert "nothing new is sold, what runs is finished" in log(house)
    others.unlink()
    await driver.sees(lambda s: s.page == "idle", "a kiosk that sells again")
    assert house.core.starts == 1
    await driver.leave()
