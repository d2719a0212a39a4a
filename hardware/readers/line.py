"""A reader that sends each tag's UID as a line of hexadecimal digits, by itself: the commonest kind there is.

It cannot be asked anything, so all that is known of it is whether the way to it is open. What it sends while a line is not complete, or
complete and senseless, is passed over: the next end of a line begins anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from hardware.api import AnswerLost, Tap
from hardware.readers.uid import RandomUid, UidError, normal
from hardware.readers.ways import Way, gone

log = logging.getLogger(__name__)

_LONGEST = 64  # no line with a UID is longer
_ENDS = (b"\r", b"\n", b"\x03", b"\x00")
_CHUNK = 256


class Lines:
    """Bytes come in, in any pieces; complete lines come out."""

    def __init__(self) -> None:
        self._begun = b""
        self._over = False

    def feed(self, data: bytes) -> list[bytes]:
        lines = []
        for byte in data:
            one = bytes((byte,))
            if one in _ENDS:
                if self._begun and not self._over:
                    lines.append(self._begun)
                self._begun, self._over = b"", False
            elif one != b"\x02":
                self._over = self._over or len(self._begun) >= _LONGEST
                self._begun = b"" if self._over else self._begun + one
        return lines


class LineReader:
    """A `hardware.api.CardReader`. `backwards` where it tells the last byte of a UID first."""

    def __init__(self, way: Way, *, backwards: bool = False) -> None:
        self._way = way
        self._backwards = backwards
        self._noisy = False

    def __repr__(self) -> str:
        return f"the reader at {self._way}"

    async def run(self, tapped: Callable[[Tap], None], ready: Callable[[], None]) -> None:
        """Raises `NotSent` when there is no way to it, `AnswerLost` when it was there and is gone."""
        async with self._way.open() as stream:
            ready()
            lines = Lines()
            while data := await self._some(stream):
                for line in lines.feed(data):
                    if (tap := self._tap(line)) is not None:
                        tapped(tap)
        raise AnswerLost(f"{self!r} is gone: it hung up")

    async def _some(self, stream: asyncio.StreamReader) -> bytes:
        try:
            return await stream.read(_CHUNK)
        except OSError as error:
            raise AnswerLost(f"{self!r} is gone: {gone(error)}") from error

    def _tap(self, line: bytes) -> Tap | None:
        try:
            tap = Tap(str(self._way), normal(line.decode("ascii"), backwards=self._backwards))
        except RandomUid:
            return Tap(str(self._way), "")
        except (UidError, UnicodeDecodeError) as error:
            # Never what was read: it may be most of somebody's UID.
            level = logging.DEBUG if self._noisy else logging.WARNING  # a wire that makes noise makes it all day
            log.log(level, "%r told of a tag that cannot be known: it %s", self, error if isinstance(error, UidError) else "is not text")
            self._noisy = True
            return None
        self._noisy = False
        return tap
