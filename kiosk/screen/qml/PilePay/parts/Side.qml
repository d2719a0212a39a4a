import QtQuick
import PilePay
import PilePay.Shown

// One of the two sides: your car (start) or your card (end). Label, the big truth, the line, two captions, one sentence.
Column {
    id: side
    property bool car: false
    readonly property SideView of: car ? Shown.car : Shown.card
    property string role: "hero"
    property bool arriving: false
    property bool bare: false           // without the label
    property bool ends: false         // only the end caption has room
    readonly property bool beside: startCap.implicitWidth + endCap.implicitWidth + Theme.s(2) <= width
    spacing: Theme.s(Theme.compact ? 1.2 : 1.6)
    Item {
        visible: !side.bare
        width: parent.width
        height: label.height
        Icon {
            id: sign
            anchors.left: parent.left
            anchors.verticalCenter: parent.verticalCenter
            name: side.car ? "car" : "card"
            size: Theme.type(Theme.compact ? "note" : "body") * 1.05
            color: Theme.ink2
        }
        Words {
            id: label
            anchors.left: sign.right
            anchors.leftMargin: Theme.s(0.9)
            // A small panel has no room beside the number: its word moves up here, and the picture still says whose it is.
            readonly property string both: side.of.label + " · " + side.of.after
            text: after.text === "" || after.fits ? side.of.label : measure.advanceWidth(both) <= parent.width - x ? both : side.of.after
            role: Theme.compact ? "note" : "body"
            strong: true
            color: Theme.ink2
            wrapMode: Text.NoWrap
        }
        Words {
            anchors.right: parent.right
            anchors.baseline: label.baseline
            text: side.of.since
            role: label.role
            strong: true
            color: Theme.care
            wrapMode: Text.NoWrap
        }
    }
    Item {
        visible: side.of.value !== ""
        width: parent.width
        height: number.implicitHeight + Math.round(number.em * 0.09)    // a decimal comma hangs below
        BigNumber {
            id: number
            anchors.left: parent.left
            value: side.of.value
            unit: side.of.unit
            role: side.role
            unitRole: side.role === "hero" ? "title" : "lead"
        }
        Words {
            id: after
            readonly property bool fits: number.implicitWidth + Theme.s(1.4) + implicitWidth <= side.width
            visible: text !== "" && fits
            anchors.left: number.right
            anchors.leftMargin: Theme.s(1.4)
            anchors.baseline: number.top
            anchors.baselineOffset: Math.round(number.ascent)
            text: side.of.after
            role: Theme.compact || side.role === "big" && !Theme.tall ? "note" : "body"
            color: Theme.ink2
            wrapMode: Text.NoWrap
        }
    }
    FontMetrics {
        id: measure
        font: label.font
    }
    FactLine {
        visible: side.of.line.present
        width: parent.width
        kind: side.of.line.style
        before: side.of.line.before / 1000
        fact: side.of.line.fact / 1000
        promise: side.of.line.promise / 1000
        color: side.car ? Theme.energy : Theme.ink
        arriving: side.arriving
    }
    Item {
        visible: side.of.capStart !== "" && !side.ends || side.of.capEnd !== ""
        width: parent.width
        height: Theme.line(startCap.role) * (startCap.text !== "" && endCap.text !== "" && !side.ends && !side.beside ? 2 : 1)
        Words {
            id: startCap
            anchors.left: parent.left
            visible: text !== "" && !side.ends
            text: side.of.capStart
            role: Theme.tall ? "body" : "note"
            wrapMode: Text.NoWrap
        }
        Words {
            id: endCap
            anchors.right: parent.right
            anchors.bottom: parent.bottom
            visible: text !== ""
            text: side.of.capEnd
            role: Theme.tall ? "body" : "note"
            strong: true
            wrapMode: Text.NoWrap
        }
    }
    Words {
        visible: text !== ""
        width: parent.width
        text: side.of.note
        role: Theme.compact ? "note" : "body"
        strong: true
    }
}
