"""The simulated reader on a real socket, as behind a serial server: one listener at a time, and a cable that can be pulled."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from hardware.simulated.models.reader import ReaderModel


class ReaderServer:
    """Serves a `ReaderModel`. What it tells while nobody listens is lost, as with the real one."""

    def __init__(self, model: ReaderModel, host: str = "127.0.0.1", port: int = 0) -> None:
        self.model = model
        self.port = port
        self._host = host
        self._server: asyncio.Server | None = None
        self._listener: asyncio.StreamWriter | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen. The port, once chosen, stays the same for the life of this object."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self._host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        await self.unplug()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def unplug(self) -> None:
        """The cable is pulled: nobody is told, nobody can connect."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._listener is not None:
            self._listener.transport.abort()
            self._listener = None

    @property
    def heard(self) -> bool:
        """Whether anybody listens to it."""
        return self._listener is not None

    async def hold(self, uid: str) -> None:
        """A tag lies on it for a moment."""
        said = self.model.hold(uid)
        if said and self._listener is not None:
            self._listener.write(said)
            with suppress(ConnectionError):
                await self._listener.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._listener is not None:
            writer.close()
            return
        self._listener = writer
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            with suppress(ConnectionError):
                while await reader.read(64):
                    pass  # it takes no orders
        finally:
            if self._listener is writer:
                self._listener = None
            writer.close()
