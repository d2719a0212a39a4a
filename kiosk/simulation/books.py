"""The world's own books: what really happened, as people, piles, banks and paper know it. The checker reads these and nothing else.

Nothing in them comes from the kiosk's state. What the kiosk says appears only as others see it: an entry on the operator's list, a receipt.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hardware.simulated.models.acquirer_books import Payment
from hardware.simulated.models.pile_connector import Delivery
from kiosk.simulation.terms import Terms


@dataclass(slots=True)
class Charge:
    """One transaction of a pile. `begin` and `reported` are what its registers told (mWh), once the kiosk acknowledged it.

    `heard`: it acknowledged the end.
    """

    truth: Delivery
    begin: int | None = None
    reported: int | None = None
    heard: bool = False
    odd_meter: bool = False  # the display lied for a while
    full_ms: int | None = None  # when the car wanted no more
    gone_ms: int | None = None  # when the cable was pulled
    told_ms: int | None = None  # when the kiosk acknowledged that it was

    @property
    def parked_ms(self) -> int:
        """How long the car only stayed, as far as the kiosk can have known: until it was told that the cable is out."""
        if self.gone_ms is None or self.truth.end_ms is None:
            return 0
        drew_until = self.truth.end_ms if self.full_ms is None else min(self.full_ms, self.truth.end_ms)
        return max(0, max(self.gone_ms, self.told_ms or 0) - drew_until)


@dataclass(slots=True)
class Stay:
    """One driver at one connector, from the price page to the empty bay."""

    number: int
    kiosk: str
    pile: str
    connector: str
    terms: Terms
    arrived_ms: int
    left_ms: int | None = None
    agreed: bool = False
    gave_up: bool = False  # cancelled, or walked away from the payment
    sale: str = ""  # the sale's number as the screen showed it; for stories only
    paid_with: list[str] = field(default_factory=list)  # references of the payments this driver's cards were held for
    asked_to_stop: list[tuple[int, str]] = field(default_factory=list)  # when, and who: `owner` or `stranger`
    charges: list[Charge] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the operator's list: something a person must look at."""

    kiosk: str
    at_ms: int  # true time at which it was on the list
    code: str
    sale: str  # empty when no sale explains it
    connector: str
    text: str


@dataclass(frozen=True, slots=True)
class Slip:
    """A receipt as the kiosk issued it: `captured` in minor units, `payment` the acquirer's reference of the reservation."""

    kiosk: str
    number: int
    captured: int
    payment: str


@dataclass(frozen=True, slots=True)
class Paper:
    """What can be read on a printed receipt; None where it cannot."""

    kiosk: str
    number: int | None
    captured: int | None
    copy: bool
    whole: bool


@dataclass(slots=True)
class Books:
    """All of one world, when everything has come to rest. `died` are the ways in which a core ended by itself."""

    stays: list[Stay]
    payments: tuple[Payment, ...]
    entries: list[Entry]
    slips: list[Slip]
    papers: list[Paper]
    margin: int  # minor units below the hold at which a kiosk stops a charge
    report_s: int  # how often the piles report their meter
    broken_journals: list[str] = field(default_factory=list)
    died: list[str] = field(default_factory=list)
