"""Solid is fact, hatched is promise, empty is open: what the one instrument shows must be true in every frame."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import QCoreApplication, QSize
from PySide6.QtGui import QColor
from PySide6.QtQuick import QQuickItem
from pytestqt.qtbot import QtBot
from rules import box, items, kind
from samples import PAGES, charging, price

from kiosk.protocol import Line, Side, Snapshot
from kiosk.screen.hatching import Hatching
from kiosk.screen.stage import Stage


def lines(stage: Stage) -> list[QQuickItem]:
    """The fact lines, from the start to the end of the page."""
    found = (i for i in items(stage.window.contentItem()) if kind(i).startswith("FactLine_"))
    return sorted(found, key=lambda i: box(i).left())


def along(stage: Stage) -> list[str]:
    """The colours of the card's line, from end to end, through its middle."""
    QCoreApplication.processEvents()
    picture = stage.window.grabWindow()
    area = box(lines(stage)[-1]).toRect()
    return [picture.pixelColor(x, area.center().y()).name() for x in range(area.left() + 4, area.right() - 4)]


def changes(colours: list[str]) -> int:
    dark = [QColor(c).lightness() < 128 for c in colours]
    return sum(a != b for a, b in pairwise(dark))


def card(snapshot: Snapshot, line: Line) -> Snapshot:
    assert snapshot.card
    return replace(snapshot, card=replace(snapshot.card, line=line))


def test_a_promise_is_hatched_in_its_first_frame(stages: Callable[..., Stage]) -> None:
    stage = stages((1280, 800))
    for page in ("idle", "price", "help", "plug_in"):
        stage.show(PAGES[page]("en"))
        if page in ("price", "plug_in"):
            assert changes(along(stage)) > 50


@pytest.mark.parametrize(
    ("line", "solid", "strokes"),
    [
        (Line("plain", fact=1000), True, False),
        (Line("plain"), False, False),
        (Line("plain", promise=1000), False, True),
        (Line("plain", fact=500, promise=500), True, True),
    ],
)
def test_solid_hatched_and_empty_are_what_they_say(stages: Callable[..., Stage], line: Line, solid: bool, strokes: bool) -> None:
    stage = stages((1280, 800))
    stage.show(card(price("en"), line))
    colours = along(stage)
    half = len(colours) // 2
    assert (changes(colours[: half - 8]) == 0 and QColor(colours[half // 2]).lightness() < 60) is solid
    assert (changes(colours[half + 8 :]) > 20) is strokes


def test_a_settled_line_is_torn(stages: Callable[..., Stage]) -> None:
    stage = stages((1280, 800))
    stage.show(card(price("en"), Line("settled", fact=250, promise=750)))
    colours = along(stage)
    quarter = len(colours) // 4
    assert QColor(colours[quarter // 2]).lightness() < 60
    assert changes(colours) == 3, "solid, tear, edge, empty"


def test_a_live_line_grows_and_never_jumps(stage: Stage, qtbot: QtBot) -> None:
    before = charging("en")
    stage.show(before)
    qtbot.waitUntil(lambda: bool(lines(stage)))
    line = lines(stage)[-1]
    assert line.property("grown") == pytest.approx(0.214)
    stage.show(card(before, Line("live", fact=900, promise=100)))
    assert float(line.property("grown")) < 0.9
    qtbot.waitUntil(lambda: line.property("grown") == pytest.approx(0.9))


def test_a_side_without_a_line_draws_none(stages: Callable[..., Stage]) -> None:
    stage = stages((1280, 800))
    stage.show(replace(price("en"), card=Side("Card", "1.00", "€")))
    QCoreApplication.processEvents()
    assert lines(stage) == []


def test_the_hatch_is_seamless() -> None:
    tile = Hatching().requestImage("0f1d17/35/16/3", QSize(), QSize())
    assert (tile.width(), tile.height()) == (16, 35)
    for y in range(1, 34):
        left, right = tile.pixelColor(0, y).alpha(), tile.pixelColor(15, y + 1).alpha()
        assert abs(left - right) < 40, "a stroke comes in from the left where it went out at the right, one pixel lower"
