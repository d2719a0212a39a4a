import QtQuick
import QtQuick.Shapes
import PilePay
import PilePay.Shown

// Always dark on white with its quiet zone, whatever the theme; modules are whole pixels.
Rectangle {
    id: box
    property int size: Theme.mm(Theme.compact ? 34 : Theme.tall ? 44 : 42)
    readonly property int modules: Shown.qr.modules
    // A little more room is worth a whole pixel a module.
    readonly property int dot: Math.max(1, Math.floor(size * 1.05 / (modules + 8)))
    readonly property int side: Shown.qr.present ? Math.max(size, dot * (modules + 8)) : size
    implicitWidth: side
    implicitHeight: side
    width: side
    height: side
    radius: Theme.mm(1)
    color: Shown.qr.present ? "#FFFFFF" : Theme.night ? "transparent" : Theme.sheet
    Accessible.ignored: !Shown.qr.present
    Accessible.role: Accessible.Graphic
    Accessible.name: Shown.receiptLabel
    Icon {
        visible: !Shown.qr.present
        anchors.centerIn: parent
        name: "receipt"
        size: Math.round(box.size * 0.36)
        weight: 1.2
        color: Theme.ink2
    }
    Shape {
        visible: Shown.qr.present
        x: Math.round((box.side - box.modules * box.dot) / 2)
        y: x
        width: box.modules
        height: box.modules
        scale: box.dot
        transformOrigin: Item.TopLeft
        ShapePath {
            strokeColor: "transparent"
            strokeWidth: -1
            fillColor: "#000000"
            PathSvg {
                path: Shown.qr.path
            }
        }
    }
}
