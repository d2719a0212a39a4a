import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// The card as a key: what it is held there for at the start, the reader at its side; then what came of it.
GridLayout {
    id: page
    readonly property bool looking: Shown.found === "looking"
    readonly property bool printing: Shown.found === "printing" || Shown.found === "refunded"
    readonly property bool first: Theme.tall || page.looking && Shown.readerSide === "left" !== Shown.rtl
    columns: Theme.tall ? 1 : 2
    columnSpacing: Theme.gutter
    rowSpacing: Theme.s(4)
    ColumnLayout {
        Layout.row: Theme.tall ? 1 : 0
        Layout.column: Theme.tall ? 0 : page.first ? 1 : 0
        Layout.fillWidth: true
        Layout.fillHeight: !Theme.tall
        Layout.preferredWidth: page.looking ? 50 : 68
        spacing: Theme.s(Theme.compact ? 1 : 2.4)
        Words {
            visible: text !== ""
            Layout.fillWidth: true
            text: Shown.what
            role: Theme.compact ? "note" : "lead"
        }
        Words {
            visible: text !== ""
            Layout.fillWidth: true
            text: Shown.now
            role: Theme.compact ? "note" : "lead"
            strong: true
        }
        Item {
            visible: !Theme.tall
            Layout.fillHeight: true
        }
        Words {
            visible: text !== "" && !Theme.tall
            Layout.fillWidth: true
            text: Shown.steps
            role: Theme.compact ? "note" : "body"
            strong: true
            color: Theme.energyText
        }
    }
    ColumnLayout {
        Layout.row: 0
        Layout.column: Theme.tall ? 0 : page.first ? 0 : 1
        Layout.fillWidth: true
        Layout.fillHeight: !Theme.tall
        Layout.preferredWidth: page.looking ? 50 : 32
        spacing: Theme.s(2)
        ReaderPicture {
            visible: page.looking
            Layout.fillWidth: true
            Layout.fillHeight: true
            Layout.preferredHeight: Theme.tall ? Theme.mm(110) : 0
        }
        Icon {
            visible: !page.looking
            Layout.alignment: Theme.tall ? Qt.AlignLeft : Qt.AlignRight | Qt.AlignTop
            name: page.printing ? "receipt" : "card"
            size: Theme.mm(Theme.compact ? 26 : Theme.tall ? 60 : 46)
            weight: 1.3
            color: page.printing ? Theme.energyText : Theme.ink2
        }
        Words {
            visible: text !== "" && Theme.tall
            Layout.fillWidth: true
            text: Shown.steps
            role: "body"
            strong: true
            color: Theme.energyText
        }
    }
    Item {
        visible: Theme.tall
        Layout.row: 2
        Layout.fillHeight: true
    }
}
