"""The operator's own system at the far end of the kiosk: the books of `models.csms` on a socket, over OCPP 1.6J.

It can be away, slow, forgetful with its answers, and of another opinion. It reads and writes frames by itself.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import http
import itertools
import json
import logging
import ssl
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from hardware.clock import Clock
from hardware.simulated.models.csms import Csms, Payload

_log = logging.getLogger(__name__)


class CsmsServer:
    """Serves one station, `identity`. `away` and `back` are its network; `drop` ends the connection without a word."""

    def __init__(
        self, clock: Clock, identity: str, *, password: str | None = None, tls: ssl.SSLContext | None = None, csms: Csms | None = None
    ) -> None:
        self.csms = csms or Csms()
        self.identity = identity
        self.port = 0
        self.connections = 0
        self._clock = clock
        self._password = password
        self._tls = tls
        self._server: Server | None = None
        self._socket: ServerConnection | None = None
        self._waiting: dict[str, asyncio.Future[list[Any]]] = {}
        self._ids = itertools.count(1)

    @property
    def url(self) -> str:
        """Where it is, without the identity."""
        return f"{'wss' if self._tls else 'ws'}://127.0.0.1:{self.port}/ocpp"

    async def start(self) -> None:
        """Listen. The port, once chosen, stays the same for the life of this object."""
        if self._server is None:
            self._server = await serve(
                self._serve,
                "127.0.0.1",
                self.port,
                ssl=self._tls,
                process_request=self._admit,
                subprotocols=["ocpp1.6"],  # type: ignore[list-item]  # NewType of str
                compression=None,
                close_timeout=1,
            )
            self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def away(self) -> None:
        """Nobody listens any more."""
        if self._server is not None:
            server, self._server = self._server, None
            self.drop()
            server.close()
            await server.wait_closed()

    back = start
    stop = away

    def drop(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()

    @property
    def connected(self) -> bool:
        return self._socket is not None

    async def call(self, action: str, payload: Payload) -> Payload | str:
        """Ask the station; its answer, or the code of its CALLERROR."""
        assert self._socket is not None
        name = f"c{next(self._ids)}"
        answer = self._waiting[name] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps([2, name, action, payload]))
        async with self._clock.timeout(60):
            frame = await answer
        return dict(frame[2]) if frame[0] == 3 else str(frame[2])

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        if request.path.rpartition("/")[2] != self.identity:
            return socket.respond(http.HTTPStatus.NOT_FOUND, "unknown station\n")
        if self._password is not None:
            wanted = base64.b64encode(f"{self.identity}:{self._password}".encode()).decode()
            if not hmac.compare_digest(request.headers.get("Authorization", ""), f"Basic {wanted}"):
                return socket.respond(http.HTTPStatus.UNAUTHORIZED, "wrong password\n")
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        self._socket = socket
        self.connections += 1
        accepted = False
        try:
            async for raw in socket:
                frame = json.loads(raw)
                if frame[0] != 2:
                    self._answered(frame)
                    continue
                _, name, action, payload = frame
                if not accepted and action != "BootNotification":
                    self.csms.broken.append(f"{action} before the boot was accepted")
                if self.csms.slow_s:
                    await self._clock.sleep(self.csms.slow_s)
                if self.csms.deadly.get(action, 0) > 0:
                    self.csms.deadly[action] -= 1
                    self.drop()
                    continue
                answer = self.csms.hear(name, action, payload, self._now())
                if self.csms.lost.get(action, 0) > 0:
                    self.csms.lost[action] -= 1
                    continue
                if isinstance(answer, dict):
                    accepted = accepted or answer.get("status") == "Accepted"
                    await socket.send(json.dumps([3, name, answer]))
                else:
                    await socket.send(json.dumps([4, name, answer, "not today", {}]))
        except ConnectionClosed:
            _log.info("station %s is gone", self.identity)
        finally:
            if self._socket is socket:
                self._socket = None

    def _answered(self, frame: list[Any]) -> None:
        waiting = self._waiting.pop(frame[1], None)
        if waiting is None:
            self.csms.broken.append(f"an answer to nothing: {frame[1]}")
        elif not waiting.done():
            waiting.set_result(frame)

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock.now().utc_ms / 1_000, UTC).isoformat().replace("+00:00", "Z")
