"""What pages say of RFID tags and accounts: the side of a charge that is owed, and a tag that came to nothing."""

from __future__ import annotations

from typing import Any

from kiosk.core.pages.view import View, back
from kiosk.protocol import Line, Side, Way
from kiosk.session.cost import final
from kiosk.session.offline import cards_possible, tags_possible
from kiosk.session.state import Session
from kiosk.values import Money


def tags(v: View) -> bool:
    """Whether a known RFID tag may pay now."""
    return tags_possible(v.k)


def tags_only(v: View) -> bool:
    """Whether nothing but a tag may."""
    return tags(v) and not cards_possible(v.k)


def side(v: View, note: str, after: str = "plug_in.reserved") -> Side:
    """The card side of a charge on account: nothing is reserved, and the bill goes to the account."""
    zero = v.say.amount(Money.zero(v.k.setup.currency))
    return Side(v.say.say("side.account"), zero, v.say.symbol(v.k.setup.currency), v.say.say(after), line=Line("none"), note=note)


def note(v: View, s: Session) -> str:
    """Where the bill goes, and how far."""
    most = s.account.most if s.account else None
    return v.say.say("account.bill") if most is None else v.say.say("account.at_most", amount=v.say.money(most))


def owed_side(v: View, s: Session) -> Side:
    """What the account is charged."""
    currency = v.k.setup.currency
    so_far = final(s, v.at).total if s.delivered and s.delivered.mwh else Money.zero(currency)
    owed = s.priced.charge if s.priced else so_far
    after = v.say.say("account.owed" if s.priced else "charging.so_far")
    line = Line("settled" if s.charged else "plain", fact=1_000)
    below = note(v, s) if s.priced else v.say.say("finished.final_after_unplug")
    return Side(v.say.say("side.account"), v.say.amount(owed), v.say.symbol(currency), after, line=line, note=below)


def stop_way(v: View, s: Session) -> tuple[Way, ...]:
    """How the charge is stopped by its tag."""
    if s.account is None or not v.k.reader:
        return ()
    return (Way("card", v.say.say("stop.tag_title"), v.say.say("stop.tag_text")),)


def tag(v: View) -> dict[str, Any]:
    """An RFID tag that came to nothing: why, and what to do."""
    found = v.visit.found
    return {
        "tone": "paper",
        "title": v.say.say(f"card.{found}_title"),
        "found": found,
        "what": v.say.say(f"card.{found}_what"),
        "now": v.say.say(f"card.{found}_now"),
        "buttons": (back(v),),
    }
