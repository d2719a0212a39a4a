"""What a first start reads of a long journal gives the kiosk that the whole of it gives, whatever has happened to its sales."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.core.image import image
from kiosk.journal.reader import Reader
from kiosk.session.behind import COUNTED, TURNS, needed
from kiosk.session.codec import KIOSK_STREAM
from kiosk.session.evolve import evolve, fold
from kiosk.session.facts import Fact
from kiosk.session.state import Kiosk
from kiosk.simulation.life import Fitting
from kiosk.simulation.machine import Machine
from kiosk.simulation.world import World

Row = tuple[int, str, str, Fact]
SALES = 60
EVERY = 127  # entries, at which a start is tried


@pytest.fixture
def journals(monkeypatch: pytest.MonkeyPatch) -> dict[Machine, list[Row]]:
    """What lay on the kiosks' disks when their world was over."""
    found: dict[Machine, list[Row]] = {}
    close = Machine.close

    def close_and_keep(machine: Machine) -> None:
        rows = Reader(machine.medium.journal, Path("journal.db")).read()
        found[machine] = [(row.seq, row.stream, row.kind, machine.medium.fact_of(row)) for row in rows]
        close(machine)

    monkeypatch.setattr(Machine, "close", close_and_keep)
    return found


def read(rows: list[Row]) -> list[Fact]:
    must = needed((seq, stream, kind) for seq, stream, kind, _ in rows if kind in TURNS)
    alone = frozenset(must.alone)
    return [fact for seq, stream, kind, fact in rows if seq > must.quiet or stream == KIOSK_STREAM or kind in COUNTED or seq in alone]


@pytest.mark.parametrize("seed", range(3))
def test_a_start_that_reads_what_is_needed_is_the_start_that_reads_it_all(seed: int, journals: dict[Machine, list[Row]]):
    World(seed, SALES, Fitting()).play()
    skipped = 0
    for machine, rows in journals.items():
        whole = Kiosk(machine.setup)
        for number, row in enumerate(rows, 1):
            whole = evolve(whole, row[3])
            if number % EVERY and number < len(rows):
                continue
            facts = read(rows[:number])
            assert image(fold(Kiosk(machine.setup), facts)) == image(whole), f"{machine.name} after {number} of its entries"
            skipped += number - len(facts)
    assert skipped > 1_000
