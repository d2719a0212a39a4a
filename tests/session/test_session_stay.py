"""A stay after the charge is priced only as far as one clock saw it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from world import PER_KWH_AND_STAY, World

from kiosk.metering.reading import Reading
from kiosk.session import inputs as i
from kiosk.session.inputs import ConnectorStatus


def test_a_stay_is_not_priced_across_two_boots_whose_clocks_disagree() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.skip(600)
    w.end(transaction, 110)
    w.status(1, ConnectorStatus.FINISHING)
    w.wait(60)
    w.give(i.PileLost("PILE-1"))
    w.jump(-2)
    w.reboot(30)
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.priced.rating.total.minor == 500


@pytest.mark.parametrize("hours", [0, 1, 2, 30])
@pytest.mark.parametrize("trusted", [True, False])
def test_a_pause_over_a_boot_is_no_longer_than_it_was_seen_whatever_the_new_clock_says(hours: int, trusted: bool) -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    began = w.now
    w.skip(600)
    w.status(1, ConnectorStatus.SUSPENDED_EV)
    w.now = replace(w.now.plus(60), boot_id="after", mono_ns=1_000_000_000, trusted=trusted)
    w.jump(hours)
    w.restart()
    w.skip(60)
    w.status(1, ConnectorStatus.CHARGING)
    w.skip(1_800)
    end = Reading(began.utc_ms + 2_520_000, 110_000_000)  # the pile's own clock is right
    w.give(i.TxEnded("PILE-1", transaction, "", None, end, "EVDisconnected"))
    assert w.session.priced is not None
    fee = sum(line.amount.minor for line in w.session.priced.rating.lines if line.code == "PARKING_TIME")
    assert fee <= 10, "a minute of it was seen, at 6.00 an hour"


def test_a_pause_is_not_longer_because_our_clock_was_set_back_before_it() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.skip(600)
    w.jump(-1)
    w.status(1, ConnectorStatus.SUSPENDED_EV)
    w.jump(1)
    w.skip(720)
    w.end(transaction, 110, reason="EVDisconnected")
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.priced.rating.total.minor == 520  # two of the twelve minutes are not free


@pytest.mark.parametrize("apart_s", [-300, -50, 0, 50, 300])
@pytest.mark.parametrize("boots", [False, True])
def test_a_stay_is_as_long_as_it_was_however_far_apart_the_clocks_are(apart_s: int, boots: bool) -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)

    def told(kwh: int, late_s: int = 0) -> Reading:
        return Reading(w.now.utc_ms + (apart_s - late_s) * 1_000, kwh * 1_000_000)

    if boots:
        w.reboot(30)
    w.skip(600)
    w.give(i.MeterRead("PILE-1", 1, transaction, told(105, late_s=90)))  # one that waited on the way tells little of the clocks
    w.skip(60)
    for kwh in (106, 107):
        w.give(i.MeterRead("PILE-1", 1, transaction, told(kwh)))
        w.skip(60)
    w.status(1, ConnectorStatus.SUSPENDED_EV)
    w.skip(720)
    w.give(i.TxEnded("PILE-1", transaction, "", None, told(110), "EVDisconnected"))
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.priced.rating.total.minor == 520  # two of the twelve minutes are not free


def test_a_value_that_waited_on_its_way_does_not_make_a_stay_longer() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.reboot(30)
    w.skip(600)
    w.give(i.MeterRead("PILE-1", 1, transaction, Reading(w.now.utc_ms - 90_000, 105_000_000)))
    w.status(1, ConnectorStatus.SUSPENDED_EV)
    w.skip(720)
    w.end(transaction, 110, reason="EVDisconnected")
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.priced.rating.total.minor == 520
