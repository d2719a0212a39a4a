"""A sale played by hand: inputs in, facts out, on a clock that only the test moves."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TypeVar

from kiosk.metering.reading import Reading
from kiosk.pricing.canonical import canonical, tariff_hash
from kiosk.pricing.load import load
from kiosk.pricing.quote import Quote
from kiosk.session import codec
from kiosk.session import inputs as i
from kiosk.session.decide import advance
from kiosk.session.evolve import KEPT_CLOSED, fold
from kiosk.session.facts import Fact, SessionFact
from kiosk.session.recall import Recalled, wanted
from kiosk.session.requests import Modify, Request, open_requests
from kiosk.session.setup import Connector, Policy, Setup
from kiosk.session.state import Kiosk, Session
from kiosk.values import ConnectorId, Digest, Moment, Money, SessionId

_F = TypeVar("_F", bound=Fact)

PER_KWH = b"""{
  "country_code": "DE", "party_id": "LND", "id": "ENERGY", "currency": "EUR", "tax_included": "YES",
  "elements": [{"price_components": [{"type": "ENERGY", "price": 0.50, "vat": 19.0, "step_size": 1}]}],
  "last_updated": "2026-01-01T00:00:00Z"
}"""

PER_KWH_AND_STAY = b"""{
  "country_code": "DE", "party_id": "LND", "id": "STAY", "currency": "EUR", "tax_included": "YES",
  "elements": [{"price_components": [
    {"type": "ENERGY", "price": 0.50, "vat": 19.0, "step_size": 1},
    {"type": "PARKING_TIME", "price": 6.00, "vat": 19.0, "step_size": 1}]}],
  "last_updated": "2026-01-01T00:00:00Z",
  "x_pilepay": {"idle_grace_seconds": 600, "idle_cap": 12.00}
}"""

A = ConnectorId("DE*LND*E0417*1")
B = ConnectorId("DE*LND*E0417*2")
SETUP = Setup(
    "K417",
    "EUR",
    (
        Connector(A, "A", A, "PILE-1", 1, "ccs", 150_000),
        Connector(B, "B", B, "PILE-1", 2, "type2", 22_000),
    ),
    Policy(margin=Money(100, "EUR"), smallest_hold=Money(500, "EUR")),
)


@dataclass
class CountingIds:
    """Ids that a test can foresee."""

    count: int = 0

    def session(self) -> SessionId:
        return SessionId(f"K417-{self._next():026}")

    def service_id(self) -> str:
        return str(self._next())

    def id_tag(self) -> str:
        return f"TAG{self._next()}"

    def transaction(self) -> int:
        return 1_000 + self._next()

    def stop_code_digest(self, session: SessionId) -> Digest:
        return code_digest(session, "4719")

    def _next(self) -> int:
        self.count += 1
        return self.count


def code_digest(session: SessionId, code: str) -> Digest:
    return Digest(sha256(f"{session}{code}".encode()).hexdigest())


def quote(tariff: bytes = PER_KWH, hold: int = 5_000) -> Quote:
    loaded = load(tariff)
    return Quote(loaded.id, canonical(loaded), tariff_hash(loaded), "Europe/Berlin", Money(hold, "EUR"), "en", ("0.50 €/kWh",))


def names(facts: tuple[Fact, ...]) -> list[str]:
    """What happened, by name."""
    return [type(fact).__name__ for fact in facts]


def approval(minor: int = 5_000, psp: str = "PSP1") -> i.Approval:
    return i.Approval(Money(minor, "EUR"), psp, f"TENDER.{psp}", i.CardFacts("mc", "4821"))


@dataclass
class World:
    """One kiosk. Every fact passes through the codec, as it would through the journal."""

    k: Kiosk = field(default_factory=lambda: Kiosk(SETUP))
    ids: CountingIds = field(default_factory=CountingIds)
    now: Moment = field(default_factory=lambda: Moment(1_800_000_000_000, "boot", 0))
    facts: list[Fact] = field(default_factory=list)
    step: Money | None = None  # of the quotes that drivers accept here
    most: Money | None = None

    def __post_init__(self) -> None:
        self.give(i.KioskStarted())
        self.give(i.PileConnected("PILE-1"))
        for number in (1, 2):
            self.status(number, i.ConnectorStatus.AVAILABLE)

    def give(self, given: i.Input) -> tuple[Fact, ...]:
        """What follows from it; the sale it is about is recalled from its stream when it is no longer held."""
        about = wanted(self.k, given)
        sale = self.recall(about) if about else None
        facts, self.k = advance(self.k, Recalled(sale, given) if sale else given, self.now, self.ids)
        for fact in facts:
            assert codec.decode(codec.encode(fact)) == fact
        self.facts += facts
        return facts

    def ask(self, given: i.Input) -> tuple[Fact, ...]:
        """What would follow from it."""
        return advance(self.k, given, self.now, self.ids)[0]

    def recall(self, session: SessionId) -> Session | None:
        """A sale as its own stream tells it."""
        stream = [fact for fact in self.facts if isinstance(fact, SessionFact) and fact.session == session]
        return fold(Kiosk(self.k.setup), stream).find(session)

    def forget(self) -> SessionId:
        """A whole sale, and so many after it that the kiosk no longer holds it."""
        self.finish()
        session = self.session.id
        for _ in range(KEPT_CLOSED):
            self.finish()
        assert self.k.find(session) is None
        return session

    def wait(self, seconds: int) -> tuple[Fact, ...]:
        self.now = self.now.plus(seconds)
        return self.give(i.TimePassed())

    def jump(self, hours: int) -> None:
        """Somebody sets the wall clock; the clock that counts since boot goes on."""
        self.now = replace(self.now, utc_ms=self.now.utc_ms + hours * 3_600_000)

    def skip(self, seconds: int) -> None:
        """Time in which the pile reports as it should and nothing needs a decision."""
        self.now = self.now.plus(seconds)

    def restart(self) -> None:
        """The process dies and comes back: only the facts survive."""
        assert fold(Kiosk(self.k.setup), self.facts) == self.k
        self.give(i.KioskStarted())
        self.give(i.PileConnected("PILE-1"))

    def meter(self, kwh: int, mwh: int = 0) -> tuple[Fact, ...]:
        """The newest delivery's register, now."""
        number = SETUP.by_id[self.session.connector].number
        return self.give(i.MeterRead("PILE-1", number, self.session.transaction, self.reading(kwh, mwh)))

    def reboot(self, seconds_down: int) -> None:
        """The power was gone: another boot, whose clock begins anew."""
        later = self.now.plus(seconds_down)
        boots = len({fact.at.boot_id for fact in self.facts})
        self.now = Moment(later.utc_ms, f"boot-{boots}", 1_000_000_000)
        self.restart()

    def reconfigure(self, setup: Setup) -> None:
        """The installer changed the configuration: the same facts, folded under another setup."""
        self.k = fold(Kiosk(setup), self.facts)

    def status(self, number: int, status: i.ConnectorStatus) -> tuple[Fact, ...]:
        return self.give(i.ConnectorChanged("PILE-1", number, status))

    def open(self) -> tuple[Request, ...]:
        return open_requests(self.k)

    def quote_in(self, currency: str) -> Quote:
        return replace(quote(), hold=Money(5_000, currency))

    def request(self, kind: str) -> Request:
        """The one open request of this kind."""
        (request,) = (r for r in open_requests(self.k) if r.kind == kind)
        return request

    def reviews(self) -> list[str]:
        """What a person has to look at in the newest sale."""
        return [r.code for r in self.session.reviews]

    def all_of(self, kind: type[_F]) -> list[_F]:
        """Every fact of this kind so far."""
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def operations(self) -> list[str]:
        """What the acquirer is asked for now."""
        return sorted(r.body.operation for r in open_requests(self.k) if isinstance(r.body, Modify))

    def kinds(self) -> list[str]:
        return sorted(r.kind for r in open_requests(self.k))

    def answer(self, kind: str, result: i.Result) -> tuple[Fact, ...]:
        return self.give(i.Outcome(self.request(kind).ref, result))

    @property
    def session(self) -> Session:
        """The newest sale."""
        everyone = (*self.k.recent, *self.k.sessions.values())
        return max(everyone, key=lambda s: s.id)

    # --- stretches of the path --------------------------------------------------------------------------------------------------

    def accept(self, connector: ConnectorId = A, tariff: bytes = PER_KWH, hold: int = 5_000) -> SessionId:
        session = self.ids.session()
        self.give(i.QuoteAccepted(session, connector, replace(quote(tariff, hold), step=self.step, most=self.most)))
        return session

    def pay(self, connector: ConnectorId = A, tariff: bytes = PER_KWH, minor: int = 5_000) -> SessionId:
        session = self.accept(connector, tariff)
        self.answer("Preauthorize", i.Done(approval(minor, f"PSP{session[-4:]}")))
        return session

    def deliver(self, connector: ConnectorId = A, tariff: bytes = PER_KWH, minor: int = 5_000, at_kwh: int = 100) -> int:
        """Paid, plugged, started at `at_kwh` on the register: the transaction id."""
        number = SETUP.by_id[connector].number
        self.pay(connector, tariff, minor)
        self.status(number, i.ConnectorStatus.PREPARING)
        tag = self.session.starts[-1].id_tag
        self.answer("StartDelivery", i.Done(i.Ok()))
        self.give(i.TxStarted("PILE-1", number, tag, self.reading(at_kwh)))
        self.status(number, i.ConnectorStatus.CHARGING)
        assert self.session.transaction is not None
        return self.session.transaction

    def finish(self, kwh: int = 110) -> None:
        """A whole sale of `kwh - 100` kWh within half an hour: captured, printed, the car gone."""
        transaction = self.deliver()
        self.wait(1_800)
        self.end(transaction, kwh)
        self.settle()

    def settle(self) -> None:
        """The acquirer takes the capture, the paper comes out, the car leaves."""
        self.answer("Modify", i.Done(i.Accepted(f"CAP-{self.session.id[-4:]}")))
        self.answer("PrintReceipt", i.Done(i.Printed("printed")))
        self.status(SETUP.by_id[self.session.connector].number, i.ConnectorStatus.AVAILABLE)

    def end(self, transaction: int, kwh: int, reason: str = "Local") -> tuple[Fact, ...]:
        return self.give(i.TxEnded("PILE-1", transaction, "", None, self.reading(kwh), reason))

    def reading(self, kwh: int, mwh: int = 0) -> Reading:
        return Reading(self.now.utc_ms, kwh * 1_000_000 + mwh)
