"""What a source of discounts is: one question, one answer with an end.

A package adds its own by an entry point in the group `pilepay.sources`: a callable that takes the options of its table in `kiosk.toml` and
returns a `Source`. It is asked in a thread of its own, so that even one that blocks holds up nobody but itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kiosk.pricing.discounts import Discount
from kiosk.values import Digest


class SourceError(ValueError):
    """A source that cannot be asked, or whose answer makes no sense. The message never holds what a card is known by."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is taken off at `utc_ms`? For everybody, or for the driver whose card is known by one of `cards` (keyed hashes).

    Amounts are wanted in `currency`; rules that speak of local time mean `zone`.
    """

    utc_ms: int
    currency: str
    zone: str
    cards: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Good until `until_utc_ms`. Energy that an entitlement has left was so `as_of_utc_ms`; what the kiosk gave since then is taken off it;
    None: now."""

    discounts: tuple[Discount, ...]
    until_utc_ms: int
    as_of_utc_ms: int | None = None


class Source(Protocol):
    """Somebody who knows of discounts. An ask that fails raises; it is asked again, and meanwhile its last good answer stands."""

    async def ask(self, question: Question) -> Answer: ...
