import QtQuick
import PilePay

// Value and unit on one baseline: a number alone is a riddle. The box is trimmed to the capitals, so that the space
// around a number is the space that was asked for. Numbers read left to right in every language.
Item {
    id: number
    property string value: ""
    property string unit: ""
    property string role: "hero"
    property string unitRole: role === "hero" ? "title" : "body"
    property color color: Theme.ink
    readonly property int em: Theme.type(role)
    readonly property real ascent: em * 0.731
    implicitWidth: digits.implicitWidth + (unit === "" ? 0 : sign.implicitWidth + sign.anchors.leftMargin)
    implicitHeight: Math.round(em * 0.74)
    Accessible.role: Accessible.StaticText
    Accessible.name: unit === "" ? value : value + " " + unit
    Item {
        anchors.fill: parent
        LayoutMirroring.enabled: false
        LayoutMirroring.childrenInherit: true
        Words {
            id: digits
            x: -Math.round(number.em * 0.03)
            y: -Math.round(number.em * 0.238)
            text: number.value
            role: number.role
            color: number.color
            font.features: ({
                    tnum: 1,
                    cv05: 1
                })
            wrapMode: Text.NoWrap
            Accessible.ignored: true
        }
        Words {
            id: sign
            anchors.left: digits.right
            anchors.leftMargin: number.unit.startsWith("/") ? Math.round(number.em * 0.05) : Math.round(Math.max(number.em * 0.09, Theme.type(number.unitRole) * 0.24))
            anchors.baseline: digits.baseline
            text: number.unit
            role: number.unitRole
            color: number.color
            font.weight: Theme.display(number.role) ? Font.Medium : Font.Normal
            wrapMode: Text.NoWrap
            Accessible.ignored: true
        }
    }
}
