import QtQuick
import QtQuick.Shapes
import PilePay
import PilePay.Shown

// Power from the begin until now: from zero, the highest at the top, only clock times on its axis.
Item {
    id: curve
    property var watts: []
    property string from: ""
    property string to: ""
    readonly property int dot: Theme.mm(1.3)
    readonly property int plot: height - Theme.line("note")
    readonly property real most: Math.max(1000, ...watts) * 1.06
    readonly property var line: watts.map((w, i) => {
        const share = watts.length > 1 ? i / (watts.length - 1) : 0;
        return Qt.point((Shown.rtl ? 1 - share : share) * (width - dot) + (Shown.rtl ? dot : 0), plot - w / most * (plot - Theme.stroke));
    })
    readonly property point head: line.length ? line[line.length - 1] : Qt.point(0, plot)
    Accessible.ignored: true
    Shape {
        width: parent.width
        height: curve.plot
        ShapePath {
            fillColor: Theme.energySoft
            strokeColor: "transparent"
            PathPolyline {
                path: curve.line.length ? [...curve.line, Qt.point(curve.head.x, curve.plot), Qt.point(curve.line[0].x, curve.plot), curve.line[0]] : []
            }
        }
        ShapePath {
            fillColor: "transparent"
            strokeColor: Theme.energy
            strokeWidth: Theme.mm(0.6)
            joinStyle: ShapePath.RoundJoin
            capStyle: ShapePath.RoundCap
            PathPolyline {
                path: curve.line
            }
        }
    }
    Rectangle {
        y: curve.plot
        width: parent.width
        height: Theme.rule
        color: Theme.edge
    }
    Rectangle {
        x: curve.head.x - width / 2
        y: curve.head.y - height / 2
        width: 2 * curve.dot
        height: width
        radius: width / 2
        color: Theme.energy
        border.width: Theme.mm(0.4)
        border.color: Theme.mint
    }
    Words {
        anchors.left: parent.left
        anchors.bottom: parent.bottom
        text: curve.from
        role: "note"
        color: Theme.ink2
        wrapMode: Text.NoWrap
    }
    Words {
        anchors.right: parent.right
        anchors.bottom: parent.bottom
        text: curve.to
        role: "note"
        color: Theme.ink2
        wrapMode: Text.NoWrap
    }
}
