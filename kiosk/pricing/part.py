"""An exact part of a sum while it is worked out: a ratio of two integers that is never brought to lowest terms.

A live price is made anew at every reading, and with `Fraction` most of its time went into shortening what nobody looks at.
"""

from __future__ import annotations

from typing import NamedTuple


class Part(NamedTuple):
    """`above / below`; `below` is positive."""

    above: int
    below: int

    def times(self, above: int, below: int) -> Part:
        return Part(self.above * above, self.below * below)

    def plus(self, other: Part) -> Part:
        if self.below == other.below:
            return Part(self.above + other.above, self.below)
        return Part(self.above * other.below + other.above * self.below, self.below * other.below)

    def less(self, other: Part) -> Part:
        if self.below == other.below:
            return Part(self.above - other.above, self.below)
        return Part(self.above * other.below - other.above * self.below, self.below * other.below)

    def exceeds(self, other: Part) -> bool:
        return self.above * other.below > other.above * self.below

    def half_down(self) -> int:
        """The nearest integer, the lower one where two are as near."""
        return -((self.below - 2 * self.above) // (2 * self.below))


NOTHING = Part(0, 1)
