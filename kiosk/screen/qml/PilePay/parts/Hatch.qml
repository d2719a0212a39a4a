import QtQuick
import PilePay

// Promised, not taken: diagonal ink across the whole line, of which `from` to `to` is uncovered. Painted once; the strokes stay
// where they are when the border moves, so a live update repaints one rectangle. A Canvas, because the software scene graph
// draws a Shape unclipped where its clip and the dirty region do not meet.
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
        Canvas {
            anchors.left: parent.left
            anchors.leftMargin: -window.anchors.leftMargin
            width: hatch.width
            height: hatch.height
            property color ink: hatch.color
            property real pitch: Theme.mm(2.7)
            onInkChanged: requestPaint()
            onPitchChanged: requestPaint()
            onPaint: {
                const pen = getContext("2d");
                pen.reset();
                pen.strokeStyle = ink;
                pen.lineWidth = Theme.mm(0.55);
                pen.beginPath();
                for (let x = -height; x < width + height; x += pitch) {
                    pen.moveTo(x, height);
                    pen.lineTo(x + height, 0);
                }
                pen.stroke();
            }
        }
    }
}
