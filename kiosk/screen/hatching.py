"""The hatch that says "promised, not taken", as a picture that QML tiles along a line.

A picture, because the software scene graph clips pictures exactly and at once: a Shape is drawn unclipped where its clip and the dirty
region do not meet, and a Canvas comes a frame late, so that for a moment a promise would look like nothing.
"""

from __future__ import annotations

from PySide6.QtCore import QLineF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtQuick import QQuickImageProvider

NAME = "hatch"


class Hatching(QQuickImageProvider):
    """`image://hatch/RRGGBB/HEIGHT/PITCH/STROKE`, all in pixels: one period of diagonal strokes, seamless from side to side."""

    def __init__(self) -> None:
        super().__init__(QQuickImageProvider.ImageType.Image)

    def requestImage(self, id: str, size: QSize, requestedSize: QSize) -> QImage:  # noqa: A002, ARG002, N802, N803 - Qt's names
        colour, *lengths = id.split("/")
        height, pitch, stroke = (max(1, int(n)) for n in lengths)
        tile = QImage(pitch, height, QImage.Format.Format_ARGB32_Premultiplied)
        tile.fill(Qt.GlobalColor.transparent)
        painter = QPainter(tile)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(f"#{colour}"), stroke))
        for x in range(-(height // pitch + 2) * pitch, 2 * pitch, pitch):
            painter.drawLine(QLineF(x - 1, height + 1, x + height + 1, -1))
        painter.end()
        return tile
