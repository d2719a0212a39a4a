pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// Core cannot be reached, so nobody else can say this: in the language that the visit had, and in any other at a touch.
ColumnLayout {
    id: page
    property string picked: ""
    readonly property string code: picked !== "" ? picked : Shown.language
    readonly property var source: Theme.away[0]
    readonly property var said: Theme.away.find(one => one.code === code) ?? source
    spacing: Theme.s(Theme.compact ? 0.6 : Theme.tall ? 4 : 1.6)
    // Whoever comes next finds the language of the place again.
    Timer {
        interval: 60000
        running: page.picked !== ""
        onTriggered: page.picked = ""
    }
    ClosedSign {
        Layout.fillWidth: true
        title: page.said.title
        subtitle: page.said.code === page.source.code ? "" : page.source.title
    }
    Words {
        Layout.fillWidth: true
        text: page.said.what
        role: Theme.compact ? "note" : Theme.tall ? "lead" : "body"
    }
    PhoneLine {
        Layout.fillWidth: true
        role: Theme.compact ? "dense" : "body"
        text: page.said.call.replace("{station}", Shown.sky.station)
        visible: Shown.sky.helpline !== ""
    }
    Item {
        Layout.fillHeight: true
    }
    GridLayout {
        Layout.fillWidth: true
        columns: Theme.tall ? 2 : 4
        columnSpacing: Theme.gap
        rowSpacing: Theme.gap
        uniformCellWidths: true
        Repeater {
            model: Theme.away
            PressButton {
                required property var modelData
                readonly property bool chosen: page.said.code === modelData.code
                Layout.fillWidth: true
                Layout.preferredHeight: Theme.tall ? Theme.touch : Theme.mm(15.2)
                text: modelData.name
                role: Theme.compact ? "note" : "body"
                stacked: !Theme.tall
                kind: chosen ? "chosen" : "quiet"
                glyph: chosen ? "check" : ""
                onDecided: page.picked = modelData.code
            }
        }
    }
}
