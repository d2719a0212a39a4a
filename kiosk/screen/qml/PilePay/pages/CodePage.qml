pragma ComponentBehavior: Bound
import QtQuick
import PilePay
import PilePay.Shown

// Type the code. Core counts the digits; the page shows how many there are.
Item {
    id: page
    readonly property int beside: Theme.tall ? 0 : Theme.pad + Theme.gutter
    Column {
        id: words
        anchors.left: parent.left
        width: parent.width - page.beside
        spacing: Theme.s(Theme.compact ? 1.4 : 2.6)
        TitleLine {
            visible: !Theme.tall
            width: parent.width
            firm: true
        }
        Words {
            visible: text !== ""
            width: parent.width
            text: Shown.what
            role: Theme.compact ? "note" : "body"
            color: Theme.ink2
        }
        Row {
            anchors.left: parent.left
            spacing: Theme.s(2)
            visible: Shown.codeLength > 0
            Accessible.role: Accessible.StaticText
            Accessible.name: Shown.codeTyped + " / " + Shown.codeLength
            Repeater {
                model: Shown.codeLength
                Rectangle {
                    required property int index
                    width: Theme.mm(Theme.compact ? 6 : Theme.tall ? 10 : 8)
                    height: width
                    radius: width / 2
                    color: index < Shown.codeTyped ? Theme.ink : "transparent"
                    border.width: Theme.stroke
                    border.color: Theme.ink
                }
            }
        }
        Words {
            visible: text !== ""
            width: parent.width
            text: Shown.now
            role: Theme.compact ? "note" : "body"
            strong: true
        }
    }
    Keypad {
        visible: Shown.codeLength > 0
        anchors.right: parent.right
        anchors.bottom: parent.bottom
        width: Theme.tall ? parent.width : Theme.pad
        height: Math.min(parent.height - (Theme.tall ? words.height + Theme.s(4) : 0), 4 * Theme.mm(Theme.tall ? 26 : 21) + 3 * Theme.gap)
    }
}
