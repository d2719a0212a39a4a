"""Every sample in the wordiest of the languages beside English and German: what fits in those fits in the others."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication
from rules import faults
from samples import LANGUAGES, PAGES, SIZES

from kiosk.protocol import encode
from kiosk.screen.stage import Stage
from kiosk.wording.languages import LANGUAGES as WORDED

OTHERS = [code for code in WORDED if code not in LANGUAGES]
WORDIEST = 2


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", PAGES)
def test_a_sample_breaks_no_rule_in_the_wordiest_languages(stages: Callable[..., Stage], name: str, size: tuple[int, int]) -> None:
    stage = stages(size)
    said = {code: PAGES[name](code) for code in OTHERS}
    for code in sorted(OTHERS, key=lambda code: len(encode(said[code]).decode()), reverse=True)[:WORDIEST]:
        stage.show(said[code])
        QCoreApplication.processEvents()
        stage.window.grabWindow()
        assert faults(stage) == [], code
    assert stage.warnings == []
