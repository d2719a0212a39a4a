"""What a conversion between tariff formats had to decide, or could not carry over.

A note is for whoever brings a tariff in or sends one out: nothing is decided in silence. What would make the price higher is never a note,
it is a `PricingError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Note:
    """`path` is where in the source; `message` says what was decided and why. `code` is for programs."""

    code: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: note: {self.code}: {self.message}"


class Owner(NamedTuple):
    """The operator a tariff belongs to, where the format does not say (ISO 3166 country, OCPI party)."""

    country_code: str
    party_id: str


NOBODY = Owner("ZZ", "ZZZ")  # ISO 3166 reserves ZZ for no country
