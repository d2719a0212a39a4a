"""Kiosks with a deliberate bug, to see that the checker bites: the honest kiosk with one part wrapped. No product module knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from hardware.api import Approved, Card, Declined, DialogueState, Farewell, IdentifyOrder, PaymentTerminal, PreauthorizationOrder
from hardware.api import TerminalHealth as Health
from kiosk.core.effects import Attempt, Effects
from kiosk.core.engine import Batch, Engine
from kiosk.core.kernel import Kernel, SealedFor, Taken
from kiosk.core.performers import Performers
from kiosk.journal.entry import JournalFailed
from kiosk.journal.state import Retry, Write
from kiosk.ocpp.upstream_calls import Call, Plug
from kiosk.ocpp.upstream_queue import Books, Queue
from kiosk.payments.api import Acquirer, ModificationOrder, Submitted
from kiosk.receipts.receipt import ReceiptError
from kiosk.session.facts import Fact
from kiosk.session.inputs import (
    Accepted,
    Approval,
    Confirmation,
    Done,
    Input,
    NotSent,
    Ok,
    Printed,
    Refused,
    Result,
    ReviewClosed,
    StopCodeTyped,
    TerminalHealth,
    TxEnded,
    Unknown,
)
from kiosk.session.recall import Recalled
from kiosk.session.requests import Modify, Preauthorize, PrintReceipt, StopDelivery
from kiosk.session.state import Kiosk
from kiosk.simulation.coroutines import Waiting
from kiosk.simulation.life import Disk, Fitting, Life, Performer
from kiosk.simulation.medium import JournalInMemory
from kiosk.values import Moment, Money

_HASTY_MS = 400


class _AcquirerWith:
    """The honest port, with every order passed through `change`."""

    def __init__(self, port: Acquirer, change: Callable[[str, ModificationOrder], ModificationOrder]) -> None:
        self._port = port
        self._change = change

    async def capture(self, order: ModificationOrder) -> Submitted:
        return await self._port.capture(self._change("capture", order))

    async def cancel(self, order: ModificationOrder) -> Submitted:
        return await self._port.cancel(self._change("cancel", order))

    async def cancel_by_reference(self, order: ModificationOrder) -> Submitted:
        return await self._port.cancel_by_reference(self._change("cancel_by_reference", order))

    async def adjust(self, order: ModificationOrder) -> Submitted:
        return await self._port.adjust(self._change("adjust", order))

    async def refund(self, order: ModificationOrder) -> Submitted:
        return await self._port.refund(self._change("refund", order))


class _After:
    """The honest performers, with every result passed through `change`; None lets the attempt be made."""

    def __init__(
        self, performers: Performer, change: Callable[[Attempt, Result], Result], instead: Callable[[Attempt], Result | None]
    ) -> None:
        self._performers = performers
        self._change = change
        self._instead = instead

    async def perform(self, attempt: Attempt) -> Result:
        result = self._instead(attempt)
        return result if result is not None else self._change(attempt, await self._performers.perform(attempt))


def _nothing(_attempt: Attempt) -> None:
    return None


def _same(_attempt: Attempt, result: Result) -> Result:
    return result


# --- money --------------------------------------------------------------------------------------------------------------------


class NewKeyOnRetry(Fitting):
    """A capture that is sent again gets a new idempotency key."""

    def acquirer(self, port: Acquirer) -> Acquirer:
        tries: dict[str, int] = {}

        def change(_operation: str, order: ModificationOrder) -> ModificationOrder:
            tries[order.reference] = count = tries.get(order.reference, 0) + 1
            return order if count == 1 else replace(order, key=f"{order.key[:56]}-{count}", promised=None)

        return _AcquirerWith(port, change)


class CaptureTheHold(Fitting):
    """Whatever was delivered, all of the reserved money is taken."""

    def __init__(self) -> None:
        self._held: dict[str, Money] = {}

    def performer(self, performers: Performers) -> Performer:
        def remember(attempt: Attempt, result: Result) -> Result:
            if isinstance(attempt.request.body, Preauthorize):
                self._held[attempt.request.body.payment] = attempt.request.body.amount
            return result

        return _After(performers, remember, _nothing)

    def acquirer(self, port: Acquirer) -> Acquirer:
        def change(operation: str, order: ModificationOrder) -> ModificationOrder:
            held = self._held.get(order.payment_reference)
            return replace(order, amount=held, promised=None) if operation == "capture" and held is not None else order

        return _AcquirerWith(port, change)


class RetryAfterUnknown(Fitting):
    """A terminal that did not answer is taken for one that was never asked."""

    def performer(self, performers: Performers) -> Performer:
        def change(attempt: Attempt, result: Result) -> Result:
            unknown = isinstance(attempt.request.body, Preauthorize) and isinstance(result, Unknown) and not attempt.again
            return NotSent("no answer") if unknown else result

        return _After(performers, change, _nothing)


class DeclineAfterUnknown(Fitting):
    """A terminal that did not answer is taken for a card that was declined."""

    def performer(self, performers: Performers) -> Performer:
        def change(attempt: Attempt, result: Result) -> Result:
            unknown = isinstance(attempt.request.body, Preauthorize) and isinstance(result, Unknown)
            return Refused("refused", "no answer") if unknown else result

        return _After(performers, change, _nothing)


class ForgetACancel(Fitting):
    """A hold that is to be released is noted as released, and nobody tells the acquirer."""

    def performer(self, performers: Performers) -> Performer:
        def instead(attempt: Attempt) -> Result | None:
            body = attempt.request.body
            return Done(Accepted("FORGOTTEN")) if isinstance(body, Modify) and body.operation != "capture" else None

        return _After(performers, _same, instead)


class SwallowATimeout(Fitting):
    """An acquirer that does not answer is taken for one that said yes."""

    def performer(self, performers: Performers) -> Performer:
        def change(attempt: Attempt, result: Result) -> Result:
            lost = isinstance(attempt.request.body, Modify) and isinstance(result, Unknown)
            return Done(Accepted("SWALLOWED")) if lost else result

        return _After(performers, change, _nothing)


class GiveUpOnError(Fitting):
    """An acquirer that fails for a moment is taken for one that refused: the capture is not tried again, and nobody is told."""

    def performer(self, performers: Performers) -> Performer:
        def change(attempt: Attempt, result: Result) -> Result:
            failed = isinstance(attempt.request.body, Modify) and isinstance(result, NotSent)
            return Done(Accepted("GIVENUP")) if failed else result

        return _After(performers, change, _nothing)


class RoundUp(Fitting):
    """Every capture is a cent more than the price."""

    def acquirer(self, port: Acquirer) -> Acquirer:
        def change(operation: str, order: ModificationOrder) -> ModificationOrder:
            if operation != "capture" or order.amount is None:
                return order
            return replace(order, amount=Money(order.amount.minor + 1, order.amount.currency), promised=None)

        return _AcquirerWith(port, change)


# --- the journal --------------------------------------------------------------------------------------------------------------


class SkipIntent(Fitting):
    """What is decided is done at once, before it is on the disk."""

    def performer(self, performers: Performers) -> Performer:
        return _NoPaperYet(performers)

    def kernel(self, engine: Engine, effects: Effects, sealed_for: SealedFor) -> Kernel:
        return _EagerKernel(engine, effects, sealed_for)

    def disk(self, life: Life) -> Disk:
        return _EagerDisk(life)


class _EagerKernel(Kernel):
    def acting_on(self) -> Kiosk:
        return self.engine.head


class _NoPaperYet:
    """A receipt whose facts are not on the disk cannot be printed. That is not what these mutants are about."""

    def __init__(self, performers: Performer) -> None:
        self._performers = performers

    async def perform(self, attempt: Attempt) -> Result:
        try:
            return await self._performers.perform(attempt)
        except ReceiptError as error:
            return NotSent(str(error))


class _EagerDisk(Disk):
    def append(self, taken: Taken) -> Waiting[Batch]:
        self._life.later(0, self._life.look)
        return super().append(taken)


class AcknowledgeBeforeCommit(Fitting):
    """Everybody is answered at once, and the disk follows when it can."""

    def performer(self, performers: Performers) -> Performer:
        return _NoPaperYet(performers)

    def disk(self, life: Life) -> Disk:
        return _HastyDisk(life)


class _HastyDisk(Disk):
    def append(self, taken: Taken) -> Waiting[Batch]:
        life, batch = self._life, taken.batch
        promised: Waiting[Batch] = Waiting(life.clockwork)
        if not self._queue:
            life.later(_HASTY_MS, self.flush)
        self._queue.append((taken, promised))
        life.kernel.kept(batch)
        promised.resolve(batch)
        life.later(0, lambda: life.changed(list(batch.facts)))
        return promised


# --- people and piles ---------------------------------------------------------------------------------------------------------


class AcceptAStrangersStop(Fitting):
    """Any four digits stop a charge."""

    def given(self, given: Input, k: Kiosk) -> Input:
        if isinstance(given, StopCodeTyped) and (s := k.sessions.get(given.session)) is not None and s.stop_code is not None:
            return replace(given, digest=s.stop_code)
        return given


class BillTheRegister(Fitting):
    """The end of a transaction is priced one kilowatt-hour higher than the pile said."""

    def given(self, given: Input, k: Kiosk) -> Input:
        del k
        if not isinstance(given, TxEnded) or given.end is None:
            return given
        return replace(given, end=replace(given.end, mwh=given.end.mwh + 1_000_000))


class IgnoreTheEnd(Fitting):
    """Of three transactions that end, one is taken for a meter value that means nothing."""

    def __init__(self) -> None:
        self._ends = 0

    def given(self, given: Input, k: Kiosk) -> Input:
        del k
        if not isinstance(given, TxEnded):
            return given
        self._ends += 1
        return replace(given, end=given.begin) if self._ends % 3 == 0 and given.begin is not None else given


class PrintAgain(Fitting):
    """A printer that did not confirm gets the job once more."""

    def performer(self, performers: Performers) -> Performer:
        return _Twice(performers)


class _Twice:
    def __init__(self, performers: Performer) -> None:
        self._performers = performers

    async def perform(self, attempt: Attempt) -> Result:
        result = await self._performers.perform(attempt)
        if isinstance(attempt.request.body, PrintReceipt) and result != Done(Printed("printed")):
            return await self._performers.perform(attempt)
        return result


# --- what came later ----------------------------------------------------------------------------------------------------------


class SynchronousNormal(Fitting):
    """The disk says yes before it has written, and a power cut takes the last seconds with it."""

    def performer(self, performers: Performers) -> Performer:
        return _NoPaperYet(performers)

    def disk(self, life: Life) -> Disk:
        return _ForgetfulDisk(life)


class _ForgetfulDisk(Disk):
    _SYNCED_MS = 3_000

    def __init__(self, life: Life) -> None:
        super().__init__(life)
        journal = life.journal
        assert isinstance(journal, JournalInMemory)
        self._medium = journal.medium
        self._synced: bytes | None = None
        self._medium.power_cut = self._forget

    def flush(self) -> None:
        if self._synced is None:
            self._synced = self._medium.journal.serialize()
            self._life.later(self._SYNCED_MS, self._sync)
        super().flush()

    def _sync(self) -> None:
        self._synced = None

    def _forget(self) -> None:
        if self._synced is not None:
            self._medium.lose(self._synced)


class WriteErrorsIgnored(Fitting):
    """A commit that failed is taken for one that did not."""

    def performer(self, performers: Performers) -> Performer:
        return _NoPaperYet(performers)

    def disk(self, life: Life) -> Disk:
        return _DeafDisk(life)


class _DeafDisk(Disk):
    def _written(self, writes: list[Write], facts: list[Fact]) -> bool:
        try:
            return super()._written(writes, facts) if not self._full() else True
        except JournalFailed:
            return True

    def _full(self) -> bool:
        journal = self._life.journal
        return isinstance(journal, JournalInMemory) and journal.medium.read_only


class NumbersReused(Fitting):
    """Every third receipt, and every third credit note, gets the number of the one before it."""

    def kernel(self, engine: Engine, effects: Effects, sealed_for: SealedFor) -> Kernel:
        return _ForgetfulKernel(engine, effects, sealed_for)


class _ForgetfulKernel(Kernel):
    def take(self, given: Input | Recalled, at: Moment, retries: Sequence[Retry] = (), settled: Sequence[str] = ()) -> Taken:
        head = self.engine.head
        if head.receipts % 3 == 2:
            self.engine.head = replace(head, receipts=head.receipts - 1)
        return super().take(given, at, retries, settled)


class TrustTheWallClock(Fitting):
    """Time is what the wall clock says, whoever sets it."""

    def kernel(self, engine: Engine, effects: Effects, sealed_for: SealedFor) -> Kernel:
        return _WallKernel(engine, effects, sealed_for)


class _WallKernel(Kernel):
    def take(self, given: Input | Recalled, at: Moment, retries: Sequence[Retry] = (), settled: Sequence[str] = ()) -> Taken:
        return super().take(given, Moment(at.utc_ms, "wall", at.utc_ms * 1_000_000), retries, settled)


class AdjustBelievedWhenSubmitted(Fitting):
    """More money counts as reserved as soon as the acquirer has heard that we would like it."""

    def kernel(self, engine: Engine, effects: Effects, sealed_for: SealedFor) -> Kernel:
        return _HopefulKernel(engine, effects, sealed_for)


class _HopefulKernel(Kernel):
    def ended(self, attempt: Attempt, result: Result, at: Moment) -> Taken:
        body = attempt.request.body
        if isinstance(body, Modify) and body.operation == "adjust" and isinstance(result, Done) and isinstance(result.result, Accepted):
            self.effects.ended(attempt.request, result, at)
            hoped = Confirmation(body.reference, result.result.psp_reference, "adjust", True, "", body.amount)
            return self.take(hoped, at, (), (attempt.request.ref,))
        return super().ended(attempt, result, at)


class IgnoreTheLimit(Fitting):
    """A charge that must end is noted as told to, and the pile hears nothing of it."""

    def performer(self, performers: Performers) -> Performer:
        return _After(performers, _same, lambda attempt: Done(Ok()) if isinstance(attempt.request.body, StopDelivery) else None)


class LateApprovalDeclined(Fitting):
    """An approval that only a question brings to light is taken for a decline."""

    def performer(self, performers: Performers) -> Performer:
        def change(attempt: Attempt, result: Result) -> Result:
            late = isinstance(attempt.request.body, Preauthorize) and attempt.again and isinstance(result, Done)
            return Refused("aborted", "too late") if late else result

        return _After(performers, change, _nothing)


class PartialApprovalIgnored(Fitting):
    """What was asked for counts as reserved, whatever the issuer granted."""

    def performer(self, performers: Performers) -> Performer:
        def change(attempt: Attempt, result: Result) -> Result:
            body = attempt.request.body
            if isinstance(body, Preauthorize) and isinstance(result, Done) and isinstance(result.result, Approval):
                return Done(replace(result.result, authorized=body.amount))
            return result

        return _After(performers, change, _nothing)


class OfflineApprovalCapturedAtOnce(Fitting):
    """What the terminal approved by itself is taken for approved by an issuer."""

    def performer(self, performers: Performers) -> Performer:
        def change(_attempt: Attempt, result: Result) -> Result:
            if isinstance(result, Done) and isinstance(result.result, Approval) and result.result.offline:
                return Done(replace(result.result, offline=False, psp_reference=result.result.psp_reference or "OFFLINE"))
            return result

        return _After(performers, change, _nothing)


class GiftWithoutReason(Fitting):
    """A terminal that is asked how it is always counts as one that reaches no issuer."""

    def given(self, given: Input, k: Kiosk) -> Input:
        del k
        return replace(given, host=False) if isinstance(given, TerminalHealth) else given


class DecideForTheOperator(Fitting):
    """Where an operator lets a driver go, what looks likely is taken all the same."""

    def given(self, given: Input, k: Kiosk) -> Input:
        del k
        if isinstance(given, ReviewClosed) and given.code == "meter_unproven" and given.decision == "release":
            return replace(given, decision="capture")
        return given


class GoodNewsOnly(Fitting):
    """Every confirmation counts as a success."""

    def given(self, given: Input, k: Kiosk) -> Input:
        del k
        return replace(given, success=True, amount=None) if isinstance(given, Confirmation) else given


class RefundTwice(Fitting):
    """A refund whose answer was lost is ordered anew."""

    def acquirer(self, port: Acquirer) -> Acquirer:
        return _RefundingTwice(port, lambda _, order: order)


class _RefundingTwice(_AcquirerWith):
    async def refund(self, order: ModificationOrder) -> Submitted:
        await super().refund(order)
        return await super().refund(replace(order, key=f"{order.key[:60]}-2", promised=None))


class RefundForgotten(Fitting):
    """A refund is noted, its credit note printed, and nobody tells the acquirer."""

    def performer(self, performers: Performers) -> Performer:
        def instead(attempt: Attempt) -> Result | None:
            body = attempt.request.body
            return Done(Accepted("NEVERSENT")) if isinstance(body, Modify) and body.operation == "refund" else None

        return _After(performers, _same, instead)


class AnyCardIsTheRightOne(Fitting):
    """Whichever card is held to the terminal, it is the one that paid last."""

    def terminal(self, port: PaymentTerminal) -> PaymentTerminal:
        return _Credulous(port)


class _Credulous:
    def __init__(self, port: PaymentTerminal) -> None:
        self._port = port
        self._card = Card()

    async def preauthorize(self, order: PreauthorizationOrder) -> Approved | Declined:
        answer = await self._port.preauthorize(order)
        if isinstance(answer, Approved):
            self._card = answer.card
        return answer

    async def status(self, order: PreauthorizationOrder, service_id: str) -> Approved | Declined | DialogueState:
        return await self._port.status(order, service_id)

    async def abort(self, order: PreauthorizationOrder | IdentifyOrder, service_id: str) -> None:
        await self._port.abort(order, service_id)

    async def identify(self, order: IdentifyOrder) -> Card | Declined:
        answer = await self._port.identify(order)
        return self._card if isinstance(answer, Card) else answer

    async def release(self, service_id: str, farewell: Farewell) -> Declined | None:
        return await self._port.release(service_id, farewell)

    async def diagnose(self, service_id: str) -> Health:
        return await self._port.diagnose(service_id)


class ChargeAnAccountTwice(Fitting):
    """What is owed on an account is forgotten as soon as the receipt is printed, and owed once more."""

    def kernel(self, engine: Engine, effects: Effects, sealed_for: SealedFor) -> Kernel:
        return _TwiceOwedKernel(engine, effects, sealed_for)


class _TwiceOwedKernel(Kernel):
    def take(self, given: Input | Recalled, at: Moment, retries: Sequence[Retry] = (), settled: Sequence[str] = ()) -> Taken:
        head = self.engine.head
        owed = {id_: replace(s, charged=None) if s.charged and len(s.prints) == 1 else s for id_, s in head.sessions.items()}
        self.engine.head = replace(head, sessions=owed)
        return super().take(given, at, retries, settled)


# --- the operator's own system ------------------------------------------------------------------------------------------------


class UpstreamAcknowledgesBeforeAnswer(Fitting):
    """A message to the operator's system counts as told as soon as it is sent."""

    def upstream_queue(self, books: Books, plugs: Sequence[Plug]) -> Queue:
        return _HastyQueue(books, plugs)


class _HastyQueue(Queue):
    async def next(self) -> Call | None:
        call = await super().next()
        if call is not None and not self.tells_aside:
            await self._books.keep(call.seq, {f"runs {call.charge}": call.after.text()})
        return call


class UpstreamForgetsTheLane(Fitting):
    """What the operator's system refuses is left behind, and nobody is told."""

    def upstream_queue(self, books: Books, plugs: Sequence[Plug]) -> Queue:
        return _ForgetfulQueue(books, plugs)


class _ForgetfulQueue(Queue):
    async def refused(self, call: Call, why: str, at_ms: int) -> None:
        await super().refused(call, why, at_ms)
        names = list(self._asides)
        self._asides.clear()
        await self._keep(self._position, dict.fromkeys(names))


class UpstreamNewIdOnRetry(Fitting):
    """A message to the operator's system that is sent again gets a new id."""

    def upstream_queue(self, books: Books, plugs: Sequence[Plug]) -> Queue:
        return _RenamingQueue(books, plugs)


class _RenamingQueue(Queue):
    _tries = 0

    async def next(self) -> Call | None:
        call = await super().next()
        self._tries += 1
        return call and replace(call, id=f"{call.id[:24]}-{self._tries}")


MUTANTS: Mapping[str, type[Fitting]] = {
    "new-key-on-retry": NewKeyOnRetry,
    "skip-intent": SkipIntent,
    "capture-the-hold": CaptureTheHold,
    "retry-after-unknown": RetryAfterUnknown,
    "decline-after-unknown": DeclineAfterUnknown,
    "forget-a-cancel": ForgetACancel,
    "acknowledge-before-commit": AcknowledgeBeforeCommit,
    "swallow-a-timeout": SwallowATimeout,
    "give-up-on-error": GiveUpOnError,
    "accept-a-strangers-stop": AcceptAStrangersStop,
    "round-up": RoundUp,
    "bill-the-register": BillTheRegister,
    "ignore-the-end": IgnoreTheEnd,
    "print-again": PrintAgain,
    "synchronous-normal": SynchronousNormal,
    "write-errors-ignored": WriteErrorsIgnored,
    "numbers-reused": NumbersReused,
    "trust-the-wall-clock": TrustTheWallClock,
    "adjust-believed-when-submitted": AdjustBelievedWhenSubmitted,
    "ignore-the-limit": IgnoreTheLimit,
    "late-approval-declined": LateApprovalDeclined,
    "partial-approval-ignored": PartialApprovalIgnored,
    "offline-approval-captured-at-once": OfflineApprovalCapturedAtOnce,
    "gift-without-reason": GiftWithoutReason,
    "decide-for-the-operator": DecideForTheOperator,
    "good-news-only": GoodNewsOnly,
    "refund-twice": RefundTwice,
    "refund-forgotten": RefundForgotten,
    "any-card-is-the-right-one": AnyCardIsTheRightOne,
    "charge-an-account-twice": ChargeAnAccountTwice,
    "upstream-acknowledges-before-answer": UpstreamAcknowledgesBeforeAnswer,
    "upstream-forgets-the-lane": UpstreamForgetsTheLane,
    "upstream-new-id-on-retry": UpstreamNewIdOnRetry,
}
