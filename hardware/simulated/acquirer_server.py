"""The simulated acquirer on a real socket: HTTP in, webhooks out, for all kiosks of one merchant account.

It speaks just enough HTTP/1.1 by itself, because a server made for working well cannot break a connection on demand.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from http import HTTPStatus
from types import TracebackType

import httpx

from hardware.clock import Clock
from hardware.simulated.models.acquirer import Acquirer, Authorized, Books, Response, Webhook

log = logging.getLogger(__name__)

_LARGEST_HEAD = 16 * 1024
_LARGEST_BODY = 128 * 1024
_REQUEST_SECONDS = 30.0
_WEBHOOK_SECONDS = 10.0


class AcquirerServer:
    """Serves `model` on `host`:`port` (0: any free port), with TLS when given a context.

    Use it as an async context manager, or start and stop it.
    """

    def __init__(self, model: Acquirer, clock: Clock, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._model = model
        self._clock = clock
        self._host = host
        self._port = port
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._targets: dict[str, str] = {}
        self._login: httpx.BasicAuth | None = None
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """What a kiosk configures as the acquirer's address."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}/v72"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, self._host, self._port, ssl=self._tls, limit=_LARGEST_HEAD)
        self._port = self._server.sockets[0].getsockname()[1]
        self._begin(self._post_webhooks())

    async def stop(self) -> None:
        """Break every connection and go away; the books stay."""
        if self._server:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server:
            await self._server.wait_closed()

    async def __aenter__(self) -> AcquirerServer:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    # --- for the bench ----------------------------------------------------------------------------------------------------------------

    def authorized(self, record: Authorized) -> None:
        """The simulated terminals' host calls this."""
        self._model.authorized(record)

    def forwarded(self, record: Authorized, refusal: str) -> None:
        """The simulated terminals' host calls this for a payment that was approved while it was away; no `refusal`: it is booked."""
        self._model.forwarded(record, refusal, self._now())
        self._wake.set()

    def fault(self, name: str, times: int | None = 1) -> None:
        """See `hardware.simulated.models.acquirer.FAULTS`."""
        self._model.fault(name, times)

    def clear_faults(self) -> None:
        self._model.clear_faults()

    def books(self) -> Books:
        return self._model.books()

    def set_webhook_targets(self, *urls: str, login: tuple[str, str] | None = None) -> None:
        """Where results are posted: every URL gets every one. A URL that takes the place of another inherits its queue."""
        self._targets = {str(place): url for place, url in enumerate(urls)}
        self._login = httpx.BasicAuth(*login) if login else None
        self._model.subscribe(list(self._targets))
        self._wake.set()

    # --- requests ---------------------------------------------------------------------------------------------------------------------

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            async with self._clock.timeout(_REQUEST_SECONDS):
                method, path, headers, body = await _read_request(reader)
            response = self._model.handle(method, path, headers, body, self._now())
            self._wake.set()
            if response.after_ms:
                await self._clock.sleep(response.after_ms / 1_000)
            if response.dropped:
                writer.transport.abort()
                return
            writer.write(_encoded(response))
            await writer.drain()
        except (OSError, EOFError, ValueError, TimeoutError) as e:
            log.info("a client of the simulated acquirer went away: %s", e)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    # --- webhooks ---------------------------------------------------------------------------------------------------------------------

    async def _post_webhooks(self) -> None:
        async with httpx.AsyncClient(timeout=None, trust_env=False) as client:  # noqa: S113  # the clock sets the limit
            while True:
                self._wake.clear()
                for webhook in self._model.due(self._now()):
                    self._begin(self._post(client, webhook))
                due_ms = self._model.next_due()
                with suppress(TimeoutError):
                    if due_ms is None:
                        await self._wake.wait()
                    else:
                        async with self._clock.timeout(max(0, due_ms - self._now()) / 1_000 + 0.001):
                            await self._wake.wait()

    async def _post(self, client: httpx.AsyncClient, webhook: Webhook) -> None:
        taken = False
        target = self._targets.get(webhook.endpoint, "")
        try:
            async with self._clock.timeout(_WEBHOOK_SECONDS):
                answer = await client.post(
                    target, content=webhook.body, headers={"Content-Type": "application/json"}, auth=self._login or httpx.USE_CLIENT_DEFAULT
                )
            taken = answer.is_success
            log.info("webhook %d, attempt %d: %s answered %d", webhook.number, webhook.attempt, target, answer.status_code)
        except (httpx.HTTPError, TimeoutError) as e:
            log.info("webhook %d, attempt %d: %s: %s", webhook.number, webhook.attempt, target, e)
        finally:
            if taken:
                self._model.accepted(webhook)
            else:
                self._model.unanswered(webhook, self._now())
            self._wake.set()

    # --- small things -----------------------------------------------------------------------------------------------------------------

    def _now(self) -> int:
        return self._clock.now().utc_ms

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and body of one HTTP/1.1 request. Raises `ValueError` or `EOFError`."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.LimitOverrunError as e:
        raise ValueError(f"a request head of more than {_LARGEST_HEAD} bytes") from e
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, path, _version = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _LARGEST_BODY:
        raise ValueError(f"a request body of {length} bytes")
    return method, path, headers, await reader.readexactly(length)


def _encoded(response: Response) -> bytes:
    headers = {**response.headers, "content-length": str(len(response.body)), "connection": "close"}
    reason = HTTPStatus(response.status).phrase
    lines = [f"HTTP/1.1 {response.status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + response.body
