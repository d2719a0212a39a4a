import QtQuick
import PilePay
import PilePay.Shown

// Time that remains, in words and as a thin line that gets shorter once a second. Never red, never blinking.
Column {
    id: countdown
    property string role: Theme.tall ? "body" : "note"
    property bool thin: true            // with the line that gets shorter
    property int seconds: Shown.countdown.left
    spacing: Theme.s(0.7)
    visible: Shown.countdown.present
    Connections {
        target: Shown.countdown
        function onChanged(): void {
            countdown.seconds = Shown.countdown.left;
        }
    }
    Timer {
        interval: 1000
        repeat: true
        running: Shown.countdown.present && !Theme.still
        onTriggered: countdown.seconds = Math.max(0, countdown.seconds - 1)
    }
    Words {
        width: parent.width
        text: Shown.countdown.text
        role: countdown.role
        strong: true
    }
    Rectangle {
        visible: countdown.thin
        width: parent.width
        height: Theme.mm(1.2)
        radius: height / 2
        color: Theme.hair
        Rectangle {
            anchors.left: parent.left
            width: Math.round(parent.width * Math.min(1, countdown.seconds / Math.max(1, Shown.countdown.total)))
            height: parent.height
            radius: height / 2
            color: Theme.ink
        }
    }
}
