pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// The whole price at the start, the money that will be reserved at the end; one page, always.
GridLayout {
    id: page
    readonly property var table: Theme.compact ? Shown.shortPrices : Shown.prices
    readonly property int offers: Shown.choices.count
    readonly property int share: !Theme.compact ? 51 : offers > 3 ? 47 : offers > 0 ? 54 : 57        // of the table, in percent
    columns: Theme.tall ? 1 : 2
    columnSpacing: Theme.mm(Theme.compact ? 4.6 : 9)
    rowSpacing: Theme.s(4)
    ColumnLayout {
        Layout.fillWidth: true
        Layout.preferredWidth: page.share
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
    ColumnLayout {
        visible: Shown.card.present
        Layout.fillWidth: true
        Layout.fillHeight: !Theme.tall
        Layout.preferredWidth: 100 - page.share
        Layout.alignment: Qt.AlignTop
        spacing: Theme.s(Theme.compact ? 0.8 : 1.4)
        Side {
            // On a small panel the chosen key says the amount.
            visible: !(Theme.compact && page.offers > 0)
            Layout.fillWidth: true
            role: "big"
            noted: !Theme.compact
            noteRole: page.offers > 0 && !Theme.tall ? "note" : "body"
        }
        Words {
            visible: Theme.compact && page.offers > 0
            Layout.fillWidth: true
            text: Shown.card.after
            role: "note"
            strong: true
            color: Theme.ink2
        }
        RowLayout {
            visible: page.offers > 0
            Layout.fillWidth: true
            spacing: Theme.compact ? Theme.mm(3) : Theme.gap
            Repeater {
                model: Shown.choices
                PressButton {
                    required text
                    required property bool chosen
                    required args
                    intent: "hold"
                    kind: chosen ? "chosen" : "quiet"
                    glyph: chosen ? "check" : ""
                    stacked: Theme.compact || page.offers > 3 && !Theme.tall
                    pad: Theme.compact ? 2 : Theme.s(0.6)
                    role: Theme.compact ? "note" : "body"
                    // A screen reader hears which one it is; a touch changes nothing until core has said so.
                    checkable: true
                    checked: chosen
                    onToggled: checked = Qt.binding(() => chosen)
                    Layout.fillWidth: true
                    Layout.preferredWidth: 1
                    Layout.preferredHeight: Theme.compact ? Theme.mm(15.2) : Theme.tall ? Theme.touch : Theme.mm(15.2)
                }
            }
        }
        Words {
            visible: text !== "" && Theme.compact
            Layout.fillWidth: true
            Layout.fillHeight: true
            text: Shown.card.note
            role: "note"
            strong: true
            lineHeightMode: Text.ProportionalHeight
            lineHeight: 1
            fontSizeMode: Text.Fit
            minimumPixelSize: Theme.mm(3.9)
            verticalAlignment: Text.AlignTop
        }
        Item {
            visible: !Theme.tall && !Theme.compact
            Layout.fillHeight: true
        }
    }
    Item {
        visible: Theme.tall
        Layout.fillHeight: true
    }
}
