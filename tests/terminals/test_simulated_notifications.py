"""The simulated terminal tells how a payment goes: what, when, over real HTTP, and that a payment never depends on it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from terminal_bench import KEY_IDENTIFIER, KEY_VERSION, PASSPHRASE, POI_ID, SALE_ID, AdyenBench, order, until

from hardware.api import Approved, Declined, EventKind, TerminalEvent
from hardware.simulated.models.terminal import AUTHORIZING_MS, CARD_REMOVED_MS, CARD_WAIT_MS, UNTOLD, Fault, TerminalModel
from hardware.simulated.models.terminal_wire import CardKind
from hardware.terminals.adyen import messages
from hardware.terminals.adyen.nexo import NexoKey
from hardware.terminals.adyen.notifications import DisplayListener

KEY = NexoKey.derive(PASSPHRASE, KEY_IDENTIFIER, KEY_VERSION)
NOW = 1_790_000_000_000
WHOLE = [EventKind.READY, EventKind.CARD_PRESENTED, EventKind.FINAL, EventKind.CARD_REMOVED]


# --- the model ------------------------------------------------------------------------------------------------------------------------


class Told:
    """A model, and what a kiosk's listener makes of what it tells."""

    def __init__(self) -> None:
        self.model = TerminalModel(POI_ID, random.Random(1))
        self.events: list[TerminalEvent] = []
        self._listener = DisplayListener(KEY, POI_ID, SALE_ID, self.events.append)

    def pay(self, now_ms: int, service_id: str = "A1") -> None:
        self.model.request(messages.payment(order(service_id), SALE_ID, POI_ID).message(), now_ms)

    def until(self, now_ms: int) -> list[EventKind]:
        self.model.advance(now_ms)
        for message in self.model.notifications():
            assert self._listener.receive(messages.sealed(message, KEY, bytes(16))).status == 200
        return [event.kind for event in self.events]


def test_each_step_is_told_when_it_happens() -> None:
    told = Told()
    told.pay(NOW)
    assert told.until(NOW) == WHOLE[:1]
    told.model.present_card(CardKind.GOOD, NOW + 5_000)
    assert told.until(NOW + 5_000) == WHOLE[:2]
    decided = NOW + 5_000 + AUTHORIZING_MS
    assert told.until(decided - 1) == WHOLE[:2]
    assert told.until(decided) == WHOLE[:3]
    assert told.until(decided + CARD_REMOVED_MS - 1) == WHOLE[:3]
    assert told.until(decided + CARD_REMOVED_MS) == WHOLE
    assert {event.service_id for event in told.events} == {"A1"}
    assert len({event.tender_reference for event in told.events}) == 1
    assert told.until(NOW + 10 * CARD_WAIT_MS) == WHOLE


def test_without_a_card_none_is_taken_out() -> None:
    told = Told()
    told.pay(NOW)
    assert told.until(NOW + 10 * CARD_WAIT_MS) == [EventKind.READY, EventKind.FINAL]


def test_two_payments_are_told_apart() -> None:
    told = Told()
    for start, service_id in ((NOW, "A1"), (NOW + 20_000, "A2")):
        told.pay(start, service_id)
        told.model.present_card(CardKind.DECLINING, start + 100)
        told.until(start + 10_000)
    assert [event.kind for event in told.events] == WHOLE * 2
    assert [event.service_id for event in told.events] == ["A1"] * 4 + ["A2"] * 4


def test_lost_notifications_are_those_of_one_payment() -> None:
    told = Told()
    told.model.fault(Fault.LOSE_NOTIFICATIONS)
    for start, service_id in ((NOW, "A1"), (NOW + 20_000, "A2")):
        told.pay(start, service_id)
        told.model.present_card(CardKind.GOOD, start + 100)
        told.until(start + 10_000)
    assert {event.service_id for event in told.events} == {"A2"}
    assert len(told.model.book) == 2


@pytest.mark.parametrize("fault", [Fault.REBOOT, Fault.REBOOT_FORGETTING])
def test_a_terminal_that_is_down_tells_nothing(fault: Fault) -> None:
    told = Told()
    told.model.fault(fault)
    told.pay(NOW)
    told.model.present_card(CardKind.GOOD, NOW)
    assert told.until(NOW + 10_000) == WHOLE[:2]


def test_what_nobody_fetches_does_not_pile_up() -> None:
    model = TerminalModel(POI_ID, random.Random(1), card_wait_ms=1)
    for number in range(UNTOLD):
        model.request(messages.payment(order(f"A{number}"), SALE_ID, POI_ID).message(), NOW + 10 * number)
    model.advance(NOW + 20 * UNTOLD)
    assert len(model.notifications()) == UNTOLD
    assert model.notifications() == ()


# --- over real HTTP -------------------------------------------------------------------------------------------------------------------


class Ears:
    """A tiny HTTP server with a kiosk's listener behind it; `deaf` takes a connection and never answers."""

    def __init__(self, login: tuple[str, str] | None = None, *, deaf: bool = False) -> None:
        self.events: list[TerminalEvent] = []
        self.statuses: list[int] = []
        self._listener = DisplayListener(KEY, POI_ID, SALE_ID, self.events.append, login=login)
        self._deaf = deaf
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Ears:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/terminal/display"

    async def heard_to_the_end(self, service_id: str) -> list[EventKind]:
        """What was told of this payment; the one before may still be at taking its card out."""
        await until(lambda: (service_id, EventKind.CARD_REMOVED) in ((event.service_id, event.kind) for event in self.events))
        return [event.kind for event in self.events if event.service_id == service_id]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        assert head[0] == "POST /terminal/display HTTP/1.1"
        fields: Mapping[str, str] = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(fields["content-length"]))
        if self._deaf:
            return
        reply = self._listener.receive(body, fields.get("authorization", ""))
        self.statuses.append(reply.status)
        writer.write(f"HTTP/1.1 {int(reply.status)} \r\nContent-Length: {len(reply.body)}\r\n\r\n".encode() + reply.body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[AdyenBench]:
    async with AdyenBench(tmp_path) as bench:
        yield bench


async def paid(bench: AdyenBench, service_id: str = "A1") -> Approved | Declined:
    payment = asyncio.create_task(bench.driver().preauthorize(order(service_id)))
    await bench.present("good")
    return await payment


async def test_a_kiosk_hears_a_payment_go_by(bench: AdyenBench) -> None:
    async with Ears() as ears:
        bench.server.notify(ears.url)
        assert isinstance(await paid(bench), Approved)
        assert await ears.heard_to_the_end("A1") == WHOLE
        assert ears.statuses == [200] * 4


async def test_the_terminal_logs_in_where_it_is_asked_to(bench: AdyenBench) -> None:
    async with Ears(("kiosk", "secret")) as ears:
        bench.server.notify(ears.url, ("kiosk", "wrong"))
        assert isinstance(await paid(bench), Approved)
        await until(lambda: len(ears.statuses) == 4)
        assert (ears.statuses, ears.events) == ([403] * 4, [])
        bench.server.notify(ears.url, ("kiosk", "secret"))
        assert isinstance(await paid(bench, "A2"), Approved)
        assert await ears.heard_to_the_end("A2") == WHOLE


async def test_lost_notifications_do_not_disturb_a_payment(bench: AdyenBench) -> None:
    async with Ears() as ears:
        bench.server.notify(ears.url)
        bench.server.fault("lose_notifications")
        assert isinstance(await paid(bench), Approved)
        assert isinstance(await paid(bench, "A2"), Approved)
        await ears.heard_to_the_end("A2")
        assert {event.service_id for event in ears.events} == {"A2"}


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/terminal/display", "nonsense", "http://[", "http://x:99999999/"])
async def test_an_unreachable_kiosk_does_not_disturb_a_payment(bench: AdyenBench, url: str) -> None:
    bench.server.notify(url)
    assert isinstance(await paid(bench), Approved)
    async with Ears() as ears:
        bench.server.notify(ears.url)
        assert isinstance(await paid(bench, "A2"), Approved)
        assert await ears.heard_to_the_end("A2") == WHOLE


async def test_a_kiosk_that_never_answers_disturbs_neither_a_payment_nor_the_end(bench: AdyenBench) -> None:
    async with Ears(deaf=True) as ears:
        bench.server.notify(ears.url)
        assert isinstance(await paid(bench), Approved)
        await bench.server.stop()


async def test_nobody_is_told_when_nobody_asked(bench: AdyenBench) -> None:
    async with Ears() as ears:
        bench.server.notify(ears.url)
        bench.server.notify("")
        assert isinstance(await paid(bench), Approved)
        bench.server.notify(ears.url)
        assert isinstance(await paid(bench, "A2"), Approved)
        await ears.heard_to_the_end("A2")
        assert all(event.kind is EventKind.CARD_REMOVED for event in ears.events if event.service_id == "A1")
