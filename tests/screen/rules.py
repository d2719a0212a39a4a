"""What must hold on every page, measured on the item tree: nothing cut, nothing covered, every control big enough and apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtQml import QQmlExpression, qmlContext
from PySide6.QtQuick import QQuickItem

from kiosk.screen.stage import Stage

MIN_CONTROL_MM = 15.0
MIN_GAP_MM = 3.0
MARGIN_MM = {(800, 480): 4.5, (1280, 800): 8.0, (1080, 1920): 11.0}
BLOCKS = ("FactLine_", "QrBox_", "PowerCurve_", "ReaderPicture_", "CablePicture_", "AskPicture_")


def items(item: QQuickItem) -> Iterator[QQuickItem]:
    """Every visible item under `item`."""
    if item.isVisible() and item.opacity() > 0:
        yield item
        for child in item.childItems():
            yield from items(child)


def kind(item: QQuickItem) -> str:
    return item.metaObject().className()


def named(item: QQuickItem) -> str:
    return f"{kind(item).split('_QML')[0]} “{item.property('text') or item.property('name') or ''}”"


def box(item: QQuickItem) -> QRectF:
    return item.mapRectToScene(QRectF(0, 0, item.width(), item.height()))


def ink(text: QQuickItem) -> QRectF:
    """Where the letters are: the lines without the air above the first capital and below the last descender."""
    em = float(text.property("font").pixelSize())
    left, width = 0.0, float(text.property("contentWidth"))
    spare = text.width() - width
    if spare > 1:
        align, _ = QQmlExpression(qmlContext(text), text, "effectiveHorizontalAlignment + 0").evaluate()
        left = {2: spare, 4: spare / 2}.get(int(align), 0.0)
    low = 0.12 if any(c in str(text.property("text")) for c in "gjpqy,;") else 0.24
    return text.mapRectToScene(QRectF(left, em * 0.26, width, float(text.property("contentHeight")) - em * (0.26 + low)))


def inside(item: QQuickItem, ancestor: QQuickItem) -> bool:
    above: QQuickItem | None = item
    while above is not None:
        if above == ancestor:
            return True
        above = above.parentItem()
    return False


def controls(stage: Stage) -> list[QQuickItem]:
    """Everything that can be pressed now."""
    return [i for i in items(stage.window.contentItem()) if i.inherits("QQuickAbstractButton") and i.isEnabled()]


def texts(stage: Stage) -> list[QQuickItem]:
    return [i for i in items(stage.window.contentItem()) if i.inherits("QQuickText") and i.property("text")]


def centre(item: QQuickItem) -> QPointF:
    return item.mapToScene(QPointF(item.width() / 2, item.height() / 2))


def faults(stage: Stage) -> list[str]:
    """Every rule that the page on the stage breaks, in words."""
    every = list(items(stage.window.contentItem()))
    return [*_key_faults(stage), *_text_faults(stage, every), *_block_faults(stage, every)]


def _glass(stage: Stage) -> QRectF:
    return QRectF(0, 0, stage.window.width(), stage.window.height())


def _key_faults(stage: Stage) -> Iterator[str]:
    mm, keys = stage.panel.px_per_mm, controls(stage)
    margin = MARGIN_MM[stage.panel.px] * mm - 1
    page = _glass(stage).adjusted(margin, MIN_GAP_MM * mm, -margin, -MIN_GAP_MM * mm)
    for key in keys:
        area = box(key)
        if not page.contains(area):
            yield f"{named(key)} leaves the page"
        if min(area.width(), area.height()) < MIN_CONTROL_MM * mm - 1:
            yield f"{named(key)} is {area.width() / mm:.1f} x {area.height() / mm:.1f} mm"
    for one, other in combinations(keys, 2):
        a, b = box(one), box(other)
        gap = max(a.left() - b.right(), b.left() - a.right(), a.top() - b.bottom(), b.top() - a.bottom())
        if gap < MIN_GAP_MM * mm - 1:
            yield f"{named(one)} and {named(other)} are {gap / mm:.1f} mm apart"


def _text_faults(stage: Stage, every: list[QQuickItem]) -> Iterator[str]:
    words, toast = texts(stage), [i for i in every if i.objectName() == "toast"]
    for text in words:
        area = ink(text)
        if not _glass(stage).contains(area):
            yield f"{named(text)} is not on the glass"
        if text.property("truncated") or float(text.property("contentWidth")) > text.width() + 1.5:
            yield f"{named(text)} is cut"
        for key in controls(stage):
            if inside(text, key) and not box(key).contains(area):
                yield f"{named(text)} leaves its key"
            if not inside(text, key) and area.intersects(box(key)):
                yield f"{named(text)} runs into {named(key)}"
        if any(area.intersects(box(t)) and not inside(text, t) for t in toast):
            yield f"{named(text)} is under the toast"
    for one, other in combinations(words, 2):
        if ink(one).intersects(ink(other)):
            yield f"{named(one)} and {named(other)} overlap"


def _block_faults(stage: Stage, every: list[QQuickItem]) -> Iterator[str]:
    for block in (i for i in every if kind(i).startswith(BLOCKS)):
        area = box(block)
        if not _glass(stage).contains(area):
            yield f"{named(block)} is not on the glass"
        for text in texts(stage):
            if not inside(text, block) and ink(text).intersects(area.adjusted(0, 2, 0, -2)):
                yield f"{named(text)} runs into {named(block)}"
        for key in controls(stage):
            if area.intersects(box(key)) and not inside(block, key):
                yield f"{named(block)} runs into {named(key)}"
