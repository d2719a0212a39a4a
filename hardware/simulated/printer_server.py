"""The simulated printer on a real socket: one client at a time, real-time answers while it prints, and every way a printer can vanish."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from contextlib import suppress

from hardware.clock import Clock
from hardware.simulated.models.printer import PrinterModel

log = logging.getLogger(__name__)

MM_PER_S = 150
LOOK_S = 0.05
_ABRUPT = struct.pack("ii", 1, 0)


class PrinterServer:
    """Serves a `PrinterModel`. Its paper moves at 150 mm/s of the clock's time."""

    def __init__(self, model: PrinterModel, clock: Clock, host: str = "127.0.0.1", port: int = 0) -> None:
        self.model = model
        self.port = port
        self._clock, self._host = clock, host
        self._server: asyncio.Server | None = None
        self._engine: asyncio.Task[None] | None = None
        self._client: asyncio.StreamWriter | None = None
        self._dead: list[asyncio.StreamWriter] = []
        self._serving: set[asyncio.Task[None]] = set()
        self._arrived = asyncio.Event()

    async def start(self) -> None:
        """Listen. The port, once chosen, stays the same for the life of this object."""
        self._server = await asyncio.start_server(self._serve, self._host, self.port, limit=4096)
        self.port = self._server.sockets[0].getsockname()[1]
        self._engine = asyncio.create_task(self._print())

    async def stop(self) -> None:
        await self.power_off()
        self._bury()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def power_off(self) -> None:
        """The plug is pulled: what it held is gone, and whoever is connected hears nothing, not even a hang-up."""
        if self._engine is not None:
            self._engine.cancel()
            with suppress(asyncio.CancelledError):
                await self._engine
            self._engine = None
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._client is not None:
            self._dead.append(self._client)
            self._client = None
        self.model.power_off()

    async def power_on(self) -> None:
        """Up again, on the same port; connections of before are unknown to it."""
        self._bury()
        await self.start()

    def _bury(self) -> None:
        for writer in self._dead:
            _hang_up_hard(writer)
        self._dead.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._client is not None:
            writer.close()
            return
        self._client = writer
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            await self._listen(reader, writer)
        except ConnectionError as error:
            log.debug("the client is gone: %s", error)
        finally:
            if self._client is writer:
                self._client = None
                writer.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        come_in = 0
        while True:
            while self.model.stalled:
                await self._clock.sleep(LOOK_S)
            data = await reader.read(1024)
            if not data or self._client is not writer:
                return
            come_in += len(data)
            limit = self.model.drop_after
            if limit is not None and come_in >= limit:
                self.model.receive(data[: len(data) - (come_in - limit)])
                _hang_up_hard(writer)
                return
            await self._say(self.model.receive(data))
            self._arrived.set()

    async def _print(self) -> None:
        """The print engine: works whether or not anybody is connected."""
        while True:
            said, mm = self.model.work()
            await self._say(said)
            if mm:
                await self._clock.sleep(mm / MM_PER_S)
            elif said:
                continue
            elif self.model.busy:
                await self._clock.sleep(LOOK_S)
            else:
                self._arrived.clear()
                await self._arrived.wait()

    async def _say(self, data: bytes) -> None:
        if data and self._client is not None:
            self._client.write(data)
            with suppress(ConnectionError):
                await self._client.drain()


def _hang_up_hard(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPT)
    writer.transport.abort()
