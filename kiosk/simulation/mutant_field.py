"""Kiosks with a bug where they meet people, piles, terminals and printers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hardware.api import Approved, Card, Declined, DialogueState, Farewell, IdentifyOrder, PaymentTerminal, PreauthorizationOrder
from hardware.api import TerminalHealth as Health
from kiosk.core.effects import Attempt, Effects
from kiosk.core.engine import Engine
from kiosk.core.kernel import Kernel, SealedFor, Taken
from kiosk.core.performers import Performers
from kiosk.journal.state import Retry
from kiosk.session.inputs import (
    ConnectorChanged,
    ConnectorStatus,
    Done,
    Input,
    Ok,
    Printed,
    Result,
    StopCodeTyped,
    TerminalHealth,
    TxEnded,
)
from kiosk.session.recall import Recalled
from kiosk.session.requests import PrintReceipt, StopDelivery
from kiosk.session.state import Kiosk
from kiosk.simulation.life import Fitting, Performer
from kiosk.simulation.mutant_wrappers import After, same
from kiosk.values import Moment


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


class IgnoreAPause(Fitting):
    """A car that draws nothing is taken for one that charges."""

    def given(self, given: Input, k: Kiosk) -> Input:
        del k
        if isinstance(given, ConnectorChanged) and given.status is ConnectorStatus.SUSPENDED_EV:
            return replace(given, status=ConnectorStatus.CHARGING)
        return given


class PauseUntilTold(Fitting):
    """A pause that is over lasts until somebody says so, whatever the register shows and the pile's stamp says."""

    def kernel(self, engine: Engine, effects: Effects, sealed_for: SealedFor) -> Kernel:
        return _TrustingKernel(engine, effects, sealed_for)


class _TrustingKernel(Kernel):
    def take(self, given: Input | Recalled, at: Moment, retries: Sequence[Retry] = (), settled: Sequence[str] = ()) -> Taken:
        head = self.engine.head
        told = {id_: replace(s, pauses=tuple(replace(p, until=None) for p in s.pauses)) for id_, s in head.sessions.items()}
        self.engine.head = replace(head, sessions=told)
        return super().take(given, at, retries, settled)


class IgnoreTheLimit(Fitting):
    """A charge that must end is noted as told to, and the pile hears nothing of it."""

    def performer(self, performers: Performers) -> Performer:
        return After(performers, same, lambda attempt: Done(Ok()) if isinstance(attempt.request.body, StopDelivery) else None)


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


class GiftWithoutReason(Fitting):
    """A terminal that is asked how it is always counts as one that reaches no issuer."""

    def given(self, given: Input, k: Kiosk) -> Input:
        del k
        return replace(given, host=False) if isinstance(given, TerminalHealth) else given


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
