"""How many messages of a pile the OCPP room answers, beside the `ocpp` package's own loop: the same socket, the same client.

A round trip is a MeterValues of twelve samples: read, validated, told to a core that keeps nothing, answered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import ocpp.v16
from bar import Bar
from ocpp.routing import on
from ocpp.v16 import call_result
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from kiosk.ocpp.seam import PileSettings, Reply
from kiosk.ocpp.server import OcppServer
from kiosk.session.inputs import Input
from kiosk.values import Moment

_TRIPS = 400
_ROUNDS = 3
_MEASURANDS = ("Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage")
_PHASES = ("L1", "L2", "L3")
_SAMPLES = [
    {"value": "17.5", "context": "Sample.Periodic", "measurand": m, "phase": p, "location": "Outlet"} for m in _MEASURANDS for p in _PHASES
]
_PAYLOAD = json.dumps(
    {"connectorId": 1, "transactionId": 1001, "meterValue": [{"timestamp": "2026-11-18T11:06:41Z", "sampledValue": _SAMPLES}]}
)


class _Clock:
    """Real time."""

    def now(self) -> Moment:
        return Moment(time.time_ns() // 1_000_000, "bench", time.monotonic_ns())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(seconds)


class _Package(ocpp.v16.ChargePoint):  # type: ignore[misc]  # untyped
    @on("MeterValues")
    def on_meter_values(self, **payload: Any) -> call_result.MeterValues:
        return call_result.MeterValues()


@contextlib.asynccontextmanager
async def _ours() -> AsyncIterator[int]:
    async def tell(told: Input) -> Reply:
        return Reply()

    async with OcppServer([PileSettings("P")], tell=tell, known_tag=lambda tag: False, clock=_Clock()) as server:
        yield server.port


@contextlib.asynccontextmanager
async def _theirs() -> AsyncIterator[int]:
    async def converse(socket: ServerConnection) -> None:
        await _Package("P", socket).start()

    async with serve(converse, "127.0.0.1", 0, subprotocols=["ocpp1.6"], compression=None) as server:  # type: ignore[list-item]
        yield next(iter(server.sockets)).getsockname()[1]


async def _trips_per_second(port: int) -> float:
    async with connect(f"ws://127.0.0.1:{port}/P", subprotocols=["ocpp1.6"], compression=None, proxy=None) as socket:  # type: ignore[list-item]
        began = 0
        for n in range(-_TRIPS // 10, _TRIPS):
            if n == 0:
                began = time.perf_counter_ns()
            await socket.send(f'[2,"b{n}","MeterValues",{_PAYLOAD}]')
            while json.loads(await socket.recv())[:2] != [3, f"b{n}"]:
                pass
        return _TRIPS * 1e9 / (time.perf_counter_ns() - began)


async def _measure() -> tuple[float, float]:
    """Round trips a second, ours and theirs, taken in turns; the best of each."""
    ours, theirs = [], []
    for _ in range(_ROUNDS):
        async with _ours() as port:
            ours.append(await _trips_per_second(port))
        async with _theirs() as port:
            theirs.append(await _trips_per_second(port))
    return max(ours), max(theirs)


def bars() -> Iterable[Bar]:
    # Our lines go nowhere; the package writes every frame at INFO, which is off by default as well.
    logging.disable(logging.CRITICAL)
    ours, theirs = asyncio.run(_measure())
    print(f"OCPP round trips a second: {ours:,.0f} here, {theirs:,.0f} with the ocpp package's own loop")
    yield Bar("OCPP round trips, against the ocpp package's own loop", ours / theirs, 5, at_least=True)


def main() -> None:
    for bar in bars():
        print(*bar.row(), sep="  ")


if __name__ == "__main__":
    main()
