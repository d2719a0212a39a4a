"""What an operator may see and order of a running kiosk: the queue to the acquirer, decisions on reviews, refunds.

Every order carries a name and a reason and becomes a fact. Who may connect is decided by the socket's file mode; see `office_link`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Protocol

from kiosk.core.archive import Archive
from kiosk.core.effects import Queued
from kiosk.core.engine import Batch
from kiosk.session import corrections, decisions
from kiosk.session.facts import AccountCredited, RefundRequested, ReviewDecided
from kiosk.session.faults import FAULTS
from kiosk.session.inputs import Input, RefundAsked, ReviewClosed, StopAsked
from kiosk.session.state import Kiosk, Review, Session
from kiosk.values import MWH_PER_KWH, Moment, Money, SessionId

_PLAIN = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_WORDS = {
    "no_name_or_reason": "give your name with --by and a reason with --reason",
    "no_such_review": "this sale has no open review of that code: see `pilepay review list`",
    "not_possible": "this review cannot be decided that way",
    "hold_over": "what was reserved is over or was let go: note what you did about it as settled",
    "nothing_to_capture": "nothing is reserved for this sale any more, or no energy is named: give --kwh",
    "already_asked": "this refund was ordered before; it is made once",
    "nothing_to_refund": "nothing was captured for this sale, or all of it is paid back",
    "more_than_captured": "that is more than was captured and is not yet paid back",
}
_CAME_FIRST = "another order about this sale came first, and this one was not carried out: look at the sale, and order what is still wanted"


class OfficeError(Exception):
    """An order that cannot be carried out; the message says why and what to do."""


class Clock(Protocol):
    def now(self) -> Moment: ...


class Queue(Protocol):
    def queue(self, at: Moment) -> tuple[Queued, ...]: ...

    def flush(self, at: Moment) -> None: ...


class Upstream(Protocol):
    """The operator's own system, as people ask about it; None where there is none."""

    async def standing(self) -> dict[str, Any] | None: ...

    async def again(self) -> dict[str, Any] | None: ...


@dataclass(frozen=True)
class Office:
    """`tell` decides an input and returns when it is durable; `wake` lets the service look at its queue now."""

    queue: Queue
    archive: Archive
    clock: Clock
    kiosk: Callable[[], Kiosk]
    tell: Callable[[Input], Awaitable[Batch]]
    wake: Callable[[], None]
    refunds_here: bool
    upstream: Upstream | None = None

    async def answer(self, order: Mapping[str, object]) -> dict[str, Any]:
        """Carry out one order. Raises `OfficeError`."""
        match order.get("do"):
            case "queue":
                return {"queue": [_row(row) for row in self.queue.queue(self.clock.now())]}
            case "flush":
                self.queue.flush(self.clock.now())
                self.wake()
                return {"queue": [_row(row) for row in self.queue.queue(self.clock.now())]}
            case "upstream":
                return {"upstream": await self.upstream.standing() if self.upstream else None}
            case "upstream_again":
                return {"upstream": await self.upstream.again() if self.upstream else None}
            case "reviews":
                return {"reviews": [_review(s, r) for s in self._held() for r in s.reviews if r.open]}
            case "decide":
                return await self._decide(order)
            case "refund":
                return await self._refund(order)
            case "stop":
                return await self._stop(order)
        raise OfficeError(f"{order.get('do')!r} is no order: one of queue, flush, upstream, upstream_again, reviews, decide, refund, stop")

    def _held(self) -> tuple[Session, ...]:
        k = self.kiosk()
        return (*k.sessions.values(), *k.recent)

    def _sale(self, order: Mapping[str, object]) -> Session:
        session = SessionId(_text(order, "session"))
        sale = self.kiosk().find(session) or self.archive.sale(session)
        if sale is None:
            raise OfficeError(f"this kiosk has no sale {session}: see `pilepay journal sales`")
        return sale

    async def _decide(self, order: Mapping[str, object]) -> dict[str, Any]:
        sale = self._sale(order)
        code = _text(order, "code")
        if code not in FAULTS:
            raise OfficeError(f"{code!r} is no review: see `pilepay review list`")
        kwh = order.get("kwh")
        mwh = _mwh(str(kwh)) if kwh is not None else None
        given = ReviewClosed(sale.id, code, _text(order, "decision"), _text(order, "by"), _text(order, "reason"), mwh)
        held = self.kiosk().sessions.get(sale.id) is not None
        if no := decisions.objection(sale, given, self.clock.now(), held=held):
            raise OfficeError(_WORDS[no])
        batch = await self.tell(given)
        if not any(isinstance(fact, ReviewDecided) for fact in batch.facts):
            raise OfficeError(_CAME_FIRST)
        return {"facts": [type(fact).__name__ for fact in batch.facts]}

    async def _stop(self, order: Mapping[str, object]) -> dict[str, Any]:
        sale = self._sale(order)
        batch = await self.tell(StopAsked(sale.id, "operator"))
        if not batch.facts:
            raise OfficeError("nothing flows in this sale, or it is being stopped already")
        return {"facts": [type(fact).__name__ for fact in batch.facts]}

    async def _refund(self, order: Mapping[str, object]) -> dict[str, Any]:
        sale = self._sale(order)
        if not self.refunds_here and sale.charged is None:
            raise OfficeError("this kiosk holds no key that may refund: refund in the Customer Area, or configure acquirer.refund_key_file")
        written = order.get("amount")
        given = RefundAsked(
            sale.id,
            _money(str(written), self.kiosk().setup.currency) if written is not None else None,
            _text(order, "by"),
            _text(order, "reason"),
            _text(order, "command"),
        )
        if no := corrections.objection(self.kiosk(), sale, given):
            reasons = f" (reasons: {', '.join(corrections.REASONS)})" if no == "no_name_or_reason" else ""
            raise OfficeError(f"{_WORDS[no]}{reasons}; refundable: {corrections.refundable(self.kiosk(), sale)}")
        batch = await self.tell(given)
        if not any(isinstance(fact, RefundRequested | AccountCredited) for fact in batch.facts):
            raise OfficeError(_CAME_FIRST)
        return {"facts": [type(fact).__name__ for fact in batch.facts], "request": corrections.refund_ref(sale, given)}


def _text(order: Mapping[str, object], name: str) -> str:
    value = order.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 200 or not value.isprintable():
        raise OfficeError(f"{name} is missing, too long, or no plain text")
    return value


def _money(text: str, currency: str) -> Money:
    if _PLAIN.fullmatch(text):
        money = Money.of(text, currency)
        if money.decimal() == Decimal(text) and money.minor > 0:
            return money
    raise OfficeError(f"{text!r} is no amount in {currency}: write it in major units, such as 12.30")


def _mwh(text: str) -> int:
    if _PLAIN.fullmatch(text):
        mwh = Decimal(text) * MWH_PER_KWH
        if mwh == int(mwh):
            return int(mwh)
    raise OfficeError(f"{text!r} is no energy in kWh: write it such as 12.345")


def _review(s: Session, r: Review) -> dict[str, Any]:
    return {
        "session": s.id,
        "connector": s.connector,
        "code": r.code,
        "detail": r.detail,
        "opened_ms": r.opened_at.utc_ms,
        "deadline_ms": r.deadline.utc_ms if r.deadline else None,
        "alarm": r.alarmed,
        "request": r.request or "",
    }


def _row(row: Queued) -> dict[str, Any]:
    """Money as text, the deadline in UTC milliseconds."""
    amount = None if row.amount is None else str(row.amount)
    deadline = None if row.deadline is None else row.deadline.utc_ms
    return asdict(row) | {"amount": amount, "deadline": deadline}
