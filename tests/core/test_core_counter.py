"""The counter between a person's touches and a kiosk that changes meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kiosk.core.counter import Counter
from kiosk.core.pages.view import Offer, Place
from kiosk.pricing.load import load
from kiosk.protocol import Intent
from kiosk.session import facts as f
from kiosk.session import inputs as i
from kiosk.session.decide import decide
from kiosk.session.evolve import fold
from kiosk.session.inputs import Input
from kiosk.session.setup import Connector, Policy, Setup
from kiosk.session.state import Kiosk
from kiosk.session.visit import Times, page
from kiosk.values import ConnectorId, Digest, Moment, Money, SessionId

A = ConnectorId("DE*LND*E0417*1")
TARIFF = b"""{
  "country_code": "DE", "party_id": "LND", "id": "ENERGY", "currency": "EUR", "tax_included": "YES",
  "elements": [{"price_components": [{"type": "ENERGY", "price": 0.50, "vat": 19.0, "step_size": 1}]}],
  "last_updated": "2026-01-01T00:00:00Z"
}"""
NOW = Moment(1_795_000_000_000, "boot", 0, True)


class Ids:
    def session(self) -> SessionId:
        return SessionId(f"K417-{1:026}")

    def service_id(self) -> str:
        return "1"

    def id_tag(self) -> str:
        return "TAG"

    def transaction(self) -> int:
        return 1

    def stop_code_digest(self, session: SessionId) -> Digest:
        return Digest("4711")

    def typed_digest(self, session: SessionId, typed: str) -> Digest:
        return Digest(typed)


class Still:
    def now(self) -> Moment:
        return NOW


@dataclass
class SlowDisk:
    """A kiosk whose inputs are decided when `write` is called, as if the disk took its time."""

    k: Kiosk
    waiting: list[tuple[Input, asyncio.Future[None]]] = field(default_factory=list)

    async def tell(self, given: Input) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append((given, done))
        await done

    def take(self, given: Input) -> None:
        self.k = fold(self.k, decide(self.k, given, NOW, Ids()))

    def write(self) -> None:
        for given, done in self.waiting:
            self.take(given)
            done.set_result(None)
        self.waiting.clear()


def a_kiosk() -> Kiosk:
    setup = Setup(
        "K417",
        "EUR",
        (Connector(A, "A", A, "PILE-1", 1, "ccs", 150_000),),
        Policy(margin=Money(100, "EUR"), smallest_hold=Money(500, "EUR")),
    )
    disk = SlowDisk(Kiosk(setup))
    disk.take(i.PileConnected("PILE-1"))
    disk.take(i.ConnectorChanged("PILE-1", 1, i.ConnectorStatus.AVAILABLE))
    return disk.k


class Clock(Protocol):
    def now(self) -> Moment: ...


def a_counter(disk: SlowDisk, clock: Clock | None = None) -> Counter:
    offers: Mapping[ConnectorId, Offer] = {A: Offer(load(TARIFF), Money(5_000, "EUR"))}
    place = Place("Lindenhof", "DE*LND*E0417", "0800", "Europe/Berlin", ("en",), "right", offers)
    return Counter(place, Times(), clock or Still(), Ids(), lambda: disk.k, disk.tell)


def wish(counter: Counter, id_: str, kind: str, **args: str) -> Intent:
    return Intent(id_, counter.visit.number, 1, kind, args)


async def test_a_sale_on_its_way_to_the_disk_is_not_taken_for_gone():
    disk = SlowDisk(a_kiosk())
    counter = a_counter(disk)
    await counter.intent(wish(counter, "1", "choose", connector=A))
    accepting = asyncio.create_task(counter.intent(wish(counter, "2", "accept")))
    await asyncio.sleep(0)
    assert disk.waiting

    others = [asyncio.create_task(counter.changed((f.PileOffline(NOW, "PILE-2"),))), asyncio.create_task(counter.waited())]
    await asyncio.sleep(0)
    assert page(counter.visit, disk.k, NOW) == "price"  # nothing else is shown before the sale is on the disk
    disk.write()
    assert await accepting == "done"
    await asyncio.gather(*others)

    assert counter.visit.own
    assert page(counter.visit, disk.k, NOW) == "pay"


async def test_a_repeated_touch_while_the_first_is_written_is_stale():
    disk = SlowDisk(a_kiosk())
    counter = a_counter(disk)
    await counter.intent(wish(counter, "1", "choose", connector=A))
    twice = [asyncio.create_task(counter.intent(wish(counter, "2", "accept"))) for _ in range(2)]
    await asyncio.sleep(0)
    assert len(disk.waiting) == 1
    disk.write()
    assert [await one for one in twice] == ["done", "stale"]
    assert len(disk.k.sessions) == 1
