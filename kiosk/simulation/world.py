"""A simulated world: one or two kiosks on one merchant account, their sites, the people who come by, and everything that can go wrong.

One seed, one history. Nothing here waits for real time, and nothing is shared between two worlds.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass

from hardware.simulated.models.pile_connector import ConnectorSpec, Delivery
from hardware.simulated.models.terminal_wire import Authorization
from kiosk.core.pages.prices import quote
from kiosk.core.pages.view import Offer
from kiosk.ocpp.frames import Call
from kiosk.pricing.load import load
from kiosk.pricing.quote import Quote
from kiosk.session.setup import Connector, Policy, Setup
from kiosk.simulation import terms as prices
from kiosk.simulation.books import Books, Charge, Stay
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork
from kiosk.simulation.coroutines import Crew
from kiosk.simulation.drivers import Bay, Driver, stranger
from kiosk.simulation.faults import Faults
from kiosk.simulation.life import Fitting
from kiosk.simulation.machine import Machine, authorized
from kiosk.simulation.mishaps import Mishaps
from kiosk.simulation.reading import journal_says, papers_of, take_registers
from kiosk.simulation.terms import Terms
from kiosk.simulation.wires.checkout import Postman, bank
from kiosk.simulation.wires.ocpp import PileWire
from kiosk.values import ConnectorId, Moment, Money
from kiosk.wording.wording import Wording

MARGIN = 100
_SMALLEST_HOLD = 500
_ZONE = "Europe/Berlin"
_EPOCH_MS = 1_790_000_000_000
_SEVERITIES = ((0.0, 0.10), (0.5, 0.25), (1.0, 0.35), (2.0, 0.20), (5.0, 0.10))
_HORIZON_MS = 9 * 86_400_000
_DAY_MS = 86_400_000
_TURNS_AWAY = 4  # times as many people come by as sales are wanted


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a world."""

    books: Books
    sales: int
    facts: int
    lives: int
    struck: dict[tuple[str, str], int]
    story: tuple[str, ...]


class World:
    """`sales` are how many drivers agree to a price here."""

    def __init__(self, seed: int, sales: int, fitting: Fitting, *, telling: bool = False) -> None:
        self._wanted = sales
        self._telling = telling
        self._story: list[str] = []
        self._chance = Chance.of(seed, "world")
        self._clockwork = Clockwork(_EPOCH_MS + self._chance.randrange(700) * _DAY_MS + self._chance.randrange(_DAY_MS))
        self._began_ms = self._clockwork.now
        self._faults = Faults(Chance.of(seed, "faults"), self._chance.among(_SEVERITIES))
        self._crew = Crew(self._clockwork)
        self._bank = bank(Chance.of(seed, "bank"))
        self._machines: dict[str, Machine] = {}
        self._wires: dict[str, PileWire] = {}
        self._bays: list[Bay] = []
        self._stays: list[Stay] = []
        self._done_arriving = False
        self._died: list[str] = []
        self._drivers = Chance.of(seed, "drivers")
        self._mishaps = Mishaps(self._clockwork, Chance.of(seed, "mishaps"), self._faults)
        for number in range(1 + self._chance.strikes(0.25)):
            self._build(seed, number, fitting)
        self._postman = Postman(self._clockwork, Chance.of(seed, "postman"), self._bank, self._machines.__getitem__)
        self._bank.subscribe(tuple(self._machines))

    # --- building -------------------------------------------------------------------------------------------------------------

    def _build(self, seed: int, number: int, fitting: Fitting) -> None:
        name = f"sim{number + 1}"
        connectors: list[Connector] = []
        quotes: dict[ConnectorId, Quote] = {}
        bays: list[tuple[PileWire, int, ConnectorId, Terms]] = []
        for pile in range(1 + self._chance.strikes(0.2)):
            identity = f"{name.upper()}-PILE{pile + 1}"
            specs = (
                ConnectorSpec(150_000, True, self._chance.randrange(10**12)),
                ConnectorSpec(22_000, False, self._chance.randrange(10**11)),
            )
            wire = PileWire(self._clockwork, Chance.of(seed, identity), self._faults, identity, specs, self)
            self._wires[identity] = wire
            for plug, spec in enumerate(specs, 1):
                id_ = ConnectorId(f"DE*LND*{name.upper()}{pile + 1}*{plug}")
                connectors.append(
                    Connector(id_, "ABCDEFGH"[len(connectors)], id_, identity, plug, "ccs" if spec.dc else "type2", spec.max_power_w)
                )
                terms = prices.draw(self._chance, f"{name}-{pile}-{plug}")
                offer = Offer(load(terms.tariff), Money(terms.hold, prices.CURRENCY))
                quotes[id_] = quote(offer, Moment(self._clockwork.now, "", 0), _ZONE, Wording("en"))
                bays.append((wire, plug, id_, terms))
        policy = Policy(margin=Money(MARGIN, prices.CURRENCY), smallest_hold=Money(_SMALLEST_HOLD, prices.CURRENCY))
        setup = Setup(name, prices.CURRENCY, tuple(connectors), policy)
        machine = Machine(
            self._clockwork,
            Chance.of(seed, name),
            self._faults,
            setup,
            quotes,
            self._bank,
            self._booked,
            self._acquirer_touched,
            fitting,
            self._say,
            telling=self._telling,
        )
        self._machines[name] = machine
        for wire, plug, id_, terms in bays:
            if wire not in machine.piles:
                machine.piles.append(wire)
            self._bays.append(Bay(machine, wire, plug, id_, terms))

    # --- playing --------------------------------------------------------------------------------------------------------------

    def play(self) -> Played:
        """Play until everything has come to rest, and give the books."""
        for machine in self._machines.values():
            machine.start()
        self._crew.spawn(self._arrivals())
        end = self._clockwork.now + _HORIZON_MS
        try:
            self._clockwork.run(end, self._crowd_gone)
            self._heal()
            self._clockwork.run(self._clockwork.now + 3 * _DAY_MS, lambda: False)
        except Exception as error:  # whatever ends a core by itself is the finding
            self._died.append(f"{type(error).__name__}: {error}")
            for line in traceback.format_exc().splitlines():
                self._say(line)
        return self._account()

    def _crowd_gone(self) -> bool:
        return self._done_arriving and all(bay.stay is None for bay in self._bays)

    async def _arrivals(self) -> None:
        """People come by until enough of them have agreed to a price."""
        chance = self._drivers
        await self._crew.sleep(25_000)
        for number in range(1, _TURNS_AWAY * self._wanted + 1):
            while not (free := [bay for bay in self._bays if bay.stay is None and bay.machine.offers(bay.connector)]):
                await self._crew.sleep(chance.ms(20, 90))
            if self._planned() >= self._wanted:
                if sum(s.agreed for s in self._stays) >= self._wanted:
                    break
                await self._crew.sleep(chance.ms(30, 60))
                continue
            bay = chance.choice(free)
            bay.stay = stay = Stay(number, bay.machine.name, bay.wire.identity, bay.connector, bay.terms, self._clockwork.now)
            self._stays.append(stay)
            driver = Driver(self._clockwork, chance, self._faults, self._crew, bay, stay, lambda b=bay: self._left(b), self._say)  # type: ignore[misc]
            self._mishaps.plan(bay)
            self._crew.spawn(driver.visit())
            if chance.strikes(0.06):
                self._clockwork.after(chance.ms(60, 500), lambda b=bay, s=stay: self._meddle(b, s))  # type: ignore[misc]
            await self._crew.sleep(chance.ms(5, 240))
        self._done_arriving = True

    def _planned(self) -> int:
        """Sales agreed, and people who may still agree."""
        return sum(stay.agreed or stay.left_ms is None for stay in self._stays)

    def _left(self, bay: Bay) -> None:
        bay.wire.model.mend()

    def _meddle(self, bay: Bay, stay: Stay) -> None:
        if bay.stay is stay and stay.charges and stay.charges[-1].truth.end_ms is None:
            work = stranger(self._crew, self._drivers, bay.machine, bay, stay, lambda: self._clockwork.now, self._say)
            self._crew.spawn(work)

    def _heal(self) -> None:
        """Nothing goes wrong any more: power, networks and paper come back."""
        self._say("the world heals")
        self._faults.calm = True
        self._bank.clear_faults()
        for wire in self._wires.values():
            wire.model.mend()
            wire.model.power_back(self._clockwork.now)
            wire.power_moved()
        for machine in self._machines.values():
            machine.internet_back()
            machine.screen_back()
            machine.printer.mend()
            if machine.life is None and not machine.starting:
                machine.start()

    def _acquirer_touched(self) -> None:
        self._postman.pump()

    # --- the world's own books ------------------------------------------------------------------------------------------------

    def _booked(self, machine: Machine, record: Authorization) -> None:
        """The issuer reserved money: the acquirer knows, and the card was somebody's."""
        self._bank.authorized(authorized(record))
        if machine.at_terminal is not None:
            machine.at_terminal.paid_with.append(record.merchant_reference)
        self._say(f"bank: {record.amount} held under {record.merchant_reference}")

    def began(self, pile: str, delivery: Delivery) -> None:
        stay = self._stay_at(pile, delivery.number)
        self._say(f"pile {pile}: a transaction begins at plug {delivery.number} under {delivery.id_tag}")
        if stay is not None:
            stay.charges.append(Charge(delivery))

    def moved(self, wire: PileWire) -> None:
        """A car that is full only stays; where that costs money the world takes the time."""
        for bay in self._bays:
            if bay.wire is not wire or bay.stay is None or not bay.stay.charges:
                continue
            charge = bay.stay.charges[-1]
            if charge.truth.end_ms is not None:
                bay.charge_over()
            elif bay.terms.minute and charge.full_ms is None and wire.status(bay.number) == "SuspendedEV":
                charge.full_ms = self._clockwork.now

    def heard(self, pile: str, call: Call) -> None:
        if call.action in ("StartTransaction", "StopTransaction"):
            tag = call.payload.get("idTag")
            for charge in (c for stay in self._stays for c in stay.charges if c.truth.id_tag == tag):
                take_registers(charge, call)
                if call.payload.get("reason") == "EVDisconnected":
                    charge.told_ms = charge.gone_ms
        elif call.action == "StatusNotification" and call.payload.get("status") == "Available":
            connector = next(
                (b.connector for b in self._bays if b.wire.identity == pile and b.number == call.payload.get("connectorId")), ""
            )
            for charge in (c for stay in self._stays if stay.connector == connector for c in stay.charges):
                charge.told_ms = charge.told_ms or self._clockwork.now

    def _stay_at(self, pile: str, number: int) -> Stay | None:
        return next((bay.stay for bay in self._bays if bay.wire.identity == pile and bay.number == number), None)

    def _say(self, what: str) -> None:
        if self._telling:
            self._story.append(f"{(self._clockwork.now - self._began_ms) / 1_000:10.3f}  {what}")

    def _account(self) -> Played:
        entries, slips, broken = [], [], []
        for machine in self._machines.values():
            said = journal_says(machine)
            entries += said.entries
            slips += said.slips
            broken += said.broken
            machine.close()
        papers = [p for m in self._machines.values() for p in papers_of(m)]
        books = Books(self._stays, self._bank.books().payments, entries, slips, papers, MARGIN, 60, broken, self._died)
        machines = self._machines.values()
        return Played(
            books,
            sum(s.agreed for s in self._stays),
            sum(m.facts for m in machines),
            sum(m.lives for m in machines),
            dict(self._faults.struck),
            tuple(self._story),
        )
