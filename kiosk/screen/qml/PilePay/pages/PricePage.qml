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
    readonly property bool dense: Shown.lines > (Theme.compact && offers > 0 ? 4 : 5)
    // Where room is scarce, the chosen key says the amount.
    readonly property bool lean: offers > 0 && (Theme.compact || Shown.day.present)
    readonly property bool graph: Shown.day.present
    // A small panel has its quiet sentence beside the first number, where it is short enough for that.
    readonly property bool tucked: Theme.compact && rows.count > 0 && (rows.itemAt(0) as PriceLine)?.roomy === true
    readonly property int share: !Theme.compact ? 51 : offers > 3 ? 47 : offers > 0 ? 54 : graph ? 53 : 57        // of the table, in percent
    columns: Theme.tall ? 1 : 2
    columnSpacing: Theme.mm(Theme.compact ? 4.6 : 9)
    rowSpacing: Theme.s(page.graph ? 2.4 : 4)
    ColumnLayout {
        Layout.fillWidth: true
        Layout.preferredWidth: page.share
        Layout.alignment: Qt.AlignTop
        spacing: 0
        Repeater {
            id: rows
            model: page.table
            PriceLine {
                count: page.table.count
                dense: page.dense
                small: first && page.tucked ? Shown.smallPrint : ""
                Layout.fillWidth: true
            }
        }
        Words {
            visible: text !== "" && !page.tucked
            Layout.fillWidth: true
            Layout.topMargin: Theme.s(Theme.compact ? 0.4 : page.dense ? 0.5 : 0.8)
            text: Shown.smallPrint
            role: page.dense || Theme.compact ? "dense" : "note"
            color: Theme.ink2
            readonly property bool single: Theme.compact && Shown.lines > 4
            wrapMode: single ? Text.NoWrap : Text.WordWrap
            fontSizeMode: single ? Text.HorizontalFit : Text.FixedSize
            minimumPixelSize: Theme.mm(3.5)
        }
        DayGraph {
            visible: page.graph && Theme.tall
            Layout.fillWidth: true
            Layout.preferredHeight: implicitHeight - Theme.mm(page.dense ? 4 : 0)
            Layout.topMargin: Theme.s(page.dense ? 1.4 : 2)
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
            visible: !page.lean
            Layout.fillWidth: true
            role: Theme.compact && page.graph ? "title" : "big"
            lined: !(Theme.compact && page.graph)
            noted: !Theme.compact
            noteRole: (page.offers > 0 || page.graph) && !Theme.tall || page.dense ? "note" : "body"
        }
        Words {
            visible: page.lean
            Layout.fillWidth: true
            text: Shown.card.after
            role: "note"
            strong: true
            color: Theme.ink2
            wrapMode: Text.NoWrap
            fontSizeMode: Text.HorizontalFit
            minimumPixelSize: Theme.mm(3.7)
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
            visible: text !== "" && (Theme.compact || page.lean)
            Layout.fillWidth: true
            Layout.fillHeight: Theme.compact && !page.graph
            Layout.maximumHeight: Theme.compact && page.graph && page.lean ? Theme.mm(13.2) : -1
            text: Shown.card.note
            role: Theme.compact && page.graph ? "dense" : Theme.tall ? "body" : "note"
            strong: true
            lineHeightMode: Text.ProportionalHeight
            lineHeight: 1
            fontSizeMode: Theme.compact && (page.lean || !page.graph) ? Text.Fit : Text.FixedSize
            minimumPixelSize: Theme.mm(page.graph ? 3.5 : 3.9)
            verticalAlignment: Text.AlignTop
        }
        DayGraph {
            visible: page.graph && !Theme.tall
            Layout.fillWidth: true
            Layout.fillHeight: true
            Layout.minimumHeight: least
            Layout.maximumHeight: Theme.mm(44)
            Layout.alignment: Qt.AlignTop
            Layout.topMargin: Theme.compact ? 0 : Theme.s(1)
        }
        Item {
            visible: !Theme.tall && !Theme.compact && !page.graph
            Layout.fillHeight: true
        }
    }
    Item {
        visible: Theme.tall
        Layout.fillHeight: true
    }
}
