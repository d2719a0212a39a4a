"""Print over a TCP socket (port 9100) and find out whether it was printed.

A socket takes a whole receipt for a printer that is dead, so an accepted write proves nothing. Proof is the printer's own word after the
job: the process id (`GS ( H` function 48, sent when printing is completed), or the paper status (`GS r 1`, answered in order) of a model
that knows no process ids. Whatever is not proven is never sent again from here, and is cleared from the printer as far as it listens:
yesterday's receipt must not come out for tomorrow's driver.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from hardware.api import NotSent, PrinterState, PrintResult
from hardware.clock import Clock
from hardware.printers.escpos.replies import CLEARED, PROCESS_ID, Block, Paper, RealTime, Replies, Reply, Status

log = logging.getLogger(__name__)

CONNECT_S = 3.0
STATUS_S = 2.0
SEND_S = 10.0
CONFIRM_S = 20.0
POLL_S = 0.5
POLLS_AFTER_ECHO = 4  # how long a process id may come after the answer to GS r 1
CLEAR_S = 1.0
CLOSE_S = 1.0

ASK_STATUS = bytes.fromhex("100401 100402 100403 100404")
ASK_PROCESS_ID = bytes.fromhex("1d2848 0600 3030")
ASK_PAPER = bytes.fromhex("1d7201")
CLEAR = bytes.fromhex("100502 10140801031401060208")  # recover and clear (DLE ENQ 2), clear buffers (DLE DC4 function 8)
_ABRUPT = struct.pack("ii", 1, 0)


class EscposTcpPrinter:
    """A `hardware.api.ReceiptPrinter`. It connects for each job: most printers serve one client and forget an idle one.

    `answers` is false for a model without any way back, whose jobs then are never more than `UNCONFIRMED`.
    """

    def __init__(self, host: str, port: int, clock: Clock, *, answers: bool = True) -> None:
        self._host, self._port, self._clock, self._answers = host, port, clock, answers
        self._one_at_a_time = asyncio.Lock()

    def __repr__(self) -> str:
        return f"printer at {self._host}:{self._port}"

    async def state(self) -> PrinterState:
        """How the printer is now; `OFFLINE` also when it cannot be reached or does not answer."""
        try:
            async with self._connected() as wire:
                return (await wire.status()).state if self._answers else PrinterState.READY
        except NotSent as error:
            log.debug("%s: %s", self, error)
            return PrinterState.OFFLINE

    async def print(self, job: bytes, number: int) -> PrintResult:
        """One attempt at a job. Raises `NotSent` when the printer took nothing of it: it may be tried again then, and only then."""
        if not 1 <= number <= 9999:
            raise ValueError(f"a job's number is 1 to 9999, not {number}")
        async with self._connected() as wire:
            if not self._answers:
                return await self._send_blind(wire, job)
            before = (await wire.status()).state
            if before not in (PrinterState.READY, PrinterState.PAPER_LOW):
                raise NotSent(f"{self} took nothing: {before.value}")
            result = await self._send(wire, job, number)
            if result is not PrintResult.PRINTED:
                log.warning("%s: job %04d is %s", self, number, result.value)
                await wire.clear()
            return result

    async def _send_blind(self, wire: _Wire, job: bytes) -> PrintResult:
        with suppress(OSError):
            await wire.write(job)
        return PrintResult.UNCONFIRMED

    async def _send(self, wire: _Wire, job: bytes, number: int) -> PrintResult:
        process_id = f"{number:04}".encode()
        try:
            await wire.write(job + ASK_PROCESS_ID + process_id + ASK_PAPER)
            async with self._clock.timeout(CONFIRM_S):
                return await self._watch(wire, process_id)
        except OSError as error:
            log.warning("%s: no proof of job %04d: %s", self, number, str(error) or "it stays silent")
            return PrintResult.UNCONFIRMED

    async def _watch(self, wire: _Wire, process_id: bytes) -> PrintResult:
        """Until the printer has said how the job ended."""
        echoed, knows_ids, polls = False, False, 0
        while True:
            try:
                async with self._clock.timeout(POLL_S):
                    reply: Reply | Status = await wire.next()
            except TimeoutError:
                polls += 1 if echoed else 0
                await wire.write(ASK_STATUS)
                continue
            match reply:
                case Block(identifier=identifier, data=data) if identifier == PROCESS_ID:
                    if data == process_id:
                        return PrintResult.PRINTED
                    knows_ids = True
                case Paper(ended=True):
                    return PrintResult.INTERRUPTED
                case Paper():
                    echoed = True
                case Status(stopped=True):
                    return PrintResult.INTERRUPTED
                case Status() if polls >= POLLS_AFTER_ECHO and not knows_ids:
                    return PrintResult.PRINTED
                case _:
                    pass

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[_Wire]:
        async with self._one_at_a_time:
            try:
                async with self._clock.timeout(CONNECT_S):
                    reader, writer = await asyncio.open_connection(self._host, self._port)
            except OSError as error:
                raise NotSent(f"{self} cannot be reached: {str(error) or 'no answer'}") from error
            wire = _Wire(reader, writer, self._clock)
            try:
                yield wire
            finally:
                await wire.close()


class _Wire:
    """One connection. Every way it can break is an `OSError`, `TimeoutError` included."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, clock: Clock) -> None:
        self._reader, self._writer, self._clock = reader, writer, clock
        self._replies = Replies()
        self._pending: list[Reply] = []
        self._statuses: list[int] = []
        self._listening = True

    async def write(self, data: bytes) -> None:
        """Raises `OSError` (`TimeoutError` included) when the printer does not take it all."""
        self._writer.write(data)
        async with self._clock.timeout(SEND_S):
            await self._writer.drain()

    async def next(self) -> Reply | Status:
        """The next reply; every four real-time bytes make a `Status`. Raises `ConnectionError` when the printer hangs up."""
        while True:
            while not self._pending:
                data = await self._reader.read(256)
                if not data:
                    self._listening = False
                    raise ConnectionResetError("the printer hung up")
                self._pending = self._replies.feed(data)
            reply = self._pending.pop(0)
            if not isinstance(reply, RealTime):
                return reply
            self._statuses.append(reply.byte)
            if len(self._statuses) == 4:
                status = Status(*self._statuses)
                self._statuses.clear()
                return status

    async def status(self) -> Status:
        """Ask for the four status bytes. Raises `NotSent` when they do not come: whoever is there is no printer that can be trusted."""
        try:
            await self.write(ASK_STATUS)
            async with self._clock.timeout(STATUS_S):
                while not isinstance(reply := await self.next(), Status):
                    pass
                return reply
        except OSError as error:
            raise NotSent(f"the printer does not tell its status: {str(error) or 'it stays silent'}") from error

    async def clear(self) -> None:
        """Make the printer forget the job. One that does not acknowledge is cut off, so that nothing more reaches it from our side."""
        if not self._listening:
            return
        self._listening = False
        with suppress(OSError):
            await self.write(CLEAR)
            async with self._clock.timeout(CLEAR_S):
                while not (isinstance(reply := await self.next(), Block) and reply.identifier == CLEARED):
                    pass
                self._listening = True

    async def close(self) -> None:
        if not self._listening:
            sock = self._writer.get_extra_info("socket")
            with suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPT)
            self._writer.transport.abort()
            return
        self._writer.close()
        with suppress(OSError):
            async with self._clock.timeout(CLOSE_S):
                await self._writer.wait_closed()
