"""The simulated terminal's socket: its certificates, what it answers strangers, and that it stops cleanly."""

from __future__ import annotations

import asyncio
import random
import ssl
import stat
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from cryptography import x509

from hardware.api import PreauthorizationOrder
from hardware.simulated.certificates import issue
from hardware.simulated.models.terminal import Fault, TerminalModel, TerminalState
from hardware.simulated.terminal_server import TerminalServer
from hardware.terminals.adyen import messages
from hardware.terminals.adyen.nexo import NexoKey
from kiosk.values import Moment, Money

POI_ID = "S1U2-000158215131748"
NAME = f"{POI_ID}.test.terminal.adyen.com"
KEY = NexoKey.derive("P@ssw0rd123456", "pilekey", 1)


class RealClock:
    def now(self) -> Moment:
        return Moment(time.time_ns() // 1_000_000, "boot", time.monotonic_ns())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TerminalServer]:
    server = TerminalServer(TerminalModel(POI_ID, random.Random(3)), RealClock(), KEY, tmp_path)
    await server.start()
    yield server
    await server.stop()


async def exchange(server: TerminalServer, sent: bytes) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=server.root_ca_pem)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context, server_hostname=NAME)
    writer.write(sent)
    received = await reader.read()
    writer.transport.abort()
    return received


def post(body: bytes, path: str = "/nexo") -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


DIAGNOSIS = messages.diagnosis("A1", "Kiosk1", POI_ID)


async def test_a_sealed_request_gets_a_sealed_answer(server: TerminalServer) -> None:
    received = await exchange(server, post(messages.sealed(DIAGNOSIS.message(), KEY, bytes(16))))
    opened = messages.opened(received.partition(b"\r\n\r\n")[2], KEY)
    assert opened.sealed
    assert "DiagnosisResponse" in str(opened.message)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (messages.encode(DIAGNOSIS.message()), b"crypto error"),
        (messages.sealed(DIAGNOSIS.message(), NexoKey.derive("another", "pilekey", 1), bytes(16)), b"crypto error"),
        (b"not json", b"Reject"),
    ],
    ids=["in clear", "another key", "no json"],
)
async def test_a_stranger_is_told_in_clear_that_it_was_not_understood(server: TerminalServer, body: bytes, said: bytes) -> None:
    assert said in await exchange(server, post(body))
    assert server.state() is TerminalState.IDLE


async def test_there_is_nothing_but_nexo(server: TerminalServer) -> None:
    assert (await exchange(server, post(b"{}", "/sync"))).startswith(b"HTTP/1.1 404")
    assert (await exchange(server, b"GET /nexo HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"x" * 70_000 + b"\r\n\r\n",
        b"POST /nexo HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /nexo HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ],
    ids=["nothing", "long head", "long body", "negative body"],
)
async def test_nonsense_ends_its_connection_and_no_other(server: TerminalServer, sent: bytes) -> None:
    try:
        received = await exchange(server, sent)
    except OSError:
        received = b""
    assert received == b"" or received.startswith(b"HTTP/1.1 404")
    assert b"SaleToPOIResponse" in await exchange(server, post(messages.sealed(DIAGNOSIS.message(), KEY, bytes(16))))


async def test_offline_refuses_connections_and_online_takes_them_at_the_same_port(server: TerminalServer) -> None:
    server.fault(Fault.OFFLINE)
    assert server.state() is TerminalState.OFFLINE
    with pytest.raises(ConnectionRefusedError):
        await exchange(server, b"")
    server.fault("online")
    async with asyncio.timeout(5):
        while True:
            try:
                received = await exchange(server, post(messages.sealed(DIAGNOSIS.message(), KEY, bytes(16))))
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
    assert received.startswith(b"HTTP/1.1 200")


async def test_it_stops_with_a_payment_open(tmp_path: Path) -> None:
    server = TerminalServer(TerminalModel(POI_ID, random.Random(3)), RealClock(), KEY, tmp_path)
    await server.start()
    order = PreauthorizationOrder("pp-1", "A1", Money(4_000, "EUR"), "en", 1_790_000_000_000)
    payment = messages.payment(order, "Kiosk1", POI_ID)
    waiting = asyncio.create_task(exchange(server, post(messages.sealed(payment.message(), KEY, bytes(16)))))
    async with asyncio.timeout(5):
        while server.state() is not TerminalState.PRESENT_CARD:  # noqa: ASYNC110 - the peer's state has no event
            await asyncio.sleep(0.002)
    await server.stop()
    (ended,) = await asyncio.gather(waiting, return_exceptions=True)
    assert ended == b"" or isinstance(ended, OSError)


def test_the_chain_is_a_root_a_fleet_and_a_leaf_named_like_the_terminal(tmp_path: Path) -> None:
    files = issue(tmp_path, NAME, 1_790_000_000_000)
    leaf, middle = x509.load_pem_x509_certificates(files.chain.read_bytes())
    root = x509.load_pem_x509_certificate(files.root.read_bytes())
    leaf.verify_directly_issued_by(middle)
    middle.verify_directly_issued_by(root)
    assert leaf.subject.rfc4514_string() == f"CN={NAME}"
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600


def test_a_chain_that_serves_is_kept_and_one_that_does_not_is_made_anew(tmp_path: Path) -> None:
    now = 1_790_000_000_000
    first = issue(tmp_path, NAME, now).root.read_bytes()
    assert issue(tmp_path, NAME, now + 86_400_000).root.read_bytes() == first
    assert issue(tmp_path, NAME, now + 360 * 86_400_000).root.read_bytes() != first
    second = issue(tmp_path, NAME, now).root.read_bytes()
    assert issue(tmp_path, "else.test.terminal.adyen.com", now).root.read_bytes() != second
