"""Receipts of this kiosk's sales: from the journal's facts to the paper's bytes and the phone's code."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Protocol

import segno

from hardware.printers.escpos.build import build
from hardware.printers.layout import LayoutError
from kiosk.core.engine import fact_of
from kiosk.core.performers import PressError
from kiosk.journal.checkpoint import Checkpoint, parse, short
from kiosk.journal.entry import Stored
from kiosk.journal.reader import SignedState
from kiosk.receipts.compact import compact
from kiosk.receipts.content import Document
from kiosk.receipts.credit_note import CreditNote
from kiosk.receipts.document import credit_note, document
from kiosk.receipts.receipt import Place, Receipt, ReceiptError, Seller, Verification
from kiosk.receipts.render import Paper, render
from kiosk.session.codec import CodecError
from kiosk.session.facts import (
    CreditNoteIssued,
    Fact,
    PrintEnded,
    PrintRequested,
    QuoteAgreed,
    ReceiptIssued,
    SessionFact,
    SessionOpened,
    SignedValuesWeighed,
)
from kiosk.session.requests import PrintReceipt
from kiosk.values import ConnectorId, SessionId
from kiosk.wording.catalogue import WordingError

log = logging.getLogger(__name__)

_DIGEST_SHOWN = 12
_CODES_KEPT = 16


class Reads(Protocol):
    def read(self, after: int = 0, stream: str | None = None) -> Iterator[Stored]: ...

    def signed_with(self, seq: int) -> SignedState | None: ...


Sign = Callable[[], Awaitable[Checkpoint]]


class Press:
    """Makes receipts. `place_of` tells where a connector is; `sign` signs the journal as it stands."""

    def __init__(self, journal: Reads, sign: Sign, seller: Seller, place_of: Callable[[ConnectorId], Place], columns: int) -> None:
        self._journal = journal
        self._sign = sign
        self._seller = seller
        self._place_of = place_of
        self._columns = columns
        self._codes: dict[SessionId, tuple[str, ...]] = {}

    async def job(self, body: PrintReceipt) -> bytes:
        """The bytes for the printer: the receipt, and behind it each credit note that corrects it, on a paper of its own. They are the same
        for the same receipt and copy, whenever they are made.

        Each names the first signed state of the journal that includes it: evidence in the driver's hand.
        """
        checkpoint = short(await self._including(body.session))
        receipt, language = self._receipt(body.session, body.copy, checkpoint, body.number)
        notes = [await self._note(body.session, receipt.place, *one) for one in self._notes(body)]
        # Setting the first page loads a library for a third of a second: not on the loop.
        return await asyncio.to_thread(self._set, (receipt, *notes), language)

    def code(self, session: SessionId) -> tuple[str, ...]:
        """The receipt as a QR code, rows of `0` and `1`; empty while none is issued, and when it cannot be made."""
        if session not in self._codes:
            try:
                if not any(isinstance(fact, ReceiptIssued) for fact in self._facts(session)):
                    return ()
                code = _modules(compact(self._receipt(session, 0, "")[0]))
            except (PressError, segno.DataOverflowError):
                log.exception("the receipt of %s has no code", session)
                code = ()
            self._codes[session] = code
            if len(self._codes) > _CODES_KEPT:
                del self._codes[next(iter(self._codes))]
        return self._codes[session]

    def _set(self, papers: Iterable[Document], language: str) -> bytes:
        job = b""
        for paper in papers:
            try:
                job += build(render(paper, Paper(self._columns), language), self._columns)
            except (ReceiptError, WordingError, LayoutError) as error:
                raise PressError(f"{paper.label}: {error}") from error
        return job

    def _notes(self, body: PrintReceipt) -> Iterator[tuple[int, int, int]]:
        """The credit notes there were when this paper was asked for: number, copy and place in the journal. The first paper of one is the
        original, as that of a receipt is, and what nobody printed counts for nothing."""
        entries = [(stored.seq, fact_of(stored)) for stored in self._journal.read(stream=body.session)]
        asked = [i for i, (_, fact) in enumerate(entries) if isinstance(fact, PrintRequested) and _is(fact, body)]
        entries = entries[: asked[-1]] if asked else entries
        for i, (seq, issued) in enumerate(entries):
            if isinstance(issued, CreditNoteIssued):
                yield issued.number, papers([fact for _, fact in entries[i:]]), seq

    async def _note(self, session: SessionId, place: Place, number: int, copy: int, seq: int) -> CreditNote:
        checkpoint = short(await self._signed_with(seq))
        try:
            return credit_note(self._facts(session), self._seller, place, number=number, copy=copy, checkpoint=checkpoint)
        except ReceiptError as error:
            raise PressError(f"session {session}: {error}") from error

    async def _including(self, session: SessionId) -> Checkpoint:
        issued = next((stored.seq for stored in self._journal.read(stream=session) if stored.kind == ReceiptIssued.__name__), None)
        if issued is None:
            raise PressError(f"session {session}: the journal holds no receipt of it that can be read")
        return await self._signed_with(issued)

    async def _signed_with(self, seq: int) -> Checkpoint:
        signed = self._journal.signed_with(seq)
        return parse(signed.note) if signed else await self._sign()

    def _receipt(self, session: SessionId, copy: int, checkpoint: str, number: int | None = None) -> tuple[Receipt, str]:
        facts = self._facts(session)
        opened = next(fact for fact in facts if isinstance(fact, SessionOpened))
        agreed = next(fact for fact in facts if isinstance(fact, QuoteAgreed))
        place = self._place_of(opened.connector)
        try:
            made = document(facts, self._seller, place, number=number, copy=copy, checkpoint=checkpoint, verification=verification(facts))
            return made, agreed.quote.language
        except ReceiptError as error:
            raise PressError(f"session {session}: {error}") from error

    def _facts(self, session: SessionId) -> list[SessionFact]:
        try:
            facts = [fact_of(stored) for stored in self._journal.read(stream=session)]
        except CodecError as error:
            raise PressError(f"session {session}: {error}") from error
        return [fact for fact in facts if isinstance(fact, SessionFact)]


def _is(fact: PrintRequested, body: PrintReceipt) -> bool:
    return (fact.number, fact.copy) == (body.number, body.copy)


def papers(facts: Sequence[Fact]) -> int:
    """How many papers these facts tell of that came out, or may have."""
    failed = {fact.request for fact in facts if isinstance(fact, PrintEnded) and fact.result == "not_printed"}
    return sum(isinstance(fact, PrintRequested) and fact.request not in failed for fact in facts)


def verification(facts: Iterable[SessionFact]) -> Verification | None:
    """How a driver checks what the meter signed; None where the registers were billed.

    The reference leads to the signed values in the journal's evidence: the beginnings of their digests.
    """
    weighed = None
    for fact in facts:
        if isinstance(fact, SignedValuesWeighed) and "too_late" not in fact.reasons:
            weighed = fact  # the last that was weighed for the bill
    if weighed is None or weighed.reasons:
        return None
    digests = [digest[:_DIGEST_SHOWN] for digest in weighed.evidence]
    ends = digests if len(digests) <= 2 else [digests[0], digests[-1]]
    return Verification(weighed.encoding, weighed.key, " ".join(ends))


def _modules(text: str) -> tuple[str, ...]:
    code = segno.make(text, error="m", micro=False)
    return tuple("".join("1" if module else "0" for module in row) for row in code.matrix)
