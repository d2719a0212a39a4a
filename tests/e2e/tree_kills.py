"""A kiosk whose whole process tree is killed with SIGKILL while sale after sale is driven; then its far ends' books are read.

Supervisor, core and screen die together; terminal, acquirer, pile and printer live on, as they do in the field. `python tree_kills.py
--kills 200 --seed 1` runs it by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import logging
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from driver import Driver
from stand import NUMBER, Stand, a_bank, price_of, run, until

from hardware.simulated.models.pile_connector import Delivery
from kiosk.core.engine import fact_of
from kiosk.journal.entry import JournalError, Stored
from kiosk.journal.reader import Reader
from kiosk.protocol import Snapshot
from kiosk.session import facts as f
from kiosk.simulation.house import House
from kiosk.simulation.relay import Lost, Person

_TREE = Path(__file__).with_name("kiosk_tree.py")
_SCREEN_EVERY = 3  # trees: the real screen costs a core of the machine two seconds
_UP_S = 30.0
_SALE_S = 60.0
_KINDS = ("code", "unplug", "limit", "no plug", "declined first")
_SETTINGS = {
    "policies.smallest_hold": "1.00",
    "policies.margin": "0.60",
    "policies.preauth_give_up_seconds": 300,
    "policies.plug_timeout_seconds": 100,
    "policies.start_timeout_seconds": 240,
    "policies.stop_timeout_seconds": 240,
    "policies.note_seconds": 2,
}
# Kills are aimed right behind each of these in turn, besides those at any moment.
_AIMS = (
    f.SessionOpened,
    f.PaymentAuthorized,
    f.StartRequested,
    f.DeliveryStarted,
    f.MeterNoted,
    f.DeliveryEnded,
    f.CaptureRequested,
    f.ModificationSubmitted,
    f.PrintRequested,
    f.SessionClosed,
    f.StopRequested,
    f.CancelRequested,
    f.PaymentDeclined,
    f.ReceiptIssued,
    f.StartAccepted,
    f.Priced,
)


def members(group: int) -> dict[int, str]:
    """The living processes of a process group, with what they are."""
    found = {}
    for directory in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            _, _, rest = (directory / "stat").read_text().rpartition(")")
            state, _, its_group, *_ = rest.split()
            if int(its_group) == group and state not in "ZX":
                words = (directory / "cmdline").read_text().split("\0")
                what = "supervisor" if str(_TREE) in words else next((w for w in ("core", "screen") if w in words), "worker")
                found[int(directory.name)] = what
    return found


class TreeHouse(House):
    """A house whose supervisor, core and screen are one tree of processes."""

    _supervisor: asyncio.subprocess.Process | None = None

    @property
    def glass(self) -> Path:
        """Where the screen connects; somebody at it passes everything on to core."""
        return self.folder / "glass"

    async def start(self) -> None:
        await self.site.start()
        self._secret("terminal-root.pem", self.site.terminal.root_ca_pem)
        self.site.terminal.notify(f"http://127.0.0.1:{self.webhook_port}/terminal/display")
        self.site.connect_pile()

    async def grow(self, *, screen: bool) -> None:
        told = {"core": [str(self.folder / "core.log"), *self._core_arguments()]}
        if screen:
            options = ("--socket", str(self.glass), "--offscreen", "--size", "800x480")
            told["screen"] = [str(self.folder / "screen.log"), "screen", *options]
        command = (sys.executable, str(_TREE), json.dumps(told))
        self._supervisor = await asyncio.create_subprocess_exec(*command, start_new_session=True)

    async def fell(self) -> list[str]:
        """SIGKILL to all of the tree at once; what died."""
        assert self._supervisor is not None
        group = self._supervisor.pid
        died = sorted(members(group).values())
        os.killpg(group, signal.SIGKILL)
        await self._supervisor.wait()
        await until(lambda: not members(group), "the death of all")
        self._supervisor = None
        return died

    async def stop(self) -> None:
        if self._supervisor is not None:
            self._supervisor.terminate()
            await self._supervisor.wait()
        await self.site.stop()


@dataclass(frozen=True)
class Kill:
    """One kill: when, how it was aimed, what died, what was open."""

    number: int
    seconds: float
    aim: str
    died: tuple[str, ...]
    head: int
    open: str

    def __str__(self) -> str:
        return f"kill {self.number:>3} at {self.seconds:5.1f} s, {self.aim:<32} {'+'.join(self.died):<22} entry {self.head:>4}: {self.open}"


@dataclass
class Report:
    """What happened, for whoever reads the run."""

    kills: list[Kill] = field(default_factory=list)
    sales: Counter[str] = field(default_factory=Counter)
    captured: int = 0
    released: int = 0
    unknown: int = 0
    receipts: int = 0
    entries: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        sales = ", ".join(f"{count} {kind}" for kind, count in sorted(self.sales.items()))
        steps = len({kill.open for kill in self.kills})
        return (
            f"{len(self.kills)} kills at {steps} different steps in {self.seconds:.0f} s; {sum(self.sales.values())} sales ({sales});"
            f" {self.captured} captured, {self.released} released, {self.unknown} left to the operator,"
            f" {self.receipts} receipts, {self.entries} entries: all books agree"
        )


class Witness:
    """Reads the journal over and over; what was read once must stay."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self.entries: list[Stored] = []
        self.facts: list[Any] = []

    def look(self) -> list[Any]:
        """All facts that can be read by now. After a kill, all that was seen before must be there and the same."""
        with suppress(JournalError), Reader.open(self._journal) as reader:
            new = list(reader.read(len(self.entries)))
            self.entries += new
            self.facts += [fact_of(entry) for entry in new]
        return self.facts

    def nothing_is_missing(self) -> None:
        with Reader.open(self._journal) as reader:
            there = list(reader.read())
        assert there[: len(self.entries)] == self.entries, f"of {len(self.entries)} facts that were seen, not all are there"

    def of(self, session: str, *kinds: type) -> list[Any]:
        return [fact for fact in self.look() if getattr(fact, "session", None) == session and isinstance(fact, kinds)]

    def open(self) -> str:
        """What each open sale last did."""
        last: dict[str, str] = {}
        closed = {fact.session for fact in self.facts if isinstance(fact, f.SessionClosed)}
        for fact in self.facts:
            if isinstance(fact, f.SessionFact) and fact.session not in closed:
                last[fact.session] = type(fact).__name__
        return ", ".join(f"after {name}" for name in last.values()) or "nothing open"


class Siege:
    """One kiosk, one person who buys, one who kills."""

    def __init__(self, site: Stand, person: Person, kills: int, seed: int, tell: Callable[[str], None]) -> None:
        self._site = site
        self._house: TreeHouse = site.house  # type: ignore[assignment]
        self._person = person
        self._count = kills
        self._draw = random.Random(seed)
        self._drive = random.Random(f"drive {seed}")
        self._aims = itertools.cycle(self._draw.sample(_AIMS, len(_AIMS)))
        self._tell = tell
        self._witness = Witness(self._house.journal)
        self._began = time.monotonic()
        self._over = False
        self._codes: dict[str, str] = {}
        self.report = Report()

    async def run(self) -> Report:
        await self._house.grow(screen=False)
        await self._up(0)
        glass = asyncio.create_task(self._stand_in())
        killing = asyncio.create_task(self._kill_all())
        try:
            for kind in itertools.cycle(_KINDS):
                selling = asyncio.create_task(self._sale(kind))
                await asyncio.wait((selling, killing), return_when=asyncio.FIRST_COMPLETED)
                if killing.done():
                    killing.result()
                await asyncio.wait_for(selling, _SALE_S)
                self.report.sales[kind] += 1
                if killing.done():
                    break
            await until(lambda: self._witness.look() and self._witness.open() == "nothing open", "the end of every sale")
            await until(lambda: not self._site.printer.busy, "the paper")
        finally:
            glass.cancel()
            killing.cancel()
            await asyncio.gather(glass, killing, return_exceptions=True)
        self._judge()
        self.report.seconds = time.monotonic() - self._began
        return self.report

    # --- killing ----------------------------------------------------------------------------------------------------------------

    async def _kill_all(self) -> None:
        starts = 0
        for number in range(1, self._count + 1):
            aim = await self._aim(starts)
            self._witness.look()
            head, doing, at = len(self._witness.entries), self._witness.open(), time.monotonic() - self._began
            died = await self._house.fell()
            self._person.snapshot = None
            self._witness.nothing_is_missing()
            self.report.kills.append(Kill(number, at, aim, tuple(died), head, doing))
            self._tell(str(self.report.kills[-1]))
            starts = sum(isinstance(fact, f.Started) for fact in self._witness.look())
            await self._house.grow(screen=number % _SCREEN_EVERY == 0)
        await self._up(starts)

    async def _aim(self, starts: int) -> str:
        """Wait for the moment."""
        draw = self._draw
        how = draw.choices(("recovery", "any moment", "fact"), (3, 3, 7))[0]
        if how == "recovery":
            if draw.random() < 0.5:
                await self._up(starts)
                await asyncio.sleep(draw.uniform(0, 0.05))
                return "right after the start"
            wait = draw.uniform(0.5, 2.5)
            await asyncio.sleep(wait)
            return f"{wait:.2f} s after the tree came"
        await self._up(starts)
        if how == "any moment":
            wait = draw.uniform(0.1, 2.5)
            await asyncio.sleep(wait)
            return f"{wait:.2f} s after the start"
        seen = len(self._witness.look())
        aims = tuple(itertools.islice(self._aims, 2))
        with suppress(AssertionError):
            await until(lambda: any(isinstance(fact, aims) for fact in self._witness.look()[seen:]), "an aim", 3.0)
        wait = draw.uniform(0, 0.04)
        await asyncio.sleep(wait)
        hit = next((type(fact).__name__ for fact in self._witness.look()[seen:] if isinstance(fact, aims)), "nothing aimed at")
        return f"{wait * 1000:.0f} ms after {hit}"

    async def _up(self, starts: int) -> None:
        """Until core has started once more than `starts` times."""
        await until(lambda: sum(isinstance(fact, f.Started) for fact in self._witness.look()) > starts, "a start", _UP_S)

    async def _stand_in(self) -> None:
        """Draws what core shows whenever no real screen does."""
        while True:
            with suppress(OSError, TimeoutError):
                screen = await Driver.sit_down(self._house.glass, 1.0)
                try:
                    while not screen.gone:  # noqa: ASYNC110 - a relay tells nobody that it hung up
                        await asyncio.sleep(0.05)
                finally:
                    await screen.leave()
            await asyncio.sleep(0.1)

    # --- a sale, by somebody whom nothing deters ----------------------------------------------------------------------------------

    async def _sale(self, kind: str) -> None:
        letter = "A" if kind == "limit" else self._drive.choice("AAB")
        deliveries = len(self._site.deliveries)
        session = await self._agree(letter)
        paid = await self._pay(session, ["declining", "good"] if kind == "declined first" else ["good"])
        if paid and kind != "no plug":
            self._site.pile.plug(NUMBER[letter])
            await self._charge(session, letter, kind, deliveries)
        self._site.pile.unplug(NUMBER[letter])
        await until(lambda: self._witness.of(session, f.SessionClosed), f"the end of {session}", _SALE_S)

    async def _agree(self, letter: str) -> str:
        """Choose a plug and agree to its price, until a sale is in the journal."""
        known = len(self._witness.look())
        while True:
            for fact in self._witness.look()[known:]:
                if isinstance(fact, f.SessionOpened):
                    return str(fact.session)
            s = self._person.snapshot
            if s is None or await self._press("choose", letter=letter) or await self._press("accept"):
                pass
            elif s.page not in ("idle", "price", "pay"):
                for intent in ("finish", "leave", "cancel"):
                    if await self._press(intent):
                        break
            await asyncio.sleep(0.1)

    async def _pay(self, session: str, cards: list[str]) -> bool:
        """Hold one card after the other to the terminal whenever it asks; whether one was approved."""
        while True:
            if self._witness.of(session, f.PaymentAuthorized):
                return not self._witness.of(session, f.SessionClosed)
            if self._witness.of(session, f.SessionClosed):
                return False
            if self._site.terminal.present_card(cards[0]):
                cards = cards[1:] or cards
            await self._press("another_card")
            await asyncio.sleep(0.05)

    async def _charge(self, session: str, letter: str, kind: str, deliveries: int) -> None:
        target = self._drive.randrange(30_000, 90_000) * (6 if letter == "A" else 1)
        until_over = asyncio.get_running_loop().time() + _SALE_S

        def delivery() -> Delivery | None:
            self._site.pile.state()
            return next(iter(self._site.deliveries[deliveries:]), None)

        while asyncio.get_running_loop().time() < until_over:
            self._note_code(session)
            now = delivery()
            if self._witness.of(session, f.SessionClosed) or (now is not None and now.end_ms):
                return
            if now is not None and now.mwh >= target and kind != "limit":
                if kind != "code":
                    return
                if not await self._stop_by_code(session):
                    self._site.pile.stop_locally(NUMBER[letter])
                    return
            await asyncio.sleep(0.05)

    def _note_code(self, session: str) -> None:
        s = self._person.snapshot
        if s is not None and s.stop_code:
            self._codes[session] = s.stop_code

    async def _stop_by_code(self, session: str) -> bool:
        """Type the code that was shown; False if it never was, or a kill came between."""
        code = self._codes.get(session)
        if code is None:
            return False
        with suppress(Lost, OSError, TimeoutError):
            for intent in ("stop", "type_code"):
                async with asyncio.timeout(2):
                    while not await self._press(intent):  # noqa: ASYNC110 - the page may come at any time
                        await asyncio.sleep(0.05)
            await self._person.page("code", seconds=2)
            async with asyncio.timeout(2):
                await self._person.type(code)
                while not await self._press("confirm_stop"):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            await until(lambda: self._witness.of(session, f.StopRequested), "the stop", 2)
            await until(lambda: self._witness.of(session, f.DeliveryEnded), "the end", 3)
            return True
        return False

    async def _press(self, intent: str, letter: str = "") -> bool:
        """Press it if it is there now."""
        s = self._person.snapshot
        if s is None or not self._offers(s, intent, letter):
            return False
        with suppress(Lost, OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._person.press(intent, letter=letter)
            await asyncio.sleep(0.1)
            return True
        return False

    @staticmethod
    def _offers(s: Snapshot, intent: str, letter: str) -> bool:
        if letter:
            return any(key.letter == letter and key.intent == intent for key in s.connectors)
        return Stand.can(s, intent)

    # --- the books ----------------------------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        """Everything that was sold is paid once, to the cent, and nothing else is."""
        self._witness.nothing_is_missing()
        facts = self._witness.look()
        books = self._site.bank.server.books()
        session_of = {fact.transaction: str(fact.session) for fact in facts if isinstance(fact, f.DeliveryStarted)}
        letter_of = {str(fact.session): "AB"["*2" in str(fact.connector)] for fact in facts if isinstance(fact, f.SessionOpened)}
        owed: dict[str, int] = {}
        for delivery in self._site.pile.model.book:
            assert delivery.end_ms, f"delivery {delivery.number} goes on"
            session = session_of.get(delivery.transaction or -1)
            assert session is not None or not delivery.mwh, f"{delivery} belongs to no sale"
            if session is not None:
                assert session not in owed, f"{session} was delivered to twice"
                owed[session] = price_of(letter_of[session], delivery.mwh)
        reviews = [fact for fact in facts if isinstance(fact, f.ReviewOpened)]
        short = {str(fact.session) for fact in reviews if fact.code == "shortfall"}
        payments = self._site.payments
        references = [payment.merchant_reference for payment in payments]
        assert len(set(references)) == len(references), f"held twice under one reference: {references}"
        for payment in payments:
            assert payment.held.minor == 0, f"{payment} is still held"
            captures = [m for m in payment.modifications if m.kind == "capture"]
            assert len(captures) <= 1, f"{payment} was captured again"
            session = payment.merchant_reference.rpartition("-")[0]
            if captures:
                due, held = owed.pop(session, 0), payment.authorized.minor
                assert payment.captured.minor == min(due, held), f"{payment} for {session}"
                # A kiosk that is dead stops no charge: what it came to beyond the reservation is not taken, and is told.
                assert (session in short) is (due > held), f"{session} came to {due} of {held}, and the operator was told {short}"
                self.report.captured += 1
            else:
                assert payment.cancelled, f"{payment} was neither captured nor released"
                self.report.released += 1
        assert not any(owed.values()), f"delivered and not paid: {owed}"
        assert all(stray.kind in ("technical_cancel", "reversal") for stray in books.strays), f"changes of nothing: {books.strays}"
        # A kiosk that was away for as long as a payment may stay unknown tells its operator, and takes its leave of the money.
        assert all(fact.code in ("money_unknown", "shortfall") for fact in reviews), f"an operator is asked: {reviews}"
        self.report.unknown = len(reviews)
        numbers = [fact.number for fact in facts if isinstance(fact, f.ReceiptIssued)]
        assert numbers == list(range(1, len(numbers) + 1)), f"receipts {numbers}"
        originals = [paper for paper in self._site.receipts if "COPY" not in paper]
        assert len(originals) <= len(numbers), f"{len(originals)} originals of {len(numbers)} receipts"
        done = run("journal", "verify", "--json", str(self._house.journal))
        assert done.returncode == 0, done.stdout + done.stderr
        self.report.receipts, self.report.entries = len(numbers), len(self._witness.entries)


async def siege(folder: Path, kills: int, seed: int, tell: Callable[[str], None]) -> Report:
    """`kills` kills of a kiosk at home in `folder`. Raises `AssertionError` when a promise was broken."""
    async with a_bank() as (bank, clock):
        site = Stand(folder / "k", clock, bank, "lindenhof-e0417", _SETTINGS, house=TreeHouse)
        file = site.house.folder / "kiosk.toml"
        file.write_text(file.read_text().replace("hold = 50.00", "hold = 2.00"))
        bank.server.set_webhook_targets(site.house.webhook_url)
        await site.house.start()
        person = Person(site.house.folder / "glass", site.house.socket)
        await person.start()
        try:
            return await Siege(site, person, kills, seed, tell).run()
        except BaseException:
            tell((site.house.folder / "core.log").read_text()[-8_000:])
            raise
        finally:
            await person.stop()
            await site.house.stop()


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill a whole kiosk, again and again, while it sells.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    logging.disable()
    with tempfile.TemporaryDirectory(prefix="pilepay-kills-") as directory:
        try:
            print(asyncio.run(siege(Path(directory), asked.kills, asked.seed, lambda line: print(line, flush=True))))
        except AssertionError as error:
            print(f"a promise was broken: {error}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
