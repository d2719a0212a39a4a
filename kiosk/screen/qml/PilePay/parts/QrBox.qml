import QtQuick
import QtQuick.Shapes
import PilePay
import PilePay.Shown

// Always dark on white with its quiet zone, whatever the theme; modules are whole pixels.
Rectangle {
    id: box
    property int size: Theme.mm(Theme.compact ? 34 : Theme.tall ? 44 : 42)
    readonly property int modules: Shown.qr.modules
    readonly property int dot: Math.max(1, Math.floor(size / (modules + 8)))
    visible: Shown.qr.present
    implicitWidth: size
    implicitHeight: size
    width: size
    height: size
    radius: Theme.mm(1)
    color: "#FFFFFF"
    Accessible.role: Accessible.Graphic
    Accessible.name: Shown.receiptLabel
    Shape {
        x: Math.round((box.size - box.modules * box.dot) / 2)
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
