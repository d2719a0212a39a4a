"""The screen's visit in a simulated core: touches become steps of `kiosk.session.visit`, one after the other.

What `kiosk.core.counter` does on the product's loop is done here once more, because the world knows no loop: the order of steps, repeats
and touches that meant an earlier visit, the quote of what was picked. What a step means is the product's own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Protocol

from kiosk.session import visit as v
from kiosk.session.facts import ConnectorReported, Fact
from kiosk.session.inputs import Account, ConnectorStatus, Input
from kiosk.session.offline import given_away
from kiosk.session.state import Kiosk
from kiosk.simulation.menu import Menu
from kiosk.values import ConnectorId, Digest, Moment, SessionId

_REMEMBERED = 64
_LANGUAGE = "en"
_LOOK_MS = 30_000


class PanelIds(Protocol):
    def session(self) -> SessionId: ...

    def typed_digest(self, session: SessionId, typed: str) -> Digest: ...


class Core(Protocol):
    """What the panel needs of the core it lives in."""

    @property
    def k(self) -> Kiosk: ...

    def now(self) -> Moment: ...

    def spawn(self, work: Coroutine[Any, Any, object]) -> None: ...

    def later(self, ms: int, event: Callable[[], object]) -> None: ...

    async def told(self, given: Input) -> None: ...

    def attend(self) -> None:
        """The visit may want a card to know its driver by, or no longer."""
        ...


class Panel:
    """One core's visit."""

    def __init__(self, core: Core, ids: PanelIds, menus: Mapping[ConnectorId, Menu]) -> None:
        self._core = core
        self._ids = ids
        self._menus = menus
        self._times = v.Times()
        self._steps: deque[Callable[[], v.VisitInput | None]] = deque()
        self._handled: deque[str] = deque(maxlen=_REMEMBERED)
        self._busy = False
        self._watched = False
        self.visit = v.fresh(1, _LANGUAGE, core.now())

    @property
    def page(self) -> str:
        return v.page(self.visit, self._core.k, self._core.now())

    @property
    def busy(self) -> bool:
        """A step is on its way to the disk."""
        return self._busy

    @property
    def free(self) -> bool:
        """Whether the price page says that a charge is given away."""
        return given_away(self._core.k)

    @property
    def trouble(self) -> str:
        """What the page of trouble says that it is."""
        sale = self._core.k.find(self.visit.session) if self.visit.session else None
        return v.fault_of(sale) if sale is not None else ""

    async def shown_card(self, given: v.CardShown, visit: int) -> None:
        """What the terminal made of the card that visit number `visit` was to be known by."""
        self._steps.append(lambda: given if self.visit.number == visit else None)
        self._drain()

    def touch(self, name: str, visit: int, kind: str, argument: str = "") -> None:
        """A finger on a control. `name` tells a repeat."""
        self._steps.append(lambda: self._understood(name, visit, kind, argument))
        self._drain()

    def tap(self, found: Account | str, *, seen: bool) -> None:
        """What came of an RFID tag at the reader. `seen`: the screen is drawn."""
        self._steps.append(lambda: self._tapped(found, seen))
        self._drain()

    def changed(self, facts: tuple[Fact, ...]) -> None:
        """The durable state changed."""
        if not self._busy:
            self.visit = v.refresh(self.visit, self._core.k, self._core.now())
        for fact in facts:
            if isinstance(fact, ConnectorReported) and fact.status is ConnectorStatus.PREPARING:
                plugged = v.PluggedIn(fact.connector)
                self._steps.append(lambda p=plugged: p)  # type: ignore[misc]
        self._drain()
        self._watch()

    def _tapped(self, found: Account | str, seen: bool) -> v.VisitInput:
        if isinstance(found, str):
            return v.TagShown(None, found)
        menu = self._menus.get(self.visit.connector) if self.visit.connector else None
        return v.TagShown(found, "", self._ids.session(), menu.owed, seen) if menu is not None else v.TagShown(found, seen=seen)

    def _understood(self, name: str, visit: int, kind: str, argument: str) -> v.VisitInput | None:
        if name in self._handled or visit != self.visit.number:
            return None
        self._handled.append(name)
        here = self.visit
        match kind:
            case "accept":
                menu = self._menus.get(here.connector) if here.connector else None
                return v.Agreed(self._ids.session(), menu.quote(here.hold, free=self.free)) if menu is not None else None
            case "digit":
                return v.DigitTyped(argument, self._ids.typed_digest(here.session, here.typed + argument)) if here.session else None
        return v.Touched(kind, argument)

    def _drain(self) -> None:
        while self._steps and not self._busy:
            given = self._steps.popleft()()
            if given is None:
                continue
            visit, inputs = v.step(self.visit, given, self._core.k, self._core.now(), self._times, _LANGUAGE)
            if inputs:
                self._busy = True
                self._core.spawn(self._tell(visit, inputs))
            else:
                self.visit = v.refresh(visit, self._core.k, self._core.now())
        self._core.attend()
        self._watch()

    async def _tell(self, visit: v.Visit, inputs: tuple[Input, ...]) -> None:
        for one in inputs:
            await self._core.told(one)
        self.visit = v.refresh(visit, self._core.k, self._core.now())
        self._busy = False
        self._drain()

    def _watch(self) -> None:
        """Somebody is there: look now and then whether they still are."""
        empty = self.visit.session is None and self.visit.connector is None and not self.visit.overlay
        if not self._watched and not empty:
            self._watched = True
            self._core.later(_LOOK_MS, self._look)

    def _look(self) -> None:
        self._watched = False
        self._steps.append(v.Waited)
        self._drain()
