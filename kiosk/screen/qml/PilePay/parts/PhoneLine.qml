import QtQuick
import PilePay
import PilePay.Shown

// The helpline, big enough to dial from, and what to say.
Item {
    id: line
    property string text: ""
    property string role: Theme.compact ? "note" : "body"
    implicitHeight: Theme.tall ? number.height + Theme.s(2) + words.height : Math.max(number.height, words.height)
    Icon {
        id: sign
        anchors.left: parent.left
        anchors.verticalCenter: number.verticalCenter
        name: "call"
        size: number.height * 1.1
        weight: 2
    }
    BigNumber {
        id: number
        anchors.left: sign.right
        anchors.leftMargin: Theme.s(1.4)
        y: Theme.tall ? 0 : Math.round((line.height - height) / 2)
        value: Shown.sky.helpline
        role: Theme.compact ? "title" : "big"
    }
    Words {
        id: words
        anchors.left: Theme.tall ? parent.left : number.right
        anchors.leftMargin: Theme.tall ? 0 : Theme.s(3)
        anchors.right: parent.right
        y: Theme.tall ? number.height + Theme.s(2) : Math.round((line.height - height) / 2)
        text: line.text
        role: line.role
        color: Theme.ink2
        wrapMode: line.role === "dense" ? Text.NoWrap : Text.WordWrap
        fontSizeMode: line.role === "dense" ? Text.HorizontalFit : Text.FixedSize
        minimumPixelSize: Theme.mm(3.5)
    }
}
