"""A sale without a card: a known RFID tag agrees to the price, and what the sale comes to is owed on its account.

Nothing is reserved and nobody is asked, so this road works while terminal and acquirer are away. Whom a tag belongs to, and whether it may
charge, is found out before: what comes here is an account that is known and valid now.
"""

from __future__ import annotations

from kiosk.session import facts as f
from kiosk.session.decision import Decision
from kiosk.session.inputs import Account, TagAccepted, TagRecognised
from kiosk.session.money import request_abort
from kiosk.session.offline import tags_possible
from kiosk.session.state import FLOWING, Kiosk, Session, Stage
from kiosk.values import RequestRef

_UNDER_WAY = (Stage.WAITING_FOR_PLUG, Stage.START_REQUESTED, Stage.START_FAILED, *FLOWING)


def under_way(k: Kiosk, account: Account) -> Session | None:
    """The newest sale of this very tag that is not over yet."""
    return next((s for s in reversed(tuple(k.sessions.values())) if s.stage in _UNDER_WAY and _same(s, account)), None)


def busy(k: Kiosk, account: Account) -> bool:
    """Whether the tag must end one charge before it begins another."""
    return not account.several and under_way(k, account) is not None


def waits_for_payment(s: Session) -> bool:
    """Whether a tag can still pay for a sale that began with a card in mind: none has paid yet."""
    return s.stage is Stage.PAYING and s.payment is None and s.quote is not None


def may_stop(s: Session, account: Account) -> bool:
    """Whether the charge belongs to this tag, or to another of its group and contract: never to a stranger's."""
    if s.account is None:
        return False
    same_group = bool(account.group) and (account.group, account.contract) == (s.account.group, s.account.contract)
    return _same(s, account) or same_group


def pay(d: Decision, s: Session, given: TagAccepted) -> None:
    """The tag pays instead of the card that is being asked for. What the card's bank may yet reserve goes back."""
    if not waits_for_payment(s) or s.connector != given.connector or not possible(d.k, given.account):
        return
    request_abort(d, s)
    accept(d, d.k.sessions[s.id], given.account)


def possible(k: Kiosk, account: Account) -> bool:
    """Whether this account may begin a charge now."""
    sound = account.most is None or account.most.currency == k.setup.currency
    return tags_possible(k) and not busy(k, account) and sound


def accept(d: Decision, s: Session, account: Account) -> None:
    """The account stands for the sale from here on."""
    d.note(f.AccountAccepted(d.at, s.id, account), f.StopCodeIssued(d.at, s.id, d.ids.stop_code_digest(s.id)))


def recognised(d: Decision, s: Session, given: TagRecognised) -> None:
    if s.stage in FLOWING and may_stop(s, given.account):
        d.note(f.StopProved(d.at, s.id, "tag"))


def charge(d: Decision, s: Session) -> None:
    """Owe exactly the price, once; the receipt is issued in the same append."""
    if s.account is None or s.priced is None or not s.priced.charge or s.charged is not None or s.delivered is None:
        return
    number = d.k.receipts + 1
    a = s.account
    d.note(
        f.AccountCharged(d.at, s.id, RequestRef(f"{s.id}-K1"), a.tag, a.contract, s.priced.charge, s.delivered.mwh),
        f.ReceiptIssued(d.at, s.id, number),
        f.PrintRequested(d.at, s.id, RequestRef(f"{s.id}-R1"), number, 0),
    )


def _same(s: Session, account: Account) -> bool:
    return s.account is not None and s.account.tag == account.tag
