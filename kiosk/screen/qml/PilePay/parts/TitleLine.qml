pragma ComponentBehavior: Bound
import QtQuick
import PilePay
import PilePay.Shown

// The sentence that is true now, with the plug's letter or a sign beside it.
Item {
    id: title
    property bool firm: false           // the second sentence is never left out
    readonly property bool second: subtitle.text !== "" && !beside
    readonly property bool beside: !Theme.tall && !Theme.compact && sentence.implicitWidth + subtitle.implicitWidth + Theme.s(4) <= room
    readonly property int room: width - (sign.visible ? sign.width + Theme.s(2) : 0) - (badge.visible ? badge.width + Theme.s(2) : 0)
    implicitHeight: sentence.height + (second && (firm || !Theme.compact) ? below.height + Theme.s(0.5) : 0)
    Icon {
        id: sign
        visible: Shown.glyph !== ""
        anchors.left: parent.left
        y: Math.round((Theme.line("title") - height) / 2)
        name: Shown.glyph
        size: Theme.type("title") * 1.2
        weight: 2.2
        color: Theme.care
    }
    Words {
        id: sentence
        anchors.left: sign.visible ? sign.right : parent.left
        anchors.leftMargin: sign.visible ? Theme.s(2) : 0
        // Two lines share the words, so that none stands alone.
        width: Theme.tall && whole.advanceWidth > title.room && halves.lineCount === 2 ? halves.width : title.room
        text: Shown.title
        strong: true
        role: Theme.compact && !single ? "lead" : "title"
        // A wide panel has one line for it: smaller letters come before a second line.
        readonly property bool single: !Theme.tall && shortest.advanceWidth <= title.room
        wrapMode: single ? Text.NoWrap : Text.WordWrap
        fontSizeMode: single ? Text.HorizontalFit : Text.FixedSize
        minimumPixelSize: shortest.font.pixelSize
        TextMetrics {
            id: shortest
            font.family: "Inter Display"
            font.weight: Font.DemiBold
            font.pixelSize: Theme.mm(Theme.compact ? 5.8 : 7.4)
            text: Shown.title
        }
    }
    TextMetrics {
        id: whole
        font: sentence.font
        text: Shown.title
    }
    Words {
        id: halves
        visible: false
        width: Math.min(title.room, Math.ceil(whole.advanceWidth * 0.62))
        text: Shown.title
        role: sentence.role
    }
    component Quiet: Words {
        text: Shown.subtitle
        role: Theme.tall || title.firm && !Theme.compact ? "body" : "note"
        strong: title.firm
        color: title.firm ? Theme.ink : Theme.ink2
    }
    Quiet {
        id: subtitle
        visible: title.beside && text !== ""
        anchors.right: badge.visible ? badge.left : parent.right
        anchors.rightMargin: badge.visible ? Theme.s(2) : 0
        y: Math.round((Theme.line("title") - height) / 2 + Theme.mm(0.4))
        wrapMode: Text.NoWrap
    }
    Quiet {
        id: below
        visible: title.second && (title.firm || !Theme.compact)
        anchors.left: sentence.left
        anchors.top: sentence.bottom
        anchors.topMargin: Theme.s(0.5)
        width: title.room
    }
    Rectangle {
        id: badge
        visible: Shown.badge !== ""
        anchors.right: parent.right
        y: Math.round((Theme.line("title") - height) / 2)
        width: Math.round(Theme.type("title") * 1.25)
        height: width
        radius: Theme.radius * 0.7
        color: Theme.badge
        Accessible.role: Accessible.StaticText
        Accessible.name: Shown.badge
        Words {
            anchors.centerIn: parent
            text: Shown.badge
            role: "title"
            color: Theme.badgeInk
            Accessible.ignored: true
        }
    }
}
