"""What mutants are made with: the honest acquirer, terminal and printer with what passes through them changed."""

from __future__ import annotations

from collections.abc import Callable

from kiosk.core.effects import Attempt
from kiosk.payments.api import Acquirer, ModificationOrder, Submitted
from kiosk.receipts.receipt import ReceiptError
from kiosk.session.inputs import NotSent, Result
from kiosk.simulation.life import Performer


class AcquirerWith:
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


class After:
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


def nothing(_attempt: Attempt) -> None:
    return None


def same(_attempt: Attempt, result: Result) -> Result:
    return result


class NoPaperYet:
    """A receipt whose facts are not on the disk cannot be printed. That is not what these mutants are about."""

    def __init__(self, performers: Performer) -> None:
        self._performers = performers

    async def perform(self, attempt: Attempt) -> Result:
        try:
            return await self._performers.perform(attempt)
        except ReceiptError as error:
            return NotSent(str(error))
