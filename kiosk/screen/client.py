"""The line to core: a Unix socket that is reopened for ever, and never trusted to be well-behaved.

Core may restart, hang, or be another version; the screen must then say so honestly instead of showing an old truth. A line that is not a
message is dropped with a log line. Silence for longer than the clock on the page needs to move is taken for a dead line.
"""

from __future__ import annotations

import logging
import types
from dataclasses import is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

from PySide6.QtCore import QObject, Signal
from PySide6.QtNetwork import QLocalSocket

from kiosk.protocol import MAX_LINE, VERSION, Ack, Hello, Intent, ProtocolError, Result, Snapshot, decode, encode
from kiosk.screen.timers import alarm, pulse

log = logging.getLogger(__name__)

RETRY_MS = 500
AWAY_MS = 3_000
SILENCE_MS = 90_000


class Client(QObject):
    """Connects to the socket at `path`, says Hello, and emits what core says."""

    shown = Signal(object)  # Snapshot
    answered = Signal(object)  # Result
    away = Signal()  # no snapshot for AWAY_MS after the line broke or never came up

    def __init__(self, path: str, panel_mm: tuple[int, int], languages: tuple[str, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._hello = Hello(VERSION, panel_mm, languages)
        self._buffer = bytearray()
        self._skipping = False
        self._socket = QLocalSocket(self)
        self._socket.connected.connect(self._greet)
        self._socket.readyRead.connect(self._read)
        self._socket.disconnected.connect(self._lost)
        self._socket.errorOccurred.connect(self._failed)
        # Beats for ever: no order of errors and state changes can leave the screen alone.
        self._retry = pulse(self, RETRY_MS, self._connect)
        self._missing = alarm(self, AWAY_MS, self.away.emit)
        self._silent = alarm(self, SILENCE_MS, self._hung)

    def start(self) -> None:
        """Begin to look for core, and never stop."""
        self._missing.start()
        self._retry.start()
        self._connect()

    def stop(self) -> None:
        """Close the line for good."""
        for timer in (self._retry, self._missing, self._silent):
            timer.stop()
        self._socket.blockSignals(True)
        self._socket.abort()

    def send(self, message: Intent | Ack) -> None:
        """Send a message if core is there. Without core a wish is lost on purpose: it was about a page that no longer counts."""
        if self._socket.state() == QLocalSocket.LocalSocketState.ConnectedState:
            self._socket.write(encode(message))
        elif isinstance(message, Intent):
            log.info("intent %s is not sent, core is away", message.kind)

    def _connect(self) -> None:
        if self._socket.state() == QLocalSocket.LocalSocketState.UnconnectedState:
            self._socket.connectToServer(self._path)

    def _greet(self) -> None:
        log.info("core is there: %s", self._path)
        self._buffer.clear()
        self._skipping = False
        self._socket.write(encode(self._hello))
        self._silent.start()

    def _failed(self, error: QLocalSocket.LocalSocketError) -> None:
        log.debug("core cannot be reached: %s", error)

    def _lost(self) -> None:
        log.warning("core is gone: %s", self._path)
        self._silent.stop()
        if not self._missing.isActive():
            self._missing.start()

    def _hung(self) -> None:
        log.warning("core has said nothing for %d s; connecting again", SILENCE_MS // 1000)
        self._socket.abort()

    def _read(self) -> None:
        self._buffer += self._socket.readAll().data()
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            if self._skipping:
                self._skipping = False
            else:
                self._take(line)
        if len(self._buffer) > MAX_LINE:
            if not self._skipping:
                log.warning("a line of core is longer than %d bytes; dropped", MAX_LINE)
            self._buffer.clear()
            self._skipping = True

    def _take(self, line: bytes) -> None:
        try:
            message = decode(line)
            check(message)
        except (ProtocolError, RecursionError) as error:  # the JSON reader gives up on deep nesting with a RecursionError
            log.warning("a line of core is dropped: %s", error)
            return
        self._silent.start()
        if isinstance(message, Snapshot):
            self._missing.stop()
            self.shown.emit(message)
        elif isinstance(message, Result):
            self.answered.emit(message)
        else:
            log.warning("core sent a %s, which only a screen says; dropped", type(message).__name__)


def check(message: object) -> None:
    """Raise `ProtocolError` unless every field, down to the last row, holds what its type says."""
    for name, hint in _hints(type(message)).items():
        if not _fits(getattr(message, name), hint):
            raise ProtocolError(f"{type(message).__name__}.{name} is not {getattr(hint, '__name__', hint)}")


_known: dict[type[Any], dict[str, Any]] = {}


def _hints(part: type[Any]) -> dict[str, Any]:
    if part not in _known:
        _known[part] = get_type_hints(part)
    return _known[part]


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is types.UnionType:
        return any(_fits(value, option) for option in get_args(hint))
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(v, get_args(hint)[0]) for v in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict) and all(isinstance(k, str) and isinstance(v, str) for k, v in value.items())
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 31
    if not isinstance(value, hint):
        return False
    return not is_dataclass(value) or all(_fits(getattr(value, name), inner) for name, inner in _hints(type(value)).items())
