"""A picture of every page a visit sees, for the tour, the documentation and fault reports."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject

from kiosk.protocol import Snapshot
from kiosk.screen.stage import Stage, StageError
from kiosk.screen.timers import alarm

log = logging.getLogger(__name__)

SETTLE_MS = 700  # fade, growing lines and the hatch have come to rest


class Shots(QObject):
    """Saves `NN-page-language.png` when a page has come to rest, or at the last moment before the next one replaces it."""

    def __init__(self, stage: Stage, into: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._stage = stage
        self._into = into
        self._into.mkdir(parents=True, exist_ok=True)
        self._page = ("", "")
        self._count = len(list(into.glob("*.png")))  # a screen that was killed goes on counting
        self._settle = alarm(self, SETTLE_MS, self._take)

    def before(self, snapshot: Snapshot) -> None:
        """Call with each snapshot before it is shown."""
        page = (snapshot.page, snapshot.language)
        if page != self._page:
            self.flush()
            self._page = page
            self._settle.start()

    def flush(self) -> None:
        """Take the picture that is still due."""
        if self._settle.isActive():
            self._settle.stop()
            self._take()

    def _take(self) -> None:
        self._count += 1
        file = self._into / f"{self._count:02d}-{self._page[0]}-{self._page[1]}.png"
        try:
            self._stage.grab(file)
        except StageError as error:
            log.warning("%s", error)
