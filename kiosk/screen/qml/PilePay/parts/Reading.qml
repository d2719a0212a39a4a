import QtQuick
import PilePay

// A small labelled number.
Column {
    id: reading
    property string label: ""
    property string value: ""
    property string unit: ""
    property string role: "title"
    spacing: Theme.s(1.3)
    Words {
        anchors.left: parent.left
        text: reading.label
        role: "note"
        color: Theme.ink2
        wrapMode: Text.NoWrap
    }
    BigNumber {
        anchors.left: parent.left
        value: reading.value
        unit: reading.unit
        role: reading.role
        unitRole: "note"
    }
}
