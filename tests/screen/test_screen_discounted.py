"""The pages of a sale with discounts keep the rules of the screen, on every panel and in every language."""

from collections.abc import Callable

import pytest
from discounted_pages import PAGES
from PySide6.QtCore import QCoreApplication
from rules import faults
from samples import SIZES

from kiosk.screen.stage import Stage
from kiosk.wording.languages import LANGUAGES


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", PAGES)
def test_a_discounted_page_breaks_no_rule(stages: Callable[..., Stage], name: str, size: tuple[int, int]) -> None:
    stage = stages(size)
    page, made = PAGES[name]
    shown = made()
    for language in LANGUAGES:
        snapshot = shown.in_(language)
        assert snapshot.page == page
        stage.show(snapshot)
        QCoreApplication.processEvents()
        stage.window.grabWindow()
        assert faults(stage) == [], language
    assert stage.warnings == []
