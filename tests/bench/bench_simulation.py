"""How many sales a core plays in the simulated world in a second of its own time (bar: 200), and how much happens in each (bar: 25 facts).

The median of several runs in processor time, so that what else the machine does counts little. What is loaded once is loaded before.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from bar import Bar

from kiosk.simulation.series import run

SEEDS = range(1, 6)
SALES = 200


def bars() -> Iterator[Bar]:
    run(80, 99)
    rates, facts, sales = [], 0, 0
    for seed in SEEDS:
        began = time.process_time()
        report = run(SALES, seed)
        rates.append(report.sessions / (time.process_time() - began))
        facts, sales = facts + report.facts, sales + report.sessions
    print(f"simulated sessions a second of one core: {min(rates):.0f} to {max(rates):.0f} in {len(rates)} runs of {SALES}")
    yield Bar("simulated sessions, of one core's time", statistics.median(rates), 200, "sessions/s", at_least=True)
    yield Bar("facts of a simulated session, mean", facts / sales, 25, "facts", at_least=True)


def main() -> None:
    for bar in bars():
        print(*bar.row(), sep="  ")


if __name__ == "__main__":
    main()
