pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// Nobody is charging from here yet: the price, and the plugs as keys.
ColumnLayout {
    id: page
    readonly property int plugs: Shown.connectors.count
    readonly property bool small: plugs > 2
    readonly property bool shared: Shown.price.present
    readonly property bool flat: Theme.compact || small && !Theme.tall      // number and hint on one line
    readonly property bool table: Shown.shortPrices.count > 1 && !Theme.compact && !small
    spacing: Theme.s(Theme.compact ? 1.2 : Theme.tall ? 3 : 2.4)

    GridLayout {
        visible: page.shared || page.table
        Layout.fillWidth: true
        Layout.minimumHeight: implicitHeight
        Layout.bottomMargin: page.flat ? Theme.s(0.8) : 0
        columns: Theme.tall ? 1 : 2
        columnSpacing: Theme.gutter
        rowSpacing: Theme.s(3.4)
        Column {
            visible: page.shared
            Layout.fillWidth: true
            Layout.alignment: Qt.AlignVCenter
            spacing: Theme.s(Theme.tall ? 3 : 2.4)
            BigNumber {
                anchors.left: parent.left
                value: Shown.price.value
                unit: Shown.price.unit
                role: page.small && !Theme.tall ? "big" : "hero"
                unitRole: page.small && !Theme.tall ? "body" : "title"
            }
            PriceHint {
                visible: !page.flat && text !== ""
                anchors.left: parent.left
                available: parent.width
                text: Shown.price.label
                glyph: Shown.price.glyph
            }
        }
        PriceHint {
            visible: page.flat && text !== ""
            Layout.alignment: Qt.AlignVCenter | Qt.AlignRight
            single: page.small
            available: Math.round(page.width * (page.small ? 0.64 : 0.53))
            text: Shown.price.label
            glyph: Shown.price.glyph
        }
        ColumnLayout {
            visible: page.table
            Layout.fillWidth: Theme.tall || !page.shared
            Layout.preferredWidth: Math.round(page.width * 0.43)
            Layout.alignment: Qt.AlignVCenter
            spacing: 0
            Repeater {
                model: page.table ? Shown.shortPrices : null
                PriceLine {
                    count: Shown.shortPrices.count
                    hero: false
                    role: Theme.tall ? "body" : "note"
                    visible: !first || !page.shared
                    Layout.fillWidth: true
                }
            }
            Words {
                visible: text !== ""
                Layout.fillWidth: true
                Layout.topMargin: Theme.s(0.6)
                text: Shown.smallPrint
                role: "note"
                color: Theme.ink2
            }
        }
    }
    Item {
        visible: Theme.tall
        Layout.fillHeight: true
    }
    GridLayout {
        Layout.fillWidth: true
        Layout.fillHeight: !Theme.tall
        Layout.maximumHeight: Theme.tall ? -1 : Theme.mm(page.shared ? 60 : 72)
        Layout.alignment: Qt.AlignTop
        columns: Theme.tall ? (page.small ? 2 : 1) : page.small ? 3 : Math.max(1, page.plugs)
        columnSpacing: Theme.gap
        rowSpacing: Theme.gap
        uniformCellWidths: true
        uniformCellHeights: true
        Repeater {
            model: Shown.connectors
            ConnectorKey {
                small: page.small
                Layout.fillWidth: true
                Layout.fillHeight: !Theme.tall
                Layout.preferredHeight: Theme.tall ? Math.max(full, Theme.mm(page.small ? 34 : 43)) : Theme.touch
            }
        }
    }
}
