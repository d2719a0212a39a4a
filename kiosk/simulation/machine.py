"""One kiosk of a simulated world: its disk, its clock, its wires, and the power that comes and goes.

The disk holds the product's journal. What the power cut takes is what no commit had taken before.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import cache
from typing import Any

from hardware.simulated.models.acquirer import Acquirer as Bank
from hardware.simulated.models.acquirer import Authorized
from hardware.simulated.models.terminal_wire import Authorization
from kiosk.core.effects import Attempt, Pace
from kiosk.journal.journal import Journal
from kiosk.payments.webhooks import Webhooks
from kiosk.pricing.quote import Quote
from kiosk.receipts.receipt import Place, Seller
from kiosk.session import facts as f
from kiosk.session.requests import Modify, Preauthorize, PrintReceipt, StartDelivery, StopDelivery
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
from kiosk.simulation.press import PlainPress
from kiosk.simulation.wires.checkout import HMAC_KEY, MERCHANT, CheckoutWire
from kiosk.simulation.wires.ocpp import PileEnd, PileWire
from kiosk.simulation.wires.printer import PrinterWire
from kiosk.simulation.wires.terminal import TerminalWire
from kiosk.values import ConnectorId

_QUICK_DISK_MS = (1, 6)
_SLOW_DISK_MS = (500, 4_000)
_PRINTERS = 1 / 3
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
        quotes: Mapping[ConnectorId, Quote],
        bank: Bank,
        booked: Callable[[Machine, Authorization], None],
        touched: Callable[[], None],
        fitting: Fitting,
        say: Tell,
        *,
        telling: bool,
    ) -> None:
        """A third of the sites have a printer; elsewhere the screen shows the receipt."""
        self.setup = setup
        self.name = setup.kiosk
        self.internet = True
        self.piles: list[PileWire] = []
        self.life: Life | None = None
        self.lives = 0
        self.facts = 0
        self.commits: list[tuple[int, int]] = []  # last entry's number, and when in truth it was written
        self.screen = True
        self.at_screen: int | None = None  # the number of the stay whose driver stands there; 0 a stranger
        self.at_terminal: Stay | None = None  # whose card was shown last
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
            clockwork, chance, faults, f"S1U2-{setup.kiosk.upper():0>15}", setup.kiosk, lambda record: booked(self, record)
        )
        self._seller = Seller("Lindenhof Strom", ("Lindenhof 4",), "DE123456789", "+49 30 1234567", f"{self.name}-")
        prefix = f"{self.name}-"
        self._parts = Parts(
            setup,
            Pace(),
            secret=chance.randbytes(32),
            entropy=chance.randbytes,
            clock=self.clock,
            terminal=self.terminal,
            acquirer=CheckoutWire(clockwork, chance, faults, bank, self, touched),
            printer=self.printer if chance.strikes(_PRINTERS) else None,
            press=self.press,
            fact_of=self.medium.fact_of,
            webhooks=Webhooks([HMAC_KEY], [MERCHANT], ours=lambda reference: reference.startswith(prefix)),
            quotes=quotes,
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
        self._say(f"{self.name}: core starts, life {self.lives}")
        self.life.start()

    def ready(self, life: Life) -> None:
        for wire in self.piles:
            life.ends[wire.identity] = end = PileEnd(self._clockwork, life, wire)
            wire.core_up(end)

    def cut(self, fault: Fault, step: str, *, power: bool) -> None:
        """The power goes, or only the process."""
        life = self.life
        if life is None or self._faults.calm:
            return
        self._faults.note(fault, step)
        if not power:
            self._faults.note(bad.PROCESS_KILLED, step)
        self._say(f"{self.name}: {'power cut' if power else 'core killed'} ({fault.id} at {step})")
        self.life = None
        life.die()
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
        return self._chance.randint(*(_SLOW_DISK_MS if self._faults.strikes(bad.SLOW_DISK, "commit") else _QUICK_DISK_MS))

    def cut_before(self, life: Life, facts: Sequence[object]) -> bool:
        fault, _, step = _commit(life, facts)
        return self._cut_at(fault, step)

    def cut_after(self, life: Life, facts: Sequence[object]) -> bool:
        _, fault, step = _commit(life, facts)
        return self._cut_at(fault, step)

    def _cut_at(self, fault: Fault, step: str) -> bool:
        if self._faults.calm or not self._chance.strikes(fault.odds * self._faults.severity):
            return False
        self.cut(fault, step, power=self._chance.strikes(0.6))
        return True

    def attempted(self, life: Life, attempt: Attempt) -> None:
        """A call sets out: sometimes the power goes while it is under way."""
        if self._faults.calm or not self._chance.strikes(0.006 * self._faults.severity):
            return
        longest = 20_000 if isinstance(attempt.request.body, Preauthorize) else 400

        def strike() -> None:
            if self.life is life and attempt.request.ref in life.running:
                self.cut(_under_way(attempt), _step(attempt), power=self._chance.strikes(0.6))

        self._clockwork.after(self._chance.randint(1, longest), strike)

    def screen_alive(self) -> bool:
        return self.screen

    def kept(self, facts: Sequence[object]) -> None:
        self.facts += len(facts)
        self.commits.append((self.facts, self._clockwork.now))
        if self._telling:
            for fact in facts:
                self._say(f"{self.name}: {_told(fact)}")

    def internet_back(self) -> None:
        self.internet = True

    # --- the screen -----------------------------------------------------------------------------------------------------------

    @property
    def page(self) -> str:
        """What a person sees."""
        return self.life.panel.page if self.life is not None and self.life.ready and self.screen else "dark"

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
            self._faults.note(bad.DOUBLE_TAP, kind)

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
        return bad.IN_RECOVERY, bad.IN_RECOVERY, "recovery"
    return _commit_of(frozenset(map(type, facts)))


@cache
def _commit_of(kinds: frozenset[type]) -> tuple[Fault, Fault, str]:
    if f.PreauthorizationRequested in kinds:
        return bad.BEFORE_INTENT, bad.AFTER_INTENT, "preauthorize"
    if kinds & {f.PaymentAuthorized, f.PaymentDeclined, f.PaymentUnknown}:
        return bad.BEFORE_OUTCOME, bad.ANY_COMMIT, "preauthorize"
    if kinds & {f.CaptureRequested, f.DeliveryEnded}:
        return bad.BEFORE_CAPTURE, bad.IN_CAPTURE, "capture"
    if f.ModificationSubmitted in kinds:
        if f.ReceiptIssued in kinds:
            return bad.BEFORE_SUBMITTED, bad.IN_PRINT, "capture"
        return bad.BEFORE_SUBMITTED, bad.ANY_COMMIT, "cancel"
    if f.CancelRequested in kinds:
        return bad.ANY_COMMIT, bad.IN_CAPTURE, "cancel"
    if f.PrintEnded in kinds:
        return bad.IN_PRINT, bad.ANY_COMMIT, "print"
    if kinds & {f.StartRequested, f.StartAccepted, f.DeliveryStarted}:
        return bad.ANY_COMMIT, bad.ANY_COMMIT, "start"
    if kinds & {f.MeterNoted, f.StopProved, f.StopRequested, f.StopAnswered}:
        return bad.WHILE_CHARGING, bad.WHILE_CHARGING, "charging"
    return bad.ANY_COMMIT, bad.ANY_COMMIT, "other"


def _moment(life: Life) -> tuple[Fault, str]:
    if not life.ready:
        return bad.IN_RECOVERY, "recovery"
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
    if isinstance(body, Modify):
        return body.operation
    if isinstance(body, Preauthorize) and attempt.again:
        return "query"
    return _KINDS.get(type(body), "abort")


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
