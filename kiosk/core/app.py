"""The composition root: every room of one kiosk put together and run until it is told to stop.

The order of starting is the order of trust: the journal is opened, verified and replayed, the open requests are known, and only then does
anybody from outside get in.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Iterator, Sequence

import uvicorn
from fastapi import FastAPI, Request, Response

from hardware.api import TerminalEvent
from hardware.terminals.adyen.notifications import LARGEST_NOTIFICATION
from kiosk.config.model import Config
from kiosk.core import parts
from kiosk.core.archive import Archive
from kiosk.core.clock import SystemClock
from kiosk.core.counter import Counter
from kiosk.core.desk import Desk
from kiosk.core.discounting import Discounting
from kiosk.core.disk import Marked
from kiosk.core.effects import Effects
from kiosk.core.engine import Batch, Engine
from kiosk.core.greeter import Greeter
from kiosk.core.ids import KioskIds
from kiosk.core.kernel import Seals, answer, known_tag, signs
from kiosk.core.live import Live
from kiosk.core.notify import notify
from kiosk.core.office import Office
from kiosk.core.office_link import SOCKET, OfficeLink
from kiosk.core.pages.compose import compose
from kiosk.core.pages.view import View
from kiosk.core.paper import Press
from kiosk.core.performers import Performers
from kiosk.core.pulse import Pulse
from kiosk.core.screen_link import ScreenLink
from kiosk.core.service import Service
from kiosk.core.start import start
from kiosk.core.tags import Tags
from kiosk.core.terminal_watch import TerminalWatch
from kiosk.core.upkeep import Upkeep
from kiosk.core.upstream import Upstream
from kiosk.journal.journal import Journal
from kiosk.journal.thread import JournalThread
from kiosk.ocpp.seam import Reply
from kiosk.ocpp.server import OcppServer
from kiosk.payments.webhooks import routes
from kiosk.protocol import Intent, Snapshot
from kiosk.session.inputs import Account, Confirmation, Input, KioskStarted
from kiosk.session.recall import wanted
from kiosk.session.requests import open_requests
from kiosk.values import Digest, Moment
from kiosk.wording.wording import Wording

log = logging.getLogger(__name__)

_TICK_S = 1.0
_FORGET_S = 3_600
_BODY_S = 60
_SERIALS = ("service_id", "transaction")


async def serve(config: Config, clock: SystemClock) -> None:
    """Run the kiosk until SIGTERM or SIGINT. Raises when the journal refuses: then the supervisor starts it again."""
    app = App(config, clock)
    try:
        await app.run()
    finally:
        await app.close()


class WebServer(uvicorn.Server):
    """Uvicorn without its signal handlers: signals are the kiosk's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class App:
    """One kiosk's rooms, wired."""

    def __init__(self, config: Config, clock: SystemClock) -> None:
        self._config = config
        self._clock = clock
        directory = config.journal.directory
        journal = Journal.open(directory / "journal.db")
        self._begun = begun = start(journal, parts.setup(config))
        kiosk = begun.kiosk
        now = clock.now()
        effects = Effects(parts.pace(config))
        requests = open_requests(kiosk)
        effects.restore(requests, journal.effects.all(), now)
        for ref in {retry.ref for retry in journal.effects.all()} - {str(request.ref) for request in requests}:
            journal.effects.delete(ref)
        self._journal = JournalThread(journal, serials=_SERIALS)
        self._marked = Marked(self._journal, begun.seq)
        self._reader = self._journal.reader()
        self._ids = KioskIds(
            config.site.kiosk_id, self._journal, parts.kiosk_secret(directory), recognition_key=parts.recognition_key(config)
        )
        self._seals = Seals(self._journal.seal, clock.now)
        self._service = Service(Engine(kiosk, self._ids), self._marked, clock, effects, self._seals.of)
        self._upkeep = Upkeep(self._journal, journal.layout, begun, self._marked, lambda: self._service.kiosk, self._service.tell, clock)
        self._live = Live()
        self._desk = Desk(parts.terminal(config, clock), clock, SystemClock.real(), self._ids, self._recognise)
        self._display = parts.display(config, self._terminal_told)
        self._acquirer = parts.acquirer(config, clock)
        self._press = Press(
            self._reader, self._journal.checkpoint, parts.seller(config), lambda c: parts.receipt_place(config, c), parts.columns(config)
        )
        self._ocpp = OcppServer(
            parts.piles(config),
            tell=self._tell_pile,
            known_tag=self._known_tag,
            clock=clock,
            evidence=self._keep_frame,
            host=config.ocpp.host,
            port=config.ocpp.port,
        )
        printer = parts.printer(config, clock)
        self._performers = Performers(self._desk, self._acquirer, self._ocpp.piles, printer, self._press)
        self._place = parts.screen_place(config)
        self._archive = Archive(self._reader, kiosk.setup, self._journal.evidence)
        self._asker = parts.asker(config, clock)
        self._discounting = Discounting(
            self._asker, self._journal.evidence, clock, lambda: self._service.kiosk, self._tell, self._archive.entitled
        )
        self._counter = Counter(
            self._place, parts.times(config), clock, self._ids, lambda: self._service.kiosk, self._tell, self._discounting.known
        )
        self._greeter = Greeter(self._desk, self._archive, clock, self._counter, lambda: self._service.kiosk, self._tell)
        self._upstream = Upstream(config, self._journal, lambda: self._service.kiosk, self._tell, clock)
        reader, book = parts.reader(config, clock), parts.accounts(config, self._ids.tag)
        self._tags = Tags(reader, book, self._ids.tag, clock, self._shown_tag, self._tell) if reader and book is not None else None
        refunds = config.acquirer.refund_key_file is not None
        office = Office(effects, self._archive, clock, lambda: self._service.kiosk, self._tell, self._service.wake, refunds, self._upstream)
        self._office = OfficeLink(directory / SOCKET, office.answer)
        self._link = ScreenLink(config.screen.socket, SystemClock.real(), self._compose, self._wished, self._desk.screen_seen)
        self._pulse = Pulse(
            self._journal, SystemClock.real(), config.journal.stall_seconds, lambda: notify("WATCHDOG=1"), self._link.refresh
        )
        self._service.on_change(self._changed)
        self._background: set[asyncio.Future[None]] = set()
        self._failed = asyncio.Event()
        self._leaving = False

    async def run(self) -> None:
        await self._upstream.begin()
        await self._service.tell(KioskStarted(self._begun.sound))
        await self._asker.ask_all()
        await self._upkeep.begin()
        await self._ocpp.start()
        await self._link.start()
        await self._office.start()
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        tasks = [
            asyncio.create_task(self._service.run(self._performers), name="service"),
            asyncio.create_task(self._web(), name="web"),
            asyncio.create_task(self._pulse.run(), name="pulse"),
            asyncio.create_task(self._tick(), name="tick"),
            asyncio.create_task(self._forget(), name="forget"),
            asyncio.create_task(TerminalWatch(self._desk, self._tell, self._clock).run(), name="terminal"),
            asyncio.create_task(self._upkeep.run(), name="upkeep"),
            asyncio.create_task(self._discounts(), name="discounts"),
            asyncio.create_task(self._upstream.run(), name="upstream"),
            *([asyncio.create_task(self._tags.run(), name="tags")] if self._tags else []),
            asyncio.create_task(self._stopped(stop), name="stop"),
            asyncio.create_task(self._gone_wrong(), name="failure"),
        ]
        notify("READY=1")
        log.info("kiosk %s is up", self._config.site.kiosk_id)
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        notify("STOPPING=1")
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await self._upkeep.end()
        for task in done:
            task.result()

    async def close(self) -> None:
        self._asker.close()
        await self._office.stop()
        await self._link.stop()
        await self._ocpp.stop()
        self._acquirer.close()
        self._upstream.close()
        self._reader.close()
        await self._journal.close()

    # --- ways in --------------------------------------------------------------------------------------------------------------

    async def _tell(self, given: Input) -> Batch:
        """Decide `given`, with the sale it is about when the kiosk no longer holds that one: all of it, also what was decided just now."""
        if wanted(self._service.engine.head, given) is not None:
            await self._service.kept()
        return await self._service.tell(self._archive.with_sale(self._service.kiosk, given))

    async def _tell_pile(self, given: Input) -> Reply:
        await self._kept_apart(self._discounting.hear(given))
        self._live.hear(given, self._service.kiosk, self._clock.now())
        batch = await self._service.tell(await self._archive.with_signed(self._service.kiosk, given))
        self._link.refresh()
        return answer(batch, given)

    async def _kept_apart(self, work: Awaitable[None]) -> None:
        """What only makes a sale cheaper never stands in its way."""
        try:
            await work
        except Exception:
            log.exception("discounts could not be followed; the sale goes on at the agreed price")

    async def _keep_frame(self, frame: bytes) -> Digest:
        return self._seals.seal(frame, self._config.retention.frame_days)

    async def _confirm(self, confirmations: Sequence[Confirmation]) -> None:
        for confirmation in confirmations:
            await self._tell(confirmation)

    def _known_tag(self, id_tag: str) -> bool:
        return known_tag(self._service.kiosk, id_tag)

    # --- evidence -------------------------------------------------------------------------------------------------------------

    def _recognise(self, raws: tuple[str, ...]) -> Digest:
        known_by = "\n".join(self._ids.recognition(raw) for raw in raws)
        return self._seals.seal(known_by.encode(), self._config.retention.card_recognition_days)

    # --- ways out -------------------------------------------------------------------------------------------------------------

    def _changed(self, batch: Batch) -> None:
        self._live.follow(batch.after, self._clock.now())
        if batch.facts:
            self._upstream.look()
        self._spawn(self._show(batch))
        if signs(batch.facts):
            self._spawn(self._sign())

    async def _show(self, batch: Batch) -> None:
        await self._counter.changed(batch.facts)
        await self._kept_apart(self._discounting.follow(batch.facts))
        self._link.refresh()

    async def _sign(self) -> None:
        await self._journal.checkpoint()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background_over)

    def _background_over(self, task: asyncio.Future[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("work in the background failed", exc_info=error)
            self._failed.set()

    async def _wished(self, intent: Intent) -> str:
        code = await self._counter.intent(intent)
        self._attend()
        return code

    def _attend(self) -> None:
        """A visit may have begun to wait for a card by which its driver is known, or have left."""
        if self._greeter.wanted:
            self._spawn(self._greet())
        elif self._greeter.unwanted and not self._leaving:
            self._spawn(self._leave())

    async def _shown_tag(self, found: Account | str, at: Moment) -> None:
        await self._counter.shown_tag(found, at, lambda: self._desk.screen_fresh() and not self._pulse.slow)
        self._attend()
        self._link.refresh()

    def _compose(self, seq: int) -> Snapshot:
        say = Wording(self._counter.visit.language)
        now = self._clock.now()
        discounts = self._discounting.known()
        self._counter.shown(seq, now, discounts)
        view = View(
            self._service.kiosk,
            self._counter.visit,
            now,
            self._live,
            self._place,
            say,
            self._desk.dialogue,
            self._ids.stop_code,
            self._press.code,
            discounts,
            self._greeter.given_back,
            self._pulse.slow,
        )
        return compose(view, seq)

    async def _tick(self) -> None:
        """Once a second: the visit looks at the time, fees grow on the screen."""
        while True:
            await self._counter.waited()
            self._attend()
            self._live.tick(self._service.kiosk, self._clock.now())
            await self._clock.sleep(_TICK_S)

    async def _leave(self) -> None:
        self._leaving = True
        try:
            await self._greeter.leave()
        finally:
            self._leaving = False

    async def _greet(self) -> None:
        await self._greeter.ask()
        self._link.refresh()

    async def _discounts(self) -> None:
        """What is taken off is asked for again and again; the cards of sales that outlived a restart, once."""
        await self._discounting.resume()
        await self._asker.run()
        await asyncio.Event().wait()

    async def _forget(self) -> None:
        """Once an hour: evidence whose time is over is erased; the chain still verifies."""
        while True:
            if erased := await self._journal.erase_expired(self._clock.now().utc_ms):
                log.info("%s pieces of evidence were erased by rule", erased)
            await self._clock.sleep(_FORGET_S)

    async def _web(self) -> None:
        """The one web application: the acquirer's webhooks, the terminal's notifications."""
        web = FastAPI(openapi_url=None)
        web.add_api_route("/terminal/display", self._displayed, methods=["POST"], response_model=None)
        hooks, login = parts.webhooks(self._config)
        web.include_router(routes(hooks, self._confirm, self._clock, login=login))
        a = self._config.acquirer
        settings = uvicorn.Config(web, a.webhook_host, a.webhook_port, log_config=None, access_log=False, lifespan="off")
        await WebServer(settings).serve()

    async def _displayed(self, request: Request) -> Response:
        body = bytearray()
        async with self._clock.timeout(_BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_NOTIFICATION:
                    break
        reply = self._display.receive(bytes(body), request.headers.get("authorization", ""))
        return Response(reply.body, reply.status)

    def _terminal_told(self, event: TerminalEvent) -> None:
        self._desk.heard(event)
        self._link.refresh()

    async def _stopped(self, stop: asyncio.Event) -> None:
        await stop.wait()

    async def _gone_wrong(self) -> None:
        await self._failed.wait()
        raise RuntimeError("a part of the kiosk failed; the supervisor starts it again")
