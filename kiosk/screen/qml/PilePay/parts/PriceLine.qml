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
    required property int index
    property int count: 0
    property bool hero: first           // the first component is drawn big
    property string role: Theme.compact ? "note" : "body"
    implicitHeight: Math.round(chip.visible ? chip.y + chip.height : hint.visible ? hint.y + hint.height : title.y + title.height) + Theme.s(Theme.compact ? 0.5 : hero ? 1.4 : 0.8)
    Words {
        id: title
        anchors.left: parent.left
        anchors.right: sum.left
        anchors.rightMargin: Theme.s(1.5)
        y: line.hero ? Math.round(sum.y + sum.ascent - baselineOffset) : Theme.s(Theme.compact ? 0.5 : 0.8)
        text: line.name
        role: line.role
        strong: line.hero
        // Beside keys to choose from, a small panel has half of its width for the table.
        readonly property bool narrow: Theme.compact && Shown.choices.count > 0
        wrapMode: narrow ? Text.NoWrap : Text.WordWrap
        fontSizeMode: narrow ? Text.HorizontalFit : Text.FixedSize
        minimumPixelSize: Theme.mm(3.5)
    }
    BigNumber {
        id: sum
        anchors.right: parent.right
        y: line.hero ? 0 : Math.round(title.y + title.baselineOffset - ascent)
        value: line.amount
        unit: line.unit
        role: line.hero ? "big" : line.role
        unitRole: line.hero && !Theme.compact ? "body" : "note"
    }
    Words {
        id: hint
        visible: line.note !== "" && line.glyph === ""
        anchors.left: parent.left
        anchors.right: parent.right
        y: title.y + title.height + (line.hero ? Theme.s(0.6) : 0)
        text: line.note
        role: "note"
        strong: line.hero
        color: line.hero ? Theme.ink : Theme.ink2
        wrapMode: Theme.compact ? Text.NoWrap : Text.WordWrap
        fontSizeMode: Theme.compact ? Text.HorizontalFit : Text.FixedSize
        minimumPixelSize: Theme.mm(3.7)
    }
    PriceHint {
        id: chip
        visible: line.note !== "" && line.glyph !== ""
        anchors.left: parent.left
        y: title.y + title.height + Theme.s(Theme.compact ? 0.3 : 0.8)
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
