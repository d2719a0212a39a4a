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
