"""Everything that can happen to a sale, as values: what drivers, piles, terminals, the acquirer and the clock tell the kiosk."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from kiosk.metering.reading import Reading
from kiosk.pricing.quote import Quote
from kiosk.values import ConnectorId, Digest, Money, RequestRef, SessionId

# --- the driver, through the visit --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class QuoteAccepted:
    """The driver agreed to the price and the hold of a connector. The session's id is made by the visit, so that it can follow it."""

    session: SessionId
    connector: ConnectorId
    quote: Quote


@dataclass(frozen=True, slots=True)
class DiscountsOffered:
    """A sale may go on under these discounts (canonical text) instead of its own. They are taken only if no session can cost more by them.

    `why`: `card`, what the driver's card is entitled to; `site`, what the site gives to everybody by now, such as more sun.
    """

    session: SessionId
    discounts_json: str
    why: str


@dataclass(frozen=True, slots=True)
class AnotherCard:
    """After a decline the driver wants to try a second card."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class DriverCancelled:
    """The driver gives up before energy flows."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class MoreTime:
    """The driver needs longer to plug in."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class StartAgain:
    """The pile did not start; the driver wants it tried once more."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class CardRecognised:
    """The card that pays for this sale was held to the terminal again."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class StopCodeTyped:
    """`digest` is the keyed hash of what was typed; the session holds the one of the right code."""

    session: SessionId
    digest: Digest


@dataclass(frozen=True, slots=True)
class StopAsked:
    """Somebody entitled wants the charge to end: `by` is `code`, `card`, `tag`, `phone` or `operator`."""

    session: SessionId
    by: str


@dataclass(frozen=True, slots=True)
class Account:
    """Whose account a sale is owed on. `tag` is the keyed hash of the RFID tag that was shown, never its UID; `contract` the operator's own
    word for who pays; tags of one `group` may end each other's charges. One sale comes to `most` and `most_mwh` at most; an account with
    `several` may have more than one charge under way."""

    tag: Digest
    contract: str
    group: str = ""
    several: bool = False
    most: Money | None = None
    most_mwh: int | None = None


@dataclass(frozen=True, slots=True)
class TagAccepted:
    """A known tag was held to the reader at the price of a connector: the driver agrees to `quote`, to be paid on their account. `session`
    is a new sale's, or that of a sale which still waits for a card."""

    session: SessionId
    connector: ConnectorId
    quote: Quote
    account: Account


@dataclass(frozen=True, slots=True)
class TagRecognised:
    """The tag that a sale is owed by, or one of its group, was held to the reader again."""

    session: SessionId
    account: Account


@dataclass(frozen=True, slots=True)
class ReprintAsked:
    """The driver wants the receipt on paper (again)."""

    session: SessionId


# --- the operator -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RefundAsked:
    """Pay back `amount`, or all that is left of what was captured. `command` names this order: a repeat of it does nothing."""

    session: SessionId
    amount: Money | None
    by: str
    reason: str
    command: str


@dataclass(frozen=True, slots=True)
class ReviewClosed:
    """A person decided what becomes of a review; `mwh` is the energy they take for proven when they decide to capture."""

    session: SessionId
    code: str
    decision: str
    by: str
    reason: str
    mwh: int | None = None


# --- the pile, as `kiosk.ocpp` understood it ----------------------------------------------------------------------------------


class ConnectorStatus(Enum):
    """The states of a connector that matter to a sale, whatever OCPP version reported them."""

    AVAILABLE = "available"
    PREPARING = "preparing"  # cable in (or start accepted), no transaction
    CHARGING = "charging"
    SUSPENDED_EV = "suspended_ev"
    SUSPENDED_EVSE = "suspended_evse"
    FINISHING = "finishing"  # transaction over, cable still in
    RESERVED = "reserved"
    UNAVAILABLE = "unavailable"
    FAULTED = "faulted"


@dataclass(frozen=True, slots=True)
class PileConnected:
    pile: str


@dataclass(frozen=True, slots=True)
class PileLost:
    pile: str


@dataclass(frozen=True, slots=True)
class PileBooted:
    pile: str
    vendor: str
    model: str


@dataclass(frozen=True, slots=True)
class ConnectorChanged:
    """`number` is the OCPP connectorId; `error` the pile's own words, empty when all is well; `since` when it was so, by the clock that
    stamps its registers (UTC ms), if it says that."""

    pile: str
    number: int
    status: ConnectorStatus
    error: str = ""
    since: int | None = None


@dataclass(frozen=True, slots=True)
class SignedData:
    """A signed meter value as the pile sent it, to the byte; `digest` names it in evidence."""

    data: bytes = field(repr=False)
    digest: Digest | None = None


@dataclass(frozen=True, slots=True)
class TxStarted:
    """The pile began a transaction. The answer carries the transaction id: see `kiosk.session.decide.transaction_for`."""

    pile: str
    number: int
    id_tag: str
    begin: Reading
    frame: Digest | None = None  # the raw frame in evidence


@dataclass(frozen=True, slots=True)
class MeterRead:
    """`transaction` is the pile's claim and may be absent, late or wrong."""

    pile: str
    number: int
    transaction: int | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class SignedRead:
    """Signed values of a transaction's begin or end that came apart from its end. `transaction` as of `MeterRead`."""

    pile: str
    number: int
    transaction: int | None
    signed: tuple[SignedData, ...]


@dataclass(frozen=True, slots=True)
class TxEnded:
    """The pile ended a transaction. `transaction` may be -1 (OCPP 1.6 errata 3.18) or unknown; `begin` and `end` come from signed or
    transaction data when present, else from the start and stop registers; no `end` means that the pile told no register at all."""

    pile: str
    transaction: int
    id_tag: str
    begin: Reading | None
    end: Reading | None
    reason: str
    frame: Digest | None = None
    signed: tuple[SignedData, ...] = ()  # those that came before among them
    estimated: bool = False  # `end` is the last value heard before, because the end itself tells none


@dataclass(frozen=True, slots=True)
class PileFault:
    """A frame that could not be understood, or a device error worth an operator's eye."""

    pile: str
    detail: str


# --- outcomes of our own requests ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a receipt may say of a card. `recognition` is a keyed hash, never reversible."""

    brand: str = ""
    last4: str = ""
    auth_code: str = ""
    application_id: str = ""
    entry_mode: str = ""
    recognition: Digest | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    authorized: Money
    psp_reference: str
    tender_reference: str
    card: CardFacts
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """The acquirer took the request ("received"): its own reference for it."""

    psp_reference: str


@dataclass(frozen=True, slots=True)
class Printed:
    """`result` is a `hardware.api.PrintResult` value."""

    result: str


@dataclass(frozen=True, slots=True)
class Ok:
    """The far end did, or accepted, what was asked."""


@dataclass(frozen=True, slots=True)
class Done:
    result: Approval | Accepted | Printed | Ok


@dataclass(frozen=True, slots=True)
class Refused:
    """A final no. `code` is from the room that asked (`refused`, `no_card`, `rejected`, …)."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Nothing reached the far end; the attempt may be made again."""

    detail: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The far end may have acted. `hint` is `in_progress`, `not_found` or empty."""

    hint: str = ""
    detail: str = ""


Result = Done | Refused | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt at an open request has ended."""

    request: RequestRef
    result: Result


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The acquirer's last word on a modification, from a signed webhook. `reference` is ours, `operation` is `capture`, `cancel`, `refund`,
    `adjust`, or `authorisation`: a payment that was approved offline has reached its issuer."""

    reference: str
    psp_reference: str
    operation: str
    success: bool
    reason: str = ""
    amount: Money | None = None


# --- the kiosk itself ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KioskStarted:
    """Core came up. `sound` is false when the journal did not verify: then nothing new is sold."""

    sound: bool = True


@dataclass(frozen=True, slots=True)
class TerminalHealth:
    """What the terminal says of itself: whether it answers, and whether it reaches its host."""

    reachable: bool
    host: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ReaderHealth:
    """Whether the reader of RFID tags is there."""

    reachable: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DiskState:
    """Whether the journal's disk is nearly full."""

    low: bool


@dataclass(frozen=True, slots=True)
class TimePassed:
    """A deadline may have come."""


Input = (
    QuoteAccepted
    | DiscountsOffered
    | AnotherCard
    | DriverCancelled
    | MoreTime
    | StopCodeTyped
    | StopAsked
    | ReprintAsked
    | PileConnected
    | PileLost
    | PileBooted
    | ConnectorChanged
    | TxStarted
    | MeterRead
    | SignedRead
    | TxEnded
    | PileFault
    | Outcome
    | Confirmation
    | KioskStarted
    | StartAgain
    | CardRecognised
    | TagAccepted
    | TagRecognised
    | RefundAsked
    | ReviewClosed
    | TerminalHealth
    | ReaderHealth
    | DiskState
    | TimePassed
)
