"""People who charge their cars: what they want, in which order they do it, how long they wait, and what they get wrong.

A driver knows what a person knows: the page on the screen, what the terminal asks for, the plug in their hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from hardware.simulated.models.car import Car
from hardware.simulated.models.terminal_wire import CardKind
from kiosk.session.inputs import Account
from kiosk.simulation import faults as bad
from kiosk.simulation.books import Stay
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork
from kiosk.simulation.coroutines import Crew, Waiting
from kiosk.simulation.faults import Faults
from kiosk.simulation.machine import Machine
from kiosk.simulation.operators import Operator
from kiosk.simulation.terms import CURRENCY, Terms
from kiosk.simulation.wires.ocpp import PileWire
from kiosk.values import Digest, Money, SessionId

_PATIENCE_MS = 240_000
_LOOK_MS = 1_500
_GIVEN_UP_CODE = "trouble"


@dataclass(slots=True)
class Bay:
    """A parking place with its connector. One car at a time."""

    machine: Machine
    wire: PileWire
    number: int
    connector: str
    terms: Terms
    stay: Stay | None = None
    operator: Operator | None = None
    odd_words: set[str] = field(default_factory=set)  # what the pile here gets wrong in this stay
    _end: Waiting[None] | None = None

    def end_of_charge(self, clockwork: Clockwork, until_ms: int) -> Waiting[None]:
        """To be awaited by whoever stands there: the charge is over, or it is `until_ms`."""
        self._end = end = Waiting[None](clockwork)
        clockwork.at(until_ms, end.wake)
        return end

    def charge_over(self) -> None:
        """No more energy flows."""
        if self._end is not None:
            self._end.wake()
            self._end = None


_CARDS = (
    (CardKind.GOOD, 0.62),
    (CardKind.WALLET, 0.06),
    (CardKind.OTHER, 0.08),
    (CardKind.ALIAS_ONLY, 0.05),
    (CardKind.LATE_REFERENCE, 0.05),
    (CardKind.ANONYMOUS, 0.03),
    (CardKind.DECLINING, 0.08),
    (CardKind.PARTIAL, 0.03),
)
_SAME = {CardKind.WALLET: CardKind.GOOD}  # a phone with the same card in it


@dataclass(frozen=True, slots=True)
class Habits:
    """What one person is like."""

    plugs_first: bool
    never_plugs: bool
    cards: tuple[CardKind, ...]
    shows_card: bool
    cancels: str  # the page on which they change their mind; empty: they do not
    taps: int
    ending: str  # code | card | unplug | local | full | emergency
    wrong_codes: int
    charge_ms: int
    car: tuple[int, int]  # capacity in Wh, state of charge in percent
    picks: bool  # another hold than the one that is offered
    tries_again: bool
    asks_for_paper: bool  # once more, with their card
    parks_over: bool  # their place is taken by somebody who only parks, while the pile is away

    @classmethod
    def draw(cls, chance: Chance) -> Habits:
        first = chance.among(_CARDS)
        second = chance.among(((CardKind.GOOD, 0.85), (CardKind.DECLINING, 0.15)))
        return cls(
            plugs_first=chance.strikes(0.35),
            never_plugs=chance.strikes(0.03),
            cards=(first, second),
            shows_card=not chance.strikes(0.02),
            cancels=chance.among((("", 0.93), ("pay", 0.02), ("plug_in", 0.03), ("starting", 0.02))),
            taps=2 if chance.strikes(0.08) else 1,
            ending=chance.among((("code", 0.32), ("card", 0.08), ("unplug", 0.32), ("local", 0.10), ("full", 0.14), ("emergency", 0.04))),
            wrong_codes=chance.among(((0, 0.88), (1, 0.07), (3, 0.05))),
            charge_ms=chance.ms(90, 720),
            car=(chance.randint(30_000, 90_000), chance.randint(5, 85)),
            picks=chance.strikes(0.5),
            tries_again=chance.strikes(0.7),
            asks_for_paper=chance.strikes(0.06),
            parks_over=chance.strikes(0.02),
        )


def draw_tag(chance: Chance, stay: Stay) -> Account | str | None:
    """The RFID tag somebody has: of an account with or without a limit, one that is good for nothing, or none."""
    number = f"{stay.kiosk}-{stay.number}"
    kind = chance.among((("none", 0.6), ("good", 0.25), ("limited", 0.1), ("bad", 0.05)))
    limit = chance.randint(600, 3_000)
    if kind == "bad":
        return chance.choice(("tag_unknown", "tag_blocked", "tag_expired", "tag_random"))
    if kind == "none":
        return None
    most = Money(limit, CURRENCY) if kind == "limited" else None
    return Account(Digest(sha256(number.encode()).hexdigest()), f"C-{number}", f"depot-{stay.number % 3}", most=most)


class Driver:
    """One person's visit, from the screen to the empty bay."""

    def __init__(
        self,
        clockwork: Clockwork,
        chance: Chance,
        faults: Faults,
        crew: Crew,
        bay: Bay,
        stay: Stay,
        gone: Callable[[], None],
        say: Callable[[str], None],
        tag: Account | str | None = None,
    ) -> None:
        self._tag = tag  # that was not yet held to the reader
        self._shown = tag if isinstance(tag, Account) else None
        self._clockwork = clockwork
        self._chance = chance
        self._faults = faults
        self._crew = crew
        self._bay = bay
        self._machine = bay.machine
        self._stay = stay
        self._gone = gone
        self._say = say
        self._habits = Habits.draw(chance)
        self._plugged = False
        self._card = self._habits.cards[0]
        stay.hold = bay.terms.hold

    async def visit(self) -> None:
        if self._habits.plugs_first:
            self._plug()
            await self._pause(4, 20)
        bought = await self._at_the_screen()
        if bought:
            await self._charge()
        await self._leave()

    # --- hands ----------------------------------------------------------------------------------------------------------------

    def _plug(self) -> None:
        if not self._plugged:
            self._plugged = True
            capacity, soc = self._habits.car
            self._note("plugs in")
            self._bay.wire.model.plug(self._bay.number, Car(capacity, soc), self._clockwork.now)
            self._bay.wire.pump()

    def _unplug(self) -> None:
        if self._plugged:
            self._plugged = False
            self._note("unplugs")
            for charge in self._stay.charges:
                charge.gone_ms = charge.gone_ms or self._clockwork.now
            self._bay.wire.model.unplug(self._bay.number, self._clockwork.now)
            self._bay.wire.pump()

    async def _leave(self) -> None:
        if self._plugged:
            await self._pause(2, 60)
            self._unplug()
        self._stay.left_ms = self._clockwork.now
        if self._habits.parks_over and self._stay.charges and not self._faults.calm:
            await self._park_over()
        self._bay.stay = None
        self._gone()

    async def _park_over(self) -> None:
        """Before the pile is back somebody else's car stands here, with the cable in it."""
        bay = self._bay
        self._faults.note(bad.CARS_SWAPPED, "capture")
        bay.wire.cut()
        capacity, soc = self._habits.car
        bay.wire.model.plug(bay.number, Car(capacity, soc), self._clockwork.now)
        bay.wire.pump()
        await self._pause(90, 900)
        bay.wire.model.unplug(bay.number, self._clockwork.now)
        bay.wire.pump()
        await self._pause(5, 60)

    def _note(self, what: str) -> None:
        self._say(f"driver {self._stay.number} at {self._stay.connector} {what}")

    async def _pause(self, low: float, high: float) -> None:
        await self._crew.sleep(self._chance.ms(low, high))

    def _touch(self, kind: str, argument: str = "") -> None:
        self._machine.touch(kind, argument, times=self._habits.taps)

    @property
    def _page(self) -> str:
        return self._machine.page

    # --- buying ---------------------------------------------------------------------------------------------------------------

    async def _at_the_screen(self) -> bool:
        """Buy a charge; False when it comes to nothing."""
        machine = self._machine
        waited = 0
        while machine.at_screen is not None:
            await self._crew.sleep(3_000)
            waited += 3_000
            if waited > 2 * _PATIENCE_MS:
                return False
        machine.at_screen = self._stay.number
        try:
            if not await self._agree():
                self._note(f"cannot buy: the screen shows {self._page}")
                return False
            return await self._pay_and_start()
        finally:
            machine.at_screen = None

    async def _agree(self) -> bool:
        machine, waited = self._machine, 0
        while waited < _PATIENCE_MS:
            if self._page == "price" and self._chosen():
                hold = machine.picked or self._bay.terms.hold  # perhaps by the one before, whose page it is still
                if self._habits.picks and self._bay.terms.choices:
                    hold = self._chance.choice(self._bay.terms.choices)
                    machine.touch("hold", str(hold))
                    await self._pause(0.3, 2)
                # An agreement whose page never came back may have been heard all the same.
                self._stay.hold = max(self._stay.hold, hold) if self._stay.agreed_ms else hold
                self._stay.free = machine.free
                if self._stay.free:  # what is given away knows no choice
                    self._stay.hold = self._bay.terms.hold
                self._stay.agreed_ms = self._clockwork.now
                if self._tag is None or self._stay.free:
                    self._touch("accept")
                else:
                    self._hold_tag()
                await self._pause(0.4, 1.5)
                sale = self._sale()
                if sale:
                    self._stay.agreed = True
                    self._stay.sale = sale
                    self._note(f"agrees: sale {sale}")
                    return True
            elif self._page in ("idle", "price"):
                machine.touch("choose", self._bay.connector)
            elif self._page not in ("dark", "out_of_order"):
                machine.touch("leave")
            step = self._chance.ms(0.8, 5)
            waited += step
            await self._crew.sleep(step)
        return False

    def _hold_tag(self) -> None:
        """Agree by the tag. Whoever sees nothing come of it takes a card the next time; one that is good for nothing is put away."""
        if isinstance(self._tag, Account):
            self._note("holds a tag to the reader")
            self._stay.contract = self._tag.contract
            self._stay.most = self._tag.most.minor if self._tag.most else None
        else:
            self._note(f"holds a tag to the reader that is none: {self._tag}")
        assert self._tag is not None
        self._machine.tap(self._tag, times=self._habits.taps)
        self._tag = None

    def _chosen(self) -> bool:
        life = self._machine.life
        return life is not None and life.panel.visit.connector == self._bay.connector

    def _sale(self) -> str:
        """The number of the sale that the screen shows, once it is ours and in the book."""
        life = self._machine.life
        if life is None or life.panel.visit.session is None or not life.panel.visit.own:
            return ""
        return life.panel.visit.session if self._page in ("pay", "trouble", "plug_in", "starting", "charging") else ""

    async def _pay_and_start(self) -> bool:
        """Until the car charges (True) or nothing comes of it (False)."""
        habits, cards, waited, shown_before = self._habits, list(self._habits.cards), 0, ""
        plug_at = self._clockwork.now + self._chance.ms(5, 90)
        another = 0
        while waited < _PATIENCE_MS + 120_000:
            page = self._page
            if page == habits.cancels and shown_before == page:
                self._note(f"cancels at {page}")
                self._stay.gave_up = True
                self._touch("cancel")
                await self._pause(1, 4)
                if self._chance.strikes(0.3):  # and holds a card to the terminal all the same
                    self._show_card(cards)
                return False
            if self._machine.terminal.asks_to_pay and page in ("pay", "dark", "trouble"):
                if not habits.shows_card:
                    self._note("walks away without showing a card")
                    self._stay.gave_up = True
                    return False
                await self._pause(1, 9)
                self._show_card(cards)
            elif page == "trouble":
                another += 1
                if not self._bears_trouble(another):
                    return False
            elif page in ("charging", "finished") or self._flows():
                return True
            elif page in ("idle", "price", "out_of_order") and not (self._stay.paid_with or self._stay.contract):
                self._note(f"sees the page {page} and leaves")
                return False
            paid = page in ("plug_in", "starting") or bool(self._stay.paid_with or self._stay.contract)
            if paid and not habits.never_plugs and self._clockwork.now >= plug_at:
                self._plug()
            if habits.never_plugs and page == "plug_in" and shown_before != page:
                self._faults.note(bad.NO_PLUG, "start")
            shown_before = page
            step = _LOOK_MS if waited < 60_000 else 4 * _LOOK_MS
            waited += step
            await self._crew.sleep(step)
        return self._flows()

    def _bears_trouble(self, another: int) -> bool:
        """Whether they go on at a page of trouble."""
        if self._machine.trouble == "start_failed":
            if self._habits.tries_again and self._stay.tries <= 3:
                self._stay.tries += 1
                self._faults.note(bad.ANOTHER_TRY, "start")
                self._note("tries again")
                self._touch("start_again")
                return True
            wishes = (("cancel", 0.5), ("", 0.5))
        elif another <= 4 and not self._chance.strikes(0.15):
            self._touch("another_card")
            return True
        else:
            wishes = (("cancel", 0.6), ("leave", 0.4))
        self._note("gives up at a trouble page")
        self._stay.gave_up = True
        if wish := self._chance.among(wishes):
            self._touch(wish)
        return False

    def _show_card(self, cards: list[CardKind]) -> None:
        card = cards.pop(0) if len(cards) > 1 else cards[0]
        self._card = card
        self._stay.card = _SAME.get(card, card).value
        if self._machine.show_card(self._stay, card):
            self._note(f"shows a {card.value} card")

    def _flows(self) -> bool:
        return any(charge.truth.end_ms is None for charge in self._stay.charges)

    # --- charging -------------------------------------------------------------------------------------------------------------

    async def _charge(self) -> None:
        habits, now = self._habits, self._clockwork.now
        if not self._plugged and not habits.never_plugs:
            self._plug()
        until = now + habits.charge_ms
        while self._clockwork.now < until and self._flows():
            await self._bay.end_of_charge(self._clockwork, until)
        if not self._flows():
            await self._pause(5, 300)
            return
        match habits.ending:
            case "code":
                await self._stop_by_code()
            case "card":
                await (self._stop_by_tag() if self._stay.contract else self._stop_by_card())
            case "local":
                self._faults.note(bad.LOCAL_STOP, "stop")
                if self._chance.strikes(0.5):
                    await self._stop_by_code(hurried=True)
                self._note("stops at the pile")
                self._bay.wire.model.stop_locally(self._bay.number, self._clockwork.now)
                self._bay.wire.pump()
            case "full":
                self._faults.note(bad.CAR_FULL, "charging")
                self._note("has a full car")
                self._bay.wire.model.fill_battery(self._bay.number, self._clockwork.now)
                self._bay.wire.pump()
                await self._pause(60, 900)
            case "emergency":
                self._faults.note(bad.EMERGENCY, "charging")
                self._note("presses the emergency stop")
                self._bay.wire.model.emergency_stop(self._bay.number, self._clockwork.now)
                self._bay.wire.pump()
                await self._pause(10, 60)
                self._bay.wire.model.emergency_release(self._bay.number, self._clockwork.now)
                self._bay.wire.pump()
            case _:
                self._faults.note(bad.UNPLUGGED, "charging")
        if habits.ending != "unplug":
            await self._pause(5, 200)
        if habits.asks_for_paper and self._plugged and not self._stay.contract:
            self._unplug()
            await self._pause(2, 20)
            await self._ask_for_paper()

    async def _stop_by_code(self, *, hurried: bool = False) -> None:
        """Type the code at the screen and stop. Whoever cannot pulls the plug in the end."""
        machine = self._machine
        if not await self._gets_to_the_screen():
            return
        try:
            wrong = self._habits.wrong_codes
            for _ in range(1 if hurried else 3):
                await type_code(self._crew, self._chance, machine, self._bay, self._stay.sale, wrong=wrong)
                wrong = 0
                if machine.plug not in ("", self._bay.connector):
                    continue  # the page is somebody else's by now, who held a tag to the reader
                self._asks("owner")
                machine.touch("confirm_stop", times=self._habits.taps)
                await self._pause(0 if hurried else 3, 0 if hurried else 20)
                if not self._flows():
                    return
        finally:
            machine.at_screen = None

    async def _stop_by_card(self) -> None:
        """Hold the card to the terminal that pays for the charge, and stop it."""
        if not await self._gets_to_the_screen():
            return
        try:
            if await identify(self._crew, self._chance, self._machine, self._bay.connector, self._card):
                self._shows_whose_it_is()
                self._note("asks to stop, with the card")
                self._machine.touch("confirm_stop", times=self._habits.taps)
                await self._pause(3, 20)
            self._machine.touch("leave")
        finally:
            self._machine.at_screen = None

    async def _stop_by_tag(self) -> None:
        """Hold the tag that the charge is owed by to the reader, and stop it."""
        if self._shown is None or not await self._gets_to_the_screen():
            return
        try:
            self._machine.touch("leave")
            await self._pause(0.5, 1)
            self._machine.tap(self._shown)
            await self._pause(0.5, 2)
            if self._machine.plug in ("", self._bay.connector):
                self._asks("owner")
                self._machine.touch("confirm_stop", times=self._habits.taps)
                await self._pause(3, 20)
            self._machine.touch("leave")
        finally:
            self._machine.at_screen = None

    async def _ask_for_paper(self) -> None:
        """Come back with the card for a receipt, after the cable is out."""
        if not await self._gets_to_the_screen():
            return
        try:
            await identify(self._crew, self._chance, self._machine, "", self._card)
            self._machine.touch("print")
            await self._pause(2, 9)
            self._machine.touch("leave")
        finally:
            self._machine.at_screen = None

    async def _gets_to_the_screen(self) -> bool:
        machine, waited = self._machine, 0
        while machine.at_screen is not None and waited < _PATIENCE_MS:
            await self._crew.sleep(3_000)
            waited += 3_000
        if machine.at_screen is not None:
            return False
        machine.at_screen = self._stay.number
        return True

    def _asks(self, who: str) -> None:
        self._stay.asked_to_stop.append((self._clockwork.now, who))
        self._note("asks to stop")

    def _shows_whose_it_is(self) -> None:
        """Whoever holds the card may end every charge that it pays for."""
        for _, stay in self._machine.shown:
            if stay.card == self._stay.card:
                stay.asked_to_stop.append((self._clockwork.now, "owner"))


async def identify(crew: Crew, chance: Chance, machine: Machine, connector: str, card: CardKind) -> bool:
    """Have oneself known by a card: at a running charge, or from the first page. Whether a page to stop that charge came of it; what the
    screen still asks somebody else is left alone."""
    if connector:
        machine.touch("choose", connector)
        await crew.sleep(chance.ms(0.3, 1.5))
    else:
        machine.touch("leave")
        await crew.sleep(500)
    machine.touch("show_card")
    for _ in range(12):
        await crew.sleep(chance.ms(0.5, 1.5))
        if machine.terminal.asks_for_card and not machine.terminal.asks_to_pay:
            machine.terminal.present(card)
            break
    for _ in range(8):
        await crew.sleep(1_000)
        if machine.page != "card":
            break
    return machine.page == "stop" and machine.plug == connector


async def type_code(crew: Crew, chance: Chance, machine: Machine, bay: Bay, sale: str, *, wrong: int) -> None:
    """Go to the running charge on the screen and type its code; the first `wrong` times another one."""
    machine.touch("choose", bay.connector)
    await crew.sleep(chance.ms(0.3, 1.5))
    for attempt in range(wrong + 1):
        life = machine.life
        if life is None:
            return
        code = life.ids.stop_code(SessionId(sale))
        if attempt < wrong:
            code = f"{(int(code) + 1 + attempt) % 10_000:04}"
        machine.touch("type_code")
        for digit in code:
            await crew.sleep(chance.ms(0.1, 0.5))
            machine.touch("digit", digit)
        await crew.sleep(chance.ms(0.3, 1))
        if attempt == 2 and wrong == 3:
            await crew.sleep(61_000)
            machine.touch("choose", bay.connector)
            await crew.sleep(500)


async def stranger(
    crew: Crew, chance: Chance, faults: Faults, machine: Machine, bay: Bay, stay: Stay, now: Callable[[], int], say: Callable[[str], None]
) -> None:
    """Somebody who would like to end another driver's charge, and has neither the code nor the card."""
    if machine.at_screen is not None:
        return
    machine.at_screen = 0
    try:
        if stay.contract:  # somebody else's tag: known, of another contract
            faults.note(bad.CLONED_CARD, "stop")
            stay.asked_to_stop.append((now(), "stranger"))
            say(f"a stranger shows a tag for the charge of driver {stay.number}")
            machine.touch("choose", bay.connector)
            await crew.sleep(chance.ms(0.5, 2))
            machine.tap(Account(Digest("0" * 64), "C-stranger", f"depot-{stay.number % 3}"))
            await crew.sleep(500)
            machine.touch("confirm_stop")
            await crew.sleep(500)
            machine.touch("leave")
            return
        if chance.strikes(0.5):
            faults.note(bad.CLONED_CARD, "stop")
            stay.asked_to_stop.append((now(), "stranger"))
            say(f"a stranger shows a card for the charge of driver {stay.number}")
            await identify(crew, chance, machine, bay.connector, CardKind.DECLINING)
            machine.touch("stop")
            machine.touch("confirm_stop")
            await crew.sleep(500)
            machine.touch("leave")
            return
        machine.touch("choose", bay.connector)
        await crew.sleep(chance.ms(0.5, 2))
        machine.touch("stop")
        machine.touch("confirm_stop")
        life = machine.life
        if life is None or not stay.sale:
            return
        right = int(life.ids.stop_code(SessionId(stay.sale)))
        machine.touch("type_code")
        for digit in f"{(right + chance.randint(1, 9_999)) % 10_000:04}":
            await crew.sleep(200)
            machine.touch("digit", digit)
        await crew.sleep(500)
        stay.asked_to_stop.append((now(), "stranger"))
        say(f"a stranger tries to stop the charge of driver {stay.number}")
        machine.touch("confirm_stop")
        await crew.sleep(500)
        machine.touch("leave")
    finally:
        machine.at_screen = None
