import QtQuick
import QtQuick.Shapes
import PilePay

// Promised, not taken: diagonal ink across the whole line, of which `from` to `to` is uncovered. The strokes stay where
// they are when the border moves, so a live update repaints one rectangle.
Item {
    id: hatch
    property color color: Theme.ink
    property real from: 0
    property real to: 1
    readonly property real pitch: Theme.mm(2.7)
    readonly property int strokes: Math.ceil((width + height) / pitch) + 1
    Item {
        anchors.left: parent.left
        anchors.leftMargin: Math.round(hatch.width * hatch.from)
        width: Math.max(0, Math.round(hatch.width * hatch.to) - Math.round(hatch.width * hatch.from))
        height: parent.height
        clip: true
        Shape {
            anchors.left: parent.left
            anchors.leftMargin: -parent.anchors.leftMargin
            width: hatch.width
            height: hatch.height
            ShapePath {
                strokeColor: hatch.color
                strokeWidth: Theme.mm(0.55)
                fillColor: "transparent"
                PathMultiline {
                    paths: {
                        const lines = [];
                        for (let i = 0; i < hatch.strokes; i++)
                            lines.push([Qt.point(i * hatch.pitch - hatch.height, hatch.height), Qt.point(i * hatch.pitch, 0)]);
                        return lines;
                    }
                }
            }
        }
    }
}
