"""The wire to the operator's own system: its books, the bad days it has, and what becomes of a message and its answer on their way.

It keeps a list of its own of what went wrong, in plain words: the fault table has no number for any of it.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from hardware.simulated.models.csms import Csms, Payload
from kiosk.ocpp.upstream_calls import METER, START, STOP, instant
from kiosk.simulation.chance import Chance
from kiosk.simulation.clockwork import Clockwork
from kiosk.simulation.coroutines import Waiting

_LOST = "a message is lost"
_ANSWER_LOST = "an answer is lost"
_ANSWER_LATE = "an answer comes when nobody waits for it any more"
_SLOW = "an answer takes seconds"
_REFUSED = "a message is refused"
_ENDS = "the connection ends with a message on its way"
_ENDS_AFTER = "the connection ends with an answer on its way"
_FATES = (
    (_LOST, 0.012),
    (_ANSWER_LOST, 0.02),
    (_ANSWER_LATE, 0.008),
    (_SLOW, 0.03),
    (_REFUSED, 0.02),
    (_ENDS, 0.008),
    (_ENDS_AFTER, 0.012),
)
_FOR_GOOD = ("a message is refused for good", 0.003)
_INVALID = ("a start is called invalid", 0.06)
_NAMELESS = ("a start is answered without a transaction", 0.02)
_ODDLY_NAMED = ("a start is called 0 or -1", 0.04)
_BOOT_PUT_OFF = ("the boot is put off", 0.05)
_MINUTES, _HOURS, _DAYS = "it is away for minutes", "it is away for hours", "it is away for days"
_MOOD = "it refuses whatever it is told"
_SPELLS = ((_MINUTES, 0.5), (_HOURS, 0.2), (_DAYS, 0.05), (_MOOD, 0.25))
_BREAKS = "the connection breaks"
_SILENT = "the connection stands, but nothing passes"
_NO_INTERNET = "the site has no internet"
_SALE = (START, METER, STOP)
_PINGED_MS = 40_000  # pings and their time-outs
_BETWEEN_S = (600, 14_400)  # spells, in a world of severity 1


class Connection(Protocol):
    """The kiosk's end."""

    carries: bool

    def ended(self) -> None:
        """It is over, and the kiosk finds out."""
        ...


class CsmsWire:
    """One CSMS for one kiosk. `befell` are the messages that were refused, or not answered in time, by their ids; `struck` counts."""

    def __init__(self, clockwork: Clockwork, chance: Chance, severity: float) -> None:
        self.csms = Csms(strict=False, names=self._name)
        self.struck: Counter[tuple[str, str]] = Counter()
        self.befell: dict[str, tuple[str, Payload]] = {}
        self._clockwork = clockwork
        self._chance = chance
        self._severity = severity
        self._calm = severity == 0
        self._internet = True
        self._away = 0  # spells that are not over
        self._moody = 0
        self._for_good: set[str] = set()
        self._asked_for_good: set[str] = set()
        self._names = 7_000
        self._connection: Connection | None = None
        self._hopeful: Waiting[None] | None = None
        self._plan()

    # --- whether it can be reached --------------------------------------------------------------------------------------------

    @property
    def reachable(self) -> bool:
        return self._internet and not self._away

    async def reached(self) -> None:
        """Return when a connection can be made. What is tried in vain until then is not played."""
        while not self.reachable:
            self._hopeful = Waiting(self._clockwork)
            await self._hopeful

    def connect(self, connection: Connection) -> None:
        self._connection = connection

    def internet(self, *, there: bool) -> None:
        """The site's, for which this wire is one of many."""
        if self._internet and not there:
            self.note(_NO_INTERNET)
            self._goes_silent()
        self._internet = there
        self._hope()

    def heal(self) -> None:
        """It has no bad days any more; what it refused for good it still does."""
        self._calm = True
        self._away = self._moody = 0
        self._hope()

    def _hope(self) -> None:
        if self.reachable and self._hopeful is not None:
            self._hopeful.wake()
            self._hopeful = None

    def _plan(self) -> None:
        if not self._calm:
            self._clockwork.after(int(self._chance.ms(*_BETWEEN_S) / self._severity), self._spell)

    def _spell(self) -> None:
        if self._calm:
            return
        kind, chance = self._chance.among(_SPELLS), self._chance
        self.note(kind)
        if kind == _MOOD:
            self._moody += 1
            self._clockwork.after(chance.ms(60, 5_400), self._mood_over)
        else:
            self._away += 1
            lasts = {_MINUTES: (30, 1_200), _HOURS: (1_800, 36_000), _DAYS: (86_400, 345_600)}
            self._clockwork.after(chance.ms(*lasts[kind]), self._back)
            if chance.strikes(0.5):
                self._goes_silent()
            else:
                self._breaks()
        self._plan()

    def _mood_over(self) -> None:
        self._moody = max(0, self._moody - 1)

    def _back(self) -> None:
        self._away = max(0, self._away - 1)
        self._hope()

    def _breaks(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and connection.carries:
            self.note(_BREAKS)
            connection.ended()

    def _goes_silent(self) -> None:
        connection = self._connection
        if connection is not None and connection.carries:
            self.note(_SILENT)
            connection.carries = False
            self._clockwork.after(_PINGED_MS, connection.ended)

    # --- messages -------------------------------------------------------------------------------------------------------------

    def send(self, connection: Connection, name: str, action: str, payload: Payload, answer: Waiting[Payload | str]) -> None:
        """A CALL sets out. `answer` comes to be its answer, or the code of a CALLERROR, if any ever comes."""
        fate = self._fate(action)
        if fate in (_LOST, _ENDS):
            self._troubled(name, action, payload)
            if fate == _ENDS:
                self._clockwork.after(self._chance.randint(1, 200), connection.ended)
            return
        self._clockwork.after(self._chance.randint(10, 120), lambda: self._arrive(connection, name, action, payload, answer, fate))

    def _arrive(self, connection: Connection, name: str, action: str, payload: Payload, answer: Waiting[Payload | str], fate: str) -> None:
        if not connection.carries:
            self._troubled(name, action, payload)
            return
        if self._refuses(name, action, payload, fate):
            self.csms.refusals[action] = 1
        elif action == START:
            self.csms.verdict = "Invalid" if self._strikes(*_INVALID, action) else "Accepted"
        elif action == "BootNotification" and self._strikes(*_BOOT_PUT_OFF, "boot"):
            self.csms.boots.append((self._chance.choice(("Pending", "Rejected")), self._chance.randint(0, 300)))
        said = self.csms.hear(name, action, payload, instant(self._clockwork.now))
        if isinstance(said, dict) and action == START and self._strikes(*_NAMELESS, action):
            said = {key: value for key, value in said.items() if key != "transactionId"}
            self._troubled(name, action, payload)
        if fate in (_ANSWER_LOST, _ANSWER_LATE, _ENDS_AFTER):
            self._troubled(name, action, payload)
            if fate == _ENDS_AFTER:
                self._clockwork.after(self._chance.randint(1, 200), connection.ended)
            return  # one that comes too late is dropped, for nothing waits under its id
        back = self._chance.ms(0.5, 25) if fate == _SLOW else self._chance.randint(10, 120)
        self._clockwork.after(back, lambda: answer.resolve(said) if connection.carries else self._troubled(name, action, payload))

    def _fate(self, action: str) -> str:
        if self._calm:
            return ""
        left = self._chance.random() / self._severity
        for fate, odds in _FATES:
            left -= odds
            if left < 0:
                self.note(fate, action if action in _SALE else "boot")
                return fate
        return ""

    def _refuses(self, name: str, action: str, payload: Payload, fate: str) -> bool:
        if action not in _SALE:
            return fate == _REFUSED
        if name not in self._asked_for_good:
            self._asked_for_good.add(name)
            if self._strikes(*_FOR_GOOD, action):
                self._for_good.add(name)
        if fate == _REFUSED or self._moody or name in self._for_good:
            self._troubled(name, action, payload)
            return True
        return False

    def _name(self) -> int:
        """What a transaction is called. Some systems call it 0 or -1; no two at a time, or nobody could tell them apart."""
        self._names += 1
        odd = self._chance.choice((0, -1)) if self._strikes(*_ODDLY_NAMED, START) else self._names
        taken = any(t.transaction == odd and t.meter_stop is None for t in self.csms.transactions)
        return self._names if taken else odd

    def _troubled(self, name: str, action: str, payload: Payload) -> None:
        self.befell[name] = (action, payload)

    def _strikes(self, words: str, odds: float, step: str) -> bool:
        if self._calm or not self._chance.strikes(odds * self._severity):
            return False
        self.note(words, step)
        return True

    def note(self, words: str, step: str = "") -> None:
        self.struck[words, step] += 1
