"""A person at the screen, on the real socket: reads snapshots, presses what is there, acknowledges what was drawn."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Self

from kiosk.protocol import VERSION, Ack, Hello, Intent, Result, Snapshot, decode, encode


class Driver:
    """Only presses what the snapshot offers, as a person can."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._results: dict[str, asyncio.Future[str]] = {}
        self.snapshot: Snapshot | None = None
        self._news = asyncio.Condition()
        self._task = asyncio.create_task(self._read())
        self.pages: list[str] = []

    @classmethod
    async def sit_down(cls, socket: Path, patience_s: float = 20) -> Self:
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

    @property
    def gone(self) -> bool:
        """Core has hung up."""
        return self._task.done()

    async def _read(self) -> None:
        while line := await self._reader.readline():
            match decode(line):
                case Snapshot() as snapshot:
                    self._writer.write(encode(Ack(snapshot.seq)))
                    if not self.pages or self.pages[-1] != snapshot.page:
                        self.pages.append(snapshot.page)
                    async with self._news:
                        self.snapshot = snapshot
                        self._news.notify_all()
                case Result(id=id_, code=code):
                    self._results[id_].set_result(code)
        async with self._news:
            self._news.notify_all()

    async def page(self, *names: str, patience_s: float = 20) -> Snapshot:
        """Wait until the screen shows one of these pages."""
        return await self.sees(lambda s: s.page in names, f"page {' or '.join(names)}", patience_s)

    async def sees(self, wanted, what: str, patience_s: float = 20) -> Snapshot:
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
        return "nothing" if s is None else f"{s.page}: {s.title!r} {s.what!r} {s.card and s.card.note!r} pages {self.pages}"

    async def press(self, intent: str, **args: str) -> str:
        """Press a control that is on the page now."""
        s = await self.sees(lambda s: self._offered(s, intent, args) is not None, f"something to press for {intent} {args}")
        found = self._offered(s, intent, args)
        assert found is not None
        return await self.send(intent, found)

    async def send(self, intent: str, args: dict[str, str]) -> str:
        """Send an intent, offered or not."""
        assert self.snapshot is not None
        id_ = str(next(self._ids))
        self._results[id_] = asyncio.get_running_loop().create_future()
        self._writer.write(encode(Intent(id_, self.snapshot.visit, self.snapshot.seq, intent, args)))
        async with asyncio.timeout(20):
            return await self._results[id_]

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
