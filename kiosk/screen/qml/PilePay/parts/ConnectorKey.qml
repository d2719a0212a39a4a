import QtQuick
import PilePay

// One plug of this pile. Outlined with a solid letter when it can be pressed; flat when it cannot.
Pressable {
    id: control
    required property string key
    required property string letter
    required property string condition
    required property string stateText
    required property string plug
    required property string plugName
    required property string power
    required property string price
    required property string note
    required intent
    property bool small: false
    readonly property bool offered: intent !== ""
    readonly property bool broken: condition === "out" || condition === "unknown"
    readonly property color stateColor: broken ? Theme.care : offered ? Theme.energyText : Theme.ink
    readonly property int pad: Theme.s(small ? (Theme.compact ? 0.8 : 1.2) : Theme.compact ? 1.6 : 2.2)

    enabled: offered
    args: ({
            connector: key
        })
    scale: down ? 0.99 : 1
    Accessible.role: offered ? Accessible.Button : Accessible.StaticText
    Accessible.name: [letter, stateText, plugName, power, price, note].filter(part => part !== "").join(", ")

    background: Rectangle {
        radius: Theme.radius
        color: !control.offered ? Theme.mist : control.down ? Theme.mist : Theme.sheet
        border.width: control.offered ? Theme.stroke : 0
        border.color: Theme.go
    }
    contentItem: Item {
        Rectangle {
            id: badge
            anchors.left: parent.left
            width: Theme.mm(control.small ? (Theme.compact ? 10 : Theme.tall ? 22 : 16) : Theme.compact ? 16 : Theme.tall ? 34 : 22.5)
            height: parent.height
            radius: Theme.radius
            color: control.offered ? Theme.badge : "transparent"
            Rectangle {
                anchors.right: parent.right
                width: Theme.radius
                height: parent.height
                color: parent.color
            }
            Words {
                anchors.centerIn: parent
                text: control.letter
                role: control.small ? "big" : "hero"
                color: control.offered ? Theme.badgeInk : Theme.ink2
                Accessible.ignored: true
            }
        }
        Icon {
            id: face
            anchors.right: parent.right
            anchors.rightMargin: control.pad
            anchors.verticalCenter: parent.verticalCenter
            visible: !control.small
            name: "plug-" + control.plug
            size: Theme.mm(Theme.compact ? 9.5 : Theme.tall ? 25 : 15)
            color: control.offered ? Theme.ink : Theme.ink2
        }
        Column {
            id: block
            anchors.left: badge.right
            anchors.leftMargin: control.pad
            anchors.right: face.visible ? face.left : parent.right
            anchors.rightMargin: Theme.s(control.small ? 0.4 : 1)
            anchors.verticalCenter: parent.verticalCenter
            spacing: control.small || Theme.compact ? 0 : Theme.s(0.4)
            Item {
                width: parent.width
                height: now.height
                Icon {
                    id: mark
                    anchors.left: parent.left
                    anchors.verticalCenter: parent.verticalCenter
                    name: control.condition === "free" || control.condition === "plugged" ? "check" : control.condition === "out" ? "cross" : control.condition === "unknown" ? "help" : control.condition === "reserved" || control.condition === "waiting" ? "clock" : "bolt"
                    color: control.stateColor
                    size: Theme.type(control.small ? "note" : "lead")
                    weight: 2.6
                }
                Words {
                    id: now
                    anchors.left: mark.right
                    anchors.leftMargin: Theme.s(0.7)
                    anchors.right: parent.right
                    text: control.stateText
                    role: control.small ? (Theme.compact ? "note" : "body") : Theme.compact ? "body" : "lead"
                    strong: true
                    color: control.stateColor
                    wrapMode: Text.NoWrap
                    fontSizeMode: Text.HorizontalFit
                    minimumPixelSize: Theme.mm(4)
                    Accessible.ignored: true
                }
            }
            Words {
                id: kind
                readonly property string both: control.plugName + " · " + control.power
                readonly property bool fits: measure.advanceWidth <= width
                width: parent.width
                text: control.small && fits ? both : control.plugName
                role: control.small ? "note" : Theme.compact ? "body" : "title"
                strong: true
                color: control.offered ? Theme.ink : Theme.ink2
                Accessible.ignored: true
            }
            TextMetrics {
                id: measure
                font: kind.font
                text: kind.both
            }
            Words {
                visible: text !== "" && !(control.small && Theme.compact)
                width: parent.width
                text: control.note !== "" ? control.note : control.small && kind.fits ? "" : control.power
                role: control.small || Theme.compact ? "note" : control.price !== "" && !Theme.tall ? "note" : "body"
                color: Theme.ink2
                Accessible.ignored: true
            }
            Words {
                visible: text !== "" && !(control.small && Theme.compact)
                width: parent.width
                text: control.price
                role: control.small || Theme.compact ? "note" : "lead"
                strong: true
                color: control.offered ? Theme.ink : Theme.ink2
                Accessible.ignored: true
            }
        }
    }
}
