"""Kiosks with a bug where money is ordered, granted, confirmed, decided on or paid back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kiosk.core.effects import Attempt, Effects
from kiosk.core.engine import Engine
from kiosk.core.kernel import Kernel, SealedFor, Taken
from kiosk.core.performers import Performers
from kiosk.journal.state import Retry
from kiosk.payments.api import Acquirer, ModificationOrder, Submitted
from kiosk.session.inputs import Accepted, Approval, Confirmation, Done, Input, NotSent, Refused, Result, ReviewClosed, Unknown
from kiosk.session.recall import Recalled
from kiosk.session.requests import Modify, Preauthorize
from kiosk.session.state import Kiosk
from kiosk.simulation.life import Fitting, Performer
from kiosk.simulation.mutant_wrappers import AcquirerWith, After, nothing, same
from kiosk.values import Moment, Money


class NewKeyOnRetry(Fitting):
    """A capture that is sent again gets a new idempotency key."""

    def acquirer(self, port: Acquirer) -> Acquirer:
        tries: dict[str, int] = {}

        def change(_operation: str, order: ModificationOrder) -> ModificationOrder:
            tries[order.reference] = count = tries.get(order.reference, 0) + 1
            return order if count == 1 else replace(order, key=f"{order.key[:56]}-{count}", promised=None)

        return AcquirerWith(port, change)


class CaptureTheHold(Fitting):
    """Whatever was delivered, all of the reserved money is taken."""

    def __init__(self) -> None:
        self._held: dict[str, Money] = {}

    def performer(self, performers: Performers) -> Performer:
        def remember(attempt: Attempt, result: Result) -> Result:
            if isinstance(attempt.request.body, Preauthorize):
                self._held[attempt.request.body.payment] = attempt.request.body.amount
            return result

        return After(performers, remember, nothing)

    def acquirer(self, port: Acquirer) -> Acquirer:
        def change(operation: str, order: ModificationOrder) -> ModificationOrder:
            held = self._held.get(order.payment_reference)
            return replace(order, amount=held, promised=None) if operation == "capture" and held is not None else order

        return AcquirerWith(port, change)


class RetryAfterUnknown(Fitting):
    """A terminal that did not answer is taken for one that was never asked."""

    def performer(self, performers: Performers) -> Performer:
        def change(attempt: Attempt, result: Result) -> Result:
            unknown = isinstance(attempt.request.body, Preauthorize) and isinstance(result, Unknown) and not attempt.again
            return NotSent("no answer") if unknown else result

        return After(performers, change, nothing)


class DeclineAfterUnknown(Fitting):
    """A terminal that did not answer is taken for a card that was declined."""

    def performer(self, performers: Performers) -> Performer:
        def change(attempt: Attempt, result: Result) -> Result:
            unknown = isinstance(attempt.request.body, Preauthorize) and isinstance(result, Unknown)
            return Refused("refused", "no answer") if unknown else result

        return After(performers, change, nothing)


class ForgetACancel(Fitting):
    """A hold that is to be released is noted as released, and nobody tells the acquirer."""

    def performer(self, performers: Performers) -> Performer:
        def instead(attempt: Attempt) -> Result | None:
            body = attempt.request.body
            return Done(Accepted("FORGOTTEN")) if isinstance(body, Modify) and body.operation != "capture" else None

        return After(performers, same, instead)


class SwallowATimeout(Fitting):
    """An acquirer that does not answer is taken for one that said yes."""

    def performer(self, performers: Performers) -> Performer:
        def change(attempt: Attempt, result: Result) -> Result:
            lost = isinstance(attempt.request.body, Modify) and isinstance(result, Unknown)
            return Done(Accepted("SWALLOWED")) if lost else result

        return After(performers, change, nothing)


class GiveUpOnError(Fitting):
    """An acquirer that fails for a moment is taken for one that refused: the capture is not tried again, and nobody is told."""

    def performer(self, performers: Performers) -> Performer:
        def change(attempt: Attempt, result: Result) -> Result:
            failed = isinstance(attempt.request.body, Modify) and isinstance(result, NotSent)
            return Done(Accepted("GIVENUP")) if failed else result

        return After(performers, change, nothing)


class RoundUp(Fitting):
    """Every capture is a cent more than the price."""

    def acquirer(self, port: Acquirer) -> Acquirer:
        def change(operation: str, order: ModificationOrder) -> ModificationOrder:
            if operation != "capture" or order.amount is None:
                return order
            return replace(order, amount=Money(order.amount.minor + 1, order.amount.currency), promised=None)

        return AcquirerWith(port, change)


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


class LateApprovalDeclined(Fitting):
    """An approval that only a question brings to light is taken for a decline."""

    def performer(self, performers: Performers) -> Performer:
        def change(attempt: Attempt, result: Result) -> Result:
            late = isinstance(attempt.request.body, Preauthorize) and attempt.again and isinstance(result, Done)
            return Refused("aborted", "too late") if late else result

        return After(performers, change, nothing)


class PartialApprovalIgnored(Fitting):
    """What was asked for counts as reserved, whatever the issuer granted."""

    def performer(self, performers: Performers) -> Performer:
        def change(attempt: Attempt, result: Result) -> Result:
            body = attempt.request.body
            if isinstance(body, Preauthorize) and isinstance(result, Done) and isinstance(result.result, Approval):
                return Done(replace(result.result, authorized=body.amount))
            return result

        return After(performers, change, nothing)


class OfflineApprovalCapturedAtOnce(Fitting):
    """What the terminal approved by itself is taken for approved by an issuer."""

    def performer(self, performers: Performers) -> Performer:
        def change(_attempt: Attempt, result: Result) -> Result:
            if isinstance(result, Done) and isinstance(result.result, Approval) and result.result.offline:
                return Done(replace(result.result, offline=False, psp_reference=result.result.psp_reference or "OFFLINE"))
            return result

        return After(performers, change, nothing)


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


class _RefundingTwice(AcquirerWith):
    async def refund(self, order: ModificationOrder) -> Submitted:
        await super().refund(order)
        return await super().refund(replace(order, key=f"{order.key[:60]}-2", promised=None))


class RefundForgotten(Fitting):
    """A refund is noted, its credit note printed, and nobody tells the acquirer."""

    def performer(self, performers: Performers) -> Performer:
        def instead(attempt: Attempt) -> Result | None:
            body = attempt.request.body
            return Done(Accepted("NEVERSENT")) if isinstance(body, Modify) and body.operation == "refund" else None

        return After(performers, same, instead)


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
