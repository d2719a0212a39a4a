pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// One key a language; the chosen one is solid and has a check.
Item {
    GridLayout {
        width: parent.width
        anchors.bottom: Theme.tall ? parent.bottom : undefined      // within reach
        columns: Theme.tall ? 2 : 4
        columnSpacing: Theme.gap
        rowSpacing: Theme.gap
        uniformCellWidths: true
        Repeater {
            model: Shown.languages
            PressButton {
                required property string code
                required property string name
                required property bool chosen
                Layout.fillWidth: true
                Layout.preferredHeight: Theme.compact ? Theme.mm(15.2) : Theme.touch
                text: name
                role: Theme.compact ? "note" : "body"
                stacked: !Theme.tall
                kind: chosen ? "primary" : "quiet"
                glyph: chosen ? "check" : ""
                intent: "language"
                args: ({
                        code: code
                    })
            }
        }
    }
}
