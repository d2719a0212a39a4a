"""Which connectors can be sold now, and why not."""

from __future__ import annotations

from kiosk.session.inputs import ConnectorStatus
from kiosk.session.state import Kiosk
from kiosk.values import ConnectorId

_READY = frozenset({ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING})


def sellable(k: Kiosk, connector: ConnectorId) -> bool:
    """Sound journal, pile online, plug ready, and no sale or open money on it."""
    c = k.setup.by_id.get(connector)
    if c is None or not k.sound or c.pile not in k.online:
        return False
    state = k.connectors.get(connector)
    return state is not None and state.status in _READY and k.at(connector) is None
