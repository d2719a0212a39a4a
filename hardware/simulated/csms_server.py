"""The operator's own system at the far end of the kiosk: a small, strict CSMS of OCPP 1.6J with books of its own.

It can be away, slow, forgetful with its answers, and of another opinion. It reads and writes frames by itself, and notes whatever a station
must not say (`broken`); a message that is repeated with its id and content is answered as before and booked once (`repeats`).
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import http
import itertools
import json
import logging
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from hardware.clock import Clock

_log = logging.getLogger(__name__)

Payload = dict[str, Any]

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_BOOT = {"chargePointVendor": str, "chargePointModel": str}
_STATUS = {"connectorId": int, "errorCode": str, "status": str}
_START = {"connectorId": int, "idTag": str, "meterStart": int, "timestamp": str}
_METER = {"connectorId": int, "meterValue": list}
_STOP = {"transactionId": int, "meterStop": int, "timestamp": str}
_SHAPES: Mapping[str, Mapping[str, type]] = {
    "BootNotification": _BOOT,
    "Heartbeat": {},
    "StatusNotification": _STATUS,
    "StartTransaction": _START,
    "MeterValues": _METER,
    "StopTransaction": _STOP,
}


@dataclass
class Transaction:
    """A charge in the operator's books. `values` are its registers on the way, in Wh, as told."""

    transaction: int
    connector: int
    id_tag: str
    meter_start: int
    began: str
    values: list[tuple[str, str]] = field(default_factory=list)
    meter_stop: int | None = None
    ended: str = ""
    reason: str = ""

    @property
    def wh(self) -> int:
        return (self.meter_stop or self.meter_start) - self.meter_start


@dataclass
class Csms:
    """What outlives its restart: books, and the settings of its bad days.

    `boots` are the answers to the next boots, (status, interval); later ones are accepted. `refusals` counts CALLERRORs by action, `lost`
    answers that never come, `deadly` messages that end the connection; `names` gives a transaction its id, -1 and 0 included, and `verdict`
    is what it thinks of the idTag.
    """

    transactions: list[Transaction] = field(default_factory=list)
    status: dict[int, str] = field(default_factory=dict)
    said: list[tuple[str, Payload]] = field(default_factory=list)  # every message once, in order
    repeats: list[str] = field(default_factory=list)  # the actions of those that came again
    broken: list[str] = field(default_factory=list)
    boots: list[tuple[str, int]] = field(default_factory=list)
    refusals: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    deadly: dict[str, int] = field(default_factory=dict)
    slow_s: float = 0
    verdict: str = "Accepted"
    heartbeat_s: int = 300
    names: Callable[[], int] = field(default_factory=lambda: itertools.count(7001).__next__)
    _answers: dict[str, tuple[str, Payload, Payload]] = field(default_factory=dict)

    @property
    def actions(self) -> list[str]:
        return [action for action, _ in self.said]

    def hear(self, name: str, action: str, payload: Payload, now: str) -> Payload | str:
        """The answer, or the code of a CALLERROR."""
        if self.refusals.get(action, 0) > 0:
            self.refusals[action] -= 1
            return "InternalError"
        if name in self._answers:
            known = self._answers[name]
            if known[:2] != (action, payload):
                self.broken.append(f"{action}: message id {name} is that of another message")
            self.repeats.append(action)
            return known[2]
        if wrong := _wrong(action, payload):
            self.broken.append(wrong)
            return "FormationViolation"
        self.said.append((action, payload))
        answer = self._book(action, payload, now)
        self._answers[name] = (action, payload, answer)
        return answer

    def _book(self, action: str, payload: Payload, now: str) -> Payload:
        match action:
            case "BootNotification":
                status, interval = self.boots.pop(0) if self.boots else ("Accepted", self.heartbeat_s)
                return {"status": status, "currentTime": now, "interval": interval}
            case "Heartbeat":
                return {"currentTime": now}
            case "StatusNotification":
                self.status[payload["connectorId"]] = payload["status"]
                return {}
            case "StartTransaction":
                return self._start(payload)
            case "StopTransaction":
                return self._stop(payload)
        return self._values(payload)

    def _start(self, payload: Payload) -> Payload:
        one = Transaction(self.names(), payload["connectorId"], payload["idTag"], payload["meterStart"], payload["timestamp"])
        if any((t.connector, t.meter_start, t.began) == (one.connector, one.meter_start, one.began) for t in self.transactions):
            self.broken.append(f"StartTransaction: {one.id_tag} began twice")
        if any(t.connector == one.connector and t.meter_stop is None for t in self.transactions):
            self.broken.append(f"StartTransaction: connector {one.connector} still charges")
        self.transactions.append(one)
        return {"transactionId": one.transaction, "idTagInfo": {"status": self.verdict}}

    def _values(self, payload: Payload) -> Payload:
        one = self._running("MeterValues", payload.get("transactionId"))
        for value in payload["meterValue"]:
            register = next(s["value"] for s in value["sampledValue"] if s["measurand"] == "Energy.Active.Import.Register")
            if one is not None:
                one.values.append((value["timestamp"], register))
        return {}

    def _stop(self, payload: Payload) -> Payload:
        one = self._running("StopTransaction", payload["transactionId"])
        if one is not None:
            one.meter_stop, one.ended, one.reason = payload["meterStop"], payload["timestamp"], payload.get("reason", "Local")
            if one.meter_stop < one.meter_start:
                self.broken.append("StopTransaction: the register went back")
        return {}

    def _running(self, action: str, transaction: int | None) -> Transaction | None:
        found = next((t for t in reversed(self.transactions) if t.transaction == transaction and t.meter_stop is None), None)
        if found is None:
            self.broken.append(f"{action}: transaction {transaction} does not run")
        return found


def _wrong(action: str, payload: Payload) -> str:
    shape = _SHAPES.get(action)
    if shape is None:
        return f"{action} is nothing a station of ours says"
    for key, kind in shape.items():
        if type(payload.get(key)) is not kind:
            return f"{action}: {key} is missing or no {kind.__name__}"
    for at in [payload.get("timestamp"), *(value.get("timestamp") for value in payload.get("meterValue", []))]:
        if at is not None and not _TIME.fullmatch(at):
            return f"{action}: {at!r} is no moment"
    if not 0 < len(payload.get("idTag", "x")) <= 20:
        return f"{action}: the idTag is too long"
    return ""


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
