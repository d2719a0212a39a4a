"""One kiosk of a simulated world: its disk, its clock, its wires, and the power that comes and goes.

The disk holds the product's journal. What the power cut takes is what no commit had taken before.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cache
from typing import Any

from hardware.simulated.models.acquirer import Acquirer as Bank
from hardware.simulated.models.acquirer import Authorized
from hardware.simulated.models.terminal_store import StoreAndForward
from hardware.simulated.models.terminal_wire import Authorization, CardKind, Forwarded
from kiosk.core.effects import Attempt, Pace
from kiosk.journal.journal import Journal
from kiosk.payments.webhooks import Webhooks
from kiosk.receipts.receipt import Place, Seller
from kiosk.session import facts as f
from kiosk.session.inputs import Account, DiskState, ReaderHealth
from kiosk.session.requests import Body, Modify, Preauthorize, PrintReceipt, StartDelivery, StopDelivery
from kiosk.session.sellable import sellable
from kiosk.session.setup import Setup
from kiosk.session.state import FLOWING
from kiosk.simulation import faults as bad
from kiosk.simulation.books import Stay
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork, MachineClock
from kiosk.simulation.faults import Fault, Faults
from kiosk.simulation.life import Fitting, Life, Parts
from kiosk.simulation.medium import JournalInMemory, Medium
from kiosk.simulation.menu import Menu
from kiosk.simulation.press import PlainPress
from kiosk.simulation.upstream import Upstream
from kiosk.simulation.wires.checkout import HMAC_KEY, MERCHANT, CheckoutWire
from kiosk.simulation.wires.ocpp import PileEnd, PileWire
from kiosk.simulation.wires.printer import PrinterWire
from kiosk.simulation.wires.terminal import TerminalWire
from kiosk.values import ConnectorId

_QUICK_DISK_MS = (1, 6)
_SLOW_DISK_MS = (500, 4_000)
_PRINTERS = 1 / 3
_SUPERVISED_MS = 60_000  # until a core that cannot begin is tried again
_WATCHED_MS = 60_000  # how often a core asks its terminal and looks at its disk
_TAPPED = {"accept": "preauthorize", "another_card": "preauthorize", "start_again": "start", "confirm_stop": "stop"}
_JUMP_ODDS = 0.0004
_KINDS = {Preauthorize: "preauthorize", StartDelivery: "start", StopDelivery: "stop", PrintReceipt: "print"}

Tell = Callable[[str], None]


class Machine:
    """A kiosk with everything that belongs to its site."""

    def __init__(
        self,
        clockwork: Clockwork,
        chance: Chance,
        faults: Faults,
        setup: Setup,
        menus: Mapping[ConnectorId, Menu],
        bank: Bank,
        booked: Callable[[Machine, Authorization], None],
        forwarded: Callable[[Machine, Forwarded], None],
        touched: Callable[[], None],
        fitting: Fitting,
        pace: Pace,
        say: Tell,
        *,
        telling: bool,
        upstream: Upstream,
        reader: bool = False,
    ) -> None:
        """A third of the sites have a printer; elsewhere the screen shows the receipt. Where the kiosk sells on the terminal's own approval
        the terminal may give it, a little beyond what the kiosk's rule allows."""
        self.reader = reader  # whether RFID tags are read here
        self.setup = setup
        self.name = setup.kiosk
        self.upstream = upstream
        self._internet = True
        self.piles: list[PileWire] = []
        self.life: Life | None = None
        self.lives = 0
        self.facts = 0
        self.commits: list[tuple[int, int]] = []  # last entry's number, and when in truth it was written
        self.screen = True
        self.at_screen: int | None = None  # the number of the stay whose driver stands there; 0 a stranger
        self.shown: list[tuple[int, Stay]] = []  # when a card was held to the terminal to pay, and for whom
        self.cards_away: list[list[int]] = []  # from when to when the terminal reached no issuer
        self.wrong_clock: list[list[int]] = []  # from when to when its wall clock was wrong
        self.outages: list[list[int]] = []  # of days, without internet
        self.clock = MachineClock(clockwork, self.name)
        self._clockwork = clockwork
        self._chance = chance
        self._faults = faults
        self.medium = Medium(Chance.of(0, self.name).randbytes)
        self._say = say
        self._telling = telling
        self.starting = False
        self._touches = 0
        self.printer = PrinterWire(clockwork, chance, faults)
        self.terminal = TerminalWire(
            clockwork,
            chance,
            faults,
            f"S1U2-{setup.kiosk.upper():0>15}",
            setup.kiosk,
            lambda record: booked(self, record),
            lambda told: forwarded(self, told),
            StoreAndForward({setup.currency: 100_000}, 8) if setup.policy.offline.rule == "capped" else None,
        )
        self._seller = Seller("Lindenhof Strom", ("Lindenhof 4",), "DE123456789", "+49 30 1234567", f"{self.name}-")
        prefix = f"{self.name}-"
        self._parts = Parts(
            setup,
            pace,
            secret=chance.randbytes(32),
            entropy=chance.randbytes,
            clock=self.clock,
            terminal=self.terminal,
            acquirer=CheckoutWire(clockwork, chance, faults, bank, self, touched),
            printer=self.printer if chance.strikes(_PRINTERS) else None,
            press=self.press,
            kiosk_of=self.medium.kiosk,
            webhooks=Webhooks([HMAC_KEY], [MERCHANT], ours=lambda reference: reference.startswith(prefix)),
            menus=menus,
            fitting=fitting,
        )

    def press(self, journal: Journal) -> PlainPress:
        def place(connector: ConnectorId) -> Place:
            return Place("Lindenhof", ("Lindenhof 4",), connector, "A")

        return PlainPress(journal, self._seller, place, self.medium.fact_of)

    # --- power ----------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Core comes up on what the disk holds."""
        self.starting = False
        if self.life is not None:
            return
        self.lives += 1
        journal = JournalInMemory(self.medium, self._chance.randbytes)
        self.life = Life(self._clockwork, self, self._parts, journal)
        self.upstream.begin(self.life, self.medium)
        self._say(f"{self.name}: core starts, life {self.lives}")
        self.life.start()

    def ready(self, life: Life) -> None:
        for wire in self.piles:
            life.ends[wire.identity] = end = PileEnd(self._clockwork, life, wire)
            wire.core_up(end)
        if self.reader:
            life.spawn(life.tell(ReaderHealth(True)))
        if self.medium.low is not life.k.disk_low:
            self._tell_disk()
        if self.cards_away:
            self._ask_terminal()

    def cut(self, fault: Fault, step: str, *, power: bool) -> None:
        """The power goes, or only the process."""
        life = self.life
        if life is not None and not self._faults.calm:
            self._end_life(life, fault, step, power=power)

    def _end_life(self, life: Life, fault: Fault, step: str, *, power: bool) -> None:
        self._faults.note(fault, step)
        if not power:
            self._faults.note(bad.PROCESS_KILLED, step)
        self._say(f"{self.name}: {'power cut' if power else 'core killed'} ({fault.id} at {step})")
        self.upstream.end()
        self.life = None
        life.die()
        if power and self.medium.power_cut is not None:
            self.medium.power_cut()
        for wire in self.piles:
            wire.core_down()
        down = (
            self._chance.ms(1, 5) if not power else self._chance.among(((self._chance.ms(5, 40), 0.85), (self._chance.ms(60, 3_000), 0.15)))
        )
        self.starting = True
        self._clockwork.after(down, lambda: self._boot(power))

    def _boot(self, power: bool) -> None:
        if power:
            self.clock.boot()
            self.upstream.power_back()
        if self.medium.read_only:
            self._clockwork.after(_SUPERVISED_MS, lambda: self._boot(power=False))
            return
        self.start()

    def cut_now(self, *, power: bool) -> None:
        """At a moment that has nothing to do with what core does."""
        life = self.life
        if life is None:
            return
        fault, step = _moment(life)
        self.cut(fault, step, power=power)

    def close(self) -> None:
        if self.life is not None:
            self.life.die()
            self.life = None
        self.medium.close()

    # --- what a life asks of the world around it ------------------------------------------------------------------------------

    def disk_ms(self) -> int:
        return self._chance.randint(*(_SLOW_DISK_MS if self._faults.strikes(bad.SLOW_DISK, "other") else _QUICK_DISK_MS))

    def cut_before(self, life: Life, facts: Sequence[object]) -> bool:
        self.upstream.follow()
        fault, _, step = _commit(life, facts)
        if self._faults.strikes(bad.DISK_ERROR, step):
            self._end_life(life, bad.ANY_COMMIT, step, power=False)
            return True
        return self._cut_at(fault, step)

    def cut_after(self, life: Life, facts: Sequence[object]) -> bool:
        _, fault, step = _commit(life, facts)
        return self._cut_at(fault, step)

    def _cut_at(self, fault: Fault, step: str) -> bool:
        if not self._faults.cuts(fault, step):
            return False
        self.cut(fault, step, power=self._chance.strikes(0.6))
        return True

    def attempted(self, life: Life, attempt: Attempt) -> None:
        """A call sets out: sometimes the power goes while it is under way."""
        if not self._faults.cuts(bad.BEFORE_INTENT, _step(attempt)):
            return
        longest = 20_000 if isinstance(attempt.request.body, Preauthorize) else 400

        def strike() -> None:
            if self.life is life and attempt.request.ref in life.running:
                again = life.recovering.get(attempt.request.ref) is not None
                self.cut(bad.IN_RECOVERY if again else _under_way(attempt), _step(attempt), power=self._chance.strikes(0.6))

        self._clockwork.after(self._chance.randint(1, longest), strike)

    def screen_alive(self) -> bool:
        return self.screen

    # --- the disk -------------------------------------------------------------------------------------------------------------

    def fill_disk(self) -> None:
        """Something else has filled it: the core sees that with its next look, if a commit does not before."""
        self.upstream.follow()
        self.medium.fill()
        self._clockwork.after(self._chance.randint(1, _WATCHED_MS // 2), self._tell_disk)

    def wear_out_disk(self) -> None:
        self.upstream.follow()
        self.medium.wear_out()

    def mend_disk(self) -> None:
        self.upstream.follow()
        self.medium.mend()
        self._clockwork.after(self._chance.randint(1, _WATCHED_MS // 2), self._tell_disk)

    def disk_relieved(self, facts: Sequence[object]) -> None:
        self._faults.note(bad.DISK_FULL, _commit_of(frozenset(map(type, facts)))[2])
        self._clockwork.after(self._chance.randint(1, _WATCHED_MS // 2), self._tell_disk)

    def disk_failed(self, life: Life, facts: Sequence[object]) -> None:
        if self.life is life:
            step = _commit_of(frozenset(map(type, facts)))[2] if life.ready else "recovery"
            self._end_life(life, bad.DISK_READ_ONLY, step, power=False)

    def _tell_disk(self) -> None:
        life = self.life
        if life is not None and life.ready:
            life.spawn(life.tell(DiskState(self.medium.low)))

    # --- the terminal's host --------------------------------------------------------------------------------------------------

    def host_away(self) -> None:
        self.terminal.host(away=True)
        self.cards_away.append([self._clockwork.now, 0])
        self._ask_terminal()

    def host_back(self) -> None:
        for away in self.cards_away:
            if not away[1]:
                self.terminal.host(away=False)
                away[1] = self._clockwork.now
                self._ask_terminal()

    def _ask_terminal(self) -> None:
        """Within a minute the core asks, and a minute later again as long as it does not learn how the terminal is."""
        self._clockwork.after(self._chance.randint(1, _WATCHED_MS), self._asked)

    def _asked(self) -> None:
        life = self.life
        if life is not None and life.ready:
            life.spawn(self._ask(life))

    async def _ask(self, life: Life) -> None:
        while not await life.ask_terminal():
            now = self._clockwork.now
            self.cards_away.append([now, now + _WATCHED_MS])
            await life.sleep(_WATCHED_MS)

    def kept(self, facts: Sequence[object]) -> None:
        self.facts += len(facts)
        self.commits.append((self.facts, self._clockwork.now))
        self.upstream.kept(facts)
        if facts and not self._faults.calm and self._chance.strikes(_JUMP_ODDS * self._faults.severity):
            self.jump(_commit_of(frozenset(map(type, facts)))[2])
        if self._telling:
            for fact in facts:
                self._say(f"{self.name}: {_told(fact)}")

    def jump(self, step: str) -> None:
        """Somebody, or a time server gone mad, sets the wall clock."""
        ahead = self._chance.strikes(0.5)
        self._faults.note(bad.CLOCK_AHEAD if ahead else bad.CLOCK_BACK, step)
        ms = self._chance.ms(1, 7_200)
        wrong = [self._clockwork.now, 0]
        self.wrong_clock.append(wrong)
        self._set_clock(ms if ahead else -ms)
        self._clockwork.after(self._chance.ms(30, 1_800), lambda: self._put_right(wrong, -ms if ahead else ms))

    def _put_right(self, wrong: list[int], ms: int) -> None:
        """The time server notices."""
        wrong[1] = self._clockwork.now
        self._set_clock(ms)

    def _set_clock(self, ms: int) -> None:
        self._say(f"{self.name}: core's clock is set by {ms} ms")
        self.clock.jump(ms)
        self.upstream.clock_set(ms)
        self._clockwork.soon(self._look)

    def _look(self) -> None:
        if self.life is not None:
            self.life.look()

    @property
    def internet(self) -> bool:
        return self._internet

    @internet.setter
    def internet(self, there: bool) -> None:
        self._internet = there
        self.upstream.internet(there=there)

    def internet_back(self) -> None:
        self.internet = True

    # --- the screen -----------------------------------------------------------------------------------------------------------

    @property
    def page(self) -> str:
        """What a person sees."""
        return self.life.panel.page if self.life is not None and self.life.ready and self.screen else "dark"

    @property
    def plug(self) -> str:
        """The plug whose sale a person sees; empty when it is nobody's."""
        session = self.life.panel.visit.session if self.life is not None and self.life.ready and self.screen else None
        sale = self.life.k.find(session) if self.life is not None and session else None
        return sale.connector if sale is not None else ""

    @property
    def picked(self) -> int | None:
        """Which of the amounts on the page of the price is marked, where somebody chose one."""
        return self.life.panel.visit.hold if self.page == "price" and self.life is not None else None

    @property
    def trouble(self) -> str:
        """What a page of trouble tells."""
        return self.life.panel.trouble if self.page == "trouble" and self.life is not None else ""

    @property
    def free(self) -> bool:
        """Whether the screen says that charges are given away."""
        return self.life is not None and self.life.panel.free

    def show_card(self, stay: Stay, card: CardKind) -> bool:
        """Somebody holds a card to the terminal. False when it did not ask for one."""
        if self.terminal.asks_to_pay:
            self.shown.append((self._clockwork.now, stay))
        return self.terminal.present(card)

    def payer(self, at_ms: int) -> Stay | None:
        """Whose card was decided upon at this moment."""
        return next((stay for shown, stay in reversed(self.shown) if shown <= at_ms), None)

    def offers(self, connector: str) -> bool:
        """Whether the screen shows this connector as free."""
        return self.page != "dark" and self.life is not None and sellable(self.life.k, ConnectorId(connector))

    def touch(self, kind: str, argument: str = "", *, times: int = 1) -> None:
        """A finger on the glass. Twice: once more for the same control, and the first touch is heard again."""
        life = self.life
        if life is None or not life.ready or not self.screen:
            return
        self._touches += 1
        visit = life.panel.visit.number
        for repeat in range(times):
            name = f"touch-{self._touches}" if repeat % 2 == 0 else f"touch-{self._touches}-again"
            self._clockwork.after(repeat * 90, lambda n=name: life.panel.touch(n, visit, kind, argument) if life.alive else None)  # type: ignore[misc]
        if times > 1:
            self._faults.note(bad.DOUBLE_TAP, _TAPPED.get(kind, "other"))

    def tap(self, found: Account | str, *, times: int = 1) -> None:
        """An RFID tag at the reader. What lies there a moment longer is one tap all the same, if nobody takes it for two."""
        life = self.life
        if life is None or not life.ready or not self.reader:
            return
        for repeat in range(times):
            self._clockwork.after(repeat * 4_000, lambda: life.panel.tap(found, seen=self.screen) if life.alive else None)
        if times > 1:
            self._faults.note(bad.DOUBLE_TAP, "preauthorize")

    def screen_back(self) -> None:
        self.screen = True
        if self.life is not None:
            self.life.look()

    # --- webhooks -------------------------------------------------------------------------------------------------------------

    @property
    def listens(self) -> bool:
        return self.internet and self.life is not None and self.life.listens

    def spawn(self, work: Coroutine[Any, Any, object]) -> None:
        if self.life is not None:
            self.life.spawn(work)

    async def take(self, body: bytes) -> None:
        if self.life is not None:
            await self.life.take(body)


def authorized(record: Authorization) -> Authorized:
    """What the terminal's host tells the acquirer."""
    return Authorized(MERCHANT, record.merchant_reference, record.psp_reference, record.amount, record.at_ms)


# --- where in a sale a power cut strikes --------------------------------------------------------------------------------------


def _commit(life: Life, facts: Sequence[object]) -> tuple[Fault, Fault, str]:
    """The faults just before and just after this commit, and its step."""
    if not life.ready:
        step = _recovering(life)
        return bad.IN_RECOVERY, bad.IN_RECOVERY, step
    kinds = frozenset(map(type, facts))
    if f.ModificationSubmitted in kinds and any(isinstance(fact, f.ModificationSubmitted) and "-J" in fact.request for fact in facts):
        return bad.BEFORE_SUBMITTED, bad.ANY_COMMIT, "adjust"
    return _commit_of(kinds)


def _recovering(life: Life) -> str:
    """What the life before left open."""
    return next((_of_body(body) for body in life.recovering.values()), "recovery")


@cache
def _commit_of(kinds: frozenset[type]) -> tuple[Fault, Fault, str]:  # noqa: PLR0912 - one arm a kind of commit
    if f.PreauthorizationRequested in kinds:
        return bad.BEFORE_INTENT, bad.AFTER_INTENT, "preauthorize"
    if kinds & {f.PaymentAuthorized, f.PaymentDeclined, f.PaymentUnknown}:
        return bad.BEFORE_OUTCOME, bad.ANY_COMMIT, "preauthorize"
    if f.AccountCharged in kinds:
        return bad.BEFORE_CAPTURE, bad.IN_PRINT, "capture"
    if kinds & {f.CaptureRequested, f.DeliveryEnded}:
        return bad.BEFORE_CAPTURE, bad.IN_CAPTURE, "capture"
    if f.ModificationSubmitted in kinds:
        if f.ReceiptIssued in kinds:
            return bad.BEFORE_SUBMITTED, bad.IN_PRINT, "capture"
        return bad.BEFORE_SUBMITTED, bad.ANY_COMMIT, "refund" if f.CreditNoteIssued in kinds else "cancel"
    if f.CancelRequested in kinds:
        return bad.BEFORE_INTENT, bad.IN_CAPTURE, "cancel"
    if f.AdjustRequested in kinds:
        return bad.BEFORE_INTENT, bad.IN_CAPTURE, "adjust"
    if f.RefundRequested in kinds:
        return bad.BEFORE_INTENT, bad.IN_CAPTURE, "refund"
    if kinds & {f.ReviewDecided, f.MeterDecided, f.ReviewLapsed}:
        return bad.ANY_COMMIT, bad.ANY_COMMIT, "review"
    if f.PrintEnded in kinds:
        return bad.IN_PRINT, bad.ANY_COMMIT, "print"
    if kinds & {f.StartRequested, f.StartAccepted, f.DeliveryStarted}:
        return bad.ANY_COMMIT, bad.ANY_COMMIT, "start"
    if kinds & {f.MeterNoted, f.StopProved, f.StopRequested, f.StopAnswered}:
        return bad.WHILE_CHARGING, bad.WHILE_CHARGING, "charging"
    return bad.ANY_COMMIT, bad.ANY_COMMIT, "other"


def _moment(life: Life) -> tuple[Fault, str]:
    if not life.ready:
        return bad.IN_RECOVERY, _recovering(life)
    for attempt in life.running.values():
        return _under_way(attempt), _step(attempt)
    if any(s.stage in FLOWING for s in life.k.sessions.values()):
        return bad.WHILE_CHARGING, "charging"
    return bad.ANY_COMMIT, "waiting" if life.k.sessions else "idle"


def _under_way(attempt: Attempt) -> Fault:
    match attempt.request.body:
        case Preauthorize():
            return bad.IN_PREAUTHORIZATION
        case Modify():
            return bad.IN_CAPTURE
        case PrintReceipt():
            return bad.IN_PRINT
    return bad.ANY_COMMIT


def _step(attempt: Attempt) -> str:
    body = attempt.request.body
    return "query" if isinstance(body, Preauthorize) and attempt.again else _of_body(body)


def _of_body(body: Body) -> str:
    return body.operation if isinstance(body, Modify) else _KINDS.get(type(body), "abort")


_WORTH_TELLING = (
    "payment",
    "code",
    "why",
    "request",
    "amount",
    "hint",
    "transaction",
    "reason",
    "by",
    "number",
    "status",
    "detail",
    "charge",
)


def _told(fact: object) -> str:
    told = (f"{name}={getattr(fact, name)}" for name in _WORTH_TELLING if getattr(fact, name, "") not in ("", None))
    return " ".join((type(fact).__name__, str(getattr(fact, "session", "")), *told))
