"""The kiosk as a charging station of the operator's own system (CSMS), over OCPP 1.6J: it is told of every charge, sooner or later.

Nothing in the kiosk waits for it. It may be away for days; then it is told in order, each message once, or once more with the same content
where its answer was lost. Only how the connectors stand is not kept for it: the newest counts.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.exceptions import WebSocketException

from hardware.api import AnswerLost, NotSent
from kiosk.ocpp import frames
from kiosk.ocpp.dialects.dialect import CallRefused, Violation
from kiosk.ocpp.seam import Clock, OcppError
from kiosk.ocpp.session import Session
from kiosk.ocpp.upstream_asked import Asked
from kiosk.ocpp.upstream_calls import Plug, status, whole
from kiosk.ocpp.upstream_line import Life, Signals, unless
from kiosk.ocpp.upstream_queue import Aside, Books, Queue, Remark
from kiosk.ocpp.upstream_teller import Teller, Terms, backoff_s
from kiosk.session.inputs import ConnectorStatus
from kiosk.values import ConnectorId

_log = logging.getLogger(__name__)

_BOOT_AGAIN_S = 60  # when the answer does not say
_CLOSE_S = 2.0
_MAX_SIZE = 1024 * 1024
_FIELD = 20  # CiString20


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with the operator's system. `state` is `away`, `waiting` (connected, not yet accepted) or `accepted`, since `since_ms`;
    `waiting` messages are still to be told, the oldest of `oldest_ms`; `error` is the last thing that went wrong."""

    url: str
    identity: str
    state: str
    since_ms: int
    waiting: int
    oldest_ms: int | None
    error: str
    error_ms: int | None
    asides: tuple[Aside, ...]
    remarks: tuple[Remark, ...]


Connectors = Callable[[], Mapping[ConnectorId, tuple[ConnectorStatus | None, str, bool]]]
"""How the connectors stand now: the status, the pile's own words, and whether the pile is connected."""


class Station:
    """One station. `stop` ends a sale as the operator may, and says whether it will; `held` says that nothing may be written now."""

    def __init__(
        self,
        terms: Terms,
        plugs: Sequence[Plug],
        books: Books,
        *,
        connectors: Connectors,
        stop: Callable[[str], Awaitable[bool]],
        held: Callable[[], bool],
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        self._terms = terms
        self._plugs = tuple(plugs)
        self.queue = Queue(books, plugs)
        self._connectors = connectors
        self._stop = stop
        self._clock = clock
        self._chance = chance
        started = clock.now()
        self._ids = (f"{started.utc_ms:x}.{started.mono_ns % 0xFFFFFF:x}.{n}" for n in itertools.count(1))
        self._asked = Asked(self._settings, self._set_heartbeat, self._stop_transaction, self._triggered)
        self._heartbeat_s = terms.heartbeat_s
        self._state, self._since_ms = "away", started.utc_ms
        self._error = ""
        self._error_ms: int | None = None
        self._turns = asyncio.Event()  # perhaps a connector stands otherwise, or a trigger came
        self._hurry = asyncio.Event()
        self._signals = Signals()
        self._wanted: list[tuple[str, int | None]] = []
        self._shown: dict[int, tuple[object, ...]] = {}
        self._failures = 0
        self._teller = Teller(terms, self.queue, held=held, clock=clock, chance=chance, wrong=self._wrong)

    async def begin(self) -> None:
        """Find out what is still to be told."""
        await self.queue.begin()

    def look(self) -> None:
        """Something happened in the kiosk."""
        self._signals.news.set()
        self._turns.set()

    async def again(self) -> None:
        """Somebody does not want to wait: connect and send now, also what was set aside."""
        await self._teller.again()
        for event in (self._signals.hurry, self._signals.news, self._hurry):
            event.set()

    async def standing(self) -> Standing:
        waiting, oldest = await self.queue.waiting()
        t = self._terms
        return Standing(
            t.url,
            t.identity,
            self._state,
            self._since_ms,
            waiting,
            oldest,
            self._error,
            self._error_ms,
            self.queue.asides,
            tuple(self.queue.remarks.values()),
        )

    async def run(self) -> NoReturn:
        """Connect, and again after every loss, until cancelled. Raises only what the journal raises."""
        while True:
            self._hurry.clear()
            try:
                await self._connected()
            except (OSError, WebSocketException, TimeoutError, NotSent, AnswerLost, CallRefused) as error:
                self._wrong(f"{type(error).__name__}: {error}" if not isinstance(error, NotSent | AnswerLost) else str(error))
            self._is("away")
            self._failures += 1
            await unless(self._hurry, backoff_s(self._failures, self._chance), self._clock)

    def _is(self, state: str) -> None:
        if state != self._state:
            self._state, self._since_ms = state, self._clock.now().utc_ms
            _log.info("the operator's system at %s: %s", self._terms.url, state)

    def _wrong(self, words: str) -> None:
        if words != self._error:
            _log.warning("the operator's system at %s: %s", self._terms.url, words)
        self._error, self._error_ms = words[:300], self._clock.now().utc_ms

    # --- one connection -----------------------------------------------------------------------------------------------------------

    async def _connected(self) -> None:
        t = self._terms
        headers = {}
        if t.password is not None:
            headers["Authorization"] = f"Basic {base64.b64encode(f'{t.identity}:{t.password}'.encode()).decode()}"
        opened = _NoRedirect(
            f"{t.url.rstrip('/')}/{quote(t.identity, safe='')}",
            subprotocols=["ocpp1.6"],  # type: ignore[list-item]  # NewType of str
            additional_headers=headers,
            ssl=t.tls,
            compression=None,
            proxy=None,
            close_timeout=_CLOSE_S,
            open_timeout=None,
            max_size=_MAX_SIZE,
        )
        async with self._clock.timeout(t.answer_timeout_s):
            socket = await opened
        try:
            await self._converse(socket)
        except asyncio.CancelledError:
            socket.transport.abort()  # the kiosk ends, and waits for nobody's farewell
            raise
        finally:
            await socket.close()

    async def _converse(self, socket: Connection) -> None:
        session = Session(
            "the operator's system",
            socket,
            hear=self._hear,
            clock=self._clock,
            new_id=self._ids.__next__,
            answer_timeout_s=self._terms.answer_timeout_s,
        )
        self._is("waiting")
        self._wanted.clear()
        self._shown.clear()
        life = Life(session, self._signals, self._clock)
        reader = asyncio.create_task(session.run(), name="upstream reader")
        reader.add_done_callback(lambda _: self._over(life))
        worker = asyncio.create_task(self._work(life), name="upstream worker")
        try:
            # A message whose answer came with the end of the connection is still counted as taken: the worker ends by itself.
            await asyncio.wait([reader, worker], return_when=asyncio.FIRST_COMPLETED)
            await (socket.close() if worker.done() else worker)
        finally:
            for task in (reader, worker):
                task.cancel()
            ended = await asyncio.gather(reader, worker, return_exceptions=True)
        for one in ended:
            if isinstance(one, Exception):
                raise one

    def _over(self, life: Life) -> None:
        life.gone.set()
        self._signals.news.set()
        self._turns.set()

    async def _work(self, life: Life) -> None:
        await self._boot(life)
        self._is("accepted")
        self._failures = 0
        async with asyncio.TaskGroup() as group:
            group.create_task(self._teller.tell(life), name="upstream queue")
            group.create_task(self._chores(life), name="upstream chores")

    async def _boot(self, life: Life) -> None:
        t = self._terms
        boot: frames.Payload = {"chargePointVendor": t.vendor[:_FIELD], "chargePointModel": t.model[:_FIELD]}
        optional = {"chargePointSerialNumber": t.serial[:25], "firmwareVersion": t.firmware[:50]}
        boot |= {key: value for key, value in optional.items() if value}
        while not life.gone.is_set():
            answer = await life.ask("BootNotification", boot)
            interval = answer.get("interval")
            seconds = interval if isinstance(interval, int) and 0 < interval <= 86_400 else 0
            if answer.get("status") == "Accepted":
                self._heartbeat_s = seconds or t.heartbeat_s
                return
            self._wrong(f"the operator's system answers the boot with {str(answer.get('status'))[:40]!r}")
            self._turns.clear()
            await self._unless_wanted(life, (seconds or _BOOT_AGAIN_S) * (1 + self._chance() / 10))

    async def _unless_wanted(self, life: Life, seconds: float) -> None:
        """Wait before the next boot; it may be asked for earlier."""
        until = self._clock.now().plus(max(1, round(seconds)))
        while not life.gone.is_set() and not self._wanted and (left := self._clock.now().ms_until(until)) > 0:
            if await unless(self._turns, left / 1_000, self._clock):
                self._turns.clear()
        self._wanted.clear()

    # --- what is not kept ---------------------------------------------------------------------------------------------------------

    async def _chores(self, life: Life) -> None:
        """How the connectors stand, signs of life, and what was asked for."""
        beat = self._clock.now()
        while not life.gone.is_set():
            self._turns.clear()
            try:
                await self._show(life)
                for what, number in self._take_wanted():
                    await self._send_wanted(life, what, number)
                if self._clock.now().ms_since(beat) >= self._heartbeat_s * 1_000:
                    beat = self._clock.now()
                    await life.ask("Heartbeat", {})
            except (CallRefused, AnswerLost, NotSent, OcppError) as error:
                if not life.gone.is_set():
                    self._wrong(str(error))
            left = self._heartbeat_s * 1_000 - self._clock.now().ms_since(beat)
            await unless(self._turns, max(1, left) / 1_000, self._clock)

    async def _show(self, life: Life) -> None:
        now_ms = self._clock.now().utc_ms
        stand = self._connectors()
        for payload in (whole(now_ms), *(self._status(plug, stand, now_ms) for plug in self._plugs)):
            number = payload["connectorId"]
            assert isinstance(number, int)
            said = (payload["status"], payload["errorCode"], payload.get("info"))
            if self._shown.get(number) != said:
                try:
                    await life.ask("StatusNotification", payload)
                except CallRefused as refused:  # it is not kept for later
                    self._wrong(f"StatusNotification was refused: {refused}")
                self._shown[number] = said

    @staticmethod
    def _status(plug: Plug, stand: Mapping[ConnectorId, tuple[ConnectorStatus | None, str, bool]], now_ms: int) -> frames.Payload:
        reported, error, online = stand.get(plug.connector, (None, "", False))
        return status(plug, reported, error, online=online, at_ms=now_ms)

    def _take_wanted(self) -> list[tuple[str, int | None]]:
        wanted, self._wanted = self._wanted, []
        return wanted

    async def _send_wanted(self, life: Life, what: str, number: int | None) -> None:
        if what == "BootNotification":
            await self._boot(life)
        elif what == "Heartbeat":
            await life.ask("Heartbeat", {})
        else:
            for known in [number] if number is not None else list(self._shown):
                self._shown.pop(known, None)
            await self._show(life)

    # --- what it asks -------------------------------------------------------------------------------------------------------------

    async def _hear(self, session: Session, frame: frames.Call | frames.Malformed) -> None:
        if isinstance(frame, frames.Malformed):
            _log.warning("the operator's system sent a frame that is not OCPP: %s", frame.why)
            if frame.error is not None:
                await session.answer(frames.encode_error(frame.error))
            return
        try:
            text = frames.encode_result(frame.id, await self._asked.answer(frame))
        except Violation as violation:
            text = frames.encode_error(frames.CallError(frame.id, violation.code, violation.description))
        _log.info("the operator's system asked for %.40s", frame.action)
        await session.answer(text)

    async def _stop_transaction(self, transaction: int) -> bool:
        charge = self.queue.charge_with(transaction)
        return charge is not None and await self._stop(charge)

    def _triggered(self, what: str, number: int | None) -> bool:
        if number is not None and number not in (0, *(plug.number for plug in self._plugs)):
            return False
        if (what, number) not in self._wanted:
            self._wanted.append((what, number))
        self._turns.set()
        return True

    def _settings(self) -> Mapping[str, str]:
        return {**self._terms.settings, "HeartbeatInterval": str(self._heartbeat_s), "NumberOfConnectors": str(len(self._plugs))}

    def _set_heartbeat(self, seconds: int) -> None:
        self._heartbeat_s = seconds
        self._turns.set()


class _NoRedirect(connect):
    """Goes nowhere else: the password is for this address."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc
