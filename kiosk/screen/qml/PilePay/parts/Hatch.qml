import QtQuick
import PilePay

// Promised, not taken: diagonal ink, uncovered between `from` and `to`. The strokes stay where they are when a border moves,
// so a live update repaints one rectangle.
Item {
    id: hatch
    property color color: Theme.ink
    property real from: 0
    property real to: 1
    Item {
        id: window
        anchors.left: parent.left
        anchors.leftMargin: Math.round(hatch.width * hatch.from)
        width: Math.max(0, Math.round(hatch.width * hatch.to) - Math.round(hatch.width * hatch.from))
        height: parent.height
        clip: true
        Image {
            anchors.left: parent.left
            anchors.leftMargin: -window.anchors.leftMargin
            width: hatch.width
            height: hatch.height
            fillMode: Image.TileHorizontally
            horizontalAlignment: Image.AlignLeft
            verticalAlignment: Image.AlignTop
            smooth: false
            source: height < 1 ? "" : "image://hatch/" + String(hatch.color).slice(-6) + "/" + Math.round(height) + "/" + Theme.mm(2.7) + "/" + Theme.mm(0.55)
            Accessible.ignored: true
        }
    }
}
