"""Kiosks with a deliberate bug, to see that the checker bites: the honest kiosk with one part wrapped. No product module knows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from kiosk.core.effects import Attempt, Effects
from kiosk.core.engine import Batch, Engine
from kiosk.core.kernel import Kernel, SealedFor, Taken
from kiosk.core.performers import Performers
from kiosk.payments.api import Acquirer, ModificationOrder, Submitted
from kiosk.receipts.receipt import ReceiptError
from kiosk.session.inputs import Accepted, Done, Input, NotSent, Printed, Refused, Result, StopCodeTyped, TxEnded, Unknown
from kiosk.session.requests import Modify, Preauthorize, PrintReceipt
from kiosk.session.state import Kiosk
from kiosk.simulation.coroutines import Waiting
from kiosk.simulation.life import Disk, Fitting, Life, Performer
from kiosk.values import Money

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
}
