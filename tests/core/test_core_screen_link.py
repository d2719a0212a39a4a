"""The core's end of the screen's socket: what it sends, how often, and whom it believes."""

from __future__ import annotations

import asyncio
import contextlib
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from core_bed import settle

from kiosk.core.clock import SystemClock
from kiosk.core.screen_link import ScreenLink
from kiosk.protocol import MAX_LINE, VERSION, Ack, Hello, Intent, Message, Result, Sky, Snapshot, decode, encode

CONNECTED: list[asyncio.StreamWriter] = []
HELLO = Hello(VERSION, (154, 86), ("en", "de"))


@dataclass
class Core:
    """What stands behind the link."""

    title: str = "Hello"
    intents: list[Intent] = field(default_factory=list)
    acks: int = 0
    answer: str = "done"

    def compose(self, seq: int) -> Snapshot:
        if not self.title:
            raise LookupError("there are no words for this")
        return Snapshot(seq, 1, "idle", "paper", "en", False, Sky("L", "E0417", "0800", "14:29"), self.title)

    async def intent(self, intent: Intent) -> str:
        self.intents.append(intent)
        return self.answer

    def acked(self) -> None:
        self.acks += 1


@dataclass
class Screen:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def connect(cls, path: Path, first: Message | bytes | None = HELLO) -> Screen:
        screen = cls(*await asyncio.open_unix_connection(path, limit=MAX_LINE))
        CONNECTED.append(screen.writer)
        if first is not None:
            screen.says(first)
        return screen

    def says(self, message: Message | bytes) -> None:
        self.writer.write(message if isinstance(message, bytes) else encode(message))

    async def hears(self) -> Message:
        return decode(await self.reader.readline())

    async def sees(self) -> Snapshot:
        while not isinstance(message := await self.hears(), Snapshot):
            pass
        return message

    async def is_told(self) -> Result:
        while not isinstance(message := await self.hears(), Result):
            pass
        return message

    async def is_closed(self) -> bool:
        try:
            while await self.reader.readline():
                pass
        except ConnectionError:
            pass
        return True


@asynccontextmanager
async def a_link(folder: Path, core: Core) -> AsyncIterator[ScreenLink]:
    """A link whose seconds are tenths of a second."""
    clock = SystemClock.fast(10, time.clock_gettime_ns(time.CLOCK_BOOTTIME), 0)
    link = ScreenLink(folder / "screen.sock", clock, core.compose, core.intent, core.acked)
    await link.start()
    try:
        async with asyncio.timeout(20):
            yield link
    finally:
        await link.stop()
        while CONNECTED:
            writer = CONNECTED.pop()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        await settle()


async def test_a_screen_that_says_hello_gets_a_snapshot(tmp_path: Path) -> None:
    async with a_link(tmp_path, Core()):
        snapshot = await (await Screen.connect(tmp_path / "screen.sock")).sees()
        assert (snapshot.seq, snapshot.title) == (1, "Hello")


async def test_only_the_screens_group_may_connect(tmp_path: Path) -> None:
    async with a_link(tmp_path, Core()):
        assert stat.S_IMODE((tmp_path / "screen.sock").stat().st_mode) == 0o660


async def test_a_socket_left_by_a_dead_core_is_taken_over_and_taken_away(tmp_path: Path) -> None:
    (tmp_path / "screen.sock").touch()
    async with a_link(tmp_path, Core()):
        await (await Screen.connect(tmp_path / "screen.sock")).sees()
    assert not (tmp_path / "screen.sock").exists()


@pytest.mark.parametrize(
    "first",
    [
        Hello(VERSION + 1, (1, 1), ("en",)),
        Ack(1),
        Intent("1", 1, 1, "help"),
        b"\n",
        b"not json\n",
        b"[]\n",
        b'{"type":"Sky"}\n',
        b'{"type":"Hello","version":1}\n',
        b'{"type":"Hello","version":1,"panel_mm":[1,1],"languages":[],"root":true}\n',
        b"x" * (MAX_LINE + 10) + b"\n",
    ],
    ids=[
        "another version",
        "ack first",
        "intent first",
        "empty",
        "no json",
        "no object",
        "no message",
        "too little",
        "too much",
        "too long",
    ],
)
async def test_whoever_does_not_say_hello_sees_nothing(tmp_path: Path, first: Message | bytes) -> None:
    core = Core()
    async with a_link(tmp_path, core):
        assert await (await Screen.connect(tmp_path / "screen.sock", first)).is_closed()
        await (await Screen.connect(tmp_path / "screen.sock")).sees()
    assert core.intents == []


async def test_an_intent_gets_its_result_and_a_new_look(tmp_path: Path) -> None:
    core = Core()
    async with a_link(tmp_path, core):
        screen = await Screen.connect(tmp_path / "screen.sock")
        await screen.sees()
        intent = Intent("7", 1, 1, "choose", {"connector": "A"})
        core.title = "Chosen"
        screen.says(intent)
        assert await screen.is_told() == Result("7", "done")
        assert (await screen.sees()).title == "Chosen"
    assert core.intents == [intent]


@pytest.mark.parametrize("code", ["stale", "refused"])
async def test_a_wish_that_did_nothing_says_so(tmp_path: Path, code: str) -> None:
    async with a_link(tmp_path, Core(answer=code)):
        screen = await Screen.connect(tmp_path / "screen.sock")
        screen.says(Intent("7", 0, 1, "help"))
        assert await screen.is_told() == Result("7", code)


async def test_a_drawn_snapshot_is_told_to_the_desk(tmp_path: Path) -> None:
    core = Core()
    async with a_link(tmp_path, core):
        screen = await Screen.connect(tmp_path / "screen.sock")
        screen.says(Ack((await screen.sees()).seq))
        screen.says(Intent("1", 1, 1, "help"))
        await screen.is_told()
    assert core.acks == 1


async def test_a_screen_cannot_have_drawn_what_was_never_sent(tmp_path: Path) -> None:
    core = Core()
    async with a_link(tmp_path, core):
        screen = await Screen.connect(tmp_path / "screen.sock")
        screen.says(Ack(99))
        assert await screen.is_closed()
    assert core.acks == 0


async def test_the_newest_screen_is_the_screen(tmp_path: Path) -> None:
    core = Core()
    async with a_link(tmp_path, core):
        old = await Screen.connect(tmp_path / "screen.sock")
        await old.sees()
        new = await Screen.connect(tmp_path / "screen.sock")
        assert (await new.sees()).seq > 1
        assert await old.is_closed()
        new.says(Intent("1", 1, 1, "help"))
        assert await new.is_told() == Result("1", "done")


async def test_a_connection_that_says_nothing_does_not_replace_the_screen(tmp_path: Path) -> None:
    async with a_link(tmp_path, Core()) as link:
        screen = await Screen.connect(tmp_path / "screen.sock")
        first = await screen.sees()
        await Screen.connect(tmp_path / "screen.sock", None)
        link.refresh()
        assert (await screen.sees()).seq == first.seq + 1


async def test_a_screen_that_comes_back_sees_the_same_page(tmp_path: Path) -> None:
    async with a_link(tmp_path, Core("Charging")):
        first = await Screen.connect(tmp_path / "screen.sock")
        await first.sees()
        first.writer.close()
        assert (await (await Screen.connect(tmp_path / "screen.sock")).sees()).title == "Charging"


async def test_changes_are_gathered_and_stillness_is_told(tmp_path: Path) -> None:
    """At most four snapshots a second while everything changes, at least one while nothing does: four times as many, not forty."""
    async with a_link(tmp_path, Core()) as link:
        screen = await Screen.connect(tmp_path / "screen.sock")
        await screen.sees()
        still = await _gaps(screen, 2)

        async def storm() -> None:
            while True:
                link.refresh()
                await asyncio.sleep(0.001)

        storming = asyncio.create_task(storm())
        busy = await _gaps(screen, 6)
        storming.cancel()
        assert 1.5 < (sum(still) / len(still)) / (sum(busy[1:]) / len(busy[1:])) < 6


async def _gaps(screen: Screen, n: int) -> list[float]:
    gaps = []
    for _ in range(n):
        began = time.monotonic()
        await screen.sees()
        gaps.append(time.monotonic() - began)
    return gaps


async def test_a_page_that_cannot_be_made_is_said_and_the_screen_asks_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    core = Core("")
    async with a_link(tmp_path, core):
        assert await (await Screen.connect(tmp_path / "screen.sock")).is_closed()
        assert "no snapshot could be made" in caplog.text
        core.title = "Better"
        assert (await (await Screen.connect(tmp_path / "screen.sock")).sees()).title == "Better"


async def test_a_screen_that_talks_nonsense_later_is_let_go(tmp_path: Path) -> None:
    async with a_link(tmp_path, Core()):
        screen = await Screen.connect(tmp_path / "screen.sock")
        await screen.sees()
        screen.says(HELLO)
        assert await screen.is_closed()
