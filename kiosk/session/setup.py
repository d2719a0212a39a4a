"""What a kiosk is told about itself: its connectors and the rules of its sales. Configuration, frozen; folding facts never reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from kiosk.values import ConnectorId, Money


@dataclass(frozen=True)
class Connector:
    """A plug a driver can buy from. `number` is its OCPP connectorId on `pile`; `letter` is painted on it."""

    id: ConnectorId
    letter: str
    evse_id: str
    pile: str
    number: int
    plug: str
    max_power_w: int


@dataclass(frozen=True)
class Policy:
    """The rules of a sale. Durations in seconds."""

    margin: Money  # charging stops this far below the reserved amount
    smallest_hold: Money  # an approval below this is given back
    pay_s: int = 90  # after a decline, before the sale is given up
    most_cards: int = 5
    plug_s: int = 300
    start_ahead_s: int = 15  # no cable reported so far: ask the pile in advance, some report a cable only then
    start_s: int = 60  # from cable and start request to the pile's transaction
    stop_s: int = 30
    preauth_give_up_s: int = 300
    not_found_times: int = 3
    cancel_window_s: int = 86_400
    key_life_s: int = 604_800
    capture_alarm_s: int = 43_200
    pile_silent_s: int = 300
    lost_stop_s: int = 60  # connector free again, no StopTransaction
    lost_pile_s: int = 14_400  # pile gone in mid-delivery: settle what is proven
    note_s: int = 60
    code_misses: int = 3
    code_lock_s: int = 60
    proof_s: int = 120
    longest_stay_s: int = 43_200


@dataclass(frozen=True)
class Setup:
    """Everything `decide` may know besides the facts."""

    kiosk: str
    currency: str
    connectors: tuple[Connector, ...]
    policy: Policy

    @cached_property
    def by_id(self) -> Mapping[ConnectorId, Connector]:
        return {c.id: c for c in self.connectors}

    @cached_property
    def by_number(self) -> Mapping[tuple[str, int], Connector]:
        return {(c.pile, c.number): c for c in self.connectors}
