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
            Story {
                visible: text !== "" && Theme.compact
                text: Shown.what
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
                role: Theme.compact || Shown.countdown.present && !Theme.tall ? "big" : "hero"
                noted: !Theme.compact
            }
            Story {
                visible: text !== "" && Theme.compact
                text: Shown.card.note
                strong: true
            }
            Item {
                visible: !Theme.tall && !Theme.compact
                Layout.fillHeight: true
            }
        }
    }
    Item {
        visible: Theme.tall
        Layout.fillHeight: true
    }
    Countdown {
        thin: !Theme.compact
        Layout.fillWidth: true
    }
    Words {
        visible: text !== ""
        Layout.fillWidth: true
        text: Shown.call
        role: Theme.tall ? "body" : "note"
        color: Theme.ink2
    }

    // The longest story still fits the smallest panel.
    component Story: Words {
        Layout.fillWidth: true
        Layout.fillHeight: true
        role: "note"
        lineHeightMode: Text.ProportionalHeight
        lineHeight: 1
        fontSizeMode: Text.Fit
        minimumPixelSize: Theme.mm(3.9)
        verticalAlignment: Text.AlignTop
    }
}
