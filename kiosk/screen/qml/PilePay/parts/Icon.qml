import QtQuick
import QtQuick.Shapes
import PilePay
import PilePay.Shown

// A pictogram from assets/icons: always beside words, mirrored only where direction carries meaning.
Item {
    id: icon
    property string name: ""
    property color color: Theme.ink
    property real size: Theme.type("body") * 1.1
    property real weight: 2
    property bool filled: false
    readonly property var art: Theme.icons[name] ?? ({
            w: 24,
            h: 24,
            d: "",
            solid: false
        })
    readonly property bool flips: Shown.rtl && (name === "right" || name === "left")
    implicitWidth: size
    implicitHeight: Math.round(size * art.h / art.w)
    Accessible.ignored: true
    Shape {
        width: icon.art.w
        height: icon.art.h
        transform: [
            Scale {
                xScale: icon.flips ? -1 : 1
                origin.x: icon.art.w / 2
            },
            Scale {
                xScale: icon.size / icon.art.w
                yScale: icon.size / icon.art.w
            }
        ]
        ShapePath {
            strokeColor: icon.art.solid ? "transparent" : icon.color
            strokeWidth: icon.art.solid ? -1 : icon.weight
            fillColor: icon.filled || icon.art.solid ? icon.color : "transparent"
            fillRule: ShapePath.OddEvenFill
            capStyle: ShapePath.RoundCap
            joinStyle: ShapePath.RoundJoin
            PathSvg {
                path: icon.art.d
            }
        }
    }
}
