import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// Something went wrong: why and what now at the start, the money at the end, in its usual place.
ColumnLayout {
    id: page
    spacing: Theme.s(Theme.compact ? 0.8 : 2)
    GridLayout {
        Layout.fillWidth: true
        Layout.fillHeight: !Theme.tall
        columns: Theme.tall ? 1 : 2
        columnSpacing: Theme.gutter
        rowSpacing: Theme.s(5)
        uniformCellWidths: Shown.card.present
        ColumnLayout {
            Layout.fillWidth: true
            Layout.fillHeight: !Theme.tall
            spacing: Theme.s(Theme.compact ? 1 : 3)
            Words {
                visible: text !== ""
                Layout.fillWidth: true
                text: Shown.what
                role: Theme.compact ? "note" : "body"
            }
            Item {
                visible: Theme.compact
                Layout.fillHeight: true
            }
            Words {
                visible: text !== ""
                Layout.fillWidth: true
                text: Shown.now
                role: Theme.compact ? "note" : "lead"
                strong: true
            }
            Item {
                visible: !Theme.compact && !Theme.tall
                Layout.fillHeight: true
            }
        }
        Side {
            visible: Shown.card.present
            Layout.fillWidth: true
            Layout.alignment: Qt.AlignTop
            role: Theme.compact ? "big" : "hero"
        }
    }
    Item {
        visible: Theme.tall
        Layout.fillHeight: true
    }
    Countdown {
        Layout.fillWidth: true
    }
    Words {
        visible: text !== ""
        Layout.fillWidth: true
        text: Shown.call
        role: Theme.tall ? "body" : "note"
        color: Theme.ink2
    }
}
