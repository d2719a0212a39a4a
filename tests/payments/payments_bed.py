"""A kiosk's acquirer and its simulated far end, joined by a real socket."""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from fastapi import FastAPI

from hardware.simulated.acquirer_server import AcquirerServer
from hardware.simulated.models.acquirer import Acquirer as AcquirerModel
from hardware.simulated.models.acquirer import Authorized, Books
from kiosk.payments.adyen_checkout import AdyenCheckout
from kiosk.payments.api import Acquirer, ModificationOrder, body_hash
from kiosk.payments.webhooks import BasicAuth, Webhooks, routes
from kiosk.session.inputs import Confirmation
from kiosk.values import Moment, Money

ACCOUNT = "PilePayDE"
CAPTURE_KEY = "AQE-capture-secret-6c1f"
REFUND_KEY = "AQE-refund-secret-9b2d"
HMAC_KEY = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"


EUR_50 = Money(5000, "EUR")


class WallClock:
    """The machine's own time, `rate` times as fast."""

    def __init__(self, rate: float = 1.0) -> None:
        self._rate = rate
        self._began = time.monotonic_ns()
        self._utc_ms = time.time_ns() // 1_000_000

    def now(self) -> Moment:
        passed = int((time.monotonic_ns() - self._began) * self._rate)
        return Moment(self._utc_ms + passed // 1_000_000, "test", passed)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._rate)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds / self._rate)


def model(seed: int = 1, **terms: object) -> AcquirerModel:
    return AcquirerModel(
        random.Random(seed),
        merchant_account=ACCOUNT,
        capture_key=CAPTURE_KEY,
        refund_key=REFUND_KEY,
        hmac_key=HMAC_KEY,
        **({"webhook_delay_ms": (5, 20)} | terms),  # type: ignore[arg-type]
    )


def order(
    reference: str = "K1-S1-CAP", psp: str = "", amount: Money | None = None, *, payment: str = "K1-S1-PAY", key: str = ""
) -> ModificationOrder:
    made = ModificationOrder(reference, psp, payment, amount, key or f"key-{reference}")
    return replace(made, promised=body_hash(made))


@dataclass
class Bed:
    """`acquirer` holds the key for captures only, `refunder` the one for refunds too."""

    acquirer: Acquirer
    refunder: Acquirer
    authorize: Callable[..., str]  # (payment reference, amount) -> psp reference
    books: Callable[[], Books]
    fault: Callable[..., None]
    secrets: tuple[str, ...]


def authorizer(server: AcquirerServer) -> Callable[..., str]:
    count = iter(range(1, 1_000_000))

    def authorize(payment: str = "K1-S1-PAY", amount: Money = EUR_50) -> str:
        psp = f"AUTH{next(count):012d}"
        server.authorized(Authorized(ACCOUNT, payment, psp, amount, int(time.time() * 1_000)))
        return psp

    return authorize


@asynccontextmanager
async def adyen_bed(tls: tuple[ssl.SSLContext, ssl.SSLContext] | None = None) -> AsyncIterator[Bed]:
    clock = WallClock()
    async with AcquirerServer(model(slow_ms=400), clock, tls=tls[0] if tls else None) as server:
        trust = tls[1] if tls else None
        capturing = AdyenCheckout(ACCOUNT, CAPTURE_KEY, clock, base_url=server.url, timeout_seconds=5, tls=trust)
        refunding = AdyenCheckout(ACCOUNT, CAPTURE_KEY, clock, base_url=server.url, refund_key=REFUND_KEY, timeout_seconds=5, tls=trust)
        yield Bed(capturing, refunding, authorizer(server), server.books, server.fault, (CAPTURE_KEY, REFUND_KEY))
        capturing.close()
        refunding.close()


@dataclass
class Kept:
    """What a kiosk committed; `broken` while its journal is not to be written."""

    confirmations: list[Confirmation] = field(default_factory=list)
    broken: bool = False
    refused: int = 0
    more: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, confirmations: Sequence[Confirmation]) -> None:
        if self.broken:
            self.refused += 1
            self.more.set()
            raise OSError("disk full")
        self.confirmations += confirmations
        self.more.set()

    async def until(self, enough: Callable[[], bool]) -> None:
        """Wait, at most 10 s, for something that a confirmation brings about."""
        async with asyncio.timeout(10):
            while not enough():
                self.more.clear()
                await self.more.wait()


class Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def endpoint(
    receive: Callable[[Sequence[Confirmation]], Awaitable[None]],
    clock: WallClock | None = None,
    login: BasicAuth | None = None,
    **more: Any,
) -> AsyncIterator[str]:
    """A kiosk's webhook endpoint, listening."""
    app = FastAPI()
    app.include_router(routes(Webhooks([HMAC_KEY], [ACCOUNT], **more), receive, clock or WallClock(), login=login))
    server = Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await server.up.wait()
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/webhooks/adyen"
    server.should_exit = True
    await serving


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server context for 127.0.0.1 and a client context that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulated acquirer")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "acquirer.crt", folder / "acquirer.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate_file, key_file)
    client = ssl.create_default_context(cafile=str(certificate_file))
    return server, client
