"""A kiosk with a past: its core starts from what was kept, and what the slow proof finds in old entries stops new sales for good."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio
from driver import Driver
from stand import RATE, until

sys.path.extend(str(Path(__file__).parent.parent / room) for room in ("journal", "session"))

from many_sales import grow

from hardware.simulated.far_ends import Bank, BankKeys
from kiosk.core.clock import SystemClock
from kiosk.journal.journal import Journal
from kiosk.journal.reader import Reader
from kiosk.journal.views import Views
from kiosk.simulation.house import House

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def house(folder: Path) -> AsyncIterator[House]:
    now = SystemClock.real().now()
    clock = SystemClock.fast(RATE, now.mono_ns, now.utc_ms)
    bank = Bank(BankKeys.fresh("LindenhofDemo"), clock)
    await bank.server.start()
    one = House(folder, clock, bank, "K417")
    one.journal.parent.mkdir(mode=0o750, exist_ok=True)
    with Journal.open(one.journal) as journal:
        grow(journal, 3_000, checkpoint_every=10)
    await one.start()
    yield one
    await one.stop()
    await bank.server.stop()


def log(house: House) -> str:
    file = house.folder / "core.log"
    return file.read_text() if file.exists() else ""


async def page(house: House, name: str) -> None:
    driver = await Driver.sit_down(house.socket)
    await driver.sees(lambda s: s.page == name, name)
    await driver.leave()


async def test_the_past_is_proved_kept_and_listed_behind_the_screen(house: House) -> None:
    await page(house, "idle")
    await until(lambda: "of the journal verify" in log(house), "the proof")
    await until(house.journal.with_suffix(".fold").exists, "the kept state")

    def listed() -> bool:
        with Reader.open(house.journal) as reader, Views.in_memory(house.journal) as views:
            return views.seq > 3_000 and not views.follow(reader, 1)

    await until(listed, "the list of sales")
    await house.core.kill()
    await until(lambda: house.core.starts == 2, "core to come back")
    await page(house, "idle")
    assert "every entry is read again" not in log(house).split("is up")[1]


async def test_an_old_entry_that_was_edited_stops_new_sales_for_good(house: House) -> None:
    await page(house, "idle")
    await until(house.journal.with_suffix(".fold").exists, "the kept state")
    await house.core.stop()
    with closing(sqlite3.connect(house.journal)) as db:
        db.execute("UPDATE entries SET body = CAST(replace(body, '5000', '9000') AS BLOB) WHERE kind = 'PaymentAuthorized' AND seq < 500")
        db.commit()
    house.core.start()
    await until(lambda: "the journal does not verify" in log(house), "the proof to fail")
    assert "was edited" in log(house)
    await until(lambda: "Nothing new is sold until it does" in log(house), "core to come back in doubt")
    await page(house, "out_of_order")
    await house.core.kill()
    await until(lambda: log(house).count("Nothing new is sold until it does") == 2, "the doubt to be remembered")
    await page(house, "out_of_order")
