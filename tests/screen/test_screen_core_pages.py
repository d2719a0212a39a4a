"""Every page as core itself makes it, from a sale that got there: what the samples promise holds for the real thing.

One language at a time, page after page, as a driver meets them: what a page measured of the one before must not stay.
"""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication
from rules import faults
from samples import SIZES
from test_core_pages import PAGES

from kiosk.screen.stage import Stage
from kiosk.wording.languages import LANGUAGES


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_of_core_break_no_rule(stages: Callable[..., Stage], language: str, size: tuple[int, int]) -> None:
    stage = stages(size)
    broken: dict[str, list[str]] = {}
    for name, (_, make) in PAGES.items():
        stage.show(make().in_(language))
        QCoreApplication.processEvents()
        stage.window.grabWindow()
        if found := faults(stage):
            broken[name] = found
    assert broken == {}
    assert stage.warnings == []


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_a_driver_may_change_the_language_on_any_page(stages: Callable[..., Stage], size: tuple[int, int]) -> None:
    stage = stages(size)
    for name in ("both free", "price", "plug in", "charging", "stop, proven", "finished, printed", "declined", "help"):
        shown = PAGES[name][1]()
        for language in LANGUAGES:
            stage.show(shown.in_(language))
            QCoreApplication.processEvents()
            stage.window.grabWindow()
            assert faults(stage) == [], (name, language)
