"""Every page, in both languages, on all three panels: nothing cut, covered, too small or without a name."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAccessible
from rules import controls, faults, items
from samples import LANGUAGES, PAGES, SIZES

from kiosk.screen.stage import Stage

Stages = Callable[..., Stage]


def settle(stage: Stage) -> None:
    QCoreApplication.processEvents()
    stage.window.grabWindow()


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_breaks_no_rule(stages: Stages, name: str, size: tuple[int, int]) -> None:
    stage = stages(size)
    for language in LANGUAGES:
        stage.show(PAGES[name](language))
        settle(stage)
        assert faults(stage) == [], language
    assert stage.warnings == []


@pytest.mark.parametrize("name", PAGES)
def test_a_mirrored_page_breaks_no_rule(stages: Stages, name: str) -> None:
    stage = stages((1280, 800))
    stage.show(replace(PAGES[name]("en"), rtl=True))
    settle(stage)
    assert faults(stage) == []
    assert stage.warnings == []


@pytest.mark.parametrize("name", PAGES)
def test_everything_has_a_name_for_a_screen_reader(stages: Stages, name: str) -> None:
    stage = stages((1280, 800))
    snapshot = PAGES[name]("en")
    stage.show(snapshot)
    settle(stage)
    QAccessible.setActive(True)
    spoken = _spoken(QAccessible.queryAccessibleInterface(stage.window))
    assert all(text for role, text in spoken if role in ("Button", "StaticText")), spoken
    heard = " | ".join(text for _, text in spoken)
    wanted = [snapshot.title, *(b.text for b in snapshot.buttons if b.intent != "erase"), *(b.text for b in snapshot.utilities)]
    wanted += [s.value for s in (snapshot.car, snapshot.card) if s]
    assert [w for w in wanted if w not in heard] == []
    buttons = [text for role, text in spoken if role == "Button"]
    assert len(buttons) == len(controls(stage))


def test_a_tall_panel_keeps_its_controls_within_reach(stages: Stages) -> None:
    stage = stages((1080, 1920))
    for make in PAGES.values():
        stage.show(make("en"))
        settle(stage)
        highest = min(key.mapToScene(key.boundingRect().topLeft()).y() for key in controls(stage))
        assert highest >= 0.4 * 1920


def test_at_most_one_key_is_solid(stages: Stages) -> None:
    stage = stages((1280, 800))
    for name, make in PAGES.items():
        stage.show(make("en"))
        settle(stage)
        solid = [i for i in items(stage.window.contentItem()) if i.property("solid") is True]
        assert len(solid) <= 1, name


def _spoken(node: object) -> list[tuple[str, str]]:
    found = []
    for i in range(node.childCount()):
        child = node.child(i)
        if child is None or child.state().invisible:
            continue
        found.append((child.role().name, child.text(QAccessible.Text.Name)))
        found += _spoken(child)
    return found
