import QtQuick
import PilePay

// The sign of a closed pile, with its sentence: to be seen from the street.
Item {
    id: sign
    property string title: ""
    property string subtitle: ""
    implicitHeight: Math.max(picture.height, words.height)
    Icon {
        id: picture
        anchors.left: parent.left
        anchors.leftMargin: -Math.round(width * 0.12)
        anchors.verticalCenter: parent.verticalCenter
        name: "closed"
        size: Theme.mm(Theme.compact ? 20 : Theme.tall ? 46 : 34)
        weight: 1.7
        color: Theme.care
    }
    Column {
        id: words
        anchors.left: picture.right
        anchors.leftMargin: Theme.s(Theme.compact ? 1 : 1.6)
        anchors.right: parent.right
        anchors.verticalCenter: parent.verticalCenter
        spacing: Theme.s(Theme.compact ? 0.2 : 1)
        Words {
            width: parent.width
            text: sign.title
            role: Theme.compact ? "lead" : "title"
            strong: true
            // A small panel has smaller letters rather than a second line.
            readonly property bool single: Theme.compact && shortest.advanceWidth <= width
            wrapMode: single ? Text.NoWrap : Text.WordWrap
            fontSizeMode: single ? Text.HorizontalFit : Text.FixedSize
            minimumPixelSize: shortest.font.pixelSize
            TextMetrics {
                id: shortest
                font.family: "Inter"
                font.weight: Font.DemiBold
                font.pixelSize: Theme.mm(5.6)
                text: sign.title
            }
        }
        Words {
            visible: text !== ""
            width: parent.width
            text: sign.subtitle
            role: Theme.compact ? "note" : "lead"
            strong: true
            color: Theme.care
        }
    }
}
