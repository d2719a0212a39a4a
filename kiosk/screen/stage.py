"""The window: QML, fonts and colours put together, fed with snapshots, and photographed.

The environment is pinned before Qt wakes up, so that the panel in the field, a laptop and a test draw the same pixels.
"""

from __future__ import annotations

import logging
import os
from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import cast

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QtMsgType, QUrl, qInstallMessageHandler
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtQml import QQmlApplicationEngine, QQmlError, qmlRegisterSingletonType, qmlRegisterUncreatableType
from PySide6.QtQuick import QQuickWindow

from kiosk import ASSETS
from kiosk.protocol import Snapshot
from kiosk.screen import away, hatching, icons, theme
from kiosk.screen.viewmodels import EMPTY, PARTS, Page, Shown, View, page_of, turn
from kiosk.screen.wishes import Wish

log = logging.getLogger(__name__)

QML = Path(__file__).parent / "qml"
MODULE = "PilePay.Shown"
DIAGONAL_PX_PER_MM = {(800, 480): 5.25, (1280, 800): 5.89, (1080, 1920): 5.56}
_SCRIPTS = {
    QFontDatabase.WritingSystem.Latin: ("en", "de", "fr", "es", "it", "nl", "pl", "tr"),
    QFontDatabase.WritingSystem.Arabic: ("ar",),
    QFontDatabase.WritingSystem.SimplifiedChinese: ("zh",),
}
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class StageError(RuntimeError):
    """The screen cannot be put up: what failed to load."""


@dataclass(frozen=True)
class Panel:
    """The glass: its picture in pixels and its visible area in millimetres, from which every length on a page follows."""

    px: tuple[int, int] = (1280, 800)
    mm: tuple[int, int] | None = None
    night: bool = False
    still: bool = False  # nothing moves
    theme: Path = theme.DEFAULT

    @property
    def px_per_mm(self) -> float:
        if self.mm:
            return self.px[0] / self.mm[0]
        return DIAGONAL_PX_PER_MM.get(self.px, 5.6)

    @property
    def size_mm(self) -> tuple[int, int]:
        return self.mm or (round(self.px[0] / self.px_per_mm), round(self.px[1] / self.px_per_mm))


def pin(environment: MutableMapping[str, str] = os.environ) -> None:
    """Fix how Qt draws. Call before the first Qt application; what the installer has set on purpose stays."""
    environment["QT_QUICK_CONTROLS_STYLE"] = "Basic"
    environment["QT_SCALE_FACTOR"] = "1"
    environment["FONTCONFIG_FILE"] = str(ASSETS / "fonts.conf")
    environment.setdefault("QT_QUICK_BACKEND", "software")


def log_qt() -> None:
    """Send Qt's own messages to our log."""
    qt = logging.getLogger("qt")
    qInstallMessageHandler(lambda kind, _context, text: qt.log(_LEVELS.get(kind, logging.WARNING), "%s", text))


def languages() -> tuple[str, ...]:
    """The languages this machine's fonts can show."""
    return tuple(code for script, codes in _SCRIPTS.items() if QFontDatabase.families(script) for code in codes)


@cache
def _register() -> None:
    qmlRegisterSingletonType(Shown, MODULE, 1, 0, "Shown")  # type: ignore[call-overload]
    qmlRegisterSingletonType(Wish, MODULE, 1, 0, "Wish")  # type: ignore[call-overload]
    for part in PARTS:
        qmlRegisterUncreatableType(part, MODULE, 1, 0, part.__name__, "a part of what core shows")  # type: ignore[arg-type]


class Stage(QObject):
    """One window on one panel."""

    def __init__(self, panel: Panel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.panel = panel
        self._page: Page = EMPTY
        if missing := {"Inter", "Inter Display"} - set(QFontDatabase.families()):
            log.error("the font %s is not installed, texts may not fit; install fonts-inter", ", ".join(sorted(missing)))
        _register()
        self._engine = QQmlApplicationEngine(self)
        self._engine.addImportPath(str(QML))
        self._engine.addImageProvider(hatching.NAME, hatching.Hatching())
        self.shown = cast("View", self._engine.singletonInstance(MODULE, "Shown"))
        self.wish = cast("Wish", self._engine.singletonInstance(MODULE, "Wish"))
        self.warnings: list[str] = []
        self._engine.warnings.connect(self._warned)
        self.dress(panel)
        self._engine.load(QUrl.fromLocalFile(str(QML / "PilePay" / "Main.qml")))
        roots = self._engine.rootObjects()
        if not roots or not isinstance(roots[0], QQuickWindow):
            raise StageError("the page frame does not load: " + "; ".join(self.warnings))
        self.window: QQuickWindow = roots[0]
        # Queued: a render thread, where there is one, must never wait for Python.
        self.window.frameSwapped.connect(self.wish.seen, Qt.ConnectionType.QueuedConnection)

    def dress(self, panel: Panel) -> None:
        """Give the theme its colours and measures."""
        self.panel = panel
        look = cast("QObject", self._engine.singletonInstance("PilePay", "Theme"))
        given: dict[str, object] = dict(theme.load(panel.theme, night=panel.night))
        given |= {"night": panel.night, "still": panel.still, "pxmm": panel.px_per_mm, "w": panel.px[0], "h": panel.px[1]}
        given |= {"icons": icons.load(), "away": away.choices()}
        for name, value in given.items():
            if not look.setProperty(name, value):
                raise StageError(f"the theme has no place for {name}; remove it from {panel.theme}")

    def show(self, snapshot: Snapshot) -> None:
        """Draw what core says."""
        self._turn(page_of(snapshot))

    def away(self) -> None:
        """Core cannot be reached: say so, with what the last snapshot knew of helpline and station."""
        sky = replace(self._page.sky, clock="")
        spoken = self._page.language
        self._turn(replace(EMPTY, page="away", away=True, tone="apricot", language=spoken, sky=sky, utilities=(), buttons=()))

    def grab(self, path: Path) -> None:
        """Save the picture of the window."""
        QCoreApplication.processEvents()
        if not self.window.grabWindow().save(str(path)):
            raise StageError(f"the picture cannot be written to {path}")

    def close(self) -> None:
        """Take the window down, before the engine takes away what its pages look at."""
        self.window.close()
        self.window.deleteLater()
        QCoreApplication.sendPostedEvents(self.window, QEvent.Type.DeferredDelete)
        self._engine.deleteLater()
        QCoreApplication.sendPostedEvents(self._engine, QEvent.Type.DeferredDelete)

    def _turn(self, page: Page) -> None:
        another = (page.page, page.away) != (self._page.page, self._page.away)
        self._page = page
        self.wish.visit, self.wish.seq = page.visit, page.seq
        turn(self.shown, page)
        if another:
            self.wish.new_page()
            self.window.update()

    def _warned(self, errors: list[QQmlError]) -> None:
        for error in errors:
            self.warnings.append(error.toString())
            log.error("QML: %s", error.toString())


def shoot(snapshot: Snapshot, size: tuple[int, int], path: Path, *, night: bool = False) -> None:
    """Render one snapshot to a PNG, without a display. Starts Qt if the process has not."""
    if QGuiApplication.instance() is None:
        pin()
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
        _keep.append(QGuiApplication([]))
    stage = Stage(Panel(size, night=night, still=True))
    stage.show(snapshot)
    stage.grab(path)
    stage.close()


_keep: list[QGuiApplication] = []
