import QtQuick
import PilePay

// A pictured way to do something. Outlined when it is a key, flat when it only says what to do.
Pressable {
    id: way
    required property string glyph
    required property string title
    required text
    required intent
    property bool lying: false          // the picture stands beside the words
    readonly property bool offered: intent !== ""
    property bool inset: offered
    readonly property int pad: inset ? Theme.s(Theme.compact ? 1.4 : 2.4) : 0
    readonly property int art: Theme.mm(Theme.compact ? 12 : Theme.tall ? 22 : lying ? 17 : 20)
    implicitHeight: Math.max(offered ? Theme.mm(15) : 0, content.implicitHeight + (offered && !(lying && Theme.compact) ? 2 * pad : 0))
    enabled: offered
    Accessible.role: offered ? Accessible.Button : Accessible.StaticText
    Accessible.name: title + ". " + text

    background: Rectangle {
        visible: way.offered
        radius: Theme.radius
        color: way.down ? Theme.mist : Theme.sheet
        border.width: Theme.stroke
        border.color: Theme.edge
    }
    contentItem: Item {
        id: content
        implicitHeight: way.lying ? Math.max(way.art, words.implicitHeight) : way.art + Theme.s(1.4) + words.implicitHeight
        Icon {
            id: picture
            anchors.left: parent.left
            anchors.leftMargin: way.pad + (way.lying || way.inset ? 0 : -Math.round(way.art * 0.09))
            y: way.lying ? Math.round((parent.height - height) / 2) : way.offered ? way.pad : 0
            name: way.glyph
            size: way.art
            weight: 1.4
            color: Theme.energyText
        }
        Column {
            id: words
            anchors.left: way.lying ? picture.right : parent.left
            anchors.leftMargin: way.lying ? Theme.s(2) : way.pad
            anchors.right: parent.right
            anchors.rightMargin: way.pad
            y: way.lying ? Math.round((parent.height - height) / 2) : picture.y + picture.height + Theme.s(1.2)
            Words {
                width: parent.width
                text: way.title
                role: Theme.compact ? (way.lying ? "note" : "body") : "lead"
                strong: true
                Accessible.ignored: true
            }
            Words {
                width: parent.width
                text: way.text
                role: Theme.compact ? "note" : "body"
                color: Theme.ink2
                Accessible.ignored: true
            }
        }
    }
}
