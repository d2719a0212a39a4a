"""A person in front of the real screen: sits on the wire between screen and core, reads what is shown, presses what is offered.

The screen draws and acknowledges as always; the person's touches are intents of their own on the same wire, so that a tour needs no test
entrance in the product.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path

from kiosk.protocol import MAX_LINE, Intent, Result, Snapshot, decode, encode

_MARK = "tour-"


class Lost(Exception):
    """The tour waited for something that did not come."""


class Person:
    """Listens on `at`, where the screen connects, and passes everything on to core at `core`."""

    def __init__(self, at: Path, core: Path) -> None:
        self._at = at
        self._core = core
        self._ids = itertools.count(1)
        self._server: asyncio.Server | None = None
        self._to_core: asyncio.StreamWriter | None = None
        self._changed = asyncio.Condition()
        self.snapshot: Snapshot | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._screen, self._at, limit=MAX_LINE)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._to_core is not None:
            self._to_core.close()

    async def sees(self, wanted: Callable[[Snapshot], bool], what: str, seconds: float = 60) -> Snapshot:
        """Wait, in real time, until the screen shows what is wanted. Raises `Lost`."""
        try:
            async with asyncio.timeout(seconds), self._changed:  # noqa: TID251 - a person's patience is real time
                while self.snapshot is None or not wanted(self.snapshot):
                    await self._changed.wait()
                return self.snapshot
        except TimeoutError:
            shown = self.snapshot
            raise Lost(
                f"waited for {what}; the screen shows {shown.page if shown else 'nothing'}: {shown.title if shown else ''}"
            ) from None

    async def page(self, *names: str, seconds: float = 60) -> Snapshot:
        return await self.sees(lambda s: s.page in names, " or ".join(names), seconds)

    async def press(self, intent: str, letter: str = "", code: str = "") -> None:
        """Press a control of the page: a button, the plug with this letter, or the language with this code."""
        snapshot = await self.sees(lambda s: _offered(s, intent, letter, code) is not None, f"a control for {intent} {letter}{code}")
        await self._say(snapshot, intent, _offered(snapshot, intent, letter, code) or {})

    async def type(self, digits: str) -> None:
        """Type on the keypad."""
        for digit in digits:
            snapshot = await self.page("code")
            await self._say(snapshot, "digit", {"digit": digit})

    async def _say(self, snapshot: Snapshot, intent: str, args: dict[str, str]) -> None:
        if self._to_core is None:
            raise Lost(f"there is no core to take {intent}")
        self._to_core.write(encode(Intent(f"{_MARK}{next(self._ids)}", snapshot.visit, snapshot.seq, intent, args)))
        await self._to_core.drain()

    async def _screen(self, from_screen: asyncio.StreamReader, to_screen: asyncio.StreamWriter) -> None:
        try:
            from_core, self._to_core = await asyncio.open_unix_connection(self._core, limit=MAX_LINE)
        except (FileNotFoundError, ConnectionRefusedError):
            to_screen.close()
            return
        to_core = self._to_core
        ways = [asyncio.create_task(_pass(from_screen, to_core)), asyncio.create_task(self._watch(from_core, to_screen))]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        to_core.close()
        to_screen.close()

    async def _watch(self, from_core: asyncio.StreamReader, to_screen: asyncio.StreamWriter) -> None:
        while line := await from_core.readline():
            message = decode(line)
            if isinstance(message, Result) and message.id.startswith(_MARK):
                continue
            to_screen.write(line)
            await to_screen.drain()
            if isinstance(message, Snapshot):
                async with self._changed:
                    self.snapshot = message
                    self._changed.notify_all()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()


def _offered(s: Snapshot, intent: str, letter: str, code: str) -> dict[str, str] | None:
    if letter:
        key = next((key for key in s.connectors if key.letter == letter and key.intent == intent), None)
        return {"connector": key.id} if key else None
    if code:
        return {"code": code} if any(choice.code == code for choice in s.languages) else None
    button = next((b for b in (*s.buttons, *s.utilities) if b.intent == intent), None)
    if button is None and any(way.intent == intent for way in s.ways):
        return {}
    return dict(button.args) if button else None
