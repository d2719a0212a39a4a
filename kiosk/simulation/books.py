"""The world's own books: what really happened, as people, piles, banks and paper know it. The checker reads these and nothing else.

Nothing in them comes from the kiosk's state. What the kiosk says appears only as others see it: an entry on the operator's list, a receipt.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hardware.simulated.models.acquirer_books import Payment
from hardware.simulated.models.csms import Payload, Transaction
from hardware.simulated.models.pile_connector import Delivery
from kiosk.simulation.terms import Terms


@dataclass(slots=True)
class Charge:
    """One transaction of a pile. `begin` and `reported` are what its registers told (mWh), once the kiosk acknowledged it.

    `heard`: it acknowledged the end.
    """

    truth: Delivery
    begin: int | None = None
    started: object = None  # the time that its StartTransaction bore
    reported: int | None = None
    heard: bool = False
    odd_meter: bool = False  # the display lied for a while
    wrong_clock: bool = False  # the kiosk had a wrong time meanwhile
    looked_at: bool = False
    heard_ms: int = 0  # when the kiosk acknowledged the last it was told of it
    troubled: bool = False  # something went wrong between the pile and the kiosk meanwhile
    pile_odd: set[str] = field(default_factory=set)  # the same of the whole pile
    odd_words: set[str] = field(default_factory=set)  # what the pile's firmware was to get wrong
    rests: list[tuple[int, int]] = field(default_factory=list)  # from when to when the car drew nothing by a plan of its own
    full_ms: int | None = None  # when the car wanted no more
    gone_ms: int | None = None  # when the cable was pulled
    told_ms: int | None = None  # when the kiosk acknowledged that it was

    @property
    def parked_ms(self) -> int:
        """How long the car only stayed, as far as the kiosk can have known: until it was told that the cable is out."""
        if self.gone_ms is None or self.truth.end_ms is None:
            return 0
        drew_until = self.truth.end_ms if self.full_ms is None else min(self.full_ms, self.truth.end_ms)
        return max(0, max(self.gone_ms, self.told_ms or 0) - drew_until) + self.rested_ms

    @property
    def rested_ms(self) -> int:
        """How long it drew nothing before the end."""
        until = min(self.truth.end_ms or self.full_ms or 0, self.full_ms or self.truth.end_ms or 0)
        return sum(max(0, min(end, until) - begin) for begin, end in self.rests)


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
    declined_later: bool = False  # the issuer said no to what the terminal had approved alone
    card: str = ""  # what the card that paid is known by
    free: bool = False  # the screen said that the charge is given away
    agreed_ms: int = 0
    hold: int = 0  # what the driver agreed to have reserved at first
    tries: int = 0  # how often they had a start tried anew
    contract: str = ""  # of the RFID tag that they held to the reader to pay; empty: none
    most: int | None = None  # what one charge on that account may come to

    @property
    def over(self) -> bool:
        """A charge was made, and none runs any more."""
        return bool(self.charges) and all(charge.truth.end_ms is not None for charge in self.charges)


@dataclass(slots=True)
class Order:
    """What an operator wanted of a sale. `what` is `capture`, `release`, `retry` or `settled` (the decision on a review, `code`), `refund`
    (ordered at the kiosk under `command`), `refund by hand` or `cancel by hand` (made in the acquirer's own pages)."""

    kiosk: str
    sale: str
    what: str
    at_ms: int
    code: str = ""
    minor: int | None = None  # of a refund; None: all that is left
    mwh: int | None = None  # taken for proven
    command: str = ""
    taken: bool = False  # the kiosk, or the acquirer, said yes


@dataclass(frozen=True, slots=True)
class Note:
    """A credit note as the kiosk issued it. `request` is its own reference of the refund, or of what it learned of one."""

    kiosk: str
    number: int
    minor: int
    sale: str
    request: str


@dataclass(frozen=True, slots=True)
class Owed:
    """What the operator is told to bill a contract for one sale."""

    kiosk: str
    sale: str
    contract: str
    minor: int
    at_ms: int


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
    """A receipt as the kiosk issued it: `captured` in minor units, `payment` the acquirer's reference of the reservation; of a sale on
    account, that it is one."""

    kiosk: str
    number: int
    captured: int
    payment: str
    sale: str = ""
    mwh: int = 0  # that it says was delivered


@dataclass(frozen=True, slots=True)
class Paper:
    """What can be read on a printed receipt; None where it cannot."""

    kiosk: str
    number: int | None
    captured: int | None
    copy: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Charged:
    """A charge as the kiosk's own journal shows it, a sale's or one that no sale explains. Registers are mWh. `mwh` is what the kiosk takes
    for delivered, None where nothing proves it."""

    kiosk: str
    name: str
    connector: int  # as the operator's system numbers it
    begin_mwh: int
    began: tuple[str, ...]  # its moment, by the meter and by the kiosk
    values: tuple[int, ...]
    ended: bool = False
    end_mwh: int | None = None
    mwh: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What the operator's own system has in its books of one kiosk, and what it noted of its station (`broken`).

    `asides` are what the kiosk shows as set aside (charge, message, reason), `befell` the messages that were refused or not answered in
    time; `waiting` messages are still to come.
    """

    kiosk: str
    transactions: list[Transaction]
    broken: list[str]
    asides: list[tuple[str, str, str]]
    befell: list[tuple[str, Payload]]
    waiting: int


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
    orders: list[Order] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    told: dict[str, int] = field(default_factory=dict)  # adjustments a kiosk was told of, by its reference, and when
    untold: set[str] = field(default_factory=set)  # references of payments of which the acquirer's news never left it
    hit: dict[str, set[str]] = field(default_factory=dict)  # faults that struck a payment's messages, by its reference
    cards_away: dict[str, list[list[int]]] = field(default_factory=dict)  # by kiosk: from when to when no issuer was reached
    first: dict[str, int] = field(default_factory=dict)  # what each payment had reserved before it grew; 0: the terminal had approved alone
    alone: dict[str, int] = field(default_factory=dict)  # by kiosk: what a sale may come to that no issuer has seen
    outages: dict[str, list[list[int]]] = field(default_factory=dict)  # by kiosk: days without internet
    upstreams: list[Told] = field(default_factory=list)
    charged: list[Charged] = field(default_factory=list)  # of the kiosks that have one
    hold_ms: int = 28 * 86_400_000  # how long issuers keep a reservation
    ended_ms: int = 0  # when the world ended
    broken_journals: list[str] = field(default_factory=list)
    died: list[str] = field(default_factory=list)
