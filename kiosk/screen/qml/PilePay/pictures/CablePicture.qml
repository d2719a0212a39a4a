import QtQuick
import QtQuick.Shapes
import PilePay
import PilePay.Shown

// Pile, cable, plug and car: on its way, or joined. Drawn from start to end, so it mirrors with the language.
Item {
    id: picture
    property bool joined: false
    readonly property real u: Math.min(height / 100, width / 262)
    Accessible.ignored: true
    Item {
        id: scene
        width: 262 * picture.u
        height: 100 * picture.u
        anchors.left: parent.left
        y: Math.round((picture.height - height) / 2)
        transform: Scale {
            xScale: Shown.rtl ? -1 : 1
            origin.x: scene.width / 2
        }
        Rectangle {
            width: 36 * picture.u
            height: 100 * picture.u
            radius: 4 * picture.u
            color: Theme.body
            Rectangle {
                x: 6 * picture.u
                y: 7 * picture.u
                width: 24 * picture.u
                height: 18 * picture.u
                radius: 1.6 * picture.u
                color: Theme.night ? Theme.paper : Theme.mint
            }
            Rectangle {
                x: 6 * picture.u
                y: 34 * picture.u
                width: 24 * picture.u
                height: 26 * picture.u
                radius: 2 * picture.u
                color: Theme.lamp
                Words {
                    id: letter
                    anchors.centerIn: parent
                    role: "title"
                    em: 19 * picture.u
                    text: Shown.badge
                    color: Theme.sunInk
                    Accessible.ignored: true
                    transform: Scale {
                        xScale: Shown.rtl ? -1 : 1
                        origin.x: letter.width / 2
                    }
                }
            }
        }
        Shape {
            ShapePath {
                strokeColor: Theme.energy
                strokeWidth: 4.6 * picture.u
                fillColor: "transparent"
                capStyle: ShapePath.RoundCap
                startX: 30 * picture.u
                startY: 47 * picture.u
                PathCubic {
                    control1X: 66 * picture.u
                    control1Y: 45 * picture.u
                    control2X: 44 * picture.u
                    control2Y: 96 * picture.u
                    x: (picture.joined ? 110 : 78) * picture.u
                    y: 88 * picture.u
                }
                PathCubic {
                    control1X: (picture.joined ? 150 : 100) * picture.u
                    control1Y: (picture.joined ? 83 : 82) * picture.u
                    control2X: (picture.joined ? 146 : 88) * picture.u
                    control2Y: (picture.joined ? 56 : 44) * picture.u
                    x: (picture.joined ? 178 : 108) * picture.u
                    y: (picture.joined ? 56 : 44) * picture.u
                }
            }
        }
        Icon {
            visible: !picture.joined
            x: 108 * picture.u
            y: Math.round(50 * picture.u - height / 2)
            size: 42 * picture.u
            name: "plug-" + Shown.plug
        }
        Arrow {
            visible: !picture.joined
            x: 157 * picture.u
            y: 40 * picture.u
            width: 24 * picture.u
            height: 20 * picture.u
            thickness: 4 * picture.u
        }
        Icon {
            x: 184 * picture.u
            y: 12 * picture.u
            size: 78 * picture.u
            name: "car"
            weight: 1.25
        }
        Rectangle {
            visible: picture.joined
            x: 172 * picture.u
            y: 49 * picture.u
            width: 22 * picture.u
            height: 14 * picture.u
            radius: 3 * picture.u
            color: Theme.energy
        }
    }
}
