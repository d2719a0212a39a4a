"""Every page as core itself makes it, from a sale that got there: what the samples promise holds for the real thing."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication
from rules import faults
from samples import SIZES
from test_core_pages import PAGES

from kiosk.screen.stage import Stage
from kiosk.wording.languages import LANGUAGES


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_from_core_breaks_no_rule(stages: Callable[..., Stage], name: str, size: tuple[int, int]) -> None:
    stage = stages(size)
    shown = PAGES[name][1]()
    for language in LANGUAGES:
        stage.show(shown.in_(language))
        QCoreApplication.processEvents()
        stage.window.grabWindow()
        assert faults(stage) == [], language
    assert stage.warnings == []
