"""Every far end of one site on this machine: a terminal and its bank, a pile with cars, a printer, a reader of tags. Real sockets, nothing
else shared.

The acquirer learns of a payment from the terminal's host, as in reality, and may serve several sites.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hardware.clock import Clock
from hardware.simulated.acquirer_server import AcquirerServer
from hardware.simulated.models.acquirer import Acquirer, Authorized
from hardware.simulated.models.pile import PileModel
from hardware.simulated.models.pile_connector import ConnectorSpec
from hardware.simulated.models.printer import PrinterModel
from hardware.simulated.models.reader import ReaderModel
from hardware.simulated.models.terminal import TerminalModel
from hardware.simulated.models.terminal_wire import Authorization, Forwarded
from hardware.simulated.pile_client import PileClient
from hardware.simulated.printer_server import PrinterServer
from hardware.simulated.reader_server import ReaderServer
from hardware.simulated.terminal_server import TerminalServer
from hardware.terminals.adyen.nexo import NexoKey


@dataclass(frozen=True)
class BankKeys:
    """What a merchant has from its acquirer."""

    merchant_account: str
    api_key: str  # captures and cancels
    refund_key: str
    hmac_key: str

    @classmethod
    def fresh(cls, merchant_account: str) -> BankKeys:
        return cls(merchant_account, secrets.token_hex(24), secrets.token_hex(24), secrets.token_hex(32))


@dataclass(frozen=True)
class SiteWiring:
    """How one kiosk and its far ends find each other. `pile_url` is the kiosk's OCPP address without the identity."""

    poi_id: str
    key: NexoKey
    pile: str
    connectors: Sequence[ConnectorSpec]
    pile_url: str
    terminal_port: int = 0
    printer_port: int = 0
    reader_port: int = 0
    columns: int = 48  # characters a line of its paper


class Bank:
    """The acquirer: one for all sites of a merchant."""

    def __init__(self, keys: BankKeys, clock: Clock, port: int = 0) -> None:
        self.keys = keys
        model = Acquirer(
            secrets.SystemRandom(),
            merchant_account=keys.merchant_account,
            capture_key=keys.api_key,
            refund_key=keys.refund_key,
            hmac_key=keys.hmac_key,
        )
        self.server = AcquirerServer(model, clock, port=port)
        self._clock = clock

    def approved(self, record: Authorization) -> None:
        """The terminal's host approved a card."""
        self.server.authorized(self._authorized(record))

    def forwarded(self, late: Forwarded) -> None:
        """The terminal's host was told of a payment the terminal had approved by itself, and asked the issuer."""
        self.server.forwarded(self._authorized(late.record), late.refusal)

    def _authorized(self, record: Authorization) -> Authorized:
        return Authorized(self.keys.merchant_account, record.merchant_reference, record.psp_reference, record.amount, record.at_ms)


class Site:
    """Terminal, pile, printer and reader of one kiosk."""

    def __init__(self, wiring: SiteWiring, bank: Bank, clock: Clock, folder: Path) -> None:
        now_ms = clock.now().utc_ms
        self.terminal_model = TerminalModel(wiring.poi_id, secrets.SystemRandom(), on_authorized=bank.approved, on_forwarded=bank.forwarded)
        self.terminal = TerminalServer(self.terminal_model, clock, wiring.key, folder, port=wiring.terminal_port)
        self.printer_model = PrinterModel(columns=wiring.columns)
        self.printer = PrinterServer(self.printer_model, clock, port=wiring.printer_port)
        self.reader = ReaderServer(ReaderModel(), port=wiring.reader_port)
        pile = PileModel(wiring.pile, wiring.connectors, ids=lambda: secrets.token_hex(8), now_ms=now_ms)
        self.pile = PileClient(pile, wiring.pile_url, clock)
        self._pile_task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Terminal, printer and reader listen; the pile waits for `connect_pile`."""
        await self.terminal.start()
        await self.printer.start()
        await self.reader.start()

    def connect_pile(self) -> None:
        """The pile's controller boots and looks for its kiosk, again and again."""
        self._pile_task = asyncio.create_task(self.pile.run(), name="pile")

    async def stop(self) -> None:
        if self._pile_task is not None:
            self._pile_task.cancel()
            await asyncio.gather(self._pile_task, return_exceptions=True)
        await self.terminal.stop()
        await self.printer.stop()
        await self.reader.stop()
