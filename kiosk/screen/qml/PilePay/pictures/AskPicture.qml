pragma ComponentBehavior: Bound
import QtQuick
import PilePay

// The card is away from the reader; the question is on its way to the bank.
Item {
    id: picture
    readonly property int size: Math.round(Math.min(height, width / 2.6))
    implicitHeight: Theme.mm(26)
    Accessible.ignored: true
    Icon {
        anchors.left: parent.left
        anchors.verticalCenter: parent.verticalCenter
        name: "card"
        size: picture.size
        weight: 1.3
    }
    Row {
        anchors.centerIn: parent
        spacing: picture.size * 0.09
        Repeater {
            model: 3
            Rectangle {
                required property int index
                width: Math.round(picture.size * 0.09)
                height: width
                radius: width / 2
                color: Theme.energyText
            }
        }
    }
    Icon {
        anchors.right: parent.right
        anchors.verticalCenter: parent.verticalCenter
        name: "bank"
        size: picture.size
        weight: 1.3
    }
}
