"""A simulated world: one or two kiosks on one merchant account, their sites, the people who come by, and everything that can go wrong.

One seed, one history. Nothing here waits for real time, and nothing is shared between two worlds.
"""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import dataclass

from hardware.simulated.models.pile_connector import ConnectorSpec, Delivery
from hardware.simulated.models.terminal_wire import Authorization, Forwarded
from kiosk.core.effects import Pace
from kiosk.ocpp.frames import Call
from kiosk.session.setup import Connector, Offline, Policy, Setup
from kiosk.simulation import faults as bad
from kiosk.simulation import terms as prices
from kiosk.simulation.books import Books, Charge, Charged, Order, Stay, Told
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork
from kiosk.simulation.coroutines import Crew
from kiosk.simulation.drivers import Bay, Driver, draw_tag, stranger
from kiosk.simulation.faults import Faults
from kiosk.simulation.life import Fitting
from kiosk.simulation.machine import Machine, authorized
from kiosk.simulation.menu import Menu, menu
from kiosk.simulation.mishaps import Mishaps
from kiosk.simulation.operators import Operator
from kiosk.simulation.reading import charges_of, journal_says, meant, papers_of, take_registers
from kiosk.simulation.terms import Terms
from kiosk.simulation.upstream import Station, Upstream
from kiosk.simulation.wires.checkout import Postman, bank
from kiosk.simulation.wires.ocpp import PileWire
from kiosk.values import ConnectorId, Money

MARGIN = 100
_SMALLEST_HOLD = 500
_EPOCH_MS = 1_790_000_000_000
_SEVERITIES = ((0.0, 0.10), (0.5, 0.25), (1.0, 0.35), (2.0, 0.20), (5.0, 0.10))
_HORIZON_MS = 30 * 86_400_000
_REST_MS = 14 * 86_400_000  # after which every deadline of a sale is over
_HOLD_DAYS = ((7, 0.3), (28, 0.7))
_DAY_MS = 86_400_000
_AN_HOUR = 3_600_000
_TROUBLE_MS = 600_000
_PACE = Pace(most_s=3_600)  # in an outage of days nobody learns more by asking every five minutes
# When local time in Berlin does something odd.
_NIGHTS = (
    (bad.CLOCK_CHANGE, 1_792_890_000_000),  # 2026-10-25 01:00 UTC
    (bad.CLOCK_CHANGE, 1_806_195_600_000),  # 2027-03-28 01:00 UTC
    (bad.YEAR_END, 1_798_758_000_000),  # 2026-12-31 23:00 UTC
)
_READERS = 0.4
_UPSTREAMS = 1 / 3
_TAGS_ALONE = 0.3  # of those the ones that sell to tags alone while cards are away
_RESTS = 0.5  # of the charges where standing still costs money
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
    upstream: dict[tuple[str, str], int]


class World:
    """`sales` are how many drivers agree to a price here, `upstreams` the share of kiosks that tell a system of their operator's."""

    def __init__(self, seed: int, sales: int, fitting: Fitting, *, telling: bool = False, upstreams: float = _UPSTREAMS) -> None:
        self._wanted = sales
        self._upstreams = upstreams
        self._telling = telling
        self._story: list[str] = []
        self._chance = Chance.of(seed, "world")
        self._night = self._chance.choice(_NIGHTS) if self._chance.strikes(0.15) else None
        day = _EPOCH_MS + self._chance.randrange(700) * _DAY_MS + self._chance.randrange(_DAY_MS)
        self._clockwork = Clockwork(day if self._night is None else self._night[1] - self._chance.randrange(_AN_HOUR))
        self._began_ms = self._clockwork.now
        self._faults = Faults(Chance.of(seed, "faults"), self._chance.among(_SEVERITIES))
        self._crew = Crew(self._clockwork)
        hold_days = self._chance.among(_HOLD_DAYS)
        self._hold_ms = hold_days * _DAY_MS
        self._bank = bank(Chance.of(seed, "bank"), hold_days)
        self._orders: list[Order] = []
        self._first: dict[str, int] = {}
        self._coming = 0  # operators who are on their way
        self._machines: dict[str, Machine] = {}
        self._wires: dict[str, PileWire] = {}
        self._bays: list[Bay] = []
        self._stays: list[Stay] = []
        self._done_arriving = False
        self._died: list[str] = []
        self._drivers = Chance.of(seed, "drivers")
        self._tags = Chance.of(seed, "tags")
        self._rests = Chance.of(seed, "rests")
        self._mishaps = Mishaps(self._clockwork, Chance.of(seed, "mishaps"), self._faults, self._still_held)
        for number in range(1 + self._chance.strikes(0.25)):
            self._build(seed, number, fitting)
        self._postman = Postman(self._clockwork, Chance.of(seed, "postman"), self._bank, self._machines.__getitem__)
        self._bank.subscribe(tuple(self._machines))

    # --- building -------------------------------------------------------------------------------------------------------------

    def _build(self, seed: int, number: int, fitting: Fitting) -> None:
        name = f"sim{number + 1}"
        connectors: list[Connector] = []
        menus: dict[ConnectorId, Menu] = {}
        offline = _offline(self._chance)
        tags = Chance.of(seed, f"{name} reader")
        if reader := tags.strikes(_READERS):
            offline = Offline("rfid_only") if tags.strikes(_TAGS_ALONE) else offline
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
                terms = prices.draw(self._chance, f"{name}-{pile}-{plug}", night=self._night is not None)
                menus[id_] = menu(terms, self._clockwork.now, gives=offline.rule == "free")
                bays.append((wire, plug, id_, terms))
        policy = Policy(margin=Money(MARGIN, prices.CURRENCY), smallest_hold=Money(_SMALLEST_HOLD, prices.CURRENCY), offline=offline)
        setup = Setup(name, prices.CURRENCY, tuple(connectors), policy)
        above = Chance.of(seed, f"{name} upstream")
        upstream = Station(self._clockwork, above, self._faults.severity, setup, fitting) if above.strikes(self._upstreams) else Upstream()
        machine = Machine(
            self._clockwork,
            Chance.of(seed, name),
            self._faults,
            setup,
            menus,
            self._bank,
            self._booked,
            self._forwarded,
            self._acquirer_touched,
            fitting,
            _PACE,
            self._say,
            telling=self._telling,
            upstream=upstream,
            reader=reader,
        )
        self._machines[name] = machine
        operator = Operator(
            self._clockwork,
            Chance.of(seed, f"{name} operator"),
            self._faults,
            machine,
            self._bank,
            self._acquirer_touched,
            self._stays,
            self._orders,
            self._say,
        )
        for wire, plug, id_, terms in bays:
            if wire not in machine.piles:
                machine.piles.append(wire)
            self._bays.append(Bay(machine, wire, plug, id_, terms, operator=operator))

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
            self._clockwork.run(self._clockwork.now + _REST_MS, lambda: False)
        except Exception as error:  # whatever ends a core by itself is the finding
            self._died.append(f"{type(error).__name__}: {error}")
            for line in traceback.format_exc().splitlines():
                self._say(line)
        return self._account()

    def _still_held(self, kiosk: str) -> list[tuple[str, str]]:
        held = {payment.merchant_reference for payment in self._bank.books().payments if payment.held}
        stays = (stay for stay in self._stays if stay.kiosk == kiosk)
        return [(ref, "capture" if stay.over else "cancel") for stay in stays for ref in stay.paid_with if ref in held]

    def _crowd_gone(self) -> bool:
        at_rest = self._done_arriving and not self._coming and not self._mishaps.lasting
        return at_rest and all(bay.stay is None for bay in self._bays)

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
            tag = draw_tag(self._tags, stay) if bay.machine.reader else None
            driver = Driver(self._clockwork, chance, self._faults, self._crew, bay, stay, lambda b=bay: self._left(b), self._say, tag)  # type: ignore[misc]
            bay.odd_words = set()
            self._mishaps.plan(bay)
            self._plan_operator(bay, stay)
            self._crew.spawn(driver.visit())
            if chance.strikes(0.06):
                self._clockwork.after(chance.ms(60, 500), lambda b=bay, s=stay: self._meddle(b, s))  # type: ignore[misc]
            await self._crew.sleep(chance.ms(5, 240))
        self._done_arriving = True

    def _planned(self) -> int:
        """Sales agreed, and people who may still agree."""
        return sum(stay.agreed or stay.left_ms is None for stay in self._stays)

    def _left(self, bay: Bay) -> None:
        bay.wire.model.mend(bay.number)
        there = {other.connector for other in self._bays if other.wire is bay.wire}
        untold = any(not charge.heard for stay in self._stays if stay.connector in there for charge in stay.charges)
        if not untold and all(other.stay is None for other in self._bays if other.wire is bay.wire):
            bay.wire.model.mend()
            bay.wire.odd = set()

    def _plan_operator(self, bay: Bay, stay: Stay) -> None:
        operator, chance = bay.operator, self._drivers
        assert operator is not None
        if chance.strikes(0.25):
            self._coming += 1
            when = chance.among(((chance.ms(600, 9_000), 0.8), (chance.ms(20_000, 300_000), 0.2)))
            self._clockwork.after(when, lambda: self._comes(operator))
        if chance.strikes(0.01):
            self._clockwork.after(chance.ms(1_800, 90_000), lambda: operator.refund_by_hand(stay))

    def _comes(self, operator: Operator) -> None:
        self._coming -= 1
        operator.come_by()

    def _meddle(self, bay: Bay, stay: Stay) -> None:
        if bay.stay is stay and stay.charges and stay.charges[-1].truth.end_ms is None:
            work = stranger(self._crew, self._drivers, self._faults, bay.machine, bay, stay, lambda: self._clockwork.now, self._say)
            self._crew.spawn(work)

    def _heal(self) -> None:
        """Nothing goes wrong any more: power, networks and paper come back."""
        self._say("the world heals")
        for machine in self._machines.values():
            machine.upstream.heal()
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
            machine.host_back()
            machine.mend_disk()
            if machine.life is None and not machine.starting:
                machine.start()

    def _acquirer_touched(self) -> None:
        self._postman.pump()

    # --- the world's own books ------------------------------------------------------------------------------------------------

    def _booked(self, machine: Machine, record: Authorization) -> None:
        """The issuer reserved money: the acquirer knows, and the card was somebody's."""
        self._bank.authorized(authorized(record))
        self._first[record.merchant_reference] = record.amount.minor
        if (payer := machine.payer(record.at_ms)) is not None:
            payer.paid_with.append(record.merchant_reference)
        self._say(f"bank: {record.amount} held under {record.merchant_reference}")

    def _forwarded(self, machine: Machine, told: Forwarded) -> None:
        """The terminal tells its host of a payment that it had approved by itself."""
        record = told.record
        self._first[record.merchant_reference] = 0
        self._bank.forwarded(authorized(record), told.refusal, self._clockwork.now)
        if (payer := machine.payer(record.at_ms)) is not None:
            payer.paid_with.append(record.merchant_reference)
            if told.refusal:
                payer.declined_later = True
        self._say(f"bank: {record.merchant_reference} was approved by the terminal, now {told.refusal or 'booked'}")
        self._postman.pump()

    def began(self, pile: str, delivery: Delivery) -> None:
        stay = self._stay_at(pile, delivery.number)
        self._say(f"pile {pile}: a transaction begins at plug {delivery.number} under {delivery.id_tag}")
        if stay is not None:
            odd = next(bay.odd_words for bay in self._bays if bay.stay is stay)
            charge = Charge(delivery, odd_words=odd, pile_odd=self._wires[pile].odd)
            stay.charges.append(charge)
            self._plan_rest(next(bay for bay in self._bays if bay.stay is stay), charge)

    def _plan_rest(self, bay: Bay, charge: Charge) -> None:
        """A car may draw nothing for a while and go on, which matters where standing still costs money."""
        if bay.terms.minute and self._rests.strikes(_RESTS):
            self._clockwork.after(self._rests.ms(5, 400), lambda: self._rest(bay, charge, self._rests.ms(5, 600)))

    def _rest(self, bay: Bay, charge: Charge, ms: int) -> None:
        if charge.truth.end_ms is not None or charge.full_ms is not None or bay.wire.status(bay.number) != "Charging":
            return
        charge.rests.append((self._clockwork.now, self._clockwork.now + ms))
        self._say(f"pile {bay.wire.identity}: the car at plug {bay.number} rests for {ms} ms")
        self._set_rest(bay, bay.stay, resting=True)
        self._clockwork.after(ms, lambda stay=bay.stay: self._set_rest(bay, stay, resting=False))  # type: ignore[misc]

    def _set_rest(self, bay: Bay, stay: Stay | None, *, resting: bool) -> None:
        if bay.stay is not stay:
            return  # another car is here
        bay.wire.model.rest(bay.number, self._clockwork.now, resting=resting)
        bay.wire.pump()
        self.moved(bay.wire)  # a car may have become full meanwhile

    def moved(self, wire: PileWire) -> None:
        """A car that is full only stays; where that costs money the world takes the time."""
        for bay in self._bays:
            if bay.wire is not wire or bay.stay is None or not bay.stay.charges:
                continue
            charge = bay.stay.charges[-1]
            if charge.truth.end_ms is not None:
                bay.charge_over()
                self._over(bay, charge)
            elif bay.terms.minute and charge.full_ms is None and not self._rests_now(charge) and wire.status(bay.number) == "SuspendedEV":
                charge.full_ms = self._clockwork.now

    def _rests_now(self, charge: Charge) -> bool:
        return bool(charge.rests) and self._clockwork.now < charge.rests[-1][1]

    def _over(self, bay: Bay, charge: Charge) -> None:
        """A charge came to its end, and nobody has looked at that before."""
        if charge.looked_at or bay.stay is None or bay.operator is None:
            return
        charge.looked_at, truth, stay = True, charge.truth, bay.stay
        if self._night is not None and truth.begin_ms < self._night[1] <= (truth.end_ms or 0):
            self._faults.note(self._night[0], "charging")
            self._night = None
        if truth.reason == "Remote" and not stay.asked_to_stop and stay.terms.price(truth.mwh) > stay.hold // 2:
            self._faults.note(bad.HOLD_USED_UP, "charging")
        if not self._faults.calm and self._drivers.strikes(0.004 * self._faults.severity):
            operator = bay.operator
            self._clockwork.after(self._drivers.randint(0, 1_500), lambda: operator.cancel_by_hand(stay))

    def heard(self, pile: str, call: Call) -> None:
        if call.action in ("StartTransaction", "StopTransaction"):
            tag = call.payload.get("idTag")
            charge = meant([c for stay in self._stays for c in stay.charges if c.truth.id_tag == tag], call)
            if charge is not None:
                take_registers(charge, call)
                charge.heard_ms = self._clockwork.now
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
        entries, slips, notes, owed, broken = [], [], [], [], []
        told: list[Told] = []
        charged: list[Charged] = []
        for stay in self._stays:
            for charge in stay.charges:
                charge.odd_words |= charge.pile_odd
                charge.wrong_clock = _meets(self._machines[stay.kiosk].wrong_clock, charge)
                charge.troubled = _troubled(self._wires[stay.pile].troubles, charge)
        for machine in self._machines.values():
            if (one := machine.upstream.rest()) is not None:
                told.append(one)
                charged += charges_of(machine)
            said = journal_says(machine)
            entries += said.entries
            slips += said.slips
            notes += said.notes
            owed += said.owed
            broken += said.broken
            machine.close()
        papers = [p for m in self._machines.values() for p in papers_of(m)]
        machines = self._machines.values()
        books = Books(self._stays, self._bank.books().payments, entries, slips, papers, MARGIN, 60, broken_journals=broken, died=self._died)
        books.orders, books.notes, books.told, books.hit = self._orders, notes, self._postman.told, self._faults.hit
        books.untold, books.owed = self._bank.untold, owed
        books.cards_away = {name: machine.cards_away for name, machine in self._machines.items()}
        books.outages = {name: machine.outages for name, machine in self._machines.items()}
        books.first, books.upstreams, books.charged = self._first, told, charged
        books.alone = {m.name: m.setup.policy.offline.sale.minor for m in machines if m.setup.policy.offline.sale}
        books.hold_ms, books.ended_ms = self._hold_ms, self._clockwork.now
        return Played(
            books,
            sum(s.agreed for s in self._stays),
            sum(m.facts for m in machines),
            sum(m.lives for m in machines),
            dict(self._faults.struck),
            tuple(self._story),
            dict(sum((Counter(m.upstream.struck) for m in machines), Counter())),
        )


def _offline(chance: Chance) -> Offline:
    """What a kiosk sells while cards cannot be authorized."""
    rule = chance.among((("closed", 0.4), ("free", 0.3), ("capped", 0.3)))
    if rule != "capped":
        return Offline(rule)
    sale = chance.randint(1_000, 4_000)
    return Offline(rule, Money(sale, prices.CURRENCY), Money(sale * chance.randint(1, 4), prices.CURRENCY))


def _meets(stretches: list[list[int]], charge: Charge) -> bool:
    """Whether one of `stretches` (from, to; 0: for good) touches the charge, until the kiosk was told the last of it."""
    truth = charge.truth
    return any(
        begin <= max(truth.end_ms or begin, charge.heard_ms) + _TROUBLE_MS and truth.begin_ms - _TROUBLE_MS <= (end or begin)
        for begin, end in stretches
    )


def _troubled(troubles: list[int], charge: Charge) -> bool:
    truth = charge.truth
    return any(truth.begin_ms - _TROUBLE_MS <= at <= (truth.end_ms or at) + _TROUBLE_MS for at in troubles)
