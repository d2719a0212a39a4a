"""The kiosk as a station of the operator's own system: what it reads of the journal for that, and what it may do here.

It runs beside the sales and nothing waits for it. Whatever goes wrong in it is logged and tried again; only a journal that cannot be
written ends the kiosk, as everywhere.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any, TypeVar

from kiosk import __version__
from kiosk.config.load import read_secret
from kiosk.config.model import Config
from kiosk.core.clock import SystemClock
from kiosk.core.engine import Batch, fact_of
from kiosk.journal.entry import JournalFailed, Stored
from kiosk.journal.reader import Reader
from kiosk.journal.state import Mark
from kiosk.journal.thread import JournalThread
from kiosk.ocpp.upstream import Station
from kiosk.ocpp.upstream_calls import KINDS, Plug
from kiosk.ocpp.upstream_teller import Terms
from kiosk.session.codec import CodecError
from kiosk.session.facts import AccountAccepted, Fact, SessionOpened
from kiosk.session.inputs import ConnectorStatus, Input, StopAsked
from kiosk.session.setup import Setup
from kiosk.session.state import Kiosk
from kiosk.values import ConnectorId, SessionId

log = logging.getLogger(__name__)

T = TypeVar("T")

_BLOCK = 256
_AGAIN_S = 60
BEFORE = (SessionOpened.__name__, AccountAccepted.__name__)


def words(told: Mapping[str, Any]) -> list[str]:
    """What `Upstream.standing` told, for people: how it stands, then a line for each charge that is not as it should be."""
    waits = f"{told['waiting']} messages wait, the oldest for {told['oldest_s']} s" if told["waiting"] else "nothing waits"
    failed = f"; last error: {told['error']}" if told["error"] else ""
    lines = [f"operator's system {told['url']} as {told['identity']}: {told['state']} for {told['since_s']} s; {waits}{failed}"]
    lines += [f"set aside: charge {aside['charge']} from its {aside['action']}: {aside['why']}" for aside in told["asides"]]
    return lines + [f"charge {remark['charge']}: {remark['words']}" for remark in told["remarks"]]


class UpstreamConfigError(ValueError):
    """An [upstream] table that reads well and still cannot be used."""


class JournalBooks:
    """`kiosk.ocpp.upstream_queue.Books` on the journal. `consumer` names its cursor; the reader is its own, on a thread of its own."""

    def __init__(self, journal: JournalThread, reader: Reader, consumer: str) -> None:
        self._journal = journal
        self._reader = reader
        self._consumer = consumer
        self._one = asyncio.Lock()

    async def head(self) -> int:
        return self._journal.head

    async def position(self) -> int:
        return await self._journal.position(self._consumer)

    async def marks(self) -> Mapping[str, str]:
        return await self._journal.marks(self._consumer)

    async def keep(self, position: int | None, marks: Mapping[str, str | None]) -> None:
        await self._journal.advance(self._consumer, position, [Mark(self._consumer, name, value) for name, value in marks.items()])

    async def facts(self, after: int) -> Sequence[tuple[int, Fact | None]]:
        def read() -> list[tuple[int, Fact | None]]:
            block = islice(self._reader.read(after, chunk=_BLOCK), _BLOCK)
            return [(stored.seq, _fact(stored) if stored.kind in KINDS else None) for stored in block]

        return await self._read(read)

    async def sale(self, session: str, until: int) -> Sequence[Fact]:
        def read() -> list[Fact]:
            own = (stored for stored in self._reader.read(stream=session) if stored.seq <= until and stored.kind in BEFORE)
            return [fact for fact in map(_fact, own) if fact is not None]

        return await self._read(read)

    async def waiting(self, after: int) -> tuple[int, int | None]:
        return await self._read(lambda: self._reader.waiting(after, KINDS))

    async def _read(self, work: Callable[[], T]) -> T:
        """On another thread, one after the other, each to its end even when nobody waits for it any more."""
        async with self._one:
            task = asyncio.ensure_future(asyncio.to_thread(work))
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                await asyncio.wait([task])
                raise


def _fact(stored: Stored) -> Fact | None:
    try:
        return fact_of(stored)
    except CodecError as error:
        log.error("entry %s is not told to the operator's system: %s", stored.seq, error)
        return None


class Upstream:
    """The station with its place in the kiosk; nothing at all where the configuration names no system of the operator's."""

    def __init__(
        self,
        config: Config,
        journal: JournalThread,
        kiosk: Callable[[], Kiosk],
        tell: Callable[[Input], Awaitable[Batch]],
        clock: SystemClock,
    ) -> None:
        self._kiosk = kiosk
        self._tell = tell
        self._clock = clock
        self._reader: Reader | None = None
        self._station: Station | None = None
        self._begun = False
        t = terms(config)
        if t is None:
            return
        self._reader = journal.reader()
        books = JournalBooks(journal, self._reader, f"upstream {t.identity}")
        self._station = Station(
            t,
            plugs(kiosk().setup),
            books,
            connectors=self._connectors,
            stop=self._stop,
            held=lambda: kiosk().disk_low,
            clock=clock,
            chance=secrets.SystemRandom().random,
        )

    async def begin(self) -> None:
        """Before anything happens that it is to be told of. Raises `JournalFailed`, and nothing else: the kiosk sells without it."""
        if self._station is None:
            return
        try:
            await self._station.begin()
            self._begun = True
        except JournalFailed:
            raise
        except Exception:
            log.exception("what the operator's system is to be told cannot be found out yet")

    async def run(self) -> None:
        """Until it is cancelled. Raises `JournalFailed`: a journal that cannot be written ends the kiosk, whoever finds out."""
        while self._station is not None:
            try:
                if self._begun:
                    await self._station.run()
            except* JournalFailed:
                raise
            except* Exception:
                log.exception("the operator's system could not be served; once more in %s s", _AGAIN_S)
            await self._clock.sleep(_AGAIN_S)
            await self.begin()
        await asyncio.Event().wait()

    def look(self) -> None:
        """Something happened."""
        if self._station is not None:
            self._station.look()

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()

    # --- for the office -----------------------------------------------------------------------------------------------------------

    async def standing(self) -> dict[str, Any] | None:
        """How it stands, in plain values; None where there is no such system."""
        if self._station is None:
            return None
        standing = await self._station.standing()
        told = asdict(standing)
        now_ms = self._clock.now().utc_ms
        told["oldest_s"] = None if standing.oldest_ms is None else max(0, now_ms - standing.oldest_ms) // 1_000
        told["since_s"] = max(0, now_ms - standing.since_ms) // 1_000
        return told

    async def again(self) -> dict[str, Any] | None:
        """Try everything now."""
        if self._station is not None:
            await self._station.again()
        return await self.standing()

    # --- what it may see and do ---------------------------------------------------------------------------------------------------

    def _connectors(self) -> Mapping[ConnectorId, tuple[ConnectorStatus | None, str, bool]]:
        k = self._kiosk()
        stand = {}
        for connector in k.setup.connectors:
            state = k.connectors.get(connector.id)
            stand[connector.id] = (state.status if state else None, state.error if state else "", connector.pile in k.online)
        return stand

    async def _stop(self, charge: str) -> bool:
        """As the operator's own stop."""
        if SessionId(charge) not in self._kiosk().sessions:
            return False
        batch = await self._tell(StopAsked(SessionId(charge), "operator"))
        return bool(batch.facts)


def plugs(setup: Setup) -> tuple[Plug, ...]:
    """The connectors as they are numbered there."""
    return tuple(Plug(c.id, c.pile, c.number, number) for number, c in enumerate(setup.connectors, 1))


def terms(config: Config) -> Terms | None:
    """How the operator's system is reached; None where there is none. Raises `UpstreamConfigError` or `ConfigError`."""
    u = config.upstream
    if u is None:
        return None
    tls = None
    if u.url.startswith("wss:"):
        try:
            tls = ssl.create_default_context(cafile=u.root_ca) if u.root_ca else ssl.create_default_context()
        except (OSError, ssl.SSLError) as error:
            raise UpstreamConfigError(f"upstream.root_ca: {u.root_ca} holds no certificate that can be read (PEM): {error}") from error
    p = config.policies
    settings = {
        "AuthorizeRemoteTxRequests": "false",
        "ClockAlignedDataInterval": "0",
        "ConnectionTimeOut": str(p.plug_timeout_seconds),
        "ConnectorPhaseRotation": "NotApplicable",
        "GetConfigurationMaxKeys": "100",
        "LocalAuthorizeOffline": "true",
        "LocalPreAuthorize": "false",
        "MeterValueSampleInterval": str(p.note_seconds),
        "MeterValuesAlignedData": "",
        "MeterValuesSampledData": "Energy.Active.Import.Register",
        "ResetRetries": "0",
        "StopTransactionOnEVSideDisconnect": "true",
        "StopTransactionOnInvalidId": "false",
        "StopTxnAlignedData": "",
        "StopTxnSampledData": "Energy.Active.Import.Register",
        "SupportedFeatureProfiles": "Core,RemoteTrigger",
        "TransactionMessageAttempts": str(u.attempts),
        "TransactionMessageRetryInterval": str(u.retry_seconds),
        "UnlockConnectorOnEVSideDisconnect": "true",
    }
    return Terms(
        u.url,
        u.identity,
        read_secret(u.password_file) if u.password_file else None,
        tls,
        heartbeat_s=u.heartbeat_seconds,
        attempts=u.attempts,
        retry_s=u.retry_seconds,
        serial=config.site.kiosk_id,
        firmware=__version__,
        settings=settings,
    )
