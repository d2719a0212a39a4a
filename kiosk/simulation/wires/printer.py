"""The wire to the receipt printer: the bytes of the product's print jobs into the printer's model, paper and proof out of it."""

from __future__ import annotations

from hardware.api import NotSent, PrinterState, PrintResult
from hardware.printers.escpos.replies import PROCESS_ID, Block, RealTime, Replies, Status
from hardware.printers.escpos.tcp import ASK_PAPER, ASK_PROCESS_ID, ASK_STATUS, CLEAR, CONFIRM_S
from hardware.simulated.models.printer import PrinterModel
from kiosk.simulation import faults as bad
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork
from kiosk.simulation.coroutines import Waiting
from kiosk.simulation.faults import Faults

_ENDS_MM = 40  # of paper, less than any receipt needs
_MEND_S = (60, 1_800)


class PrinterWire:
    """One printer and the kiosk's port to it (`hardware.api.ReceiptPrinter`)."""

    def __init__(self, clockwork: Clockwork, chance: Chance, faults: Faults) -> None:
        self._clockwork = clockwork
        self._chance = chance
        self._faults = faults
        self._off = False
        self.model = PrinterModel()

    async def state(self) -> PrinterState:
        return PrinterState.OFFLINE if self._off else self._status()

    async def print(self, job: bytes, number: int) -> PrintResult:
        """One attempt. Raises `NotSent` when the printer took nothing of the job."""
        fault = self._faults.draw(bad.PRINTER, "print")
        self._trouble("" if fault is None else fault.model)
        if self._off:
            raise NotSent("the printer is off")
        if (state := self._status()) not in (PrinterState.READY, PrinterState.PAPER_LOW):
            raise NotSent(f"the printer took nothing: {state.value}")
        if fault is not None and fault.model == "ends":
            self.model.paper_mm = _ENDS_MM
        said = self.model.receive(job + ASK_PROCESS_ID + f"{number:04}".encode() + ASK_PAPER)
        waiting: Waiting[bytes] = Waiting(self._clockwork)
        self._clockwork.after(self._chance.ms(1, 4), lambda: waiting.resolve(said + self._work()))
        replies = Replies().feed(await waiting)
        if any(isinstance(reply, Block) and reply.identifier == PROCESS_ID for reply in replies):
            return PrintResult.PRINTED
        if self.model.stopped:
            self.model.receive(CLEAR)
            return PrintResult.INTERRUPTED
        silence: Waiting[None] = Waiting(self._clockwork)
        self._clockwork.after(int(CONFIRM_S * 1_000), lambda: silence.resolve(None))
        await silence
        return PrintResult.UNCONFIRMED

    def _status(self) -> PrinterState:
        replies = Replies().feed(self.model.receive(ASK_STATUS))
        found = [reply.byte for reply in replies if isinstance(reply, RealTime)]
        if len(found) < 4:
            raise NotSent("the printer does not tell its status")
        return Status(*found[:4]).state

    def _work(self) -> bytes:
        said, idle = b"", 0
        while self.model.busy and not self.model.stopped and idle < 2:
            words, fed = self.model.work()
            said += words
            idle = 0 if words or fed else idle + 1
        return said

    def _trouble(self, name: str) -> None:
        match name:
            case "no_paper":
                self.model.paper_mm = 0
            case "cover":
                self.model.cover_open = True
            case "mute":
                self.model.mute = True
            case "off":
                self._off = True
            case _:
                return
        self._clockwork.after(self._chance.ms(*_MEND_S), self.mend)

    def mend(self) -> None:
        """Somebody comes by: paper in, cover shut, power on."""
        self._off = False
        self.model.mute = False
        if self.model.stopped:
            self.model.refill()
