"""`pilepay screen`: the process at the glass.

It looks for core's socket, draws what core says, acknowledges a snapshot only after its frame is on the panel, and sends wishes. It has one
thread and no state worth saving: it may be killed at any moment, and the supervisor brings it back.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication, QWindow

from kiosk.protocol import Ack, Intent, Result, Snapshot
from kiosk.screen import theme
from kiosk.screen.client import Client
from kiosk.screen.shots import Shots
from kiosk.screen.stage import Panel, Stage, StageError, languages, log_qt, pin
from kiosk.screen.timers import pulse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """What the process needs to know. `shots` is the directory for a picture per page, None for none."""

    socket: str
    panel: Panel = field(default_factory=Panel)
    fullscreen: bool = False
    offscreen: bool = False
    shots: Path | None = None


class Screen(QObject):
    """Client and stage, wired."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.stage = Stage(options.panel, self)
        self.client = Client(options.socket, options.panel.size_mm, languages(), self)
        self._shots = Shots(self.stage, options.shots, self) if options.shots else None
        self._unacknowledged: int | None = None
        self.client.shown.connect(self._show)
        self.client.away.connect(self._away)
        self.client.answered.connect(self._answered)
        self.stage.wish.sent.connect(self._send)
        self.stage.window.frameSwapped.connect(self._drawn, Qt.ConnectionType.QueuedConnection)
        if options.fullscreen:
            self.stage.window.setVisibility(QWindow.Visibility.FullScreen)
            self.stage.window.setCursor(Qt.CursorShape.BlankCursor)

    def start(self) -> None:
        self.client.start()

    def close(self) -> None:
        if self._shots:
            self._shots.flush()
        self.client.stop()
        self.stage.close()

    def _show(self, snapshot: Snapshot) -> None:
        if self._shots:
            self._shots.before(snapshot)
        self.stage.show(snapshot)
        self._unacknowledged = snapshot.seq
        self.stage.window.update()

    def _drawn(self) -> None:
        if self._unacknowledged is not None:
            self.client.send(Ack(self._unacknowledged))
            self._unacknowledged = None

    def _away(self) -> None:
        self._unacknowledged = None
        self.stage.away()

    def _answered(self, result: Result) -> None:
        if result.code != "done":
            log.info("intent %s: %s", result.id, result.code)
        self.stage.wish.settle(result.id)

    def _send(self, intent: Intent) -> None:
        self.client.send(intent)


def options(argv: Sequence[str]) -> Options:
    """The options of a command line. Wrong use exits with 2."""
    parser = argparse.ArgumentParser(prog="pilepay screen", description="Draw what core says on the touch panel.")
    parser.add_argument("--socket", required=True, help="path of core's Unix socket")
    parser.add_argument("--size", type=_pair, default=(1280, 800), metavar="WxH", help="picture in pixels (default 1280x800)")
    parser.add_argument("--panel-mm", type=_pair, default=None, metavar="WxH", help="visible area in millimetres")
    parser.add_argument("--night", action="store_true", help="the dark theme")
    parser.add_argument("--theme", type=Path, default=theme.DEFAULT, metavar="FILE", help="the operator's colours")
    parser.add_argument("--still", action="store_true", help="nothing moves")
    parser.add_argument("--fullscreen", action="store_true", help="the whole display, without a cursor")
    parser.add_argument("--offscreen", action="store_true", help="draw without a display")
    parser.add_argument("--shots", type=Path, default=None, metavar="DIR", help="save a picture of every page")
    given = parser.parse_args(argv)
    panel = Panel(given.size, given.panel_mm, night=given.night, still=given.still, theme=given.theme)
    return Options(given.socket, panel, given.fullscreen, given.offscreen, given.shots)


def run(argv: Sequence[str]) -> int:
    """Run the process until it is told to stop. 0 when stopped, 1 when the screen could not be put up."""
    asked = options(argv)
    pin()
    if asked.offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    log_qt()
    app = QGuiApplication(["pilepay"])
    app.setApplicationName("pilepay")
    try:
        screen = Screen(asked)
    except (StageError, theme.ThemeError) as error:
        log.critical("%s", error)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: app.quit())
    # Python runs signal handlers between bytecodes only; an idle event loop has none.
    pulse(screen, 200, lambda: None).start()
    screen.start()
    code = app.exec()
    screen.close()
    return code


def _pair(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT")
    return int(found[1]), int(found[2])
