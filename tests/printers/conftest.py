"""A simulated printer on a real socket, and a clock ten times as fast."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from hardware.printers.escpos.build import build
from hardware.printers.escpos.tcp import EscposTcpPrinter
from hardware.simulated.models.printer import PrinterModel
from hardware.simulated.printer_server import PrinterServer
from kiosk.values import Moment

RATE = 10


class FastClock:
    def now(self) -> Moment:
        mono = int(asyncio.get_running_loop().time() * 1e9) * RATE
        return Moment(mono // 1_000_000, "test", mono)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / RATE)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(seconds / RATE)


@dataclass(frozen=True)
class Words:
    left: str = ""
    right: str = ""
    kind: str = "text"
    align: str = "left"
    size: str = "normal"
    bold: bool = False


@pytest.fixture
def words() -> type[Words]:
    return Words


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def model() -> PrinterModel:
    return PrinterModel()


@pytest.fixture
async def server(model: PrinterModel, clock: FastClock) -> AsyncIterator[PrinterServer]:
    server = PrinterServer(model, clock)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def printer(server: PrinterServer, clock: FastClock) -> EscposTcpPrinter:
    return EscposTcpPrinter("127.0.0.1", server.port, clock)


@pytest.fixture
def job() -> bytes:
    return build([Words(f"line {n:02}", "12,17 €") for n in range(40)], 42)
