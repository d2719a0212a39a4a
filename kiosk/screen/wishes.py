"""What the person at the screen wants, and what a touch must survive before it counts.

Rain, sleeves and hurry touch a panel too. So nothing counts in the first 300 ms of a page (the finger was on its way to the one before),
a key that has been pressed waits for its answer, and touches beside the controls only say that somebody is there.
"""

from __future__ import annotations

from PySide6.QtCore import Property, QElapsedTimer, QObject, QUuid, Signal, Slot

from kiosk.protocol import Intent
from kiosk.screen.timers import alarm

GUARD_MS = 300
ANSWER_MS = 2_000
TOUCH_MS = 1_000
_TYPED = {"digit", "erase"}  # the same digit twice is two digits


class Wish(QObject):
    """The one way from QML to core. Set `visit` and `seq` with each snapshot, tell of frames by `seen`; `sent` carries the intent."""

    sent = Signal(object)
    answered = Signal()
    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.visit = 0
        self.seq = 0
        self._open = False
        self._unseen = False
        self._fingers = 0
        self._spoilt = False
        self._asked: Intent | None = None
        self._guard = alarm(self, GUARD_MS, self._unlock)
        self._answer = alarm(self, ANSWER_MS, self._release)
        self._dry = alarm(self, 0, self._forgive)
        self._touched = QElapsedTimer()

    open = Property(bool, lambda self: self._open, notify=changed)

    def new_page(self) -> None:
        """Another page is up: what was asked is over, and input rests for a moment."""
        self._release()
        self._fingers = 0
        self._open = False
        self._unseen = True
        self._guard.stop()
        self.changed.emit()

    @Slot()
    def seen(self) -> None:
        """A frame is on the glass: if it is the first of its page, its time begins now, however busy the machine was."""
        if self._unseen:
            self._unseen = False
            self._guard.start()

    def settle(self, intent_id: str) -> None:
        """Core has answered this intent."""
        if self._asked and self._asked.id == intent_id:
            self._release()

    @Slot()
    def press(self) -> None:
        """A finger is down. A second one makes it rain or a sleeve: nothing counts until all are up."""
        self._spoilt = self._fingers > 0
        self._fingers += 1

    @Slot()
    def lift(self) -> None:
        """A finger is up."""
        self._fingers = max(0, self._fingers - 1)
        self._dry.start()

    @Slot(str, "QVariantMap", result=bool)
    def send(self, kind: str, args: dict[str, str]) -> bool:
        """Send an intent, unless the page is too young, two fingers are at work, or the same wish waits. True: wait for the answer."""
        if not self._open or self._spoilt:
            return False
        intent = Intent(_new_id(), self.visit, self.seq, kind, {str(k): str(v) for k, v in args.items()})
        if kind not in _TYPED:
            if self._asked and (self._asked.kind, self._asked.args) == (intent.kind, intent.args):
                return True
            self._asked = intent
            self._answer.start()
        self.sent.emit(intent)
        return kind not in _TYPED

    @Slot()
    def touch(self) -> None:
        """Somebody is there. At most once a second."""
        if self._touched.isValid() and self._touched.elapsed() < TOUCH_MS:
            return
        self._touched.start()
        self.sent.emit(Intent(_new_id(), self.visit, self.seq, "touch"))

    def _forgive(self) -> None:
        if not self._fingers:
            self._spoilt = False

    def _unlock(self) -> None:
        self._open = True
        self.changed.emit()

    def _release(self) -> None:
        self._asked = None
        self._answer.stop()
        self.answered.emit()


def _new_id() -> str:
    return QUuid.createUuid().toString(QUuid.StringFormat.WithoutBraces)
