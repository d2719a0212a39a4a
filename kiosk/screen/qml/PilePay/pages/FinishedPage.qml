import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// Done: what went into the car, what went off the card and what came back, and the receipt.
ColumnLayout {
    id: page
    readonly property bool receipt: Shown.qr.present || Shown.receiptNote !== ""
    // On a small panel the bill beside the time, or one of two lines, takes the place of the fact lines.
    readonly property bool full: Theme.compact && Shown.sumLine !== "" && (Shown.countdown.present || bill.lineCount > 1)
    spacing: Theme.s(Theme.compact ? 0.3 : 1.2)
    GridLayout {
        Layout.fillWidth: true
        Layout.fillHeight: !Theme.tall && !Theme.compact
        columns: Theme.tall ? 1 : 2
        columnSpacing: Theme.mm(Theme.compact ? 6 : 11)
        rowSpacing: Theme.s(2)
        ColumnLayout {
            Layout.fillWidth: true
            Layout.fillHeight: true
            spacing: Theme.s(1.2)
            Sides {
                Layout.fillWidth: true
                role: "big"
                columnSpacing: Theme.mm(Theme.compact ? 6 : 11)
                rowSpacing: Theme.s(2.2)
                noted: !Theme.compact
                lined: !page.full
                noteRole: Theme.tall ? "body" : "note"
            }
            Words {
                id: bill
                visible: text !== ""
                Layout.fillWidth: true
                Layout.topMargin: Theme.compact ? -Theme.s(0.6) : Theme.s(1)
                text: Shown.sumLine
                role: Theme.compact ? "dense" : "note"
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
                visible: Shown.countdown.present && !Theme.compact
                Layout.fillWidth: true
                Layout.topMargin: Theme.tall ? Theme.s(1) : 0
            }
        }
        GridLayout {
            visible: page.receipt
            Layout.alignment: Qt.AlignTop
            Layout.fillWidth: Theme.tall
            columns: Theme.tall ? 2 : 1
            columnSpacing: Theme.mm(10)
            rowSpacing: Theme.s(0.8)
            Words {
                visible: !Theme.compact && !Theme.tall && text !== ""
                text: Shown.receiptLabel
                role: "body"
                strong: true
                color: Theme.ink2
            }
            QrBox {}
            Words {
                visible: !Theme.tall && !Theme.compact
                Layout.preferredWidth: Theme.mm(42)
                text: Shown.receiptNote
                role: "note"
                strong: true
            }
            ColumnLayout {
                visible: Theme.tall
                Layout.fillWidth: true
                spacing: Theme.s(1.6)
                Words {
                    visible: text !== ""
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
    }
    // A small panel has a line for the money or the paper, and one for the time.
    Words {
        visible: text !== "" && Theme.compact
        Layout.fillWidth: true
        text: Shown.card.note !== "" ? Shown.card.note : Shown.receiptNote
        role: page.full ? "dense" : "note"
    }
    Countdown {
        visible: Shown.countdown.present && Theme.compact
        thin: false
        role: page.full ? "dense" : "note"
        Layout.fillWidth: true
    }
    Item {
        visible: Theme.tall || Theme.compact
        Layout.fillHeight: true
    }
}
