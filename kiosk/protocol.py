"""What core and screen say to each other over their Unix socket: one JSON object a line.

The screen says `Hello`, then `Intent` and `Ack`; core says `Snapshot` and `Result`. A snapshot is everything the screen needs: finished
sentences, numbers and prices in the visit's language. The screen holds no state that matters and decides nothing. Standard library only.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

VERSION = 1
MAX_LINE = 262_144


class ProtocolError(ValueError):
    """A line that is not a message of this protocol, or of another version."""


# --- screen -> core -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hello:
    """First message of a screen. `panel_mm` is the visible area's width and height, `languages` what its fonts can show."""

    version: int
    panel_mm: tuple[int, int]
    languages: tuple[str, ...]


@dataclass(frozen=True)
class Intent:
    """A wish of the person at the screen: `kind` and `args` come from a `Button` or `ConnectorKey` of snapshot `seq` and visit `visit`.
    `id` makes a repeat harmless."""

    id: str
    visit: int
    seq: int
    kind: str
    args: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ack:
    """The screen has drawn snapshot `seq`. Core takes cards only while acks are fresh."""

    seq: int


# --- core -> screen -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result:
    """What became of an intent: `done`, `stale` (older visit or a repeat), `refused`."""

    id: str
    code: str


@dataclass(frozen=True)
class Sky:
    """The line above: read only, on every page."""

    operator: str
    station: str
    helpline: str
    clock: str  # local wall time, "14:29"


@dataclass(frozen=True)
class Line:
    """The fact line. Parts are thousandths of the whole: `before` (pale), `fact` (solid), `promise` (hatched)."""

    style: str  # `plain` | `live` (the head breathes) | `settled` (torn) | `none` (only its measure) | `unknown` (dashed)
    before: int = 0
    fact: int = 0
    promise: int = 0


@dataclass(frozen=True)
class Side:
    """One half of the page: the car (start) or the card (end)."""

    label: str
    value: str = ""  # the hero number; empty when there is none
    unit: str = ""
    after: str = ""  # quiet word behind the number ("so far")
    since: str = ""  # "from 14:27" when the number is stale
    line: Line | None = None
    cap_start: str = ""
    cap_end: str = ""
    note: str = ""  # one bold sentence below


@dataclass(frozen=True)
class Fact:
    """A small labelled number."""

    label: str
    value: str
    unit: str = ""
    glyph: str = ""  # `sun`: cheaper by sun, the label becomes a chip


@dataclass(frozen=True)
class PriceRow:
    """A price component. `first` is drawn big; `none` says that the component costs nothing."""

    name: str
    amount: str
    unit: str = ""
    note: str = ""
    first: bool = False
    none: bool = False
    glyph: str = ""  # `sun`: cheaper by sun, the note becomes a chip
    of: str = ""  # the component that `name` is only another time of


@dataclass(frozen=True)
class DayStep:
    """A stretch of `Day` with one price. `start` and `end` are thousandths of its 24 hours, `level` of the highest price in them."""

    start: int
    end: int
    level: int
    price: str  # "0.49 €"
    time: str  # when it begins: "now", "22:00"


@dataclass(frozen=True)
class Day:
    """What a kWh costs over the next 24 hours, where that changes. `hours` are the full hours of the clock, in thousandths of the 24."""

    next: str  # "From 22:00: 0.29 €/kWh"
    spoken: str  # all of it in a sentence, for a screen reader
    steps: tuple[DayStep, ...] = ()
    hours: tuple[int, ...] = ()
    end: str = ""  # how far from now they reach: "+24 h"


@dataclass(frozen=True)
class ConnectorKey:
    """A plug on the idle page. `intent` is sent when it is pressed; empty: it cannot be pressed and is drawn flat."""

    id: str
    letter: str
    state: str  # `free` | `plugged` | `in_use` | `yours` | `ending` | `waiting` | `reserved` | `closed` | `out` | `unknown`
    state_text: str
    plug: str  # `ccs` | `type2` | `chademo` | `nacs` | `type1` | `schuko`
    plug_name: str
    power: str
    price: str = ""  # "0.49 €/kWh", when plugs differ
    note: str = ""  # "about 20 min", "we know"
    intent: str = ""


@dataclass(frozen=True)
class Button:
    """A control of the rail. At most one is `primary`."""

    intent: str
    text: str
    glyph: str = ""  # `right` `left` `check` `cross` `clock` `call` `print` `lock` `stop` `globe` `help` `receipt`
    kind: str = "quiet"  # `primary` | `quiet` | `stop` | `hold` (hold 1.5 s)
    sub: str = ""
    args: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """One of the amounts to choose the hold from; sends the intent `hold` with `args`."""

    text: str  # "50 €"
    chosen: bool
    args: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Countdown:
    """A sentence with a clock time, and a thin line that runs out. `left` and `total` are seconds."""

    text: str
    left: int
    total: int


@dataclass(frozen=True)
class Way:
    """A pictured way to do something (the three ways to stop, the four questions of help). `intent` makes it a key."""

    glyph: str  # `card` | `lock` | `car` | `price` | `start` | `stop` | `receipt`
    title: str
    text: str
    intent: str = ""


@dataclass(frozen=True)
class Language:
    code: str
    name: str  # the endonym
    chosen: bool


@dataclass(frozen=True)
class Snapshot:
    """Everything one page shows.

    `page`: `idle` | `price` | `pay` | `authorising` | `plug_in` | `starting` | `charging` | `stop` | `code` | `card` | `finished` |
    `trouble` | `out_of_order` | `help` | `language`. `tone`: `paper` (at your service), `mint` (electricity), `apricot` (something is
    wrong).
    Fields a page has no use for keep their defaults.
    """

    seq: int
    visit: int
    page: str
    tone: str
    language: str
    rtl: bool
    sky: Sky
    title: str
    subtitle: str = ""
    glyph: str = ""  # beside the title: `warning` on trouble
    badge: str = ""  # the plug's letter beside the title
    connectors: tuple[ConnectorKey, ...] = ()
    price: Fact | None = None  # the hero price of the idle page, when all plugs share it
    prices: tuple[PriceRow, ...] = ()
    small_print: str = ""  # "VAT included. …"
    day: Day | None = None  # on `price`, where the clock changes the price
    choices: tuple[Choice, ...] = ()  # of the hold on `price`, where the driver picks it
    car: Side | None = None
    card: Side | None = None
    facts: tuple[Fact, ...] = ()
    curve: tuple[int, ...] = ()  # power so far in W, evenly spaced from begin to now
    curve_from: str = ""  # clock times at the ends of the curve
    curve_to: str = ""
    stop_code: str = ""  # only ever sent to the screen, only on `plug_in`, `starting` and `charging` of the driver's own visit
    stop_code_label: str = ""
    stop_code_note: str = ""
    plug: str = ""  # for the picture of `plug_in`
    countdown: Countdown | None = None
    steps: str = ""  # live words of the terminal on `pay` and `card`
    reader_side: str = "right"  # where the card reader is: `left` | `right` | `below`
    what: str = ""  # trouble: what happened; `card`: what was found
    now: str = ""  # trouble and `card`: what to do
    found: str = ""  # `card`: `looking` | `nothing` | `unreadable` | `away` | `printing` | `refunded` (printing, with a credit note)
    call: str = ""  # "If you call us, say code P21 and E0417."
    code_typed: int = 0  # how many digits were typed on `code`
    code_length: int = 0
    receipt_qr: tuple[str, ...] = ()  # the receipt's QR code on `finished`: rows of `0` and `1`, without its quiet zone
    receipt_label: str = ""
    receipt_note: str = ""
    sum_line: str = ""  # "31.20 kWh × 0.39 € = 12.17 €, VAT 1.94 € included."
    ways: tuple[Way, ...] = ()
    languages: tuple[Language, ...] = ()
    utilities: tuple[Button, ...] = ()  # language and help, at the start of the rail
    rail_note: str = ""  # a quiet sentence in the rail
    buttons: tuple[Button, ...] = ()
    toast: str = ""


Message = Hello | Intent | Ack | Result | Snapshot

_TYPES: dict[str, type[Any]] = {c.__name__: c for c in (Hello, Intent, Ack, Result, Snapshot)}
_PARTS: dict[str, type[Any]] = {
    "sky": Sky,
    "price": Fact,
    "car": Side,
    "card": Side,
    "line": Line,
    "countdown": Countdown,
    "day": Day,
}
_LISTS: dict[str, type[Any]] = {
    "connectors": ConnectorKey,
    "prices": PriceRow,
    "choices": Choice,
    "facts": Fact,
    "steps": DayStep,
    "ways": Way,
    "languages": Language,
    "utilities": Button,
    "buttons": Button,
}


def encode(message: Message) -> bytes:
    """One line, UTF-8, ending in a newline."""
    body = {"type": type(message).__name__, **asdict(message)}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message on one line. Raises `ProtocolError` for anything else, unknown keys included."""
    if len(line) > MAX_LINE:
        raise ProtocolError(f"a line of {len(line)} bytes is longer than {MAX_LINE}")
    try:
        body = json.loads(line)
        kind = _TYPES[body.pop("type")]
        message = _build(kind, body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ProtocolError(f"not a message of protocol {VERSION}: {error}") from error
    if not isinstance(message, Hello | Intent | Ack | Result | Snapshot):
        raise ProtocolError("not a message")
    return message


def _build(kind: type[Any], body: dict[str, Any]) -> Any:
    known = {f.name for f in fields(kind)}
    if unknown := set(body) - known:
        raise ProtocolError(f"unknown keys in {kind.__name__}: {', '.join(sorted(unknown))}")
    built: dict[str, Any] = {}
    for name, value in body.items():
        if kind is Hello and name == "languages":
            built[name] = tuple(str(v) for v in value)
        elif name in _PARTS and isinstance(value, dict):
            built[name] = _build(_PARTS[name], value)
        elif name in _LISTS and isinstance(value, list):
            built[name] = tuple(_build(_LISTS[name], v) for v in value)
        elif isinstance(value, list):
            built[name] = tuple(value)
        else:
            built[name] = value
    return kind(**built)
