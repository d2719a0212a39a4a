"""One kiosk at home with a person at its screen and hands on all its far ends, and the far ends' own books to judge it by."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from driver import PATIENCE_S, Driver

from hardware.simulated.far_ends import Bank, BankKeys
from hardware.simulated.models.acquirer_books import Modification, Payment
from hardware.simulated.models.car import Car
from hardware.simulated.models.pile_connector import Delivery
from hardware.simulated.models.terminal import TerminalState
from hardware.simulated.paper import text
from kiosk.core.clock import SystemClock
from kiosk.core.engine import fact_of
from kiosk.journal.reader import Reader
from kiosk.protocol import Snapshot
from kiosk.session import facts as f
from kiosk.simulation.house import House
from kiosk.values import MWH_PER_WH, Money

RATE = 20
# A person who stays; the tests of the screen that becomes free again set their own.
PATIENT = {"policies.idle_after_seconds": 1_200, "policies.finished_seconds": 1_200}
ENERGY_PRICE = {"A": Decimal("0.49"), "B": Decimal("0.39")}
HOLD = {"A": 5_000, "B": 3_000}
NUMBER = {"A": 1, "B": 2}

T = TypeVar("T")


def a_clock() -> SystemClock:
    now = SystemClock.real().now()
    return SystemClock.fast(RATE, now.mono_ns, now.utc_ms)


async def until(found: Callable[[], T], what: str, patience_s: float = PATIENCE_S) -> T:
    """Look again and again until `found` finds something."""
    try:
        async with asyncio.timeout(patience_s):
            while not (result := found()):  # noqa: ASYNC110 - far ends tell nobody what they book
                await asyncio.sleep(0.01)
            return result
    except TimeoutError:
        raise AssertionError(f"waited in vain for {what}") from None


def price_of(letter: str, mwh: int) -> int:
    """What `mwh` cost in cents, reckoned apart from the product: whole Wh, up, at the price per kWh, half up."""
    wh = -(-mwh // MWH_PER_WH)
    return int((ENERGY_PRICE[letter] * wh / 10).quantize(Decimal(1), ROUND_HALF_UP))


def euros(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"


class Stand:
    """`begin` opens a chapter: payments, deliveries and receipts are those since then."""

    def __init__(
        self, folder: Path, clock: SystemClock, bank: Bank, kiosk_id: str, settings: Mapping[str, object], house: type[House] = House
    ) -> None:
        self.clock = clock
        self.bank = bank
        self.house = house(folder, clock, bank, kiosk_id, {**PATIENT, **settings})
        self.kiosk_id = kiosk_id
        self._driver: Driver | None = None
        self._before = (0, 0, 0, 0)

    # --- coming and going -----------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        await self.house.start()
        await self.sit_down()

    async def close(self) -> None:
        if self._driver is not None:
            await self._driver.leave()
        await self.house.stop()

    async def sit_down(self) -> Driver:
        """A person stands at the screen; whoever stood there goes."""
        if self._driver is not None:
            await self._driver.leave()
        try:
            self._driver = await Driver.sit_down(self.house.socket)
        except TimeoutError:
            raise AssertionError(f"core does not listen: {(self.house.folder / 'core.log').read_text()[-3_000:]}") from None
        return self._driver

    async def calm(self) -> None:
        """Everything mended, everybody gone, both plugs free."""
        self.bank.server.clear_faults()
        self.terminal.fault("online")
        self.terminal.fault("host_back")
        self.terminal.store_and_forward(None)
        self.pile.mend()
        self.pile.restore_network()
        printer = self.house.site.printer_model
        printer.stalled = printer.mute = printer.jammed = False
        printer.refill()
        for number in NUMBER.values():
            self.pile.unplug(number)
        if self.driver.gone:
            await self.sit_down()
        await self.driver.sees(lambda s: True, "anything")
        if self.driver.snapshot and self.driver.snapshot.page != "idle":
            await self.driver.send("leave")
        await self.idle(patience_s=10)
        await until(lambda: not self.open_sales and not self.printer.busy, "the end of every sale", 10)
        self.begin()

    def begin(self) -> None:
        self._before = (len(self._payments()), len(self.pile.model.book), len(self.house.site.printer_model.receipts), self._head())
        self.driver.pages.clear()
        self.driver.titles.clear()

    def begin_paper(self) -> None:
        """What was printed so far is torn off and thrown away."""
        self._before = (*self._before[:2], len(self.printer.receipts), self._before[3])

    # --- what is there --------------------------------------------------------------------------------------------------------

    @property
    def driver(self) -> Driver:
        assert self._driver is not None
        return self._driver

    @property
    def terminal(self):
        return self.house.site.terminal

    @property
    def pile(self):
        return self.house.site.pile

    @property
    def printer(self):
        return self.house.site.printer_model

    def _payments(self) -> list[Payment]:
        return [p for p in self.bank.server.books().payments if p.merchant_reference.rsplit("-", 2)[0] == self.kiosk_id]

    @property
    def payments(self) -> list[Payment]:
        """The holds since the chapter began, in the acquirer's books."""
        return self._payments()[self._before[0] :]

    @property
    def payment(self) -> Payment:
        (payment,) = self.payments
        return payment

    @property
    def captures(self) -> list[Modification]:
        return [m for p in self.payments for m in p.modifications if m.kind == "capture"]

    @property
    def deliveries(self) -> list[Delivery]:
        """What the pile truly delivered since the chapter began."""
        return self.pile.model.book[self._before[1] :]

    @property
    def delivery(self) -> Delivery:
        (delivery,) = self.deliveries
        return delivery

    @property
    def receipts(self) -> list[str]:
        return [text(paper) for paper in self.printer.receipts[self._before[2] :]]

    # --- the journal ----------------------------------------------------------------------------------------------------------

    def _head(self) -> int:
        with Reader.open(self.house.journal) as journal:
            return journal.head()

    def facts(self, *kinds: type[T]) -> list[T]:
        """The facts of these kinds since the chapter began."""
        with Reader.open(self.house.journal) as journal:
            found = [fact_of(stored) for stored in journal.read(self._before[3])]
        return [fact for fact in found if isinstance(fact, kinds)]

    @property
    def reviews(self) -> list[str]:
        """What the operator is asked to look at."""
        return [fact.code for fact in self.facts(f.ReviewOpened)]

    @property
    def open_sales(self) -> set[str]:
        """The sales whose end is not in the journal."""
        with Reader.open(self.house.journal) as journal:
            found = [fact_of(stored) for stored in journal.read()]
        opened = {fact.session for fact in found if isinstance(fact, f.SessionOpened)}
        return opened - {fact.session for fact in found if isinstance(fact, f.SessionClosed)}

    async def noted(self, *kinds: type[T], patience_s: float = PATIENCE_S) -> T:
        """The first fact of these kinds, as soon as it is in the journal."""
        names = " or ".join(kind.__name__ for kind in kinds)
        return (await until(lambda: self.facts(*kinds), f"{names} in the journal", patience_s))[0]

    async def closed(self, sales: int = 1) -> None:
        """Nothing more is owed to anybody."""
        await until(lambda: len(self.facts(f.SessionClosed)) >= sales, f"{sales} closed sales in the journal")

    def verify(self) -> dict[str, Any]:
        """`pilepay journal verify`, which must be content."""
        done = run("journal", "verify", "--json", str(self.house.journal))
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout))

    # --- the operator ---------------------------------------------------------------------------------------------------------

    @property
    def sale(self) -> str:
        """The newest sale of the chapter."""
        return self.facts(f.SessionOpened)[-1].session

    async def office(self, *words: str) -> subprocess.CompletedProcess[str]:
        """One of the operator's commands, given to the running kiosk."""
        return await asyncio.to_thread(run, *words, "--config", str(self.house.config))

    async def ordered(self, *words: str) -> Any:
        """What such a command answers, which must be content."""
        done = await self.office(*words, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    # --- a visit, step by step ------------------------------------------------------------------------------------------------

    async def idle(self, *free: str, patience_s: float = PATIENCE_S) -> Snapshot:
        """Nobody is there, and these plugs (all, when none is named) can be chosen."""
        letters = set(free or NUMBER)

        def seen(s: Snapshot) -> bool:
            return s.page == "idle" and letters <= {key.letter for key in s.connectors if key.state in ("free", "plugged")}

        what = f"the idle page with {' and '.join(sorted(letters))} to choose"
        snapshot = await self.driver.sees(lambda s: seen(s) or s.page == "finished", what, patience_s)
        if snapshot.page == "finished":  # whoever unplugged is shown what it came to, and goes
            await self.driver.send("finish")
        return await self.driver.sees(seen, what, patience_s)

    async def idle_after(self, intent: str) -> Snapshot:
        """Leave the page by this control; both plugs are free again."""
        await self.driver.press(intent)
        return await self.idle()

    @staticmethod
    def can(s: Snapshot, intent: str) -> bool:
        """Whether the page has a control for it."""
        return Driver.offers(s, intent)

    async def agree(self, letter: str = "A") -> None:
        """Choose a plug and agree to its price."""
        await self.driver.press("choose", letter=letter)
        await self.driver.page("price")
        await self.driver.press("accept")

    async def asked_for_card(self) -> None:
        await until(lambda: self.terminal.state() is TerminalState.PRESENT_CARD, "the terminal to ask for a card")

    async def tap(self, card: str = "good") -> None:
        """Hold a card to the terminal when it asks."""
        await until(lambda: self.terminal.present_card(card), "the terminal to take a card")

    async def pay(self, letter: str = "A", card: str = "good") -> Snapshot:
        """From the idle page until the kiosk waits for the cable, or is about to start."""
        await self.agree(letter)
        await self.tap(card)
        return await self.driver.page("plug_in", "starting", "charging")

    async def plug(self, letter: str = "A", car: Car | None = None) -> Snapshot:
        self.pile.plug(NUMBER[letter], car)
        return await self.driver.page("charging")

    async def energy(self, mwh: int = 200_000, sale: int = 0) -> None:
        """Let the car of the chapter's n-th delivery take at least so much."""

        def flowed() -> bool:
            self.pile.state()  # the model moves on when it is looked at
            return any(delivery.mwh >= mwh for delivery in self.deliveries[sale : sale + 1])

        await until(flowed, f"{mwh} mWh")

    async def charge(self, letter: str = "A", mwh: int = 200_000) -> None:
        """Pay, plug in and take some energy."""
        await self.pay(letter)
        await self.plug(letter)
        await self.energy(mwh)

    async def end(self, letter: str = "A") -> Snapshot:
        """End the charge at the pile, and drive away."""
        self.pile.stop_locally(NUMBER[letter])
        await self.driver.page("finished", "trouble")
        self.pile.unplug(NUMBER[letter])
        return await self.driver.page("finished", "trouble")

    async def receipt_shown(self) -> Snapshot:
        return await self.driver.sees(lambda s: s.page == "finished" and s.receipt_qr, "the receipt on the screen")

    # --- how it must end ------------------------------------------------------------------------------------------------------

    async def captured(self, letter: str = "A") -> int:
        """Closed, one hold, one capture of exactly what the pile delivered, the rest released; the cents."""
        await self.closed()
        return settled(self.payment, price_of(letter, self.delivery.mwh))

    async def released(self, holds: int = 1) -> None:
        """Closed, nothing captured, every hold given back."""
        await self.closed()
        assert len(self.payments) == holds
        for payment in self.payments:
            assert (payment.cancelled, payment.captured.minor, payment.held.minor) == (True, 0, 0)
            assert payment.captures == ()


def settled(payment: Payment, cents: int) -> int:
    """One capture of exactly so much, and nothing else; the cents."""
    assert [(m.kind, m.result, m.amount) for m in payment.modifications] == [("capture", "booked", Money(cents, "EUR"))]
    assert (payment.captured.minor, payment.held.minor, payment.cancelled) == (cents, 0, False)
    return cents


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One of the product's commands."""
    return subprocess.run([sys.executable, "-m", "kiosk", *arguments], capture_output=True, text=True, timeout=60, check=False)


_CODED = re.compile(r"[a-z]_[a-z]|[{}<>\[\]|]|\b[A-Z]\d\d\b|None|True|False|Error|[A-Z0-9]{12,}")


def plain(s: Snapshot, code: str) -> Snapshot:
    """A page that tells a driver in trouble what happened, what it means for the money, what to do and whom to call; the snapshot.

    The only code on it is the one to say on the phone.
    """
    assert s.page == "trouble"
    assert s.glyph == "warning"
    assert s.card is not None
    parts = (s.title, s.what, s.now, s.card.note)
    assert all(part and (part[0].isupper() or part[0].isdigit()) and part.endswith(".") for part in parts), parts
    for part in (*parts, s.subtitle, s.card.label, s.card.after, *(button.text for button in s.buttons)):
        assert not _CODED.search(part), part
    assert s.call == f"If you call us, say code {code} and E0417."
    assert s.sky.helpline.replace("\N{NO-BREAK SPACE}", " ") == "0800 555 0417"
    assert s.buttons
    return s


@asynccontextmanager
async def a_bank() -> AsyncIterator[tuple[Bank, SystemClock]]:
    """An acquirer, and the clock that all who deal with it share."""
    clock = a_clock()
    bank = Bank(BankKeys.fresh("LindenhofDemo"), clock)
    await bank.server.start()
    try:
        yield bank, clock
    finally:
        await bank.server.stop()


@asynccontextmanager
async def stand_at(
    folder: Path,
    bank: Bank,
    clock: SystemClock,
    kiosk_id: str = "lindenhof-e0417",
    settings: Mapping[str, object] | None = None,
    hold: str = "",
) -> AsyncIterator[Stand]:
    """A kiosk of this bank's merchant, up and with somebody at its screen. `hold` is what plug A reserves."""
    one = Stand(folder, clock, bank, kiosk_id, settings or {})
    file = one.house.folder / "kiosk.toml"
    if hold:
        file.write_text(file.read_text().replace("hold = 50.00", f"hold = {hold}"))
    if settings and "hold.policy" in settings:
        file.write_text(re.sub(r"^hold = .*\n", "", file.read_text(), flags=re.MULTILINE))
    try:
        await one.open()
        one.begin()
        yield one
    finally:
        await one.close()


_count = itertools.count(1)


@asynccontextmanager
async def stand(
    folder: Path, hold: str = "", settings: Mapping[str, object] = MappingProxyType({}), **policies: object
) -> AsyncIterator[Stand]:
    """A kiosk with a bank of its own, ready to sell. `hold` is what plug A reserves, `settings` are further keys of its configuration."""
    keys = {**settings, **{f"policies.{key}": value for key, value in policies.items()}}
    async with a_bank() as (bank, clock), stand_at(folder / f"k{next(_count)}", bank, clock, settings=keys, hold=hold) as one:
        bank.server.set_webhook_targets(one.house.webhook_url)
        await one.idle()
        one.begin()
        yield one
