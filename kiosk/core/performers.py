"""From an attempt to the world and back: one call to the right port, every way it can end put into a `Result`.

Plain coroutines that wait on nothing but their ports, so that any loop can run them.
"""

from __future__ import annotations

import logging
from typing import Protocol

from hardware.api import AnswerLost, ReceiptPrinter
from hardware.api import NotSent as DeviceNotSent
from kiosk.core.desk import Desk
from kiosk.core.effects import Attempt
from kiosk.payments.api import Acquirer, ModificationOrder, Refusal
from kiosk.session.inputs import Accepted, Done, NotSent, Ok, Printed, Refused, Result, Unknown
from kiosk.session.requests import (
    AbortPreauthorization,
    Modify,
    Preauthorize,
    PrintReceipt,
    Request,
    StartDelivery,
    StopDelivery,
)

log = logging.getLogger(__name__)


class Answer(Protocol):
    """A pile's yes or no."""

    @property
    def accepted(self) -> bool: ...

    @property
    def code(self) -> str: ...

    @property
    def detail(self) -> str: ...


class Piles(Protocol):
    """The commands a sale gives a pile; each raises `hardware.api.NotSent` or `AnswerLost`."""

    async def start(self, pile: str, number: int, id_tag: str) -> Answer: ...

    async def stop(self, pile: str, transaction: int) -> Answer: ...


class PressError(Exception):
    """A receipt that cannot be put on paper. The sale is not touched by it."""


class Press(Protocol):
    """Makes the bytes of a receipt. Raises `PressError`."""

    async def job(self, body: PrintReceipt) -> bytes: ...


class Performers:
    """The kiosk's hands. A missing printer is a printer that took nothing."""

    def __init__(self, desk: Desk, acquirer: Acquirer, piles: Piles, printer: ReceiptPrinter | None, press: Press) -> None:
        self._desk = desk
        self._acquirer = acquirer
        self._piles = piles
        self._printer = printer
        self._press = press

    async def perform(self, attempt: Attempt) -> Result:
        """One attempt at `attempt.request`; `again` means that an earlier one may have reached the far end."""
        body = attempt.request.body
        match body:
            case Preauthorize():
                return await (self._desk.query(body) if attempt.again else self._desk.preauthorize(body))
            case AbortPreauthorization():
                return await self._desk.abort(body)
            case Modify():
                return await self._modify(attempt.request, body)
            case StartDelivery():
                # A second RemoteStart may meet a pile that has not yet told what became of the first: only what it reports counts.
                return Unknown(detail="the pile's reports decide") if attempt.again else await self._start(body)
            case StopDelivery():
                return await self._stop(body)
            case PrintReceipt():
                return await self._print(body)

    async def _modify(self, request: Request, body: Modify) -> Result:
        order = ModificationOrder(body.reference, body.psp_reference, body.payment, body.amount, request.key, body.promised)
        call = {
            "capture": self._acquirer.capture,
            "cancel": self._acquirer.cancel,
            "cancel_by_reference": self._acquirer.cancel_by_reference,
            "adjust": self._acquirer.adjust,
            "refund": self._acquirer.refund,
        }[body.operation]
        try:
            submitted = await call(order)
        except DeviceNotSent as error:
            return NotSent(str(error))
        except AnswerLost as error:
            return Unknown(detail=str(error))
        except Refusal as refusal:
            return NotSent(refusal.detail) if refusal.retry else Refused(refusal.code, refusal.detail)
        return Done(Accepted(submitted.psp_reference))

    async def _start(self, body: StartDelivery) -> Result:
        try:
            answer = await self._piles.start(body.pile, body.number, body.id_tag)
        except DeviceNotSent as error:
            return NotSent(str(error))
        except AnswerLost as error:
            return Unknown(detail=str(error))
        return Done(Ok()) if answer.accepted else Refused(answer.code, answer.detail)

    async def _stop(self, body: StopDelivery) -> Result:
        try:
            answer = await self._piles.stop(body.pile, body.transaction)
        except DeviceNotSent as error:
            return NotSent(str(error))
        except AnswerLost as error:
            return Unknown(detail=str(error))
        return Done(Ok()) if answer.accepted else Refused(answer.code, answer.detail)

    async def _print(self, body: PrintReceipt) -> Result:
        if self._printer is None:
            return NotSent("no printer is configured")
        try:
            job = await self._press.job(body)
        except PressError as error:
            log.exception("receipt %s cannot be set", body.number)
            return Refused("unprintable", str(error))
        try:
            result = await self._printer.print(job, (body.number - 1) % 9_999 + 1)
        except DeviceNotSent as error:
            return NotSent(str(error))
        except AnswerLost as error:
            return Unknown(detail=str(error))
        return Done(Printed(result.value))
