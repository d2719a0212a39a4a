"""The kiosk's OCPP server and the simulated pile, over a real socket, on one clock: what happens to a charge when things go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import pytest

from hardware.api import AnswerLost
from hardware.simulated.models.car import Car
from hardware.simulated.models.pile import PileModel
from hardware.simulated.models.pile_connector import ConnectorSpec
from hardware.simulated.pile_client import PileClient
from kiosk.ocpp.seam import PileSettings
from kiosk.session.inputs import ConnectorChanged, ConnectorStatus, MeterRead, PileBooted, PileConnected, PileLost, TxEnded, TxStarted


@contextlib.asynccontextmanager
async def pile_on(site, clock, password=None):
    ids = itertools.count(1)
    model = PileModel(
        "MO-1", [ConnectorSpec(register_mwh=17_000_500), ConnectorSpec()], ids=lambda: f"p{next(ids)}", now_ms=clock.now().utc_ms
    )
    client = PileClient(model, f"ws://127.0.0.1:{site.server.port}/ocpp", clock, password=password)
    task = asyncio.create_task(client.run())
    try:
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def scene(world, fast):
    """A site whose pile is connected and set up."""
    async with world(clock=fast) as site, pile_on(site, fast) as pile:
        await site.core.heard(PileBooted)
        while pile.model.settings.values["TransactionMessageAttempts"] != "100":
            await fast.sleep(0.2)
        yield site, pile


async def status(site, wanted, number=1):
    """Until the newest report of a connector is `wanted`."""
    count = 1
    while True:
        seen = [c for c in site.core.of(ConnectorChanged) if c.number == number]
        if seen and seen[-1].status is wanted:
            return
        count = len(site.core.of(ConnectorChanged)) + 1
        await site.core.heard(ConnectorChanged, count)


async def begin(site, pile, car=None):
    pile.plug(1, car)
    await status(site, ConnectorStatus.PREPARING)
    assert await site.piles.start("MO-1", 1, "TAG1")
    return await site.core.heard(TxStarted)


async def test_what_is_billed_is_what_flowed(scene):
    site, pile = scene
    started = await begin(site, pile)
    assert (started.number, started.id_tag, started.begin.mwh) == (1, "TAG1", 17_000_000)
    reading = await site.core.heard(MeterRead, 3)
    assert reading.transaction == 1001
    assert reading.reading.power_w == 50_000
    assert await site.piles.stop("MO-1", 1001)
    ended = await site.core.heard(TxEnded)
    await status(site, ConnectorStatus.FINISHING)
    assert (ended.transaction, ended.reason) == (1001, "Remote")
    assert ended.begin.mwh == 17_000_500
    assert ended.end.mwh - ended.begin.mwh == pile.model.book[0].mwh > 0
    pile.unplug(1)
    await status(site, ConnectorStatus.AVAILABLE)


async def test_a_pile_is_told_how_to_behave(scene):
    site, pile = scene
    assert pile.model.settings.values["AuthorizeRemoteTxRequests"] == "false"
    assert pile.model.settings.values["MeterValueSampleInterval"] == "5"
    assert pile.model.settings.values["MeterValuesSampledData"].endswith("SoC")
    assert site.piles.settings_refused("MO-1") == {}


async def test_a_car_that_leaves_while_the_network_is_cut_is_billed_when_it_returns(scene):
    site, pile = scene
    await begin(site, pile)
    await site.core.heard(MeterRead)
    pile.cut_network()
    await site.core.heard(PileLost)
    pile.unplug(1)
    pile.restore_network()
    ended = await site.core.heard(TxEnded)
    assert ended.reason == "EVDisconnected"
    assert ended.end.mwh - ended.begin.mwh == pile.model.book[0].mwh
    assert len(site.core.of(PileBooted)) == 1


async def test_a_power_cut_ends_the_charge_with_what_flowed_before_it(scene):
    site, pile = scene
    await begin(site, pile)
    await site.core.heard(MeterRead)
    pile.power_cut()
    await site.core.heard(PileLost)
    pile.power_back()
    ended = await site.core.heard(TxEnded)
    assert ended.reason == "PowerLoss"
    assert ended.end.mwh - ended.begin.mwh == pile.model.book[0].mwh
    assert len(site.core.of(PileBooted)) == 2


async def test_an_answer_lost_on_the_way_starts_no_second_transaction_at_the_pile(scene):
    site, pile = scene
    pile.plug(1)
    await status(site, ConnectorStatus.PREPARING)
    pile.fault("lose_next_reply")
    with pytest.raises(AnswerLost):
        await site.piles.start("MO-1", 1, "TAG1")
    await site.core.heard(TxStarted)
    answer = await site.piles.start("MO-1", 1, "TAG1")
    assert (answer.accepted, answer.code) == (False, "rejected")


async def test_a_start_whose_answer_is_lost_comes_again_under_a_new_id_and_is_told_faithfully(scene):
    site, pile = scene
    pile.plug(1)
    await status(site, ConnectorStatus.PREPARING)
    gate = site.core.gate = asyncio.Event()
    assert await site.piles.start("MO-1", 1, "TAG1")
    await site.core.heard(PileConnected)
    pile.cut_network()
    gate.set()
    await site.core.heard(TxStarted, 1)
    pile.restore_network()
    await site.core.heard(PileConnected, 2)
    first, again = await site.core.heard(TxStarted, 1), await site.core.heard(TxStarted, 2)
    assert (first.begin, first.id_tag, first.number) == (again.begin, again.id_tag, again.number)


async def test_a_full_battery_suspends(scene):
    site, pile = scene
    await begin(site, pile, Car(soc_percent=50))
    pile.fill_battery(1)
    await status(site, ConnectorStatus.SUSPENDED_EV)


async def test_a_car_that_pauses_by_a_plan_of_its_own_goes_on(scene):
    site, pile = scene
    await begin(site, pile, Car(soc_percent=50))
    pile.rest(1, resting=True)
    await status(site, ConnectorStatus.SUSPENDED_EV)
    assert pile.state()["connectors"][0]["power_w"] == 0
    pile.rest(1, resting=False)
    await status(site, ConnectorStatus.CHARGING)
    assert pile.state()["connectors"][0]["power_w"] > 0


async def test_a_limit_holds_at_the_pile(scene):
    site, pile = scene
    await begin(site, pile)
    await site.core.heard(MeterRead)
    assert await site.piles.limit("MO-1", 1, 1001, 0)
    await status(site, ConnectorStatus.SUSPENDED_EVSE)


async def test_a_message_lost_on_the_way_is_sent_again(scene):
    site, pile = scene
    await begin(site, pile)
    await site.core.heard(MeterRead)
    pile.fault("lose_next_call")
    pile.unplug(1)
    assert (await site.core.heard(TxEnded)).reason == "EVDisconnected"


async def test_a_pile_with_a_password_comes_in(world, fast):
    async with world(PileSettings("MO-1", password="0011aabb" * 5), clock=fast) as site, pile_on(site, fast, "0011aabb" * 5):
        await site.core.heard(PileBooted)


async def test_the_bench_sees_what_the_pile_does(scene):
    site, pile = scene
    await begin(site, pile, Car(soc_percent=50))
    state = pile.state()
    assert state["online"] and state["network"]
    assert state["connectors"][0]["plugged"] and state["connectors"][0]["power_w"] == 50_000
    assert state["book"][0]["id_tag"] == "TAG1"
    pile.fault("vanish")
    assert pile.state()["faults"] == ["vanish"]
    with pytest.raises(ValueError, match="nonsense"):
        pile.fault("nonsense")
