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
            spacing: Theme.s(Theme.compact ? 1 : 2)
            Words {
                visible: text !== "" && !Theme.compact
                Layout.fillWidth: true
                text: Shown.what
                role: "body"
            }
            Words {
                visible: text !== "" && Theme.compact
                Layout.fillWidth: true
                Layout.fillHeight: true
                text: Shown.what
                role: "note"
                // The longest story still fits the smallest panel.
                lineHeightMode: Text.ProportionalHeight
                lineHeight: 1
                fontSizeMode: Text.Fit
                minimumPixelSize: Theme.mm(3.9)
            }
            Words {
                visible: text !== ""
                Layout.fillWidth: true
                text: Shown.now
                role: Theme.compact ? "note" : text.length > 60 && !Theme.tall ? "body" : "lead"
                strong: true
            }
            Item {
                visible: !Theme.compact && !Theme.tall
                Layout.fillHeight: true
            }
        }
        ColumnLayout {
            Layout.fillWidth: true
            Layout.fillHeight: !Theme.tall
            Layout.alignment: Qt.AlignTop
            visible: Shown.card.present
            Side {
                Layout.fillWidth: true
                role: Theme.compact ? "big" : "hero"
                noted: !Theme.compact
            }
            Item {
                visible: !Theme.tall
                Layout.fillHeight: true
            }
            Words {
                visible: text !== "" && Theme.compact
                Layout.fillWidth: true
                text: Shown.call
                role: "note"
                color: Theme.ink2
            }
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
        visible: text !== "" && !(Theme.compact && Shown.card.present)
        Layout.fillWidth: true
        text: Shown.call
        role: Theme.tall ? "body" : "note"
        color: Theme.ink2
    }
}
