"""The page without core: in the driver's language, in every other at a touch, with the helpline and without a word that may be untrue."""

import re
from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from rules import centre, controls, faults, texts
from samples import PAGES, SIZES

from kiosk.screen.away import AWAY, SOURCE
from kiosk.screen.stage import Panel, Stage
from kiosk.wording.languages import LANGUAGES
from kiosk.wording.wording import Wording


def settle(stage: Stage) -> str:
    """Draw, and say what is read on the glass."""
    QCoreApplication.processEvents()
    stage.window.grabWindow()
    return " ".join(str(text.property("text")) for text in texts(stage))


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_without_core_speaks_as_the_visit_did(stages: Callable[..., Stage], language: str, size: tuple[int, int]) -> None:
    stage = stages(size)
    stage.show(PAGES["charging"](language))
    stage.away()
    read = settle(stage)
    assert faults(stage) == []
    assert AWAY[language].title in read and AWAY[language].what in read
    assert AWAY[SOURCE].title in read
    assert "0800 555 0417" in read and "E0417" in read
    assert "14:29" not in read, "a clock that stands still is a lie"
    assert all(said.name in read for said in AWAY.values())
    assert stage.warnings == []


def test_a_screen_that_never_heard_of_core_speaks_english(qapp: QGuiApplication) -> None:
    stage = Stage(Panel(still=True))
    stage.away()
    read = settle(stage)
    assert AWAY[SOURCE].what in read
    assert faults(stage) == []
    stage.close()


def test_a_touch_changes_the_language_without_core(stage: Stage, qtbot: QtBot) -> None:
    sent: list[object] = []
    stage.wish.sent.connect(sent.append)
    stage.show(PAGES["charging"]("de"))
    stage.away()
    settle(stage)
    qtbot.waitUntil(stage.window.isExposed)
    stage.window.grabWindow()
    qtbot.waitUntil(lambda: bool(stage.wish.open) and len(controls(stage)) == len(AWAY))
    for code in ("pl", "tr"):
        key = next(key for key in controls(stage) if key.property("text") == AWAY[code].name)
        QTest.mouseClick(stage.window, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, centre(key).toPoint())
        qtbot.waitUntil(lambda code=code: AWAY[code].title in settle(stage))
    assert [intent for intent in sent if getattr(intent, "kind", "") != "touch"] == []


def test_every_language_a_driver_may_choose_is_spoken_without_core() -> None:
    assert {code: said.name for code, said in AWAY.items()} == dict(LANGUAGES)
    for code, said in AWAY.items():
        assert said.title == Wording(code).fault("out_of_order", plug="", amount="", phone="").title
        assert re.findall(r"\{\w+\}", said.call) == ["{station}"]
        assert not re.search(r"\d", said.title + said.what + said.call)
