"""A line reader at the end of a real socket and a real serial line (a pty), and what cables do."""

from __future__ import annotations

import asyncio
import os
import pty
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hardware.api import AnswerLost, NotSent, Tap
from hardware.readers.line import LineReader, Lines
from hardware.readers.ways import SerialWay, TcpWay
from hardware.simulated.models.reader import UIDS, Fault, ReaderModel, TagKind
from hardware.simulated.reader_server import ReaderServer
from kiosk.values import Moment

PATIENCE_S = 5
UID = UIDS[TagKind.KNOWN]


class RealClock:
    def now(self) -> Moment:
        return Moment(0, "test", 0)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(seconds)


@dataclass
class Listener:
    """Whoever listens to a reader."""

    reader: LineReader
    taps: asyncio.Queue[Tap] = field(default_factory=asyncio.Queue)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        self.ready.clear()
        self.task = asyncio.create_task(self.reader.run(self.taps.put_nowait, self.ready.set))
        ready = asyncio.create_task(self.ready.wait())
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait([self.task, ready], return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self.task.done():
            self.task.result()

    async def tap(self) -> str:
        async with asyncio.timeout(PATIENCE_S):
            return (await self.taps.get()).uid

    async def lost(self) -> BaseException | None:
        assert self.task is not None
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.wait([self.task])
        return self.task.exception()

    async def end(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)


async def heard(server: ReaderServer) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not server.heard:  # noqa: ASYNC110 - a reader tells nobody who listens
            await asyncio.sleep(0)


@pytest.fixture
async def server() -> AsyncIterator[ReaderServer]:
    server = ReaderServer(ReaderModel())
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def listener(server: ReaderServer) -> AsyncIterator[Listener]:
    listener = Listener(LineReader(TcpWay("127.0.0.1", server.port, RealClock())))
    await listener.begin()
    await heard(server)
    yield listener
    await listener.end()


# --- over a socket ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [TagKind.KNOWN, TagKind.FLEET, TagKind.EXPIRED])
async def test_a_tag_of_any_length_is_told_as_it_is_known(server: ReaderServer, listener: Listener, kind: TagKind):
    await server.hold(UIDS[kind])
    assert await listener.tap() == UIDS[kind]


async def test_a_made_up_number_is_a_tap_without_a_name(server: ReaderServer, listener: Listener):
    await server.hold(UIDS[TagKind.PHONE])
    assert await listener.tap() == ""


async def test_a_tag_that_lies_there_is_told_again_and_again(server: ReaderServer, listener: Listener):
    server.model.fault = Fault.CHATTERING
    await server.hold(UID)
    assert [await listener.tap() for _ in range(12)] == [UID] * 12


async def test_noise_is_passed_over_and_its_digits_are_not_logged(
    server: ReaderServer, listener: Listener, caplog: pytest.LogCaptureFixture
):
    server.model.fault = Fault.GARBLED
    for _ in range(5):
        await server.hold(UID)
    server.model.fault = Fault.NONE
    await server.hold(UIDS[TagKind.FLEET])
    assert await listener.tap() == UIDS[TagKind.FLEET]
    assert caplog.text.count("cannot be known") == 1, "a wire that makes noise makes it all day"
    assert not any(part in caplog.text.lower() for part in ("04:a1", "d4:e5", "04a1", "d4e5"))


async def test_a_reader_that_hangs_up_is_lost_and_can_be_had_again(server: ReaderServer, listener: Listener):
    await server.unplug()
    assert isinstance(await listener.lost(), AnswerLost)
    with pytest.raises(NotSent, match="cannot be reached: Connection refused"):
        await listener.begin()
    await server.start()
    await listener.begin()
    await heard(server)
    await server.hold(UID)
    assert await listener.tap() == UID


async def test_a_uid_never_shows_in_what_a_tap_looks_like(server: ReaderServer, listener: Listener):
    await server.hold(UID)
    assert UID not in repr(await listener.taps.get())


# --- over a serial line -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def line() -> Iterator[tuple[int, Path]]:
    ours, theirs = pty.openpty()
    path = Path(os.ttyname(theirs))
    os.close(theirs)
    yield ours, path
    with suppress(OSError):  # the cable was pulled
        os.close(ours)


async def test_a_serial_reader_tells_its_tags_in_any_pieces(line: tuple[int, Path]):
    ours, path = line
    listener = Listener(LineReader(SerialWay(path, 115_200)))
    await listener.begin()
    for piece in (b"\x0204a1", b"b2c3d4e5f6", b"\x03\r\n", b"ef be ad de\r"):
        os.write(ours, piece)
    assert [await listener.tap(), await listener.tap()] == [UID, "EFBEADDE"]
    await listener.end()


async def test_a_serial_reader_may_tell_its_bytes_backwards(line: tuple[int, Path]):
    ours, path = line
    listener = Listener(LineReader(SerialWay(path), backwards=True))
    await listener.begin()
    os.write(ours, b"EFBEADDE\n")
    assert await listener.tap() == "DEADBEEF"
    await listener.end()


async def test_a_serial_cable_that_is_pulled_is_noticed(line: tuple[int, Path]):
    ours, path = line
    listener = Listener(LineReader(SerialWay(path)))
    await listener.begin()
    os.close(ours)
    lost = await listener.lost()
    assert isinstance(lost, AnswerLost)
    assert str(path) in str(lost)


async def test_a_port_has_one_listener(line: tuple[int, Path]):
    _, path = line
    listener = Listener(LineReader(SerialWay(path)))
    await listener.begin()
    with pytest.raises(NotSent, match=r"used by another program|cannot be opened"):
        await Listener(LineReader(SerialWay(path))).begin()
    await listener.end()


async def test_what_is_no_serial_port_is_said_so(tmp_path: Path):
    with pytest.raises(NotSent, match="cannot be opened: No such file"):
        await Listener(LineReader(SerialWay(tmp_path / "none"))).begin()
    (tmp_path / "file").touch()
    with pytest.raises(NotSent, match="is no serial port"):
        await Listener(LineReader(SerialWay(tmp_path / "file"))).begin()


def test_a_line_without_an_end_does_not_grow_and_the_next_one_counts():
    lines = Lines()
    assert lines.feed(b"A" * 100_000) == []
    assert lines.feed(b"\r") == []
    assert lines.feed(b"DEADBEEF\r\n\n") == [b"DEADBEEF"]
