"""Sales that the kiosk no longer holds in its state, as the journal tells them."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from kiosk.core.engine import fact_of
from kiosk.journal.entry import JournalError, Stored
from kiosk.pricing.discounts import DiscountLine
from kiosk.pricing.rating import Rating
from kiosk.session.codec import KIOSK_STREAM, CodecError
from kiosk.session.energy import signed_before
from kiosk.session.facts import Fact, PaymentAuthorized, Priced
from kiosk.session.inputs import Input, SignedData, SignedRead, TxEnded
from kiosk.session.recall import Recalled, told, wanted
from kiosk.session.setup import Setup
from kiosk.session.state import Kiosk, Session
from kiosk.values import Digest, Moment, SessionId

log = logging.getLogger(__name__)

_RECENT_ENTRIES = 20_000  # in which a card is looked for: some days of a busy kiosk
_BLOCK = 1_000  # of them at a time, so that nothing else waits for long


class Reads(Protocol):
    def read(self, after: int = 0, stream: str | None = None) -> Iterator[Stored]: ...

    def head(self) -> int: ...


Evidence = Callable[[Digest], Awaitable[bytes | None]]


class Archive:
    """Reads sales from the journal. `evidence` gives what a digest stands for while it is kept."""

    def __init__(self, journal: Reads, setup: Setup, evidence: Evidence) -> None:
        self._journal = journal
        self._setup = setup
        self._evidence = evidence

    def sale(self, session: SessionId) -> Session | None:
        """The sale that its own stream folds to; None when there is no such sale, or when it cannot be read."""
        if session == KIOSK_STREAM:  # no sale, and as long as the kiosk is old
            return None
        try:
            facts = [fact_of(stored) for stored in self._journal.read(stream=session)]
        except CodecError:
            return None
        return told(self._setup, session, facts)

    def with_sale(self, k: Kiosk, given: Input) -> Input | Recalled:
        """`given` with the sale it is about, when the kiosk `k` no longer holds that one."""
        session = wanted(k, given)
        sale = self.sale(session) if session is not None else None
        return Recalled(sale, given) if sale is not None else given

    async def with_signed(self, k: Kiosk, given: Input) -> Input:
        """The end of a transaction, or a signed value that comes after it, with the signed values that came before."""
        if not isinstance(given, TxEnded | SignedRead) or not (before := signed_before(k, given)):
            return given
        earlier = []
        for digest in before:
            try:
                data = await self._evidence(digest)
            except JournalError:  # the end must be told all the same; without its begin it proves nothing
                log.exception("a signed value that came before the end cannot be read")
                data = None
            if data is not None:
                earlier.append(SignedData(data, digest))
        return replace(given, signed=(*earlier, *given.signed))

    async def paid_with(self, k: Kiosk, card: Iterable[Digest], since: Moment, asked: SessionId | None = None) -> SessionId | None:
        """The newest sale since then that this card paid for; one that is held before all others, and the one that was `asked` about, whose
        charge the driver stands before, first of all."""
        wanted_hashes = {digest.encode() for digest in card}
        held = (*k.sessions.values(), *k.recent)
        for s in sorted(held, key=lambda s: (s.id == asked, s.closed_at is None, s.opened_at.utc_ms), reverse=True):
            approval = s.payment.approval if s.payment else None
            if approval is not None and await self._is(approval.card.recognition, wanted_hashes):
                return s.id
        head = self._journal.head()
        for last in range(head, max(0, head - _RECENT_ENTRIES), -_BLOCK):
            for fact in reversed(self._approvals(last, since)):
                if await self._is(fact.approval.card.recognition, wanted_hashes):
                    return fact.session
        return None

    async def entitled(self) -> list[tuple[tuple[Digest, ...], Rating, Moment]]:
        """The last bills that took something of a card's entitlement, oldest first, with what the card is known by."""
        payers: dict[SessionId, Digest | None] = {}
        found = []
        head = self._journal.head()
        for first in range(max(0, head - _RECENT_ENTRIES), head, _BLOCK):
            for fact in self._bills(first):
                if isinstance(fact, PaymentAuthorized):
                    payers[fact.session] = fact.approval.card.recognition
                elif (payer := payers.get(fact.session)) is not None and (kept := await self._evidence(payer)) is not None:
                    found.append((tuple(Digest(line) for line in kept.decode("ascii").split("\n")), fact.rating, fact.at))
        return found

    def _bills(self, after: int) -> list[PaymentAuthorized | Priced]:
        """Who pays, and the bills with something of an entitlement in them, in the block of entries that begins after `after`."""
        found: list[PaymentAuthorized | Priced] = []
        for stored in self._journal.read(after):
            if stored.seq > after + _BLOCK:
                break
            if stored.kind not in (PaymentAuthorized.__name__, Priced.__name__):
                continue
            try:
                fact: Fact = fact_of(stored)
            except CodecError:
                continue
            if isinstance(fact, PaymentAuthorized) and fact.wanted:
                found.append(fact)
            if isinstance(fact, Priced) and any(isinstance(x, DiscountLine) and x.left_mwh is not None for x in fact.rating.lines):
                found.append(fact)
        return found

    async def _is(self, digest: Digest | None, wanted_hashes: set[bytes]) -> bool:
        kept = await self._evidence(digest) if digest is not None else None
        return kept is not None and not wanted_hashes.isdisjoint(kept.split(b"\n"))

    def _approvals(self, last: int, since: Moment) -> list[PaymentAuthorized]:
        """The approvals in the block of entries that ends with `last`."""
        found: list[PaymentAuthorized] = []
        for stored in self._journal.read(max(0, last - _BLOCK)):
            if stored.seq > last:
                break
            if stored.kind != PaymentAuthorized.__name__ or stored.at.utc_ms < since.utc_ms:
                continue
            try:
                fact: Fact = fact_of(stored)
            except CodecError:
                continue  # the start has told of it; no card is known by what cannot be read
            if isinstance(fact, PaymentAuthorized) and fact.wanted:
                found.append(fact)
        return found
