"""What has happened, for ever: the facts of a kiosk and its sales.

A fact is appended to the journal before anything is done about it; state is the fold of facts. A fact named `…Requested` stays open until
one of its outcomes follows. Facts carry every amount, deadline and reference, so that folding them needs neither policy nor prices.
Renaming or reshaping one means a new version and an upcaster in `kiosk.session.codec`.
"""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.metering.reading import Delivered, Reading, Validity
from kiosk.pricing.quote import Quote
from kiosk.pricing.rating import Rating
from kiosk.session.inputs import Account, Approval, ConnectorStatus
from kiosk.values import ConnectorId, Digest, Moment, Money, PaymentRef, RequestRef, SessionId


@dataclass(frozen=True, slots=True)
class KioskFact:
    """A fact of the stream `kiosk`."""

    at: Moment


@dataclass(frozen=True, slots=True)
class SessionFact:
    """A fact of one sale's stream."""

    at: Moment
    session: SessionId


# --- the kiosk ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Started(KioskFact):
    sound: bool


@dataclass(frozen=True, slots=True)
class PileOnline(KioskFact):
    pile: str


@dataclass(frozen=True, slots=True)
class PileOffline(KioskFact):
    pile: str


@dataclass(frozen=True, slots=True)
class PileRebooted(KioskFact):
    pile: str
    vendor: str
    model: str


@dataclass(frozen=True, slots=True)
class ConnectorReported(KioskFact):
    connector: ConnectorId
    status: ConnectorStatus
    error: str


@dataclass(frozen=True, slots=True)
class OrphanTransactionStarted(KioskFact):
    """Energy flows that no sale of ours explains. It was answered with `transaction`; an operator looks at it.

    Whose tag it was stands only in the frame, which is evidence: it may be the UID of somebody's card.
    """

    pile: str
    number: int
    transaction: int
    begin: Reading
    frame: Digest | None


@dataclass(frozen=True, slots=True)
class OrphanStopAnswered(KioskFact):
    """What the pile said to our wish to stop an orphan transaction."""

    transaction: int
    accepted: bool
    detail: str


@dataclass(frozen=True, slots=True)
class OrphanTransactionEnded(KioskFact):
    pile: str
    transaction: int
    end: Reading | None
    reason: str
    frame: Digest | None


@dataclass(frozen=True, slots=True)
class OrphanApproval(KioskFact):
    """Money was reserved under a reference that no sale holds any more. It is asked back in the same decision where that is safe; otherwise
    an operator releases it."""

    reference: str
    approval: Approval


@dataclass(frozen=True, slots=True)
class OrphanConfirmation(KioskFact):
    """The acquirer confirmed something we never asked for."""

    reference: str
    psp_reference: str
    operation: str
    success: bool
    reason: str


@dataclass(frozen=True, slots=True)
class TerminalReported(KioskFact):
    """Whether cards can be taken: the terminal answers, and reaches its host."""

    reachable: bool
    host: bool
    detail: str


@dataclass(frozen=True, slots=True)
class ReaderReported(KioskFact):
    """Whether RFID tags can be read."""

    reachable: bool
    detail: str


@dataclass(frozen=True, slots=True)
class DiskLow(KioskFact):
    """The journal's disk is nearly full: what runs is finished, nothing new is sold."""


@dataclass(frozen=True, slots=True)
class DiskFine(KioskFact):
    pass


# --- agreement ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionOpened(SessionFact):
    connector: ConnectorId


@dataclass(frozen=True, slots=True)
class QuoteAgreed(SessionFact):
    quote: Quote


@dataclass(frozen=True, slots=True)
class PriceLowered(SessionFact):
    """The sale goes on under more discounts than were agreed to: no session costs more by them. `why` is `card` or `site`."""

    discounts_json: str
    discounts_hash: str
    why: str


@dataclass(frozen=True, slots=True)
class FreeVendGranted(SessionFact):
    """No card can be taken, and the operator's rule is to give the energy away up to the hold rather than turn drivers down."""

    why: str


@dataclass(frozen=True, slots=True)
class AccountAccepted(SessionFact):
    """A known tag agreed to the quote: nothing is reserved, and what the sale comes to is owed on the account."""

    account: Account


# --- the reserved money -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PreauthorizationRequested(SessionFact):
    payment: PaymentRef
    service_id: str
    amount: Money
    language: str
    body_hash: Digest
    give_up_at: Moment  # when an unknown outcome stops blocking the connector


@dataclass(frozen=True, slots=True)
class PreauthorizationNotSent(SessionFact):
    """The terminal could not be asked; the driver is told and may try again."""

    payment: PaymentRef
    detail: str


@dataclass(frozen=True, slots=True)
class PaymentAuthorized(SessionFact):
    """`usable` is what the sale may spend of it: all, or less where an offline approval is capped. `expires_at` is when the scheme lets
    the reservation fall."""

    payment: PaymentRef
    approval: Approval
    wanted: bool  # false: it came after the sale was given up, and is released
    usable: Money
    expires_at: Moment | None


@dataclass(frozen=True, slots=True)
class PaymentForwarded(SessionFact):
    """A payment that the terminal approved offline has reached its issuer: the acquirer now has it under `psp_reference`, or it was
    declined."""

    payment: PaymentRef
    psp_reference: str
    success: bool
    reason: str


@dataclass(frozen=True, slots=True)
class PaymentDeclined(SessionFact):
    payment: PaymentRef
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class PaymentUnknown(SessionFact):
    """The terminal may have reserved money; it is asked until it answers or `give_up_at`."""

    payment: PaymentRef
    hint: str
    detail: str


@dataclass(frozen=True, slots=True)
class PaymentGivenUp(SessionFact):
    """No answer can be had. The sale goes on without this payment; its cancel by our reference follows."""

    payment: PaymentRef
    why: str  # `timeout` | `not_found`


@dataclass(frozen=True, slots=True)
class AbortRequested(SessionFact):
    payment: PaymentRef
    request: RequestRef
    service_id: str  # of the dialogue to abort


@dataclass(frozen=True, slots=True)
class AbortEnded(SessionFact):
    payment: PaymentRef
    request: RequestRef
    result: str


# --- giving back, taking ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CancelRequested(SessionFact):
    payment: PaymentRef
    request: RequestRef
    key: str
    psp_reference: str  # empty: cancel by our own reference
    body_hash: Digest
    alarm_at: Moment
    resend_until: Moment  # 80 % of the idempotency key's life, or of the window in which a cancel by reference works


@dataclass(frozen=True, slots=True)
class CaptureRequested(SessionFact):
    payment: PaymentRef
    request: RequestRef
    key: str
    psp_reference: str
    amount: Money
    body_hash: Digest
    alarm_at: Moment
    resend_until: Moment


@dataclass(frozen=True, slots=True)
class AdjustRequested(SessionFact):
    """Reserve `amount` in all, so that a charge can go on."""

    payment: PaymentRef
    request: RequestRef
    key: str
    psp_reference: str
    amount: Money
    body_hash: Digest
    alarm_at: Moment
    resend_until: Moment


@dataclass(frozen=True, slots=True)
class RefundRequested(SessionFact):
    """Pay back `amount` of what was captured, as `by` decided for `reason` (a code of `kiosk.session.corrections.REASONS`)."""

    payment: PaymentRef
    request: RequestRef
    key: str
    psp_reference: str
    amount: Money
    body_hash: Digest
    alarm_at: Moment
    resend_until: Moment
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefundReported(SessionFact):
    """The acquirer paid back `amount` although this kiosk did not ask: somebody did so in the acquirer's own pages."""

    payment: PaymentRef
    request: RequestRef
    psp_reference: str
    amount: Money


@dataclass(frozen=True, slots=True)
class CreditNoteIssued(SessionFact):
    """In the same append as the refund's `ModificationSubmitted`, its `RefundReported`, or the `AccountCredited`. Credit notes have
    a series of their own."""

    request: RequestRef
    number: int


@dataclass(frozen=True, slots=True)
class ModificationSubmitted(SessionFact):
    """The acquirer received a cancel, capture, adjustment or refund: for the driver it is done."""

    request: RequestRef
    psp_reference: str


@dataclass(frozen=True, slots=True)
class ModificationRefused(SessionFact):
    request: RequestRef
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class ModificationConfirmed(SessionFact):
    request: RequestRef
    operation: str
    psp_reference: str
    amount: Money | None  # as the acquirer names it


@dataclass(frozen=True, slots=True)
class ModificationFailed(SessionFact):
    """Days later the acquirer says the capture or cancel did not happen."""

    request: RequestRef
    operation: str
    psp_reference: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlarmRaised(SessionFact):
    """A request to the acquirer is still open as its deadline draws near."""

    request: RequestRef


# --- energy -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StopCodeIssued(SessionFact):
    digest: Digest


@dataclass(frozen=True, slots=True)
class PlugAwaited(SessionFact):
    until: Moment


@dataclass(frozen=True, slots=True)
class StartRequested(SessionFact):
    request: RequestRef
    id_tag: str
    plugged: bool  # the cable was seen first; otherwise the pile was asked in advance and waits for it
    until: Moment


@dataclass(frozen=True, slots=True)
class StartAccepted(SessionFact):
    """The pile will try (OCPP 1.6 5.11): energy is proven only by its transaction."""

    request: RequestRef


@dataclass(frozen=True, slots=True)
class StartRefused(SessionFact):
    request: RequestRef
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class StartFailed(SessionFact):
    """The pile did not start. What is reserved is kept until `until`, so that another try needs no second reservation."""

    why: str  # a code from `kiosk.session.faults`
    until: Moment


@dataclass(frozen=True, slots=True)
class DeliveryStarted(SessionFact):
    transaction: int
    begin: Reading
    frame: Digest | None
    late: bool  # after we had given the start up: stopped at once


@dataclass(frozen=True, slots=True)
class DeliveryPaused(SessionFact):
    by: str  # `car` | `pile`


@dataclass(frozen=True, slots=True)
class DeliveryResumed(SessionFact):
    """`until` it had rested, in the time of the registers (UTC ms): as the pile stamped its word, or, where the register alone showed it,
    the last value that stood still; None where all that is known is when we heard of it."""

    until: int | None


@dataclass(frozen=True, slots=True)
class MeterNoted(SessionFact):
    """A reading worth keeping, on the register of the begin: one a minute, and every one that decided something."""

    reading: Reading


@dataclass(frozen=True, slots=True)
class SignedValueKept(SessionFact):
    """A signed meter value came before the end of the delivery. It is weighed there, with the others."""

    evidence: Digest


@dataclass(frozen=True, slots=True)
class SignedValuesWeighed(SessionFact):
    """What the signatures on the meter's values of a delivery are worth, weighed once, at its end.

    `validity` speaks of the signatures alone. `reasons` are why nothing is billed by these values (codes of `kiosk.metering.billing.WHY`
    and of `kiosk.metering.verify.Checked`); without any, `begin` to `end` is what is billed. `key` is the short fingerprint of the meter's
    key that is registered here, `source` the serial numbers in the values, `evidence` the values themselves as they came.
    """

    validity: Validity
    reasons: tuple[str, ...]
    encoding: str
    key: str
    source: str
    last_page: int | None
    begin: Reading | None
    end: Reading | None
    evidence: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class LimitForeseen(SessionFact):
    """At the power of now the reserved money is used up at `when`: the charge is stopped then, whatever is heard until then."""

    when: Moment | None  # None: not soon


@dataclass(frozen=True, slots=True)
class PileSilent(SessionFact):
    """Nothing was heard of a running delivery for longer than the policy allows."""


@dataclass(frozen=True, slots=True)
class StopProved(SessionFact):
    """Somebody showed that the charge is theirs: `by` is `code`, `card`, `tag` or `phone`."""

    by: str


@dataclass(frozen=True, slots=True)
class StopCodeMissed(SessionFact):
    misses: int
    locked_until: Moment | None


@dataclass(frozen=True, slots=True)
class StopRequested(SessionFact):
    request: RequestRef
    transaction: int
    by: str  # `code` | `card` | `tag` | `phone` | `operator` | `limit` | `late_start` | `silence` | `hold_expiring` | `declined`
    until: Moment


@dataclass(frozen=True, slots=True)
class StopAnswered(SessionFact):
    request: RequestRef
    accepted: bool
    detail: str


@dataclass(frozen=True, slots=True)
class DeliveryEnded(SessionFact):
    reason: str  # the pile's word (`Remote`, `EVDisconnected`, …) or ours (`never_started`, `lost`)
    delivered: Delivered
    frame: Digest | None
    accrues_until: Moment | None  # while the car stays, a fee may grow until then; None: nothing can be added


@dataclass(frozen=True, slots=True)
class Vacated(SessionFact):
    """The cable is out, or the pile reports the connector free."""


# --- price, receipt, end ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Priced(SessionFact):
    """The final price under the accepted quote. `charge` is what is captured: `rating.total`, or less where the sale's rules say so."""

    rating: Rating
    charge: Money
    shortfall: Money  # priced but not covered by what was reserved
    rule: str  # `tariff` | `nothing_delivered` | `free` | `released`


@dataclass(frozen=True, slots=True)
class AccountCharged(SessionFact):
    """`amount` for `mwh` is owed on the account of `contract`, which the operator bills. Once a sale."""

    request: RequestRef
    tag: Digest
    contract: str
    amount: Money
    mwh: int


@dataclass(frozen=True, slots=True)
class AccountCredited(SessionFact):
    """`amount` of what was charged is no longer owed, as `by` decided for `reason` (a code of `kiosk.session.corrections.REASONS`). In the
    same append as its `CreditNoteIssued`."""

    request: RequestRef
    contract: str
    amount: Money
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReceiptIssued(SessionFact):
    """In the same append as the capture's `ModificationSubmitted`, or the account's `AccountCharged`."""

    number: int


@dataclass(frozen=True, slots=True)
class PrintRequested(SessionFact):
    request: RequestRef
    number: int
    copy: int  # 0 the original, 1 the first COPY


@dataclass(frozen=True, slots=True)
class PrintEnded(SessionFact):
    request: RequestRef
    result: str  # `printed` | `unconfirmed` | `interrupted` | `not_printed`
    detail: str


@dataclass(frozen=True, slots=True)
class ReviewOpened(SessionFact):
    """Something a person must decide or see. `code` is from `kiosk.session.faults`; `request` is what it is about, if anything was asked of
    the acquirer."""

    code: str
    detail: str
    deadline: Moment | None
    request: RequestRef | None = None


@dataclass(frozen=True, slots=True)
class ReviewAlarmed(SessionFact):
    """Half of the time for a decision is over, and nobody has decided."""

    code: str


@dataclass(frozen=True, slots=True)
class ReviewLapsed(SessionFact):
    """Nobody decided in time. Nothing is taken; what is still reserved goes back."""

    code: str


@dataclass(frozen=True, slots=True)
class ReviewDecided(SessionFact):
    """A person decided, or the kiosk itself (`by` is `kiosk`): `decision` is one of `kiosk.session.decisions.DECISIONS`. With a `request`,
    only the review of that one."""

    code: str
    decision: str
    mwh: int | None  # the energy they take for proven, when they decide to capture
    by: str
    reason: str
    request: RequestRef | None = None


@dataclass(frozen=True, slots=True)
class MeterDecided(SessionFact):
    """What a person takes for delivered where the meter proved nothing."""

    delivered: Delivered


@dataclass(frozen=True, slots=True)
class SessionGivenUp(SessionFact):
    """The sale ends before energy: by the driver, a time-out or a refusal. What is reserved goes back."""

    why: str  # a code from `kiosk.session.faults`


@dataclass(frozen=True, slots=True)
class SessionClosed(SessionFact):
    """Nothing more is owed to anybody, as far as we asked for it."""


Fact = KioskFact | SessionFact
