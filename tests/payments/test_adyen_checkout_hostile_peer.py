"""Whatever the network or the peer does to a capture, it is called done, not sent, or unknown: and only what it is."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from payments_bed import ACCOUNT, CAPTURE_KEY, REFUND_KEY, WallClock, certificate, order

from hardware.api import AnswerLost, NotSent
from kiosk.payments.adyen_checkout import TEST_URL, AdyenCheckout, live_url
from kiosk.payments.api import PaymentsError, Refusal
from kiosk.values import Money

CAPTURE = order("K1-CAP", "AUTH1", Money(1234, "EUR"))
RECEIVED = json.dumps({"status": "received", "pspReference": "993617894906488A"}).encode()

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(status: str, body: bytes, *headers: str) -> Behaviour:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return behave


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return head + await reader.readexactly(length)


@asynccontextmanager
async def peer(behaviour: Behaviour) -> AsyncIterator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behaviour(reader, writer)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v72"
    server.close()


def checkout(url: str, timeout_seconds: float = 5, **more: object) -> AdyenCheckout:
    return AdyenCheckout(ACCOUNT, CAPTURE_KEY, WallClock(), base_url=url, timeout_seconds=timeout_seconds, **more)  # type: ignore[arg-type]


async def no_thread_is_left() -> None:
    left = [t for t in threading.enumerate() if t.name == "adyen-checkout"]
    for thread in left:
        await asyncio.to_thread(thread.join, 5)
    assert not any(t.is_alive() for t in left)


async def outcome(behaviour: Behaviour, timeout_seconds: float = 5) -> BaseException | str:
    async with peer(behaviour) as url:
        acquirer = checkout(url, timeout_seconds)
        try:
            return (await acquirer.capture(CAPTURE)).psp_reference
        except (NotSent, AnswerLost, Refusal) as e:
            return e
        finally:
            acquirer.close()


async def test_the_request_is_what_checkout_expects() -> None:
    seen = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n%s" % (len(RECEIVED), RECEIVED))
        await writer.drain()

    assert await outcome(behave) == "993617894906488A"

    head, _, body = seen[0].decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert first == "POST /v72/payments/AUTH1/captures HTTP/1.1"
    assert headers["idempotency-key"] == CAPTURE.key
    assert headers["x-api-key"] == CAPTURE_KEY
    assert headers["content-type"] == "application/json"
    assert json.loads(body) == {"merchantAccount": ACCOUNT, "reference": "K1-CAP", "amount": {"value": 1234, "currency": "EUR"}}


async def test_a_refused_connection_means_nothing_was_sent() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        acquirer = checkout(f"http://127.0.0.1:{unheard.getsockname()[1]}/v72")

        with pytest.raises(NotSent):
            await acquirer.capture(CAPTURE)


async def test_an_unknown_host_means_nothing_was_sent() -> None:
    with pytest.raises(NotSent):
        await checkout("https://acquirer.invalid/v72", 1).capture(CAPTURE)


async def test_silence_after_the_request_is_a_lost_answer() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    assert isinstance(await outcome(behave, 0.2), AnswerLost)


async def test_a_break_after_the_request_is_a_lost_answer() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.transport.abort()

    assert isinstance(await outcome(behave), AnswerLost)


async def test_half_an_answer_is_a_lost_answer() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n" + RECEIVED)
        await writer.drain()

    assert isinstance(await outcome(behave), AnswerLost)


async def test_something_that_is_not_http_is_a_lost_answer() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()

    assert isinstance(await outcome(behave), AnswerLost)


async def test_an_answer_without_end_is_cut_off() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b" " * 4096 + b"\r\n")
            await writer.drain()

    assert isinstance(await outcome(behave), AnswerLost)


async def test_an_answer_in_drops_holds_up_neither_the_caller_nor_its_thread() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1\r\n \r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with peer(behave) as url:
        with pytest.raises(AnswerLost):
            await checkout(url, 0.2).capture(CAPTURE)
        await no_thread_is_left()


@pytest.mark.parametrize("body", [b"<html>It works</html>", b"{}", b"[1]", b"\xff\xfe\xfd", b'{"status":"received"}'])
async def test_201_without_a_receipt_is_not_success(body: bytes) -> None:
    assert isinstance(await outcome(answering("201 Created", body)), AnswerLost)


@pytest.mark.parametrize("body", [b"<html>Oops</html>", b"[]", b'{"errorCode": ["x"]}'])
async def test_a_broken_500_is_a_lost_answer(body: bytes) -> None:
    assert isinstance(await outcome(answering("500 Oops", body)), AnswerLost)


async def test_a_wrong_address_is_told_from_a_broken_server() -> None:
    refused = await outcome(answering("404 Not Found", b"<html>nothing here</html>"))

    assert isinstance(refused, Refusal)
    assert (refused.code, refused.retry) == ("not_found", False)


async def test_a_redirect_is_not_followed_with_the_api_key_in_hand() -> None:
    visits = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(await reader.read(1))

    async with peer(elsewhere) as other:
        lost = await outcome(answering("307 Temporary Redirect", b"", f"Location: {other}"))

    assert isinstance(lost, AnswerLost)
    assert not visits


async def test_a_key_thrown_back_at_us_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = json.dumps({"message": f"bad key {CAPTURE_KEY}", "errorCode": CAPTURE_KEY}).encode()

    refused = await outcome(answering("401 Unauthorized", echo))

    assert isinstance(refused, Refusal)
    assert refused.code == "unauthorized"
    assert CAPTURE_KEY not in f"{refused!r} {refused.detail} {caplog.text}"


async def test_an_untrusted_certificate_stops_the_request(tmp_path: Path) -> None:
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(1))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificate(tmp_path)[0])
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/v72"

    with pytest.raises(NotSent, match="CERTIFICATE_VERIFY_FAILED"):
        await checkout(url).capture(CAPTURE)

    server.close()
    assert not any(seen)


async def test_a_tls_handshake_that_never_ends_means_nothing_was_sent() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with peer(behave) as url:
        with pytest.raises(NotSent):
            await checkout(url.replace("http:", "https:"), 0.3).capture(CAPTURE)


async def test_hanging_requests_do_not_pile_up() -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with peer(behave) as url:
        acquirer = checkout(url, 1)
        hanging = [asyncio.create_task(acquirer.capture(CAPTURE)) for _ in range(8)]
        await asyncio.sleep(0)

        with pytest.raises(NotSent, match="still hang"):
            await acquirer.capture(CAPTURE)

        ended = await asyncio.gather(*hanging, return_exceptions=True)
    assert all(isinstance(e, AnswerLost) for e in ended)


async def test_a_caller_that_goes_away_leaves_the_loop_sound() -> None:
    arrived = asyncio.Event()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        arrived.set()
        await reader.read()

    async with peer(behave) as url:
        call = asyncio.create_task(checkout(url, 0.3).capture(CAPTURE))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await no_thread_is_left()


@pytest.mark.parametrize("mark", ["x-live", "x-test"])
async def test_the_address_is_used_as_it_was_configured(mark: str) -> None:
    seen = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n%s" % (len(RECEIVED), RECEIVED))
        await writer.drain()

    async with peer(behave) as url:
        await checkout(url.replace("/v72", f"/{mark}/checkout/v72")).capture(CAPTURE)

    assert seen[0].startswith(f"POST /{mark}/checkout/v72/payments/AUTH1/captures ".encode())


async def test_which_http_library_is_installed_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("Adyen.httpclient.requests", object())
    monkeypatch.setattr("Adyen.httpclient.pycurl", object())

    assert await outcome(answering("201 Created", RECEIVED)) == "993617894906488A"


async def test_a_proxy_in_the_environment_does_not_get_what_is_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    visits = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(await reader.read(1))

    async with peer(proxy) as other:
        monkeypatch.setenv("HTTP_PROXY", other)
        monkeypatch.setenv("http_proxy", other)
        assert await outcome(answering("201 Created", RECEIVED)) == "993617894906488A"

    assert not visits


@pytest.mark.parametrize(
    "url",
    [
        "http://checkout-test.adyen.com/v72",
        "http://127.0.0.1.example.org/v72",
        "http://10.0.0.7/v72",
        "ftp://127.0.0.1/v72",
        "https:///v72",
        "https://user:secret@checkout-test.adyen.com/v72",
        "https://x-live.example.org/y-test/v72",
        "https://[/v72",
        "",
    ],
)
def test_money_is_not_sent_to_an_unsound_address(url: str) -> None:
    with pytest.raises(PaymentsError) as refused:
        checkout(url)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("url", [TEST_URL, live_url("1797a841fbb37ca7-Acme"), "http://[::1]:8080/v72", "http://localhost:8080/v72"])
def test_sound_addresses_are_taken(url: str) -> None:
    acquirer = checkout(url, refund_key=REFUND_KEY)

    assert REFUND_KEY not in repr(acquirer)
    acquirer.close()


def test_a_missing_credential_is_told_at_once() -> None:
    with pytest.raises(PaymentsError, match="API key"):
        AdyenCheckout(ACCOUNT, "", WallClock())
