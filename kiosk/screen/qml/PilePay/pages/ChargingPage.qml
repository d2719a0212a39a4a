pragma ComponentBehavior: Bound
import QtQuick
import QtQuick.Layouts
import PilePay
import PilePay.Shown

// Your charge is running: two sides, the small numbers, the curve.
ColumnLayout {
    id: page
    spacing: Theme.s(Theme.tall ? 1.6 : Shown.card.note !== "" ? 0.2 : 1)

    Sides {
        Layout.fillWidth: true
        ends: Theme.compact
        noted: !Theme.compact
        corner: Theme.compact ? "" : Shown.smallPrint
        code: Shown.stopCode
        noteRole: Theme.tall ? "body" : "note"
    }
    Item {
        Layout.fillHeight: true
    }
    // A small panel has one line for the sentence or for the small numbers.
    Words {
        visible: text !== "" && Theme.compact
        opacity: Shown.toast === "" ? 1 : 0
        Layout.fillWidth: true
        text: Shown.card.note
        role: "note"
        strong: true
        wrapMode: Text.NoWrap
        fontSizeMode: Text.HorizontalFit
        minimumPixelSize: Theme.mm(3.9)
    }
    Flow {
        visible: Theme.compact && Shown.card.note === ""
        opacity: Shown.toast === "" ? 1 : 0         // the toast has its place
        Layout.fillWidth: true
        spacing: Theme.s(2.4)
        Words {
            visible: text !== ""
            text: Shown.car.capStart
            role: "note"
            color: Theme.ink2
            wrapMode: Text.NoWrap
        }
        Repeater {
            model: Theme.compact ? Shown.facts : null
            Words {
                required property string value
                required property string unit
                text: value + " " + unit
                role: "note"
                color: Theme.ink2
                wrapMode: Text.NoWrap
            }
        }
        Words {
            visible: text !== ""
            text: Shown.smallPrint
            role: "dense"
            height: Theme.line("note")
            verticalAlignment: Text.AlignVCenter
            color: Theme.ink2
            wrapMode: Text.NoWrap
        }
    }
    GridLayout {
        visible: !Theme.compact
        Layout.fillWidth: true
        columns: Theme.tall ? 1 : 2
        columnSpacing: Theme.gutter
        rowSpacing: Theme.s(2.6)
        // Halves, unless the numbers need more.
        RowLayout {
            id: readings
            readonly property int least: {
                let sum = -spacing;
                for (const reading of children)
                    if (reading instanceof Reading)
                        sum += reading.least + spacing;
                return Math.max(0, sum);
            }
            Layout.fillWidth: Theme.tall || !curve.visible
            Layout.preferredWidth: Math.max(least, Math.round((page.width - Theme.gutter) / 2))
            Layout.alignment: Theme.tall ? Qt.AlignTop : Qt.AlignVCenter
            Layout.bottomMargin: Shown.curve.length > 1 ? 0 : Theme.s(5.3)      // a toast covers no reading
            spacing: Theme.s(1.4)
            Repeater {
                model: Theme.compact ? null : Shown.facts
                Reading {
                    required label
                    required value
                    required unit
                    Layout.fillWidth: true
                    Layout.minimumWidth: least
                }
            }
        }
        PowerCurve {
            id: curve
            visible: Shown.curve.length > 1
            Layout.fillWidth: true
            Layout.fillHeight: true
            Layout.minimumHeight: Theme.mm(Shown.card.note !== "" ? 14 : Theme.tall ? 24 : 20)
            Layout.preferredHeight: Theme.mm(Theme.tall ? 38 : 27)
            Layout.maximumHeight: Theme.mm(Theme.tall ? 44 : 29)
            watts: Shown.curve
            from: Shown.curveFrom
            to: Shown.curveTo
        }
    }
}
