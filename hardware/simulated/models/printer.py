"""A receipt printer, without its wires: bytes in, status and paper out.

It behaves as an Epson does in what matters to a driver: real-time commands are answered at once and wherever they stand, everything else is
worked through in order, a job that runs out of paper stays in the buffer and goes on when paper is put in, unless somebody clears it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hardware.simulated.models.escpos import DLE, MODULE_SIZE, PRINT_CODE, STORE_CODE, Command, first
from hardware.simulated.models.qr import side

DOTS_PER_MM = 8
LINE_DOTS = 30  # from line to line after ESC 2: 3.75 mm
CUT_DOTS = 100  # from head to cutter
NEAR_END_MM = 4_000
FULL_ROLL_MM = 80_000
MOST_BUFFERED = 65_536

_CLEAR = bytes([DLE, 0x14, 8, 1, 3, 20, 1, 6, 2, 8])
_REAL_TIME = {4: 3, 5: 3, 20: len(_CLEAR)}  # length by the byte after DLE
_MODES = {"ESC t", "ESC M", "ESC E", "ESC a", "ESC !", "ESC 3", "GS !"}
_NOT_ON_PAPER = {"GS ( H", "GS r", "GS I", "GS a", "?"}
_IDENTITY = {65: b"1.00", 66: b"_EPSON", 67: b"_TM-T20III", 68: b"_SIM0000001"}


@dataclass
class PrinterModel:
    """Turn the knobs freely; `receive` and `work` are what the wire does.

    `receipts` are the pieces of paper that came out, each as the bytes that were printed on it: cut off, or torn off for a new roll.
    `knows_process_ids` and `clears` tell an Epson from a clone. `answers_with` makes it confirm a job of another number.
    """

    paper_mm: int = FULL_ROLL_MM
    columns: int = 42
    cover_open: bool = False
    jammed: bool = False
    mute: bool = False  # takes everything, says nothing
    stalled: bool = False  # takes nothing, says nothing
    drop_after: int | None = None  # hang up hard when so many bytes of a connection have come in
    knows_process_ids: bool = True
    clears: bool = True
    answers_with: bytes | None = None
    receipts: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._head = bytearray()  # a real-time command whose end has not arrived
        self._buffer = bytearray()
        self._line = bytearray()  # set, but not printed before the paper moves
        self._strip = bytearray()
        self._feed_dots = 0  # of a millimetre
        self._style_reset()

    # --- the panel ---------------------------------------------------------------------------------------------------------------

    @property
    def printing(self) -> bytes:
        """What stands on the strip that is not cut off yet."""
        return bytes(self._strip)

    @property
    def busy(self) -> bool:
        """Whether anything waits to be printed."""
        return bool(self._buffer)

    @property
    def stopped(self) -> bool:
        return self.cover_open or self.jammed or self.paper_mm <= 0

    def refill(self, mm: int = FULL_ROLL_MM) -> None:
        """Put in a new roll and close the cover. What hangs out of the slot is torn off."""
        self.tear_off()
        self._strip += b"".join(self._modes.values())  # what is still to come looks as it would have
        self.paper_mm, self.cover_open = mm, False

    def tear_off(self) -> None:
        if self._strip:
            self.receipts.append(bytes(self._strip))
            self._strip.clear()

    def power_off(self) -> None:
        """Everything in memory is lost; paper and what is printed on it stay."""
        self._head.clear()
        self._reset()

    # --- the wire ----------------------------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host; the answer to the real-time commands among them."""
        pending, self._head = bytes(self._head) + data, bytearray()
        said = bytearray()
        i = 0
        while i < len(pending):
            if pending[i] != DLE:
                end = pending.find(DLE, i)
                end = len(pending) if end < 0 else end
                self._buffer += pending[i:end]
                i = end
                continue
            size = self._real_time_size(pending[i:])
            if size is None:
                self._head += pending[i:]
                break
            said += self._real_time(pending[i : i + size])
            i += size
        del self._buffer[MOST_BUFFERED:]
        return b"" if self.mute else bytes(said)

    def work(self) -> tuple[bytes, int]:
        """Do the next command that moves paper or speaks, and all before it: what is said, and the millimetres fed.

        Nothing happens (`b"", 0`) while the buffer is empty or the printer stopped.
        """
        while not self.stopped and not self.stalled:
            command = first(bytes(self._buffer[:4096]))
            if command is None:
                break
            feed = self._feed(command)
            if feed and not self._paper_for(feed):
                break
            del self._buffer[: len(command.raw)]
            said = self._do(command)
            if feed or said:
                return b"" if self.mute else said, feed // DOTS_PER_MM
        return b"", 0

    # --- inside ------------------------------------------------------------------------------------------------------------------

    def _real_time_size(self, data: bytes) -> int | None:
        if len(data) < 2:
            return None
        size = _REAL_TIME.get(data[1], 1)
        return size if len(data) >= size else None

    def _real_time(self, command: bytes) -> bytes:
        if len(command) == 1:
            self._buffer += command  # any other byte of this value is the job's
        if command[:2] == bytes([DLE, 4]):
            return bytes([self._status(command[2])])
        if command == bytes([DLE, 5, 2]) and self.clears and self.stopped:
            self._reset()
        if command == _CLEAR and self.clears:
            self._reset()
            return b"\x37\x25\x00"
        return b""

    def _status(self, n: int) -> int:
        ended = self.paper_mm <= 0
        bits = {
            1: 0x08 if self.stopped else 0,
            2: (0x04 if self.cover_open else 0) | (0x20 if ended else 0) | (0x40 if self.jammed else 0),
            3: 0x08 if self.jammed else 0,
            4: (0x60 if ended else 0) | (0x0C if self.paper_mm <= NEAR_END_MM else 0),
        }
        return 0x12 | bits.get(n, 0)

    def _reset(self) -> None:
        self._buffer.clear()
        self._line.clear()
        self._style_reset()

    def _style_reset(self) -> None:
        self._line_dots, self._height = LINE_DOTS, 1
        self._code, self._module_dots = b"", 3
        self._modes: dict[str, bytes] = {}

    def _feed(self, command: Command) -> int:
        """Dots of paper a command needs."""
        match command.name:
            case "LF":
                return self._line_dots if self._height == 1 else 24 * self._height + 6
            case "ESC d":
                return self._line_dots * command.args[0]
            case "ESC J":
                return command.args[0]
            case "GS v":
                return command.args[4] + 256 * command.args[5]
            case "GS V":
                return CUT_DOTS if command.args[0] >= 65 else 1
            case "GS ( k" if command.args[1] == PRINT_CODE:
                return side(self._code) * self._module_dots
            case _:
                return 0

    def _paper_for(self, dots: int) -> bool:
        """Use `dots` of the roll; what is left of it below a line's height is no use to anybody."""
        needed, left = self._feed_dots + dots, self.paper_mm * DOTS_PER_MM
        if needed > left:
            self.paper_mm = 0
            return False
        self.paper_mm -= needed // DOTS_PER_MM
        self._feed_dots = needed % DOTS_PER_MM
        return True

    def _do(self, command: Command) -> bytes:
        if command.name in _NOT_ON_PAPER:
            return self._answer(command)
        self._line += command.raw
        match command.name:
            case "ESC @":
                self._style_reset()
            case "ESC 2":
                self._line_dots = LINE_DOTS
            case "ESC 3":
                self._line_dots = command.args[0]
            case "GS !":
                self._height = 1 + (command.args[0] & 7)
            case "ESC !":
                self._height = 1 + (command.args[0] >> 4 & 1)
            case "GS ( k" if command.args[1] == MODULE_SIZE:
                self._module_dots = command.args[2]
            case "GS ( k" if command.args[1] == STORE_CODE:
                self._code = command.args[3:]
            case _:
                pass
        if command.name in _MODES:
            self._modes[command.name] = command.raw
        if self._feed(command):
            self._strip += self._line
            self._line.clear()
        if command.name == "GS V":
            self.tear_off()
        return b""

    def _answer(self, command: Command) -> bytes:
        match command.name:
            case "GS ( H" if command.args[:2] == b"00" and self.knows_process_ids:
                return b"\x37\x22" + (self.answers_with or command.args[2:6]) + b"\x00"
            case "GS r":
                return bytes([0x03 if self.paper_mm <= NEAR_END_MM else 0x00])
            case "GS I":
                return _IDENTITY.get(command.args[0], b"_") + b"\x00"
            case "GS a" if command.args[0]:
                return self._status_back()
            case _:
                return b""

    def _status_back(self) -> bytes:
        """Automatic status back, as it is sent when it is switched on."""
        offline = (0x08 if self.stopped else 0) | (0x20 if self.cover_open else 0)
        ended = (0x0C if self.paper_mm <= 0 else 0) | (0x03 if self.paper_mm <= NEAR_END_MM else 0)
        return bytes([0x10 | offline, 0x08 if self.jammed else 0, ended, 0])
