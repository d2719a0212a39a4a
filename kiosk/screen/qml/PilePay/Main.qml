import QtQuick
import QtQuick.Window
import PilePay
import PilePay.Shown

// The frame of every page. Look up, touch down: sky (read only), field (the truth), rail (all controls).
Window {
    id: window
    width: Theme.w
    height: Theme.h
    visible: true
    color: Theme.paper

    Item {
        id: glass
        anchors.fill: parent
        LayoutMirroring.enabled: Shown.rtl
        LayoutMirroring.childrenInherit: true

        Rectangle {
            anchors.fill: parent
            color: Shown.away || Shown.tone === "apricot" ? Theme.apricot : Shown.tone === "mint" ? Theme.mint : Theme.paper
            MouseArea {
                anchors.fill: parent
                onPressed: Wish.touch()
            }
        }
        Sky {
            id: sky
            visible: Shown.page !== ""
            anchors.left: parent.left
            anchors.right: parent.right
            anchors.leftMargin: Theme.margin
            anchors.rightMargin: Theme.margin
        }
        Item {
            id: leaf
            anchors.top: sky.bottom
            anchors.bottom: parent.bottom
            anchors.left: parent.left
            anchors.right: parent.right
            anchors.leftMargin: Theme.margin
            anchors.rightMargin: Theme.margin
            TitleLine {
                id: title
                visible: !page.ownTitle
                height: page.ownTitle ? 0 : implicitHeight
                anchors.left: parent.left
                anchors.right: parent.right
            }
            Loader {
                id: page
                readonly property bool ownTitle: Shown.away || Shown.page === "out_of_order"
                anchors.top: title.bottom
                anchors.topMargin: ownTitle ? 0 : Theme.s(Theme.compact ? 1 : Theme.tall ? 3.4 : 1.6)
                anchors.bottom: rail.top
                anchors.bottomMargin: Theme.s(Theme.compact ? 1.4 : 2.4)
                anchors.left: parent.left
                anchors.right: parent.right
                source: Shown.page === "" ? "" : Shown.away ? "pages/AwayPage.qml" : pages[Shown.page] ?? ""
                readonly property var pages: ({
                        idle: "pages/IdlePage.qml",
                        charging: "pages/ChargingPage.qml"
                    })
                onLoaded: if (!Theme.still)
                    fade.restart()
                NumberAnimation {
                    id: fade
                    target: page.item
                    property: "opacity"
                    from: 0
                    to: 1
                    duration: 160
                }
            }
            Rectangle {
                id: toast
                visible: Shown.toast !== ""
                anchors.left: parent.left
                anchors.right: parent.right
                anchors.bottom: rail.top
                anchors.bottomMargin: Theme.s(1.4)
                height: line.implicitHeight + Theme.s(1.4)
                radius: Theme.radiusBar
                color: Theme.mist
                Words {
                    id: line
                    anchors.left: parent.left
                    anchors.right: parent.right
                    anchors.verticalCenter: parent.verticalCenter
                    anchors.leftMargin: Theme.s(2)
                    anchors.rightMargin: Theme.s(2)
                    text: Shown.toast
                    role: "note"
                    strong: true
                }
            }
            Rail {
                id: rail
                visible: !Shown.away
                anchors.left: parent.left
                anchors.right: parent.right
                anchors.bottom: parent.bottom
                anchors.bottomMargin: Theme.mm(Theme.compact ? 3.6 : Theme.tall ? 11 : 6)
                height: implicitHeight
            }
        }
        // Too young a page takes no input, and two fingers are never one wish.
        MouseArea {
            anchors.fill: parent
            enabled: !Wish.open
            onPressed: Wish.touch()
        }
    }
}
