"""The wire to a pile: real OCPP 1.6 frames between the product's dialect and the pile's model, over a connection that breaks.

What `kiosk.ocpp.pile` and `session` do with sockets and tasks is done here in the world's time: messages in order, kept before they are
answered, answered alike when repeated, one command at a time, every wait with a deadline.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hardware.api import AnswerLost, NotSent
from hardware.simulated.models.pile import PileModel, Refusal
from hardware.simulated.models.pile_connector import ConnectorSpec, Delivery
from hardware.simulated.models.pile_outbox import Call
from hardware.simulated.models.pile_words import Payload as PilePayload
from kiosk.ocpp import frames
from kiosk.ocpp.dialects.dialect import CallRefused, Request, Violation
from kiosk.ocpp.dialects.v16 import V16
from kiosk.ocpp.frames import Payload
from kiosk.ocpp.seam import Answer, PileSettings, Reply, Wanted
from kiosk.session.inputs import ConnectorChanged, Input, PileBooted, PileConnected, PileFault, PileLost
from kiosk.simulation import faults as bad
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork, Planned
from kiosk.simulation.coroutines import Waiting
from kiosk.simulation.faults import Fault, Faults
from kiosk.values import Digest, Moment

PATIENCE_MS = 30_000
HALF_OPEN_MS = 45_000  # pings and their time-outs
GREETING_MS = 5_000
_DAYS_S = 7 * 86_400
_REMEMBERED = 128
_NOTES = 20


class Core(Protocol):
    """What a pile's server needs of the core it lives in."""

    def spawn(self, work: Coroutine[Any, Any, object]) -> None: ...

    def now(self) -> Moment: ...

    def sleep(self, ms: int) -> Awaitable[None]: ...

    async def tell_pile(self, given: Input) -> Reply: ...

    def keep_frame(self, frame: bytes) -> Digest: ...

    def known_tag(self, id_tag: str) -> bool: ...


_STEPS = {
    "StartTransaction": "start",
    "Authorize": "start",
    "RemoteStartTransaction": "start",
    "MeterValues": "charging",
    "StopTransaction": "stop",
    "RemoteStopTransaction": "stop",
}


class Watcher(Protocol):
    """Somebody who keeps the world's books about a pile."""

    def began(self, pile: str, delivery: Delivery) -> None: ...

    def moved(self, wire: PileWire) -> None:
        """Something may have changed at this pile."""
        ...

    def heard(self, pile: str, call: frames.Call) -> None:
        """The core has kept what the pile said, and says so."""
        ...


@dataclass(slots=True)
class Connection:
    """One socket between a pile and a core."""

    end: PileEnd
    alive: bool = True
    half_open: bool = False

    @property
    def carries(self) -> bool:
        return self.alive and not self.half_open


class PileWire:
    """A pile, its cable to the kiosk, and its firmware's habit of coming back."""

    def __init__(
        self, clockwork: Clockwork, chance: Chance, faults: Faults, identity: str, specs: Sequence[ConnectorSpec], watcher: Watcher
    ) -> None:
        self.identity = identity
        self.settings = PileSettings(identity, connectors=len(specs), heartbeat_s=_DAYS_S, sample_s=60)
        self._clockwork = clockwork
        self._chance = chance
        self._faults = faults
        self._watcher = watcher
        self._count = 0
        self._noticed = 0
        self._wake: Planned | None = None
        self._connection: Connection | None = None
        self.end: PileEnd | None = None  # the core's side, while there is a core
        self.odd: set[str] = set()  # what its firmware gets wrong for all its plugs
        self.troubles: list[int] = []  # when something went wrong between this pile and the kiosk
        self.model = PileModel(identity, specs, ids=self._next_id, now_ms=clockwork.now)

    def _next_id(self) -> str:
        self._count += 1
        return f"{self.identity}.{self._count}"

    # --- the cable ------------------------------------------------------------------------------------------------------------

    def core_up(self, end: PileEnd) -> None:
        self.end = end
        self._clockwork.after(self._chance.ms(0.5, 12), self._connect)

    def core_down(self) -> None:
        self.end = None
        self._cut()

    def cut(self) -> None:
        """The connection breaks, and both ends notice."""
        connection = self._connection
        self._cut()
        if connection is not None:
            connection.end.detach(connection)
            self._clockwork.after(self._chance.ms(2, 60), self._connect)

    def half_open(self) -> None:
        """Nothing passes any more; pings find out in the end."""
        connection = self._connection
        if connection is not None:
            connection.half_open = True
            self.troubles.append(self._clockwork.now)
            self._clockwork.after(HALF_OPEN_MS, lambda: self.cut() if self._connection is connection else None)

    def _die_soon(self, connection: Connection) -> None:
        """A frame is lost with its connection only: what TCP does not deliver it does not pass over."""
        connection.half_open = True
        self._clockwork.after(self._chance.ms(1, 40), lambda: self.cut() if self._connection is connection else None)

    def power_moved(self) -> None:
        """The pile's power went, came, or its firmware starts anew: after hands touched the model."""
        if not self.model.wants_connection:
            connection = self._connection
            self._cut()
            if connection is not None:
                connection.end.detach(connection)
        self.pump()
        self._clockwork.after(self._chance.ms(6, 20), self._connect)

    def _strikes(self, fault: Fault, action: str) -> bool:
        if not self._faults.strikes(fault, _STEPS.get(action, "other")):
            return False
        self.troubles.append(self._clockwork.now)
        return True

    def _cut(self) -> None:
        if self._connection is not None:
            self.troubles.append(self._clockwork.now)
            self._connection.alive = False
            self._connection = None
            self.model.offline(self._clockwork.now)
            self.pump()

    def _connect(self) -> None:
        if self._connection is not None or self.end is None:
            return
        if not self.model.wants_connection:
            self._clockwork.after(10_000, self._connect)
            return
        self._connection = connection = Connection(self.end)
        self.end.attach(connection)
        self.model.online(self._clockwork.now)
        self.pump()

    # --- what the pile says ---------------------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Let the pile say what it has to say; call this whenever it was touched."""
        while (call := self.model.poll(self._clockwork.now)) is not None:
            self._send(call)
        for delivery in self.model.book[self._noticed :]:
            self._noticed += 1
            self._watcher.began(self.identity, delivery)
        self._watcher.moved(self)
        if self._wake is not None:
            self._wake.cancel()
        due = self.model.due_ms()
        self._wake = None if due is None else self._clockwork.at(due, self.pump)

    def status(self, number: int) -> str:
        """What the connector's own lamp shows."""
        return self.model.status(number, self._clockwork.now)

    def _send(self, call: Call) -> None:
        connection = self._connection
        assert connection is not None
        if self._strikes(bad.PILE_CALL_LOST, call.action):
            self._die_soon(connection)
            return
        payload: Payload = call.payload  # type: ignore[assignment]  # a narrower JSON
        raw = frames.encode_call(call.id, call.action, payload)
        travel = self._chance.randint(10, 120)
        self._clockwork.after(travel, lambda: self._arrive(connection, raw))
        if self._strikes(bad.PILE_CALL_TWICE, call.action):
            self._clockwork.after(travel + self._chance.randint(1, 2_000), lambda: self._arrive(connection, raw))

    def _arrive(self, connection: Connection, raw: str) -> None:
        frame = frames.decode(raw)
        if connection.carries and isinstance(frame, frames.Call):
            connection.end.hear(connection, frame)

    def answer(self, connection: Connection, call: frames.Call, raw: str) -> None:
        """The core has kept what a CALL says; its answer sets out."""
        self._watcher.heard(self.identity, call)
        if self._strikes(bad.PILE_ANSWER_LOST, call.action):
            self._die_soon(connection)
            return
        self._clockwork.after(self._chance.randint(10, 120), lambda: self._answered(connection, raw))

    def _answered(self, connection: Connection, raw: str) -> None:
        if not connection.carries:
            return
        frame = frames.decode(raw)
        if isinstance(frame, frames.CallResult):
            self.model.answered(str(frame.id), frame.payload, self._clockwork.now)  # type: ignore[arg-type]  # no fractions in answers
        elif isinstance(frame, frames.CallError):
            self.model.refused(str(frame.id), frame.code, self._clockwork.now)
        self.pump()

    # --- what the pile is told ------------------------------------------------------------------------------------------------

    async def exchange(self, connection: Connection, request: Request) -> Payload:
        """One command to the pile and its answer. Raises `AnswerLost` or `CallRefused`."""
        waiting: Waiting[PilePayload | Refusal] = Waiting(self._clockwork)
        lost = AnswerLost(f"pile {self.identity} did not answer {request.action}")
        patience = self._clockwork.after(PATIENCE_MS, lambda: waiting.fail(lost))

        def arrive() -> None:
            if not connection.carries or self._strikes(bad.PILE_COMMAND_LOST, request.action):
                return
            payload: PilePayload = request.payload  # type: ignore[assignment]  # no fractions in commands
            answer = self.model.asked(request.action, payload, self._clockwork.now)
            self.pump()
            if answer is not None and not self._strikes(bad.PILE_REPLY_LOST, request.action):
                self._clockwork.after(self._chance.randint(10, 120), lambda: waiting.resolve(answer) if connection.carries else None)

        self._clockwork.after(self._chance.randint(10, 120), arrive)
        answer = await waiting
        patience.cancel()
        if isinstance(answer, Refusal):
            raise CallRefused(answer.code, answer.description)
        return answer  # type: ignore[return-value]  # a narrower JSON


class PileEnd:
    """The core's side of one pile: as long as the core lives."""

    def __init__(self, clockwork: Clockwork, core: Core, wire: PileWire) -> None:
        self._clockwork = clockwork
        self._core = core
        self._wire = wire
        self._dialect = V16(wire.settings, core.known_tag)
        self._connection: Connection | None = None
        self._inbox: deque[Coroutine[Any, Any, None]] = deque()
        self._busy = False
        self._commanding = False
        self._turns: deque[Waiting[None]] = deque()
        self._answers: OrderedDict[tuple[str | int, str], tuple[Payload, str]] = OrderedDict()
        self._reported: set[int] = set()
        self._noted: set[str] = set()
        self._configured = False

    # --- connections ----------------------------------------------------------------------------------------------------------

    def attach(self, connection: Connection) -> None:
        self._connection = connection
        self._reported.clear()
        self._noted.clear()
        self._put(self._tell(PileConnected(self._wire.identity)))
        self._core.spawn(self._greet(connection))

    def detach(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection = None
            while self._turns:
                self._turns.popleft().fail(NotSent("the pile disconnected"))
            self._put(self._tell(PileLost(self._wire.identity)))

    def hear(self, connection: Connection, call: frames.Call) -> None:
        self._put(self._handle(connection, call))

    def _put(self, item: Coroutine[Any, Any, None]) -> None:
        self._inbox.append(item)
        if not self._busy:
            self._busy = True
            self._core.spawn(self._work())

    async def _work(self) -> None:
        while self._inbox:
            await self._inbox.popleft()
        self._busy = False

    def close(self) -> None:
        """The core is dead: nothing that waits is looked at any more."""
        while self._inbox:
            self._inbox.popleft().close()

    async def _tell(self, given: Input) -> None:
        await self._core.tell_pile(given)

    # --- what the pile says ---------------------------------------------------------------------------------------------------

    async def _handle(self, connection: Connection, call: frames.Call) -> None:
        try:
            text = await (self._once(call) if self._dialect.is_transaction(call.action) else self._hear(call))
        except Violation as violation:
            text = frames.encode_error(frames.CallError(call.id, violation.code, violation.description))
        self._wire.answer(connection, call, text)

    async def _once(self, call: frames.Call) -> str:
        known = self._answers.get((call.id, call.action))
        if known is not None and known[0] == call.payload:
            return known[1]
        text = await self._hear(call)
        self._answers[call.id, call.action] = (call.payload, text)
        if len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        return text

    async def _hear(self, call: frames.Call) -> str:
        self._dialect.flaw(call)
        kept = self._core.keep_frame(call.raw.encode()) if self._dialect.is_proof(call.action) else None
        heard = self._dialect.hear(call, self._core.now(), kept)
        reply = Reply()
        for told in heard.told:
            reply = await self._core.tell_pile(told)
            if isinstance(told, ConnectorChanged):
                self._reported.add(told.number)
            elif isinstance(told, PileBooted):
                self._configured = False
        for note in heard.notes:
            if note not in self._noted and len(self._noted) < _NOTES:
                self._noted.add(note)
                await self._tell(PileFault(self._wire.identity, note))
        payload = heard.answer(reply)
        if wrong := self._dialect.bad_answer(call.action, payload):
            raise AssertionError(f"core's reply to {call.action} makes no answer: {wrong}")
        return frames.encode_result(call.id, payload)

    # --- what we say ----------------------------------------------------------------------------------------------------------

    async def start(self, number: int, id_tag: str) -> Answer:
        return await self._command(self._dialect.start(number, id_tag))

    async def stop(self, transaction: int) -> Answer:
        return await self._command(self._dialect.stop(transaction))

    async def _command(self, request: Request) -> Answer:
        if flaw := self._dialect.bad_request(request):
            raise AssertionError(f"{request.action} would break OCPP: {flaw}")
        try:
            return self._dialect.verdict(await self._call(request))
        except CallRefused as refused:
            return self._dialect.refusal(refused)

    async def _call(self, request: Request) -> Payload:
        """One at a time (OCPP-J 1.6 4.1.1). Raises `NotSent`, `AnswerLost` or `CallRefused`."""
        if self._connection is None:
            raise NotSent(f"pile {self._wire.identity} is not connected")
        if self._commanding:
            turn: Waiting[None] = Waiting(self._clockwork)
            self._turns.append(turn)
            patience = self._clockwork.after(PATIENCE_MS, lambda: turn.fail(NotSent("the pile is busy")))
            await turn
            patience.cancel()
        self._commanding = True
        try:
            connection = self._connection
            if connection is None:
                raise NotSent(f"pile {self._wire.identity} is not connected")
            return await self._wire.exchange(connection, request)
        finally:
            self._pass_turn()

    def _pass_turn(self) -> None:
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done:
                turn.resolve(None)
                return
        self._commanding = False

    async def _greet(self, connection: Connection) -> None:
        """Set the pile up, then ask for the connectors it has not reported."""
        try:
            await self._core.sleep(GREETING_MS)
            if connection.alive and not self._configured:
                await self._dialect.configure(self._call, self._wire.settings)
                self._configured = True
            await self._core.sleep(GREETING_MS)
            for number in range(1, self._wire.settings.connectors + 1):
                if connection.alive and number not in self._reported:
                    await self._command(self._dialect.trigger(Wanted.STATUS, number))
        except (NotSent, AnswerLost):
            return  # at its next connection
