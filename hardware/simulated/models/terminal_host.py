"""The simulated terminal's host, which asks issuers, and what the terminal decides without it while it is away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from hardware.simulated.models.terminal_store import Store, StoreAndForward, Stored
from hardware.simulated.models.terminal_wire import (
    CARDS,
    Authorization,
    CardKind,
    Failure,
    Forwarded,
    RandomSource,
    Sale,
    auth_code,
    draw,
)
from kiosk.values import Money

# The amount's last three digits decide, as testers of Adyen's own terminals are used to.
_DECLINED_AMOUNTS: Mapping[int, Failure] = {
    124: Failure("Refusal", {"refusalReason": "210 Not enough balance"}),
    125: Failure("Refusal", {"refusalReason": "199 Card blocked"}),
    126: Failure("Refusal", {"refusalReason": "228 Card expired"}),
    127: Failure("Refusal", {"refusalReason": "214 Declined online"}),
    128: Failure("InvalidCard", {"refusalReason": "214 Declined online"}),
    134: Failure("WrongPIN", {"refusalReason": "129 Invalid online PIN"}),
}
_DECLINED = Failure("Refusal", {"refusalReason": "214 Declined online"})
_NO_HOST = Failure("UnreachableHost", {"message": "Host unreachable"})


class Host:
    """What was approved for one terminal. The acquirer learns of it at once, or when the terminal forwards what it approved by itself."""

    def __init__(
        self,
        poi_id: str,
        random: RandomSource,
        on_authorized: Callable[[Authorization], None],
        on_forwarded: Callable[[Forwarded], None],
        terms: StoreAndForward | None,
    ) -> None:
        self.book: list[Authorization] = []
        self.store = Store(terms)
        self.reachable = True
        self._poi_id = poi_id
        self._random = random
        self._on_authorized = on_authorized
        self._on_forwarded = on_forwarded

    def decide(self, sale: Sale, kind: CardKind, tender: str, partial: Callable[[], bool], now_ms: int) -> Authorization | Failure:
        """Approve or decline, for good. `partial` is asked only of what is approved online: whether no more than half is granted."""
        record = Authorization(
            merchant_reference=sale.reference,
            psp_reference="",
            tender_reference=tender,
            amount=sale.amount,
            requested=sale.amount,
            poi_id=self._poi_id,
            brand=CARDS[kind].brand,
            last4=CARDS[kind].last4,
            auth_code="",
            at_ms=now_ms,
            preauth=sale.preauth,
            manual_capture=sale.manual_capture,
        )
        refusal = _DECLINED if kind is CardKind.DECLINING else _DECLINED_AMOUNTS.get(sale.amount.minor % 1_000)
        if not self.reachable:
            return self._alone(record, refusal)
        if refusal is not None:
            return refusal
        if partial() or kind is CardKind.PARTIAL:
            record = replace(record, amount=Money((sale.amount.minor + 1) // 2, sale.amount.currency))
        record = self._booked(record)
        self._on_authorized(record)
        return record

    def forward(self) -> bool:
        """Hear of the oldest stored payment. The issuer decides on it now, whatever became of the sale. False when none is left."""
        if not self.reachable or not len(self.store):
            return False
        stored = self.store.first()
        if stored.refusal is None:
            self._on_forwarded(Forwarded(self._booked(stored.record)))
        else:
            self._on_forwarded(Forwarded(self._named(stored.record), stored.refusal.extra["refusalReason"]))
        return True

    def _alone(self, record: Authorization, refusal: Failure | None) -> Authorization | Failure:
        """Decide without the issuer, whose `refusal` comes out only later."""
        if not self.store.takes(record.amount):
            return _NO_HOST
        record = replace(record, offline=True)
        self.store.put(Stored(record, refusal))
        return record

    def _booked(self, record: Authorization) -> Authorization:
        record = self._named(record)
        self.book.append(record)
        return record

    def _named(self, record: Authorization) -> Authorization:
        return replace(record, psp_reference=draw(self._random, 16), auth_code=auth_code(self._random))
