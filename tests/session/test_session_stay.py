"""A stay after the charge is priced only as far as one clock saw it."""

from __future__ import annotations

from world import PER_KWH_AND_STAY, World

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


def test_a_pause_is_not_longer_because_our_clock_was_set_back_before_it() -> None:
    w = World()
    transaction = w.deliver(tariff=PER_KWH_AND_STAY)
    w.skip(60)
    w.jump(-1)
    w.status(1, ConnectorStatus.SUSPENDED_EV)
    w.jump(1)
    w.skip(720)
    w.end(transaction, 110, reason="EVDisconnected")
    w.status(1, ConnectorStatus.AVAILABLE)
    assert w.session.priced.rating.total.minor == 520  # two of the twelve minutes are not free
