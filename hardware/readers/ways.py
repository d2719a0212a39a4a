"""Ways to a reader that sends bytes by itself: a serial port, or a TCP address of a serial server."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import socket
import termios
import tty
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from hardware.api import NotSent
from hardware.clock import Clock

CONNECT_S = 3.0
BAUDS = {9_600: termios.B9600, 19_200: termios.B19200, 38_400: termios.B38400, 57_600: termios.B57600, 115_200: termios.B115200}
_MOST = 4_096
# A serial server that lost its power says nothing: it is asked after 10 s, and gone after three times without an answer.
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))


class Way(Protocol):
    """Where a reader is."""

    def open(self) -> AbstractAsyncContextManager[asyncio.StreamReader]:
        """What it sends, until the way is closed or lost. Raises `NotSent` when it cannot be had."""
        ...


@dataclass(frozen=True)
class SerialWay:
    """A serial port, such as `/dev/serial/by-id/…`: 8 data bits, no parity, nobody else on it."""

    device: Path
    baud: int = 9_600

    def __str__(self) -> str:
        return str(self.device)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[asyncio.StreamReader]:
        """Raises `NotSent` when it cannot be had."""
        try:
            port = os.open(self.device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError as error:
            raise NotSent(f"{self} cannot be opened: {error.strerror}") from error
        try:
            self._take(port)
        except BaseException:
            os.close(port)
            raise
        file = os.fdopen(port, "rb", buffering=0)
        reader = asyncio.StreamReader(_MOST)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), file)
        try:
            yield reader
        finally:
            transport.close()

    def _take(self, port: int) -> None:
        try:
            fcntl.ioctl(port, termios.TIOCEXCL)
            fcntl.flock(port, fcntl.LOCK_EX | fcntl.LOCK_NB)
            tty.setraw(port)
            settings = termios.tcgetattr(port)
            settings[2] |= termios.CLOCAL | termios.CREAD
            settings[4] = settings[5] = BAUDS[self.baud]
            termios.tcsetattr(port, termios.TCSANOW, settings)
            termios.tcflush(port, termios.TCIFLUSH)
        except BlockingIOError as error:
            raise NotSent(f"{self} is used by another program") from error
        except (OSError, termios.error) as error:
            raise NotSent(f"{self} is no serial port: {error}") from error


@dataclass(frozen=True)
class TcpWay:
    """A serial port at the other end of a network cable."""

    host: str
    port: int
    clock: Clock

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[asyncio.StreamReader]:
        """Raises `NotSent` when it cannot be reached."""
        try:
            async with self.clock.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(self.host, self.port, limit=_MOST)
        except OSError as error:
            word = os.strerror(error.errno) if error.errno else "no answer"
            raise NotSent(f"{self} cannot be reached: {word}") from error
        wire: socket.socket = writer.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            wire.setsockopt(socket.IPPROTO_TCP, option, value)
        try:
            yield reader
        finally:
            writer.close()


def gone(error: OSError) -> str:
    """Why a way that was open is no more."""
    return "it was unplugged" if error.errno == errno.EIO else error.strerror or "the connection was lost"
