"""Ask an Adyen terminal on the kiosk's own network for money, and survive every way it can fail to answer.

The terminal is the only one who knows whether a card was charged. What fails before the first byte of a request has left is `NotSent`;
after it, anything but a complete, authenticated answer to that very request is `AnswerLost`, never a decline.
"""

from __future__ import annotations

import asyncio
import logging
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal, ParamSpec

import h11

from hardware.api import (
    AnswerLost,
    Approved,
    Card,
    Declined,
    DialogueState,
    Farewell,
    IdentifyOrder,
    NotSent,
    PreauthorizationOrder,
    TerminalHealth,
)
from hardware.clock import Clock
from hardware.terminals.adyen import answers, messages
from hardware.terminals.adyen.messages import MessageError, Request
from hardware.terminals.adyen.nexo import NexoKey, fresh_nonce

log = logging.getLogger(__name__)

DEFAULT_PORT = 8443
LARGEST_ANSWER = 1 << 20
_POI_ID = re.compile(r"[A-Za-z0-9]{3,}-[A-Za-z0-9]{9,15}")
_HOSTNAME_MISMATCH = 62  # OpenSSL's X509_V_ERR_HOSTNAME_MISMATCH
_CHUNK = 1 << 16

P = ParamSpec("P")


class AdyenConfigError(ValueError):
    """The terminal's settings cannot work."""


@dataclass(frozen=True, slots=True)
class AdyenLocalConfig:
    """How one terminal is reached. `root_ca_pem` is the text of Adyen's terminal fleet root for `environment`, the only root trusted.

    Seconds are of the clock given to the driver: a payment takes as long as a driver looks for a card.
    """

    host: str
    poi_id: str
    sale_id: str
    key_identifier: str = field(repr=False)
    key_version: int = field(repr=False)
    passphrase: str = field(repr=False)
    root_ca_pem: str = field(repr=False)
    port: int = DEFAULT_PORT
    environment: Literal["test", "live"] = "test"
    payment_seconds: float = 150
    other_seconds: float = 15

    def __post_init__(self) -> None:
        if not _POI_ID.fullmatch(self.poi_id):
            raise AdyenConfigError(
                f"POIID {self.poi_id!r} is not model-serial, such as S1U2-000158215131748: read it off the terminal's menu"
            )
        if self.environment not in ("test", "live"):
            raise AdyenConfigError(f"environment {self.environment!r} is neither test nor live")
        if not self.host or not 0 < self.port < 65_536:
            raise AdyenConfigError(f"{self.host!r}:{self.port} is no address of a terminal")
        for name in ("sale_id", "key_identifier", "passphrase"):
            if not getattr(self, name):
                raise AdyenConfigError(f"{name} is empty: a terminal is only ever talked to with a name and a shared key")


class AdyenLocalTerminal:
    """A `PaymentTerminal` over HTTPS to the terminal itself. Each call is one connection; a status or an abort may run beside a payment."""

    def __init__(self, config: AdyenLocalConfig, clock: Clock, *, nonces: Callable[[], bytes] = fresh_nonce) -> None:
        self._config = config
        self._clock = clock
        self._nonces = nonces
        self._key = NexoKey.derive(config.passphrase, config.key_identifier, config.key_version)
        self._tls = _pinned(config.root_ca_pem)
        domain = f"{config.environment}.terminal.adyen.com"
        # Older terminals carry one certificate for the whole fleet; the shared key still tells them apart.
        self._names = (f"{config.poi_id}.{domain}", f"legacy-terminal-certificate.{domain}")

    async def preauthorize(self, order: PreauthorizationOrder) -> Approved | Declined:
        request = _written(messages.payment, order, self._config.sale_id, self._config.poi_id)
        return answers.preauthorized(await self._ask(request, self._config.payment_seconds), order)

    async def status(self, order: PreauthorizationOrder, service_id: str) -> Approved | Declined | DialogueState:
        request = _written(messages.transaction_status, order, service_id, self._config.sale_id, self._config.poi_id)
        return answers.status(await self._ask(request, self._config.other_seconds), order, request)

    async def identify(self, order: IdentifyOrder) -> Card | Declined:
        request = _written(messages.card_acquisition, order, self._config.sale_id, self._config.poi_id)
        return answers.identified(await self._ask(request, self._config.payment_seconds), order)

    async def release(self, service_id: str, farewell: Farewell) -> Declined | None:
        request = _written(messages.release, service_id, farewell, self._config.sale_id, self._config.poi_id)
        return answers.released(await self._ask(request, self._config.other_seconds))

    async def abort(self, order: PreauthorizationOrder | IdentifyOrder, service_id: str) -> None:
        """A terminal answers an abort with an empty 200: it says that the request arrived, no more."""
        request = _written(messages.abort, order, service_id, self._config.sale_id, self._config.poi_id)
        await self._exchange(request, self._config.other_seconds)

    async def diagnose(self, service_id: str) -> TerminalHealth:
        """How the terminal is. One that cannot be asked is not well, so nothing is raised."""
        try:
            request = _written(messages.diagnosis, service_id, self._config.sale_id, self._config.poi_id)
            return answers.health(await self._ask(request, self._config.other_seconds))
        except (NotSent, AnswerLost) as fault:
            return TerminalHealth(False, str(fault), host=False)

    async def _ask(self, request: Request, seconds: float) -> Mapping[str, object]:
        raw = await self._exchange(request, seconds)
        try:
            return answers.received(raw, request, self._key)
        except answers.NotUnderstood as fault:
            log.error("%s: %s", request.category, fault)
            raise

    async def _exchange(self, request: Request, seconds: float) -> bytes:
        content = messages.sealed(request.message(), self._key, self._nonces())
        post = _Post(self._config.host, self._config.port, self._tls, request.category)
        try:
            async with self._clock.timeout(seconds):
                return await post.send(content, self._names)
        except TimeoutError as error:
            raise post.failure(f"did not finish within {seconds:g} s") from error


class _Post:
    """One HTTP POST to the terminal, remembering whether any of it may have left.

    On asyncio's own streams, because they close the socket whenever a wait is cut short, also in the middle of a handshake.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext, category: str) -> None:
        self._host = host
        self._port = port
        self._tls = tls
        self._category = category
        self._leaving = False

    async def send(self, content: bytes, names: tuple[str, ...]) -> bytes:
        """The answer's body. The certificate must bear one of `names`, of which the next is tried only when the last was not on it."""
        *others, last = names
        for name in others:
            try:
                return await self._send(content, name)
            except _WrongName:
                log.debug("the terminal's certificate is not for %s", name)
        return await self._send(content, last)

    def failure(self, what: str) -> NotSent | AnswerLost:
        """`what` happened to the request, as the caller must take it."""
        if self._leaving:
            return AnswerLost(f"{self._category} to the terminal at {self._host}: {what}; it may have acted")
        return NotSent(f"{self._category} to the terminal at {self._host}: {what}; nothing was sent")

    async def _send(self, content: bytes, name: str) -> bytes:
        writer: asyncio.StreamWriter | None = None
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port, ssl=self._tls, server_hostname=name)
            return await self._talk(reader, writer, content)
        except AnswerLost:
            raise
        # Anything can break on a wire, also in ways the libraries below do not name. Only the side of `_leaving` it broke on matters.
        except Exception as error:
            if not self._leaving and isinstance(error, ssl.SSLCertVerificationError) and error.verify_code == _HOSTNAME_MISMATCH:
                raise _WrongName(f"the terminal at {self._host} shows the certificate of another one: check its POIID") from error
            raise self.failure(_cause(error)) from error
        finally:
            if writer is not None:
                writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, content: bytes) -> bytes:
        connection = h11.Connection(h11.CLIENT)
        headers = [
            ("Host", f"{self._host}:{self._port}"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(content))),
            ("Connection", "close"),
        ]
        parts = (h11.Request(method="POST", target="/nexo", headers=headers), h11.Data(data=content), h11.EndOfMessage())
        request = b"".join(connection.send(part) or b"" for part in parts)
        self._leaving = True
        writer.write(request)
        await writer.drain()
        body = bytearray()
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(_CHUNK))
            elif isinstance(event, h11.Response) and event.status_code != HTTPStatus.OK:
                raise self.failure(f"HTTP status {event.status_code}")
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > LARGEST_ANSWER:
                    raise self.failure(f"an answer of more than {LARGEST_ANSWER} bytes")
            elif isinstance(event, h11.ConnectionClosed):
                raise self.failure("it hung up without an answer")
        return bytes(body)


class _WrongName(NotSent):
    """The certificate is of the pinned root, but for another name."""


def _pinned(root_ca_pem: str) -> ssl.SSLContext:
    """Trust this root alone. Not the default context: its strict flag refuses certificates without an authority key identifier."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=root_ca_pem)
    except (ssl.SSLError, ValueError) as error:
        raise AdyenConfigError("the terminal root certificate is no PEM certificate: download Adyen's terminal fleet root again") from error
    return context


def _written(build: Callable[P, Request], *args: P.args, **kwargs: P.kwargs) -> Request:
    try:
        return build(*args, **kwargs)
    except MessageError as error:
        raise NotSent(str(error)) from error


def _cause(error: Exception) -> str:
    """What broke, in a few words and without any content of a message."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate was refused ({error.verify_message})"
    if isinstance(error, OSError) and error.strerror:
        return f"{type(error).__name__} ({error.strerror})"
    return type(error).__name__
