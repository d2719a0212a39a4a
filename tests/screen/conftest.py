"""A screen without a display: the offscreen platform, the software scene graph, our fonts; and the pages of core's own tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication

from kiosk.screen.stage import Panel, Stage, pin

for room in ("session", "core"):
    sys.path.insert(0, str(Path(__file__).parent.parent / room))

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_LOGGING_RULES"] = "qt.qpa.fonts=false"
pin()


@pytest.fixture(scope="session")
def qapp_cls() -> type[QGuiApplication]:
    return QGuiApplication


@pytest.fixture(scope="session")
def stages(qapp: QGuiApplication) -> Iterator[Callable[..., Stage]]:
    """A still stage of a size, kept for the whole run: `stages((1280, 800))`."""
    made: dict[Panel, Stage] = {}

    def give(size: tuple[int, int], *, night: bool = False) -> Stage:
        panel = Panel(size, night=night, still=True)
        if panel not in made:
            made[panel] = Stage(panel)
        return made[panel]

    yield give
    for stage in made.values():
        stage.close()


@pytest.fixture
def stage(qapp: QGuiApplication) -> Iterator[Stage]:
    """A fresh, moving stage of 1280x800."""
    fresh = Stage(Panel())
    yield fresh
    fresh.close()
