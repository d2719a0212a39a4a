"""Which connectors can be sold now, and why not."""

from __future__ import annotations

from kiosk.session.inputs import ConnectorStatus
from kiosk.session.offline import cards_possible, given_away, tags_possible
from kiosk.session.state import Kiosk
from kiosk.values import ConnectorId

READY = frozenset({ConnectorStatus.AVAILABLE, ConnectorStatus.PREPARING})


def sellable(k: Kiosk, connector: ConnectorId) -> bool:
    """The kiosk sells, the pile is online, the plug ready, and no sale or open money is on it."""
    return not closed_because(k) and ready(k, connector) and k.at(connector) is None


def ready(k: Kiosk, connector: ConnectorId) -> bool:
    """Whether the pile could start a charge there."""
    c = k.setup.by_id.get(connector)
    return c is not None and c.pile in k.online and able(k, connector)


def able(k: Kiosk, connector: ConnectorId) -> bool:
    """Whether the plug is as a start needs it, as far as was heard; its pile may be away for a moment."""
    state = k.connectors.get(connector)
    return state is not None and state.status in READY


def closed_because(k: Kiosk) -> str:
    """Why nothing is sold at all (`kiosk.session.faults`); empty when something is."""
    if not k.sound:
        return "journal_broken"
    if k.disk_low:
        return "disk_low"
    if not cards_possible(k) and not given_away(k) and not tags_possible(k):
        return "cards_away"
    return ""
