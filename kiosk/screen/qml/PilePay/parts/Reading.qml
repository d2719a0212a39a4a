import QtQuick
import PilePay

// A small labelled number.
Item {
    id: reading
    property string label: ""
    property string value: ""
    property string unit: ""
    property string role: "title"
    readonly property int least: Math.ceil(Math.max(number.implicitWidth, title.implicitWidth * 0.8))
    implicitWidth: Math.max(number.implicitWidth, title.implicitWidth)
    implicitHeight: number.y + number.height
    Words {
        id: title
        anchors.left: parent.left
        width: Math.min(implicitWidth, parent.width)
        text: reading.label
        role: "note"
        color: Theme.ink2
        height: Theme.line("note")
        verticalAlignment: Text.AlignBottom
        wrapMode: Text.NoWrap
        fontSizeMode: Text.HorizontalFit
        minimumPixelSize: Theme.mm(4)
    }
    BigNumber {
        id: number
        anchors.left: parent.left
        y: Theme.line("note") + Theme.s(1.3)
        value: reading.value
        unit: reading.unit
        role: reading.role
        unitRole: "note"
    }
}
