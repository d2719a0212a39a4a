"""What a printer says back, and what it means.

Real-time status (`DLE EOT n`) is answered at once, even when the printer is busy or stopped; the other replies come in the order in which
it works through a job. Everything arrives on one wire, so replies are told apart by their fixed bits (Epson's ESC/POS reference).
"""

from __future__ import annotations

from dataclasses import dataclass

from hardware.api import PrinterState

HEADER = 0x37
PROCESS_ID = 0x22  # identifier of the answer to GS ( H function 48
CLEARED = 0x25  # identifier of the answer to DLE DC4 function 8
MOST_BYTES = 96  # no block is longer; an unended one is noise


@dataclass(frozen=True, slots=True)
class RealTime:
    """Answer to a `DLE EOT n`, in the order they were asked."""

    byte: int


@dataclass(frozen=True, slots=True)
class Paper:
    """Answer to `GS r 1`: everything sent before it has been worked through."""

    ended: bool


@dataclass(frozen=True, slots=True)
class Block:
    """A reply with a header: a process id, or that buffers were cleared."""

    identifier: int
    data: bytes


Reply = RealTime | Paper | Block


class Replies:
    """Cuts the byte stream into replies, however the network cut it."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Reply]:
        self._rest += data
        found: list[Reply] = []
        while self._rest:
            taken, reply = self._first()
            if not taken:
                break
            del self._rest[:taken]
            if reply is not None:
                found.append(reply)
        return found

    def _first(self) -> tuple[int, Reply | None]:
        """How many bytes the first reply takes (0: it is not complete), and the reply if it means anything to us."""
        rest, byte = self._rest, self._rest[0]
        if byte == HEADER:
            end = rest.find(0, 1)
            if end < 0:
                return (1, None) if len(rest) > MOST_BYTES else (0, None)
            return (end + 1, Block(rest[1], bytes(rest[2:end])) if end > 1 else None)
        if byte & 0x93 == 0x12:
            return 1, RealTime(byte)
        if byte & 0x93 == 0x10:  # automatic status back: four bytes nobody asked for
            return (4, None) if len(rest) >= 4 else (0, None)
        if byte & 0x90 == 0:
            return 1, Paper(byte & 0x0C != 0)
        return 1, None


@dataclass(frozen=True, slots=True)
class Status:
    """The four real-time status bytes."""

    printer: int
    offline: int
    error: int
    paper: int

    @property
    def state(self) -> PrinterState:
        if self.cover_open:
            return PrinterState.COVER_OPEN
        if self.paper_ended:
            return PrinterState.NO_PAPER
        if self.printer & 0x08 or self.broken:
            return PrinterState.OFFLINE
        return PrinterState.PAPER_LOW if self.paper & 0x0C else PrinterState.READY

    @property
    def cover_open(self) -> bool:
        return self.offline & 0x04 != 0

    @property
    def paper_ended(self) -> bool:
        return self.paper & 0x60 != 0 or self.offline & 0x20 != 0

    @property
    def broken(self) -> bool:
        """Cutter stuck, head too hot, or the like."""
        return self.offline & 0x40 != 0 or self.error & 0x68 != 0

    @property
    def stopped(self) -> bool:
        """Whether a job in the printer cannot go on."""
        return self.cover_open or self.paper_ended or self.broken
