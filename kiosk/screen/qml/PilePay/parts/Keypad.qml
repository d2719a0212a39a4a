pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// Ten digits and one way back. The digits go to core one by one; nothing is kept here.
Item {
    GridLayout {
        anchors.fill: parent
        columns: 3
        columnSpacing: Theme.gap
        rowSpacing: Theme.gap
        uniformCellWidths: true
        uniformCellHeights: true
        LayoutMirroring.enabled: false
        LayoutMirroring.childrenInherit: true
        Repeater {
            model: ["1", "2", "3", "4", "5", "6", "7", "8", "9", "", "0", "erase"]
            PressButton {
                required property string modelData
                readonly property bool digit: modelData.length === 1
                enabled: modelData !== ""
                opacity: enabled ? 1 : 0
                Layout.fillWidth: true
                Layout.fillHeight: true
                role: "lead"
                text: digit ? modelData : ""
                glyph: digit ? "" : "erase"
                intent: digit ? "digit" : "erase"
                args: digit ? ({
                        digit: modelData
                    }) : ({})
                Accessible.name: digit ? modelData : Shown.erase
            }
        }
    }
}
