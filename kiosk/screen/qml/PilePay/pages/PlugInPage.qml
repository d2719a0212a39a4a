import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// The car's turn: what to do with the plug, what happens to the money, and the code that stops the charge later.
GridLayout {
    id: page
    columns: Theme.tall ? 1 : 2
    columnSpacing: Theme.gutter
    rowSpacing: Theme.s(3.4)
    ColumnLayout {
        Layout.fillWidth: true
        Layout.fillHeight: !Theme.tall
        Layout.preferredWidth: Theme.compact ? 44 : 50
        spacing: Theme.s(Theme.compact ? 0.6 : 1.6)
        CablePicture {
            Layout.fillWidth: true
            Layout.fillHeight: !Theme.tall
            Layout.preferredHeight: Theme.tall ? Math.round(width / 2.62) : 0
            Layout.minimumHeight: Theme.mm(12)
            joined: Shown.page === "starting"
        }
        Words {
            visible: text !== ""
            Layout.fillWidth: true
            text: Shown.car.note
            role: Theme.compact ? "note" : "lead"
            strong: true
        }
        Words {
            visible: text !== "" && Theme.compact
            Layout.fillWidth: true
            text: Shown.subtitle
            role: Shown.subtitle.length > 36 ? "dense" : "note"
        }
        Countdown {
            Layout.fillWidth: true
        }
    }
    ColumnLayout {
        Layout.fillWidth: true
        Layout.fillHeight: true
        Layout.preferredWidth: Theme.compact ? 56 : 50
        spacing: Theme.s(0.6)
        Side {
            Layout.fillWidth: true
            role: "big"
            bare: Theme.compact
            noteRole: Theme.compact && Shown.card.note.length > 60 ? "dense" : Theme.compact || !Theme.tall && (Shown.subtitle !== "" || Shown.card.note.length > 56) ? "note" : "body"
        }
        Item {
            Layout.fillHeight: true
        }
        RowLayout {
            visible: Shown.stopCode !== ""
            Layout.fillWidth: true
            spacing: Theme.s(2)
            ColumnLayout {
                Layout.fillWidth: true
                spacing: 0
                Words {
                    Layout.fillWidth: true
                    text: Shown.stopCodeLabel
                    role: Theme.tall ? "body" : "note"
                    strong: true
                }
                Words {
                    visible: !Theme.compact
                    Layout.fillWidth: true
                    text: Shown.stopCodeNote
                    role: Theme.tall ? "body" : "note"
                    color: Theme.ink2
                }
            }
            BigNumber {
                value: Shown.stopCode.split("").join("\u2009")
                role: "big"
                Accessible.name: Shown.stopCodeLabel + ", " + Shown.stopCode.split("").join(" ")
            }
        }
    }
}
