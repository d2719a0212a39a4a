"""A simulated kiosk as a station of the operator's own system: the product's queue, calls and teller, over all the lives of its core.

Nothing waits for it, and so it lives on a time line of its own, which follows the world's: before anything happens to it, it has lived up
to that moment. It takes nothing from the world's chance and plans nothing among the world's events, so a kiosk with such a system does to
the letter what it would do without one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from hardware.api import AnswerLost, NotSent
from kiosk.core.upstream import plugs
from kiosk.ocpp.dialects.dialect import CallRefused
from kiosk.ocpp.frames import Payload
from kiosk.ocpp.upstream_queue import Queue
from kiosk.ocpp.upstream_teller import Teller, Terms, backoff_s
from kiosk.session import facts as f
from kiosk.session.setup import Setup
from kiosk.simulation.books import Told
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork, MachineClock
from kiosk.simulation.coroutines import Crew, Waiting
from kiosk.simulation.life import Fitting, Life
from kiosk.simulation.medium import Medium
from kiosk.simulation.upstream_ports import Failed, JournalBooks, Line
from kiosk.simulation.wires.csms import CsmsWire

_TELLS = frozenset((f.DeliveryStarted, f.MeterNoted, f.DeliveryEnded, f.OrphanTransactionStarted, f.OrphanTransactionEnded))
_AGAIN_MS = 60_000  # until a station that failed is begun anew (`kiosk.core.upstream`)
_BOOT_AGAIN_S = 60
_ASIDE_AGAIN_S = 21_600
_LAST_MS = 2 * 86_400_000  # in which all is told once the world has come to rest
_DISK_MS = (1, 6)
_SLOW_DISK_MS = (500, 8_000)
_SLOW_DISKS = 0.25  # seconds in which a core may end with an answer that is not yet kept
_OPERATORS_S = (3_600, 36_000)  # between two who ask for all of it again
_FAILS = 0.003  # at each step of a message, in a world of severity 1
_ANEW = "the station fails and is begun anew"
_CORE_ENDS = "the core ends"
_FULL = "the cursor finds no room on the disk"
_BOOT: Payload = {"chargePointVendor": "PilePay", "chargePointModel": "PilePay kiosk"}


class Upstream:
    """What a kiosk does for the operator's own system. Here there is none."""

    def begin(self, life: Life, medium: Medium) -> None:
        """A core starts."""

    def end(self) -> None:
        """It is over, in the middle of whatever it did."""

    def power_back(self) -> None:
        """The machine boots."""

    def clock_set(self, ms: int) -> None:
        """Somebody set the wall clock by so much."""

    def internet(self, *, there: bool) -> None:
        """The site's connection comes or goes."""

    def follow(self) -> None:
        """Something is about to change in the kiosk: up to now all is as it was."""

    def kept(self, facts: Sequence[object]) -> None:
        """These are on the disk."""

    def heal(self) -> None:
        """Nothing goes wrong any more."""

    def rest(self) -> Told | None:
        """The world has come to rest: tell what is left, and say what came of it. None where there is nobody to tell."""
        return None

    @property
    def struck(self) -> Mapping[tuple[str, str], int]:
        """What went wrong with it, in plain words, and at which step."""
        return {}


class Station(Upstream):
    """With one."""

    def __init__(self, world: Clockwork, chance: Chance, severity: float, setup: Setup, fitting: Fitting) -> None:
        self._world = world
        self._chance = chance
        self._severity = severity
        self._setup = setup
        self._fitting = fitting
        self._calm = severity == 0
        self._time = Clockwork(world.now)
        self._clock = MachineClock(self._time, setup.kiosk)
        self._wire = CsmsWire(self._time, chance, severity)
        self._terms = Terms("wss://csms.example/ocpp", setup.kiosk, attempts=chance.choice((3, 5)), aside_again_s=_ASIDE_AGAIN_S)
        self._plugs = plugs(setup)
        self._crew: Crew | None = None
        self._life: Life | None = None
        self._medium: Medium | None = None
        self._line: Line | None = None
        self._books: JournalBooks | None = None
        self._hurried: Waiting[None] | None = None
        self.queue: Queue
        self.teller: Teller
        self.step = "down"
        self.restless = False  # something may be left to tell
        if not self._calm:
            self._time.after(chance.ms(*_OPERATORS_S), self._asked_again)

    # --- what befalls the kiosk -----------------------------------------------------------------------------------------------

    def follow(self) -> None:
        self._run(self._world.now, lambda: False)

    def _run(self, until_ms: int, done: Callable[[], bool]) -> None:
        self._time.run(until_ms, done)
        self._time.now = max(self._time.now, min(until_ms, self._world.now))

    def begin(self, life: Life, medium: Medium) -> None:
        self.follow()
        self._life, self._medium = life, medium
        self._crew = Crew(self._time)
        self._books = JournalBooks(self, self._crew, self._time, life.journal, medium, self._chance)
        self.queue = self._fitting.upstream_queue(self._books, self._plugs)
        self.teller = Teller(
            self._terms, self.queue, held=lambda: self.held, clock=self._clock, chance=self._chance.random, wrong=lambda _: None
        )
        self._books.at_once(self.queue.begin())
        self.restless = True
        self._crew.spawn(self._live(self._crew))

    def end(self) -> None:
        self.follow()
        if self._crew is not None:
            self._note(_CORE_ENDS, self.step)
            self._down()

    def _down(self) -> None:
        if self._crew is not None:
            self._crew.kill()
        if self._line is not None:
            self._line.abandon()
        self._crew = self._life = self._line = self._books = None
        self.step = "down"

    def power_back(self) -> None:
        self.follow()
        self._clock.boot()

    def clock_set(self, ms: int) -> None:
        self.follow()
        self._clock.jump(ms)

    def internet(self, *, there: bool) -> None:
        self.follow()
        self._wire.internet(there=there)

    def kept(self, facts: Sequence[object]) -> None:
        if not _TELLS.isdisjoint(map(type, facts)):
            self.restless = True
            if self._line is not None:
                self._line.look()

    def heal(self) -> None:
        self.follow()
        self._calm = True
        self._wire.heal()
        self._hurry()

    def rest(self) -> Told:
        self.follow()
        self._hurry()
        self._run(self._time.now + _LAST_MS, lambda: not self.restless)
        waiting = self._books.at_once(self.queue.waiting())[0] if self._books is not None else 0
        csms = self._wire.csms
        asides = [(aside.charge, aside.action, aside.why) for aside in self.queue.asides]
        told = Told(self._setup.kiosk, csms.transactions, csms.broken, asides, list(self._wire.befell.values()), waiting)
        self._down()
        return told

    @property
    def struck(self) -> Counter[tuple[str, str]]:
        return self._wire.struck

    def _note(self, words: str, step: str) -> None:
        self._wire.note(words, step)

    # --- the operator ---------------------------------------------------------------------------------------------------------

    def _asked_again(self) -> None:
        if not self._calm:
            self._hurry()
            self._time.after(self._chance.ms(*_OPERATORS_S), self._asked_again)

    def _hurry(self) -> None:
        """`pilepay upstream --again`."""
        self.restless = True
        if self._crew is not None:
            self._crew.spawn(self._again())

    async def _again(self) -> None:
        try:
            await self.teller.again()
        except Failed:
            return
        if self._line is not None:
            self._line.hurry()
        if self._hurried is not None:
            self._hurried.wake()

    # --- one life -------------------------------------------------------------------------------------------------------------

    async def _live(self, crew: Crew) -> None:
        """As `kiosk.ocpp.upstream.Station.run`, and around it `kiosk.core.upstream.Upstream.run`; without chores."""
        failures = 0
        while True:
            self.step = "away"
            await self._wire.reached()
            await crew.sleep(self._chance.randint(100, 2_000))
            if not self._wire.reachable:
                continue
            self._line = line = Line(self, crew, self._time, self._clock, self._wire)
            self._wire.connect(line)
            try:
                await self._boot(line, crew)
                failures = 0
                await self.teller.tell(line)
            except (NotSent, AnswerLost, CallRefused):
                pass
            except Failed:
                await self._anew(line, crew)
                continue
            line.ended()
            self.step = "away"
            failures += 1
            self._hurried = Waiting(self._time)
            planned = self._time.after(round(backoff_s(failures, self._chance.random) * 1_000), self._hurried.wake)
            await self._hurried
            planned.cancel()

    async def _boot(self, line: Line, crew: Crew) -> None:
        while not line.over:
            self.step = "boot"
            answer = await line.ask("BootNotification", _BOOT)
            if answer.get("status") == "Accepted":
                return
            interval = answer.get("interval")
            await crew.sleep(1_000 * (interval if isinstance(interval, int) and interval else _BOOT_AGAIN_S))

    async def _anew(self, line: Line, crew: Crew) -> None:
        self.step = "down"
        line.ended()
        await crew.sleep(_AGAIN_MS)
        while not self.writable:
            await crew.sleep(_AGAIN_MS)
        await self.queue.begin()
        self.restless = True

    def fails(self, step: str) -> None:
        """Raises `Failed` now and then: whatever may go wrong in a program. The product then begins its station anew, as after a start."""
        if not self._calm and self._chance.strikes(_FAILS * self._severity):
            self._note(_ANEW, step)
            raise Failed

    @property
    def held(self) -> bool:
        """What the core knows of a full disk. That it has room again it finds out by a look every minute; the world tells it only what
        changes while it lives."""
        return self._life is not None and self._life.k.disk_low and not self.writable

    @property
    def has_asides(self) -> bool:
        return bool(self.queue.asides)

    @property
    def writable(self) -> bool:
        """A core that finds no room for the cursor ends, in the product. In the world it ends for its own commits only, and so nothing is
        written that might fail."""
        return self._medium is not None and not (self._medium.low or self._medium.read_only)

    def disk_ms(self) -> int:
        slow = not self._calm and self._chance.strikes(_SLOW_DISKS)
        return self._chance.randint(*(_SLOW_DISK_MS if slow else _DISK_MS))

    def no_room(self) -> None:
        self._note(_FULL, "")
