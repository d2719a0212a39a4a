"""A tariff with many prices: nothing is cut on any panel in any language, and the next price is seen and heard before the card."""

from collections.abc import Callable

import pytest
from priced_pages import FIRST, PAGES, THREE, TWO, shown
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QAccessible
from PySide6.QtQuick import QQuickItem
from rules import faults, items, kind, texts
from samples import SIZES

from kiosk.protocol import Snapshot
from kiosk.screen.stage import Stage
from kiosk.wording.languages import LANGUAGES

Stages = Callable[..., Stage]
NARROWEST_MM = 3.0  # of the bars' height on the smallest panel


def draw(stage: Stage, snapshot: Snapshot) -> None:
    stage.show(snapshot)
    QCoreApplication.processEvents()
    stage.window.grabWindow()


def graphs(stage: Stage) -> list[QQuickItem]:
    return [item for item in items(stage.window.contentItem()) if kind(item).startswith("DayGraph_")]


def heard(node: object) -> list[str]:
    found = []
    for i in range(node.childCount()):
        child = node.child(i)
        if child is not None and not child.state().invisible:
            found += [child.text(QAccessible.Text.Name), *heard(child)]
    return found


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_many_prices_breaks_no_rule(stages: Stages, name: str, size: tuple[int, int]) -> None:
    stage = stages(size)
    made = PAGES[name][1]()
    for language in LANGUAGES if "all fees" in name else ("de", "nl"):
        snapshot = made.in_(language)
        draw(stage, snapshot)
        assert faults(stage) == [], language
        said = " ".join(str(text.property("text")) for text in texts(stage))
        assert snapshot.small_print in said
        assert [row.name for row in snapshot.prices if row.name not in said and not row.none] == []
    assert stage.warnings == []


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
def test_the_first_page_with_the_next_price_breaks_no_rule(stages: Stages, size: tuple[int, int]) -> None:
    stage = stages(size)
    made = FIRST["first page, one price"][1]()
    for language in LANGUAGES:
        snapshot = made.in_(language)
        draw(stage, snapshot)
        assert faults(stage) == [], language
        assert snapshot.price is not None and snapshot.price.label in [text.property("text") for text in texts(stage)]


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("name", [name for name in PAGES if name != "stairs"])
def test_the_day_graph_has_bars_and_the_next_price_on_every_panel(stages: Stages, name: str, size: tuple[int, int]) -> None:
    stage = stages(size)
    snapshot = PAGES[name][1]().in_("de")
    draw(stage, snapshot)
    assert snapshot.day is not None
    (graph,) = graphs(stage)
    assert int(graph.property("plot")) >= NARROWEST_MM * stage.panel.px_per_mm - 1
    assert snapshot.day.next in [text.property("text") for text in texts(stage)]


def test_the_bars_are_as_long_and_as_high_as_core_says(stages: Stages) -> None:
    stage = stages((1280, 800))
    snapshot = shown(TWO).in_("en")
    draw(stage, snapshot)
    assert snapshot.day is not None
    (graph,) = graphs(stage)
    bars = [item for item in items(graph) if item.property("level") is not None]
    wide, high = graph.width(), int(graph.property("plot"))
    assert [bar.x() / wide * 1_000 for bar in bars] == pytest.approx([step.start for step in snapshot.day.steps], abs=3)
    assert [bar.width() / wide * 1_000 for bar in bars] == pytest.approx([step.end - step.start for step in snapshot.day.steps], abs=3)
    assert [bar.childItems()[0].height() / high * 1_000 for bar in bars] == pytest.approx(
        [step.level for step in snapshot.day.steps], abs=15
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_day_graph_is_heard_in_the_language_of_the_visit(stages: Stages, language: str) -> None:
    stage = stages((1280, 800))
    snapshot = shown(THREE).in_(language)
    draw(stage, snapshot)
    QAccessible.setActive(True)
    assert snapshot.day is not None
    assert snapshot.day.spoken in heard(QAccessible.queryAccessibleInterface(stage.window))


def test_a_price_that_stays_what_it_is_has_no_graph(stages: Stages) -> None:
    stage = stages((1280, 800))
    draw(stage, PAGES["stairs"][1]().in_("en"))
    assert graphs(stage) == []
