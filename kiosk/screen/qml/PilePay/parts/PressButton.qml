pragma ComponentBehavior: Bound
import QtQuick
import PilePay
import PilePay.Shown

// Outlined or solid means: press me. Nothing else on a page is outlined.
Pressable {
    id: button
    property string kind: "quiet"       // primary, quiet, stop, hold; chosen: one of several, and it is this one
    property string glyph: ""
    property string sub: ""
    property bool stacked: false        // the icon above its word
    property string role: Theme.tall ? "body" : "note"
    property real done: 0               // how much of the hold
    readonly property bool solid: kind === "primary"
    readonly property bool red: kind === "stop" || kind === "hold"
    readonly property bool behind: glyph === "right" && !stacked
    readonly property bool marked: kind === "chosen"
    property int pad: Theme.s(stacked ? 1.2 : 1.7)
    readonly property int least: face.least + 2 * pad       // its longest word still fits

    implicitHeight: Theme.touch
    implicitWidth: Math.max(Theme.touch, face.want + 2 * pad)
    held: kind === "hold"
    Accessible.name: sub === "" ? text : text + ", " + sub

    onDownChanged: if (held && down && Wish.open) {
        back.stop();
        forth.start();
    } else if (held) {
        forth.stop();
        back.start();
        Wish.touch();
    }
    NumberAnimation {
        id: forth
        target: button
        property: "done"
        to: 1
        duration: 1500 * (1 - button.done)
        onFinished: if (button.done === 1)
            button.ask()
    }
    NumberAnimation {
        id: back
        target: button
        property: "done"
        to: 0
        duration: 300 * button.done
    }

    component Sign: Icon {
        property int reach: 0
        filled: name === "stop" || name === "start"
        // The software scene graph draws a Shape unclipped when its clip ends before it begins.
        readonly property real start: mapToItem(button, Shown.rtl ? width : 0, 0).x
        opacity: (Shown.rtl ? button.width - start : start) < reach ? 1 : 0
    }
    component Face: Item {
        id: label
        property int reach: 1000000
        property color color: button.solid || button.marked ? Theme.goInk : button.red ? Theme.stop : Theme.ink
        readonly property string sign: button.waiting ? "clock" : button.glyph
        readonly property int signSize: sign === "" ? 0 : Math.round(Theme.type(button.stacked ? "note" : button.role) * 1.15)
        readonly property int between: sign === "" || button.stacked ? 0 : Theme.s(1.3)
        readonly property int want: Math.ceil(Math.max(words.implicitWidth, small.implicitWidth)) + (button.stacked ? 0 : signSize + between)
        // A call tells no binding that the font has changed since; the height does.
        readonly property real longest: measure.height > 0 ? Math.max(...button.text.split(" ").map(word => measure.advanceWidth(word))) : 0
        readonly property int least: Math.ceil(longest) + 2 + (button.stacked ? 0 : signSize + between)
        readonly property int room: width - 2 * button.pad - (button.stacked ? 0 : signSize + between)
        FontMetrics {
            id: measure
            font: words.font
        }
        Row {
            anchors.centerIn: parent
            spacing: label.between
            Sign {
                visible: label.sign !== "" && !button.behind && !button.stacked
                anchors.verticalCenter: parent.verticalCenter
                name: label.sign
                color: label.color
                size: label.signSize
                reach: label.reach
            }
            Column {
                anchors.verticalCenter: parent.verticalCenter
                Sign {
                    visible: label.sign !== "" && button.stacked && words.implicitWidth <= label.room + 1
                    anchors.horizontalCenter: parent.horizontalCenter
                    name: label.sign
                    color: label.color
                    size: label.signSize
                    reach: label.reach
                }
                Words {
                    id: words
                    x: small.visible ? 0 : Math.round((parent.width - width) / 2)
                    width: Math.min(Math.ceil(implicitWidth), label.room)
                    text: button.text
                    role: button.stacked ? "note" : button.role
                    strong: true
                    color: label.color
                    horizontalAlignment: label.sign === "" || button.stacked ? Text.AlignHCenter : Text.AlignLeft
                    Accessible.ignored: true
                }
                Words {
                    id: small
                    visible: text !== "" && !button.stacked
                    width: Math.min(Math.ceil(implicitWidth), label.room)
                    text: button.sub
                    role: "note"
                    color: button.kind === "quiet" ? Theme.ink2 : label.color
                    Accessible.ignored: true
                }
            }
            Sign {
                visible: label.sign !== "" && button.behind
                anchors.verticalCenter: parent.verticalCenter
                name: label.sign
                color: label.color
                size: label.signSize
                reach: label.reach
            }
        }
    }

    background: Rectangle {
        radius: Theme.radius
        color: button.solid || button.marked ? (button.down || button.asked ? Qt.darker(Theme.go, Theme.night ? 1.15 : 1.3) : Theme.go) : button.kind !== "hold" && (button.down || button.asked) ? Theme.mist : Theme.sheet
        border.width: button.solid || button.marked ? 0 : Theme.stroke
        border.color: button.red ? Theme.stop : Theme.edge
    }
    contentItem: Item {
        Face {
            id: face
            anchors.fill: parent
        }
        // Hold to confirm: the same label, inverted, under a growing fill.
        Item {
            id: fill
            visible: width > 1
            clip: true
            anchors.left: parent.left
            width: Math.round(parent.width * button.done)
            height: parent.height
            Rectangle {
                anchors.left: parent.left
                width: face.width
                height: parent.height
                radius: Theme.radius
                color: Theme.stop
            }
            Face {
                anchors.left: parent.left
                width: face.width
                height: parent.height
                reach: fill.width
                color: Theme.stopInk
            }
        }
    }
}
