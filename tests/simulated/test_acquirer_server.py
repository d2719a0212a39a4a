"""The simulated acquirer's socket: it survives its clients, breaks connections on demand, and keeps its books while it is down."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from hardware.simulated.acquirer_server import AcquirerServer
from hardware.simulated.models.acquirer import Acquirer, Authorized
from kiosk.values import Moment, Money

ACCOUNT, KEY = "PilePayDE", "capture"
BODY = {"merchantAccount": ACCOUNT, "reference": "K1-CAP", "amount": {"value": 1234, "currency": "EUR"}}
HEADERS = {"X-API-Key": KEY, "Idempotency-Key": "k1"}


class FastClock:
    """Sixty times the machine's time."""

    def now(self) -> Moment:
        return Moment(time.monotonic_ns() * 60 // 1_000_000, "test", time.monotonic_ns() * 60)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 60)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds / 60)


@pytest.fixture
async def server() -> AsyncIterator[AcquirerServer]:
    model = Acquirer(random.Random(1), merchant_account=ACCOUNT, capture_key=KEY, refund_key="refund", hmac_key="00" * 32)
    async with AcquirerServer(model, FastClock()) as server:
        server.authorized(Authorized(ACCOUNT, "K1-PAY", "AUTH1", Money(5000, "EUR"), FastClock().now().utc_ms))
        yield server


async def capture(server: AcquirerServer) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"{server.url}/payments/AUTH1/captures", json=BODY, headers=HEADERS)


async def raw(server: AcquirerServer, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(server.url).port)
    writer.write(sent)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_it_listens_on_this_machine_and_answers_like_checkout(server: AcquirerServer) -> None:
    answer = await capture(server)

    assert httpx.URL(server.url).host == "127.0.0.1"
    assert (answer.status_code, answer.json()["status"]) == (201, "received")
    assert answer.headers["idempotency-key"] == "k1"


@pytest.mark.parametrize(("fault", "captured"), [("drop_request", 0), ("drop_answer", 1234)])
async def test_a_connection_is_broken_on_demand(server: AcquirerServer, fault: str, captured: int) -> None:
    server.fault(fault)

    with pytest.raises(httpx.TransportError):
        await capture(server)

    payment = server.books().payment("K1-PAY")
    assert payment
    assert payment.captured.minor == captured


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"POST /v72/cancels HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v72/cancels HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST /v72/cancels HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n",
        b"X" * 100_000,
        b"POST /v72/cancels HTTP/1.1\r\nContent-Length: 100\r\n\r\n{",
    ],
)
async def test_a_client_that_talks_nonsense_or_falls_silent_is_put_off(server: AcquirerServer, sent: bytes) -> None:
    assert await raw(server, sent) == b""
    assert (await capture(server)).status_code == 201


async def test_stopping_breaks_what_is_under_way_and_the_books_stay(server: AcquirerServer) -> None:
    server.fault("slow")
    under_way = asyncio.create_task(capture(server))
    for _ in range(1_000):
        payment = server.books().payment("K1-PAY")
        if payment and payment.captured:
            break
        await asyncio.sleep(0.01)
    assert payment
    assert payment.captured
    assert not under_way.done()
    await server.stop()

    with pytest.raises(httpx.TransportError):
        await under_way
    with pytest.raises(httpx.ConnectError):
        await capture(server)
    await server.start()
    again = await capture(server)
    assert json.loads(again.content)["errorCode"] == "704"


async def test_an_endpoint_that_is_not_there_does_not_stop_the_rest(server: AcquirerServer) -> None:
    heard = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n[accepted]")
        heard.set()
        writer.close()

    endpoint = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = endpoint.sockets[0].getsockname()[1]
    server.set_webhook_targets("http://127.0.0.1:1/nobody", f"http://127.0.0.1:{port}/webhooks")

    await capture(server)
    async with asyncio.timeout(5):
        await heard.wait()
    endpoint.close()
