"""What the product asks of devices: small capabilities, each with one attempt per call.

A driver never retries and never guesses: it answers, or raises `NotSent` when the device cannot have acted, or `AnswerLost` when it may
have. Retrying is the caller's decision, on journalled time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from kiosk.values import Money


class DeviceError(Exception):
    """Something between us and a device went wrong."""


class NotSent(DeviceError):
    """The device cannot have seen the request: nothing happened."""


class AnswerLost(DeviceError):
    """The device may have acted, but its answer did not reach us. Ask, never repeat."""


# --- payment terminal -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PreauthorizationOrder:
    """One request to reserve `amount` on the card presented next."""

    reference: str  # our SaleTransactionID; the acquirer knows the payment by it
    service_id: str  # names this dialogue at the terminal: 1-10 alphanumerics, unique within 48 h
    amount: Money
    language: str  # ISO 639-1, for the terminal's own display
    utc_ms: int


@dataclass(frozen=True, slots=True)
class IdentifyOrder:
    """One request to read the card presented next and tell what it is recognised by. It is no payment and reserves nothing.

    `amount` is only for a terminal that reads no contactless card without one; it is shown at most, never charged.
    """

    reference: str
    service_id: str  # as in `PreauthorizationOrder`
    language: str
    utc_ms: int
    amount: Money | None = None


class Farewell(Enum):
    """What the terminal shows when an identification is finished."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Card:
    """What may be known of a card: never its number.

    `recognition` is the raw PAR, else the alias; `alias` the raw alias beside a PAR. Both go, keyed, into evidence and nowhere else, and
    neither shows in a `repr`. A card that cannot be recognised has neither.
    """

    brand: str = ""
    last4: str = ""
    auth_code: str = ""
    application_id: str = ""
    entry_mode: str = ""
    recognition: str = field(default="", repr=False)
    alias: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Approved:
    """The issuer reserved `authorized`, which may be less than asked for.

    With `offline` the terminal approved by itself and will ask the issuer later: until then `psp_reference` may be empty, and our own
    reference and `tender_reference` are what the payment is known by.
    """

    authorized: Money
    psp_reference: str
    tender_reference: str
    card: Card
    offline: bool = False


class DeclineReason(Enum):
    """Why no money was reserved, as far as the terminal tells."""

    REFUSED = "refused"
    INVALID_CARD = "invalid_card"
    WRONG_PIN = "wrong_pin"
    CANCELLED = "cancelled"  # by the driver, at the terminal
    ABORTED = "aborted"  # by us
    NO_CARD = "no_card"  # nobody presented one in time
    BUSY = "busy"  # the terminal is in another dialogue
    UNAVAILABLE = "unavailable"  # device or host out of service
    NOT_ALLOWED = "not_allowed"  # configuration fault
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Declined:
    reason: DeclineReason
    detail: str = ""  # for the operator; never a card number
    running: str = ""  # with BUSY: the ServiceID of the dialogue the terminal is in, where it names it


class DialogueState(Enum):
    """Answers to `status` that are not a result."""

    IN_PROGRESS = "in_progress"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class TerminalHealth:
    """`ok`: the terminal answers and is in order, be it in a dialogue. `host`: its host can be reached, so issuers can be asked."""

    ok: bool
    detail: str
    host: bool = True
    busy: bool = False  # it is in a dialogue, whoever began it


class EventKind(Enum):
    """What happened, as far as it changes what a kiosk says."""

    READY = "ready"  # the terminal asks for a card
    CARD_PRESENTED = "card_presented"  # held to the reader or swiped
    CARD_INSERTED = "card_inserted"  # it sits in the slot until CARD_REMOVED
    PIN_WANTED = "pin_wanted"
    PIN_ENTERED = "pin_entered"
    ANOTHER_CARD = "another_card"  # this one serves for no preauthorization
    FINAL = "final"  # the dialogue is over; how it ended is in the answer
    CARD_REMOVED = "card_removed"
    AWAY = "away"  # shutting down, in maintenance or out of order
    BACK = "back"
    ALARM = "alarm"  # somebody tampers with the terminal
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class TerminalEvent:
    """One thing a terminal told. `name` is its own word for it; ids are empty where it named none.

    `service_id` is the ServiceID of the payment it belongs to: an event of another dialogue than the one running is old news.
    """

    kind: EventKind
    name: str
    service_id: str = ""
    tender_reference: str = ""


class PaymentTerminal(Protocol):
    """A device that takes cards. It has one dialogue at a time."""

    async def preauthorize(self, order: PreauthorizationOrder) -> Approved | Declined:
        """Ask for a card and reserve money on it. Raises `NotSent` or `AnswerLost`."""
        ...

    async def status(self, order: PreauthorizationOrder, service_id: str) -> Approved | Declined | DialogueState:
        """What became of `order`; `service_id` names this question. Raises `NotSent` or `AnswerLost`."""
        ...

    async def abort(self, order: PreauthorizationOrder | IdentifyOrder, service_id: str) -> None:
        """Ask the terminal to give up `order`. Its true outcome is still the answer to `preauthorize` or `identify`.

        Raises `NotSent` or `AnswerLost`.
        """
        ...

    async def identify(self, order: IdentifyOrder) -> Card | Declined:
        """Ask for a card and tell what it is recognised by. Raises `NotSent` or `AnswerLost`.

        After a `Card`, and after `AnswerLost`, the terminal may still hold the card's data and be deaf to all else: `release` must follow.
        After a `Declined` it is over.
        """
        ...

    async def release(self, service_id: str, farewell: Farewell) -> Declined | None:
        """Finish an identification once its card was read, whoever began it, and show `farewell`. A payment is never touched by it.

        None when it was finished; `Declined` when the terminal had none to finish, or is busy with something else. Raises `NotSent` or
        `AnswerLost`; doing it twice does no harm.
        """
        ...

    async def diagnose(self, service_id: str) -> TerminalHealth:
        """How the terminal is, and whether it reaches its host. Raises nothing."""
        ...


# --- receipt printer --------------------------------------------------------------------------------------------------------------


class PrintResult(Enum):
    PRINTED = "printed"  # the printer confirmed the end of the job
    UNCONFIRMED = "unconfirmed"  # bytes were taken, no confirmation came: never resend blindly
    INTERRUPTED = "interrupted"  # paper ended or cover opened in the job


class PrinterState(Enum):
    READY = "ready"
    PAPER_LOW = "paper_low"
    NO_PAPER = "no_paper"
    COVER_OPEN = "cover_open"
    OFFLINE = "offline"


class ReceiptPrinter(Protocol):
    """A printer of ready-made bytes."""

    async def state(self) -> PrinterState: ...

    async def print(self, job: bytes, number: int) -> PrintResult:
        """Print `job`; `number` (1-9999) names it for the confirmation.

        Raises `NotSent` when the printer took nothing (no paper, offline).
        """
        ...


# --- card reader (RFID) -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tap:
    """A tag was held to a reader. `uid` is in wire order, upper-case hex; empty where the tag makes up a new number each time."""

    reader: str
    uid: str = field(repr=False)


class CardReader(Protocol):
    """A reader of RFID tags; calls back from its own event, never blocking the loop."""

    async def run(self, tapped: Callable[[Tap], None], ready: Callable[[], None]) -> None:
        """One connection, until it is lost: `ready` once tags can be read, `tapped` for each, again and again while one lies there.

        Raises `NotSent` when the reader is not there, `AnswerLost` when it was and is gone. The caller decides about another.
        """
        ...
