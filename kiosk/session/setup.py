"""What a kiosk is told about itself: its connectors and the rules of its sales. Configuration, frozen; folding facts never reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

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
    meter_key: str = ""  # the public key of its meter, in hex, where the meter signs
    meter_serial: str = ""


# What signed meter values are for: nothing; a second witness beside the registers; the only proof of what is billed.
SIGNED = ("ignore", "check", "require")
OFFLINE = ("closed", "rfid_only", "free", "capped")

# How long a card scheme keeps a reservation, in days: the shortest that any source names for a preauthorization (`other`: everything else).
HOLD_DAYS: Mapping[str, int] = {"visa": 5, "mc": 7, "amex": 7, "discover": 10, "cartebancaire": 12, "other": 4}


@dataclass(frozen=True)
class Offline:
    """What is sold while cards cannot be authorized: nothing (`closed`), to known RFID tags (`rfid_only`), to everybody for nothing
    (`free`), or on the terminal's own approval (`capped`): at most `sale` each, and `stored` in all that no issuer has seen yet."""

    rule: str = "closed"
    sale: Money | None = None
    stored: Money | None = None


@dataclass(frozen=True)
class Policy:
    """The rules of a sale. Durations in seconds."""

    margin: Money  # charging stops at least this far below the reserved amount
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
    lost_stop_s: int = 150  # connector free again, no StopTransaction
    lost_pile_s: int = 14_400  # pile gone in mid-delivery: settle what is proven
    note_s: int = 60
    code_misses: int = 3
    code_lock_s: int = 60
    proof_s: int = 120
    longest_stay_s: int = 43_200
    retry_s: int = 60  # after a start that failed, before the reservation is released
    most_starts: int = 3
    report_s: int = 5  # how often a pile tells its register
    review_s: int = 345_600  # for a decision, where no reservation ends sooner
    hold_days: Mapping[str, int] = field(default_factory=lambda: MappingProxyType(dict(HOLD_DAYS)))
    offline: Offline = Offline()
    signed: str = "ignore"  # one of `SIGNED`

    def hold_s(self, brand: str) -> int:
        """How long a reservation on a card of `brand` can be relied on."""
        return self.hold_days.get(brand.lower(), self.hold_days.get("other", HOLD_DAYS["other"])) * 86_400


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
