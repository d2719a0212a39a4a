pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// First the proof, then the hold. A stranger's touch gets no further than the ways to prove it.
ColumnLayout {
    id: page
    readonly property bool proving: Shown.ways.count > 0
    readonly property bool lying: Theme.tall || Theme.compact
    spacing: Theme.s(2)
    Item {
        visible: page.proving && Theme.tall     // within reach
        Layout.fillHeight: true
    }
    GridLayout {
        visible: page.proving
        Layout.fillWidth: true
        Layout.fillHeight: false
        Layout.topMargin: page.lying ? 0 : Theme.s(4)
        columns: page.lying ? 1 : Shown.ways.count
        columnSpacing: Theme.mm(10)
        rowSpacing: Theme.compact ? Theme.mm(3) : Theme.s(4)
        uniformCellWidths: true
        Repeater {
            model: Shown.ways
            WayKey {
                lying: page.lying
                inset: offered || page.lying && Shown.keyed
                Layout.fillWidth: true
                Layout.fillHeight: offered && !page.lying       // keys are of one height
                Layout.alignment: Qt.AlignTop
                Layout.topMargin: offered || !Shown.keyed ? 0 : page.lying ? (Theme.compact ? -Theme.mm(1.6) : 0) : Theme.s(2.4)
            }
        }
    }
    Sides {
        visible: !page.proving
        ends: Theme.compact
        Layout.fillWidth: true
    }
    Item {
        visible: !page.proving || !Theme.tall
        Layout.fillHeight: true
    }
    Words {
        visible: text !== ""
        Layout.fillWidth: true
        text: Shown.now
        role: Theme.compact ? "note" : "body"
        color: Theme.ink2
    }
}
