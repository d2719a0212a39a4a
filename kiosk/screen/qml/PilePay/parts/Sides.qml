import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// The two sides beside each other, or the car above the card.
GridLayout {
    id: sides
    property string role: "hero"
    property string noteRole: Theme.compact ? "note" : "body"
    property bool noted: true
    property bool ends: false         // only the end caption has room
    property bool lined: true           // with the fact lines
    property string corner: ""          // a quiet word beside the card's label
    property string code: ""            // the stop code, under the car's line
    columns: Theme.tall ? 1 : 2
    columnSpacing: Theme.gutter
    rowSpacing: Theme.s(4)
    uniformCellWidths: true
    Side {
        visible: Shown.car.present
        Layout.fillWidth: true
        Layout.alignment: Qt.AlignTop
        car: true
        code: sides.code
        role: sides.role
        ends: sides.ends
        lined: sides.lined
        noted: sides.noted
        noteRole: sides.noteRole
    }
    Side {
        visible: Shown.card.present
        Layout.fillWidth: true
        Layout.alignment: Qt.AlignTop
        role: sides.role
        corner: sides.corner
        ends: sides.ends
        lined: sides.lined
        noted: sides.noted
        noteRole: sides.noteRole
    }
}
