"""What befalls a site while somebody charges there: power, networks, clocks, firmware. Planned ahead for each stay, by severity."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hardware.simulated.models.pile_connector import Fault as PileFault
from kiosk.simulation import faults as bad
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork
from kiosk.simulation.drivers import Bay
from kiosk.simulation.faults import Fault, Faults

_ODDS = 0.30  # of one mishap in a stay, in a world of severity 1
_KINDS = (
    ("power_cut", 0.10),
    ("core_killed", 0.08),
    ("site_power", 0.04),
    ("pile_cut", 0.12),
    ("pile_half_open", 0.06),
    ("pile_reboot", 0.07),
    ("pile_power", 0.05),
    ("pile_clock", 0.02),
    ("meter", 0.08),
    ("internet", 0.08),
    ("terminal_reboot", 0.06),
    ("clock", 0.06),
    ("screen", 0.04),
    ("host", 0.07),
    ("terminal_swap", 0.03),
    ("terminal_busy", 0.04),
    ("disk_full", 0.04),
    ("disk_read_only", 0.02),
    ("cancel_by_hand", 0.02),
    ("outage", 0.006),
)
_DAY_S = 86_400
_HOLD_FALLS_S = 4 * _DAY_S  # for the card schemes that keep it shortest
_KEY_DIES_S = 7 * _DAY_S * 8 // 10


StillHeld = Callable[[str], Sequence[tuple[str, str]]]


class Mishaps:
    """Plans what goes wrong around one bay."""

    def __init__(
        self, clockwork: Clockwork, chance: Chance, faults: Faults, still_held: Callable[[str], Sequence[tuple[str, str]]]
    ) -> None:
        """`still_held` are the payments of a kiosk that are neither taken nor given back: each with what it waits for."""
        self._clockwork = clockwork
        self._chance = chance
        self._faults = faults
        self._still_held = still_held
        self.lasting = 0  # that are not over yet, and that nobody shortens

    def plan(self, bay: Bay) -> None:
        """For somebody who arrives now."""
        self._arm(bay)
        odds = _ODDS * self._faults.severity
        while odds > 0:
            if self._chance.strikes(odds):
                kind = self._chance.among(_KINDS)
                when = self._chance.ms(1, 60) if self._chance.strikes(0.4) else self._chance.ms(30, 1_200)
                self._clockwork.after(when, lambda k=kind: self._strike(k, bay))  # type: ignore[misc]
            odds -= 1

    def _arm(self, bay: Bay) -> None:
        """What the pile will get wrong in this transaction."""
        if (fault := self._faults.draw(bad.PILE_AT_START, "start")) is None:
            return
        bay.wire.model.fault(PileFault(fault.model), bay.number)
        bay.odd_words.add(fault.model)
        if fault.model == "start_twice" and self._faults.strikes(bad.PILE_KEEPS_OWN, "stop"):
            bay.wire.model.fault(PileFault.KEEPS_OWN, bay.number)

    def _strike(self, kind: str, bay: Bay) -> None:
        if self._faults.calm:
            return
        machine = bay.machine
        match kind:
            case "power_cut" | "core_killed":
                machine.cut_now(power=kind == "power_cut")
            case "site_power":
                machine.cut_now(power=True)
                machine.terminal.reboot()
                self._pile_power(bay)
            case "screen":
                self._note(bad.SCREEN_DEAD, bay)
                machine.screen = False
                self._clockwork.after(self._chance.ms(3, 40), machine.screen_back)
            case "clock":
                machine.jump(where(bay))
            case "disk_full" | "disk_read_only":
                self._disk(kind, bay)
            case "internet" | "outage" | "host" | "terminal_swap" | "terminal_busy" | "terminal_reboot" | "cancel_by_hand":
                self._money(kind, bay)
            case _:
                self._pile(kind, bay)

    def _money(self, kind: str, bay: Bay) -> None:
        machine = bay.machine
        match kind:
            case "terminal_reboot":
                machine.terminal.reboot()
            case "terminal_swap":
                machine.terminal.swap(where(bay))
            case "terminal_busy":
                machine.terminal.try_out()
            case "host":
                self._note(bad.HOST_AWAY, bay)
                machine.host_away()
                self._clockwork.after(self._chance.ms(60, 3_600), machine.host_back)
            case "cancel_by_hand":
                if bay.stay is not None and bay.operator is not None:
                    bay.operator.cancel_by_hand(bay.stay)
            case "internet" if machine.internet:
                self._note(bad.INTERNET_DOWN, bay)
                machine.internet = False
                self._clockwork.after(self._chance.ms(20, 3_600), machine.internet_back)
            case "outage":
                self._outage(bay)

    def _pile(self, kind: str, bay: Bay) -> None:
        wire = bay.wire
        match kind:
            case "pile_cut":
                self._note(bad.PILE_CUT, bay)
                wire.cut()
            case "pile_half_open":
                self._note(bad.PILE_HALF_OPEN, bay)
                wire.half_open()
            case "pile_reboot":
                self._note(bad.PILE_REBOOT, bay)
                wire.model.reboot(self._clockwork.now)
                wire.power_moved()
            case "pile_power":
                self._pile_power(bay)
            case "pile_clock":
                self._note(bad.PILE_CLOCK, bay)
                wire.model.fault(PileFault.WRONG_CLOCK, bay.number)
                wire.odd.add("wrong_clock")
            case "meter":
                self._meter(bay)

    def _pile_power(self, bay: Bay) -> None:
        self._note(bad.PILE_POWER, bay)
        bay.wire.model.power_cut(self._clockwork.now)
        bay.wire.power_moved()
        self._clockwork.after(self._chance.ms(5, 600), lambda: self._power_back(bay))

    def _power_back(self, bay: Bay) -> None:
        bay.wire.model.power_back(self._clockwork.now)
        bay.wire.power_moved()

    def _meter(self, bay: Bay) -> None:
        """Only a display that lies while energy flows is worth a fault."""
        charge = bay.stay.charges[-1] if bay.stay and bay.stay.charges else None
        if charge is None or charge.truth.end_ms is not None:
            return
        fault = self._chance.among([(fault, 1.0) for fault in bad.PILE_METER])
        self._faults.note(fault, "charging")
        charge.odd_meter = True
        bay.odd_words.add(fault.model)
        bay.wire.model.fault(PileFault(fault.model), bay.number)

    def _disk(self, kind: str, bay: Bay) -> None:
        machine = bay.machine
        if kind == "disk_full":
            machine.fill_disk()
        else:
            machine.wear_out_disk()
        self._clockwork.after(self._chance.ms(60, 1_200), machine.mend_disk)

    def _outage(self, bay: Bay) -> None:
        """The site is without internet for days: reservations fall, and keys grow old."""
        machine = bay.machine
        if not machine.internet:
            return
        self._note(bad.INTERNET_DOWN, bay)
        machine.internet = False
        self.lasting += 1
        ms = self._chance.ms(4 * _DAY_S, 12 * _DAY_S)
        machine.outages.append([self._clockwork.now, self._clockwork.now + ms])
        self._clockwork.after(ms, lambda: self._outage_over(bay, ms))

    def _outage_over(self, bay: Bay, ms: int) -> None:
        self.lasting -= 1
        bay.machine.internet_back()
        for payment, step in self._still_held(bay.machine.name):
            if ms > _HOLD_FALLS_S * 1_000:
                self._faults.note(bad.HOLD_EXPIRED, step, payment)
            if ms > _KEY_DIES_S * 1_000:
                self._faults.note(bad.KEY_EXPIRED, step, payment)

    def _note(self, fault: Fault, bay: Bay) -> None:
        self._faults.note(fault, where(bay))


def where(bay: Bay) -> str:
    """Where the sale at this bay stands, as the world sees it."""
    stay = bay.stay
    if stay is None or not stay.agreed:
        return "idle"
    if not stay.paid_with:
        return "preauthorize"
    if not stay.charges:
        return "start"
    return "capture" if stay.over else "charging"
