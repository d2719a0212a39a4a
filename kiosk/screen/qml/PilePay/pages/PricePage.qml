pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// The whole price at the start, the money that will be reserved at the end; one page, always.
GridLayout {
    id: page
    readonly property var table: Theme.compact ? Shown.shortPrices : Shown.prices
    columns: Theme.tall ? 1 : 2
    columnSpacing: Theme.mm(Theme.compact ? 4.6 : 9)
    rowSpacing: Theme.s(4)
    ColumnLayout {
        Layout.fillWidth: true
        Layout.preferredWidth: Theme.compact ? 57 : 51
        Layout.alignment: Qt.AlignTop
        spacing: 0
        Repeater {
            model: page.table
            PriceLine {
                count: page.table.count
                Layout.fillWidth: true
            }
        }
        Words {
            // The small panel has no room for it; the title says "with VAT" there.
            visible: text !== "" && !Theme.compact
            Layout.fillWidth: true
            Layout.topMargin: Theme.s(0.8)
            text: Shown.smallPrint
            role: "note"
            color: Theme.ink2
        }
    }
    Side {
        visible: Shown.card.present
        Layout.fillWidth: true
        Layout.preferredWidth: Theme.compact ? 43 : 49
        Layout.alignment: Qt.AlignTop
        role: "big"
    }
    Item {
        visible: Theme.tall
        Layout.fillHeight: true
    }
}
