"""One connector of a simulated pile: plug, car, meter, and the energy that truly flowed.

The meter has two faces: what went through it, and what it shows. Faults touch only the second, so the bench and the simulator can tell what
a driver really got.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from hardware.simulated.models.car import WATT_MS_PER_MWH, Car
from hardware.simulated.models.pile_meter import SigningMeter, wrongs

JUMP_MWH = 15_500_000_000  # a controller that lost its session counter and reports its lifetime
BACK_MWH = 1_000_000


class Fault(StrEnum):
    """What can be wrong with a pile, on request. Those that say `next` happen once; the others last until mended."""

    REFUSE_START = "refuse_start"  # the next remote start is rejected
    ACCEPT_NEVER_START = "accept_never_start"  # the next remote start is accepted and forgotten
    NO_ENERGY = "no_energy"  # transactions run, nothing flows
    LOSE_NEXT_CALL = "lose_next_call"  # the next message of the pile vanishes on its way
    LOSE_NEXT_ANSWER = "lose_next_answer"  # the kiosk's next answer does not reach the pile, which sends again under a new id
    LOSE_NEXT_REPLY = "lose_next_reply"  # the pile's answer to the kiosk's next command vanishes; the command is done
    VANISH = "vanish"  # the connection stands, nothing is said or answered
    STUCK_METER = "stuck_meter"
    METER_JUMP = "meter_jump"  # once: the register leaps by 15.5 MWh
    METER_BACKWARDS = "meter_backwards"  # once: the register falls by 1 kWh
    LATE_METER_VALUES = "late_meter_values"  # a meter value follows each StopTransaction
    NO_STOP = "no_stop"  # the next StopTransaction is never sent
    STOP_TWICE = "stop_twice"  # the next StopTransaction is sent again under another id
    START_TWICE = "start_twice"  # the next transaction breaks off after a moment, and another begins under the same tag
    NEEDS_CABLE = "needs_cable"  # a remote start without a cable is rejected
    KEEPS_OWN = "keeps_own"  # a transaction that the pile began by itself is not stopped for the kiosk
    NO_REGISTER = "no_register"  # the next StopTransaction tells no meter value
    REPLAY = "replay"  # after its next boot the pile says again what was answered before
    LOSE_START = "lose_start"  # the next StartTransaction is forgotten: the stop names transaction -1
    WRONG_CLOCK = "wrong_clock"  # timestamps count from 1970
    # Where the meter signs; all of them in what is sent, not in what flowed.
    WRONG_KEY = "wrong_key"  # the records are signed with another key
    TAMPERED_VALUE = "tampered_value"  # the end was altered after it was signed
    NO_SIGNED_BEGIN = "no_signed_begin"  # the begin is never sent
    OTHER_METER = "other_meter"  # the end names another meter
    METER_ERROR = "meter_error"  # the meter calls its energy unusable at the end
    UNSYNCHRONISED = "unsynchronised"  # the meter's clock was never set


@dataclass(frozen=True, slots=True)
class ConnectorSpec:
    """A connector as built. `register_mwh` is what its meter has counted before."""

    max_power_w: int = 50_000
    dc: bool = True
    register_mwh: int = 0


@dataclass(slots=True)
class Delivery:
    """What one transaction truly delivered. `transaction` is the kiosk's id, if it ever arrived; `end_ms` None: still running."""

    number: int
    id_tag: str
    begin_ms: int
    transaction: int | None = None
    end_ms: int | None = None
    mwh: int = 0
    reason: str = ""


@dataclass(slots=True)
class Transaction:
    """A transaction in the controller's memory, which outlives a power cut."""

    number: int
    id_tag: str
    begin_ms: int
    begin_mwh: int  # as shown
    delivery: Delivery
    announced: bool = True  # its StartTransaction was not forgotten
    id: int | None = None
    sample_at: int | None = None
    breaks_at: int | None = None
    own: bool = False  # begun without being asked
    signed_begin: str = ""  # what is still to be sent of it


@dataclass(slots=True)
class Pending:
    """A remote start that waits for the plug, or for the kiosk's word on its idTag."""

    id_tag: str
    until_ms: int
    authorized: bool
    own: bool = False


@dataclass(slots=True)
class Connector:
    number: int
    spec: ConnectorSpec
    car: Car | None = None
    transaction: Transaction | None = None
    pending: Pending | None = None
    status: str = "Available"
    finishing: bool = False
    emergency: bool = False
    operative: bool = True
    powered: bool = True
    faults: set[Fault] = field(default_factory=set)
    limits: list[tuple[int, int]] = field(default_factory=list)  # (from, watts), ascending
    meter: SigningMeter | None = None  # where it signs
    _flowed: int = 0  # watt-milliseconds since the pile was built
    _shift_mwh: int = 0  # what faults added to the display
    _stuck_mwh: int | None = None

    @property
    def true_mwh(self) -> int:
        return self.spec.register_mwh + self._flowed // WATT_MS_PER_MWH

    @property
    def shown_mwh(self) -> int:
        return self._stuck_mwh if self._stuck_mwh is not None else self.true_mwh + self._shift_mwh

    def offered_w(self, now_ms: int) -> int:
        """What the charging profile leaves of the connector's power."""
        if not self.limits:
            return self.spec.max_power_w
        limit = next((watts for start, watts in reversed(self.limits) if start <= now_ms), self.spec.max_power_w)
        return min(limit, self.spec.max_power_w)

    def power_w(self, now_ms: int) -> int:
        """What flows now."""
        if self.transaction is None or self.car is None or not self.powered or (self.faults and Fault.NO_ENERGY in self.faults):
            return 0
        return self.car.accepts_w(self.offered_w(now_ms), self.spec.dc)

    def next_change(self, now_ms: int) -> int | None:
        """When the power will be another one."""
        if self.transaction is None:
            return None
        change = next((start for start, _ in self.limits if start > now_ms), None) if self.limits else None
        power = self.power_w(now_ms)
        if not power or self.car is None:
            return change
        turn = now_ms + -(-self.car.room() // power)
        return turn if change is None else min(change, turn)

    def flow(self, from_ms: int, to_ms: int) -> None:
        """Let energy flow at the present power; the caller sees to it that the power does not change in between."""
        if self.transaction is None or self.car is None:
            return
        watt_ms = self.power_w(from_ms) * (to_ms - from_ms)
        if not watt_ms:
            return
        self.car.take(watt_ms)
        before = self.true_mwh
        self._flowed += watt_ms
        self.transaction.delivery.mwh += self.true_mwh - before

    def apply(self, fault: Fault) -> None:
        match fault:
            case Fault.METER_JUMP:
                self._shift_mwh += JUMP_MWH
            case Fault.METER_BACKWARDS:
                self._shift_mwh -= BACK_MWH
            case Fault.STUCK_METER:
                self._stuck_mwh = self.shown_mwh
            case _:
                self.faults.add(fault)

    def mend(self) -> None:
        self.faults.clear()
        self._stuck_mwh = None

    def once(self, fault: Fault) -> bool:
        """Whether `fault` was ordered; it is used up."""
        if not self.faults or fault not in self.faults:
            return False
        self.faults.remove(fault)
        return True

    def signed(self, word: str, at_ms: int, mwh: int) -> str:
        """The signed value of a transaction's begin (`B`) or end (`E`), to be sent; empty when there is none."""
        if self.meter is None:
            return ""
        value = self.meter.sign(word, at_ms, mwh, wrongs(self.faults, word))
        return "" if word == "B" and Fault.NO_SIGNED_BEGIN in self.faults else value

    def true_status(self, now_ms: int) -> str:
        """The OCPP 1.6 status that this connector's condition amounts to."""
        if self.emergency:
            return "Faulted"
        if self.transaction is not None:
            if self.offered_w(now_ms) == 0:
                return "SuspendedEVSE"
            return "SuspendedEV" if self.car is None or self.car.wants_nothing else "Charging"
        if not self.operative:
            return "Unavailable"
        if self.finishing:
            return "Finishing"
        return "Preparing" if self.pending is not None or self.car is not None else "Available"
