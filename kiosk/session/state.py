"""The state of a kiosk and its sales: what the facts so far add up to. Values only; `kiosk.session.evolve` makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from kiosk.metering.reading import Delivered, Reading
from kiosk.pricing.quote import Quote
from kiosk.session.facts import AccountCharged, AccountCredited, Priced, SignedValuesWeighed
from kiosk.session.inputs import Account, Approval, ConnectorStatus
from kiosk.session.setup import Setup
from kiosk.values import ConnectorId, Digest, Moment, Money, PaymentRef, RequestRef, SessionId

_ASKED_S = 60  # from a start until the terminal has been asked more than once what it did while we were off


class PaymentState(Enum):
    """A preauthorization: `requested -> authorized | declined | unknown | not_sent`, `unknown -> authorized | declined | given_up`."""

    REQUESTED = "requested"
    AUTHORIZED = "authorized"
    DECLINED = "declined"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class Payment:
    ref: PaymentRef
    amount: Money
    service_id: str
    language: str
    body_hash: Digest
    requested_at: Moment
    give_up_at: Moment
    state: PaymentState = PaymentState.REQUESTED
    changed_at: Moment | None = None
    approval: Approval | None = None
    wanted: bool = False
    usable: Money | None = None  # what the sale may spend of it; grows with an adjustment
    expires_at: Moment | None = None
    code: str = ""  # why it was declined or given up
    not_found: int = 0  # consecutive answers "never heard of it"

    @property
    def open(self) -> bool:
        """Money may be, or may become, reserved without us knowing."""
        return self.state is PaymentState.REQUESTED or self.state is PaymentState.UNKNOWN

    def asked_before(self, started: Moment | None) -> bool:
        """Whether the kiosk, which `started` then, was off since it asked for the card."""
        return started is not None and started.ms_since(self.requested_at) > 0

    def gives_up_at(self, started: Moment | None) -> Moment:
        """When an unknown outcome stops blocking the connector. After a start the terminal is asked first, whatever the clock says now."""
        if started is None or not self.asked_before(started):
            return self.give_up_at
        asked = started.plus(_ASKED_S)
        return asked if asked.ms_since(self.give_up_at) > 0 else self.give_up_at

    @property
    def stored(self) -> bool:
        """Approved by the terminal alone: no issuer has seen it yet, and the acquirer has no reference for it."""
        return self.state is PaymentState.AUTHORIZED and self.approval is not None and self.approval.offline

    @property
    def fault(self) -> str:
        """Why it came to nothing so far (`kiosk.session.faults`); empty when it did not."""
        by_state = {
            PaymentState.AUTHORIZED: "" if self.wanted else "terminal_silent",
            PaymentState.DECLINED: self.code,
            PaymentState.UNKNOWN: "money_unknown",
            PaymentState.GIVEN_UP: "terminal_silent",
            PaymentState.NOT_SENT: "terminal_away",
        }
        return by_state.get(self.state, "")


class ModificationState(Enum):
    """A capture, cancel, adjustment or refund: `requested -> submitted -> confirmed | failed`, or `refused`, or `lapsed`."""

    REQUESTED = "requested"
    SUBMITTED = "submitted"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    REFUSED = "refused"
    LAPSED = "lapsed"  # never answered until its key was no longer safe: nobody knows whether it was done


@dataclass(frozen=True)
class Modification:
    request: RequestRef
    payment: PaymentRef
    operation: str  # `capture` | `cancel` | `cancel_by_reference` | `adjust` | `refund`
    key: str
    psp_reference: str
    amount: Money | None
    body_hash: Digest
    requested_at: Moment
    alarm_at: Moment
    resend_until: Moment
    state: ModificationState = ModificationState.REQUESTED
    submitted_at: Moment | None = None
    submitted_as: str = ""  # the acquirer's own reference for it
    alarmed: bool = False


class Stage(Enum):
    """Where the energy side of a sale stands."""

    PAYING = "paying"
    WAITING_FOR_PLUG = "waiting_for_plug"
    START_REQUESTED = "start_requested"
    START_FAILED = "start_failed"  # what is reserved is kept for a moment, for another try
    DELIVERING = "delivering"
    SUSPENDED = "suspended"
    STOP_REQUESTED = "stop_requested"
    ENDED = "ended"
    VACATED = "vacated"
    GIVEN_UP = "given_up"  # before any energy


FLOWING = (Stage.DELIVERING, Stage.SUSPENDED, Stage.STOP_REQUESTED)


@dataclass(frozen=True, slots=True)
class Start:
    request: RequestRef
    id_tag: str
    plugged: bool
    until: Moment
    asked_at: Moment | None = None
    answered: bool = False
    promised: bool = False  # the pile said that it will begin, and has not let go of it


@dataclass(frozen=True, slots=True)
class Stop:
    request: RequestRef
    by: str
    until: Moment
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Abort:
    request: RequestRef
    payment: PaymentRef
    service_id: str
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """A stretch in which no energy flowed: `by` the `car` (parking) or the `pile` (withheld). `until` it lasted at
    most, in the time of the registers (UTC ms), where that is known better than by when we heard of it; `lost`: the
    pile went out of sight in it, and was last heard of then."""

    by: str
    begin: Moment
    end: Moment | None = None
    until: int | None = None
    lost: Moment | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A register's own time, and when it reached us. `sure`: another took as long, so neither waited on its way."""

    at: Moment
    utc_ms: int
    sure: bool = False


@dataclass(frozen=True, slots=True)
class Printing:
    request: RequestRef
    copy: int
    result: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    code: str
    detail: str
    opened_at: Moment
    deadline: Moment | None
    alarmed: bool = False
    decision: str = ""  # empty while nobody has decided; `lapsed` when nobody did in time
    request: RequestRef | None = None  # what of the acquirer it is about

    @property
    def open(self) -> bool:
        return not self.decision

    def about(self, request: RequestRef | None) -> bool:
        """Whether it concerns this request, as far as it says; every one concerns none in particular."""
        return request is None or self.request in (None, request)


@dataclass(frozen=True)
class Session:
    """One sale."""

    id: SessionId
    connector: ConnectorId
    opened_at: Moment
    quote: Quote | None = None
    stage: Stage = Stage.PAYING
    stage_at: Moment | None = None
    payments: Mapping[PaymentRef, Payment] = field(default_factory=lambda: MappingProxyType({}))
    modifications: Mapping[RequestRef, Modification] = field(default_factory=lambda: MappingProxyType({}))
    aborts: tuple[Abort, ...] = ()
    stop_code: Digest | None = None
    code_misses: int = 0
    code_locked_until: Moment | None = None
    proved_by: str = ""
    proved_at: Moment | None = None
    free: str = ""  # why this charge costs nothing; empty when it is paid for
    account: Account | None = None  # whose account it is owed on, where no card pays
    charged: AccountCharged | None = None
    credited: tuple[AccountCredited, ...] = ()
    plug_until: Moment | None = None
    retry_until: Moment | None = None  # after a start that failed
    failed_why: str = ""
    limit_at: Moment | None = None  # when the reserved money is used up, if that is soon
    starts: tuple[Start, ...] = ()
    start_lapsed: bool = False  # the pile let a start in advance go again
    transaction: int | None = None
    begin: Reading | None = None
    started_at: Moment | None = None
    readings: tuple[Reading, ...] = ()  # noted ones, oldest first
    noted_at: Moment | None = None
    heard_at: Moment | None = None  # last sign of the delivery in the journal
    silent: bool = False
    pauses: tuple[Pause, ...] = ()
    registers: tuple[Heard, ...] = ()  # how the pile's clock stands to ours: of each boot a sure one and one that is yet to be borne out
    free_at: Moment | None = None  # the pile called the connector free although no end of the transaction came
    stops: tuple[Stop, ...] = ()
    signed: tuple[Digest, ...] = ()  # signed values that came before the end
    weighed: SignedValuesWeighed | None = None
    delivered: Delivered | None = None
    ended_at: Moment | None = None
    ended_by: str = ""
    accrues_until: Moment | None = None
    stay_since: Moment | None = None  # from when a stay counts: its end, or the boot after it, for no clock is believed across boots
    unseen_since: Moment | None = None  # after the end: since when the pile is away, and nobody sees whether the car is still there
    vacated_at: Moment | None = None
    priced: Priced | None = None
    receipt: int | None = None
    prints: tuple[Printing, ...] = ()
    reviews: tuple[Review, ...] = ()
    given_up: str = ""  # why the sale ended before energy
    closed_at: Moment | None = None

    @property
    def payment(self) -> Payment | None:
        """The payment that pays for this sale: authorized and wanted."""
        for p in self.payments.values():
            if p.state is PaymentState.AUTHORIZED and p.wanted:
                return p
        return None

    @property
    def last_payment(self) -> Payment | None:
        return tuple(self.payments.values())[-1] if self.payments else None

    @property
    def covered(self) -> bool:
        """Somebody stands for what is delivered: a card, an account, or the operator."""
        return self.payment is not None or bool(self.free) or self.account is not None

    @property
    def spendable(self) -> Money | None:
        """How much may be delivered for: what the card's reservation allows, the hold where the operator gives it away, or what the account
        allows for one sale; None where nothing bounds it."""
        if self.free and self.quote is not None:
            return self.quote.hold
        if self.account is not None:
            return self.account.most
        return self.payment.usable if self.payment else None

    @property
    def most_mwh(self) -> int | None:
        """How much energy the account allows for one sale."""
        return self.account.most_mwh if self.account is not None else None

    @property
    def capture(self) -> Modification | None:
        """The last capture that was asked for."""
        return next((m for m in reversed(tuple(self.modifications.values())) if m.operation == "capture"), None)

    def reviewed(self, *codes: str) -> bool:
        """Whether one of these reviews is open."""
        return any(r.open and r.code in codes for r in self.reviews)

    @property
    def money_open(self) -> bool:
        """A preauthorization of this sale has no outcome yet."""
        return any(p.open for p in self.payments.values())

    @property
    def occupies(self) -> bool:
        """Whether the connector belongs to this sale now."""
        if self.closed_at is not None:
            return False
        if self.stage is Stage.GIVEN_UP:
            return self.money_open
        return self.stage is not Stage.VACATED

    @property
    def resting(self) -> Pause | None:
        """The pause that lasts."""
        return self.pauses[-1] if self.pauses and self.pauses[-1].end is None else None

    @property
    def last_reading(self) -> Reading | None:
        return self.readings[-1] if self.readings else self.begin


def signer(key: str, source: str) -> str:
    """A signing meter's name in `Kiosk.pages`."""
    return f"{key} {source}"


@dataclass(frozen=True, slots=True)
class ConnectorState:
    status: ConnectorStatus | None = None  # None: never heard of
    error: str = ""


@dataclass(frozen=True, slots=True)
class Orphan:
    """Energy without a sale."""

    transaction: int
    pile: str
    number: int
    begin: Reading
    stop_answered: bool = False


@dataclass(frozen=True, slots=True)
class Reprint:
    """Paper of a sale that is no longer held."""

    session: SessionId
    request: RequestRef
    number: int
    copy: int


@dataclass(frozen=True, slots=True)
class TerminalState:
    reachable: bool
    host: bool

    @property
    def authorizes(self) -> bool:
        return self.reachable and self.host


@dataclass(frozen=True)
class Kiosk:
    """The whole: connectors, open sales, counters.

    Sales are held until nothing more is owed, and the last closed ones a little longer. What is asked for about an older one stands in
    `loose` (refunds and releases, by request) and `reprints`. `stored` are the payments no issuer has seen yet.
    """

    setup: Setup
    sound: bool = True
    started_at: Moment | None = None  # the process that runs now
    connectors: Mapping[ConnectorId, ConnectorState] = field(default_factory=lambda: MappingProxyType({}))
    online: frozenset[str] = frozenset()
    sessions: Mapping[SessionId, Session] = field(default_factory=lambda: MappingProxyType({}))
    recent: tuple[Session, ...] = ()  # closed ones, newest last
    orphans: Mapping[int, Orphan] = field(default_factory=lambda: MappingProxyType({}))
    receipts: int = 0  # number of the last receipt
    credit_notes: int = 0  # number of the last credit note
    terminal: TerminalState | None = None  # None: not heard of yet
    reader: bool | None = None  # whether RFID tags can be read; None: not heard of yet, or there is no reader
    disk_low: bool = False
    stored: Mapping[PaymentRef, Money] = field(default_factory=lambda: MappingProxyType({}))
    loose: Mapping[RequestRef, Modification] = field(default_factory=lambda: MappingProxyType({}))
    reprints: Mapping[RequestRef, Reprint] = field(default_factory=lambda: MappingProxyType({}))
    pages: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))  # the last page billed of each signing meter

    def find(self, session: SessionId) -> Session | None:
        """An open sale, or one of the last closed ones."""
        return self.sessions.get(session) or next((s for s in reversed(self.recent) if s.id == session), None)

    def at(self, connector: ConnectorId) -> Session | None:
        """The sale that has the connector now."""
        return next((s for s in self.sessions.values() if s.connector == connector and s.occupies), None)
