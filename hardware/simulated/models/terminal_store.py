"""Store and forward: the payments a simulated terminal approved by itself while its host was away, and what they still need.

A terminal does this only where its owner has set all limits, and it keeps what it stored through a loss of power.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from hardware.simulated.models.terminal_wire import Authorization, Failure
from kiosk.values import Money

FORWARD_MS = 2_000  # after the host is back, and from one payment to the next


@dataclass(frozen=True, slots=True)
class StoreAndForward:
    """The owner's limits: `max_amount` in minor units for each currency, `max_payments` waiting at a time."""

    max_amount: Mapping[str, int]
    max_payments: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A payment that waits for the host, and why the host will say no, if it will."""

    record: Authorization
    refusal: Failure | None


class Store:
    """What waits. `terms` may change at any time; what was stored stays."""

    def __init__(self, terms: StoreAndForward | None) -> None:
        self.terms = terms
        self._waiting: deque[Stored] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def takes(self, amount: Money) -> bool:
        """Whether the terminal may approve `amount` by itself now."""
        if self.terms is None:
            return False
        return len(self) < self.terms.max_payments and amount.minor <= self.terms.max_amount.get(amount.currency, -1)

    def put(self, stored: Stored) -> None:
        self._waiting.append(stored)

    def first(self) -> Stored:
        """The oldest, which is forwarded now."""
        return self._waiting.popleft()
