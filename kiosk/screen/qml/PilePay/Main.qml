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
                onPressed: {
                    Wish.press();
                    Wish.touch();
                }
                onReleased: Wish.lift()
                onCanceled: Wish.lift()
            }
        }
        Sky {
            id: sky
            visible: Shown.sky.operator !== ""
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
                firm: Shown.page === "code"
                visible: !page.ownTitle
                height: page.ownTitle ? 0 : implicitHeight
                anchors.left: parent.left
                anchors.right: parent.right
            }
            Loader {
                id: page
                objectName: "field"
                readonly property bool ownTitle: Shown.away || beside || Shown.page === "out_of_order" || Theme.compact && Shown.page === "language"
                readonly property bool beside: Shown.page === "code" && !Theme.tall && !Shown.away     // the keypad stands beside the rail
                readonly property var pages: ({
                        idle: "Idle",
                        price: "Price",
                        pay: "Pay",
                        authorising: "Pay",
                        plug_in: "PlugIn",
                        starting: "PlugIn",
                        charging: "Charging",
                        stop: "Stop",
                        code: "Code",
                        card: "Card",
                        finished: "Finished",
                        trouble: "Trouble",
                        out_of_order: "OutOfOrder",
                        help: "Help",
                        language: "Language"
                    })
                anchors.top: title.bottom
                anchors.topMargin: ownTitle ? Theme.s(Theme.tall ? 2 : 0) : Theme.s(Theme.compact ? 1 : Theme.tall ? 3.4 : 1.6)
                anchors.bottom: beside ? parent.bottom : rail.top
                anchors.bottomMargin: beside ? rail.anchors.bottomMargin : Shown.away ? 0 : Math.max(Theme.gap, Theme.s(2.4) * (Theme.compact ? 0 : 1))
                anchors.left: parent.left
                anchors.right: parent.right
                source: Shown.away ? "pages/AwayPage.qml" : Shown.page === "" ? "" : "pages/" + pages[Shown.page] + "Page.qml"
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
                objectName: "toast"
                visible: Shown.toast !== ""
                anchors.left: parent.left
                anchors.right: parent.right
                anchors.bottom: rail.top
                anchors.bottomMargin: Theme.s(1)
                height: line.implicitHeight + Theme.s(1)
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
                anchors.rightMargin: page.beside ? Theme.pad + Theme.gutter : 0
                narrow: page.beside
                anchors.bottom: parent.bottom
                anchors.bottomMargin: Theme.mm(Theme.compact ? 3.6 : Theme.tall ? 11 : 6)
                height: implicitHeight
            }
        }
        // Too young a page takes no input.
        MouseArea {
            anchors.fill: parent
            enabled: !Wish.open
            onPressed: Wish.touch()
        }
    }
}
