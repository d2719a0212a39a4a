"""A print shop for the simulated world: the product's receipts and print jobs, without the QR code.

Drawing the code costs more than all the rest of a simulated sale, and says nothing that the lines do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hardware.printers.escpos.build import build
from kiosk.journal.entry import Stored
from kiosk.journal.journal import Journal
from kiosk.receipts.document import document
from kiosk.receipts.receipt import Place, Receipt, Seller
from kiosk.receipts.render import Paper, render
from kiosk.session.facts import Fact, SessionFact, SessionOpened
from kiosk.session.requests import PrintReceipt
from kiosk.values import ConnectorId, SessionId

COLUMNS = 42
_LANGUAGE = "en"


class PlainPress:
    """`kiosk.core.performers.Press` over one journal."""

    def __init__(
        self, journal: Journal, seller: Seller, place_of: Callable[[ConnectorId], Place], fact_of: Callable[[Stored], Fact]
    ) -> None:
        self._journal = journal
        self._seller = seller
        self._place_of = place_of
        self._fact_of = fact_of

    async def job(self, body: PrintReceipt) -> bytes:
        lines = render(self.receipt(body.session, body.copy, body.number), Paper(COLUMNS), _LANGUAGE)
        return build((line for line in lines if line.kind != "qr"), COLUMNS)

    def receipt(self, session: SessionId, copy: int, number: int | None = None) -> Receipt:
        """A receipt of a sale as the journal tells it."""
        found = (self._fact_of(stored) for stored in self._journal.read(stream=session))
        return self.receipt_of([fact for fact in found if isinstance(fact, SessionFact)], copy, number)

    def receipt_of(self, facts: Sequence[SessionFact], copy: int = 0, number: int | None = None) -> Receipt:
        opened = next(fact for fact in facts if isinstance(fact, SessionOpened))
        return document(facts, self._seller, self._place_of(opened.connector), number=number, copy=copy)
