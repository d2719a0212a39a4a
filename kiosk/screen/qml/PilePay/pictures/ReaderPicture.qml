pragma ComponentBehavior: Bound
import QtQuick
import PilePay
import PilePay.Shown

// The card reader as it stands on the pile, a card coming to it, and a long arrow to where it really is. This is
// geography: it does not mirror with the language.
Item {
    id: picture
    property string side: Shown.readerSide      // left, right, below
    property bool pointing: true
    readonly property bool below: side === "below"
    readonly property real u: Math.min(height / (below && pointing ? 132 : 100), width / (below || !pointing ? 128 : 165))
    Accessible.ignored: true
    LayoutMirroring.enabled: false
    LayoutMirroring.childrenInherit: true
    Item {
        id: scene
        width: picture.width
        height: (picture.below && picture.pointing ? 132 : 100) * picture.u
        y: Math.round((picture.height - height) / 2)
        transform: Scale {
            xScale: picture.side === "left" ? -1 : 1
            origin.x: scene.width / 2
        }
        Rectangle {
            id: reader
            x: Math.round(picture.below || !picture.pointing ? (scene.width - width) / 2 + 22 * picture.u : 50 * picture.u)
            width: 62 * picture.u
            height: 98 * picture.u
            radius: 7 * picture.u
            color: Theme.body
            Rectangle {
                x: 7 * picture.u
                y: 7 * picture.u
                width: parent.width - 14 * picture.u
                height: 28 * picture.u
                radius: 2.5 * picture.u
                color: Theme.night ? Theme.paper : Theme.mint
                FactLine {
                    anchors.centerIn: parent
                    width: parent.width * 0.76
                    height: 8 * picture.u
                    promise: 1
                }
            }
            Row {
                anchors.horizontalCenter: parent.horizontalCenter
                y: 41 * picture.u
                spacing: 3 * picture.u
                Repeater {
                    model: 4
                    Rectangle {
                        required property int index
                        width: 7 * picture.u
                        height: 2.6 * picture.u
                        radius: height / 2
                        color: Theme.lamp
                        opacity: index === 0 ? 1 : 0.3
                    }
                }
            }
            Icon {
                anchors.horizontalCenter: parent.horizontalCenter
                y: 52 * picture.u
                size: 38 * picture.u
                name: "waves"
                weight: 2
                color: "#FFFFFF"
            }
        }
        Rectangle {
            x: reader.x - 46 * picture.u
            y: 52 * picture.u
            width: 58 * picture.u
            height: 37 * picture.u
            radius: 3.6 * picture.u
            rotation: -9
            antialiasing: true
            color: Theme.energy
            border.width: Theme.stroke
            border.color: Theme.paper
            Rectangle {
                x: 7 * picture.u
                y: 9 * picture.u
                width: 9 * picture.u
                height: 7 * picture.u
                radius: 1.4 * picture.u
                antialiasing: true
                color: Theme.sun
            }
            Rectangle {
                x: 7 * picture.u
                y: 25 * picture.u
                width: 28 * picture.u
                height: 2.6 * picture.u
                radius: 1.3 * picture.u
                antialiasing: true
                color: Theme.paper
            }
        }
        Arrow {
            visible: picture.pointing
            vertical: picture.below
            thickness: 4 * picture.u
            readonly property real from: reader.x + (picture.below ? reader.width / 2 - 12 * picture.u : reader.width + 9 * picture.u)
            x: Math.round(from)
            y: Math.round(picture.below ? reader.height + 5 * picture.u : (reader.height - height) / 2)
            width: picture.below ? 24 * picture.u : scene.width - from
            height: picture.below ? 28 * picture.u : 24 * picture.u
        }
    }
}
