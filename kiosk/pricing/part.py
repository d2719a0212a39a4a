"""An exact part of a sum while it is worked out: a ratio of two integers that is never brought to lowest terms.

A live price is made anew at every reading, and with `Fraction` most of its time went into shortening what nobody looks at.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple


class Part(NamedTuple):
    """`above / below`; `below` is positive."""

    above: int
    below: int

    def times(self, above: int, below: int) -> Part:
        return Part(self.above * above, self.below * below)

    def plus(self, other: Part) -> Part:
        return Part(self.above * other.below + other.above * self.below, self.below * other.below)

    def less(self, whole: int) -> Part:
        """Without a whole amount, and never below nothing."""
        return Part(max(0, self.above - whole * self.below), self.below)

    def most(self, other: Part) -> Part:
        """The smaller of the two."""
        return self if self.above * other.below <= other.above * self.below else other

    def fraction(self) -> Fraction:
        return Fraction(self.above, self.below)


NOTHING = Part(0, 1)
