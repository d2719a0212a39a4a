import QtQuick
import QtQuick.Layouts
import PilePay

// A pictured way to do something. Outlined when it is a key, flat when it only says what to do.
Pressable {
    id: way
    required property string glyph
    required property string title
    required text
    required intent
    property bool small: false          // many words, no room
    property bool lying: false          // the picture stands beside the words
    readonly property bool offered: intent !== ""
    property bool inset: offered
    readonly property int pad: inset ? Theme.s(Theme.compact ? 1.4 : 2.4) : 0
    readonly property int art: Theme.mm(Theme.compact ? 12 : Theme.tall ? 22 : small ? 13 : lying ? 17 : 20)
    implicitHeight: Math.max(offered ? Theme.mm(15) : 0, content.implicitHeight + (offered && !(lying && Theme.compact) ? 2 * pad : 0))
    enabled: offered
    Accessible.role: offered ? Accessible.Button : Accessible.StaticText
    Accessible.name: text === "" ? title : title + ". " + text

    background: Rectangle {
        visible: way.offered
        radius: Theme.radius
        color: way.down ? Theme.mist : Theme.sheet
        border.width: Theme.stroke
        border.color: Theme.edge
    }
    contentItem: Item {
        id: content
        implicitHeight: way.lying ? Math.max(picture.visible ? way.art : 0, words.implicitHeight) : way.art + Theme.s(1.2) + words.implicitHeight
        Icon {
            id: picture
            visible: !(way.small && Theme.compact)
            anchors.left: parent.left
            anchors.leftMargin: way.pad + (way.lying || way.inset ? 0 : -Math.round(way.art * 0.09))
            y: way.lying ? (way.small ? 0 : Math.round((parent.height - height) / 2)) : way.offered ? way.pad : 0
            name: way.glyph
            size: way.art
            weight: 1.4
            color: Theme.energyText
        }
        ColumnLayout {
            id: words
            anchors.left: way.lying && picture.visible ? picture.right : parent.left
            anchors.leftMargin: way.lying && picture.visible ? Theme.s(2) : way.pad
            anchors.right: parent.right
            anchors.rightMargin: way.pad
            y: way.lying ? (way.small ? 0 : Math.round((parent.height - height) / 2)) : picture.y + picture.height + Theme.s(1.2)
            height: way.small && Theme.compact ? parent.height : implicitHeight
            spacing: 0
            Words {
                Layout.fillWidth: true
                text: way.title
                role: Theme.compact ? (way.lying ? "note" : "body") : "lead"
                strong: true
                Accessible.ignored: true
            }
            Words {
                visible: text !== "" && !(way.small && Theme.compact)
                Layout.fillWidth: true
                text: way.text
                role: Theme.compact || way.small && !Theme.tall ? "note" : "body"
                color: Theme.ink2
                Accessible.ignored: true
            }
            Words {
                visible: text !== "" && way.small && Theme.compact
                Layout.fillWidth: true
                Layout.fillHeight: true
                text: way.text
                role: "note"
                em: Theme.mm(4.1)
                verticalAlignment: Text.AlignTop
                Accessible.ignored: true
            }
        }
    }
}
