"""What every page is made from, and the parts that pages share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kiosk.core.live import Live
from kiosk.pricing.discounts import Discount
from kiosk.pricing.model import Tariff
from kiosk.protocol import Button, Line, Side, Sky
from kiosk.session.offline import given_away
from kiosk.session.sellable import sellable
from kiosk.session.setup import Connector
from kiosk.session.state import FLOWING, Kiosk, ModificationState, Payment, Session, Stage
from kiosk.session.visit import Visit
from kiosk.values import ConnectorId, Moment, Money, SessionId
from kiosk.wording.wording import NBSP, Wording

_TAKEN = (ModificationState.SUBMITTED, ModificationState.CONFIRMED)


@dataclass(frozen=True)
class Offer:
    """What a connector is sold for. `hold` is reserved at first; the driver may pick one of `choices` instead; with `step` it grows by that
    much while the charge goes on, up to `most`."""

    tariff: Tariff
    hold: Money
    choices: tuple[Money, ...] = ()
    step: Money | None = None
    most: Money | None = None

    def holding(self, picked: int | None) -> Money:
        """What is reserved when the driver picked that many minor units."""
        return next((m for m in self.choices if m.minor == picked), self.hold)


@dataclass(frozen=True)
class Place:
    """The site as the screen speaks of it. `station` is painted on the pile; its last part is what a caller says."""

    operator: str
    station: str
    helpline: str
    zone: str
    languages: tuple[str, ...]
    reader_side: str
    offers: Mapping[ConnectorId, Offer]

    @property
    def spoken(self) -> str:
        return self.station.rsplit("*", 1)[-1]


@dataclass(frozen=True)
class View:
    """One moment of the kiosk, ready to be put into words."""

    k: Kiosk
    visit: Visit
    at: Moment
    live: Live
    place: Place
    say: Wording
    dialogue: str  # what the terminal is doing: `` | `card` | `bank`
    stop_code: Callable[[SessionId], str]
    receipt_code: Callable[[SessionId], tuple[str, ...]]
    discounts: tuple[Discount, ...] = ()  # what everybody gets now
    given_back: Money | None = None  # of the sale that a card was held to the reader for and that is printed again
    slow: bool = False  # the journal's disk does not answer: what is tapped now would not be heard

    @property
    def session(self) -> Session | None:
        return self.k.find(self.visit.session) if self.visit.session else None

    def connector(self, session: Session) -> Connector:
        """The sale's plug; one that has left the configuration keeps its name and loses its letter."""
        known = self.k.setup.by_id.get(session.connector)
        return known or Connector(session.connector, "?", session.connector, "", 0, "ccs", 0)

    def letter(self, session: Session) -> str:
        return self.connector(session).letter

    def clock(self, moment: Moment) -> str:
        return self.say.clock(moment.utc_ms, self.place.zone)

    @property
    def gift(self) -> bool:
        """Whether a charge that begins now costs nothing."""
        return given_away(self.k)

    def other_sellable(self, session: Session) -> Connector | None:
        """Another plug this driver could use instead."""
        return next((c for c in self.k.setup.connectors if c.id != session.connector and sellable(self.k, c.id)), None)


def sky(v: View) -> Sky:
    return Sky(v.place.operator, v.place.station, v.place.helpline, v.clock(v.at))


def utilities(v: View, where: str) -> tuple[Button, ...]:
    """Language and help: on every page, at the start of the rail. While nobody is there yet, also the way back to one's own charge."""
    always = (Button("language", v.say.endonym, "globe"), Button("help", v.say.say("rail.help"), "help"))
    return (*always, Button("show_card", v.say.say("idle.my_charge"), "card")) if where == "idle" and _charges(v) else always


def _charges(v: View) -> bool:
    """Whether somebody may come back to a charge or its receipt, and the terminal could tell whose card it is."""
    running = any(s.stage in (*FLOWING, Stage.ENDED, Stage.VACATED) for s in v.k.sessions.values())
    return (running or bool(v.k.recent)) and reader_there(v)


def reader_there(v: View) -> bool:
    """Whether the terminal answers, as far as anybody knows."""
    return v.k.terminal is None or v.k.terminal.reachable


def back(v: View, code: str = "rail.back") -> Button:
    return Button("back", v.say.say(code), "left")


def permille(part: int, whole: int) -> int:
    return max(0, min(1_000, part * 1_000 // whole)) if whole > 0 else 0


def hold_side(v: View, hold: Money, after: str, note: str, label: str) -> Side:
    """The card side before anything is taken: all hatched, a promise."""
    line = Line("plain", promise=1_000)
    return Side(label, v.say.amount(hold), v.say.symbol(hold.currency), after, line=line, note=note)


def free_side(v: View, hold: Money, note: str) -> Side:
    """The card side of a charge that is given away: nothing is reserved and nothing is paid."""
    zero = v.say.amount(Money.zero(hold.currency))
    return Side(v.say.say("side.charge"), zero, v.say.symbol(hold.currency), v.say.say("free.to_pay"), line=Line("none"), note=note)


def stop_code(v: View, session: Session) -> dict[str, str]:
    """The code that stops the charge, for the pages of whoever bought it or proved that it is theirs. It is worked out anew for each of
    them and kept nowhere."""
    label, note = v.say.say("plug_in.code"), v.say.say("plug_in.code_note")
    return {"stop_code": v.stop_code(session.id), "stop_code_label": label, "stop_code_note": note}


def card_label(v: View, payment: Payment | None) -> str:
    last4 = payment.approval.card.last4 if payment and payment.approval else ""
    label = v.say.say("side.card")
    return f"{label}{NBSP}{NBSP}••{NBSP}{last4}" if last4 else label


def held(session: Session) -> Money | None:
    """What is off the card's limit: what was reserved at first, or what it has grown to."""
    payment = session.payment
    if payment is None or payment.approval is None:
        return None
    return max(payment.approval.authorized, payment.usable or payment.approval.authorized)


def asked_later(session: Session) -> bool:
    """Whether the terminal alone approved: the bank has not heard of it yet."""
    return session.payment is not None and session.payment.stored


def given_back(session: Session) -> Money | None:
    """What the acquirer took on to pay back; None for nothing."""
    refunds = [m for m in session.modifications.values() if m.operation == "refund" and m.amount is not None]
    amounts = [m.amount for m in refunds if m.amount is not None and m.state in _TAKEN]
    return sum(amounts[1:], amounts[0]) if amounts else None
