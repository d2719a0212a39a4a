"""The simulated terminal on a real socket: TLS with the fleet's kind of certificate, `/nexo`, sealed messages, around one model.

The kiosk's own driver talks to it as to a device of the field, and a kiosk that gave it a URL is told how its payments go. What a person
does at the terminal, and how it goes wrong, comes in through the methods below, which the bench calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import ssl
from pathlib import Path

import httpx

from hardware.clock import Clock
from hardware.simulated.certificates import issue
from hardware.simulated.models.terminal import Answer, Delivery, Fault, TerminalModel, TerminalState
from hardware.simulated.models.terminal_store import StoreAndForward
from hardware.simulated.models.terminal_wire import CardKind
from hardware.terminals.adyen import messages
from hardware.terminals.adyen.messages import MessageError
from hardware.terminals.adyen.nexo import NexoError, NexoKey, fresh_nonce

log = logging.getLogger(__name__)

_LARGEST_REQUEST = 1 << 20
_MOST_UNTOLD = 64
_NOTIFY_SECONDS = 10.0
_CANNOT_OPEN = messages.encode({"errors": ["Nexo Service: crypto error (9)"], "ServiceID": "-NULL-"})


class TerminalServer:
    """One simulated terminal. `folder` receives its certificates; `root_ca_pem` is what a kiosk pins."""

    def __init__(
        self,
        model: TerminalModel,
        clock: Clock,
        key: NexoKey,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        environment: str = "test",
        certificate_name: str = "",
    ) -> None:
        self.port = port
        self._model = model
        self._clock = clock
        self._key = key
        self._host = host
        self._since = clock.now()
        name = certificate_name or f"{model.poi_id}.{environment}.terminal.adyen.com"
        files = issue(folder, name, self._since.utc_ms)
        self.root_ca_pem = files.root.read_text()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(files.chain, files.key)
        self._listener: asyncio.Server | None = None
        self._pump: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._talks: set[asyncio.Task[None]] = set()
        self._url = ""
        self._login: httpx.BasicAuth | None = None
        self._untold: asyncio.Queue[messages.Json] = asyncio.Queue(_MOST_UNTOLD)
        self._teller: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. `port` is the real one afterwards."""
        await self._listen()
        self._pump = asyncio.create_task(self._run())
        self._teller = asyncio.create_task(self._tell())
        for task in (self._pump, self._teller):
            task.add_done_callback(_reported)

    async def stop(self) -> None:
        """Pull the plug: every connection ends."""
        tasks = [*self._talks, *(task for task in (self._pump, self._teller) if task)]
        self._hang_up()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pump = self._teller = None

    def notify(self, url: str, login: tuple[str, str] | None = None) -> None:
        """Tell this URL how payments go; an empty one tells nobody. Whether anybody hears it is all the same to a payment."""
        self._url = url
        self._login = httpx.BasicAuth(*login) if login else None

    # --- the person in front of it, and fate --------------------------------------------------------------------------------------

    def present_card(self, kind: CardKind | str) -> bool:
        """Hold a card to it. False when it did not ask for one."""
        return self._woken(self._model.present_card(CardKind(kind), self._now_ms()))

    def press_cancel(self) -> bool:
        """Press the red key. False when there is nothing to cancel."""
        return self._woken(self._model.press_cancel(self._now_ms()))

    def reboot(self) -> None:
        self._model.reboot(self._now_ms())
        self._woken(True)

    def fault(self, fault: Fault | str, category: str = messages.PAYMENT) -> None:
        """Go wrong this way, at once or at the next message of `category`."""
        self._model.fault(Fault(fault), category)
        self._woken(True)

    def store_and_forward(self, terms: StoreAndForward | None) -> None:
        """Its owner lets it approve by itself while its host is away, up to these limits; None: not at all."""
        self._model.store.terms = terms

    def stored(self) -> int:
        """How many payments it approved by itself and has not yet forwarded."""
        return len(self._model.store)

    def state(self) -> TerminalState:
        return self._model.state(self._now_ms())

    # --- time ---------------------------------------------------------------------------------------------------------------------

    def _now_ms(self) -> int:
        return self._since.utc_ms + self._clock.now().ms_since(self._since)

    def _woken(self, result: bool) -> bool:
        if not self._model.reachable(self._now_ms()):
            self._hang_up()
        self._changed.set()
        return result

    async def _run(self) -> None:
        while True:
            self._changed.clear()
            now_ms = self._now_ms()
            for answer in self._model.advance(now_ms):
                self._settle(answer)
            self._enqueue(self._model.notifications())
            reachable = self._model.reachable(now_ms)
            if reachable and self._listener is None:
                await self._listen()
            elif not reachable:
                self._hang_up()
            due_ms = self._model.next_due()
            if due_ms is None:
                await self._changed.wait()
                continue
            with contextlib.suppress(TimeoutError):
                async with self._clock.timeout(max(1, due_ms - now_ms) / 1_000):
                    await self._changed.wait()

    def _settle(self, answer: Answer) -> None:
        future = self._waiting.pop(answer.ticket, None)
        if future is not None and not future.done():
            future.set_result(answer)

    # --- notifications ------------------------------------------------------------------------------------------------------------

    def _enqueue(self, notifications: tuple[messages.Json, ...]) -> None:
        for notification in notifications if self._url else ():
            try:
                self._untold.put_nowait(notification)
            except asyncio.QueueFull:
                log.info("a notification is lost: %s does not keep up", self._url)

    async def _tell(self) -> None:
        """Post one after the other, so that they arrive in order, each once and as best it can."""
        async with httpx.AsyncClient(timeout=None, trust_env=False) as client:  # noqa: S113 - the clock sets the limit
            while True:
                notification = await self._untold.get()
                content = messages.sealed(notification, self._key, fresh_nonce())
                headers = {"Content-Type": "application/json", "Connection": "close"}
                try:
                    async with self._clock.timeout(_NOTIFY_SECONDS):
                        answer = await client.post(
                            self._url, content=content, headers=headers, auth=self._login or httpx.USE_CLIENT_DEFAULT
                        )
                    log.debug("notification: %s answered %d", self._url, answer.status_code)
                except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                    log.info("a notification is lost: %s: %s", self._url, type(error).__name__)

    # --- the socket ---------------------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._accepted, self._host, self.port, ssl=self._tls)
        self.port = self._listener.sockets[0].getsockname()[1]

    def _hang_up(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            log.debug("a connection to the simulated terminal ended: %s", type(error).__name__)
        finally:
            self._talks.discard(task)
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = await _posted(reader)
        if raw is None:
            await _reply(writer, _response(b"", status="404 Not Found"))
            return
        try:
            message = messages.opened(raw, self._key)
        except NexoError:
            await _reply(writer, _response(_CANNOT_OPEN))
            return
        except MessageError as error:
            await _reply(writer, _response(messages.encode(self._model.rejection(str(error)))))
            return
        if not message.sealed:
            await _reply(writer, _response(_CANNOT_OPEN))
            return
        await self._deliver(writer, await self._answer(message.message))

    async def _answer(self, message: messages.Json) -> Answer:
        ticket = self._model.request(message, self._now_ms())
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = future
        self._changed.set()
        try:
            return await future
        finally:
            self._waiting.pop(ticket, None)

    async def _deliver(self, writer: asyncio.StreamWriter, answer: Answer) -> None:
        if answer.delivery is Delivery.DROPPED:
            return
        if answer.message is None:
            await _reply(writer, _response(b""))
            return
        if answer.delivery is Delivery.CLEAR:
            await _reply(writer, _response(messages.encode(answer.message)))
            return
        key = dataclasses.replace(self._key, hmac_key=bytes(32)) if answer.delivery is Delivery.WRONG_MAC else self._key
        response = _response(messages.sealed(answer.message, key, fresh_nonce()))
        await _reply(writer, response + response if answer.delivery is Delivery.TWICE else response)


def _reported(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the simulated terminal stopped: start it again", exc_info=error)


async def _posted(reader: asyncio.StreamReader) -> bytes | None:
    """The body of a POST to /nexo, or nothing when it is another request."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    length = int(fields.get("content-length", "0"))
    if not 0 <= length <= _LARGEST_REQUEST:
        raise ValueError(f"a request of {length} bytes")
    body = await reader.readexactly(length)
    return body if head[0].split(" ")[:2] == ["POST", "/nexo"] else None


def _response(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


async def _reply(writer: asyncio.StreamWriter, response: bytes) -> None:
    writer.write(response)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
