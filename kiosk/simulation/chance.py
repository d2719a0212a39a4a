"""Chance that can be had again: every draw of a simulated world comes from its seed.

A world has one stream of chance for each thing that draws, so that a driver's habits do not change because a wire drew once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random  # noqa: TID251 - seeded, and nowhere near money: this is the die of the simulated world
from typing import TypeVar

T = TypeVar("T")


class Chance(Random):
    """A seeded die."""

    @classmethod
    def of(cls, seed: int, stream: str) -> Chance:
        """The stream `stream` of the world `seed`: the same on every machine."""
        return cls(f"{seed}/{stream}")

    def randint(self, a: int, b: int) -> int:
        """As it is in the library, without the checks that the worlds need not pay for."""
        return a + self._randbelow(b - a + 1)  # type: ignore[attr-defined, no-any-return]

    def strikes(self, odds: float) -> bool:
        """True with probability `odds`."""
        return self.random() < odds

    def among(self, table: Sequence[tuple[T, float]]) -> T:
        """One of the table's entries, by weight."""
        left = self.random() * sum(weight for _, weight in table)
        for entry, weight in table:
            left -= weight
            if left < 0:
                return entry
        return table[-1][0]

    def ms(self, low: float, high: float) -> int:
        """Milliseconds between `low` and `high` seconds."""
        return self.randint(int(low * 1_000), int(high * 1_000))


def world_seed(seed: int, number: int) -> int:
    """The seed of the run's world `number`. World 0 has the run's own, so that one failing world can be played alone."""
    return seed if number == 0 else Random(f"{seed}/world/{number}").getrandbits(48)  # noqa: S311 - not a secret
