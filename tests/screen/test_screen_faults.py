"""Every trouble that can happen, in its own words, on every panel."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication
from rules import faults
from samples import LANGUAGES, SIZES, out_of_order, trouble

from kiosk.screen.stage import Stage
from kiosk.session.faults import FAULTS


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("fault", FAULTS)
def test_the_words_of_a_fault_fit(stages: Callable[..., Stage], fault: str, size: tuple[int, int]) -> None:
    stage = stages(size)
    make = out_of_order if fault in ("out_of_order", "journal_broken", "cards_away", "disk_low", "disk_slow") else trouble
    for language in LANGUAGES:
        stage.show(make(language, fault))
        QCoreApplication.processEvents()
        stage.window.grabWindow()
        assert faults(stage) == [], language
