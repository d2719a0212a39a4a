"""Who stands at the screen, and what their touch means.

A visit lives in core's memory only and is wiped when nobody touches the screen any more. It is a pure step: what has legal weight leaves it
as an input to the sale.
"""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.pricing.quote import Quote
from kiosk.session import account
from kiosk.session import inputs as i
from kiosk.session.changed import changed
from kiosk.session.inputs import Account, Input
from kiosk.session.offline import cards_possible, given_away, tags_possible
from kiosk.session.sellable import closed_because, sellable
from kiosk.session.state import FLOWING, Kiosk, PaymentState, Session, Stage
from kiosk.values import ConnectorId, Digest, Moment, SessionId

CODE_LENGTH = 4
TAG_S = 15  # so long stands what came of a tag
READ_MS = 1_500  # so long a price that turned up by itself must stand before a tag agrees to it
REPORTING_S = 20  # after a start the piles have so long to find their kiosk before it calls itself out of order


@dataclass(frozen=True, slots=True)
class Times:
    """How long the screen waits for a touch, in seconds."""

    idle_s: int = 30
    finished_s: int = 60


@dataclass(frozen=True)
class Visit:
    """`session` is the sale this person is with; `own` once they bought it here or proved that it is theirs. `overlay` lies above the
    page: `language`, `help`, `stop`, `code`, `card` while the terminal waits for a card to know its driver by, or `tag` when an RFID tag
    came to nothing; `found` is what came of either. `hold` is the maximum they picked, in minor units."""

    number: int
    language: str
    touched_at: Moment
    picked: bool = False  # somebody picked the language
    connector: ConnectorId | None = None
    session: SessionId | None = None
    own: bool = False
    overlay: str = ""
    typed: str = ""
    missed: bool = False  # the last code was wrong
    hold: int | None = None
    found: str = ""  # `looking` | `nothing` | `unreadable` | `away` | `printing`, or a word of `TAG_WORDS`
    stage: Stage | None = None  # of the own sale, as last seen
    turned_at: Moment | None = None  # when a cable that was put in, and nobody's touch, showed the price


# --- what happens at the screen -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Touched:
    """A control or the bare glass. `kind` is an intent of the protocol that needs nothing from outside."""

    kind: str
    argument: str = ""


@dataclass(frozen=True, slots=True)
class Agreed:
    """`Agree and pay` was pressed: the quote as it was shown, and an id for the sale."""

    session: SessionId
    quote: Quote


@dataclass(frozen=True, slots=True)
class DigitTyped:
    """`digest` is the keyed hash of everything typed including this digit."""

    digit: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class PluggedIn:
    """A cable was put into a car at a free connector: its price is what the driver wants to see next."""

    connector: ConnectorId


@dataclass(frozen=True, slots=True)
class Left:
    """A car has left its plug after a charge: whoever unplugged stands here and wants to know what it came to."""

    session: SessionId


@dataclass(frozen=True, slots=True)
class CardShown:
    """What the terminal made of the card that was held to it: the driver's own sale, or a word for `Visit.found`."""

    session: SessionId | None
    word: str = ""


@dataclass(frozen=True, slots=True)
class TagShown:
    """An RFID tag was held to the reader: the account it is good for, or a word of `TAG_WORDS` why it is good for none. `session` is an id
    for a new sale, `quote` the price as it was shown, where one was; unless `seen`, nobody can know what they would agree to."""

    account: Account | None
    word: str = ""
    session: SessionId | None = None
    quote: Quote | None = None
    seen: bool = True


@dataclass(frozen=True, slots=True)
class Waited:
    """Time passed at the screen."""


# Why a tag came to nothing: it is not known, barred, past its date or cannot be told from others; it has a charge already; no plug was
# chosen whose price it could agree to; this charge costs nothing.
TAG_WORDS = ("tag_unknown", "tag_blocked", "tag_expired", "tag_random", "tag_busy", "tag_choose", "tag_free")

VisitInput = Touched | Agreed | DigitTyped | PluggedIn | Left | CardShown | TagShown | Waited


def step(v: Visit, given: VisitInput, k: Kiosk, at: Moment, times: Times, default_language: str) -> tuple[Visit, tuple[Input, ...]]:
    """The visit after `given`, and what it asks of the sales."""
    match given:
        case Waited():
            return _waited(v, k, at, times, default_language), ()
        case PluggedIn(connector):
            if page(v, k, at) == "idle" and sellable(k, connector):
                return changed(v, connector=connector, touched_at=at, turned_at=at), ()
            return v, ()
        case Left(session):
            if page(v, k, at) in ("idle", "out_of_order"):
                return changed(v, session=session, own=True, touched_at=at), ()
            return v, ()
    v = changed(v, touched_at=at)
    match given:
        case Agreed(session, quote):
            if v.connector is None or page(v, k, at) != "price" or not (cards_possible(k) or given_away(k)):
                return v, ()
            accepted = i.QuoteAccepted(session, v.connector, quote)
            return changed(v, connector=None, session=session, own=True, hold=None), (accepted,)
        case CardShown():
            return _shown(v, given.session, given.word, k)
        case TagShown():
            return _tag(v, given, k, at, default_language)
        case DigitTyped(digit, digest):
            return _digit(v, digit, digest)
        case Touched(kind, argument):
            return _touched(v, kind, argument, k, at, default_language)
    return v, ()


def refresh(v: Visit, k: Kiosk, at: Moment) -> Visit:
    """The visit after the kiosk changed: a step forward of the own sale counts as a touch, but for those while energy flows; a proof opens
    the sale to whoever gave it, a wrong code is told."""
    s = k.find(v.session) if v.session else None
    if v.session and s is None:
        return changed(v, session=None, own=False, overlay="", typed="")
    if s is not None and v.own and s.stage is not v.stage:
        on_and_off = v.stage in FLOWING and s.stage in FLOWING  # a car may pause and go on all night with nobody there
        v = changed(v, stage=s.stage, touched_at=v.touched_at if on_and_off else at)
    if s is None or v.overlay != "code" or len(v.typed) < CODE_LENGTH:
        return v
    if s.proved_by == "code" and not s.code_misses:  # a miss after a proof is a miss, and while the code is locked nothing typed is a proof
        return changed(v, own=True, overlay="stop", typed="", missed=False)
    return changed(v, typed="", missed=True)


def fresh(number: int, language: str, at: Moment) -> Visit:
    """Nobody there."""
    return Visit(number, language, at)


# --- which page ---------------------------------------------------------------------------------------------------------------


def page(v: Visit, k: Kiosk, at: Moment) -> str:
    """The page that visit and kiosk amount to (`kiosk.protocol.Snapshot.page`)."""
    if v.overlay in ("language", "help", "card", "tag"):
        return v.overlay
    s = k.find(v.session) if v.session else None
    if s is not None:
        if v.overlay in ("stop", "code") and s.stage in FLOWING:
            return v.overlay
        if v.own:
            return _of_session(s)
    if v.connector is not None and sellable(k, v.connector):
        return "price"
    if not k.sound and not any(x.stage in FLOWING for x in k.sessions.values()):
        return "out_of_order"
    usable = (c for c in k.setup.connectors if sellable(k, c.id) or k.at(c.id) is not None)
    coming = reporting(k, at) and not closed_because(k)
    return "idle" if any(usable) or coming else "out_of_order"


def reporting(k: Kiosk, at: Moment) -> bool:
    """Whether the kiosk has only just started and its piles may still be on their way to it."""
    return k.sound and k.started_at is not None and at.ms_since(k.started_at) < REPORTING_S * 1_000


def _of_session(s: Session) -> str:
    if s.stage is Stage.PAYING:
        last = s.last_payment
        return "pay" if last and last.state is PaymentState.REQUESTED else "trouble"
    if s.stage in (Stage.GIVEN_UP, Stage.START_FAILED):
        return "trouble"
    if s.stage is Stage.WAITING_FOR_PLUG:
        return "plug_in"
    if s.stage is Stage.START_REQUESTED:
        return "starting"
    if s.stage in FLOWING:
        return "charging"
    nothing = s.delivered is not None and not s.delivered.mwh
    return "trouble" if nothing or fault_of(s) else "finished"


def fault_of(s: Session) -> str:
    """The code of what went wrong with a sale (`kiosk.session.faults`), empty when nothing did, as far as the driver needs to know."""
    if s.stage is Stage.GIVEN_UP:
        if code := _review_fault(s):
            return code
        reserved = s.money_open or any(p.approval for p in s.payments.values())
        return "cancelled_reserved" if s.given_up == "cancelled" and reserved else s.given_up
    if s.stage is Stage.PAYING:
        return s.last_payment.fault if s.last_payment else ""
    if s.stage is Stage.START_FAILED:
        return "start_failed"
    if code := _review_fault(s):
        return code
    if s.delivered is not None and not s.delivered.mwh:
        return "nothing_delivered"
    return ""


def _review_fault(s: Session) -> str:
    """A review that the driver's money is about."""
    codes = [r.code for r in s.reviews]
    told = ("capture_refused", "capture_failed", "meter_unproven", "cancel_refused", "cancel_failed", "offline_declined")
    return next((code for code in told if code in codes), "")


# --- touches ------------------------------------------------------------------------------------------------------------------


def _shown(v: Visit, session: SessionId | None, word: str, k: Kiosk) -> tuple[Visit, tuple[Input, ...]]:
    if v.overlay != "card":
        return v, ()
    s = k.find(session) if session else None
    if s is None:
        return changed(v, found=word or "nothing"), ()
    v = changed(v, session=s.id, own=True, connector=None, overlay="", found="")
    if s.stage in FLOWING:
        return changed(v, overlay="stop"), (i.CardRecognised(s.id),)
    return v, ()


def _tag(v: Visit, given: TagShown, k: Kiosk, at: Moment, default_language: str) -> tuple[Visit, tuple[Input, ...]]:
    """What a tag means depends on what its driver looks at: a price it agrees to, a card it pays in the place of, a charge it may stop."""
    a = given.account
    if a is None:
        return changed(v, overlay="tag", found=given.word, typed="", missed=False), ()
    covered = v.overlay in ("language", "help")
    v = changed(v, overlay="", found="") if covered or v.overlay in ("card", "tag") else v
    s = k.find(v.session) if v.session else None
    if s is not None and s.stage in FLOWING and account.may_stop(s, a):
        return changed(v, own=True, overlay="stop", typed="", missed=False), (i.TagRecognised(s.id, a),)
    if page(v, k, at) == "price":
        return (v, ()) if covered else _tag_at_price(v, given, a, k, at)  # nobody agrees to what they do not look at
    if s is not None and v.own and account.waits_for_payment(s) and s.quote is not None:
        if not tags_possible(k) or not given.seen:
            return v, ()
        if account.busy(k, a):
            return changed(v, overlay="tag", found="tag_busy"), ()
        return v, (i.TagAccepted(s.id, s.connector, s.quote, a),)
    if (mine := account.under_way(k, a)) is not None:
        flowing = mine.stage in FLOWING
        v = changed(v, connector=None, session=mine.id, own=True, overlay="stop" if flowing else "", typed="", missed=False)
        return v, (i.TagRecognised(mine.id, a),) if flowing else ()
    return _tag_first(v, k, at, default_language), ()


def _tag_at_price(v: Visit, given: TagShown, a: Account, k: Kiosk, at: Moment) -> tuple[Visit, tuple[Input, ...]]:
    if v.turned_at is not None and at.ms_since(v.turned_at) < READ_MS:
        return v, ()  # whoever held the tag looked at another page
    if given_away(k):
        return changed(v, overlay="tag", found="tag_free"), ()
    if account.busy(k, a):
        return changed(v, overlay="tag", found="tag_busy"), ()
    if v.connector is None or given.session is None or given.quote is None or not given.seen or not account.possible(k, a):
        return v, ()
    accepted = i.TagAccepted(given.session, v.connector, given.quote, a)
    return changed(v, connector=None, session=given.session, own=True, hold=None, overlay=""), (accepted,)


def _tag_first(v: Visit, k: Kiosk, at: Moment, default_language: str) -> Visit:
    """The tag came before the price: show that of the plug that can only be meant, or ask for one."""
    if not tags_possible(k):
        return v
    free = tuple(c.id for c in k.setup.connectors if sellable(k, c.id))
    plugged = tuple(c for c in free if (state := k.connectors.get(c)) is not None and state.status is i.ConnectorStatus.PREPARING)
    meant = plugged if len(plugged) == 1 else free
    v = changed(_wiped(v, at, default_language), language=v.language, picked=v.picked)
    return changed(v, connector=meant[0]) if len(meant) == 1 else changed(v, overlay="tag", found="tag_choose")


def _touched(v: Visit, kind: str, argument: str, k: Kiosk, at: Moment, default_language: str) -> tuple[Visit, tuple[Input, ...]]:
    s = k.find(v.session) if v.session else None
    match kind:
        case "choose":
            return _choose(v, ConnectorId(argument), k), ()
        case "language" if argument:
            return changed(v, language=argument, picked=True, overlay=""), ()
        case "language" | "help":
            return changed(v, overlay="" if v.overlay == kind else kind), ()
        case "hold" if argument.isdecimal():
            return changed(v, hold=int(argument)), ()
        case "show_card" if page(v, k, at) in ("idle", "stop", "card"):
            return changed(v, overlay="card", found="looking", typed="", missed=False), ()
        case "back":
            return _back(v, at, default_language), ()
        case "leave" | "finish":
            return _wiped(v, at, default_language), ()
        case "stop" if s and s.stage in FLOWING:
            return changed(v, overlay="stop"), ()
        case "type_code" if s and s.stage in FLOWING:
            return changed(v, overlay="code", typed="", missed=False), ()
        case "erase":
            return changed(v, typed=v.typed[:-1], missed=False), ()
    if s is None or not v.own:
        return v, ()
    return _sale(v, kind, s, k, at)


def _sale(v: Visit, kind: str, s: Session, k: Kiosk, at: Moment) -> tuple[Visit, tuple[Input, ...]]:
    match kind:
        case "cancel":
            return v, (i.DriverCancelled(s.id),)
        case "start_again":
            return v, (i.StartAgain(s.id),)
        case "another_card":
            return v, (i.AnotherCard(s.id),)
        case "more_time":
            return v, (i.MoreTime(s.id),)
        case "confirm_stop" if proven(s, at, k.setup.policy.proof_s):
            return changed(v, overlay=""), (i.StopAsked(s.id, s.proved_by),)
        case "print":
            return v, (i.ReprintAsked(s.id),)
    return v, ()


def proven(s: Session, at: Moment, proof_s: int) -> bool:
    """Whether somebody showed, just now, that the charge is theirs."""
    return bool(s.proved_by) and s.proved_at is not None and at.ms_since(s.proved_at) < proof_s * 1_000


def _choose(v: Visit, connector: ConnectorId, k: Kiosk) -> Visit:
    s = k.at(connector)
    if s is not None and s.stage in FLOWING:
        mine = v.own and v.session == s.id
        return changed(v, connector=None, session=s.id, own=mine, overlay="" if mine else "stop", typed="", missed=False)
    if sellable(k, connector):
        return changed(v, connector=connector, session=None, own=False, overlay="", hold=None)
    return v


def _untagged(v: Visit) -> Visit:
    """What lay under the word about a tag: whoever looked at somebody's charge looks at it still."""
    return changed(v, overlay="stop" if v.session is not None and not v.own else "", found="")


def _back(v: Visit, at: Moment, default_language: str) -> Visit:
    if v.overlay == "code":
        return changed(v, overlay="stop", typed="", missed=False)
    if v.overlay == "tag":
        return _untagged(v)
    if v.overlay == "card" and v.session is not None:
        return changed(v, overlay="stop", found="")
    if v.overlay and v.own:
        return changed(v, overlay="")
    if v.overlay in ("language", "help", "card"):
        return changed(v, overlay="")
    return changed(_wiped(v, at, default_language), language=v.language, picked=v.picked)


def _digit(v: Visit, digit: str, digest: Digest) -> tuple[Visit, tuple[Input, ...]]:
    session = v.session
    if v.overlay != "code" or session is None or len(v.typed) >= CODE_LENGTH or not digit.isdecimal():
        return v, ()
    v = changed(v, typed=v.typed + digit, missed=False)
    return v, (i.StopCodeTyped(session, digest),) if len(v.typed) == CODE_LENGTH else ()


# --- time ---------------------------------------------------------------------------------------------------------------------


def _waited(v: Visit, k: Kiosk, at: Moment, times: Times, default_language: str) -> Visit:
    if v.session is None and v.connector is None and not v.overlay and v.language == default_language and not v.picked:
        return v
    if v.overlay == "tag" and at.ms_since(v.touched_at) >= TAG_S * 1_000:
        v = _untagged(v)
    where = page(changed(v, overlay=""), k, at)
    if where in ("pay", "plug_in", "starting"):
        return v
    s = k.find(v.session) if v.session else None
    if where == "trouble" and s is not None and (s.money_open or s.stage is Stage.START_FAILED):
        return v
    limit = times.finished_s if where in ("finished", "trouble") else times.idle_s
    return _wiped(v, at, default_language) if at.ms_since(v.touched_at) >= limit * 1_000 else v


def _wiped(v: Visit, at: Moment, default_language: str) -> Visit:
    return fresh(v.number + 1, default_language, at)
