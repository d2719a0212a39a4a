"""The page of a running charge with the longest numbers there are, in every language; and where the stop code stands on it."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QCoreApplication
from rules import faults, texts
from samples import SIZES, charging, charging_until

from kiosk.screen.stage import Stage
from kiosk.wording.languages import LANGUAGES

Stages = Callable[..., Stage]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_a_long_price_and_a_long_time_push_nothing_off_the_glass(stages: Stages, size: tuple[int, int]) -> None:
    stage = stages(size)
    for language in LANGUAGES:
        stage.show(charging_until(language))
        QCoreApplication.processEvents()
        stage.window.grabWindow()
        assert faults(stage) == [], language


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_stop_code_stands_on_the_page_where_one_is_sent_and_nowhere_else(stages: Stages, size: tuple[int, int]) -> None:
    stage = stages(size)
    page = charging("en")
    for snapshot, there in ((page, True), (replace(page, stop_code="", stop_code_label="", stop_code_note=""), False)):
        stage.show(snapshot)
        QCoreApplication.processEvents()
        shown = [str(text.property("text")).replace("\u2009", "") for text in texts(stage)]
        assert ("4719" in shown, "Your stop code" in shown) == (there, there)
