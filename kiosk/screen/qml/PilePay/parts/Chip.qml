import QtQuick
import PilePay

// A state in words with a shape. Never pressable, so never outlined.
Rectangle {
    id: chip
    property string text: ""
    property string glyph: ""
    property string kind: "plain"       // sun, plain; energy and text have no ground
    property string role: "note"
    property real available: Infinity
    property bool single: false         // one line, smaller if it must be
    readonly property color inkColor: kind === "sun" ? Theme.sunInk : kind === "energy" ? Theme.energyText : Theme.ink
    readonly property int pad: color.a > 0 ? Theme.s(0.9) : 0
    color: kind === "sun" ? Theme.sun : kind === "plain" ? Theme.mist : "transparent"
    radius: Theme.radiusBar
    implicitHeight: words.implicitHeight + Theme.s(Theme.compact ? 0.4 : 0.9)
    readonly property int lead: icon.visible ? icon.width + Theme.s(0.8) : 0
    implicitWidth: pad * 2 + lead + words.width
    Item {
        anchors.left: parent.left
        anchors.leftMargin: chip.pad
        height: parent.height
        width: parent.width - 2 * chip.pad
        Icon {
            id: icon
            anchors.left: parent.left
            anchors.verticalCenter: parent.verticalCenter
            visible: chip.glyph !== ""
            name: chip.glyph
            color: chip.inkColor
            size: Theme.type(chip.role) * 1.05
            weight: 2.2
        }
        Words {
            id: words
            anchors.left: icon.visible ? icon.right : parent.left
            anchors.leftMargin: icon.visible ? Theme.s(0.8) : 0
            anchors.verticalCenter: parent.verticalCenter
            width: Math.min(implicitWidth, chip.available - 2 * chip.pad - chip.lead)
            text: chip.text
            role: chip.role
            strong: true
            color: chip.inkColor
            wrapMode: chip.single ? Text.NoWrap : Text.WordWrap
            fontSizeMode: chip.single ? Text.HorizontalFit : Text.FixedSize
            minimumPixelSize: Theme.mm(4)
        }
    }
}
