"""A person at the screen, on the real socket: reads snapshots, presses what is there, acknowledges what was drawn."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Self

from kiosk.protocol import VERSION, Ack, Hello, Intent, Result, Snapshot, decode, encode

PATIENCE_S = 30.0


class Driver:
    """Only presses what the snapshot offers, as a person can."""

    _visits = itertools.count(1)

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._name = next(self._visits)
        self._ids = itertools.count(1)
        self._results: dict[str, asyncio.Future[str]] = {}
        self.snapshot: Snapshot | None = None
        self._news = asyncio.Condition()
        self._task = asyncio.create_task(self._read())
        self._drawing = True
        self.pages: list[str] = []
        self.titles: list[str] = []

    @classmethod
    async def sit_down(cls, socket: Path, patience_s: float = PATIENCE_S) -> Self:
        """Connect as soon as core listens."""
        async with asyncio.timeout(patience_s):
            while True:
                try:
                    reader, writer = await asyncio.open_unix_connection(socket, limit=1 << 20)
                    break
                except (FileNotFoundError, ConnectionRefusedError):
                    await asyncio.sleep(0.02)
        writer.write(encode(Hello(VERSION, (217, 136), ("en", "de"))))
        return cls(reader, writer)

    async def leave(self) -> None:
        self._task.cancel()
        self._writer.close()
        await asyncio.gather(self._task, return_exceptions=True)

    def freeze(self) -> None:
        """The panel draws nothing any more."""
        self._drawing = False

    @property
    def gone(self) -> bool:
        """Core has hung up."""
        return self._task.done()

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                await self._take(line)
        except ConnectionError:
            pass
        finally:
            for waiting in self._results.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionError("core hung up"))
                    waiting.exception()  # whoever asked may have given up
            async with self._news:
                self._news.notify_all()

    async def _take(self, line: bytes) -> None:
        match decode(line):
            case Snapshot() as snapshot:
                if self._drawing:
                    self._writer.write(encode(Ack(snapshot.seq)))
                if not self.pages or self.pages[-1] != snapshot.page:
                    self.pages.append(snapshot.page)
                if not self.titles or self.titles[-1] != snapshot.title:
                    self.titles.append(snapshot.title)
                async with self._news:
                    self.snapshot = snapshot
                    self._news.notify_all()
            case Result(id=id_, code=code):
                waiting = self._results.get(id_)
                if waiting is not None and not waiting.done():
                    waiting.set_result(code)

    async def page(self, *names: str, patience_s: float = PATIENCE_S) -> Snapshot:
        """Wait until the screen shows one of these pages."""
        return await self.sees(lambda s: s.page in names, f"page {' or '.join(names)}", patience_s)

    async def sees(self, wanted: Callable[[Snapshot], object], what: str, patience_s: float = PATIENCE_S) -> Snapshot:
        """Wait until the screen shows what is wanted."""
        try:
            async with asyncio.timeout(patience_s), self._news:
                while self.snapshot is None or not wanted(self.snapshot):
                    if self._task.done():
                        raise AssertionError(f"core hung up while waiting for {what}; last seen: {self._seen()}")
                    await self._news.wait()
                return self.snapshot
        except TimeoutError:
            raise AssertionError(f"waited for {what}; the screen shows {self._seen()}") from None

    def _seen(self) -> str:
        s = self.snapshot
        if s is None:
            return "nothing"
        return f"{s.page}: {s.title!r} {s.what!r} {s.card and s.card.note!r} {s.receipt_note!r} pages {self.pages}"

    async def press(self, intent: str, **args: str) -> str:
        """Press a control that is on the page now, or comes to be on it."""
        s = await self.sees(lambda s: self._offered(s, intent, args) is not None, f"something to press for {intent} {args}")
        found = self._offered(s, intent, args)
        assert found is not None
        return await self.send(intent, found)

    async def send(self, intent: str, args: dict[str, str] | None = None, *, visit: int | None = None, id_: str = "") -> str:
        """Send an intent, offered or not; of another visit, or under an id of before, when told so."""
        assert self.snapshot is not None
        id_ = id_ or f"{self._name}.{next(self._ids)}"
        self._results[id_] = asyncio.get_running_loop().create_future()
        given = self.snapshot.visit if visit is None else visit
        self._writer.write(encode(Intent(id_, given, self.snapshot.seq, intent, args or {})))
        async with asyncio.timeout(PATIENCE_S):
            return await self._results[id_]

    @staticmethod
    def offers(s: Snapshot, intent: str, **args: str) -> bool:
        """Whether the page has a control for it."""
        return Driver._offered(s, intent, args) is not None

    @staticmethod
    def _offered(s: Snapshot, intent: str, args: dict[str, str]) -> dict[str, str] | None:
        for button in (*s.buttons, *s.utilities):
            if button.intent == intent:
                return dict(button.args)
        for key in s.connectors:
            if key.intent == intent and args.get("letter") == key.letter:
                return {"connector": key.id}
        if any(way.intent == intent for way in s.ways):
            return {}
        if intent == "language" and any(choice.code == args.get("code") for choice in s.languages):
            return {"code": args["code"]}
        return None

    async def type_code(self, code: str) -> None:
        for digit in code:
            await self.send("digit", {"digit": digit})
