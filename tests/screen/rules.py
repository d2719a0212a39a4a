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
MIN_AIR_PX = 8  # between two texts on one line
MARGIN_MM = {(800, 480): 4.5, (1280, 800): 8.0, (1080, 1920): 11.0}
BLOCKS = ("FactLine_", "QrBox_", "PowerCurve_", "DayGraph_", "ReaderPicture_", "CablePicture_", "AskPicture_")


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


class Drawn:
    """What is on the glass now, measured once."""

    def __init__(self, stage: Stage) -> None:
        self.mm = stage.panel.px_per_mm
        self.glass = QRectF(0, 0, stage.window.width(), stage.window.height())
        self.margin = MARGIN_MM[stage.panel.px] * self.mm - 1
        every = list(items(stage.window.contentItem()))
        self.keys = [(i, box(i)) for i in every if i.inherits("QQuickAbstractButton") and i.isEnabled()]
        self.words = [(i, ink(i)) for i in every if i.inherits("QQuickText") and i.property("text")]
        self.blocks = [(i, box(i)) for i in every if kind(i).startswith(BLOCKS)]
        self.toasts = [(i, box(i)) for i in every if i.objectName() == "toast"]
        self.field = next((i for i in every if i.objectName() == "field"), None)


def faults(stage: Stage) -> list[str]:
    """Every rule that the page on the stage breaks, in words."""
    drawn = Drawn(stage)
    return [*_key_faults(drawn), *_text_faults(drawn), *_block_faults(drawn), *_field_faults(drawn)]


def _key_faults(d: Drawn) -> Iterator[str]:
    page = d.glass.adjusted(d.margin, MIN_GAP_MM * d.mm, -d.margin, -MIN_GAP_MM * d.mm)
    for key, area in d.keys:
        if not page.contains(area):
            yield f"{named(key)} leaves the page"
        if min(area.width(), area.height()) < MIN_CONTROL_MM * d.mm - 1:
            yield f"{named(key)} is {area.width() / d.mm:.1f} x {area.height() / d.mm:.1f} mm"
    for (one, a), (other, b) in combinations(d.keys, 2):
        gap = max(a.left() - b.right(), b.left() - a.right(), a.top() - b.bottom(), b.top() - a.bottom())
        if gap < MIN_GAP_MM * d.mm - 1:
            yield f"{named(one)} and {named(other)} are {gap / d.mm:.1f} mm apart"


def _text_faults(d: Drawn) -> Iterator[str]:
    for text, area in d.words:
        if not d.glass.contains(area):
            yield f"{named(text)} is not on the glass"
        if area.left() < d.margin - 8 or area.right() > d.glass.right() - d.margin + 8:
            yield f"{named(text)} leaves the margin"
        if text.property("truncated") or float(text.property("contentWidth")) > text.width() + 1.5:
            yield f"{named(text)} is cut"
        for key, around in d.keys:
            if not around.contains(area) and inside(text, key):
                yield f"{named(text)} leaves its key"
            if area.intersects(around) and not inside(text, key):
                yield f"{named(text)} runs into {named(key)}"
        if any(area.intersects(over) and not inside(text, toast) for toast, over in d.toasts):
            yield f"{named(text)} is under the toast"
    for (one, a), (other, b) in combinations(d.words, 2):
        if a.intersects(b.adjusted(-MIN_AIR_PX, 0, MIN_AIR_PX, 0)) and one.parentItem() != other.parentItem():
            yield f"{named(one)} and {named(other)} touch"
        if a.intersects(b):
            yield f"{named(one)} and {named(other)} overlap"


def _block_faults(d: Drawn) -> Iterator[str]:
    for block, area in d.blocks:
        if area.left() < d.margin - 8 or area.right() > d.glass.right() - d.margin + 8:
            yield f"{named(block)} leaves the margin"
        core = area.adjusted(0, 2, 0, -2)
        for other, there in (*d.words, *d.keys):
            if core.intersects(there) and not inside(other, block) and not inside(block, other):
                yield f"{named(other)} runs into {named(block)}"


def _field_faults(d: Drawn) -> Iterator[str]:
    if d.field is None:
        return
    room = box(d.field)
    for item, area in (*d.words, *d.keys, *d.blocks):
        if inside(item, d.field) and (area.bottom() > room.bottom() + 2 or area.top() < room.top() - 8):
            yield f"{named(item)} leaves the field"
