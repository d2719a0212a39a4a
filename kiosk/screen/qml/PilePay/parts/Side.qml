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
    property string noteRole: Theme.compact ? "note" : "body"
    property bool noted: true           // with the sentence below
    property bool bare: false           // without the label
    property bool ends: false         // only the end caption has room
    property bool lined: true           // with the fact line
    property string corner: ""          // a quiet word at the end of the label's row
    property string code: ""            // the stop code, where the line needs no caption at its end
    readonly property int spare: corner === "" ? 0 : Math.round(width * 0.32)
    readonly property string hint: of.after
    // The word behind the number goes where there is room: beside it, beside the label, under the line, in place of the label.
    readonly property string place: number.implicitWidth + Theme.s(1.4) + hintSize.advanceWidth <= width ? "number" : labelSize.advanceWidth + sign.width + Theme.s(0.9) + spare <= width && of.since === "" ? "label" : of.capStart === "" && of.capEnd !== "" && hintSize.advanceWidth + endCap.implicitWidth + Theme.s(2) <= width ? "line" : "alone"
    readonly property string start: place === "line" ? hint : ends ? "" : of.capStart
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
            width: Math.min(implicitWidth, parent.width - sign.width - Theme.s(0.9) - side.spare)
            fontSizeMode: Text.HorizontalFit
            minimumPixelSize: Theme.mm(3.7)
            text: side.hint === "" || side.place === "number" || side.place === "line" ? side.of.label : side.place === "label" ? labelSize.text : side.hint
            role: Theme.compact ? "note" : "body"
            strong: true
            color: Theme.ink2
            wrapMode: Text.NoWrap
        }
        Words {
            visible: text !== ""
            anchors.right: parent.right
            anchors.baseline: label.baseline
            width: Math.min(implicitWidth, side.spare - Theme.s(0.8))
            text: side.corner
            role: "note"
            color: Theme.ink2
            wrapMode: Text.NoWrap
            fontSizeMode: Text.HorizontalFit
            minimumPixelSize: Theme.mm(3.5)
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
            visible: text !== "" && side.place === "number"
            anchors.left: number.right
            anchors.leftMargin: Theme.s(1.4)
            anchors.baseline: number.top
            anchors.baselineOffset: Math.round(number.ascent)
            text: side.hint
            role: Theme.compact || side.role === "big" && !Theme.tall ? "note" : "body"
            color: Theme.ink2
            wrapMode: Text.NoWrap
        }
    }
    TextMetrics {
        id: labelSize
        font: label.font
        text: side.of.label + " · " + side.hint
    }
    TextMetrics {
        id: hintSize
        font: after.font
        text: side.hint
    }
    FactLine {
        visible: side.of.line.present && side.lined
        width: parent.width
        kind: side.of.line.style
        before: side.of.line.before / 1000
        fact: side.of.line.fact / 1000
        promise: side.of.line.promise / 1000
        color: side.car ? Theme.energy : Theme.ink
        arriving: side.arriving
    }
    Item {
        visible: side.start !== "" || side.of.capEnd !== "" || side.code !== ""
        width: parent.width
        height: Theme.line(startCap.role) * (startCap.visible && endCap.visible && !side.beside ? 2 : 1)
        Words {
            id: codeLabel
            anchors.right: code.left
            anchors.rightMargin: Theme.s(1.4)
            visible: code.visible
            width: Math.min(implicitWidth, parent.width - code.width - Theme.s(1.4) - (startCap.visible ? startCap.width + Theme.s(2) : 0))
            text: visible ? Shown.stopCodeLabel : ""
            role: startCap.role
            wrapMode: Text.NoWrap
            fontSizeMode: Text.HorizontalFit
            minimumPixelSize: Theme.mm(3.7)
        }
        Words {
            id: code
            anchors.right: parent.right
            anchors.baseline: startCap.baseline
            visible: side.code !== ""
            text: side.code.split("").join("\u2009")
            role: "lead"
            strong: true
            font.features: ({
                    tnum: 1,
                    zero: 1
                })
            wrapMode: Text.NoWrap
            Accessible.name: side.code.split("").join(" ")
        }
        Words {
            id: startCap
            anchors.left: parent.left
            visible: text !== ""
            text: side.start
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
            width: Math.min(implicitWidth, parent.width)
            wrapMode: Text.NoWrap
            fontSizeMode: Text.HorizontalFit
            minimumPixelSize: Theme.mm(3.7)
        }
    }
    Words {
        visible: text !== "" && side.noted
        width: parent.width
        text: side.of.note
        role: side.noteRole
        strong: true
    }
}
