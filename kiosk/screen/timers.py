"""Timers of the event loop, in one line each."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer


def alarm(parent: QObject, milliseconds: int, ring: Callable[[], None]) -> QTimer:
    """A timer that rings once, `milliseconds` after each `start()`."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(ring)
    return timer


def pulse(parent: QObject, milliseconds: int, beat: Callable[[], None]) -> QTimer:
    """A timer that beats every `milliseconds` from `start()` on."""
    timer = QTimer(parent)
    timer.setInterval(milliseconds)
    timer.timeout.connect(beat)
    return timer
