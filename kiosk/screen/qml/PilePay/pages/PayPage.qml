import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// Hold the card there; and while the bank is asked, the same page with the hatch coming in.
GridLayout {
    id: page
    readonly property bool asking: Shown.page === "authorising"
    readonly property bool first: Theme.tall || Shown.readerSide === "left" !== Shown.rtl
    columns: Theme.tall ? 1 : 2
    columnSpacing: Theme.gutter
    rowSpacing: Theme.s(4)
    ColumnLayout {
        Layout.row: Theme.tall ? 1 : 0
        Layout.column: Theme.tall ? 0 : page.first ? 1 : 0
        Layout.fillWidth: true
        Layout.fillHeight: !Theme.tall
        Layout.preferredWidth: 50
        spacing: Theme.s(Theme.compact ? 0.6 : 2)
        Side {
            Layout.fillWidth: true
            role: Theme.tall ? "hero" : "big"
            arriving: page.asking
        }
        Item {
            Layout.fillHeight: true
        }
        Countdown {
            visible: Shown.countdown.present && !Theme.compact
            Layout.fillWidth: true
        }
    }
    ColumnLayout {
        Layout.row: 0
        Layout.column: Theme.tall ? 0 : page.first ? 0 : 1
        Layout.fillWidth: true
        Layout.fillHeight: true
        Layout.preferredWidth: 50
        spacing: Theme.s(Theme.compact ? 0.6 : 2)
        ReaderPicture {
            visible: !page.asking
            Layout.fillWidth: true
            Layout.fillHeight: true
            Layout.maximumHeight: Theme.tall ? Theme.mm(110) : -1
        }
        AskPicture {
            visible: page.asking
            Layout.fillWidth: true
            Layout.fillHeight: true
            Layout.maximumHeight: Theme.tall ? Theme.mm(70) : -1
        }
        Words {
            visible: text !== ""
            Layout.fillWidth: true
            text: Shown.steps
            role: Theme.compact ? "note" : "body"
            strong: true
            color: Theme.energyText
        }
        Words {
            visible: text !== "" && Theme.compact
            Layout.fillWidth: true
            text: Shown.subtitle
            role: "note"
            strong: true
        }
        Countdown {
            visible: Shown.countdown.present && Theme.compact
            Layout.fillWidth: true
        }
    }
}
