"""A simulated pile on the wire: the model as an OCPP 1.6J client over a real WebSocket, with the hands of a person at the bench.

It runs on the clock it is given, so a demo may charge a car in a minute. A network that is cut leaves the model working alone, as a real
pile would.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import ssl
from collections.abc import Mapping
from typing import NoReturn

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from hardware.clock import Clock
from hardware.simulated.models.car import Car
from hardware.simulated.models.pile import PileModel, Refusal
from hardware.simulated.models.pile_connector import Fault
from hardware.simulated.models.pile_words import Payload

_log = logging.getLogger(__name__)

_CALL, _RESULT, _ERROR = 2, 3, 4


class PileClient:
    """Connects `model` to `url` (without the identity) and again `reconnect_s` after every loss."""

    def __init__(
        self,
        model: PileModel,
        url: str,
        clock: Clock,
        *,
        password: str | None = None,
        tls: ssl.SSLContext | None = None,
        reconnect_s: float = 5.0,
    ) -> None:
        self.model = model
        self._url = f"{url.rstrip('/')}/{model.identity}"
        self._clock = clock
        self._headers: Mapping[str, str] = {}
        if password is not None:
            credentials = base64.b64encode(f"{model.identity}:{password}".encode()).decode()
            self._headers = {"Authorization": f"Basic {credentials}"}
        self._tls = tls
        self._reconnect_s = reconnect_s
        self._started = clock.now()
        self._socket: ClientConnection | None = None
        self._cut = False
        self._wake = asyncio.Event()
        self._reconnect = asyncio.Event()

    async def run(self) -> NoReturn:
        """Work until cancelled."""
        while True:
            self.model.advance(self._now())
            if self._cut or not self.model.wants_connection:
                await self._wait(None)
                continue
            self._reconnect.clear()
            await self._converse()
            await self._rest()

    # --- hands ----------------------------------------------------------------------------------------------------------------

    def plug(self, number: int, car: Car | None = None) -> None:
        self.model.plug(number, car or Car(), self._now())
        self._wake.set()

    def unplug(self, number: int) -> None:
        self.model.unplug(number, self._now())
        self._wake.set()

    def fill_battery(self, number: int) -> None:
        self.model.fill_battery(number, self._now())
        self._wake.set()

    def rest(self, number: int, *, resting: bool) -> None:
        self.model.rest(number, self._now(), resting=resting)
        self._wake.set()

    def stop_locally(self, number: int) -> None:
        self.model.stop_locally(number, self._now())
        self._wake.set()

    def emergency_stop(self, number: int) -> None:
        self.model.emergency_stop(number, self._now())
        self._wake.set()

    def emergency_release(self, number: int) -> None:
        self.model.emergency_release(number, self._now())
        self._wake.set()

    def reboot(self) -> None:
        self.model.reboot(self._now())
        self._hang_up()

    def power_cut(self) -> None:
        self.model.power_cut(self._now())
        self._hang_up()

    def power_back(self) -> None:
        self.model.power_back(self._now())
        self._wake.set()

    def cut_network(self) -> None:
        self._cut = True
        self._hang_up()

    def restore_network(self) -> None:
        self._cut = False
        self._reconnect.set()
        self._wake.set()

    def fault(self, name: str, number: int = 1) -> None:
        """Order a `Fault` by its name. Raises `ValueError` for an unknown one."""
        self.model.fault(Fault(name), number)
        self._wake.set()

    def mend(self) -> None:
        self.model.mend()
        self._wake.set()

    def state(self) -> Payload:
        """What `PileModel.state` shows, and whether the network is cut."""
        return {**self.model.state(self._now()), "network": not self._cut}

    # --- the wire -------------------------------------------------------------------------------------------------------------

    def _now(self) -> int:
        """UTC by the monotonic clock, for a pile's time never goes back."""
        return self._started.utc_ms + self._clock.now().ms_since(self._started)

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.transport.abort()
        self._wake.set()

    async def _converse(self) -> None:
        try:
            async with connect(
                self._url,
                subprotocols=["ocpp1.6"],  # type: ignore[list-item]  # NewType of str
                additional_headers=self._headers,
                ssl=self._tls,
                compression=None,
                proxy=None,
                close_timeout=1,
            ) as self._socket:
                self.model.online(self._now())
                reader = asyncio.create_task(self._read(self._socket))
                try:
                    await self._pump(self._socket, reader)
                finally:
                    reader.cancel()
                    for ended in await asyncio.gather(reader, return_exceptions=True):
                        if isinstance(ended, Exception):
                            _log.error("pile %s: the kiosk said something that is not OCPP", self.model.identity, exc_info=ended)
        except (OSError, WebSocketException, TimeoutError) as error:
            _log.info("pile %s: no connection to the kiosk: %s", self.model.identity, error)
        finally:
            self._socket = None
            self.model.offline(self._now())

    async def _pump(self, socket: ClientConnection, reader: asyncio.Task[None]) -> None:
        while self.model.wants_connection and not self._cut and not reader.done():
            while (call := self.model.poll(self._now())) is not None:
                await socket.send(json.dumps([_CALL, call.id, call.action, call.payload]))
            await self._wait(None)

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for raw in socket:
                await self._take(socket, raw)
                self._wake.set()
        except ConnectionClosed:
            _log.info("pile %s: the kiosk is gone", self.model.identity)
        finally:
            self._wake.set()

    async def _take(self, socket: ClientConnection, raw: str | bytes) -> None:
        frame = json.loads(raw)
        if frame[0] == _RESULT:
            self.model.answered(frame[1], frame[2], self._now())
        elif frame[0] == _ERROR:
            self.model.refused(frame[1], frame[2], self._now())
        elif frame[0] == _CALL:
            answer = self.model.asked(frame[2], frame[3], self._now())
            if isinstance(answer, Refusal):
                await socket.send(json.dumps([_ERROR, frame[1], answer.code, answer.description, {}]))
            elif answer is not None:
                await socket.send(json.dumps([_RESULT, frame[1], answer]))

    async def _rest(self) -> None:
        """Wait before the next attempt to connect; the pile works on, and a restored network is tried at once."""
        until = self._now() + int(self._reconnect_s * 1_000)
        while not self._reconnect.is_set() and (left := until - self._now()) > 0:
            await self._wait(left)
            self.model.advance(self._now())

    async def _wait(self, at_most_ms: int | None) -> None:
        """Until somebody touches the pile, the model has something to do, or `at_most_ms` have passed."""
        now, due = self._now(), self.model.due_ms()
        waits = [ms for ms in (at_most_ms, None if due is None else max(0, due - now)) if ms is not None]
        try:
            if waits:
                async with self._clock.timeout(min(waits) / 1_000):
                    await self._wake.wait()
            else:
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()
