pragma ComponentBehavior: Bound
import QtQuick
import PilePay
import PilePay.Shown

// One plug of this pile. Outlined with a solid letter when it can be bought, outlined without when a touch leads to its charge; flat when it
// cannot be pressed.
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
    readonly property bool selling: offered && (condition === "free" || condition === "plugged")
    readonly property color stateColor: broken ? Theme.care : selling ? Theme.energyText : Theme.ink
    readonly property int pad: Theme.s(small ? (Theme.compact ? 0.8 : 1.2) : Theme.compact ? 1.6 : 2.2)

    enabled: offered
    args: ({
            connector: key
        })
    scale: down ? 0.99 : 1
    Accessible.role: offered ? Accessible.Button : Accessible.StaticText
    Accessible.name: [letter, stateText, plugName, power, price, note].filter(part => part !== "").join(", ")

    readonly property bool tiny: small && Theme.compact
    readonly property bool wordy: stateText.length > (Theme.compact ? 8 : 10)
    readonly property string stateRole: tiny || wordy && Theme.compact ? "note" : small || wordy || Theme.compact ? "body" : "lead"
    readonly property string kindRole: small ? "note" : Theme.compact ? "body" : "title"
    readonly property string priced: Shown.price.present ? "" : price
    readonly property string quietRole: small || Theme.compact ? "note" : "body"
    readonly property string noteRole: small || !Theme.tall ? "note" : "body"
    readonly property string priceRole: small || Theme.compact ? "note" : "lead"
    readonly property int full: now.height + Theme.line(kindRole) + (small && kind.fits ? 0 : Theme.line(quietRole)) + (note === "" ? 0 : Theme.line(noteRole)) + (priced === "" ? 0 : Theme.line(priceRole)) + 4 * block.spacing + 2 * Theme.s(1)
    // Where not all lines have room, a plug that can be used says its power first, another one what is the matter.
    readonly property int room: height - 2 * Theme.s(0.6) - now.height - Theme.line(kindRole) - (priced === "" ? 0 : Theme.line(priceRole)) - 4 * block.spacing
    readonly property int powerLine: tiny || small && kind.fits ? 0 : Theme.line(quietRole)
    readonly property int noteLine: note === "" || tiny || Theme.compact && selling ? 0 : Theme.line(noteRole)
    readonly property bool powered: powerLine > 0 && powerLine <= room - (selling || !noted ? 0 : noteLine)
    readonly property bool noted: noteLine > 0 && noteLine <= room - (selling ? powerLine : 0)
    component Quiet: Words {
        width: parent.width
        role: control.quietRole
        color: Theme.ink2
        Accessible.ignored: true
    }
    implicitHeight: block.implicitHeight + 2 * Theme.s(small ? 1 : 1.6)

    background: Rectangle {
        radius: Theme.radius
        color: !control.offered ? Theme.mist : control.down ? Theme.mist : Theme.sheet
        border.width: control.offered ? Theme.stroke : 0
        border.color: control.selling ? Theme.go : Theme.edge
    }
    contentItem: Item {
        Rectangle {
            id: badge
            anchors.left: parent.left
            width: Theme.mm(control.small ? (Theme.compact ? 10 : Theme.tall ? 22 : 16) : Theme.compact ? 16 : Theme.tall ? 34 : 22.5)
            height: parent.height
            radius: Theme.radius
            color: control.selling ? Theme.badge : control.offered ? Theme.mist : "transparent"
            border.width: control.selling || !control.offered ? 0 : Theme.stroke
            border.color: Theme.edge
            Rectangle {
                anchors.right: parent.right
                visible: control.selling
                width: Theme.radius
                height: parent.height
                color: parent.color
            }
            Words {
                anchors.centerIn: parent
                text: control.letter
                role: control.small ? "big" : "hero"
                color: control.selling ? Theme.badgeInk : control.offered ? Theme.ink : Theme.ink2
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
                    name: control.condition === "free" || control.condition === "plugged" ? "check" : control.condition === "out" || control.condition === "closed" ? "cross" : control.condition === "unknown" ? "help" : control.condition === "reserved" || control.condition === "waiting" ? "clock" : "bolt"
                    color: control.stateColor
                    size: Theme.type(control.small ? "note" : "lead")
                    weight: 2.6
                }
                Words {
                    id: now
                    readonly property bool single: text.indexOf(" ") < 0
                    anchors.left: mark.right
                    anchors.leftMargin: Theme.s(0.7)
                    anchors.right: parent.right
                    height: control.tiny && control.wordy ? 2 * Theme.line("note") : implicitHeight
                    text: control.stateText
                    role: control.stateRole
                    strong: true
                    color: control.stateColor
                    lineHeightMode: control.tiny && control.wordy ? Text.ProportionalHeight : Text.FixedHeight
                    lineHeight: control.tiny && control.wordy ? 1 : Theme.line(role)
                    wrapMode: single ? Text.NoWrap : Text.WordWrap
                    fontSizeMode: control.tiny && control.wordy ? Text.Fit : single ? Text.HorizontalFit : Text.FixedSize
                    minimumPixelSize: Theme.mm(3.4)
                    Accessible.ignored: true
                }
            }
            Words {
                id: kind
                readonly property string both: control.plugName + " · " + control.power
                readonly property bool fits: measure.advanceWidth <= width
                width: parent.width
                text: control.small && fits ? both : control.plugName
                visible: !(control.tiny && control.wordy)
                role: control.kindRole
                strong: true
                color: control.offered ? Theme.ink : Theme.ink2
                Accessible.ignored: true
            }
            TextMetrics {
                id: measure
                font: kind.font
                text: kind.both
            }
            Quiet {
                visible: control.powered
                text: control.power
            }
            Quiet {
                visible: control.noted
                wrapMode: Text.NoWrap
                fontSizeMode: Text.HorizontalFit
                minimumPixelSize: Theme.mm(3.8)
                text: control.note
                role: control.noteRole
                strong: control.offered && !control.selling
                color: control.offered && !control.selling ? Theme.ink : Theme.ink2
            }
            Words {
                visible: text !== "" && !control.tiny
                width: parent.width
                text: control.priced
                role: control.priceRole
                strong: true
                color: control.offered ? Theme.ink : Theme.ink2
                Accessible.ignored: true
            }
        }
    }
}
