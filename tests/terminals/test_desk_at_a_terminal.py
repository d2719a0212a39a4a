"""The desk, the driver and the simulated terminal over real TLS: a card is recognised, and a core that dies leaves the terminal usable."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from terminal_bench import AdyenBench

from hardware.api import IdentifyOrder
from hardware.simulated.models.terminal import Fault, TerminalState
from kiosk.core.desk import Away, Desk, NoCard, Recognition, Seen, Unrecognisable
from kiosk.core.ids import KioskIds
from kiosk.session.inputs import Done, Refused
from kiosk.session.requests import Preauthorize
from kiosk.values import Digest, Moment, Money, PaymentRef


class Counted:
    """The journal's counters, which outlive a core."""

    def __init__(self) -> None:
        self._next = itertools.count(1)

    def serial(self, _name: str) -> int:
        return next(self._next)


class Watched:
    """The clock of a screen that is always watched."""

    def now(self) -> Moment:
        return Moment(0, "boot", 0)


class Place:
    def __init__(self, bench: AdyenBench) -> None:
        self.bench = bench
        self.ids = KioskIds("K417", Counted(), b"secret of this kiosk")

    def core(self) -> Desk:
        """A core that has just started."""
        desk = Desk(self.bench.terminal, self.bench.clock, Watched(), self.ids, lambda raw: Digest(f"kept {len(raw)}"))
        desk.screen_seen()
        return desk

    def sale(self) -> Preauthorize:
        service_id = self.ids.service_id()
        return Preauthorize(PaymentRef(f"K417-S-P{service_id}"), service_id, Money(5_000, "EUR"), "de")

    async def died(self, *, read: bool) -> None:
        """The last core began to recognise a card, and nobody heard of it again."""
        service_id = f"i{self.ids.service_id()}"
        lost = asyncio.create_task(self.bench.terminal.identify(IdentifyOrder(service_id, service_id, "de", 0)))
        await self.bench.card_asked_for()
        if read:
            await self.bench.present("good")
            await self.bench.card_held()
        lost.cancel()
        await asyncio.gather(lost, return_exceptions=True)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with AdyenBench(tmp_path) as bench:
        yield Place(bench)


async def identified(place: Place, desk: Desk, kind: str) -> Recognition:
    seen, _ = await asyncio.gather(desk.identify("de"), place.bench.present(kind))
    return seen


async def test_the_same_card_is_known_again_across_a_restart_and_by_its_phone(place: Place) -> None:
    first = await identified(place, place.core(), "good")
    desk = place.core()
    again, phone, other = [await identified(place, desk, kind) for kind in ("good", "wallet", "other")]
    assert isinstance(first, Seen)
    assert isinstance(phone, Seen)
    assert isinstance(other, Seen)
    assert first == again
    assert set(phone.by) < set(first.by)
    assert not set(other.by) & set(first.by)
    assert await identified(place, desk, "anonymous") == Unrecognisable()
    assert place.bench.booked == 0


async def test_a_sale_ends_an_identification_and_is_served(place: Place) -> None:
    desk = place.core()
    recognising = asyncio.create_task(desk.identify("de"))
    await place.bench.card_asked_for()
    paying = asyncio.create_task(desk.preauthorize(place.sale()))
    assert await recognising == NoCard("aborted")
    await place.bench.present("good")
    assert isinstance(await paying, Done)
    assert place.bench.booked == 1


@pytest.mark.parametrize("fault", [Fault.LOSE_REQUEST, Fault.LOSE_ANSWER, Fault.WRONG_MAC, Fault.CLEAR_SUCCESS, Fault.FOREIGN_HEADER])
@pytest.mark.parametrize("category", ["CardAcquisition", "EnableService"])
async def test_whatever_is_lost_the_next_sale_is_served(place: Place, category: str, fault: Fault) -> None:
    desk = place.core()
    place.bench.server.fault(fault, category)
    recognising = asyncio.create_task(desk.identify("de"))
    if (category, fault) != ("CardAcquisition", Fault.LOSE_REQUEST):
        await place.bench.present("good")
    assert isinstance(await recognising, Away if category == "CardAcquisition" else Seen)
    paying, _ = await asyncio.gather(desk.preauthorize(place.sale()), place.bench.present("good"))
    assert isinstance(paying, Done)
    assert place.bench.booked == 1


@pytest.mark.parametrize("read", [False, True], ids=["waiting for a card", "card read"])
async def test_a_look_at_the_terminal_frees_it_of_what_a_dead_core_left(place: Place, read: bool) -> None:
    await place.died(read=read)
    desk = place.core()
    assert (await desk.health()).ok
    paying, _ = await asyncio.gather(desk.preauthorize(place.sale()), place.bench.present("good"))
    assert isinstance(paying, Done)


@pytest.mark.parametrize("read", [False, True], ids=["waiting for a card", "card read"])
async def test_without_a_look_the_first_sale_finds_it_busy_and_the_second_is_served(place: Place, read: bool) -> None:
    await place.died(read=read)
    desk = place.core()
    assert isinstance(await desk.preauthorize(place.sale()), Refused)
    paying, _ = await asyncio.gather(desk.preauthorize(place.sale()), place.bench.present("good"))
    assert isinstance(paying, Done)


async def test_a_terminal_that_reboots_with_a_card_in_its_hands_serves_the_next_sale(place: Place) -> None:
    desk = place.core()
    recognising = asyncio.create_task(desk.identify("de"))
    await place.bench.card_asked_for()
    place.bench.reboot()
    assert isinstance(await recognising, Away)
    await place.bench.up_again()
    paying, _ = await asyncio.gather(desk.preauthorize(place.sale()), place.bench.present("good"))
    assert isinstance(paying, Done)
    assert place.bench.server.state() is not TerminalState.ONE_MOMENT
