pragma ComponentBehavior: Bound
import QtQuick
import PilePay
import PilePay.Shown

// One component of the price, in legal order. Name at the start, amount at the end, a rule under it.
Item {
    id: line
    required property string name
    required property string amount
    required property string unit
    required property string note
    required property bool first
    required property bool none
    required property string glyph
    required property string of
    required property int index
    property int count: 0
    property bool dense: false          // many rows: smaller letters
    property bool hero: first           // the first component is drawn big
    property string small: ""           // a quiet sentence that a small panel has under the first name
    property string role: dense ? "dense" : Theme.compact ? "note" : "body"
    readonly property int pad: Theme.s(Theme.compact ? dense ? (Shown.lines > 7 ? 0 : 0.15) : 0.5 : dense ? 0.6 : 0.8)
    readonly property real tight: dense && Theme.compact ? 1.14 : 1.24
    // Beside the big number there is room for more than the name.
    readonly property bool tucked: hero && hint.visible && hint.implicitWidth <= title.width
    readonly property int stack: title.height + (tucked ? hint.height : 0) + (quiet.visible ? quiet.height : 0)
    readonly property bool roomy: sentence.advanceWidth <= title.width       // for the quiet sentence
    readonly property bool stacked: tucked || quiet.visible
    readonly property int hang: Theme.compact ? 0 : Math.round(sum.em * 0.1)       // of a decimal comma
    readonly property int below: stacked ? Math.max(stack, sum.y + sum.height + hang) : title.y + title.height
    implicitHeight: Math.round(chip.visible ? chip.y + chip.height : hint.visible && !tucked ? hint.y + hint.height : below) + (hero && !Theme.compact ? Theme.s(dense ? 0.8 : 1.4) : pad)
    TextMetrics {
        id: sentence
        font.family: "Inter"
        font.pixelSize: Theme.mm(3.5)
        text: Shown.smallPrint
    }
    Words {
        id: title
        anchors.left: parent.left
        anchors.right: sum.left
        anchors.rightMargin: Theme.s(1.5)
        y: line.stacked ? 0 : line.hero ? Math.round(sum.y + sum.ascent - baselineOffset) : line.pad
        text: line.name
        role: line.hero && line.dense && !Theme.compact ? "body" : line.role
        strong: line.hero
        color: line.of === "" ? Theme.ink : Theme.ink2
        Accessible.name: line.of === "" ? line.name : line.of + " " + line.name
        // Beside keys to choose from, a small panel has half of its width for the table.
        readonly property bool narrow: line.hero || Theme.compact && Shown.choices.count > 0 && !line.none
        wrapMode: narrow ? Text.NoWrap : Text.WordWrap
        fontSizeMode: narrow ? Text.HorizontalFit : Text.FixedSize
        minimumPixelSize: Theme.mm(3.5)
        lineHeight: Math.round(em * line.tight)
    }
    BigNumber {
        id: sum
        anchors.right: parent.right
        y: line.stacked ? Math.round(Math.max(0, line.stack - height) / 2) : line.hero ? 0 : Math.round(title.y + title.baselineOffset - ascent)
        value: line.amount
        unit: line.unit
        role: line.hero ? "big" : line.role
        unitRole: line.dense && !line.hero ? "dense" : line.hero && !Theme.compact ? "body" : "note"
    }
    Words {
        id: hint
        visible: line.note !== "" && line.glyph === ""
        anchors.left: parent.left
        width: line.tucked ? title.width : line.width
        y: line.tucked ? title.height : Math.max(title.y + title.height, line.stacked ? line.below : 0) + (line.hero ? Theme.s(0.6) : 0)
        text: line.note
        role: line.dense ? "dense" : "note"
        strong: line.hero
        color: line.hero ? Theme.ink : Theme.ink2
        wrapMode: Theme.compact ? Text.NoWrap : Text.WordWrap
        fontSizeMode: Theme.compact ? Text.HorizontalFit : Text.FixedSize
        minimumPixelSize: Theme.mm(3.7)
        lineHeight: Math.round(em * line.tight)
    }
    Words {
        id: quiet
        visible: line.small !== ""
        anchors.left: parent.left
        anchors.right: title.right
        y: title.height + (line.tucked ? hint.height : 0)
        text: line.small
        role: "dense"
        color: Theme.ink2
        wrapMode: Text.NoWrap
        fontSizeMode: Text.HorizontalFit
        minimumPixelSize: Theme.mm(3.5)
        lineHeight: Math.round(em * line.tight)
    }
    PriceHint {
        id: chip
        visible: line.note !== "" && line.glyph !== ""
        anchors.left: parent.left
        y: line.below + Theme.s(Theme.compact ? 0.3 : 0.8)
        available: line.width
        role: "note"
        text: line.note
        glyph: line.glyph
    }
    Rectangle {
        visible: line.index < line.count - 1
        anchors.bottom: parent.bottom
        width: parent.width
        height: Theme.rule
        color: Theme.hair
    }
}
