"""The world around the OCPP room: a clock moved by hand, a core that remembers what it was told, and a pile of bare JSON arrays."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from kiosk.ocpp.seam import PileSettings, Reply
from kiosk.ocpp.server import OcppServer
from kiosk.session.inputs import Input, TxStarted
from kiosk.values import Digest, Moment

START_MS = 1_795_000_000_000  # 2026-11-18T11:06:40Z


class ManualClock:
    """Time stands still until `advance`."""

    def __init__(self) -> None:
        self.ms = 0
        self.trusted = True
        self._sleeps: list[tuple[int, asyncio.Future[None]]] = []
        self._timeouts: list[tuple[int, asyncio.Timeout]] = []
        self._changed = asyncio.Event()

    def now(self) -> Moment:
        return Moment(START_MS + self.ms, "boot", self.ms * 1_000_000, self.trusted)

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self._sleeps.append((self.ms + int(seconds * 1000), future))
        self._changed.set()
        await future

    @contextlib.asynccontextmanager
    async def timeout(self, seconds: float) -> AsyncIterator[None]:
        async with asyncio.timeout(None) as bound:
            entry = (self.ms + int(seconds * 1000), bound)
            self._timeouts.append(entry)
            self._changed.set()
            try:
                yield
            finally:
                self._timeouts.remove(entry)

    async def advance(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)
        for due, future in [*self._sleeps]:
            if due <= self.ms and not future.done():
                future.set_result(None)
        self._sleeps = [(due, f) for due, f in self._sleeps if not f.done()]
        for due, bound in [*self._timeouts]:
            if due <= self.ms:
                bound.reschedule(0)
        await asyncio.sleep(0)

    async def until_waiting(self, seconds: float, sleeping: bool = False) -> None:
        """Until somebody waits for exactly `seconds` from now."""
        due = self.ms + int(seconds * 1000)
        while not any(d == due for d, _ in (self._sleeps if sleeping else self._timeouts)):
            self._changed.clear()
            await self._changed.wait()


class FastClock:
    """Real time, many times over: for two sides that both wait on it."""

    def __init__(self, rate: int = 60) -> None:
        self._rate = rate
        self._origin = time.monotonic_ns()

    def now(self) -> Moment:
        passed = (time.monotonic_ns() - self._origin) * self._rate
        return Moment(START_MS + passed // 1_000_000, "boot", passed)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._rate)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(seconds / self._rate)


class Core:
    """Journals into a list. `refuse` makes it fail like a journal that cannot write; `gate` makes it slow."""

    def __init__(self) -> None:
        self.told: list[Input] = []
        self.kept: list[bytes] = []
        self.tags: set[str] = set()
        self.refuse: Callable[[Input], bool] = lambda told: False
        self.gate: asyncio.Event | None = None
        self.transactions = itertools.count(1001)
        self._changed = asyncio.Condition()

    async def tell(self, told: Input) -> Reply:
        if self.gate is not None:
            await self.gate.wait()
        if self.refuse(told):
            raise OSError("the journal cannot write")
        self.told.append(told)
        async with self._changed:
            self._changed.notify_all()
        return Reply(next(self.transactions)) if isinstance(told, TxStarted) else Reply()

    async def evidence(self, frame: bytes) -> Digest:
        self.kept.append(frame)
        return Digest(f"frame-{len(self.kept)}")

    def of(self, kind: type) -> list[Any]:
        return [told for told in self.told if isinstance(told, kind)]

    async def heard(self, kind: type, count: int = 1) -> Any:
        """The `count`-th input of `kind`, once it was told."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]


class Peer:
    """A pile of bare JSON arrays. Answers the kiosk's calls from `answers`, by default like a simple controller; None: never."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.answers: dict[str, Any] = {"GetConfiguration": {}, "ChangeConfiguration": {"status": "Accepted"}}
        self.calls: list[list[Any]] = []
        self._ids = itertools.count(1)
        self._pending: dict[str, asyncio.Future[list[Any]]] = {}
        self._changed = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(Exception):
            async for raw in self.socket:
                await self._take(json.loads(raw))
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("closed"))
        async with self._changed:
            self._changed.notify_all()

    async def _take(self, frame: list[Any]) -> None:
        if frame[0] == 2:
            self.calls.append(frame)
            answer = self.answers.get(frame[2], {"status": "Accepted"})
            if isinstance(answer, list):
                await self.socket.send(json.dumps([4, frame[1], *answer]))
            elif answer is not None:
                await self.socket.send(json.dumps([3, frame[1], answer]))
            async with self._changed:
                self._changed.notify_all()
        elif waiting := self._pending.get(frame[1]):
            waiting.set_result(frame)

    async def send(self, frame: Any) -> None:
        await self.socket.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    async def exchange(self, frame: list[Any], answered_as: str | None = None) -> list[Any]:
        """Send a CALL and wait for whatever answers its message id."""
        name = answered_as or frame[1]
        self._pending[name] = asyncio.get_running_loop().create_future()
        await self.send(frame)
        return await self._pending[name]

    async def raw(self, text: str | bytes, name: str) -> list[Any]:
        self._pending[name] = asyncio.get_running_loop().create_future()
        await self.socket.send(text)
        return await self._pending[name]

    async def call(self, action: str, payload: Any, name: str | None = None) -> Any:
        """The payload of the CALLRESULT."""
        frame = await self.exchange([2, name or f"m{next(self._ids)}", action, payload])
        assert frame[0] == 3, frame
        return frame[2]

    async def asked(self, action: str, count: int = 1) -> dict[str, Any]:
        """The payload of the `count`-th call of the kiosk for `action`."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.of(action)) >= count)
        return self.of(action)[count - 1][3]

    def of(self, action: str) -> list[list[Any]]:
        return [frame for frame in self.calls if frame[2] == action]

    async def closed(self) -> int:
        await self._reader
        return self.socket.protocol.close_rcvd.code if self.socket.protocol.close_rcvd else 1006

    async def close(self) -> None:
        await self.socket.close()
        await self._reader


class Site:
    """A kiosk's OCPP server with one pile of two connectors, MO-1, and whoever connects."""

    def __init__(self, server: OcppServer, core: Core, clock: Any) -> None:
        self.server, self.core, self.clock = server, core, clock
        self.piles = server.piles
        self._peers: list[Peer] = []

    async def peer(self, identity: str = "MO-1", **options: Any) -> Peer:
        options.setdefault("subprotocols", ["ocpp1.6"])
        socket = await connect(f"ws://127.0.0.1:{self.server.port}/ocpp/{identity}", compression=None, max_size=None, **options)
        peer = Peer(socket)
        self._peers.append(peer)
        return peer

    async def leave(self) -> None:
        for peer in self._peers:
            peer.socket.transport.abort()
            await peer._reader


@contextlib.asynccontextmanager
async def running(*settings: PileSettings, clock: Any = None, **options: Any) -> AsyncIterator[Site]:
    clock, core = clock or ManualClock(), Core()
    chosen = settings or (PileSettings("MO-1", connectors=2),)
    server = OcppServer(
        chosen,
        **{"tell": core.tell, "known_tag": core.tags.__contains__, "clock": clock, "evidence": core.evidence} | options,
    )
    async with server:
        site = Site(server, core, clock)
        try:
            yield site
        finally:
            await site.leave()


@pytest.fixture
def fast() -> FastClock:
    return FastClock()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running() as one:
        yield one


@pytest.fixture
def world() -> Callable[..., contextlib.AbstractAsyncContextManager[Site]]:
    """A site of other piles, or with other options."""
    return running
