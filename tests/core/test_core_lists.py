"""The tables of sales beside a journal that goes on: kept up, and made anew when their file is damaged under them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from core_shelf import Shelf

from kiosk.core.lists import Lists
from kiosk.journal.files import Layout
from kiosk.journal.journal import Journal
from kiosk.journal.views import Views


@dataclass
class Steps:
    """Runs until the tables are kept up so many times, and does what the test wants each time they are."""

    acts: list[Callable[[], object]]
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if seconds == 5:
            if not self.acts:
                raise asyncio.CancelledError
            self.acts.pop(0)()


def garbage(path: Path) -> None:
    """The medium loses what it was given: all but the first page, which an open connection keeps."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xa5" * (size - 4_096))


def listed(path: Path) -> list[object]:
    with Views.open(path) as views:
        return list(views.rows("sales"))


async def kept_up(path: Path, *acts: Callable[[], object]) -> list[float]:
    clock = Steps(list(acts))
    with pytest.raises(asyncio.CancelledError):
        await Lists(path, lambda: False, clock).run()
    return clock.slept


async def test_tables_damaged_while_the_kiosk_runs_are_made_anew_and_no_sale_notices(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path, reserve_bytes=0) as journal:
        shelf = Shelf(journal)
        views = Layout(path).views

        def sell(times: int) -> None:
            for _ in range(times):
                shelf.pays_with("a card's")
                shelf.cancelled()

        def damage() -> None:
            with Views.open(path) as other:
                other._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            garbage(views)
            sell(3)

        sell(60)
        await kept_up(path, lambda: sell(3), damage, lambda: None)
        assert [record.name for record in caplog.records] == ["kiosk.core.lists"]
        assert "is damaged and made anew" in caplog.text
        assert len(listed(path)) == 66
        assert journal.verify().sound


async def test_a_medium_that_damages_them_again_and_again_is_tried_ever_more_rarely(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path, reserve_bytes=0):
        pass
    lists = Lists(path, lambda: False, Steps([]))
    assert [await lists._throw_away() for _ in range(9)] == [5, 10, 20, 40, 80, 160, 320, 600, 600]
