import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// Core cannot be reached, so nobody can say this in the driver's language: the one page whose words live here.
ColumnLayout {
    spacing: Theme.s(Theme.compact ? 0.6 : Theme.tall ? 4 : 2)
    ClosedSign {
        Layout.fillWidth: true
        title: "You cannot start a charge here now."
        subtitle: "Hier können Sie gerade nicht laden."
    }
    GridLayout {
        Layout.fillWidth: true
        columns: Theme.tall ? 1 : 2
        columnSpacing: Theme.gutter
        rowSpacing: Theme.s(3)
        uniformCellWidths: true
        Words {
            Layout.fillWidth: true
            Layout.alignment: Qt.AlignTop
            text: "Charging now? It goes on, and unplugging ends it. You pay only what was delivered."
            role: Theme.compact ? "note" : "body"
        }
        Words {
            Layout.fillWidth: true
            Layout.alignment: Qt.AlignTop
            text: "Sie laden gerade? Es lädt weiter, Abstecken beendet es. Sie zahlen nur das Geladene."
            role: Theme.compact ? "note" : "body"
        }
    }
    Item {
        Layout.fillHeight: true
    }
    PhoneLine {
        Layout.fillWidth: true
        text: "Say  ·  Sagen Sie  " + Shown.sky.station
    }
}
