"""The core's end of the socket to the screen: snapshots out, intents in.

At most four snapshots a second and at least one: a screen that draws them acknowledges each, and that is how core knows that a person sees
the truth. These waits are about a screen, not about a sale, and so run on real time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from kiosk.protocol import MAX_LINE, VERSION, Ack, Hello, Intent, ProtocolError, Result, Snapshot, decode, encode

log = logging.getLogger(__name__)

_SHORTEST_S = 0.25
_LONGEST_S = 1.0


class Clock(Protocol):
    async def sleep(self, seconds: float) -> None: ...


class ScreenLink:
    """Listens on a Unix socket (mode 0660). The newest screen is the screen; an older connection is closed.

    `compose(seq)` makes the snapshot to show, `intent` answers with the code for `Result`, `acked` is told of every drawn snapshot.
    """

    def __init__(
        self,
        path: Path,
        real: Clock,
        compose: Callable[[int], Snapshot],
        intent: Callable[[Intent], Awaitable[str]],
        acked: Callable[[], None],
    ) -> None:
        self._path = path
        self._real = real
        self._compose = compose
        self._intent = intent
        self._acked = acked
        self._seq = 0
        self._acknowledged = 0
        self._dirty = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None

    def refresh(self) -> None:
        """Something may look different now."""
        self._dirty.set()

    async def start(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._screen, self._path, limit=MAX_LINE)
        self._path.chmod(0o660)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._writer is not None:
            self._writer.close()
        self._path.unlink(missing_ok=True)

    async def _screen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender: asyncio.Task[None] | None = None
        try:
            hello = _heard(await reader.readline())
            if not isinstance(hello, Hello) or hello.version != VERSION:
                raise ProtocolError(f"a screen must say Hello with version {VERSION} first")
            if self._writer is not None:
                self._writer.close()
            self._writer = writer
            sender = asyncio.create_task(self._send(writer), name="snapshots")
            await self._listen(reader, writer)
        except (ProtocolError, ValueError) as error:
            log.warning("screen connection closed: %s", error)
        except ConnectionError as error:
            log.info("screen gone: %s", error)
        finally:
            if sender is not None:
                sender.cancel()
            if self._writer is writer:
                self._writer = None
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            match _heard(line):
                case Ack(seq=seq) if self._acknowledged < seq <= self._seq:
                    self._acknowledged = seq
                    self._acked()
                case Intent() as intent:
                    code = await self._intent(intent)
                    writer.write(encode(Result(intent.id, code)))
                    self.refresh()
                case other:
                    raise ProtocolError(f"a screen does not say {type(other).__name__} here")

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self._dirty.clear()
                self._seq += 1
                writer.write(encode(self._compose(self._seq)))
                await writer.drain()
                await self._real.sleep(_SHORTEST_S)
                await self._dirty_or(_LONGEST_S - _SHORTEST_S)
        except ConnectionError as error:
            log.info("screen gone: %s", error)
        except Exception:
            log.exception("no snapshot could be made; the screen will ask again")
            writer.close()

    async def _dirty_or(self, seconds: float) -> None:
        waits = [asyncio.ensure_future(self._dirty.wait()), asyncio.ensure_future(self._real.sleep(seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _heard(line: bytes) -> Hello | Ack | Intent:
    """What a screen said. Raises `ProtocolError` for anything a screen does not say, down to the type of a value."""
    match message := decode(line):
        case Hello(version=int(), panel_mm=tuple(), languages=tuple()) | Ack(seq=int()):
            return message
        case Intent(id=str(), visit=int(), seq=int(), kind=str(), args=dict(args)) if all(isinstance(v, str) for v in args.values()):
            return message
    raise ProtocolError(f"a screen does not say {type(message).__name__} like this")
