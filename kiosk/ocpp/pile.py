"""One pile over all its connections: what it says is told to core in order, kept before it is answered, and answered alike when repeated.

Frames of an old socket and of its successor pass the same queue, so that a pile that reconnects in the middle of a sale cannot overtake
itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial

from hardware.api import AnswerLost, NotSent
from kiosk.ocpp import frames
from kiosk.ocpp.dialects.dialect import CallRefused, Dialect, Request, Violation
from kiosk.ocpp.seam import Answer, Clock, Evidence, OcppError, PileSettings, Reply, Tell, Wanted
from kiosk.ocpp.session import Session
from kiosk.session.inputs import (
    ConnectorChanged,
    Input,
    PileBooted,
    PileConnected,
    PileFault,
    PileLost,
    SignedData,
    SignedRead,
    TxEnded,
)
from kiosk.values import Digest, Moment

_log = logging.getLogger(__name__)

_INBOX = 64
_ANSWERS_REMEMBERED = 128
_MOST_NOTES = 20
_NOTE_AGAIN_MS = 3_600_000
_ANSWER_TAKEN_S = 30.0
_GREETING_S = 5.0  # how long a pile has to introduce itself, and then to report its connectors, before we ask

_TRY_AGAIN_LATER = 1013
_GOING_AWAY = 1001


class Pile:
    """What we know of one controller: its newest connection, its language, its last answers."""

    def __init__(self, settings: PileSettings, dialect: Dialect, *, tell: Tell, evidence: Evidence | None, clock: Clock) -> None:
        self.settings = settings
        self.dialect = dialect
        self.settings_refused: Mapping[str, str] = {}
        self._tell = tell
        self._evidence = evidence
        self._clock = clock
        self._session: Session | None = None
        self._inbox: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue(_INBOX)
        self._answers: OrderedDict[tuple[str | int, str], tuple[frames.Payload, str]] = OrderedDict()
        self._noted: dict[str, Moment] = {}
        self._flaws: set[str] = set()
        self._reported: set[int] = set()
        self._booted = asyncio.Event()
        self._configured = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._worker: asyncio.Task[None] | None = None
        self._carer: asyncio.Task[None] | None = None
        self._ended = False

    @property
    def online(self) -> bool:
        return self._session is not None

    def begin(self) -> None:
        self._worker = asyncio.create_task(self._work(), name=f"ocpp {self.settings.identity}")

    async def end(self) -> None:
        """Stop at once. A message in the middle of being told is not answered: the pile repeats it."""
        self._ended = True
        tasks = [task for task in (self._worker, self._carer, *self._tasks) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        while not self._inbox.empty():  # whoever waits for room in it goes on, and finds that we ended
            self._inbox.get_nowait()

    # --- connections ----------------------------------------------------------------------------------------------------------

    async def attach(self, session: Session) -> None:
        """`session` is this pile from now on; an older one is closed."""
        older, self._session = self._session, session
        if older is not None:
            _log.warning("pile %s: a newer connection replaces the old one", self.settings.identity)
            self._aside(older.close(_GOING_AWAY, "replaced by a newer connection"))
        self._reported.clear()
        self._booted.clear()
        await self._put(partial(self._tell_or_close, session, PileConnected(self.settings.identity)))
        self._care_for(session)

    async def detach(self, session: Session) -> None:
        if self._session is not session:
            return
        self._session = None
        if self._carer is not None:
            self._carer.cancel()
        await self._put(self._tell_lost)

    async def hear(self, session: Session, frame: frames.Call | frames.Malformed) -> None:
        await self._put(partial(self._handle, session, frame))

    async def _put(self, item: Callable[[], Awaitable[None]]) -> None:
        if not self._ended:
            await self._inbox.put(item)

    async def _work(self) -> None:
        while True:
            item = await self._inbox.get()
            try:
                await item()
            except Exception:
                _log.exception("pile %s: a message could not be handled", self.settings.identity)

    async def _tell_lost(self) -> None:
        await self._tell(PileLost(self.settings.identity))

    async def _tell_or_close(self, session: Session, told: Input) -> None:
        try:
            await self._tell(told)
        except Exception:
            await self._give_up(session, type(told).__name__)

    async def _give_up(self, session: Session, what: str) -> None:
        """Nothing was kept: without an answer and a connection the pile keeps its message and sends it again."""
        _log.exception("pile %s: %s could not be kept; closing the connection, so that it is sent again", self.settings.identity, what)
        session.given_up = True
        self._aside(session.close(_TRY_AGAIN_LATER, "try again later"))

    # --- what the pile says ---------------------------------------------------------------------------------------------------

    async def _handle(self, session: Session, frame: frames.Call | frames.Malformed) -> None:
        if session.given_up:
            return
        try:
            text, told = await self._understand(frame)
        except Exception:
            await self._give_up(session, frame.action if isinstance(frame, frames.Call) else "a broken frame")
            return
        if text:
            await self._send(session, text)
        if session is self._session:
            for one in told:
                self._notice(session, one)

    async def _understand(self, frame: frames.Call | frames.Malformed) -> tuple[str, tuple[Input, ...]]:
        """Keep what `frame` says, then make its answer. Raises whatever core raised."""
        if isinstance(frame, frames.Malformed):
            await self._note(f"a frame that is not OCPP: {frame.why}")
            return frames.encode_error(frame.error) if frame.error is not None else "", ()
        try:
            if self.dialect.is_transaction(frame.action):
                return await self._once(frame)
            return await self._hear(frame)
        except Violation as violation:
            await self._note(str(violation))
            return frames.encode_error(frames.CallError(frame.id, violation.code, violation.description)), ()

    async def _once(self, call: frames.Call) -> tuple[str, tuple[Input, ...]]:
        """A transaction message repeated with its id, perhaps over a new connection, means nothing new (OCPP-J 1.6 errata 3.7)."""
        known = self._answers.get((call.id, call.action))
        if known is not None and known[0] == call.payload:
            _log.info("pile %s: %s repeated, answered as before", self.settings.identity, call.action)
            return known[1], ()
        text, told = await self._hear(call)
        self._answers[call.id, call.action] = (call.payload, text)
        if len(self._answers) > _ANSWERS_REMEMBERED:
            self._answers.popitem(last=False)
        return text, told

    async def _hear(self, call: frames.Call) -> tuple[str, tuple[Input, ...]]:
        at = self._clock.now()
        flaw = self.dialect.flaw(call)
        if flaw and flaw not in self._flaws and len(self._flaws) < _MOST_NOTES:
            self._flaws.add(flaw)
            _log.info("pile %s: not to the letter: %s", self.settings.identity, flaw)
        kept: Digest | None = None
        if self._evidence is not None and self.dialect.is_proof(call.action):
            kept = await self._evidence(call.raw.encode())
        heard = self.dialect.hear(call, at, kept)
        reply = Reply()
        for told in heard.told:
            reply = await self._tell(await self._with_evidence(told))
        for note in heard.notes:
            await self._note(note)
        payload = heard.answer(reply)
        if wrong := self.dialect.bad_answer(call.action, payload):
            raise OcppError(f"core's reply to {call.action} makes no answer ({wrong}): a TxStarted needs a transaction")
        return frames.encode_result(call.id, payload), heard.told

    async def _with_evidence(self, told: Input) -> Input:
        """The signed values in `told` are kept as they came, and have a name from then on."""
        if self._evidence is None or not isinstance(told, SignedRead | TxEnded) or not told.signed:
            return told
        kept = [SignedData(one.data, await self._evidence(one.data)) for one in told.signed]
        return replace(told, signed=tuple(kept))

    async def _send(self, session: Session, text: str) -> None:
        try:
            async with self._clock.timeout(_ANSWER_TAKEN_S):
                await session.answer(text)
        except TimeoutError:
            _log.warning("pile %s: does not read what we answer; closing the connection", self.settings.identity)
            self._aside(session.close(_GOING_AWAY, "nothing is read"))

    def _notice(self, session: Session, told: Input) -> None:
        if isinstance(told, ConnectorChanged):
            self._reported.add(told.number)
        elif isinstance(told, PileBooted):
            self._configured = False
            if self._booted.is_set():  # a second boot on one connection
                self._reported.clear()
                self._care_for(session)
            self._booted.set()

    async def _note(self, detail: str) -> None:
        """Tell an operator, the same thing once an hour and not without end: a broken pile must not fill the journal."""
        now = self._clock.now()
        self._noted = {known: at for known, at in self._noted.items() if now.ms_since(at) < _NOTE_AGAIN_MS}
        if detail in self._noted or len(self._noted) >= _MOST_NOTES:
            return
        _log.warning("pile %s: %s", self.settings.identity, detail)
        await self._tell(PileFault(self.settings.identity, detail))
        self._noted[detail] = now

    # --- what we say ----------------------------------------------------------------------------------------------------------

    async def ask(self, request: Request) -> frames.Payload:
        """Raises `NotSent`, `AnswerLost` or `CallRefused`."""
        if flaw := self.dialect.bad_request(request):
            raise OcppError(f"{request.action} to pile {self.settings.identity} would break OCPP: {flaw}")
        if self._session is None:
            raise NotSent(f"pile {self.settings.identity} is not connected: {request.action} was not sent")
        return await self._session.call(request)

    async def command(self, request: Request) -> Answer:
        """Raises `NotSent` or `AnswerLost`."""
        try:
            return self.dialect.verdict(await self.ask(request))
        except CallRefused as refused:
            return self.dialect.refusal(refused)

    def _care_for(self, session: Session) -> None:
        if self._carer is not None:
            self._carer.cancel()
        self._carer = asyncio.create_task(self._look_after(session), name=f"ocpp care of {self.settings.identity}")

    async def _look_after(self, session: Session) -> None:
        try:
            await self._introduce(session)
        except (NotSent, AnswerLost) as error:
            _log.warning("pile %s: could not be set up, trying at its next connection: %s", self.settings.identity, error)
        except Exception:
            _log.exception("pile %s: could not be set up", self.settings.identity)
        await self._watch(session)

    async def _introduce(self, session: Session) -> None:
        """Set the pile up after its boot, or when it does not boot; then ask for the connectors it has not reported."""
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(_GREETING_S):
                await self._booted.wait()
        if not self._configured:
            self.settings_refused = await self.dialect.configure(session.call, self.settings)
            self._configured = True
        await self._clock.sleep(_GREETING_S)
        for number in range(1, self.settings.connectors + 1):
            if number not in self._reported:
                await self.command(self.dialect.trigger(Wanted.STATUS, number))

    async def _watch(self, session: Session) -> None:
        """A pile that misses two heartbeats is asked for a sign of life; without one its connection is worth nothing, open or not."""
        while True:
            await self._clock.sleep(self.settings.heartbeat_s)
            if self._clock.now().ms_since(session.heard_at) < 2_000 * self.settings.heartbeat_s:
                continue
            try:
                await session.call(self.dialect.probe())
            except CallRefused:
                continue
            except NotSent:
                return
            except AnswerLost:
                _log.warning("pile %s: no sign of life; closing the connection", self.settings.identity)
                self._aside(session.close(_GOING_AWAY, "no sign of life"))
                return

    def _aside(self, work: Awaitable[None]) -> None:
        async def run() -> None:
            await work

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
