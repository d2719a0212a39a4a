import QtQuick
import PilePay
import PilePay.Shown

// Read only, on every page: who runs this pile, which one it is, who to call, what time it is.
Item {
    id: sky
    implicitHeight: Theme.mm(Theme.compact ? 9.5 : Theme.tall ? 25 : 12.5)
    readonly property int free: width - mark.width - clock.width - phone.width - 3 * Theme.s(2.4)
    Row {
        id: mark
        anchors.left: parent.left
        y: Theme.tall ? Theme.mm(7) : Math.round((sky.height - height) / 2)
        spacing: Theme.s(1.2)
        Rectangle {
            anchors.verticalCenter: parent.verticalCenter
            width: Math.round(Theme.type("note") * 0.95)
            height: width
            radius: width * 0.28
            color: Theme.go
            Icon {
                anchors.centerIn: parent
                name: "bolt"
                filled: true
                weight: 0.5
                color: Theme.goInk
                size: parent.width * 0.74
            }
        }
        Words {
            text: Shown.sky.operator
            role: "note"
            strong: true
            wrapMode: Text.NoWrap
        }
    }
    Words {
        id: clock
        anchors.right: parent.right
        anchors.verticalCenter: mark.verticalCenter
        text: Shown.sky.clock
        role: "note"
        strong: true
        font.features: ({
                tnum: 1
            })
        wrapMode: Text.NoWrap
    }
    Row {
        id: phone
        anchors.right: Theme.tall ? undefined : clock.left
        anchors.rightMargin: Theme.s(2.4)
        anchors.left: Theme.tall ? station.right : undefined
        anchors.leftMargin: Theme.s(2.4)
        anchors.verticalCenter: Theme.tall ? station.verticalCenter : mark.verticalCenter
        spacing: Theme.s(0.8)
        Icon {
            anchors.verticalCenter: parent.verticalCenter
            name: "call"
            size: Theme.type("note") * 0.92
            weight: 2.2
            color: Theme.ink2
        }
        Words {
            text: Shown.sky.helpline
            role: "note"
            color: Theme.ink2
            wrapMode: Text.NoWrap
        }
    }
    Words {
        id: station
        anchors.right: Theme.tall ? undefined : phone.left
        anchors.rightMargin: Theme.s(2.4)
        anchors.left: Theme.tall ? parent.left : undefined
        y: Theme.tall ? mark.y + mark.height + Theme.mm(0.6) : mark.y
        visible: Theme.tall || implicitWidth <= sky.free
        text: Shown.sky.station
        role: "note"
        color: Theme.ink2
        wrapMode: Text.NoWrap
    }
}
