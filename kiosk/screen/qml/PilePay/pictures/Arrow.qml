import QtQuick
import QtQuick.Shapes
import PilePay

// A straight arrow that fills its box: to the right, or down.
Item {
    id: arrow
    property bool vertical: false
    property real thickness: 4
    property color color: Theme.energyText
    readonly property real head: (vertical ? width : height) / 2 - thickness / 2
    Shape {
        ShapePath {
            strokeColor: arrow.color
            strokeWidth: arrow.thickness
            fillColor: "transparent"
            capStyle: ShapePath.RoundCap
            joinStyle: ShapePath.RoundJoin
            PathMultiline {
                paths: {
                    const half = arrow.thickness / 2 + 1, w = arrow.width, h = arrow.height, head = arrow.head;
                    if (arrow.vertical)
                        return [[Qt.point(w / 2, half), Qt.point(w / 2, h - half)], [Qt.point(w / 2 - head, h - half - head), Qt.point(w / 2, h - half), Qt.point(w / 2 + head, h - half - head)]];
                    return [[Qt.point(half, h / 2), Qt.point(w - half, h / 2)], [Qt.point(w - half - head, h / 2 - head), Qt.point(w - half, h / 2), Qt.point(w - half - head, h / 2 + head)]];
                }
            }
        }
    }
}
