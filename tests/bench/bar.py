"""One promise of the product with a number to it, as `make bench` measures and prints it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """`value` may be at most `bound`, or with `at_least` no less. Both are in `unit`; `x` is a ratio of two things measured in this run."""

    name: str
    value: float
    bound: float
    unit: str = "x"
    at_least: bool = False

    @property
    def held(self) -> bool:
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    @property
    def share(self) -> float:
        """How much of what is allowed was used: 1 is the bound itself, less is better."""
        part, whole = (self.bound, self.value) if self.at_least else (self.value, self.bound)
        return part / whole if whole else float("inf")

    def row(self) -> tuple[str, str, str, str, str]:
        sign = ">=" if self.at_least else "<="
        measured, bound = f"{self.value:,.4g} {self.unit}", f"{sign} {self.bound:,.4g} {self.unit}"
        return self.name, measured, bound, f"{self.share:.2f}", "held" if self.held else "BROKEN"
