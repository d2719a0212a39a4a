"""When a terminal counts as away, and how soon it counts as back."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest
from core_bed import HandClock, settle

from hardware.api import TerminalHealth as Health
from kiosk.core.terminal_watch import DOUBT_S, STUCK, WELL_S, TerminalWatch
from kiosk.session.inputs import TerminalHealth

WELL = Health(True, "ready", host=True)
SILENT = Health(False, "no answer", host=False)
HOSTLESS = Health(True, "its host cannot be reached", host=False)
FAULTY = Health(False, "fault: CardReader", host=True)
BUSY = Health(True, "busy with a dialogue", host=True, busy=True)


@dataclass
class Bed:
    """A terminal that answers what is next in `says`, and the last of it for ever."""

    says: list[Health]
    told: list[tuple[bool, bool]] = field(default_factory=list)
    dialogue: str = "card"

    async def health(self) -> Health:
        return self.says.pop(0) if len(self.says) > 1 else self.says[0]

    async def tell(self, given: TerminalHealth) -> None:
        self.told.append((given.reachable, given.host))

    async def looks(self) -> list[tuple[bool, bool]]:
        watch = TerminalWatch(self, self.tell, HandClock())
        for _ in range(len(self.says)):
            await watch.look()
        return self.told


async def test_one_lost_answer_sends_nobody_away() -> None:
    assert await Bed([WELL, SILENT, WELL]).looks() == [(True, True), (True, True)]


async def test_a_terminal_that_stays_silent_is_away() -> None:
    assert await Bed([WELL, SILENT, SILENT]).looks() == [(True, True), (False, False)]


@pytest.mark.parametrize(("said", "told"), [(HOSTLESS, (True, False)), (FAULTY, (False, True))])
async def test_what_a_terminal_says_of_itself_counts_at_once(said: Health, told: tuple[bool, bool]) -> None:
    assert await Bed([said]).looks() == [told]


async def test_a_dialogue_is_a_sign_of_life_and_tells_nothing_else() -> None:
    assert await Bed([SILENT, BUSY, SILENT]).looks() == []


async def test_while_it_is_away_it_is_asked_often() -> None:
    clock, bed = HandClock(), Bed([SILENT, SILENT, SILENT, WELL])
    task = asyncio.create_task(TerminalWatch(bed, bed.tell, clock).run())
    await settle()
    for count in (0, 1, 2, 3):
        assert len(bed.told) == count
        clock.pass_(DOUBT_S)
        await settle()
    assert bed.told == [(False, False), (False, False), (True, True)]
    clock.pass_(WELL_S - 2 * DOUBT_S)
    await settle()
    assert len(bed.told) == 3
    clock.pass_(2 * DOUBT_S)
    await settle()
    assert len(bed.told) == 4
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_dialogue_that_is_none_of_ours_and_does_not_end_is_no_sign_of_life() -> None:
    bed = Bed([Health(True, "busy", busy=True)], dialogue="")
    watch = TerminalWatch(bed, bed.tell, HandClock())
    for _ in range(STUCK):
        await watch.look()
    assert bed.told == []
    await watch.look()
    assert bed.told == [(False, True)]
    bed.says = [Health(True, "well")]
    await watch.look()
    assert bed.told[-1] == (True, True)
