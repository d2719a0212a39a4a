pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// The questions, as keys or with their answers; or the answer to one; and always a voice.
ColumnLayout {
    id: page
    readonly property bool asked: Shown.ways.count > 0
    readonly property bool low: Theme.tall && Shown.keyed          // keys stay within reach
    spacing: Theme.s(Theme.compact ? 1 : 2.4)
    Item {
        visible: page.low
        Layout.fillHeight: true
    }
    Voice {
        visible: page.low
        Layout.bottomMargin: Theme.s(3)
    }
    GridLayout {
        visible: page.asked
        Layout.fillWidth: true
        Layout.fillHeight: !Theme.tall
        columns: Theme.tall ? 1 : 2
        columnSpacing: Shown.keyed || Theme.compact ? Theme.gap : Theme.gutter
        rowSpacing: Shown.keyed ? Theme.gap : Theme.s(Theme.compact ? 0.6 : 3)
        uniformCellWidths: true
        uniformCellHeights: Shown.keyed
        Repeater {
            model: Shown.ways
            WayKey {
                lying: true
                small: !offered
                Layout.fillWidth: true
                Layout.fillHeight: !Theme.tall
                Layout.minimumHeight: offered ? Theme.mm(15) : 0
                Layout.preferredHeight: Theme.compact && !offered ? 1 : implicitHeight
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
        visible: !page.asked || Theme.tall && !Shown.keyed
        Layout.fillHeight: true
    }
    Voice {
        visible: !page.low && !(Theme.compact && page.asked && !Shown.keyed)
    }
    Words {
        visible: Theme.compact && page.asked && !Shown.keyed
        Layout.fillWidth: true
        text: Shown.call
        role: "note"
        strong: true
    }

    component Voice: PhoneLine {
        Layout.fillWidth: true
        text: Shown.call
    }
}
