"""The pages of a kiosk with a reader of RFID tags keep the rules of the screen, on every panel and in every language."""

from collections.abc import Callable

import pytest
from account_pages import PAGES
from PySide6.QtCore import QCoreApplication
from rules import faults
from samples import SIZES

from kiosk.screen.stage import Stage
from kiosk.wording.languages import LANGUAGES


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_pages_on_account_break_no_rule(stages: Callable[..., Stage], size: tuple[int, int]) -> None:
    stage = stages(size)
    broken: dict[tuple[str, str], list[str]] = {}
    for language in LANGUAGES:
        for name, (_, make) in PAGES.items():
            stage.show(make().in_(language))
            QCoreApplication.processEvents()
            stage.window.grabWindow()
            if found := faults(stage):
                broken[language, name] = found
    assert broken == {}
    assert stage.warnings == []
