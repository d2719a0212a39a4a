import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// Done: what went into the car, what went off the card and what came back, and the receipt.
GridLayout {
    id: page
    columns: Theme.tall ? 1 : 2
    columnSpacing: Theme.mm(Theme.compact ? 6 : 11)
    rowSpacing: Theme.s(2.6)
    ColumnLayout {
        Layout.fillWidth: true
        Layout.fillHeight: true
        spacing: Theme.s(Theme.compact ? 0.8 : 1.2)
        Sides {
            Layout.fillWidth: true
            role: "big"
            columnSpacing: Theme.mm(Theme.compact ? 6 : 11)
            rowSpacing: Theme.s(2.2)
        }
        Words {
            visible: text !== "" && !Theme.compact
            Layout.fillWidth: true
            Layout.topMargin: Theme.s(1)
            text: Shown.sumLine
            role: "note"
        }
        Words {
            visible: text !== "" && !Theme.compact
            Layout.fillWidth: true
            text: Shown.smallPrint
            role: "note"
            color: Theme.ink2
        }
        Item {
            visible: !Theme.tall
            Layout.fillHeight: true
        }
        Countdown {
            thin: !Theme.compact
            Layout.fillWidth: true
            Layout.topMargin: Theme.tall ? Theme.s(2) : 0
        }
    }
    GridLayout {
        visible: Shown.qr.present
        Layout.alignment: Qt.AlignTop
        Layout.fillWidth: Theme.tall
        columns: Theme.tall ? 2 : 1
        columnSpacing: Theme.mm(10)
        rowSpacing: Theme.s(Theme.compact ? 0.8 : 1.4)
        Words {
            visible: !Theme.compact && !Theme.tall
            text: Shown.receiptLabel
            role: "body"
            strong: true
            color: Theme.ink2
        }
        QrBox {}
        Words {
            visible: !Theme.tall
            Layout.preferredWidth: Theme.mm(Theme.compact ? 34 : 42)
            text: Theme.compact ? Shown.receiptLabel : Shown.receiptNote
            role: "note"
            strong: true
        }
        ColumnLayout {
            visible: Theme.tall
            Layout.fillWidth: true
            spacing: Theme.s(1.6)
            Words {
                Layout.fillWidth: true
                text: Shown.receiptLabel
                role: "lead"
                strong: true
            }
            Words {
                Layout.fillWidth: true
                text: Shown.receiptNote
                role: "body"
                color: Theme.ink2
            }
        }
    }
    Item {
        visible: Theme.tall
        Layout.fillHeight: true
    }
}
