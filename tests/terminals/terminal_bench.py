"""What the terminal tests stand on: a fast clock, an order, and a simulated Adyen terminal on a real TLS socket with its driver."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from hardware.api import IdentifyOrder, PaymentTerminal, PreauthorizationOrder
from hardware.simulated.models.terminal import Fault, TerminalModel, TerminalState
from hardware.simulated.models.terminal_store import StoreAndForward
from hardware.simulated.terminal_server import TerminalServer
from hardware.terminals.adyen.local import AdyenLocalConfig, AdyenLocalTerminal
from hardware.terminals.adyen.nexo import NexoKey
from kiosk.values import Moment, Money

POI_ID = "S1U2-000158215131748"
SALE_ID = "Kiosk1"
PASSPHRASE = "P@ssw0rd123456"
KEY_IDENTIFIER = "pilekey"
KEY_VERSION = 1


class FastClock:
    """Real time, run `rate` times as fast."""

    def __init__(self, rate: float = 50) -> None:
        self._rate = rate
        self._start = time.monotonic_ns()
        self._utc_ms = time.time_ns() // 1_000_000

    def now(self) -> Moment:
        mono_ns = int((time.monotonic_ns() - self._start) * self._rate)
        return Moment(self._utc_ms + mono_ns // 1_000_000, "boot", mono_ns)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._rate)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(seconds / self._rate)


def order(service_id: str = "A1", minor: int = 4_000, reference: str = "pp-kiosk-1") -> PreauthorizationOrder:
    return PreauthorizationOrder(reference, service_id, Money(minor, "EUR"), "de", 1_790_000_000_123)


def identification(service_id: str = "i1") -> IdentifyOrder:
    return IdentifyOrder(service_id, service_id, "de", 1_790_000_000_123)


def config(port: int, **changes: object) -> AdyenLocalConfig:
    settings: dict[str, object] = {
        "host": "127.0.0.1",
        "poi_id": POI_ID,
        "sale_id": SALE_ID,
        "key_identifier": KEY_IDENTIFIER,
        "key_version": KEY_VERSION,
        "passphrase": PASSPHRASE,
        "port": port,
        "other_seconds": 60,
    }
    return AdyenLocalConfig(**{**settings, **changes})  # type: ignore[arg-type]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is awaited is the peer's state, which has no event
            await asyncio.sleep(0.002)


class AdyenBench:
    """A simulated Adyen terminal and the local driver, as the contract wants a terminal's bench."""

    def __init__(self, folder: Path, poi_id: str = POI_ID, **model: object) -> None:
        self.clock = FastClock()
        self.model = TerminalModel(poi_id, random.Random(poi_id), **model)  # type: ignore[arg-type]
        self.server = TerminalServer(self.model, self.clock, NexoKey.derive(PASSPHRASE, KEY_IDENTIFIER, KEY_VERSION), folder)

    async def __aenter__(self) -> AdyenBench:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()

    def driver(self, **changes: object) -> AdyenLocalTerminal:
        settings = {"root_ca_pem": self.server.root_ca_pem, "poi_id": self.model.poi_id, **changes}
        return AdyenLocalTerminal(config(self.server.port, **settings), self.clock)

    # --- what the contract asks of every bench ---

    @property
    def terminal(self) -> PaymentTerminal:
        return self.driver()

    async def card_asked_for(self) -> None:
        await until(lambda: self.server.state() is TerminalState.PRESENT_CARD)

    async def present(self, kind: str) -> None:
        await self.card_asked_for()
        assert self.server.present_card(kind)

    async def cancel(self) -> None:
        await self.card_asked_for()
        assert self.server.press_cancel()

    async def card_held(self) -> None:
        await until(lambda: self.server.state() is TerminalState.ONE_MOMENT)

    async def settled(self) -> None:
        await until(lambda: self.server.state() in (TerminalState.DONE, TerminalState.IDLE))

    def lose_request(self, category: str = "Payment") -> None:
        self.server.fault(Fault.LOSE_REQUEST, category)

    def lose_answer(self, category: str = "Payment") -> None:
        self.server.fault(Fault.LOSE_ANSWER, category)

    def lose_identification(self) -> None:
        self.lose_answer("CardAcquisition")

    def lose_release(self) -> None:
        self.lose_answer("EnableService")

    def host_away(self) -> None:
        self.server.fault(Fault.HOST_AWAY)

    def host_back(self) -> None:
        self.server.fault(Fault.HOST_BACK)

    def allow_offline(self, minor: int, payments: int) -> None:
        self.server.store_and_forward(StoreAndForward({"EUR": minor}, payments))

    def reboot(self) -> None:
        self.server.reboot()

    async def up_again(self) -> None:
        await until(lambda: self.model.reachable(self.server._now_ms()) and self.server._listener is not None)

    @property
    def booked(self) -> int:
        return len(self.model.book)

    def go_offline(self) -> None:
        self.server.fault(Fault.OFFLINE)

    def approved(self, reference: str) -> list[Money]:
        return [record.amount for record in self.model.book if record.merchant_reference == reference]
