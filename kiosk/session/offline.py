"""What is sold while cards cannot be authorized, and how much of an approval that no issuer has seen may be spent."""

from __future__ import annotations

from kiosk.session.inputs import Approval
from kiosk.session.state import Kiosk
from kiosk.values import Money


def cards_possible(k: Kiosk) -> bool:
    """Whether a card can pay: online, or on the terminal's own approval where the rule allows it and the stored total leaves room."""
    if k.terminal is None or k.terminal.authorizes:
        return True
    rule = k.setup.policy.offline
    return rule.rule == "capped" and k.terminal.reachable and room(k) >= k.setup.policy.smallest_hold


def tags_possible(k: Kiosk) -> bool:
    """Whether a known RFID tag can pay: it can be read, and cards could pay too, or the rule is to sell to tags while they cannot."""
    return k.reader is True and (cards_possible(k) or k.setup.policy.offline.rule == "rfid_only")


def given_away(k: Kiosk) -> bool:
    """Whether a charge needs no card now."""
    return k.setup.policy.offline.rule == "free" and k.terminal is not None and not k.terminal.authorizes


def usable(k: Kiosk, approval: Approval) -> Money:
    """What a sale may spend of an approval: all of it, or of an offline one what the rule allows."""
    if not approval.offline:
        return approval.authorized
    if k.setup.policy.offline.rule != "capped" or approval.authorized.currency != k.setup.currency:
        return Money.zero(approval.authorized.currency)
    return min(approval.authorized, room(k))


def room(k: Kiosk) -> Money:
    """The most that one more sale without an issuer may come to."""
    rule = k.setup.policy.offline
    nothing = Money.zero(k.setup.currency)
    if rule.sale is None or rule.stored is None:
        return nothing
    left = rule.stored - sum((m for m in k.stored.values() if m.currency == rule.stored.currency), nothing)
    return max(nothing, min(rule.sale, left))
