pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// The questions as keys, or the answer to one; and always a voice.
ColumnLayout {
    id: page
    spacing: Theme.s(Theme.compact ? 1 : 2.4)
    Item {
        visible: Theme.tall && Shown.ways.count > 0     // the keys within reach
        Layout.fillHeight: true
    }
    PhoneLine {
        visible: Theme.tall && Shown.ways.count > 0
        Layout.fillWidth: true
        Layout.bottomMargin: Theme.s(3)
        text: Shown.call
    }
    GridLayout {
        visible: Shown.ways.count > 0
        Layout.fillWidth: true
        Layout.fillHeight: !Theme.tall
        columns: Theme.tall ? 1 : 2
        columnSpacing: Theme.gap
        rowSpacing: Theme.gap
        uniformCellWidths: true
        uniformCellHeights: true
        Repeater {
            model: Shown.ways
            WayKey {
                lying: true
                Layout.fillWidth: true
                Layout.fillHeight: !Theme.tall
                Layout.minimumHeight: Theme.mm(15)
            }
        }
    }
    Words {
        visible: text !== ""
        Layout.fillWidth: true
        text: Shown.what
        role: Theme.compact ? "note" : "body"
    }
    Words {
        visible: text !== ""
        Layout.fillWidth: true
        text: Shown.now
        role: Theme.compact ? "note" : "lead"
        strong: true
    }
    Item {
        visible: Shown.ways.count === 0
        Layout.fillHeight: true
    }
    PhoneLine {
        visible: !Theme.tall || Shown.ways.count === 0
        Layout.fillWidth: true
        text: Shown.call
    }
}
