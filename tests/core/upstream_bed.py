"""A kiosk's journal on one side, the operator's own system on the other, a real socket with TLS between them."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hardware.simulated.csms_server import CsmsServer
from hardware.simulated.models.csms import Csms
from kiosk.core.clock import SystemClock
from kiosk.core.upstream import JournalBooks
from kiosk.journal.entry import Entry
from kiosk.journal.journal import Journal
from kiosk.journal.thread import JournalThread
from kiosk.metering.reading import Delivered, Reading, Verdict
from kiosk.ocpp.upstream import Standing, Station
from kiosk.ocpp.upstream_calls import Plug
from kiosk.ocpp.upstream_teller import Terms
from kiosk.session import codec
from kiosk.session import facts as f
from kiosk.session.inputs import ConnectorStatus
from kiosk.values import ConnectorId, SessionId

IDENTITY, PASSWORD = "lindenhof-e0417", "a password of the operator"
A, B = ConnectorId("DE*LND*E1*1"), ConnectorId("DE*LND*E1*2")
PLUGS = (Plug(A, "P1", 1, 1), Plug(B, "P1", 2, 2))
RATE = 200  # of the clock: an hour in 18 seconds

T = TypeVar("T")


async def until(found: Callable[[], T], what: str, patience_s: float = 8) -> T:
    try:
        async with asyncio.timeout(patience_s):
            while not (result := found()):  # noqa: ASYNC110 - the books of the other side tell nobody
                await asyncio.sleep(0.002)
            return result
    except TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None


@cache
def _pem() -> tuple[bytes, bytes]:
    """A certificate for this machine, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "csms")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=400))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(serialization.Encoding.PEM), key.private_bytes(*form)


def server_tls(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """What the server shows, and the file by which it is known."""
    certificate, key = _pem()
    root = folder / "csms-root.pem"
    root.write_bytes(certificate)
    (folder / "csms.pem").write_bytes(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "csms.pem")
    return context, root


@dataclass
class Line:
    """`charge` and its kin write what happened into the journal, as the kiosk does."""

    folder: Path
    clock: SystemClock
    server: CsmsServer
    terms: Terms
    stand: dict[ConnectorId, tuple[ConnectorStatus | None, str, bool]] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    disk_low: bool = False
    station: Station | None = None
    journal: JournalThread | None = None
    register: int = 5_000_000
    _task: asyncio.Task[None] | None = None
    _count: int = 0

    @property
    def csms(self) -> Csms:
        return self.server.csms

    # --- the kiosk's life -----------------------------------------------------------------------------------------------------

    async def up(self, **changes: object) -> None:
        """The kiosk's process starts."""
        self.terms = replace(self.terms, **changes)
        self.journal = JournalThread(Journal.open(self.folder / "journal.db"))
        self._reader = self.journal.reader()
        self.station = Station(
            self.terms,
            PLUGS,
            JournalBooks(self.journal, self._reader, f"upstream {self.terms.identity}"),
            connectors=lambda: self.stand,
            stop=self._stop,
            held=lambda: self.disk_low,
            clock=self.clock,
            chance=lambda: 0.5,
        )
        await self.station.begin()
        self._task = asyncio.create_task(self.station.run())

    async def down(self) -> None:
        """It ends in the middle of whatever it does."""
        assert self._task is not None
        assert self.journal is not None
        self._task.cancel()
        (ended,) = await asyncio.gather(self._task, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError), ended
        self._reader.close()
        await self.journal.close()
        self.station = self.journal = None

    async def _stop(self, charge: str) -> bool:
        self.stopped.append(charge)
        return True

    # --- what happens ---------------------------------------------------------------------------------------------------------

    async def happen(self, *facts: f.Fact) -> None:
        assert self.journal is not None
        assert self.station is not None
        encoded = [codec.encode(fact) for fact in facts]
        await self.journal.append([Entry(e.stream, e.kind, e.version, e.at, e.body) for e in encoded])
        self.station.look()

    def reading(self, mwh: int = 0) -> Reading:
        """The register, so much later."""
        self.register += mwh
        return Reading(self.clock.now().utc_ms, self.register)

    async def begins(self, connector: ConnectorId = A) -> SessionId:
        self._count += 1
        session = SessionId(f"kiosk-{self._count:04}")
        now = self.clock.now()
        await self.happen(f.SessionOpened(now, session, connector), self.started(session))
        return session

    def started(self, session: SessionId) -> f.DeliveryStarted:
        return f.DeliveryStarted(self.clock.now(), session, self._count, self.reading(), None, False)

    async def noted(self, session: SessionId, mwh: int = 1_000_000) -> None:
        await self.happen(f.MeterNoted(self.clock.now(), session, self.reading(mwh)))

    async def ends(self, session: SessionId, begin: int, mwh: int = 500_000) -> None:
        end = self.reading(mwh)
        delivered = Delivered(end.mwh - begin, Reading(end.utc_ms, begin), end, Verdict.VALID)
        now = self.clock.now()
        await self.happen(f.DeliveryEnded(now, session, "EVDisconnected", delivered, None, None), f.SessionClosed(now, session))

    async def charge(self, values: int = 2, connector: ConnectorId = A) -> SessionId:
        """A whole one: its energy is 1 kWh a value, and 0.5 kWh after the last."""
        begin = self.register
        session = await self.begins(connector)
        for _ in range(values):
            await self.noted(session)
        await self.ends(session, begin)
        return session

    # --- what is known of it --------------------------------------------------------------------------------------------------

    async def standing(self) -> Standing:
        assert self.station is not None
        return await self.station.standing()

    async def told(self, ended: int) -> None:
        """So many charges are over in the operator's books, and nothing waits."""
        await until(lambda: sum(t.meter_stop is not None for t in self.csms.transactions) == ended, f"{ended} ended charges")
        await self.calm()

    async def calm(self) -> None:
        async with asyncio.timeout(8):
            while (await self.standing()).waiting:  # noqa: ASYNC110
                await asyncio.sleep(0.002)

    def books_agree(self, charges: int, values: int = 2) -> None:
        """One begin and one end of each charge, in order, with its registers."""
        assert self.csms.broken == []
        assert len(self.csms.transactions) == charges
        for one in self.csms.transactions:
            assert one.wh == 1_000 * values + 500
            assert [int(value) for _, value in one.values] == [one.meter_start + 1_000 * n for n in range(1, values + 1)]
            times = [one.began, *(at for at, _ in one.values), one.ended]
            assert times == sorted(times)


@asynccontextmanager
async def line(folder: Path, **changes: object) -> AsyncIterator[Line]:
    """Both sides, connected by TLS; `changes` are those of the terms."""
    now = SystemClock.real().now()
    clock = SystemClock.fast(RATE, now.mono_ns, now.utc_ms)
    tls, root = server_tls(folder)
    server = CsmsServer(clock, IDENTITY, password=PASSWORD, tls=tls)
    await server.start()
    client = ssl.create_default_context(cafile=root)
    terms = replace(Terms(server.url, IDENTITY, PASSWORD, client, answer_timeout_s=60, vendor="PilePay"), **changes)
    one = Line(folder, clock, server, terms)
    await one.up()
    try:
        yield one
    finally:
        if one.station is not None:
            await one.down()
        await server.stop()
