import QtQuick
import QtQuick.Shapes
import PilePay

// The one instrument of the product. Solid is fact, hatched is promise, empty is open, dashed is unknown.
Item {
    id: line
    property string kind: "plain"       // plain, live, settled, none, unknown
    property real before: 0             // shares of the whole: what was there already,
    property real fact: 0               // what happened here,
    property real promise: 0            // what is reserved or expected
    property color color: Theme.ink
    property bool arriving: false       // the promise comes in from the end
    readonly property bool bar: kind === "plain" || kind === "live"
    readonly property bool settled: kind === "settled"
    readonly property int tear: settled && fact > 0 && promise > 0 ? Theme.mm(2.2) : 0
    property real grown: fact
    property real arrived: 1
    implicitHeight: Theme.bar
    Accessible.ignored: true

    Behavior on grown {
        enabled: !Theme.still
        NumberAnimation {
            duration: 300
            easing.type: Easing.OutCubic
        }
    }
    NumberAnimation on arrived {
        running: line.arriving && !Theme.still
        from: 0
        to: 1
        duration: 400
        easing.type: Easing.OutCubic
    }

    Rectangle {
        anchors.fill: parent
        visible: line.bar
        radius: Theme.radiusBar
        color: Theme.night ? "transparent" : Theme.sheet
    }
    Hatch {
        anchors.fill: parent
        anchors.margins: Theme.stroke / 2
        visible: line.bar && line.promise > 0
        color: line.color
        from: line.before + line.grown + line.promise * (1 - line.arrived)
        to: Math.min(1, line.before + line.fact + line.promise)
    }
    Rectangle {
        visible: line.bar && line.before > 0
        anchors.left: parent.left
        width: Math.max(2 * radius, (line.before + Math.min(line.grown, 0.03)) * line.width)
        height: parent.height
        radius: Theme.radiusBar
        color: Theme.energySoft
    }
    Rectangle {
        id: done
        visible: (line.bar || line.settled) && line.fact > 0
        anchors.left: parent.left
        anchors.leftMargin: line.settled ? 0 : line.before * line.width
        width: Math.max(Theme.mm(1), line.grown * (line.width - line.tear))
        height: parent.height
        radius: Math.min(Theme.radiusBar, width / 2)
        color: line.color
    }
    Rectangle {
        anchors.fill: parent
        visible: line.bar
        radius: Theme.radiusBar
        color: "transparent"
        border.width: Theme.stroke
        border.color: line.color
    }
    // Given back: a loose, empty piece.
    Rectangle {
        visible: line.settled && line.promise > 0
        anchors.right: parent.right
        width: Math.max(2 * radius, line.promise * (line.width - line.tear))
        height: parent.height
        radius: Theme.radiusBar
        color: "transparent"
        border.width: Theme.stroke
        border.color: line.color
    }
    // Nothing held: the bar is gone, only its measure stays.
    Item {
        anchors.fill: parent
        visible: line.kind === "none"
        Rectangle {
            anchors.verticalCenter: parent.verticalCenter
            width: parent.width
            height: Theme.stroke
            color: line.color
        }
        Rectangle {
            anchors.left: parent.left
            anchors.verticalCenter: parent.verticalCenter
            width: Theme.stroke
            height: parent.height * 0.7
            color: line.color
        }
        Rectangle {
            anchors.right: parent.right
            anchors.verticalCenter: parent.verticalCenter
            width: Theme.stroke
            height: parent.height * 0.7
            color: line.color
        }
    }
    // The answer was lost: an outline of what may be.
    Shape {
        anchors.fill: parent
        visible: line.kind === "unknown"
        ShapePath {
            strokeColor: line.color
            strokeWidth: Theme.stroke
            fillColor: "transparent"
            strokeStyle: ShapePath.DashLine
            dashPattern: [3, 2.4]
            capStyle: ShapePath.FlatCap
            PathRectangle {
                x: Theme.stroke / 2
                y: Theme.stroke / 2
                width: line.width - Theme.stroke
                height: line.height - Theme.stroke
                radius: Theme.radiusBar
            }
        }
    }
    // The living head.
    Rectangle {
        visible: line.kind === "live"
        anchors.verticalCenter: parent.verticalCenter
        anchors.left: parent.left
        anchors.leftMargin: Math.round((line.before + line.grown) * line.width - width / 2)
        width: Theme.mm(1.3)
        height: parent.height + Theme.mm(3)
        radius: width / 2
        color: line.color
        SequentialAnimation on opacity {
            running: line.kind === "live" && !Theme.still
            loops: Animation.Infinite
            NumberAnimation {
                from: 1
                to: 0.35
                duration: 1000
                easing.type: Easing.InOutSine
            }
            NumberAnimation {
                from: 0.35
                to: 1
                duration: 1000
                easing.type: Easing.InOutSine
            }
        }
    }
}
