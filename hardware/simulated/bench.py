"""The bench: the far ends' control panel, as a page for people and a small HTTP API for tests. On loopback only.

Everything one can do here a person could do at the real place: plug a car in, hold a card to the reader, pull a cable, take the paper out.
`POST /api/<verb>` with a JSON object of its arguments; `GET /api/state` tells what there is to see.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from fastapi import FastAPI, HTTPException, Response
from fastapi.responses import HTMLResponse

from hardware.simulated.far_ends import Bank, Site
from hardware.simulated.models.acquirer import FAULTS as BANK_FAULTS
from hardware.simulated.models.acquirer_books import Payment
from hardware.simulated.models.car import Car
from hardware.simulated.models.pile_connector import Fault as PileFault
from hardware.simulated.models.reader import UIDS, TagKind
from hardware.simulated.models.reader import Fault as ReaderFault
from hardware.simulated.models.terminal import Fault as TerminalFault
from hardware.simulated.models.terminal_store import StoreAndForward
from hardware.simulated.models.terminal_wire import CardKind
from hardware.simulated.paper import picture, text
from hardware.simulated.roof import Roof

_PAGE = Path(__file__).with_name("bench.html")


class Power(Protocol):
    """The kiosk's own mains switch and processes, which belong to whoever supervises it."""

    async def cut(self) -> None: ...

    async def back(self) -> None: ...

    async def kill(self, process: str) -> None: ...

    def state(self) -> Mapping[str, object]: ...


class Bench:
    """What hands can do to one site. Every verb takes the JSON arguments and raises ValueError, with the mend, when they make no sense."""

    def __init__(self, site: Site, bank: Bank, power: Power, roof: Roof | None = None) -> None:
        self._roof = roof
        self._site = site
        self._bank = bank
        self._power = power
        self.verbs: dict[str, Callable[..., Awaitable[None]]] = {
            "plug": self._plug,
            "unplug": self._unplug,
            "fill": self._fill,
            "rest": self._rest,
            "pile_button": self._pile_button,
            "card": self._card,
            "tag": self._tag,
            "reader": self._reader,
            "terminal_cancel": self._terminal_cancel,
            "terminal_reboot": self._terminal_reboot,
            "store_and_forward": self._store_and_forward,
            "network": self._network,
            "fault": self._fault,
            "mend": self._mend,
            "paper": self._paper,
            "cover": self._cover,
            "power": self._mains,
            "kill": self._kill,
            "sun": self._sun,
        }

    def state(self) -> dict[str, Any]:
        """Everything there is to see, JSON-able."""
        printer = self._site.printer_model
        return {
            "terminal": self._site.terminal.state().value,
            "terminal_stored": self._site.terminal.stored(),
            "pile": self._site.pile.state(),
            "printer": {"paper_mm": printer.paper_mm, "cover_open": printer.cover_open, "receipts": len(printer.receipts)},
            "bank": [_payment(p) for p in self._bank.server.books().payments],
            "kiosk": dict(self._power.state()),
            "reader": "listened to" if self._site.reader.heard else "nobody listens",
            "sun_permille": self._roof.permille if self._roof else 0,
            "faults": {
                "terminal": [f.value for f in TerminalFault],
                "bank": list(BANK_FAULTS),
                "pile": [f.value for f in PileFault],
                "reader": [f.value for f in ReaderFault],
            },
        }

    def receipt(self, number: int) -> bytes:
        """PNG of the `number`th piece of paper, from 1, drawn from the printed bytes."""
        out = io.BytesIO()
        picture(self._printed(number), self._site.printer_model.columns).save(out, "PNG")
        return out.getvalue()

    def receipt_text(self, number: int) -> str:
        return text(self._printed(number))

    def _printed(self, number: int) -> bytes:
        receipts = self._site.printer_model.receipts
        if not 1 <= number <= len(receipts):
            raise ValueError(f"there are {len(receipts)} receipts, no number {number}")
        return receipts[number - 1]

    # --- verbs ------------------------------------------------------------------------------------------------------------------

    async def _plug(self, connector: int, capacity_kwh: int = 64, soc_percent: int = 40) -> None:
        self._site.pile.plug(connector, Car(capacity_kwh * 1_000, soc_percent))

    async def _unplug(self, connector: int) -> None:
        self._site.pile.unplug(connector)

    async def _fill(self, connector: int) -> None:
        self._site.pile.fill_battery(connector)

    async def _rest(self, connector: int, resting: bool = True) -> None:
        self._site.pile.rest(connector, resting=resting)

    async def _pile_button(self, connector: int) -> None:
        self._site.pile.stop_locally(connector)

    async def _card(self, kind: str = "good") -> None:
        if not self._site.terminal.present_card(CardKind(kind)):
            raise ValueError("the terminal does not ask for a card now")

    async def _tag(self, kind: str = "known") -> None:
        """Hold an RFID tag to the reader for a moment."""
        await self._site.reader.hold(UIDS[TagKind(kind)])

    async def _reader(self, up: bool) -> None:
        """The reader's cable."""
        await (self._site.reader.start() if up else self._site.reader.unplug())

    async def _terminal_cancel(self) -> None:
        self._site.terminal.press_cancel()

    async def _terminal_reboot(self) -> None:
        self._site.terminal.reboot()

    async def _store_and_forward(self, max_minor: int, max_payments: int, currency: str = "EUR") -> None:
        """The owner's limits for payments the terminal approves by itself while its host is away; no payments: none."""
        self._site.terminal.store_and_forward(StoreAndForward({currency: max_minor}, max_payments) if max_payments else None)

    async def _network(self, up: bool) -> None:
        if up:
            self._site.pile.restore_network()
        else:
            self._site.pile.cut_network()

    async def _fault(self, where: str, name: str, connector: int = 1) -> None:
        match where:
            case "terminal":
                self._site.terminal.fault(TerminalFault(name))
            case "bank":
                self._bank.server.fault(name)
            case "pile":
                self._site.pile.fault(PileFault(name), connector)
            case "reader":
                self._site.reader.model.fault = ReaderFault(name)
            case _:
                raise ValueError(f"{where!r} cannot fail here: use terminal, bank, pile or reader")

    async def _mend(self) -> None:
        self._site.pile.mend()
        self._bank.server.clear_faults()
        self._site.terminal.fault(TerminalFault.ONLINE)
        self._site.terminal.fault(TerminalFault.HOST_BACK)
        self._site.reader.model.fault = ReaderFault.NONE
        await self._site.reader.start()

    async def _paper(self, mm: int) -> None:
        if mm:
            self._site.printer_model.refill(mm)
        else:
            self._site.printer_model.paper_mm = 0

    async def _cover(self, is_open: bool) -> None:
        self._site.printer_model.cover_open = is_open

    async def _mains(self, on: bool) -> None:
        await (self._power.back() if on else self._power.cut())

    async def _sun(self, permille: int) -> None:
        if self._roof is None:
            raise ValueError("this site has no roof")
        self._roof.shine(permille)

    async def _kill(self, process: str) -> None:
        await self._power.kill(process)


def web(bench: Bench) -> FastAPI:
    """The page and the API around a bench."""
    app = FastAPI(title="PilePay bench", openapi_url=None)

    @app.get("/")
    async def page() -> HTMLResponse:
        return HTMLResponse(_PAGE.read_text("utf-8"))

    @app.get("/api/state")
    async def state() -> dict[str, Any]:
        return bench.state()

    @app.post("/api/{verb}")
    async def act(verb: str, arguments: dict[str, Any]) -> dict[str, str]:
        if verb not in bench.verbs:
            raise HTTPException(404, f"no verb {verb!r}: one of {', '.join(bench.verbs)}")
        try:
            await bench.verbs[verb](**arguments)
        except (ValueError, TypeError, KeyError) as error:
            raise HTTPException(400, f"{verb}: {error}") from error
        return {"done": verb}

    @app.get("/receipts/{number}.png")
    async def receipt(number: int) -> Response:
        try:
            return Response(bench.receipt(number), media_type="image/png")
        except ValueError as error:
            raise HTTPException(404, str(error)) from error

    return app


def _payment(p: Payment) -> dict[str, str]:
    return {
        "reference": p.merchant_reference,
        "authorized": str(p.authorized),
        "captured": str(p.captured),
        "held": str(p.held),
        "state": "cancelled" if p.cancelled else "captured" if p.captured else "held",
    }
