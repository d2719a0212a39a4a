"""The tour: two drivers, some sun and a power cut, told in the terminal, played on the real processes.

It leaves the pictures of every page, the printed receipt and the verified journal.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import TextIO

from hardware.simulated.bench import Bench
from kiosk.core.clock import SystemClock
from kiosk.journal.cli import verify_journal
from kiosk.simulation.house import House
from kiosk.simulation.relay import Lost, Person

_LOOK_S = 0.9  # real time a page stays, so that its picture comes to rest


class Tour:
    """One run. `folder` receives what it leaves."""

    def __init__(self, house: House, bench: Bench, person: Person, clock: SystemClock, folder: Path, out: TextIO) -> None:
        self._house = house
        self._bench = bench
        self._person = person
        self._clock = clock
        self._folder = folder
        self._out = out
        self._real = SystemClock.real()

    async def run(self) -> bool:
        """Play it all; whether everything came out right."""
        try:
            await self._first_driver()
            await self._second_driver()
        except Lost as error:
            self._say(f"\nThe tour lost its way: {error}")
            return False
        return await self._books()

    async def _first_driver(self) -> None:
        person = self._person
        await self._hand("sun", permille=600)
        idle = await person.sees(lambda s: s.page == "idle" and all(key.intent for key in s.connectors), "both plugs free")
        await self._tell(
            "A driver comes.", idle.title, *(f"{k.letter}: {k.plug_name}, {k.power}, {k.price}, {k.note}" for k in idle.connectors)
        )
        await person.press("choose", letter="A")
        price = await person.page("price")
        await self._tell(
            "She touches plug A and sees the whole price.", *(f"{r.name}: {r.amount} {r.unit} {r.note}".strip() for r in price.prices)
        )
        await person.press("accept")
        pay = await person.page("pay")
        await self._tell("She agrees.", pay.title)
        await self._card("silver")
        plug = await person.sees(lambda s: s.page == "plug_in" and bool(s.subtitle), "the discount of her card")
        code = plug.stop_code
        await self._tell(
            "Her bank reserves the amount, and her card makes the price fall.",
            plug.title,
            plug.subtitle,
            plug.card.note if plug.card else "",
        )
        await self._hand("plug", connector=1, soc_percent=38)
        charging = await person.page("charging")
        await self._tell("The car takes the plug; the pile starts.", charging.title)
        await self._clock.sleep(90)
        idle = await person.page("idle")
        await self._tell("She walks away. The screen serves whoever comes next.", idle.title)
        await person.press("choose", letter="A")
        stop = await person.page("stop")
        await self._tell("She comes back and wants to stop.", stop.title)
        await person.press("type_code")
        await person.page("code")
        await person.type(code)
        proven = await person.sees(lambda s: s.page == "stop" and any(b.kind == "hold" for b in s.buttons), "the proof")
        await self._tell("She types the code she was shown at the start.", proven.title)
        await person.press("confirm_stop")
        done = await person.page("finished")
        await self._tell("The pile stops.", done.title, done.countdown.text if done.countdown else "")
        await self._hand("unplug", connector=1)
        paid = await person.sees(lambda s: s.page == "finished" and bool(s.receipt_qr), "the receipt")
        await self._tell(
            "She unplugs: the price is final, exactly that is captured.",
            paid.sum_line,
            f"{paid.card.value} {paid.card.unit} {paid.card.after}, {paid.card.cap_end}" if paid.card else "",
        )
        await person.press("finish")

    async def _second_driver(self) -> None:
        person = self._person
        await person.page("idle")
        await self._tell("A second driver speaks German and plugs in first.")
        await person.press("language")
        await person.page("language")
        await self._look()
        await person.press("language", code="de")
        await self._hand("plug", connector=2, soc_percent=55)
        price = await person.page("price")
        await self._tell("The kiosk shows him the price of his plug.", price.title)
        await person.press("accept")
        await person.page("pay")
        await self._card("declining")
        no = await person.page("trouble")
        await self._tell("His bank says no.", no.title, no.card.note if no.card else "")
        await person.press("another_card")
        await person.page("pay")
        await self._card("wallet")
        charging = await person.page("charging", "starting")
        await self._tell("His phone works.", charging.title)
        await person.page("charging")
        await self._clock.sleep(60)
        await self._tell("Then the kiosk loses its power, in the middle of the charge.")
        await self._hand("power", on=False)
        await self._clock.sleep(30)
        await self._hand("power", on=True)
        back = await person.sees(lambda s: s.page == "idle" and any(k.state == "in_use" for k in s.connectors), "the kiosk again")
        await self._tell("It comes back and knows everything.", back.title)
        await self._hand("unplug", connector=2)
        await self._until_printed(2)
        await self._tell("He unplugs. His sale is settled from the journal and printed, as if nothing had happened.")

    async def _books(self) -> bool:
        await self._house.core.stop()  # a journal is copied when nobody writes it
        for name in ("journal.db", "journal.pub"):
            shutil.copy(self._house.journal.with_name(name), self._folder / name)
        for number in (1, 2):
            name = "receipt.png" if number == 1 else f"receipt-{number}.png"
            (self._folder / name).write_bytes(self._bench.receipt(number))
        verdict = io.StringIO()
        sound = verify_journal(self._folder / "journal.db", verdict) == 0
        payments = self._bench.state()["bank"]
        taken = [p["captured"] for p in payments]
        self._say("\nThe bank's own books:")
        for p in payments:
            self._say(f"  reserved {p['authorized']}, taken {p['captured']}, {p['state']}")
        self._say(f"The journal: {verdict.getvalue().strip().splitlines()[0]}")
        self._say(f"\nLeft in {self._folder}: journal.db, pages/*.png, receipt.png")
        right = sound and len(payments) == 2 and all(p["state"] == "captured" for p in payments) and len(set(taken)) == 2
        if not right:
            self._say("Something is not as it should be.")
        return right

    # --- hands ------------------------------------------------------------------------------------------------------------------

    async def _hand(self, verb: str, **arguments: object) -> None:
        await self._bench.verbs[verb](**arguments)

    async def _card(self, kind: str) -> None:
        """Hold a card to the reader as soon as it asks."""
        for _ in range(200):
            if self._bench.state()["terminal"] == "present_card":
                await self._look()
                await self._hand("card", kind=kind)
                return
            await self._real.sleep(0.05)
        raise Lost("the reader never asked for a card")

    async def _until_printed(self, count: int) -> None:
        for _ in range(600):
            if self._bench.state()["printer"]["receipts"] >= count:
                return
            await self._real.sleep(0.05)
        raise Lost(f"receipt {count} was never printed")

    async def _tell(self, *lines: str) -> None:
        self._say(f"\n{lines[0]}")
        for line in filter(None, lines[1:]):
            self._say(f"    {line}")
        await self._look()

    def _say(self, line: str) -> None:
        self._out.write(f"{line}\n")
        self._out.flush()

    async def _look(self) -> None:
        await self._real.sleep(_LOOK_S)
